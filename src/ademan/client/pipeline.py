"""From a camera's frame to points here, to a label there: the pipeline of `ademan live` with a remote recogniser."""

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import numpy as np

from ademan.bundle import Manifest
from ademan.client.answers import RemotePrediction
from ademan.client.client import GestureClient
from ademan.client.remote_stream import RemoteStream
from ademan.clip import Points
from ademan.errors import ClipError, RemoteError
from ademan.landmarks import Landmarker
from ademan.live import Moment, Pipeline
from ademan.recognition import Classifier, Event, Recognizer, StreamConfig, Update
from ademan.recognition.classifier import Probabilities
from ademan.video import Frame


class RemoteNames:
    """What a pipeline asks of a classifier that is elsewhere.

    Args:
        manifest: of its bundle.
    """

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest

    def probabilities(self, windows: Points) -> Probabilities:
        """Refuse: the stream asks the server, as it does not name windows here.

        Raises:
            RemoteError: always.
        """
        raise RemoteError(f"{len(windows)} windows cannot be named here: the classifier is on the server.")


class RemoteRecognizer:
    """What a pipeline and a window use of a recogniser, with a server behind it; `push` waits for no answer.

    Args:
        client: of the server.
        config: how predictions become events.
        on_prediction: called with each prediction as it comes, in a thread of its own.
        on_event: called with each event, likewise.
        on_state: told of a server that is away, or back.
        rest: ask by `POST /predict`.
        in_step: `push` waits until its frame is through.

    Raises:
        RemoteError: the server cannot be reached, or refuses.
    """

    def __init__(
        self,
        client: GestureClient,
        config: StreamConfig | None = None,
        on_prediction: Callable[[RemotePrediction], object] | None = None,
        on_event: Callable[[Event], object] | None = None,
        on_state: Callable[[str], object] | None = None,
        *,
        rest: bool = False,
        in_step: bool = False,
    ) -> None:
        self._on_prediction, self._on_event = on_prediction, on_event
        self._predictions: deque[RemotePrediction] = deque(maxlen=1)
        self._events: deque[Event] = deque()
        self.taken_s: float | None = None
        """When the next frame was taken, on the monotonic clock."""
        self.classifier = RemoteNames(client.info)
        self.stream: RemoteStream = client.stream(
            config, self._take_prediction, self._take_event, on_state, rest=rest, in_step=in_step
        )

    @property
    def accept(self) -> float:
        """Least smoothed probability at which a gesture begins."""
        return self.stream.accept

    def set_accept(self, accept: float) -> None:
        """Change the threshold.

        Raises:
            ConfigError: it is not from 0 to 1.
        """
        self.stream.set_accept(accept)

    def push(self, points: Points, timestamp_ms: float) -> Update:
        """Send the points of one frame, and return what came since the last one.

        Args:
            points: (P, C) as the bundle takes them, NaN where not seen.
            timestamp_ms: when.

        Raises:
            ClipError: the points are no frame of the bundle's.
            RemoteError: the server has a bundle now that takes points which are not looked for.
        """
        manifest = self.stream.manifest
        if manifest is not self.classifier.manifest:
            return self._exchanged(manifest)
        try:
            self.stream.push(points, timestamp_ms, self.taken_s)
        except ClipError:
            if self.stream.manifest is manifest:
                raise
        return Update(self._row(), self._arrived())

    def finish(self) -> list[Event]:
        """End the stream, and return what came at its end."""
        self.stream.close()
        return list(self._arrived())

    def _exchanged(self, manifest: Manifest) -> Update:
        """Go on with another bundle; its first frame is the next one."""
        wanted, found = manifest.skeleton, self.classifier.manifest.skeleton
        if wanted.points != found.points:
            raise RemoteError(
                f"the server now has a bundle that takes the points of '{wanted.name}'; here those of '{found.name}' "
                "are looked for. Start the client again."
            )
        self.classifier = RemoteNames(manifest)
        return Update(np.zeros(len(manifest.labels), np.float32), self._arrived())

    def _row(self) -> Probabilities | None:
        """Return the newest probabilities that came since the last frame, if some did."""
        if not self._predictions:
            return None
        try:
            return self._predictions.pop().row(self.classifier.manifest.labels)
        except RemoteError:  # of another version, of which we hear soon
            return None

    def _arrived(self) -> tuple[Event, ...]:
        return tuple(self._events.popleft() for _ in range(len(self._events)))

    def _take_prediction(self, prediction: RemotePrediction) -> None:
        self._predictions.append(prediction)
        if self._on_prediction is not None:
            self._on_prediction(prediction)

    def _take_event(self, event: Event) -> None:
        self._events.append(event)
        if self._on_event is not None:
            self._on_event(event)


class RemotePipeline(Pipeline):
    """Finds the points in frames and sends them to a server.

    Args:
        recognizer: sends them.
        landmarker: what finds the points; by default as they were found for the bundle's training.
        backend: that finds them, if not that of the training: "litert" or "mediapipe".

    Raises:
        ConfigError: no landmarker finds the points that the bundle takes.
    """

    def __init__(self, recognizer: RemoteRecognizer, landmarker: Landmarker | None = None, backend: str = "") -> None:
        # A pipeline asks a classifier for its manifest only, and a recogniser for what a remote one has.
        super().__init__(cast(Classifier, recognizer.classifier), None, landmarker, backend)
        self.recognizer = cast(Recognizer, recognizer)
        self._remote = recognizer

    def step(self, frame: Frame, taken_s: float | None = None) -> Moment:
        """Take one frame; the moment's latency is that of the newest prediction, from its frame to here.

        Args:
            frame: the next one.
            taken_s: on the monotonic clock; now by default.
        """
        self._remote.taken_s = time.monotonic() if taken_s is None else taken_s
        moment = super().step(frame, taken_s)
        latency_ms = self._remote.stream.stats.latency_ms
        return moment if math.isnan(latency_ms) else replace(moment, latency_ms=latency_ms)
