"""Many videos may share the networks, if each has its memory put back before its next frame."""

from itertools import islice
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from ademan.landmarks import LandmarkConfig
from ademan.landmarks.landmarker import Landmarks
from ademan.landmarks.litert import LitertLandmarker
from ademan.landmarks.litert.landmarker import Memory
from ademan.video import Frame, VideoFile, smaller


def frames_of(path: Path) -> list[Frame]:
    return [smaller(frame, 320) for frame in islice(VideoFile(path), 12)]


@pytest.mark.parametrize("landmarks", get_args(Landmarks))
def test_videos_in_turns_give_what_each_gives_alone(landmarks: Landmarks, model_files: Path, real_data: Path) -> None:
    folder = real_data / "home-gestures" / "raw_videos"
    paths = (real_data / "video-fixtures" / "person_webcam.mp4", folder / "fan_up" / "fan_up_s3_1.mp4")
    videos = [frames_of(path) for path in paths]
    landmarker = LitertLandmarker(LandmarkConfig(landmarks=landmarks))
    alone = []
    for frames in videos:
        landmarker.reset()
        alone.append([landmarker.find(frame) for frame in frames])
    assert any(np.isfinite(points).any() for found in alone for points in found)
    memories = [Memory(), Memory()]
    for i, pair in enumerate(zip(*videos, strict=False)):
        for k, frame in enumerate(pair):
            landmarker.memory = memories[k]
            np.testing.assert_array_equal(landmarker.find(frame), alone[k][i])
            memories[k] = landmarker.memory
