"""The last frames of a stream, in one piece of memory that is used again and again."""

import numpy as np

from ademan.clip import Points, Times


class FrameBuffer:
    """Frames in the order of their time; new ones come at the end, old ones go at the beginning.

    Args:
        shape: (P, C) of a frame.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self._times: Times = np.empty(64)
        self._points: Points = np.empty((64, *shape), np.float32)
        self._first, self._end = 0, 0

    def __len__(self) -> int:
        return self._end - self._first

    @property
    def times_ms(self) -> Times:
        """(T,), a view that holds until the next change."""
        return self._times[self._first : self._end]

    @property
    def points(self) -> Points:
        """(T, P, C), a view that holds until the next change."""
        return self._points[self._first : self._end]

    def append(self, points: Points, timestamp_ms: float) -> None:
        """Copy a frame to the end."""
        if self._end == len(self._times):
            self._make_room()
        self._times[self._end], self._points[self._end] = timestamp_ms, points
        self._end += 1

    def forget_before(self, timestamp_ms: float) -> None:
        """Let go of frames, but for the last one before a time, and the newest two."""
        while len(self) > 2 and self._times[self._first + 1] < timestamp_ms:  # mostly one frame comes and one goes
            self._first += 1

    def _make_room(self) -> None:
        """Move the frames to the beginning; into twice the memory, if they fill half of it."""
        kept = len(self)
        room = len(self._times) * (2 if kept > len(self._times) // 2 else 1)
        times, points = np.empty(room), np.empty((room, *self._points.shape[1:]), np.float32)
        times[:kept], points[:kept] = self.times_ms, self.points
        self._times, self._points, self._first, self._end = times, points, 0, kept
