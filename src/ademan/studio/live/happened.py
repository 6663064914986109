"""The events of one stream: told, written down, and their points kept, so that they can be corrected."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from ademan.clip import Clip, Points
from ademan.skeleton import Skeleton
from ademan.studio.data import now_ms
from ademan.studio.data.predictions import Said
from ademan.studio.live.eyes import Happening, Seen
from ademan.studio.live.ledger import Ledger
from ademan.studio.live.moments import Moments
from ademan.studio.live.takes import LONGEST_MS, clip_of

_HISTORY_MS: Final = 25_000.0
_MARGIN_MS: Final = 300.0  # a gesture begins before its first frame that can be told from others
_MOST_HISTORY: Final = 1500
_PATIENCE_S: Final = 1.5  # for the id of an event, before it is told without one


@dataclass(eq=False)
class _Going:
    """A gesture that goes on.

    Args:
        from_ms: of its first frame.
        id: of its prediction.
    """

    from_ms: float
    id: "asyncio.Future[int | None]"


class Happened:
    """What one stream said that happened.

    Args:
        user_id: to whom.
        skeleton: of the points.
        ledger: where it is written down.
        moments: where the points of events are kept.
        send: tells the browser something.
    """

    def __init__(
        self, user_id: int, skeleton: Skeleton, ledger: Ledger, moments: Moments, send: Callable[[dict[str, Any]], None]
    ) -> None:
        self._user_id, self._skeleton, self._ledger, self._moments, self._send = (
            user_id,
            skeleton,
            ledger,
            moments,
            send,
        )
        self._history: deque[tuple[float, Points]] = deque(maxlen=_MOST_HISTORY)
        self._size_wh = (0, 0)
        self._going: _Going | None = None
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def add(self, seen: Seen) -> None:
        """Take what a frame brought."""
        if seen.points is not None:
            if seen.size_wh != self._size_wh:
                self.rest()
                self._size_wh = seen.size_wh
            self._history.append((seen.time_ms, seen.points))
            while seen.time_ms - self._history[0][0] > _HISTORY_MS:
                self._history.popleft()
        for happening in seen.happened:
            self.tell(happening, seen.latency_ms)

    def rest(self) -> None:
        """Forget the points of the past."""
        self._history.clear()
        self._going = None

    def tell(self, happening: Happening, latency_ms: float) -> None:
        """Tell the browser of an event, and write it down."""
        event, model = happening.event, happening.model
        said = Said(now_ms(), event.kind, model.id, event.label, event.confidence, latency_ms, self._user_id)
        written = self._ledger.note(said, now=True)
        if event.kind == "began":
            self._count += 1
            window = model.manifest.window
            span_ms = 1000.0 * window.frames / (window.fps or model.manifest.fps)
            self._going = _Going(event.timestamp_ms - span_ms - _MARGIN_MS, written)
        elif self._going is not None:
            self._keep(self._going)
            self._going = None
        told = {
            "kind": "event", "event": event.kind, "number": self._count, "label": event.label,
            "confidence": round(event.confidence, 4), "time_ms": event.timestamp_ms,
        }  # fmt: skip
        self._begin(self._tell(told, written))

    def clip_of(self, prediction_id: int) -> Clip | None:
        """Return the points of an event of this person, also of one that goes on; None if they are no longer there."""
        going = self._going
        if going is not None and going.id.done() and not going.id.cancelled() and going.id.result() == prediction_id:
            return self._cut(going.from_ms)
        return self._moments.find(prediction_id, self._user_id)

    def _keep(self, going: _Going) -> None:
        clip = self._cut(going.from_ms)
        if clip is not None:
            self._begin(self._keep_by_id(going.id, clip))

    def _cut(self, from_ms: float) -> Clip | None:
        last_ms = self._history[-1][0] if self._history else 0.0
        frames = [frame for frame in self._history if frame[0] >= max(from_ms, last_ms - LONGEST_MS)]
        if len(frames) < 2:
            return None
        clip = clip_of(frames, self._skeleton, self._size_wh)
        return clip if clip.seen.any() else None

    def _begin(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _keep_by_id(self, written: "asyncio.Future[int | None]", clip: Clip) -> None:
        await asyncio.wait([written])
        prediction_id = None if written.cancelled() else written.result()
        if prediction_id is not None:
            self._moments.keep(prediction_id, self._user_id, clip)

    async def _tell(self, told: dict[str, Any], written: "asyncio.Future[int | None]") -> None:
        """Tell an event with its id; if that takes long, without it at first."""
        await asyncio.wait([written], timeout=_PATIENCE_S)
        if not written.done():
            self._send({**told, "id": None})
            await asyncio.wait([written])
        self._send({**told, "id": None if written.cancelled() else written.result()})
