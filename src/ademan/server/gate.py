"""What every request passes: who may ask, how much may be sent and how slowly, and what is written down of it."""

import asyncio
import hmac
import logging
import math
from collections.abc import Collection, Iterable
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from ademan.server.config import ServeConfig
from ademan.server.errors import ApiError
from ademan.server.metrics import Metrics
from ademan.server.passage import Passage, Store

log = logging.getLogger("ademan.server")
_OPEN = ("/health", "/openapi.json", "/favicon.ico", "/")
"""Asked for without a key: what says nothing of what is recognised."""
_FREE = ("/static/", "/socket.io/")
"""Those whose paths begin so: the page's files, and live streams, which give their key in their first message."""
_VIDEO = "/predict/video"
MOST_KEPT = 256.0
"""MB of bodies in memory at once, of all clients together."""
_SOCKETS = "/socket.io"
_MOST_MESSAGES = 1.0  # MB that a client of live streams posts at once, if it can do nothing but post
_ENDLESS = {"/api/stream", _SOCKETS}  # they last as long as somebody listens
_SAFE = {"GET", "HEAD", "OPTIONS"}
_METHODS_ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, X-API-Key, Authorization",
    "Access-Control-Max-Age": "600",
}
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_QUIET = {"/health", "/metrics", "/static", _SOCKETS}


class Gate:
    """The outermost layer of the application; what is wrong is answered in the one shape of errors.

    Args:
        app: the rest of it.
        config: keys, origins and limits.
        metrics: are told of each request.
    """

    def __init__(self, app: ASGIApp, config: ServeConfig, metrics: Metrics) -> None:
        self._app, self._config, self._metrics = app, config, metrics
        self._keys = [key.encode() for key in config.keys]
        self._memory = Store(max(MOST_KEPT, 2 * config.max_body) * 1e6)
        self._disk = Store(math.inf)  # `Videos` has a place for few

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take one request; anything else than HTTP passes."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        more = cors_headers(Headers(scope=scope), self._config.cors)
        limit, store = self._limits(scope["path"])
        passage = Passage(scope, receive, send, limit, self._config.timeout, more, store)
        try:
            await self._pass(passage)
        except ApiError as error:
            await passage.refuse(passage.problem or error)
        except ClientDisconnect:
            pass  # nobody is left to be told
        except asyncio.CancelledError:  # the server stops, and has waited for long enough
            await passage.refuse(ApiError("busy", "the server is being stopped."), linger=False)
        except Exception:
            log.exception("request failed", extra={"path": scope["path"], "request": passage.id})
            await passage.refuse(ApiError("failed", f"a fault of the server; its log says more at {passage.id}."))
        finally:
            passage.end()
            self._write_down(passage)

    async def _pass(self, passage: Passage) -> None:
        """Let a request through, if nothing is against it.

        Raises:
            ApiError: something is.
        """
        method, path, headers = passage.scope["method"], passage.scope["path"], passage.headers
        if method == "OPTIONS" and "access-control-request-method" in headers and self._config.cors:
            check_origin(headers, self._config.cors)
            await passage.answer(200, headers=_METHODS_ALLOWED)
            return
        if method not in _SAFE:
            check_origin(headers, self._config.cors)
        if self._keys and path not in _OPEN and not path.startswith(_FREE):
            check_key(_given_key(passage.scope, headers), self._keys)
        passage.check_length()
        await self._app(passage.scope, passage.receive, passage.send)
        if passage.problem is not None:
            raise passage.problem

    def _limits(self, path: str) -> tuple[int, Store]:
        """Return how many bytes a body may have, and where they are counted."""
        if path == _VIDEO:
            return int(self._config.max_video * 1e6), self._disk
        largest = min(self._config.max_body, _MOST_MESSAGES) if path.startswith(_SOCKETS) else self._config.max_body
        return int(largest * 1e6), self._memory

    def _write_down(self, passage: Passage) -> None:
        scope, route = passage.scope, _route(passage.scope)
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, route, str(passage.status)).inc()
        if route not in _ENDLESS:
            self._metrics.seconds.labels(route).observe(passage.seconds)
        client = scope.get("client") or ("", 0)
        log.log(
            logging.DEBUG if passage.status < 400 and route in _QUIET else logging.INFO,
            "request",
            extra={
                "method": scope["method"],
                "path": scope["path"],
                "status": passage.status,
                "ms": round(passage.seconds * 1000, 2),
                "client": client[0],
                "request": passage.id,
            },
        )


def check_key(given: str, keys: Iterable[bytes]) -> None:
    """Refuse a client without one of the keys; the time that it takes tells nothing of them.

    Raises:
        ApiError: no key, or another one.
    """
    if not given:
        raise ApiError("no_key", "this server asks for a key: send it as the header X-API-Key.")
    if not any([hmac.compare_digest(given.encode(), key) for key in keys]):  # noqa: C419 - all of them, always
        raise ApiError("wrong_key", "this is none of the server's keys.")


def check_origin(headers: Headers, allowed: Collection[str]) -> None:
    """Refuse a page from elsewhere; what is no browser names no origin.

    Raises:
        ApiError: the page's origin is neither this server nor allowed.
    """
    origin = headers.get("origin")
    if origin is None or _is_allowed(origin, allowed):
        return
    try:
        place = urlsplit(origin).netloc.lower()
    except ValueError:  # half an address
        place = ""
    if not place or place != headers.get("host", "").lower():
        raise ApiError("wrong_origin", f"pages of {origin[:100]!r} may not use this server; --cors allows them.")


def cors_headers(headers: Headers, allowed: Collection[str]) -> dict[str, str]:
    """Return what an answer needs so that a page from elsewhere may read it."""
    origin = headers.get("origin")
    if not allowed:
        return {}
    if origin is None or not _is_allowed(origin, allowed):
        return {"Vary": "Origin"}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Expose-Headers": "Retry-After, X-Request-Id",
        "Vary": "Origin",
    }


def _is_allowed(origin: str, allowed: Collection[str]) -> bool:
    return "*" in allowed or origin in allowed


def _given_key(scope: Scope, headers: Headers) -> str:
    """Return the key of a request; in the address for server-sent events alone, where a browser has no other way."""
    bearer = str(headers.get("authorization", ""))
    if bearer.lower().startswith("bearer "):
        return bearer[7:].strip()
    if scope["path"] == "/api/stream" and "x-api-key" not in headers:
        asked: str = parse_qs(scope["query_string"].decode("latin-1")).get("key", [""])[0]
        return asked
    return str(headers.get("x-api-key", ""))


def _route(scope: Scope) -> str:
    """Return the pattern of a path, of which there are few; figures are kept by it."""
    known = next((path for path in ("/static", _SOCKETS) if scope["path"].startswith(f"{path}/")), None)
    return known or getattr(scope.get("route"), "path", None) or "other"
