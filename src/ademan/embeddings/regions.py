"""Which parts of a picture the networks look at: left, right, and all of it."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

import numpy as np

from ademan.clip import Points
from ademan.embeddings.detector import BoxXyxy, YoloDetector
from ademan.landmarks import Landmarker
from ademan.video.frame import Frame, Image

Box: TypeAlias = tuple[int, int, int, int]
"""x and y of the first pixel, x and y behind the last one."""
Boxes: TypeAlias = tuple[Box | None, Box | None, Box]
"""Of the left part, the right part and the whole picture; None for a hand that is not there."""

MARGIN = 0.25
"""Added to each side of a hand, as a share of its longer side: points end at the knuckles and the tips of fingers."""
_HAND = 21  # points of a hand


class Finder(Protocol):
    """Finds the parts of single pictures: what was found in one says nothing of the next."""

    def boxes(self, image: Image) -> Boxes:
        """Return the parts of a picture (H, W, 3)."""

    def close(self) -> None:
        """Let go of networks; may be called twice."""


class Halves:
    """The left and the right half of the picture as it is seen; the middle column of an odd width is in both."""

    def boxes(self, image: Image) -> Boxes:
        """Return both halves, equally wide."""
        height, width = image.shape[:2]
        half = (width + 1) // 2
        return (0, 0, half, height), (width - half, 0, width, height), whole(image)

    def close(self) -> None:
        """Nothing is held open."""


class HandsByPoints:
    """The hands that our own networks find; they tell left from right, which are those of the person.

    Each picture is searched anew, so that a hand is found alike in a video and in a picture alone.

    Args:
        landmarker: for hands.
    """

    def __init__(self, landmarker: Landmarker) -> None:
        self._landmarker = landmarker

    def boxes(self, image: Image) -> Boxes:
        """Return a square around each hand."""
        self._landmarker.reset()
        points = self._landmarker.find(Frame(image, 0.0))[:, :2] * image.shape[0]
        return _around(points[:_HAND], image), _around(points[_HAND:], image), whole(image)

    def close(self) -> None:
        """Let go of the networks."""
        self._landmarker.close()


class HandsByDetector:
    """The two hands that a detector is surest of.

    It does not say whose they are: of two, the one further to the left is the left one; of one, its side of the
    picture decides.

    Args:
        detector: of hands.
    """

    def __init__(self, detector: YoloDetector) -> None:
        self._detector = detector

    def boxes(self, image: Image) -> Boxes:
        """Return a square around each hand."""
        left, right = left_and_right(self._detector.find(image)[:2], image.shape[1])
        return _square(left, image), _square(right, image), whole(image)

    def close(self) -> None:
        """The network goes with this object."""


def left_and_right(found: Sequence[BoxXyxy], width: int) -> tuple[BoxXyxy | None, BoxXyxy | None]:
    """Return which of at most two boxes is the left and which the right one, by their place."""
    ordered = sorted(found, key=lambda box: box[0] + box[2])
    if len(ordered) == 2:
        return ordered[0], ordered[1]
    if not ordered:
        return None, None
    return (ordered[0], None) if ordered[0][0] + ordered[0][2] <= width else (None, ordered[0])


def whole(image: Image) -> Box:
    """Return the box of the whole picture."""
    return 0, 0, image.shape[1], image.shape[0]


def _around(points: Points, image: Image) -> Box | None:
    """Return the square around the points (21, 2) of a hand, in pixels; None if it was not seen."""
    seen = points[~np.isnan(points).any(axis=1)]
    if not len(seen):
        return None
    (x0, y0), (x1, y1) = seen.min(axis=0), seen.max(axis=0)
    grown = MARGIN * max(x1 - x0, y1 - y0)
    return _square((x0 - grown, y0 - grown, x1 + grown, y1 + grown), image)


def _square(box: BoxXyxy | None, image: Image) -> Box | None:
    """Return the square around a box, moved into the picture; None if the box is outside of it."""
    if box is None:
        return None
    height, width = image.shape[:2]
    x0, y0, x1, y1 = box
    if x1 <= 0 or y1 <= 0 or x0 >= width or y0 >= height:
        return None
    side = max(1, min(round(max(x1 - x0, y1 - y0)), width, height))
    left = min(max(round((x0 + x1 - side) / 2), 0), width - side)
    top = min(max(round((y0 + y1 - side) / 2), 0), height - side)
    return left, top, left + side, top + side
