"""Made-up scenes: an empty room, and a hand-sized thing in it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ademan.video import Image

Truth = NDArray[np.bool_]


def room(width: int = 160, height: int = 120, seed: int = 0) -> Image:
    """A wall in uneven light with furniture on it, and a camera's noise."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    wall = np.stack([150 + 60 * x, 140 + 50 * x + 10 * y, 150 + 20 * y], axis=2)
    wall[int(0.7 * height) :, : int(0.3 * width)] = (90, 60, 40)
    return noisy(wall, rng)


def wall(width: int = 100, height: int = 100, seed: int = 0) -> Image:
    """A plain wall, brighter in its middle."""
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    light = 1 - 0.2 * (x**2 + y**2) + 0.1 * x
    return noisy(np.array([190, 190, 200]) * light[..., None], np.random.default_rng(seed))


def with_fist(
    image: Image, centre: tuple[int, int], radius: int, colour: tuple[int, int, int] = (170, 110, 80)
) -> Image:
    """The scene with a round thing in the colour of skin in it."""
    drawn = cv2.circle(image.copy(), centre, radius, colour, -1)
    return np.asarray(drawn, np.uint8)


def fist(image: Image, centre: tuple[int, int], radius: int) -> Truth:
    """Where `with_fist` drew."""
    mask = cv2.circle(np.zeros(image.shape[:2], np.uint8), centre, radius, 255, -1)
    return np.asarray(mask) > 0


def noisy(image: NDArray[np.floating], rng: np.random.Generator, deviation: float = 2.0) -> Image:
    """The picture as a sensor sees it."""
    return np.asarray((image + rng.normal(0, deviation, image.shape)).clip(0, 255), np.uint8)


def overlap(one: Truth, other: Truth) -> float:
    """Intersection over union."""
    return float((one & other).sum() / (one | other).sum())
