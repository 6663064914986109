"""The studio's application: what is put together, and what starts and stops with it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

import ademan
from ademan.errors import AdemanError
from ademan.studio.config import StudioConfig
from ademan.studio.data import StudioError
from ademan.studio.data.passwords import Passwords
from ademan.studio.live import LiveConfig
from ademan.studio.live.detectors import OpenFollower, open_follower
from ademan.studio.web.errors import WebError
from ademan.studio.web.gate import Gate
from ademan.studio.web.guard import recognise
from ademan.studio.web.pages import go, wants_json
from ademan.studio.web.parts import Studio, open_studio
from ademan.studio.web.routes import ROUTERS
from ademan.studio.web.security import SAFE_METHODS

STATIC = Path(__file__).parent / "static"
_CODES = {404: "gone", 405: "method", 413: "large", 401: "signed_out", 403: "forbidden"}


def create_studio(
    config: StudioConfig | None = None,
    *,
    passwords: Passwords | None = None,
    live: LiveConfig | None = None,
    opener: OpenFollower = open_follower,
) -> ASGIApp:
    """Return the studio as what uvicorn, or any other ASGI server, runs.

    The tables are made or brought up to date first.

    Args:
        config: where its database and its files are.
        passwords: how they are kept; by default as `Passwords` does it.
        live: limits of live streams.
        opener: opens what finds points in pictures.

    Raises:
        StudioError: the database cannot be reached, or is of a later version.
        ConfigError: the secret cannot be written, or others may read it.
    """
    studio = open_studio(config or StudioConfig(), passwords, live, opener)
    return Gate(_web(studio), studio.pages)


def _web(studio: Studio) -> FastAPI:
    app = FastAPI(
        title="Ademan studio",
        version=ademan.__version__,
        lifespan=_lifespan(studio),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    app.state.studio = studio
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(WebError, _refused)
    app.add_exception_handler(StudioError, _studio_error)
    app.add_exception_handler(AdemanError, _ademan_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _fault)
    return app


def _lifespan(studio: Studio) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await studio.hall.start()
        yield
        await studio.hall.close()
        await asyncio.to_thread(studio.close)

    return lifespan


async def _refused(request: Request, error: Any) -> Response:
    """Answer what is refused; who is not logged in is asked to, and then brought back to where they were."""
    with suppress(StudioError):  # the database is away: nobody is known then
        await recognise(request)
    if error.code == "signed_out" and not wants_json(request):
        return go(request, _login_for(request))
    answer: Response = request.app.state.studio.pages.refuse(request, error)
    return answer


def _login_for(request: Request) -> str:
    if request.method not in SAFE_METHODS or request.url.path == "/":
        return "/login"
    place = request.url.replace(scheme="", netloc="")
    return str(request.url.replace(scheme="", netloc="", path="/login", query="").include_query_params(next=str(place)))


async def _studio_error(request: Request, error: Any) -> Response:
    return await _refused(request, WebError(error.code, str(error), retry_after_s=error.retry_after_s))


async def _ademan_error(request: Request, error: Any) -> Response:
    return await _refused(request, WebError("bad", str(error)))


async def _http_error(request: Request, error: Any) -> Response:
    code = _CODES.get(error.status_code, "bad")
    response = await _refused(request, WebError(code, f"{request.method} {request.url.path[:200]}: {error.detail}."))
    response.headers.update(error.headers or {})
    return response


async def _validation_error(request: Request, error: Any) -> Response:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    if first["loc"][0] == "path":  # such as a number that is none
        return await _refused(request, WebError("gone", f"there is no {request.url.path[:200]}."))
    return await _refused(request, WebError("bad", f"{place or 'the body'}: {first['msg']}."))


async def _fault(_: Request, error: Any) -> Response:
    raise error  # to the gate, which writes it down and answers
