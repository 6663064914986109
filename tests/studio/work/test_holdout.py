from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.studio.data import StudioError
from ademan.studio.work.holdout import ClipFacts, Earlier, HoldOut, hold_out

LABELS = ("circle", "idle", "wave")


def clips_of(
    people: Sequence[int], each: int = 3, recordings: int = 1, labels: Sequence[str] = LABELS
) -> list[ClipFacts]:
    return [
        ClipFacts(f"{person:03}{label}{recording}{i}", label, person, person * 100 + recording)
        for person in people
        for label in labels
        for recording in range(recordings)
        for i in range(each)
    ]


def after(*versions: HoldOut) -> Earlier:
    """What is bound after some versions."""
    frozen = {person for version in versions for person in version.people}
    return Earlier.of(frozen, [version.to_json() for version in versions])


def test_with_three_people_one_is_kept_whole() -> None:
    held = hold_out(clips_of([1, 2, 3]), Earlier())
    assert held.kind == "people"
    assert len(held.people) == 1
    assert len(held.test) == 9
    assert set(held.people).isdisjoint(held.people_learnt)
    assert held.told == ()


def test_of_every_five_people_one_is_kept() -> None:
    assert [len(hold_out(clips_of(range(1, n + 1)), Earlier()).people) for n in (3, 5, 9, 10, 14, 15)] == [
        1,
        1,
        1,
        2,
        2,
        3,
    ]


def test_who_is_kept_stays_kept_and_new_ones_are_people_whom_nothing_was_learnt_from() -> None:
    first = hold_out(clips_of(range(1, 6)), Earlier())
    second = hold_out(clips_of(range(1, 13)), after(first))
    assert set(first.people) < set(second.people)
    assert len(second.people) == 2
    assert set(second.people).isdisjoint(first.people_learnt)
    assert set(second.people).isdisjoint(second.people_learnt)


def test_the_third_person_is_the_test_if_the_first_two_were_learnt_from() -> None:
    first = hold_out(clips_of([1, 2], recordings=3), Earlier())
    assert first.kind == "recordings"
    second = hold_out(clips_of([1, 2, 3], recordings=3), after(first))
    assert second.people == (3,)
    assert second.told == ()


def test_it_is_told_if_the_test_was_learnt_from_before() -> None:
    known = Earlier(people_learnt=frozenset([1, 2, 3]))
    held = hold_out(clips_of([1, 2, 3]), known)
    assert "Earlier models have learnt from the person of this test" in held.told[0]


def test_who_has_most_of_the_clips_is_not_kept() -> None:
    clips = [*clips_of([1], each=30), *clips_of([2, 3])]
    assert hold_out(clips, Earlier()).people in [(2,), (3,)]


def test_who_shows_most_gestures_is_kept() -> None:
    clips = [*clips_of([1], labels=("wave",)), *clips_of([2, 3, 4], labels=("wave", "circle")), *clips_of([5])]
    assert hold_out([*clips, *clips_of([6], labels=("wave", "idle"))], Earlier()).people == (5,)


def test_a_gesture_only_those_who_are_kept_made_is_left_out_and_told() -> None:
    clips = clips_of([1, 2, 3], labels=("circle", "wave"))
    first = hold_out(clips, Earlier())
    more = clips_of(first.people, labels=("clap",))
    second = hold_out([*clips, *more], after(first))
    assert second.labels == ("circle", "wave")
    assert "Left out, with too few clips to learn from: 'clap'." in second.told
    assert not set(second.test) & {clip.id for clip in more}


def test_nothing_is_learnt_from_people_who_are_kept_even_when_hardly_anybody_else_is_left() -> None:
    frozen = Earlier(people_tested=frozenset([2]))
    held = hold_out(clips_of([1, 2]), frozen)
    assert (held.kind, held.people, held.people_learnt) == ("people", (2,), (1,))
    with pytest.raises(StudioError, match="accepted are none"):
        hold_out(clips_of([2]), frozen)


def test_with_two_people_whole_recordings_are_kept_and_that_is_told() -> None:
    held = hold_out(clips_of([1, 2], recordings=3), Earlier())
    assert held.kind == "recordings"
    tested = {i[:3] + i[-2] for i in held.test}
    learnt = {i[:3] + i[-2] for i in held.train}
    assert tested.isdisjoint(learnt)
    assert "A new person will be harder than this test says." in held.told[0]


def test_recordings_of_one_gesture_each_give_a_test_of_all_gestures() -> None:
    clips = [
        ClipFacts(f"{label}{take}{i}", label, 1, take * 10 + k)
        for k, label in enumerate(LABELS)
        for take in range(3)
        for i in range(4)
    ]
    held = hold_out(clips, Earlier())
    assert held.kind == "recordings"
    assert len(held.recordings) == 3
    assert {clip.label for clip in clips if clip.id in held.test} == set(LABELS)


def test_recordings_that_are_kept_stay_kept() -> None:
    first = hold_out(clips_of([1], recordings=3), Earlier())
    second = hold_out(clips_of([1], recordings=8), after(first))
    assert set(first.recordings) <= set(second.recordings)
    assert not any("Earlier models" in line for line in second.told)


def test_with_one_recording_single_clips_are_kept_and_that_is_told() -> None:
    held = hold_out(clips_of([1], labels=("circle", "wave")), Earlier())
    assert (held.kind, len(held.train), len(held.test)) == ("clips", 4, 2)
    assert "the figures are better than what a new person will see" in held.told[0]


def test_single_clips_that_are_kept_stay_kept() -> None:
    clips = clips_of([1], each=10)
    first = hold_out(clips[: len(clips) // 2 + 6], Earlier())
    second = hold_out(clips, after(first))
    assert set(first.test) <= set(second.test)


@pytest.mark.parametrize("labels", [(), ("wave",), ("wave", "circle")])
def test_too_little_is_told_with_what_there_is(labels: tuple[str, ...]) -> None:
    with pytest.raises(StudioError, match="two gestures with 3 accepted clips each are needed") as caught:
        hold_out(clips_of([1], each=2, labels=labels), Earlier())
    assert caught.value.code == "bad"
    assert all(f"'{label}' 2" in str(caught.value) for label in labels)


def test_validation_by_whole_people_does_not_take_a_gesture_away() -> None:
    # Of those who are learnt from, each made one gesture alone.
    clips = [*clips_of([1], 8, labels=("wave",)), *clips_of([2], 8, labels=("circle",)), *clips_of([3], 2)]
    held = hold_out(clips, Earlier())
    assert held.people == (3,)
    assert held.val is not None
    parts = held.parts()
    label = {clip.id: clip.label for clip in clips}
    assert {label[i] for i in parts["train"]} == {"wave", "circle"}
    assert not set(parts["val"]) & set(parts["train"])


facts = st.builds(
    ClipFacts,
    st.uuids().map(lambda u: u.hex),
    st.sampled_from(LABELS),
    st.none() | st.integers(1, 7),
    st.none() | st.integers(1, 9),
)


@given(st.lists(facts, max_size=60, unique_by=lambda clip: clip.id), st.sets(st.integers(1, 7)))
def test_whatever_there_is_the_parts_hold_what_they_promise(clips: list[ClipFacts], frozen: set[int]) -> None:
    try:
        held = hold_out(clips, Earlier(people_tested=frozenset(frozen)))
    except StudioError as error:
        assert error.code == "bad"
        return
    known = {clip.id: clip for clip in clips}
    assert held == hold_out(clips[::-1], Earlier(people_tested=frozenset(frozen)))
    assert not set(held.train) & set(held.test)
    assert held.test
    assert not {known[i].person for i in held.train} & frozen
    learnt = Counter(known[i].label for i in held.train)
    assert len(held.labels) >= 2
    assert set(learnt) == set(held.labels)
    assert all(count >= 2 for count in learnt.values())
    assert {known[i].label for i in held.test} <= set(held.labels)
    if held.kind == "people":
        assert {known[i].person for i in held.test} <= set(held.people)
        assert not set(held.people) & {known[i].person for i in held.train}
    if held.kind == "recordings":
        assert not set(held.recordings) & {known[i].recording for i in held.train}
