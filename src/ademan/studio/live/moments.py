"""The points of events, kept for a while in memory, so that an event which its person corrects becomes a clip."""

import time
from collections import OrderedDict
from dataclasses import dataclass

from ademan.clip import Clip

MOST_PER_PERSON = 20
_MOST = 1000
_KEPT_S = 900.0


@dataclass(frozen=True, eq=False)
class _Moment:
    user_id: int
    clip: Clip
    until_s: float


class Moments:
    """Of one process, by the id of the prediction; used in one event loop."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, _Moment] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, prediction_id: int, user_id: int, clip: Clip) -> None:
        """Keep what was seen; the oldest of this person, or of all, go if there are many."""
        self._kept[prediction_id] = _Moment(user_id, clip, time.monotonic() + _KEPT_S)
        self._forget_old()
        own = [key for key, moment in self._kept.items() if moment.user_id == user_id]
        for key in own[:-MOST_PER_PERSON]:
            del self._kept[key]
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)

    def find(self, prediction_id: int, user_id: int) -> Clip | None:
        """Return what was seen; None if it is no longer there, or was somebody else."""
        self._forget_old()
        moment = self._kept.get(prediction_id)
        return moment.clip if moment is not None and moment.user_id == user_id else None

    def forget(self, user_id: int) -> None:
        """Forget all of a person."""
        for key in [key for key, moment in self._kept.items() if moment.user_id == user_id]:
            del self._kept[key]

    def _forget_old(self) -> None:
        now_s = time.monotonic()
        while self._kept and next(iter(self._kept.values())).until_s < now_s:
            self._kept.popitem(last=False)
