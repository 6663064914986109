"""Whatever is sent to the live socket: the server stays up, others notice nothing, nothing is left behind."""

import asyncio
import contextlib
import json
import logging
import socket
import struct
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import socketio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ademan.server.config import ServeConfig
from tests.server.conftest import Running, Serve, wait_for
from tests.server.fakes import GESTURES, TEXT, Live, RawSocket, as_bytes, frame_of, memory_mb, settled

FAST = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)
EVENTS = (
    st.sampled_from(["start", "points", "finish", "stats", "connect", "disconnect", "message", "*", ""]) | st.text()
)
FIELDS = st.sampled_from(
    "bundle every_ms smoothing_ms least_ms cooldown_ms accept release timestamp_ms points coordinates image_wh".split()
)
KNOWN = st.dictionaries(FIELDS, JSON, max_size=6)


class Neighbour:
    """A client whose stream goes on all the time; it must get all its answers, whatever others do."""

    def __init__(self, running: Running) -> None:
        self.live = Live(running.url)
        self.answers, self.slowest_s = 0, 0.0
        self._over = threading.Event()
        self.begun = threading.Event()
        self._thread = threading.Thread(target=self._stream)
        self._thread.start()

    def end(self) -> None:
        assert self.begun.wait(5)
        self._over.set()
        self._thread.join()
        stats = self.live.call("finish")["stats"]
        self.live.socket.disconnect()
        assert stats["frames"] == self.answers > 0
        assert {**stats["dropped"], "busy": 0} == {"rate": 0, "busy": 0, "bad": 0, "slow": 0}
        assert len(self.live.of("gesture_prediction")) == stats["predictions"] > 0
        assert self.slowest_s < 2

    def _stream(self) -> None:
        points = np.random.default_rng(0).uniform(size=(42, 2)).astype(np.float32)
        while not self._over.wait(0.02):
            asked = time.monotonic()
            assert self.live.call("points", as_bytes(points, self.answers * 40.0)) == {}
            self.answers += 1
            self.begun.set()
            self.slowest_s = max(self.slowest_s, time.monotonic() - asked)


@pytest.fixture
def running(serve: Serve, caplog: pytest.LogCaptureFixture) -> Iterator[Running]:
    """A server with a neighbour; at the end nothing is left, and no exception is in the log."""
    one = serve(config=ServeConfig(port=0, timeout=5))
    neighbour = Neighbour(one)
    yield one
    neighbour.end()
    wait_for(settled(one), 20)
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]
    assert "Traceback" not in caplog.text


PACKETS = [
    *("", "x", "7", "9", "b!!!", "4", "4x", "4{}", "4null", "44", "46", "4[" + "[" * 5000, "2" + "[" * 5000),
    *("451-", "450-/gestures,[]", "459-/gestures,[]", "459999999999-/gestures,[]", "45999999999999-/gestures,[1]"),
    *("42/gestures,", "42/gestures,[]", "42/gestures,{}", "42/gestures,5", "42/gestures,[[1]]", "42/gestures,[{}]"),
    *("42/gestures," + "[" * 900 + "]" * 900, "42" + "1" * 200 + "[]"),
    *("43/gestures,1[]", "43/gestures,1", "46/gestures,1[]", "461-/gestures,1[]", "42/gestures,[null]", "42[]"),
]


@pytest.mark.parametrize("packet", PACKETS, ids=lambda packet: packet[:24])
def test_who_sends_what_is_no_packet_is_disconnected(serve: Serve, packet: str, caplog: Any) -> None:
    running = serve()
    with RawSocket(running.url).join() as raw:
        raw.send(packet)
        assert raw.is_closed()
    wait_for(settled(running))
    assert [(record.message, record.exc_info) for record in caplog.records if record.levelno >= logging.WARNING] == [
        ("socket", None)
    ]


@pytest.mark.parametrize("packet", ["45-", '42/gestures,["a"', '42/gestures,[NaN,"a"]', "42/gestures," + "[" * 9999])
def test_who_sends_what_is_no_json_is_told_so(serve: Serve, packet: str, caplog: Any) -> None:
    with RawSocket(serve().url).join() as raw:
        raw.send(packet)
        raw.read_until(b'42/gestures,["problem",{"code":"bad_json","message":"the event is no JSON: ')
        raw.send('42/gestures,8["stats"]')
        assert b'"bad":1' in raw.read_until(b"43/gestures,8[{")
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize("content", [b"", b"\0", b"2", b"42/gestures,[]", b"\xff" * 1000])
def test_bytes_that_nobody_announced_end_the_connection(serve: Serve, content: bytes) -> None:
    running = serve()
    with RawSocket(running.url).join() as raw:
        raw.send(content)
        assert raw.is_closed()
    wait_for(settled(running))


def test_attachments_in_the_wrong_place_end_the_connection(serve: Serve) -> None:
    running = serve()
    for event in ('["points",{"_placeholder":true,"num":7}]', '["points",{"_placeholder":true,"num":"a"}]'):
        with RawSocket(running.url).join() as raw:
            raw.send(f"451-/gestures,{event}")
            raw.send(b"12345678")
            assert raw.is_closed()
    wait_for(settled(running))


def test_what_is_harmless_is_passed_over(running: Running) -> None:
    with RawSocket(running.url).join() as raw:
        for packet in ("0", "2", "2probe", "3", "5", "6", "40", "40/x,", "40/gestures,", "41", "41/x,", '42["a"]'):
            raw.send(packet)
        raw.send('42/gestures,8["stats"]')
        raw.read_until(b'43/gestures,8[{"frames":0')


def test_who_said_goodbye_leaves_nothing_behind(running: Running) -> None:
    with RawSocket(running.url).join() as raw:
        raw.send("1")
        raw.send("40/gestures,")  # too late
        assert raw.is_closed()
    with RawSocket(running.url).join() as raw:
        raw.send("41/gestures,")
        raw.send('42/gestures,8["stats"]')
        raw.send("40/gestures,")
        raw.read_until(b'40/gestures,{"sid"')


@given(packets=st.lists(st.binary(max_size=60) | st.text(max_size=60), max_size=20))
@FAST
def test_random_frames_disturb_nobody(running: Running, packets: list[bytes | str]) -> None:
    with RawSocket(running.url).join() as raw, contextlib.suppress(ConnectionError):
        for packet in packets:
            raw.send(packet)


@given(
    head=st.sampled_from(
        ["", "42", "40", "41", "43", "451-", "452-", "42/gestures,", "451-/gestures,", "40/gestures,"]
    ),
    middle=st.text("0123456789-/,?[]{}", max_size=8),
    content=JSON,
    attachments=st.lists(st.binary(max_size=20), max_size=3),
)
@FAST
def test_random_packets_disturb_nobody(
    running: Running, head: str, middle: str, content: Any, attachments: list[bytes]
) -> None:
    with RawSocket(running.url).join() as raw, contextlib.suppress(ConnectionError):
        raw.send(head + middle + json.dumps(content))
        for attachment in attachments:
            raw.send(attachment)


@given(event=EVENTS, content=JSON | KNOWN | st.binary(max_size=400))
@settings(parent=FAST, max_examples=200)
def test_random_events_are_answered(shared: tuple[Running, Live], event: str, content: Any) -> None:
    answer = shared[1].call(event, content)
    assert isinstance(answer, dict)
    assert set(answer) in ({"error"}, {"bundle"}, {"stats"}, {"frames", "predictions", "events", "dropped"}, set())
    if "error" in answer:
        assert answer["error"]["code"] in ("bad_points", "bad_request", "not_found", "busy")


@pytest.fixture
def shared(running: Running) -> Iterator[tuple[Running, Live]]:
    with Live(running.url) as live:
        yield running, live


@pytest.mark.parametrize("size", [1_000_001, 1_100_000, 3_000_000])
def test_messages_that_are_too_large_end_the_connection(running: Running, size: int) -> None:
    for content in ("4" * size, bytes(size)):
        with RawSocket(running.url).join() as raw:
            with contextlib.suppress(ConnectionError):
                raw.send(content)
            assert raw.is_closed()


def test_a_message_that_is_said_to_be_endless_ends_the_connection(running: Running) -> None:
    with RawSocket(running.url).join() as raw:
        raw.send_raw(struct.pack(">BBQ", 0x80 | TEXT, 0x80 | 127, 2**62) + bytes(4) + b"4")
        assert raw.is_closed()


def test_a_message_in_endless_pieces_ends_the_connection(running: Running) -> None:
    first, next_one = bytearray(frame_of("4" + "x" * 60_000)), bytearray(frame_of("x" * 60_000))
    first[0], next_one[0] = TEXT, 0  # not the last one
    with RawSocket(running.url).join() as raw:
        with contextlib.suppress(ConnectionError):
            raw.send_raw(bytes(first))
            for _ in range(100):
                raw.send_raw(bytes(next_one))
        assert raw.is_closed()


@pytest.mark.parametrize("content", [b"\xff" * 100, b"\x00" * 100, b"GET / HTTP/1.1\r\n\r\n", bytes([0x83, 0x80]) * 9])
def test_what_is_no_websocket_ends_the_connection(running: Running, content: bytes) -> None:
    with RawSocket(running.url).join() as raw:
        raw.send_raw(content)
        assert raw.is_closed()


@pytest.mark.parametrize(
    "head",
    [
        "",
        "GET",
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n",
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        "GET /socket.io/?EIO=4 HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
        "GET /elsewhere HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
    ],
)
def test_half_a_handshake_leaves_nothing_behind(running: Running, head: str) -> None:
    parts = urlsplit(running.url)
    for _ in range(5):
        with socket.create_connection((parts.hostname, parts.port), 5) as half:
            half.sendall(head.encode())
            time.sleep(0.02)


@pytest.mark.parametrize("namespace", ["/", "/other", "/gestures/", "/gesture", "/GESTURES", "/\u20ac"])
def test_other_namespaces_are_refused(running: Running, namespace: str) -> None:
    client = socketio.Client(reconnection=False, handle_sigint=False)
    with pytest.raises(socketio.exceptions.ConnectionError, match="namespaces failed to connect"):
        client.connect(running.url, transports=["websocket"], namespaces=[namespace], wait_timeout=5)
    client.disconnect()
    with Live(running.url) as live:
        live.socket.namespaces["/other"] = "made up"
        live.socket.emit("points", 1, namespace="/other")
        live.socket.emit("message", 1, namespace=GESTURES)
        wait_for(lambda: live.of("problem"))


@pytest.mark.slow
def test_clients_that_come_and_go_leave_nothing_behind(running: Running) -> None:
    def come_and_go(count: int) -> None:
        for i in range(count):
            with RawSocket(running.url) as raw:
                if i % 2:
                    raw.join()
                if i % 3 == 0:
                    raw.send("1")

    come_and_go(100)
    tasks = wait_for(lambda: tasks_of(running))
    before_mb = memory_mb()
    threads = [threading.Thread(target=come_and_go, args=(500,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: running.parts.streams.count == 1)
    wait_for(lambda: tasks_of(running) <= tasks + 2)
    assert memory_mb() - before_mb < 15


def tasks_of(running: Running) -> int:
    """How many tasks the server's loop has."""
    loop = running.server.servers[0].get_loop()
    return len(asyncio.all_tasks(loop))
