"""Servers for tests: one that keeps objects, and one before it that listens, cuts, refuses and alters."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from moto.server import ThreadedMotoServer

BUCKET = "bucket"
_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_MAX_ATTEMPTS": "2",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
_UNSET = ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_REGION")
_NOT_PASSED_ON = {"connection", "transfer-encoding", "content-length", "date", "server"}

Refuse = Callable[[str, str], tuple[int, str] | None]
"""Takes method and path; gives a status and S3's code, or None to pass the request on."""
Alter = Callable[[str, str, bytes], bytes]
"""Takes method, path and what was answered; gives what is answered instead."""


@contextmanager
def s3_server() -> Iterator[str]:
    """A server that keeps objects in memory; gives its address."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def surround(monkeypatch: pytest.MonkeyPatch, endpoint_url: str, cache: Path) -> None:
    """Set a server, credentials for it and a cache, and nothing that this computer's user has set."""
    for name in _UNSET:
        monkeypatch.delenv(name, raising=False)
    for name, value in {**_ENVIRONMENT, "AWS_ENDPOINT_URL": endpoint_url, "XDG_CACHE_HOME": str(cache)}.items():
        monkeypatch.setenv(name, value)


def emptied(endpoint_url: str) -> Any:
    """Return a client of a server that has one empty bucket."""
    address = urlsplit(endpoint_url)
    connection = HTTPConnection(str(address.hostname), address.port)
    connection.request("POST", "/moto-api/reset")
    connection.getresponse().read()
    connection.close()
    client = _client(endpoint_url)
    client.create_bucket(Bucket=BUCKET)
    return client


def nothing(method: str, path: str) -> tuple[int, str] | None:
    """Refuse nothing."""
    return None


def refusal(status: int, code: str, method: str = "", part: str = "") -> Refuse:
    """Return what refuses all requests, or those of a method, or those whose path has a part in it."""

    def refuse(found: str, path: str) -> tuple[int, str] | None:
        return (status, code) if method in found and part in path else None

    return refuse


def _as_it_is(method: str, path: str, body: bytes) -> bytes:
    return body


@lru_cache
def _client(endpoint_url: str) -> Any:
    return boto3.client("s3", endpoint_url=endpoint_url)


class Between:
    """Stands between a program and a server, and passes on what is asked and answered.

    Attributes:
        seen: method and path of all requests.
        sums: SHA-256 of the parts that were sent, by their number.
        cuts: after how many bytes the next answers to GET end; each is used once.
        refuse: what is not passed on.
        alter: what is answered otherwise.
        left_out: names of headers of which the server is told nothing.
        bare: whether all is answered with 200 and nothing else.
        gone: whether nothing is answered.
    """

    def __init__(self, upstream: str) -> None:
        self.seen: list[tuple[str, str]] = []
        self.sums: dict[str, str] = {}
        self.cuts: list[int] = []
        self.refuse: Refuse = nothing
        self.alter: Alter = _as_it_is
        self.left_out = {"expect"}
        self.bare = self.gone = False
        self.upstream = urlsplit(upstream)
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def count(self, method: str, part: str = "") -> int:
        """Return how many requests of a method were seen whose path has this in it."""
        return sum(found == method and part in path for found, path in self.seen)

    def stop(self) -> None:
        """Be there no longer."""
        self.gone = True
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, between: Between) -> None:
        self.between = between
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def pass_on(self) -> None:
        assert isinstance(self.server, _Server)
        between = self.server.between
        between.seen.append((self.command, self.path))
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if between.gone:
            self.close_connection = True
            return
        refused = between.refuse(self.command, self.path)
        status, headers, answer = _refusal(*refused) if refused else self._asked(between, body)
        answer = between.alter(self.command, self.path, answer)
        if between.bare:
            status, headers, answer = 200, {"Connection": "close"}, b""
        else:
            headers.setdefault("Content-Length", str(len(answer)))
        self._answer(status, headers, b"" if self.command == "HEAD" else answer)

    def _answer(self, status: int, headers: dict[str, str], answer: bytes) -> None:
        assert isinstance(self.server, _Server)
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.server.between.cuts and self.command == "GET":
            answer = answer[: self.server.between.cuts.pop(0)]
            self.close_connection = True
        self.wfile.write(answer)

    def _asked(self, between: Between, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(str(between.upstream.hostname), between.upstream.port)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in between.left_out}
        connection.request(self.command, self.path, body or None, headers)
        answer = connection.getresponse()
        content = answer.read()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _NOT_PASSED_ON}
        if self.command == "HEAD":
            kept["Content-Length"] = answer.headers["Content-Length"] or "0"
        if summed := self.headers.get("x-amz-checksum-sha256"):
            between.sums[self.path.partition("partNumber=")[2].partition("&")[0]] = summed
        connection.close()
        return answer.status, kept, content

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on  # noqa: N815


def _refusal(status: int, code: str) -> tuple[int, dict[str, str], bytes]:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>for a test</Message></Error>"
    return status, {"Content-Type": "application/xml"}, body.encode()
