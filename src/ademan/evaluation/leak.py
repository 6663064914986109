"""The leak: how much better a random split looks than one that keeps people (or sessions) apart.

The same quick baseline is trained under both. Clips change folds only with clips of their own label, so that each fold
trains and tests as many clips of each class under both splits: what differs is that a random split has met the people
of its test before, and nothing else.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, cast, get_args

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Points, Times, mean_of_seen
from ademan.datasets import NO_LABEL, ClipTable, Dataset
from ademan.datasets.table import GroupKind, Ints, Strings
from ademan.errors import ConfigError, SplitError, require
from ademan.skeleton import Part, Skeleton
from ademan.window import Window

Floats = NDArray[np.float32]

MAX_CLIPS = 5000
"""Clips that are drawn from a larger dataset: enough for a difference of points, and under a minute."""

WINDOW = Window(16, "spread")
"""What the baseline sees of a clip: its whole course, in few enough numbers to be learnt in a second."""

PENALTY = 0.1
"""Of the ridge regression, for each of its numbers; one value for all datasets."""


@dataclass(frozen=True)
class Folds:
    """Accuracy under one kind of split.

    Args:
        accuracy: share of all clips that were right, each tested once by a model that had not seen it.
        by_fold: the same for each fold.
    """

    accuracy: float
    by_fold: tuple[float, ...]


@dataclass(frozen=True)
class Leak:
    """What a random split flatters by.

    Args:
        kind: what the group split keeps apart.
        groups: how many of them there are.
        clips: that were trained and tested with.
        left_out: labelled clips that were not: those whose group is not known, and those of `untestable`.
        untestable: labels that one group alone shows; without it there is nothing to learn them from.
        random: folds drawn at random.
        group: folds of whole groups.
        chance: accuracy of always guessing the most frequent class.
    """

    kind: GroupKind
    groups: int
    clips: int
    left_out: int
    untestable: tuple[str, ...]
    random: Folds
    group: Folds
    chance: float

    @property
    def points(self) -> float:
        """By how many points of a hundred the random split is better."""
        return 100 * (self.random.accuracy - self.group.accuracy)

    def __str__(self) -> str:
        points = round(self.points)
        flatters = f"flatters by {points} point{'s' if points > 1 else ''}" if points > 0 else "does not flatter here"
        return (
            f"a random split {flatters}: a quick baseline reaches {_said(self.random)}, "
            f"and {_said(self.group)} where the test's {self.kind}s are new to it (chance: {self.chance:.2f})."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values, with the points and the sentence."""
        return asdict(self) | {"points": self.points, "sentence": str(self)}


def _said(folds: Folds) -> str:
    return (
        f"{folds.accuracy:.2f} ({min(folds.by_fold):.2f} to {max(folds.by_fold):.2f} over {len(folds.by_fold)} folds)"
    )


def leak(dataset: Dataset, kind: GroupKind | None = None, folds: int = 5, seed: int = 0) -> Leak:
    """Compare a random split with one by groups.

    Args:
        dataset: its labelled clips are read once; of more than MAX_CLIPS, some at random.
        kind: what to keep apart; without it subject, session or source, the first that tells clips apart.
        folds: two or more; no more than there are groups.
        seed: of the folds; the same seed gives the same result.

    Raises:
        ConfigError: fewer than two folds.
        DatasetError: no clip says its `kind`, or the file is damaged.
        MissingExtraError: scikit-learn is not installed.
        SplitError: no groups are known, or there are too few to keep any apart.
    """
    if folds < 2:
        raise ConfigError(f"a comparison needs two folds or more, found {folds}.")
    table = dataset.table
    rng = np.random.default_rng(seed)
    kind = kind or _known_kind(table)
    groups = table.groups(kind)
    labelled = np.flatnonzero(table.labels != NO_LABEL)
    chosen, untestable = _testable(dataset, labelled[groups[labelled] != ""], groups, kind)
    drawn = np.sort(rng.permutation(chosen)[:MAX_CLIPS])
    names, group = np.unique(groups[drawn], return_inverse=True)
    label = table.labels[drawn]
    by_group = _group_folds(label, group, min(folds, len(names)), rng)
    features = np.stack([_features(*dataset.points(i), dataset.skeleton) for i in drawn.tolist()])
    return Leak(
        kind=kind,
        groups=len(names),
        clips=len(drawn),
        left_out=len(labelled) - len(chosen),
        untestable=untestable,
        random=_cross_validated(features, label, _shuffled_within_labels(by_group, label, rng)),
        group=_cross_validated(features, label, by_group),
        chance=float(np.bincount(label).max() / len(label)),
    )


def _known_kind(table: ClipTable) -> GroupKind:
    """Return what tells clips apart: two groups or more, and not each clip for itself."""
    for kind in get_args(GroupKind):
        if table.knows(kind) and 1 < len(np.unique(table.groups(kind))) < len(table):
            return cast(GroupKind, kind)
    raise SplitError(
        "no groups are known: the clips say neither two subjects, nor two sessions or sources of several clips. "
        "A random split can only be compared where they do; name them when importing or recording."
    )


def _testable(dataset: Dataset, clips: Ints, groups: Strings, kind: GroupKind) -> tuple[Ints, tuple[str, ...]]:
    """Return the clips whose labels two groups or more show, and the other labels."""
    table = dataset.table
    found = np.unique(groups[clips])
    if len(found) < 2:
        raise SplitError(
            f"all {len(clips)} labelled clips are of one {kind}, '{', '.join(found)}'; a comparison needs two or more. "
            f"Record another {kind}."
        )
    pairs = np.unique(np.stack([table.labels[clips], np.unique(groups[clips], return_inverse=True)[1]]), axis=1)
    shown_by = np.bincount(pairs[0], minlength=len(dataset.labels))
    untestable = tuple(str(dataset.labels[k]) for k in np.flatnonzero(shown_by == 1))
    if (shown_by > 1).sum() < 2:
        raise SplitError(
            f"a comparison needs two labels that more than one {kind} shows; there are {(shown_by > 1).sum()}. "
            f"Shown by one only: {', '.join(untestable)}."
        )
    return clips[shown_by[table.labels[clips]] > 1], untestable


def _group_folds(label: Ints, group: Ints, folds: int, rng: np.random.Generator) -> Ints:
    """Return the fold of each clip (N,): whole groups, the largest first, each where its labels are rarest yet."""
    counts = np.zeros((group.max() + 1, label.max() + 1))
    np.add.at(counts, (group, label), 1)
    in_fold = np.zeros((folds, counts.shape[1]))
    fold_of_group = np.zeros(len(counts), np.int64)
    shuffled = rng.permutation(len(counts))
    for g in shuffled[np.argsort(-counts.sum(axis=1)[shuffled], kind="stable")]:
        alike = in_fold @ counts[g]
        fold = np.lexsort((in_fold.sum(axis=1), alike))[0]  # an empty fold comes first, so none stays empty
        fold_of_group[g] = fold
        in_fold[fold] += counts[g]
    return np.asarray(fold_of_group[group])


def _shuffled_within_labels(fold: Ints, label: Ints, rng: np.random.Generator) -> Ints:
    """Return random folds with as many clips of each label as the given ones."""
    result = fold.copy()
    for k in np.unique(label):
        members = np.flatnonzero(label == k)
        result[members] = rng.permutation(fold[members])
    return result


def _cross_validated(features: Floats, label: Ints, fold: Ints) -> Folds:
    right = np.zeros(len(label), bool)
    for k in range(fold.max() + 1):
        test = fold == k
        right[test] = _predicted(features[~test], label[~test], features[test]) == label[test]
    by_fold = tuple(float(right[fold == k].mean()) for k in range(fold.max() + 1))
    return Folds(float(right.mean()), by_fold)


def _predicted(features: Floats, label: Ints, unseen: Floats) -> Ints:
    """Train the baseline, a ridge regression on standardised features, and return its labels for other clips."""
    if len(np.unique(label)) == 1:
        return np.full(len(unseen), label[0])
    linear_model = require("sklearn.linear_model", feature="comparing splits", extra="train")
    preprocessing = require("sklearn.preprocessing", feature="comparing splits", extra="train")
    scaler = preprocessing.StandardScaler().fit(features)
    model = linear_model.RidgeClassifier(alpha=PENALTY * features.shape[1])
    model.fit(scaler.transform(features), label)
    return np.asarray(model.predict(scaler.transform(unseen)), np.int64)


def _features(points: Points, times: Times, skeleton: Skeleton) -> Floats:
    """Return places and velocities of a clip's points as one row of numbers; 0 where nothing was seen."""
    window = WINDOW.cut(points, times)
    places = np.concatenate(list(_places(window, skeleton)), axis=1)
    numbers = np.concatenate([places.ravel(), np.diff(places, axis=0).ravel()])
    return np.asarray(np.nan_to_num(numbers), np.float32)


def _places(window: Points, skeleton: Skeleton) -> Iterator[Floats]:
    """Yield (T, numbers): the points of each part around its origin and by its size, and the way of the origin."""
    everything = tuple(range(len(skeleton)))
    for part in skeleton.parts or (Part("all", everything, everything, (), ()),):
        origin = mean_of_seen(window[:, part.origin], axis=1)[:, None]
        size = _size(window, part)
        yield ((window[:, part.points] - origin) / size).reshape(len(window), -1)
        yield ((origin - mean_of_seen(origin, axis=0)) / size)[:, 0]


def _size(window: Points, part: Part) -> float:
    """Return the median size of a part over time; of one without a measure of size, its points' median distance."""
    if part.size_from:
        ends = mean_of_seen(window[:, part.size_from], axis=1) - mean_of_seen(window[:, part.size_to], axis=1)
    else:
        ends = window - mean_of_seen(window[:, part.origin], axis=1)[:, None]
    sizes = np.linalg.norm(ends, axis=-1)
    known = sizes[~np.isnan(sizes)]
    return float(np.median(known)) or 1.0 if len(known) else 1.0
