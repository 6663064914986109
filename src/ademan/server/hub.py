"""Messages, and many listeners to one source of them; one that is slow misses some, and delays nobody."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ademan.clip import Points, as_fractions
from ademan.publishing.messages import prediction_json
from ademan.server.shelf import Served

MOST_WAITING = 64
"""Messages that wait for a listener; beyond them its oldest are dropped."""


@dataclass(frozen=True)
class Message:
    """Something to be told.

    Args:
        kind: name of the event.
        content: plain values.
    """

    kind: str
    content: dict[str, Any]


class Hub:
    """Passes messages on; used in one event loop.

    Args:
        on_drop: told of each message that a listener missed.
    """

    def __init__(self, on_drop: Callable[[], None] = lambda: None) -> None:
        self._queues: set[asyncio.Queue[Message | None]] = set()
        self._on_drop = on_drop
        self._closed = False

    def __len__(self) -> int:
        return len(self._queues)

    def publish(self, message: Message) -> None:
        """Tell all listeners, without waiting for any of them."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
                self._on_drop()
            queue.put_nowait(message)

    async def listen(self, first: Message | None = None) -> AsyncIterator[Message]:
        """Give messages from now on, until the hub is closed."""
        queue: asyncio.Queue[Message | None] = asyncio.Queue(MOST_WAITING)
        if first is not None:
            queue.put_nowait(first)
        self._queues.add(queue)
        try:
            while not self._closed:
                message = await queue.get()
                if message is None:
                    return
                yield message
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End all listening."""
        self._closed = True
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)


def smoothed_json(served: Served, shares: Sequence[float], time_ms: float, gesture: str | None) -> dict[str, Any]:
    """Return a prediction of a stream as all clients get it."""
    labels = served.manifest.labels
    best = int(np.argmax(shares))
    return {
        "label": labels[best] if shares[best] > 0 else None,
        "confidence": round(shares[best], 4),
        "gesture": gesture,
        **prediction_json(labels, shares, time_ms, bundle=served.name, version=served.version),
    }


def points_json(points: Points, image_wh: tuple[int, int], time_ms: float) -> dict[str, Any]:
    """Return square points (P, C) as a page draws them: fractions of the picture, null where not seen."""
    fractions = np.round(as_fractions(points, image_wh)[:, :2].astype(np.float64), 4)
    drawn = [point.tolist() if np.isfinite(point).all() else None for point in fractions]
    return {"time_ms": round(time_ms, 1), "image_wh": list(image_wh), "points": drawn}
