"""The camera: from metres before a person to square coordinates of a picture."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from ademan.errors import ConfigError
from ademan.synthetic.hand import Floats

# Usual sizes of webcams and phones.
IMAGES_WH = ((640, 480), (1280, 720), (1920, 1080), (720, 1280), (1080, 1920))
_IMAGE_SHARES = (0.3, 0.3, 0.15, 0.15, 0.1)

# The part of space in which gestures are made, seen from its middle, in metres: half its width and half its height.
_GESTURE_SPACE_WH = (0.37, 0.37)
# It lies before the chest; see poses.py for the axes.
GESTURE_SPACE = np.array([0.0, 0.04, -0.28])
_NEAREST_M = 0.15


@dataclass(frozen=True)
class Camera:
    """Where a camera is, and what it sees.

    Args:
        yaw_deg: how far it stands to the person's side; positive: to the right in the picture.
        pitch_deg: how far it stands above (positive) or below.
        roll_deg: how far it is tilted.
        distance_m: to the middle of the space in which gestures are made.
        fov_deg: angle between the top and the bottom of the picture, 0 to 180.
        aim_xy: what the picture's middle looks at, from the middle of that space, in metres.
        image_wh: width and height in pixels.

    Raises:
        ConfigError: a distance, angle or size that no camera has.
    """

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    distance_m: float = 1.0
    fov_deg: float = 45.0
    aim_xy: tuple[float, float] = (0.0, 0.0)
    image_wh: tuple[int, int] = (640, 480)

    def __post_init__(self) -> None:
        if not (self.distance_m > 0 and 0 < self.fov_deg < 180 and min(self.image_wh) > 0):
            raise ConfigError(
                "a camera needs a distance above 0 m, a field of view between 0 and 180 degrees and an image size "
                f"above 0; found {self.distance_m:g} m, {self.fov_deg:g} degrees and {self.image_wh} pixels."
            )

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Return a random camera that sees most of the space in which gestures are made."""
        width, height = IMAGES_WH[rng.choice(len(IMAGES_WH), p=_IMAGE_SHARES)]
        fov_deg = rng.uniform(40, 55) if width > height else rng.uniform(58, 72)
        needed = max(_GESTURE_SPACE_WH[0] * height / width, _GESTURE_SPACE_WH[1]) / np.tan(np.radians(fov_deg / 2))
        return cls(
            yaw_deg=float(np.clip(rng.normal(0, 10), -25, 25)),
            pitch_deg=float(np.clip(rng.normal(0, 8), -15, 20)),
            roll_deg=float(np.clip(rng.normal(0, 3), -8, 8)),
            distance_m=float(needed * rng.uniform(0.88, 1.4)),
            fov_deg=float(fov_deg),
            aim_xy=(float(rng.uniform(-0.08, 0.08)), float(rng.uniform(-0.06, 0.08))),
            image_wh=(width, height),
        )

    @property
    def aspect(self) -> float:
        """Width of the picture in heights."""
        return self.image_wh[0] / self.image_wh[1]

    @property
    def focal(self) -> float:
        """Focal length in heights of the picture."""
        return float(0.5 / np.tan(np.radians(self.fov_deg / 2)))

    def project(self, points_m: Floats) -> Floats:
        """Return hands as a landmarker gives them: x, y in heights of the picture, z as deep as x is wide.

        Args:
            points_m: (..., P, 3), P points of one hand, its wrist first.

        Returns:
            (..., P, 3): x from the left edge, y from the top, z from the wrist (nearer to the camera is negative).
        """
        x, y, z = np.moveaxis(self._seen(points_m), -1, 0)
        depth = np.maximum(z, _NEAREST_M)
        at_wrist = depth[..., :1]
        picture_x = self.aspect / 2 + self.focal * x / depth
        picture_y = 0.5 + self.focal * y / depth
        return np.stack([picture_x, picture_y, self.focal * (z - z[..., :1]) / at_wrist], axis=-1)

    def _seen(self, points_m: Floats) -> Floats:
        """Return the points in the camera's own axes, in metres: x right, y down, z ahead."""
        aim = np.array([*self.aim_xy, 0.0])
        seen: Floats = (points_m - GESTURE_SPACE - aim) @ self._rotation().T + np.array([0.0, 0.0, self.distance_m])
        return seen

    def _rotation(self) -> Floats:
        yaw, pitch, roll = np.radians([self.yaw_deg, self.pitch_deg, self.roll_deg])
        about_y = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        about_x = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]])
        about_z = np.array([[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
        turned: Floats = about_z @ about_x @ about_y
        return turned
