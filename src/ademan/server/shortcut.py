"""The short way of the points of live streams, past the machinery of Socket.IO.

python-socketio and python-engineio make a task, two futures and a timer for each message, which takes as long as all
the rest that a frame needs. So what clients send thirty times a second is taken here: events `points` that ask for
no answer, as text or with one attachment. All other messages go the long way, and all keep their order.
"""

from collections.abc import Callable
from typing import Any, Protocol

import orjson

SHORTCUT = "ademan.shortcut"
"""Where the scope of a WebSocket has it, for a server that can give messages to the application at once."""
_TEXT = '42/gestures,["points",'
"""How such an event begins: a message of Engine.IO, an event of Socket.IO, its namespace, no number to answer to."""
_PACKED = '451-/gestures,["points",{"_placeholder":true,"num":0}]'
"""Announces that the points follow as bytes."""
_JSON = _TEXT.index("[")


class TakesPoints(Protocol):
    """Whoever has the streams."""

    def points(self, sid: str, content: Any) -> Any:
        """Take a frame of a client."""

    def refuse(self, sid: str, error: ValueError) -> None:
        """Tell a client that it sent what is no JSON."""


class Shortcut:
    """One connection.

    Args:
        streams: take the points.
        sid: returns who sends them; None as long as it is in no stream.
    """

    def __init__(self, streams: TakesPoints, sid: Callable[[], str | None]) -> None:
        self._streams, self._sid = streams, sid
        self._announced: str | None = None
        """Whose bytes come next."""

    def takes(self, message: str | bytes) -> bool:
        """Take a message, if it is of points; False if it must go the long way."""
        if self._announced is not None:
            return self._take_packed(message)
        if isinstance(message, bytes) or not message.startswith((_TEXT, _PACKED)):
            return False
        sid = self._sid()
        if sid is None:
            return False
        if message == _PACKED:
            self._announced = sid
            return True
        return message.startswith(_TEXT) and self._take_text(sid, message)

    def _take_packed(self, packed: str | bytes) -> bool:
        sid, self._announced = self._announced, None
        if isinstance(packed, str) or sid is None:  # bytes were announced, and did not come
            return False
        self._streams.points(sid, packed)
        return True

    def _take_text(self, sid: str, text: str) -> bool:
        try:
            event = orjson.loads(text[_JSON:])
        except orjson.JSONDecodeError as error:  # NaN, most likely: an honest mistake
            self._streams.refuse(sid, error)
            return True
        if len(event) < 2:
            return False
        self._streams.points(sid, event[1])
        return True
