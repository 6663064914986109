import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.clip import Clip, Points, times_at
from ademan.datasets import Dataset, DatasetWriter
from ademan.errors import ConfigError, DatasetError, SplitError
from ademan.evaluation.leak import (
    MAX_CLIPS,
    Folds,
    Leak,
    _features,
    _group_folds,
    _predicted,
    _shuffled_within_labels,
    leak,
)
from ademan.skeleton import BUILT_IN, Skeleton, skeleton

HAND = skeleton("hand")
PEOPLE = ("ann", "bob", "cem", "dai")
LABELS = ("wave", "clap", "idle")


def way(seed: int) -> Points:
    """A smooth motion of a hand that only this number makes."""
    rng = np.random.default_rng(seed)
    phase = np.linspace(0, 2 * np.pi, 20)[:, None, None]
    hand = np.random.default_rng(7).normal(0, 0.1, (1, 21, 2))
    turns = sum(rng.normal(0, 0.05, (1, 21, 2)) * np.sin(phase * k + rng.uniform(0, 6)) for k in (1, 2, 3))
    return np.asarray(0.5 + hand + turns, np.float32)


def clips_of(motion: Callable[[int, int], Points], repeats: int = 8) -> list[Clip]:
    """Each person shows each label some times, with a tremor."""
    rng = np.random.default_rng(0)
    return [
        Clip(
            motion(k, who) + rng.normal(0, 0.01, (20, 21, 2)).astype(np.float32),
            times_at(20, 20),
            HAND,
            id=f"{label}_{person}_{repeat}",
            label=label,
            subject=person,
        )
        for k, label in enumerate(LABELS)
        for who, person in enumerate(PEOPLE)
        for repeat in range(repeats)
    ]


def own_manner(k: int, who: int) -> Points:
    return way(100 * who + k)


def same_manner(k: int, _: int) -> Points:
    return way(k)


Measured = Callable[..., Leak]


@pytest.fixture
def measured(tmp_path: Path) -> Measured:
    def measure(clips: Sequence[Clip], *args: object, **options: object) -> Leak:
        with DatasetWriter(tmp_path / "d.h5", clips[0].skeleton) as writer:
            for clip in clips:
                writer.add(clip)
        with Dataset(tmp_path / "d.h5") as dataset:
            return leak(dataset, *args, **options)  # type: ignore[arg-type]

    return measure


def test_where_each_person_has_a_manner_of_their_own_a_random_split_flatters(measured: Measured) -> None:
    found = measured(clips_of(own_manner))
    assert found.random.accuracy > 0.9
    assert found.group.accuracy < 0.6
    assert found.points == pytest.approx(100 * (found.random.accuracy - found.group.accuracy))
    assert found.points > 35
    assert (found.kind, found.groups, found.clips, found.left_out) == ("subject", 4, 96, 0)


def test_where_all_people_do_the_same_a_random_split_does_not_flatter(measured: Measured) -> None:
    found = measured(clips_of(same_manner))
    assert found.group.accuracy > 0.95
    assert abs(found.points) < 5


def test_chance_is_the_share_of_the_most_frequent_class(measured: Measured) -> None:
    clips = [clip for clip in clips_of(same_manner) if clip.label == "idle" or clip.id[-1] in "01"]
    assert measured(clips).chance == pytest.approx(32 / 48)


def test_the_same_seed_gives_the_same_figures_and_another_others(measured: Measured) -> None:
    clips = [
        replace(clip, points=clip.points + np.float32(1.5) * way(1000 + i))
        for i, clip in enumerate(clips_of(own_manner))
    ]
    assert measured(clips, seed=3) == measured(clips, seed=3)
    assert len({measured(clips, seed=seed).random.by_fold for seed in range(4)}) > 1


def test_there_are_no_more_folds_than_groups(measured: Measured) -> None:
    for wanted, made in ((2, 2), (3, 3), (9, 4)):
        found = measured(clips_of(same_manner), folds=wanted)
        assert len(found.random.by_fold) == len(found.group.by_fold) == made


def test_what_tells_clips_apart_is_found_by_itself(measured: Measured) -> None:
    clips = clips_of(same_manner)
    days = [replace(clip, session=f"d{i % 3}", source=f"v{i // 2}") for i, clip in enumerate(clips)]
    assert measured(days).kind == "subject"
    assert measured(days, "session").groups == 3
    assert measured([replace(clip, subject="ann") for clip in days]).kind == "session"
    assert measured([replace(clip, subject=None, session=None) for clip in days]).kind == "source"


def test_clips_of_unknown_people_or_without_label_are_left_out(measured: Measured) -> None:
    clips = clips_of(same_manner)
    clips[0] = replace(clips[0], subject=None)
    clips[1] = replace(clips[1], label=None)
    found = measured(clips)
    assert (found.clips, found.left_out) == (94, 1)


def test_labels_that_one_person_alone_shows_are_left_out_and_named(measured: Measured) -> None:
    clips = [replace(clip, label="bow") if clip.id.startswith("wave_ann") else clip for clip in clips_of(same_manner)]
    found = measured(clips)
    assert found.untestable == ("bow",)
    assert (found.clips, found.left_out) == (88, 8)


def test_of_many_clips_some_are_drawn(measured: Measured) -> None:
    tip = Skeleton("tip", ("tip",), (), (0,))
    clips = [
        Clip(np.full((1, 1, 2), i % 2), times_at(1, 1), tip, id=str(i), label="ab"[i % 2], subject=f"s{i % 3}")
        for i in range(MAX_CLIPS + 60)
    ]
    assert measured(clips).clips == MAX_CLIPS


def test_the_sentence_says_what_a_reader_needs() -> None:
    found = Leak("subject", 3, 90, 0, (), Folds(0.974, (0.95, 0.99, 0.98)), Folds(0.664, (0.6, 0.7, 0.69)), 0.1)
    assert str(found) == (
        "a random split flatters by 31 points: a quick baseline reaches 0.97 (0.95 to 0.99 over 3 folds), "
        "and 0.66 (0.60 to 0.70 over 3 folds) where the test's subjects are new to it (chance: 0.10)."
    )
    said = json.loads(json.dumps(found.to_json()))
    assert said["sentence"] == str(found)
    assert said["points"] == pytest.approx(31)
    assert said["random"]["by_fold"] == [0.95, 0.99, 0.98]
    assert "flatters by 1 point:" in str(replace(found, group=Folds(0.96, (0.96,))))
    assert "does not flatter here:" in str(replace(found, group=Folds(0.98, (0.98,))))


GROUPED = st.integers(2, 60).flatmap(
    lambda N: st.tuples(*(st.lists(st.integers(0, 5), min_size=N, max_size=N) for _ in range(2)))
)


@given(GROUPED, st.integers(2, 6), st.integers(0, 2**32))
def test_both_splits_train_and_test_as_many_clips_of_each_class(
    made: tuple[list[int], list[int]], folds: int, seed: int
) -> None:
    label, (_, group) = np.array(made[0]), np.unique(made[1], return_inverse=True)
    folds = min(folds, group.max() + 1)
    by_group = _group_folds(label, group, folds, np.random.default_rng(seed))
    at_random = _shuffled_within_labels(by_group, label, np.random.default_rng(seed))
    assert set(by_group.tolist()) == set(range(folds))
    for g in np.unique(group):
        assert len(set(by_group[group == g].tolist())) == 1
    for k in range(folds):
        np.testing.assert_array_equal(
            np.bincount(label[at_random == k], minlength=6), np.bincount(label[by_group == k], minlength=6)
        )


def test_groups_are_shared_out_evenly() -> None:
    group = np.repeat(np.arange(10), 12)
    label = np.tile(np.arange(4), 30)
    fold = _group_folds(label, group, 5, np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(fold), [24] * 5)


def test_a_fold_that_is_left_with_one_class_guesses_it() -> None:
    features = np.zeros((3, 4), np.float32)
    assert _predicted(features, np.array([2, 2, 2]), features[:2]).tolist() == [2, 2]


@given(
    st.sampled_from([*BUILT_IN.values(), Skeleton("tip", ("tip",), (), (0,))]),
    st.integers(1, 30),
    st.sampled_from([2, 3]),
    st.sampled_from([0, 0.3, 1]),
    st.integers(0, 2**32),
)
def test_any_clip_becomes_a_row_of_finite_numbers_of_one_length(
    body: Skeleton, frames: int, channels: int, lost: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 1, (frames, len(body), channels)).astype(np.float32)
    points[rng.random(points.shape[:2]) < lost] = np.nan
    row = _features(points, times_at(25, frames), body)
    # A skeleton without parts is one part: its points and its place.
    owned = sum(len(part.points) for part in body.parts) + len(body.parts) if body.parts else len(body) + 1
    assert row.shape == ((16 + 15) * owned * channels,)
    assert row.dtype == np.float32
    assert np.isfinite(row).all()


@given(st.floats(0.2, 5), st.floats(-3, 3), st.floats(0.2, 5))
def test_place_size_and_speed_of_a_clip_change_nothing(scale: float, shift: float, speed: float) -> None:
    points, times = way(3), times_at(100, 20)
    row = _features((points * scale + shift).astype(np.float32), times * speed, HAND)
    np.testing.assert_allclose(row, _features(points, times, HAND), atol=5e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"subject": None}, "no groups are known: the clips say neither two subjects, nor two sessions or sources"),
        ({"subject": "ann"}, "no groups are known"),
    ],
)
def test_clips_that_nothing_tells_apart_cannot_be_compared(
    measured: Measured, change: dict[str, str | None], message: str
) -> None:
    with pytest.raises(SplitError, match=message):
        measured([replace(clip, **change) for clip in clips_of(same_manner)])  # type: ignore[arg-type]


def test_one_person_alone_cannot_be_compared(measured: Measured) -> None:
    with pytest.raises(SplitError, match=r"all 96 labelled clips are of one subject, 'ann'; a comparison needs two"):
        measured([replace(clip, subject="ann") for clip in clips_of(same_manner)], "subject")


def test_a_kind_that_no_clip_says_is_refused(measured: Measured) -> None:
    with pytest.raises(DatasetError, match=r"no clip says its session. Known here: subject"):
        measured(clips_of(same_manner), "session")


def test_labels_that_no_two_people_share_cannot_be_compared(measured: Measured) -> None:
    clips = [replace(clip, label=f"{clip.label} by {clip.subject}") for clip in clips_of(same_manner)]
    with pytest.raises(
        SplitError, match=r"needs two labels that more than one subject shows; there are 0. Shown by one"
    ):
        measured(clips)


def test_a_comparison_needs_two_folds(measured: Measured) -> None:
    with pytest.raises(ConfigError, match="a comparison needs two folds or more, found 1"):
        measured(clips_of(same_manner), folds=1)
