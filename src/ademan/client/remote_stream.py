"""What both kinds of live streams to a server have in common: frames in, words out, and a thread between."""

import math
import threading
import time
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

import numpy as np

from ademan.bundle import Manifest
from ademan.client.address import Address
from ademan.client.backlog import Backlog, Waiting
from ademan.client.failures import shortened
from ademan.client.listener import Listener, StreamStats, check_frame, same_points, span_of
from ademan.client.told import Told
from ademan.clip import Points
from ademan.errors import RemoteError
from ademan.recognition import Event, StreamConfig


class RemoteStream(ABC):
    """A live stream. `GestureClient.stream` makes it.

    Args:
        address: of the server.
        version: of the bundle that is served.
        manifest: of the bundle.
        config: how predictions become events.
        listener: whom to tell.
        in_step: `push` waits until its frame is through, and through losses, as suits a file.
    """

    def __init__(
        self,
        address: Address,
        version: str,
        manifest: Manifest,
        config: StreamConfig | None = None,
        listener: Listener | None = None,
        *,
        in_step: bool = False,
    ) -> None:
        self.manifest = manifest
        """Of the bundle that is served now."""
        self.state = ""
        """What is wrong, in words; empty while all is well."""
        self._address, self._version, self._in_step = address, version, in_step
        self._config, self._listener = config or StreamConfig(), listener or Listener()
        self._changed = threading.Condition()
        self._backlog, self._told = Backlog(span_of(manifest)), Told()
        self._closing = self._busy = False
        self._latency_ms, self._reconnects = math.nan, 0
        self._away_since: tuple[float, int] | None = None
        self._thread = threading.Thread(target=self._run, name=f"stream to {address.url}", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def push(self, points: Points, timestamp_ms: float, taken_s: float | None = None) -> None:
        """Take the points of one frame, and return at once.

        Args:
            points: (P, C) as the bundle takes them, NaN where not seen.
            timestamp_ms: when; a frame that is not later than the one before is passed over.
            taken_s: when, on the monotonic clock: latency is counted from there; by default from now.

        Raises:
            ClipError: the points are of another shape than the bundle's, or infinite; or the time is no number.
            Exception: what a function raised that was told something.
        """
        self._listener.raise_failure()
        points = np.array(points, np.float32)  # a copy: whoever films may use its own array again
        with self._changed:
            check_frame(points, timestamp_ms, self.manifest)
            self._backlog.add(points, timestamp_ms, time.monotonic() if taken_s is None else taken_s)
            self._changed.notify_all()
            while self._in_step and self._thread.is_alive() and (len(self._backlog) or self._busy):
                self._changed.wait(1.0)

    @property
    def stats(self) -> StreamStats:
        """What became of the frames so far."""
        with self._changed:
            return StreamStats(
                frames=self._backlog.pushed,
                sent=self._backlog.taken,
                waiting=len(self._backlog),
                dropped=self._backlog.dropped,
                reconnects=self._reconnects,
                latency_ms=self._latency_ms,
            )

    @property
    @abstractmethod
    def accept(self) -> float:
        """Least smoothed probability at which a gesture begins."""

    @abstractmethod
    def set_accept(self, accept: float) -> None:
        """Change the threshold; that at which a gesture ends keeps its ratio to it.

        Raises:
            ConfigError: it is not from 0 to 1.
        """

    def close(self) -> None:
        """Send the frames that wait, end the gesture that goes on, and close the connection.

        A server that is away is not waited for.

        Raises:
            Exception: what a function raised that was told something.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if not self._is_own_thread():
            self._thread.join()
            self._listener.raise_failure()

    @abstractmethod
    def _run(self) -> None:
        """Do what the thread does, until the stream is closed."""

    def _is_own_thread(self) -> bool:
        """Whether it is a thread of the stream's that asks: it cannot wait for itself."""
        return threading.current_thread() is self._thread

    def _take(self) -> Waiting | None:
        """Return the next frame, if one waits; the one before is through."""
        frame = self._backlog.take()
        self._busy = frame is not None
        if frame is None:
            self._changed.notify_all()
        return frame

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _measure(self, time_ms: float) -> None:
        """Remember how long it took from a frame to its prediction."""
        with self._changed:
            taken_s = self._backlog.taken_s(time_ms)
            if taken_s is not None:
                self._latency_ms = (time.monotonic() - taken_s) * 1000.0

    def _exchange(self, name: str, version: str, manifest: Manifest) -> bool:
        """Take note of the bundle that is served now; return whether it is another one."""
        with self._changed:
            known, self._version = self._version, version
            fits = same_points(self.manifest, manifest)
            if not fits:
                self._backlog.clear()
            if manifest != self.manifest:
                self._backlog.set_span(span_of(manifest))
                self.manifest = manifest
        if known != version:
            told = "" if fits else ", which takes other points than the one before"
            self._listener.state(f"{self._address.url} now serves version {shortened(version)} of '{name}'{told}.")
        return known != version

    def _tell(self, event: Event) -> None:
        with self._changed:
            news = self._told.event(event)
        for new in news:
            self._listener.event(new)

    def _interrupt(self) -> None:
        """End the gesture that goes on, as far as anybody was told."""
        with self._changed:
            ends = self._told.interrupted(self._backlog.newest_ms)
        for end in ends:
            self._listener.event(end)

    def _lose(self, error: RemoteError) -> None:
        """Say what happened, once for each cause."""
        why = str(error)
        with self._changed:
            news, self.state = why != self.state, why
            if self._away_since is None:
                self._away_since = time.monotonic(), self._backlog.dropped
        if news and not self._closing:
            self._listener.state(f"{why} Trying again, until it is back.")

    def _welcome(self) -> None:
        """Say that the server is back, if it was away."""
        with self._changed:
            away, self._away_since, self.state = self._away_since, None, ""
            if away is None:
                return
            since_s, dropped = away
            dropped = self._backlog.dropped - dropped
            self._reconnects += 1
        lost = f"; {dropped} frames were dropped" if dropped else ""
        self._listener.state(f"{self._address.url} is back after {time.monotonic() - since_s:.0f} s{lost}.")

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closing, seconds)
