"""Skeletons drawn on pictures."""

import cv2
import numpy as np

from ademan.clip import Points, is_seen
from ademan.skeleton import Skeleton
from ademan.video.frame import Image

_LEFT, _RIGHT, _MIDDLE = (64, 196, 255), (255, 138, 76), (170, 230, 120)
_FINE = 4  # bits of a fraction of a pixel


def draw_points(image_rgb: Image, points: Points, skeleton: Skeleton) -> Image:
    """Return a picture with limbs and points over it: left blue, right orange, the rest green.

    Args:
        image_rgb: (H, W, 3).
        points: (P, 2 or 3) in units of the picture's height; those that are NaN are not drawn.
        skeleton: names the points.
    """
    drawn = image_rgb.copy()
    height = len(image_rgb)
    width = max(1, round(height / 240))
    seen = is_seen(points[None])[0]
    # What is far outside the picture is brought to where OpenCV's integers still hold it.
    at = np.clip(np.nan_to_num(points[:, :2]), -4, 5) * height * 2**_FINE
    places = [tuple(map(int, place)) for place in np.round(at)]
    for a, b in skeleton.limbs:
        if seen[a] and seen[b]:
            cv2.line(drawn, places[a], places[b], _colour(skeleton.points[a]), width, cv2.LINE_AA, _FINE)
    for i in np.flatnonzero(seen):
        radius = round(1.4 * width * 2**_FINE)
        cv2.circle(drawn, places[i], radius, (255, 255, 255), -1, cv2.LINE_AA, _FINE)
        cv2.circle(drawn, places[i], radius, _colour(skeleton.points[i]), max(1, width // 2), cv2.LINE_AA, _FINE)
    return drawn


def _colour(point: str) -> tuple[int, int, int]:
    return _LEFT if point.startswith("left") else _RIGHT if point.startswith("right") else _MIDDLE
