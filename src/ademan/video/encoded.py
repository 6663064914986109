"""Pictures as they come over a network: JPEG or WebP, from anybody.

What the head of a picture says is held against limits before memory and time are spent on the rest of it. A JPEG may
be made of thousands of scans, each of which costs as much as a picture; those of cameras and canvases have ten at most.
"""

import struct

import cv2
import numpy as np

from ademan.errors import VideoError
from ademan.video.frame import Image

_MOST_SCANS = 16
_START_OF_SCAN = b"\xff\xda"
_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # JPEG's SOF markers (ITU-T T.81, table B.1)
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers that nothing belongs to


def encoded_size(content: bytes) -> tuple[int, int] | None:
    """Return width and height that the head of a JPEG or WebP gives; None if it is neither."""
    try:
        if content[:2] == b"\xff\xd8":
            return _jpeg_size(content)
        if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
            return _webp_size(content)
    except (struct.error, IndexError):  # it ends in its head
        pass
    return None


def read_encoded(content: bytes, most_side: int) -> Image:
    """Return a JPEG or WebP as a picture in RGB, upright as its EXIF tag says.

    Args:
        content: of the file.
        most_side: pixels that its longer side may have.

    Raises:
        VideoError: it is neither, too large, or damaged.
    """
    size = encoded_size(content)
    if size is None:
        raise VideoError("this is neither a JPEG nor a WebP picture.")
    if not 0 < min(size) <= max(size) <= most_side:
        raise VideoError(f"the picture has {size[0]} x {size[1]} pixels; 1 to {most_side} a side are taken.")
    if content.count(_START_OF_SCAN) > _MOST_SCANS:
        raise VideoError(f"the picture is made of more than {_MOST_SCANS} scans. Save it as a plain JPEG.")
    try:
        image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error:
        image = None
    if image is None or sorted(image.shape[:2]) != sorted(size):
        raise VideoError("the picture is damaged: its head can be read, and the rest of it cannot.")
    return np.ascontiguousarray(image, np.uint8)


def _jpeg_size(content: bytes) -> tuple[int, int] | None:
    place = 2
    while content[place] == 0xFF:
        marker = content[place + 1]
        if marker in _SIZES:
            height, width = struct.unpack_from(">HH", content, place + 5)
            return width, height
        if marker == 0xFF:  # filling
            place += 1
        elif marker in _ALONE:
            place += 2
        else:
            (length,) = struct.unpack_from(">H", content, place + 2)
            place += 2 + max(2, length)
    return None


def _webp_size(content: bytes) -> tuple[int, int] | None:
    """Return the size in the first chunk (RFC 9649, 2.5 to 2.7)."""
    kind = content[12:16]
    if kind == b"VP8X":
        width, height = (int.from_bytes(content[place : place + 3], "little") + 1 for place in (24, 27))
        return (width, height) if len(content) >= 30 else None
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None
