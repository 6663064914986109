"""Calibration: the threshold at which a model keeps quiet while people do nothing in particular.

Recordings of idle people go through the recogniser; each event in them is false. The smallest threshold is taken from
which on they prove that there are no more of them an hour than allowed. What they prove: after k events in H hours the
true rate is, with 95 % confidence, below the exact Poisson bound (Garwood 1936). No event at all in three hours proves
one an hour; in shorter recordings nothing can, so then there must be none, and what is proven is told.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from math import exp, lgamma, log
from pathlib import Path
from typing import Any

import numpy as np

from ademan.bundle import Thresholds, write_bundle
from ademan.clip import Clip
from ademan.errors import ConfigError, EvaluationError
from ademan.recognition.classifier import Classifier, Probabilities
from ademan.recognition.stream import Event, Recognizer, StreamConfig, Trigger

RELEASE = 0.7
"""A gesture ends when its probability falls below this share of the threshold at which it begins."""
CANDIDATES = (*(percent / 100 for percent in range(50, 100)), 0.995, 0.998, 0.999)
"""Thresholds that are tried. Below one half, a gesture could begin that is less probable than all else together."""
_SHOWN = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999)
_HOUR_MS = 3_600_000.0


@dataclass(frozen=True, eq=False)
class Trace:
    """What a recogniser thought through a recording, before any threshold.

    Args:
        label: of the recording, if known.
        times_ms: (S,) of the predictions.
        probabilities: (S, K) smoothed.
        duration_ms: of the recording.
    """

    label: str | None
    times_ms: list[float]
    probabilities: Probabilities
    duration_ms: float

    def events(self, classifier: Classifier, config: StreamConfig) -> list[Event]:
        """Return the events that some thresholds would have caused."""
        trigger = Trigger(classifier.manifest, config)
        strong = self.probabilities.max(axis=1) >= trigger.accept
        if trigger.idle is not None:
            strong &= self.probabilities.argmax(axis=1) != trigger.idle
        # All others change nothing while no gesture goes on, but for the first one, which ends a row of strong ones.
        needed = (strong | np.roll(strong, 1)).tolist()
        return [
            event
            for i, time_ms in enumerate(self.times_ms)
            if needed[i] or trigger.active
            for event in trigger.decide(self.probabilities[i], time_ms)
        ]


@dataclass(frozen=True)
class Tried:
    """A threshold that was tried.

    Args:
        accept: the threshold.
        false_events: in the idle recordings.
        per_hour: of them.
        detected: share of the gestures that are still named, if gestures were given.
    """

    accept: float
    false_events: int
    per_hour: float
    detected: float | None


@dataclass(frozen=True)
class Calibration:
    """How thresholds were found.

    Args:
        thresholds: those that go into the bundle.
        per_hour: false events that were allowed.
        hours: of idle recordings.
        before: false events at the thresholds until now, by label.
        after: those that are left, by label.
        proven_per_hour: the true rate is below this with 95 % confidence.
        tried: how false events and detections go with the threshold.
        stream: all else that the events depend on.
    """

    thresholds: Thresholds
    per_hour: float
    hours: float
    before: dict[str, int]
    after: dict[str, int]
    proven_per_hour: float
    tried: tuple[Tried, ...]
    stream: StreamConfig

    @property
    def proven(self) -> bool:
        """Whether the recordings are long enough to promise what was asked for."""
        return self.proven_per_hour <= self.per_hour

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self) | {"proven": self.proven, "tried": [asdict(tried) for tried in self.tried]}


def calibrate(
    classifier: Classifier,
    idle: Iterable[Clip],
    *,
    per_hour: float = 1.0,
    gestures: Iterable[Clip] = (),
    config: StreamConfig | None = None,
) -> Calibration:
    """Find the threshold at which idle recordings cause no more events an hour than allowed.

    Args:
        classifier: a bundle.
        idle: recordings in which nobody makes a gesture; used up one by one.
        per_hour: false events that are allowed; above zero.
        gestures: recordings of gestures, to tell how many are still named; those without a label, or idle, are left
            out.
        config: of the stream; its thresholds serve for the figures `before` only.

    Raises:
        ConfigError: `per_hour` is not above zero, or infinite.
        EvaluationError: there is no idle recording, one is labelled as a gesture, or no threshold keeps the model
            quiet enough.
        ClipError: a recording is not of the kind that the bundle takes.
    """
    if not 0 < per_hour < np.inf:
        raise ConfigError(f"per_hour must be above zero and finite, found {per_hour:g}.")
    config = config or StreamConfig()
    traces = [trace(classifier, clip, config) for clip in _checked(classifier, idle)]
    hours = sum(one.duration_ms for one in traces) / _HOUR_MS
    if not hours > 0:
        raise EvaluationError("there is no idle recording to calibrate on. Record some:  ademan capture idle")
    known = set(classifier.labels) - {classifier.manifest.idle}
    shown = [trace(classifier, clip, config) for clip in gestures if clip.label in known]
    tried = [_try(classifier, traces, shown, _with(config, accept), hours) for accept in CANDIDATES]
    accept = _quietest(tried, per_hour, hours)
    stream = _with(config, accept)
    after = _false_events(classifier, traces, stream)
    return Calibration(
        thresholds=Thresholds(accept, stream.release or 0.0, calibrated=True),
        per_hour=per_hour,
        hours=hours,
        before=_false_events(classifier, traces, config),
        after=after,
        proven_per_hour=most_expected(sum(after.values())) / hours,
        tried=tuple(one for one in tried if one.accept in {*_SHOWN, accept}),
        stream=stream,
    )


def write_calibrated(classifier: Classifier, found: Calibration, out: Path, sources: Sequence[str]) -> None:
    """Write the bundle with its new thresholds; graph and golden vectors stay as they are.

    Args:
        classifier: the bundle.
        found: how it was calibrated.
        out: folder or .zip; the bundle itself may be named.
        sources: names of the idle recordings.
    """
    told = {
        "on": [Path(source).name for source in sources],
        "hours": round(found.hours, 4),
        "false_events": sum(found.after.values()),
        "proven_per_hour": round(found.proven_per_hour, 3),
        "stream": asdict(found.stream),
    }
    manifest = replace(
        classifier.manifest,
        thresholds=found.thresholds,
        training={**classifier.manifest.training, "calibration": told},
    )
    write_bundle(out, manifest, classifier.bundle.graph, classifier.bundle.golden)


def trace(classifier: Classifier, clip: Clip, config: StreamConfig) -> Trace:
    """Return what the recogniser thinks through a recording.

    Raises:
        ClipError: the recording is not of the kind that the bundle takes.
    """
    classifier.check(clip)
    recognizer = Recognizer(classifier, config)
    times_ms, rows = [], []
    for points, time_ms in zip(clip.points, clip.timestamps_ms.tolist(), strict=True):
        row = recognizer.push(points, time_ms).probabilities
        if row is not None:
            times_ms.append(time_ms)
            rows.append(row)
    return Trace(clip.label, times_ms, np.stack(rows), clip.duration_ms)


def most_expected(events: int, confidence: float = 0.95) -> float:
    """Return the largest number of events to expect where so few were seen.

    The exact upper bound of a Poisson mean: the one at which `events` or fewer have a probability of 1 - confidence.

    Source: F. Garwood (1936), Fiducial limits for the Poisson distribution, Biometrika 28, 437-442.

    Args:
        events: that were seen.
        confidence: between 0 and 1.
    """
    low, high = 0.0, 20.0 + 4 * events
    for _ in range(60):
        middle = (low + high) / 2
        so_few = sum(exp(i * log(middle) - middle - lgamma(i + 1)) for i in range(events + 1))
        low, high = (middle, high) if so_few > 1 - confidence else (low, middle)
    return high


def _checked(classifier: Classifier, idle: Iterable[Clip]) -> Iterator[Clip]:
    """Give the idle recordings, and refuse one that is labelled as a gesture."""
    for clip in idle:
        if clip.label in classifier.labels and clip.label != classifier.manifest.idle:
            raise EvaluationError(
                f"{clip.name} is labelled '{clip.label}', which is a gesture of the bundle; expected recordings in "
                "which nobody makes one. Name those alone, as FILE.h5#CLIP."
            )
        yield clip


def _try(
    classifier: Classifier, idle: Sequence[Trace], gestures: Sequence[Trace], config: StreamConfig, hours: float
) -> Tried:
    false = sum(_false_events(classifier, idle, config).values())
    named = [
        any(event.kind == "began" and event.label == one.label for event in one.events(classifier, config))
        for one in gestures
    ]
    return Tried(config.accept or 0.0, false, false / hours, float(np.mean(named)) if named else None)


def _quietest(tried: Sequence[Tried], per_hour: float, hours: float) -> float:
    """Return the smallest threshold from which on all are quiet enough."""
    found = None
    for one in reversed(tried):
        if one.false_events and most_expected(one.false_events) > per_hour * hours:
            break
        found = one.accept
    if found is None:
        worst = tried[-1]
        raise EvaluationError(
            f"even at the threshold {worst.accept} there are {worst.false_events} false events in {hours:.2f} hours; "
            f"too many to keep below {per_hour:g} an hour. Train the model with clips labelled idle, of people like "
            "these, record for longer, or allow more."
        )
    return found


def _false_events(classifier: Classifier, idle: Sequence[Trace], config: StreamConfig) -> dict[str, int]:
    counts = Counter(event.label for one in idle for event in one.events(classifier, config) if event.kind == "began")
    return dict(sorted(counts.items()))


def _with(config: StreamConfig, accept: float) -> StreamConfig:
    return replace(config, accept=accept, release=round(RELEASE * accept, 4))
