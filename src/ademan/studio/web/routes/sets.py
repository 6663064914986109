"""Gesture sets: made and changed by admins."""

from collections.abc import Mapping
from typing import Final

from fastapi import Request, Response

from ademan.studio.data import StudioError
from ademan.studio.data.names import clean_name, name_key
from ademan.studio.data.tables import LANDMARKS
from ademan.studio.web.guard import Filled, Here, Who, admin_router
from ademan.studio.web.pages import Form, go, say_to
from ademan.studio.web.parts import Studio

router = admin_router()
ROWS: Final = 4
"""Gestures for which the form of a new set has room at first."""
_MOST_ROWS: Final = 40


@router.get("/sets/new")
def new_set(request: Request, studio: Here) -> Response:
    """Show the form of a new set."""
    return _new_page(request, studio, Form(), ROWS)


@router.post("/sets")
def add_set(request: Request, studio: Here, who: Who, form: Filled) -> Response:
    """Make a set with its first gestures; with more rows if that is what was pressed."""
    rows = min(max(ROWS, sum(name.startswith("gesture-") for name in form)), _MOST_ROWS)
    if "more" in form:
        return _new_page(request, studio, Form(form), min(rows + ROWS, _MOST_ROWS))
    errors = _errors(request, form, rows)
    landmarks = form.get("landmarks", "")
    if not errors and landmarks in LANDMARKS:
        gestures = [(form[f"gesture-{i}"], form.get(f"note-{i}", "")) for i in _filled(form, rows)]
        try:
            made = studio.sets.add(who.person.id, form["name"], landmarks, form["idle"], gestures)
        except StudioError as error:
            if error.code != "taken":
                raise
            errors["name"] = say_to(request)("sets.taken")
        else:
            return go(request, f"/record/{made.id}", said="set_made")
    if landmarks not in LANDMARKS:
        errors["landmarks"] = say_to(request)("error.needed")
    return _new_page(request, studio, Form(form, errors), rows)


@router.get("/sets/{set_id}")
def show_set(request: Request, studio: Here, set_id: int) -> Response:
    """Show a set, to be changed."""
    return _page(request, studio, set_id)


@router.post("/sets/{set_id}/name")
def rename(request: Request, studio: Here, who: Who, set_id: int, form: Filled) -> Response:
    """Call a set otherwise."""
    try:
        studio.sets.rename(who.person.id, set_id, form.get("name", ""))
    except StudioError as error:
        return _refused(request, studio, set_id, form, error, "name")
    return go(request, f"/sets/{set_id}", said="set")


@router.post("/sets/{set_id}/gestures")
def add_gesture(request: Request, studio: Here, who: Who, set_id: int, form: Filled) -> Response:
    """Put a gesture into a set."""
    try:
        studio.sets.add_gesture(who.person.id, set_id, form.get("gesture", ""), form.get("note", ""))
    except StudioError as error:
        return _refused(request, studio, set_id, form, error, "gesture")
    return go(request, f"/sets/{set_id}", said="set")


@router.post("/sets/{set_id}/gestures/{gesture_id}")
def change_gesture(request: Request, studio: Here, who: Who, set_id: int, gesture_id: int, form: Filled) -> Response:
    """Give a gesture another name and note, or another place: what was pressed says which."""
    field = f"gesture-{gesture_id}"
    try:
        studio.sets.change_gesture(who.person.id, gesture_id, form.get(field, ""), form.get(f"note-{gesture_id}", ""))
    except StudioError as error:
        return _refused(request, studio, set_id, form, error, field)
    if "up" in form:
        ids = [gesture.id for gesture in studio.sets.get(set_id).gestures]
        place = ids.index(gesture_id) if gesture_id in ids else 0
        ids.insert(max(0, place - 1), ids.pop(place))
        studio.sets.order(who.person.id, set_id, ids)
    return go(request, f"/sets/{set_id}", said="set")


@router.post("/sets/{set_id}/gestures/{gesture_id}/delete")
def delete_gesture(request: Request, studio: Here, who: Who, set_id: int, gesture_id: int, form: Filled) -> Response:
    """Delete a gesture; its clips stay, without a name."""
    if form.get(f"sure-{gesture_id}") != "yes":
        wrong = Form(errors={f"sure-{gesture_id}": say_to(request)("error.sure")})
        return _page(request, studio, set_id, wrong)
    studio.sets.delete_gesture(who.person.id, gesture_id)
    return go(request, f"/sets/{set_id}", said="gesture_deleted")


@router.post("/sets/{set_id}/delete")
def delete_set(request: Request, studio: Here, who: Who, set_id: int, form: Filled) -> Response:
    """Delete a set with all that belongs to it."""
    if form.get("sure") != "yes":
        return _page(request, studio, set_id, Form(errors={"sure": say_to(request)("error.sure")}))
    studio.sets.delete(who.person.id, set_id)
    return go(request, "/record", said="set_deleted")


def _filled(form: Mapping[str, str], rows: int) -> list[int]:
    return [i for i in range(rows) if form.get(f"gesture-{i}", "").strip()]


def _errors(request: Request, form: Mapping[str, str], rows: int) -> dict[str, str]:
    """Return what is wrong with the names of a new set, by field."""
    say, errors = say_to(request), {}
    known: set[str] = set()
    for field in ("name", "idle", *(f"gesture-{i}" for i in _filled(form, rows))):
        try:
            key = name_key(clean_name(form.get(field, "")))
        except StudioError:
            errors[field] = say("error.name")
            continue
        if field != "name" and key in known:
            errors[field] = say("sets.twice")
        known |= {key} if field != "name" else set()
    if not _filled(form, rows):
        errors["gesture-0"] = say("error.needed")
    return errors


def _refused(
    request: Request, studio: Studio, set_id: int, form: Mapping[str, str], error: StudioError, field: str
) -> Response:
    """Show what was refused beside its field, if that is what is wrong."""
    words = {"bad": "error.name", "taken": "sets.twice" if field != "name" else "sets.taken"}
    if error.code not in words:
        raise error
    return _page(request, studio, set_id, Form(form, {field: say_to(request)(words[error.code])}))


def _new_page(request: Request, studio: Studio, form: Form, rows: int) -> Response:
    more = {"form": form, "rows": rows, "most": rows >= _MOST_ROWS, "landmarks": LANDMARKS, "here": "record"}
    return studio.pages.show(request, "set_new", 422 if form.is_wrong else 200, **more)


def _page(request: Request, studio: Studio, set_id: int, form: Form | None = None) -> Response:
    form = form or Form()
    more = {"owner": studio.sets.get(set_id), "form": form, "here": "record"}
    return studio.pages.show(request, "set", 422 if form.is_wrong else 200, **more)
