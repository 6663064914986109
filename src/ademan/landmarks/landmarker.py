"""Landmarkers: what finds points in pictures, and the one protocol that all backends keep.

Left and right are the person's own, and pictures are not mirrored: in a picture of somebody who faces the camera,
their left hand is on the right. The points of a mirrored picture are therefore the mirrored points.
"""

from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from ademan.clip import Points
from ademan.errors import ConfigError
from ademan.skeleton import BUILT_IN, Skeleton
from ademan.video.frame import Frame

Landmarks = Literal["hands", "pose", "holistic"]
"""Which points: both hands, the body, or the body and both hands."""
Backend = Literal["litert", "mediapipe"]
"""What runs the networks."""
SKELETONS = {"hands": BUILT_IN["hands"], "pose": BUILT_IN["pose33"], "holistic": BUILT_IN["holistic75"]}


@dataclass(frozen=True)
class LandmarkConfig:
    """What is looked for in a picture, and how sure the landmarker must be. Confidences are from 0 to 1."""

    landmarks: Landmarks = "hands"
    """hands: both hands, 42 points. pose: the body, 33. holistic: both, 75."""
    landmarker: Backend = "litert"
    """What runs the networks: litert (everywhere), or mediapipe (not on ARM Linux)."""
    detection_confidence: float = 0.5
    """Least score of a palm or a person that is newly found."""
    presence_confidence: float = 0.5
    """Least score that a hand or a body is still where it was; below it, it is looked for anew."""
    visibility: float = 0.5
    """Body points that the network thinks hidden or outside the picture, below this, count as not seen."""
    max_hands: int = 2
    """Hands looked for: 1 or 2."""

    def __post_init__(self) -> None:
        for name, choices in (("landmarks", get_args(Landmarks)), ("landmarker", get_args(Backend))):
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name} '{getattr(self, name)}' is unknown; choose among {', '.join(choices)}.")
        for name in ("detection_confidence", "presence_confidence", "visibility"):
            if not 0 <= getattr(self, name) <= 1:
                raise ConfigError(f"{name} must be from 0 to 1, found {getattr(self, name)}.")
        if self.max_hands not in (1, 2):
            raise ConfigError(f"max_hands must be 1 or 2, found {self.max_hands}.")

    @property
    def skeleton(self) -> Skeleton:
        """Of the points that are found."""
        return SKELETONS[self.landmarks]


class Landmarker(Protocol):
    """Finds the points of a skeleton in the frames of one video after the other."""

    @property
    def skeleton(self) -> Skeleton:
        """Names the points."""

    def find(self, frame: Frame) -> Points:
        """Return (P, 3) float32: x, y, z in units of the picture's height, origin top left; NaN where not seen.

        Frames of one video come in the order of their time; hands and bodies are followed from one to the next.
        The depth z is relative to the wrist (a hand) or the middle of the hips (a body), nearer is smaller.
        """

    def reset(self) -> None:
        """Forget what was followed: the next frame is of another video, whose result must not depend on this one."""

    def close(self) -> None:
        """Let go of the networks; may be called twice."""
