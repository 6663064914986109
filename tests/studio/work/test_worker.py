import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from typing import Any

import psutil
import psycopg
import pytest
from sqlalchemy import text, update

from ademan.errors import TrainingError
from ademan.studio.config import DATA_VARIABLE, DATABASE_VARIABLE, FILES_VARIABLE, REDIS_VARIABLE, StudioConfig
from ademan.studio.data import Database
from ademan.studio.data.files import open_files
from ademan.studio.data.jobs import STALE_MS, Held, Jobs, JobView
from ademan.studio.data.tables import Job
from ademan.studio.work import options
from ademan.studio.work.pulse import Pulse
from ademan.studio.work.retrain import Outcome, Workshop
from ademan.studio.work.wakeups import HueyBell
from ademan.studio.work.worker import Worker
from tests.studio.conftest import POSTGRES
from tests.studio.work.conftest import Filled, Silence, at_once, without_end

NOBODY = "redis://127.0.0.1:1/0"
Running = Callable[[Worker], threading.Thread]


def fails(_: Workshop, held: Held, pulse: Pulse) -> Outcome:
    raise TrainingError("training needs clips of two classes or more")


def breaks(_: Workshop, held: Held, pulse: Pulse) -> Outcome:
    raise ZeroDivisionError("unexpected")


def is_running(job: JobView) -> bool:
    return job.state == "running" and job.message == "at it"


def is_learning(job: JobView) -> bool:
    assert job.state != "failed", job.message
    return job.message.startswith("Epoch")


def is_done(job: JobView) -> bool:
    return job.state == "done"


def fall_silent(filled: Filled, job_id: int) -> None:
    """Let the last beat of a job be long ago."""
    with filled.studio.database.writing() as session:
        session.execute(update(Job).where(Job.id == job_id).values(heartbeat_ms=Job.heartbeat_ms - STALE_MS - 1000))


def test_a_worker_does_what_is_queued_and_ends_if_it_is_to_do_so_once(filled: Filled) -> None:
    other = filled.studio.gesture_set(filled.admin, "Others").id
    asked = [filled.jobs.enqueue("train", filled.set_id), filled.jobs.enqueue("train", other)]
    assert Worker(filled.workshop, Silence(), do=at_once).run(once=True) == 2
    for job in map(filled.jobs.get, asked):
        assert (job.state, job.message, job.progress) == ("done", "done at once", 1.0)
        assert [line.text for line in filled.jobs.lines(job.id)] == ["at it", "done at once"]


def test_what_cannot_be_done_is_told(filled: Filled) -> None:
    job = filled.work(do=fails)
    assert (job.state, job.message) == ("failed", "training needs clips of two classes or more")


def test_what_nobody_expected_is_told_and_the_worker_goes_on(filled: Filled, caplog: pytest.LogCaptureFixture) -> None:
    job = filled.work(do=breaks)
    assert job.state == "failed"
    assert "something unexpected went wrong: ZeroDivisionError('unexpected')" in job.message
    assert "Traceback" in caplog.text
    assert filled.work(do=at_once).state == "done"


def test_a_job_is_cancelled_within_seconds(filled: Filled, running: Running) -> None:
    asked = filled.jobs.enqueue("train", filled.set_id)
    running(Worker(filled.workshop, Silence(), do=without_end, look_s=0.2))
    filled.wait_for(asked, is_running)
    filled.jobs.cancel(asked)
    started_s = time.monotonic()
    filled.wait_for(asked, lambda job: job.state == "cancelled")
    assert time.monotonic() - started_s < 8
    assert not filled.workshop.folder_of(asked).exists()


def test_a_worker_that_ends_gives_its_job_back_at_once(filled: Filled, running: Running) -> None:
    asked = filled.jobs.enqueue("train", filled.set_id)
    worker = Worker(filled.workshop, Silence(), do=without_end)
    thread = running(worker)
    filled.wait_for(asked, is_running)
    worker.end()
    thread.join(5)
    job = filled.jobs.get(asked)
    assert (job.state, job.attempts, job.worker) == ("queued", 0, None)
    assert job.message == "its worker was stopped; waiting for another"
    Worker(filled.workshop, Silence(), do=at_once).run(once=True)
    assert filled.jobs.get(asked).state == "done"


def test_a_worker_that_lost_its_job_stops_and_keeps_nothing(filled: Filled, running: Running) -> None:
    asked = filled.jobs.enqueue("train", filled.set_id)
    slow = Worker(filled.workshop, Silence(), do=without_end, look_s=60)
    running(slow)
    filled.wait_for(asked, is_running)
    with filled.studio.database.writing() as session:  # as if it had been taken up elsewhere after a silence
        session.execute(update(Job).where(Job.id == asked).values(worker="another", attempts=2))
    time.sleep(0.1)
    end_s = time.monotonic() + 10
    while any(t.name == f"pulse of job {asked}" for t in threading.enumerate()):
        assert time.monotonic() < end_s, "it does not stop"
        time.sleep(0.05)
    job = filled.jobs.get(asked)
    assert (job.state, job.worker) == ("running", "another")


def test_what_is_due_is_asked_for_and_done(filled: Filled, running: Running) -> None:
    filled.studio.settings.set(options.WHEN, "clips")
    filled.studio.settings.set(options.CLIPS, 2)
    filled.join(1, each=1)
    running(Worker(filled.workshop, Silence(), do=at_once, look_s=0.2))
    end_s = time.monotonic() + 15
    while not (found := filled.jobs.recent()) or found[0].state != "done":
        assert time.monotonic() < end_s
        time.sleep(0.05)
    assert (found[0].kind, len(found)) == ("retrain", 1)


def test_a_ring_starts_a_job_long_before_the_next_look(filled: Filled, running: Running) -> None:
    config = filled.studio.config
    running(Worker(filled.workshop, HueyBell(config), do=at_once, look_s=60))
    time.sleep(1.0)
    ringing = HueyBell(config)
    started_s = time.monotonic()
    asked = Jobs(filled.studio.database, ringing.ring).enqueue("train", filled.set_id)
    filled.wait_for(asked, is_done)
    assert time.monotonic() - started_s < 10
    ringing.close()


def test_without_redis_jobs_are_done_by_the_next_look(filled: Filled, running: Running) -> None:
    away = StudioConfig(
        data=filled.studio.config.data, database_url=filled.studio.config.database_url, redis_url=NOBODY
    )
    bell = HueyBell(away)
    running(Worker(filled.workshop, bell, do=at_once, look_s=0.5))
    time.sleep(0.3)
    asked = Jobs(filled.studio.database, bell.ring).enqueue("train", filled.set_id)
    filled.wait_for(asked, is_done)


@pytest.mark.slow
def test_a_database_that_is_restarted_in_the_middle_changes_nothing(
    filled: Filled, running: Running, backend: str
) -> None:
    asked = filled.jobs.enqueue("train", filled.set_id)
    go_on = threading.Event()

    def waits(_: Workshop, held: Held, pulse: Pulse) -> Outcome:
        pulse.tell("at it", 0.3)
        while not go_on.is_set():
            pulse.check()
            time.sleep(0.02)
        pulse.tell("nearly done", 0.9)
        return Outcome({"by": held.worker}, "done")

    running(Worker(filled.workshop, Silence(), do=waits, look_s=0.2))
    filled.wait_for(asked, is_running)
    for _ in range(5):
        cut_connections(filled.studio.database)
        time.sleep(0.5)
    go_on.set()
    job = filled.wait_for(asked, is_done)
    assert job.attempts == 1


class Away(Database):
    """A database that can be out of reach."""

    is_away = False

    def come_back(self) -> None:
        self.is_away = False

    def writing(self, *locks: str):  # type: ignore[no-untyped-def]
        if self.is_away:
            return Database("postgresql://postgres@127.0.0.1:1/test").writing()
        return super().writing(*locks)


@pytest.fixture
def away(filled: Filled) -> Iterator[Away]:
    """The database of the studio, which can be out of reach; closed once no worker is left."""
    database = Away(filled.studio.config.database_url)
    yield database
    database.close()


def test_a_database_that_is_away_for_a_while_is_waited_for(filled: Filled, away: Away, running: Running) -> None:
    asked = filled.jobs.enqueue("train", filled.set_id)

    def goes_away(_: Workshop, held: Held, pulse: Pulse) -> Outcome:
        away.is_away = True
        threading.Timer(2.5, away.come_back).start()
        return Outcome({"by": held.worker}, "done while nobody could be told")

    workshop = Workshop(away, filled.studio.files, filled.workshop.scratch)
    running(Worker(workshop, Silence(), do=goes_away, look_s=0.2))
    job = filled.wait_for(asked, is_done)
    assert (job.message, job.attempts) == ("done while nobody could be told", 1)


def cut_connections(database: Database) -> None:
    """Do to the connections of a database object what a restart of the server does."""
    if database.is_sqlite:
        database.close()
        return
    with database.engine.connect() as one, database.engine.connect() as other:
        pids = [c.scalar(text("SELECT pg_backend_pid()")) for c in (one, other)]
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        for pid in pids:
            server.execute("SELECT pg_terminate_backend(%s)", (pid,))


def _work(config: StudioConfig, together: Any, done: Any) -> None:
    """Do jobs in a process of its own until there are none, and say how many."""
    workshop = Workshop(Database(config.database_url), open_files(config), config.folder / "work")
    together.wait(60)
    done.put(Worker(workshop, Silence(), do=at_once).run(once=True))


def test_two_workers_do_twenty_jobs_each_once(filled: Filled) -> None:
    sets = [filled.studio.gesture_set(filled.admin, f"Set {k}", ()).id for k in range(20)]
    asked = [filled.jobs.enqueue("train", one) for one in sets]
    processes = get_context("spawn")
    together, done = processes.Barrier(2), processes.Queue()
    workers = [processes.Process(target=_work, args=(filled.studio.config, together, done)) for _ in range(2)]
    for worker in workers:
        worker.start()
    counts = [done.get(timeout=90) for _ in workers]
    for worker in workers:
        worker.join(20)
    assert sum(counts) == 20
    found = [filled.jobs.get(one) for one in asked]
    assert all(job.state == "done" and job.attempts == 1 for job in found)
    lines = Counter(line.text for one in asked for line in filled.jobs.lines(one))
    assert lines["done at once"] == 20


def _hang(config: StudioConfig) -> None:
    """Take a job, and be at it for ever."""
    workshop = Workshop(Database(config.database_url), open_files(config), config.folder / "work")
    Worker(workshop, Silence(), do=without_end).run()


def test_the_job_of_a_worker_that_was_killed_is_taken_up_by_another(filled: Filled) -> None:
    asked = filled.jobs.enqueue("train", filled.set_id)
    process = get_context("spawn").Process(target=_hang, args=(filled.studio.config,))
    process.start()
    filled.wait_for(asked, is_running, seconds=40)
    process.kill()
    process.join()
    assert Worker(filled.workshop, Silence(), do=at_once).run(once=True) == 0  # it may be alive yet
    fall_silent(filled, asked)
    assert Worker(filled.workshop, Silence(), do=at_once).run(once=True) == 1
    job = filled.jobs.get(asked)
    assert (job.state, job.attempts) == ("done", 2)
    assert any("has said nothing for 3" in line.text for line in filled.jobs.lines(asked))


def test_what_jobs_have_left_is_deleted_once_they_are_over(filled: Filled) -> None:
    asked = filled.jobs.enqueue("train", filled.set_id)
    for number in (asked, 4711):
        folder = filled.workshop.folder_of(number) / "attempt-1"
        folder.mkdir(parents=True)
        (folder / "clips.h5").write_bytes(b"clips of people")
    worker = Worker(filled.workshop, Silence(), do=at_once)
    worker.end()
    worker.run()
    assert [number for number, _ in filled.workshop.folders()] == [asked]
    filled.jobs.cancel(asked)
    worker.run()
    assert list(filled.workshop.folders()) == []


WORKER = "from ademan.cli.worker import worker; worker(once={once})"


def start_worker(config: StudioConfig, *, once: bool = False) -> "subprocess.Popen[bytes]":
    """Start what `ademan worker` is."""
    places = {DATA_VARIABLE: config.data, DATABASE_VARIABLE: config.database_url, FILES_VARIABLE: config.files}
    environment = {**os.environ, **places, REDIS_VARIABLE: ""}
    return subprocess.Popen([sys.executable, "-c", WORKER.format(once=once)], env=environment)


def trainings(config: StudioConfig) -> list[psutil.Process]:
    """The processes that train for a studio."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if "ademan.studio.work.task" in line and any(config.data in part for part in line):
            found.append(process)
    return found


@pytest.mark.slow
def test_a_training_whose_worker_was_killed_is_gone_on_with_by_another(filled: Filled) -> None:
    filled.join(3)
    filled.studio.settings.set(options.TRAINING, {"epochs": 60, "epoch_steps": 10, "batch_size": 16, "threads": 1})
    asked = filled.jobs.enqueue("train", filled.set_id)
    first = start_worker(filled.studio.config)
    try:
        filled.wait_for(asked, is_learning, seconds=120)
        assert len(trainings(filled.studio.config)) == 1
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    end_s = time.monotonic() + 10
    while trainings(filled.studio.config):
        assert time.monotonic() < end_s, "the training goes on without its worker"
        time.sleep(0.1)
    fall_silent(filled, asked)
    assert start_worker(filled.studio.config, once=True).wait(240) == 0
    job = filled.jobs.get(asked)
    assert (job.state, job.attempts) == ("done", 2), job.message
    lines = [line.text for line in filled.jobs.lines(asked)]
    assert "Going on where an earlier attempt was stopped." in lines
    epochs = [line.split(",")[0] for line in lines if line.startswith("Epoch")]
    assert epochs[-1] == "Epoch 60 of 60"
    assert len(epochs) == len(set(epochs)), "an epoch was done twice"
    assert filled.studio.models.live(filled.set_id) is not None


@pytest.mark.slow
def test_a_worker_that_is_told_to_end_gives_its_training_back_and_a_cancelled_one_stops(filled: Filled) -> None:
    filled.join(3)
    filled.studio.settings.set(options.TRAINING, {"epochs": 500, "epoch_steps": 10, "batch_size": 16, "threads": 1})
    asked = filled.jobs.enqueue("train", filled.set_id)
    first = start_worker(filled.studio.config)
    filled.wait_for(asked, is_learning, seconds=120)
    first.send_signal(signal.SIGTERM)
    started_s = time.monotonic()
    assert first.wait(20) == 0
    assert time.monotonic() - started_s < 5
    assert filled.jobs.get(asked).state == "queued"
    assert trainings(filled.studio.config) == []
    second = start_worker(filled.studio.config)
    filled.wait_for(asked, is_learning, seconds=120)
    filled.jobs.cancel(asked)
    started_s = time.monotonic()
    filled.wait_for(asked, lambda job: job.state == "cancelled", seconds=20)
    assert time.monotonic() - started_s < 6
    assert trainings(filled.studio.config) == []
    second.send_signal(signal.SIGINT)
    assert second.wait(20) == 0


def test_a_worker_itself_loads_nothing_that_only_training_needs() -> None:
    code = (
        "import sys, ademan.cli.worker, ademan.studio.work.worker\n"
        "print(*sorted({'torch', 'lightning', 'onnxruntime', 'sklearn', 'fastapi'} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""
