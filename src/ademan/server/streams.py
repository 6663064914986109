"""Live streams by Socket.IO: each client has a window of its own, and no frame waits in a queue.

A frame goes into the window at once. When a prediction is due, its window goes to the network with those of the
other clients; if the one before is still on its way, this one is not made. So a network that cannot keep up names
windows less often, from the newest frames, rather than late.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import socketio

from ademan.errors import AdemanError
from ademan.publishing.messages import event_json
from ademan.recognition import Due, Event, Recognizer, StreamConfig
from ademan.recognition.classifier import Probabilities
from ademan.server.allowance import Allowance
from ademan.server.config import ServeConfig
from ademan.server.errors import ApiError
from ademan.server.gate import check_key
from ademan.server.hub import Message, smoothed_json
from ademan.server.metrics import Metrics
from ademan.server.shelf import Served, Shelf
from ademan.server.sockets import NAMESPACE, message
from ademan.server.wire import read_frame

log = logging.getLogger("ademan.server")
_PROBLEM_EVERY_S = 1.0
_LONGEST_MS = 1e7  # of a setting: some hours
_STREAM_FIELDS = {"every_ms", "smoothing_ms", "least_ms", "cooldown_ms", "accept", "release"}


@dataclass(eq=False)
class Stream:
    """One client."""

    served: Served
    recognizer: Recognizer
    chosen: str | None = None
    """Name of the bundle that was asked for."""
    sends: bool = False
    """Whether it sends points of its own, and so wants none of the camera's messages."""
    pending: "asyncio.Future[Probabilities] | None" = None
    """The window that is with the network."""
    frames: int = 0
    predictions: int = 0
    events: int = 0
    dropped: Counter[str] = field(default_factory=lambda: Counter(rate=0, busy=0, bad=0, slow=0))
    may_send: Allowance = field(default_factory=Allowance)
    """Frames."""
    may_ask: Allowance = field(default_factory=Allowance)
    """All other events."""
    told_s: float = -1e9
    """When a problem was told last."""

    def to_json(self) -> dict[str, Any]:
        """Return what was counted."""
        return {
            "frames": self.frames,
            "predictions": self.predictions,
            "events": self.events,
            "dropped": dict(self.dropped),
        }


class Streams(socketio.AsyncNamespace):  # type: ignore[misc] # python-socketio has no types
    """The namespace of live streams.

    Args:
        shelf: the bundles.
        config: keys and limits.
        metrics: are told of what is taken and dropped.
        stream: how predictions become events, where a client says nothing of it.
    """

    def __init__(self, shelf: Shelf, config: ServeConfig, metrics: Metrics, stream: StreamConfig) -> None:
        super().__init__(NAMESPACE)
        self._shelf, self._config, self._metrics, self._defaults = shelf, config, metrics, stream
        self._keys = [key.encode() for key in config.keys]
        self._streams: dict[str, Stream] = {}
        self._events = {"start": self._start, "finish": self._finish, "stats": self._stats}
        shelf.on_change(self._follow)

    @property
    def count(self) -> int:
        """Clients; not as len(): python-socketio takes a namespace that is false for one that is not there."""
        return len(self._streams)

    async def on_connect(self, sid: str, _environ: Mapping[str, Any], auth: Any = None) -> None:
        """Let a client in that has a key, if one is asked for."""
        try:
            self._check_key(auth)
            served = self._shelf.get()
        except ApiError as error:
            raise socketio.exceptions.ConnectionRefusedError(error.message, error.to_json()["error"]) from None
        self._streams[sid] = Stream(served, Recognizer(served.classifier, self._defaults))
        self._metrics.streams.set(len(self._streams))

    async def on_disconnect(self, sid: str, *_: Any) -> None:
        """Forget a client."""
        self._streams.pop(sid, None)
        self._metrics.streams.set(len(self._streams))

    async def trigger_event(self, event: str, sid: str, *arguments: Any) -> Any:
        """Call what an event is for; whatever a client sends, an error is an answer."""
        if event in ("connect", "disconnect") and not self.server.manager.is_connected(sid, NAMESPACE):
            return await super().trigger_event(event, sid, *arguments)  # else a client has sent it
        content = arguments[0] if arguments else None
        if event == "points":
            return self.points(sid, content)
        stream = self._streams.get(sid)
        if stream is None:
            return None
        try:
            return await self._take(event, sid, stream, content)
        except Exception as error:
            return self._told(error, event, sid, stream)

    def points(self, sid: str, content: Any) -> dict[str, Any] | None:
        """Take a frame; what is wrong with it is told to its client."""
        stream = self._streams.get(sid)
        if stream is None:
            return None
        if not stream.may_send.take(self._config.max_fps):
            self._drop(stream, "rate")
            return {}
        try:
            self._add(sid, stream, content)
        except Exception as error:
            return self._told(error, "points", sid, stream)
        return {}

    def _told(self, error: Exception, event: str, sid: str, stream: Stream) -> dict[str, Any]:
        """Tell a client what went wrong; a fault of the server's own goes to the log."""
        if not isinstance(error, AdemanError):
            log.error("event failed", extra={"said": event[:40]}, exc_info=error)
            return ApiError("failed", "a fault of the server; its log says more.").to_json()
        refused = error if isinstance(error, ApiError) else ApiError("bad_request", str(error))
        self._complain(sid, stream, refused, bad=event == "points")
        return refused.to_json()

    def refuse(self, sid: str | None, error: ValueError) -> None:
        """Tell a client that it has sent what is no JSON."""
        stream = self._streams.get(sid or "")
        if sid is not None and stream is not None:
            text = f"the event is no JSON: {error}. A number that is not known is null."
            self._complain(sid, stream, ApiError("bad_json", text), bad=True)

    def broadcast(self, told: Message) -> None:
        """Tell all clients that send no points of their own."""
        if told.kind in ("gesture_prediction", "gesture"):
            packet = message(told.kind, told.content)
            for sid, stream in self._streams.items():
                if not stream.sends:
                    self._post(sid, stream, packet)

    async def close(self) -> None:
        """End all connections."""
        engine = self.server.eio
        for sid in list(engine.sockets):
            await engine.disconnect(sid)

    async def _take(self, event: str, sid: str, stream: Stream, content: Any) -> dict[str, Any]:
        most = self._config.max_fps
        if not stream.may_ask.take(most):
            self._drop(stream, "rate")
            return ApiError("busy", f"at most {most:g} events a second.").to_json()
        if event not in self._events:
            known = ", ".join(["points", *self._events])
            raise ApiError("bad_request", f"there is no event '{event[:40]}'; there are {known}.")
        return await self._events[event](sid, stream, content)

    def _check_key(self, auth: Any) -> None:
        if not self._keys:
            return
        key = auth.get("key") if isinstance(auth, dict) else None
        if not key:
            raise ApiError("no_key", 'this server asks for a key: connect with auth {"key": "..."}.')
        check_key(key if isinstance(key, str) else "?", self._keys)

    async def _start(self, _sid: str, stream: Stream, content: Any) -> dict[str, Any]:
        content = {} if content is None else content
        if not isinstance(content, dict) or set(content) - _STREAM_FIELDS - {"bundle"}:
            known = ", ".join(sorted(_STREAM_FIELDS | {"bundle"}))
            raise ApiError("bad_request", f"start takes an object with some of {known}.")
        name = content.get("bundle")
        if name is not None and not isinstance(name, str):
            raise ApiError("bad_request", "bundle: expected the name of a bundle.")
        served = self._shelf.get(name)
        stream.recognizer = Recognizer(served.classifier, self._asked(content))
        stream.served, stream.chosen, stream.pending = served, name, None
        return {"bundle": served.to_json()}

    def _asked(self, content: Mapping[str, Any]) -> StreamConfig:
        """Return how predictions are to become events for a client."""
        asked = {key: value for key, value in content.items() if key != "bundle" and value is not None}
        for key, value in asked.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ApiError("bad_request", f"{key}: expected a number.")
            if key.endswith("_ms") and value > _LONGEST_MS:
                raise ApiError("bad_request", f"{key}: expected {_LONGEST_MS:g} at most, found {value:g}.")
        config = StreamConfig(**{**vars(self._defaults), **asked})
        least_ms = 1000 / self._config.max_fps
        if config.every_ms < least_ms:
            raise ApiError("bad_request", f"every_ms: expected {least_ms:.3g} at least, found {config.every_ms:g}.")
        return config

    def _add(self, sid: str, stream: Stream, content: Any) -> None:
        """Put a frame into the window of its stream, and let the window be named if that is due."""
        stream.sends = True
        points, time_ms = read_frame(content, stream.served.manifest)
        events, due = stream.recognizer.add(points, time_ms)
        stream.frames += 1
        self._metrics.frames.inc()
        self._send_events(sid, stream, events)
        if due is not None:
            self._predict(sid, stream, due)

    def _predict(self, sid: str, stream: Stream, due: Due) -> None:
        """Give a window to the network, unless the one before is still there."""
        if stream.pending is not None:
            self._drop(stream, "busy")
            return
        window = stream.recognizer.window()
        if window is None:
            self._answer(sid, stream, due, None)
            return
        try:
            stream.pending = stream.served.batcher.submit(window)
        except ApiError:
            self._drop(stream, "busy")
            return
        stream.pending.add_done_callback(partial(self._answered, sid, stream, due))

    def _answered(self, sid: str, stream: Stream, due: Due, answer: "asyncio.Future[Probabilities]") -> None:
        failure = None if answer.cancelled() else answer.exception()
        if failure is not None:
            log.error("prediction failed", extra={"bundle": stream.served.name, "problem": str(failure)})
        if stream.pending is not answer or sid not in self._streams:
            return  # it began anew, or is gone
        stream.pending = None
        if failure is None and not answer.cancelled():
            self._answer(sid, stream, due, answer.result())

    def _answer(self, sid: str, stream: Stream, due: Due, probabilities: Probabilities | None) -> None:
        update = stream.recognizer.decide(due, probabilities)
        if update.probabilities is None:
            return
        stream.predictions += 1
        self._metrics.predictions.labels(stream.served.name, "stream").inc()
        shares, active = update.probabilities.tolist(), stream.recognizer.active
        self._send(sid, stream, "gesture_prediction", smoothed_json(stream.served, shares, due.timestamp_ms, active))
        self._send_events(sid, stream, update.events)

    async def _finish(self, sid: str, stream: Stream, _: Any) -> dict[str, Any]:
        if stream.pending is not None:  # what was sent before counts
            await asyncio.wait([stream.pending], timeout=self._config.timeout)
        self._send_events(sid, stream, stream.recognizer.finish())
        return {"stats": stream.to_json()}

    async def _stats(self, _sid: str, stream: Stream, _: Any) -> dict[str, Any]:
        return stream.to_json()

    def _follow(self, served: Served) -> None:
        """Go on with a new version of a bundle, in all streams that use it."""
        default, packet = self._shelf.names[0], message("bundle", served.to_json())
        for sid, stream in self._streams.items():
            if (stream.chosen or default) == served.name:
                self._send_events(sid, stream, stream.recognizer.finish())
                stream.recognizer = Recognizer(served.classifier, stream.recognizer.config)
                stream.served, stream.pending = served, None
                self._post(sid, stream, packet)

    def _complain(self, sid: str, stream: Stream, error: ApiError, *, bad: bool) -> None:
        """Tell what is wrong, but not for each of thirty frames a second; a frame that is none is counted."""
        if bad:
            self._drop(stream, "bad")
        now_s = time.monotonic()
        if now_s - stream.told_s >= _PROBLEM_EVERY_S:
            stream.told_s = now_s
            self._send(sid, stream, "problem", error.to_json()["error"])

    def _send_events(self, sid: str, stream: Stream, events: "tuple[Event, ...] | list[Event]") -> None:
        for event in events:
            stream.events += 1
            if event.kind == "began":
                self._metrics.events.labels(stream.served.name, event.label).inc()
            served = stream.served
            self._send(sid, stream, "gesture", event_json(event, bundle=served.name, version=served.version))

    def _send(self, sid: str, stream: Stream, kind: str, content: Mapping[str, Any]) -> None:
        self._post(sid, stream, message(kind, content))

    def _post(self, sid: str, stream: Stream, packet: Any) -> None:
        """Send a message without waiting; a client that reads nothing gets no more."""
        if not self.server.post(sid, packet):
            self._drop(stream, "slow")

    def _drop(self, stream: Stream, reason: str) -> None:
        stream.dropped[reason] += 1
        self._metrics.dropped.labels(reason).inc()
