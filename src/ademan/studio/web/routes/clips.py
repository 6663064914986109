"""My clips: looked at, named anew, downloaded, deleted."""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request, Response
from starlette.responses import JSONResponse, StreamingResponse

from ademan.studio.data.clip_files import from_bytes
from ademan.studio.data.clips import Page
from ademan.studio.data.gestures import SetInfo
from ademan.studio.data.tables import CLIP_STATES
from ademan.studio.web.drawing import MOST_DRAWN, drawn
from ademan.studio.web.errors import WebError
from ademan.studio.web.files import PRIVATE, attached, played
from ademan.studio.web.guard import Filled, Here, Who, member_router
from ademan.studio.web.pages import Form, go, say_to
from ademan.studio.web.parcel import parcel
from ademan.studio.web.parts import Studio

router = member_router()
PAGE: Final = 24
"""Clips on a page."""
_IDLE: Final = "idle"
_VIDEOS: Final = {".webm": "video/webm", ".mp4": "video/mp4"}
_MOST_VIDEO: Final = 16_000_000  # bytes; the gate takes no more of any body


@router.get("/clips")
def clips(request: Request, studio: Here, who: Who) -> Response:
    """Show one's own clips, a page of them at a time."""
    asked = {name: request.query_params.get(name, "")[:40] for name in ("show", "state")}
    number = max(1, _whole(request.query_params.get("page", "")) or 1)
    found = _some(studio, who.person.id, asked, number)
    last = max(1, -(-found.total // PAGE))
    if number > last:
        number, found = last, _some(studio, who.person.id, asked, last)
    return studio.pages.show(
        request,
        "clips",
        clips=found.clips,
        total=found.total,
        number=number,
        last=last,
        asked=asked,
        sets={owner.id: owner for owner in studio.sets.all()},
        has_any=found.total > 0 or studio.clips.mine(who.person.id, limit=1).total > 0,
    )


@router.get("/clips.zip")
def download_all(studio: Here, who: Who) -> Response:
    """Return all of one's own clips, as they are read."""
    pieces = parcel(studio.clips, studio.sets, who.person.id)
    headers = {**PRIVATE, "Content-Disposition": 'attachment; filename="my-clips.zip"'}
    return StreamingResponse(pieces, headers=headers, media_type="application/zip")


@router.post("/clips/delete")
def delete_several(request: Request, studio: Here, who: Who, form: Filled) -> Response:
    """Delete the clips that are ticked, after one has said that one is sure."""
    ids = [name.removeprefix("clip-") for name in form if name.startswith("clip-")]
    if not ids:
        return go(request, "/clips", said="none_ticked")
    if form.get("sure") != "yes":
        found = [studio.clips.get(who.person.id, clip_id) for clip_id in ids]
        wrong = {"sure": say_to(request)("error.sure")} if "asked" in form else {}
        status = 422 if wrong else 200
        return studio.pages.show(request, "clips_delete", status, here="clips", clips=found, form=Form(errors=wrong))
    studio.clips.delete(who.person.id, ids)
    return go(request, "/clips", said="clips_deleted")


@router.get("/clips/{clip_id}.npz")
def download(studio: Here, who: Who, clip_id: str) -> Response:
    """Return the file of a clip."""
    clip = studio.clips.get(who.person.id, clip_id)
    return attached(studio.clips.content(who.person.id, clip.id), "application/octet-stream", f"{clip.id}.npz")


@router.get("/clips/{clip_id}")
def clip_page(request: Request, studio: Here, who: Who, clip_id: str) -> Response:
    """Show one clip."""
    return _clip_page(request, studio, who.person.id, clip_id)


@router.get("/clips/{clip_id}/video")
def video(request: Request, studio: Here, who: Who, clip_id: str) -> Response:
    """Return the video of a clip, or a part of it."""
    content, ending = studio.clips.video(who.person.id, clip_id)
    return played(request, content, _VIDEOS[ending])


@router.post("/clips/{clip_id}/label")
def relabel(request: Request, studio: Here, who: Who, clip_id: str, form: Filled) -> Response:
    """Say what a clip shows."""
    chosen = form.get("label", "")
    gesture = _whole(chosen)
    if gesture is None and chosen != _IDLE:
        wrong = Form(errors={"label": say_to(request)("error.needed")})
        return _clip_page(request, studio, who.person.id, clip_id, wrong)
    studio.clips.relabel(who.person.id, clip_id, gesture, idle=chosen == _IDLE)
    return go(request, f"/clips/{clip_id}", said="label")


@router.post("/clips/{clip_id}/video/delete")
def delete_video(request: Request, studio: Here, who: Who, clip_id: str) -> Response:
    """Delete the video of a clip; its points stay."""
    studio.clips.delete_video(who.person.id, clip_id)
    return go(request, f"/clips/{clip_id}", said="video_deleted")


@router.get("/api/clips/{clip_id}/points")
def points(request: Request, studio: Here, who: Who, clip_id: str) -> Response:
    """Return a clip as it is replayed; with `most`, no more frames than that."""
    most = _whole(request.query_params.get("most", "")) or MOST_DRAWN
    clip = studio.clips.get(who.person.id, clip_id)
    content = from_bytes(studio.clips.content(who.person.id, clip.id))
    answer = drawn(content, min(max(most, 2), MOST_DRAWN), id=clip.id, set_id=clip.set_id, label=clip.label)
    return JSONResponse(answer, headers=PRIVATE)


@router.put("/api/clips/{clip_id}/video")
async def add_video(request: Request, studio: Here, who: Who, clip_id: str) -> Response:
    """Keep the video of a clip of one's own, where one agreed to it."""
    content = await request.body()
    if len(content) > _MOST_VIDEO:
        raise WebError("large", f"a video has {_MOST_VIDEO:,} bytes at most.")
    await asyncio.to_thread(studio.clips.add_video, who.person.id, clip_id, content, ending_of(content))
    return JSONResponse({"id": clip_id, "video": True}, 201)


def ending_of(video: bytes) -> str:
    """Return which kind of file a video is, by how it begins.

    Raises:
        WebError: 'bad', it is neither of those that browsers record.
    """
    if video[:4] == b"\x1aE\xdf\xa3":  # EBML, of which WebM is one (RFC 8794)
        return ".webm"
    if video[4:8] == b"ftyp":  # ISO/IEC 14496-12
        return ".mp4"
    raise WebError("bad", "this is no video as browsers record it: neither WebM nor MP4.")


def _some(studio: Studio, by: int, asked: Mapping[str, str], number: int) -> Page:
    """Return a page of somebody's clips; what is asked for and unknown is passed over."""
    kind, _, found = asked["show"].partition("-")
    which: dict[str, Any] = {}
    if (known := _whole(found)) is not None:
        which = {"gesture_id": known} if kind == "gesture" else {"set_id": known, "idle": kind == _IDLE}
    state = asked["state"] if asked["state"] in CLIP_STATES else ""
    return studio.clips.mine(by, **which, state=state, offset=(number - 1) * PAGE, limit=PAGE)


def _clip_page(request: Request, studio: Studio, by: int, clip_id: str, form: Form | None = None) -> Response:
    form = form or Form()
    clip = studio.clips.get(by, clip_id)
    owner: SetInfo = studio.sets.get(clip.set_id)
    more = {"clip": clip, "owner": owner, "form": form, "here": "clips", "mine": clip.user_id == by}
    return studio.pages.show(request, "clip", 422 if form.is_wrong else 200, **more)


def _whole(text: str) -> int | None:
    """Return a whole number that a database can hold, or None."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 9 else None
