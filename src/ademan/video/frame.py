"""Frames: one picture and when it was taken; and what gives them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
"""(H, W, 3), red green blue; not mirrored: the left of the picture is the left of the scene as the camera sees it."""


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video or a camera.

    Args:
        image_rgb: (H, W, 3) uint8, upright; C-contiguous.
        timestamp_ms: when it was taken: since the video began, or on the camera's clock.
    """

    image_rgb: Image
    timestamp_ms: float

    @property
    def size_wh(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.image_rgb.shape[1], self.image_rgb.shape[0]


class FrameSource(Protocol):
    """What gives frames in the order of their time: a video file, a folder of pictures, a camera."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames; those of a camera never end.

        Raises:
            VideoError: it cannot be read, or not to its end.
        """

    def close(self) -> None:
        """Let go of the file or device; may be called twice."""
