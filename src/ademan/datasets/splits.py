"""Splits: which clips train, which validate, and which are kept for the test.

    random                  stratified by label; neighbours of one take can end up on both sides
    group:KIND              whole subjects (sessions, sources) to one side, labels balanced as far as they allow
    group:KIND:a,b          these groups are the test, the rest trains and validates
    group:KIND:each         one split a group: leave one out
    shots:N:KIND:a          N clips of each label of one group train, all other groups are the test
    shots:N:KIND:each       one split a group
    official                the split that came with the data, if there is just one
    official:NAME           one of them by name

Validation is taken from what is left for training, by whole groups wherever groups are known, so that early stopping
never sees a person of the test. With `shots` there is none: all clips of that group are for training.

Copies of clips (see copies.py) are divided last: those of clips that train are added to the training part, all others
are left out. So the fractions, the groups and the numbers of shots count what was recorded.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast, get_args

import numpy as np

from ademan.datasets.copies import RECORDED, originals, with_copies
from ademan.datasets.table import NO_LABEL, ClipTable, GroupKind, Ints, Strings
from ademan.errors import SplitError

if TYPE_CHECKING:
    from ademan.datasets.file import Dataset

Fractions = tuple[float, float, float]
"""Shares of train, validation and test; they add up to one."""

DEFAULT_FRACTIONS: Fractions = (0.7, 0.15, 0.15)


@dataclass(frozen=True, eq=False)
class Split:
    """Indices of the clips of each part, and how they were chosen.

    Args:
        name: the specification that chose it, with the group left out if there was one.
        train: indices into the dataset, rising.
        val: the same; may be empty.
        test: the same; may be empty.
        group_kind: what the test shares with no other part, if groups were kept together.
        warnings: what a reader of the results should know.
    """

    name: str
    train: Ints
    val: Ints
    test: Ints
    group_kind: GroupKind | None = None
    warnings: tuple[str, ...] = ()

    def parts(self) -> dict[str, Ints]:
        """Return the parts by name."""
        return {"train": self.train, "val": self.val, "test": self.test}

    def to_json(self, table: ClipTable) -> dict[str, Any]:
        """Return the split by clip ids, so that it outlives the order of a file."""
        ids = {part: [str(i) for i in table.ids[indices]] for part, indices in self.parts().items()}
        return {"name": self.name, "group_kind": self.group_kind, "warnings": list(self.warnings), **ids}

    @classmethod
    def from_json(cls, saved: Mapping[str, Any], dataset: "Dataset") -> "Split":
        """Return a saved split; the dataset must hold its clips.

        Raises:
            DatasetError: a clip is not there.
        """
        parts = {part: np.array([dataset.find(i) for i in saved[part]], np.int64) for part in ("train", "val", "test")}
        return cls(saved["name"], **parts, group_kind=saved["group_kind"], warnings=tuple(saved["warnings"]))


def make_splits(dataset: "Dataset", spec: str, fractions: Fractions = DEFAULT_FRACTIONS, seed: int = 0) -> list[Split]:
    """Divide the labelled clips of a dataset; one split, or one a group with `each`.

    A copy of a clip is in no part but the training, and there only with its original.

    Args:
        dataset: read for its table, labels, official splits and copies only.
        spec: see the top of this file.
        fractions: shares of train, validation and test; where the test is given, the first two in proportion.
        seed: the same seed gives the same split.

    Raises:
        SplitError: the specification is unknown, or the clips cannot be divided so.
        DatasetError: what the dataset says of its copies cannot be.
    """
    _check_fractions(fractions)
    table, original = dataset.table, originals(dataset)
    labelled = np.flatnonzero((table.labels != NO_LABEL) & (original == RECORDED))
    if not len(labelled):
        raise SplitError(f"no clip of {dataset.path} has a label: there is nothing to train or test with.")
    splits = _divided(dataset, labelled, spec, fractions, np.random.default_rng(seed))
    return [replace(split, train=with_copies(split.train, original, table.labels)) for split in splits]


def _divided(
    dataset: "Dataset", labelled: Ints, spec: str, fractions: Fractions, rng: np.random.Generator
) -> list[Split]:
    """Divide clips that have a label, and are no copies."""
    table, labels = dataset.table, dataset.labels
    kind, _, rest = spec.partition(":")
    if kind == "random" and not rest:
        return [_random(table, labels, labelled, fractions, rng)]
    if kind == "group" and rest:
        group_kind, _, chosen = rest.partition(":")
        return _grouped(table, labels, labelled, group_kind, chosen, fractions, rng)
    if kind == "shots" and rest.count(":") == 2:
        return _shots(table, labels, labelled, rest, rng)
    if kind == "official":
        return [_official(dataset, rest, labelled, fractions, rng)]
    raise SplitError(
        f"split '{spec}' is unknown. Choose random, group:subject (session, source), group:subject:a,b, "
        "group:subject:each, shots:5:subject:a (each), or official:NAME."
    )


def _check_fractions(fractions: Fractions) -> None:
    # Put so that NaN is refused too.
    if not (len(fractions) == 3 and min(fractions) >= 0 and fractions[0] > 0 and abs(sum(fractions) - 1) <= 1e-6):
        raise SplitError(
            f"fractions of train, validation and test must be three numbers that add up to one, "
            f"the first above zero; found {fractions}."
        )


def _random(
    table: ClipTable, labels: tuple[str, ...], clips: Ints, fractions: Fractions, rng: np.random.Generator
) -> Split:
    parts = _stratified(table, labels, clips, fractions, rng)
    kind = _known_kind(table)
    leak = f"random split: clips of one {kind} are on both sides, so a new {kind} will be harder than the test says"
    return Split("random", *parts, warnings=(leak,) if kind else ())


def _grouped(
    table: ClipTable,
    labels: tuple[str, ...],
    clips: Ints,
    kind: str,
    chosen: str,
    fractions: Fractions,
    rng: np.random.Generator,
) -> list[Split]:
    kind, groups = _groups(table, clips, kind)
    if not chosen:
        train, val, test = _by_group(table, clips, groups, fractions, rng)
        return [_warned(Split(f"group:{kind}", train, val, test, kind), table, labels)]
    held_out = _chosen_groups(groups[clips], kind, chosen)
    splits = []
    for held in held_out:
        is_test = np.isin(groups[clips], held)
        if is_test.all():
            raise SplitError(
                f"nothing is left to train with when the test has the {kind} {', '.join(held)}: all labelled clips are "
                f"of it. Record another {kind}, or choose random."
            )
        same_chance = deepcopy(rng)  # a split of `each` is the one that its name alone gives
        train, val = _carve_validation(table, labels, clips[~is_test], kind, fractions, same_chance)
        name = f"group:{kind}:{','.join(held)}"
        splits.append(_warned(Split(name, train, val, clips[is_test], kind), table, labels))
    return splits


def _groups(table: ClipTable, clips: Ints, kind: str) -> tuple[GroupKind, Strings]:
    """Return a kind of group and the group of every clip; each of `clips` must say its own."""
    groups = table.groups(cast(GroupKind, kind))
    unknown = clips[groups[clips] == ""]
    if len(unknown):
        raise SplitError(f"{len(unknown)} clips do not say their {kind}, '{table.ids[unknown[0]]}' among them.")
    return cast(GroupKind, kind), groups


def _chosen_groups(groups: Strings, kind: GroupKind, chosen: str) -> list[list[str]]:
    """Return the groups that a specification names: one list of them, or with `each` one for each."""
    names: list[str] = np.unique(groups).tolist()
    ambiguous = [name for name in names if "," in name or name == "each"]
    if ambiguous:
        raise SplitError(
            f"a {kind} with a comma in its name, or called 'each', cannot be told apart in '{kind}:{chosen}': "
            f"{'; '.join(ambiguous)}. Give it another name, or choose group:{kind}."
        )
    lists = [[name] for name in names] if chosen == "each" else [chosen.split(",")]
    unknown = sorted({name for one in lists for name in one} - set(names))
    if unknown:
        raise SplitError(f"no clip has the {kind} {', '.join(unknown)}. There are: {', '.join(names)}.")
    return lists


def _shots(
    table: ClipTable, labels: tuple[str, ...], clips: Ints, wanted: str, rng: np.random.Generator
) -> list[Split]:
    """Return splits that train on a few clips of one group; labels that it has not are not tested."""
    number, kind_name, chosen = wanted.split(":")
    if not (number.isdecimal() and int(number) > 0):
        raise SplitError(f"split 'shots:{wanted}' needs a number of clips above zero, found '{number}'.")
    kind, groups = _groups(table, clips, kind_name)
    splits = []
    for own in _chosen_groups(groups[clips], kind, chosen):
        is_own = np.isin(groups[clips], own)
        drawn = deepcopy(rng).permutation(clips[is_own])  # a split of `each` is the one that its name alone gives
        train = np.sort(
            np.concatenate([drawn[table.labels[drawn] == k][: int(number)] for k in np.unique(table.labels)])
        )
        others = clips[~is_own]
        test = others[np.isin(table.labels[others], table.labels[train])]
        if not len(test):
            raise SplitError(
                f"no other {kind} than {', '.join(own)} made one of its gestures: there is nothing to test."
            )
        left_out = [labels[k] for k in np.setdiff1d(table.labels[others], table.labels[train])]
        told = (f"not tested, since {', '.join(own)} has no clip of it: {', '.join(left_out)}",) if left_out else ()
        splits.append(Split(f"shots:{number}:{kind}:{','.join(own)}", train, train[:0], test, kind, told))
    return splits


def _official(dataset: "Dataset", name: str, clips: Ints, fractions: Fractions, rng: np.random.Generator) -> Split:
    splits = dataset.splits
    if not name and len(splits) == 1:
        name = next(iter(splits))
    if name not in splits:
        raise SplitError(
            f"{dataset.path} has no official split '{name}'. "
            + (f"It has: {', '.join(f'official:{known}' for known in splits)}." if splits else "It came with none.")
        )
    parts = {part: np.intersect1d(indices, clips) for part, indices in splits[name].items()}
    for part in ("train", "test"):
        if not len(parts.get(part, ())):
            raise SplitError(f"official split '{name}' of {dataset.path} has no clip to {part} with. Choose another.")
    test = parts["test"]
    kind = _known_kind(dataset.table)
    if "val" in parts:
        train, val = parts["train"], parts["val"]
    else:
        train, val = _carve_validation(dataset.table, dataset.labels, parts["train"], kind, fractions, rng, test)
    split = Split(f"official:{name}", train, val, test, kind)
    return _warned(_told_what_is_shared(split, dataset.table), dataset.table, dataset.labels)


def _told_what_is_shared(split: Split, table: ClipTable) -> Split:
    """Return the split with a warning for each part that shares a group with the test; its kind is left out then."""
    kind = split.group_kind
    if not kind:
        return split
    train, val, test = (set(table.groups(kind)[part].tolist()) for part in (split.train, split.val, split.test))
    unknown = {""}
    warnings = [*split.warnings]
    if train & test - unknown:
        warnings.append(f"train and test share a {kind}, so a new {kind} will be harder than the test says")
    if val & test - unknown:
        warnings.append(
            f"validation shares a {kind} with the test: early stopping makes the test look better than it is"
        )
    return replace(split, group_kind=None if (train | val) & test else kind, warnings=tuple(warnings))


def _known_kind(table: ClipTable) -> GroupKind | None:
    """Return by what the clips can be told apart: who made them, or else in which session; None if neither."""
    for kind in get_args(GroupKind)[:2]:
        if table.knows(kind) and len(np.unique(table.groups(kind))) > 1:
            return cast(GroupKind, kind)
    return None


def _carve_validation(
    table: ClipTable,
    labels: tuple[str, ...],
    clips: Ints,
    kind: GroupKind | None,
    fractions: Fractions,
    rng: np.random.Generator,
    test: Ints | None = None,
) -> tuple[Ints, Ints]:
    """Take the validation part out of the training clips, by whole groups where there are two or more of them."""
    share = fractions[1] / (fractions[0] + fractions[1])
    if share == 0:
        return clips, clips[:0]
    shares: Fractions = (1 - share, share, 0.0)
    candidates = clips
    if kind:
        groups = table.groups(kind)
        free = clips if test is None else clips[~np.isin(groups[clips], groups[test])]
        if len(np.unique(groups[free])) > 1:
            _, val, _ = _by_group(table, free, groups, shares, rng)
            return np.setdiff1d(clips, val), val
        if test is not None:
            # One group alone is not in the test: some clips of it, so that validation has none of the test's groups.
            several = free[np.bincount(table.labels[free])[table.labels[free]] > 1]
            candidates = several if len(several) else clips
    _, val, _ = _stratified(table, labels, candidates, shares, rng)
    return np.setdiff1d(clips, val), val


def _stratified(
    table: ClipTable, labels: tuple[str, ...], clips: Ints, fractions: Fractions, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Divide the clips of each label by the fractions, each part getting one clip of it at least."""
    wanted = sum(fraction > 0 for fraction in fractions)
    parts: list[list[int]] = [[], [], []]
    for k in np.unique(table.labels[clips]):
        members = rng.permutation(clips[table.labels[clips] == k])
        if len(members) < wanted:
            raise SplitError(
                f"class '{labels[k]}' has {len(members)} of the {wanted} clips that a split into {wanted} parts "
                "needs. Record more of it, or leave it out with --classes when importing."
            )
        edges = np.cumsum(_counts(len(members), fractions))[:2]
        for part, chosen in zip(parts, np.split(members, edges), strict=True):
            part.extend(chosen.tolist())
    train, val, test = (np.sort(np.array(part, np.int64)) for part in parts)
    return train, val, test


def _counts(total: int, fractions: Fractions) -> Ints:
    """Divide a number by largest remainders, each part with a share above zero getting one at least."""
    shares = np.array(fractions) * total
    counts = np.maximum(np.floor(shares).astype(np.int64), np.array(fractions) > 0)
    while counts.sum() < total:
        counts[np.argmax(shares - counts)] += 1
    while counts.sum() > total:
        counts[np.argmax(np.where(counts > 1, counts - shares, -np.inf))] -= 1
    return np.asarray(counts, np.int64)


def _by_group(
    table: ClipTable, clips: Ints, groups: Strings, fractions: Fractions, rng: np.random.Generator
) -> tuple[Ints, Ints, Ints]:
    """Give each group to one part, the largest first, so that the labels of each part come near their share.

    Each group goes where the sum of squared differences to the wanted counts falls most (greedy).
    """
    names, member = np.unique(groups[clips], return_inverse=True)
    wanted_parts = [p for p in range(3) if fractions[p] > 0]
    if len(names) < len(wanted_parts):
        raise SplitError(
            f"{len(wanted_parts)} parts need as many groups; there are {len(names)}: {', '.join(names)}. "
            "Record more people, or give a part the fraction 0."
        )
    _, label = np.unique(table.labels[clips], return_inverse=True)
    counts = np.zeros((len(names), label.max() + 1))
    np.add.at(counts, (member, label), 1)
    missing = np.array(fractions)[:, None] * counts.sum(axis=0)  # (part, label): clips that it lacks yet
    part_of_group = np.full(len(names), -1)
    shuffled = rng.permutation(len(names))
    order = shuffled[np.argsort(-counts.sum(axis=1)[shuffled], kind="stable")]
    for done, g in enumerate(order):
        empty = [p for p in wanted_parts if p not in part_of_group]
        choice = empty if len(empty) == len(order) - done else wanted_parts
        part_of_group[g] = max(choice, key=lambda p: float(missing[p] @ counts[g]))
        missing[part_of_group[g]] -= counts[g]
    train, val, test = (clips[part_of_group[member] == p] for p in range(3))
    return train, val, test


def _warned(split: Split, table: ClipTable, labels: tuple[str, ...]) -> Split:
    """Return the split with a warning for each class that is tested and never trained."""
    unknown = np.setdiff1d(table.labels[split.test], table.labels[split.train])
    if not len(unknown):
        return split
    names = ", ".join(labels[k] for k in unknown)
    return replace(split, warnings=(*split.warnings, f"never trained, since only the test has it: {names}"))
