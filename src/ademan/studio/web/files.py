"""Files of the studio as answers: as a whole, or the part that a player of videos asks for."""

import re
from collections.abc import Mapping
from typing import Final

from fastapi import Request
from starlette.responses import Response

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)
PRIVATE: Final = {"Cache-Control": "no-store"}
"""Of what shows a person: no copy stays in the browser."""


def attached(content: bytes, kind: str, name: str) -> Response:
    """Return a file to be saved.

    Args:
        content: of the file.
        kind: its media type.
        name: under which it is saved; letters, digits, dots and hyphens only.
    """
    return Response(
        content, headers={**PRIVATE, "Content-Disposition": f'attachment; filename="{name}"'}, media_type=kind
    )


def played(request: Request, content: bytes, kind: str) -> Response:
    """Return a video, or the one part of it that is asked for: some browsers play nothing else (RFC 9110, 14)."""
    headers: Mapping[str, str] = {**PRIVATE, "Accept-Ranges": "bytes"}
    asked = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if asked is None or not (asked[1] or asked[2]):
        return Response(content, headers=headers, media_type=kind)
    size = len(content)
    if asked[1]:
        first, last = int(asked[1]), min(int(asked[2] or size), size - 1)
    else:
        first, last = max(0, size - int(asked[2])), size - 1
    if first > last:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    part = {**headers, "Content-Range": f"bytes {first}-{last}/{size}"}
    return Response(content[first : last + 1], 206, part, kind)
