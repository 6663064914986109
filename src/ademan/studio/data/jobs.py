"""Jobs: work that is asked for in one process and done in another; the table is the truth.

    queued ──take──► running ──finish──► done
       ▲                │ ├────fail────► failed
       │  release,      │ └─────────────► cancelled  (asked for by `cancel`; one that is queued at once)
       └──recover───────┘

Who has taken a job says every few seconds that it is still at it (`beat`). One that has said nothing for `STALE_MS` is
taken for dead, and `recover` lets another begin anew, `MAX_ATTEMPTS` times in all. If it lives after all, it is told
so at its next beat, and nothing that it says of the job counts any more. Each time is by one clock, the database's.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, cast

from sqlalchemy import CursorResult, Update, exists, select, update
from sqlalchemy.orm import Session, aliased

from ademan.studio.data.database import Database
from ademan.studio.data.errors import StudioError
from ademan.studio.data.tables import GestureSet, Job, JobLine

JobKind = Literal["train", "retrain"]
"""train: asked for by somebody. retrain: by the schedule."""
JobState = Literal["queued", "running", "done", "failed", "cancelled"]
Standing = Literal["mine", "cancel", "lost"]
"""What `beat` tells: go on; stop, since somebody asks for it; stop, since the job is another's by now."""

STALE_MS = 30_000
"""Milliseconds without a beat after which a worker is taken for dead."""
MAX_ATTEMPTS = 3
_MAX_LINE = 500  # characters of a line, and of a message
_OVER: tuple[JobState, ...] = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Held:
    """A job that a worker has taken.

    Args:
        id: of the job.
        kind: what is to be done.
        set_id: of which gesture set.
        params: what was asked for besides.
        created_by: id of who asked; None for the schedule.
        worker: who has taken it.
        attempt: how many have tried, this one included.
    """

    id: int
    kind: JobKind
    set_id: int
    params: dict[str, Any]
    created_by: int | None
    worker: str
    attempt: int


@dataclass(frozen=True)
class JobView:
    """A job as it stands; the columns of `tables.Job`."""

    id: int
    kind: JobKind
    set_id: int
    params: dict[str, Any]
    state: JobState
    progress: float
    message: str
    created_by: int | None
    created_ms: int
    started_ms: int | None
    finished_ms: int | None
    heartbeat_ms: int | None
    worker: str | None
    attempts: int
    cancel_asked: bool
    result: dict[str, Any] | None

    @property
    def is_over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in _OVER


@dataclass(frozen=True)
class Line:
    """A line of what a job tells of its work; ids rise."""

    id: int
    at_ms: int
    text: str


class Jobs:
    """The jobs of a studio; any number of processes may ask, and take, at the same time.

    Args:
        database: upgraded.
        wake: called after a job was queued, so that a worker looks at once; if it does nothing, one looks soon anyhow.
        tell: called with jobs/<job id> when something of a job has changed.
    """

    def __init__(
        self,
        database: Database,
        wake: Callable[[], None] | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._database, self._wake, self._tell = database, wake, tell

    def enqueue(
        self,
        kind: JobKind,
        set_id: int,
        params: Mapping[str, Any] | None = None,
        created_by: int | None = None,
        after: int | None = None,
    ) -> int:
        """Ask for a job, and return its id; if one of this kind waits for this set already, that one's.

        Args:
            kind: what is to be done.
            set_id: of which gesture set.
            params: plain JSON values.
            created_by: id of who asks; None for the schedule.
            after: id of the last job of the set that is known, 0 if none is: if there is a later one, no matter how it
                stands, that one's id comes back. So two that ask for the same reason ask once.

        Raises:
            StudioError: 'gone', there is no such set; 'unavailable'.
        """
        with self._database.writing(f"jobs of set {set_id}") as session:
            if session.get(GestureSet, set_id) is None:
                raise StudioError("gone", f"there is no gesture set {set_id}: it was deleted, or never was.")
            of_set = select(Job.id).where(Job.set_id == set_id).order_by(Job.id.desc()).limit(1)
            known = (
                of_set.where(Job.kind == kind, Job.state == "queued") if after is None else of_set.where(Job.id > after)
            )
            if (asked := session.scalar(known)) is not None:
                return asked
            job = Job(kind=kind, set_id=set_id, params=dict(params or {}), created_by=created_by)
            job.created_ms, job.state, job.message = self._database.clock_ms(session), "queued", "waiting for a worker"
            session.add(job)
            session.flush()
            asked = job.id
        self._tell(f"jobs/{asked}")
        if self._wake is not None:
            self._wake()
        return asked

    def take(self, worker: str) -> Held | None:
        """Take the oldest job that waits, of a set that no other worker is at; None if there is none.

        Args:
            worker: a name that no other worker has.

        Raises:
            StudioError: 'unavailable'.
        """
        with self._database.writing("take a job") as session:
            job = session.scalar(_oldest_free())
            if job is None:
                return None
            now = self._database.clock_ms(session)
            job.started_ms = now if job.started_ms is None else job.started_ms
            job.state, job.worker, job.heartbeat_ms, job.message = "running", worker, now, "begun"
            job.attempts, job.progress = job.attempts + 1, 0.0
            held = Held(job.id, _kind(job), job.set_id, job.params, job.created_by, worker, job.attempts)
        self._tell(f"jobs/{held.id}")
        return held

    def beat(
        self, held: Held, progress: float | None = None, message: str | None = None, lines: Sequence[str] = ()
    ) -> Standing:
        """Say that the work goes on, and how far it is; see `Standing` for what comes back.

        Args:
            held: the job.
            progress: from 0 to 1; as before if None.
            message: what is being done; as before if None.
            lines: to be added to what the job tells.

        Raises:
            StudioError: 'unavailable'; whether the job is still one's own is not known then.
        """
        with self._database.writing() as session:
            now = self._database.clock_ms(session)
            values: dict[str, Any] = {"heartbeat_ms": now}
            if progress is not None:
                values["progress"] = min(1.0, max(0.0, progress))
            if message is not None:
                values["message"] = message[:_MAX_LINE]
            if not _change(session, _of(held).values(**values)):
                return "lost"
            _add_lines(session, held.id, now, lines)
            is_cancelled = session.scalar(select(Job.cancel_asked).where(Job.id == held.id))
        self._tell(f"jobs/{held.id}")
        return "cancel" if is_cancelled else "mine"

    def finish(self, held: Held, result: Mapping[str, Any], message: str) -> bool:
        """Say that a job is done; False if it is another's by now, and then nothing is changed."""
        return self._end(held, "done", message, result=dict(result), progress=1.0)

    def fail(self, held: Held, message: str) -> bool:
        """Say that a job cannot be done, and why; False if it is another's by now."""
        return self._end(held, "failed", message)

    def stop(self, held: Held) -> bool:
        """Say that a job was left as `cancel` asked for; False if it is another's by now."""
        return self._end(held, "cancelled", "cancelled")

    def release(self, held: Held, why: str) -> bool:
        """Give a job back, for another to take; it does not count as an attempt. False if it is another's already."""
        with self._database.writing() as session:
            now = self._database.clock_ms(session)
            back = {"state": "queued", "worker": None, "heartbeat_ms": None, "attempts": Job.attempts - 1}
            ended = {"state": "cancelled", "finished_ms": now, "message": "cancelled"}
            changed = _change(session, _of(held).where(Job.cancel_asked).values(**ended)) or _change(
                session, _of(held).values(**back, message=why[:_MAX_LINE])
            )
            if changed:
                _add_lines(session, held.id, now, [why])
        self._tell(f"jobs/{held.id}")
        if changed and self._wake is not None:
            self._wake()
        return changed

    def cancel(self, job_id: int) -> JobView:
        """Ask that a job be left; one that waits is cancelled at once, one that is over stays as it is.

        Raises:
            StudioError: 'gone', there is no such job; 'unavailable'.
        """
        with self._database.writing() as session:
            ended: dict[str, Any] = {"state": "cancelled", "message": "cancelled", "cancel_asked": True}
            waiting = update(Job).where(Job.id == job_id, Job.state == "queued")
            if not _change(session, waiting.values(finished_ms=self._database.clock_ms(session), **ended)):
                _change(session, update(Job).where(Job.id == job_id, Job.state == "running").values(cancel_asked=True))
        self._tell(f"jobs/{job_id}")
        return self.get(job_id)

    def recover(self, stale_ms: int = STALE_MS) -> int:
        """Let others take the jobs of workers that have said nothing for too long; return how many these were.

        A job that has been begun `MAX_ATTEMPTS` times has failed, one that was to be cancelled is cancelled.

        Raises:
            StudioError: 'unavailable'.
        """
        with self._database.writing("take a job") as session:
            now = self._database.clock_ms(session)
            silent = select(Job).where(Job.state == "running", Job.heartbeat_ms < now - stale_ms)
            found = session.scalars(silent.with_for_update(skip_locked=True)).all()
            for job in found:
                told = f"{job.worker} has said nothing for {(now - (job.heartbeat_ms or now)) // 1000} s"
                _add_lines(session, job.id, now, [_give_up_or_back(job, told, now)])
            requeued = any(job.state == "queued" for job in found)
        for job in found:
            self._tell(f"jobs/{job.id}")
        if requeued and self._wake is not None:
            self._wake()
        return len(found)

    def get(self, job_id: int) -> JobView:
        """Return a job as it stands.

        Raises:
            StudioError: 'gone', there is no such job; 'unavailable'.
        """
        with self._database.reading() as session:
            job = session.get(Job, job_id)
            if job is None:
                raise StudioError("gone", f"there is no job {job_id}: its set was deleted, or it never was.")
            return _view(job)

    def recent(self, set_id: int | None = None, limit: int = 50) -> list[JobView]:
        """Return the last jobs, of one set or of all, the newest first."""
        with self._database.reading() as session:
            wanted = select(Job).order_by(Job.id.desc()).limit(limit)
            if set_id is not None:
                wanted = wanted.where(Job.set_id == set_id)
            return [_view(job) for job in session.scalars(wanted)]

    def lines(self, job_id: int, after: int = 0, limit: int = 1000) -> list[Line]:
        """Return what a job has told, the oldest first, of lines with an id above `after`."""
        with self._database.reading() as session:
            wanted = select(JobLine).where(JobLine.job_id == job_id, JobLine.id > after).order_by(JobLine.id)
            return [Line(line.id, line.at_ms, line.text) for line in session.scalars(wanted.limit(limit))]

    def _end(self, held: Held, state: JobState, message: str, **more: Any) -> bool:
        with self._database.writing() as session:
            now = self._database.clock_ms(session)
            values = {"state": state, "message": message[:_MAX_LINE], "finished_ms": now, "heartbeat_ms": now, **more}
            changed = _change(session, _of(held).values(**values))
            if changed:
                _add_lines(session, held.id, now, [message])
        self._tell(f"jobs/{held.id}")
        return changed


def _oldest_free() -> Any:
    """Return a query for the job to be taken next; in PostgreSQL its row is locked, and locked ones are passed over."""
    busy = aliased(Job)
    same_set = exists().where(busy.set_id == Job.set_id, busy.state == "running")
    free = select(Job).where(Job.state == "queued", ~same_set).order_by(Job.id).limit(1)
    return free.with_for_update(skip_locked=True, of=Job)


def _of(held: Held) -> Update:
    """Return an update that changes a job only as long as it is the holder's."""
    mine = (Job.id == held.id, Job.state == "running", Job.worker == held.worker, Job.attempts == held.attempt)
    return update(Job).where(*mine)


def _change(session: Session, change: Update) -> bool:
    """Return whether there was a row to change."""
    done = session.execute(change.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", done).rowcount == 1


def _give_up_or_back(job: Job, told: str, now: int) -> str:
    """Decide about a job whose worker is silent, and return what there is to tell."""
    if job.cancel_asked:
        job.state, job.finished_ms, job.message = "cancelled", now, "cancelled"
        return f"{told}; cancelled, as was asked."
    if job.attempts >= MAX_ATTEMPTS:
        job.state, job.finished_ms = "failed", now
        job.message = (
            f"given up: {job.attempts} times a worker took it and fell silent. It may need more memory than there is; "
            "look at the worker's log, and start it again."
        )
        return f"{told}; {job.message}"
    job.state, job.worker, job.heartbeat_ms = "queued", None, None
    job.message = f"waiting for a worker again: {told}"
    return f"{told}; the job can be taken again (attempt {job.attempts} of {MAX_ATTEMPTS} is lost)."


def _add_lines(session: Session, job_id: int, now: int, lines: Sequence[str]) -> None:
    session.add_all(JobLine(job_id=job_id, at_ms=now, text=line[:_MAX_LINE]) for line in lines)


def _kind(job: Job) -> JobKind:
    return cast(JobKind, job.kind)


def _view(job: Job) -> JobView:
    return JobView(**{field.name: getattr(job, field.name) for field in fields(JobView)})
