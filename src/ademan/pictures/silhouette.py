"""Silhouettes: what differs from the empty scene, white on black, whatever the light does.

    d = sqrt((w (L - L0 - mL))^2 + (a - a0 - ma)^2 + (b - b0 - mb)^2)

L, a, b is the frame and L0, a0, b0 the empty scene in CIELAB, both smoothed a little. m is the median of the difference
over all pixels: light that changes everywhere, or another white balance, is no silhouette, as long as most of the
picture is still the scene. w is below 1, since a shadow changes lightness and hardly any colour. The threshold that
splits d in two is Otsu's (1979, A threshold selection method from gray-level histograms), but never below what the
noise of sensors causes.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from ademan.clip import Points
from ademan.landmarks.litert.region import Region
from ademan.pictures.background import fitted, learn_background, plain_background
from ademan.pictures.config import PictureConfig
from ademan.pictures.values import as_values, nothing
from ademan.skeleton import Skeleton, picture_rows
from ademan.video import Frame, Image, smaller

LONGEST = 480
"""Pixels of the longer side to which larger frames are brought: what is cut out is smaller still."""
Mask = NDArray[np.uint8]
"""(H, W): 255 in the silhouette, 0 outside."""
_LIGHTNESS = 0.6  # weight of a difference in lightness beside one in colour
_NOISE = 8.0  # differences below it are noise: two to three times the least difference that people see
_PARTS = 0.2  # of the largest region's area: smaller regions do not belong to the silhouette
_LEARNT_FROM = 25  # frames: the median of more hardly differs, and they are held in memory
_SMALLEST_GAP = 1 / 100  # of the picture's height: what is smaller is smoothed away, and such gaps are closed


class Silhouettes:
    """Finds in each frame what differs from the empty scene.

    Args:
        config: size, margin, threshold, and where the empty scene comes from.
        background: the empty scene, RGB; without it, it is learnt from the first frames that `find` is given after
            each `reset`, or from those given to `learn`.
    """

    def __init__(self, config: PictureConfig, background: Image | None = None) -> None:
        self.config, self._given = config, background
        self._background: Image | None = None
        self._first: list[Image] = []
        self._since_ms = self._due_ms = 0.0
        self.reset()

    @property
    def skeleton(self) -> Skeleton:
        """Names the rows of the silhouette."""
        return picture_rows(self.config.size)

    @property
    def learning(self) -> bool:
        """Whether the next frame is looked at only to learn the empty scene."""
        return self._background is None and self.config.background != "plain"

    def find(self, frame: Frame) -> Points:
        """Return the silhouette (P=size, C=size) float32, 0 or 255; NaN where nothing differs from the empty scene.

        Raises:
            VideoError: the frame has another shape than the empty scene.
        """
        frame = smaller(frame, LONGEST)
        if self.learning:
            self._take(frame)
            return nothing(self.config.size, 1)
        mask = silhouette(frame.image_rgb, self._scene(frame), self.config.threshold)
        inside = cv2.findNonZero(mask)
        if inside is None or len(inside) < self.config.least * mask.size:
            return nothing(self.config.size, 1)
        return as_values(_cut(mask, cv2.boundingRect(inside), self.config))

    def learn(self, images: list[Image]) -> None:
        """Take the median of frames of this video for its empty scene, until `reset`.

        Raises:
            VideoError: there is no frame, or they differ in size.
        """
        self._background = learn_background([smaller(Frame(image, 0.0), LONGEST).image_rgb for image in images])

    def reset(self) -> None:
        """Forget the empty scene that was learnt: the next frame is of another video."""
        self._background, self._first = self._given, []

    def close(self) -> None:
        """Nothing is held open."""

    def _scene(self, frame: Frame) -> Image:
        """Return the empty scene behind a frame, at its size."""
        if self._background is None:
            return plain_background(frame.image_rgb)
        self._background = fitted(self._background, frame.size_wh)  # scaled once
        return self._background

    def _take(self, frame: Frame) -> None:
        """Learn from one of the first frames, and have done when they are over."""
        now_ms = frame.timestamp_ms
        if not self._first or now_ms < self._since_ms:
            self._first, self._since_ms, self._due_ms = [], now_ms, now_ms
        if now_ms >= self._due_ms:
            self._first.append(frame.image_rgb)
            self._due_ms = now_ms + self.config.learn_ms / _LEARNT_FROM
        if now_ms - self._since_ms >= self.config.learn_ms:
            self._background, self._first = learn_background(self._first), []


def silhouette(image: Image, background: Image, threshold: float = 0.0) -> Mask:
    """Return what differs from the empty scene: its largest region, and others that are not much smaller.

    Args:
        image: RGB (H, W, 3).
        background: the empty scene, of the same shape.
        threshold: least difference d, see the top of this file; 0 finds it by Otsu.
    """
    away = difference(image, background)
    found = threshold or max(_NOISE, _otsu(away))
    mask = np.where(away > found, 255, 0).astype(np.uint8)
    gap = max(3, 2 * round(_SMALLEST_GAP * len(image)) + 1)
    small, large = (cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)) for side in (3, gap))
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_OPEN, small), np.uint8)
    mask = np.asarray(cv2.morphologyEx(mask, cv2.MORPH_CLOSE, large), np.uint8)
    return _largest(mask)


def difference(image: Image, background: Image) -> NDArray[np.float32]:
    """Return d (H, W), see the top of this file."""
    step = _lab(image) - _lab(background)
    step -= np.median(step.reshape(-1, 3), axis=0)
    step[..., 0] *= _LIGHTNESS
    return np.asarray(np.linalg.norm(step, axis=2), np.float32)


def _lab(image: Image) -> NDArray[np.float32]:
    side = max(3, round(_SMALLEST_GAP * len(image)) | 1)
    smooth = cv2.GaussianBlur(image, (side, side), 0).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(smooth, cv2.COLOR_RGB2LAB), np.float32)


def _otsu(away: NDArray[np.float32]) -> float:
    shown = np.minimum(np.round(away), 255).astype(np.uint8)
    return float(cv2.threshold(shown, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0])


def _largest(mask: Mask) -> Mask:
    count, regions, stats, _ = cv2.connectedComponentsWithStats(mask)
    if count < 2:
        return mask
    areas = stats[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0  # what is outside all regions
    return np.where((areas >= _PARTS * areas.max())[regions], mask, 0).astype(np.uint8)


def _cut(mask: Mask, box: "tuple[int, int, int, int] | cv2.typing.Rect", config: PictureConfig) -> Mask:
    """Return the square around a box (x, y, width, height), with its margin, (size, size)."""
    x, y, width, height = box
    side = max(width, height) * (1 + 2 * config.margin)
    region = Region(np.array([x + width / 2, y + height / 2]), float(side))
    finer = max(1, int(np.ceil(side / config.size)))
    crop = region.crop(mask, config.size * finer, outside=cv2.BORDER_CONSTANT)
    small = cv2.resize(crop, (config.size, config.size), interpolation=cv2.INTER_AREA)
    return np.where(np.asarray(small) >= 128, 255, 0).astype(np.uint8)
