"""A live stream without Socket.IO: window, smoothing and decision here, and the probabilities by `POST /predict`."""

import time
from dataclasses import replace

import numpy as np

from ademan.bundle import Manifest
from ademan.client.address import Address
from ademan.client.answers import RemotePrediction, prediction_of
from ademan.client.backlog import Waiting
from ademan.client.backoff import Backoff
from ademan.client.listener import Listener, StreamStats
from ademan.client.remote_stream import RemoteStream
from ademan.client.rest import Rest, ask_for_bundle
from ademan.clip import Points
from ademan.errors import RemoteError
from ademan.recognition import Due, Recognizer, StreamConfig, Update
from ademan.recognition.classifier import Probabilities


class RemoteClassifier:
    """What a recogniser needs of a classifier: names windows by asking a server.

    Args:
        rest: of the server.
        bundle: its name.
        manifest: of the bundle.
    """

    def __init__(self, rest: Rest, bundle: str, manifest: Manifest) -> None:
        self._rest, self._bundle = rest, bundle
        self.manifest = manifest
        self.version = ""
        """Of the bundle that answered last."""

    def probabilities(self, windows: Points) -> Probabilities:
        """Return (N, K) of windows (N, T, P, C); each is a request.

        Raises:
            RemoteError: there is no answer, or one of other labels.
        """
        return np.stack([self._row(window) for window in windows])

    def _row(self, window: Points) -> Probabilities:
        fps = self.manifest.window.fps or self.manifest.fps
        query = {"bundle": self._bundle, "fps": repr(float(fps)), "channels": str(window.shape[2])}
        prediction = prediction_of(self._rest.post_points("/predict", window, query))
        self.version = prediction.version
        return prediction.row(self.manifest.labels)


class PollingStream(RemoteStream):
    """A live stream that asks a server for the probabilities of its windows, one request at a time.

    A window that is due while the one before is still being asked about is left out, and counted: the newest one is
    asked about next. While the server is away nothing is recognised.

    Args:
        address: of the server.
        bundle: its name.
        version: of the bundle.
        manifest: of the bundle.
        config: how predictions become events.
        listener: whom to tell.
        timeout: seconds to wait for an answer.
        in_step: `push` waits until its frame is through, so that no window is left out, as suits a file.
    """

    def __init__(
        self,
        address: Address,
        bundle: str,
        version: str,
        manifest: Manifest,
        config: StreamConfig | None = None,
        listener: Listener | None = None,
        timeout: float = 10.0,
        *,
        in_step: bool = False,
    ) -> None:
        super().__init__(address, version, manifest, config, listener, in_step=in_step)
        self._bundle, self._rest = bundle, Rest(address, timeout)
        self._recognizer = self._recogniser_of(manifest)
        self._backoff, self._retry_at = Backoff(), 0.0
        self._skipped, self._newest = 0, -1
        self._thread.start()

    @property
    def stats(self) -> StreamStats:
        """What became of the frames so far."""
        with self._changed:
            return replace(super().stats, skipped=self._skipped)

    @property
    def accept(self) -> float:
        """Least smoothed probability at which a gesture begins."""
        return self._recognizer.accept

    def set_accept(self, accept: float) -> None:
        """Change the threshold from the next frame on; that at which a gesture ends keeps its ratio to it.

        Raises:
            ConfigError: it is not from 0 to 1.
        """
        with self._changed:
            self._recognizer.set_accept(accept)
            self._config = self._recognizer.config

    def _recogniser_of(self, manifest: Manifest) -> Recognizer:
        self._classifier = RemoteClassifier(self._rest, self._bundle, manifest)
        return Recognizer(self._classifier, self._config)

    def _run(self) -> None:
        while (frame := self._next()) is not None:
            self._step(frame)
        for event in self._recognizer.finish():
            self._tell(event)
        self._rest.close()

    def _next(self) -> Waiting | None:
        """Wait for a frame; None when the stream is closed and none waits any more."""
        with self._changed:
            frame = self._take()
            while frame is None and not self._closing:
                self._changed.wait()
                frame = self._take()
            return frame

    def _step(self, frame: Waiting) -> None:
        """Take one frame, and ask the server if a prediction is due."""
        is_new, self._newest = frame.number > self._newest, max(self._newest, frame.number)
        recognizer = self._recognizer
        events, due = recognizer.add(frame.points, frame.timestamp_ms)
        for event in events:
            self._tell(event)
        if due is None:
            return
        with self._changed:
            overtaken = self._backlog.newest_ms >= frame.timestamp_ms + self._config.every_ms
        if overtaken or not self._is_decided(recognizer, due):
            with self._changed:
                self._skipped += is_new

    def _is_decided(self, recognizer: Recognizer, due: Due) -> bool:
        """Ask about a window and decide; False if there was no answer. A file waits until there is one."""
        while True:
            try:
                if self._may_ask():
                    self._decide(recognizer, due)
                    return True
            except RemoteError as error:
                self._give_up(error)
            if self._closing or not self._in_step:
                return False
            self._pause(self._retry_at - time.monotonic())

    def _may_ask(self) -> bool:
        return time.monotonic() >= self._retry_at

    def _decide(self, recognizer: Recognizer, due: Due) -> None:
        if self.state:  # it was away: who knows what it serves now
            self._refresh()
        window = recognizer.window() if recognizer is self._recognizer else None
        found = None if window is None else self._classifier.probabilities(window[None])[0]
        if self._classifier.version not in ("", self._version):
            self._refresh()
        self._welcome()
        self._backoff.reset()
        if recognizer is self._recognizer:
            self._announce(recognizer.decide(due, found), due.timestamp_ms)

    def _refresh(self) -> None:
        """Find out what is served now; where it is another bundle, begin anew with it."""
        name, version, manifest = ask_for_bundle(self._rest, self._bundle)
        if self._exchange(name, version, manifest):
            self._restart(manifest)

    def _restart(self, manifest: Manifest) -> None:
        """Begin anew with the frames of the last window."""
        self._interrupt()
        with self._changed:
            self._recognizer = self._recogniser_of(manifest)
            self._backlog.rewind()

    def _give_up(self, error: RemoteError) -> None:
        was_there = not self.state
        self._lose(error)
        self._retry_at = time.monotonic() + self._backoff.next_s()
        if was_there and not self._in_step:  # nobody knows how long a gesture goes on
            self._restart(self.manifest)

    def _announce(self, update: Update, time_ms: float) -> None:
        """Tell of a prediction, and of what it caused."""
        with self._changed:
            news = update.probabilities is not None and self._told.is_new(time_ms)
        if news and update.probabilities is not None:
            self._measure(time_ms)
            self._listener.prediction(self._prediction(update.probabilities, time_ms))
        for event in update.events:
            self._tell(event)

    def _prediction(self, shares: Probabilities, time_ms: float) -> RemotePrediction:
        best = int(np.argmax(shares))
        labels = self.manifest.labels
        return RemotePrediction(
            labels[best] if shares[best] > 0 else None,
            float(shares[best]),
            dict(zip(labels, shares.tolist(), strict=True)),
            self._recognizer.active,
            self._bundle,
            self._version,
            time_ms,
        )
