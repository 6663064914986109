"""Near-duplicates: clips that are almost the same recording and yet said to be of something, or someone, else.

They are found in two ways, since each misses what the other finds:

    shared frames   clips that have at least SHARED_FRAMES of their frames in common, bit for bit: copies under another
                    label, overlapping windows of one recording, copies that were trimmed or thinned out
    alike           clips that differ by SAME of their size or less, when both are centred, scaled and followed from
                    beginning to end: copies that were moved, scaled, played faster, or extracted a second time

A trimmed copy that was also altered is found by neither.

Each clip is read once for its fingerprint, a few hundred bytes and eight bytes a frame; only where two fingerprints
are near to each other are the clips read again and compared point by point.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Points, Times, is_seen, mean_of_seen, points_at
from ademan.datasets.file import Dataset
from ademan.datasets.findings import MAX_LISTED, Duplicate, Duplicates
from ademan.datasets.table import NO_LABEL, Ints, Strings
from ademan.skeleton import Skeleton

Bools = NDArray[np.bool_]
Hashes = NDArray[np.uint64]
Pairs = dict[tuple[int, int], float]
"""Two indices of clips, the lower one first, and the share of frames that they have in common."""
Sides = dict[str, Ints]
"""For each way in which two clips can be apart a number of each clip (N,): it differs, and -1 is unknown."""

SAME = 0.03
"""Two clips are alike when their points differ by this share of the clips' size (both root mean squares) or less.

Measured on six public sets of hands, bodies and sensors: noise as between two landmarkers on one picture (0.0023 of its
height) makes a difference of 0.002 to 0.022 in the median. The most alike of all real repetitions differ by 0.030 where
one person repeats one gesture, by 0.069 between two people, by 0.080 between two gestures.
A clip none of whose points leaves its mean place by more than this share is still: landmarks tremble as much.
"""

SHARED_FRAMES = 0.5
"""Share of the shorter clip's frames. Sensors repeat single frames by chance; half a recording is no chance."""

MAX_CHECKED = 2000
"""Pairs that are compared point by point, the most alike first: some seconds."""

_MAX_SHARING = 20  # clips with one and the same frame; beyond, it is a default pose of the sensor
_COMPARED_FRAMES = 64  # of two clips, at most
_DESCRIPTOR_FRAMES = 8
_DESCRIPTOR_SIZE = 128
_SLACK = 1.3  # projecting to 128 numbers changes a distance by 6 % (one standard deviation): nothing alike is lost
_BLOCK = 512  # clips that are compared with all others at once: 27 MB for 13,000 clips


@dataclass(frozen=True, eq=False)
class Fingerprint:
    """What is kept of a clip to find others like it.

    Args:
        descriptor: (128,) near to those of clips that are alike; zeros if nothing can be said.
        frames: one number for each different frame, the same for the same points.
    """

    descriptor: NDArray[np.float32]
    frames: Hashes


class Fingerprinter:
    """Takes fingerprints; holds what is the same for all clips of a dataset."""

    def __init__(self, skeleton: Skeleton, channels: int) -> None:
        rng = np.random.default_rng(0)
        numbers = _DESCRIPTOR_FRAMES * len(skeleton) * channels
        spread = 1 / np.sqrt(_DESCRIPTOR_SIZE * _DESCRIPTOR_FRAMES * len(skeleton))
        # Johnson and Lindenstrauss: a random projection keeps distances, whatever the data.
        self.projection = rng.normal(0, spread, (numbers, _DESCRIPTOR_SIZE)).astype(np.float32)
        self.multipliers = rng.integers(1, 2**64, len(skeleton) * channels, np.uint64)

    def take(self, points: Points, times: Times) -> Fingerprint:
        """Return the fingerprint of a clip."""
        seen = is_seen(points)
        around, size = centre(points, seen)
        frames = np.unique(self._hashes(points[seen.any(axis=1)]))
        return Fingerprint(self._descriptor(around / (size or 1.0), times), frames)

    def _descriptor(self, points: Points, times: Times) -> NDArray[np.float32]:
        frames = points_at(points, times, np.linspace(times[0], times[-1], _DESCRIPTOR_FRAMES))
        filled = np.nan_to_num(np.where(np.isnan(frames), mean_of_seen(points, axis=0), frames))
        return np.asarray(filled.ravel() @ self.projection, np.float32)

    def _hashes(self, points: Points) -> Hashes:
        bits = np.nan_to_num(points, nan=0.0).reshape(len(points), len(self.multipliers)).view(np.uint32)
        return np.asarray(bits.astype(np.uint64) @ self.multipliers, np.uint64)


def centre(points: Points, seen: Bools) -> tuple[Points, float]:
    """Return the points around their mean over all frames, and their root mean square distance from it.

    Args:
        points: (T, P, C).
        seen: (T, P), the points that count; where there are none, the size is 0.
    """
    if not seen.any():
        return points, 0.0
    middle = points[seen].mean(axis=0, dtype=np.float64).astype(np.float32)
    around = points - middle
    return around, float(np.sqrt((around[seen] ** 2).sum(axis=1).mean()))


def find_duplicates(dataset: Dataset, fingerprints: Sequence[Fingerprint]) -> Duplicates:
    """Return the near-duplicates that differ in label or group, or are on both sides of a split.

    Args:
        dataset: clips that may be the same are read again.
        fingerprints: of all its clips, in order.

    Raises:
        DatasetError: a part of the file is damaged.
    """
    sides = _sides(dataset)
    pairs = _sharing_frames([fingerprint.frames for fingerprint in fingerprints], sides)
    alike, unchecked = _alike(np.array([fingerprint.descriptor for fingerprint in fingerprints]), sides)
    for pair in alike:
        pairs.setdefault(pair, 0.0)
    checked = [_check(dataset, pair, shared, sides) for pair, shared in list(pairs.items())[:MAX_CHECKED]]
    found = [duplicate for duplicate in checked if duplicate]
    found.sort(key=lambda pair: (-pair.shared_frames, 1.0 if pair.difference is None else pair.difference))
    reasons = [reason for pair in found for reason in pair.apart]
    return Duplicates(
        count=len(found),
        by_apart={reason: reasons.count(reason) for reason in sides if reason in reasons},
        pairs=tuple(found[:MAX_LISTED]),
        unchecked=unchecked + max(0, len(pairs) - MAX_CHECKED),
    )


def _sides(dataset: Dataset) -> Sides:
    table = dataset.table
    sides = {"label": table.labels, "subject": _numbered(table.subjects), "session": _numbered(table.sessions)}
    for name, parts in dataset.splits.items():
        side = sides[f"split {name}"] = np.full(len(table), -1)
        for k, indices in enumerate(parts.values()):
            side[indices] = k
    if not (table.knows("subject") or table.knows("session")):
        sides["random split"] = np.arange(len(table))
    return sides


def _numbered(names: Strings) -> Ints:
    return np.where(names == "", -1, np.unique(names, return_inverse=True)[1])


def _are_apart(sides: Sides, a: Ints, b: Ints) -> Bools:
    """Return whether the clips of each pair differ in anything that matters."""
    result = np.zeros(len(a), bool)
    for side in sides.values():
        result |= (side[a] != side[b]) & (side[a] >= 0) & (side[b] >= 0)
    return result


def _sharing_frames(frames: list[Hashes], sides: Sides) -> Pairs:
    """Return the pairs that are apart and have SHARED_FRAMES in common."""
    pair, common = _common_frames(frames)
    a, b = pair
    shorter = np.array([len(own) for own in frames])[pair].min(axis=0)
    share = common / shorter
    chosen = (share >= SHARED_FRAMES) & _are_apart(sides, a, b)
    return {(int(a[k]), int(b[k])): float(share[k]) for k in np.flatnonzero(chosen)}


def _common_frames(frames: list[Hashes]) -> tuple[Ints, Ints]:
    """Return the pairs of clips (2, pairs) that share any frame, and how many each pair shares."""
    N = len(frames)
    clip, frame = _by_frame(frames)
    both = [np.zeros(0, np.int64)]
    for lag in range(1, min(_MAX_SHARING, len(frame))):
        same = np.flatnonzero(frame[lag:] == frame[:-lag])
        both.append(clip[same] * N + clip[same + lag])
    pair, common = np.unique(np.concatenate(both), return_counts=True)
    return np.stack([pair // N, pair % N]), common


def _by_frame(frames: list[Hashes]) -> tuple[Ints, Hashes]:
    """Return all frames and whose they are, the same ones side by side, without those that too many clips have."""
    clip = np.repeat(np.arange(len(frames)), [len(own) for own in frames])
    frame = np.concatenate(frames)
    order = np.lexsort((clip, frame))
    clip, frame = clip[order], frame[order]
    _, count = np.unique(frame, return_counts=True)
    usual = np.repeat(count <= _MAX_SHARING, count)
    return clip[usual], frame[usual]


def _alike(descriptors: NDArray[np.float32], sides: Sides) -> tuple[list[tuple[int, int]], int]:
    """Return up to MAX_CHECKED pairs that are apart and may be alike, nearest first, and how many more there are."""
    square = (descriptors**2).sum(axis=1)
    square[square == 0] = np.inf  # cannot be compared: near to none
    best = np.zeros((0, 3))
    found = 0
    for start in range(0, len(descriptors), _BLOCK):
        block = slice(start, start + _BLOCK)
        distance = square[block, None] + square[start:] - 2 * descriptors[block] @ descriptors[start:].T
        a, b = np.nonzero(distance <= (SAME * _SLACK) ** 2)
        near = distance[a, b]
        a, b = a + start, b + start
        kept = (a < b) & _are_apart(sides, a, b)
        found += int(kept.sum())
        best = np.concatenate([best, np.stack([near[kept], a[kept], b[kept]], axis=1)])
        best = best[np.argsort(best[:, 0], kind="stable")[:MAX_CHECKED]]
    return [(int(a), int(b)) for _, a, b in best], found - len(best)


def _check(dataset: Dataset, pair: tuple[int, int], shared: float, sides: Sides) -> Duplicate | None:
    """Return the duplicate that two clips are, None if they are not the same."""
    a, b = pair
    difference = _difference(dataset.points(a), dataset.points(b))
    if shared < SHARED_FRAMES and not difference <= SAME:
        return None
    table = dataset.table
    labels = [None if k == NO_LABEL else str(dataset.labels[k]) for k in table.labels[[a, b]]]
    reasons = [name for name, side in sides.items() if _are_apart({name: side}, np.array([a]), np.array([b]))[0]]
    return Duplicate(
        ids=(str(table.ids[a]), str(table.ids[b])),
        labels=(labels[0], labels[1]),
        apart=tuple(reasons),
        difference=difference if np.isfinite(difference) else None,
        shared_frames=shared,
    )


def _difference(a: tuple[Points, Times], b: tuple[Points, Times]) -> float:
    """Return how far two clips differ, as a share of their size: both centred, scaled, followed from start to end.

    Infinite if less than half of what is seen in either is seen in both.
    """
    frames = min(max(len(a[0]), len(b[0])), _COMPARED_FRAMES)
    x, y = (points_at(points, times, np.linspace(times[0], times[-1], frames)) for points, times in (a, b))
    in_x, in_y = is_seen(x), is_seen(y)
    both = in_x & in_y
    if both.sum() < 0.5 * (in_x | in_y).sum() or not both.any():
        return float("inf")
    (x, x_size), (y, y_size) = centre(x, both), centre(y, both)
    if not (x_size and y_size):
        return float("inf")
    return float(np.sqrt(((x[both] / x_size - y[both] / y_size) ** 2).sum(axis=1).mean()))
