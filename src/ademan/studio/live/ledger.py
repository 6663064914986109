"""Predictions on their way into the database: in batches, off the event loop; events at once, since they get an id.

While the database is away they wait, the newest of them, and events are shown without an id until it is there again.
"""

import asyncio
import logging
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from ademan.studio.data import StudioError
from ademan.studio.data.predictions import Predictions, Said

log = logging.getLogger("ademan.studio")
BATCH = 100
_EVERY_S = 1.0
_MOST_WAITING = 10_000
_LAST_WORDS_S = 5.0


@dataclass(frozen=True, eq=False)
class _Entry:
    said: Said
    id: "asyncio.Future[int | None]"


class Ledger:
    """Writes predictions down; used in one event loop.

    Args:
        predictions: of the studio.
    """

    def __init__(self, predictions: Predictions) -> None:
        self._predictions = predictions
        self._waiting: deque[_Entry] = deque()
        self._hurry = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_away = False

    def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Write what waits, if that can be done soon, and end."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                while self._waiting and await self._write():
                    pass
        for entry in self._waiting:
            entry.id.cancel()

    def note(self, said: Said, *, now: bool = False) -> "asyncio.Future[int | None]":
        """Write something down soon, or now; the result is its id, or None if it could not be kept."""
        entry = _Entry(said, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if len(self._waiting) > _MOST_WAITING:
            _settle(self._waiting.popleft(), None)
        if now or len(self._waiting) >= BATCH:
            self._hurry.set()
        return entry.id

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), _EVERY_S)
            self._hurry.clear()
            while self._waiting and await self._write():
                pass
            if self._is_away:
                await asyncio.sleep(_EVERY_S)

    async def _write(self) -> bool:
        """Write the first of what waits; return whether the database took it, or never will."""
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), BATCH))]
        work = asyncio.ensure_future(asyncio.to_thread(self._add, [entry.said for entry in batch]))
        try:
            ids = await asyncio.shield(work)
        except StudioError as error:
            self._waiting.extendleft(reversed(batch))
            self._lost(error)
            return False
        except asyncio.CancelledError:  # the studio stops, and this is still being written
            with suppress(StudioError):
                self._written(batch, await work)
            raise
        self._written(batch, ids)
        return True

    def _written(self, batch: list[_Entry], ids: list[int | None]) -> None:
        if self._is_away:
            log.info("predictions are kept again")
        self._is_away = False
        for entry, prediction_id in zip(batch, ids, strict=True):
            _settle(entry, prediction_id)

    def _add(self, said: list[Said]) -> list[int | None]:
        """Return the ids; None for those whose model or person is no longer there.

        Raises:
            StudioError: 'unavailable'.
        """
        try:
            return list(self._predictions.add(said))
        except StudioError as error:
            if error.code == "unavailable":
                raise
            if len(said) == 1:
                log.info("prediction not kept", extra={"problem": str(error)})
                return [None]
        return [prediction_id for one in said for prediction_id in self._add([one])]

    def _lost(self, error: StudioError) -> None:
        if not self._is_away:
            log.warning("predictions wait for the database", extra={"problem": str(error)})
        self._is_away = True


def _settle(entry: _Entry, prediction_id: int | None) -> None:
    if not entry.id.done():
        entry.id.set_result(prediction_id)
