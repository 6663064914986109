"""A camera and a landmarker by which a test says what is shown: the brighter the picture, the lower the hands."""

import json
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from ademan.bundle import Manifest, golden_windows, write_bundle
from ademan.clip import Points
from ademan.landmarks.landmarker import SKELETONS, LandmarkConfig
from ademan.landmarks.litert.landmarker import Memory
from ademan.models import to_onnx
from ademan.skeleton import skeleton
from ademan.video import Frame
from ademan.window import Window

DARK, HIGH, MIDDLE, LOW = 0, 40, 128, 220
"""Shades: nothing is seen; hands high up, in the middle, low."""
PATIENCE_S = 15.0


class Glance:
    """A landmarker that sees hands, or a body, as far down as the picture is bright; nothing in the dark."""

    def __init__(self, config: LandmarkConfig | None = None) -> None:
        self.skeleton = SKELETONS[(config or LandmarkConfig()).landmarks]
        self.memory = Memory()

    def find(self, frame: Frame) -> Points:
        shade = float(frame.image_rgb.mean())
        P = len(self.skeleton)
        if shade < 10:
            return np.full((P, 3), np.nan, np.float32)
        width, height = frame.size_wh
        points = np.random.default_rng(0).uniform(-0.1, 0.1, (P, 3)) + [0.5 * width / height, shade / 255, 0]
        return points.astype(np.float32)

    def reset(self) -> None:
        self.memory = Memory()

    def close(self) -> None:
        pass


def picture(shade: int, size_wh: tuple[int, int] = (64, 48), suffix: str = ".jpg") -> bytes:
    """Return an even picture."""
    return bytes(cv2.imencode(suffix, np.full((size_wh[1], size_wh[0], 3), shade, np.uint8))[1])


class _Height(nn.Module):
    """Three logits: hands high up, low, or in between."""

    def forward(self, points: Tensor) -> Tensor:
        y = points[:, -3:, :, 1]
        missing = torch.isnan(y)
        mean = torch.where(missing, torch.zeros_like(y), y).sum((1, 2)) / (~missing).float().sum((1, 2)).clamp(min=1)
        return 10 * torch.stack([0.33 - mean, mean - 0.66, 0.33 - 2 * (mean - 0.5).abs()], 1)


def height_bundle(path: Path, labels: tuple[str, str] = ("up", "down"), landmarks: str = "hands") -> Path:
    """Write a bundle that says the first label of hands that are high up, the second of low ones, else idle."""
    network, shape = _Height(), skeleton({"hands": "hands", "pose": "pose33"}[landmarks])
    golden = []
    for points in golden_windows((len(shape), 2), np.random.default_rng(0)):
        with torch.no_grad():
            golden.append((points, torch.softmax(network(torch.from_numpy(points)), dim=1).numpy()))
    manifest = Manifest((*labels, "idle"), shape, 2, "square", Window(5, "rate", 20.0), 20.0, idle="idle")
    write_bundle(path, manifest, to_onnx(network, len(shape), 2), golden)
    return path


class Camera:
    """The browser's side of a stream; keeps all that it is told.

    Args:
        socket: that is connected.
    """

    def __init__(self, socket: ClientConnection) -> None:
        self.socket, self.told = socket, list[dict[str, Any]]()
        self.number, self.time_ms = 0, 1000.0

    def send(self, content: bytes, *, number: int | None = None, time_ms: float | None = None) -> int:
        """Send one frame, by default the next one, 40 ms after the one before."""
        self.number, self.time_ms = self.number + 1, self.time_ms + 40
        given = self.number if number is None else number
        self.socket.send(struct.pack("<Id", given, self.time_ms if time_ms is None else time_ms) + content)
        return given

    def do(self, what: str, **more: Any) -> None:
        self.socket.send(json.dumps({"do": what, **more}))

    def until(self, fits: Callable[[dict[str, Any]], bool], what: str = "") -> dict[str, Any]:
        """Return the next message that fits."""
        end_s = time.monotonic() + PATIENCE_S
        while (left_s := end_s - time.monotonic()) > 0:
            try:
                message = json.loads(self.socket.recv(timeout=left_s))
            except TimeoutError:
                break
            self.told.append(message)
            if fits(message):
                return dict(message)
        raise AssertionError(f"{what} did not come; there were {self.told[-5:]}")

    def next(self, kind: str) -> dict[str, Any]:
        return self.until(lambda message: message["kind"] == kind, kind)

    def trouble(self, code: str) -> dict[str, Any]:
        found = self.next("trouble")
        assert found["code"] == code, found
        return found

    def show(self, shade: int, frames: int = 1, size_wh: tuple[int, int] = (64, 48)) -> None:
        """Send frames, each when the one before was answered."""
        content = picture(shade, size_wh)
        for _ in range(frames):
            number = self.send(content)
            self.until(lambda message, number=number: message.get("number") == number and message["kind"] == "points")  # type: ignore[misc]

    def show_until_event(self, shade: int, event: str) -> dict[str, Any]:
        """Send frames until an event comes, and return it."""
        content = picture(shade)
        for _ in range(200):
            before = len(self.told)
            number = self.send(content)
            self.until(lambda message, number=number: message.get("number") == number and message["kind"] == "points")  # type: ignore[misc]
            for message in self.told[before:]:
                if message["kind"] == "event" and message["event"] == event:
                    return message
        return self.until(lambda message: message["kind"] == "event" and message["event"] == event, event)

    def closed(self) -> int:
        """Return the code with which the other side ends the connection."""
        try:
            while True:
                self.told.append(json.loads(self.socket.recv(timeout=PATIENCE_S)))
        except ConnectionClosed as end:
            assert end.rcvd is not None
            return int(end.rcvd.code)


@contextmanager
def camera(url: str, set_id: int | str, session: str = "", **headers: str) -> Iterator[Camera]:
    """Connect to a studio.

    Args:
        url: of the studio.
        set_id: what is watched.
        session: the cookie of somebody who is logged in.
        headers: that are sent, too.
    """
    address = f"ws://{urlsplit(url).netloc}/api/watch?set={set_id}"
    more = {**headers, **({"Cookie": f"ademan-session={session}"} if session else {})}
    with connect(address, additional_headers=more, open_timeout=PATIENCE_S, max_size=2**22) as socket:
        yield Camera(socket)
