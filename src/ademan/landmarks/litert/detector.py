"""Single-shot detection: anchors, decoding and weighted suppression, for palms and people alike.

Anchors as in SSD (Liu et al. 2016) with fixed size 1, and suppression as in BlazeFace (Bazarevsky et al. 2019): what
overlaps is averaged, weighted by its score, which makes boxes steadier from frame to frame than keeping the best one.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ademan.landmarks.litert.network import Network
from ademan.landmarks.litert.region import Array, Region
from ademan.video.frame import Image

_LEAST_OVERLAP = 0.3


@dataclass(frozen=True, eq=False)
class Detection:
    """Something that was found.

    Args:
        score: from 0 to 1.
        box: (2, 2) its upper left and lower right corner, in pixels.
        keypoints: (K, 2) in pixels.
    """

    score: float
    box: Array
    keypoints: Array


class Detector:
    """Finds palms or people in a picture.

    Args:
        network: gives for each anchor a box, keypoints and a score.
        strides: of the layers of anchors, in pixels of the network's picture; two anchors a place and layer.
        least: score.
    """

    def __init__(self, network: Network, strides: tuple[int, ...], least: float) -> None:
        self._network, self._least = network, least
        self._anchors = anchors(network.side, strides)

    def detect(self, image: Image) -> list[Detection]:
        """Return what is found, best first."""
        region, side = Region.whole(image), self._network.side
        raw, scores = self._network.run(region.crop(image, side, outside=cv2.BORDER_CONSTANT))
        logits = scores[:, 0]
        likely = np.flatnonzero(logits > _logit(self._least))
        if not len(likely):
            return []
        found = []
        values = raw[likely].astype(np.float64) / side
        centers = self._anchors[likely]
        half = values[:, None, 2:4] / 2
        middles = (values[:, :2] + centers)[:, None]
        boxes = np.concatenate([middles - half, middles + half], axis=1)
        keypoints = values[:, 4:].reshape(len(likely), -1, 2) + centers[:, None]
        certainty = 1 / (1 + np.exp(-np.clip(logits[likely].astype(np.float64), -100, 100)))
        for score, places in suppressed(certainty, np.concatenate([boxes, keypoints], axis=1)):
            pixels = region.to_image(places - 0.5)
            found.append(Detection(score, pixels[:2], pixels[2:]))
        return found


def anchors(side: int, strides: tuple[int, ...]) -> Array:
    """Return (A, 2): the middles of the anchors, from 0 to 1, in the order of the network's outputs."""
    layers = []
    for stride in sorted(set(strides)):
        cells = side // stride
        y, x = np.divmod(np.arange(cells * cells), cells)
        middles = (np.stack([x, y], axis=1) + 0.5) / cells
        layers.append(np.repeat(middles, 2 * strides.count(stride), axis=0))
    return np.concatenate(layers)


def suppressed(scores: Array, places: Array) -> list[tuple[float, Array]]:
    """Return groups of overlapping detections as one each: best score, and the mean of places weighted by score.

    Args:
        scores: (N,)
        places: (N, 2 + K, 2) corners of the box, and keypoints.
    """
    left, found = np.argsort(-scores, kind="stable"), []
    while len(left):
        overlaps = _overlaps(places[left[0], :2], places[left, :2])
        group = left[overlaps > _LEAST_OVERLAP] if overlaps[0] > _LEAST_OVERLAP else left[:1]
        mean = np.average(places[group], axis=0, weights=scores[group])
        found.append((float(scores[left[0]]), mean))
        left = np.setdiff1d(left, group, assume_unique=True)
        left = left[np.argsort(-scores[left], kind="stable")]
    return found


def _overlaps(box: Array, boxes: Array) -> Array:
    """Return the intersection over the union of one box (2, 2) and each of (N, 2, 2)."""
    sides = np.clip(np.minimum(box[1], boxes[:, 1]) - np.maximum(box[0], boxes[:, 0]), 0, None)
    inside = sides.prod(axis=1)
    both = np.clip(box[1] - box[0], 0, None).prod() + np.clip(boxes[:, 1] - boxes[:, 0], 0, None).prod(axis=1) - inside
    return np.asarray(inside / np.maximum(both, 1e-12))


def _logit(probability: float) -> float:
    p = min(max(probability, 1e-9), 1 - 1e-9)
    return float(np.log(p / (1 - p)))
