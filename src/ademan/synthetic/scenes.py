"""Scenes: what both hands do for a while, under one label; a recording is a row of scenes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from ademan.errors import ConfigError
from ademan.synthetic.gestures import GESTURES, Moves, Side, ready
from ademan.synthetic.hand import Floats, mirrored, place
from ademan.synthetic.idle import draw_kind, idle, idle_pose
from ademan.synthetic.motion import Move, Track, track, tremble
from ademan.synthetic.person import Person

IDLE = "idle"
LABELS = (*GESTURES, IDLE)
"""What clips can be labelled: the gestures, and idle."""

_BY_THE_OTHER_HAND = 0.12

Poses: TypeAlias = tuple[Floats, Floats]
"""The left hand's pose and the right hand's, each as that of a right hand."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What both hands do for a while.

    Args:
        label: a gesture, or idle.
        left: movements of the left hand, written as those of a right hand.
        right: movements of the right hand; they last as long.
    """

    label: str
    left: tuple[Move, ...]
    right: tuple[Move, ...]

    @property
    def seconds(self) -> float:
        """How long the scene takes."""
        return _seconds(self.left)

    def end(self, start: Poses) -> Poses:
        """Return where the hands are after the scene."""
        left, right = (_last(moves, pose) for moves, pose in zip((self.left, self.right), start, strict=True))
        return left, right


def start_poses(person: Person, rng: np.random.Generator) -> Poses:
    """Return where the hands are when a recording begins."""
    kind = draw_kind(rng)
    return idle_pose(person, kind, rng), idle_pose(person, kind, rng)


def idle_scene(person: Person, now: Poses, seconds: float, rng: np.random.Generator) -> Scene:
    """Return hands that idle for so many seconds or longer, most often both in the same way."""
    kind = draw_kind(rng)
    other = kind if rng.random() < 0.6 else draw_kind(rng, busy=True)
    kinds = (kind, other) if rng.random() < 0.5 else (other, kind)
    left, right = (idle(person, k, pose, seconds, rng) for k, pose in zip(kinds, now, strict=True))
    return _scene(IDLE, left, right)


def gesture_scenes(label: str, person: Person, now: Poses, rng: np.random.Generator) -> list[Scene]:
    """Return a hand's way to where the gesture begins, which is idle still, and the gesture.

    Raises:
        ConfigError: there is no such gesture.
    """
    check_labels([label])
    side = _draw_side(person, rng)
    moves = GESTURES[label](person, side, rng)
    first = [_first(hand_moves) for hand_moves in moves]
    active, other = (now[1], now[0]) if side == "right" else (now[0], now[1])
    poses = (active, other)
    seconds = max(person.reach_s(pose, to) for pose, to in zip(poses, first, strict=False))
    way = [[Move(seconds, to)] for to in first]
    return [_on_side(IDLE, way, side), _on_side(label, moves, side)]


def check_labels(labels: Sequence[str]) -> None:
    """Refuse what is no label of a made-up recording.

    Raises:
        ConfigError: names it, and all there are.
    """
    unknown = [label for label in labels if label not in LABELS]
    if unknown:
        raise ConfigError(f"no made-up gesture '{unknown[0]}'. There are: {', '.join(LABELS)}.")


def pose_hands(
    person: Person, start: Poses, scenes: Sequence[Scene], seconds: Floats, rng: np.random.Generator
) -> Floats:
    """Return both hands in space at these times.

    Args:
        person: whose hands.
        start: where they are at 0 s.
        scenes: what they do from then on.
        seconds: (T,) times.
        rng: the source of chance, for the trembling.

    Returns:
        (T, 2, 21, 3) in metres, left hand first; see poses.py for the axes.
    """
    left = track(start[0], [move for scene in scenes for move in scene.left])
    right = track(start[1], [move for scene in scenes for move in scene.right])
    hands = [_hand_m(person, way, seconds, rng) for way in (left, right)]
    return np.stack([mirrored(hands[0]), hands[1]], axis=1)


def _hand_m(person: Person, way: Track, seconds: Floats, rng: np.random.Generator) -> Floats:
    poses = way.at(seconds, person.lag_s) + tremble(seconds, person.trembling, rng)
    return place(person.hand.points(poses[:, 6:]), poses[:, :6])


def _draw_side(person: Person, rng: np.random.Generator) -> Side:
    other = bool(rng.random() < _BY_THE_OTHER_HAND)
    return "right" if person.right_handed != other else "left"


def _on_side(label: str, moves: Sequence[Moves], side: Side) -> Scene:
    """Return a scene in which the hand on that side makes the first movements, and the other one the second, if any."""
    active, other = moves[0], moves[1] if len(moves) > 1 else []
    return _scene(label, other, active) if side == "right" else _scene(label, active, other)


def _scene(label: str, left: Moves, right: Moves) -> Scene:
    seconds = max(_seconds(left), _seconds(right))
    return Scene(label, _filled(left, seconds), _filled(right, seconds))


def _filled(moves: Moves, seconds: float) -> tuple[Move, ...]:
    """Return movements that last so long: with a pause at the end, if need be."""
    rest = seconds - _seconds(moves)
    return (*moves, Move(rest)) if rest > 1e-9 else tuple(moves)


def _seconds(moves: Sequence[Move]) -> float:
    return sum(move.seconds for move in moves)


def _first(moves: Moves) -> Floats:
    """Return where a hand waits for a gesture to begin."""
    return ready(next(move.to for move in moves if move.to is not None))


def _last(moves: Sequence[Move], start: Floats) -> Floats:
    reached = [move.to for move in moves if move.to is not None]
    return reached[-1] if reached else start
