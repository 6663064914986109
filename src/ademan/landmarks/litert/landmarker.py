"""Hands, a body, or both, as the points of a skeleton."""

from dataclasses import dataclass, field, replace

import numpy as np

from ademan.clip import Points
from ademan.landmarks.landmarker import LandmarkConfig
from ademan.landmarks.litert import hands, pose
from ademan.landmarks.litert.detector import Detector
from ademan.landmarks.litert.hands import Hand, HandMemory, HandTracker, sides
from ademan.landmarks.litert.network import Network
from ademan.landmarks.litert.pose import Body, BodyTracker
from ademan.landmarks.litert.region import Array
from ademan.landmarks.model_files import model_file
from ademan.skeleton import BUILT_IN, Skeleton
from ademan.video.frame import Frame

_BODY, _HAND = 33, 21
_WRISTS = tuple(BUILT_IN["pose33"].index(f"{side}_wrist") for side in ("left", "right"))
_SHOULDERS = tuple(BUILT_IN["pose33"].index(f"{side}_shoulder") for side in ("left", "right"))
_BODY_SAYS = 8.0  # log-odds for a hand that is one breadth of the shoulders nearer to one wrist than to the other


@dataclass(frozen=True)
class Memory:
    """What a landmarker knows of the frames before; as it is made, that of a video's beginning.

    Args:
        hands: that are followed.
        body: that is followed.
    """

    hands: HandMemory = field(default_factory=HandMemory)
    body: Body | None = None


class LitertLandmarker:
    """Finds points with networks that LiteRT runs, on any processor, without a connection to anywhere.

    Args:
        config: what is looked for.
        threads: that each network may use.

    Raises:
        LandmarkError: the networks cannot be had or loaded.
    """

    def __init__(self, config: LandmarkConfig, threads: int = 1) -> None:
        self._config = config
        self._hands = _hand_tracker(config, threads) if config.landmarks != "pose" else None
        self._body = _body_tracker(config, threads) if config.landmarks != "hands" else None

    @property
    def skeleton(self) -> Skeleton:
        """Names the points."""
        return self._config.skeleton

    def find(self, frame: Frame) -> Points:
        """Return (P, 3); see `Landmarker.find`."""
        image = frame.image_rgb
        parts = []
        body = self._body.find(image) if self._body else None
        if self._body:
            parts.append(_body_points(body, self._config.visibility))
        if self._hands:
            found = self._hands.find(image, frame.timestamp_ms)
            parts += [_hand_points(hand) for hand in sides(_told_by(body, found, self._config.visibility))]
        return np.asarray(np.concatenate(parts) / len(image), np.float32)

    def reset(self) -> None:
        """Forget what was followed."""
        for tracker in (self._hands, self._body):
            if tracker:
                tracker.reset()

    @property
    def memory(self) -> Memory:
        """What is followed; put back before the next frame of the same video, it lets many videos share the networks.

        They need 40 MB or more, and this next to nothing.
        """
        return Memory(self._hands.memory if self._hands else HandMemory(), self._body.memory if self._body else None)

    @memory.setter
    def memory(self, memory: Memory) -> None:
        if self._hands:
            self._hands.memory = memory.hands
        if self._body:
            self._body.memory = memory.body

    def close(self) -> None:
        """Let go of the networks."""
        self._hands = self._body = None


def _hand_tracker(config: LandmarkConfig, threads: int) -> HandTracker:
    palms = Network(model_file("palm_detection_full"), threads, 0.0, 1.0)
    points = Network(model_file("hand_landmark_full"), threads, 0.0, 1.0)
    detector = Detector(palms, hands.STRIDES, config.detection_confidence)
    return HandTracker(detector, points, config.presence_confidence, config.max_hands)


def _body_tracker(config: LandmarkConfig, threads: int) -> BodyTracker:
    people = Network(model_file("pose_detection"), threads, -1.0, 1.0)
    points = Network(model_file("pose_landmark_full"), threads, 0.0, 1.0)
    return BodyTracker(Detector(people, pose.STRIDES, config.detection_confidence), points, config.presence_confidence)


def _body_points(body: Body | None, least: float) -> Array:
    if body is None:
        return np.full((_BODY, 3), np.nan)
    return np.where((body.visibility >= least)[:, None], body.points, np.nan)


def _hand_points(hand: Hand | None) -> Array:
    return np.full((_HAND, 3), np.nan) if hand is None else hand.points


def _told_by(body: Body | None, found: list[Hand], least: float) -> list[Hand]:
    """Return the hands, with what the body's wrists say of left and right added to what the hands look like."""
    if body is None or min(body.visibility[list(_WRISTS)]) < least:
        return found
    left, right = (body.points[wrist, :2] for wrist in _WRISTS)
    breadth = np.hypot(*(body.points[_SHOULDERS[0], :2] - body.points[_SHOULDERS[1], :2])) or 1.0

    def nearer(hand: Hand) -> float:
        wrist = hand.points[0, :2]
        return float((np.hypot(*(wrist - right)) - np.hypot(*(wrist - left))) / breadth)

    return [replace(hand, left=hand.left + _BODY_SAYS * float(np.clip(nearer(hand), -1, 1))) for hand in found]
