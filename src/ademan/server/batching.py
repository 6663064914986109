"""Windows of many clients in one call of the network.

Nothing waits for a batch to fill: a window that finds the network idle goes in alone, and what comes while it is
busy goes in together when it is free again. So a lone client is never delayed, and the busier it gets the larger
are the batches. What a batch saves is measured in benchmarks/serving.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeAlias

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

    def submit(self, window: Points) -> "asyncio.Future[Probabilities]":
        """Return the probabilities (K,) of a window (T, P, C), as soon as they are there.

        Raises:
            ApiError: too many wait already.
        """
        if len(self._waiting) >= MOST_WAITING:
            raise ApiError("busy", f"{MOST_WAITING} windows wait for the network already; come again in a second.")
        answer: asyncio.Future[Probabilities] = asyncio.get_running_loop().create_future()
        self._waiting.append((window, answer))
        if not self._running:
            self._start()
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

    def _start(self) -> None:
        batch: list[Waiting] = []
        while self._waiting and len(batch) < LARGEST:
            window, answer = self._waiting.popleft()
            if not answer.done():  # its client has gone
                batch.append((window, answer))
        self._running = bool(batch)
        if batch:
            self._on_batch(len(batch))
            self._run(batch)

    def _run(self, batch: Sequence[Waiting]) -> None:
        loop = asyncio.get_running_loop()
        try:
            work = self._executor.submit(self._name, [window for window, _ in batch])
        except RuntimeError:  # the executor was shut down: the server stops
            self._running = False
            for _, answer in batch:
                answer.cancel()
        else:
            work.add_done_callback(lambda done: _tell(loop, self._finish, batch, done))

    def _name(self, windows: list[Points]) -> Probabilities:
        return self._classifier.probabilities(stack(windows))

    def _finish(self, batch: Sequence[Waiting], done: "Future[Probabilities]") -> None:
        self._start()  # first: the network works while the answers go out
        for i, (_, answer) in enumerate(batch):
            if answer.done():
                continue
            if done.cancelled():
                answer.cancel()
            elif error := done.exception():
                answer.set_exception(error)
            else:
                answer.set_result(done.result()[i])


def _tell(
    loop: asyncio.AbstractEventLoop,
    finish: Callable[[Sequence[Waiting], "Future[Probabilities]"], None],
    batch: Sequence[Waiting],
    done: "Future[Probabilities]",
) -> None:
    if not loop.is_closed():  # the server stopped while the network was busy
        loop.call_soon_threadsafe(finish, batch, done)
