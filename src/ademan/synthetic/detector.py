"""The detector: what a landmarker makes of hands it sees; errors of a point, and hands that are lost for a while."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ademan.skeleton import HAND_POINTS
from ademan.synthetic.hand import Floats

_WRIST, _PALM_END = HAND_POINTS.index("wrist"), HAND_POINTS.index("middle_mcp")

# A hand of which more than this part of the points lies outside of the picture is not found.
_MOST_OUTSIDE = 0.2
# Trackers look for a hand around the place where it last was: a move of half a palm a frame begins to lose it.
_SAFE_PALMS_A_FRAME = 0.5
_LOST_PER_PALM = 0.35
# So does a point this near to the picture's edge, in heights of the picture.
_EDGE = 0.02
_LOST_AT_EDGE = 0.10
_LOST_WHEN_TOUCHING = 0.06
# In public sets of MediaPipe hands about half of the gaps last one frame, and one in ten more than six.
_SHORT_GAP, _LONG_GAP, _SHORT_SHARE = 0.7, 0.2, 0.65
# Errors that stay for a while change at this rate.
_DRIFT_HZ = 3.0


@dataclass(frozen=True)
class Detector:
    """How well hands are found: a matter of light, sleeves and the computer.

    Args:
        jitter: error of a point from frame to frame, in palm lengths. From still hands in public sets: 0.01.
        drift: error that stays for some frames, in palm lengths.
        lost_per_s: how often a slow hand in full view is lost.
    """

    jitter: float = 0.01
    drift: float = 0.02
    lost_per_s: float = 0.1

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Return a random detector, from good light to poor."""
        jitter = float(rng.uniform(0.005, 0.015))
        return cls(jitter, drift=2 * jitter, lost_per_s=float(rng.uniform(0.02, 0.4)))

    def see(self, hands: Floats, seconds: Floats, aspect: float, rng: np.random.Generator) -> Floats:
        """Return hands as they are found: with errors, and NaN where a hand is lost.

        Args:
            hands: (T, 2, 21, 3) left and right hand in square coordinates.
            seconds: (T,) times of the frames.
            aspect: width of the picture in heights.
            rng: the source of chance.
        """
        found = hands + self._errors(hands, seconds, rng)
        # z counts from the wrist, and so is exact there.
        found[..., 2] -= found[..., :1, 2]
        found[self.lost(hands, seconds, aspect, rng)] = np.nan
        return found

    def _errors(self, hands: Floats, seconds: Floats, rng: np.random.Generator) -> Floats:
        palm = palm_lengths(hands)[..., None, None]
        fresh = rng.standard_normal(hands.shape) * self.jitter
        beat = (seconds - seconds[0]) * _DRIFT_HZ
        knots = rng.standard_normal((int(beat[-1]) + 2, *hands.shape[1:])) * self.drift
        k, part = beat.astype(int), (beat % 1)[:, None, None, None]
        staying = knots[k] * (1 - part) + knots[k + 1] * part
        # Depth is a guess from one picture, and half as good again.
        errors: Floats = palm * (fresh + staying) * np.array([1.0, 1.0, 1.5])
        return errors

    def lost(self, hands: Floats, seconds: Floats, aspect: float, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Return (T, 2): whether a hand is not found; see `see`."""
        outside = _share_beyond(hands, aspect) > _MOST_OUTSIDE
        begins = rng.random(outside.shape) < self._risk(hands, seconds, aspect)
        # A hand that enters the picture is found some frames later.
        begins[1:] |= outside[:-1] & ~outside[1:]
        short = rng.random(outside.shape) < _SHORT_SHARE
        frames = rng.geometric(np.where(short, _SHORT_GAP, _LONG_GAP))
        now = np.arange(len(hands))[:, None]
        until = np.maximum.accumulate(np.where(begins, now + frames, 0), axis=0)
        lost: NDArray[np.bool_] = outside | (now < until)
        return lost

    def _risk(self, hands: Floats, seconds: Floats, aspect: float) -> Floats:
        """Return (T, 2): the chance that a hand is lost from this frame on."""
        step_s = np.diff(seconds, prepend=seconds[0])[:, None]
        palm = np.maximum(palm_lengths(hands), 1e-6)
        middle = hands[:, :, [_WRIST, _PALM_END], :2].mean(axis=2)
        moved = np.linalg.norm(np.diff(middle, axis=0, prepend=middle[:1]), axis=-1) / palm
        fast = np.clip(moved - _SAFE_PALMS_A_FRAME, 0, 2) * _LOST_PER_PALM
        at_edge = _share_beyond(hands, aspect, margin=_EDGE) > 0
        apart = np.linalg.norm(middle[:, 0] - middle[:, 1], axis=-1)[:, None]
        touching = apart < palm
        risk: Floats = self.lost_per_s * step_s + fast + _LOST_AT_EDGE * at_edge + _LOST_WHEN_TOUCHING * touching
        return risk


def palm_lengths(hands: Floats) -> Floats:
    """Return how long palms are in the picture's plane and in depth: (...) for hands (..., 21, 3)."""
    length: Floats = np.linalg.norm(hands[..., _PALM_END, :] - hands[..., _WRIST, :], axis=-1)
    return length


def _share_beyond(hands: Floats, aspect: float, margin: float = 0.0) -> Floats:
    """Return (T, 2): which part of a hand's points lies outside of the picture, or this near to its edge."""
    x, y = hands[..., 0], hands[..., 1]
    beyond = (x < margin) | (x > aspect - margin) | (y < margin) | (y > 1 - margin)
    return np.asarray(beyond.mean(axis=-1))
