"""The bridge: the server watches a camera of its own, and tells what it sees to everybody who listens."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from ademan.landmarks import LandmarkConfig, Landmarker
from ademan.live.pipeline import Moment, Pipeline
from ademan.publishing import Publish
from ademan.publishing.messages import event_json
from ademan.recognition import Event, Recognizer, StreamConfig
from ademan.server.errors import ApiError
from ademan.server.hub import Message, points_json, smoothed_json
from ademan.server.shelf import Served, Shelf
from ademan.server.watch import Watch
from ademan.video import FrameSource, is_camera, open_source

log = logging.getLogger("ademan.server")
State = Literal["off", "starting", "running", "lost", "ended"]
_STATUS_EVERY_MS = 1000.0
_POINTS_EVERY_MS = 1000.0 / 15 - 1  # a page draws no more, and a phone has other things to do
_RECENT = 50


@dataclass(frozen=True)
class BridgeConfig:
    """What the server itself watches."""

    camera: str = ""
    """Number or path of a camera, address of a stream, or a video file or folder that is played as one."""
    loop: bool = False
    """Play a file again and again."""
    start: bool = True
    """Begin with the server; otherwise when it is asked to."""
    landmarker: str = ""
    """litert or mediapipe; by default that of the training."""

    def __post_init__(self) -> None:
        if self.landmarker:
            LandmarkConfig(landmarker=self.landmarker)  # type: ignore[arg-type] # refuses what there is not

    @property
    def name(self) -> str:
        """What others are told of the camera: no folder of this machine, and no password."""
        if "://" not in self.camera:
            return self.camera if is_camera(self.camera) else Path(self.camera).name
        place = urlsplit(self.camera)
        return f"{place.scheme}://{place.netloc.rpartition('@')[2]}{place.path}"


class Bridge:
    """The switch of the camera, and the reporter of what a `Watch` sees with it.

    Any thread may start, stop and configure. A watch that was told to stop may take its time, if its camera hangs;
    what it says then of its state is no longer told.

    Args:
        config: which camera.
        stream: how predictions become events, to begin with.
        shelf: has the bundle; a new version of it is taken at the next frame.
        tell: called with each message, in the watch's thread or in that which switches.
        publish: called with each event, in the watch's thread.
        landmarker: makes what finds the points; by default as for the bundle's training.
        open_camera: opens what gives frames.
    """

    def __init__(
        self,
        config: BridgeConfig,
        stream: StreamConfig,
        shelf: Shelf,
        tell: Callable[[Message], None],
        publish: Publish,
        landmarker: Callable[[], Landmarker] | None = None,
        open_camera: Callable[..., FrameSource] = open_source,
    ) -> None:
        self.config, self.shelf = config, shelf
        self._stream, self._landmarker, self._open_camera = stream, landmarker, open_camera
        self.wants_points: Callable[[], bool] = lambda: False
        """Whether anybody draws the points."""
        self.listeners: Callable[[], int] = lambda: 0
        """How many listen."""
        self.recent: deque[dict[str, object]] = deque(maxlen=_RECENT)
        """The last events, as they were told."""
        self._tell, self._publish = tell, publish
        self._switch = threading.Lock()
        self._watch: Watch | None = None
        self._state: State = "off"
        self._message, self._started = "", ""
        self._changes: dict[str, float] = {}
        self._told_status_ms = self._told_points_ms = -1e9

    @property
    def running(self) -> bool:
        """Whether the camera gives pictures."""
        return self._state == "running"

    def start(self) -> None:
        """Begin to watch; if it does already, nothing changes.

        Raises:
            ApiError: there is no camera.
        """
        if not self.config.camera:
            raise ApiError("no_camera", "this server has no camera. Start it with one:  ademan serve BUNDLE --camera 0")
        with self._switch:
            before = self._watch
            if before is not None and before.goes_on:
                return
            self._started = _now()
            self._watch = Watch(self, before)
            self._set("starting", "")
            self._watch.start()

    def stop(self) -> None:
        """End watching and let go of the camera; if it does not watch, nothing changes."""
        with self._switch:
            watch = self._watch
            if watch is None or watch.stopped:
                return
            watch.tell_to_stop()
            self._set("off", "")
        watch.end()

    def configure(self, accept: float | None = None, cooldown_ms: float | None = None) -> None:
        """Change the threshold or the cool-down, from the next frame on.

        Raises:
            ConfigError: it is out of its range.
        """
        changes = {"accept": accept, "cooldown_ms": cooldown_ms}
        asked = {**self._changes, **{key: value for key, value in changes.items() if value is not None}}
        replace(self._stream, **asked)  # refuses what is out of range
        self._changes = asked
        if self._watch is not None and self._watch.pipeline is not None:
            self.set_up(self._watch.pipeline.recognizer)
        self._tell(Message("status", self.status()))

    def set_up(self, recognizer: Recognizer) -> None:
        """Change a recogniser as it was asked for since the beginning."""
        if "accept" in self._changes:
            recognizer.set_accept(self._changes["accept"])
        if "cooldown_ms" in self._changes:
            recognizer.set_cooldown(self._changes["cooldown_ms"])

    def status(self) -> dict[str, Any]:
        """Return all that is known, as plain values."""
        served, watch, stream = self.shelf.get(), self._watch, replace(self._stream, **self._changes)
        accept = stream.accept if stream.accept is not None else served.manifest.thresholds.accept
        settings = {key: value for key, value in asdict(stream).items() if key != "release"}
        return {
            "camera": self.config.name or None,
            "state": self._state,
            "message": self._message,
            "fps": round(watch.fps, 1) if watch is not None and self.running else 0.0,
            "latency_ms": round(watch.latency_ms, 1) if watch is not None and self.running else 0.0,
            "bundle": served.name,
            "version": served.version,
            "gesture": watch.gesture if watch is not None else None,
            "config": settings | {"accept": accept},
            "started": self._started or None,
            "frames": watch.frames if watch is not None else 0,
            "listeners": self.listeners(),
        }

    def change(self, watch: Watch, state: State, message: str = "") -> None:
        """Take the state that a watch is in; one that was stopped has none."""
        message = message.replace(self.config.camera, self.config.name)
        with self._switch:
            if watch is self._watch and not watch.stopped and (state, message) != (self._state, self._message):
                self._set(state, message)

    def open(self) -> FrameSource:
        """Return the camera, or what is played as one.

        Raises:
            VideoError: it is missing.
        """
        return self._open_camera(self.config.camera, realtime=True, loop=self.config.loop)

    def open_pipeline(self, served: Served) -> Pipeline:
        """Return what finds points and names gestures with a version of the bundle.

        Raises:
            ConfigError: its points cannot be found in pictures.
        """
        landmarker = self._landmarker() if self._landmarker else None
        return Pipeline(served.classifier, self._stream, landmarker, self.config.landmarker)

    def report(self, watch: Watch, served: Served, moment: Moment) -> None:
        """Tell what a frame brought."""
        self.change(watch, "running")
        now_ms = moment.frame.timestamp_ms
        if moment.update.probabilities is not None:
            shares = moment.update.probabilities.tolist()
            content = smoothed_json(served, shares, now_ms, watch.gesture)
            more = {"source": "camera", "latency_ms": round(moment.latency_ms, 2)}
            self._tell(Message("gesture_prediction", content | more))
        self.report_events(served, moment.update.events)
        if abs(now_ms - self._told_points_ms) >= _POINTS_EVERY_MS and self.wants_points():
            self._told_points_ms = now_ms
            self._tell(Message("points", points_json(moment.points, moment.frame.size_wh, now_ms)))
        if abs(now_ms - self._told_status_ms) >= _STATUS_EVERY_MS:
            self._told_status_ms = now_ms
            self._tell(Message("status", self.status()))

    def report_events(self, served: Served, events: Iterable[Event]) -> None:
        """Tell and publish events."""
        for event in events:
            content = event_json(event, source="camera", bundle=served.name, version=served.version, at=_now())
            self.recent.append(content)
            self._tell(Message("gesture", content))
            self._publish(event)

    def _set(self, state: State, message: str) -> None:
        self._state, self._message = state, message
        log.info("camera", extra={"camera": self.config.name, "state": state, "problem": message})
        self._tell(Message("status", self.status()))


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
