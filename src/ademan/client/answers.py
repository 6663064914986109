"""What a server says, checked before it is believed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ademan.bundle import Manifest
from ademan.client.failures import said_by, shortened
from ademan.errors import BundleError, RemoteError
from ademan.recognition import Event
from ademan.recognition.classifier import Probabilities


@dataclass(frozen=True)
class RemotePrediction:
    """What a server takes points for.

    Args:
        label: the most probable class; None if nothing is seen.
        confidence: its probability.
        probabilities: of each label.
        gesture: the gesture that was recognised, in a stream the one that goes on; None if there is none.
        bundle: that answered.
        version: of the bundle.
        time_ms: of the frame that the prediction belongs to; in a stream only.
        milliseconds: that the server took; not in a stream.
    """

    label: str | None
    confidence: float
    probabilities: Mapping[str, float]
    gesture: str | None = None
    bundle: str = ""
    version: str = ""
    time_ms: float | None = None
    milliseconds: float | None = None

    def row(self, labels: Sequence[str]) -> Probabilities:
        """Return the probabilities (K,) in the order of some labels.

        Raises:
            RemoteError: they are of other labels.
        """
        if set(labels) != set(self.probabilities):
            raise RemoteError(
                f"the server names {shortened(', '.join(self.probabilities))}; expected {', '.join(labels)}. "
                "Its bundle was exchanged for another."
            )
        return np.array([self.probabilities[label] for label in labels], np.float32)


def prediction_of(said: Any) -> RemotePrediction:
    """Read a prediction.

    Raises:
        RemoteError: it is none.
    """
    fields = _fields(said, "a prediction")
    shares = fields.get("probabilities")
    if not isinstance(shares, dict) or not shares:
        raise _nonsense("probabilities", shares)
    return RemotePrediction(
        _text_or_none(fields, "label"),
        _number(fields, "confidence"),
        {str(label): _number(shares, label) for label in shares},
        _text_or_none(fields, "gesture"),
        str(fields.get("bundle") or ""),
        str(fields.get("version") or ""),
        _number(fields, "time_ms") if "time_ms" in fields else None,
        _number(fields, "milliseconds") if "milliseconds" in fields else None,
    )


def event_of(said: Any) -> Event:
    """Read an event.

    Raises:
        RemoteError: it is none.
    """
    fields = _fields(said, "an event")
    kind = fields.get("event")
    if kind not in ("began", "ended"):
        raise _nonsense("an event", said)
    known: Literal["began", "ended"] = "began" if kind == "began" else "ended"
    return Event(known, _text(fields, "label"), _number(fields, "time_ms"), _number(fields, "confidence"))


def manifest_of(said: Any) -> Manifest:
    """Read a bundle's manifest.

    Raises:
        RemoteError: it is none, or one of another version.
    """
    try:
        return Manifest.from_json(_fields(said, "a bundle"))
    except BundleError as error:
        raise RemoteError(f"the server's bundle cannot be used: {error}") from error


def name_and_version(said: Any) -> tuple[str, str]:
    """Return how a bundle is called, and which version of it is served."""
    fields = said if isinstance(said, dict) else {}
    return str(fields.get("name") or ""), str(fields.get("version") or "")


def checked(said: Any) -> dict[str, Any]:
    """Return the answer to an event.

    Raises:
        RemoteError: it says that something was wrong, or is no answer.
    """
    if said_by(said):
        raise RemoteError(f"the server says: {said_by(said)}")
    return _fields(said, "an answer")


@dataclass(frozen=True)
class ServerStats:
    """What a server counted of a stream, as `stats` says it."""

    frames: int = 0
    predictions: int = 0
    events: int = 0
    rate: int = 0
    """Frames dropped because more came than it takes."""
    busy: int = 0
    """Predictions left out because the one before was still being made."""
    bad: int = 0
    """Frames dropped because they were none."""
    slow: int = 0
    """Messages dropped because they were not read in time."""

    def __add__(self, other: "ServerStats") -> "ServerStats":
        return ServerStats(*(a + b for a, b in zip(vars(self).values(), vars(other).values(), strict=True)))

    @property
    def dropped(self) -> int:
        """Frames, predictions and messages together."""
        return self.rate + self.busy + self.bad + self.slow


def stats_of(said: Any) -> ServerStats:
    """Read what a server counted; what is missing is 0.

    Raises:
        RemoteError: they are no counts.
    """
    fields = _fields(said, "counts")
    dropped = fields.get("dropped")
    counts = {**fields, **(dropped if isinstance(dropped, dict) else {})}
    return ServerStats(**{name: int(_number(counts, name)) for name in ServerStats.__annotations__ if name in counts})


def _fields(said: Any, what: str) -> dict[str, Any]:
    if not isinstance(said, dict):
        raise _nonsense(what, said)
    return said


def _text(fields: Mapping[str, Any], name: str) -> str:
    if not isinstance(fields.get(name), str):
        raise _nonsense(f"a text as {name}", fields.get(name))
    return str(fields[name])


def _text_or_none(fields: Mapping[str, Any], name: str) -> str | None:
    return None if fields.get(name) is None else _text(fields, name)


def _number(fields: Mapping[str, Any], name: str) -> float:
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _nonsense(f"a number as {name}", value)
    return float(value)


def _nonsense(what: str, said: Any) -> RemoteError:
    return RemoteError(f"the server sent what is no ademan server's answer: expected {what}, found {shortened(said)}.")
