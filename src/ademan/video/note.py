"""What a picture says of the video that it was taken from, in a comment of the JPEG file: when, who, in which session.

The comment is the first segment of the file (ITU-T T.81, B.2.4.5): the marker FF FE, its length in two bytes, and here
the word "ademan", a space and a JSON object. Programs that know nothing of it pass over it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from ademan.errors import VideoError
from ademan.video.frame import Image

_START, _COMMENT, _NAME = b"\xff\xd8", b"\xff\xfe", b"ademan "
_LONGEST = 4096  # bytes of a note


def encode_jpeg(image: Image, quality: int) -> bytes:
    """Return a picture (H, W, 3) as the content of a JPEG file.

    Args:
        image: (H, W, 3).
        quality: 1 to 100.

    Raises:
        VideoError: the picture is larger than JPEG allows.
    """
    try:
        done, content = cv2.imencode(
            ".jpg", np.ascontiguousarray(image[..., ::-1]), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
    except cv2.error:
        done, content = False, np.zeros(0, np.uint8)
    if not done:
        raise VideoError(
            f"a picture of {image.shape[1]} x {image.shape[0]} pixels cannot be a JPEG file, which has up to "
            "65,500 a side. Make it smaller with --size."
        )
    return content.tobytes()


def with_note(jpeg: bytes, note: Mapping[str, Any]) -> bytes:
    """Return the content of a JPEG file with a note in it: plain JSON values, a few hundred characters.

    Raises:
        VideoError: the note is too long.
    """
    told = _NAME + json.dumps(dict(note), allow_nan=False).encode()
    if len(told) > _LONGEST:
        raise VideoError(f"the note of a picture has {len(told):,} bytes; expected {_LONGEST:,} at most.")
    return _START + _COMMENT + (len(told) + 2).to_bytes(2) + told + jpeg.removeprefix(_START)


def read_note(path: Path) -> dict[str, Any]:
    """Return the note of a picture; empty if it has none, or cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(6 + _LONGEST)
        length = int.from_bytes(head[4:6]) - 2
        if head[:4] != _START + _COMMENT or not head[6:].startswith(_NAME) or length > _LONGEST:
            return {}
        note = json.loads(head[6 + len(_NAME) : 6 + length])
    except (OSError, ValueError, RecursionError):
        return {}
    return note if isinstance(note, dict) else {}
