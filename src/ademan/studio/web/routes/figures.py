"""Figures: what was recognised, how surely and how fast; the same as sheets."""

from collections.abc import Mapping

from fastapi import Request, Response

from ademan.studio.data import now_ms
from ademan.studio.data.classification import latest
from ademan.studio.data.days import EARLIEST, LATEST, zone_of
from ademan.studio.data.drift import Drifted, drifted
from ademan.studio.data.figures import SetChoice
from ademan.studio.web.asked import SPANS, Asked, read_asked
from ademan.studio.web.dashboard import dashboard
from ademan.studio.web.errors import WebError
from ademan.studio.web.guard import Here, Who, member_router
from ademan.studio.web.pages import language_of, say_to
from ademan.studio.web.parts import Studio
from ademan.studio.web.sheets import SHEETS, Wanted, to_csv
from ademan.studio.web.words import Words

router = member_router()
ZONE_COOKIE = "ademan-zone"
"""Set by static/figures.js: days are those of the reader's clock from the second look on."""
STATISTICS = {
    "seen": "figures.stat_seen",
    "size": "figures.stat_size",
    "speed": "figures.stat_speed",
    "x": "figures.stat_x",
    "y": "figures.stat_y",
    "fps": "figures.stat_fps",
}
CHANGES = {
    None: ("", "figures.change_unknown"),
    "none": ("good", "figures.change_none"),
    "moderate": ("warn", "figures.change_moderate"),
    "large": ("bad", "figures.change_large"),
}


@router.get("/figures")
def figures(request: Request, studio: Here, who: Who) -> Response:
    """Show the page."""
    sets = studio.figures.sets()
    asked = _asked(request, studio, sets)
    words = Words(say_to(request), language_of(request))
    shown = dashboard(studio.figures, who.person.id, asked, words)
    has_any = not shown.is_empty or studio.figures.first_day(asked.which.days.zone) is not None
    return studio.pages.show(
        request,
        "figures",
        422 if asked.problems else 200,
        asked=asked,
        shown=shown,
        words=words,
        has_any=has_any,
        spans=[(text, asked.query(span=span), span == asked.span) for span, text in SPANS.items()],
        sets=sets,
        gestures=_gestures(studio, asked),
        versions=latest(studio.database, asked.versions_of.id) if asked.versions_of else [],
        drifted=_drifted(studio, asked),
        statistics=STATISTICS,
        changes=CHANGES,
        zone_seen=request.cookies.get(ZONE_COOKIE, "")[:100],
        day_range=(EARLIEST.isoformat(), LATEST.isoformat()),
    )


@router.get("/figures/{name}.csv")
def sheet(request: Request, studio: Here, who: Who, name: str) -> Response:
    """Give one of the figures as a sheet."""
    if name not in SHEETS:
        raise WebError("gone", f"there is no sheet {name[:40]!r}; there are {', '.join(SHEETS)}.")
    asked = _asked(request, studio, studio.figures.sets())
    if asked.problems:
        raise WebError("bad", "days are written as 2026-05-31, and sets, versions and time zones must be there.")
    days = asked.which.days
    file = f"ademan-{name}-{days.first}-{days.last}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{file}"', "Cache-Control": "no-store"}
    return Response(to_csv(SHEETS[name](Wanted(studio, who.person.id, asked))), 200, headers, "text/csv; charset=utf-8")


def _asked(request: Request, studio: Studio, sets: list[SetChoice]) -> Asked:
    given: Mapping[str, str] = request.query_params
    first = studio.figures.first_day(zone_of("UTC")) if given.get("span") == "all" else None
    return read_asked(given, request.cookies.get(ZONE_COOKIE, ""), sets, first, now_ms())


def _gestures(studio: Studio, asked: Asked) -> list[str]:
    """Return the gestures that can be chosen; one that was renamed or deleted since stays so while it is chosen."""
    names = studio.figures.gesture_names(asked.which.set_id)
    chosen = asked.which.gesture
    return [*names, chosen] if chosen and chosen not in names else names


def _drifted(studio: Studio, asked: Asked) -> Drifted | None:
    if asked.drift_of is None:
        return None
    return drifted(studio.database, asked.drift_of, asked.which.days)
