"""Frames that wait, and frames that are sent again."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.client.backlog import Backlog

POINTS = np.zeros((1, 2), np.float32)


def backlog(count: int, span_ms: float = 1000.0, step_ms: float = 40.0) -> Backlog:
    found = Backlog(span_ms)
    for i in range(count):
        found.add(POINTS, i * step_ms, float(i))
    return found


def taken(found: Backlog) -> list[float]:
    frames = []
    while (frame := found.take()) is not None:
        frames.append(frame.timestamp_ms)
    return frames


@given(st.lists(st.one_of(st.floats(0, 200), st.sampled_from(["take", "rewind", "thin"])), max_size=200))
def test_each_frame_is_sent_or_dropped_or_waits(steps: list[float | str]) -> None:
    found, now_ms = Backlog(500.0), 0.0
    for step in steps:
        if isinstance(step, float):
            now_ms += step
            found.add(POINTS, now_ms)
        elif step == "take":
            found.take()
        elif step == "rewind":
            found.rewind()
        else:
            found.thin()
        waiting = [frame.timestamp_ms for frame in found._waiting]
        assert waiting == sorted(set(waiting))
        assert found.waiting_ms <= found.keep_ms
        new = sum(frame.number >= found._new_from for frame in found._waiting)
        assert found.taken + found.dropped + new == found.pushed
        assert not waiting or waiting[-1] == found.newest_ms


def test_frames_come_out_as_they_went_in() -> None:
    assert taken(backlog(5)) == [0, 40, 80, 120, 160]


def test_the_oldest_go_when_there_are_too_many() -> None:
    found = backlog(100)
    assert found.dropped == 24
    assert taken(found)[0] == 24 * 40


def test_frames_that_are_not_later_are_passed_over_and_a_clock_set_back_begins_anew() -> None:
    found = backlog(30)
    assert not found.add(POINTS, 1160.3)
    assert not found.add(POINTS, 300.0)
    assert found.pushed == 30
    assert found.add(POINTS, 100.0)
    assert taken(found) == [100.0]
    assert found.dropped == 30


def test_after_a_loss_those_of_the_last_window_go_again() -> None:
    found = backlog(40, span_ms=400.0)
    taken(found)
    found.rewind()
    assert taken(found) == [40.0 * i for i in range(29, 40)]
    assert (found.taken, found.dropped) == (40, 0)


def test_all_that_wait_go_before_what_is_sent_again_is_cut() -> None:
    found = backlog(20, span_ms=100.0)
    for _ in range(10):
        found.take()
    found.rewind()
    assert taken(found) == [40.0 * i for i in range(10, 20)]


def test_thinning_leaves_every_second_frame_and_the_newest() -> None:
    found = backlog(7)
    found.thin()
    assert found.dropped == 3
    assert taken(found) == [0, 80, 160, 240]
    even = backlog(6)
    even.thin()
    assert taken(even) == [40, 120, 200]


def test_when_a_frame_was_taken_is_known_by_its_rounded_time() -> None:
    found = Backlog(1000.0)
    found.add(POINTS, 33.3333, 5.0)
    assert found.taken_s(33.3) is None
    found.take()
    assert found.taken_s(33.3) == 5.0
    assert found.taken_s(34.0) is None


@pytest.mark.parametrize(("span_ms", "kept_ms"), [(500.0, 3000.0), (5000.0, 6000.0)])
def test_what_is_kept_is_a_window_and_a_little_more(span_ms: float, kept_ms: float) -> None:
    assert Backlog(span_ms).keep_ms == kept_ms
