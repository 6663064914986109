"""The empty scene that silhouettes stand out from."""

import os
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ademan.errors import ConfigError, VideoError
from ademan.video import Image
from ademan.video.folder import read_picture

BACKGROUND_VARIABLE = "ADEMAN_BACKGROUND"
"""Environment variable: a picture file of the empty scene, for models that were trained with one."""
_COARSE = 48  # pixels a side: enough to see how light falls on a wall
_BORDER = 6  # of them, from each edge: what is shown mostly is in the middle
_ROUNDS = 10  # of fitting, each without what did not fit in the one before
_FITS = 2.5  # deviations from the surface within which a pixel belongs to the wall
_SHAPES = 0.02  # by which width to height of scene and frame may differ: cameras crop by a row or two


def read_background(path: Path | str | None = None) -> Image:
    """Return the picture of the empty scene, RGB.

    Args:
        path: the file; by default the one that the environment variable ADEMAN_BACKGROUND names.

    Raises:
        ConfigError: neither names a file.
        VideoError: the file is missing, or no picture.
    """
    named = path or os.environ.get(BACKGROUND_VARIABLE)
    if not named:
        raise ConfigError(
            "silhouettes of this kind stand out from a picture of the empty scene, and none was given. "
            f"Take one with the camera that is used, nobody in view, and name its file in {BACKGROUND_VARIABLE}."
        )
    if not Path(named).is_file():
        raise VideoError(f"there is no picture {named} of the empty scene.")
    image = read_picture(Path(named))
    if image is None:
        raise VideoError(f"{named} is no picture that can be read. Save the empty scene as .png or .jpg.")
    return image


def learn_background(images: Sequence[Image]) -> Image:
    """Return the median of frames (H, W, 3) of one size: what is in its place in more than half of them.

    Raises:
        VideoError: there is none, or they differ in size.
    """
    if len({image.shape for image in images}) != 1:
        raise VideoError("the empty scene is learnt from one or more frames of one size.")
    return np.asarray(np.median(np.stack(images), axis=0), np.uint8)


def plain_background(image: Image) -> Image:
    """Return the wall behind what is shown, RGB: a quadratic surface in each colour, fitted to the picture's border.

    What enters over the border, such as an arm, is left out as long as most of the border is wall.
    """
    coarse = cv2.resize(image, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA).astype(np.float64).reshape(-1, 3)
    terms = _terms(_COARSE, _COARSE)
    inner = np.abs(terms[:, 1:3]).max(axis=1) < 1 - 2 * _BORDER / _COARSE
    wall = ~inner
    for _ in range(_ROUNDS):
        surface = np.linalg.lstsq(terms[wall], coarse[wall], rcond=None)[0]
        away = np.linalg.norm(coarse - terms @ surface, axis=1)
        wall = ~inner & (away <= max(1.0, _FITS * float(np.median(away[~inner]))))
    whole = (_terms(*image.shape[1::-1]) @ surface).reshape(image.shape)
    return np.asarray(whole.round().clip(0, 255), np.uint8)


def _terms(width: int, height: int) -> NDArray[np.float64]:
    """Return 1, x, y, x^2, x y, y^2 of each pixel (H W, 6), x and y from -1 to 1."""
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    return np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1).reshape(-1, 6)


def fitted(background: Image, size_wh: tuple[int, int]) -> Image:
    """Return the empty scene at the size of the frames.

    Raises:
        VideoError: it has another shape, so that no pixel would lie where it belongs.
    """
    height, width = background.shape[:2]
    if abs((width / height) / (size_wh[0] / size_wh[1]) - 1) > _SHAPES:
        raise VideoError(
            f"the picture of the empty scene has {width} x {height} pixels, the frames have {size_wh[0]} x "
            f"{size_wh[1]}: another shape. Take the empty scene with the same camera, held the same way."
        )
    if (width, height) == size_wh:
        return background
    return np.asarray(cv2.resize(background, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
