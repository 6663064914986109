"""Threads that find points: the newest frame of each camera, and all cameras in turn."""

import threading
from collections import Counter
from collections.abc import Iterator

import pytest

from ademan.landmarks.landmarker import LandmarkConfig
from ademan.studio.live.detectors import Detectors, Feed, Follower
from tests.studio.live.fakes import Glance

PATIENCE_S = 15.0


class Looked:
    """What the threads have looked at; they wait until they may."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.may = threading.Semaphore(0)
        self._new = threading.Condition()

    def feed(self, name: str) -> "Feed[int]":
        def work(frame: int, follower: Follower) -> None:
            assert self.may.acquire(timeout=PATIENCE_S)
            if frame < 0:
                raise ValueError(frame)
            self._note(name, frame)

        return Feed("hands", work, lambda frame: self._note("failed", frame))

    def wait(self, count: int) -> None:
        with self._new:
            assert self._new.wait_for(lambda: len(self.seen) >= count, PATIENCE_S), self.seen

    def _note(self, name: str, frame: int) -> None:
        with self._new:
            self.seen.append((name, frame))
            self._new.notify_all()


@pytest.fixture
def looked() -> Looked:
    return Looked()


@pytest.fixture
def one() -> Iterator[Detectors]:
    """One thread."""
    detectors = Detectors(1, Glance)
    yield detectors
    detectors.close()


def test_a_newer_frame_takes_the_place_of_one_that_waits(one: Detectors, looked: Looked) -> None:
    feed = looked.feed("a")
    replaced = []
    for frame in range(1, 6):
        replaced.append(one.offer(feed, frame))
        if frame == 1:  # it is being looked at before the next one comes
            threading.Event().wait(0)
            while feed.waiting is not None:
                pass
    assert replaced == [None, None, 2, 3, 4]
    looked.may.release(5)
    looked.wait(2)
    assert looked.seen == [("a", 1), ("a", 5)]


def test_a_quick_camera_takes_nothing_from_slow_ones(one: Detectors, looked: Looked) -> None:
    feeds = [looked.feed(name) for name in "abc"]
    one.offer(feeds[0], 0)
    for i in range(1, 20):
        for k, feed in enumerate(feeds):
            for frame in range(20 if k == 0 else 1):
                one.offer(feed, 100 * i + frame)
        looked.may.release()
        looked.wait(i)
    counts = Counter(name for name, _ in looked.seen)
    assert max(counts.values()) - min(counts.values()) <= 1
    looked.may.release(100)


def test_two_threads_are_never_at_one_camera(looked: Looked) -> None:
    detectors, busy, worst = Detectors(4, Glance), Counter[str](), []
    lock = threading.Lock()

    def work(frame: int, follower: Follower) -> None:
        with lock:
            busy["a"] += 1
            worst.append(busy["a"])
        threading.Event().wait(0.001)
        with lock:
            busy["a"] -= 1

    feed = Feed("hands", work, lambda _: None)
    for frame in range(200):
        detectors.offer(feed, frame)
        threading.Event().wait(0.0005)
    detectors.leave(feed)
    detectors.close()
    assert set(worst) == {1}


def test_a_frame_that_fails_is_told_and_the_thread_goes_on(one: Detectors, looked: Looked) -> None:
    feed = looked.feed("a")
    looked.may.release(2)
    one.offer(feed, -1)
    looked.wait(1)
    one.offer(feed, 7)
    looked.wait(2)
    assert looked.seen == [("failed", -1), ("a", 7)]


def test_networks_that_cannot_be_loaded_later_fail_the_frame(looked: Looked) -> None:
    opened = []

    def opener(config: LandmarkConfig) -> Follower:
        opened.append(config.landmarks)
        raise OSError("gone")

    detectors = Detectors(1, opener)
    with pytest.raises(OSError, match="gone"):
        detectors.prepare("pose")
    detectors.offer(looked.feed("a"), 1)
    looked.wait(1)
    detectors.close()
    assert looked.seen == [("failed", 1)]
    assert opened == ["pose", "hands"]


def test_what_was_left_is_not_looked_at_any_more(one: Detectors, looked: Looked) -> None:
    feed = looked.feed("a")
    looked.may.release(10)
    one.offer(feed, 1)
    one.leave(feed)
    count = len(looked.seen)
    one.offer(feed, 2)
    other = looked.feed("b")
    one.offer(other, 3)
    looked.wait(count + 1)
    assert looked.seen[count:] == [("b", 3)]


def test_threads_share_few_networks_among_many_cameras(looked: Looked) -> None:
    opened = []

    def opener(config: LandmarkConfig) -> Follower:
        opened.append(config)
        return Glance(config)

    detectors = Detectors(2, opener)
    detectors.prepare("hands")
    detectors.prepare("hands")
    looked.may.release(100)
    for i in range(10):
        detectors.offer(looked.feed(str(i)), i)
    looked.wait(10)
    detectors.close()
    assert 1 <= len(opened) <= 2
