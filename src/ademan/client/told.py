"""What was told of a stream: each event once, and each beginning with its end, whatever happens to the connection."""

import math

from ademan.recognition import Event
from ademan.recognition.stream import RESTART_MS


class Told:
    """Lets events pass once.

    After a loss, the frames of the last window are sent anew, and the server recognises them anew. What it says of
    times that were told before is passed over, and so is the end of a gesture whose beginning was.
    """

    def __init__(self) -> None:
        self._open: Event | None = None
        self._heard_ms = -math.inf
        self._again_ms = -math.inf

    @property
    def gesture(self) -> str | None:
        """That goes on, as far as was told."""
        return self._open.label if self._open else None

    def is_new(self, time_ms: float) -> bool:
        """Return whether a prediction is of a time that was not told before, and remember it."""
        if time_ms <= self._again_ms:
            return False
        was_set_back = time_ms < self._heard_ms - RESTART_MS
        self._heard_ms = time_ms if was_set_back else max(self._heard_ms, time_ms)
        return True

    def event(self, event: Event) -> list[Event]:
        """Return what an event means to somebody who has heard all before: nothing, itself, or an end before it."""
        if not self.is_new(event.timestamp_ms):
            return []
        if event.kind == "began":
            ends = self._end(event.timestamp_ms)
            self._open = event
            return [*ends, event]
        if self._open is None or self._open.label != event.label:
            return []
        self._open = None
        return [event]

    def interrupted(self, newest_ms: float = math.inf) -> list[Event]:
        """End the gesture that goes on: nobody knows how long it will, or the stream begins anew.

        Args:
            newest_ms: time of the newest frame; an earlier one than what was heard if the clock was set back.
        """
        # The server may not have come to the newest frames: what it says of those is new.
        ends = self._end(self._heard_ms)
        self._again_ms = self._heard_ms = min(self._heard_ms, newest_ms)
        return ends

    def _end(self, time_ms: float) -> list[Event]:
        if self._open is None:
            return []
        ended, self._open = Event("ended", self._open.label, time_ms, self._open.confidence), None
        return [ended]
