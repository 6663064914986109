"""Training clips cut out of streams just as the recogniser will see them: a window that slides over everything."""

from collections.abc import Iterator

import numpy as np

from ademan.clip import Clip
from ademan.skeleton import skeleton
from ademan.synthetic import IDLE, Person, Recording

WINDOW_MS = 2400.0
_STEP_MS, _JITTER_MS = 250.0, 80.0
_DONE = 0.75  # a window shows a gesture when it holds this share of it ...
_AFTER_MS = 400.0  # ... and the gesture ended at most this long before the window did
_BEGUN = 0.25  # with more than this share of a gesture, it is not idle either, and not used
_IDLE_KEPT = 0.35  # most of a stream is idle: this share of its windows is enough
_FEWEST_FRAMES = 5
_HANDS = skeleton("hands")


def excerpts(recording: Recording, person: Person, rng: np.random.Generator) -> Iterator[Clip]:
    """Yield windows of a recording as labelled clips; those that show neither a gesture nor idle are left out."""
    times = recording.timestamps_ms
    for end_ms in np.arange(WINDOW_MS / 2, times[-1], _STEP_MS) + rng.uniform(-_JITTER_MS, _JITTER_MS):
        label = label_of(recording, end_ms)
        inside = (times > end_ms - WINDOW_MS) & (times <= end_ms)
        if label is None or inside.sum() < _FEWEST_FRAMES or (label == IDLE and rng.random() > _IDLE_KEPT):
            continue
        points = recording.points[inside]
        if not np.isnan(points).all():
            name = f"{person.name}_{end_ms:06.0f}"
            yield Clip(points, times[inside], _HANDS, name, label, person.name, image_wh=recording.image_wh)


def label_of(recording: Recording, end_ms: float) -> str | None:
    """Return what the window that ends at a time shows; None if that is open to dispute."""
    label: str | None = IDLE
    for gesture in recording.intervals:
        inside_ms = min(end_ms, gesture.end_ms) - max(end_ms - WINDOW_MS, gesture.start_ms)
        share = inside_ms / (gesture.end_ms - gesture.start_ms)
        if share >= _DONE and end_ms <= gesture.end_ms + _AFTER_MS:
            return gesture.label
        if share > _BEGUN:
            label = None
    return label
