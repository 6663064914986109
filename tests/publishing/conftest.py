"""Brokers, that of the machine and those of a test's own, and a listener."""

import os
import shutil
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from ademan.publishing import MqttConfig
from ademan.recognition import Event

PORT = 1883
PATIENCE_S = 8.0


def missing(what: str) -> NoReturn:
    """Skip a test that needs something; in continuous integration it must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@dataclass(frozen=True)
class Heard:
    """A message that a listener heard."""

    topic: str
    payload: str
    retained: bool


class Listener:
    """Keeps what it hears, in order."""

    def __init__(self, port: int, topic: str = "#", user: str = "", password: str = "") -> None:
        self.heard: list[Heard] = []
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self.client = Client(CallbackAPIVersion.VERSION2)
        self.client.on_message = self._on_message
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        if user:
            self.client.username_pw_set(user, password)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        self.client.subscribe(topic, qos=1)
        assert self._subscribed.wait(PATIENCE_S)

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        with self._changed:
            self.heard.append(Heard(message.topic, message.payload.decode(), message.retain))
            self._changed.notify_all()

    def of(self, topic: str) -> list[str]:
        """Return the payloads of a topic."""
        return [heard.payload for heard in self.heard if heard.topic == topic]

    def wait(self, until: Callable[[], bool]) -> None:
        """Wait until something is so."""
        with self._changed:
            assert self._changed.wait_for(until, PATIENCE_S), f"in vain; heard: {self.heard}"

    def wait_for(self, topic: str, *payloads: str) -> None:
        """Wait until these were heard of a topic, last and in this order."""
        self.wait(lambda: tuple(self.of(topic)[-len(payloads) :]) == payloads)

    def say(self, topic: str, payload: str, *, retain: bool = False) -> None:
        """Publish, and wait until the broker has it."""
        self.client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(PATIENCE_S)

    def close(self) -> None:
        """Go."""
        self.client.disconnect()
        self.client.loop_stop()


class Broker:
    """A broker of a test's own, which may be killed and started again.

    Args:
        folder: for its files.
        settings: further lines of its configuration; {port} is filled in.
    """

    def __init__(self, folder: Path, settings: str = "listener {port} 127.0.0.1\nallow_anonymous true\n") -> None:
        self.port = free_port()
        self.config = folder / f"mosquitto-{self.port}.conf"
        self.config.write_text(f"user root\npersistence false\n{settings.format(port=self.port)}", encoding="utf-8")
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> "Broker":
        program = shutil.which("mosquitto", path=os.environ["PATH"] + os.pathsep + "/usr/sbin")
        if program is None:
            missing("no broker can be started: the program mosquitto is not installed")
        self.process = subprocess.Popen([program, "-c", str(self.config)], stderr=subprocess.DEVNULL)
        end_s = time.monotonic() + PATIENCE_S
        while not answers(self.port):
            assert self.process.poll() is None, f"mosquitto does not start with {self.config.read_text()}"
            assert time.monotonic() < end_s, "mosquitto does not answer"
            time.sleep(0.02)
        return self

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()


class States:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._changed = threading.Condition()

    def __call__(self, state: str) -> None:
        with self._changed:
            self.told.append(state)
            self._changed.notify_all()

    def wait_for(self, text: str) -> str:
        """Wait until something is told, and return all of it."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(text in state for state in self.told), PATIENCE_S), self.told
        return next(state for state in self.told if text in state)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def answers(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), 1.0):
            return True
    except OSError:
        return False


def began(label: str, time_ms: float = 0.0) -> Event:
    return Event("began", label, time_ms, 0.9)


def ended(label: str, time_ms: float = 0.0) -> Event:
    return Event("ended", label, time_ms, 0.95)


@pytest.fixture
def states() -> States:
    return States()


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path).start()
    yield broker
    broker.kill()


@pytest.fixture
def home() -> MqttConfig:
    """The machine's broker, with topics that no other test has."""
    if not answers(PORT):
        missing(f"no broker answers at 127.0.0.1:{PORT}; start one:  mosquitto")
    word = uuid.uuid4().hex[:10]
    return MqttConfig(f"127.0.0.1:{PORT}", mqtt_topic=f"test-{word}", mqtt_name="pi", mqtt_discovery=f"ha-{word}")


@pytest.fixture
def listener(home: MqttConfig) -> Iterator[Listener]:
    """Hears all of this test; at the end what is retained is taken back."""
    listener = Listener(PORT)
    yield listener
    prefixes = (f"{home.mqtt_topic}/", f"{home.mqtt_discovery}/")
    for topic in {heard.topic for heard in listener.heard if heard.topic.startswith(prefixes)}:
        listener.say(topic, "", retain=True)
    listener.close()
