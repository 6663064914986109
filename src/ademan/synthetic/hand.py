"""A right hand as bones and joints: from joint angles to the 21 points of MediaPipe's order.

The hand's own axes, in metres, with the wrist at the origin: x to the thumb's side, y from the fingers to the wrist,
z from the palm to the back of the hand. A right hand that is shown to the camera, fingers up, has the axes of the
picture. The left hand is the mirror image: x turned round.
"""

from dataclasses import dataclass
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ademan.errors import ConfigError
from ademan.skeleton import HAND_POINTS

Floats: TypeAlias = NDArray[np.float64]

FINGERS = ("index", "middle", "ring", "pinky")

ANGLES = ("thumb_radial", "thumb_palmar", "thumb_mcp", "thumb_ip") + tuple(
    f"{finger}_{joint}" for finger in FINGERS for joint in ("spread", "mcp", "pip")
)
"""The angles that a pose gives, in degrees; the outermost joint of a finger follows the one before it.

thumb_radial and thumb_palmar lead the thumb's metacarpal away from the index finger's, in the plane of the palm and
out of it. spread leads a finger away from the middle finger (the middle finger itself: to the thumb's side).
The others bend; straight is 0.
"""

# Typical active range of motion, in degrees: e-hand.com, "Normal Range of Motion Reference Values"; the spread is that
# of the American Academy of Orthopaedic Surgeons. Knuckles bend backwards by 0 to 45 degrees, depending on the person:
# the lower middle is taken. tests/synthetic/test_hand.py proves that no pose goes beyond.
JOINT_LIMITS_DEG = {
    "thumb_radial": (0.0, 60.0),
    "thumb_palmar": (0.0, 45.0),
    "thumb_mcp": (-10.0, 55.0),
    "thumb_ip": (-15.0, 80.0),
    "spread": (-20.0, 20.0),
    "mcp": (-20.0, 90.0),
    "pip": (0.0, 100.0),
    "dip": (0.0, 80.0),
}


def _limits(angle: str) -> tuple[float, float]:
    return JOINT_LIMITS_DEG[angle if angle in JOINT_LIMITS_DEG else angle.split("_")[1]]


LIMITS_DEG: Floats = np.array([_limits(angle) for angle in ANGLES])
"""(16, 2): lowest and highest value of each of ANGLES."""

# Lengths between joint centres as parts of the hand's length, and places of the joints from the crease of the wrist
# (side: parts of the hand's breadth; along: parts of its length): Buchholz, Armstrong and Goldstein, "Anthropometric
# data for describing the kinematics of the human hand", Ergonomics 35(3), 1992. The last bone ends at the fingertip.
# tests/synthetic/test_hand.py proves that the bones keep these lengths in every pose.
BONES = np.array(
    [
        [0.251, 0.196, 0.158],  # thumb: metacarpal, proximal, distal
        [0.245, 0.143, 0.097],  # index: proximal, middle, distal
        [0.266, 0.170, 0.108],
        [0.244, 0.165, 0.107],
        [0.204, 0.117, 0.093],
    ]
)
_SIDE = np.array([0.196, 0.251, 0.0, -0.206, -0.402])
_ALONG = np.array([0.073, 0.447, 0.446, 0.409, 0.368])

# The landmarker puts the wrist on the carpal bones, a good centimetre above the crease: so its palms are longer,
# beside its fingers, than anatomists' palms.
_WRIST_ABOVE_CREASE = 0.055
# The knuckles form an arch: those of ring and little finger lie deeper (parts of the hand's length, to the back).
_ARCH = np.array([-0.06, -0.01, 0.0, -0.01, -0.035])

# Which way `spread` leads each finger: away from the middle finger.
_SPREAD_SIGN = np.array([1.0, 1.0, -1.0, -1.0])

# The joints that close a pinch, the first of ANGLES; the points that meet, and how near: a fingertip is thick.
_PINCHERS = slice(0, ANGLES.index("index_pip") + 1)
_TIPS = (HAND_POINTS.index("thumb_tip"), HAND_POINTS.index("index_tip"))
_TOUCH_M = 0.012


@dataclass(frozen=True, eq=False)
class Hand:
    """One person's hand: lengths in metres.

    Args:
        bones_m: (5, 3) lengths of the bones, thumb to little finger, from the palm outwards.
        bases_m: (5, 3) places of the thumb's CMC joint and the fingers' MCP joints.
        coupling: bend of a finger's outermost joint, as a part of the bend of the joint before it.

    Raises:
        ConfigError: a wrong shape, or a length that is not above zero.
    """

    bones_m: Floats
    bases_m: Floats
    coupling: float

    def __post_init__(self) -> None:
        if self.bones_m.shape != (5, 3) or self.bases_m.shape != (5, 3):
            raise ConfigError(
                f"a hand needs bones and bases of shape (5, 3); found {self.bones_m.shape} and {self.bases_m.shape}."
            )
        if not (self.bones_m > 0).all():
            raise ConfigError("a hand's bones must be longer than 0 m.")

    @classmethod
    def of(cls, length_m: float, breadth_m: float, stretch: Floats | None = None, coupling: float = 2 / 3) -> Self:
        """Return a hand of usual proportions.

        Args:
            length_m: from the crease of the wrist to the tip of the middle finger.
            breadth_m: across the knuckles.
            stretch: (5, 3) factors on the bones' usual lengths.
            coupling: 2/3 is the average of Rijpkema and Girard, "Computer animation of knowledge-based human
                grasping", SIGGRAPH 1991.
        """
        bones = BONES * length_m * (1.0 if stretch is None else stretch)
        along = -(_ALONG + _WRIST_ABOVE_CREASE) * length_m
        bases = np.stack([_SIDE * breadth_m, along, _ARCH * length_m], axis=1)
        return cls(bones, bases, coupling)

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Return a random adult's hand; sizes after the US Army's survey of 2012 (ANSUR II), both sexes."""
        length_m = np.clip(rng.normal(0.187, 0.012), 0.155, 0.22)
        breadth_m = length_m * np.clip(rng.normal(0.45, 0.015), 0.40, 0.50)
        fingers = rng.normal(1.0, 0.02, (5, 1)) * rng.normal(1.0, 0.015, (5, 3))
        return cls.of(length_m, breadth_m, np.clip(fingers, 0.85, 1.15), coupling=rng.uniform(0.5, 0.75))

    def points(self, angles_deg: Floats) -> Floats:
        """Return the points of a right hand, in its own axes; angles beyond human limits are held at the limit.

        Args:
            angles_deg: (..., 16) in the order of ANGLES.

        Returns:
            (..., 21, 3) in the order of HAND_POINTS, in metres, the wrist at the origin.
        """
        angles = np.radians(np.clip(angles_deg, LIMITS_DEG[:, 0], LIMITS_DEG[:, 1]))
        thumb = self._thumb_directions(angles[..., :4])
        fingers = self._finger_directions(angles[..., 4:].reshape(*angles.shape[:-1], 4, 3))
        directions = np.concatenate([thumb[..., None, :, :], fingers], axis=-3)  # (..., 5, 3, 3)
        joints = self.bases_m[:, None] + np.cumsum(directions * self.bones_m[..., None], axis=-2)
        bases = np.broadcast_to(self.bases_m[:, None], (*joints.shape[:-2], 1, 3))
        chains = np.concatenate([bases, joints], axis=-2).reshape(*joints.shape[:-3], len(HAND_POINTS) - 1, 3)
        wrist = np.zeros((*chains.shape[:-2], 1, 3))
        return np.concatenate([wrist, chains], axis=-2)

    def pinched(self, angles_deg: Floats) -> Floats:
        """Return the nearest angles (16,) at which the tips of thumb and index finger touch.

        Least squares with damping, from numerical derivatives; a few steps are enough from a pose that is near.
        """
        angles = np.clip(angles_deg, LIMITS_DEG[:, 0], LIMITS_DEG[:, 1])
        nudges = np.concatenate([np.zeros((1, len(ANGLES))), np.eye(_PINCHERS.stop, len(ANGLES))])
        for _ in range(5):
            points = self.points(angles + nudges)
            apart = points[:, _TIPS[0]] - points[:, _TIPS[1]]
            slope = apart[1:] - apart[0]
            miss = apart[0] * (1 - _TOUCH_M / np.linalg.norm(apart[0]))
            angles[_PINCHERS] -= slope @ np.linalg.solve(slope.T @ slope + 1e-7 * np.eye(3), miss)
            angles = np.clip(angles, LIMITS_DEG[:, 0], LIMITS_DEG[:, 1])
        return angles

    def _finger_directions(self, angles: Floats) -> Floats:
        """Return unit vectors of the fingers' bones (..., 4, 3, 3) for spread, mcp and pip (..., 4, 3) in radians."""
        dip = np.minimum(angles[..., 2] * self.coupling, np.radians(JOINT_LIMITS_DEG["dip"][1]))
        bend = np.cumsum(np.stack([angles[..., 1], angles[..., 2], dip], axis=-1), axis=-1)
        side = (angles[..., 0] * _SPREAD_SIGN)[..., None]
        return np.stack([np.cos(bend) * np.sin(side), -np.cos(bend) * np.cos(side), -np.sin(bend)], axis=-1)

    @staticmethod
    def _thumb_directions(angles: Floats) -> Floats:
        """Return unit vectors of the thumb's bones (..., 3, 3) for its four angles (..., 4) in radians.

        The thumb turns its nail as it leaves the plane of the palm: close to the palm it bends halfway into it,
        opposed to the fingers it bends across.
        """
        radial, palmar = angles[..., 0], angles[..., 1]
        zero = np.zeros_like(radial)
        along = np.stack([np.sin(radial) * np.cos(palmar), -np.cos(radial) * np.cos(palmar), -np.sin(palmar)], axis=-1)
        across = np.stack([-np.cos(radial), -np.sin(radial), zero], axis=-1)
        inwards = np.stack([-np.sin(radial) * np.sin(palmar), np.cos(radial) * np.sin(palmar), -np.cos(palmar)], -1)
        nail = (np.radians(40.0) - 0.8 * palmar)[..., None]
        bending = np.cos(nail) * across + np.sin(nail) * inwards
        bend = np.cumsum(np.stack([zero, angles[..., 2], angles[..., 3]], axis=-1), axis=-1)[..., None]
        directions: Floats = np.cos(bend) * along[..., None, :] + np.sin(bend) * bending[..., None, :]
        return directions


def place(points_m: Floats, wrist: Floats) -> Floats:
    """Return a right hand's points turned and moved to where its wrist is.

    Args:
        points_m: (..., 21, 3) in the hand's own axes.
        wrist: (..., 6): x, y, z in metres, then turn, tilt and roll in degrees. turn is about the forearm (90: the
            palm faces the other hand), tilt leans the fingers to the camera (90: they point at it, palm down), and
            roll leans them to the thumb's side in the plane of the picture.
    """
    turn, tilt, roll = np.moveaxis(np.radians(wrist[..., 3:, None]), -2, 0)
    x, y, z = np.moveaxis(points_m, -1, 0)
    x, z = x * np.cos(turn) - z * np.sin(turn), x * np.sin(turn) + z * np.cos(turn)
    y, z = y * np.cos(tilt) - z * np.sin(tilt), y * np.sin(tilt) + z * np.cos(tilt)
    x, y = x * np.cos(roll) - y * np.sin(roll), x * np.sin(roll) + y * np.cos(roll)
    placed: Floats = np.stack([x, y, z], axis=-1) + wrist[..., None, :3]
    return placed


def mirrored(points_m: Floats) -> Floats:
    """Return the left hand that is the mirror image of a right one, or the other way round."""
    image: Floats = points_m * np.array([-1.0, 1.0, 1.0])
    return image
