"""Record: clips of gestures, before the camera."""

from typing import Annotated

from fastapi import Body, Request, Response
from pydantic import BaseModel, StrictBool, StrictInt
from starlette.responses import JSONResponse

from ademan.studio.data.coverage import coverage
from ademan.studio.web.guard import Here, Who, member_router

router = member_router()


class Begin(BaseModel):
    """What is said when a recording begins."""

    set: StrictInt
    video: StrictBool = False


@router.get("/record")
def record(request: Request, studio: Here, who: Who) -> Response:
    """Show the sets that one can record for."""
    sets = studio.sets.all()
    found = {owner.id: coverage(studio.database, owner.id, who.person.id) for owner in sets}
    return studio.pages.show(request, "record", sets=sets, coverage=found)


@router.get("/record/{set_id}")
def session(request: Request, studio: Here, who: Who, set_id: int) -> Response:
    """Show the page that leads through a recording."""
    owner = studio.sets.get(set_id)
    found = coverage(studio.database, set_id, who.person.id)
    plan = {
        "set": owner.id,
        "idle": owner.idle,
        "gestures": [{"id": one.id, "name": one.name, "note": one.note} for one in owner.gestures],
    }
    return studio.pages.show(request, "session", owner=owner, coverage=found, plan=plan, here="record")


@router.post("/api/recordings")
def begin(studio: Here, who: Who, asked: Annotated[Begin, Body()]) -> Response:
    """Begin a recording of oneself."""
    made = studio.clips.begin_recording(who.person.id, asked.set, video_agreed=asked.video)
    return JSONResponse({"id": made}, 201)


@router.post("/api/recordings/{recording_id}/end")
def end(studio: Here, who: Who, recording_id: int) -> Response:
    """Note that a recording has ended."""
    studio.clips.end_recording(who.person.id, recording_id)
    return JSONResponse({"id": recording_id})


@router.get("/api/sets/{set_id}/coverage")
def covered(studio: Here, who: Who, set_id: int) -> Response:
    """Return how many clips of each label there are, and of how many people."""
    found = coverage(studio.database, set_id, who.person.id)
    return JSONResponse({"labels": [vars(label) for label in found.labels], "people": found.people})
