"""A classifier that reads its probabilities off the points, and recordings written for it."""

from collections.abc import Sequence

import numpy as np

from ademan.clip import Clip, Points, times_at
from ademan.recognition import Classifier
from ademan.recognition.classifier import Probabilities
from ademan.skeleton import skeleton

FPS = 20.0


class Reading(Classifier):
    """Labels a, b and idle: the first point of a window's last frame has the probabilities of a and b."""

    def probabilities(self, windows: Points) -> Probabilities:
        a, b = np.nan_to_num(windows[:, -1, 0]).T
        return np.stack([a, b, 1 - a - b], axis=1).astype(np.float32)

    def _replay(self) -> float:
        return 0.0  # the golden vectors are the graph's


def written(*parts: tuple[float, float, float], label: str | None = None, name: str = "stream") -> Clip:
    """Return a recording of parts, each of so many seconds with probabilities of a and b."""
    rows = [(a, b) for seconds, a, b in parts for _ in range(round(seconds * FPS))]
    return clip_of(rows, label, name)


def clip_of(rows: Sequence[tuple[float, float]], label: str | None = None, name: str = "stream") -> Clip:
    """Return a recording whose frames say these probabilities of a and b."""
    points = np.zeros((len(rows), 42, 2), np.float32)
    points[:, 0] = rows
    return Clip(points, times_at(FPS, len(rows)), skeleton("hands"), name, label)
