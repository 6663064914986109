"""The Socket.IO server, for an open network: what comes may be garbage, and what goes may never be read.

python-socketio and python-engineio speak the protocols. Here is what they leave open: a client that sends what is
no message is disconnected, and told of on one line; packets that nobody reads do not pile up; and a connection that
joins nothing, or comes when there are too many, ends. The protocols: https://github.com/socketio/socket.io-protocol
and https://github.com/socketio/engine.io-protocol.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import engineio  # type: ignore[import-untyped]
import orjson
import socketio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ademan.server.config import ServeConfig
from ademan.server.errors import ApiError
from ademan.server.gate import check_origin
from ademan.server.shortcut import SHORTCUT, Shortcut

log = logging.getLogger("ademan.server")
NAMESPACE = "/gestures"
PATH = "/socket.io"
MOST_UNREAD = 64
"""Messages that may wait for a client."""
_MOST_WAITING = 256  # packets of all kinds: answers and those of the protocol, too
_MOST_BYTES = 1_000_000  # of a message: some thousand frames, and one is sent at a time
_MOST_ATTACHMENTS = 4  # of an event; a packed frame is one
_MOST_AT_ONCE = engineio.payload.Payload.max_decode_packets
_COMPLAIN_EVERY_S = 1.0
_EIO_SID = "ademan.eio_sid"  # in the scope of a connection
engineio.payload.Payload.max_decode_packets = 500  # of this process; its clients themselves may send more than 16
_ENGINE_TYPES = {"0", "1", "2", "3", "5", "6", "2probe", "3probe"}
"""Text frames of Engine.IO that are no messages; a message is a 4 before a packet of Socket.IO, 0 to 6."""


class Sockets(socketio.AsyncServer):  # type: ignore[misc] # python-socketio has no types
    """A Socket.IO server of one namespace.

    Args:
        config: origins and limits.
    """

    def __init__(self, config: ServeConfig) -> None:
        self._config = config
        complaints = _Complaints()
        super().__init__(
            async_mode="asgi",
            serializer=_Packet,
            async_handlers=False,  # frames of a client in their order, and without a task for each
            cors_allowed_origins=self._may_come,
            max_http_buffer_size=_MOST_BYTES,
            namespaces=[NAMESPACE],
            logger=complaints,
            engineio_logger=complaints,
            most=config.max_clients,
        )

    def asgi(self, others: ASGIApp) -> ASGIApp:
        """Return an application that serves this, and passes on what is for others."""
        return _Entrance(self, others)

    def sid_of(self, scope: Scope) -> str | None:
        """Return who sends on a WebSocket; None as long as it has not joined."""
        if _EIO_SID not in scope:  # it began by long polling, and names itself
            named = parse_qs(scope["query_string"].decode("latin-1")).get("sid", [""])
            scope[_EIO_SID] = named[0]
        socket = self.eio.sockets.get(scope[_EIO_SID])
        if socket is None or not socket.upgraded or socket.closed:
            return None
        sid: str | None = self.manager.sid_from_eio_sid(socket.sid, NAMESPACE)
        return sid

    def post(self, sid: str, packet: "engineio.packet.Packet") -> bool:
        """Put a message where it waits for a client, at once; False if too many wait there already."""
        socket = self.eio.sockets.get(self.manager.eio_sid_from_sid(sid, NAMESPACE))
        if socket is None or socket.closed or socket.queue.qsize() > MOST_UNREAD:
            return False
        socket.queue.put_nowait(packet)
        return True

    def _may_come(self, _origin: str, environ: Mapping[str, Any]) -> bool:
        try:
            check_origin(Headers(scope=environ["asgi.scope"]), self._config.cors)
        except ApiError:
            return False
        return True

    def _engineio_server_class(self) -> type["_Engine"]:
        return _Engine

    async def _handle_eio_connect(self, eio_sid: str, environ: Mapping[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        environ["asgi.scope"][_EIO_SID] = eio_sid
        asyncio.get_running_loop().call_later(self._config.timeout, self._turn_out, eio_sid)

    def _turn_out(self, eio_sid: str) -> None:
        """End a connection that has joined nothing; without a key, it never will."""
        if self.manager.sid_from_eio_sid(eio_sid, NAMESPACE) is None:
            self.start_background_task(self.eio.disconnect, eio_sid)

    async def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> None:
        await super()._handle_eio_disconnect(eio_sid, reason)
        socket = self.eio.sockets.get(eio_sid)
        if socket is not None:
            asyncio.get_running_loop().call_soon(self._let_go, socket)  # after its last packet, which is put now

    def _let_go(self, socket: "engineio.async_socket.AsyncSocket") -> None:
        """Keep nothing of a connection, also of one by long polling, and wake what waits for more to send."""
        self.eio.sockets.pop(socket.sid, None)
        socket.queue.put_nowait(None)
        socket.next_ping.cancel()

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        if eio_sid not in self.environ:
            return  # it has said good-bye
        try:
            await super()._handle_eio_message(eio_sid, data)
        except orjson.JSONDecodeError as error:  # NaN, most likely: an honest mistake
            self.namespace_handlers[NAMESPACE].refuse(self.manager.sid_from_eio_sid(eio_sid, NAMESPACE), error)
        except Exception:
            self._binary_packet.pop(eio_sid, None)
            self.logger.exception("a client sent what is no message")
            await self.eio.disconnect(eio_sid)


def message(kind: str, content: Mapping[str, Any]) -> "engineio.packet.Packet":
    """Return an event as it is sent; the same packet may go to many clients."""
    text = f"{socketio.packet.EVENT}{NAMESPACE},{_Json.dumps([kind, content])}"
    return engineio.packet.Packet(engineio.packet.MESSAGE, text)


class _Json:
    """What python-socketio asks of a JSON module, by orjson: it is quicker, and takes no NaN."""

    @staticmethod
    def dumps(content: Any, **_: Any) -> str:
        return orjson.dumps(content).decode()

    @staticmethod
    def loads(text: str, **_: Any) -> Any:
        return orjson.loads(text)


class _Packet(socketio.packet.Packet):  # type: ignore[misc] # as above
    """A packet of Socket.IO that is refused unless it holds what its kind must hold."""

    json = _Json

    def decode(self, encoded_packet: str) -> int:
        """Read a packet, and return how many attachments follow."""
        attachments = int(super().decode(encoded_packet) or 0)
        binary = self.packet_type in (socketio.packet.BINARY_EVENT, socketio.packet.BINARY_ACK)
        if not (1 if binary else 0) <= attachments <= (_MOST_ATTACHMENTS if binary else 0):
            raise ValueError(f"{attachments} attachments")
        if self.packet_type in (socketio.packet.EVENT, socketio.packet.BINARY_EVENT):
            if not (isinstance(self.data, list) and self.data and isinstance(self.data[0], str)):
                raise ValueError("an event without a name")
        elif self.packet_type in (socketio.packet.ACK, socketio.packet.BINARY_ACK):
            raise ValueError("an answer that nobody asked for")
        return attachments


class _Outbox(asyncio.Queue[Any]):
    """Packets that wait for a client; who reads none gets no more."""

    _taken = 0

    async def get(self) -> Any:
        self._taken = 0
        return await super().get()

    def get_nowait(self) -> Any:
        """Give what waits, but no more at once than python-engineio's clients take by long polling."""
        if self._taken >= _MOST_AT_ONCE:
            raise asyncio.QueueEmpty
        item = super().get_nowait()
        self._taken += 1
        return item

    async def put(self, item: Any) -> None:
        if item is None or self.qsize() < _MOST_WAITING:  # None ends the connection
            self.put_nowait(item)


class _Engine(engineio.AsyncServer):  # type: ignore[misc] # as above
    """Engine.IO with bounds.

    Args:
        most: connections at the same time.
        options: of engineio.AsyncServer.
    """

    def __init__(self, most: int, **options: Any) -> None:
        super().__init__(**options)
        self._most = most

    def create_queue(self, *_: Any, **__: Any) -> _Outbox:
        return _Outbox()

    async def _handle_connect(self, environ: Any, transport: str, jsonp_index: int | None = None) -> Any:
        if len(self.sockets) >= self._most:  # with long polling, these may be more than the network's connections
            raise ApiError("busy", f"{self._most} are connected already, and no more may be.")
        return await super()._handle_connect(environ, transport, jsonp_index)

    def start_background_task(self, target: Any, *arguments: Any, **options: Any) -> "asyncio.Task[Any]":
        task: asyncio.Task[Any] = super().start_background_task(target, *arguments, **options)
        socket = getattr(target, "__self__", None)
        if isinstance(socket, engineio.async_socket.AsyncSocket):  # it pings; else that task outlives it by far
            socket.next_ping = task
        return task

    async def disconnect(self, sid: str | None = None) -> None:
        """End a connection without waiting for a client that may never read again."""
        socket = self.sockets.get(sid)
        if socket is not None:
            await socket.close(wait=False, reason=self.reason.SERVER_DISCONNECT)


class _Entrance:
    """Brings requests to Socket.IO, and no frame that Engine.IO would fail at."""

    def __init__(self, sockets: Sockets, others: ASGIApp) -> None:
        self._sockets, self._others = sockets, others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or not f"{scope['path']}/".startswith(f"{PATH}/"):
            await self._others(scope, receive, send)
            return
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        else:
            await self._socket(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._sockets.eio.handle_request(scope, receive, send)
        except ApiError:
            raise
        except Exception:
            self._sockets.logger.exception("a client sent what is no request")
            raise ApiError("bad_request", "this is no request of Engine.IO 4.") from None

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        streams = self._sockets.namespace_handlers[NAMESPACE]
        scope[SHORTCUT] = Shortcut(streams, lambda: self._sockets.sid_of(scope))
        try:
            await self._sockets.eio.handle_request(scope, self._frames(receive), send)
        except OSError:  # it has gone
            return
        except Exception:  # too many are connected, or it asks for something else than it should
            self._sockets.logger.exception("a client was sent away")
        with suppress(OSError, RuntimeError):  # RuntimeError: it was told so already
            await send({"type": "websocket.close", "code": 1002})

    def _frames(self, receive: Receive) -> Receive:
        async def frame() -> Message:
            event = await receive()
            if event["type"] != "websocket.receive" or _is_packet(event):
                return event
            self._sockets.logger.complain("a client sent what is no packet")
            return {"type": "websocket.disconnect", "code": 1002}

        return frame


def _is_packet(event: Message) -> bool:
    """Return whether a frame is a packet of Engine.IO; it fails at others, and leaves the connection behind."""
    text = event.get("text")
    if text is None:
        return True  # bytes are an attachment, whatever they are
    return text in _ENGINE_TYPES or (text[:1] == "4" and text[1:2] in tuple("0123456"))


class _Complaints:
    """What python-socketio and python-engineio say of clients: a line each, one a second at most, and no tracebacks.

    They call it as a logger. Faults of our own are logged where they happen, see `Streams.trigger_event`.
    """

    def __init__(self) -> None:
        self._said_s = -1e9
        self._more = 0

    def exception(self, text: str, *arguments: Any) -> None:
        error = sys.exc_info()[1]
        self.complain(text % arguments if arguments else text, f"{type(error).__name__}: {error}"[:200])

    def error(self, text: str, *_: Any) -> None:
        """Say what Engine.IO says once of each kind, such as of a session that is over."""
        log.info("socket", extra={"said": text.partition(" (further occurrences")[0][:200]})

    def info(self, *_: Any) -> None:
        """Say nothing of what goes well."""

    debug = warning = info

    def complain(self, text: str, problem: str = "") -> None:
        now_s = time.monotonic()
        if now_s - self._said_s < _COMPLAIN_EVERY_S:
            self._more += 1
            return
        log.warning("socket", extra={"said": text[:200], "problem": problem, "more": self._more or ""})
        self._said_s, self._more = now_s, 0
