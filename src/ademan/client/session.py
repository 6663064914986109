"""What is said over one connection: start, frames, counts, finish; and how much of it is on its way."""

import struct
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from ademan.client.address import Address
from ademan.client.answers import ServerStats, stats_of
from ademan.client.backlog import Waiting
from ademan.client.pace import EVEN, MOST, Pace
from ademan.client.wire import Wire
from ademan.errors import RemoteError

_ASK_EVERY = 4  # frames: so often an answer is asked for ...
_MOST_UNANSWERED = 16  # ... and so many may be without one: half a second of a camera, whatever the network keeps back
_COUNT_EVERY_S = 5.0  # the server is asked what it dropped; a silent loss is noticed by it, too


class Session:
    """One connection's life. One thread uses it.

    Args:
        address: of the server.
        timeout: seconds to wait for an answer.
        on_message: called with each event and its data, in a thread of the connection's.
        wake: called when there is room for frames again, or the connection is lost; in any thread.
        in_step: frames go one by one, at an even pace, so that the server leaves no prediction out.
    """

    def __init__(
        self,
        address: Address,
        timeout: float,
        on_message: Callable[[str, Any], None],
        wake: Callable[[], None],
        *,
        in_step: bool = False,
    ) -> None:
        self._address, self._timeout, self._wake = address, timeout, wake
        self._wire = Wire(address, on_message, wake, timeout)
        self._lock = threading.Lock()
        self._asked: dict[int, tuple[float, int]] = {}  # when, and for how many frames an answer was asked for
        self._questions = self._unasked = 0
        self._count_at = self._opened_s = time.monotonic()
        self._pace = Pace(EVEN, 1) if in_step else Pace(MOST, MOST)
        self.sent = 0
        """Frames, those that are sent again among them."""
        self.stats = ServerStats()
        """What the server counted."""

    def open(self) -> None:
        """Connect.

        Raises:
            RemoteError: the server cannot be reached, or refuses.
        """
        self._wire.open()

    def start(self, wishes: Mapping[str, Any]) -> Any:
        """Begin a stream, forgetting what was before, and return the bundle that the server names.

        Raises:
            RemoteError: there is no answer, or it refuses.
        """
        return self._wire.call("start", dict(wishes)).get("bundle")

    @property
    def age_s(self) -> float:
        """Since the connection was asked for."""
        return time.monotonic() - self._opened_s

    @property
    def lost(self) -> bool:
        """Whether nothing will come any more."""
        return bool(self._wire.lost)

    @property
    def is_listening(self) -> bool:
        """Whether it is the connection's own thread that asks."""
        return self._wire.is_listener

    @property
    def full(self) -> bool:
        """Whether so many frames are on their way that no more should be sent."""
        with self._lock:
            unanswered = self._unasked + sum(frames for _, frames in self._asked.values())
        return unanswered >= _MOST_UNANSWERED

    @property
    def wait_s(self) -> float:
        """Seconds until a frame may be sent, as far as our own pace goes."""
        return self._pace.wait_s()

    def check(self) -> None:
        """Find out whether the server is still there.

        Raises:
            RemoteError: it is not.
        """
        with self._lock:
            since_s = min((asked_s for asked_s, _ in self._asked.values()), default=None)
        if since_s is not None and time.monotonic() - since_s > self._timeout:
            raise RemoteError(f"{self._address.url} does not answer in time.")
        if self._wire.lost:
            raise RemoteError(self._wire.lost)

    def send(self, frame: Waiting) -> None:
        """Send a frame.

        Raises:
            RemoteError: the connection is lost.
        """
        packed = struct.pack("<d", frame.timestamp_ms) + frame.points.astype("<f4").tobytes()
        self._unasked += 1
        self._pace.use()
        self.sent += 1
        ask = self._unasked >= _ASK_EVERY
        self._wire.send("points", packed, self._question(self._unasked) if ask else None)

    def count(self) -> None:
        """Ask for the server's counts, if it is time to.

        Raises:
            RemoteError: the connection is lost.
        """
        if time.monotonic() >= self._count_at:
            self._count_at = time.monotonic() + _COUNT_EVERY_S
            self._wire.send("stats", None, self._question(0, self._take_counts))

    def finish(self) -> None:
        """End the stream, and wait until the server has said all that it has to say.

        Raises:
            RemoteError: the connection is lost, or the server does not answer.
        """
        self._take_counts(self._wire.call("finish").get("stats"))
        self._wire.call("stats")  # what it still had to say may have come after the answer

    def forget(self) -> None:
        """Count from 0 again: what was counted is kept elsewhere."""
        self.sent, self.stats = 0, ServerStats()

    def close(self, *, politely: bool = True) -> None:
        """Close the connection, after what came has been handed over; without a word if the server gives none."""
        self._wire.close(politely=politely)

    def _question(self, frames: int, on_answer: Callable[[Any], None] | None = None) -> Callable[..., None]:
        """Return what takes an answer, by which some frames have arrived."""
        number = self._questions
        self._questions += 1
        with self._lock:
            self._asked[number] = time.monotonic(), frames
            if frames:
                self._unasked = 0

        def answered(*said: Any) -> None:
            with self._lock:
                self._asked.pop(number, None)
            if on_answer is not None and said:
                on_answer(said[0])
            self._wake()

        return answered

    def _take_counts(self, said: Any) -> None:
        self.stats = stats_of(said)
