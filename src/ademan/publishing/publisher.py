"""Publishing, or not: the same few words for whoever has events."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ademan.publishing.config import MqttConfig

if TYPE_CHECKING:
    from ademan.recognition import Event


class Publish(Protocol):
    """Sends an event, soon, and returns at once; any thread may call it."""

    def __call__(self, event: "Event", **more: object) -> None:
        """Send an event; `more` is added to its JSON."""


@contextmanager
def publisher(
    config: MqttConfig,
    labels: Sequence[str],
    on_state: Callable[[str], None],
    *,
    idle: str | None = None,
    wait_s: float = 0.0,
) -> Iterator[Publish]:
    """Give a function that publishes events; it does nothing where no broker is named.

    Args:
        config: which broker, if any.
        labels: of the model.
        on_state: told, in a thread of its own, when the broker is away, refuses, or is back.
        idle: the label that means no gesture, if there is one.
        wait_s: wait so long for the broker to answer; by default its answer is not waited for.

    Raises:
        RemoteError: it was waited for, and refused or did not answer.
    """
    if not config.mqtt:
        yield _nowhere
        return
    from ademan.publishing.mqtt import MqttPublisher  # noqa: PLC0415 - paho is imported where a broker is named

    with MqttPublisher(config, [label for label in labels if label != idle], on_state) as mqtt:
        mqtt.start(wait_s)
        yield mqtt.publish


def _nowhere(event: "Event", **more: object) -> None:
    """Do nothing."""
