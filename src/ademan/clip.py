"""Clips: one recording of one gesture or action, as points in time, or as what else a network sees of its pictures."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ademan.errors import ClipError
from ademan.skeleton import Skeleton

Points: TypeAlias = NDArray[np.float32]
"""(T, P, C): frames, points, coordinates; NaN where a point was not seen.

Where a network learns from pictures, these are channels of an embedding and its numbers, or rows of a picture and
what stands in them; see `Coordinates`.
"""

Times: TypeAlias = NDArray[np.float64]
"""(T,): milliseconds, rising."""

Coordinates = Literal["square", "fraction", "metres", "embedding", "pixels"]
"""What one unit is.

square: the image's height, x and y (and z) alike, y down; origin at the top left.
fraction: x of the width, y of the height, y down: for sets whose image shape is unknown.
metres: a sensor's own space, or any other whose axes are alike; the origin is the sensor's.
embedding: no place at all: P channels, C numbers each, of networks that look at pictures.
pixels: no place either: the P rows of a picture, each with C = width x colours values from 0 to 255.
"""

PLACES: tuple[Coordinates, ...] = ("square", "fraction", "metres")
"""Coordinates that are places, in two or three dimensions: points can be drawn, turned and joined by limbs."""

MAX_GAP_MS = 250.0
"""A point unseen for longer than this stays missing when a clip is resampled.

A quarter of a second is shorter than the strokes of a gesture: within it a straight line between two sightings
is a fair guess, beyond it motion would be invented. Recordings slower than 6 frames a second get 1.5 frames.
"""

_FEW_GROUPS = 4  # of neighbouring points; up to so many it is faster to go from one to the next

SAME_TIME_MS = 1e-3
"""Times this near to each other are one: a clock that counts from 1970 is rounded to 0.0003 ms in float64."""


@dataclass(frozen=True, eq=False)
class Clip:
    """One recording: points in time, and who made it and when.

    Args:
        points: (T, P, C) float32, C is 2 or 3 for places; NaN where a point was not seen.
        timestamps_ms: (T,) float64, rising.
        skeleton: names the P points.
        id: unique in a dataset.
        label: the gesture's name, if known.
        subject: who is seen; clips of one person share it.
        session: what was recorded in one go; clips of one session share it.
        source: the file that it came from.
        image_wh: width and height of the pictures in pixels, if known.
        coordinates: what one unit of the points is.

    Raises:
        ClipError: a wrong shape, no frame, infinite values, times that do not rise, or a picture without a size.
    """

    points: Points
    timestamps_ms: Times
    skeleton: Skeleton
    id: str = ""
    label: str | None = None
    subject: str | None = None
    session: str | None = None
    source: str | None = None
    image_wh: tuple[int, int] | None = None
    coordinates: Coordinates = "square"

    def __post_init__(self) -> None:
        points = np.asarray(self.points, np.float32)
        times = np.asarray(self.timestamps_ms, np.float64)
        object.__setattr__(self, "points", points)
        object.__setattr__(self, "timestamps_ms", times)
        self._check_points(points)
        if times.shape != points.shape[:1]:
            raise ClipError(f"{self.name} has {len(points)} frames and timestamps of shape {times.shape}.")
        if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
            raise ClipError(f"{self.name}: timestamps must be finite and rise from frame to frame; they do not.")
        if self.image_wh is not None and not min(self.image_wh) > 0:
            raise ClipError(
                f"{self.name}: width and height of the pictures must be above zero, found "
                f"{self.image_wh[0]} x {self.image_wh[1]}. Leave image_wh out where they are not known."
            )

    def _check_points(self, points: Points) -> None:
        expected = "2 or 3" if self.coordinates in PLACES else "C"
        if points.ndim != 3 or not is_dimension(points.shape[2], self.coordinates):
            raise ClipError(f"{self.name}: expected points of shape (T, P, {expected}), found {points.shape}.")
        if points.shape[1] != len(self.skeleton):
            raise ClipError(
                f"{self.name} has {points.shape[1]} points a frame; "
                f"skeleton '{self.skeleton.name}' has {len(self.skeleton)}."
            )
        if len(points) == 0:
            raise ClipError(f"{self.name} has no frame.")
        if np.isinf(points).any():
            raise ClipError(f"{self.name} has infinite values; a point that was not seen is NaN.")

    def __len__(self) -> int:
        return len(self.points)

    @property
    def name(self) -> str:
        """How messages call this clip."""
        return f"clip '{self.id}'" if self.id else "the clip"

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(T, P): whether a point was seen, that is, has all its coordinates."""
        return is_seen(self.points)

    @property
    def duration_ms(self) -> float:
        """Time from the first frame to the last, 0 for a single frame."""
        return float(self.timestamps_ms[-1] - self.timestamps_ms[0])


def is_dimension(channels: int, coordinates: str) -> bool:
    """Return whether a point may have so many numbers: two or three if it has a place."""
    return channels in (2, 3) if coordinates in PLACES else channels > 0


def is_seen(points: Points) -> NDArray[np.bool_]:
    """Return (T, P): whether a point (T, P, C) was seen, that is, has all its coordinates."""
    if points.shape[2] > 3:
        return np.asarray(~np.isnan(points).any(axis=2))
    missing = np.isnan(points[..., 0])
    for c in range(1, points.shape[2]):  # three times as fast as `any` over so short an axis
        missing |= np.isnan(points[..., c])
    return np.asarray(~missing)


def as_fractions(points: Points, image_wh: tuple[int, int]) -> Points:
    """Return square points (..., C) as fractions: x of the width, y of the height, and z, as MediaPipe has it, as x."""
    scale = np.ones(points.shape[-1], np.float32)
    scale[::2] = image_wh[1] / image_wh[0]
    return np.asarray(points * scale, np.float32)


def as_square(points: Points, image_wh: tuple[int, int]) -> Points:
    """Return fractions (..., C), as MediaPipe has them, in units of the height; undoes `as_fractions`."""
    scale = np.ones(points.shape[-1], np.float32)
    scale[::2] = image_wh[0] / image_wh[1]
    return np.asarray(points * scale, np.float32)


def mean_of_seen(points: Points, axis: int) -> Points:
    """Return the mean over an axis of what is not NaN; NaN where all of it is."""
    seen = ~np.isnan(points)
    count = seen.sum(axis=axis)
    total = np.where(seen, points, 0).sum(axis=axis)
    return np.asarray(total / np.where(count > 0, count, np.nan), np.float32)


def times_at(fps: float, frames: int) -> Times:
    """Return the timestamps of frames at a constant rate, from 0 ms on."""
    return np.arange(frames, dtype=np.float64) * (1000.0 / fps)


def frames_within(duration_ms: float, fps: float) -> int:
    """Return how many frames at a constant rate a duration holds, those at both of its ends included."""
    return 1 + int(np.floor((duration_ms + SAME_TIME_MS) * fps / 1000.0))


def mirror(clip: Clip) -> Clip:
    """Return the clip as a mirror shows it: x turned round, left and right exchanged.

    Square coordinates need the image's width for it, unless it is unknown: then x is turned round at the middle of
    the points that are seen, so that the clip stays in its place.
    """
    points = clip.points[:, list(clip.skeleton.mirror)].copy()
    points[..., 0] = _mirror_line(clip) - points[..., 0]
    return replace(clip, points=points)


def _mirror_line(clip: Clip) -> float:
    """Return the sum of an x and its mirror image."""
    if clip.coordinates == "metres":
        return 0.0
    if clip.coordinates == "fraction":
        return 1.0
    if clip.image_wh:
        return clip.image_wh[0] / clip.image_wh[1]
    x = clip.points[..., 0]
    return float(np.nanmin(x) + np.nanmax(x)) if not np.isnan(x).all() else 1.0


def resample(clip: Clip, fps: float) -> Clip:
    """Return the clip at a constant frame rate.

    Gaps longer than MAX_GAP_MS stay missing; motion is never invented.

    Args:
        clip: any clip.
        fps: frames per second, above zero.

    Raises:
        ClipError: fps is not above zero, or infinite.
    """
    if not 0 < fps < np.inf:
        raise ClipError(f"{clip.name}: frames per second must be above zero and finite, found {fps}.")
    times = clip.timestamps_ms[0] + times_at(fps, frames_within(clip.duration_ms, fps))
    return replace(clip, points=points_at(clip.points, clip.timestamps_ms, times), timestamps_ms=times)


def points_at(points: Points, timestamps_ms: Times, wanted_ms: Times) -> Points:
    """Return the points at other times, on straight lines between the sightings around them.

    Each point is followed by itself: one that was missed for a frame is read off the line between its sightings
    before and after, if they are at most MAX_GAP_MS apart. Elsewhere it is missing, except within half a frame of
    a sighting, so that nothing is lost to rounding.

    Args:
        points: (T, P, C), NaN where not seen.
        timestamps_ms: (T,), rising.
        wanted_ms: (S,), in any order.

    Returns:
        (S, P, C) float32.
    """
    step_ms = _median(np.diff(timestamps_ms)) if len(points) > 1 else 0.0
    seen = is_seen(points)
    # Neighbours that are seen in the same frames, as those of a hand mostly are, are followed together.
    begins = np.ones(seen.shape[1], bool)
    np.any(seen[:, 1:] != seen[:, :-1], axis=0, out=begins[1:])
    seen, group = seen[:, begins], np.cumsum(begins) - 1
    left, right = _sightings_around(seen, timestamps_ms, wanted_ms)
    left_ms, right_ms, wanted = timestamps_ms[left], timestamps_ms[right], wanted_ms[:, None]
    gap = right_ms - left_ms
    weight = np.where(gap > 0, (wanted - left_ms) / np.where(gap > 0, gap, 1.0), 0.0)
    wide = gap > max(MAX_GAP_MS, 1.5 * step_ms) + SAME_TIME_MS
    weight = np.where(wide, np.round(weight), weight)
    nearest = np.minimum(np.abs(wanted - left_ms), np.abs(wanted - right_ms))
    known = ((gap > 0) & ~wide) | (nearest <= 0.5 * step_ms + SAME_TIME_MS)
    known &= seen.any(axis=0)
    weight[~known] = np.nan
    return _between(points, left, right, weight, group)


def nearest_at(points: Points, timestamps_ms: Times, wanted_ms: Times) -> Points:
    """Return, for each of some times (S,), the frame (P, C) that is nearest to it, of points (T, P, C): (S, P, C)."""
    after = np.searchsorted(timestamps_ms, wanted_ms).clip(0, len(points) - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(timestamps_ms[before] - wanted_ms) < np.abs(timestamps_ms[after] - wanted_ms)
    return points[np.where(nearer, before, after)]


def _between(
    points: Points,
    left: NDArray[np.intp],
    right: NDArray[np.intp],
    weight: NDArray[np.float64],
    group: NDArray[np.intp],
) -> Points:
    """Return points (S, P, C) between two frames of each group: left and right (S, G), at a weight (S, G) for right."""
    if left.shape[1] <= _FEW_GROUPS:
        ends = np.searchsorted(group, np.arange(left.shape[1] + 1)).tolist()
        line = np.empty((len(left), *points.shape[1:]), np.float32)
        for g, (a, b) in enumerate(pairwise(ends)):
            w = weight[:, g, None, None]
            line[:, a:b] = (
                points[:, a:b].take(left[:, g], axis=0) * (1 - w) + points[:, a:b].take(right[:, g], axis=0) * w
            )
        return line
    T, P, C = points.shape
    flat, point, w = points.reshape(T * P, C), np.arange(P), weight[:, group, None]
    before, after = flat.take(left[:, group] * P + point, axis=0), flat.take(right[:, group] * P + point, axis=0)
    return np.asarray(before * (1 - w) + after * w, np.float32)


def _median(values: Times) -> float:
    """Return the median of a few values; np.median takes ten times as long to find what to do."""
    ordered, middle = np.sort(values), len(values) // 2
    return float(ordered[middle] if len(values) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def _sightings_around(
    seen: NDArray[np.bool_], timestamps_ms: Times, wanted_ms: Times
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the frames (S, P) in which each point was seen last before, and next after, each wanted time.

    Where there is no sighting on one side, it is the nearest one on the other; 0 for a point that is never seen.
    """
    T = len(seen)
    frame = np.arange(T)[:, None]
    before = np.maximum.accumulate(np.where(seen, frame, -1))
    after = np.minimum.accumulate(np.where(seen, frame, T)[::-1])[::-1]
    last = np.searchsorted(timestamps_ms, wanted_ms, side="right") - 1
    first = np.searchsorted(timestamps_ms, wanted_ms, side="left")
    left = np.where((last >= 0)[:, None], before[last], -1)
    right = np.where((first < T)[:, None], after[np.minimum(first, T - 1)], T)
    left, right = np.where(left < 0, after[0], left), np.where(right >= T, before[-1], right)
    return np.where(left < T, left, 0), np.maximum(right, 0)
