from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.bundle import Thresholds, read_bundle
from ademan.clip import Clip
from ademan.errors import ConfigError, EvaluationError
from ademan.recognition import Classifier, Recognizer, StreamConfig, verify
from ademan.recognition.calibrate import CANDIDATES, calibrate, most_expected, trace, write_calibrated
from tests.conftest import MakeClip
from tests.recognition.reading import Reading, clip_of, written

NOTHING = (20.0, 0.0, 0.0)
SHARP = StreamConfig(smoothing_ms=0)


@pytest.fixture
def reading(small_bundle: Path) -> Reading:
    return Reading(small_bundle)


def idle(*peaks: float) -> Clip:
    """Return an idle recording in which each of these probabilities of a is held for a second, every 20 seconds."""
    return written(*(part for peak in peaks for part in (NOTHING, (1.0, peak, 0.0))), NOTHING, label="idle")


def test_the_threshold_is_the_smallest_that_no_idle_hand_reaches(reading: Reading) -> None:
    found = calibrate(reading, [idle(0.55, 0.725, 0.65)], config=SHARP)
    assert found.thresholds == Thresholds(0.73, 0.511, calibrated=True)
    assert (found.before, found.after) == ({"a": 3}, {})
    assert {one.accept: one.false_events for one in found.tried} == {
        0.5: 3,
        0.6: 2,
        0.7: 1,
        0.73: 0,
        0.8: 0,
        0.9: 0,
        0.95: 0,
        0.99: 0,
        0.999: 0,
    }


def test_a_model_that_keeps_quiet_anyway_has_the_lowest_threshold(reading: Reading) -> None:
    assert calibrate(reading, [idle(0.3, 0.45)]).thresholds == Thresholds(0.5, 0.35, calibrated=True)


def test_what_short_recordings_prove_is_told(reading: Reading) -> None:
    found = calibrate(reading, [idle(0.7)] * 3)
    assert found.hours == pytest.approx(3 * 41 / 3600, rel=0.01)
    assert found.proven_per_hour == pytest.approx(2.9957 / found.hours, rel=1e-3)
    assert not found.proven


def test_long_recordings_may_have_as_many_events_as_still_prove_the_rate(reading: Reading) -> None:
    recording = idle(0.705, 0.905)
    hours = recording.duration_ms / 3.6e6
    # After one event, up to 4.74 are to be expected.
    loose = calibrate(reading, [recording], per_hour=4.75 / hours, config=SHARP)
    assert loose.thresholds.accept == 0.71
    assert loose.after == {"a": 1}
    assert loose.proven
    strict = calibrate(reading, [recording], per_hour=4.73 / hours, config=SHARP)
    assert strict.thresholds.accept == 0.91
    assert strict.proven


def test_gestures_that_are_still_named_are_counted(reading: Reading) -> None:
    gestures = [written((1, 0, 0), (1, peak, 0), label="a", name=f"{peak}") for peak in (0.65, 0.81, 0.91, 0.96)]
    others = [written((2, 0, 0), label="idle"), written((2, 0, 0), label=None), written((1, 0.9, 0), label="b")]
    found = calibrate(reading, [idle(0.725)], gestures=[*gestures, *others], config=SHARP)
    assert {one.accept: one.detected for one in found.tried} == {
        0.5: 0.8,
        0.6: 0.8,
        0.7: 0.6,
        0.73: 0.6,
        0.8: 0.6,
        0.9: 0.4,
        0.95: 0.2,
        0.99: 0,
        0.999: 0,
    }


@given(
    rows=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=80),
    accept=st.sampled_from(CANDIDATES),
    config=st.builds(
        StreamConfig, smoothing_ms=st.sampled_from([0, 150]), least_ms=st.sampled_from([0, 100]), cooldown_ms=st.just(0)
    ),
)
def test_a_trace_has_the_events_of_the_recogniser(
    small_bundle: Path, rows: list[tuple[float, float]], accept: float, config: StreamConfig
) -> None:
    classifier = Reading(small_bundle)
    recording = clip_of([(a * (1 - b), b) for a, b in rows])
    config = replace(config, accept=accept, release=0.7 * accept)
    recognizer = Recognizer(classifier, config)
    frames = zip(recording.points, recording.timestamps_ms.tolist(), strict=True)
    events = [event for points, time_ms in frames for event in recognizer.push(points, time_ms).events]
    assert trace(classifier, recording, config).events(classifier, config) == events


@pytest.mark.parametrize(("events", "most"), [(0, 2.9957), (1, 4.7439), (2, 6.2958), (10, 16.9622), (1000, 1053.6031)])
def test_the_bound_agrees_with_published_values(events: int, most: float) -> None:
    assert most_expected(events) == pytest.approx(most, abs=1e-4)


def test_the_bound_holds_as_often_as_it_says(rng: np.random.Generator) -> None:
    for mean in (1.0, 4.0, 12.0):
        bounds = {k: most_expected(k) for k in range(60)}
        holds = np.mean([bounds[k] >= mean for k in rng.poisson(mean, 4000).tolist()])
        assert holds >= 0.94


def test_a_calibrated_bundle_is_whole_and_the_first_one_unchanged(
    small_bundle: Path, make_clip: MakeClip, tmp_path: Path
) -> None:
    classifier = Classifier(small_bundle)
    found = calibrate(classifier, [make_clip(label=None, frames=100)], config=StreamConfig(least_ms=300))
    before = {file.name: file.read_bytes() for file in small_bundle.iterdir()}
    write_calibrated(classifier, found, tmp_path / "new.zip", ["somewhere/idle.h5"])
    assert {file.name: file.read_bytes() for file in small_bundle.iterdir()} == before
    verify(tmp_path / "new.zip")
    new, old = read_bundle(tmp_path / "new.zip"), read_bundle(small_bundle)
    assert new.manifest.thresholds == found.thresholds
    assert new.graph == old.graph
    told = new.manifest.training["calibration"]
    assert (told["on"], told["stream"]["least_ms"]) == (["idle.h5"], 300)


def test_a_bundle_can_take_its_own_place(small_bundle: Path, make_clip: MakeClip, tmp_path: Path) -> None:
    classifier = Classifier(small_bundle)
    found = calibrate(classifier, [make_clip(label=None, frames=100)])
    for _ in range(2):
        write_calibrated(classifier, found, tmp_path / "bundle", ["idle.h5"])
    assert Classifier(tmp_path / "bundle").manifest.thresholds.calibrated


def test_a_recording_of_a_gesture_is_refused(reading: Reading) -> None:
    with pytest.raises(EvaluationError, match=r"clip 'stream' is labelled 'a', which is a gesture.*FILE\.h5#CLIP"):
        calibrate(reading, [written((2, 0, 0), label="a")])


def test_nothing_to_calibrate_on_is_refused(reading: Reading) -> None:
    with pytest.raises(EvaluationError, match="there is no idle recording to calibrate on"):
        calibrate(reading, [])


def test_a_model_that_is_never_quiet_is_refused(reading: Reading) -> None:
    with pytest.raises(EvaluationError, match=r"even at the threshold 0.999 there are 2 false events in 0.02 hours"):
        calibrate(reading, [idle(1.0, 1.0)], config=SHARP)


@pytest.mark.parametrize("per_hour", [0, -1, np.nan, np.inf])
def test_a_rate_that_cannot_be_is_refused(reading: Reading, per_hour: float) -> None:
    with pytest.raises(ConfigError, match="per_hour must be above zero and finite"):
        calibrate(reading, [idle()], per_hour=per_hour)
