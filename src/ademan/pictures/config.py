"""What is cut out of a frame to be learnt from."""

from dataclasses import dataclass
from typing import Literal, get_args

from ademan.errors import ConfigError
from ademan.landmarks.landmarker import Backend

Kind = Literal["hand", "silhouette"]
Background = Literal["video", "start", "plain", "picture"]


@dataclass(frozen=True)
class PictureConfig:
    """What is cut out of a frame, and how."""

    of: Kind = "hand"
    """hand: a square around the hand. silhouette: what differs from the empty scene, white on black."""
    size: int = 64
    """Width and height of what is cut out, in pixels, 16 to 256."""
    colours: int = 1
    """1: grey. 3: red, green, blue. A silhouette has 1."""
    margin: float = 0.2
    """Space around the hand or silhouette on each side, in units of its longer side, 0 to 1."""
    upright: bool = False
    """Turn the hand so that its middle finger points up; for gestures whose direction means nothing."""
    close_up: int = 0
    """A picture whose longer side has at most so many pixels is a close-up of a hand: where no hand is found in it,
    all of it is taken. 0: none is. Larger pictures are brought to 960 pixels before: with 960, each one is."""
    confidence: float = 0.3
    """Least score of a hand that is newly found, 0 to 1."""
    landmarker: Backend = "litert"
    """What finds hands: litert (everywhere), or mediapipe (not on ARM Linux)."""
    background: Background = "video"
    """Where the empty scene of a silhouette comes from. video: the median over each video; what is always in its place
    belongs to the scene. start: the median over the beginning of each video or stream, which must show the scene alone.
    plain: a wall of one colour, fitted to the border of each picture. picture: a file. Live, video is as start."""
    learn_ms: float = 1000.0
    """With start: for how long the empty scene is shown, in milliseconds, above zero."""
    threshold: float = 0.0
    """How far a pixel must differ from the empty scene to belong to the silhouette, 0 to 200 in units of CIELAB's
    colour difference; 0 finds it for each picture by itself (Otsu)."""
    least: float = 0.005
    """A silhouette that covers a smaller part of the picture than this is none, 0 to 1."""

    def __post_init__(self) -> None:
        for name, choices in (("of", Kind), ("landmarker", Backend), ("background", Background)):
            if getattr(self, name) not in get_args(choices):
                raise ConfigError(
                    f"{name} '{getattr(self, name)}' is unknown; choose among {', '.join(get_args(choices))}."
                )
        if self.colours not in (1, 3):
            raise ConfigError(f"colours must be 1 (grey) or 3 (red, green, blue), found {self.colours}.")
        if self.of == "silhouette" and self.colours != 1:
            raise ConfigError(f"a silhouette is white on black and has colours 1, found {self.colours}.")
        ranges = {
            "size": (16, 256),
            "margin": (0, 1),
            "close_up": (0, 960),
            "confidence": (0, 1),
            "threshold": (0, 200),
            "least": (0, 1),
        }
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigError(f"{name} must be from {low} to {high}, found {getattr(self, name)}.")
        if not 0 < self.learn_ms < float("inf"):
            raise ConfigError(f"learn_ms must be above 0 and finite, found {self.learn_ms}.")
