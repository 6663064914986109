"""Clients of a live server, good ones and such as read nothing; a slow network; a camera that can be pulled out."""

import base64
import contextlib
import json
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import requests
import socketio
import torch

from ademan.bundle import Manifest, golden_windows, write_bundle
from ademan.clip import Coordinates, Points
from ademan.errors import VideoError
from ademan.models import LstmConfig, build, to_onnx
from ademan.recognition import NamesWindows
from ademan.recognition.classifier import Probabilities
from ademan.server.batching import Batcher
from ademan.server.shelf import Served
from ademan.skeleton import Skeleton, skeleton
from ademan.video import CameraLost, Frame
from ademan.window import Window
from tests.server.conftest import Running

GESTURES = "/gestures"
TEXT, BINARY, PING = 1, 2, 9


class Live:
    """A well-behaved client of live streams, by python-socketio; keeps all that it gets, in order, and when."""

    def __init__(self, url: str, key: str = "", transport: str = "websocket") -> None:
        self._url = url
        self.got: list[tuple[str, Any]] = []
        self.got_s: list[float] = []
        self.socket = socketio.Client(reconnection=False, handle_sigint=False)
        # The library starts a thread for each message, and these overtake each other.
        trigger = self.socket.eio._trigger_event
        self.socket.eio._trigger_event = lambda *given, **more: trigger(*given, **{**more, "run_async": False})
        self.socket.on("*", self._take, GESTURES)
        auth = {"key": key} if key else None
        self.socket.connect(url, auth=auth, transports=[transport], namespaces=[GESTURES], wait_timeout=10)
        self._opened = self.socket.eio.ws, self.socket.eio.http

    def __enter__(self) -> "Live":
        return self

    def __exit__(self, *_: object) -> None:
        if self.socket.transport() == "polling" and self.socket.connected:  # the library's good-bye is lost at times
            with contextlib.suppress(requests.RequestException):
                requests.post(
                    f"{self._url}/socket.io/?EIO=4&transport=polling&sid={self.socket.eio.sid}", b"1", timeout=5
                )
        self.socket.disconnect()
        websocket, session = self._opened  # the library forgets them where the server ends first
        if websocket is not None:
            websocket.shutdown()
        if session is not None:
            session.close()

    def _take(self, event: str, content: Any = None) -> None:
        self.got_s.append(time.monotonic())
        self.got.append((event, content))

    def call(self, event: str, data: Any = None) -> Any:
        return self.socket.call(event, data, namespace=GESTURES, timeout=15)

    def emit(self, event: str, data: Any = None) -> None:
        self.socket.emit(event, data, namespace=GESTURES)

    def of(self, kind: str) -> list[Any]:
        return [content for event, content in list(self.got) if event == kind]

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self.call("stats")
        return found


def as_json(points: Points, time_ms: float) -> dict[str, Any]:
    rows = [[None if np.isnan(value) else float(value) for value in point] for point in points]
    return {"timestamp_ms": time_ms, "points": rows}


def as_bytes(points: Points, time_ms: float) -> bytes:
    return struct.pack("<d", time_ms) + points.astype("<f4").tobytes()


class RawSocket:
    """A WebSocket without manners: it sends what it is told to, and reads only when it is told to."""

    def __init__(self, url: str, *, buffer: int = 0, head: str = "") -> None:
        parts = urlsplit(url)
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.connect((parts.hostname, parts.port))
        self.socket.settimeout(10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{head}\r\n".encode()
        )
        self.heard = b""
        while b"\r\n\r\n" not in self.heard:
            self.heard += self.socket.recv(1)
        self.status = int(self.heard.split()[1])

    def __enter__(self) -> "RawSocket":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def join(self, auth: str = "") -> "RawSocket":
        self.send(f"40{GESTURES},{auth}")
        self.read_until(b'40/gestures,{"sid"')
        return self

    def send(self, content: str | bytes, kind: int | None = None) -> None:
        self.send_raw(frame_of(content, kind))

    def send_raw(self, content: bytes) -> None:
        self.socket.sendall(content)

    def read_until(self, wanted: bytes, seconds: float = 10.0) -> bytes:
        until = time.monotonic() + seconds
        while wanted not in self.heard:
            assert time.monotonic() < until, f"{wanted!r} did not come, but {self.heard[-300:]!r}"
            piece = self.socket.recv(65536)
            assert piece, f"it ended before {wanted!r} came: {self.heard[-300:]!r}"
            self.heard += piece
        return self.heard

    def is_closed(self, seconds: float = 5.0) -> bool:
        """Read until the other side ends it: by a frame that says so, with a code above 1000, or without a word."""
        self.socket.settimeout(seconds)
        said = b""
        try:
            while b"\x88\x02\x03" not in said and b"\x88\x14\x03" not in said:
                piece = self.socket.recv(65536)
                if not piece:
                    return True
                said += piece
        except TimeoutError:
            return False
        except ConnectionError:
            pass
        return True


def frame_of(content: str | bytes, kind: int | None = None) -> bytes:
    """Return a masked WebSocket frame; the mask is zeros."""
    data = content.encode() if isinstance(content, str) else content
    kind = kind or (TEXT if isinstance(content, str) else BINARY)
    size = len(data)
    if size < 126:
        head = struct.pack(">BB", 0x80 | kind, 0x80 | size)
    elif size < 65536:
        head = struct.pack(">BBH", 0x80 | kind, 0x80 | 126, size)
    else:
        head = struct.pack(">BBQ", 0x80 | kind, 0x80 | 127, size)
    return head + bytes(4) + data


class SlowNetwork:
    """Names windows by their mean, and takes its time for it; remembers what it was given."""

    def __init__(self, manifest: Manifest, seconds: float = 0.0) -> None:
        self.manifest, self.seconds = manifest, seconds
        self.windows: list[Points] = []
        self.fails = False

    def probabilities(self, windows: Points) -> Probabilities:
        self.windows.extend(windows)
        if self.fails:
            raise RuntimeError("the network is out of order")
        time.sleep(self.seconds)
        rows = [[0.8, 0.15, 0.05]] * len(windows)
        return np.array(rows, np.float32)


class FakeCamera:
    """A camera that can be missing, pulled out, and hang; called, it is opened.

    Args:
        fps: frames a second.
        frames: so many, and then it is over, as a file is.
    """

    def __init__(self, fps: float = 50.0, frames: int = 10**9) -> None:
        self.fps, self.frames = fps, frames
        self.missing, self.pulled, self.hangs = False, False, False
        self.opened: list[_Opened] = []
        self.options: dict[str, Any] = {}

    def __call__(self, _name: str, **options: Any) -> "_Opened":
        if self.missing:
            raise VideoError("there is no camera 7. Cameras found: none.")
        self.options = options
        self.opened.append(_Opened(self))
        return self.opened[-1]

    @property
    def open_now(self) -> int:
        return sum(not one.closed for one in self.opened)


class _Opened:
    name = "fake"

    def __init__(self, camera: FakeCamera) -> None:
        self._camera, self.closed = camera, False

    def __iter__(self) -> Iterator[Frame]:
        camera, begun = self._camera, time.monotonic()
        for number in range(camera.frames):
            time.sleep(max(0.0, begun + number / camera.fps - time.monotonic()))
            while camera.hangs:
                time.sleep(0.01)
            if camera.pulled:
                raise CameraLost("camera 7 gives no pictures any more.")
            if self.closed:
                return
            yield Frame(np.zeros((48, 64, 3), np.uint8), number * 1000.0 / camera.fps)

    def close(self) -> None:
        self.closed = True


class Actor:
    """A landmarker that finds what it is told to: the first point has the probabilities of a and b, see `Reading`."""

    def __init__(self) -> None:
        self.shows: tuple[float, float] = (0.0, 0.0)
        self.made = self.closed = 0

    def __call__(self) -> "Actor":
        self.made += 1
        return self

    @property
    def skeleton(self) -> Skeleton:
        return skeleton("hands")

    def find(self, _: Frame) -> Points:
        points = np.full((42, 3), np.nan, np.float32)
        points[:21] = 0.5
        points[0, :2] = self.shows
        return points

    def reset(self) -> None:
        pass

    def close(self) -> None:
        self.closed += 1


class Listener:
    """Reads server-sent events in a thread, and keeps them."""

    def __init__(self, running: Running, query: str = "", headers: dict[str, str] | None = None) -> None:
        self.got: list[tuple[str, Any]] = []
        self._response = requests.get(f"{running.url}/api/stream{query}", stream=True, timeout=20, headers=headers)
        assert self._response.status_code == 200
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def of(self, kind: str) -> list[Any]:
        return [content for event, content in list(self.got) if event == kind]

    def close(self) -> None:
        connection = self._response.raw.connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(10)
        self._response.close()

    def _read(self) -> None:
        left = b""
        with contextlib.suppress(requests.RequestException, AttributeError, ValueError):
            for piece in self._response.iter_content(chunk_size=None):
                *whole, left = (left + piece).split(b"\n\n")
                for event in whole:
                    if event.startswith(b"event: "):  # others keep the connection awake
                        kind, _, data = event.removeprefix(b"event: ").partition(b"\ndata: ")
                        self.got.append((kind.decode(), json.loads(data)))


def give_network(running: Running, network: NamesWindows) -> Served:
    """Have a server name windows by something else, for those that connect from now on."""
    place = running.parts.shelf._places[running.parts.shelf.names[0]]
    assert place.served is not None
    batcher = Batcher(network, running.parts.shelf._work, running.parts.metrics.batch.observe)
    place.served = replace(place.served, classifier=network, batcher=batcher)  # type: ignore[arg-type]
    return place.served


def make_bundle(
    path: Path,
    labels: tuple[str, ...] = ("a", "b", "idle"),
    seed: int = 1,
    units: int = 6,
    channels: int = 2,
    coordinates: Coordinates = "square",
) -> Path:
    """Write a bundle of an untrained network for hands: 20 frames at 20 a second."""
    torch.manual_seed(seed)
    network = build(LstmConfig((units,)), skeleton("hands"), channels, len(labels)).eval()
    golden = []
    for points in golden_windows((42, channels), np.random.default_rng(0)):
        with torch.no_grad():
            golden.append((points, torch.softmax(network(torch.from_numpy(points)), dim=1).numpy()))
    idle = "idle" if "idle" in labels else None
    window = Window(20, "rate", 20.0)
    manifest = Manifest(labels, skeleton("hands"), channels, coordinates, window, 25.0, idle=idle)
    write_bundle(path, manifest, to_onnx(network, 42, channels), golden)
    return path


def memory_mb() -> float:
    """Return the memory of this process that is in use, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def figure(running: Running, name: str) -> float:
    """Return a figure of /metrics; 0 if it is not there yet."""
    lines = requests.get(f"{running.url}/metrics", timeout=10).text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{name} ")), 0.0)


def settled(running: Running) -> Callable[[], bool]:
    """Return what tells whether nobody is connected, and nothing of anybody is kept."""
    sockets = running.parts.streams.server
    return lambda: (
        not (
            running.parts.streams.count
            or sockets.eio.sockets
            or sockets.environ
            or sockets.manager.rooms
            or sockets.manager.pending_connect
            or sockets.manager.pending_disconnect
            or sockets._binary_packet
        )
    )
