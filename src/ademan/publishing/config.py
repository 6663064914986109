"""Which broker, as whom, and under which topics; and the broker's address taken apart."""

import os
import platform
import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

from ademan.errors import ConfigError

PASSWORD_VARIABLE = "ADEMAN_MQTT_PASSWORD"  # noqa: S105 - the name of a variable
_TLS_OF = {"mqtt": False, "mqtts": True}
_PORTS = {False: 1883, True: 8883}  # as registered with IANA, without and with TLS
_TOPIC = re.compile(r"[^+#\0\s$/][^+#\0\s]*(?<!/)")


@dataclass(frozen=True)
class MqttConfig:
    """Where events are published by MQTT, and as what."""

    mqtt: str = field(default="", repr=False)
    """Broker that events are sent to: host, host:port, or mqtt://user:password@host:port; mqtts:// for TLS."""
    mqtt_user: str = ""
    """User name at the broker."""
    mqtt_password: str = field(default="", repr=False)
    """Its password; better in the environment as ADEMAN_MQTT_PASSWORD, since others may see command lines."""
    mqtt_topic: str = "ademan"
    """First part of the topics: TOPIC/NAME/status, /event and /gesture."""
    mqtt_name: str = ""
    """Name of this device, different for each one; by default the machine's host name."""
    mqtt_tls: bool = False
    """Encrypt, and check the broker's certificate; mqtts:// means the same."""
    mqtt_discovery: str = "homeassistant"
    """Prefix of Home Assistant's discovery; '' to tell it nothing."""

    def __post_init__(self) -> None:
        for flag, topic in (("--mqtt-topic", self.mqtt_topic), ("--mqtt-discovery", self.mqtt_discovery)):
            if not (_TOPIC.fullmatch(topic) and _is_text(topic)) and not (topic == "" and flag == "--mqtt-discovery"):
                raise ConfigError(f"{flag} '{topic}' is no topic: expected words with / between them, without + # $.")
        if self.mqtt:
            Address.of(self)
        elif self.mqtt_user or self.mqtt_password or self.mqtt_tls:
            raise ConfigError("--mqtt-user, --mqtt-password and --mqtt-tls need a broker: add --mqtt HOST.")

    @property
    def device(self) -> str:
        """This device's name, for people."""
        return self.mqtt_name or platform.node().partition(".")[0] or "ademan"


@dataclass(frozen=True)
class Address:
    """A broker and who wants to talk to it."""

    host: str
    port: int
    tls: bool
    user: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @classmethod
    def of(cls, config: MqttConfig) -> Self:
        """Take a config's broker apart; what flags say goes before what the address says.

        Raises:
            ConfigError: the broker is not written as it should be, or a password comes without a user.
        """
        parts = _split(config.mqtt)
        tls = config.mqtt_tls or _TLS_OF[parts.scheme]
        user = config.mqtt_user or unquote(parts.username or "")
        given = config.mqtt_password or unquote(parts.password or "")
        if given and not user:
            raise ConfigError("a password for the broker needs a user: add --mqtt-user NAME.")
        password = given or os.environ.get(PASSWORD_VARIABLE, "")
        if not _is_text(user) or not _is_text(password):
            raise ConfigError("the user and the password for the broker must be text in UTF-8, without NUL.")
        return cls(parts.hostname or "", parts.port or _PORTS[tls], tls, user, password if user else "")


def _split(broker: str) -> SplitResult:
    """Take an address apart, and never show the password that may be in it."""
    shown = broker.rpartition("@")[2]
    bare = (shown.partition("://")[2] or shown).partition(":")[0]  # what is taken for a port may be a password
    form = "expected HOST, HOST:PORT, mqtt://USER:PASSWORD@HOST:PORT or mqtts://HOST"
    scheme = broker.partition("://")[0] if "://" in broker else "mqtt"
    if scheme.lower() not in _TLS_OF:
        raise ConfigError(f"--mqtt {shown}: the scheme must be mqtt or mqtts; {form}.")
    try:
        parts = urlsplit(broker if "://" in broker else f"mqtt://{broker}")
        port = parts.port  # raises if it is none
    except ValueError:
        raise ConfigError(f"--mqtt {bare}: the port must be a number from 1 to 65535; {form}.") from None
    if port == 0:
        raise ConfigError(f"--mqtt {bare}: the port must be a number from 1 to 65535; {form}.")
    if not _is_host(parts.hostname) or parts.path not in {"", "/"} or parts.query or parts.fragment:
        advice = "In a user name or password write / ? # @ : % as %2F %3F %23 %40 %3A %25."
        raise ConfigError(f"--mqtt {shown}: this is no broker; {form}. {advice}")
    return parts


def _is_host(host: str | None) -> bool:
    """Tell whether it can be looked up; Python cannot look up a name with an empty or overlong part."""
    try:
        return bool(host) and not re.search(r"[\s\0]", host or "") and bool((host or "").encode("idna"))
    except UnicodeError:
        return False


def _is_text(text: str) -> bool:
    try:
        return "\0" not in text and text.encode() is not None
    except UnicodeError:
        return False
