"""Which workers there are, on both databases."""

import pytest
from sqlalchemy import update

from ademan.studio.data.jobs import STALE_MS, Jobs
from ademan.studio.data.tables import Job, Setting
from ademan.studio.data.workers import Workers
from tests.studio.conftest import Studio, run_together


@pytest.fixture
def workers(studio: Studio) -> Workers:
    return Workers(studio.database)


def fall_silent(studio: Studio, *names: str) -> None:
    """Let the last signs of workers be long ago."""
    with studio.database.writing() as session:
        row = session.get_one(Setting, "workers.seen")
        row.value = {name: ms - STALE_MS * (name in names) for name, ms in row.value.items()}


def test_a_worker_is_there_from_its_sign_until_it_leaves_or_falls_silent(studio: Studio, workers: Workers) -> None:
    assert workers.ages_ms() == {}
    for name in ("one", "two", "three"):
        workers.sign(name)
    assert set(workers.ages_ms()) == {"one", "two", "three"}
    assert all(0 <= age < STALE_MS for age in workers.ages_ms().values())
    workers.leave("one")
    fall_silent(studio, "two")
    assert set(workers.ages_ms()) == {"three"}
    workers.sign("two")
    assert set(workers.ages_ms()) == {"two", "three"}


def test_silent_ones_are_forgotten_at_the_next_sign(studio: Studio, workers: Workers) -> None:
    workers.sign("one")
    fall_silent(studio, "one")
    workers.sign("two")
    with studio.database.reading() as session:
        assert list(session.get_one(Setting, "workers.seen").value) == ["two"]


def test_one_that_works_is_heard_by_its_job(studio: Studio, workers: Workers) -> None:
    set_id = studio.gesture_set(studio.person("Ana").id).id
    jobs = Jobs(studio.database)
    jobs.enqueue("train", set_id)
    held = jobs.take("busy")
    assert held is not None
    assert set(workers.ages_ms()) == {"busy"}
    with studio.database.writing() as session:
        session.execute(update(Job).values(heartbeat_ms=Job.heartbeat_ms - STALE_MS))
    assert workers.ages_ms() == {}
    jobs.beat(held)
    jobs.finish(held, {}, "done")
    assert workers.ages_ms() == {}


@pytest.mark.parametrize("value", [None, [], "x", {"one": "yesterday"}, {"one": None}])
def test_a_row_that_no_worker_has_written_is_passed_over(studio: Studio, workers: Workers, value: object) -> None:
    with studio.database.writing() as session:
        session.add(Setting(key="workers.seen", value=value))
    assert workers.ages_ms() == {}
    workers.sign("one")
    assert set(workers.ages_ms()) == {"one"}


def test_processes_that_sign_at_once_do_not_overwrite_each_other(studio: Studio, workers: Workers) -> None:
    url = studio.database.url.render_as_string(hide_password=False)
    code = (
        "from ademan.studio.data import Database\n"
        "from ademan.studio.data.workers import Workers\n"
        "workers = Workers(Database(sys.argv[1]))\n"
        "GO\n"
        "for _ in range(10):\n"
        "    workers.sign(sys.argv[2])\n"
    )
    run_together(code, [[url, name] for name in ("one", "two", "three")])
    assert set(workers.ages_ms()) == {"one", "two", "three"}
