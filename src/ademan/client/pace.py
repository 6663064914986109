"""How many frames may go at once, and how many a second."""

import time
from collections.abc import Callable

MOST = 100.0
"""Frames a second, and at once: a little less than servers take by default."""
EVEN = 50.0
"""Frames a second, one by one: so that a server is done with one prediction when the next one is due."""


class Pace:
    """An allowance that is used up, and comes back with time.

    Args:
        rate: frames a second.
        at_once: how many frames may go without a pause.
        clock: seconds, rising.
    """

    def __init__(self, rate: float, at_once: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._at_once, self._clock = rate, at_once, clock
        self._left, self._reckoned_s = at_once, clock()

    def use(self) -> None:
        """Take note of a frame that goes."""
        self._reckon()
        self._left -= 1

    def wait_s(self) -> float:
        """Return the seconds until the next frame may go."""
        self._reckon()
        return max(0.0, (1 - self._left) / self._rate)

    def _reckon(self) -> None:
        now_s = self._clock()
        self._left = min(self._at_once, self._left + (now_s - self._reckoned_s) * self._rate)
        self._reckoned_s = now_s
