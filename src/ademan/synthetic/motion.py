"""Motion: one hand's poses over time, as a row of movements from pose to pose."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ademan.errors import ConfigError
from ademan.synthetic.hand import Floats
from ademan.synthetic.poses import CHANNELS, scales

_REST = np.zeros(len(CHANNELS))


@dataclass(frozen=True, eq=False)
class Move:
    """One movement: from wherever the hand is to another pose, with an oscillation on the way.

    On the way, `sine * sin(phase) + cosine * (cos(phase) - 1)` is added, with a phase that runs through the cycles:
    sines wave, a sine and a cosine draw circles, cosines alone open and close, half a cycle is a detour.

    Args:
        seconds: how long it takes, above zero.
        to: (22,) the pose to reach; None stays where one is.
        sine: (22,) amplitudes; a multiple of half a cycle brings them back to zero.
        cosine: (22,) amplitudes; whole cycles bring them back to zero.
        cycles: of the oscillation.

    Raises:
        ConfigError: no time, or an oscillation that would end in a jump.
    """

    seconds: float
    to: Floats | None = None
    sine: Floats = field(default_factory=_REST.copy)
    cosine: Floats = field(default_factory=_REST.copy)
    cycles: float = 0.0

    def __post_init__(self) -> None:
        if not self.seconds > 0:
            raise ConfigError(f"a movement takes more than 0 s, found {self.seconds:g} s.")
        if self.cycles * 2 % 1 or (self.cycles % 1 and self.cosine.any()):
            raise ConfigError(
                f"an oscillation of {self.cycles:g} cycles ends in a jump: whole cycles, or halves of a sine alone."
            )


@dataclass(frozen=True, eq=False)
class Track:
    """Movements laid end to end, K of them.

    Args:
        starts_s: (K,) when each begins; the first at 0.
        lengths_s: (K,) how long each takes.
        poses: (K + 1, 22) the poses between which they lead.
        sine: (K, 22) see Move.
        cosine: (K, 22) see Move.
        cycles: (K,) see Move.
    """

    starts_s: Floats
    lengths_s: Floats
    poses: Floats
    sine: Floats
    cosine: Floats
    cycles: Floats

    def at(self, seconds: Floats, lag_s: Floats | float = 0.0) -> Floats:
        """Return the poses (T, 22) at times (T,), each channel as late as `lag_s` (22,) says."""
        times = seconds[:, None] - lag_s * np.ones(len(CHANNELS))
        k = np.clip(np.searchsorted(self.starts_s, times, side="right") - 1, 0, len(self.starts_s) - 1)
        done = np.clip((times - self.starts_s[k]) / self.lengths_s[k], 0.0, 1.0)
        c = np.arange(len(CHANNELS))
        start, end = self.poses[k, c], self.poses[k + 1, c]
        phase = 2 * np.pi * self.cycles[k] * cruise(done)
        swing = self.sine[k, c] * np.sin(phase) + self.cosine[k, c] * (np.cos(phase) - 1.0)
        return start + (end - start) * minimum_jerk(done) + swing


def track(start: Floats, moves: Sequence[Move]) -> Track:
    """Lay movements end to end.

    Args:
        start: (22,) the pose before the first movement.
        moves: one or more.
    """
    poses = [start]
    for move in moves:
        poses.append(poses[-1] if move.to is None else move.to)
    lengths = np.array([move.seconds for move in moves])
    return Track(
        starts_s=np.concatenate([[0.0], np.cumsum(lengths)[:-1]]),
        lengths_s=lengths,
        poses=np.stack(poses),
        sine=np.stack([move.sine for move in moves]),
        cosine=np.stack([move.cosine for move in moves]),
        cycles=np.array([move.cycles for move in moves]),
    )


def minimum_jerk(done: Floats) -> Floats:
    """Return how much of the way is made when this part of the time has passed, both from 0 to 1.

    Flash and Hogan, "The coordination of arm movements", J. Neuroscience 5(7), 1985: smooth reaches have this course.
    """
    return done**3 * (10.0 - 15.0 * done + 6.0 * done**2)


def cruise(done: Floats, ramp: float = 0.15) -> Floats:
    """Return how much of an oscillation is made: an even pace, with a ramp up and one down; from 0 to 1."""
    up = done**2 / (2 * ramp)
    level = done - ramp / 2
    down = (1 - ramp) - (1 - done) ** 2 / (2 * ramp)
    made: Floats = np.where(done < ramp, up, np.where(done > 1 - ramp, down, level)) / (1 - ramp)
    return made


def tremble(seconds: Floats, strength: float, rng: np.random.Generator) -> Floats:
    """Return what hands do unasked, to be added to poses (T, 22): physiological tremor and slow swaying.

    Tremor of the hand lies between 8 and 12 Hz, and is below a millimetre in the healthy (Elble and Koller,
    "Tremor", 1990).

    Args:
        seconds: (T,) times.
        strength: 1 is usual.
        rng: the source of chance.
    """
    tremor = band_noise(seconds, 8.0, 12.0, rng) * scales(0.0005, 0.4, 0.5)
    sway = band_noise(seconds, 0.1, 0.9, rng) * scales(0.006, 2.0, 2.5)
    return strength * (tremor + sway)


def band_noise(seconds: Floats, low_hz: float, high_hz: float, rng: np.random.Generator, waves: int = 3) -> Floats:
    """Return noise (T, 22) of standard deviation 1 within a band of frequencies, every channel on its own."""
    shape = (waves, len(CHANNELS))
    hz, phase = rng.uniform(low_hz, high_hz, shape), rng.uniform(0, 2 * np.pi, shape)
    turns = 2 * np.pi * seconds[:, None, None] * hz + phase
    noise: Floats = np.sin(turns).sum(axis=1) * np.sqrt(2 / waves)
    return noise
