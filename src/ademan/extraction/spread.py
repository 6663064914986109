"""A fixed number of frames of a recording, evenly spread over it, and what was wrong with its pictures."""

from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ademan.clip import Times
from ademan.errors import VideoError
from ademan.extraction.recordings import Recording
from ademan.video import Frame, FrameFolder, FrameSource, VideoFile

_STEP_MS = 40.0  # from frame to frame, where there is one alone


@dataclass(frozen=True, eq=False)
class Taken:
    """Frames of a recording.

    Args:
        frames: at most as many as were wanted, in the order of their time; each but once.
        wanted: how many.
        subject: who is seen, if the file says so.
        session: recorded in one go, if the file says so.
        skipped: pictures of a frame folder that are missing, cannot be read, or are of another size than the others.
    """

    frames: tuple[Frame, ...]
    wanted: int
    subject: str | None = None
    session: str | None = None
    skipped: tuple[str, ...] = ()

    @property
    def times_ms(self) -> Times:
        """(wanted,): of the frames; those that are missing at the end of a short recording go on at the same step."""
        times = [frame.timestamp_ms for frame in self.frames]
        steps = [after - before for before, after in pairwise(times)]
        step_ms = float(np.median(steps)) if steps else _STEP_MS
        more = [times[-1] + step_ms * (1 + i) for i in range(self.wanted - len(times))]
        return np.array([*times, *more], np.float64)

    @property
    def places(self) -> list[int]:
        """Which frame stands at each of the wanted places: the last one of a short recording stands in for more."""
        return [min(place, len(self.frames) - 1) for place in range(self.wanted)]


def take(recording: Recording, wanted: int) -> Taken:
    """Return so many frames of a recording, evenly spread from its first to its last one; all of a shorter one.

    The recording is read once, unless its head says a wrong number of frames.

    Args:
        recording: a video file or frame folder.
        wanted: 1 or more.

    Raises:
        VideoError: it cannot be read to its end, or has no frame.
    """
    with closing(recording.open()) as source:
        count = (source.count or 0) if isinstance(source, VideoFile) else len(recording.pictures)
        frames, found = _picked(source, count, wanted)
        if found != count:
            frames, found = _picked(source, found, wanted)
        if not frames:
            raise VideoError(f"{recording.path} has no frame.")
        tags = source.metadata if isinstance(source, VideoFile | FrameFolder) else {}
        skipped = source.skipped if isinstance(source, FrameFolder) else []
    return Taken(tuple(frames), wanted, tags.get("subject"), tags.get("session"), tuple(skipped))


def spread_places(count: int, wanted: int) -> list[int]:
    """Return which of `count` frames are taken when so many are wanted: evenly from the first to the last."""
    if count <= wanted:
        return list(range(count))
    return [int(place) for place in np.linspace(0, count - 1, wanted).round()]


def _picked(source: FrameSource, count: int, wanted: int) -> tuple[list[Frame], int]:
    """Return the frames to take if there are `count`, and how many there are."""
    places, frames, found = set(spread_places(count, wanted)), [], 0
    for frame in source:
        if found in places:
            frames.append(frame)
        found += 1
    return frames, found
