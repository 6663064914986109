"""Clips that are recorded from a stream: begun, ended, shown, and then kept or dropped by whoever recorded them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ademan.clip import Clip, Points
from ademan.skeleton import Skeleton
from ademan.studio.live.errors import LiveError
from ademan.studio.live.eyes import Seen

LONGEST_MS: Final = 20_000.0
"""Of a clip."""
MOST_HELD: Final = 3
"""Clips that are neither kept nor dropped; the oldest goes."""
_LEAST_FRAMES: Final = 5
_LEAST_MS: Final = 300.0
_LEAST_SEEN: Final = 0.2  # of the frames
_MOST_FRAMES: Final = 1500


@dataclass(eq=False)
class _Open:
    """A clip that is being recorded.

    Args:
        first: number of the first frame that belongs to it.
        last: of the last one, once it is ended.
    """

    first: int
    last: int | None = None
    frames: list[Seen] = field(default_factory=list)

    @property
    def span_ms(self) -> float:
        return self.frames[-1].time_ms - self.frames[0].time_ms if self.frames else 0.0


class Takes:
    """The clips of one stream.

    Args:
        skeleton: of the points.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        self._open: _Open | None = None
        self._was_cut = False
        self._held: dict[int, Clip] = {}
        self._count = 0

    def begin(self, first: int) -> None:
        """Record from a frame on; what was being recorded is forgotten."""
        self._open, self._was_cut = _Open(first), False

    def end(self, last: int) -> None:
        """Record up to a frame.

        Raises:
            LiveError: nothing is being recorded.
        """
        if self._open is not None:
            self._open.last = last
        elif not self._was_cut:  # else it had become too long, and its browser has it already
            raise LiveError("command", "Nothing is being recorded.", is_garbage=True)
        self._was_cut = False

    def rest(self) -> None:
        """Forget what is being recorded."""
        self._open = None

    def add(self, seen: Seen) -> None:
        """Take a frame, if it belongs to what is being recorded."""
        took = self._open
        if took is None or seen.points is None or seen.number < took.first:
            return
        if took.last is not None and seen.number > took.last:
            return
        took.frames.append(seen)
        if took.last is None and (took.span_ms >= LONGEST_MS or len(took.frames) >= _MOST_FRAMES):
            took.last, self._was_cut = seen.number, True

    def finished(self, first_pending: int) -> tuple[int, Clip] | None:
        """Return the clip that is complete, and its number; None while there is none.

        Args:
            first_pending: number of the first frame that is still on its way.

        Raises:
            LiveError: what was recorded is no clip.
        """
        took = self._open
        if took is None or took.last is None or first_pending <= took.last:
            return None
        self._open = None
        clip = _clip(took.frames, self._skeleton)
        self._count += 1
        self._held[self._count] = clip
        while len(self._held) > MOST_HELD:
            del self._held[next(iter(self._held))]
        return self._count, clip

    def held(self, number: int) -> Clip:
        """Return a clip that was neither kept nor dropped.

        Raises:
            LiveError: there is no such clip.
        """
        if number not in self._held:
            raise LiveError("gone", "This clip is not there any more. Record it again.", clip=number)
        return self._held[number]

    def drop(self, number: int) -> None:
        """Let go of a clip; one that is not there is no error."""
        self._held.pop(number, None)


def clip_of(frames: Sequence[tuple[float, Points]], skeleton: Skeleton, size_wh: tuple[int, int]) -> Clip:
    """Return frames, times in milliseconds and points (P, 3), as a clip that begins at 0."""
    times = np.array([time_ms for time_ms, _ in frames], np.float64)
    return Clip(np.stack([points for _, points in frames]), times - times[0], skeleton, image_wh=size_wh)


def seen_share(clip: Clip) -> float:
    """Return the share of frames in which anything was seen."""
    return float(clip.seen.any(axis=1).mean())


def _clip(frames: Sequence[Seen], skeleton: Skeleton) -> Clip:
    span_ms = frames[-1].time_ms - frames[0].time_ms if frames else 0.0
    if len(frames) < _LEAST_FRAMES or span_ms < _LEAST_MS:
        message = f"Only {len(frames)} frames came while you showed it. Record it again, and for a little longer."
        raise LiveError("short", message)
    if len({seen.size_wh for seen in frames}) > 1:
        raise LiveError("turned", "The camera's picture was turned meanwhile. Hold it still, and record it again.")
    found = [(seen.time_ms, seen.points) for seen in frames if seen.points is not None]
    clip = clip_of(found, skeleton, frames[-1].size_wh)
    if seen_share(clip) < _LEAST_SEEN:
        raise LiveError("unseen", "Hardly anything was seen. Come into the picture, into more light, and try it again.")
    return clip
