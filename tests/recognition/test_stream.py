from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ademan.bundle import read_bundle
from ademan.clip import MAX_GAP_MS, Clip, times_at
from ademan.errors import ClipError, ConfigError
from ademan.recognition import Classifier, Event, Recognizer, StreamConfig, Update
from ademan.recognition.stream import NEAREST_MS, Trigger
from ademan.window import Fit, Window
from tests.conftest import MakeClip
from tests.recognition.reading import Reading, written

NOW = StreamConfig(every_ms=50, smoothing_ms=0)


@settings(max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(1, 120),
    fps=st.floats(8, 60),  # below, how far points may be apart hangs on the median step of all frames
    fit=st.sampled_from(["rate", "spread", "pad"]),
    flaw=st.sampled_from(["none", "uneven", "holes"]),
)
def test_streaming_gives_what_the_same_window_gives_offline(
    small_bundle: Path, seed: int, frames: int, fps: float, fit: Fit, flaw: str
) -> None:
    classifier, rng = fitted(small_bundle, fit), np.random.default_rng(seed)
    points, times = rng.random((frames, 42, 2)).astype(np.float32), times_at(fps, frames)
    if flaw == "uneven":
        times += rng.uniform(-0.3, 0.3, frames) * 1000 / fps
    if flaw == "holes":
        points[rng.random((frames, 1)).repeat(42, axis=1) < 0.3] = np.nan
        points[-1, 0] = 0.5
    update = Update()
    recognizer = Recognizer(classifier, StreamConfig(every_ms=1e-9, smoothing_ms=0))
    for frame, time in zip(points, times.tolist(), strict=True):
        update = recognizer.push(frame, time)
    window = Window(20, "rate", 20 if fit == "rate" else 25)
    assert update.probabilities is not None
    offline = classifier.probabilities(window.cut(points, times)[None])[0]
    np.testing.assert_array_equal(update.probabilities, offline)


def fitted(bundle: Path, fit: Fit) -> Classifier:
    """Return the classifier as if its windows had been fitted otherwise in training."""
    found = read_bundle(bundle)
    window = found.manifest.window if fit == "rate" else Window(20, fit)
    return Classifier(replace(found, manifest=replace(found.manifest, window=window)))


@pytest.mark.parametrize("fps", [20, 25, 29.97, 30, 60, 144])
def test_predictions_come_at_the_asked_rate_whatever_the_cameras(small_bundle: Path, fps: float) -> None:
    rng = np.random.default_rng(0)
    recognizer = Recognizer(Reading(small_bundle), StreamConfig(every_ms=100))
    points = np.zeros((42, 2), np.float32)
    times = times_at(fps, round(20 * fps)) + rng.uniform(0, 0.3, round(20 * fps)) * 1000 / fps
    count = sum(recognizer.push(points, float(time)).probabilities is not None for time in times)
    assert 198 <= count <= 201


def test_a_camera_slower_than_the_predictions_has_one_a_frame(small_bundle: Path) -> None:
    recognizer = Recognizer(Reading(small_bundle), StreamConfig(every_ms=100))
    points = np.zeros((42, 2), np.float32)
    assert all(recognizer.push(points, float(time)).probabilities is not None for time in times_at(8, 50))


@pytest.mark.parametrize("step_ms", [1000 / 120, 1, 0.01, 0])
@pytest.mark.parametrize("value", [0.5, np.nan])
def test_memory_is_bounded_by_one_window(small_bundle: Path, step_ms: float, value: float) -> None:
    recognizer = Recognizer(Reading(small_bundle), StreamConfig(every_ms=1000))
    points = np.full((42, 2), value, np.float32)
    span_ms = 950 + MAX_GAP_MS  # 20 frames at 20 a second span 0.95 s
    for i in range(5000):
        recognizer.push(points, i * step_ms)
        assert len(recognizer._buffer) <= span_ms / max(step_ms, NEAREST_MS) + 3


def test_points_that_change_after_they_were_pushed_change_nothing(small_bundle: Path) -> None:
    recognizer, points = Recognizer(Reading(small_bundle), NOW), np.full((42, 2), 0.25, np.float32)
    recognizer.push(points, 0)
    points[:] = 0.75
    assert recognizer._buffer.points[0].max() == 0.25


def test_a_frame_that_is_not_later_is_passed_over(small_bundle: Path, rng: np.random.Generator) -> None:
    recognizer = Recognizer(small_bundle, NOW)
    points = rng.random((42, 2)).astype(np.float32)
    assert recognizer.push(points, 100).probabilities is not None
    assert recognizer.push(points, 100).probabilities is None
    assert recognizer.push(points, 40).probabilities is None


def test_a_clock_that_goes_back_far_begins_anew(small_bundle: Path, make_clip: MakeClip) -> None:
    first: list[Update] = []
    second: list[Update] = []
    clip = make_clip(frames=30)
    recognizer = Recognizer(small_bundle, StreamConfig(every_ms=50, least_ms=0, accept=0, release=0))
    for found, later_ms in ((first, 1e9), (second, 0)):
        for points, time in zip(clip.points, clip.timestamps_ms, strict=True):
            found.append(recognizer.push(points, float(time) + later_ms))
    ended, *begun = second[0].events
    assert (ended.kind, ended.label, ended.timestamp_ms) == (
        "ended",
        first[0].events[0].label,
        1e9 + clip.timestamps_ms[-1],
    )
    assert [(e.kind, e.label) for e in begun] == [(e.kind, e.label) for e in first[0].events]
    for before, after in zip(first, second, strict=True):
        assert (before.probabilities is None) == (after.probabilities is None)
        if before.probabilities is not None and after.probabilities is not None:
            np.testing.assert_allclose(after.probabilities, before.probabilities, atol=1e-5)


@pytest.mark.parametrize("time", [np.nan, np.inf, -np.inf])
def test_a_time_that_is_not_finite_is_refused(small_bundle: Path, time: float) -> None:
    recognizer, points = Recognizer(small_bundle, NOW), np.zeros((42, 2), np.float32)
    with pytest.raises(ClipError, match=f"a frame has the time {time} ms; expected a finite number"):
        recognizer.push(points, time)
    assert recognizer.push(points, 0).probabilities is not None


def test_nobody_to_be_seen_is_idle(small_bundle: Path) -> None:
    recognizer = Recognizer(small_bundle, NOW)
    for time in times_at(25, 50):
        update = recognizer.push(np.full((42, 2), np.nan, np.float32), float(time))
        assert not update.events
        if update.probabilities is not None:
            assert update.probabilities.tolist() == [0, 0, 1]


def test_points_of_another_shape_are_refused(small_bundle: Path) -> None:
    recognizer = Recognizer(small_bundle)
    for points in (np.zeros((17, 2)), np.zeros((42, 3)), np.full((42, 2), np.inf)):
        with pytest.raises(ClipError, match=r"expected \(42, 2\), finite or NaN"):
            recognizer.push(points.astype(np.float32), 0)


Decide = Callable[[Sequence[tuple[float, float, float]]], list[Event]]


@pytest.fixture
def decide(small_bundle: Path) -> Decide:
    """Return the events of rows of probabilities (a, b, idle), 100 ms apart."""
    classifier = Classifier(small_bundle)

    def run(rows: Sequence[tuple[float, float, float]]) -> list[Event]:
        trigger = Trigger(classifier.manifest, StreamConfig(least_ms=200, cooldown_ms=1000, accept=0.6, release=0.4))
        found = []
        for i, row in enumerate(rows):
            probabilities: NDArray[np.float32] = np.array(row, np.float32)
            found += trigger.decide(probabilities, i * 100.0)
        return found

    return run


A, B, IDLE, WEAK_A = (0.9, 0.05, 0.05), (0.05, 0.9, 0.05), (0.0, 0.1, 0.9), (0.5, 0.25, 0.25)


def test_a_gesture_held_for_long_is_one_event(decide: Decide) -> None:
    events = decide([IDLE] * 3 + [A] * 30 + [IDLE] * 3)
    assert [(e.kind, e.label, e.timestamp_ms) for e in events] == [("began", "a", 500), ("ended", "a", 3300)]


def test_an_idle_hand_is_no_event(decide: Decide) -> None:
    assert decide([IDLE] * 50) == []


def test_a_short_flicker_is_no_event(decide: Decide) -> None:
    assert decide([IDLE, A, A, IDLE] * 5) == []


def test_weakness_within_a_gesture_does_not_end_it(decide: Decide) -> None:
    assert [e.kind for e in decide([A] * 5 + [WEAK_A] * 5 + [A] * 5)] == ["began"]


def test_weakness_alone_does_not_begin_one(decide: Decide) -> None:
    assert decide([WEAK_A] * 20) == []


def test_the_same_gesture_waits_for_the_cooldown_and_another_does_not(decide: Decide) -> None:
    again = decide([A] * 5 + [IDLE] * 2 + [A] * 5)
    assert [(e.kind, e.label) for e in again] == [("began", "a"), ("ended", "a")]
    later = decide([A] * 5 + [IDLE] * 12 + [A] * 5)
    assert [e.kind for e in later] == ["began", "ended", "began"]
    other = decide([A] * 5 + [IDLE] + [B] * 5)
    assert [(e.kind, e.label) for e in other] == [("began", "a"), ("ended", "a"), ("began", "b")]


def test_another_gesture_that_is_strong_for_long_enough_takes_over(decide: Decide) -> None:
    events = decide([A] * 5 + [(0.41, 0.59, 0.0)] * 5 + [(0.41, 0.6, 0.0)] * 3 + [IDLE])
    assert [(e.kind, e.label, e.timestamp_ms) for e in events] == [
        ("began", "a", 200),
        ("ended", "a", 1200),
        ("began", "b", 1200),
        ("ended", "b", 1300),
    ]


def test_a_flicker_of_another_gesture_does_not_take_over(decide: Decide) -> None:
    assert [e.label for e in decide([A] * 5 + [(0.4, 0.6, 0.0)] * 2 + [A] * 5)] == ["a"]


def test_idle_hands_end_a_gesture_that_lingers(decide: Decide) -> None:
    events = decide([A] * 5 + [(0.4, 0.0, 0.6)] * 5)
    assert [(e.kind, e.label, e.timestamp_ms) for e in events] == [("began", "a", 200), ("ended", "a", 700)]


def test_without_an_idle_label_the_threshold_alone_rejects(small_bundle: Path) -> None:
    found = read_bundle(small_bundle)
    classifier = Reading(replace(found, manifest=replace(found.manifest, idle=None)))
    recognizer = Recognizer(classifier, NOW)
    nobody = np.full((42, 2), np.nan, np.float32)
    for time in times_at(20, 40):
        update = recognizer.push(nobody, float(time))
        assert not update.events
        if update.probabilities is not None:
            assert update.probabilities.tolist() == [0, 0, 0]
    trigger = Trigger(classifier.manifest, StreamConfig(accept=0.6))
    weak = np.array([0.5, 0.3, 0.2], np.float32)
    assert not [event for i in range(20) for event in trigger.decide(weak, i * 100.0)]


def test_the_end_of_the_stream_ends_the_gesture(small_bundle: Path) -> None:
    recognizer, clip = Recognizer(Reading(small_bundle)), written((1, 0, 0), (2, 0.9, 0))
    assert [e.kind for e in run(recognizer, clip)] == ["began"]
    assert [(e.kind, e.label, e.timestamp_ms) for e in recognizer.finish()] == [("ended", "a", clip.timestamps_ms[-1])]
    assert recognizer.finish() == []
    assert [e.kind for e in run(recognizer, clip)] == ["began"]


def test_a_threshold_that_is_changed_holds_from_the_next_frame_on(small_bundle: Path) -> None:
    recognizer, clip = Recognizer(Reading(small_bundle)), written((3, 0.7, 0))
    recognizer.set_accept(0.8)
    assert recognizer.accept == 0.8
    assert run(recognizer, clip) == []
    recognizer.finish()
    assert recognizer.accept == 0.8
    recognizer.set_accept(0.6)
    assert [e.kind for e in run(recognizer, clip)] == ["began"]
    with pytest.raises(ConfigError, match=r"a threshold of a stream must be from 0 to 1, found 1\.2"):
        recognizer.set_accept(1.2)


def run(recognizer: Recognizer, clip: Clip) -> list[Event]:
    frames = zip(clip.points, clip.timestamps_ms.tolist(), strict=True)
    return [event for points, time_ms in frames for event in recognizer.push(points, time_ms).events]


def test_an_event_tells_its_highest_confidence_when_it_ends(decide: Decide) -> None:
    events = decide([(0.7, 0.2, 0.1)] * 4 + [A] * 3 + [IDLE])
    assert [round(e.confidence, 3) for e in events] == [0.7, 0.9]


def test_times_and_thresholds_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="every_ms above it"):
        StreamConfig(every_ms=0)
    with pytest.raises(ConfigError, match="must not be below zero"):
        StreamConfig(cooldown_ms=-1)
    with pytest.raises(ConfigError, match=r"a threshold of a stream must be from 0 to 1, found 1\.5"):
        StreamConfig(accept=1.5)


def test_the_three_steps_taken_apart_are_what_push_does(small_bundle: Path, rng: np.random.Generator) -> None:
    whole, apart = Recognizer(small_bundle), Recognizer(small_bundle)
    for time in [*times_at(30, 60), *times_at(25, 30)]:  # the clock goes back in between
        points = rng.random((42, 2)).astype(np.float32)
        expected = whole.push(points, float(time))
        events, due = apart.add(points, float(time))
        if due is None:
            assert expected.probabilities is None
            continue
        window = apart.window()
        assert window is not None
        found = apart.decide(due, apart.classifier.probabilities(window[None])[0])
        np.testing.assert_array_equal(found.probabilities, expected.probabilities)
        assert (*events, *found.events) == expected.events


def test_a_prediction_of_before_the_stream_began_anew_changes_nothing(small_bundle: Path) -> None:
    recognizer = Recognizer(small_bundle, NOW)
    _, due = recognizer.add(np.full((42, 2), 0.5, np.float32), 0.0)
    assert due is not None
    recognizer.finish()
    assert recognizer.window() is None
    assert recognizer.decide(due, np.array([1, 0, 0], np.float32)).probabilities is None
    assert recognizer.active is None


def test_a_threshold_of_0_is_undone_by_the_next(small_bundle: Path) -> None:
    recognizer = Recognizer(small_bundle, StreamConfig(accept=0.6, release=0.3))
    recognizer.set_accept(0.0)
    recognizer.set_accept(0.8)
    assert recognizer._trigger.release == pytest.approx(0.4)
