"""The recogniser: a stream of points in, predictions and events out; one thread, bounded memory.

points ─► buffer of one window ─► every few frames: window at the model's rate ─► probabilities
       ─► smoothed in time ─► above `accept` long enough: begins; below `release`: ends; then a pause
"""

import math
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from ademan.bundle import Bundle
from ademan.clip import MAX_GAP_MS, SAME_TIME_MS, Points, is_seen
from ademan.errors import ClipError, ConfigError
from ademan.recognition.classifier import Classifier, Probabilities
from ademan.window import Window

RESTART_MS = 1000.0
"""A clock that goes back by more is a camera that began anew; by less, frames that come out of order."""
NEAREST_MS = 0.5
"""Frames nearer than this to the one before are passed over, so that the buffer is bounded whatever the clock does."""


@dataclass(frozen=True)
class StreamConfig:
    """How predictions become events. Times are in milliseconds."""

    every_ms: float = 100.0
    """Time between two predictions, on average where frames come unevenly; above zero."""
    smoothing_ms: float = 150.0
    """Time constant of the exponential smoothing of probabilities; 0 for none."""
    least_ms: float = 150.0
    """A gesture must be recognised for this long before it begins."""
    cooldown_ms: float = 500.0
    """After a gesture ended, the same one does not begin again for this long."""
    accept: float | None = None
    """Least smoothed probability at which a gesture begins; by default what the bundle says."""
    release: float | None = None
    """It ends when its smoothed probability falls below this; by default what the bundle says."""

    def __post_init__(self) -> None:
        if not self.every_ms > 0 or min(self.smoothing_ms, self.least_ms, self.cooldown_ms) < 0:
            raise ConfigError(f"times of a stream must not be below zero, and every_ms above it; found {self}.")
        for value in (self.accept, self.release):
            if value is not None and not 0 <= value <= 1:
                raise ConfigError(f"a threshold of a stream must be from 0 to 1, found {value}.")


@dataclass(frozen=True)
class Event:
    """A gesture began or ended, once.

    Args:
        kind: "began" or "ended".
        label: the gesture.
        timestamp_ms: when, in the stream's time.
        confidence: its smoothed probability when it began; the highest one when it ended.
    """

    kind: Literal["began", "ended"]
    label: str
    timestamp_ms: float
    confidence: float


@dataclass(frozen=True, eq=False)
class Update:
    """What one frame brought.

    Args:
        probabilities: (K,) smoothed, if this frame was due for a prediction.
        events: those that this frame caused, in order.
    """

    probabilities: Probabilities | None = None
    events: tuple[Event, ...] = ()


class Recognizer:
    """Names gestures in a live stream of points.

    Args:
        bundle: a path, a bundle, or a classifier; many recognisers may share one classifier.
        config: how predictions become events.
    """

    def __init__(self, bundle: Path | str | Bundle | Classifier, config: StreamConfig | None = None) -> None:
        self.classifier = bundle if isinstance(bundle, Classifier) else Classifier(bundle)
        self.config = config or StreamConfig()
        manifest = self.classifier.manifest
        # Offline a window may be all of a clip, or its beginning; in a stream the last frames at the model's rate.
        self._window = Window(manifest.window.frames, "rate", manifest.window.fps or manifest.fps)
        self._span_ms = 1000.0 * (self._window.frames - 1) / self._window.fps
        self._begin()

    def _begin(self) -> None:
        self._trigger = Trigger(self.classifier, self.config)
        self._buffer: deque[tuple[float, Points]] = deque()
        self._next_ms = -np.inf
        self._smooth: Probabilities | None = None
        self._smoothed_at = 0.0

    def push(self, points: Points, timestamp_ms: float) -> Update:
        """Take the points of one frame.

        Args:
            points: (P, C), NaN where not seen.
            timestamp_ms: when; a frame that is not later than the one before, by NEAREST_MS, is passed over. If the
                clock goes back by more than RESTART_MS, a gesture that is going on ends with the frame before, and
                all begins anew.

        Raises:
            ClipError: the points are of another shape than the bundle's, or infinite; or the time is no number.
        """
        points = np.array(points, np.float32)  # a copy: whoever films may use its own array again
        self._check(points, timestamp_ms)
        last_ms = self._buffer[-1][0] if self._buffer else -np.inf
        if last_ms - RESTART_MS <= timestamp_ms < last_ms + NEAREST_MS:
            return Update()
        events: list[Event] = []
        if timestamp_ms < last_ms:
            events = self._trigger.end(last_ms)
            self._begin()
        self._keep(points, timestamp_ms)
        if timestamp_ms < self._next_ms - SAME_TIME_MS:
            return Update()
        # From when it was due, not from when it came: else all predictions would be late by part of a frame.
        next_ms = self._next_ms + self.config.every_ms
        self._next_ms = next_ms if next_ms > timestamp_ms else timestamp_ms + self.config.every_ms
        probabilities = self._smoothed(self._probabilities(), timestamp_ms)
        return Update(probabilities, (*events, *self._trigger.decide(probabilities, timestamp_ms)))

    def finish(self) -> list[Event]:
        """End the stream: a gesture that is going on ends with the last frame, and all begins anew."""
        events = self._trigger.end(self._buffer[-1][0]) if self._buffer else []
        self._begin()
        return events

    @property
    def accept(self) -> float:
        """Least smoothed probability at which a gesture begins."""
        return self._trigger.accept

    def set_accept(self, accept: float) -> None:
        """Change the threshold from the next frame on; that at which a gesture ends keeps its ratio to it.

        Raises:
            ConfigError: it is not from 0 to 1.
        """
        ratio = self._trigger.release / self._trigger.accept if self._trigger.accept else 0.0
        self.config = replace(self.config, accept=accept, release=accept * ratio)
        self._trigger.config = self.config
        self._trigger.accept, self._trigger.release = accept, accept * ratio

    def _check(self, points: Points, timestamp_ms: float) -> None:
        manifest = self.classifier.manifest
        if not math.isfinite(timestamp_ms):
            raise ClipError(f"a frame has the time {timestamp_ms} ms; expected a finite number.")
        if points.shape != (len(manifest.skeleton), manifest.channels) or np.isinf(points).any():
            raise ClipError(
                f"a frame at {timestamp_ms:.0f} ms has points of shape {points.shape}; "
                f"expected ({len(manifest.skeleton)}, {manifest.channels}), finite or NaN."
            )

    def _keep(self, points: Points, timestamp_ms: float) -> None:
        """Put a frame into the buffer, and let go of those that no later window needs."""
        self._buffer.append((timestamp_ms, points))
        # Before the window's first frame, a line may begin at a sighting MAX_GAP_MS earlier, or at the frame before.
        while len(self._buffer) > 2 and self._buffer[1][0] < timestamp_ms - self._span_ms - MAX_GAP_MS:
            self._buffer.popleft()

    def _probabilities(self) -> Probabilities | None:
        times = np.array([time for time, _ in self._buffer])
        points = np.stack([frame for _, frame in self._buffer])
        window = self._window.cut(points, times)
        if not is_seen(window).any():
            return None
        result: Probabilities = self.classifier.probabilities(window[None])[0]
        return result

    def _smoothed(self, new: Probabilities | None, now_ms: float) -> Probabilities:
        """Return the exponentially smoothed probabilities; with nobody to be seen all fall towards nothing."""
        new = self._trigger.nothing if new is None else new
        if self._smooth is None or self.config.smoothing_ms == 0:
            self._smooth = new
        else:
            kept = np.float32(np.exp(-(now_ms - self._smoothed_at) / self.config.smoothing_ms))
            self._smooth = kept * self._smooth + (1 - kept) * new
        self._smoothed_at = now_ms
        return self._smooth


class Trigger:
    """Turns smoothed probabilities into events, with hysteresis, a least length and a cool-down.

    A label is due when it has been the strongest, and at `accept` or above, for `least_ms`. A gesture begins when it is
    due; it ends when it falls below `release`, or when another label, be it idle, is due.
    """

    def __init__(self, classifier: Classifier, config: StreamConfig) -> None:
        manifest = classifier.manifest
        self.labels, self.config = manifest.labels, config
        self.accept = manifest.thresholds.accept if config.accept is None else config.accept
        self.release = min(manifest.thresholds.release if config.release is None else config.release, self.accept)
        self.idle = manifest.labels.index(manifest.idle) if manifest.idle else None
        self.nothing = np.zeros(len(manifest.labels), np.float32)
        if self.idle is not None:
            self.nothing[self.idle] = 1.0
        self._active: int | None = None
        self._best = 0.0
        self._candidate: int | None = None
        self._candidate_since = 0.0
        self._blocked_until: dict[int, float] = {}

    @property
    def active(self) -> bool:
        """Whether a gesture is going on."""
        return self._active is not None

    def decide(self, probabilities: Probabilities, now_ms: float) -> list[Event]:
        """Return the events that these probabilities cause."""
        due = self._due(probabilities, now_ms)
        events: list[Event] = []
        if self._active is not None:
            confidence = float(probabilities[self._active])
            self._best = max(self._best, confidence)
            if confidence < self.release or due not in (None, self._active):
                self._blocked_until[self._active] = now_ms + self.config.cooldown_ms
                events += self.end(now_ms)
        if self._active is None and due not in (None, self.idle):
            events.append(self._start(due, float(probabilities[due]), now_ms))
        return events

    def end(self, now_ms: float) -> list[Event]:
        """End the gesture that is going on, if there is one."""
        if self._active is None:
            return []
        label, self._active = self.labels[self._active], None
        return [Event("ended", label, now_ms, self._best)]

    def _start(self, label: int, confidence: float, now_ms: float) -> Event:
        self._active, self._best = label, confidence
        return Event("began", self.labels[label], now_ms, confidence)

    def _due(self, probabilities: Probabilities, now_ms: float) -> int | None:
        """Return the label that has been strong for long enough, if there is one."""
        strongest = int(np.argmax(probabilities))
        weak = float(probabilities[strongest]) < self.accept
        if weak or now_ms < self._blocked_until.get(strongest, -np.inf):
            self._candidate = None
            return None
        if strongest != self._candidate:
            self._candidate, self._candidate_since = strongest, now_ms
        return strongest if now_ms - self._candidate_since >= self.config.least_ms else None
