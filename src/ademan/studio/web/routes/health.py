"""Whether the studio is well, for whatever watches over it."""

from contextlib import suppress

from fastapi import Response
from starlette.responses import JSONResponse

from ademan.studio.data import StudioError
from ademan.studio.web.guard import Here, open_router

router = open_router()


@router.get("/health")
def health(studio: Here) -> Response:
    """Say that the studio answers: 200 while its database does, 503 while not.

    `redis` is none, ok or away; without it the studio goes on. `workers` is how many are there; jobs wait for one.
    """
    workers: int | None = None
    with suppress(StudioError):
        workers = len(studio.workers.ages_ms())
    is_well = workers is not None
    state: dict[str, str | int] = {
        "status": "ok" if is_well else "unavailable",
        "database": "ok" if is_well else "away",
        "redis": studio.news.standing(),
        "workers": workers or 0,
    }
    return JSONResponse(state, 200 if is_well else 503, headers={"Cache-Control": "no-store"})
