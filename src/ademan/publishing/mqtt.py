"""Publishing by MQTT, in a thread of its own: who recognises never waits for the broker.

publish ─► waiting, bounded ─► a connection ─► broker
                 ▲                   │
                 └── not confirmed ◄─┘ lost: a new one after 1, 2, 4, ... 60 s

Each connection is a paho client of its own. Were one client kept, paho would send again whatever had not been
confirmed when it connects again, however long ago that was.
"""

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Literal, Self

from ademan.errors import RemoteError
from ademan.publishing.config import PASSWORD_VARIABLE, Address, MqttConfig
from ademan.publishing.connection import Connection
from ademan.publishing.discovery import NONE, OFFLINE, ONLINE, discovery, triggers_of
from ademan.publishing.messages import as_line, event_json
from ademan.publishing.topics import Topics
from ademan.publishing.waiting import Waiting

if TYPE_CHECKING:
    from ademan.recognition import Event

MAX_AGE_S = 5.0
"""An event that could not be sent for so long is dropped: who waved has waved again by then, or given up."""
MOST_WAITING = 100
FIRST_RETRY_S, LAST_RETRY_S = 1.0, 60.0
_CLOSE_S = 2.0  # for the last messages
_REFUSALS = frozenset({"Bad user name or password", "Not authorized"})
Trouble = Literal["", "away", "refused"]
_THEN = {"": "", "away": " It is tried again.", "refused": f" It is tried again every {LAST_RETRY_S:.0f} s."}
_BIRTH = "homeassistant/status"  # where Home Assistant says that it has started, unless it was told otherwise


class MqttPublisher:
    """Publishes events, and keeps at it.

    Args:
        config: the broker, its user, and the topics.
        labels: of the gestures, without the idle one.
        on_state: told, mostly in this publisher's thread, when the broker is away, refuses, or is back.
        max_age_s: seconds after which an event is not sent any more.
        most: events that wait at most.

    Raises:
        ConfigError: the broker is not written as it should be.
    """

    def __init__(
        self,
        config: MqttConfig,
        labels: Sequence[str],
        on_state: Callable[[str], None],
        *,
        max_age_s: float = MAX_AGE_S,
        most: int = MOST_WAITING,
    ) -> None:
        self._address, self._topics, self._prefix = Address.of(config), Topics.of(config), config.mqtt_discovery
        self._discovery = discovery(self._prefix, config.device, self._topics, labels) if self._prefix else {}
        self._on_state, self._max_age_s = on_state, max_age_s
        # The same one always: so the broker ends what is left of an old connection, and tells its last will, before it
        # takes a new one, and "offline" never comes after "online".
        self._client_id = f"ademan-{uuid.uuid4().hex[:12]}"
        self._changed = threading.Condition()
        self._waiting = Waiting(most, max_age_s)
        self._gesture = NONE
        self._shown = ""  # the gesture that this connection was told last
        self._trouble: Trouble = ""
        self._newest = ""
        self._closing = self._was_open = self._is_waited_for = False
        self._thread = threading.Thread(target=self._work, name="MQTT", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self, wait_s: float = 0.0) -> None:
        """Begin to connect.

        Args:
            wait_s: wait so long for the broker; by default its answer is not waited for.

        Raises:
            RemoteError: it was waited for, and refused or did not answer.
        """
        self._is_waited_for = wait_s > 0
        self._thread.start()
        if not wait_s:
            return
        with self._changed:
            self._changed.wait_for(lambda: self._was_open or self._trouble == "refused", wait_s)
            self._is_waited_for = False
        if not self._was_open:
            self.close()
            raise RemoteError(self._newest or f"the broker {self._address} did not answer within {wait_s:g} s.")

    def publish(self, event: "Event", **more: object) -> None:
        """Send an event, soon; `more` is added to its JSON."""
        line = as_line(event_json(event, **more))
        with self._changed:
            self._gesture = event.label if event.kind == "began" else NONE
            self._waiting.put(line, self._gesture)
            self._changed.notify_all()

    def close(self) -> None:
        """Send what waits, if the broker is there, say "offline", and end."""
        with self._changed:
            if self._closing:
                return
            self._closing = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(_CLOSE_S + 2.0)
        with self._changed:
            lost = self._waiting.take_dropped() + len(self._waiting)
        if lost:
            self._on_state(f"{_events(lost)} did not reach the broker {self._address}.")

    def _work(self) -> None:
        """Connect, again and again."""
        delay_s = FIRST_RETRY_S
        while not self._closing:
            if self._connect():
                delay_s = FIRST_RETRY_S
            with self._changed:
                pause_s = LAST_RETRY_S if self._trouble == "refused" else delay_s
                self._changed.wait_for(lambda: self._closing, pause_s)
            delay_s = min(2 * delay_s, LAST_RETRY_S)

    def _connect(self) -> bool:
        """Use one connection as long as it lasts, and return whether there was one."""
        link = Connection(self._changed)
        try:
            is_open = link.open(self._address, self._client_id, (self._topics.status, OFFLINE), self._max_age_s)
            if is_open:
                self._use(link)
            else:
                self._tell_failure(link.reason)
        except OSError as error:
            reason = getattr(error, "verify_message", "") or error.strerror or str(error)
            self._tell("away", f"cannot be reached: {reason}.")
            is_open = False
        finally:
            unconfirmed = link.end()
            with self._changed:
                self._waiting.put_back(unconfirmed)
        return is_open

    def _use(self, link: Connection) -> None:
        self._tell_return()
        self._shown = ""
        self._introduce(link)
        while link.state == "open" and not self._closing:
            self._answer(link)
            self._send_waiting(link)
            with self._changed:
                self._changed.wait_for(lambda: self._is_due(link))
        if self._closing:
            self._leave(link)
        else:
            self._tell("away", "is lost.")

    def _is_due(self, link: Connection) -> bool:
        """Tell whether there is something to do; the lock is held."""
        return link.state != "open" or self._closing or bool(link.heard) or (bool(self._waiting) and link.has_room)

    def _introduce(self, link: Connection) -> None:
        self._announce(link)
        if self._prefix:
            for topic in sorted({_BIRTH, f"{self._prefix}/status", triggers_of(self._prefix, self._topics)}):
                link.listen(topic)

    def _announce(self, link: Connection) -> None:
        for topic, config in self._discovery.items():
            link.send(topic, as_line(config), retain=True)
        link.send(self._topics.status, ONLINE, retain=True)

    def _answer(self, link: Connection) -> None:
        """Do what Home Assistant's messages ask for."""
        for message in link.take_heard():
            if message.topic.endswith("/config"):
                if message.payload and message.topic not in self._discovery:
                    link.send(message.topic, "", retain=True)  # a gesture of an earlier model is taken back
            elif message.payload == ONLINE.encode() and not message.retain:  # else it was there before us
                self._announce(link)

    def _send_waiting(self, link: Connection) -> None:
        while link.has_room:
            with self._changed:
                message, now = self._waiting.take(), self._gesture
            if message is None:
                self._show(link, now)  # not what the last message said, if it was dropped
                return
            link.send(self._topics.event, message.line, message)
            self._show(link, message.gesture)

    def _show(self, link: Connection, gesture: str) -> None:
        if gesture != self._shown:
            link.send(self._topics.gesture, gesture, retain=True)
            self._shown = gesture

    def _leave(self, link: Connection) -> None:
        """Send what waits and say "offline", while the time for it lasts."""
        end_s = time.monotonic() + _CLOSE_S
        self._send_waiting(link)
        while self._waiting and self._wait(link, lambda: link.has_room, end_s):
            self._send_waiting(link)
        self._show(link, NONE)
        link.send(self._topics.status, OFFLINE, retain=True)
        self._wait(link, lambda: link.all_confirmed, end_s)

    def _wait(self, link: Connection, until: Callable[[], bool], end_s: float) -> bool:
        """Wait for something on an open connection, and return whether it came."""
        with self._changed:
            self._changed.wait_for(lambda: link.state != "open" or until(), max(0.0, end_s - time.monotonic()))
            return link.state == "open" and until()

    def _tell_return(self) -> None:
        with self._changed:
            dropped = self._waiting.take_dropped()
            self._was_open, was_away = True, bool(self._trouble)
        lost = f" Dropped in the meantime: {_events(dropped)}." if dropped else ""
        if was_away or lost:
            self._tell("", f"is back.{lost}")

    def _tell_failure(self, reason: str) -> None:
        if reason in _REFUSALS:
            who = f"the user '{self._address.user}'" if self._address.user else "clients without a user"
            self._tell("refused", f"refuses {who}: {reason}. Check --mqtt-user and {PASSWORD_VARIABLE}.")
        else:
            self._tell("away", f"cannot be used: {reason or 'no answer such as brokers give'}.")

    def _tell(self, trouble: Trouble, what: str) -> None:
        """Tell of a trouble, or of its end, once."""
        text = f"the broker {self._address} {what}"
        with self._changed:
            is_told = (trouble != self._trouble or not trouble) and not self._is_waited_for
            self._trouble, self._newest = trouble, text
            self._changed.notify_all()
        if is_told:
            self._on_state(text + _THEN[trouble])


def _events(number: int) -> str:
    return "1 event" if number == 1 else f"{number} events"
