"""Poses: where a wrist is, how it is turned, and how the fingers are held, as one row of 22 channels.

All poses are those of a right hand. The origin lies between the shoulders; x to the right in the picture (a right
hand's own side is negative), y down, z away from the camera; metres and degrees.
"""

import numpy as np

from ademan.errors import ConfigError
from ademan.synthetic.hand import ANGLES, FINGERS, Floats

CHANNELS = ("x", "y", "z", "turn", "tilt", "roll") + ANGLES
"""What a pose gives: the wrist's place and turns (see `hand.place`), then the joint angles."""


def channels(**values: float) -> Floats:
    """Return a row of CHANNELS with these values, zero elsewhere.

    Raises:
        ConfigError: no channel has that name.
    """
    row = np.zeros(len(CHANNELS))
    for name, value in values.items():
        if name not in CHANNELS:
            raise ConfigError(f"a pose has no channel '{name}'. It has: {', '.join(CHANNELS)}.")
        row[CHANNELS.index(name)] = value
    return row


def scales(place_m: float, turn_deg: float, finger_deg: float) -> Floats:
    """Return one value for the three places, one for the three turns, and one for all joint angles."""
    return np.repeat([place_m, turn_deg, finger_deg], [3, 3, len(ANGLES)])


def _thumb(radial: float, palmar: float, mcp: float, ip: float) -> Floats:
    return channels(thumb_radial=radial, thumb_palmar=palmar, thumb_mcp=mcp, thumb_ip=ip)


def _finger(name: str, spread: float, mcp: float, pip: float) -> Floats:
    return channels(**{f"{name}_spread": spread, f"{name}_mcp": mcp, f"{name}_pip": pip})


def _fingers(names: tuple[str, ...], spread: float, mcp: float, pip: float) -> Floats:
    rows = (_finger(name, 0.0 if name == "middle" else spread, mcp, pip) for name in names)
    return np.asarray(np.sum(list(rows), axis=0))


# Holds of the hand: joint angles only. The closed pinch brings the tips of an average hand together.
OPEN = _thumb(45, 15, 5, 0) + _fingers(FINGERS, 12, 0, 5)
FLAT = _thumb(22, 10, 10, 5) + _fingers(FINGERS, 2, 5, 8)
RELAXED = _thumb(25, 25, 15, 15) + _fingers(FINGERS, 3, 28, 35)
FIST = _thumb(15, 40, 50, 40) + _fingers(FINGERS, 0, 80, 95)
_CURLED = _fingers(FINGERS[1:], 0, 75, 90)
POINTING = _thumb(15, 38, 45, 40) + _finger("index", 0, 5, 8) + _CURLED
_STRAIGHT = _finger("middle", 0, 15, 15) + _finger("ring", 8, 8, 12) + _finger("pinky", 14, 5, 10)
PINCH_OPEN = _thumb(40, 40, 0, 0) + _finger("index", 0, 20, 20)
PINCH_CLOSED = _thumb(30, 42, 15, 25) + _finger("index", 0, 50, 50)


def pinching(closed: float, curl: float) -> Floats:
    """Return a hand between an open (0) and a closed (1) pinch, its other fingers straight (0) to curled (1)."""
    others = _STRAIGHT + curl * (_CURLED - _STRAIGHT)
    return PINCH_OPEN + closed * (PINCH_CLOSED - PINCH_OPEN) + others
