"""Threads that find points in the frames of many cameras: the newest frame of each, one camera after the other.

A camera has at most one frame that waits; a newer one takes its place, so what is found is never old. Cameras that have
one take turns, so that a quick camera takes nothing from a slow one. The networks (40 MB and more) are those of the
threads; what is followed from frame to frame belongs to the camera, and goes with it from thread to thread.
"""

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar, cast

from ademan.clip import Points
from ademan.landmarks.landmarker import LandmarkConfig, Landmarks
from ademan.landmarks.litert.landmarker import LitertLandmarker, Memory
from ademan.video import Frame

log = logging.getLogger("ademan.studio")
_END_S = 5.0
Sent = TypeVar("Sent")


class Follower(Protocol):
    """A landmarker whose memory can be taken out and put back; see `ademan.landmarks.litert.LitertLandmarker`."""

    memory: Memory

    def find(self, frame: Frame) -> Points:
        """Return (P, 3) in units of the picture's height, NaN where not seen."""

    def close(self) -> None:
        """Let go of the networks."""


OpenFollower = Callable[[LandmarkConfig], Follower]
"""Opens a landmarker."""


def open_follower(config: LandmarkConfig) -> Follower:
    """Return the landmarker that the studio uses.

    Raises:
        LandmarkError: the networks cannot be had or loaded.
    """
    return LitertLandmarker(config)


@dataclass(eq=False)
class Feed(Generic[Sent]):
    """One camera's frames on their way to the threads.

    Args:
        landmarks: what is looked for: 'hands', 'pose' or 'holistic'.
        work: called in a thread with a frame and a landmarker; never twice at once.
        fail: called in a thread with a frame that could not be looked at.
    """

    landmarks: str
    work: Callable[[Sent, Follower], None]
    fail: Callable[[Sent], None]
    waiting: Sent | None = None
    is_busy: bool = False
    is_closed: bool = False
    memory: Memory = field(default_factory=Memory)


class Detectors:
    """The threads.

    Args:
        threads: how many.
        opener: of landmarkers; each thread uses one of a kind at a time.
    """

    def __init__(self, threads: int, opener: OpenFollower = open_follower) -> None:
        self._opener, self._count = opener, threads
        self._turn = threading.Condition()
        self._ready: deque[Feed[object]] = deque()
        self._free: dict[str, list[Follower]] = defaultdict(list)
        self._threads: list[threading.Thread] = []
        self._ended = False

    def prepare(self, landmarks: str) -> None:
        """Load the networks for some landmarks, unless they are loaded. Takes a while.

        Raises:
            LandmarkError: they cannot be had or loaded.
        """
        if landmarks in self._free:
            return
        opened = self._opener(_config(landmarks))
        with self._turn:
            self._free[landmarks].append(opened)

    def offer(self, feed: Feed[Sent], frame: Sent) -> Sent | None:
        """Give a frame to the threads, and return the one in whose place it is; of a feed that was left, itself."""
        with self._turn:
            if feed.is_closed:
                return frame
            before, feed.waiting = feed.waiting, frame
            if before is None and not feed.is_busy:
                self._ready.append(feed)  # type: ignore[arg-type]
                self._begin()
                self._turn.notify()
            return before

    def leave(self, feed: Feed[Sent]) -> None:
        """Take no more of a feed; returns when no thread is at work on it."""
        with self._turn:
            feed.is_closed, feed.waiting = True, None
            self._turn.wait_for(lambda: not feed.is_busy, _END_S)

    def close(self) -> None:
        """End the threads, each after the frame that it is at, and let go of the networks."""
        with self._turn:
            self._ended = True
            self._turn.notify_all()
        for thread in self._threads:
            thread.join(_END_S)
        for landmarkers in self._free.values():
            for landmarker in landmarkers:
                landmarker.close()
        self._free.clear()

    def _begin(self) -> None:
        while len(self._threads) < self._count:
            self._threads.append(threading.Thread(target=self._run, name="finds points", daemon=True))
            self._threads[-1].start()

    def _run(self) -> None:
        while True:
            with self._turn:
                self._turn.wait_for(lambda: self._ready or self._ended)
                if self._ended:
                    return
                feed = self._ready.popleft()
                frame, feed.waiting = feed.waiting, None
                feed.is_busy = frame is not None
            if frame is not None:
                self._look(feed, frame)

    def _look(self, feed: Feed[object], frame: object) -> None:
        try:
            landmarker = self._take(feed.landmarks)
            try:
                landmarker.memory = feed.memory
                feed.work(frame, landmarker)
                feed.memory = landmarker.memory
            finally:
                with self._turn:
                    self._free[feed.landmarks].append(landmarker)
        except Exception:  # a thread that ends would be missed by all cameras
            log.exception("a frame could not be looked at")
            feed.fail(frame)
        finally:
            with self._turn:
                feed.is_busy = False
                if feed.waiting is not None:
                    self._ready.append(feed)
                self._turn.notify_all()

    def _take(self, landmarks: str) -> Follower:
        with self._turn:
            if self._free.get(landmarks):
                return self._free[landmarks].pop()
        return self._opener(_config(landmarks))


def _config(landmarks: str) -> LandmarkConfig:
    return LandmarkConfig(landmarks=cast(Landmarks, landmarks))  # which looks at it
