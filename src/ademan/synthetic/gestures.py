"""Six gestures, as movements of one hand or both: start, stroke and end, a little different every time.

All is written for the right hand; the left one does the mirror image. Only the swipes mean a direction in the
picture, whichever hand makes them.
"""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np

from ademan.synthetic.hand import Floats
from ademan.synthetic.motion import Move
from ademan.synthetic.person import Person
from ademan.synthetic.poses import FLAT, OPEN, POINTING, RELAXED, channels, pinching

Side = Literal["left", "right"]

Moves: TypeAlias = list[Move]
Gesture: TypeAlias = Callable[[Person, Side, np.random.Generator], list[Moves]]
"""Gives the movements of the hand on that side and, if both are needed, of the other one; all last as long."""

# From the elbow to the wrist: about 0.145 of a body's height (Winter, "Biomechanics and Motor Control", 2009).
_FOREARM_M = 0.25


def ready(pose: Floats) -> Floats:
    """Return where a hand waits before and after a gesture that is made around this pose: lower, and at ease."""
    wrist = np.concatenate([pose[:6], np.zeros(len(pose) - 6)])
    return wrist + channels(x=-0.02, y=0.07, tilt=15) + RELAXED


def wave(person: Person, _side: Side, rng: np.random.Generator) -> list[Moves]:
    """The open hand, held up to the camera, swings to and fro."""
    pose = channels(x=-0.22, y=-0.04, z=-0.26, tilt=5) + OPEN + person.variation(rng)
    swing = np.radians(30.0) * person.size(rng)
    forearm = swing * (1 - person.style.wave_wrist)
    wrist = min(swing * person.style.wave_wrist, np.radians(20.0))
    amplitude = channels(x=_FOREARM_M * np.sin(forearm), roll=float(np.degrees(forearm + wrist)))
    seconds = person.pace(rng.uniform(0.85, 1.3), rng)
    cycles = max(1.5, np.round(2 * person.style.wave_hz * seconds) / 2)
    stroke = Move(seconds, pose, sine=amplitude * rng.choice([-1.0, 1.0]), cycles=cycles)
    return [_phases(person, rng, pose, [stroke])]


def swipe_left(person: Person, side: Side, rng: np.random.Generator) -> list[Moves]:
    """The hand moves quickly to the left of the picture."""
    return [_swipe(person, rng, towards=-1.0 if side == "right" else 1.0)]


def swipe_right(person: Person, side: Side, rng: np.random.Generator) -> list[Moves]:
    """The hand moves quickly to the right of the picture."""
    return [_swipe(person, rng, towards=1.0 if side == "right" else -1.0)]


def _swipe(person: Person, rng: np.random.Generator, towards: float) -> Moves:
    style = person.style
    middle = channels(x=-0.12, y=0.05, z=-0.3, turn=style.swipe_turn_deg, tilt=style.swipe_tilt_deg)
    middle = middle + FLAT + person.variation(rng)
    half_way = towards * channels(x=0.16, roll=22) * person.size(rng)
    start, end = middle - half_way, middle + half_way
    # The hand goes round the elbow: nearer to the camera in the middle of its way.
    arc = channels(z=-0.04, y=rng.normal(0, 0.015))
    stroke = Move(person.pace(rng.uniform(0.3, 0.45), rng), end, sine=arc, cycles=0.5)
    back = end - 0.6 * half_way
    return _phases(person, rng, start, [stroke, _hold(0.08, person, rng)], after=back)


def circle(person: Person, _side: Side, rng: np.random.Generator) -> list[Moves]:
    """The pointing finger draws a circle, once or twice."""
    pose = channels(x=-0.15, y=0.02, z=-0.32, turn=10, tilt=35) + POINTING + person.variation(rng)
    turns = int(rng.choice([1, 2], p=[0.6, 0.4]))
    from_deg = np.radians(rng.normal(-90.0, 35.0))
    sense = 1.0 if person.style.circle_clockwise else -1.0
    radius = person.style.circle_radius_m * person.size(rng)
    x, y = channels(x=radius, roll=10), channels(y=radius * np.clip(rng.normal(1.0, 0.12), 0.75, 1.25), tilt=-6)
    cosine = x * np.cos(from_deg) + y * np.sin(from_deg)
    sine = sense * (y * np.cos(from_deg) - x * np.sin(from_deg))
    seconds = person.pace(0.35 + 0.45 * turns, rng)
    stroke = Move(seconds, pose, sine=sine, cosine=cosine, cycles=turns)
    return [_phases(person, rng, pose + cosine, [stroke])]


def pinch(person: Person, _side: Side, rng: np.random.Generator) -> list[Moves]:
    """Thumb and index finger meet and part, once or twice."""
    around = channels(x=-0.16, y=0.03, z=-0.3, turn=25, tilt=20) + person.variation(rng)
    curl = float(np.clip(person.style.pinch_curl + rng.normal(0, 0.1), 0, 1))
    apart, together = around + pinching(0, curl), around + pinching(1, curl)
    together = np.concatenate([together[:6], person.hand.pinched(together[6:])])
    strokes: Moves = []
    for _ in range(rng.choice([1, 2], p=[0.55, 0.45])):
        strokes += [Move(person.pace(0.25, rng), together), _hold(0.12, person, rng)]
        strokes += [Move(person.pace(0.22, rng), apart), _hold(0.05, person, rng)]
    return [_phases(person, rng, apart, strokes)]


def spread(person: Person, _side: Side, rng: np.random.Generator) -> list[Moves]:
    """Both hands meet before the chest and move apart."""
    start_s, stroke_s, hold_s, end_s = (person.pace(s, rng) for s in (0.35, 0.5, 0.12, 0.35))
    way = channels(x=-0.21 * person.size(rng), roll=-12)
    hold = pinching(1, 0.6) if person.style.spread_pinched else OPEN

    def one_hand() -> Moves:
        around = channels(x=-0.06, y=0.06, z=-0.3, turn=35, tilt=15) + hold
        start = around + 0.6 * person.variation(rng)
        # Hands meet, and do not pass through each other.
        start[0] = min(start[0], -0.035)
        end = start + way * np.clip(rng.normal(1.0, 0.06), 0.8, 1.2)
        return [Move(start_s, start), Move(stroke_s, end), Move(hold_s), Move(end_s, ready(end))]

    return [one_hand(), one_hand()]


def _phases(
    person: Person, rng: np.random.Generator, start: Floats, strokes: Sequence[Move], after: Floats | None = None
) -> Moves:
    """Return the whole gesture: to its first pose, the stroke, and to where the hand waits around the pose `after`."""
    leave = Move(person.pace(0.3, rng), ready(start if after is None else after))
    return [Move(person.pace(0.28, rng), start), *strokes, leave]


def _hold(seconds: float, person: Person, rng: np.random.Generator) -> Move:
    return Move(person.pace(seconds, rng))


GESTURES: dict[str, Gesture] = {
    "wave": wave,
    "swipe_left": swipe_left,
    "swipe_right": swipe_right,
    "circle": circle,
    "pinch": pinch,
    "spread": spread,
}
"""The gestures by the labels that clips of them bear."""
