"""The application: what is put together, and what starts and stops with it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

import ademan
from ademan.errors import AdemanError
from ademan.landmarks import Landmarker
from ademan.publishing import MqttConfig, Publish, publisher
from ademan.recognition import Event, StreamConfig
from ademan.server.bridge import Bridge, BridgeConfig
from ademan.server.config import ServeConfig
from ademan.server.errors import ApiError
from ademan.server.gate import Gate
from ademan.server.hub import Hub, Message
from ademan.server.metrics import Metrics
from ademan.server.parts import Parts
from ademan.server.routes import PAGE, AboutRoutes, CameraRoutes, PredictRoutes
from ademan.server.shelf import Shelf
from ademan.server.sockets import Sockets
from ademan.server.streams import Streams
from ademan.server.videos import Videos
from ademan.video import FrameSource, open_source

log = logging.getLogger("ademan.server")
_DESCRIPTION = "Points, live streams or clips in; gestures out. Nothing that is sent is kept."


@dataclass(frozen=True, eq=False)
class Application:
    """A server without its sockets.

    Args:
        asgi: what uvicorn, or any other ASGI server, runs.
        parts: what it is made of.
    """

    asgi: ASGIApp
    parts: Parts


def create_app(
    bundles: Mapping[str, str],
    config: ServeConfig | None = None,
    bridge: BridgeConfig | None = None,
    stream: StreamConfig | None = None,
    mqtt: MqttConfig | None = None,
    *,
    endpoint_url: str = "",
    landmarker: Callable[[], Landmarker] | None = None,
    open_camera: Callable[..., FrameSource] = open_source,
) -> Application:
    """Return an application that serves bundles.

    Args:
        bundles: folder, .zip or s3:// address by name; the first is the default.
        config: keys, origins and limits.
        bridge: which camera the server watches, if any.
        stream: how predictions become events, where nothing else is asked for.
        mqtt: where the camera's events are published, if anywhere.
        endpoint_url: of the storage, if it is not Amazon's.
        landmarker: makes what finds the points of the camera; by default as for the bundle's training.
        open_camera: opens the camera.

    Raises:
        AdemanError: a bundle cannot be trusted, or not be had.
    """
    config, stream, bridge = config or ServeConfig(), stream or StreamConfig(), bridge or BridgeConfig()
    metrics = Metrics()
    shelf = Shelf(bundles, metrics, config.threads, endpoint_url)
    shelf.load()
    hub = Hub(lambda: metrics.dropped.labels("listener").inc())
    streams = Streams(shelf, config, metrics, stream)
    outlet = _Outlet(hub, streams, metrics, shelf)
    eye = Bridge(bridge, stream, shelf, outlet.tell, outlet.publish, landmarker, open_camera)
    eye.listeners = lambda: len(hub)
    parts = Parts(config, shelf, eye, hub, streams, Videos(config.timeout), metrics)
    sockets = Sockets(config)
    sockets.register_namespace(streams)
    web = _web(parts, outlet, mqtt or MqttConfig())
    return Application(Gate(sockets.asgi(web), config, metrics), parts)


class _Outlet:
    """Brings what the camera's thread tells to the listeners in the event loop, and to the broker."""

    def __init__(self, hub: Hub, streams: Streams, metrics: Metrics, shelf: Shelf) -> None:
        self._hub, self._streams, self._metrics, self._shelf = hub, streams, metrics, shelf
        self.loop: asyncio.AbstractEventLoop | None = None
        self.mqtt: Publish | None = None

    def tell(self, message: Message) -> None:
        loop = self.loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._pass_on, message)

    def publish(self, event: Event, **more: object) -> None:
        if event.kind == "began":
            self._metrics.events.labels(self._shelf.get().name, event.label).inc()
        if self.mqtt is not None:
            self.mqtt(event, **more)

    def _pass_on(self, message: Message) -> None:
        self._hub.publish(message)
        self._streams.broadcast(message)


def _web(parts: Parts, outlet: _Outlet, mqtt: MqttConfig) -> ASGIApp:
    app = FastAPI(
        title="Ademan",
        description=_DESCRIPTION,
        version=ademan.__version__,
        lifespan=_lifespan(parts, outlet, mqtt),
        docs_url=None,  # its page would load scripts from elsewhere
        redoc_url=None,
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
    )
    for routes in (AboutRoutes(parts), PredictRoutes(parts), CameraRoutes(parts)):
        app.include_router(routes.router)
    app.mount("/static", StaticFiles(directory=PAGE), name="static")
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(AdemanError, _ademan_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(Exception, _fault)
    if parts.config.keys:
        described = app.openapi()  # which it keeps
        described["components"]["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
        described["security"] = [{"key": []}]
    return app


def _lifespan(
    parts: Parts, outlet: _Outlet, mqtt: MqttConfig
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        outlet.loop = asyncio.get_running_loop()
        watching: asyncio.Task[None] | None = None
        if parts.config.refresh:
            watching = asyncio.create_task(parts.shelf.watch(parts.config.refresh))
        with ExitStack() as stack:
            manifest = parts.shelf.get().manifest
            publish = publisher(mqtt, manifest.labels, log.warning, idle=manifest.idle)
            outlet.mqtt = stack.enter_context(publish)
            if parts.bridge.config.camera and parts.bridge.config.start:
                await asyncio.to_thread(parts.bridge.start)
            yield
            await asyncio.to_thread(parts.bridge.stop)
        parts.hub.close()
        if watching is not None:
            watching.cancel()
        await asyncio.to_thread(parts.videos.close)
        parts.shelf.close()

    return lifespan


def _refused(error: ApiError, more: Mapping[str, str] | None = None) -> Response:
    headers = {**error.headers, **(more or {})}
    return Response(orjson.dumps(error.to_json()), error.status, headers, "application/json")


async def _api_error(_: Request, error: Any) -> Response:
    return _refused(error)


async def _ademan_error(_: Request, error: Any) -> Response:
    return _refused(ApiError("bad_request", str(error)))


async def _fault(_: Request, error: Any) -> Response:
    raise error  # to the gate, which writes it down and answers as for all others


async def _http_error(request: Request, error: Any) -> Response:
    codes = {404: "not_found", 405: "wrong_method", 413: "too_large", 415: "wrong_type", 400: "bad_json"}
    place = f"{request.method} {request.url.path}"[:200]
    right = (error.headers or {}).get("Allow", "another method")
    said = {404: f"there is no {place}.", 405: f"{place} is not how this is asked for; {right} is."}
    code = codes.get(error.status_code, "bad_request")
    return _refused(ApiError(code, said.get(error.status_code, str(error.detail))), error.headers)


async def _validation_error(_: Request, error: Any) -> Response:
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return _refused(ApiError("bad_json", f"the body is no JSON: {first.get('ctx', {}).get('error', '')}"))
    place = ".".join(str(part) for part in first["loc"] if part != "body")
    return _refused(ApiError("bad_request", f"{place or 'the body'}: {first['msg'][0].lower()}{first['msg'][1:]}."))
