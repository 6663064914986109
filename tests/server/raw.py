"""Requests byte by byte, as no library sends them."""

import json
import socket
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """An answer: status, headers by small name, and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> dict[str, str]:
        """What the one shape of errors holds."""
        content = self.json()
        assert set(content) == {"error"}
        assert set(content["error"]) == {"code", "message"}
        error: dict[str, str] = content["error"]
        return error


def connect(url: str, timeout: float = 10.0) -> socket.socket:
    """Return a connection to a server, over which nothing was said."""
    place = urlsplit(url)
    assert place.hostname
    assert place.port
    return socket.create_connection((place.hostname, place.port), timeout)


def head(method: str, path: str, **headers: str) -> bytes:
    """Return the head of a request; an underscore in a name is a hyphen."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def read_reply(connection: socket.socket) -> Reply:
    """Read one answer, which says its length, or ends with the connection."""
    found = b""
    while b"\r\n\r\n" not in found:
        piece = connection.recv(65536)
        if not piece:
            raise EOFError(f"the connection ended after {found!r}")
        found += piece
    start, _, body = found.partition(b"\r\n\r\n")
    status, *lines = start.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        piece = connection.recv(65536)
        assert piece, "the body was cut short"
        body += piece
    return Reply(int(status.split()[1]), headers, body)


def read_one(connection: socket.socket) -> int:
    """Return the status of an answer, and leave what follows it."""
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        found += connection.recv(1)
    length = int(found.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while length:
        length -= len(connection.recv(length))
    return int(found.split()[1])


def ask(url: str, *pieces: bytes) -> Reply:
    """Send bytes, and return the first answer."""
    with connect(url) as connection:
        for piece in pieces:
            connection.sendall(piece)
        return read_reply(connection)


def seconds_until_end(connection: socket.socket, most: float) -> float:
    """Return how long the other side takes to end a connection."""
    connection.settimeout(most)
    started = time.monotonic()
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return time.monotonic() - started
