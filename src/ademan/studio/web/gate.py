"""What every request passes first: where it comes from, how much may be sent and how slowly; headers, and the log."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ademan.server.errors import ApiError
from ademan.server.passage import Passage, Store
from ademan.studio.web.errors import WebError
from ademan.studio.web.pages import Pages
from ademan.studio.web.security import HEADERS, SAFE_METHODS, check_origin

log = logging.getLogger("ademan.studio")
MOST_FORM: Final = 65_536
"""Bytes of a body, where nothing else is said."""
MOST_BODY: Final[Mapping[str, int]] = {"/api/clips": 16_000_000, "/api/recordings": 16_000_000}
"""Bytes of a body, by how the path begins."""
_MOST_KEPT: Final = 256e6  # bytes of bodies in memory at once, of all visitors together
_TIMEOUT_S: Final = 30.0
_CODES: Final = {"too_large": "large", "too_slow": "slow", "busy": "unavailable"}
_QUIET: Final = ("/static/", "/texts/")


class Gate:
    """The outermost layer of the studio.

    Args:
        app: the rest of it.
        pages: show what is refused here.
    """

    def __init__(self, app: ASGIApp, pages: Pages) -> None:
        self._app, self._pages, self._memory = app, pages, Store(_MOST_KEPT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request, or a WebSocket."""
        if scope["type"] == "http":
            await self._take(scope, receive, send)
        elif scope["type"] != "websocket" or _is_from_here(scope):
            await self._app(scope, receive, send)
        else:
            await receive()  # its wish to connect
            await send({"type": "websocket.close", "code": 1008})  # which the client sees as status 403

    async def _take(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":  # is what GET is, but for the content
            scope, send = {**scope, "method": "GET"}, _without_body(send)
        most = next((size for path, size in MOST_BODY.items() if scope["path"].startswith(path)), MOST_FORM)
        passage = Passage(scope, receive, send, most, _TIMEOUT_S, HEADERS, self._memory)
        scope["state"] = {**scope.get("state", {}), "id": passage.id}
        try:
            await self._pass(passage)
        except WebError as refusal:
            await self._refuse(passage, refusal)
        except ApiError as error:
            told = passage.problem or error
            await self._refuse(passage, WebError(_CODES.get(told.code, "bad"), told.message))
        except ClientDisconnect:
            pass  # nobody is left to be told
        except asyncio.CancelledError:  # the studio stops, and has waited for long enough
            await passage.refuse(ApiError("busy", "the studio is being stopped."), linger=False)
        except Exception:
            log.exception("request failed", extra={"path": scope["path"], "request": passage.id})
            await self._refuse(
                passage, WebError("failed", f"a fault of the studio; its log says more at {passage.id}.")
            )
        finally:
            passage.end()
            _write_down(passage)

    async def _pass(self, passage: Passage) -> None:
        if passage.scope["method"] not in SAFE_METHODS:
            check_origin(passage.headers)
        passage.check_length()
        await self._app(passage.scope, passage.receive, passage.send)
        if passage.problem is not None:
            raise passage.problem

    async def _refuse(self, passage: Passage, refusal: WebError) -> None:
        response = self._pages.refuse(Request(passage.scope), refusal)
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        await passage.answer(response.status_code, bytes(response.body), headers)


def _is_from_here(scope: Scope) -> bool:
    """Return whether a WebSocket is opened by a page of the studio, or by no page at all."""
    try:
        check_origin(Request({**scope, "type": "http"}).headers)
    except WebError:
        return False
    return True


def _without_body(send: Send) -> Send:
    async def send_head(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return send_head


def _write_down(passage: Passage) -> None:
    scope = passage.scope
    quiet = passage.status < 400 and scope["path"].startswith(_QUIET)
    log.log(
        logging.DEBUG if quiet else logging.INFO,
        "request",
        extra={
            "method": scope["method"],
            "path": scope["path"],  # without what follows a question mark: it may be an invitation
            "status": passage.status,
            "ms": round(passage.seconds * 1000, 2),
            "client": (scope.get("client") or ("",))[0],
            "request": passage.id,
        },
    )
