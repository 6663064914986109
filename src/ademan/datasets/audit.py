"""The audit: what is in a dataset, and what in it would spoil a training or flatter a test.

One pass over the file takes all measures; what is kept of a clip afterwards is a few hundred bytes and eight bytes a
frame, so a file of any size is looked over in little memory.

Near-duplicates are found in two ways, since each misses what the other finds:

    shared frames   clips that have at least SHARED_FRAMES of their frames in common, bit for bit: copies under another
                    label, overlapping windows of one recording, copies that were trimmed or thinned out
    alike           clips that differ by SAME of their size or less, when both are centred, scaled and followed from
                    beginning to end: copies that were moved, scaled, played faster, or extracted a second time

A trimmed copy that was also altered is found by neither.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.clip import MAX_GAP_MS, Coordinates, Points, Times, points_at
from ademan.datasets.file import Dataset
from ademan.datasets.table import NO_LABEL, ClipTable, GroupKind, Ints, Strings
from ademan.skeleton import Skeleton

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Pairs = dict[tuple[int, int], float]
"""Two indices of clips, the lower one first, and the share of frames that they have in common."""

SAME = 0.03
"""Two clips are alike when their points differ by this share of the clips' size (both root mean squares) or less.

Measured on six public sets of hands, bodies and sensors: noise as between two landmarkers on one picture (0.0023 of its
height) makes a difference of 0.002 to 0.022 in the median. The most alike of all real repetitions differ by 0.030 where
one person repeats one gesture, by 0.069 between two people, by 0.080 between two gestures.
A clip none of whose points leaves its mean place by more than this share is still: landmarks tremble as much.
"""

SHARED_FRAMES = 0.5
"""Share of the shorter clip's frames. Sensors repeat single frames by chance; half a recording is no chance."""

FAR_OUTSIDE = 1.0
"""Heights of the picture beyond its edge. Landmarkers guess at limbs just outside, and are right up to there."""

WIDEST_PICTURE = 2.4
"""Width by height of the widest cameras: what is expected of x where the size of the picture is not known."""

FARTHEST_METRES = 20.0
"""No sensor of skeletons sees farther; larger values are millimetres or pixels."""

OTHER_RATE = 0.25
"""A clip whose frame rate differs by more than this share from the median was recorded in another way."""

FEW_CLIPS = 5
"""Fewer clips of a class cannot be divided into training, validation and test."""

IMBALANCE = 5.0
"""A class with this many times the clips of another is guessed when in doubt."""

MAX_LISTED = 100
"""Clips and pairs that are named in a list; all are counted."""

MAX_CHECKED = 2000
"""Pairs that are compared point by point, the most alike first: some seconds."""

IDLE_NAMES = frozenset(
    "idle none nothing background other rest neutral unknown negative still no_gesture no_action not_a_gesture".split()
)
"""How sets call the class of everything that is no gesture."""

_MAX_SHARING = 20  # clips with one and the same frame; beyond, it is a default pose of the sensor
_DESCRIPTOR_FRAMES = 8
_DESCRIPTOR_SIZE = 128
_SLACK = 1.3  # projecting to 128 numbers changes a distance by 6 % (one standard deviation): nothing alike is lost
_BLOCK = 512  # clips that are compared with all others at once: 27 MB for 13,000 clips


@dataclass(frozen=True)
class Distribution:
    """How a quantity spreads over clips; `counts[k]` of them lie between `edges[k]` and `edges[k + 1]`."""

    minimum: float
    median: float
    maximum: float
    edges: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Some:
    """Some of the clips: how many, and the ids of the first MAX_LISTED."""

    count: int
    ids: tuple[str, ...]


@dataclass(frozen=True)
class Missing:
    """What was not seen. A hand that never appears in a clip is not used there, rather than missing.

    Args:
        share: of all points of all frames.
        by_part: the same for each part, such as a hand; points outside all parts are "other points".
        unused_by_part: share of the clips in which a part is never seen.
        by_label: share of the points of the parts that are used in a clip.
        mostly: clips that lack more than half of the points of the parts that they use.
        longest_gap_ms: the longest time between two sightings of a part; 0 where no frame was missed.
        gaps: clips with a gap above MAX_GAP_MS, which stays missing when the clip is resampled.
    """

    share: float
    by_part: dict[str, float]
    unused_by_part: dict[str, float]
    by_label: dict[str, float]
    mostly: Some
    longest_gap_ms: float
    gaps: Some


@dataclass(frozen=True)
class OfficialSplit:
    """A split that came with the data.

    Args:
        clips: of each part.
        shared: for subject and session, if known: those that are both tested and trained (or validated) with.
        repeated: clips that are in more than one part.
        untrained: labels that only the test has.
    """

    clips: dict[str, int]
    shared: dict[str, tuple[str, ...]]
    repeated: Some
    untrained: tuple[str, ...]


@dataclass(frozen=True)
class Duplicate:
    """Two clips that are almost the same recording.

    Args:
        ids: of the two.
        labels: of the two; None where unknown.
        apart: in what they differ: "label", "subject", "session", "split NAME" (its parts), or "random split" where
            neither subjects nor sessions are known, so that nothing keeps them on one side.
        difference: of their points, as a share of their size; None if they are hardly seen at the same times.
        shared_frames: share of the shorter clip's frames that are in both, bit for bit.
    """

    ids: tuple[str, str]
    labels: tuple[str | None, str | None]
    apart: tuple[str, ...]
    difference: float | None
    shared_frames: float


@dataclass(frozen=True)
class Duplicates:
    """Near-duplicates that are apart, the most alike first.

    Args:
        count: of all that were found.
        by_apart: of those, in what they are apart.
        pairs: the first MAX_LISTED.
        unchecked: pairs that may be alike and were not compared, beyond MAX_CHECKED.
    """

    count: int
    by_apart: dict[str, int]
    pairs: tuple[Duplicate, ...]
    unchecked: int


@dataclass(frozen=True)
class Audit:
    """What is in a dataset; see the classes above.

    Args:
        clips: number of them.
        unlabelled: those without a label.
        labels: clips of each, in the order of the dataset.
        subjects: clips of each; empty if none is known.
        sessions: the same.
        label_by_subject: clips by label, then subject; those without either are left out.
        length_frames: of the clips.
        duration_ms: of the clips, from the first frame to the last.
        fps: frames per second of the clips; None if all are single frames.
        other_fps: clips whose rate differs by more than OTHER_RATE from the median.
        image_sizes: clips of each, such as "640x480".
        missing: what was not seen.
        outside: clips with a value far out of the range that their coordinates are expected in.
        outside_share: of all points that were seen.
        still: clips in which nothing moves.
        still_by_label: the number of them.
        splits: the official ones.
        duplicates: near-duplicates that differ in label or group, or are on both sides of an official split.
        warnings: what would spoil a training or a test, in words.
    """

    path: str
    clips: int
    unlabelled: int
    labels: dict[str, int]
    subjects: dict[str, int]
    sessions: dict[str, int]
    label_by_subject: dict[str, dict[str, int]]
    length_frames: Distribution
    duration_ms: Distribution
    fps: Distribution | None
    other_fps: Some
    image_sizes: dict[str, int]
    missing: Missing
    outside: Some
    outside_share: float
    still: Some
    still_by_label: dict[str, int]
    splits: dict[str, OfficialSplit]
    duplicates: Duplicates
    warnings: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values without NaN, for `write_json`."""
        return asdict(self)


def audit(dataset: Dataset, progress: Callable[[int, int], object] | None = None) -> Audit:
    """Look a dataset over.

    Args:
        dataset: read once from beginning to end, and again where two clips may be the same.
        progress: called with the clips that are done and their number.

    Raises:
        DatasetError: a part of the file is damaged.
    """
    table = dataset.table
    looks = []
    measure = _Measure(dataset.skeleton, dataset.coordinates, dataset.channels)
    for i in range(len(table)):
        looks.append(measure(*dataset.points(i), table.image_wh[i]))
        if progress:
            progress(i + 1, len(table))
    found = _summary(dataset, looks, list(measure.parts))
    return replace(found, warnings=tuple(_warnings(found, dataset)))


@dataclass(frozen=True, eq=False)
class _Look:
    """What is kept of one clip.

    Args:
        points: (parts,) points of each part, over all frames.
        unseen: (parts,) those that were not seen.
        gap_ms: longest time between two sightings of a part.
        duration_ms: from the first frame to the last.
        step_ms: median time between frames; 0 for a single frame.
        outside: points far out of the expected range.
        movement: how far points leave their mean place, as a share of the clip's size; NaN if seen once only.
        descriptor: (_DESCRIPTOR_SIZE,) or shorter; alike clips have near ones. Zeros: cannot be compared.
        frames: hashes of the frames in which something was seen, each once.
    """

    points: Ints
    unseen: Ints
    gap_ms: float
    duration_ms: float
    step_ms: float
    outside: int
    movement: float
    descriptor: NDArray[np.float32]
    frames: NDArray[np.uint64]

    @property
    def lacking(self) -> tuple[int, int]:
        """Points that were not seen, and all points, of the parts that are used in this clip."""
        used = self.unseen < self.points
        return int(self.unseen[used].sum()), int(self.points[used].sum())


class _Measure:
    """Takes the measures of a clip; holds what is the same for all clips of a dataset."""

    def __init__(self, skeleton: Skeleton, coordinates: Coordinates, channels: int) -> None:
        self.coordinates = coordinates
        self.parts = {part.name: list(part.points) for part in skeleton.parts}
        other = sorted(set(range(len(skeleton))) - {i for points in self.parts.values() for i in points})
        if other:
            self.parts["other points"] = other
        rng = np.random.default_rng(0)
        numbers = _DESCRIPTOR_FRAMES * len(skeleton) * channels
        spread = 1 / np.sqrt(_DESCRIPTOR_SIZE * _DESCRIPTOR_FRAMES * len(skeleton))
        # Johnson and Lindenstrauss: a random projection keeps distances, whatever the data.
        self.projection = rng.normal(0, spread, (numbers, _DESCRIPTOR_SIZE)).astype(np.float32)
        self.multipliers = rng.integers(1, 2**64, len(skeleton) * channels, np.uint64)

    def __call__(self, points: Points, times: Times, image_wh: Ints) -> _Look:
        seen = _seen(points)
        step_ms = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        centred, size = _centred(points, seen)
        return _Look(
            points=np.array([len(part) * len(points) for part in self.parts.values()]),
            unseen=np.array([(~seen[:, part]).sum() for part in self.parts.values()]),
            gap_ms=max(_gap_ms(times[seen[:, part].any(axis=1)], step_ms) for part in self.parts.values()),
            duration_ms=float(times[-1] - times[0]),
            step_ms=step_ms,
            outside=self._outside(points, image_wh),
            movement=_movement(centred, seen) / size if size else float("nan"),
            descriptor=self._descriptor(centred / (size or 1.0), times),
            frames=np.unique(self._hashes(points[seen.any(axis=1)])),
        )

    def _outside(self, points: Points, image_wh: Ints) -> int:
        if self.coordinates == "metres":
            return int((np.abs(points) > FARTHEST_METRES).any(axis=2).sum())
        w, h = image_wh.tolist()
        width = 1.0 if self.coordinates == "fraction" else w / h if h else WIDEST_PICTURE
        high = np.array([width + FAR_OUTSIDE, 1 + FAR_OUTSIDE])
        return int(((points[..., :2] < -FAR_OUTSIDE) | (points[..., :2] > high)).any(axis=2).sum())

    def _descriptor(self, centred: Points, times: Times) -> NDArray[np.float32]:
        frames = points_at(centred, times, np.linspace(times[0], times[-1], _DESCRIPTOR_FRAMES))
        filled = np.nan_to_num(np.where(np.isnan(frames), _places(centred), frames))
        return np.asarray(filled.ravel() @ self.projection, np.float32)

    def _hashes(self, points: Points) -> NDArray[np.uint64]:
        bits = np.nan_to_num(points, nan=0.0).reshape(len(points), len(self.multipliers)).view(np.uint32)
        return np.asarray(bits.astype(np.uint64) @ self.multipliers, np.uint64)


def _seen(points: Points) -> Bools:
    return np.asarray(~np.isnan(points).any(axis=2))


def _places(points: Points) -> Points:
    """Return the mean place (P, C) of each point where it is seen, NaN if it never is."""
    seen = ~np.isnan(points)
    count = np.where(seen.any(axis=0), seen.sum(axis=0), np.nan)
    return np.asarray(np.where(seen, points, 0).sum(axis=0) / count, np.float32)


def _centred(points: Points, seen: Bools) -> tuple[Points, float]:
    """Return the points around their mean over all frames, and their root mean square distance from it."""
    if not seen.any():
        return points, 0.0
    centre = points[seen].mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = points - centre
    return centred, float(np.sqrt((centred[seen] ** 2).sum(axis=1).mean()))


def _movement(points: Points, seen: Bools) -> float:
    """Return the root mean square distance of points from their mean places; NaN if none is seen twice."""
    twice = seen & (seen.sum(axis=0) > 1)
    away = (points - _places(points))[twice]
    return float(np.sqrt((away**2).sum(axis=1).mean())) if len(away) else float("nan")


def _gap_ms(sightings_ms: Times, step_ms: float) -> float:
    """Return the longest time between sightings, 0 if no frame is missed between any two."""
    gap = float(np.diff(sightings_ms).max(initial=0.0))
    return gap if gap > 1.5 * step_ms else 0.0


def _summary(dataset: Dataset, looks: list[_Look], parts: list[str]) -> Audit:
    table = dataset.table
    durations = np.array([look.duration_ms for look in looks])
    still = np.array([look.movement <= SAME for look in looks])
    # Timestamps are rounded: a constant rate must not look like a thousand.
    fps = np.array([1000 / look.step_ms if look.step_ms else np.nan for look in looks]).round(3)
    known = fps[~np.isnan(fps)]
    other = np.abs(fps / np.median(known) - 1) > OTHER_RATE if len(known) else np.zeros(len(looks), bool)
    outside = np.array([look.outside for look in looks])
    seen = sum(int((look.points - look.unseen).sum()) for look in looks)
    return Audit(
        path=str(dataset.path),
        clips=len(table),
        unlabelled=int((table.labels == NO_LABEL).sum()),
        labels=_label_counts(dataset, np.ones(len(table), bool)),
        subjects=_counts(table.subjects),
        sessions=_counts(table.sessions),
        label_by_subject=_label_by_subject(dataset),
        length_frames=_distribution(table.lengths.astype(np.float64)),
        duration_ms=_distribution(durations),
        fps=_distribution(known) if len(known) else None,
        other_fps=_some(table, other),
        image_sizes=_counts(np.array([f"{w}x{h}" if h else "" for w, h in table.image_wh.tolist()])),
        missing=_missing(dataset, looks, parts),
        outside=_some(table, outside > 0),
        outside_share=float(outside.sum() / max(1, seen)),
        still=_some(table, still),
        still_by_label=_label_counts(dataset, still),
        splits={name: _official(dataset, parts) for name, parts in dataset.splits.items()},
        duplicates=_duplicates(dataset, looks),
    )


def _some(table: ClipTable, chosen: Bools) -> Some:
    return Some(int(chosen.sum()), tuple(table.ids[chosen][:MAX_LISTED].tolist()))


def _counts(names: Strings) -> dict[str, int]:
    """Return how often each name occurs, in their order; unknown ones, which are empty, are left out."""
    which, counts = np.unique(names[names != ""], return_counts=True)
    return dict(zip(which.tolist(), counts.tolist(), strict=True))


def _label_counts(dataset: Dataset, chosen: Bools) -> dict[str, int]:
    labels = dataset.table.labels[chosen]
    counts = np.bincount(labels[labels != NO_LABEL], minlength=len(dataset.labels))
    return dict(zip((str(label) for label in dataset.labels), counts.tolist(), strict=True))


def _label_by_subject(dataset: Dataset) -> dict[str, dict[str, int]]:
    table = dataset.table
    if not table.knows("subject"):
        return {}
    return {str(label): _counts(table.subjects[table.labels == k]) for k, label in enumerate(dataset.labels)}


def _distribution(values: Floats) -> Distribution:
    counts, edges = np.histogram(values, bins=10)
    low, middle, high = (float(f(values)) for f in (np.min, np.median, np.max))
    return Distribution(low, middle, high, tuple(edges.tolist()), tuple(counts.tolist()))


def _missing(dataset: Dataset, looks: list[_Look], parts: list[str]) -> Missing:
    table = dataset.table
    points = np.array([look.points for look in looks])  # (N, parts)
    unseen = np.array([look.unseen for look in looks])
    lacking, used = np.array([look.lacking for look in looks]).T
    gaps = np.array([look.gap_ms for look in looks])
    members = {str(label): table.labels == k for k, label in enumerate(dataset.labels)}
    return Missing(
        share=float(unseen.sum() / points.sum()),
        by_part=dict(zip(parts, (unseen.sum(axis=0) / points.sum(axis=0)).tolist(), strict=True)),
        unused_by_part=dict(zip(parts, (unseen == points).mean(axis=0).tolist(), strict=True)),
        by_label={
            label: float(lacking[of].sum() / max(1, used[of].sum())) for label, of in members.items() if of.any()
        },
        mostly=_some(table, lacking > 0.5 * used),
        longest_gap_ms=float(gaps.max()),
        gaps=_some(table, gaps > MAX_GAP_MS),
    )


def _official(dataset: Dataset, parts: dict[str, Ints]) -> OfficialSplit:
    table, none = dataset.table, np.zeros(0, np.int64)
    test, train = parts.get("test", none), parts.get("train", none)
    rest = np.concatenate([train, parts.get("val", none)])
    kinds: tuple[GroupKind, ...] = ("subject", "session")
    shared = {
        kind: np.intersect1d(table.groups(kind)[test], table.groups(kind)[rest]) for kind in kinds if table.knows(kind)
    }
    times = np.bincount(np.concatenate([none, *(np.unique(part) for part in parts.values())]), minlength=len(table))
    untrained = np.setdiff1d(table.labels[test], [NO_LABEL, *table.labels[train].tolist()])
    return OfficialSplit(
        clips={part: len(indices) for part, indices in parts.items()},
        shared={kind: tuple(str(name) for name in names if name) for kind, names in shared.items()},
        repeated=_some(table, times > 1),
        untrained=tuple(str(dataset.labels[k]) for k in untrained),
    )


def _duplicates(dataset: Dataset, looks: list[_Look]) -> Duplicates:
    apart = _apart(dataset)
    pairs = _sharing_frames([look.frames for look in looks], apart)
    alike, unchecked = _alike(np.array([look.descriptor for look in looks]), apart)
    for pair in alike:
        pairs.setdefault(pair, 0.0)
    checked = [_check(dataset, pair, shared, apart) for pair, shared in list(pairs.items())[:MAX_CHECKED]]
    found = [duplicate for duplicate in checked if duplicate]
    found.sort(key=lambda pair: (-pair.shared_frames, 1.0 if pair.difference is None else pair.difference))
    reasons = [reason for pair in found for reason in pair.apart]
    return Duplicates(
        count=len(found),
        by_apart={reason: reasons.count(reason) for reason in apart if reason in reasons},
        pairs=tuple(found[:MAX_LISTED]),
        unchecked=unchecked + max(0, len(pairs) - MAX_CHECKED),
    )


def _apart(dataset: Dataset) -> dict[str, Ints]:
    """Return for each way in which two clips can be apart a number of each clip (N,): it differs, and -1 is unknown."""
    table = dataset.table

    def numbers(names: Strings) -> Ints:
        return np.where(names == "", -1, np.unique(names, return_inverse=True)[1])

    apart = {"label": table.labels, "subject": numbers(table.subjects), "session": numbers(table.sessions)}
    for name, parts in dataset.splits.items():
        side = apart[f"split {name}"] = np.full(len(table), -1)
        for k, indices in enumerate(parts.values()):
            side[indices] = k
    if not (table.knows("subject") or table.knows("session")):
        apart["random split"] = np.arange(len(table))
    return apart


def _are_apart(apart: dict[str, Ints], a: Ints, b: Ints) -> Bools:
    """Return whether the clips of each pair differ in anything that matters."""
    result = np.zeros(len(a), bool)
    for number in apart.values():
        result |= (number[a] != number[b]) & (number[a] >= 0) & (number[b] >= 0)
    return result


def _sharing_frames(frames: list[NDArray[np.uint64]], apart: dict[str, Ints]) -> Pairs:
    """Return the pairs that are apart and have SHARED_FRAMES in common."""
    N = len(frames)
    clip = np.repeat(np.arange(N), [len(own) for own in frames])
    frame = np.concatenate(frames)
    order = np.lexsort((clip, frame))
    clip, frame = clip[order], frame[order]
    _, count = np.unique(frame, return_counts=True)
    usual = np.repeat(count <= _MAX_SHARING, count)
    clip, frame = clip[usual], frame[usual]
    both = []
    for lag in range(1, min(_MAX_SHARING, len(frame))):
        same = np.flatnonzero(frame[lag:] == frame[:-lag])
        both.append(clip[same] * N + clip[same + lag])
    pair, common = np.unique(np.concatenate([np.zeros(0, np.int64), *both]), return_counts=True)
    a, b = pair // N, pair % N
    shorter = np.array([len(own) for own in frames])[np.stack([a, b])].min(axis=0)
    share = common / shorter
    chosen = (share >= SHARED_FRAMES) & _are_apart(apart, a, b)
    return {(int(a[k]), int(b[k])): float(share[k]) for k in np.flatnonzero(chosen)}


def _alike(descriptors: NDArray[np.float32], apart: dict[str, Ints]) -> tuple[list[tuple[int, int]], int]:
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
        kept = (a < b) & _are_apart(apart, a, b)
        found += int(kept.sum())
        best = np.concatenate([best, np.stack([near[kept], a[kept], b[kept]], axis=1)])
        best = best[np.argsort(best[:, 0], kind="stable")[:MAX_CHECKED]]
    return [(int(a), int(b)) for _, a, b in best], found - len(best)


def _check(dataset: Dataset, pair: tuple[int, int], shared: float, apart: dict[str, Ints]) -> Duplicate | None:
    """Return the duplicate that two clips are, None if they are not the same."""
    a, b = pair
    difference = _difference(dataset.points(a), dataset.points(b))
    if shared < SHARED_FRAMES and not difference <= SAME:
        return None
    table = dataset.table
    labels = [None if k == NO_LABEL else str(dataset.labels[k]) for k in table.labels[[a, b]]]
    reasons = [name for name, n in apart.items() if _are_apart({name: n}, np.array([a]), np.array([b]))[0]]
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
    frames = min(max(len(a[0]), len(b[0])), 64)
    x, y = (points_at(points, times, np.linspace(times[0], times[-1], frames)) for points, times in (a, b))
    in_x, in_y = _seen(x), _seen(y)
    both = in_x & in_y
    if both.sum() < 0.5 * (in_x | in_y).sum() or not both.any():
        return float("inf")
    (x, x_size), (y, y_size) = _centred(x, both), _centred(y, both)
    if not (x_size and y_size):
        return float("inf")
    return float(np.sqrt(((x[both] / x_size - y[both] / y_size) ** 2).sum(axis=1).mean()))


def _warnings(found: Audit, dataset: Dataset) -> Iterator[str]:
    yield from _about_labels(found, dataset)
    yield from _about_groups(found, dataset)
    yield from _about_points(found, dataset)
    yield from _about_splits(found)
    yield from _about_duplicates(found.duplicates)


def _about_labels(found: Audit, dataset: Dataset) -> Iterator[str]:
    present = {label: count for label, count in found.labels.items() if count}
    if found.unlabelled:
        yield f"{found.unlabelled} of {found.clips} clips have no label and are left out of training and tests."
    if len(present) < 2:
        yield f"there are clips of {len(present)} classes; a training needs two or more."
    few = [f"{label} ({count})" for label, count in found.labels.items() if count < FEW_CLIPS]
    if few:
        yield f"fewer than {FEW_CLIPS} clips: {_listed(few)}. Record more of them, or leave them out."
    if present and max(present.values()) >= IMBALANCE * min(present.values()):
        most, least = max(present, key=present.__getitem__), min(present, key=present.__getitem__)
        yield (
            f"imbalanced: '{most}' has {present[most]} clips, '{least}' {present[least]}. "
            "Look at the accuracy of each class rather than of all clips."
        )
    gestures = any("hand" in part.name for part in dataset.skeleton.parts)
    if gestures and present and not any(_is_idle(label) for label in present):
        yield (
            "no class for hands that make no gesture (such as 'idle'): a live recogniser will take everything for a "
            "gesture. Record clips of resting, scratching, reaching for things, and label them idle."
        )


def _is_idle(label: str) -> bool:
    return label.lower().strip("_ ").replace(" ", "_").replace("-", "_") in IDLE_NAMES


def _about_groups(found: Audit, dataset: Dataset) -> Iterator[str]:
    if not found.subjects:
        yield "no clip says who is seen: how the gestures of a new person are recognised cannot be tested."
    elif len(found.subjects) == 1:
        yield "all clips are of one subject: how the gestures of another person are recognised cannot be tested."
    else:
        yield from _about_confounding(found, dataset.table)
    unknown = int((dataset.table.subjects == "").sum())
    if found.subjects and unknown:
        yield f"{unknown} of {found.clips} clips do not say who is seen."


def _about_confounding(found: Audit, table: ClipTable) -> Iterator[str]:
    alone = [label for label, subjects in found.label_by_subject.items() if len(subjects) == 1]
    if alone:
        yield f"only one subject shows: {_listed(alone)}. The model may learn the person in place of the gesture."
    if len(found.sessions) > 1 and all(
        len(np.unique(table.labels[table.sessions == session])) == 1 for session in found.sessions
    ):
        yield "each session has one class only: the model may learn the session in place of the gesture."


def _about_points(found: Audit, dataset: Dataset) -> Iterator[str]:
    if found.fps and found.other_fps.count:
        yield (
            f"mixed frame rates, {found.fps.minimum:.3g} to {found.fps.maximum:.3g} a second: those of "
            f"{_clips(found.other_fps)} are far from the median of {found.fps.median:.3g}. "
            "Use a window with the fit 'rate' or 'spread'."
        )
    if found.missing.mostly.count:
        yield f"more than half of the points are missing in {_clips(found.missing.mostly)}."
    if found.outside_share > 0.5:
        unit = "metres" if dataset.coordinates == "metres" else "heights of the picture"
        yield f"most values are too large for {unit}; are they pixels or millimetres? Convert them when importing."
    elif found.outside.count:
        yield f"points lie far outside of what can be seen in {_clips(found.outside)}: failed landmarks?"
    stuck = [label for label, count in found.still_by_label.items() if 0 < count < 0.5 * found.labels[label]]
    if stuck:
        yield f"nothing moves in some clips of {_listed(stuck)}, while it does in most others: failed, or held still?"


def _about_splits(found: Audit) -> Iterator[str]:
    for name, split in found.splits.items():
        kind = "subject" if "subject" in split.shared else "session"
        if split.shared.get(kind):
            yield f"official split '{name}' trains and tests with the same {kind}: {_listed(list(split.shared[kind]))}."
        if split.repeated.count:
            yield f"official split '{name}' has {_clips(split.repeated)} in more than one part."
        if split.untrained:
            yield f"official split '{name}' tests classes that it never trains: {_listed(list(split.untrained))}."


def _about_duplicates(duplicates: Duplicates) -> Iterator[str]:
    ways = {
        "label": "have different labels: one of each pair is wrong",
        "subject": "are said to show different subjects",
        "session": "are said to be of different sessions",
        "random split": "may come to lie on both sides of a random split",
    }
    for reason, count in duplicates.by_apart.items():
        way = ways.get(reason, f"lie on both sides of the official {reason}")
        example = next((pair.ids for pair in duplicates.pairs if reason in pair.apart), None)
        named = f" ('{example[0]}' and '{example[1]}', say)" if example else ""
        more = " or more" if duplicates.unchecked else ""
        yield f"pairs of clips that are almost the same recording and {way}: {count}{more}{named}."


def _clips(some: Some) -> str:
    return f"{some.count} clips ({_listed(list(some.ids))})" if some.count > 1 else f"clip '{some.ids[0]}'"


def _listed(names: list[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
