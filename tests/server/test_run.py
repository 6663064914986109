"""The process: it begins with one address or one message, and ends when it is told to."""

import errno
import json
import resource
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync import client
from websockets.sync.client import ClientConnection

from ademan.errors import ServerError
from ademan.server.config import ServeConfig
from ademan.server.listening import listen
from ademan.server.run import _allow_files as allow_files
from ademan.server.run import address
from ademan.server.tls import AUTHORITY, self_signed
from tests.server.conftest import wait_for
from tests.server.process import Process, serving
from tests.server.raw import connect, head, read_reply, seconds_until_end

FRAME = {"sequence": [[0.5] * 84]}


def check_said(process: Process) -> None:
    assert not [line for line in process.said if "Traceback" in line or "error" in line], process.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_at_once_whoever_listens(number: int, small_bundle: Path) -> None:
    with serving(str(small_bundle), "--port", "0") as process, ExitStack() as stack:
        live = stack.enter_context(websocket(process.url))
        polled = threading.Thread(target=poll, args=(process.url, stack.enter_context(requests.Session())))
        polled.start()
        events = [requests.get(f"{process.url}/api/stream", stream=True, timeout=10) for _ in range(3)]
        lines = [stack.enter_context(answer).iter_lines() for answer in events]
        assert {next(each) for each in lines} == {b"event: status"}
        idle, half, asked = (stack.enter_context(connect(process.url)) for _ in range(3))
        half.sendall(b"GET /hea")
        asked.sendall(head("GET", "/health"))
        assert read_reply(asked).status == 200
        started_s = time.monotonic()
        assert process.end(number) == 0
        assert time.monotonic() - started_s < 5
        check_said(process)
        for each in lines:
            list(each)  # ends, and not by a fault
        for connection in (idle, half, asked):
            assert seconds_until_end(connection, 1) < 1
        with pytest.raises(ConnectionClosed):
            while True:
                live.recv(1)
        polled.join(1)
        assert not polled.is_alive()


@contextmanager
def websocket(url: str) -> Iterator[ClientConnection]:
    """Give a live stream that has joined."""
    with client.connect(f"{url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket") as live:
        assert str(live.recv(5)).startswith("0{")
        live.send("40/gestures,")
        assert str(live.recv(5)).startswith("40/gestures,{")
        yield live


def poll(url: str, session: requests.Session) -> None:
    """Join a live stream by asking again and again, until there is none any more."""
    place = f"{url}/socket.io/?EIO=4&transport=polling"
    opened = session.get(place, timeout=5)
    place += f"&sid={json.loads(opened.text[1:])['sid']}"
    session.post(place, "40/gestures,", timeout=5)
    with suppress(requests.ConnectionError):
        while session.get(place, timeout=60).ok:
            pass


def test_what_was_asked_before_the_end_is_answered(small_bundle: Path) -> None:
    with serving(str(small_bundle), "--port", "0") as process, connect(process.url) as connection:
        body = json.dumps(FRAME).encode()
        connection.sendall(head("POST", "/predict", Content_Type="application/json", Content_Length=str(len(body))))
        connection.sendall(body[:20])
        time.sleep(0.2)
        ended = threading.Thread(target=process.end)
        ended.start()
        wait_for(lambda: _is_closed(process.url))
        connection.sendall(body[20:])
        reply = read_reply(connection)
        assert (reply.status, reply.json()["bundle"]) == (200, "small")
        ended.join(10)
        assert process.wait() == 0
        check_said(process)


def _is_closed(url: str) -> bool:
    try:
        connect(url).close()
    except ConnectionError:
        return True
    return False


@pytest.mark.slow
def test_what_cannot_be_answered_in_time_is_told(small_bundle: Path) -> None:
    with serving(str(small_bundle), "--port", "0", "--timeout", "60") as process, connect(process.url) as connection:
        connection.sendall(head("POST", "/predict", Content_Type="application/json", Content_Length="100"))
        time.sleep(0.2)
        started_s = time.monotonic()
        assert process.end() == 0
        assert time.monotonic() - started_s < 8
        reply = read_reply(connection)
        assert (reply.status, reply.error) == (503, {"code": "busy", "message": "the server is being stopped."})
        assert not [line for line in process.said if "Traceback" in line], process.said


def test_a_second_ctrl_c_waits_for_nobody(small_bundle: Path) -> None:
    with serving(str(small_bundle), "--port", "0", "--timeout", "60") as process, connect(process.url) as connection:
        connection.sendall(head("POST", "/predict", Content_Type="application/json", Content_Length="100"))
        time.sleep(0.2)
        threading.Timer(0.5, process.end, [signal.SIGINT]).start()
        started_s = time.monotonic()
        assert process.end(signal.SIGINT) == 0
        assert time.monotonic() - started_s < 3
        assert not [line for line in process.said if "Traceback" in line], process.said


def test_it_answers_over_https_with_a_certificate_of_its_own(small_bundle: Path, tmp_path: Path) -> None:
    with serving(str(small_bundle), "--port", "0", "--self-signed", environment={"HOME": str(tmp_path)}) as process:
        assert process.url.startswith("https://127.0.0.1:")
        (authority,) = tmp_path.rglob(AUTHORITY)
        assert requests.get(f"{process.url}/health", verify=str(authority), timeout=5).json()["ready"]
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{process.url}/health", timeout=5)
        assert process.end() == 0
        check_said(process)


def test_it_answers_over_https_with_a_given_certificate(small_bundle: Path, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path, ["localhost"])
    arguments = ["--tls-cert", str(certificate), "--tls-key", str(key), "--max-clients", "50", "--timeout", "1"]
    with serving(str(small_bundle), "--port", "0", *arguments) as process:
        url = process.url.replace("127.0.0.1", "localhost")
        trusted = str(certificate.parent / AUTHORITY)
        with requests.get(f"{url}/api/stream", verify=trusted, stream=True, timeout=5) as answer:
            assert next(answer.iter_lines()) == b"event: status"
        assert requests.post(f"{url}/predict", json=FRAME, verify=trusted, timeout=5).ok
        check_old_versions_are_refused(url)
        check_those_that_never_greet_are_left(process, url, trusted)
        assert process.end() == 0
        check_said(process)


def check_old_versions_are_refused(url: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with connect(url) as connection, pytest.raises(ssl.SSLError):
        context.wrap_socket(connection)


def check_those_that_never_greet_are_left(process: Process, url: str, trusted: str) -> None:
    """They connect, and say nothing of TLS: no request of theirs is ever counted."""
    files = process.files
    with ExitStack() as stack:
        for _ in range(400):
            stack.enter_context(connect(url))
        assert requests.get(f"{url}/health", verify=trusted, timeout=5).ok
        wait_for(lambda: process.files <= files + 5, 5)


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServerError) as refused:
            listen("127.0.0.1", port)
    told = (
        f"port {port} of 127.0.0.1 cannot be listened on: another program has it. Take another port:  --port {port + 1}"
    )
    assert str(refused.value) == told


@pytest.mark.parametrize(
    ("host", "number", "told"),
    [
        (
            "192.0.2.1",
            0,
            "port 0 of 192.0.2.1 cannot be listened on: this machine has no such address. Take all it has:",
        ),
        ("no.such.host.invalid", 0, "cannot be listened on: "),
        ("::zz", 0, "cannot be listened on: "),
        ("", errno.EACCES, "it needs more rights. Take one above 1023:  --port 8000"),
    ],
)
def test_what_cannot_be_listened_on_is_told(host: str, number: int, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, "no")

    if number:
        monkeypatch.setattr(socket, "create_server", refuse)
    with pytest.raises(ServerError) as refused:
        listen(host, 0)
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", "http://127.0.0.1"),
        ("0.0.0.0", "http://127.0.0.1"),  # noqa: S104
        ("localhost", "http://localhost"),
        ("::1", "http://[::1]"),
        ("[::1]", "http://[::1]"),
        ("::", "http://[::1]"),
    ],
)
def test_all_kinds_of_addresses_are_reached_where_they_say(host: str, expected: str) -> None:
    try:
        listener = listen(host, 0)
    except ServerError:
        pytest.skip(f"this machine has no {host}")
    with listener:
        url = address(ServeConfig(host=host), listener)
        assert url == f"{expected}:{listener.getsockname()[1]}"
        connect(url).close()
        if host == "::":
            connect(f"http://127.0.0.1:{listener.getsockname()[1]}").close()


def test_files_are_allowed_for_the_clients_as_far_as_may_be(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    limits, told = (256, 2000), list[tuple[int, int]]()
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits)
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: told.append(wanted))
    allow_files(1000)
    assert told == [(1256, 2000)]
    assert not caplog.records
    allow_files(3000)
    assert told == [(1256, 2000), (2000, 2000)]
    assert "too few open files for so many clients" in caplog.text
    limits = (4096, 4096)
    allow_files(1000)
    assert len(told) == 2
