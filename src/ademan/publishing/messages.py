"""The one JSON form of events and predictions: on standard output, from the server, and by MQTT."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ademan.recognition import Event


def event_json(event: "Event", **more: object) -> dict[str, object]:
    """Return an event as JSON has it; `more` is added."""
    return {
        "event": event.kind,
        "label": event.label,
        "time_ms": round(event.timestamp_ms, 1),
        "confidence": round(event.confidence, 4),
        **more,
    }


def prediction_json(
    labels: Sequence[str], probabilities: Sequence[float], time_ms: float, **more: object
) -> dict[str, object]:
    """Return a prediction as JSON has it; `more` is added.

    Args:
        labels: the K classes.
        probabilities: (K,) of them.
        time_ms: of the frame that they were made with, in the stream's time.
        more: further fields.
    """
    return {
        "time_ms": round(time_ms, 1),
        "probabilities": {label: round(float(share), 4) for label, share in zip(labels, probabilities, strict=True)},
        **more,
    }


def as_line(content: Mapping[str, object]) -> str:
    """Return JSON on one line."""
    return json.dumps(content, ensure_ascii=False)
