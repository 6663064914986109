"""Other people of a studio, whose clips are there before somebody new comes: real recordings of two persons."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ademan.clip import Clip
from ademan.landmarks import open_landmarker
from ademan.studio.data.gestures import SetInfo
from ademan.video import VideoFile, smaller
from tests.studio.conftest import Studio

_LONGEST_SIDE = 480


def clip_of(video: Path) -> Clip:
    """Return the points of the hands in a video."""
    landmarker, points, times_ms, size = open_landmarker(), [], [], (1, 1)
    try:
        for frame in VideoFile(video):
            small = smaller(frame, _LONGEST_SIDE)
            points.append(landmarker.find(small))
            times_ms.append(small.timestamp_ms)
            size = small.size_wh
    finally:
        landmarker.close()
    return Clip(np.stack(points), np.array(times_ms), landmarker.skeleton, image_wh=size)


def contribute(studio: Studio, owner: SetInfo, name: str, videos: Sequence[tuple[str, Path]]) -> list[str]:
    """Register somebody, and add their clips: pairs of a label and a video. Returns the ids of the clips."""
    person = studio.person(name)
    added = []
    for label, video in videos:
        gesture = owner.gesture(label)
        clip = clip_of(video)
        idle = gesture is None
        info = studio.clips.add(clip, owner.id, person.id, gesture_id=gesture.id if gesture else None, idle=idle)
        added.append(info.id)
    return added
