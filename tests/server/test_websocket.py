"""WebSockets whose clients do not read, or send what is no text."""

import logging
import time

import pytest

from ademan.server.websocket import GuardedSocket
from tests.server.conftest import Running, Serve, wait_for
from tests.server.fakes import PING, TEXT, Live, RawSocket, frame_of, memory_mb, settled


@pytest.fixture
def running(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Running:
    """A server that soon loses its patience."""
    monkeypatch.setattr(GuardedSocket, "patience_s", 1.0)
    return serve()


def test_who_reads_nothing_fills_no_memory_and_is_cut_off(running: Running) -> None:
    pings = frame_of(b"x" * 125, PING) * 1000
    with RawSocket(running.url, buffer=4096).join() as raw, Live(running.url) as live:
        before_mb, begun, sent = memory_mb(), time.monotonic(), 0
        with pytest.raises(ConnectionError):
            while True:
                raw.send_raw(pings)
                sent += len(pings)
        assert 1.0 < time.monotonic() - begun < 10
        assert sent > 10e6
        assert memory_mb() - before_mb < 10
        wait_for(lambda: running.parts.streams.count == 1)
        assert "bundle" in live.call("start")
    wait_for(settled(running))


def test_who_reads_late_gets_all(running: Running) -> None:
    pings = frame_of(b"x" * 125, PING) * 1000
    with RawSocket(running.url).join() as raw:
        heard = 0
        for _ in range(20):
            raw.send_raw(pings)
        while heard < 20 * 1000 * 127:
            heard += len(raw.socket.recv(1 << 20))
        raw.send('42/gestures,1["stats"]')
        raw.read_until(b"43/gestures,1")


def test_text_that_is_no_utf8_ends_the_connection_without_a_word(
    running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    for content in (b"\xff", b"4\xc3", b"42/gestures,\xed\xa0\x80"):
        with RawSocket(running.url).join() as raw:
            raw.send(content, TEXT)
            assert raw.is_closed()
    wait_for(settled(running))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
