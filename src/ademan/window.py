"""Windows: how a clip of any length and rate becomes the frames that a network sees.

Training, evaluation, prediction and live recognition all go through `Window.cut`, so they cannot differ.
"""

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from ademan.clip import Coordinates, Points, Times, frames_within, nearest_at, points_at
from ademan.errors import ConfigError

Fit = Literal["pad", "spread", "rate"]


@dataclass(frozen=True)
class Window:
    """How a clip is fitted to the frames that a network sees.

    pad: the first `frames` frames as they are; shorter clips are shorter windows.
    spread: `frames` frames evenly over the whole clip, whatever its length.
    rate: resampled to `fps`, then the last `frames` frames; this is what a live stream needs.
    """

    frames: int = 300
    """Frames of a window, at most; above zero."""
    fit: Fit = "pad"
    """pad: first frames as they are. spread: evenly over the clip. rate: at a constant frame rate."""
    fps: float = 0.0
    """Frames per second, above zero; with 'rate' only."""

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ConfigError(f"a window needs one frame or more, found {self.frames}.")
        if self.fit not in ("pad", "spread", "rate"):
            raise ConfigError(f"window fit '{self.fit}' is unknown; choose pad, spread or rate.")
        if not (0 < self.fps < np.inf if self.fit == "rate" else self.fps == 0):
            raise ConfigError(
                f"window fit '{self.fit}' with {self.fps:g} frames per second: "
                "'rate' needs a rate above zero, the others take none."
            )

    def cut(self, points: Points, timestamps_ms: Times, coordinates: Coordinates = "square") -> Points:
        """Return the window of a clip: (at most `frames`, P, C).

        Frames in which nothing is seen are kept as they are, at the end too; there the networks take them for padding.
        With 'pad' the window is a view of the points, not a copy.

        Args:
            points: (T, P, C), NaN where not seen.
            timestamps_ms: (T,), rising.
            coordinates: of the points; between two pictures there is no third one, so of pixels the nearest is taken.
        """
        at = nearest_at if coordinates == "pixels" else points_at
        if self.fit == "pad":
            return points[: self.frames]
        if self.fit == "spread":
            times = np.linspace(timestamps_ms[0], timestamps_ms[-1], self.frames)
            return at(points, timestamps_ms, times)
        step_ms = 1000.0 / self.fps
        count = min(self.frames, frames_within(float(timestamps_ms[-1] - timestamps_ms[0]), self.fps))
        return at(points, timestamps_ms, timestamps_ms[-1] - step_ms * np.arange(count)[::-1])

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)


def stack(windows: list[Points]) -> Points:
    """Return windows of different lengths as one batch (N, T, P, C), padded with NaN at the end."""
    T = max(len(window) for window in windows)
    batch = np.full((len(windows), T, *windows[0].shape[1:]), np.nan, np.float32)
    for row, window in zip(batch, windows, strict=True):
        row[: len(window)] = window
    return batch
