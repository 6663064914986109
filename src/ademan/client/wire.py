"""One Socket.IO connection to a server's live streams, from its opening until it is lost; it never comes back."""

import logging
import queue
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import socketio
import websocket

from ademan.client.address import Address
from ademan.client.answers import checked
from ademan.client.failures import said_by, shortened, unreachable
from ademan.errors import RemoteError

NAMESPACE = "/gestures"
_SMALL = ((socket.SOL_SOCKET, socket.SO_SNDBUF, 65536),)  # bytes that may be late where the network is slow
_POLITE_S = 2.0  # for the end of a connection
_MOST = 256  # messages that wait for whoever listens; then the server waits, and drops them there

_silent = logging.getLogger("ademan.client.wire")  # what goes wrong is said by our errors
_silent.propagate = False
_silent.addHandler(logging.NullHandler())


class Wire:
    """A connection. One thread calls and sends; another, of its own, hands over what comes, in its order.

    Args:
        address: of the server.
        on_message: called with each event and its data.
        on_lost: called once, in any thread, when nothing will come any more.
        timeout: seconds to wait for an answer.
    """

    def __init__(
        self,
        address: Address,
        on_message: Callable[[str, Any], None],
        on_lost: Callable[[], None],
        timeout: float = 10.0,
    ) -> None:
        self._address, self._timeout = address, timeout
        self._on_message, self._on_lost = on_message, on_lost
        self.lost = ""
        """Why nothing will come any more; empty while it may."""
        self._refused = ""
        self._sockets: list[websocket.WebSocket] = []
        self._come: queue.Queue[Callable[[], object] | None] = queue.Queue(_MOST)
        self._answered = threading.Condition()
        self._socket = socketio.Client(
            reconnection=False,
            handle_sigint=False,
            logger=_silent,
            engineio_logger=_silent,
            request_timeout=timeout,
            websocket_extra_options=self._options(),
        )
        self._hook()
        self._listener = threading.Thread(target=self._listen, name=f"listener to {address.url}", daemon=True)

    @property
    def is_listener(self) -> bool:
        """Whether it is the listening thread that asks."""
        return threading.current_thread() is self._listener

    def open(self) -> None:
        """Connect.

        Raises:
            RemoteError: the server cannot be reached, or refuses.
        """
        self._listener.start()
        path = f"{self._address.path}/socket.io"
        auth = {"key": self._address.key} if self._address.key else None
        try:
            self._socket.connect(
                self._address.url,
                headers=dict(self._address.headers),
                auth=auth,
                transports=["websocket"],
                namespaces=[NAMESPACE],
                socketio_path=path,
                wait_timeout=self._timeout,
            )
        except Exception as error:  # what is no Socket.IO makes the library raise whatever comes to it
            self.close(politely=False)
            if self._refused and error.__cause__ is None:  # else it is the library's word for what is behind
                raise RemoteError(f"{self._address.url}: {self._refused}") from error
            raise unreachable(error, self._address) from error

    def call(self, event: str, data: Any = None) -> dict[str, Any]:
        """Send an event and return its answer.

        Raises:
            RemoteError: there is none, or it is an error.
        """
        answers: list[Any] = []

        def answered(*said: Any) -> None:
            with self._answered:
                answers.append(said[0] if said else None)
                self._answered.notify_all()

        self.send(event, data, answered)
        with self._answered:
            self._answered.wait_for(lambda: answers or self.lost, self._timeout)
        if not answers:
            raise RemoteError(self.lost or f"{self._address.url} does not answer in time.")
        return checked(answers[0])

    def send(self, event: str, data: Any = None, on_answer: Callable[..., None] | None = None) -> None:
        """Send an event; the answer is given to a function, in the listening thread.

        Raises:
            RemoteError: the connection is lost.
        """
        try:
            self._socket.emit(event, data, namespace=NAMESPACE, callback=on_answer)
        except socketio.exceptions.SocketIOError as error:
            raise RemoteError(self.lost or f"{self._address.url} closed the connection.") from error

    def close(self, *, politely: bool = True) -> None:
        """Close the connection, after what came has been handed over.

        Args:
            politely: say so; a server that answers nothing any more is not told.
        """
        politely = politely and not self.lost
        self._lose("was told good-bye.")
        cut = threading.Timer(_POLITE_S, self._cut)
        cut.daemon = True
        cut.start() if politely else self._cut()
        self._socket.disconnect()
        cut.cancel()
        for opened in self._sockets:
            opened.shutdown()  # type: ignore[no-untyped-call] # the library has types for most of it
        if self._listener.is_alive() and not self.is_listener:
            self._put(None)
            self._listener.join(self._timeout)

    def _cut(self) -> None:
        """Wake whoever waits for something to come; without it, one that went silent would be waited for."""
        for opened in self._sockets:
            if opened.sock is not None:
                with suppress(OSError):  # it is closed already
                    opened.sock.shutdown(socket.SHUT_RDWR)

    def _options(self) -> dict[str, Any]:
        trusted = self._address.trusted
        place = "ca_certs" if trusted and Path(trusted).is_file() else "ca_cert_path"
        sslopt: dict[str, Any] = {"cert_reqs": ssl.CERT_REQUIRED, place: trusted}
        return {
            "class_": self._opened,
            "sslopt": sslopt if trusted else {"cert_reqs": ssl.CERT_NONE},
            "sockopt": _SMALL,
            "suppress_origin": True,  # a browser's matter
            "redirect_limit": 0,  # the key would go along, to whoever is named
        }

    def _opened(self, **options: Any) -> websocket.WebSocket:
        """Remember the socket, which the library forgets where the handshake fails."""
        opened = websocket.WebSocket(**options)
        self._sockets.append(opened)
        return opened

    def _hook(self) -> None:
        """Have what comes handed over by one thread, in its order, and garbage end the connection.

        The library itself starts a thread for each message; these may overtake each other, and die of garbage.
        """
        transport, take = self._socket.eio, self._socket._handle_eio_message
        trigger = transport._trigger_event

        def in_order(event: str, *arguments: Any, run_async: bool = False, **more: Any) -> Any:
            if event == "message":
                return self._put(lambda: take(*arguments))
            return trigger(event, *arguments, run_async=run_async, **more)

        transport._trigger_event = in_order
        self._socket.on("*", lambda event, *data: self._on_message(event, data[0] if data else None), NAMESPACE)
        self._socket.on("disconnect", lambda *_: self._lose("closed the connection."), NAMESPACE)
        self._socket.on("connect_error", self._refuse, NAMESPACE)

    def _put(self, message: Callable[[], object] | None) -> None:
        while True:
            try:
                return self._come.put(message, timeout=0.2)
            except queue.Full:
                if self.lost:
                    return None

    def _listen(self) -> None:
        while (message := self._come.get()) is not None:
            try:
                message()
            except Exception as error:  # as above: garbage may raise whatever it likes
                self._lose(f"sent what is no message: {type(error).__name__}: {shortened(error)}.")

    def _refuse(self, said: Any = None) -> None:
        told = said.get("message") if isinstance(said, dict) else said
        self._refused = said_by(said) or shortened(told or "it refuses the connection")

    def _lose(self, why: str) -> None:
        with self._answered:
            if self.lost:
                return
            self.lost = f"{self._address.url} {why}"
            self._answered.notify_all()
        self._on_lost()
