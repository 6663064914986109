"""What browsers send: frames and commands, read and held against limits; and points as they are sent back."""

import json
import math
import struct
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from ademan.clip import Points, as_fractions
from ademan.skeleton import Skeleton
from ademan.studio.live.config import LiveConfig
from ademan.studio.live.errors import LiveError
from ademan.studio.live.eyes import Picture

HEAD: Final = struct.Struct("<Id")
"""Before each picture: number and time in milliseconds, little-endian."""
MOST_TEXT: Final = 4096
"""Characters of a command."""
_LONGEST_MS: Final = 1e12
_DIGITS: Final = 4


def read_picture(content: bytes, config: LiveConfig) -> Picture:
    """Return a frame as it was sent.

    Raises:
        LiveError: it is too large, or its head is none.
    """
    if len(content) <= HEAD.size:
        raise LiveError("frame", f"A frame is {HEAD.size} bytes and a picture; found {len(content)}.", is_garbage=True)
    number, time_ms = HEAD.unpack_from(content)
    if len(content) > config.most_bytes:
        message = f"The picture has {len(content)} bytes; {config.most_bytes} are the most. Send a smaller one."
        raise LiveError("large", message, is_garbage=True, number=number)
    if not math.isfinite(time_ms) or not 0 <= time_ms <= _LONGEST_MS:
        raise LiveError("time", "The time of the frame is no number of milliseconds.", is_garbage=True, number=number)
    return Picture(number, time_ms, content[HEAD.size :], time.monotonic())


def read_command(text: str) -> Mapping[str, Any]:
    """Return what is asked for: an object whose `do` is a word.

    Raises:
        LiveError: it is nothing of the kind.
    """
    try:
        command = json.loads(text) if len(text) <= MOST_TEXT else None
    except (ValueError, RecursionError):
        command = None
    if not isinstance(command, dict) or not isinstance(command.get("do"), str):
        raise LiveError("command", 'A command is an object such as {"do": "begin"}.', is_garbage=True)
    return command


def number_of(command: Mapping[str, Any], name: str) -> int:
    """Return a field that is a number.

    Raises:
        LiveError: it is none.
    """
    value = command.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
        raise LiveError("command", f"{name}: expected a number.", is_garbage=True)
    return value


def places(points: Points, size_wh: tuple[int, int]) -> list[list[float] | None]:
    """Return points (P, 3) as they are drawn: x and y as shares of the picture, None where not seen."""
    shares = as_fractions(points[:, :2], size_wh).astype(np.float64).round(_DIGITS).tolist()
    return [None if math.isnan(x) or math.isnan(y) else [x, y] for x, y in shares]


def shape_of(skeleton: Skeleton) -> dict[str, Any]:
    """Return what is needed to draw a skeleton."""
    return {
        "name": skeleton.name,
        "points": len(skeleton),
        "limbs": [list(limb) for limb in skeleton.limbs],
        "parts": {part.name: list(part.points) for part in skeleton.parts},
        "sides": [_side(name) for name in skeleton.points],
    }


def _side(name: str) -> str:
    words = name.split("_")
    return "left" if "left" in words else "right" if "right" in words else ""
