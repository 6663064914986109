"""The body: a person is searched for in the picture, and followed from frame to frame by two points of its own.

Geometry and refinement are those of BlazePose (Bazarevsky et al. 2020) as MediaPipe runs it: the region is centred on
the middle of the hips, and as large as twice the distance from there to a point on the circle around the body.
"""

from dataclasses import dataclass

import numpy as np

from ademan.landmarks.litert.detector import Detector
from ademan.landmarks.litert.network import Floats, Network
from ademan.landmarks.litert.region import Array, Region, upright_angle
from ademan.video.frame import Image

STRIDES = (8, 16, 32, 32, 32)
_POINTS, _WITH_AUXILIARY = 33, 39
_CENTER, _CIRCLE = 33, 34  # of the auxiliary points
_GROWN = 1.25
_KERNEL = 7  # of the heat map's places that refine a point
_LEAST_HEAT = 0.5


@dataclass(frozen=True, eq=False)
class Body:
    """A body in a frame.

    Args:
        points: (33, 3) x, y and depth in pixels.
        visibility: (33,) from 0 to 1.
        next_region: where it will be in the next frame.
    """

    points: Array
    visibility: Array
    next_region: Region


class BodyTracker:
    """Finds the body of one person in the frames of a video.

    Args:
        detector: of people.
        network: gives 39 points, presence and a heat map in a region.
        least_presence: below it the body is lost.
    """

    def __init__(self, detector: Detector, network: Network, least_presence: float) -> None:
        self._detector, self._network, self._least = detector, network, least_presence
        self.reset()

    def reset(self) -> None:
        """Forget the body."""
        self._body: Body | None = None

    @property
    def memory(self) -> Body | None:
        """The body that is followed."""
        return self._body

    @memory.setter
    def memory(self, memory: Body | None) -> None:
        self._body = memory

    def find(self, image: Image) -> Body | None:
        """Return the body in the next frame, if there is one."""
        body = self._look(image, self._body.next_region) if self._body else None
        if body is None:
            people = self._detector.detect(image)
            body = self._look(image, _region(*people[0].keypoints[:2])) if people else None
        self._body = body
        return body

    def _look(self, image: Image, region: Region) -> Body | None:
        if not region.side >= 2:
            return None
        side = self._network.side
        values, presence, _, heat, *_ = self._network.run(region.crop(image, side))
        if not presence[0] >= self._least:
            return None
        table = values.reshape(_WITH_AUXILIARY, 5).astype(np.float64)
        places = table[:, :3] / side
        places[:, :2] = refined(places[:, :2], heat) - 0.5
        points = region.to_image(places)
        visibility = 1 / (1 + np.exp(-np.clip(table[:_POINTS, 3:5], -50, 50)))
        following = _region(points[_CENTER, :2], points[_CIRCLE, :2])
        return Body(points[:_POINTS], visibility.min(axis=1), following)


def refined(places: Array, heat: Floats) -> Array:
    """Return points moved to the centre of the heat around them, where the map is sure.

    Args:
        places: (39, 2) from 0 to 1.
        heat: (H, W, 39) logits.
    """
    height, width, P = heat.shape
    cell = np.floor(places * [width, height]).astype(int)
    steps = np.arange(_KERNEL) - _KERNEL // 2
    x, y = cell[:, 0, None] + steps, cell[:, 1, None] + steps
    inside = ((x >= 0) & (x < width))[:, None, :] & ((y >= 0) & (y < height))[:, :, None]
    logits = heat[y.clip(0, height - 1)[:, :, None], x.clip(0, width - 1)[:, None, :], np.arange(P)[:, None, None]]
    sure = inside / (1 + np.exp(-np.clip(logits.astype(np.float64), -50, 50)))
    total = sure.sum(axis=(1, 2))
    weight = np.maximum(total, 1e-12)
    moved = np.stack(
        [(sure.sum(axis=1) * x).sum(axis=1) / weight / width, (sure.sum(axis=2) * y).sum(axis=1) / weight / height], 1
    )
    held = (sure.max(axis=(1, 2)) >= _LEAST_HEAT) & (places >= 0).all(axis=1) & (places < 1).all(axis=1)
    return np.where(held[:, None], moved, places)


def _region(center: Array, on_circle: Array) -> Region:
    side = 2 * float(np.hypot(*(on_circle - center)))
    return Region(center, side * _GROWN, upright_angle(center, on_circle))
