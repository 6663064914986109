"""Hands: palms are searched for in the picture, and found hands are followed from frame to frame.

A hand's region comes from the palm's seven keypoints when it is new, and from its own points of the frame before when
it is followed; only where a hand may be missing are palms searched for again. The geometry of both regions is that of
MediaPipe (hand_detection and hand_landmark_landmarks_to_roi), since the networks were trained on such pictures.

Left and right: the network's handedness is the probability of the person's own right hand in a picture that is not
mirrored; programs that show a mirrored picture exchange its two names.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ademan.landmarks.litert.detector import Detection, Detector
from ademan.landmarks.litert.network import Network
from ademan.landmarks.litert.region import Array, Region, around, upright_angle
from ademan.video.frame import Image

SEARCH_MS = 200.0
"""While one hand is followed, the other one is searched for this often; without any, in every frame."""
STRIDES = (8, 16, 16, 16)
_SAME_REGION = 0.5  # overlap at which a new hand is one that is there already (HandAssociationCalculator)
_SAME_PLACE = 0.2  # of the palm's size: points this near are of one hand (HandLandmarksDeduplicationCalculator)
_DEPTH = 0.4  # the network's depth is this much of a pixel of its picture (normalize_z of MediaPipe's graph)
_WRIST, _PALM_MIDDLE = 0, 2  # of the palm's keypoints: wrist (as in the hand), and where the middle finger begins
_STEADY = (0, 1, 2, 3, 5, 6, 9, 10, 13, 14, 17, 18)  # wrist and the lower joints; tips move too much for a region
_INDEX, _MIDDLE, _RING, _PINKY = 5, 9, 13, 17  # where the fingers begin
_LEAST_WEIGHT = 0.1  # of a new frame in the mean that says whether a hand is a left one
_SUREST = 4.0  # log-odds of one frame, at most


@dataclass(frozen=True, eq=False)
class Hand:
    """A hand in a frame.

    Args:
        points: (21, 3) x, y and depth in pixels.
        presence: how sure the network is that it is a hand, from 0 to 1.
        left: log-odds that it is the person's left one: the mean over the frames in which it was followed.
        frames: for how many it was followed.
    """

    points: Array
    presence: float
    left: float
    frames: int = 1

    @property
    def next_region(self) -> Region:
        """Where it will be in the next frame."""
        xy = self.points[:, :2]
        knuckles = ((xy[_INDEX] + xy[_RING]) / 2 + xy[_MIDDLE]) / 2
        return around(xy[list(_STEADY)], upright_angle(xy[_WRIST], knuckles), scale=2.0, up=0.1)

    @property
    def palm_size(self) -> float:
        """The longest side of the triangle of the wrist, the index and the little finger, in pixels."""
        corners = self.points[[_WRIST, _INDEX, _PINKY], :2]
        return float(np.linalg.norm(corners - np.roll(corners, 1, axis=0), axis=1).max())

    def is_at(self, other: "Hand") -> bool:
        """Return whether both are one hand: most points lie where those of the other lie."""
        away = np.linalg.norm(self.points[:, :2] - other.points[:, :2], axis=1)
        return float(np.median(away)) < _SAME_PLACE * max(self.palm_size, other.palm_size)


@dataclass(frozen=True)
class HandMemory:
    """What a tracker knows of the frames before.

    Args:
        hands: that are followed.
        searched_ms: when palms were last searched for.
    """

    hands: tuple[Hand, ...] = ()
    searched_ms: float = -math.inf


class HandTracker:
    """Finds the hands of one person in the frames of a video.

    Args:
        detector: of palms.
        network: gives 21 points, presence and handedness in a region.
        least_presence: below it a hand is lost.
        most: hands to look for.
    """

    def __init__(self, detector: Detector, network: Network, least_presence: float, most: int) -> None:
        self._detector, self._network = detector, network
        self._least, self._most = least_presence, most
        self.reset()

    def reset(self) -> None:
        """Forget all hands."""
        self._hands: list[Hand] = []
        self._searched_ms = -math.inf

    @property
    def memory(self) -> HandMemory:
        """What is followed."""
        return HandMemory(tuple(self._hands), self._searched_ms)

    @memory.setter
    def memory(self, memory: HandMemory) -> None:
        self._hands, self._searched_ms = list(memory.hands), memory.searched_ms

    def find(self, image: Image, time_ms: float) -> list[Hand]:
        """Return the hands in the next frame, at most as many as wanted; those that were followed come first."""
        followed = [self._look(image, hand.next_region, hand) for hand in self._hands]
        hands = _told_apart([hand for hand in followed if hand is not None])
        if len(hands) < self._most and self._is_due(hands, time_ms):
            self._searched_ms = time_ms
            hands = self._searched(image, hands)
        self._hands = hands[: self._most]
        return self._hands

    def _is_due(self, hands: list[Hand], time_ms: float) -> bool:
        """Return whether to search: nothing is followed, something was just lost, or the last time is long ago."""
        waited = abs(time_ms - self._searched_ms)  # a camera's clock may begin anew
        return not hands or len(hands) < len(self._hands) or waited >= SEARCH_MS

    def _searched(self, image: Image, hands: list[Hand]) -> list[Hand]:
        """Return the hands, and those that are new."""
        for palm in self._detector.detect(image)[: self._most]:
            region = palm_region(palm)
            new = None if _is_taken(region, hands) else self._look(image, region, None)
            if new and not _is_taken(new.next_region, hands):
                hands = [*hands, new]
        return hands

    def _look(self, image: Image, region: Region, before: Hand | None) -> Hand | None:
        """Return the hand in a region, if there is one."""
        if not region.side >= 2:
            return None
        side = self._network.side
        points, presence, right, *_ = self._network.run(region.crop(image, side))
        if not presence[0] >= self._least:
            return None
        places = points.reshape(21, 3).astype(np.float64) / side
        places[:, :2] -= 0.5
        places[:, 2] /= _DEPTH
        now = float(np.clip(-_log_odds(float(right[0])), -_SUREST, _SUREST))
        frames = before.frames + 1 if before else 1
        left = before.left + (now - before.left) * max(1 / frames, _LEAST_WEIGHT) if before else now
        return Hand(region.to_image(places), float(presence[0]), left, frames)


def palm_region(palm: Detection) -> Region:
    """Return the region of the hand of which a palm was found."""
    # MediaPipe's Tasks give 90 degrees as radians here and turn each new hand by 26.6 degrees; its older graphs do not.
    angle = upright_angle(palm.keypoints[_WRIST], palm.keypoints[_PALM_MIDDLE])
    low, high = palm.box
    up = np.array([np.sin(angle), -np.cos(angle)])
    return Region((low + high) / 2 + up * 0.5 * (high[1] - low[1]), float(max(high - low)) * 2.6, angle)


def sides(hands: Sequence[Hand]) -> tuple[Hand | None, Hand | None]:
    """Return a person's left and right hand: of two, the way round that is likelier for both together."""
    if not hands:
        return None, None
    if len(hands) == 1:
        return (hands[0], None) if hands[0].left > 0 else (None, hands[0])
    first, second = hands[:2]
    return (first, second) if first.left >= second.left else (second, first)


def _is_taken(region: Region, hands: list[Hand]) -> bool:
    """Return whether what is in a region is likely to be one of the hands that are followed already."""
    return any(region.overlap(hand.next_region) > _SAME_REGION for hand in hands)


def _told_apart(hands: list[Hand]) -> list[Hand]:
    """Return the hands without those that slid onto another one; the surer of two stays.

    Only points tell: two hands that fold into each other share a region, and are two.
    """
    kept: list[Hand] = []
    for hand in sorted(hands, key=lambda hand: -hand.presence):
        if not any(hand.is_at(other) for other in kept):
            kept.append(hand)
    return kept


def _log_odds(probability: float) -> float:
    p = min(max(probability, 1e-6), 1 - 1e-6)
    return float(np.log(p / (1 - p)))
