"""The door of the live socket: who may come in, how many, and how much may wait for them."""

import logging
import socket
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
import requests
import socketio

from ademan.server.config import KEY_VARIABLE, ServeConfig
from tests.server.conftest import Serve, wait_for
from tests.server.fakes import Live, RawSocket, memory_mb, settled

POLLING = "/socket.io/?EIO=4&transport=polling"


def refusal(url: str, key: str = "", auth: object = None) -> str:
    """Return why a client was not let in."""
    client = socketio.Client(reconnection=False, handle_sigint=False)
    told: list[dict[str, str]] = []
    client.on("connect_error", told.append, "/gestures")
    with pytest.raises(socketio.exceptions.ConnectionError):
        client.connect(url, auth={"key": key} if key else auth, transports=["websocket"], namespaces=["/gestures"])
    client.disconnect()
    return f"{told[0]['data']['code']}: {told[0]['message']}"  # type: ignore[index]


def test_a_client_without_the_key_is_told_what_is_missing(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "first, second")
    running = serve(config=ServeConfig(port=0, api_key=("third",)))
    no_key = 'no_key: this server asks for a key: connect with auth {"key": "..."}.'
    for auth in (None, {}, {"key": ""}, {"key": None}, {"token": "first"}, ["first"], "first"):
        assert refusal(running.url, auth=auth) == no_key
    for wrong in ("fourth", "firs", "first ", "första"):
        assert refusal(running.url, wrong) == "wrong_key: this is none of the server's keys."
    assert refusal(running.url, auth={"key": 3}) == "wrong_key: this is none of the server's keys."
    for right in ("first", "second", "third"):
        with Live(running.url, key=right) as live:
            assert "bundle" in live.call("start")
    wait_for(settled(running))


def test_who_is_refused_hears_nothing(serve: Serve) -> None:
    running = serve(config=ServeConfig(port=0, api_key=("secret",)))
    with RawSocket(running.url) as raw:
        raw.send('40/gestures,{"key":"no"}')
        raw.read_until(b'44/gestures,{"message":"this is none of the server')
        raw.send('42/gestures,1["stats"]')
        raw.send('40/gestures,{"key":"secret"}')
        assert b"43/gestures" not in raw.read_until(b'40/gestures,{"sid"')


@pytest.mark.parametrize(
    ("cors", "origin", "allowed"),
    [
        ((), None, True),
        ((), "http://HOST", True),
        ((), "https://HOST", True),  # behind a proxy, and with --self-signed
        ((), "http://elsewhere.example", False),
        ((), "null", False),
        ((), "http://HOST.elsewhere.example", False),
        (("http://friend.example",), "http://friend.example", True),
        (("http://friend.example",), "http://HOST", True),
        (("http://friend.example",), "http://elsewhere.example", False),
        (("*",), "http://elsewhere.example", True),
    ],
)
@pytest.mark.parametrize("transport", ["polling", "websocket"])
def test_pages_of_other_origins_are_refused(
    serve: Serve, cors: tuple[str, ...], origin: str | None, allowed: bool, transport: str
) -> None:
    url = serve(config=ServeConfig(port=0, cors=cors)).url
    headers = {"Origin": origin.replace("HOST", urlsplit(url).netloc)} if origin else {}
    if transport == "polling":
        answer = requests.get(f"{url}{POLLING}", headers=headers, timeout=10)
        assert answer.ok == allowed
        told = answer.headers.get("Access-Control-Allow-Origin")
        assert told == (headers.get("Origin") if allowed else None)
        return
    with RawSocket(url, head="".join(f"{name}: {value}\r\n" for name, value in headers.items())) as raw:
        assert raw.status == (101 if allowed else 403)


def test_a_connection_that_joins_nothing_ends(serve: Serve) -> None:
    running = serve(config=ServeConfig(port=0, timeout=0.5))
    with RawSocket(running.url) as idle, RawSocket(running.url).join() as joined:
        assert idle.is_closed()
        time.sleep(0.3)
        joined.send('42/gestures,1["stats"]')
        joined.read_until(b"43/gestures,1")
    requests.get(f"{running.url}{POLLING}", timeout=10)
    wait_for(settled(running))


def test_there_are_never_more_than_may_be_also_by_long_polling(serve: Serve) -> None:
    running = serve(config=ServeConfig(port=0, max_clients=10, timeout=1))
    found = []
    for _ in range(14):
        with requests.get(f"{running.url}{POLLING}", timeout=10) as answer:
            found.append((answer.status_code, answer.headers.get("Retry-After"), answer.text))
    assert [status for status, _, _ in found] == [200] * 10 + [503] * 4
    assert found[-1] == (
        503,
        "1",
        '{"error":{"code":"busy","message":"10 are connected already, and no more may be."}}',
    )
    with RawSocket(running.url) as raw:
        assert raw.status == 403
    wait_for(settled(running))  # they joined nothing
    with Live(running.url) as live:
        assert "bundle" in live.call("start")


@pytest.mark.slow
def test_answers_that_nobody_reads_do_not_pile_up(serve: Serve) -> None:
    running = serve(config=ServeConfig(port=0, max_fps=1e9))
    with ExitStack() as stack:
        stuck = [stack.enter_context(RawSocket(running.url, buffer=4096).join()) for _ in range(3)]
        before_mb = memory_mb()
        for raw, packet in zip(stuck, ('42/gestures,1["start"]', "40/nowhere,", "5"), strict=True):
            flood(raw, packet, 3.0)
        queues = [one.queue.qsize() for one in running.parts.streams.server.eio.sockets.values()]
        assert max(queues) <= 257
        assert memory_mb() - before_mb < 30
        with Live(running.url) as live:
            assert "bundle" in live.call("start")
    wait_for(settled(running))


def flood(raw: RawSocket, packet: str, seconds: float) -> None:
    """Send a packet again and again, and read nothing."""
    raw.socket.settimeout(0.5)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            for _ in range(200):
                raw.send(packet)
        except TimeoutError:
            return  # the server listens no more


def test_long_polling_that_breaks_its_rules_is_ended_at_once(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    running = serve(config=ServeConfig(port=0, timeout=1))
    for body in (b"2", b"0", b"6", b"x", b"", b"\xff", b"b!", b"4" + b"[" * 5000, b"\x1e" * 30, b"42[]\x1e42[]", b"d="):
        session = requests.get(f"{running.url}{POLLING}", timeout=10).text.split('"')[3]
        requests.post(f"{running.url}{POLLING}&sid={session}", body, timeout=3)
    large = requests.post(f"{running.url}{POLLING}&sid={session}", b"4" * 1_000_001, timeout=3)
    assert large.status_code == 413
    wait_for(settled(running))
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize(
    "query",
    ["", "?EIO=3", "?EIO=4&transport=carrier", "?EIO=4&transport=polling&sid=nobody", "?EIO=4&j=x", "?%ff&&&=="],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "DELETE"])
def test_odd_requests_are_refused(serve: Serve, method: str, query: str, caplog: pytest.LogCaptureFixture) -> None:
    running = serve()
    for path in ("/socket.io/", "/socket.io"):
        answer = requests.request(method, f"{running.url}{path}{query}", timeout=10)
        assert answer.status_code in (200, 400, 405)
        assert answer.status_code != 200 or method == "OPTIONS"
    assert not [record for record in caplog.records if record.exc_info]


def test_a_body_that_does_not_come_is_not_waited_for(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    running = serve(config=ServeConfig(port=0, timeout=0.5))
    parts = urlsplit(running.url)
    for body in (b"", b"4"):
        with socket.create_connection((parts.hostname, parts.port), 5) as late:
            session = requests.get(f"{running.url}{POLLING}", timeout=10).text.split('"')[3]
            late.sendall(
                f"POST {POLLING}&sid={session} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".encode() + body
            )
            assert late.recv(100).startswith(b"HTTP/1.1 4")
    with socket.create_connection((parts.hostname, parts.port), 5) as gone:
        gone.sendall(f"POST {POLLING}&sid=x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n".encode())
    wait_for(settled(running))
    assert not [record for record in caplog.records if record.exc_info]


def test_a_burst_by_long_polling_is_taken_and_answered_whole(serve: Serve) -> None:
    """The library takes 16 packets at once, and forgets all if there are more: here, and in its client."""
    with Live(serve().url, transport="polling") as live:
        for i in range(50):
            live.emit("points", {"timestamp_ms": i * 200, "points": [None] * 84})
        stats = live.stats()
        wait_for(lambda: len(live.of("gesture_prediction")) == 50)
    assert (stats["frames"], stats["predictions"], stats["dropped"]["slow"]) == (50, 50, 0)


def test_a_stop_ends_streams_at_once(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    running = serve()
    with Live(running.url) as one, Live(running.url, transport="polling") as two, RawSocket(running.url) as raw:
        raw.join()
        for i in range(20):
            one.emit("points", {"timestamp_ms": i * 40, "points": [[0.5, 0.5]] * 42})
            two.emit("points", {"timestamp_ms": i * 40, "points": [[0.5, 0.5]] * 42})
        begun = time.monotonic()
        running.stop()
        assert time.monotonic() - begun < 4
        wait_for(lambda: not one.socket.connected and not two.socket.connected)
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.WARNING]
