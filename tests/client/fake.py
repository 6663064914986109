"""A small server of the tests' own that keeps the contract, and breaks it when told to; and a network that is slow."""

import asyncio
import contextlib
import json
import socket
import struct
import threading
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import socketio
import uvicorn

from ademan.clip import times_at
from ademan.recognition import Classifier, Recognizer, StreamConfig

Send = Callable[[dict[str, Any]], Awaitable[None]]
NAMESPACE = "/gestures"
HTML = (404, "text/html", b"<html>no</html>")


@dataclass
class Heard:
    """What one connection said."""

    starts: list[dict[str, Any]] = field(default_factory=list)
    frames: list[float] = field(default_factory=list)
    finished: bool = False


class Fake:
    """Answers at one port; it can go away and come back."""

    def __init__(self, classifier: Classifier, key: str = "", tls: dict[str, str] | None = None) -> None:
        self.classifier, self.key, self.tls = classifier, key, tls or {}
        self.port = _free_port()
        self.url = f"http{'s' if tls else ''}://127.0.0.1:{self.port}"
        self.manifest = classifier.manifest.to_json() | {"name": "small", "version": "v1", "training": {}}
        self.answers: dict[str, tuple[int, str, bytes]] = {}
        """What is answered at a path instead of what should be."""
        self.refusal: Any = None
        """What `start` is answered with, instead."""
        self.mute = False
        """Whether nothing is answered on streams."""
        self.delay_s = 0.0
        """Before each answer of `/predict`."""
        self.heard: list[Heard] = []
        self.asked: list[tuple[str, dict[str, str], bytes]] = []
        self.most_at_once = 0
        self._at_once = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    def come(self) -> None:
        """Begin to answer."""
        self._sockets = socketio.AsyncServer(async_mode="asgi", async_handlers=False, namespaces=[NAMESPACE])
        self._sockets.register_namespace(_Namespace(self))
        config = uvicorn.Config(
            socketio.ASGIApp(self._sockets, self._http),
            host="127.0.0.1",
            port=self.port,
            ws="wsproto",
            log_level="critical",
            lifespan="off",
            timeout_graceful_shutdown=1,
            **self.tls,  # type: ignore[arg-type]
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        wait_for(lambda: self._server is not None and self._server.started)

    def go(self) -> None:
        """Go away, without a word."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = self._server.force_exit = True
            self._thread.join(10)
            assert not self._thread.is_alive()
            self._server = None

    def say(self, event: str, content: Any) -> None:
        """Send an event to all."""
        assert self._loop is not None
        asyncio.run_coroutine_threadsafe(self._sockets.emit(event, content, namespace=NAMESPACE), self._loop).result(5)

    def _serve(self) -> None:
        assert self._server is not None
        with asyncio.Runner() as runner:
            self._loop = runner.get_loop()
            runner.run(self._serve_until_told(self._server))

    async def _serve_until_told(self, server: uvicorn.Server) -> None:
        await server.serve()
        for connection in list(server.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0.05)

    async def _http(self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Send) -> None:
        path, body, more = scope["path"], b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        query = dict(pair.split("=") for pair in scope["query_string"].decode().split("&") if pair)
        self.asked.append((path, query, body))
        status, kind, answer = self.answers.get(path) or await self._answer(path, query, body, scope)
        headers = [(b"content-type", kind.encode()), (b"location", b"http://elsewhere.example/")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, path: str, query: dict[str, str], body: bytes, scope: Any) -> tuple[int, str, bytes]:
        if self.key and path != "/health" and dict(scope["headers"]).get(b"x-api-key", b"").decode() != self.key:
            return _error(401, "wrong_key", "this is none of the server's keys.")
        if path == "/predict":
            return await self._predict(query, body)
        shares = {label: float(label == "b") for label in self.classifier.labels}
        found: dict[str, Any] = {
            "/health": {"ready": True},
            "/bundles": {"default": "small", "bundles": []},
            "/bundles/small": self.manifest,
            "/predict/video": {"label": "b", "confidence": 1.0, "gesture": "b", "probabilities": shares},
        }
        missing = _error(404, "not_found", "there is no bundle 'large'. There are: small.")
        return _json(found[path]) if path in found else missing

    async def _predict(self, query: dict[str, str], body: bytes) -> tuple[int, str, bytes]:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        await asyncio.sleep(self.delay_s)
        self._at_once -= 1
        manifest = self.classifier.manifest
        if "channels" in query:
            points = np.frombuffer(body, "<f4").reshape(-1, len(manifest.skeleton), int(query["channels"]))
            times = times_at(float(query.get("fps", manifest.fps)), len(points))
        else:
            content = json.loads(body)
            points, times = np.array(content["sequence"], np.float32), np.array(content["timestamps_ms"])
        shares = self.classifier.probabilities(manifest.window.cut(points[..., : manifest.channels], times)[None])[0]
        best = int(np.argmax(shares))
        return _json(
            {
                "label": manifest.labels[best],
                "confidence": float(shares[best]),
                "gesture": None,
                "probabilities": dict(zip(self.manifest["labels"], shares.tolist(), strict=False)),
                "seen": True,
                "bundle": "small",
                "version": self.manifest["version"],
                "milliseconds": 1.5,
            }
        )


class _Namespace(socketio.AsyncNamespace):  # type: ignore[misc] # it has no types
    def __init__(self, fake: Fake) -> None:
        super().__init__(NAMESPACE)
        self._fake = fake
        self._of: dict[str, tuple[Recognizer, Heard]] = {}

    async def on_connect(self, sid: str, _: Any, auth: Any = None) -> None:
        if self._fake.key and (auth or {}).get("key") != self._fake.key:
            raise socketio.exceptions.ConnectionRefusedError("this is none of the server's keys.")
        self._of[sid] = Recognizer(self._fake.classifier), Heard()
        self._fake.heard.append(self._of[sid][1])

    async def on_start(self, sid: str, wishes: dict[str, Any]) -> Any:
        await self._unless_mute()
        heard = self._of[sid][1]
        heard.starts.append(wishes)
        asked = {name: value for name, value in wishes.items() if name != "bundle"}
        self._of[sid] = Recognizer(self._fake.classifier, StreamConfig(**asked)), heard
        return self._fake.refusal or {"bundle": self._fake.manifest}

    async def on_points(self, sid: str, packed: bytes) -> Any:
        await self._unless_mute()
        recognizer, heard = self._of[sid]
        (time_ms,) = struct.unpack_from("<d", packed)
        manifest = recognizer.classifier.manifest
        points = np.frombuffer(packed, "<f4", offset=8).reshape(len(manifest.skeleton), -1)
        if points.shape[1] != manifest.channels:
            problem = {"code": "bad_points", "message": "these are other points."}
            await self.emit("problem", problem, to=sid)
            return {"error": problem}
        heard.frames.append(time_ms)
        update = recognizer.push(points, time_ms)
        if update.probabilities is not None:
            shares = update.probabilities.tolist()
            await self.emit("gesture_prediction", self._prediction(shares, time_ms, recognizer.active), to=sid)
        for event in update.events:
            await self.emit("gesture", _event(event), to=sid)
        return {}

    async def on_stats(self, sid: str, *_: Any) -> Any:
        await self._unless_mute()
        dropped = {"rate": 1, "busy": 2, "bad": 0, "slow": 0}
        return {"frames": len(self._of[sid][1].frames), "predictions": 0, "events": 0, "dropped": dropped}

    async def on_finish(self, sid: str, *_: Any) -> Any:
        await self._unless_mute()
        recognizer, heard = self._of[sid]
        heard.finished = True
        for event in recognizer.finish():
            await self.emit("gesture", _event(event), to=sid)
        return {"stats": await self.on_stats(sid)}

    async def _unless_mute(self) -> None:
        while self._fake.mute:
            await asyncio.sleep(0.02)

    def _prediction(self, shares: list[float], time_ms: float, gesture: str | None) -> dict[str, Any]:
        labels = self._fake.manifest["labels"]
        best = int(np.argmax(shares))
        return {
            "label": labels[best],
            "confidence": shares[best],
            "probabilities": dict(zip(labels, shares, strict=False)),
            "gesture": gesture,
            "time_ms": round(time_ms, 1),
            "bundle": "small",
            "version": self._fake.manifest["version"],
        }


class SlowNetwork:
    """Passes bytes on to a server, as many a second as there is room for; or keeps them."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        self.bytes_a_second = 1e9
        """To the server."""
        self.silent = False
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._let_in, daemon=True).start()

    def close(self) -> None:
        """Cut all connections, and take no more."""
        self.silent = False
        for end in (self._door, *self._ends):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _let_in(self) -> None:
        while True:
            try:
                inner, _ = self._door.accept()
            except OSError:
                return
            self._ends.append(inner)
            inner.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            outer = socket.socket()
            self._ends.append(outer)
            outer.connect(("127.0.0.1", self._to))
            threading.Thread(target=self._pass_on, args=(inner, outer, True), daemon=True).start()
            threading.Thread(target=self._pass_on, args=(outer, inner, False), daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket, slowly: bool) -> None:
        while True:
            try:
                piece = source.recv(1024)
                while self.silent:
                    time.sleep(0.02)
                if slowly:
                    time.sleep(len(piece) / self.bytes_a_second)
                if not piece:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(piece)
            except OSError:
                return


def wait_for(condition: Callable[[], Any], seconds: float = 8.0) -> Any:
    """Wait until something is true, and return it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.005)
    raise AssertionError("it did not become true")


def _event(event: Any) -> dict[str, Any]:
    return {
        "event": event.kind,
        "label": event.label,
        "time_ms": round(event.timestamp_ms, 1),
        "confidence": event.confidence,
    }


def _json(content: Any) -> tuple[int, str, bytes]:
    return 200, "application/json", json.dumps(content).encode()


def _error(status: int, code: str, message: str) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps({"error": {"code": code, "message": message}}).encode()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as door:
        return int(door.getsockname()[1])
