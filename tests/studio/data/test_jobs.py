import threading
from collections import Counter
from multiprocessing import get_context
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, text, update

from ademan.studio.data import Database, StudioError, now_ms
from ademan.studio.data.jobs import MAX_ATTEMPTS, STALE_MS, Held, Jobs
from ademan.studio.data.tables import Job
from tests.studio.conftest import POSTGRES, Studio


@pytest.fixture
def jobs(studio: Studio) -> Jobs:
    return Jobs(studio.database)


@pytest.fixture
def admin(studio: Studio) -> int:
    return studio.person("Ada").id


@pytest.fixture
def set_id(studio: Studio, admin: int) -> int:
    return studio.gesture_set(admin).id


def take(jobs: Jobs, worker: str = "one") -> Held:
    held = jobs.take(worker)
    assert held is not None
    return held


def fall_silent(studio: Studio, held: Held) -> None:
    """Let the last beat of a job be long ago."""
    with studio.database.writing() as session:
        session.execute(update(Job).where(Job.id == held.id).values(heartbeat_ms=Job.heartbeat_ms - STALE_MS - 1000))


def test_a_job_is_taken_and_done(jobs: Jobs, set_id: int, admin: int) -> None:
    asked = jobs.enqueue("train", set_id, {"training": {"epochs": 3}}, created_by=admin)
    assert (jobs.get(asked).state, jobs.get(asked).message) == ("queued", "waiting for a worker")
    held = take(jobs)
    assert (held.id, held.kind, held.set_id, held.attempt) == (asked, "train", set_id, 1)
    assert (held.params, held.created_by) == ({"training": {"epochs": 3}}, admin)
    assert jobs.beat(held, 0.5, "half of it", ["first", "half of it"]) == "mine"
    seen = jobs.get(asked)
    assert (seen.state, seen.progress, seen.message, seen.worker) == ("running", 0.5, "half of it", "one")
    assert jobs.finish(held, {"version": 3}, "all of it")
    seen = jobs.get(asked)
    assert (seen.state, seen.progress, seen.message, seen.result) == ("done", 1.0, "all of it", {"version": 3})
    assert seen.is_over
    lines = jobs.lines(asked)
    assert [line.text for line in lines] == ["first", "half of it", "all of it"]
    assert [line.text for line in jobs.lines(asked, after=lines[1].id)] == ["all of it"]
    assert seen.created_ms <= (seen.started_ms or 0) <= (seen.finished_ms or 0)
    assert abs(seen.created_ms - now_ms()) < 60_000


def test_nothing_is_taken_where_nothing_waits(jobs: Jobs) -> None:
    assert jobs.take("one") is None


def test_the_oldest_comes_first_and_a_set_has_one_worker(studio: Studio, jobs: Jobs, set_id: int, admin: int) -> None:
    other = studio.gesture_set(admin, "Others").id
    first, second, third = (jobs.enqueue("train", s) for s in (set_id, other, set_id + 0))
    assert third == first
    third = jobs.enqueue("retrain", set_id)
    held = take(jobs, "one")
    assert held.id == first
    assert take(jobs, "two").id == second
    assert jobs.take("three") is None
    assert jobs.finish(held, {}, "done")
    assert take(jobs, "three").id == third


def test_the_same_is_not_queued_twice_but_again_while_it_runs(jobs: Jobs, set_id: int) -> None:
    first = jobs.enqueue("train", set_id)
    assert jobs.enqueue("train", set_id) == first
    take(jobs)
    second = jobs.enqueue("train", set_id)
    assert second != first
    assert jobs.enqueue("train", set_id) == second


def test_what_is_asked_after_a_job_is_asked_once(jobs: Jobs, set_id: int) -> None:
    first = jobs.enqueue("retrain", set_id, after=0)
    assert jobs.enqueue("retrain", set_id, after=0) == first
    assert jobs.finish(take(jobs), {}, "done")
    assert jobs.enqueue("retrain", set_id, after=0) == first
    assert jobs.enqueue("retrain", set_id, after=first) != first


def test_a_set_that_is_not_there_is_refused(jobs: Jobs) -> None:
    with pytest.raises(StudioError, match="there is no gesture set 77") as caught:
        jobs.enqueue("train", 77)
    assert caught.value.code == "gone"
    with pytest.raises(StudioError, match="there is no job 77"):
        jobs.get(77)
    with pytest.raises(StudioError, match="there is no job 77"):
        jobs.cancel(77)


def test_whoever_asks_wakes_a_worker(studio: Studio, set_id: int) -> None:
    rung: list[int] = []
    jobs = Jobs(studio.database, lambda: rung.append(1))
    jobs.enqueue("train", set_id)
    assert rung == [1]
    jobs.enqueue("train", set_id)
    assert rung == [1]  # it waits already
    jobs.release(take(jobs), "the worker ends")
    assert rung == [1, 1]


def test_a_job_that_waits_is_cancelled_at_once(jobs: Jobs, set_id: int) -> None:
    asked = jobs.enqueue("train", set_id)
    assert jobs.cancel(asked).state == "cancelled"
    assert jobs.take("one") is None
    assert jobs.cancel(asked).finished_ms is not None


def test_a_job_that_runs_hears_that_it_is_to_be_cancelled(jobs: Jobs, set_id: int) -> None:
    asked = jobs.enqueue("train", set_id)
    held = take(jobs)
    assert jobs.cancel(asked).state == "running"
    assert jobs.beat(held) == "cancel"
    assert jobs.stop(held)
    assert jobs.get(asked).state == "cancelled"
    assert jobs.cancel(asked).state == "cancelled"


def test_a_job_that_is_given_back_can_be_taken_and_does_not_count(jobs: Jobs, set_id: int) -> None:
    jobs.enqueue("train", set_id)
    held = take(jobs, "one")
    assert jobs.release(held, "the worker ends")
    assert jobs.beat(held) == "lost"
    again = take(jobs, "two")
    assert (again.id, again.attempt) == (held.id, 1)


def test_a_job_that_is_given_back_although_it_was_to_be_cancelled_is_cancelled(jobs: Jobs, set_id: int) -> None:
    asked = jobs.enqueue("train", set_id)
    held = take(jobs)
    jobs.cancel(asked)
    assert jobs.release(held, "the worker ends")
    assert jobs.get(asked).state == "cancelled"


def test_a_failed_job_says_why(jobs: Jobs, set_id: int) -> None:
    asked = jobs.enqueue("train", set_id)
    assert jobs.fail(take(jobs), "there is too little to learn from")
    assert (jobs.get(asked).state, jobs.get(asked).message) == ("failed", "there is too little to learn from")


def test_the_job_of_a_silent_worker_is_anothers_and_the_first_hears_so(studio: Studio, jobs: Jobs, set_id: int) -> None:
    asked = jobs.enqueue("train", set_id)
    dead = take(jobs, "dead")
    assert jobs.recover() == 0
    fall_silent(studio, dead)
    assert jobs.recover() == 1
    assert jobs.recover() == 0
    living = take(jobs, "living")
    assert (living.id, living.attempt) == (asked, 2)
    assert jobs.beat(dead, 0.9, "still here", ["still here"]) == "lost"
    assert not jobs.finish(dead, {"version": 1}, "done by the dead")
    assert not jobs.fail(dead, "no")
    assert not jobs.stop(dead)
    assert not jobs.release(dead, "no")
    assert jobs.beat(living) == "mine"
    assert jobs.get(asked).result is None
    assert [line.text for line in jobs.lines(asked)] == [
        "dead has said nothing for 31 s; the job can be taken again (attempt 1 of 3 is lost)."
    ]


def test_the_same_worker_can_take_a_job_again_that_it_lost(studio: Studio, jobs: Jobs, set_id: int) -> None:
    jobs.enqueue("train", set_id)
    before = take(jobs, "one")
    fall_silent(studio, before)
    jobs.recover()
    now = take(jobs, "one")
    assert jobs.beat(before) == "lost"
    assert jobs.beat(now) == "mine"


def test_a_job_that_kills_its_workers_is_given_up(studio: Studio, jobs: Jobs, set_id: int) -> None:
    asked = jobs.enqueue("train", set_id)
    for attempt in range(1, MAX_ATTEMPTS + 1):
        held = take(jobs, f"worker {attempt}")
        assert held.attempt == attempt
        fall_silent(studio, held)
        jobs.recover()
    assert jobs.take("next") is None
    seen = jobs.get(asked)
    assert seen.state == "failed"
    assert "given up: 3 times a worker took it and fell silent" in seen.message


def test_a_silent_job_that_was_to_be_cancelled_is_cancelled(studio: Studio, jobs: Jobs, set_id: int) -> None:
    asked = jobs.enqueue("train", set_id)
    held = take(jobs)
    jobs.cancel(asked)
    fall_silent(studio, held)
    jobs.recover()
    assert jobs.get(asked).state == "cancelled"


def test_jobs_go_with_their_set(studio: Studio, jobs: Jobs, set_id: int, admin: int) -> None:
    asked = jobs.enqueue("train", set_id)
    held = take(jobs)
    jobs.beat(held, lines=["a line"])
    studio.sets.delete(admin, set_id)
    assert jobs.beat(held) == "lost"
    assert jobs.lines(asked) == []


def test_the_last_jobs_are_listed_the_newest_first(studio: Studio, jobs: Jobs, set_id: int, admin: int) -> None:
    other = studio.gesture_set(admin, "Others").id
    asked = [jobs.enqueue("train", set_id), jobs.enqueue("train", other), jobs.enqueue("retrain", set_id)]
    assert [job.id for job in jobs.recent()] == asked[::-1]
    assert [job.id for job in jobs.recent(set_id)] == [asked[2], asked[0]]
    assert [job.id for job in jobs.recent(limit=1)] == [asked[2]]


def test_long_texts_are_cut_and_progress_stays_within_bounds(jobs: Jobs, set_id: int) -> None:
    asked = jobs.enqueue("train", set_id)
    held = take(jobs)
    jobs.beat(held, 7.0, "x" * 9000, ["y" * 9000])
    assert (jobs.get(asked).progress, len(jobs.get(asked).message)) == (1.0, 500)
    assert len(jobs.lines(asked)[0].text) == 500


def test_a_database_that_is_away_is_told_as_such_and_used_again_when_it_is_back(
    studio: Studio, jobs: Jobs, set_id: int, backend: str
) -> None:
    jobs.enqueue("train", set_id)
    held = take(jobs)
    with pytest.raises(StudioError, match="cannot be used now") as caught:
        Jobs(Database("postgresql://postgres@127.0.0.1:1/test")).beat(held)
    assert caught.value.code == "unavailable"
    if backend == "postgresql":
        kill_connections(studio)
    else:
        studio.database.close()
    assert jobs.beat(held) == "mine"


def kill_connections(studio: Studio) -> None:
    """Cut all connections of this database object, as a restart of the server would."""
    with studio.database.engine.connect() as one, studio.database.engine.connect() as other:
        pids = [c.scalar(text("SELECT pg_backend_pid()")) for c in (one, other)]
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        for pid in pids:
            server.execute("SELECT pg_terminate_backend(%s)", (pid,))


def _take_all(url: str, worker: str, together: Any, done: Any) -> None:
    """Take and finish jobs until there are none, and say which they were."""
    database = Database(url)
    jobs, finished = Jobs(database), []
    together.wait(60)
    while (held := jobs.take(worker)) is not None:
        finished.append(held.id)
        jobs.beat(held, 0.5, "at it", ["at it"])
        assert jobs.finish(held, {"by": worker}, "done")
    database.close()
    done.put(finished)


def test_two_processes_do_twenty_jobs_each_once(studio: Studio, jobs: Jobs, admin: int, database_url: str) -> None:
    asked = [jobs.enqueue("train", studio.gesture_set(admin, f"Set {k}", ()).id) for k in range(20)]
    processes = get_context("spawn")
    together, done = processes.Barrier(2), processes.Queue()
    workers = [
        processes.Process(target=_take_all, args=(database_url, name, together, done)) for name in ("one", "two")
    ]
    for worker in workers:
        worker.start()
    finished = [job for _ in workers for job in done.get(timeout=90)]
    for worker in workers:
        worker.join(20)
    assert Counter(finished) == Counter(asked)
    assert all(job.state == "done" and job.attempts == 1 for job in jobs.recent())


def test_many_threads_that_ask_for_the_same_get_one_job(studio: Studio, set_id: int) -> None:
    got: list[int] = []
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait(10)
        got.append(Jobs(studio.database).enqueue("train", set_id))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 8
    assert len(set(got)) == 1
    with studio.database.reading() as session:
        assert len(session.scalars(select(Job.id)).all()) == 1
