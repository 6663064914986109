"""REST: what there is, points in and a gesture out, and the switches of the camera."""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from pydantic import ValidationError

import ademan
from ademan.clip import Clip, Points, is_seen
from ademan.recognition.classifier import Probabilities
from ademan.server.bodies import aside, read_clips, read_object, receive_video
from ademan.server.hub import Message
from ademan.server.metrics import CONTENT_TYPE
from ademan.server.parts import Parts
from ademan.server.schemas import (
    CONFIG_BODY,
    EVENTS,
    FIGURES,
    POINTS_BODY,
    VIDEO_BODY,
    Answer,
    Answers,
    Bundle,
    Bundles,
    Failure,
    Gestures,
    Health,
    Settings,
    Status,
    answers,
)
from ademan.server.shelf import Served
from ademan.server.sse import EventStream

PAGE = Path(__file__).parent / "page"
BundleName = Annotated[str | None, Query(description="Name of a bundle; the first one by default.", max_length=200)]


class _Json(Response):
    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


class AboutRoutes:
    """What there is, and how it does."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._begun = parts, time.monotonic()
        self.router = router = APIRouter(tags=["about"], generate_unique_id_function=_own_name)
        router.add_api_route("/", self.page, include_in_schema=False)
        router.add_api_route("/favicon.ico", self.icon, include_in_schema=False)
        health = {**answers(Health), 503: {"model": Health | Failure}}
        router.add_api_route("/health", self.health, responses=health)
        router.add_api_route("/bundles", self.bundles, responses=answers(Bundles))
        router.add_api_route("/bundles/{name}", self.bundle, responses=answers(Bundle, 404, 422))
        router.add_api_route("/metrics", self.metrics, response_class=Response, responses=answers(FIGURES))

    async def page(self) -> FileResponse:
        """The page for people."""
        return FileResponse(PAGE / "index.html")

    async def icon(self) -> FileResponse:
        """The page's icon."""
        return FileResponse(PAGE / "favicon.svg", media_type="image/svg+xml")

    async def health(self) -> Response:
        """Whether the server is alive and ready, and the versions of its bundles; 503 while it is not ready."""
        shelf = self._parts.shelf
        first = next(iter(shelf.names))
        bundles = shelf.to_json()
        content = {
            "alive": True,
            "ready": shelf.ready,
            "bundle": first,
            "version": bundles[first].get("version"),
            "bundles": bundles,
            "camera": self._parts.bridge.status()["state"] if shelf.ready else "off",
            "software": f"ademan {ademan.__version__}",
            "uptime_s": round(time.monotonic() - self._begun, 1),
        }
        return _Json(content, 200 if shelf.ready else 503)

    async def bundles(self) -> Response:
        """All bundles, and which one answers by default."""
        shelf = self._parts.shelf
        found = [{"name": name, **state} for name, state in shelf.to_json().items()]
        return _Json({"default": next(iter(shelf.names)), "bundles": found})

    async def bundle(self, name: str) -> Response:
        """The manifest of a bundle, without what it was trained on."""
        return _Json(self._parts.shelf.get(name).to_json())

    async def metrics(self) -> Response:
        """Figures for Prometheus."""
        parts = self._parts
        parts.metrics.listeners.set(len(parts.hub))
        parts.metrics.camera.set(parts.bridge.running)
        return Response(parts.metrics.text(), media_type=CONTENT_TYPE)


class PredictRoutes:
    """Points or clips in, a gesture out."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.router = router = APIRouter(tags=["predict"], generate_unique_id_function=_own_name)
        for path, call, model, body in (
            ("/predict", self.points, Answer | Answers, POINTS_BODY),
            ("/predict/video", self.video, Answer, VIDEO_BODY),
        ):
            found = answers(model, 404, 415, 422)
            router.add_api_route(path, call, methods=["POST"], responses=found, openapi_extra={"requestBody": body})

    async def points(self, request: Request, bundle: BundleName = None) -> Response:
        """Name the gesture of a sequence of points, or of several."""
        started = time.perf_counter()
        served = self._parts.shelf.get(bundle)
        clips, several = await read_clips(request, served.manifest)
        found = await self._name(served, clips, sum(len(clip) for clip in clips))
        each_ms = (time.perf_counter() - started) * 1000 / len(found)
        named = [answer_json(served, row, each_ms) for row in found]
        return _Json({"predictions": named} if several else named[0])

    async def video(self, request: Request, bundle: BundleName = None) -> Response:
        """Name the gesture of a clip; nothing of it is kept."""
        started = time.perf_counter()
        served = self._parts.shelf.get(bundle)
        with self._parts.videos.place(), tempfile.TemporaryDirectory(prefix="ademan-") as folder:
            path = Path(folder) / "video"  # its kind is seen from its content; what its sender calls it means nothing
            await receive_video(request, path)
            clip = await self._parts.videos.clip(path, served.manifest)
        (found,) = await self._name(served, [clip], len(clip))
        return _Json(answer_json(served, found, (time.perf_counter() - started) * 1000))

    async def _name(self, served: Served, clips: Sequence[Clip], frames: int) -> list[Probabilities | None]:
        """Return the probabilities (K,) of clips; None where nothing is seen."""
        windows = await aside(frames * 1000, _windows, served, clips)
        found = await served.batcher.name(windows)
        self._parts.metrics.predictions.labels(served.name, "request").inc(len(clips))
        return found


class CameraRoutes:
    """The switches of the server's own camera, and what it sees."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._drawing = 0
        parts.bridge.wants_points = lambda: self._drawing > 0
        self.router = router = APIRouter(prefix="/api", tags=["camera"], generate_unique_id_function=_own_name)
        router.add_api_route("/status", self.status, responses=answers(Status))
        router.add_api_route("/gestures", self.gestures, responses=answers(Gestures))
        router.add_api_route("/inference/start", self.start, methods=["POST"], responses=answers(Status, 409))
        router.add_api_route("/inference/stop", self.stop, methods=["POST"], responses=answers(Status))
        extra, found = {"requestBody": CONFIG_BODY}, answers(Status, 415, 422)
        router.add_api_route("/config", self.configure, methods=["POST"], responses=found, openapi_extra=extra)
        router.add_api_route("/stream", self.stream, response_class=Response, responses=answers(EVENTS, 422))

    async def status(self) -> Response:
        """What the camera does."""
        return _Json(self._parts.bridge.status())

    async def gestures(self) -> Response:
        """The labels, and the last events."""
        manifest = self._parts.shelf.get().manifest
        recent = list(self._parts.bridge.recent)
        return _Json({"labels": list(manifest.labels), "idle": manifest.idle, "recent": recent})

    async def start(self) -> Response:
        """Begin to watch; starting twice is starting once."""
        await asyncio.to_thread(self._parts.bridge.start)
        return _Json(self._parts.bridge.status())

    async def stop(self) -> Response:
        """End watching; stopping twice is stopping once."""
        await asyncio.to_thread(self._parts.bridge.stop)
        return _Json(self._parts.bridge.status())

    async def configure(self, request: Request) -> Response:
        """Change the threshold or the cool-down."""
        try:
            settings = Settings.model_validate(await read_object(request))
        except ValidationError as error:
            raise RequestValidationError(error.errors()) from None
        accept = settings.accept if settings.accept is not None else settings.threshold
        self._parts.bridge.configure(accept, settings.cooldown_ms)
        return _Json(self._parts.bridge.status())

    async def stream(
        self, points: Annotated[bool, Query(description="Also the points, to draw them.")] = False
    ) -> Response:
        """Server-sent events of what the camera sees: status, gesture_prediction, gesture, and points if asked for."""
        status = self._parts.bridge.status()
        status["listeners"] += 1  # this one
        return EventStream(self._messages(Message("status", status), points))

    async def _messages(self, first: Message, points: bool) -> AsyncGenerator[Message, None]:
        self._drawing += points
        try:
            async for message in self._parts.hub.listen(first):
                if points or message.kind != "points":
                    yield message
        finally:
            self._drawing -= points


def _own_name(route: APIRoute) -> str:
    """Return how programs that are made from the interface's description call a route."""
    return route.name


def answer_json(served: Served, probabilities: Probabilities | None, milliseconds: float) -> dict[str, Any]:
    """Return what a client gets for a sequence; None for one in which nothing is seen."""
    manifest = served.manifest
    if probabilities is None:
        shares = [float(label == manifest.idle) for label in manifest.labels]
    else:
        shares = probabilities.astype(float).tolist()
    best = max(range(len(shares)), key=shares.__getitem__)
    label = manifest.labels[best] if shares[best] > 0 else None
    counts = label is not None and label != manifest.idle and shares[best] >= manifest.thresholds.accept
    return {
        "label": label,
        "confidence": shares[best],
        "gesture": label if counts else None,
        "probabilities": dict(zip(manifest.labels, shares, strict=True)),
        "seen": probabilities is not None,
        "bundle": served.name,
        "version": served.version,
        "milliseconds": round(milliseconds, 3),
    }


def _windows(served: Served, clips: Sequence[Clip]) -> list[Points | None]:
    windows = [served.classifier.window(clip) for clip in clips]
    return [window if is_seen(window).any() else None for window in windows]
