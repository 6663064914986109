"""The measures that an audit takes of a clip, all at one sight of its points."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ademan.clip import PLACES, Coordinates, Points, Times, is_seen, mean_of_seen
from ademan.datasets.duplicates import Fingerprint, Fingerprinter, centre
from ademan.datasets.table import Ints
from ademan.skeleton import Skeleton

FAR_OUTSIDE = 1.0
"""Heights of the picture beyond its edge. Landmarkers guess at limbs just outside, and are right up to there."""

WIDEST_PICTURE = 2.4
"""Width by height of the widest cameras: what is expected of x where the size of the picture is not known."""

FARTHEST_METRES = 20.0
"""No sensor of skeletons sees farther; larger values are millimetres or pixels."""


@dataclass(frozen=True, eq=False)
class Measures:
    """What is kept of one clip.

    Args:
        points: (parts,) points of each part, over all frames.
        unseen: (parts,) those that were not seen.
        gap_ms: longest time between two sightings of a part.
        duration_ms: from the first frame to the last.
        step_ms: median time between frames; 0 for a single frame.
        outside: points far out of the range that is expected of places.
        movement: how far points leave their mean place, as a share of the clip's size; NaN if seen once only.
        fingerprint: to find clips that are almost the same.
    """

    points: Ints
    unseen: Ints
    gap_ms: float
    duration_ms: float
    step_ms: float
    outside: int
    movement: float
    fingerprint: Fingerprint

    @property
    def lacking(self) -> tuple[int, int]:
        """Points that were not seen, and all points, of the parts that are used in this clip."""
        used = self.unseen < self.points
        return int(self.unseen[used].sum()), int(self.points[used].sum())


class Gauge:
    """Takes the measures of clips; holds what is the same for all clips of a dataset.

    Args:
        skeleton: its parts are measured one by one; points outside all of them are "other points".
        coordinates: of the clips.
        channels: coordinates of a point.
    """

    def __init__(self, skeleton: Skeleton, coordinates: Coordinates, channels: int) -> None:
        self.coordinates = coordinates
        self.fingerprinter = Fingerprinter(skeleton, channels)
        self.parts = {part.name: list(part.points) for part in skeleton.parts}
        other = sorted(set(range(len(skeleton))) - {i for points in self.parts.values() for i in points})
        if other:
            self.parts["other points"] = other

    def measure(self, points: Points, times: Times, image_wh: Ints) -> Measures:
        """Return the measures of a clip; image_wh is (2,), zeros if unknown."""
        seen = is_seen(points)
        step_ms = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        return Measures(
            points=np.array([len(part) * len(points) for part in self.parts.values()]),
            unseen=np.array([(~seen[:, part]).sum() for part in self.parts.values()]),
            gap_ms=max(_gap_ms(times[seen[:, part].any(axis=1)], step_ms) for part in self.parts.values()),
            duration_ms=float(times[-1] - times[0]),
            step_ms=step_ms,
            outside=self._outside(points, image_wh),
            movement=_movement(points, seen),
            fingerprint=self.fingerprinter.take(points, times),
        )

    def _outside(self, points: Points, image_wh: Ints) -> int:
        if self.coordinates not in PLACES:
            return 0
        if self.coordinates == "metres":
            return int((np.abs(points) > FARTHEST_METRES).any(axis=2).sum())
        w, h = image_wh.tolist()
        width = 1.0 if self.coordinates == "fraction" else w / h if h else WIDEST_PICTURE
        high = np.array([width + FAR_OUTSIDE, 1 + FAR_OUTSIDE])
        return int(((points[..., :2] < -FAR_OUTSIDE) | (points[..., :2] > high)).any(axis=2).sum())


def _movement(points: Points, seen: NDArray[np.bool_]) -> float:
    """Return the root mean square distance of points from their mean places, as a share of the clip's size."""
    around, size = centre(points, seen)
    twice = seen & (seen.sum(axis=0) > 1)
    if not (size and twice.any()):
        return float("nan")
    away = (around - mean_of_seen(around, axis=0))[twice]
    return float(np.sqrt((away**2).sum(axis=1).mean())) / size


def _gap_ms(sightings_ms: Times, step_ms: float) -> float:
    """Return the longest time between sightings, 0 if no frame is missed between any two."""
    gap = float(np.diff(sightings_ms).max(initial=0.0))
    return gap if gap > 1.5 * step_ms else 0.0
