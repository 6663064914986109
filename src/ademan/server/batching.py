"""Windows of many clients in one call of the network.

Nothing waits for a batch to fill: a window that finds the network idle goes in at once, and what comes while it is
busy goes in together as soon as it is free again, without a turn of the event loop between. So a lone client is never
delayed, and the busier it gets the larger are the batches. What a batch saves is measured in benchmarks/serving.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

from ademan.clip import Points
from ademan.recognition import NamesWindows
from ademan.recognition.classifier import Probabilities
from ademan.server.errors import ApiError
from ademan.window import stack

Waiting: TypeAlias = tuple[Points, "asyncio.Future[Probabilities]"]
LARGEST = 32
"""Windows of a batch. From 8 on a window costs the same, and a batch must be over soon for those that come next."""
MOST_WAITING = 1024
"""Windows that may wait; with more the server is busy, and says so rather than answer late."""


class Batcher:
    """Gives windows to a classifier in a thread; used in one event loop.

    Args:
        classifier: names windows.
        executor: one thread.
        on_batch: told how many windows went in together.
    """

    def __init__(
        self, classifier: NamesWindows, executor: ThreadPoolExecutor, on_batch: Callable[[int], None] = lambda _: None
    ) -> None:
        self._classifier, self._executor, self._on_batch = classifier, executor, on_batch
        self._waiting: deque[Waiting] = deque()
        self._running = False
        self._lock = threading.Lock()

    def submit(self, window: Points) -> "asyncio.Future[Probabilities]":
        """Return the probabilities (K,) of a window (T, P, C), as soon as they are there.

        Raises:
            ApiError: too many wait already.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise ApiError("busy", f"{MOST_WAITING} windows wait for the network already; come again in a second.")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Probabilities] = loop.create_future()
        with self._lock:
            self._waiting.append((window, answer))
            idle, self._running = not self._running, True
        if idle:
            self._start(loop)
        return answer

    async def name(self, windows: Sequence[Points | None]) -> list[Probabilities | None]:
        """Return the probabilities (K,) of several windows, in their order; None for None.

        Raises:
            ApiError: too many wait already.
        """
        waiting: list[asyncio.Future[Probabilities]] = []
        try:
            for window in windows:
                if window is not None:
                    waiting.append(self.submit(window))
            found = iter(await asyncio.gather(*waiting))
        finally:
            for answer in waiting:
                answer.cancel()  # where one was refused or has failed, nobody waits for the others
        return [None if window is None else next(found) for window in windows]

    def _start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let the thread make a batch, after what else it has to do."""
        try:
            work = self._executor.submit(self._make, loop)
        except RuntimeError:  # the executor was shut down: the server stops
            _tell(loop, self._give_up)
        else:
            work.add_done_callback(lambda done: _tell(loop, self._give_up) if done.cancelled() else None)

    def _make(self, loop: asyncio.AbstractEventLoop) -> None:
        """Name the windows that wait, in the thread; those that come meanwhile are next, before this batch is told."""
        batch = self._take()
        if not batch:
            return
        found: Probabilities | Exception
        try:
            found = self._classifier.probabilities(stack([window for window, _ in batch]))
        except Exception as error:
            found = error
        with self._lock:
            more = self._running = bool(self._waiting)
        if more:
            self._start(loop)
        _tell(loop, self._answer, batch, found)

    def _take(self) -> list[Waiting]:
        batch: list[Waiting] = []
        with self._lock:
            while self._waiting and len(batch) < LARGEST:
                window, answer = self._waiting.popleft()
                if not answer.done():  # else its client has gone
                    batch.append((window, answer))
            self._running = bool(batch)
        return batch

    def _answer(self, batch: Sequence[Waiting], found: Probabilities | Exception) -> None:
        self._on_batch(len(batch))
        for i, (_, answer) in enumerate(batch):
            if answer.done():
                continue
            if isinstance(found, Exception):
                answer.set_exception(found)
            else:
                answer.set_result(found[i])

    def _give_up(self) -> None:
        with self._lock:
            waiting, self._running = list(self._waiting), False
            self._waiting.clear()
        for _, answer in waiting:
            answer.cancel()


def _tell(loop: asyncio.AbstractEventLoop, what: Callable[..., None], *arguments: Any) -> None:
    if not loop.is_closed():  # the server stopped while the network was busy
        loop.call_soon_threadsafe(what, *arguments)
