"""Regions: rotated squares of a picture, which the networks see upright."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ademan.video.frame import Image

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Region:
    """A square of a picture, in pixels.

    Args:
        center: (2,) x, y.
        side: its length.
        angle: by which it is turned clockwise, in radians.
    """

    center: Array
    side: float
    angle: float = 0.0

    @classmethod
    def whole(cls, image: Image) -> "Region":
        """Return the smallest upright square that holds all of a picture."""
        height, width = image.shape[:2]
        return cls(np.array([width / 2, height / 2]), float(max(width, height)))

    def crop(self, image: Image, side: int, *, outside: int = cv2.BORDER_REPLICATE) -> Image:
        """Return what is in the region, upright, (side, side, 3).

        Args:
            image: the picture.
            side: in pixels.
            outside: OpenCV's way to fill what lies outside the picture.
        """
        # Corners, not middles of pixels, are brought to each other, as MediaPipe does; the difference is half a pixel
        # of either picture, and points of data that MediaPipe made would be away by it.
        corners = np.array([[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5]])
        target = np.array([[0, 0], [side, 0], [0, side]], np.float32)
        matrix = cv2.getAffineTransform(self.to_image(corners).astype(np.float32), target)
        cut = cv2.warpAffine(image, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=outside)
        return np.asarray(cut, np.uint8)

    def to_image(self, points: Array) -> Array:
        """Return points (..., 2 or 3) in pixels of the picture.

        Args:
            points: from -0.5 to 0.5 across the region; depth, if there, in units of its side.
        """
        turned = points * self.side
        turned[..., :2] = turned[..., :2] @ self._turn.T + self.center
        return np.asarray(turned)

    def overlap(self, other: "Region") -> float:
        """Return the intersection over the union of the upright boxes around two regions."""
        (low, high), (other_low, other_high) = self._box(), other._box()
        inside = np.prod(np.clip(np.minimum(high, other_high) - np.maximum(low, other_low), 0, None))
        both = np.prod(high - low) + np.prod(other_high - other_low) - inside
        return float(inside / both) if both > 0 else 0.0

    @property
    def _turn(self) -> Array:
        cos, sin = np.cos(self.angle), np.sin(self.angle)
        return np.array([[cos, -sin], [sin, cos]])

    def _box(self) -> tuple[Array, Array]:
        # MediaPipe compares upright boxes of the unturned size (AssociationNormRectCalculator).
        half = self.side / 2
        return self.center - half, self.center + half


def upright_angle(start: Array, end: Array) -> float:
    """Return the angle of a region in which the line from `start` to `end` points up, from -pi to pi."""
    angle = np.pi / 2 - np.arctan2(start[1] - end[1], end[0] - start[0])
    return float(angle - 2 * np.pi * np.floor((angle + np.pi) / (2 * np.pi)))


def around(points: Array, angle: float, scale: float, up: float) -> Region:
    """Return the square around points (P, 2), turned by an angle, grown, and shifted towards its top.

    Args:
        points: in pixels.
        angle: of the region.
        scale: of the longer side of the points' own box.
        up: shift, in units of the height of the points' own box.
    """
    turn = Region(np.zeros(2), 1.0, angle)._turn
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    turned = (points - middle) @ turn
    low, high = turned.min(axis=0), turned.max(axis=0)
    center = middle + turn @ ((low + high) / 2 + np.array([0.0, -up * (high[1] - low[1])]))
    return Region(center, float(max(high - low)) * scale, angle)
