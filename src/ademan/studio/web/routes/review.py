"""Review: clips accepted or left out, and named anew."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import Query, Request, Response
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from ademan.studio.data.clips import ClipInfo
from ademan.studio.data.gestures import SetInfo
from ademan.studio.data.people import names_of
from ademan.studio.data.review import Review, Settled, Standing, Wish
from ademan.studio.data.tables import CLIP_STATES
from ademan.studio.web.errors import WebError
from ademan.studio.web.guard import Filled, Here, Who, admin_router
from ademan.studio.web.pages import go, say_to
from ademan.studio.web.parts import Studio

router = admin_router()
PER_PAGE: Final = 24
"""Clips of one page: a form of more would have more fields than are read."""
MOST_AT_ONCE: Final = 200
_TOLD: Final = {
    "changed": "review.changed",
    "gone": "review.gone",
    "nameless": "review.nameless",
    "bad": "review.refused",
}
_STATES: Final = {"new": "review.new", "accepted": "review.accepted", "excluded": "review.excluded"}


class Filters(BaseModel):
    """Which clips are shown; what makes no sense is passed over, since addresses are typed and kept."""

    set: str = ""
    state: str = "new"
    gesture: str = ""
    person: str = ""
    origin: str = ""
    order: str = "doubt"
    offset: str = ""

    def number(self, name: str) -> int | None:
        """Return a field that is a number; None if it is none."""
        value = str(getattr(self, name))
        return int(value) if value.isdecimal() and value.isascii() and len(value) < 16 else None

    def address(self, **other: object) -> str:
        """Return the page's address, with some of the fields otherwise."""
        fields = {name: str(value) for name, value in {**self.model_dump(), **other}.items()}
        return f"/review?{urlencode({name: value for name, value in fields.items() if value})}"


Chosen = Annotated[Filters, Query()]


@router.get("/review")
def review(request: Request, studio: Here, who: Who, chosen: Chosen) -> Response:
    """Show clips to be reviewed."""
    return _page(request, studio, who.person.id, chosen)


@router.post("/review")
def decide_by_form(request: Request, studio: Here, who: Who, chosen: Chosen, form: Filled) -> Response:
    """Decide about the clips that are ticked, or about the one whose button was pressed."""
    wishes = [wish for clip_id in _meant(form) if (wish := _wish(form, clip_id)) is not None]
    if not wishes:
        return _page(request, studio, who.person.id, chosen, problems=[say_to(request)("review.none_ticked")])
    settled = studio.review.settle(who.person.id, wishes)
    if settled.refused:
        return _page(request, studio, who.person.id, chosen, problems=_problems(request, settled))
    return go(request, chosen.address(), said="reviewed")


@router.post("/review/guesses")
def guess_anew(request: Request, studio: Here, who: Who, chosen: Chosen) -> Response:
    """Ask the live model about new clips that it was not asked about."""
    set_id = chosen.number("set")
    if set_id is None:
        raise WebError("gone", "there is no such set.")
    studio.guesses.renew(who.person.id, set_id)
    return go(request, chosen.address(offset=""), said="guessed")


class Stand(BaseModel):
    """How a clip stands, as scripts say it."""

    state: str = Field(max_length=16)
    gesture: int | None = Field(default=None, ge=0, lt=2**53)
    idle: bool = False

    def standing(self) -> Standing:
        """Return it as the data have it."""
        return Standing(self.state, self.gesture, self.idle)


class OneWish(BaseModel):
    """What is to become of a clip, and how it stood on the page."""

    id: str = Field(max_length=32)
    seen: Stand
    wanted: Stand


class Wishes(BaseModel):
    """Decisions about clips."""

    clips: list[OneWish] = Field(min_length=1, max_length=MOST_AT_ONCE)


@router.post("/api/review")
def decide(studio: Here, who: Who, wishes: Wishes) -> Response:
    """Decide about clips, and return how they stand now, and which decisions came too late."""
    by = who.person.id
    settled = studio.review.settle(by, [Wish(w.id, w.seen.standing(), w.wanted.standing()) for w in wishes.clips])
    names = _names(studio, settled.clips)
    clips = [
        {"id": clip.id, "label": clip.label, "by": names.get(clip.reviewed_by or 0, ""), **_plain(Standing.of(clip))}
        for clip in settled.clips
    ]
    counts = {set_id: _counts(studio.review, set_id) for set_id in sorted({clip.set_id for clip in settled.clips})}
    return JSONResponse({"clips": clips, "refused": dict(settled.refused), "counts": counts})


def _page(
    request: Request, studio: Studio, by: int, chosen: Filters, *, problems: Sequence[str] | None = None
) -> Response:
    sets = studio.sets.all()
    counts = {one.id: _counts(studio.review, one.id) for one in sets}
    owner = _owner(sets, counts, chosen.number("set"))
    if owner is None:
        return studio.pages.show(request, "review", owner=None, problems=problems or [])
    chosen = _checked(chosen, owner)
    shown = studio.review.clips(
        by, owner.id, state=chosen.state, origin=chosen.origin, **_asked(chosen), offset=chosen.number("offset") or 0,
        limit=PER_PAGE,
    )  # fmt: skip
    return studio.pages.show(
        request,
        "review",
        409 if problems else 200,
        owner=owner,
        sets=sets,
        waiting={one.id: counts[one.id]["new"] for one in sets},
        counts=counts[owner.id],
        corrected=studio.review.clips(by, owner.id, state="new", origin="try", limit=1).total,
        outdated=studio.guesses.outdated(owner.id),
        clips=[(clip, _plain(Standing.of(clip))) for clip in shown.clips],
        total=shown.total,
        per_page=PER_PAGE,
        chosen=chosen,
        people=[member.person for member in studio.members.all(by) if member.clips],
        names=_names(studio, shown.clips),
        numbers={version.id: version.number for version in studio.models.all(owner.id)},
        problems=problems or [],
        state_texts=_STATES,
    )


def _owner(sets: Sequence[SetInfo], counts: Mapping[int, Mapping[str, int]], wanted: int | None) -> SetInfo | None:
    """Return the set that is shown: the one asked for, or the one with most to do.

    Raises:
        WebError: 'gone', there is none with this id.
    """
    if wanted is None:
        return max(sets, key=lambda one: counts[one.id]["new"], default=None)
    found = next((one for one in sets if one.id == wanted), None)
    if found is None:
        raise WebError("gone", "this set is not there, or no longer.")
    return found


def _checked(chosen: Filters, owner: SetInfo) -> Filters:
    """Return the filters without what makes no sense, and with the set."""
    gestures = {str(gesture.id) for gesture in owner.gestures} | {"idle"}
    return Filters(
        set=str(owner.id),
        state=chosen.state if chosen.state in CLIP_STATES else "new",
        gesture=chosen.gesture if chosen.gesture in gestures else "",
        person=str(chosen.number("person") or ""),
        origin="try" if chosen.origin == "try" else "",
        order=chosen.order if chosen.order in ("newest", "oldest") else "doubt",
        offset=str(chosen.number("offset") or ""),
    )


def _asked(chosen: Filters) -> dict[str, Any]:
    return {
        "gesture_id": chosen.number("gesture"),
        "idle": chosen.gesture == "idle",
        "user_id": chosen.number("person"),
        "order": chosen.order,
    }


def _counts(review: Review, set_id: int) -> dict[str, int]:
    """Return how many clips of a set there are, by state."""
    by_label = review.counts(set_id).values()
    return {state: sum(found[state] for found in by_label) for state in CLIP_STATES}


def _names(studio: Studio, clips: Sequence[ClipInfo]) -> dict[int, str]:
    with studio.database.reading() as session:
        return names_of(session, [one for clip in clips for one in (clip.user_id, clip.reviewed_by)])


def _plain(standing: Standing) -> dict[str, Any]:
    return {"state": standing.state, "gesture": standing.gesture_id, "idle": standing.idle}


def _meant(form: Mapping[str, str]) -> list[str]:
    """Return the ids of the clips that a form is about: the one whose button was pressed, or those that are ticked."""
    if "one" in form:
        return [form["one"].partition(" ")[2]]
    return [name.removeprefix("clip-") for name in form if name.startswith("clip-")]


def _wish(form: Mapping[str, str], clip_id: str) -> Wish | None:
    """Return what a form wants of a clip; None if it does not say how the clip stood."""
    seen = _read_standing(form.get(f"seen-{clip_id}", ""))
    if seen is None:
        return None
    action, label = form.get("do", ""), form.get("label", "")
    if "one" in form:
        action, label = form["one"].partition(" ")[0], form.get(f"label-{clip_id}", "")
    if action in CLIP_STATES:
        return Wish(clip_id, seen, Standing(action, seen.gesture_id, seen.idle))
    named = _read_standing(f"{seen.state} {label}")
    return Wish(clip_id, seen, named) if action == "label" and named is not None else None


def _read_standing(told: str) -> Standing | None:
    """Return what a form says of a clip: its state, and an id of a gesture, 'idle' or '-' for nothing known."""
    state, _, label = told.partition(" ")
    if label == "idle":
        return Standing(state, None, True)
    if label == "-":
        return Standing(state, None, False)
    is_id = label.isdecimal() and label.isascii() and len(label) < 16
    return Standing(state, int(label), False) if is_id else None


def _problems(request: Request, settled: Settled) -> list[str]:
    """Return what is told of the decisions that came too late, one line a reason."""
    say, reasons = say_to(request), list(settled.refused.values())
    return [say(_TOLD[why], count=reasons.count(why)) for why in dict.fromkeys(reasons)]
