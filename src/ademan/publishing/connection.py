"""One connection to a broker, from the first knock to its end; the only place that knows paho."""

import contextlib
import socket
import ssl
import threading
from typing import Any, Literal, cast

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from ademan.publishing.config import Address
from ademan.publishing.waiting import Message

KEEPALIVE_S = 15
"""A broker that is silent for so long, and again when it is asked, is taken for lost."""
_ANSWER_S = 5.0  # for the network to connect, and then for the broker to answer
_END_S = 1.0
_MOST_UNCONFIRMED = 20  # events on their way; as many as paho sends at a time


class Connection:
    """Sends messages, and keeps those that the broker has not confirmed.

    paho calls in its own thread; nothing here calls paho while the lock is held, since paho may hold one of its own.

    Args:
        changed: notified at every change; its lock guards all that is public here.
    """

    def __init__(self, changed: threading.Condition) -> None:
        self.state: Literal["opening", "open", "over"] = "opening"
        self.reason = ""
        """Why the broker refused, in its words."""
        self.heard: list[MQTTMessage] = []
        """Messages that came, and were not taken yet."""
        self._changed = changed
        self._client: Client | None = None
        self._unconfirmed: dict[int, Message | None] = {}  # by paho's numbers; None for what is no event
        self._confirmed: set[int] = set()

    def open(self, address: Address, client_id: str, will: tuple[str, str], max_age_s: float) -> bool:
        """Connect, wait for the answer, and return whether the broker accepts.

        Args:
            address: of the broker.
            client_id: under which it knows us.
            will: topic and payload of what it tells if the connection breaks; retained.
            max_age_s: a connection over which nothing gets for so long is given up, where the system can do that.

        Raises:
            OSError: the broker cannot be reached.
        """
        client = self._client = Client(CallbackAPIVersion.VERSION2, client_id, reconnect_on_failure=False)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_publish, client.on_message = self._on_publish, self._on_message
        client.connect_timeout = _ANSWER_S
        client.will_set(will[0], will[1], qos=1, retain=True)
        if address.user:
            client.username_pw_set(address.user, address.password or None)
        if address.tls:
            client.tls_set_context(ssl.create_default_context())
        client.connect(address.host, address.port, KEEPALIVE_S)
        _give_up_after(client.socket(), max_age_s)
        client.loop_start()
        with self._changed:
            self._changed.wait_for(lambda: self.state != "opening", _ANSWER_S)
            return self.state == "open"

    def send(self, topic: str, payload: str, event: Message | None = None, *, retain: bool = False) -> None:
        """Send a message, at least once."""
        if self._client is not None:
            sent = self._client.publish(topic, payload.encode(errors="replace"), qos=1, retain=retain)
            with self._changed:
                self._unconfirmed[sent.mid] = event

    def listen(self, topic: str) -> None:
        """Ask for the messages of a topic."""
        if self._client is not None:
            self._client.subscribe(topic, qos=1)

    def take_heard(self) -> list[MQTTMessage]:
        """Take the messages that came."""
        with self._changed:
            heard, self.heard = self.heard, []
        return heard

    @property
    def has_room(self) -> bool:
        """Whether more events may be sent now."""
        self._settle()
        return len(self._unconfirmed) < _MOST_UNCONFIRMED

    @property
    def all_confirmed(self) -> bool:
        """Whether the broker has confirmed all that was sent."""
        self._settle()
        return not self._unconfirmed

    def end(self) -> list[Message]:
        """Say goodbye, and return the events that were not confirmed, in their order."""
        client, self._client = self._client, None
        if client is not None and client.socket() is not None:
            client.disconnect()
            with self._changed:
                self._changed.wait_for(lambda: self.state == "over", _END_S)
            left = cast(socket.socket | None, client.socket())
            if left is not None:  # it takes nothing any more, not even a goodbye
                with contextlib.suppress(OSError):
                    left.shutdown(socket.SHUT_RDWR)
            client.loop_stop()
        self._settle()
        return [message for message in self._unconfirmed.values() if message is not None]

    def _settle(self) -> None:
        with self._changed:
            for number in self._confirmed:
                self._unconfirmed.pop(number, None)
            self._confirmed.clear()

    def _on_connect(self, _client: Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        with self._changed:
            self.state, self.reason = ("over", str(reason)) if reason.is_failure else ("open", "")
            self._changed.notify_all()

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, _reason: Any, _properties: Any) -> None:
        with self._changed:
            self.state = "over"
            self._changed.notify_all()

    def _on_publish(self, _client: Client, _data: Any, number: int, _reason: Any, _properties: Any) -> None:
        with self._changed:
            self._confirmed.add(number)
            self._changed.notify_all()

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self._changed:
            self.heard.append(message)
            self._changed.notify_all()


def _give_up_after(connected: Any, seconds: float) -> None:
    """Have the system drop what it could not deliver for so long, rather than deliver it when the network is back.

    TCP_USER_TIMEOUT, RFC 5482; Linux has it.
    """
    option = getattr(socket, "TCP_USER_TIMEOUT", None)
    if option is not None and connected is not None:
        connected.setsockopt(socket.IPPROTO_TCP, option, round(seconds * 1000))
