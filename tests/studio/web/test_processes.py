"""Several processes are one studio: behind one socket, or each with its own; and several workers beside them."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
import requests

from ademan.errors import ServerError
from ademan.studio.config import StudioConfig
from ademan.studio.data import Database
from ademan.studio.data.files import open_files
from ademan.studio.data.gestures import GestureSets
from ademan.studio.data.jobs import Jobs
from ademan.studio.data.tables import Job
from ademan.studio.web.processes import run_processes
from ademan.studio.work.wakeups import HueyBell
from tests.studio.own_redis import own_redis
from tests.studio.processes import program, wait_for
from tests.studio.web.conftest import GOOD, Visitor


@pytest.fixture
def config(empty_url: str, tmp_path: Path) -> StudioConfig:
    return StudioConfig(data=str(tmp_path / "studio"), database_url=empty_url, files=str(tmp_path / "studio" / "files"))


@pytest.fixture(params=["with Redis", "without Redis"])
def redis_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "without Redis":
        yield ""
        return
    with own_redis(tmp_path) as server:
        yield server.url


def children(pid: int) -> list[psutil.Process]:
    """The processes that answer, which another one began."""
    found = psutil.Process(pid).children()
    return [child for child in found if any("spawn_main" in word for word in child.cmdline())]


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_processes_behind_one_address_are_begun_again_and_end_together(tmp_path: Path) -> None:
    config = StudioConfig(data=str(tmp_path / "studio"))
    with program(config, "studio", "--port", "0", "--processes", "2") as studio:
        url = studio.url
        first = children(studio.process.pid)
        assert len(first) == 2
        visitor = Visitor(url)
        assert visitor.register("Ada").headers["location"] == "/"
        for _ in range(20):  # whichever of them answers
            visitor.session.close()
            assert visitor.get("/account").status_code == 200
        first[0].kill()
        studio.wait_until_said("process ended, another begins")
        wait_for(lambda: len(children(studio.process.pid)) == 2)
        assert first[0].pid not in {child.pid for child in children(studio.process.pid)}
        assert requests.get(f"{url}/health", timeout=20).json()["status"] == "ok"
        last = children(studio.process.pid)
        assert studio.end(signal.SIGTERM) == 0
        assert all(is_gone(child) for child in last)


@pytest.mark.slow
def test_no_process_is_left_when_the_first_one_is_killed(tmp_path: Path) -> None:
    config = StudioConfig(data=str(tmp_path / "studio"))
    with program(config, "studio", "--port", "0", "--processes", "2") as studio:
        assert studio.url
        left = children(studio.process.pid)
        studio.process.kill()
        wait_for(lambda: all(is_gone(child) for child in left), 30)


@pytest.mark.slow
def test_processes_that_cannot_begin_are_told_and_none_is_left(tmp_path: Path) -> None:
    away = StudioConfig(data=str(tmp_path), database_url="postgresql://nobody@127.0.0.1:1/none")
    with program(away, "studio", "--port", "0", "--processes", "2") as studio:
        assert studio.process.wait(60) == 1
        assert "a process of the studio could not begin; what it said stands above." in studio.wait_until_said("begin;")
        assert any("cannot be used now" in line for line in studio.said)


def _never(_: Callable[[], None]) -> None:
    os._exit(3)


@pytest.mark.slow
def test_a_process_that_dies_before_it_answers_ends_all() -> None:
    with pytest.raises(ServerError, match="a process of the studio could not begin"):
        run_processes(2, _never, lambda: None)


@pytest.mark.slow
def test_two_studios_and_two_workers_at_once_are_one(config: StudioConfig, redis_url: str) -> None:
    """A session and its forms hold in both; each job is done once, by either worker."""
    config = StudioConfig(
        data=config.data, database_url=config.database_url, files=config.files, redis_url=redis_url
    )  # fmt: skip
    with (
        program(config, "studio", "--port", "0") as one,
        program(config, "studio", "--port", "0") as two,
        program(config, "worker", "--log", "json") as first,
        program(config, "worker", "--log", "json") as second,
    ):
        urls = [one.url, two.url]
        visitor = Visitor(urls[0])
        _sign_in_on_both(visitor, urls)
        with closing(Database(config.database_url)) as database:
            asked = _ask_for_jobs(config, database, 8)
            jobs = Jobs(database)
            wait_for(lambda: all(jobs.get(one_asked).is_over for one_asked in asked), 120)
            found = [jobs.get(one_asked) for one_asked in asked]
            assert {(job.state, job.attempts) for job in found} == {("failed", 1)}  # there is nothing to learn from
            with database.reading() as session:
                assert session.query(Job).count() == 8
        health = wait_for(lambda: _healthy(urls[0], 2))
        assert health["redis"] == ("ok" if redis_url else "none")
        taken = [sum("taken" in line for line in worker.said) for worker in (first, second)]
        assert sum(taken) == 8
        assert [running.end(signal.SIGTERM) for running in (first, second, one, two)] == [0] * 4


def _sign_in_on_both(visitor: Visitor, urls: list[str]) -> None:
    assert visitor.register("Ada").headers["location"] == "/"
    for _ in range(2):
        for url in urls:
            visitor.url = url
            assert visitor.get("/account").status_code == 200
    visitor.url = urls[0]
    visitor.get("/account")  # its form's token ...
    visitor.url = urls[1]  # ... is sent to the other
    changed = {"current": GOOD, "password": f"{GOOD} more", "again": f"{GOOD} more"}
    assert visitor.post("/account/password", changed).headers["location"] == "/account"
    visitor.url = urls[0]
    assert visitor.post("/logout").status_code == 303
    visitor.url = urls[1]
    assert visitor.get("/account").headers["location"].startswith("/login")


def _ask_for_jobs(config: StudioConfig, database: Database, count: int) -> list[int]:
    sets = GestureSets(database, open_files(config))
    with closing(HueyBell(config)) as bell:
        jobs = Jobs(database, bell.ring)
        return [jobs.enqueue("train", sets.add(1, f"Set {number}").id) for number in range(count)]


def _healthy(url: str, workers: int) -> dict[str, object]:
    """Return what the studio says of itself once it has heard of so many workers."""
    health: dict[str, object] = requests.get(f"{url}/health", timeout=20).json()
    return health if health["workers"] == workers else {}
