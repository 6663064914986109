"""Server-sent events: an answer that goes on until one of the two sides has had enough.

The format is that of https://html.spec.whatwg.org/multipage/server-sent-events.html.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import orjson
from fastapi import Response
from starlette.types import Receive, Scope, Send

from ademan.server.hub import Message

PING_S = 15.0
"""Between two signs of life: what stands in between ends connections over which nothing goes."""
_PING = b": still here\n\n"
_HEADERS = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",  # nginx would keep events back until there are many
}


class EventStream(Response):
    """Messages as events, as long as the client stays and there are any.

    Args:
        messages: closed at the end, whoever brings it about.
    """

    media_type = "text/event-stream"

    def __init__(self, messages: AsyncGenerator[Message, None]) -> None:
        super().__init__()
        self._messages = messages

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        headers = [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        tasks = [asyncio.create_task(work) for work in (self._tell(send), _ping(send), _gone(receive))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
        for task in tasks:
            if not task.cancelled():
                task.result()  # raises what went wrong

    async def _tell(self, send: Send) -> None:
        async with aclosing(self._messages) as messages:
            async for message in messages:
                await send({"type": "http.response.body", "body": _event(message), "more_body": True})
        await send({"type": "http.response.body"})


def _event(message: Message) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (message.kind.encode(), orjson.dumps(message.content))


async def _ping(send: Send) -> None:
    while True:
        await asyncio.sleep(PING_S)
        await send({"type": "http.response.body", "body": _PING, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
