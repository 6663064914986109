"""WebSocket connections, as connections.py has those of HTTP: what uvicorn leaves open.

uvicorn answers pings whether or not the answers are read, so that they pile up in memory; it closes a connection
only when all that waits was read, so that one that is never read stays for ever; and it logs a traceback for text
that is no text.
"""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class GuardedSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose client must read what it is sent, in time."""

    patience_s: ClassVar[float] = 30.0
    """Within which a client must read something, when much waits for it."""

    def connection_made(self, transport: Any) -> None:
        """Take a connection, after its request was read as HTTP."""
        self._alarm: asyncio.TimerHandle | None = None
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self._calm()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Much waits to be read."""
        super().pause_writing()
        self._calm()
        self._alarm = self.loop.call_later(self.patience_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It is being read."""
        super().resume_writing()
        self._calm()

    def handle_ping(self) -> None:
        """Answer a ping, if answers are read."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # the answer, which is left out

    def send_receive_event_to_app(self) -> None:
        """Take a message; text must be UTF-8."""
        if self.curr_msg_data_type == "text" and not _is_utf8(b"".join(self.frames)):
            self.conn.fail(1007, "text must be UTF-8")
            self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def _calm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
