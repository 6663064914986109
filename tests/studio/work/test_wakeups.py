import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from ademan.studio.config import StudioConfig
from ademan.studio.work.wakeups import HueyBell, open_queue
from tests.studio.conftest import missing

REDIS = "redis://127.0.0.1:6379/0"
NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture(params=["own", "redis"])
def bells(request: pytest.FixtureRequest, config: StudioConfig, tmp_path: Path) -> Iterator[tuple[HueyBell, HueyBell]]:
    """Two ends: one rings, one waits; by the studio's own database, or by Redis."""
    if request.param == "redis":
        try:
            redis.Redis.from_url(REDIS, socket_connect_timeout=2).ping()
        except redis.RedisError as error:
            missing(f"no Redis at {REDIS}: {error}")
        own = f"sqlite:///{tmp_path / uuid.uuid4().hex}.db"  # a queue of its own on a Redis that others use
        config = StudioConfig(data=config.data, database_url=own, redis_url=REDIS)
    queue = open_queue(config)
    queue.flush_queue()
    queue.close()
    ends = HueyBell(config), HueyBell(config)
    yield ends
    for bell in ends:
        bell.close()


def test_a_ring_wakes_whoever_waits(bells: tuple[HueyBell, HueyBell]) -> None:
    ringing, waiting = bells
    assert not waiting.wait(0.1)
    rung_s: list[float] = []

    def ring() -> None:
        rung_s.append(time.monotonic())
        ringing.ring()

    timer = threading.Timer(0.3, ring)
    timer.start()
    assert waiting.wait(20)
    assert time.monotonic() - rung_s[0] < 5
    timer.join()
    assert not waiting.wait(0.1)


def test_a_ring_is_heard_by_one_who_comes_later(bells: tuple[HueyBell, HueyBell]) -> None:
    ringing, waiting = bells
    ringing.ring()
    ringing.ring()
    assert waiting.wait(5)
    assert waiting.wait(5)
    assert not waiting.wait(0.1)


def test_rings_that_nobody_hears_do_not_pile_up(bells: tuple[HueyBell, HueyBell]) -> None:
    ringing, waiting = bells
    for _ in range(130):
        ringing.ring()
    heard = 0
    while waiting.wait(0.3):
        heard += 1
    assert heard == 100


def test_without_a_connection_ringing_does_nothing_and_waiting_takes_its_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bell = HueyBell(StudioConfig(data=str(tmp_path), database_url=f"sqlite:///{tmp_path / 'a.db'}", redis_url=NOBODY))
    started_s = time.monotonic()
    bell.ring()
    bell.ring()
    assert not bell.wait(0.5)
    assert time.monotonic() - started_s < 8
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "no wake-ups for now, workers look by themselves" in caplog.text


def test_what_is_in_the_queue_is_never_unpacked(bells: tuple[HueyBell, HueyBell]) -> None:
    ringing, waiting = bells
    ringing.ring()
    queue = ringing._queue
    queue.enqueue(b"\x80\x04cos\nsystem\n(S'exit 1'\ntR.")  # a pickle that would run a command
    assert waiting.wait(5)
    assert waiting.wait(5)
