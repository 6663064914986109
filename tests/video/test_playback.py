"""A file played as a camera, on a clock of the test's own."""

from collections.abc import Iterator

import numpy as np
import pytest

from ademan.video import Frame, Playback
from tests.video.conftest import corner


class Film:
    name = "film"

    def __init__(self, times_ms: list[float]) -> None:
        self.times_ms = times_ms

    def __iter__(self) -> Iterator[Frame]:
        return (Frame(corner(), time_ms) for time_ms in self.times_ms)

    def close(self) -> None:
        pass


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


TIMES = [40.0 * i for i in range(50)]


def test_frames_come_when_a_camera_would_give_them() -> None:
    clock = Clock()
    for frame in Playback(Film(TIMES), clock=clock, sleep=clock.sleep):
        assert clock.now - 100 == pytest.approx(frame.timestamp_ms / 1000)


def test_twice_as_fast_takes_half_the_time_and_keeps_the_timestamps() -> None:
    clock = Clock()
    frames = list(Playback(Film(TIMES), 2.0, clock=clock, sleep=clock.sleep))
    assert [frame.timestamp_ms for frame in frames] == TIMES
    assert clock.now - 100 == pytest.approx(TIMES[-1] / 2000)


def test_who_is_slow_misses_frames_but_never_starves() -> None:
    for busy_s in (0.1, 2.0):
        clock, seen = Clock(), []
        for frame in Playback(Film(TIMES), clock=clock, sleep=clock.sleep):
            seen.append(frame.timestamp_ms)
            clock.now += busy_s
        assert 3 <= len(seen) < len(TIMES)
        assert (np.diff(seen) > 0).all()


def test_without_real_time_nothing_is_left_out_and_nobody_sleeps() -> None:
    clock = Clock()
    frames = Playback(Film(TIMES), realtime=False, clock=clock, sleep=clock.sleep)
    assert [frame.timestamp_ms for frame in frames] == TIMES
    assert clock.now == 100.0


def test_times_rise_through_repetitions() -> None:
    found = []
    for frame in Playback(Film([0.0, 40.0, 80.0]), realtime=False, loop=True):
        found.append(frame.timestamp_ms)
        if len(found) == 8:
            break
    assert found == [40.0 * i for i in range(8)]
