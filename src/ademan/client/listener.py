"""Whom a stream tells what, and what it counts."""

import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from ademan.bundle import Manifest
from ademan.client.answers import RemotePrediction, ServerStats
from ademan.clip import MAX_GAP_MS, Points
from ademan.errors import ClipError, ConfigError
from ademan.recognition import Event, StreamConfig


@dataclass(frozen=True)
class StreamStats:
    """What became of a stream's frames.

    Args:
        frames: that were pushed.
        sent: of these.
        resent: sent again after a loss, so that recognition went on at once.
        waiting: to be sent.
        dropped: never sent: the server was away for too long, or the network too slow.
        skipped: predictions left out because the one before took too long; with REST only.
        reconnects: times that the server was lost and came back.
        latency_ms: from a frame, when it was taken, to its prediction, the newest one; NaN before the first.
        server: what the server counted; with REST nothing.
    """

    frames: int = 0
    sent: int = 0
    resent: int = 0
    waiting: int = 0
    dropped: int = 0
    skipped: int = 0
    reconnects: int = 0
    latency_ms: float = math.nan
    server: ServerStats = field(default_factory=ServerStats)


@dataclass
class Listener:
    """Whom a stream tells what. The functions are called in a thread of the stream's, one after the other."""

    on_prediction: Callable[[RemotePrediction], object] | None = None
    on_event: Callable[[Event], object] | None = None
    on_state: Callable[[str], object] | None = None
    """Told in words of a server that is away, or back, and of what was dropped."""
    failure: Exception | None = field(default=None, init=False)
    """The first one that a function raised; then none is called any more."""

    def __post_init__(self) -> None:
        self._lock = threading.RLock()

    def prediction(self, prediction: RemotePrediction) -> None:
        """Tell of a prediction."""
        self._tell(self.on_prediction, prediction)

    def event(self, event: Event) -> None:
        """Tell of an event."""
        self._tell(self.on_event, event)

    def state(self, words: str) -> None:
        """Tell how the server is."""
        self._tell(self.on_state, words)

    def raise_failure(self) -> None:
        """Raise what a function raised, once."""
        failure, self.failure = self.failure, None
        if failure is not None:
            self.on_prediction = self.on_event = self.on_state = None
            raise failure

    def _tell(self, function: Callable[..., object] | None, what: object) -> None:
        with self._lock:
            if function is None or self.failure is not None:
                return
            try:
                function(what)
            except Exception as error:  # whatever it is: it belongs to whoever pushes frames
                self.failure = error


def check_frame(points: Points, timestamp_ms: float, manifest: Manifest) -> None:
    """Refuse what is no frame of a bundle's points.

    Raises:
        ClipError: another shape, infinite values, or a time that is no number.
    """
    if not math.isfinite(timestamp_ms):
        raise ClipError(f"a frame has the time {timestamp_ms} ms; expected a finite number.")
    P, C = len(manifest.skeleton), manifest.channels
    if points.shape != (P, C) or np.isinf(points).any():
        raise ClipError(
            f"a frame at {timestamp_ms:.0f} ms has points of shape {points.shape}; the server's bundle takes "
            f"({P}, {C}) of skeleton '{manifest.skeleton.name}', finite or NaN."
        )


def with_accept(config: StreamConfig, manifest: Manifest, accept: float) -> StreamConfig:
    """Return a config with another threshold; that at which a gesture ends keeps its ratio to it.

    Raises:
        ConfigError: it is not from 0 to 1.
    """
    if not 0 <= accept <= 1:
        raise ConfigError(f"a threshold of a stream must be from 0 to 1, found {accept}.")
    before, release = config.accept, config.release
    before = manifest.thresholds.accept if before is None else before
    release = min(manifest.thresholds.release if release is None else release, before)
    return replace(config, accept=accept, release=accept * (release / before if before else 0.0))


def same_points(one: Manifest, other: Manifest) -> bool:
    """Return whether two bundles take the same points."""
    return _points_of(one) == _points_of(other)


def _points_of(manifest: Manifest) -> tuple[object, ...]:
    return manifest.skeleton.points, manifest.channels, manifest.coordinates


def span_of(manifest: Manifest) -> float:
    """Return the milliseconds of a stream that a window needs: its own, and those of the gap before it."""
    return 1000.0 * (manifest.window.frames - 1) / (manifest.window.fps or manifest.fps) + MAX_GAP_MS
