"""Jobs: trainings that are asked for, wait, run and ended."""

from collections.abc import Sequence
from typing import Final

from fastapi import Request, Response
from starlette.responses import JSONResponse

from ademan.studio.data.accounts import Visitor
from ademan.studio.data.jobs import JobView
from ademan.studio.data.people import names_of
from ademan.studio.web.amounts import NONE, duration, percenter
from ademan.studio.web.errors import WebError
from ademan.studio.web.guard import Filled, Here, Who, admin_router, member_router
from ademan.studio.web.pages import Form, go, language_of, say_to
from ademan.studio.web.parts import Studio
from ademan.studio.web.retraining import choose, chosen
from ademan.studio.web.scores import reasons
from ademan.studio.work.holdout import MIN_CLIPS
from ademan.studio.work.readiness import Readiness, readiness

router = member_router()
admins = admin_router()
_RECENT: Final = 30
_MOST_LINES: Final = 1000
_LARGEST_ID: Final = 2**31 - 1
STATES: Final = {
    "queued": "jobs.queued",
    "running": "jobs.running",
    "done": "jobs.done",
    "failed": "jobs.failed",
    "cancelled": "jobs.cancelled",
}
_KINDS: Final = {"queued": "", "running": "accent", "done": "good", "failed": "bad", "cancelled": "warn"}
_TESTS: Final = {"people": "training.by_people", "recordings": "training.by_recordings", "clips": "training.by_clips"}
_VERDICTS: Final = {
    "promoted": "verdict.promoted",
    "refused": "verdict.refused",
    "candidate": "verdict.candidate",
}


@router.get("/jobs")
def jobs(request: Request, studio: Here, who: Who) -> Response:
    """Show what can be trained, and the last jobs."""
    return _page(request, studio, who)


@admins.post("/jobs")
def train(request: Request, studio: Here, who: Who, form: Filled) -> Response:
    """Ask for a training of a set, if there is enough to learn from."""
    set_id = _number(form.get("set", ""))
    if set_id is None:
        raise WebError("bad", "the form does not say which set is to be trained.")
    if not readiness(studio.database, studio.files, set_id).is_ready:
        return _page(request, studio, who, wanted=set_id, is_refused=True)
    asked = studio.jobs.enqueue("train", set_id, created_by=who.person.id)
    return go(request, f"/jobs/{asked}", said="queued")


@admins.post("/jobs/settings")
def choose_settings(request: Request, studio: Here, who: Who, form: Filled) -> Response:
    """Choose when sets are trained again, and what a new model must be."""
    filled = choose(studio.settings, form, say_to(request))
    if filled.is_wrong:
        return _page(request, studio, who, form=filled)
    return go(request, "/jobs", said="training")


@router.get("/jobs/{job_id}")
def job(request: Request, studio: Here, who: Who, job_id: int) -> Response:
    """Show one job: how far it is, and what it told."""
    found = studio.jobs.get(job_id)
    say = say_to(request)
    decision = (found.result or {}).get("decision") or {}
    return studio.pages.show(
        request,
        "job",
        here="jobs",
        job=found,
        owner=studio.sets.get(found.set_id),
        lines=studio.jobs.lines(job_id, limit=_MOST_LINES),
        names=_names(studio, [found]),
        may_cancel=_may_cancel(found, who),
        no_worker=_lacks_worker(studio, found),
        took=duration(_took_ms(studio, found), say),
        heard=_heard_ms(studio, found),
        verdict=_VERDICTS.get(str(decision.get("verdict", "")), ""),
        reasons=reasons(decision, say, percenter(language_of(request))),
        states=STATES,
        kinds=_KINDS,
    )


@router.get("/api/jobs/{job_id}")
def follow(studio: Here, who: Who, job_id: int, after: int = 0) -> Response:
    """Return how a job stands, and the lines that it told after the one with an id."""
    after = min(max(0, after), _LARGEST_ID)
    found = studio.jobs.get(job_id)
    lines = studio.jobs.lines(job_id, after, _MOST_LINES)  # afterwards: one that is over has told all it will
    result = found.result or {}
    content = {
        "id": found.id,
        "state": found.state,
        "progress": found.progress,
        "message": found.message,
        "is_over": found.is_over,
        "cancel_asked": found.cancel_asked,
        "attempts": found.attempts,
        "worker": found.worker if who.person.is_admin else None,
        "took_ms": _took_ms(studio, found),
        "heard_ms": _heard_ms(studio, found),
        "no_worker": _lacks_worker(studio, found),
        "version": {"id": result["model_id"], "number": result["version"]} if "model_id" in result else None,
        "lines": [vars(line) for line in lines],
    }
    return JSONResponse(content, headers={"Cache-Control": "no-store"})


@router.post("/jobs/{job_id}/cancel")
def cancel(request: Request, studio: Here, who: Who, job_id: int) -> Response:
    """Ask that a job be left; for admins, and for whoever asked for it."""
    if not _may_cancel(studio.jobs.get(job_id), who):
        raise WebError("forbidden", "only admins, and whoever asked for a job, may cancel it.")
    studio.jobs.cancel(job_id)
    return go(request, f"/jobs/{job_id}", said="cancelling")


def _page(
    request: Request,
    studio: Studio,
    who: Visitor,
    *,
    wanted: int | None = None,
    is_refused: bool = False,
    form: Form | None = None,
) -> Response:
    sets = studio.sets.all()
    wanted = wanted if wanted is not None else _number(request.query_params.get("set", ""))
    shown = [one for one in sets if wanted in (None, one.id)]
    if wanted is not None and not shown:
        raise WebError("gone", "this set is not there, or no longer.")
    found = studio.jobs.recent(wanted, _RECENT)
    is_admin = who.person.is_admin
    ready = [readiness(studio.database, studio.files, one.id) for one in shown] if is_admin else []
    say = say_to(request)
    return studio.pages.show(
        request,
        "jobs",
        422 if is_refused or (form and form.is_wrong) else 200,
        sets={one.id: one.name for one in sets},
        ready=[(one, _tests(one)) for one in ready],
        is_one=len(shown) == 1,
        is_chosen=wanted is not None,
        is_refused=is_refused,
        needed=MIN_CLIPS,
        open_jobs={one.set_id: one for one in reversed(found) if not one.is_over},
        jobs=[(one, duration(_took_ms(studio, one), say) if one.started_ms else NONE) for one in found],
        names=_names(studio, found),
        workers=len(studio.workers.ages_ms()),
        form=form or chosen(studio.settings),
        states=STATES,
        kinds=_KINDS,
    )


def _tests(ready: Readiness) -> str:
    """Return the text that says what the test of a training would be worth; empty if nothing can be trained."""
    return _TESTS[ready.held.kind] if ready.held else ""


def _names(studio: Studio, found: Sequence[JobView]) -> dict[int, str]:
    with studio.database.reading() as session:
        return names_of(session, [one.created_by for one in found])


def _may_cancel(found: JobView, who: Visitor) -> bool:
    return who.person.is_admin or found.created_by == who.person.id


def _lacks_worker(studio: Studio, found: JobView) -> bool:
    """Return whether a job waits, and nobody is there to take it."""
    return found.state == "queued" and not studio.workers.ages_ms()


def _now_ms(studio: Studio) -> int:
    with studio.database.reading() as session:
        return studio.database.clock_ms(session)


def _took_ms(studio: Studio, found: JobView) -> int:
    """Return how long a job has taken, or takes until now."""
    if found.started_ms is None:
        return 0
    end_ms = found.finished_ms if found.finished_ms is not None else _now_ms(studio)
    return max(0, end_ms - found.started_ms)


def _heard_ms(studio: Studio, found: JobView) -> int | None:
    """Return how long ago the worker was last heard of a job that runs; None of any other."""
    if found.state != "running" or found.heartbeat_ms is None:
        return None
    return max(0, _now_ms(studio) - found.heartbeat_ms)


def _number(told: str) -> int | None:
    return int(told) if told.isdecimal() and told.isascii() and len(told) < 16 else None
