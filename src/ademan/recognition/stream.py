"""The recogniser: a stream of points in, predictions and events out; one thread, bounded memory.

points ─► buffer of one window ─► every few frames: window at the model's rate ─► probabilities
       ─► smoothed in time ─► above `accept` long enough: begins; below `release`: ends; then a pause
"""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

import numpy as np

from ademan.bundle import Bundle, Manifest
from ademan.clip import MAX_GAP_MS, SAME_TIME_MS, Points, is_seen
from ademan.errors import ClipError, ConfigError
from ademan.recognition.buffer import FrameBuffer
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


@dataclass(frozen=True)
class Due:
    """A prediction that is due.

    Args:
        timestamp_ms: of the newest frame.
        run: of the stream; a new one begins where the clock goes back.
    """

    timestamp_ms: float
    run: int


class NamesWindows(Protocol):
    """What a recogniser needs of a classifier, wherever that is."""

    @property
    def manifest(self) -> Manifest:
        """Of its bundle."""

    def probabilities(self, windows: Points) -> Probabilities:
        """Return (N, K) of windows (N, T, P, C)."""


class Recognizer:
    """Names gestures in a live stream of points.

    `push` does all of it for a frame. Whoever makes the predictions of many streams together takes its three steps
    apart: `add` a frame, cut the `window` when a prediction is due, and `decide` with its probabilities.

    Args:
        bundle: a path, a bundle, or what names windows; many recognisers may share one classifier.
        config: how predictions become events.
    """

    def __init__(self, bundle: Path | str | Bundle | NamesWindows, config: StreamConfig | None = None) -> None:
        self.classifier = Classifier(bundle) if isinstance(bundle, (Path, str, Bundle)) else bundle
        self.config = config or StreamConfig()
        self._run = 0
        manifest = self.classifier.manifest
        # Offline a window may be all of a clip, or its beginning; in a stream the last frames at the model's rate.
        self._window = Window(manifest.window.frames, "rate", manifest.window.fps or manifest.fps)
        self._span_ms = 1000.0 * (self._window.frames - 1) / self._window.fps
        self._begin()
        given = self._trigger if self._trigger.accept > 0 else manifest.thresholds
        self._release_share = given.release / given.accept if given.accept > 0 else 0.0  # of `accept`

    def _begin(self) -> None:
        manifest = self.classifier.manifest
        self._trigger = Trigger(manifest, self.config)
        self._buffer = FrameBuffer((len(manifest.skeleton), manifest.channels))
        self._run += 1
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
        events, due = self.add(points, timestamp_ms)
        if due is None:
            return Update(None, tuple(events))
        window = self.window()
        found = None if window is None else self.classifier.probabilities(window[None])[0]
        update = self.decide(due, found)
        return Update(update.probabilities, (*events, *update.events))

    def add(self, points: Points, timestamp_ms: float) -> tuple[list[Event], Due | None]:
        """Take the points of one frame, as `push`, and say whether a prediction is due with it.

        Returns:
            The end of a gesture, if the clock went back; and what is due, if something is.

        Raises:
            ClipError: as `push`.
        """
        points = np.asarray(points, np.float32)
        self._check(points, timestamp_ms)
        last_ms = self._last_ms
        if last_ms - RESTART_MS <= timestamp_ms < last_ms + NEAREST_MS:
            return [], None
        events: list[Event] = []
        if timestamp_ms < last_ms:
            events = self._trigger.end(last_ms)
            self._begin()
        self._buffer.append(points, timestamp_ms)
        # Before the window's first frame, a line may begin at a sighting MAX_GAP_MS earlier, or at the frame before.
        self._buffer.forget_before(timestamp_ms - self._span_ms - MAX_GAP_MS)
        if timestamp_ms < self._next_ms - SAME_TIME_MS:
            return events, None
        # From when it was due, not from when it came: else all predictions would be late by part of a frame.
        next_ms = self._next_ms + self.config.every_ms
        self._next_ms = next_ms if next_ms > timestamp_ms else timestamp_ms + self.config.every_ms
        return events, Due(timestamp_ms, self._run)

    def window(self) -> Points | None:
        """Return the window (T, P, C) that ends with the newest frame; None if nothing is seen in it, or no frame."""
        if not len(self._buffer):
            return None
        window = self._window.cut(self._buffer.points, self._buffer.times_ms, self.classifier.manifest.coordinates)
        return window if is_seen(window).any() else None

    def decide(self, due: Due, probabilities: Probabilities | None) -> Update:
        """Take the probabilities of the window of what was due, in the order of time.

        Args:
            due: what `add` gave; one of before the stream began anew changes nothing.
            probabilities: (K,); None if nothing was seen.
        """
        if due.run != self._run:
            return Update()
        smooth = self._smoothed(probabilities, due.timestamp_ms)
        return Update(smooth, tuple(self._trigger.decide(smooth, due.timestamp_ms)))

    def finish(self) -> list[Event]:
        """End the stream: a gesture that is going on ends with the last frame, and all begins anew."""
        events = self._trigger.end(self._last_ms)
        self._begin()
        return events

    @property
    def _last_ms(self) -> float:
        return float(self._buffer.times_ms[-1]) if len(self._buffer) else -math.inf

    @property
    def active(self) -> str | None:
        """The gesture that goes on."""
        return self._trigger.active

    @property
    def accept(self) -> float:
        """Least smoothed probability at which a gesture begins."""
        return self._trigger.accept

    def set_accept(self, accept: float) -> None:
        """Change the threshold from the next frame on; that at which a gesture ends keeps its ratio to it.

        Raises:
            ConfigError: it is not from 0 to 1.
        """
        self.config = replace(self.config, accept=accept, release=accept * self._release_share)
        self._trigger.config = self.config
        self._trigger.accept, self._trigger.release = accept, accept * self._release_share

    def set_cooldown(self, cooldown_ms: float) -> None:
        """Change how long after its end a gesture does not begin again, from the next end on.

        Raises:
            ConfigError: it is below zero.
        """
        self.config = self._trigger.config = replace(self.config, cooldown_ms=cooldown_ms)

    def _check(self, points: Points, timestamp_ms: float) -> None:
        manifest = self.classifier.manifest
        if not math.isfinite(timestamp_ms):
            raise ClipError(f"a frame has the time {timestamp_ms} ms; expected a finite number.")
        if points.shape != (len(manifest.skeleton), manifest.channels) or np.isinf(points).any():
            raise ClipError(
                f"a frame at {timestamp_ms:.0f} ms has points of shape {points.shape}; "
                f"expected ({len(manifest.skeleton)}, {manifest.channels}), finite or NaN."
            )

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

    def __init__(self, manifest: Manifest, config: StreamConfig) -> None:
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
    def active(self) -> str | None:
        """The gesture that goes on."""
        return None if self._active is None else self.labels[self._active]

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
