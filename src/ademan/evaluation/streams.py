"""Streams judged by their events: which gestures were named, how soon, and what was named that nobody did.

An event belongs to a gesture if it has its label and begins between its start and `late_ms` after its end. The first
one names the gesture, others repeat it. An event that belongs to none is confused if some gesture was being made, or
had ended no longer than `late_ms` ago; in the rest of the time, the idle time, it is false.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Protocol

import numpy as np

from ademan.clip import Clip
from ademan.errors import ConfigError, EvaluationError
from ademan.recognition import Classifier, Event, Recognizer, StreamConfig
from ademan.recognition.calibrate import most_expected

LATE_MS = 1000.0
"""After the end of a gesture, an event for it may come this late: a window has to be filled with it first."""
_HOUR_MS = 3_600_000.0


class Shown(Protocol):
    """A gesture that was made."""

    @property
    def label(self) -> str:
        """Which."""

    @property
    def start_ms(self) -> float:
        """When it began."""

    @property
    def end_ms(self) -> float:
        """When it ended."""


@dataclass(frozen=True)
class Counts:
    """Gestures that were made, and events.

    Args:
        made: gestures.
        named: of those, by an event of their own.
        repeats: events that named a gesture once more.
        confused: events that named another gesture than the one that was made.
        false: events while no gesture was made.
        delays_ms: from the start of a gesture to its event, one for each that was named.
    """

    made: int = 0
    named: int = 0
    repeats: int = 0
    confused: int = 0
    false: int = 0
    delays_ms: tuple[float, ...] = ()

    @property
    def recall(self) -> float:
        """Share of the gestures that were named; 0 if none was made."""
        return self.named / self.made if self.made else 0.0

    @property
    def precision(self) -> float:
        """Share of the events that named a gesture for the first time; 0 if there was none."""
        events = self.named + self.repeats + self.confused + self.false
        return self.named / events if events else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of both; 0 if nothing was named."""
        return 2 * self.precision * self.recall / (self.precision + self.recall) if self.named else 0.0

    def delay_ms(self, share: float) -> float | None:
        """Return the delay that this share of the named gestures does not exceed; None if none was named."""
        return float(np.quantile(self.delays_ms, share)) if self.delays_ms else None

    def __add__(self, other: "Counts") -> "Counts":
        """Return both together."""
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Counts)))

    def to_json(self) -> dict[str, Any]:
        """Return counts and figures as plain values."""
        counts = {name: value for name, value in asdict(self).items() if name != "delays_ms"}
        shares = {"recall": self.recall, "precision": self.precision, "f1": self.f1}
        return {**counts, **shares, "delay_ms": {"median": self.delay_ms(0.5), "p95": self.delay_ms(0.95)}}


@dataclass(frozen=True)
class StreamScores:
    """How the events of a stream compare with what was done.

    Args:
        labels: counts of each gesture that was made or named; repeats, confused and false ones by the event's label.
        idle_hours: time in which no gesture was made, nor had ended less than `late_ms` ago.
    """

    labels: dict[str, Counts]
    idle_hours: float

    @property
    def total(self) -> Counts:
        """All labels together."""
        return sum(self.labels.values(), Counts())

    @property
    def false_per_hour(self) -> float | None:
        """False events in an hour of idle time; None without any."""
        return self.total.false / self.idle_hours if self.idle_hours else None

    @property
    def false_per_hour_below(self) -> float | None:
        """What the true rate of false events is below, with 95 % confidence; None without any idle time."""
        return most_expected(self.total.false) / self.idle_hours if self.idle_hours else None

    def __add__(self, other: "StreamScores") -> "StreamScores":
        """Return the scores of both streams together."""
        names = sorted({*self.labels, *other.labels})
        both = {name: self.labels.get(name, Counts()) + other.labels.get(name, Counts()) for name in names}
        return StreamScores(both, self.idle_hours + other.idle_hours)

    def to_json(self) -> dict[str, Any]:
        """Return the figures as plain values."""
        return {
            **self.total.to_json(),
            "idle_hours": self.idle_hours,
            "false_per_hour": self.false_per_hour,
            "false_per_hour_below": self.false_per_hour_below,
            "labels": {name: counts.to_json() for name, counts in self.labels.items()},
        }


def judge_events(
    events: Sequence[Event], shown: Sequence[Shown], span_ms: tuple[float, float], late_ms: float = LATE_MS
) -> StreamScores:
    """Compare the events of a stream with the gestures that were made in it.

    Args:
        events: of the recogniser, in order; only those that begin a gesture count.
        shown: the gestures in order of time, none of which overlap.
        span_ms: times of the stream's first and last frame.
        late_ms: how long after its end a gesture may still be named, 0 or more.

    Raises:
        ConfigError: `late_ms` is below zero.
    """
    if not 0 <= late_ms < np.inf:
        raise ConfigError(f"late_ms must be 0 or more and finite, found {late_ms:g}.")
    counts = {label: Counts() for label in sorted({one.label for one in shown} | {event.label for event in events})}
    for one in shown:
        counts[one.label] += Counts(made=1)
    open_ones = list(shown)
    for event in (event for event in events if event.kind == "began"):
        near = [one for one in shown if one.start_ms <= event.timestamp_ms <= one.end_ms + late_ms]
        own = [one for one in near if one.label == event.label]
        new = next((one for one in own if one in open_ones), None)
        if new is not None:
            open_ones.remove(new)
            counts[event.label] += Counts(named=1, delays_ms=(event.timestamp_ms - new.start_ms,))
        else:
            counts[event.label] += Counts(repeats=1) if own else Counts(confused=1) if near else Counts(false=1)
    return StreamScores(counts, _idle_ms(shown, span_ms, late_ms) / _HOUR_MS)


def judge_stream(
    classifier: Classifier,
    recording: Clip,
    shown: Sequence[Shown],
    *,
    config: StreamConfig | None = None,
    late_ms: float = LATE_MS,
) -> StreamScores:
    """Run a recording through the recogniser, frame by frame, and judge its events.

    Args:
        classifier: a bundle.
        recording: of any length.
        shown: the gestures that were made in it, in order of time.
        config: of the recogniser.
        late_ms: how long after its end a gesture may still be named.

    Raises:
        EvaluationError: a gesture is one that the bundle does not know, or is not within the recording.
        ClipError: the recording is not of the kind that the bundle takes.
        ConfigError: `late_ms` is below zero.
    """
    classifier.check(recording)
    _check(classifier, recording, shown)
    recognizer = Recognizer(classifier, config)
    frames = zip(recording.points, recording.timestamps_ms.tolist(), strict=True)
    events = [event for points, time_ms in frames for event in recognizer.push(points, time_ms).events]
    first, last = recording.timestamps_ms[[0, -1]].tolist()
    return judge_events(events, shown, (first, last), late_ms)


def _check(classifier: Classifier, recording: Clip, shown: Sequence[Shown]) -> None:
    gestures = [label for label in classifier.labels if label != classifier.manifest.idle]
    unknown = sorted({one.label for one in shown} - set(gestures))
    if unknown:
        raise EvaluationError(
            f"{recording.name} is said to show {', '.join(unknown)}; the bundle knows {', '.join(gestures)}."
        )
    first, last = recording.timestamps_ms[[0, -1]].tolist()
    outside = [one for one in shown if one.end_ms < first or one.start_ms > last]
    if outside:
        raise EvaluationError(
            f"{recording.name} lasts from {first:.0f} to {last:.0f} ms, and is said to show {outside[0].label} from "
            f"{outside[0].start_ms:.0f} to {outside[0].end_ms:.0f} ms. Are these the intervals of another recording?"
        )


def _idle_ms(shown: Sequence[Shown], span_ms: tuple[float, float], late_ms: float) -> float:
    """Return the time outside of the gestures and of what counts for them."""
    now_ms, last_ms = span_ms
    idle_ms = 0.0
    for one in shown:
        idle_ms += max(0.0, one.start_ms - now_ms)
        now_ms = max(now_ms, one.end_ms + late_ms)
    return idle_ms + max(0.0, last_ms - now_ms)
