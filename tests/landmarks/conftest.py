"""The networks, and pictures of people to try them on."""

import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from ademan.errors import LandmarkError
from ademan.landmarks.model_files import MODELS, model_file
from ademan.video.frame import Frame, Image

Photo = Callable[[str], Image]


@pytest.fixture(scope="session")
def model_files() -> Path:
    """The folder of the networks; they are fetched once into the user's cache."""
    try:
        paths = [model_file(name) for name in MODELS]
    except LandmarkError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"the networks are not here, and cannot be fetched: {error}")
    return paths[0].parent


@pytest.fixture
def photo(real_data: Path) -> Photo:
    """Give a real photo, by the beginning of its name: (H, W, 3)."""

    def read(name: str) -> Image:
        (path,) = (real_data / "hand-photos" / "in-the-wild").glob(f"*/{name}*.jpg")
        return pixels(cv2.imread(str(path)))

    return read


@pytest.fixture(scope="session")
def webcam(real_data: Path) -> list[Frame]:
    """Every fourth frame of somebody before a webcam, hands and shoulders in the picture; not mirrored."""
    video = cv2.VideoCapture(str(real_data / "video-fixtures" / "person_webcam.mp4"))
    frames: list[Frame] = []
    while (read := video.read())[0] and len(frames) < 40:
        frames.append(Frame(pixels(read[1]), len(frames) * 33.0))
    return frames[::4]


def pixels(bgr: object) -> Image:
    return np.ascontiguousarray(np.asarray(bgr, np.uint8)[:, :, ::-1])
