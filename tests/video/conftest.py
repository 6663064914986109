"""Small videos made on the spot."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from ademan.video import Frame, Image

MakeVideo = Callable[..., Path]
RED, WHITE = (220, 30, 30), (240, 240, 240)


def corner(width: int = 64, height: int = 48) -> Image:
    """A dark picture whose upper left quarter is red."""
    image = np.full((height, width, 3), 20, np.uint8)
    image[: height // 2, : width // 2] = RED
    return image


def frames(times_ms: list[float], size_wh: tuple[int, int] = (64, 48)) -> list[Frame]:
    return [Frame(corner(*size_wh), time_ms) for time_ms in times_ms]


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Writes a video of red corners with PyAV itself, and whatever tags a test wants."""

    def make(
        name: str = "a.mp4",
        times_ms: list[float] | None = None,
        *,
        codec: str = "libx264",
        rotation: int | None = None,
        size_wh: tuple[int, int] = (64, 48),
        aspect: Fraction | None = None,
    ) -> Path:
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream: Any = container.add_stream(codec, rate=25)
            stream.width, stream.height = size_wh
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
            if aspect:
                stream.codec_context.sample_aspect_ratio = aspect
            if rotation is not None:
                stream.set_display_rotation(rotation)
            for time_ms in times_ms if times_ms is not None else [40.0 * i for i in range(10)]:
                picture = av.VideoFrame.from_ndarray(corner(*size_wh), format="rgb24")
                picture.pts, picture.time_base = round(time_ms), Fraction(1, 1000)
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
        return path

    return make
