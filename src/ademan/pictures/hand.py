"""The hand, cut out of a frame: a square around the points that a landmarker finds."""

import cv2
import numpy as np

from ademan.clip import Points, is_seen
from ademan.landmarks import LandmarkConfig, Landmarker, open_landmarker
from ademan.landmarks.litert.region import Array, Region, upright_angle
from ademan.pictures.config import PictureConfig
from ademan.pictures.values import as_values, in_colours, nothing
from ademan.skeleton import Skeleton, picture_rows
from ademan.video import Frame, Image, smaller

LONGEST = 960
"""Pixels of the longer side to which larger frames are brought: more help neither the landmarker nor the crop."""
_HAND = 21  # points of each hand of the landmarker's skeleton: the left one's come first
_WRIST, _MIDDLE = 0, 9  # of a hand: where it begins, and where its middle finger begins
_CLEARLY = 1.25  # times as large must the other hand be to be taken instead of the one taken before
_FILLS = 0.35  # of the longer side of a close-up: a hand that fills less of it is none, but a crease or a shadow
_FINEST = 8  # pixels averaged to one, at most, across and down


class HandCrops:
    """Cuts the hand out of each frame. Of two hands the larger one is taken, which mostly is the nearer one.

    While the other one is not clearly larger, the hand that was taken in the frame before is taken again, so that crops
    do not jump from one to the other.

    Args:
        config: size, colours, margin.
        landmarker: what finds hands; by default that of the config.

    Raises:
        LandmarkError: the networks that find hands cannot be had.
        MissingExtraError: the landmarker is not installed.
    """

    def __init__(self, config: PictureConfig, landmarker: Landmarker | None = None) -> None:
        self.config = config
        self._landmarker = landmarker or open_landmarker(
            LandmarkConfig(landmarker=config.landmarker, detection_confidence=config.confidence)
        )
        self._taken: int | None = None

    @property
    def skeleton(self) -> Skeleton:
        """Names the rows of the crop."""
        return picture_rows(self.config.size)

    @property
    def learning(self) -> bool:
        """Whether frames are looked at only to learn the empty scene: never, no hand needs that."""
        return False

    def find(self, frame: Frame) -> Points:
        """Return the crop (P=size, C=size x colours) float32, 0 to 255; NaN where there is no hand."""
        frame = smaller(frame, LONGEST)
        longest, height = max(frame.size_wh), frame.size_wh[1]
        hand = self._larger(self._landmarker.find(frame) * height)
        close_up = longest <= self.config.close_up
        if hand is None and not close_up:
            return nothing(self.config.size, self.config.colours)
        if hand is None or (close_up and _extent(hand) < _FILLS * longest):
            region = Region.whole(frame.image_rgb)
        else:
            region = self._around(hand)
        return as_values(in_colours(cut(frame.image_rgb, region, self.config.size), self.config.colours))

    def reset(self) -> None:
        """Forget what was followed: the next frame is of another video."""
        self._landmarker.reset()
        self._taken = None

    def close(self) -> None:
        """Let go of the landmarker."""
        self._landmarker.close()

    def _larger(self, points: Points) -> Array | None:
        """Return x and y (P, 2) of the hand to take, in pixels, NaN where not seen; None if there is none."""
        hands = {}
        for side, hand in enumerate((points[:_HAND], points[_HAND:])):
            if is_seen(hand[None]).any():
                hands[side] = hand[:, :2].astype(np.float64)
        if not hands:
            self._taken = None
            return None
        largest = max(hands, key=lambda side: _extent(hands[side]))
        if self._taken not in hands or _extent(hands[largest]) > _CLEARLY * _extent(hands[self._taken]):
            self._taken = largest
        return hands[self._taken]

    def _around(self, hand: Array) -> Region:
        """Return the square around a hand's points (21, 2), in pixels, with its margin."""
        angle = upright_angle(hand[_WRIST], hand[_MIDDLE]) if self.config.upright else 0.0
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, -sin], [sin, cos]])
        turned = hand @ turn
        low, high = np.nanmin(turned, axis=0), np.nanmax(turned, axis=0)
        side = max(1.0, float((high - low).max()) * (1 + 2 * self.config.margin))
        return Region(turn @ ((low + high) / 2), side, angle)


def cut(image: Image, region: Region, size: int) -> Image:
    """Return what is in a region, upright, (size, size, 3); pixels that fall together are averaged.

    Interpolation alone would look at four pixels of each and leave out the rest: thin fingers would break up.
    """
    finer = int(np.clip(np.ceil(region.side / size), 1, _FINEST))
    crop = region.crop(image, size * finer)
    return crop if finer == 1 else np.asarray(cv2.resize(crop, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


def _extent(points: Array) -> float:
    """Return the longer side of the box around points (P, 2), NaN where not seen, of which one was seen."""
    return float((np.nanmax(points, axis=0) - np.nanmin(points, axis=0)).max())
