from dataclasses import replace

import numpy as np
import pytest

from ademan.clip import Clip
from ademan.errors import ConfigError
from ademan.synthetic import GESTURES, IDLE, LABELS, Detector, Person, Recording, clips, people, perform
from ademan.synthetic.recording import frame_times_s

SCRIPT = ("wave", "swipe_left", "idle", "spread", "pinch", "swipe_right", "circle")


def record(seed: int, script: tuple[str, ...] = SCRIPT, fps: float | None = None) -> Recording:
    rng = np.random.default_rng(seed)
    return perform(Person.draw(rng), script, rng, fps=fps)


@pytest.fixture(scope="module")
def many() -> list[Clip]:
    rng = np.random.default_rng(2)
    return [clip for person in people(6, rng) for clip in clips(person, LABELS, 5, rng)]


def test_the_same_seed_gives_the_same_recording() -> None:
    a, b, other = record(5), record(5), record(6)
    np.testing.assert_array_equal(a.points, b.points)
    np.testing.assert_array_equal(a.timestamps_ms, b.timestamps_ms)
    assert a.intervals == b.intervals
    assert a.intervals != other.intervals


@pytest.mark.parametrize("seed", range(5))
def test_intervals_follow_the_script_do_not_overlap_and_lie_inside(seed: int) -> None:
    recording = record(seed)
    assert [interval.label for interval in recording.intervals] == [label for label in SCRIPT if label != IDLE]
    ends = [0.0, *(interval.end_ms for interval in recording.intervals)]
    for interval, previous in zip(recording.intervals, ends, strict=False):
        assert previous < interval.start_ms < interval.end_ms
    assert ends[-1] < recording.timestamps_ms[-1]


@pytest.mark.parametrize("seed", range(5))
def test_a_recording_has_the_shape_a_landmarker_gives(seed: int) -> None:
    recording = record(seed)
    assert recording.points.shape == (len(recording.timestamps_ms), 42, 3)
    assert recording.points.dtype == np.float32
    assert not np.isinf(recording.points).any()
    assert (np.diff(recording.timestamps_ms) > 0).all()
    assert recording.timestamps_ms[0] == 0
    hands = np.isnan(recording.points).reshape(-1, 2, 63)
    assert (hands.all(axis=2) == hands.any(axis=2)).all()
    z_of_wrists = recording.points[:, [0, 21], 2]
    assert (z_of_wrists[~np.isnan(z_of_wrists)] == 0).all()


def test_dropped_hands_are_missing_and_reappear() -> None:
    rng = np.random.default_rng(0)
    person = replace(Person.draw(rng), detector=Detector(lost_per_s=3.0))
    seen = ~np.isnan(perform(person, ["wave"] * 3, rng).points[:, [0, 21], 0])
    gaps = (np.diff(seen.astype(int), axis=0) == -1).sum()
    assert gaps > 3


def test_a_recording_without_gestures_is_idle() -> None:
    assert record(0, ()).intervals == ()
    assert record(0, ("idle",)).intervals == ()


@pytest.mark.parametrize("label", ["swipe_left", "swipe_right"])
def test_the_quickest_movement_of_a_swipe_goes_its_way(label: str) -> None:
    right = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        person = replace(Person.draw(rng), detector=Detector(jitter=0, drift=0, lost_per_s=0))
        recording = perform(person, [label], rng, fps=30)
        ((_, start, end),) = recording.intervals
        inside = (recording.timestamps_ms >= start) & (recording.timestamps_ms <= end)
        speed = (
            np.diff(recording.points[inside][:, [0, 21], 0], axis=0) / np.diff(recording.timestamps_ms[inside])[:, None]
        )
        peak = np.nan_to_num(speed).ravel()
        right += peak[np.abs(peak).argmax()] > 0
    # Where the stroke itself is lost, something else is quickest.
    assert right <= 2 if label == "swipe_left" else right >= 18


@pytest.mark.parametrize("fps", [15.0, 24.0, 30.0, 60.0])
def test_frames_come_at_the_rate_asked_for_but_not_evenly(fps: float) -> None:
    times = frame_times_s(60, fps, np.random.default_rng(0))
    steps = np.diff(times)
    assert 1 / np.median(steps) == pytest.approx(fps, rel=0.02)
    assert 0.02 < np.std(steps) * fps < 0.3
    assert (steps > 0).all()
    assert times[0] == 0
    assert 60 - 3 / fps < times[-1] <= 60


def test_clips_say_what_and_who_and_are_unique(many: list[Clip]) -> None:
    assert len({clip.id for clip in many}) == len(many) == 6 * len(LABELS) * 5
    assert {clip.label for clip in many} == set(LABELS)
    assert {clip.subject for clip in many} == {f"person-{k:02d}" for k in range(1, 7)}
    assert all(clip.session == "1" and clip.image_wh and clip.skeleton.name == "hands" for clip in many)
    assert all(clip.coordinates == "square" for clip in many)


def test_sessions_name_clips_differently(rng: np.random.Generator) -> None:
    person = Person.draw(rng)
    monday, tuesday = (clips(person, ["wave"], 2, rng, session=day) for day in ("monday", "tuesday"))
    assert monday[0].session == "monday"
    assert not {clip.id for clip in monday} & {clip.id for clip in tuesday}


def test_clips_hold_a_hand_that_is_seen_unless_idle(many: list[Clip]) -> None:
    seen = {label: [clip.seen.any(axis=1).mean() for clip in many if clip.label == label] for label in LABELS}
    for label in GESTURES:
        assert np.mean(seen[label]) > 0.85
    assert min(seen[IDLE]) < 0.5
    both = [clip.seen[:, [0, 21]].all(axis=1).mean() for clip in many if clip.label == "spread"]
    assert np.mean(both) > 0.5


def test_clips_are_short_and_of_different_lengths(many: list[Clip]) -> None:
    lengths = np.array([clip.duration_ms for clip in many])
    assert lengths.min() > 400
    assert lengths.max() < 4500
    idle = np.median([clip.duration_ms for clip in many if clip.label == IDLE])
    assert 0.6 < idle / np.median(lengths) < 1.5


def test_clips_are_the_same_from_the_same_seed() -> None:
    person = Person.draw(np.random.default_rng(0))
    a, b = (clips(person, ["circle", IDLE], 2, np.random.default_rng(4)) for _ in range(2))
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one.points, other.points)
        assert one.id == other.id


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan")])
def test_a_frame_rate_that_cannot_be_is_refused(fps: float) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ConfigError, match="frames per second must be above zero"):
        clips(Person.draw(rng), ["wave"], 1, rng, fps=fps)


def test_unknown_labels_and_negative_counts_are_refused(rng: np.random.Generator) -> None:
    person = Person.draw(rng)
    with pytest.raises(ConfigError, match="no made-up gesture 'salute'"):
        perform(person, ["salute"], rng)
    with pytest.raises(ConfigError, match="no made-up gesture 'salute'"):
        clips(person, ["salute"], 1, rng)
    with pytest.raises(ConfigError, match="cannot be below zero, found -1"):
        clips(person, ["wave"], -1, rng)
