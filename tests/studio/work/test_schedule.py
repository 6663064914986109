from sqlalchemy import update

from ademan.studio.data import now_ms
from ademan.studio.data.tables import ClipRow, Job
from ademan.studio.work import options
from ademan.studio.work.schedule import ask_what_is_due
from tests.studio.work.conftest import Filled

DAY_MS = 86_400_000


def ask(filled: Filled, later_ms: int = 0) -> list[int]:
    return ask_what_is_due(filled.studio.database, filled.jobs, now_ms() + later_ms)


def by_clips(filled: Filled, count: int) -> None:
    filled.studio.settings.set(options.WHEN, "clips")
    filled.studio.settings.set(options.CLIPS, count)


def test_nothing_is_asked_without_a_schedule(filled: Filled) -> None:
    filled.join(1)
    assert ask(filled, 2 * DAY_MS) == []


def test_a_set_with_enough_new_clips_is_asked_for_once(filled: Filled) -> None:
    by_clips(filled, 6)
    filled.join(1, each=2)
    assert ask(filled) == []
    filled.record(filled.people[0], each=1)
    (asked,) = ask(filled)
    job = filled.jobs.get(asked)
    assert (job.kind, job.set_id, job.created_by) == ("retrain", filled.set_id, None)
    assert ask(filled) == []


def test_clips_that_were_accepted_after_the_last_training_count(filled: Filled) -> None:
    by_clips(filled, 6)
    filled.join(1)
    (first,) = ask(filled)
    held = filled.jobs.take("one")
    assert held is not None
    filled.jobs.fail(held, "no reason to ask again")
    assert ask(filled) == []
    filled.record(filled.people[0], each=3)
    (second,) = ask(filled)
    assert second != first


def test_clips_that_are_new_or_excluded_do_not_count(filled: Filled) -> None:
    by_clips(filled, 4)
    filled.join(1, each=2)
    with filled.studio.database.writing() as session:
        session.execute(update(ClipRow).values(state="new", reviewed_ms=None))
    assert ask(filled) == []


def test_daily_a_set_is_asked_for_once_a_day_if_anything_is_new(filled: Filled) -> None:
    filled.studio.settings.set(options.WHEN, "daily")
    filled.join(1, each=1)
    assert len(ask(filled, DAY_MS + 1000)) == 1
    with filled.studio.database.writing() as session:
        session.execute(update(Job).values(created_ms=now_ms() + DAY_MS + 1000, state="done"))
    assert ask(filled, 3 * DAY_MS) == []


def test_two_workers_that_find_the_same_due_ask_once(filled: Filled) -> None:
    by_clips(filled, 2)
    filled.join(1, each=1)
    (asked,) = ask(filled)
    assert filled.jobs.take("one") is not None
    # The other one has looked before this job was there, and asks only now.
    assert filled.jobs.enqueue("retrain", filled.set_id, after=0) == asked
