"""The way from a camera's frame to a label."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from ademan.clip import PLACES, Points
from ademan.extraction import Extractor, open_extractor
from ademan.recognition import Classifier, Event, Recognizer, StreamConfig, Update
from ademan.recognition.classifier import Probabilities
from ademan.recognition.taken import as_taken
from ademan.video import Camera, Frame, FrameSource

_KEPT = 50  # events, and frames over which rates are taken


@dataclass(frozen=True, eq=False)
class Moment:
    """What one frame brought.

    Args:
        frame: as it was taken.
        points: (P, 3) that were found in it, in units of the picture's height; NaN for what has no place.
        update: of the recogniser.
        probabilities: (K,) the newest ones; None before the first prediction.
        latency_ms: from the frame, when it was taken or read, to here.
        fps: frames a second that pass through, lately.
    """

    frame: Frame
    points: Points
    update: Update
    probabilities: Probabilities | None
    latency_ms: float
    fps: float


class Pipeline:
    """Finds the points in frames and gives them to a recogniser; one thread.

    Args:
        classifier: a bundle.
        config: how predictions become events.
        extractor: what finds the points, or what else the bundle takes; by default as for the bundle's training.
        backend: that finds them, if not that of the training: "litert" or "mediapipe".
        on_event: called with each event, in the thread that caused it.

    Raises:
        ConfigError: no landmarker finds the points that the bundle takes.
    """

    def __init__(
        self,
        classifier: Classifier,
        config: StreamConfig | None = None,
        extractor: Extractor | None = None,
        backend: str = "",
        on_event: Callable[[Event], None] | None = None,
    ) -> None:
        manifest = classifier.manifest
        as_taken(np.empty((0, 3), np.float32), (1, 1), manifest)  # refuses what no picture gives, before all else
        self.recognizer = Recognizer(classifier, config)
        self._extractor = extractor or open_extractor(manifest.points, manifest.skeleton, backend)
        self._nowhere = np.full((len(manifest.skeleton), 3), np.nan, np.float32)
        self._on_event = on_event
        self.events: deque[Event] = deque(maxlen=_KEPT)
        self._passed: deque[float] = deque(maxlen=_KEPT)
        self._newest: Probabilities | None = None

    def run(self, source: FrameSource) -> Iterator[Moment]:
        """Give a moment for each frame of a source, then end the gesture that is going on.

        Raises:
            VideoError: the source cannot be read.
        """
        with closing(source):
            for frame in source:
                yield self.step(frame, taken(source, frame))

    def step(self, frame: Frame, taken_s: float | None = None) -> Moment:
        """Take one frame.

        Args:
            frame: the next one.
            taken_s: on the monotonic clock; now by default.
        """
        taken_s = time.monotonic() if taken_s is None else taken_s
        points = self._extractor.find(frame)
        manifest = self.recognizer.classifier.manifest
        update = self.recognizer.push(as_taken(points, frame.size_wh, manifest), frame.timestamp_ms)
        if update.probabilities is not None:
            self._newest = update.probabilities
        self._tell(update.events)
        now_s = time.monotonic()
        self._passed.append(now_s)
        drawn = points if manifest.coordinates in PLACES else self._nowhere
        return Moment(frame, drawn, update, self._newest, (now_s - taken_s) * 1000, self._fps())

    def finish(self) -> list[Event]:
        """End the gesture that is going on."""
        events = self.recognizer.finish()
        self._tell(events)
        return events

    def close(self) -> None:
        """Let go of the networks."""
        self._extractor.close()

    def _tell(self, events: Iterable[Event]) -> None:
        for event in events:
            self.events.append(event)
            if self._on_event is not None:
                self._on_event(event)

    def _fps(self) -> float:
        spent_s = self._passed[-1] - self._passed[0]
        return (len(self._passed) - 1) / spent_s if spent_s > 0 else 0.0


def taken(source: FrameSource, frame: Frame) -> float:
    """Return when a frame was taken, in seconds of the monotonic clock; a file's frame is taken when it is read."""
    return frame.timestamp_ms / 1000 if isinstance(source, Camera) else time.monotonic()
