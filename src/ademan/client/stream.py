"""A live stream by Socket.IO: frames go, predictions and events come back, and losses are lived through."""

import time
from dataclasses import asdict, replace
from typing import Any

from ademan.bundle import Manifest
from ademan.client.address import Address
from ademan.client.answers import ServerStats, event_of, manifest_of, name_and_version, prediction_of
from ademan.client.backlog import Waiting
from ademan.client.backoff import Backoff
from ademan.client.failures import said_by
from ademan.client.listener import Listener, StreamStats, with_accept
from ademan.client.remote_stream import RemoteStream
from ademan.client.session import Session
from ademan.errors import RemoteError
from ademan.recognition import StreamConfig

_TICK_S = 0.5  # between two looks whether the server is still there
_SLOW_S, _MOST_WAITING = 0.25, 8  # so long without an answer, and so many frames waiting: the network is too slow
_SETTLED_S = 10.0  # a connection that lasted so long was a good one


class GestureStream(RemoteStream):
    """A live stream to a server that recognises; `push` never waits, and the newest frames win.

    Frames that the server does not get, since it is away or the network slow, are kept for some seconds. When it is
    back it gets those of the last window again, so that recognition goes on at once. What was told is not told again,
    and each gesture that began ends: at a loss, if not before.

    Args:
        address: of the server.
        bundle: that is asked for; empty for the server's first.
        version: of the bundle that is served.
        manifest: of the bundle.
        config: how predictions become events.
        listener: whom to tell.
        timeout: seconds to wait for an answer.
        in_step: `push` waits until its frame is sent, as suits a file.

    Raises:
        RemoteError: the server cannot be reached, or refuses.
    """

    def __init__(
        self,
        address: Address,
        bundle: str,
        version: str,
        manifest: Manifest,
        config: StreamConfig | None = None,
        listener: Listener | None = None,
        timeout: float = 10.0,
        *,
        in_step: bool = False,
    ) -> None:
        super().__init__(address, version, manifest, config, listener, in_step=in_step)
        self._bundle, self._timeout = bundle, timeout
        self._again = False
        self._sent, self._counted, self._problem = 0, ServerStats(), ""
        self._session = self._opened()
        self._thread.start()

    @property
    def stats(self) -> StreamStats:
        """What became of the frames so far."""
        with self._changed:
            found = super().stats
            resent = self._sent + self._session.sent - found.sent
            return replace(found, resent=resent, server=self._counted + self._session.stats)

    @property
    def accept(self) -> float:
        """Least smoothed probability at which a gesture begins."""
        return self.manifest.thresholds.accept if self._config.accept is None else self._config.accept

    def set_accept(self, accept: float) -> None:
        """Change the threshold; recognition begins anew with the last window.

        Raises:
            ConfigError: it is not from 0 to 1.
        """
        with self._changed:
            self._config = with_accept(self._config, self.manifest, accept)
            self._again = True
            self._changed.notify_all()

    def _is_own_thread(self) -> bool:
        return super()._is_own_thread() or self._session.is_listening

    def _opened(self) -> Session:
        """Return a connection on which a stream has begun.

        Raises:
            RemoteError: there is none to be had.
        """
        session = Session(self._address, self._timeout, self._hear, self._wake, in_step=self._in_step)
        try:
            session.open()
            self._begin(session)
        except RemoteError:
            session.close(politely=False)
            raise
        return session

    def _begin(self, session: Session) -> None:
        """Start the server's recognition, with the frames of the last window."""
        with self._changed:
            self._again = False
            wishes = {name: value for name, value in asdict(self._config).items() if value is not None}
        served = session.start(wishes | ({"bundle": self._bundle} if self._bundle else {}))
        self._exchange(*name_and_version(served), manifest_of(served))
        self._interrupt()  # all that the server had to say of the time before came before its answer
        with self._changed:
            self._backlog.rewind()
        self._welcome()

    def _run(self) -> None:
        backoff = Backoff()
        while True:
            try:
                self._serve(self._session)
            except RemoteError as error:
                self._part(error)
            else:
                self._part()
                break
            if self._session.age_s > _SETTLED_S:
                backoff.reset()
            if not self._returned(backoff):
                break
        self._interrupt()

    def _returned(self, backoff: Backoff) -> bool:
        """Try until the server is back; False if the stream was closed meanwhile."""
        while not self._closing:
            self._pause(backoff.next_s())
            try:
                self._session = self._opened()
            except RemoteError as error:
                self._lose(error)
            else:
                return True
        return False

    def _part(self, error: RemoteError | None = None) -> None:
        """Close the connection, and keep what was counted."""
        self._session.close(politely=error is None)
        with self._changed:
            self._sent += self._session.sent
            self._counted += self._session.stats
            self._session.forget()
        self._interrupt()
        if error is not None:
            self._lose(error)

    def _serve(self, session: Session) -> None:
        """Send frames as they come, until the connection is lost or the stream closed."""
        blocked_s, told = 0.0, False
        while len(self._backlog) or not self._closing:
            session.check()
            session.count()
            if self._again:
                self._begin(session)
            waited_s, frame = self._next(session)
            blocked_s = blocked_s + waited_s if session.full else 0.0
            if frame is not None:
                session.send(frame)
            elif blocked_s > _SLOW_S and len(self._backlog) > _MOST_WAITING and not self._in_step:
                blocked_s = 0.0
                with self._changed:
                    self._backlog.thin()
                if not told:
                    self._listener.state(f"the network to {self._address.url} is too slow for all frames: some go.")
                told = True
        session.finish()

    def _next(self, session: Session) -> tuple[float, Waiting | None]:
        """Wait for something to do; return the seconds that it took, and a frame, if one is to be sent."""
        started_s = time.monotonic()
        with self._changed:
            self._changed.wait_for(lambda: self._is_due(session), self._patience_s(session))
            may_go = not (session.full or session.wait_s or self._again)
            frame = self._take() if may_go else None
        return time.monotonic() - started_s, frame

    def _is_due(self, session: Session) -> bool:
        if session.lost or self._again:
            return True
        if len(self._backlog):
            return not (session.full or session.wait_s)
        return self._closing or self._busy

    def _patience_s(self, session: Session) -> float:
        if session.full:
            return _SLOW_S / 2
        return session.wait_s if len(self._backlog) else _TICK_S

    def _hear(self, event: str, said: Any) -> None:
        """Take what the server says; what is garbage raises, and ends the connection."""
        if isinstance(said, dict) and "source" in said:
            return  # what a camera of the server's sees
        if event == "gesture_prediction":
            prediction = prediction_of(said)
            with self._changed:
                news = prediction.time_ms is not None and self._told.is_new(prediction.time_ms)
            if news:
                self._measure(prediction.time_ms or 0.0)
                self._listener.prediction(prediction)
        elif event == "gesture":
            self._tell(event_of(said))
        elif event == "bundle":
            self._follow(said)
        elif event == "problem":
            self._complain(said_by({"error": said}))

    def _follow(self, said: Any) -> None:
        """Go on with a new version of the bundle."""
        name, version = name_and_version(said)
        if self._exchange(name, version, manifest_of(said)):
            with self._changed:
                self._again = True
                self._changed.notify_all()

    def _complain(self, problem: str) -> None:
        if problem and problem != self._problem:
            self._problem = problem
            self._listener.state(f"{self._address.url} says: {problem}")
