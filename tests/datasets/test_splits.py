import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ademan.datasets import NO_LABEL, ClipTable, Dataset, Split, make_splits
from ademan.datasets.table import Ints
from ademan.errors import DatasetError, SplitError


@dataclass
class Table:
    """What splits read of a dataset: its table, labels and official splits."""

    table: ClipTable
    labels: tuple[str, ...]
    splits: dict[str, dict[str, Ints]] = field(default_factory=dict)
    path: Path = Path("some.h5")
    made: dict[str, Any] = field(default_factory=dict)

    def find(self, clip_id: str) -> int:
        return list(self.table.ids).index(clip_id)


def dataset(
    labels: Sequence[int],
    subjects: Sequence[str] = (),
    sessions: Sequence[str] = (),
    splits: dict[str, dict[str, Sequence[int]]] | None = None,
) -> Dataset:
    N = len(labels)

    def column(names: Sequence[str]) -> Any:
        return np.array(list(names) or [""] * N, np.str_)

    table = ClipTable(
        ids=column([f"c{i}" for i in range(N)]),
        labels=np.array(labels, np.int64),
        subjects=column(subjects),
        sessions=column(sessions),
        sources=column([]),
        image_wh=np.zeros((N, 2), np.int64),
        offsets=np.arange(N + 1),
    )
    official = {
        name: {part: np.array(clips, np.int64) for part, clips in parts.items()}
        for name, parts in (splits or {}).items()
    }
    return cast(Dataset, Table(table, tuple("abcdefgh"), official))


def only(made: list[Split]) -> Split:
    (split,) = made
    return split


def assert_divided(split: Split, clips: Sequence[int]) -> None:
    """Each clip is in just one part, and the parts are in order."""
    together = np.concatenate(list(split.parts().values()))
    assert sorted(together.tolist()) == sorted(clips)
    for indices in split.parts().values():
        assert (np.diff(indices) > 0).all()


def groups_of(split: Split, names: Sequence[str]) -> dict[str, set[str]]:
    return {part: {names[i] for i in indices} for part, indices in split.parts().items()}


FRACTIONS = st.sampled_from([(0.7, 0.15, 0.15), (0.8, 0.0, 0.2), (0.8, 0.2, 0.0), (1.0, 0.0, 0.0), (0.5, 0.25, 0.25)])
SEEDS = st.integers(0, 2**32)
LABELS = st.lists(st.integers(-1, 4), min_size=1, max_size=80)
ENOUGH = st.lists(st.integers(0, 12).map(lambda n: n and n + 2), min_size=1, max_size=5).filter(any)
"""Clips of each class: none, or three and more."""
PEOPLE = st.lists(st.sampled_from(["ann", "bob", "cem", "dai", "eve", "fay", "gil"]), min_size=80, max_size=80)


@given(ENOUGH, st.integers(0, 9), FRACTIONS, SEEDS, st.randoms())
def test_a_random_split_divides_all_labelled_clips(
    counts: list[int], unknown: int, fractions: tuple[float, float, float], seed: int, order: Random
) -> None:
    labels = [k for k, count in enumerate(counts) for _ in range(count)] + [NO_LABEL] * unknown
    order.shuffle(labels)
    split = only(make_splits(dataset(labels), "random", fractions, seed))
    assert_divided(split, np.flatnonzero(np.array(labels) != NO_LABEL).tolist())
    for part, fraction in zip(split.parts().values(), fractions, strict=True):
        for k in np.unique(np.array(labels)[np.array(labels) != NO_LABEL]):
            found = int((np.array(labels)[part] == k).sum())
            assert (found > 0) == (fraction > 0)
            assert abs(found - fraction * counts[k]) < 2


@pytest.mark.parametrize("fractions", [(0.7, 0.15, 0.15), (0.8, 0.0, 0.2)])
def test_a_random_split_meets_its_fractions(fractions: tuple[float, float, float]) -> None:
    split = only(make_splits(dataset([k for k in range(4) for _ in range(100)]), "random", fractions))
    assert [len(part) for part in split.parts().values()] == [round(400 * fraction) for fraction in fractions]


@given(LABELS, PEOPLE, FRACTIONS, SEEDS)
def test_a_group_split_divides_all_labelled_clips_and_shares_no_group(
    labels: list[int], people: list[str], fractions: tuple[float, float, float], seed: int
) -> None:
    people = people[: len(labels)]
    labelled = np.flatnonzero(np.array(labels) != NO_LABEL).tolist()
    assume(labelled and len({people[i] for i in labelled}) >= sum(fraction > 0 for fraction in fractions))
    split = only(make_splits(dataset(labels, people), "group:subject", fractions, seed))
    assert_divided(split, labelled)
    groups = groups_of(split, people)
    assert sum(map(len, groups.values())) == len({people[i] for i in labelled})
    assert [len(part) > 0 for part in split.parts().values()] == [fraction > 0 for fraction in fractions]
    assert split.group_kind == "subject"


@given(SEEDS, st.sampled_from([(0.7, 0.15, 0.15), (0.8, 0.0, 0.2)]))
def test_a_group_split_comes_near_its_fractions_in_each_class(seed: int, fractions: tuple[float, float, float]) -> None:
    people = [f"p{i % 20}" for i in range(600)]
    labels = [i // 20 % 3 for i in range(600)]
    split = only(make_splits(dataset(labels, people), "group:subject", fractions, seed))
    for part, fraction in zip(split.parts().values(), fractions, strict=True):
        assert np.abs(np.bincount(np.array(labels)[part], minlength=3) / 200 - fraction).max() <= 0.05


@given(st.sampled_from(["random", "group:subject", "group:subject:each", "shots:2:subject:each", "official:1"]), SEEDS)
def test_the_same_seed_gives_the_same_split(spec: str, seed: int) -> None:
    made = _by_eight_people()
    first, second = (make_splits(made, spec, seed=seed) for _ in range(2))
    assert [_plain(split, made) for split in first] == [_plain(split, made) for split in second]


def test_another_seed_gives_another_split() -> None:
    made = _by_eight_people()
    for spec in ("random", "group:subject"):
        assert len({str(_plain(only(make_splits(made, spec, seed=seed)), made)) for seed in range(5)}) > 1


def _by_eight_people() -> Dataset:
    people = [f"p{i % 8}" for i in range(96)]
    sides: dict[str, Sequence[int]] = {
        "train": [i for i in range(96) if i % 8 < 5],
        "test": [i for i in range(96) if i % 8 >= 5],
    }
    return dataset([i // 8 % 3 for i in range(96)], people, [f"d{i % 4}" for i in range(96)], {"1": sides})


def _plain(split: Split, made: Dataset) -> dict[str, Any]:
    return split.to_json(made.table)


def test_leaving_one_out_tests_each_group_once() -> None:
    made = _by_eight_people()
    people = made.table.subjects.tolist()
    splits = make_splits(made, "group:subject:each")
    assert [split.name for split in splits] == [f"group:subject:p{i}" for i in range(8)]
    for i, split in enumerate(splits):
        assert_divided(split, range(96))
        groups = groups_of(split, people)
        assert groups["test"] == {f"p{i}"}
        assert groups["val"]
        assert not groups["train"] & groups["val"]


def test_named_groups_are_the_test() -> None:
    made = _by_eight_people()
    split = only(make_splits(made, "group:session:d0,d2"))
    assert split.name == "group:session:d0,d2"
    assert_divided(split, range(96))
    groups = groups_of(split, made.table.sessions.tolist())
    assert groups["test"] == {"d0", "d2"}
    assert groups["train"] | groups["val"] == {"d1", "d3"}
    assert len(groups["train"]) == len(groups["val"]) == 1


def test_few_shots_are_of_one_person_and_all_others_are_tested() -> None:
    made = _by_eight_people()
    people, labels = np.array(made.table.subjects), made.table.labels
    splits = make_splits(made, "shots:3:subject:each")
    assert [split.name for split in splits] == [f"shots:3:subject:p{i}" for i in range(8)]
    for i, split in enumerate(splits):
        assert set(people[split.train].tolist()) == {f"p{i}"}
        assert np.bincount(labels[split.train]).tolist() == [3, 3, 3]
        assert split.test.tolist() == np.flatnonzero(people != f"p{i}").tolist()
        assert not len(split.val)


def test_few_shots_of_a_name_are_those_of_each() -> None:
    made = _by_eight_people()
    alone = only(make_splits(made, "shots:2:subject:p5", seed=3))
    assert alone.train.tolist() == make_splits(made, "shots:2:subject:each", seed=3)[5].train.tolist()


def test_gestures_that_the_one_person_never_made_are_not_tested() -> None:
    made = dataset([0, 1, 0, 1, 0, 2, 0, 1], ["ann"] * 4 + ["bob"] * 4)
    split = only(make_splits(made, "shots:5:subject:ann"))
    assert split.test.tolist() == [4, 6, 7]
    assert len(split.warnings) == 1
    assert "not tested" in split.warnings[0]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("shots:0:subject:ann", "above zero"),
        ("shots:x:subject:ann", "above zero"),
        ("shots:5:subject:zoe", "no clip has the subject zoe"),
        ("shots:5:subject:cyd", "nothing to test"),
        ("shots:5", "is unknown"),
    ],
)
def test_few_shots_that_cannot_be_are_refused(spec: str, told: str) -> None:
    with pytest.raises(SplitError, match=told):
        make_splits(dataset([0, 0, 1, 1], ["ann", "bob", "cyd", "cyd"]), spec)


def test_without_a_share_for_it_there_is_no_validation() -> None:
    for spec in ("random", "group:subject", "group:subject:p1", "official:1"):
        split = only(make_splits(_by_eight_people(), spec, (0.8, 0.0, 0.2)))
        assert len(split.val) == 0
        assert_divided(split, range(96))


def test_two_people_still_give_a_validation_part_when_one_is_left_out() -> None:
    made = dataset([0, 1] * 20, ["ann", "bob"] * 10 + ["bob", "ann"] * 10)
    for split in make_splits(made, "group:subject:each"):
        assert_divided(split, range(40))
        assert min(map(len, split.parts().values())) > 0
        groups = groups_of(split, made.table.subjects.tolist())
        assert not groups["val"] & groups["test"]


def test_an_official_split_is_taken_as_it_is() -> None:
    parts: dict[str, Sequence[int]] = {"train": [0, 1, 2, 5], "val": [3, 4], "test": [6, 7]}
    made = dataset([0, 1] * 4, splits={"1": parts, "2": parts | {"test": [7]}})
    split = only(make_splits(made, "official:2"))
    assert {part: indices.tolist() for part, indices in split.parts().items()} == parts | {"test": [7]}
    assert split.name == "official:2"


def test_the_only_official_split_needs_no_name() -> None:
    assert only(make_splits(_by_eight_people(), "official")).name == "official:1"


def test_an_official_split_leaves_clips_without_label_out() -> None:
    made = dataset([0, 1, -1, 0, 1, -1], splits={"1": {"train": [0, 1, 2], "test": [3, 4, 5]}})
    split = only(make_splits(made, "official", (0.8, 0.0, 0.2)))
    assert (split.train.tolist(), split.test.tolist()) == ([0, 1], [3, 4])


def test_validation_of_an_official_split_is_taken_by_whole_groups() -> None:
    made = _by_eight_people()
    split = only(make_splits(made, "official:1"))
    assert_divided(split, range(96))
    assert split.test.tolist() == made.splits["1"]["test"].tolist()
    groups = groups_of(split, made.table.subjects.tolist())
    assert groups["val"]
    assert not groups["val"] & (groups["train"] | groups["test"])


@given(PEOPLE, st.lists(st.booleans(), min_size=80, max_size=80), SEEDS)
def test_validation_of_an_official_split_shares_no_group_with_its_test_where_any_is_free(
    people: list[str], is_test: list[bool], seed: int
) -> None:
    is_test = [tested and person != "ann" for tested, person in zip(is_test, people, strict=True)]
    train, test = ([i for i in range(80) if is_test[i] == side] for side in (False, True))
    assume("ann" in people and len(test) and sum(people[i] == "ann" for i in train) > 8 and len(set(people)) > 1)
    made = dataset([i // 40 for i in range(80)], people, splits={"1": {"train": train, "test": test}})
    labels_of_ann = [i // 40 for i in range(80) if people[i] == "ann"]
    assume(min(labels_of_ann.count(0), labels_of_ann.count(1)) > 1)
    split = only(make_splits(made, "official", seed=seed))
    assert_divided(split, range(80))
    groups = groups_of(split, people)
    assert groups["val"]
    assert not groups["val"] & groups["test"]


def test_validation_that_must_share_people_with_the_test_says_so() -> None:
    people = ["ann", "bob"] * 20
    sides: dict[str, Sequence[int]] = {"train": range(20), "test": range(20, 40)}
    split = only(make_splits(dataset([i // 2 % 2 for i in range(40)], people, splits={"1": sides}), "official"))
    assert_divided(split, range(40))
    assert len(split.val)
    assert any("validation shares a subject with the test" in warning for warning in split.warnings)


@pytest.mark.parametrize("named_val", [False, True])
def test_an_official_split_whose_sides_share_people_says_so(named_val: bool) -> None:
    people = ["ann", "bob"] * 10 + ["bob", "cem"] * 10
    sides: dict[str, Sequence[int]] = {"train": range(18), "test": range(20, 40)}
    made = dataset([i // 2 % 2 for i in range(40)], people, splits={"1": sides | {"val": [18]} if named_val else sides})
    split = only(make_splits(made, "official"))
    assert split.warnings == ("train and test share a subject, so a new subject will be harder than the test says",)
    assert split.group_kind is None


def test_an_official_split_whose_sides_share_nobody_says_what_it_keeps_apart() -> None:
    split = only(make_splits(_by_eight_people(), "official"))
    assert (split.group_kind, split.warnings) == ("subject", ())


def test_clips_of_unknown_people_on_both_sides_promise_nothing_and_accuse_nobody() -> None:
    sides: dict[str, Sequence[int]] = {"train": range(20), "test": range(20, 40)}
    people = ["ann", ""] * 10 + ["bob", ""] * 10
    split = only(make_splits(dataset([i // 2 % 2 for i in range(40)], people, splits={"1": sides}), "official"))
    assert (split.group_kind, split.warnings) == (None, ())


@pytest.mark.parametrize("spec", ["group:subject:each", "group:subject:each,bob", "group:subject:bob"])
@pytest.mark.parametrize("name", ["each", "ann,bob"])
def test_groups_whose_names_make_a_specification_ambiguous_are_named(spec: str, name: str) -> None:
    made = dataset([0, 1] * 12, [name, "bob", "cem", "dai"] * 6)
    with pytest.raises(SplitError, match=rf"called 'each', cannot be told apart in '.*': {name}. Give it another name"):
        make_splits(made, spec)
    assert only(make_splits(made, "group:subject")).group_kind == "subject"


def test_a_random_split_of_known_people_warns_of_the_leak() -> None:
    assert "clips of one subject are on both sides" in only(make_splits(_by_eight_people(), "random")).warnings[0]
    days = dataset([0, 1] * 9, sessions=["d1", "d2", "d3"] * 6)
    assert "clips of one session are on both sides" in only(make_splits(days, "random")).warnings[0]
    assert not only(make_splits(dataset([0, 1] * 9), "random")).warnings
    assert not only(make_splits(dataset([0, 1] * 9, ["ann"] * 18), "random")).warnings


def test_a_class_that_only_the_test_has_is_told() -> None:
    made = dataset([0, 1, 0, 1, 2, 2, 3], ["ann", "ann", "bob", "bob", "cem", "cem", "cem"])
    split = only(make_splits(made, "group:subject:cem", (0.8, 0.0, 0.2)))
    assert split.warnings == ("never trained, since only the test has it: c, d",)
    assert not only(make_splits(made, "group:subject:bob", (0.8, 0.0, 0.2))).warnings


def test_a_split_comes_back_by_the_ids_of_its_clips(dataset_file: Path) -> None:
    with Dataset(dataset_file) as made:
        split = only(make_splits(made, "group:subject"))
        saved = json.loads(json.dumps(split.to_json(made.table)))
        back = Split.from_json(saved, made)
        assert back.to_json(made.table) == saved
        assert saved["train"] == made.table.ids[split.train].tolist()
        with pytest.raises(DatasetError, match="no clip 'gone'"):
            Split.from_json(saved | {"test": ["gone"]}, made)


def test_the_order_of_a_file_does_not_matter_to_a_saved_split() -> None:
    made = _by_eight_people()
    saved = only(make_splits(made, "random")).to_json(made.table)
    order = np.arange(96)[::-1]
    table = replace(made.table, ids=made.table.ids[order])
    back = Split.from_json(saved, cast(Dataset, Table(table, made.labels)))
    assert set(table.ids[back.test]) == set(saved["test"])


PAIR = [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("made", "spec", "message"),
    [
        (
            dataset(PAIR),
            "stratified",
            r"split 'stratified' is unknown. Choose random, group:subject \(session, source\)",
        ),
        (dataset(PAIR), "random:3", "split 'random:3' is unknown"),
        (dataset(PAIR), "group", "split 'group' is unknown"),
        (dataset([-1, -1]), "random", "no clip of some.h5 has a label"),
        (dataset([0, 0, 0, 1, 1]), "random", r"class 'b' has 2 of the 3 clips that a split into 3 parts needs. Record"),
        (dataset(PAIR, ["ann", "bob"] * 3), "group:subject", r"3 parts need as many groups; there are 2: ann, bob"),
        (dataset(PAIR, ["ann", ""] * 3), "group:subject", "3 clips do not say their subject, 'c1' among them"),
        (
            dataset(PAIR, ["ann", "bob"] * 3),
            "group:subject:ann,joe",
            r"no clip has the subject joe. There are: ann, bob",
        ),
        (dataset(PAIR, ["ann", "bob"] * 3), "group:subject:bob,ann", "nothing is left to train with"),
        (dataset(PAIR, ["ann"] * 6), "group:subject:each", "nothing is left to train with"),
        (dataset(PAIR), "official", r"some.h5 has no official split ''. It came with none"),
        (
            dataset(PAIR, splits={"x": {"train": [0], "test": [1]}, "y": {"train": [1], "test": [0]}}),
            "official:z",
            r"some.h5 has no official split 'z'. It has: official:x, official:y",
        ),
        (
            dataset(PAIR, splits={"x": {"train": PAIR}}),
            "official:x",
            "official split 'x' of some.h5 has no clip to test",
        ),
        (
            dataset(PAIR, splits={"x": {"test": [0]}}),
            "official:x",
            "official split 'x' of some.h5 has no clip to train",
        ),
        (
            dataset([0, 0, -1], splits={"x": {"train": [0, 1], "test": [2]}}),
            "official:x",
            "official split 'x' of some.h5 has no clip to test",
        ),
    ],
)
def test_a_split_that_cannot_be_made_says_why(made: Dataset, spec: str, message: str) -> None:
    with pytest.raises(SplitError, match=message):
        make_splits(made, spec)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("group:subject", "no clip says its subject. Known here: neither subject, session nor source"),
        ("group:colour", "clips are grouped by subject, session or source, not by 'colour'"),
    ],
)
def test_groups_that_are_not_known_are_refused(spec: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        make_splits(dataset(PAIR), spec)


NAN = float("nan")


@pytest.mark.parametrize(
    "fractions", [(0.5, 0.2, 0.2), (0.0, 0.5, 0.5), (1.2, -0.2, 0.0), (0.5, 0.5), (NAN, 0.5, 0.5), (0.5, NAN, 0.5)]
)
def test_fractions_that_do_not_add_up_are_refused(fractions: tuple[float, float, float]) -> None:
    with pytest.raises(SplitError, match="three numbers that add up to one, the first above zero; found"):
        make_splits(dataset(PAIR), "random", fractions)


EVERY_KIND = "random group:subject group:subject:each group:session:d0 shots:2:subject:each official:1".split()


def _with_copies(made: Dataset, numbers: Sequence[int], order: Sequence[int]) -> Dataset:
    """Return a dataset with so many copies of each clip, in another order; the official splits have the copies too."""
    N = len(made.table)
    taken = np.array([*range(N), *(i for i in range(N) for _ in range(numbers[i]))])
    names = [f"c{i}" for i in range(N)] + [f"c{i}~{n}" for i in range(N) for n in range(numbers[i])]
    order = np.argsort([order[k % len(order)] for k in range(len(taken))], kind="stable").tolist()
    taken, names = taken[order], [names[k] for k in order]
    columns = {name: getattr(made.table, name)[taken] for name in ("labels", "subjects", "sessions", "sources")}
    table = replace(
        made.table,
        ids=np.array(names),
        offsets=np.arange(len(taken) + 1),
        image_wh=made.table.image_wh[taken],
        **columns,
    )
    splits = {
        name: {part: np.flatnonzero(np.isin(taken, clips)) for part, clips in parts.items()}
        for name, parts in made.splits.items()
    }
    copies = {name: name.split("~")[0] for name in names if "~" in name}
    return cast(Dataset, Table(table, made.labels, splits, made={"copies": copies}))


@pytest.mark.parametrize("spec", EVERY_KIND)
@given(st.lists(st.integers(0, 3), min_size=96, max_size=96), st.lists(st.integers(0, 99), min_size=50), SEEDS)
def test_copies_train_with_their_originals_and_are_nowhere_else(
    spec: str, numbers: list[int], order: list[int], seed: int
) -> None:
    made = _by_eight_people()
    copied = _with_copies(made, numbers, order)
    for split in make_splits(copied, spec, seed=seed):
        ids = {part: copied.table.ids[clips].tolist() for part, clips in split.parts().items()}
        recorded = [name for name in ids["train"] if "~" not in name]
        assert not [name for part in ("val", "test") for name in ids[part] if "~" in name]
        assert not {name.split("~")[0] for name in ids["train"]} & {*ids["val"], *ids["test"]}
        assert len(ids["train"]) == len(recorded) + sum(numbers[int(name[1:])] for name in recorded)
        assert (np.diff(split.train) > 0).all()


@pytest.mark.parametrize("spec", EVERY_KIND)
@given(st.lists(st.integers(0, 3), min_size=96, max_size=96), SEEDS)
def test_copies_do_not_change_which_recordings_are_in_which_part(spec: str, numbers: list[int], seed: int) -> None:
    made = _by_eight_people()
    copied = _with_copies(made, numbers, [0])  # behind the clips that were recorded, as they are written
    for alone, beside in zip(make_splits(made, spec, seed=seed), make_splits(copied, spec, seed=seed), strict=True):
        assert beside.train[beside.train < 96].tolist() == alone.train.tolist()
        assert (beside.val.tolist(), beside.test.tolist()) == (alone.val.tolist(), alone.test.tolist())
        assert (beside.name, beside.group_kind, beside.warnings) == (alone.name, alone.group_kind, alone.warnings)


def test_a_copy_of_a_clip_that_is_not_there_never_trains() -> None:
    made = _with_copies(dataset(PAIR), [1] * 6, [0])
    made.made["copies"] |= {"c0~0": "gone", "c1~0": "c2~0"}
    split = only(make_splits(made, "random", (1.0, 0.0, 0.0)))
    assert set(made.table.ids[split.train]) == {*(f"c{i}" for i in range(6)), "c2~0", "c3~0", "c4~0", "c5~0"}


def test_a_dataset_of_copies_alone_cannot_be_divided() -> None:
    made = dataset(PAIR)
    made.made["copies"] = {f"c{i}": "gone" for i in range(6)}
    with pytest.raises(SplitError, match=r"no clip of some\.h5 has a label"):
        make_splits(made, "random")
