"""Small parts for the tests of what is live: a film, a landmarker that needs no network, a classifier."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ademan.clip import Points
from ademan.recognition import Classifier
from ademan.skeleton import Skeleton, skeleton
from ademan.video import Frame


class Film:
    """Frames of noise at some times."""

    name = "film"

    def __init__(self, times_ms: list[float], size_wh: tuple[int, int] = (64, 48)) -> None:
        rng = np.random.default_rng(0)
        self.frames = [Frame(rng.integers(0, 256, (*size_wh[::-1], 3), np.uint8), time_ms) for time_ms in times_ms]
        self.closed = False

    def __iter__(self) -> Iterator[Frame]:
        return iter(self.frames)

    def close(self) -> None:
        self.closed = True


class Dot:
    """A landmarker that finds all points in the middle of the picture."""

    def __init__(self) -> None:
        self.closed = False

    @property
    def skeleton(self) -> Skeleton:
        return skeleton("hands")

    def find(self, frame: Frame) -> Points:
        width, height = frame.size_wh
        spread = np.linspace(-0.1, 0.1, 42, dtype=np.float32)
        return np.stack([width / height / 2 + spread, 0.5 + spread, 0 * spread], axis=1)

    def reset(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def classifier(small_bundle: Path) -> Classifier:
    return Classifier(small_bundle)
