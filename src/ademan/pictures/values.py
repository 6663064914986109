"""A picture as the rows of a clip's frame, and back."""

import cv2
import numpy as np

from ademan.clip import Points
from ademan.errors import ClipError
from ademan.video import Image


def as_values(image: Image) -> Points:
    """Return a picture (H, W, colours) or (H, W), uint8, as (P=H, C=W x colours) float32, 0 to 255."""
    return np.ascontiguousarray(image.reshape(len(image), -1), np.float32)


def as_picture(values: Points) -> Image:
    """Return values (P, C) of a square picture as an RGB picture (P, P, 3) uint8; black where nothing was seen.

    Raises:
        ClipError: they are not those of a square picture, grey or coloured.
    """
    side, numbers = values.shape
    if numbers not in (side, 3 * side):
        raise ClipError(f"expected {side} or {3 * side} values in each of {side} rows of a picture, found {numbers}.")
    picture = np.nan_to_num(values, nan=0.0).clip(0, 255).round().astype(np.uint8).reshape(side, side, -1)
    return np.ascontiguousarray(np.broadcast_to(picture, (side, side, 3)))


def nothing(size: int, colours: int) -> Points:
    """Return (P, C) of a frame in which nothing was seen."""
    return np.full((size, size * colours), np.nan, np.float32)


def in_colours(image: Image, colours: int) -> Image:
    """Return an RGB picture (H, W, 3) as it is, or grey (H, W)."""
    return image if colours == 3 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)
