"""Made-up clips with true lengths: those of the first five classes of UCF101."""

import csv
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ademan.clip import Clip, times_at
from ademan.skeleton import Skeleton

CLASSES = 5
_DATA = Path(os.environ.get("ADEMAN_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
_TABLE = _DATA / "ucf101_2d_metadata.csv"
_COUNTS = (145, 114, 145, 132, 108)
_QUANTILES = (50, 84, 94, 100, 107, 111, 116, 124, 129, 139, 144, 155, 163, 172, 179, 190, 202, 214, 234, 263, 556)
"""Clips of each class, and every twentieth of the distribution of their frames.

Source: the field `total_frames` of the classes 0 to 4 (ApplyEyeMakeup to BalanceBeam) of `ucf101_2d.pkl`, the 2D
skeletons of UCF101 that PYSKL publishes.
"""


def lengths() -> list[tuple[int, int]]:
    """Return class and number of frames of each clip: from the table if it is there, or else like it."""
    if _TABLE.is_file():
        with _TABLE.open(newline="") as file:
            rows = [(int(row["label"]), int(row["total_frames"])) for row in csv.DictReader(file)]
        return [row for row in rows if row[0] < CLASSES]
    labels = np.repeat(np.arange(CLASSES), _COUNTS)
    frames = np.interp(np.linspace(0, 1, len(labels)), np.linspace(0, 1, len(_QUANTILES)), _QUANTILES)
    shuffled = np.random.default_rng(0).permutation(frames.round().astype(int))
    return list(zip(labels.tolist(), shuffled.tolist(), strict=True))


def clip(skeleton: Skeleton, channels: int, frames: int, rng: np.random.Generator, name: str, label: int = 0) -> Clip:
    """Return points that wander about, a few of them missing."""
    shape = (frames, len(skeleton), channels)
    points = rng.uniform(0.2, 0.8, (1, *shape[1:])) + rng.normal(0, 0.01, shape).cumsum(axis=0)
    points[rng.random(shape[:2]) < 0.02] = np.nan
    return Clip(points.astype(np.float32), times_at(25, frames), skeleton, id=name, label=f"action {label}")


def clips(skeleton: Skeleton, channels: int, table: list[tuple[int, int]]) -> Iterator[Clip]:
    """Yield a clip for each class and number of frames."""
    rng = np.random.default_rng(1)
    for i, (label, frames) in enumerate(table):
        yield clip(skeleton, channels, frames, rng, str(i), label)
