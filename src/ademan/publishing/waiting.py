"""Events that wait for the broker: never many, never old."""

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Message:
    """An event on its way.

    Args:
        line: its JSON.
        gesture: the label that goes on after it, or "none".
        since_s: when it was handed over, on the monotonic clock.
    """

    line: str
    gesture: str
    since_s: float


class Waiting:
    """A queue that drops, and counts, its oldest messages where there are too many, and all that are too old.

    Args:
        most: messages that it holds.
        max_age_s: seconds after which a message is not to be sent any more.
        clock: gives seconds, monotonically.
    """

    def __init__(self, most: int, max_age_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.most, self.max_age_s, self.dropped = most, max_age_s, 0
        self._clock = clock
        self._messages: deque[Message] = deque()

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, line: str, gesture: str) -> None:
        """Add a message."""
        self._messages.append(Message(line, gesture, self._clock()))
        self._trim()

    def put_back(self, messages: Iterable[Message]) -> None:
        """Put messages that did not arrive before all others, in their order."""
        self._messages.extendleft(reversed(list(messages)))
        self._trim()

    def take(self) -> Message | None:
        """Take the oldest message that is young enough, if there is one."""
        self._drop_old()
        return self._messages.popleft() if self._messages else None

    def take_dropped(self) -> int:
        """Return how many messages were dropped since this was asked last."""
        self._drop_old()
        dropped, self.dropped = self.dropped, 0
        return dropped

    def _drop_old(self) -> None:
        while self._messages and self._clock() - self._messages[0].since_s > self.max_age_s:
            self._messages.popleft()
            self.dropped += 1

    def _trim(self) -> None:
        while len(self._messages) > self.most:
            self._messages.popleft()
            self.dropped += 1
