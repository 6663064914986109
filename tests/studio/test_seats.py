"""Seats are counted across processes with Redis, and within the process without it."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis

from ademan.studio import seats as module
from ademan.studio.seats import Seat, Seats
from tests.studio.conftest import run_together
from tests.studio.own_redis import OwnRedis, own_redis

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture(scope="module")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRedis]:
    with own_redis(tmp_path_factory.mktemp("redis")) as found:
        yield found


@pytest.fixture(params=["process", "redis", "away"])
def url(request: pytest.FixtureRequest) -> str:
    """Where seats are counted: nowhere else, in Redis, or in one that cannot be reached."""
    if request.param == "redis":
        return str(request.getfixturevalue("shared_redis").url)
    return "" if request.param == "process" else NOBODY


def test_as_many_as_there_are_can_be_taken_and_no_more(url: str) -> None:
    with closing(Seats(url, "most")) as seats:
        taken = [seats.take("stream/1", 2) for _ in range(3)]
        assert [seat is not None for seat in taken] == [True, True, False]
        assert seats.take("stream/2", 2) is not None
        assert taken[0] is not None
        taken[0].free()
        taken[0].free()
        with seats.take("stream/1", 2) or pytest.fail("it was freed"):
            assert seats.take("stream/1", 2) is None
        assert seats.take("stream/1", 2) is not None


def test_many_threads_at_once_get_no_more_than_there_are(url: str) -> None:
    with closing(Seats(url, "threads")) as seats:
        found: list[Seat | None] = []
        threads = [threading.Thread(target=lambda: found.append(seats.take("stream/1", 5))) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert sum(seat is not None for seat in found) == 5


def test_processes_share_what_there_is(shared_redis: OwnRedis) -> None:
    code = (
        "from ademan.studio.seats import Seats\n"
        "seats = Seats(sys.argv[1], 'shared')\n"
        "GO\n"
        "print(sum(seats.take('stream/1', 10) is not None for _ in range(10)), flush=True)\n"
        "sys.stdin.readline()"
    )
    counts = [int(told) for told in run_together(code, [[shared_redis.url]] * 3)]
    assert sum(counts) == 10


def test_seats_of_a_process_that_is_gone_lapse(shared_redis: OwnRedis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HELD_MS", 500)
    with closing(Seats(shared_redis.url, "lapse")) as seats, redis.Redis.from_url(shared_redis.url) as client:
        with closing(Seats(shared_redis.url, "lapse")) as other:
            assert other.take("stream/1", 1) is not None
            assert seats.take("stream/1", 1) is None
            end_s = time.monotonic() + 15
            while seats.take("stream/1", 1) is None:  # nothing renews within half a second
                assert time.monotonic() < end_s
                time.sleep(0.1)
        assert client.exists("lapse:seats:stream/1")


def test_seats_that_are_held_are_renewed_also_in_a_redis_that_was_started_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "_RENEWED_S", 0.2)
    monkeypatch.setattr(module, "_AWAY_S", 0.2)
    with (
        own_redis(tmp_path) as server,
        caplog.at_level(logging.INFO),
        closing(Seats(server.url, "anew")) as one,
        closing(Seats(server.url, "anew")) as other,
    ):
        assert one.take("stream/1", 1) is not None
        assert other.take("stream/1", 1) is None
        server.kill()
        alone = other.take("stream/1", 1)  # each process counts for itself
        assert alone is not None
        alone.free()
        server.start()
        end_s = time.monotonic() + 30
        while (more := other.take("stream/1", 1)) is not None:
            more.free()
            assert time.monotonic() < end_s, "what the other holds does not come back"
            time.sleep(0.1)
    assert "limits are counted in each process alone for now" in caplog.text


def test_a_redis_that_is_away_costs_little(caplog: pytest.LogCaptureFixture) -> None:
    with closing(Seats(NOBODY, "away")) as seats:
        started_s = time.monotonic()
        for number in range(50):
            assert seats.take(f"stream/{number}", 1) is not None
        assert time.monotonic() - started_s < 10
    assert [record.levelname for record in caplog.records] == ["WARNING"]
