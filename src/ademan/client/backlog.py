"""Frames on their way to a server: those that wait, and those of the last window, to be sent anew."""

import math
from collections import deque
from dataclasses import dataclass

from ademan.clip import Points
from ademan.recognition.stream import NEAREST_MS, RESTART_MS

_SPARE_MS = 1000.0  # for the way back to a server that was away for a moment
_LEAST_MS = 3000.0
_ROUNDED_MS = 0.06  # times come back with one decimal


@dataclass(frozen=True, eq=False)
class Waiting:
    """The points of one frame.

    Args:
        number: 0 for the first one of a stream, then rising.
        points: (P, C).
        timestamp_ms: in the stream's time.
        taken_s: when it was taken, on the monotonic clock.
    """

    number: int
    points: Points
    timestamp_ms: float
    taken_s: float


class Backlog:
    """The newest frames, in the order of their time; the oldest go when there are too many.

    Args:
        span_ms: what recognition needs: a window, and the gap before it.
    """

    def __init__(self, span_ms: float) -> None:
        self.set_span(span_ms)
        self.dropped = 0
        """Frames that went without having been sent."""
        self.pushed = 0
        """Frames that came."""
        self._sent: deque[Waiting] = deque()
        self._waiting: deque[Waiting] = deque()
        self.taken = 0
        """Frames that were sent."""
        self._new_from = 0  # number of the first frame that was never taken

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def newest_ms(self) -> float:
        """Time of the last frame; minus infinity if there is none."""
        last = self._waiting or self._sent
        return last[-1].timestamp_ms if last else -math.inf

    @property
    def waiting_ms(self) -> float:
        """Time from the first frame that waits to the last one."""
        return self._waiting[-1].timestamp_ms - self._waiting[0].timestamp_ms if self._waiting else 0.0

    def set_span(self, span_ms: float) -> None:
        """Change what recognition needs."""
        self.span_ms, self.keep_ms = span_ms, max(_LEAST_MS, span_ms + _SPARE_MS)

    def add(self, points: Points, timestamp_ms: float, taken_s: float = 0.0) -> bool:
        """Take a frame; False if it is passed over, since it is not later than the last one.

        If the clock goes back as by a restart, what was before is let go.
        """
        newest_ms = self.newest_ms
        if newest_ms - RESTART_MS <= timestamp_ms < newest_ms + NEAREST_MS:
            return False
        if timestamp_ms < newest_ms:
            self.clear()
        self._waiting.append(Waiting(self.pushed, points, timestamp_ms, taken_s))
        self.pushed += 1
        oldest_ms = timestamp_ms - self.keep_ms
        while self._sent and self._sent[0].timestamp_ms < oldest_ms:
            self._sent.popleft()
        while self._waiting[0].timestamp_ms < oldest_ms:
            self._let_go(self._waiting.popleft())
        return True

    def take(self) -> Waiting | None:
        """Return the first frame that waits, and keep it as sent; None if none waits."""
        if not self._waiting:
            return None
        frame = self._waiting.popleft()
        self._sent.append(frame)
        self.taken += frame.number >= self._new_from
        self._new_from = max(self._new_from, frame.number + 1)
        return frame

    def rewind(self) -> None:
        """Have the frames wait again that were sent, as far as recognition needs them."""
        since_ms = self.newest_ms - max(self.span_ms, self.waiting_ms)
        self._waiting.extendleft(frame for frame in reversed(self._sent) if frame.timestamp_ms >= since_ms)
        self._sent.clear()

    def thin(self) -> None:
        """Let every second frame go that waits, but not the newest: half as many, and no gap among them."""
        frames = list(self._waiting)
        for frame in frames[-2::-2]:
            self._let_go(frame)
        self._waiting = deque(frames[-1::-2][::-1])

    def clear(self) -> None:
        """Let all frames go."""
        for frame in self._waiting:
            self._let_go(frame)
        self._waiting.clear()
        self._sent.clear()

    def taken_s(self, timestamp_ms: float) -> float | None:
        """Return when the frame of a time was taken; None if it is not known any more."""
        return next((f.taken_s for f in reversed(self._sent) if abs(f.timestamp_ms - timestamp_ms) < _ROUNDED_MS), None)

    def _let_go(self, frame: Waiting) -> None:
        self.dropped += frame.number >= self._new_from
