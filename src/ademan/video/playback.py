"""A file played as if it were a camera."""

import time
from collections.abc import Callable, Iterator
from itertools import count

import numpy as np

from ademan.video.frame import Frame, FrameSource

_LATE_S = 0.05  # a frame that is later than this is left out, as a camera would ...
_MOST_LEFT_OUT = 10  # ... but not more in a row


class Playback:
    """The frames of a file, at the times at which a camera would have given them.

    Who is slow misses frames, as with a camera. Times rise through repetitions, too.

    Args:
        source: a video file or frame folder.
        speed: 2 plays twice as fast; the timestamps stay the file's own.
        loop: begin anew at the end, for ever.
        realtime: False gives each frame as soon as it is asked for, and leaves none out.
        clock: seconds, rising.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        source: FrameSource,
        speed: float = 1.0,
        *,
        loop: bool = False,
        realtime: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.source, self.speed, self.loop, self.realtime = source, speed, loop, realtime
        self._clock, self._sleep = clock, sleep

    @property
    def name(self) -> str:
        """That of the file."""
        return self.source.name

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames; without end if they are repeated."""
        return self._in_time(self._frames()) if self.realtime else self._frames()

    def close(self) -> None:
        """Let go of the file."""
        self.source.close()

    def _frames(self) -> Iterator[Frame]:
        offset_ms = 0.0
        for _ in count() if self.loop else range(1):
            times: list[float] = []
            for frame in self.source:
                times = [*times[-1:], frame.timestamp_ms]
                yield Frame(frame.image_rgb, offset_ms + frame.timestamp_ms)
            step_ms = float(np.ptp(times)) or 40.0
            offset_ms += times[-1] + step_ms

    def _in_time(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        started, left_out = self._clock(), 0
        for frame in frames:
            early_s = frame.timestamp_ms / 1000.0 / self.speed - (self._clock() - started)
            if early_s > 0:
                self._sleep(early_s)
            elif early_s < -_LATE_S and left_out < _MOST_LEFT_OUT:
                left_out += 1
                continue
            elif early_s < -_LATE_S:  # not even reading keeps up: then the file plays slower
                started -= early_s
            left_out = 0
            yield frame
