"""What hands do between gestures: hang, rest, fidget, move about, leave the picture, or are not there."""

from collections.abc import Callable
from typing import Literal, TypeAlias, get_args

import numpy as np

from ademan.synthetic.gestures import Moves
from ademan.synthetic.hand import Floats
from ademan.synthetic.motion import Move
from ademan.synthetic.person import Person
from ademan.synthetic.poses import FIST, FLAT, OPEN, POINTING, RELAXED, channels

IdleKind = Literal["hanging", "resting", "fidgeting", "wandering", "leaving", "absent"]

IDLE_KINDS: tuple[IdleKind, ...] = get_args(IdleKind)
_SHARES = (0.14, 0.22, 0.2, 0.26, 0.12, 0.06)
# With one hand busy, the other most often is at rest.
_OTHER_SHARES = (0.35, 0.4, 0.1, 0.1, 0.0, 0.05)

_HANGING = channels(x=-0.24, y=0.56, z=-0.04, turn=50, tilt=175) + RELAXED
_RESTING = (
    channels(x=-0.14, y=0.3, z=-0.34, turn=5, tilt=85, roll=25) + RELAXED,  # on the table
    channels(x=-0.1, y=0.38, z=-0.28, turn=30, tilt=110, roll=40) + RELAXED,  # in the lap
    channels(x=-0.04, y=0.26, z=-0.26, turn=70, tilt=60, roll=55) + FIST,  # folded before the body
)
_FIDGETING = (
    channels(x=-0.1, y=-0.1, z=-0.12, turn=150, tilt=10, roll=25) + RELAXED,  # at the chin
    channels(x=-0.14, y=-0.2, z=-0.08, turn=110, tilt=15, roll=30) + RELAXED,  # at the ear
    channels(x=-0.04, y=0.24, z=-0.28, turn=60, tilt=60, roll=45) + RELAXED,  # on the other arm
    *_RESTING,
)
# Beside the camera, below the picture.
_GONE = channels(x=-1.05, y=0.95, z=-0.45, tilt=90) + RELAXED

Idling: TypeAlias = Callable[[Person, Floats, float, np.random.Generator], Moves]
"""Gives one hand's movements from a pose on, for so many seconds or longer."""


def draw_kind(rng: np.random.Generator, *, busy: bool = False) -> IdleKind:
    """Return a kind of idling; `busy`: the other hand does something."""
    return IDLE_KINDS[rng.choice(len(IDLE_KINDS), p=_OTHER_SHARES if busy else _SHARES)]


def idle_pose(person: Person, kind: IdleKind, rng: np.random.Generator) -> Floats:
    """Return a pose in which a hand idles in this way, when it is still."""
    if kind in ("hanging", "absent"):
        return (_HANGING if kind == "hanging" else _GONE) + person.variation(rng)
    if kind in ("resting", "fidgeting"):
        choice = _RESTING if kind == "resting" else _FIDGETING
        return choice[rng.choice(len(choice))] + person.variation(rng)
    return _anywhere(person, rng)


def idle(person: Person, kind: IdleKind, now: Floats, seconds: float, rng: np.random.Generator) -> Moves:
    """Return one hand's movements while it idles, from the pose `now` on, for so many seconds or longer."""
    return _IDLING[kind](person, now, seconds, rng)


def _anywhere(person: Person, rng: np.random.Generator) -> Floats:
    """Return a pose without meaning in the space before the body."""
    holds = (RELAXED, RELAXED, FLAT, OPEN, FIST, POINTING)
    wrist = channels(
        x=rng.uniform(-0.32, 0.06),
        y=rng.uniform(-0.12, 0.34),
        z=rng.uniform(-0.38, -0.16),
        turn=rng.uniform(-20, 110),
        tilt=rng.uniform(-5, 90),
        roll=rng.uniform(-25, 45),
    )
    return wrist + holds[rng.choice(len(holds))] + person.variation(rng)


def _reach(person: Person, now: Floats, to: Floats, rng: np.random.Generator) -> Move:
    return Move(person.reach_s(now, to) * rng.uniform(0.8, 1.6), to)


def _still(kind: IdleKind) -> Idling:
    def idling(person: Person, now: Floats, seconds: float, rng: np.random.Generator) -> Moves:
        move = _reach(person, now, idle_pose(person, kind, rng), rng)
        return [move, Move(max(seconds - move.seconds, 0.05))]

    return idling


def _fidgeting(person: Person, now: Floats, seconds: float, rng: np.random.Generator) -> Moves:
    """Scratch, rub or tap: small repeated movements of the fingers and the wrist, with breaks."""
    moves = [_reach(person, now, idle_pose(person, "fidgeting", rng), rng)]
    while sum(move.seconds for move in moves) < seconds:
        spell = rng.uniform(0.4, 1.2)
        cycles = max(1.0, np.round(spell * rng.uniform(2.0, 4.5)))
        moves += [Move(spell, sine=_small(rng), cosine=_bend(rng), cycles=cycles), Move(rng.uniform(0.1, 0.8))]
    return moves


def _small(rng: np.random.Generator) -> Floats:
    """Return amplitudes of a small movement of the wrist."""
    x, y = rng.normal(0, 0.01, 2)
    return channels(x=x, y=y, roll=rng.normal(0, 5), tilt=rng.normal(0, 5))


def _bend(rng: np.random.Generator) -> Floats:
    """Return amplitudes of a bending of the fingers: often of one, sometimes of all."""
    fingers = ["index", "middle", "ring", "pinky"] if rng.random() < 0.5 else [str(rng.choice(["index", "middle"]))]
    bend = -abs(rng.normal(0, 9))
    return channels(**{f"{finger}_mcp": bend for finger in fingers}, **{f"{finger}_pip": bend for finger in fingers})


def _wandering(person: Person, now: Floats, seconds: float, rng: np.random.Generator) -> Moves:
    """Move about as in talk: from one place to another, with or without a break."""
    moves: Moves = []
    while sum(move.seconds for move in moves) < seconds:
        to = _anywhere(person, rng)
        if rng.random() < 0.4:  # a beat: a short way, and often back
            to = now + 0.3 * (to - now)
        moves.append(_reach(person, now, to, rng))
        now = to
        if rng.random() < 0.5:
            moves.append(Move(rng.uniform(0.1, 0.7)))
    return moves


def _leaving(person: Person, now: Floats, seconds: float, rng: np.random.Generator) -> Moves:
    """Leave the picture sideways or below, as to fetch something, and come back."""
    away = _anywhere(person, rng)
    away[:2] += [(-1.0, 0.1), (-0.5, 0.8), (0.0, 1.0)][rng.integers(3)]
    back = _anywhere(person, rng)
    moves = [_reach(person, now, away, rng), Move(rng.uniform(0.2, 0.8)), _reach(person, away, back, rng)]
    rest = seconds - sum(move.seconds for move in moves)
    return [*moves, Move(rest)] if rest > 0 else moves


_IDLING: dict[IdleKind, Idling] = {
    "hanging": _still("hanging"),
    "resting": _still("resting"),
    "fidgeting": _fidgeting,
    "wandering": _wandering,
    "leaving": _leaving,
    "absent": _still("absent"),
}
