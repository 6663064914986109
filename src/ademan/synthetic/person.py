"""Made-up persons: how their hands are built, and how they move them."""

from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ademan.synthetic.camera import Camera
from ademan.synthetic.detector import Detector
from ademan.synthetic.hand import Floats, Hand
from ademan.synthetic.poses import CHANNELS, scales

# Nine people in ten are right-handed (Papadatou-Pastou et al., "Human handedness: a meta-analysis", 2020).
_RIGHT_HANDED = 0.9
# How much a person's usual pose differs from the average one, and one repetition from the next.
_HABIT = scales(0.035, 9.0, 6.0)
_REPETITION = scales(0.02, 5.0, 4.0)
# Unhurried reaches.
_SHORTEST_REACH_S, _REACH_M_S, _TURN_DEG_S = 0.3, 0.9, 300.0


@dataclass(frozen=True)
class Style:
    """How a person makes the gestures: what others do another way, and all call the same.

    Args:
        wave_hz: swings to and fro a second.
        wave_wrist: part of a wave that the wrist does, 0 to 1; the forearm does the rest.
        swipe_turn_deg: how far the palm is turned from the camera in a swipe.
        swipe_tilt_deg: how far the fingers lean to the camera in a swipe.
        circle_clockwise: as the person's right hand is seen in the picture.
        circle_radius_m: of a circle of usual size.
        pinch_curl: how far the other fingers are curled in a pinch, 0 to 1.
        spread_pinched: how far the hands are closed to a pinch when they spread, 0 to 1.
    """

    wave_hz: float = 1.6
    wave_wrist: float = 0.4
    swipe_turn_deg: float = 45.0
    swipe_tilt_deg: float = 25.0
    circle_clockwise: bool = True
    circle_radius_m: float = 0.09
    pinch_curl: float = 0.3
    spread_pinched: float = 0.0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Return a random style."""
        return cls(
            wave_hz=float(rng.uniform(1.1, 2.3)),
            wave_wrist=float(rng.uniform(0.1, 0.8)),
            swipe_turn_deg=float(rng.uniform(0, 80)),
            swipe_tilt_deg=float(rng.uniform(0, 55)),
            circle_clockwise=bool(rng.random() < 0.6),
            circle_radius_m=float(rng.uniform(0.06, 0.13)),
            pinch_curl=float(rng.uniform(0, 1)),
            spread_pinched=float(rng.choice([0.0, 1.0], p=[0.7, 0.3])),
        )


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody who is recorded.

    Args:
        name: what clips call the subject.
        hand: the right hand; the left one is its mirror image.
        right_handed: which hand makes most one-handed gestures.
        tempo: speed of movements, 1 is usual.
        amplitude: size of movements, 1 is usual.
        trembling: see `motion.tremble`, 1 is usual.
        habit: (22,) what is added to every pose.
        lag_s: (22,) by how much a channel comes late: hands follow arms, and fingers follow hands.
        style: how gestures are made.
        camera: where the camera of this session is.
        detector: how well this session's hands are found.
    """

    name: str
    hand: Hand
    right_handed: bool
    tempo: float
    amplitude: float
    trembling: float
    habit: Floats
    lag_s: Floats
    style: Style
    camera: Camera
    detector: Detector

    @classmethod
    def draw(cls, rng: np.random.Generator, name: str = "somebody") -> Self:
        """Return a random person before a random camera."""
        return cls(
            name=name,
            hand=Hand.draw(rng),
            right_handed=bool(rng.random() < _RIGHT_HANDED),
            tempo=float(rng.uniform(0.8, 1.3)),
            amplitude=float(rng.uniform(0.75, 1.25)),
            trembling=float(rng.uniform(0.4, 2.0)),
            habit=rng.standard_normal(len(CHANNELS)) * _HABIT,
            lag_s=rng.uniform(0, 1, len(CHANNELS)) * np.repeat([0.0, 0.03, 0.05], [3, 3, len(CHANNELS) - 6]),
            style=Style.draw(rng),
            camera=Camera.draw(rng),
            detector=Detector.draw(rng),
        )

    def elsewhere(self, rng: np.random.Generator) -> Self:
        """Return the same person in another session: another camera, other light."""
        return replace(self, camera=Camera.draw(rng), detector=Detector.draw(rng))

    def variation(self, rng: np.random.Generator) -> Floats:
        """Return (22,): how the poses of one repetition differ from the average person's."""
        return self.habit + rng.standard_normal(len(CHANNELS)) * _REPETITION

    def size(self, rng: np.random.Generator) -> float:
        """Return by how much one repetition is larger than the average person's."""
        return float(self.amplitude * np.clip(rng.normal(1.0, 0.1), 0.75, 1.3))

    def pace(self, seconds: float, rng: np.random.Generator) -> float:
        """Return how long one repetition takes of what takes the average person so many seconds."""
        return float(seconds / self.tempo * np.clip(rng.normal(1.0, 0.12), 0.7, 1.4))

    def reach_s(self, start: Floats, end: Floats) -> float:
        """Return how long the hand takes, unhurried, from one pose to another."""
        way_m = float(np.linalg.norm(end[:3] - start[:3]))
        turn = float(np.abs(end[3:6] - start[3:6]).max())
        return max(_SHORTEST_REACH_S, way_m / _REACH_M_S, turn / _TURN_DEG_S) / self.tempo


def people(count: int, rng: np.random.Generator) -> list[Person]:
    """Return random persons with names of their own: person-01, person-02 and so on."""
    return [Person.draw(rng, name=f"person-{k + 1:02d}") for k in range(count)]
