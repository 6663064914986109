"""One request on its way through the gate: how much of it comes, how fast, and what goes out on top of the answer."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress

import orjson
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from ademan.server.errors import ApiError

SAFETY = {
    "Content-Security-Policy": (
        "default-src 'self'; connect-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",  # modules of two versions of the page must not meet
}
"""Headers of every answer."""
NO_ANSWER = 499
"""Status of a request whose client went away before it was answered."""
_LINGER_S = 2.0
"""For how long what is left of a refused body is read: a client that still sends would otherwise never see why."""


class Store:
    """The bytes of bodies that are kept at once, of all requests.

    Args:
        most: of them.
    """

    def __init__(self, most: float) -> None:
        self.left = most


class Passage:
    """One request on its way through.

    Args:
        scope: of the request.
        receive: gives the pieces of the body.
        send: takes the pieces of the answer.
        limit: bytes of the body, at most.
        timeout_s: within which all of it must have come.
        more: headers of the answer.
        store: what the body takes of it, until the end.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        limit: int,
        timeout_s: float,
        more: Mapping[str, str],
        store: Store,
    ) -> None:
        self.scope, self.headers = scope, Headers(scope=scope)
        self.id = uuid.uuid4().hex[:12]
        self.started = time.perf_counter()
        self.status = NO_ANSWER
        self.problem: ApiError | None = None
        self._receive, self._send, self._limit, self._timeout_s = receive, send, limit, timeout_s
        self._due = asyncio.get_running_loop().time() + timeout_s
        self._store, self._received = store, 0
        self._lingers = True
        self._whole = "transfer-encoding" not in self.headers and self._length == 0
        self._more = [(name.lower().encode(), value.encode("latin-1")) for name, value in {**SAFETY, **more}.items()]

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.perf_counter() - self.started

    @property
    def _length(self) -> int:
        """Of the body, as its sender says; 0 if it says nothing."""
        text = self.headers.get("content-length", "0")
        return int(text) if text.isdecimal() else 0

    def check_length(self) -> None:
        """Refuse a body that says itself that it is too large.

        Raises:
            ApiError: it does.
        """
        if self._length > self._limit:
            raise self._too_large()

    async def receive(self) -> Message:
        """Pass on a piece of the body, as long as it is not too large and in time.

        Raises:
            ApiError: it is not. Whatever the application makes of that, it is what the client is told.
        """
        if self._whole:
            return await self._receive()  # says when the client has gone
        try:
            async with asyncio.timeout_at(self._due):
                message = await self._receive()
        except TimeoutError:
            self.problem = ApiError("too_slow", f"the body did not come within {self._timeout_s:g} seconds.")
            raise self.problem from None
        self._whole = not message.get("more_body", False)
        self._count(len(message.get("body", b"")))
        return message

    def end(self) -> None:
        """Keep nothing of the body any more."""
        self._store.left += self._received
        self._received = 0

    def _count(self, size: int) -> None:
        self._received += size
        self._store.left -= size
        if self._received > self._limit:
            self.problem = self._too_large()
        elif self._store.left < 0:
            self.problem = ApiError("busy", "more is being sent than can be taken; come again in a second.")
        if self.problem is not None:
            raise self.problem

    async def send(self, message: Message) -> None:
        """Pass on a piece of the application's answer."""
        if self.problem is None:
            await self._pass_on(message)

    async def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        """Answer in place of the application, if the answer has not begun."""
        if self.status != NO_ANSWER:
            return
        given = [(name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()]
        length = (b"content-length", str(len(body)).encode())
        await self._pass_on({"type": "http.response.start", "status": status, "headers": [*given, length]})
        await self._pass_on({"type": "http.response.body", "body": body})

    async def refuse(self, error: ApiError, *, linger: bool = True) -> None:
        """Answer with an error, if the answer has not begun.

        Args:
            error: what is told.
            linger: read what is left of the body, so that a client that still sends it gets to read the answer.
        """
        self._lingers = linger
        await self.answer(
            error.status, orjson.dumps(error.to_json()), {"Content-Type": "application/json", **error.headers}
        )

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": self._completed(message["headers"])}
        elif message["type"] == "http.response.body" and not self._whole and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body"}
        await self._send(message)

    def _completed(self, headers: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        given = {name.lower() for name, _ in headers} - {b"vary"}  # of which there may be several
        more = [(name, value) for name, value in self._more if name not in given]
        closing = [] if self._whole else [(b"connection", b"close")]
        return [*headers, *more, *closing, (b"x-request-id", self.id.encode())]

    async def _linger(self) -> None:
        """Read what is left of the body, and forget it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER_S):
                while self._lingers and (await self._receive()).get("more_body", False):
                    pass

    def _too_large(self) -> ApiError:
        return ApiError("too_large", f"the body has more than {self._limit / 1e6:g} MB, which is the limit.")
