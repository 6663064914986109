"""All live streams of a process: who may have one, which model it shows, and when it ends."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from ademan.errors import LandmarkError
from ademan.studio.data import StudioError
from ademan.studio.data.accounts import Accounts, Visitor
from ademan.studio.data.clips import Clips
from ademan.studio.data.gestures import GestureSets
from ademan.studio.data.models import Models
from ademan.studio.data.predictions import PredictionInfo, Predictions
from ademan.studio.live.config import LiveConfig
from ademan.studio.live.detectors import Detectors, OpenFollower, open_follower
from ademan.studio.live.ledger import Ledger
from ademan.studio.live.models import LiveModels, Shown
from ademan.studio.live.moments import Moments
from ademan.studio.live.stream import Desk, Stream, Tell
from ademan.studio.news import News
from ademan.studio.seats import Seat, Seats

log = logging.getLogger("ademan.studio")
SIGNED_OUT, GONE, IDLE, TOO_MANY, UNAVAILABLE = 4401, 4404, 4408, 4429, 4503
"""Codes with which a connection ends."""


class Hall:
    """The streams of a process; used in one event loop.

    Args:
        accounts: of the studio; so with the following.
        sets: as above.
        models: as above.
        clips: as above.
        predictions: as above.
        news: say when to look again.
        seats: count the streams of a person.
        config: limits.
        opener: of landmarkers.
    """

    def __init__(
        self,
        accounts: Accounts,
        sets: GestureSets,
        models: Models,
        clips: Clips,
        predictions: Predictions,
        news: News,
        seats: Seats,
        config: LiveConfig | None = None,
        opener: OpenFollower = open_follower,
    ) -> None:
        self._accounts, self._news, self._seats = accounts, news, seats
        self._config = config or LiveConfig()
        self._detectors = Detectors(self._config.thread_count, opener)
        self._moments = Moments()
        self._models_of = LiveModels(models, sets, self._show)
        self._streams: set[Stream] = set()
        self._clips, self._predictions = clips, predictions
        self._desk: Desk | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def count(self) -> int:
        """Streams that are open."""
        return len(self._streams)

    async def start(self) -> None:
        """Begin, in the event loop that is running."""
        ledger = Ledger(self._predictions)
        ledger.start()
        self._desk = Desk(self._config, self._detectors, ledger, self._moments, self._clips, self._predictions)
        self._task = asyncio.create_task(self._look_after())

    async def close(self) -> None:
        """End all streams, write down what waits, and let go of the networks."""
        for stream in list(self._streams):
            stream.end(1001, "the studio stops")
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        if self._desk is not None:
            await self._desk.ledger.close()
        await asyncio.to_thread(self._detectors.close)

    @asynccontextmanager
    async def stream(
        self, visitor: Visitor, set_id: int, send: Tell, end: Callable[[int, str], None]
    ) -> AsyncIterator[Stream]:
        """Give a stream for as long as the block lasts.

        Args:
            visitor: who is logged in.
            set_id: what is watched.
            send: see `Stream`.
            end: see `Stream`.

        Raises:
            StudioError: 'gone', there is no such set; 'too_many' streams; 'unavailable', the database or the networks.
        """
        user_id = visitor.person.id
        seat = await self._seat(user_id)
        try:
            shown = await self._models_of.watch(set_id)
            try:
                await self._prepare(shown)
                stream = self._open(visitor, shown, send, end)
                try:
                    yield stream
                finally:
                    self._streams.discard(stream)
                    await asyncio.shield(stream.close())
            finally:
                self._models_of.leave(set_id)
        finally:
            seat.free()

    async def correct(self, by: int, prediction_id: int, truth: str) -> PredictionInfo:
        """Say what a prediction was in truth, with its points if this process still has them.

        Raises:
            StudioError: as `Predictions.correct`.
        """
        clip = self._moments.find(prediction_id, by)
        return await asyncio.to_thread(self._predictions.correct, by, prediction_id, truth, clip)

    async def _seat(self, user_id: int) -> Seat:
        if self._desk is None or len(self._streams) >= self._config.streams:
            raise StudioError("unavailable", f"{self._config.streams} cameras are connected, and no more may be.")
        most = self._config.streams_per_person
        seat = await asyncio.to_thread(self._seats.take, f"stream/{user_id}", most)
        if seat is None:
            raise StudioError("too_many", f"You have {most} cameras connected. Close one of their pages first.")
        return seat

    async def _prepare(self, shown: Shown) -> None:
        try:
            await asyncio.to_thread(self._detectors.prepare, shown.gestures.landmarks)
        except LandmarkError as error:
            log.warning("no networks to find points", extra={"problem": str(error)})
            raise StudioError("unavailable", f"Points cannot be found: {error}") from error

    def _open(self, visitor: Visitor, shown: Shown, send: Tell, end: Callable[[int, str], None]) -> Stream:
        assert self._desk is not None  # noqa: S101 - for the type checker; `_seat` has looked
        stream = Stream(self._desk, visitor.person.id, visitor.login_id, shown, send, end)
        self._streams.add(stream)
        stream.greet()
        return stream

    def _show(self, set_id: int, shown: Shown | None) -> None:
        for stream in [stream for stream in self._streams if stream.set_id == set_id]:
            if shown is None:
                stream.end(GONE, "this set is not there any more")
            else:
                stream.show(shown)

    async def _look_after(self) -> None:
        """Look at the database every few seconds, or when there are news; without it, all goes on as it is."""
        is_away = False
        with self._news.listen("models", "logins") as heard:
            while True:
                await heard.next(self._config.look_s)
                try:
                    await self._look()
                except StudioError as error:
                    if not is_away:
                        log.warning("live streams go on without the database", extra={"problem": str(error)})
                    is_away = True
                    await asyncio.sleep(self._config.look_s)
                except Exception:
                    log.exception("live streams could not be looked after")
                    await asyncio.sleep(self._config.look_s)
                else:
                    is_away = False

    async def _look(self) -> None:
        now_s = time.monotonic()
        for stream in [stream for stream in self._streams if now_s - stream.heard_s > self._config.idle_s]:
            stream.end(IDLE, "no frame came for a while")
        if not self._streams:
            return
        await self._models_of.look()
        streams = list(self._streams)
        logged_in = await asyncio.to_thread(self._accounts.still_in, {stream.login_id for stream in streams})
        for stream in streams:
            if stream.login_id not in logged_in:
                self._moments.forget(stream.user_id)
                stream.end(SIGNED_OUT, "logged out")
