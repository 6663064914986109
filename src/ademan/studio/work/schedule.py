"""The schedule: sets whose clips have changed are trained again without being asked.

What is due follows from the tables alone, so any number of workers may look, and none has to be there at the minute.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ademan.studio.data.database import Database, now_ms
from ademan.studio.data.jobs import Jobs
from ademan.studio.data.settings import Settings
from ademan.studio.data.tables import ClipRow, GestureSet, Job
from ademan.studio.work.options import chosen_schedule


def ask_what_is_due(database: Database, jobs: Jobs, at_ms: int | None = None) -> list[int]:
    """Queue a retraining of each set that is due, and return the ids of these jobs.

    Args:
        database: of the studio.
        jobs: of the same.
        at_ms: the time; now if None.

    Raises:
        StudioError: 'unavailable'.
    """
    schedule = chosen_schedule(Settings(database))
    if schedule.when == "off":
        return []
    asked, at_ms = [], now_ms() if at_ms is None else at_ms
    with database.reading() as session:
        due = []
        for set_id in session.scalars(select(GestureSet.id).order_by(GestureSet.id)):
            last_id, last_ms = _last_job(session, set_id)
            if schedule.is_due(*_newly_accepted(session, set_id, last_ms), at_ms):
                due.append((set_id, last_id))
    for set_id, last_id in due:
        asked.append(jobs.enqueue("retrain", set_id, after=last_id))
    return asked


def _last_job(session: Session, set_id: int) -> tuple[int, int]:
    """Return id of the last job of a set, however it stands, and when it was asked for; zeros if there is none."""
    row = session.execute(select(Job.id, Job.created_ms).where(Job.set_id == set_id).order_by(Job.id.desc()).limit(1))
    found = row.first()
    return (found[0], found[1]) if found else (0, 0)


def _newly_accepted(session: Session, set_id: int, since_ms: int) -> tuple[int, int | None]:
    """Return how many clips were accepted after a time, and when the first of them was."""
    accepted_ms = func.coalesce(ClipRow.reviewed_ms, ClipRow.created_ms)
    wanted = select(func.count(), func.min(accepted_ms)).where(
        ClipRow.set_id == set_id, ClipRow.state == "accepted", accepted_ms > since_ms
    )
    count, first_ms = session.execute(wanted).one()
    return count, first_ms
