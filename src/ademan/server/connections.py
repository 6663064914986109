"""Connections: a client must ask in time and briefly, read its answers, and is told at once if there are too many.

uvicorn waits for ever for the head of a request and for a client that does not read, takes a head of any length and
any number of requests before one is answered, and says in a form of its own what is no HTTP. Here is what it leaves
open.
"""

import asyncio
import logging
import time
import uuid
from typing import Any, ClassVar

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from ademan.server.errors import ApiError
from ademan.server.passage import SAFETY

log = logging.getLogger("ademan.server")
_MOST_HEAD = 65_536  # bytes
_MOST_AHEAD = 64  # requests that are sent before the one in front of them is answered
_READ_S = 0.5  # for the request of a client that is refused: read, or its answer would be lost to a reset
_MOST_REFUSED = 128  # that are waited for in this way
_TOLD_EVERY_S = 10.0


class Guarded(HttpToolsProtocol):
    """A connection that must ask and read in time, and is refused if there are too many."""

    most: ClassVar[int] = 1000
    """Connections at the same time."""
    patience_s: ClassVar[float] = 15.0
    """Within which the head of a request must have come, and some of a long answer have been read."""
    refused: ClassVar[set["Guarded"]]
    """Those that are being told so, of this server."""
    told_s: ClassVar[float] = -_TOLD_EVERY_S

    def __init_subclass__(cls) -> None:
        cls.refused = set()

    def connection_made(self, transport: Any) -> None:
        """Take a connection, or refuse it."""
        super().connection_made(transport)
        self._alarm: asyncio.TimerHandle | None = None
        self._head = 0
        if len(self.connections) > self.most:
            self._refuse()
        else:
            self._wait(self.patience_s)

    def data_received(self, data: bytes) -> None:
        """Take what comes; while no request is being answered it is the head of one, or nothing good."""
        if self in self.refused:
            self.transport.close()
            return
        super().data_received(data)
        if self not in self.connections or not self._is_idle:  # it is a WebSocket now, or its head is there
            self._head = 0
            return
        if self._alarm is None:
            self._wait(self.patience_s)
        self._head += len(data)
        if self._head > _MOST_HEAD and not self.transport.is_closing():
            self._answer(ApiError("too_large", f"the head of the request has more than {_MOST_HEAD} bytes."))

    def on_headers_complete(self) -> None:
        """The head is there; what is left is the application's to wait for.

        Raises:
            ValueError: too many requests wait for their answers.
        """
        if len(self.pipeline) >= _MOST_AHEAD:
            raise ValueError("too many requests ahead")  # ends as what is no HTTP does
        self._calm()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        """All is said; if this is to be the end, it must be heard soon."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._wait(self.patience_s)

    def timeout_keep_alive_handler(self) -> None:
        """Nothing more was asked."""
        super().timeout_keep_alive_handler()
        self._wait(self.patience_s)

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        super().pause_writing()
        self._wait(self.patience_s)

    def resume_writing(self) -> None:
        """It reads again."""
        self._calm()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._calm()
        self.refused.discard(self)
        super().connection_lost(exc)

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; behind a request that is being answered, end that too."""
        log.info("no request", extra={"client": (self.client or ("",))[0], "problem": msg})
        if self._is_idle:
            self._answer(ApiError("bad_http", "this is no request of HTTP/1.1."))
        else:
            self._give_up()

    @property
    def _is_idle(self) -> bool:
        return not self.cycle or self.cycle.response_complete

    def _refuse(self) -> None:
        self.connections.discard(self)
        now_s = time.monotonic()
        if now_s - self.told_s > _TOLD_EVERY_S:
            type(self).told_s = now_s
            log.warning("as many are connected as may be", extra={"clients": self.most})
        self.transport.write(_raw(ApiError("busy", f"{self.most} are connected already, and no more may be.")))
        if len(self.refused) < _MOST_REFUSED:
            self.refused.add(self)
            self._wait(_READ_S)
        else:
            self.transport.close()

    def _answer(self, error: ApiError) -> None:
        self.transport.write(_raw(error))
        self.transport.close()

    def _wait(self, seconds: float) -> None:
        self._calm()
        self._alarm = asyncio.get_running_loop().call_later(seconds, self._give_up)

    def _calm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _give_up(self) -> None:
        self.transport.abort()


def limited(most: int, patience_s: float) -> type[Guarded]:
    """Return the connections of one server."""
    return type("Limited", (Guarded,), {"most": most, "patience_s": patience_s})


def _raw(error: ApiError) -> bytes:
    """Return an answer to what has not become a request."""
    body = orjson.dumps(error.to_json())
    headers = {
        "content-type": "application/json",
        "content-length": str(len(body)),
        "connection": "close",
        **error.headers,
        **SAFETY,
        "x-request-id": uuid.uuid4().hex[:12],
    }
    lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers.items())
    return STATUS_LINE[error.status] + lines.encode("latin-1") + b"\r\n" + body
