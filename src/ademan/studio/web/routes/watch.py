"""The WebSocket of camera frames, see docs/studio.md; and what people say that an earlier prediction was."""

import asyncio
from contextlib import suppress
from typing import Any, Final

import orjson
from fastapi import Request, Response, WebSocket
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect, WebSocketState

from ademan.studio.data import StudioError
from ademan.studio.data.predictions import PredictionInfo
from ademan.studio.live.hall import GONE, SIGNED_OUT, TOO_MANY, UNAVAILABLE
from ademan.studio.web.errors import WebError
from ademan.studio.web.guard import Here, Who, member_router, recognise, studio_of

router = member_router()
_CODES: Final = {"gone": GONE, "too_many": TOO_MANY, "unavailable": UNAVAILABLE}
_MOST_UNREAD: Final = 256
_FEW: Final = 50
_DIGITS: Final = 18
_MOST_TEXT: Final = 120  # bytes of a reason, of which a WebSocket takes 123


class Browser:
    """What goes out to one browser, in its order, and without anybody waiting for it.

    Args:
        socket: that was accepted.
    """

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._unread: asyncio.Queue[dict[str, Any]] = asyncio.Queue(_MOST_UNREAD)
        self.ending: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        """Code and reason of the end, once there is to be one."""

    def send(self, message: dict[str, Any]) -> None:
        """Send a message soon; a browser that reads nothing for long is left."""
        try:
            self._unread.put_nowait(message)
        except asyncio.QueueFull:
            self.end(1008, "what was sent is not read")

    def end(self, code: int, reason: str) -> None:
        """End the connection."""
        if not self.ending.done():
            self.ending.set_result((code, reason))

    async def write(self) -> None:
        """Send what there is to be sent, for ever."""
        while True:
            content = orjson.dumps(await self._unread.get()).decode()
            with suppress(WebSocketDisconnect, RuntimeError):  # it has gone; who reads from it notices
                await self._socket.send_text(content)

    async def close(self) -> None:
        """Send the code and the reason of the end, if there is somebody left to be told."""
        if self.ending.done() and self._socket.client_state is WebSocketState.CONNECTED:
            code, reason = self.ending.result()
            cut = reason.encode()[:_MOST_TEXT].decode(errors="ignore")
            with suppress(WebSocketDisconnect, RuntimeError):
                await self._socket.close(code, cut)


@router.websocket("/api/watch")
async def watch(socket: WebSocket) -> None:
    """Look at what a camera sees, and tell what it is."""
    await socket.accept()
    browser = Browser(socket)
    writing = asyncio.create_task(browser.write())
    try:
        await _serve(socket, browser)
    except StudioError as error:
        browser.end(_CODES.get(error.code, UNAVAILABLE), str(error))
    finally:
        writing.cancel()
        await browser.close()


async def _serve(socket: WebSocket, browser: Browser) -> None:
    visitor, wanted = await recognise(socket), socket.query_params.get("set")
    if visitor is None:
        browser.end(SIGNED_OUT, "log in first")
        return
    set_id = _number(wanted)
    if set_id is None:
        browser.end(GONE, "there is no such set")
        return
    async with studio_of(socket).hall.stream(visitor, set_id, browser.send, browser.end) as stream:
        while not browser.ending.done():
            message = await _next(socket, browser)
            if message is None:
                return
            content = message.get("bytes")
            stream.take(message.get("text") or "" if content is None else content)


async def _next(socket: WebSocket, browser: Browser) -> Message | None:
    """Return what comes next; None at the end of the connection, whoever ends it."""
    receiving = asyncio.ensure_future(socket.receive())
    waited: tuple[asyncio.Future[Any], ...] = (receiving, browser.ending)
    await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    if not receiving.done():
        receiving.cancel()
        return None
    message = receiving.result()
    return None if message["type"] == "websocket.disconnect" else message


@router.get("/api/predictions")
def predictions(request: Request, studio: Here, who: Who) -> Response:
    """Return the last gestures that were recognised for whoever asks, the newest first."""
    limit, wanted = (_number(request.query_params.get(name)) for name in ("limit", "set"))
    infos = studio.predictions.mine(who.person.id, limit or _FEW, kind="began", set_id=wanted)
    return _json({"predictions": [_told(info) for info in infos]})


@router.post("/api/predictions/{prediction_id}/truth")
async def correct(request: Request, studio: Here, who: Who, prediction_id: int) -> Response:
    """Say what a prediction was; it becomes a clip if its points are still there."""
    try:
        content = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise WebError("bad", f"the body is no JSON: {error}.") from error
    truth = content.get("truth") if isinstance(content, dict) else None
    if not isinstance(truth, str):
        raise WebError("bad", "truth: expected the name of a gesture.")
    info = await studio.hall.correct(who.person.id, prediction_id, truth)
    return _json({"id": info.id, "truth": info.truth, "clip": info.clip_id})


def _told(info: PredictionInfo) -> dict[str, Any]:
    said = info.said
    return {
        "id": info.id, "at_ms": said.at_ms, "model": said.model_id, "label": said.label,
        "confidence": said.confidence, "truth": info.truth, "clip": info.clip_id,
    }  # fmt: skip


def _number(text: str | None) -> int | None:
    """Return a number that was given in an address; None if it is none."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= _DIGITS else None


def _json(content: dict[str, Any]) -> Response:
    return Response(orjson.dumps(content), media_type="application/json", headers={"Cache-Control": "no-store"})
