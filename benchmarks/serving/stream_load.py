"""Live streams: many clients by Socket.IO, each 30 frames a second. Started by `run.py`, in a process of its own.

    python stream_load.py '{"port": 8000, "frames": "frames.npy", "streams": 200, "warm_s": 3, "seconds": 8,
                            "binary": false, "fps": 30}'

Cheap on purpose: bare WebSocket frames on uvloop, built beforehand but for the time in them. A frame's time is the
moment at which it is sent, and a prediction names the time of its frame: so what passed between is read off the answer.
"""

import asyncio
import json
import random
import re
import struct
import sys
import time
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import uvloop

UPGRADE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n"
)
DEFLATE = b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"  # as browsers ask for it
TEXT, BINARY, PING, PONG, COMPRESSED = 0x81, 0x82, 0x89, 0x8A, 0x40
SPACE = b"42/gestures,"
TIME = re.compile(rb'"time_ms":([0-9.]+)')
TIME_BYTES = 9  # "1234567.8": a frame's length does not change, and so its head does not
SLICE_S = 0.001
"""Frames that are due within it are sent together."""
LAST_S = 1.0
"""For the predictions that are on their way at the end."""


def framed(opcode: int, payload: bytes) -> bytes:
    """Return a masked WebSocket frame; the mask is zero, so that the payload stays as it is."""
    size = len(payload)
    length = struct.pack("!B", 0x80 | size) if size < 126 else struct.pack("!BH", 0x80 | 126, size)
    return bytes([opcode]) + length + bytes(4) + payload


def text_frames(points: np.ndarray) -> list[tuple[bytes, bytes]]:
    """Return what stands before and after the time in each frame, of points (T, P, C)."""
    frames = []
    for frame in points:
        before = SPACE + b'["points",{"timestamp_ms":'
        after = b',"points":' + json.dumps(frame.tolist(), separators=(",", ":")).encode() + b"}]"
        whole = framed(TEXT, before + bytes(TIME_BYTES) + after)
        frames.append((whole[: -len(after) - TIME_BYTES], after))
    return frames


def binary_frames(points: np.ndarray) -> list[tuple[bytes, bytes]]:
    """Return the same, packed: a text that announces the bytes, then these."""
    announced = framed(TEXT, b'451-/gestures,["points",{"_placeholder":true,"num":0}]')
    frames = []
    for frame in points:
        after = frame.astype("<f4").tobytes()
        whole = framed(BINARY, bytes(8) + after)
        frames.append((announced + whole[: -len(after) - 8], after))
    return frames


@dataclass
class Load:
    """What all streams share.

    Args:
        port: of the server.
        frames: what stands before and after the time in each frame.
        binary: how the time is written.
        fps: frames a second of each stream.
        deflate: offer compression, as browsers do; then the server compresses what it sends.
    """

    port: int
    frames: list[tuple[bytes, bytes]]
    binary: bool
    fps: float
    deflate: bool = False
    streams: list["Stream"] = field(default_factory=list)
    latencies_ms: list[float] = field(default_factory=list)
    late_ms: list[float] = field(default_factory=list)
    counts: bool = False
    lost: int = 0

    def now_ms(self) -> float:
        """Return the time of the frames: since the beginning, with an offset that gives it all its digits."""
        return 1_000_000.0 + 1000 * (time.perf_counter() - self.began_s)

    async def run(self, count: int, warm_s: float, seconds: float) -> dict[str, Any]:
        """Stream, and return what came of it."""
        self.began_s = time.perf_counter()
        loop = asyncio.get_running_loop()
        for _ in range(count):
            _, stream = await loop.create_connection(lambda: Stream(self), "127.0.0.1", self.port)
            await asyncio.wait_for(stream.ready, 20)
            self.streams.append(stream)
        self.begins_at = random.Random(0).choices(range(round(self.fps)), k=count)  # noqa: S311
        await self._send(warm_s)
        before = await self._stats()
        self.begins_ms, self.counts, usage_s = self.now_ms(), True, time.process_time()
        tell("begin")
        await self._send(seconds)
        self.ends_ms = self.now_ms()
        usage_s = time.process_time() - usage_s
        tell("end")
        await asyncio.sleep(LAST_S)
        after = await self._stats()
        return {
            "streams": count,
            "seconds": (self.ends_ms - self.begins_ms) / 1000,
            "cpu_s": usage_s,
            "latencies_ms": self.latencies_ms,
            "late_ms": self.late_ms,
            "lost": self.lost,
            "stats": {key: after.get(key, 0) - before.get(key, 0) for key in before | after},
        }

    async def _send(self, seconds: float) -> None:
        """Send frames of all streams, evenly spread over the time between two frames.

        Streams begin one after the other in the first second: people do not sit down at the same moment, and else all
        predictions of all streams would be due in every third of these times.
        """
        count, step_s = len(self.streams), 1 / self.fps / len(self.streams)
        began_s, sent = time.perf_counter(), 0
        total = int(seconds / step_s)
        while sent < total:
            now_s = time.perf_counter() - began_s
            while sent < total and sent * step_s <= now_s:
                stream, frame = self.streams[sent % count], sent // count
                if stream.begun or frame >= self.begins_at[sent % count]:
                    stream.send(frame)
                if self.counts:
                    self.late_ms.append(round(1000 * (time.perf_counter() - began_s - sent * step_s), 3))
                sent += 1
            await asyncio.sleep(max(SLICE_S, sent * step_s + began_s - time.perf_counter()))

    async def _stats(self) -> dict[str, int]:
        """Return the sum of what the server counted of all streams."""
        answers = await asyncio.wait_for(asyncio.gather(*[stream.stats() for stream in self.streams]), 30)
        total: dict[str, int] = {}
        for answer in answers:
            flat = answer | answer.pop("dropped", {})
            total = {key: total.get(key, 0) + value for key, value in flat.items()}
        return total

    def arrived(self, time_ms: float) -> None:
        """Count a prediction."""
        if self.counts and time_ms >= self.begins_ms:
            self.latencies_ms.append(round(self.now_ms() - time_ms, 2))


class Stream(asyncio.Protocol):
    """One client: from the upgrade to the answers."""

    def __init__(self, load: Load) -> None:
        self._load, self._buffer, self._upgraded = load, b"", False
        self.begun = False
        self._inflate = zlib.decompressobj(-15)
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._asked: asyncio.Future[dict[str, Any]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a WebSocket."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._transport.write(UPGRADE % (DEFLATE if self._load.deflate else b""))

    def connection_lost(self, _: Exception | None) -> None:
        """Count it: nobody here ends a connection; the server does so if it lags behind by twenty seconds."""
        self._load.lost += 1
        if self._asked is not None and not self._asked.done():
            self._asked.set_result({})

    def send(self, index: int) -> None:
        """Send a frame, with the time that it is now."""
        self.begun = True
        if self._transport.is_closing():
            return
        before, after = self._load.frames[index % len(self._load.frames)]
        now_ms = self._load.now_ms()
        time_bytes = struct.pack("<d", round(now_ms, 1)) if self._load.binary else b"%.1f" % now_ms
        self._transport.write(before + time_bytes + after)

    def stats(self) -> "asyncio.Future[dict[str, Any]]":
        """Ask for what the server counted."""
        self._asked = asyncio.get_running_loop().create_future()
        if self._transport.is_closing():
            self._asked.set_result({})
            return self._asked
        self._transport.write(framed(TEXT, SPACE + b'0["stats"]'))
        return self._asked

    def data_received(self, data: bytes) -> None:
        """Take frames apart."""
        buffer = self._buffer + data if self._buffer else data
        if not self._upgraded:
            _, empty, rest = buffer.partition(b"\r\n\r\n")
            if not empty:
                self._buffer = buffer
                return
            self._upgraded, buffer = True, rest
        at = 0
        while (message := _message(buffer, at)) is not None:
            payload, head, at = message
            if head == PING:  # every 20 seconds, and the server ends a connection that does not answer
                self._transport.write(framed(PONG, payload))
            else:
                self._take(self._inflate.decompress(payload + b"\0\0\xff\xff") if head & COMPRESSED else payload)
        self._buffer = buffer[at:]

    def _take(self, payload: bytes) -> None:
        if payload.startswith(SPACE + b'["gesture_pr'):
            self._load.arrived(float(TIME.search(payload)[1]))  # type: ignore[index]
        elif payload == b"2":
            self._transport.write(framed(TEXT, b"3"))
        elif payload.startswith(b"0{"):
            self._transport.write(framed(TEXT, b"40/gestures,"))
        elif payload.startswith(b"40/gestures,"):
            self.ready.set_result(None)
        elif payload.startswith(b"43/gestures,0") and self._asked is not None:
            self._asked.set_result(json.loads(payload[len("43/gestures,0") :])[0])


def _message(buffer: bytes, at: int) -> tuple[bytes, int, int] | None:
    """Return the payload of the frame at a place, its first byte, and where it ends; None if it is not whole."""
    if len(buffer) < at + 2:
        return None
    size, begins = buffer[at + 1], at + 2
    if size == 126:
        if len(buffer) < at + 4:
            return None
        size, begins = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
    if len(buffer) < begins + size:
        return None
    return buffer[begins : begins + size], buffer[at], begins + size


def tell(word: str) -> None:
    """Tell who started this that it is time to look at the processors."""
    print(word, flush=True)


def main(given: dict[str, Any]) -> None:
    """Stream, and print what came of it."""
    points = np.load(given["frames"])
    frames = binary_frames(points) if given["binary"] else text_frames(points)
    load = Load(given["port"], frames, given["binary"], given["fps"], given.get("deflate", False))
    found = uvloop.run(load.run(given["streams"], given["warm_s"], given["seconds"]))
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
