"""Clients that ask again as soon as they are answered. Started by `run.py`, in a process of its own.

    python request_load.py '{"port": 8000, "body": "request.json", "type": "application/json", "clients": 16,
                             "seconds": 5, "pause_s": 0}'

Cheap on purpose: bare protocols on uvloop, one prebuilt request, connections kept where the server keeps them. What it
reaches at most is measured against `trivial.py`.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

PATIENCE_S = 120.0
"""For the answers that are on their way when time is up."""


@dataclass
class Load:
    """What all clients share.

    Args:
        port: of the server.
        request: head and body.
        seconds: for which new requests are made.
        pause_s: between an answer and the next request.
    """

    port: int
    request: bytes
    seconds: float
    pause_s: float
    times_s: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    answer: str = ""
    running: int = 0
    last_s: float = 0.0

    async def run(self, clients: int) -> None:
        """Let clients ask until time is up, and all of them are answered."""
        self.loop, self.running = asyncio.get_running_loop(), clients
        self.done: asyncio.Future[None] = self.loop.create_future()
        self.began_s = self.last_s = time.perf_counter()
        for _ in range(clients):
            self.connect()
        await asyncio.wait_for(self.done, self.seconds + PATIENCE_S)

    def connect(self) -> None:
        """Begin with a new connection; opening it is part of the time of its first request."""
        if time.perf_counter() - self.began_s > self.seconds:
            self.leave()
            return
        task = self.loop.create_task(self._connect(time.perf_counter()))
        task.add_done_callback(lambda done: done.exception() and self.failed("no connection"))

    async def _connect(self, asked_s: float) -> None:
        await self.loop.create_connection(lambda: Client(self, asked_s), "127.0.0.1", self.port)

    def answered(self, status: str, body: bytes, asked_s: float) -> None:
        """Count an answer."""
        self.last_s = time.perf_counter()
        self.statuses[status] += 1
        if status == "200":
            self.times_s.append(self.last_s - asked_s)
            self.answer = self.answer or body.decode()

    def failed(self, reason: str) -> None:
        """Count a failure, and try again a little later."""
        self.statuses[reason] += 1
        self.loop.call_later(0.01, self.connect)

    def leave(self) -> None:
        """One client ends."""
        self.running -= 1
        if not self.running and not self.done.done():
            self.done.set_result(None)


class Client(asyncio.Protocol):
    """One client, for as long as its connection is kept."""

    def __init__(self, load: Load, asked_s: float) -> None:
        self._load, self._asked_s = load, asked_s
        self._waits = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask at once."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._ask(self._asked_s)

    def _ask(self, asked_s: float) -> None:
        self._asked_s, self._buffer, self._waits = asked_s, b"", True
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        """Gather an answer; its end is told by its length."""
        self._buffer += data
        head, empty, body = self._buffer.partition(b"\r\n\r\n")
        if not empty:
            return
        low = head.lower()
        length = int(low.partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        if len(body) < length:
            return
        self._waits = False
        self._load.answered(head[9:12].decode(), body, self._asked_s)
        if b"connection: close" in low or head.startswith(b"HTTP/1.0"):
            self._transport.close()
        elif self._load.pause_s:
            self._load.loop.call_later(self._load.pause_s, self._go_on)
        else:
            self._go_on()

    def _go_on(self) -> None:
        now_s = time.perf_counter()
        if now_s - self._load.began_s > self._load.seconds:
            self._left = True
            self._transport.abort()
            self._load.leave()
        elif not self._transport.is_closing():
            self._ask(now_s)

    _left = False

    def connection_lost(self, _: Exception | None) -> None:
        """Come back with a new connection."""
        if self._left:
            return
        if self._waits:
            self._load.failed("lost")
        else:
            self._load.connect()


def request_of(body: bytes, kind: str, path: str = "/predict") -> bytes:
    """Return the bytes of a request."""
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def main(given: dict[str, Any]) -> None:
    """Load a server, and print what came of it."""
    request = request_of(Path(given["body"]).read_bytes(), given["type"])
    load = Load(given["port"], request, given["seconds"], given.get("pause_s", 0.0))
    began_s = time.process_time()
    uvloop.run(load.run(given["clients"]))
    found = {
        "seconds": load.last_s - load.began_s,
        "cpu_s": time.process_time() - began_s,
        "whole_cpu_s": time.process_time(),
        "times_ms": [round(1000 * t, 3) for t in load.times_s],
        "statuses": load.statuses,
        "answer": load.answer,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
