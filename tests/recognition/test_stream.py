from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ademan.clip import times_at
from ademan.errors import ClipError, ConfigError
from ademan.recognition import Classifier, Event, Recognizer, StreamConfig, Update
from ademan.recognition.stream import Trigger
from tests.conftest import MakeClip

NOW = StreamConfig(every_ms=50, smoothing_ms=0)


def test_streaming_gives_what_the_same_window_gives_offline(small_bundle: Path, make_clip: MakeClip) -> None:
    classifier, clip = Classifier(small_bundle), make_clip(frames=60)
    recognizer = Recognizer(classifier, NOW)
    window = classifier.manifest.window
    compared = 0
    for i, (points, time) in enumerate(zip(clip.points, clip.timestamps_ms, strict=True)):
        update = recognizer.push(points, float(time))
        if update.probabilities is not None:
            offline = classifier.probabilities(window.cut(clip.points[: i + 1], clip.timestamps_ms[: i + 1])[None])[0]
            np.testing.assert_allclose(update.probabilities, offline, atol=1e-5)
            compared += 1
    assert compared > 20


def test_memory_is_bounded_by_one_window(small_bundle: Path, rng: np.random.Generator) -> None:
    recognizer = Recognizer(small_bundle, StreamConfig(every_ms=1000))
    points = rng.random((42, 2)).astype(np.float32)
    for time in times_at(120, 5000):
        recognizer.push(points, float(time))
        assert len(recognizer._buffer) <= 120 * 0.95 + 3  # 20 frames at 20 a second span 0.95 s


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
        trigger = Trigger(classifier, StreamConfig(least_ms=200, cooldown_ms=1000, accept=0.6, release=0.4))
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
