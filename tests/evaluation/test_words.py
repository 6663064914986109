from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.evaluation import Predictions, score, words
from ademan.evaluation.idle_stream import FalseEvents
from ademan.evaluation.intervals import Interval
from ademan.evaluation.others import OthersScores
from tests.evaluation.conftest import certain, predictions, rejection


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


def test_rejection_is_said_by_the_hundred() -> None:
    found = rejection([0.9] * 80 + [0.55] * 20, [0.6] * 8 + [0.7] * 2 + [0.1] * 190)
    assert words.rejection(found) == (
        "Of 100 clips that show none of its gestures it takes 5 for one (95 % interval 3 to 9 %, by 200 clips), and "
        "finds all of 100 gestures, all by their right name; set so that it takes 1 of 100 (threshold 0.601), it still "
        "finds 80 of 100 gestures, 80 by their right name."
    )


def test_a_threshold_that_was_chosen_elsewhere_is_said_with_what_it_does_here() -> None:
    found = rejection([0.9, 0.6], [0.7] * 3 + [0.1] * 97, chosen_on=[0.65] * 2 + [0.55] * 198)
    assert "set so that of 200 more such clips it takes 1 of 100 (threshold 0.551), it takes 3 of these 100 and" in (
        words.rejection(found)
    )
    assert words.thresholds_chosen(found) == "Thresholds were chosen on 200 more clips that show no gesture."


def test_the_strictest_setting_that_so_few_clips_can_tell_is_said() -> None:
    assert "set so that it takes 5 of 100" in words.rejection(rejection([0.9], [0.6] * 5 + [0.1] * 15))
    assert "set so that it takes 10 of 100" in words.rejection(rejection([0.9], [0.6] * 5 + [0.1] * 5))
    assert words.rejection(rejection([0.9], [0.6] * 9)).endswith("these are too few clips to choose a threshold by.")


def test_a_threshold_that_would_let_more_pass_than_its_own_is_not_said() -> None:
    assert words.rejection(rejection([0.9, 0.4], [0.2] * 100)) == (
        "Of 100 clips that show none of its gestures it takes none for one (95 % interval 0 to 4 %, by 100 clips), and "
        "finds 50 of 100 gestures, 50 by their right name."
    )


def test_of_gestures_that_are_not_found_no_name_is_said() -> None:
    assert words.rejection(rejection([0.4], [0.2])).endswith(
        "(95 % interval 0 to 79 %, by 1 clip), and finds none of 100 gestures; these are too few clips to choose a "
        "threshold by."
    )
    assert words.thresholds_chosen(rejection([0.4], [0.2])) == "These are too few clips to choose a threshold by."
    assert "flatters" in words.thresholds_chosen(rejection([0.4], [0.2] * 10))


def test_where_no_threshold_does_it_is_said() -> None:
    found = rejection([1.0, 0.9], [1.0] * 10)
    assert words.rejection(found).endswith("No threshold brings that down to 10 of 100.")
    assert words.threshold_of(found.settings[0]) == "none (for 1 %)"


@pytest.mark.parametrize(
    ("share", "written"), [(0, "none"), (0.004, "fewer than 1"), (0.044, "4"), (0.996, "more than 99"), (1, "all")]
)
def test_shares_are_written_by_the_hundred_and_never_as_none_or_all_what_is_not(share: float, written: str) -> None:
    assert words.of_100(share) == written


@pytest.mark.parametrize(
    ("least", "written"),
    [(0.5, "0.5"), (0.5000001, "0.501"), (0.99912, "0.9992"), (0.99999991, "0.99999991"), (1, "1"), (1.01, "none")],
)
def test_a_threshold_is_written_so_that_it_takes_no_more(least: float, written: str) -> None:
    assert words.threshold(least) == written


def test_false_events_are_said_with_their_rate_and_what_fires_most() -> None:
    events = FalseEvents({"wave": 7, "stop": 3, "fist": 1, "clap": 1}, 0.5, 2)
    assert words.false_events(events) == (
        "Live, in 30 minutes of clips without a gesture, joined to a stream, it fires 12 times by mistake: 24 an hour, "
        "with 95 % confidence fewer than 39. Most often it says 'wave' (7), 'stop' (3), 'fist' (1)."
    )
    assert words.false_events(FalseEvents({}, 1.0, 1)) == (
        "Live, in 60 minutes of clips without a gesture, joined to a stream, it never fires by mistake: 0 an hour, "
        "with 95 % confidence fewer than 3."
    )
    assert "in 1 minute of clips" in words.false_events(FalseEvents({}, 1 / 60, 1))


def test_only_what_was_judged_of_others_is_said() -> None:
    assert words.others(None) == ""
    assert words.others(OthersScores(None, None)) == words.false_events(None)
    stream = FalseEvents({"wave": 1}, 1.0, 1)
    assert words.others(OthersScores(None, stream)).startswith("Live, in 60 minutes")
    both = words.others(OthersScores(rejection([0.9], [0.1] * 9), stream))
    assert both.startswith("Of 100 clips that show none")
    assert "it fires once by mistake: 1 an hour" in both


def test_what_is_too_short_for_a_stream_is_not_known_to_fire_or_not() -> None:
    told = words.others(OthersScores(rejection([0.9], [0.1] * 9), None))
    assert told.startswith("Of 100 clips that show none")
    assert "How often it fires by mistake live is not known: these clips last less than a minute together." in told


def test_what_was_not_judged_or_was_seen_in_training_is_warned_of() -> None:
    assert words.others_warning(OthersScores(None, None)) == ""
    assert "others will pass more often" in words.others_warning(OthersScores(None, None, unseen=False))
    assert words.others_warning(None) == (
        "How often it fires by mistake is not known: it was judged on gestures alone, and most of what a camera sees "
        "is none. To know, show it clips that are none of its gestures:  ademan evaluate BUNDLE DATASET --others "
        "CLIPS.h5"
    )
