"""All clips of one person as a zip that is made while it is sent: one clip is in memory at a time."""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

from ademan.studio.data import StudioError
from ademan.studio.data.clips import MOST_ROWS, ClipInfo, Clips
from ademan.studio.data.gestures import GestureSets

INDEX = "clips.json"
"""The last file of the zip: what each of the others is."""


class _Outlet(io.RawIOBase):
    """Takes what is written, and gives it away again."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        self._held += data
        return len(data)

    def take(self) -> bytes:
        held = bytes(self._held)
        self._held.clear()
        return held


def parcel(clips: Clips, sets: GestureSets, by: int) -> Iterator[bytes]:
    """Yield the pieces of a zip with all that somebody recorded: points, and the videos that were agreed to.

    Names that people chose stand in its index alone, never in names of files. What goes meanwhile is left out.

    Args:
        clips: of the studio.
        sets: of the studio.
        by: whose clips they are.

    Raises:
        StudioError: 'unavailable', the database or the files are away; the zip then ends without its index.
    """
    names, index, outlet = {owner.id: owner.name for owner in sets.all()}, [], _Outlet()
    with zipfile.ZipFile(outlet, "w") as archive:  # clips and videos are compressed already
        for clip in _all(clips, by):
            entry = _put(archive, clips, clip, by)
            if entry is not None:
                index.append({**entry, "set": names.get(clip.set_id, "")})
            yield outlet.take()
        archive.writestr(INDEX, json.dumps({"clips": index}, ensure_ascii=False, indent=1))
    yield outlet.take()


def _all(clips: Clips, by: int) -> list[ClipInfo]:
    """Return all clips of somebody; what comes meanwhile is not asked for twice."""
    found: dict[str, ClipInfo] = {}
    while True:
        page = clips.mine(by, offset=len(found), limit=MOST_ROWS)
        before = len(found)
        found |= {clip.id: clip for clip in page.clips}
        if len(found) == before or len(found) >= page.total:
            return list(found.values())


def _put(archive: zipfile.ZipFile, clips: Clips, clip: ClipInfo, by: int) -> dict[str, Any] | None:
    """Put a clip into the zip, and return what the index says of it; None if it is gone or damaged."""
    try:
        name = f"clips/{clip.id}.npz"
        archive.writestr(name, clips.content(by, clip.id))
        video = None
        if clip.has_video:
            content, ending = clips.video(by, clip.id)
            video = f"videos/{clip.id}{ending}"
            archive.writestr(video, content)
    except StudioError as error:
        if error.code == "unavailable":
            raise
        return None
    return {
        "file": name, "video": video, "label": clip.label, "state": clip.state, "origin": clip.origin,
        "frames": clip.frames, "duration_ms": clip.duration_ms, "created_ms": clip.created_ms,
    }  # fmt: skip
