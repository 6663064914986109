import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import ConfigError, EvaluationError
from ademan.evaluation.shown import LabelledInterval
from ademan.evaluation.streams import Counts, StreamScores, judge_events, judge_stream
from ademan.recognition import Event
from tests.recognition.reading import Reading, written

SHOWN = [LabelledInterval("a", 1000, 2000), LabelledInterval("b", 5000, 6000), LabelledInterval("a", 9000, 10_000)]
SPAN = (0.0, 12_000.0)


def began(label: str, *times_ms: float) -> list[Event]:
    return [Event("began", label, time_ms, 0.9) for time_ms in times_ms]


def judged(*events: Event) -> StreamScores:
    return judge_events(sorted(events, key=lambda event: event.timestamp_ms), SHOWN, SPAN)


def test_each_gesture_that_is_named_once_is_right() -> None:
    scores = judged(*began("a", 1500, 10_900), *began("b", 5800), Event("ended", "a", 1700, 0.9))
    total = scores.total
    assert (total.made, total.named) == (3, 3)
    assert [total.recall, total.precision, total.f1] == [1, 1, 1]
    assert list(total.delays_ms) == [500, 1900, 800]
    assert (total.delay_ms(0.5), total.delay_ms(1)) == (800, 1900)


def test_events_are_repeats_confused_or_false() -> None:
    scores = judged(*began("a", 1500, 2500, 3500), *began("b", 1200, 2900), *began("c", 4000))
    assert scores.labels["a"] == Counts(made=2, named=1, repeats=1, false=1, delays_ms=(500.0,))
    assert scores.labels["b"] == Counts(made=1, confused=2)
    assert scores.labels["c"] == Counts(false=1)
    assert (scores.total.recall, scores.total.precision) == (1 / 3, 1 / 6)


def test_idle_time_is_what_counts_for_no_gesture() -> None:
    scores = judged(*began("a", 500, 4000))
    assert scores.idle_hours * 3.6e6 == pytest.approx(1000 + 2000 + 2000 + 1000)
    assert scores.false_per_hour == pytest.approx(2 / 6000 * 3.6e6)
    assert scores.false_per_hour_below == pytest.approx(6.2958 / 6000 * 3.6e6, rel=1e-4)


def test_a_stream_of_nothing_else_than_gestures_has_no_idle_rate() -> None:
    scores = judge_events(began("b", 500), [LabelledInterval("a", 0, 900)], (0, 900))
    assert scores.false_per_hour is None
    assert scores.false_per_hour_below is None
    assert scores.total.confused == 1


def test_a_stream_without_gestures_and_events_is_judged_too() -> None:
    scores = judge_events([], [], SPAN)
    assert (scores.total, scores.total.recall, scores.total.precision, scores.total.f1) == (Counts(), 0, 0, 0)
    assert scores.total.delay_ms(0.5) is None
    assert scores.false_per_hour == 0
    json.dumps(scores.to_json(), allow_nan=False)


@given(
    events=st.lists(st.builds(Event, st.just("began"), st.sampled_from("abc"), st.floats(0, 12_000), st.just(0.9))),
    late_ms=st.floats(0, 5000),
)
def test_each_event_and_each_gesture_is_counted_once(events: list[Event], late_ms: float) -> None:
    events.sort(key=lambda event: event.timestamp_ms)
    scores = judge_events(events, SHOWN, SPAN, late_ms)
    total = scores.total
    assert total.named + total.repeats + total.confused + total.false == len(events)
    assert total.made == 3
    assert total.named <= 3
    assert len(total.delays_ms) == total.named
    assert 0 <= scores.idle_hours * 3.6e6 <= 9000


def test_two_streams_together_have_the_sum_of_their_counts() -> None:
    both = judged(*began("a", 1500)) + judged(*began("c", 4000))
    assert (both.total.made, both.total.named, both.total.false) == (6, 1, 1)
    assert both.idle_hours == pytest.approx(2 * judged().idle_hours)
    assert both.labels["a"].delays_ms == (500,)


def test_a_recording_is_judged_by_its_events(small_bundle: Path) -> None:
    recording = written((2, 0, 0), (1.5, 0.9, 0), (4, 0, 0), (1, 0, 0.9), (2, 0, 0))
    shown = [LabelledInterval("a", 2000, 3500), LabelledInterval("a", 7500, 8500)]
    scores = judge_stream(Reading(small_bundle), recording, shown)
    assert scores.labels["a"].named == 1
    assert 150 < scores.labels["a"].delays_ms[0] < 600
    assert scores.labels["b"] == Counts(confused=1)


def test_gestures_that_the_bundle_does_not_know_are_refused(small_bundle: Path) -> None:
    with pytest.raises(EvaluationError, match=r"clip 'stream' is said to show salute; the bundle knows a, b\."):
        judge_stream(Reading(small_bundle), written((2, 0, 0)), [LabelledInterval("salute", 0, 900)])


def test_intervals_of_another_recording_are_refused(small_bundle: Path) -> None:
    with pytest.raises(EvaluationError, match="lasts from 0 to 1950 ms, and is said to show a from 9000 to 10000 ms"):
        judge_stream(Reading(small_bundle), written((2, 0, 0)), SHOWN[::2])


def test_a_lateness_below_zero_is_refused() -> None:
    with pytest.raises(ConfigError, match="late_ms must be 0 or more and finite, found -1"):
        judge_events([], SHOWN, SPAN, -1)
