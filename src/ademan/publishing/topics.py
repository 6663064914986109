"""Topics, and names that are safe in them."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from ademan.publishing.config import MqttConfig

_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]+")
_MARKED = re.compile(r"(?:^|_)[0-9a-f]{8}$")  # as names are that were changed: these are changed, too
_LONGEST = 40  # letters that are kept of a name


@dataclass(frozen=True)
class Topics:
    """Where what is published.

    Args:
        status: "online" or "offline", retained.
        event: each event as JSON.
        gesture: the label that goes on, or "none", retained.
        node: this device in Home Assistant's discovery, and in its unique ids.
    """

    status: str
    event: str
    gesture: str
    node: str

    @classmethod
    def of(cls, config: MqttConfig) -> "Topics":
        """Return the topics of a device."""
        name = slug(config.device)
        base = f"{config.mqtt_topic}/{name}"
        return cls(f"{base}/status", f"{base}/event", f"{base}/gesture", f"{slug(config.mqtt_topic)}_{name}")


def slug(text: str) -> str:
    """Return a name of letters, digits, _ and - only: the same one always, and different ones for different texts.

    A text that had to be changed gets eight digits of its SHA-256, so that "a b" and "a_b" stay two.
    """
    ascii_only = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    safe = _UNSAFE.sub("_", ascii_only)[:_LONGEST].strip("_-")
    if safe == text and text and not _MARKED.search(text):
        return safe
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{safe}_{digest}" if safe else digest
