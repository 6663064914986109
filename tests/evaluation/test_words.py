from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.evaluation import Predictions, score, words
from ademan.evaluation.intervals import Interval
from tests.evaluation.conftest import certain, predictions


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0, "0 %"),
        (0.44, "44 %"),
        (1, "100 %"),
        (0.999, "99.9 %"),
        (0.99999, "99.9 %"),
        (0.0001, "0.1 %"),
        (0.005, "0.5 %"),
        (0.993, "99.3 %"),
        (0.99, "99 %"),
    ],
)
def test_nothing_is_written_as_all_or_none_that_is_not(share: float, written: str) -> None:
    assert words.percent(share) == written


@given(st.text(), st.integers(1, 40))
def test_a_shortened_text_fits_and_is_one_line(text: str, length: int) -> None:
    assert len(words.short(text, length)) <= length
    assert "\n" not in words.short(text, length)


def test_the_headline_says_share_clips_and_interval() -> None:
    scores = score(certain([0] * 10, [0] * 8 + [1, 1]))
    assert words.headline(scores, unseen=True) == (
        "Right in 80 % of 10 clips it has never seen (95 % interval 49 to 94 %)."
    )
    assert "among which are some that it may have been trained on" in words.headline(scores, unseen=False)
    assert "of 1 clip it" in words.headline(score(certain([0], [0])), unseen=True)


def test_clips_of_the_training_are_warned_of() -> None:
    assert words.seen(unseen=True) == ""
    assert "on new ones, expect less" in words.seen(unseen=False)


def test_the_commonest_class_is_what_guessing_would_answer() -> None:
    assert words.guessing(score(certain([0, 1, 1, 1], [0, 0, 0, 0]))) == "Always answering 'b' would be right in 75 %."


def test_what_it_confuses_most_is_named_with_counts() -> None:
    scores = score(certain([0, 0, 0, 0, 1, 1, 2], [1, 1, 2, 0, 0, 1, 0]))
    assert words.confusions(scores) == (
        "Most often it takes 'a' for 'b' (2 of 4), 'c' for 'a' (1 of 1) and 'b' for 'a' (1 of 2)."
    )
    assert words.confusions(score(certain([0], [0]))) == "It took no clip for another class."


@pytest.mark.parametrize(
    ("confidence", "right", "verdict"),
    [
        (0.8, 800, "Its confidence can be believed."),
        (0.8, 700, "Its confidence is a rough guide: it is somewhat too sure of itself."),
        (0.99, 500, "Do not believe its confidence: it is much too sure of itself."),
        (0.5, 900, "Do not believe its confidence: it is much too modest."),
    ],
)
def test_confidence_is_judged_by_its_distance_from_the_truth(confidence: float, right: int, verdict: str) -> None:
    p = certain([0] * 1000, [0] * right + [1] * (1000 - right), K=2, confidence=confidence)
    assert words.calibration(score(p)).startswith(verdict)


def test_a_few_clips_do_not_judge_confidence() -> None:
    p = certain([0] * 5, [0] * 3 + [1] * 2, K=2, confidence=0.7)
    assert "too few clips to tell how far its confidence can be believed" in words.calibration(score(p))


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ("random", "Tested on clips drawn at random."),
        ("official:split2", "Tested on the official split 'split2'."),
        ("group:subject", "Tested on people that were kept out of training altogether."),
        ("group:camera:1,2", "Tested on cameras that were kept out of training altogether."),
        ("all of them", "Tested on: all of them."),
        ("", ""),
    ],
)
def test_the_split_is_said_in_words(split: str, said: str) -> None:
    assert words.whose_clips(score(predictions(people=0)), split, unseen=True) == said


def test_people_are_not_said_to_be_new_when_training_saw_their_clips() -> None:
    said = words.whose_clips(score(predictions(people=0)), "group:subject", unseen=False)
    assert said == "Tested on people that this split sets apart."


def test_people_are_counted_and_the_first_of_them_named() -> None:
    said = words.whose_clips(score(predictions(people=10)), "random", unseen=True)
    assert said.endswith("The clips are of 10 people: s1, s2, s3, s4, s5, s6, s7, s8 and 2 more.")
    assert words.whose_clips(score(predictions(people=1)), "", unseen=True).startswith("The clips are of 1 person: s1.")


@pytest.mark.parametrize(("kind", "whom"), [("subject", "strangers"), ("session", "new sessions")])
def test_a_random_split_of_known_groups_is_warned_of(kind: str, whom: str) -> None:
    scores = score(replace(predictions(), group_kind=kind))
    assert f"with {whom}, expect less. Train again with --split group:{kind}" in words.leak(scores, "random")


def test_other_splits_and_unknown_groups_are_not_warned_of() -> None:
    assert words.leak(score(predictions()), "group:subject") == ""
    assert words.leak(score(predictions()), "official:one") == ""
    assert words.leak(score(predictions(people=0)), "random") == ""


def test_other_people_are_spoken_of_only_where_they_tell_something() -> None:
    assert "had other people been drawn" in words.group_interval(score(predictions()))
    assert words.group_interval(score(predictions(people=4))) == ""
    alike = Predictions(tuple("abcde"), np.zeros(5, int), np.array([[1.0, 0.0]] * 5), ("x", "y"), tuple("stuvw"))
    assert score(alike).accuracy_interval_by_group == Interval(1, 1)
    assert words.group_interval(score(alike)) == ""


def test_few_clips_are_warned_of_and_many_not() -> None:
    assert "Test on more" in words.too_few(score(certain([0] * 5, [0] * 4 + [1])))
    assert words.too_few(score(certain([0] * 500, [0] * 400 + [1] * 100))) == ""
