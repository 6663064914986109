"""One recording to one clip: each frame to points, nothing kept of the pictures."""

from collections.abc import Callable
from contextlib import closing

import numpy as np

from ademan.clip import Clip, Points
from ademan.errors import VideoError
from ademan.extraction.recordings import Recording
from ademan.landmarks import Landmarker
from ademan.video import Frame, FrameFolder, VideoFile, smaller


def extract_clip(
    recording: Recording,
    landmarker: Landmarker,
    *,
    every: int = 1,
    size: int = 0,
    watch: Callable[[Frame, Points], None] | None = None,
) -> Clip:
    """Return the points of a recording as a clip; a point that is not found in a frame is NaN there.

    Args:
        recording: a video file or frame folder.
        landmarker: what finds the points; it forgets the video before.
        every: each n-th frame.
        size: longest side in pixels to which larger frames are brought; 0 leaves them.
        watch: called with each frame and its points.

    Raises:
        VideoError: the recording cannot be read to its end, or has no frame.
    """
    landmarker.reset()
    points, times, size_wh = [], [], (0, 0)
    with closing(recording.open(every)) as frames:
        # `ademan capture` says there who and when, and `ademan frames` hands it on.
        tags = frames.metadata if isinstance(frames, VideoFile | FrameFolder) else {}
        for frame in frames:
            found = landmarker.find(smaller(frame, size))
            points.append(found)
            times.append(frame.timestamp_ms)
            size_wh = frame.size_wh
            if watch:
                watch(frame, found)
    if not points:
        raise VideoError(f"{recording.path} has no frame.")
    return Clip(
        np.stack(points),
        np.array(times, np.float64),
        landmarker.skeleton,
        id=recording.id,
        label=recording.gesture,
        subject=recording.subject or tags.get("subject"),
        session=recording.session or tags.get("session"),
        source=recording.path.name,
        image_wh=size_wh,
    )
