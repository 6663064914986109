"""Models: versions, how good they are, and which one is live."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from fastapi import Request, Response
from starlette.responses import StreamingResponse

from ademan.studio.data import StudioError
from ademan.studio.data.gestures import SetInfo
from ademan.studio.data.models import VersionInfo
from ademan.studio.data.people import names_of
from ademan.studio.web.amounts import duration, percenter
from ademan.studio.web.errors import WebError
from ademan.studio.web.guard import Filled, Here, Who, admin_router, member_router
from ademan.studio.web.pages import go, language_of, say_to
from ademan.studio.web.parts import Studio
from ademan.studio.web.scores import Judgement, judgement, reasons

router = member_router()
admins = admin_router()
SHOWN: Final = 10
"""Versions of a set on the page of all sets."""
_CHUNK: Final = 1 << 16
_STATES: Final = {
    "live": "models.is_live",
    "candidate": "models.is_candidate",
    "retired": "models.is_retired",
    "refused": "models.is_refused",
}
_KINDS: Final = {"live": "good", "candidate": "accent", "retired": "", "refused": "bad"}
_PARTS: Final = ("people_learnt", "people_tested")
_TESTED_ON: Final = {"people": "models.on_people", "recordings": "models.on_recordings", "clips": "models.on_clips"}


@router.get("/models")
def models(request: Request, studio: Here) -> Response:
    """Show the versions of all sets, or all versions of one."""
    wanted = _number(request.query_params.get("set", ""))
    sets = [studio.sets.get(wanted)] if wanted is not None else studio.sets.all()
    found = [(one, studio.models.all(one.id)) for one in sets]
    shown = [
        {
            "owner": one,
            "count": len(versions),
            "versions": [(version, _judged(version)) for version in versions[: None if wanted else SHOWN]],
            "live": next((version for version in versions if version.state == "live"), None),
            "others": _to_compare(versions),
        }
        for one, versions in found
    ]
    names = _names(studio, [version for _, versions in found for version in versions])
    return studio.pages.show(
        request, "models", shown=shown, names=names, is_one=wanted is not None, states=_STATES, kinds=_KINDS
    )


@router.get("/models/compare")
def compare(request: Request, studio: Here) -> Response:
    """Show how two versions differ."""
    old_id, new_id = (_number(request.query_params.get(name, "")) for name in ("old", "new"))
    if old_id is None or new_id is None:
        raise WebError("gone", "expected the ids of two versions, old and new.")
    found = studio.models.compare(old_id, new_id)
    before = found.new.scores.get("old") if found.same_people else found.old.scores.get("new")
    return studio.pages.show(
        request,
        "compare",
        here="models",
        found=found,
        owner=studio.sets.get(found.new.set_id),
        old=judgement(before),
        new=_judged(found.new),
        versions=studio.models.all(found.new.set_id),
        states=_STATES,
        kinds=_KINDS,
    )


@router.get("/models/{version_id}")
def model(request: Request, studio: Here, who: Who, version_id: int) -> Response:
    """Show one version."""
    version = studio.models.get(version_id)
    owner, say = studio.sets.get(version.set_id), say_to(request)
    live = studio.models.live(version.set_id)
    decision = version.scores.get("decision") or {}
    new, old = _judged(version), judgement(version.scores.get("old"))
    return studio.pages.show(
        request,
        "model",
        here="models",
        version=version,
        owner=owner,
        live=live,
        before=studio.models.before(version.set_id) if version.state == "live" else None,
        new=new,
        old=old,
        verdict=decision.get("verdict", ""),
        reasons=reasons(decision, say, percenter(language_of(request))),
        untested=[label for label in version.labels if new and not _support(new, label)],
        tested_on=_TESTED_ON.get(str(version.split.get("kind", "")), ""),
        people=_people(studio, version) if who.person.is_admin else None,
        took=duration(1000 * float(version.scores.get("seconds") or 0), say),
        names=_names(studio, [version]),
        file=_file_name(owner, version),
        states=_STATES,
        kinds=_KINDS,
    )


@router.get("/models/{version_id}/bundle.zip")
def download(studio: Here, version_id: int) -> Response:
    """Return the bundle of a version, as it is read."""
    version = studio.models.get(version_id)
    owner = studio.sets.get(version.set_id)
    with ExitStack() as opening:
        path = opening.enter_context(studio.models.bundle(version_id))
        size, held = path.stat().st_size, opening.pop_all()
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{_file_name(owner, version)}"',
        "Content-Length": str(size),
        "Repr-Digest": f"sha-256=:{b64encode(bytes.fromhex(version.sha256)).decode()}:",  # RFC 9530
    }
    return StreamingResponse(_pieces(path, held), headers=headers, media_type="application/zip")


@admins.get("/models/{version_id}/promote")
def ask_to_promote(request: Request, studio: Here, version_id: int) -> Response:
    """Show what would change by a promotion."""
    return _ask(request, studio, studio.models.get(version_id), is_back=False)


@admins.post("/models/{version_id}/promote")
def promote(request: Request, studio: Here, who: Who, version_id: int, form: Filled) -> Response:
    """Make a version live, if what was live when it was asked for is so still."""
    try:
        version = studio.models.promote(version_id, who.person.id, expected=_expected(form))
    except StudioError as error:
        if error.code != "taken":
            raise
        return _ask(request, studio, studio.models.get(version_id), is_back=False, is_late=True)
    return go(request, f"/models/{version.id}", said="promoted")


@admins.get("/models/sets/{set_id}/back")
def ask_to_roll_back(request: Request, studio: Here, set_id: int) -> Response:
    """Show to which version one would go back."""
    return _ask(request, studio, _before(studio, set_id), is_back=True)


@admins.post("/models/sets/{set_id}/back")
def roll_back(request: Request, studio: Here, who: Who, set_id: int, form: Filled) -> Response:
    """Make the version live that was so before, if what was live when it was asked for is so still."""
    try:
        version = studio.models.roll_back(set_id, who.person.id, expected=_expected(form))
    except StudioError as error:
        if error.code != "taken":
            raise
        return _ask(request, studio, _before(studio, set_id), is_back=True, is_late=True)
    return go(request, f"/models/{version.id}", said="rolled_back")


def _ask(request: Request, studio: Studio, version: VersionInfo, *, is_back: bool, is_late: bool = False) -> Response:
    live = studio.models.live(version.set_id)
    decision = version.scores.get("decision") or {}
    return studio.pages.show(
        request,
        "promote",
        409 if is_late else 200,
        here="models",
        version=version,
        owner=studio.sets.get(version.set_id),
        live=live,
        lost=[label for label in (live.labels if live else ()) if label not in version.labels],
        reasons=reasons(decision, say_to(request), percenter(language_of(request))),
        is_back=is_back,
        is_late=is_late,
    )


def _before(studio: Studio, set_id: int) -> VersionInfo:
    """Return the version to which one would go back.

    Raises:
        WebError: 'gone', there is none.
    """
    found = studio.models.before(set_id)
    if found is None:
        raise WebError("gone", "no other version was live before; there is nothing to go back to.")
    return found


def _expected(form: Mapping[str, str]) -> int | None:
    """Return the id of the version that the page showed as live; None if it showed none.

    Raises:
        WebError: 'bad', the form does not say.
    """
    told = form.get("expected", "?")
    if told == "":
        return None
    found = _number(told)
    if found is None:
        raise WebError("bad", "the form does not say which version is live; reload the page.")
    return found


def _judged(version: VersionInfo) -> Judgement | None:
    return judgement(version.scores.get("new"))


def _support(judged: Judgement, label: str) -> int:
    found = judged.of(label)
    return found.support if found else 0


def _to_compare(versions: Sequence[VersionInfo]) -> tuple[int, int] | None:
    """Return the two versions that are compared first: the live one, or the one before, with the newest."""
    if len(versions) < 2:
        return None
    newest = versions[0]
    live = next((version for version in versions if version.state == "live" and version != newest), versions[1])
    return live.id, newest.id


def _names(studio: Studio, versions: Iterable[VersionInfo]) -> dict[int, str]:
    """Return the names of those who trained and promoted."""
    with studio.database.reading() as session:
        return names_of(session, [one for version in versions for one in (version.trained_by, version.promoted_by)])


def _people(studio: Studio, version: VersionInfo) -> dict[str, list[str]]:
    """Return who was learnt from and who was tested, by name; those who have left are left out."""
    ids = {name: [one for one in version.split.get(name, ()) if isinstance(one, int)] for name in _PARTS}
    with studio.database.reading() as session:
        names = names_of(session, [one for found in ids.values() for one in found])
    return {name: [names[one] for one in found if one in names] for name, found in ids.items()}


def _file_name(owner: SetInfo, version: VersionInfo) -> str:
    """Return what a bundle is saved as: a name that every system takes."""
    plain = re.sub(r"[^a-z0-9]+", "-", owner.name.lower()).strip("-")[:40]
    return f"{plain or f'set-{owner.id}'}-v{version.number}.zip"


def _pieces(path: Path, held: ExitStack) -> Iterator[bytes]:
    with held, path.open("rb") as file:
        while piece := file.read(_CHUNK):
            yield piece


def _number(told: str) -> int | None:
    return int(told) if told.isdecimal() and told.isascii() and len(told) < 16 else None
