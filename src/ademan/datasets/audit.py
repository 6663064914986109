"""The audit: what is in a dataset, and what in it would spoil a training or flatter a test.

One pass over the file takes all measures; what is kept of a clip afterwards is a few hundred bytes and eight bytes a
frame, so a file of any size is looked over in little memory. Copies that augmentation made (copies.py) are counted and
no more: they say nothing of what was recorded.

    measures.py     what is measured of one clip
    duplicates.py   clips that are almost the same recording
    findings.py     what comes out
    cautions.py     what to beware of, in words
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ademan.clip import MAX_GAP_MS
from ademan.datasets.cautions import caution
from ademan.datasets.copies import recorded
from ademan.datasets.duplicates import SAME, find_duplicates
from ademan.datasets.file import Dataset
from ademan.datasets.findings import (
    MAX_LISTED,
    Audit,
    Distribution,
    Duplicate,
    Duplicates,
    Missing,
    OfficialSplit,
    Some,
)
from ademan.datasets.measures import Gauge, Measures
from ademan.datasets.table import NO_LABEL, ClipTable, GroupKind, Ints, Strings

__all__ = ["Audit", "Distribution", "Duplicate", "Duplicates", "Missing", "OfficialSplit", "Some", "audit"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

OTHER_RATE = 0.25
"""A clip whose frame rate differs by more than this share from the median was recorded in another way."""


def audit(dataset: Dataset, progress: Callable[[int, int], object] | None = None) -> Audit:
    """Look a dataset over.

    Args:
        dataset: read once from beginning to end, and again where two clips may be the same.
        progress: called with the clips that are done and their number.

    Raises:
        DatasetError: a part of the file is damaged, or holds nothing but copies.
    """
    whole, dataset = dataset, recorded(dataset)
    table = dataset.table
    gauge = Gauge(dataset.skeleton, dataset.coordinates, dataset.channels)
    measured = []
    for i in range(len(table)):
        measured.append(gauge.measure(*dataset.points(i), table.image_wh[i]))
        if progress:
            progress(i + 1, len(table))
    found = _summary(dataset, measured, list(gauge.parts))
    return replace(found, copies=len(whole) - len(dataset), warnings=tuple(caution(found, dataset)))


def _summary(dataset: Dataset, measured: list[Measures], parts: list[str]) -> Audit:
    table = dataset.table
    still = np.array([clip.movement <= SAME for clip in measured])
    fps, other_fps = _rates(measured)
    outside = np.array([clip.outside for clip in measured])
    seen = sum(int((clip.points - clip.unseen).sum()) for clip in measured)
    return Audit(
        path=str(dataset.path),
        clips=len(table),
        unlabelled=int((table.labels == NO_LABEL).sum()),
        labels=_label_counts(dataset, np.ones(len(table), bool)),
        subjects=_counts(table.subjects),
        sessions=_counts(table.sessions),
        label_by_subject=_label_by_subject(dataset),
        length_frames=_distribution(table.lengths.astype(np.float64)),
        duration_ms=_distribution(np.array([clip.duration_ms for clip in measured])),
        fps=fps,
        other_fps=_some(table, other_fps),
        image_sizes=_counts(np.array([f"{w}x{h}" if h else "" for w, h in table.image_wh.tolist()])),
        missing=_missing(dataset, measured, parts),
        outside=_some(table, outside > 0),
        outside_share=float(outside.sum() / max(1, seen)),
        still=_some(table, still),
        still_by_label=_label_counts(dataset, still),
        splits={name: _official(dataset, sides) for name, sides in dataset.splits.items()},
        duplicates=find_duplicates(dataset, [clip.fingerprint for clip in measured]),
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


def _rates(measured: list[Measures]) -> tuple[Distribution | None, Bools]:
    """Return how the frame rates spread, and which clips (N,) have one far from the median."""
    # Timestamps are rounded: a constant rate must not look like a thousand.
    fps = np.array([1000 / clip.step_ms if clip.step_ms else np.nan for clip in measured]).round(3)
    known = fps[~np.isnan(fps)]
    if not len(known):
        return None, np.zeros(len(fps), bool)
    return _distribution(known), np.abs(fps / np.median(known) - 1) > OTHER_RATE


def _missing(dataset: Dataset, measured: list[Measures], parts: list[str]) -> Missing:
    table = dataset.table
    points = np.array([clip.points for clip in measured])  # (N, parts)
    unseen = np.array([clip.unseen for clip in measured])
    lacking, used = np.array([clip.lacking for clip in measured]).T
    gaps = np.array([clip.gap_ms for clip in measured])
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
    untrained = np.setdiff1d(table.labels[test], [NO_LABEL, *table.labels[train].tolist()])
    return OfficialSplit(
        clips={part: len(indices) for part, indices in parts.items()},
        shared=_shared_groups(table, test, rest),
        untrained=tuple(str(dataset.labels[k]) for k in untrained),
    )


def _shared_groups(table: ClipTable, some: Ints, others: Ints) -> dict[str, tuple[str, ...]]:
    """Return the subjects, and the sessions, of which there are clips on both sides."""
    kinds: tuple[GroupKind, ...] = ("subject", "session")
    groups = {kind: table.groups(kind) for kind in kinds if table.knows(kind)}
    return {
        kind: tuple(str(name) for name in np.intersect1d(of[some], of[others]) if name) for kind, of in groups.items()
    }


def inspect(path: Path | str) -> Audit:
    """Look over the dataset in a file; see `audit`."""
    with Dataset(path) as dataset:
        return audit(dataset)
