"""WebSocket connections, as connections.py has those of HTTP: what uvicorn leaves open.

uvicorn answers pings whether or not the answers are read, so that they pile up in memory; it closes a connection
only when all that waits was read, so that one that is never read stays for ever; and it logs a traceback for text
that is no text.
"""

import asyncio
from typing import Any, ClassVar

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from ademan.server.shortcut import SHORTCUT, Shortcut


class GuardedSocket(WebSocketsSansIOProtocol):
    """A WebSocket whose client must read what it is sent, in time."""

    patience_s: ClassVar[float] = 30.0
    """Within which a client must read something, when much waits for it."""

    def connection_made(self, transport: Any) -> None:
        """Take a connection, after its request was read as HTTP."""
        self._alarm: asyncio.TimerHandle | None = None
        self._awaited = False
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

    async def receive(self) -> Any:
        """Give the application its next message."""
        self._awaited = True
        try:
            return await super().receive()
        finally:
            self._awaited = False

    def send_receive_event_to_app(self) -> None:
        """Take a message; text must be UTF-8.

        If the application waits for it, and nothing else does, it may take it here and now: without a queue, and
        without reading being paused and resumed.
        """
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        message: str | bytes = data
        if self.curr_msg_data_type == "text":
            try:
                message = data.decode()
            except UnicodeDecodeError:
                self.conn.fail(1007, "text must be UTF-8")
                self.handle_parser_exception()
                return
        shortcut = self.scope.get(SHORTCUT)
        if self._awaited and isinstance(shortcut, Shortcut) and self.queue.empty() and shortcut.takes(message):
            self.frames = []
            return
        super().send_receive_event_to_app()

    def _calm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
