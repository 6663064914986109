"""Connections: a client must ask in time and briefly, and is told at once if there are too many."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from ademan.server.config import ServeConfig
from ademan.server.hub import Message
from ademan.server.passage import SAFETY
from tests.server.conftest import Serve, started, wait_for
from tests.server.process import Process, serving
from tests.server.raw import Reply, ask, connect, head, read_one, read_reply, seconds_until_end


def config(**more: float) -> ServeConfig:
    return ServeConfig(port=0, refresh=0, **more)  # type: ignore[arg-type] # numbers all of them


@pytest.fixture(scope="module")
def url(small_bundle: Path) -> Iterator[str]:
    running = started({"small": str(small_bundle)}, config(timeout=0.5))
    yield running.url
    running.stop()


def check(reply: Reply, status: int, code: str, told: str) -> None:
    assert (reply.status, reply.error["code"]) == (status, code)
    assert told in reply.error["message"]
    assert reply.headers["connection"] == "close"
    assert reply.headers["content-type"] == "application/json"
    assert len(reply.headers["x-request-id"]) == 12
    for name, value in SAFETY.items():
        assert reply.headers[name.lower()] == value


def test_a_client_that_says_nothing_is_left_after_a_while(url: str) -> None:
    with connect(url) as connection:
        assert 0.4 < seconds_until_end(connection, 5) < 2


def test_a_head_that_comes_byte_by_byte_is_left_after_a_while(url: str) -> None:
    """What is known as slowloris: each byte is in time, all of them are not."""
    started_s = time.monotonic()
    with connect(url) as connection, pytest.raises(ConnectionError):
        for byte in head("GET", "/health", X_More="x" * 1000):
            connection.sendall(bytes([byte]))
            time.sleep(0.02)
    assert 0.4 < time.monotonic() - started_s < 3


@pytest.mark.parametrize("then", [b"\r\n", b"GET /hea", b"\r\n\r\n\r\n"])
def test_after_an_answer_a_client_must_ask_again_in_time_too(then: bytes, url: str) -> None:
    with connect(url) as connection:
        connection.sendall(head("GET", "/health"))
        assert read_reply(connection).status == 200
        connection.sendall(then)
        assert 0.4 < seconds_until_end(connection, 5) < 2


def test_what_is_left_of_a_body_is_not_waited_for(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(head("POST", "/nothing", Content_Length="1000") + b"x")
        assert read_reply(connection).status == 404
        assert seconds_until_end(connection, 5) < 3


def test_a_client_that_is_answered_may_ask_again(url: str) -> None:
    with connect(url) as connection:
        for _ in range(8):  # longer, all in all, than any of them may take
            connection.sendall(head("GET", "/health"))
            assert read_reply(connection).status == 200
            time.sleep(0.1)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200)),  # a client of https
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
        b"GET http://[ HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: a\x00b\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"hello\r\n",
    ],
)
def test_what_is_no_http_is_told_so(sent: bytes, url: str) -> None:
    check(ask(url, sent), 400, "bad_http", "this is no request of HTTP/1.1.")


def test_garbage_behind_a_request_ends_the_connection_and_nothing_else(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(head("GET", "/api/stream"))
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        connection.sendall(b"\x00\x01 garbage \r\n\r\n")
        rest = b""
        while piece := connection.recv(65536):
            rest += piece
        assert b"HTTP/1.1 400" not in rest
    assert requests.get(f"{url}/health", timeout=5).ok


def test_an_endless_head_is_refused(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            for _ in range(10_000):
                connection.sendall(b"X-More: " + b"x" * 8000 + b"\r\n")
    with connect(url) as connection:
        connection.sendall(b"GET /" + b"x" * 65_600)
        check(read_reply(connection), 413, "too_large", "the head of the request has more than 65536 bytes.")


def test_an_upgrade_to_something_unknown_is_ignored(url: str) -> None:
    assert ask(url, head("GET", "/health", Connection="upgrade", Upgrade="h2c")).status == 200


def test_a_websocket_leads_to_live_streams_only(url: str) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec_WebSocket_Version": "13"}
    sent = head("GET", "/predict", **upgrade, Sec_WebSocket_Key="x3JJHMbDL1EzLkh9GBhXDw==")
    assert ask(url, sent).status == 403


def test_those_that_are_too_many_are_told_and_the_others_served(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    url = serve(config=config(max_clients=3)).url
    with ExitStack() as stack:
        held = [stack.enter_context(connect(url)) for _ in range(3)]
        for connection in held:
            connection.sendall(head("GET", "/health"))
            assert read_reply(connection).status == 200
        for _ in range(5):
            reply = ask(url, head("GET", "/health"))
            check(reply, 503, "busy", "3 are connected already, and no more may be.")
            assert reply.headers["retry-after"] == "1"
        assert requests.get(f"{url}/health", timeout=5).status_code == 503
        silent = stack.enter_context(connect(url))
        assert read_reply(silent).status == 503
        assert seconds_until_end(silent, 5) < 2
        held[0].sendall(head("GET", "/health"))
        assert read_reply(held[0]).status == 200
        held[1].close()
        wait_for(lambda: ask(url, head("GET", "/health")).status == 200)
    assert len([r for r in caplog.records if r.getMessage() == "as many are connected as may be"]) == 1


def test_one_that_asks_too_far_ahead_is_left(url: str) -> None:
    """Each request that waits costs a hundred times the bytes it came in."""
    with connect(url) as connection, pytest.raises(ConnectionError):
        for _ in range(100):
            connection.sendall(head("GET", "/openapi.json") * 1000)
            time.sleep(0.01)
    with connect(url) as connection:
        connection.sendall(head("GET", "/nothing") * 64)
        for _ in range(64):
            assert read_one(connection) == 404


def test_a_listener_that_reads_nothing_is_left(serve: Serve) -> None:
    running = serve(config=config(timeout=0.5))
    loop = running.server.servers[0].get_loop()
    with connect(running.url) as connection:
        connection.sendall(head("GET", "/api/stream"))
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
        wait_for(lambda: len(running.parts.hub))
        for _ in range(20):
            loop.call_soon_threadsafe(running.parts.hub.publish, Message("status", {"much": "x" * 1_000_000}))
        wait_for(lambda: not len(running.parts.hub), 3)
        assert requests.get(f"{running.url}/health", timeout=5).ok


_CROWD = """
import socket, sys, time
crowd = []
for _ in range(int(sys.argv[2])):
    one = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 30)
    one.setblocking(False)
    crowd.append(one)
print("there", flush=True)
sys.stdin.readline()
told = 0
for one in crowd:
    try:
        told += one.recv(15) == b"HTTP/1.1 503 Se"
    except OSError:
        pass
print(told, flush=True)
sys.stdin.readline()
"""


class Crowd:
    """Many idle connections, held by another process.

    Args:
        url: of the server.
        count: of connections.
    """

    def __init__(self, url: str, count: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CROWD, url.rpartition(":")[2], str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._read() == "there\n"

    def _read(self) -> str:
        assert self._process.stdout
        return self._process.stdout.readline()

    def told(self) -> int:
        """Return how many were told that there are too many; the last thing to ask of them."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return int(self._read())

    def leave(self) -> None:
        self._process.kill()
        self._process.communicate()


def figures(process: Process) -> str:
    return f"{process.megabytes:.0f} MB, {process.files} files"


def check_crowd(process: Process, count: int, most: int) -> None:
    """Have a crowd come and go, and see that the server is as it was before."""

    def health(session: requests.Session) -> bool:
        return session.get(f"{process.url}/health", timeout=5).ok

    with requests.Session() as early:
        assert health(early)
        files, memory = process.files, process.megabytes
        crowd = Crowd(process.url, count)
        print(f"{count} connected, {most} allowed: {figures(process)}")  # noqa: T201 - for who measures
        started_s = time.monotonic()
        assert health(early)
        assert time.monotonic() - started_s < 1
        assert process.files < most + 300
        assert process.megabytes - memory < 10 + count * 0.02
        if count > most:
            assert requests.get(f"{process.url}/health", timeout=5).status_code == 503
        assert crowd.told() == max(0, count + 1 - most)
        crowd.leave()
        wait_for(lambda: process.files <= files + 5)
        with requests.Session() as late:
            assert health(late)
        assert health(early)
        print(f"all gone: {figures(process)}, before {memory:.0f} MB, {files} files")  # noqa: T201


def test_a_crowd_comes_and_goes(small_bundle: Path) -> None:
    with serving(str(small_bundle), "--port", "0", "--max-clients", "300", "--timeout", "30") as process:
        check_crowd(process, 250, 300)
        check_crowd(process, 1200, 300)
        before = process.megabytes
        check_crowd(process, 1200, 300)
        assert process.megabytes - before < 10


@pytest.mark.slow
def test_a_crowd_of_ten_thousand_comes_and_goes(small_bundle: Path) -> None:
    with serving(str(small_bundle), "--port", "0", "--timeout", "60") as process:
        check_crowd(process, 10_000, 1000)
    with serving(str(small_bundle), "--port", "0", "--max-clients", "10100", "--timeout", "120") as process:
        check_crowd(process, 10_000, 10_100)
        before = process.megabytes
        check_crowd(process, 10_000, 10_100)
        assert process.megabytes - before < 20


def test_a_crowd_that_says_nothing_makes_room_by_itself(small_bundle: Path) -> None:
    with serving(str(small_bundle), "--port", "0", "--max-clients", "100", "--timeout", "1") as process:
        crowd = Crowd(process.url, 100)
        assert requests.get(f"{process.url}/health", timeout=5).status_code == 503
        wait_for(lambda: requests.get(f"{process.url}/health", timeout=5).ok, 5)
        crowd.leave()


def test_log_lines_of_refusals_are_few(small_bundle: Path) -> None:
    with serving(str(small_bundle), "--port", "0", "--max-clients", "10") as process:
        Crowd(process.url, 500).leave()
        assert len([line for line in process.said if "as many are connected as may be" in line]) == 1
        assert len(process.said) < 10
