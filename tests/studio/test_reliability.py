"""What is left when something breaks in the middle of the work: all that was acknowledged, and nothing half done."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, select

from ademan.studio.config import StudioConfig
from ademan.studio.data import Database, StudioError
from ademan.studio.data.clips import Clips
from ademan.studio.data.files import open_files
from ademan.studio.data.gestures import GestureSets, SetInfo
from ademan.studio.data.jobs import Jobs
from ademan.studio.data.people import Person
from ademan.studio.data.tables import ClipRow
from ademan.studio.web.parts import open_studio
from ademan.studio.work.retrain import Workshop
from ademan.studio.work.wakeups import HueyBell
from ademan.studio.work.worker import Worker
from tests.studio.conftest import POSTGRES, QUICK, Studio, made_clip
from tests.studio.own_redis import own_redis
from tests.studio.processes import wait_for
from tests.studio.work.conftest import at_once


@pytest.fixture
def owned(studio: Studio) -> tuple[Studio, SetInfo, Person]:
    """A studio with a set, and somebody who records."""
    ana = studio.person("Ana")
    return studio, studio.gesture_set(ana.id), ana


def check_all_there(config: StudioConfig, acknowledged: set[str]) -> set[str]:
    """Begin a studio anew, and return its clips: what was acknowledged is there, and each row has its file."""
    opened = open_studio(config, QUICK)
    with opened.database.reading() as session:
        rows = {row.id: row.file_key for row in session.scalars(select(ClipRow))}
    assert acknowledged <= rows.keys(), f"{len(acknowledged - rows.keys())} clips are lost"
    for key in rows.values():
        assert len(opened.files.get(key)) > 500
    opened.close()
    return set(rows)


SAVES = """
import sys, threading
from ademan.studio.config import StudioConfig
from ademan.studio.data import Database
from ademan.studio.data.clips import Clips
from ademan.studio.data.files import open_files
from tests.studio.conftest import made_clip
config = StudioConfig(data=sys.argv[1], database_url=sys.argv[2], files=sys.argv[3])
database = Database(config.database_url)
clips, clip = Clips(database, open_files(config)), made_clip()

def save():
    while True:
        sys.stdout.write(clips.add(clip, int(sys.argv[4]), int(sys.argv[5])).id + "\\n")
        sys.stdout.flush()

for _ in range(16):
    threading.Thread(target=save).start()
"""


def saves_until_killed(config: StudioConfig, set_id: int, person_id: int, most: int) -> set[str]:
    """Let sixteen threads of a process save clips, kill it in the midst of that, and return what was acknowledged."""
    arguments = [config.data, config.database_url, config.files, str(set_id), str(person_id)]
    process = subprocess.Popen(
        [sys.executable, "-c", SAVES, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "OMP_NUM_THREADS": "1"},
    )
    assert process.stdout is not None
    told = []
    for line in process.stdout:
        told.append(line)
        if len(told) == most:
            process.send_signal(signal.SIGKILL)
    process.wait(20)
    process.stdout.close()
    return {line.strip() for line in told if line.endswith("\n")}


@pytest.mark.slow
def test_clips_that_were_acknowledged_outlive_a_killed_process(owned: tuple[Studio, SetInfo, Person]) -> None:
    studio, owner, ana = owned
    acknowledged: set[str] = set()
    for most in (30, 150, 300):
        acknowledged |= saves_until_killed(studio.config, owner.id, ana.id, most)
    studio.database.close()
    assert len(acknowledged) >= 480
    found = check_all_there(studio.config, acknowledged)
    assert len(found) - len(acknowledged) <= 3 * 16  # kept, and not told any more


@contextmanager
def connections_killed(key: str, every_s: float) -> Iterator[list[int]]:
    """End all of a studio's connections to PostgreSQL again and again; gives how many each time."""
    counts: list[int] = []
    ends = threading.Event()

    def run() -> None:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s"
        asked = f"SELECT count(*) FROM ({ended}) AS ended"  # noqa: S608 - a text of ours
        with psycopg.connect(POSTGRES, autocommit=True) as connection:
            while not ends.wait(every_s):
                row = connection.execute(asked, [key]).fetchone()
                counts.append(row[0] if row else 0)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield counts
    finally:
        ends.set()
        thread.join(10)


def again(call: Callable[[], Any], seconds: float = 60) -> Any:
    """Do as people do who are told that it cannot be done now."""
    end_s = time.monotonic() + seconds
    while True:
        try:
            return call()
        except StudioError as error:
            assert error.code == "unavailable", error
            assert time.monotonic() < end_s
            time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_nothing_is_lost_when_postgresql_ends_all_connections_again_and_again(
    owned: tuple[Studio, SetInfo, Person],
) -> None:
    """Four threads save and ask, a worker works; what fails fails with `unavailable`, and can be done again."""
    studio, owner, ana = owned
    admin, acknowledged, refused = ana.id, set[str](), list[StudioError]()
    ends = threading.Event()
    worker = Worker(
        Workshop(studio.database, studio.files, studio.config.folder / "work"), Still(), do=at_once, look_s=0.1
    )
    working = threading.Thread(target=worker.run)

    def save() -> None:
        while not ends.is_set():
            try:
                acknowledged.add(studio.clip(owner, ana).id)
            except StudioError as error:
                assert error.code == "unavailable", error
                refused.append(error)

    jobs, asked = Jobs(studio.database), []
    with connections_killed(studio.database.key, 0.15) as counts, ThreadPoolExecutor(4) as threads:
        working.start()
        saving = [threads.submit(save) for _ in range(4)]
        try:
            for number in range(8):
                made = again(lambda number=number: studio.sets.add(admin, f"Set {number}").id)  # type: ignore[misc]
                asked.append(again(lambda made=made: jobs.enqueue("train", made)))  # type: ignore[misc]
                time.sleep(1.0)
        finally:
            ends.set()
        for one in saving:
            one.result(60)
    wait_for(lambda: all(again(lambda one=one: jobs.get(one)).is_over for one in asked), 90)  # type: ignore[misc]
    worker.end()
    working.join(30)
    assert {jobs.get(one).state for one in asked} == {"done"}
    assert sum(counts) > 20
    assert len(refused) > 3
    assert len(acknowledged) > 20
    studio.database.close()
    check_all_there(studio.config, acknowledged)


class Still:
    """A bell that nobody rings."""

    def ring(self) -> None:
        pass

    def wait(self, timeout_s: float) -> bool:
        time.sleep(timeout_s)
        return False

    def close(self) -> None:
        pass


@pytest.mark.parametrize("backend", ["postgresql"], indirect=True)
def test_a_clip_whose_connection_broke_while_it_was_kept_keeps_its_file(owned: tuple[Studio, SetInfo, Person]) -> None:
    """The database has it, though it could not say so: a row without a file would be worse than a file too many."""
    studio, owner, ana = owned
    studio.clip(owner, ana)

    @event.listens_for(studio.database._writing_engine, "commit")
    def kept_and_cut(connection: Any) -> None:
        driver = connection.connection.driver_connection
        pid = driver.info.backend_pid
        driver.execute("COMMIT")
        driver.execute("SELECT 1")  # so that there is something to commit, in vain
        with psycopg.connect(POSTGRES, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])

    with pytest.raises(StudioError) as refused:
        studio.clip(owner, ana)
    event.remove(studio.database._writing_engine, "commit", kept_and_cut)
    assert refused.value.code == "unavailable"
    with studio.database.reading() as session:
        keys = session.scalars(select(ClipRow.file_key)).all()
    assert len(keys) == 2
    assert all(studio.files.get(key) for key in keys)


def test_sixteen_threads_that_write_into_sqlite_all_have_their_turn(tmp_path: Path) -> None:
    opened = open_studio(StudioConfig(data=str(tmp_path / "studio")), QUICK)
    ana = opened.accounts.register("Ana", "four words of mine")
    owner, clip = opened.sets.add(ana.id, "Greetings"), made_clip()
    with ThreadPoolExecutor(16) as threads:
        kept = list(threads.map(lambda _: opened.clips.add(clip, owner.id, ana.id).id, range(96)))
    assert len({*kept}) == 96
    opened.close()


def test_who_waits_too_long_for_a_turn_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ademan.studio.data.database._BUSY_MS", 200)
    with closing(Database(f"sqlite:///{tmp_path / 'a.db'}")) as database, database.writing():
        with ThreadPoolExecutor(1) as threads, pytest.raises(StudioError, match="too many write into") as refused:
            threads.submit(lambda: database.writing().__enter__()).result(20)
        assert refused.value.code == "unavailable"


def on(disk: Path, config: StudioConfig, *, database: bool) -> StudioConfig:
    """The same studio, with its files or its database on another disk."""
    url = f"sqlite:///{disk / 'studio.db'}" if database else config.database_url
    files = config.files if database else str(disk / "files")
    return StudioConfig(data=config.data, database_url=url, files=files)


def save_until_full(clips: Clips, set_id: int, person_id: int) -> list[str]:
    """Save until somebody says that there is no more room; return what was acknowledged."""
    kept, clip = list[str](), made_clip(300)
    with pytest.raises(StudioError) as refused:
        while len(kept) < 2000:
            kept.append(clips.add(clip, set_id, person_id).id)
    assert refused.value.code == "unavailable"
    assert "full" in str(refused.value)
    return kept


def test_a_disk_that_fills_up_while_clips_are_saved_costs_only_what_was_refused(
    owned: tuple[Studio, SetInfo, Person], small_disk: Path
) -> None:
    studio, owner, ana = owned
    config = on(small_disk, studio.config, database=False)
    files = open_files(config)
    clips = Clips(studio.database, files)
    (small_disk / "filler").write_bytes(bytes(500_000))
    kept = save_until_full(clips, owner.id, ana.id)
    assert len(kept) >= 2
    assert {file.key for file in files.all()} == {f"clips/{name[:2]}/{name}.npz" for name in kept}
    (small_disk / "filler").unlink()
    kept.append(clips.add(made_clip(300), owner.id, ana.id).id)
    studio.database.close()
    assert check_all_there(config, set(kept)) == set(kept)


def test_a_full_disk_beneath_the_database_costs_only_what_was_refused(tmp_path: Path, small_disk: Path) -> None:
    config = on(small_disk, StudioConfig(data=str(tmp_path / "studio")), database=True)
    opened = open_studio(config, QUICK)
    ana = opened.accounts.register("Ana", "four words of mine")
    owner = GestureSets(opened.database, opened.files).add(ana.id, "Greetings")
    kept = save_until_full(opened.clips, owner.id, ana.id)
    assert kept
    assert {file.key for file in opened.files.all()} >= {f"clips/{name[:2]}/{name}.npz" for name in kept}
    opened.close()
    subprocess.run(["mount", "-o", "remount,size=8m", small_disk], check=True)
    assert check_all_there(config, set(kept)) == set(kept)


def test_without_redis_workers_find_jobs_by_themselves_and_are_woken_again_when_it_is_back(
    owned: tuple[Studio, SetInfo, Person], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    studio, owner, _ = owned
    with own_redis(tmp_path) as server:
        url = studio.config.database_url
        config = StudioConfig(data=studio.config.data, database_url=url, redis_url=server.url)
        workshop = Workshop(studio.database, studio.files, config.folder / "work")
        worker = Worker(workshop, HueyBell(config), do=at_once, look_s=2.0)
        working = threading.Thread(target=worker.run)
        working.start()
        with closing(HueyBell(config)) as bell:
            jobs = Jobs(studio.database, bell.ring)
            try:
                first = jobs.enqueue("train", owner.id)
                wait_for(lambda: jobs.get(first).state == "done")
                server.kill()
                second = jobs.enqueue("train", owner.id)
                wait_for(lambda: jobs.get(second).state == "done")
                server.start()
                third = jobs.enqueue("train", owner.id)
                wait_for(lambda: jobs.get(third).state == "done")
            finally:
                worker.end()
                working.join(30)
    told = [record.getMessage() for record in caplog.records if "no wake-ups for now" in record.getMessage()]
    assert 1 <= len(told) <= 2  # once by who rings, once by who waits
