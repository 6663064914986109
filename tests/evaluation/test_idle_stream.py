import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ademan.clip import Clip
from ademan.datasets import Dataset, DatasetWriter
from ademan.errors import ConfigError, EvaluationError
from ademan.evaluation.idle_stream import MOVE_MS, FalseEvents, by_person, join, judge_idle
from ademan.recognition import StreamConfig
from ademan.skeleton import skeleton
from tests.conftest import MakeClip
from tests.recognition.reading import Reading, written


@pytest.fixture
def reading(small_bundle: Path) -> Reading:
    return Reading(small_bundle)


def test_clips_are_joined_at_their_own_times_by_straight_movements(make_clip: MakeClip) -> None:
    first, second = make_clip("x", frames=20), make_clip("y", frames=10, speed=3.0)
    second = replace(second, timestamps_ms=second.timestamps_ms * 2 + 500)
    stream = join([first, second])
    times = stream.timestamps_ms
    start_ms = first.duration_ms + MOVE_MS
    assert np.array_equal(stream.points[:20], first.points)
    assert np.array_equal(stream.points[-10:], second.points)
    assert times[:20] == pytest.approx(first.timestamps_ms)
    assert times[-10:] == pytest.approx(second.timestamps_ms - 500 + start_ms)
    way = (times > first.duration_ms) & (times < start_ms)
    share = ((times[way] - first.duration_ms) / MOVE_MS)[:, None, None]
    assert way.sum() == 7
    assert stream.points[way] == pytest.approx((1 - share) * first.points[-1] + share * second.points[0], abs=1e-6)
    assert (np.diff(times) <= 80 + 1e-9).all()
    assert (stream.label, stream.id) == (None, "joined clips")


def test_a_point_that_is_not_seen_at_one_end_is_not_seen_on_the_way(make_clip: MakeClip) -> None:
    first, second = make_clip("x"), make_clip("y")
    first.points[-1, 3] = np.nan
    second.points[0, 5] = np.nan
    way = join([first, second]).points[20:-20]
    assert np.isnan(way[:, [3, 5]]).all()
    assert np.isfinite(np.delete(way, [3, 5], axis=1)).all()


def test_frames_at_the_ends_in_which_nothing_is_seen_are_left_out(make_clip: MakeClip) -> None:
    clip, gone = make_clip("x", frames=20), make_clip("gone")
    clip.points[[0, 1, 10, 19]] = np.nan
    gone.points[:] = np.nan
    stream = join([gone, clip, gone])
    assert (len(stream), stream.duration_ms) == (17, 16 * 40)
    assert np.isnan(stream.points[8]).all()


def test_a_stream_is_no_longer_than_asked_and_takes_no_more_clips_than_it_needs(make_clip: MakeClip) -> None:
    clips = iter([make_clip(name) for name in "abcde"])  # of 760 ms
    stream = join(clips, 1500)
    assert stream.duration_ms == pytest.approx(1500, abs=40)
    assert [clip.id for clip in clips] == ["c", "d", "e"]


def test_nothing_to_join_is_refused(make_clip: MakeClip) -> None:
    gone = make_clip("gone")
    gone.points[:] = np.nan
    for clips in ([], [gone]):
        with pytest.raises(EvaluationError, match="there is no clip to join to a stream, or nothing is seen in any"):
            join(clips)


def test_each_person_s_clips_are_together_once_and_in_an_order_by_chance(make_clip: MakeClip, tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "d.h5", skeleton("hands")) as writer:
        for i in range(30):
            who = {"subject": "ann"} if i < 10 else {"session": "monday"} if i < 20 else {}
            writer.add(make_clip(f"{i:02}", frames=15 if "session" in who else 20, **who))
    with Dataset(tmp_path / "d.h5") as dataset:
        clips = np.arange(1, 30)

        def ids(seed: int) -> list[list[str]]:
            return [[c.id for c in one] for one in by_person(dataset, clips, np.random.default_rng(seed))]

        assert [sorted(one) for one in ids(0)] == [
            [f"{i:02}" for i in part] for part in (range(10, 20), range(1, 10), range(20, 30))
        ]
        assert ids(0) == ids(0) != ids(1)


def idle(*peaks: float) -> Clip:
    """Return a recording in which each of these probabilities of a, or if below zero of b, is held for a second."""
    return written(*(part for p in peaks for part in ((9.0, 0.0, 0.0), (1.0, max(p, 0), max(-p, 0)))), (9.0, 0.0, 0.0))


def test_all_events_of_a_stream_without_gestures_are_false(reading: Reading) -> None:
    people = [[idle(-0.9), idle(0.9)], [idle(0.9, 0.8, 0.4, 0.1, 0.1)]]
    found = judge_idle(reading, people)
    assert found is not None
    assert found.labels == {"a": 3, "b": 1}
    assert list(found.labels) == ["a", "b"]
    assert found.hours * 3600 == pytest.approx(19 + 19 + 59 + 0.2, abs=0.1)
    assert found.per_hour == pytest.approx(4 / found.hours)
    assert found.per_hour_below == pytest.approx(9.1535 / found.hours, rel=1e-3)  # Garwood 1936
    assert found.streams == 2
    assert json.loads(json.dumps(found.to_json()))["events"] == 4
    strict = judge_idle(reading, people, config=StreamConfig(accept=0.85, smoothing_ms=0))
    assert strict is not None
    assert strict.labels == {"a": 2, "b": 1}


def test_the_minutes_are_divided_among_the_people(reading: Reading) -> None:
    def many(peak: float) -> Iterator[Clip]:
        return (idle(peak) for _ in range(100))

    found = judge_idle(reading, [many(0.9), many(-0.9)], minutes=2)
    assert found is not None
    assert found.hours * 60 == pytest.approx(2, abs=0.01)
    assert found.labels == {"a": 3, "b": 3}


def test_what_one_person_does_not_fill_is_left_to_the_others(reading: Reading) -> None:
    found = judge_idle(reading, [[idle(0.9)], [idle(-0.9)] * 100], minutes=1)
    assert found is not None
    assert found.hours * 60 == pytest.approx(1, abs=0.01)
    assert found.labels == {"b": 2, "a": 1}


def test_a_stream_of_less_than_a_minute_is_not_judged(reading: Reading) -> None:
    assert judge_idle(reading, [[idle(0.9), idle(0.9)], [idle(0.9)]]) is None
    assert judge_idle(reading, []) is None


def test_no_event_in_an_hour_proves_fewer_than_three() -> None:
    assert FalseEvents({}, 1.0, 1).per_hour_below == pytest.approx(2.9957, abs=1e-4)
    assert FalseEvents({}, 1.0, 1).per_hour == 0


@pytest.mark.parametrize("minutes", [0.0, -1.0, 0.99, np.nan])
def test_a_length_that_says_nothing_is_refused(reading: Reading, minutes: float) -> None:
    with pytest.raises(ConfigError, match=f"minutes of streams must be 1 or more, found {minutes:g}: shorter ones"):
        judge_idle(reading, [[idle(0.9)]], minutes=minutes)
