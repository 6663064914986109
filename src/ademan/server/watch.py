"""One watch: the camera is looked at, in a thread, from start to stop."""

import logging
import threading
from contextlib import closing
from typing import TYPE_CHECKING

from ademan.errors import AdemanError
from ademan.live.pipeline import Pipeline, taken
from ademan.server.shelf import Served
from ademan.video import Frame, FrameSource

if TYPE_CHECKING:
    from ademan.server.bridge import Bridge

log = logging.getLogger("ademan.server")
RETRY_S = 1.0
"""Between two tries to open a camera that is missing."""
_PATIENCE_S = 10.0  # with a camera that hangs


class Watch:
    """Looks at a camera until it is told to stop, or a file is over.

    A camera that is missing or lost is tried again every RETRY_S. A new version of the bundle is taken between two
    frames, and the camera goes on.

    Args:
        bridge: has the camera and the bundle, and is told of all that happens, in the thread.
        before: the watch before this one, which must let go of the camera first.
    """

    def __init__(self, bridge: "Bridge", before: "Watch | None" = None) -> None:
        self._bridge = bridge
        self._stop, self._ended = threading.Event(), False
        self._thread = threading.Thread(target=self._run, args=(before,), name="bridge", daemon=True)
        self._source: FrameSource | None = None
        self._served: Served | None = None
        self.pipeline: Pipeline | None = None
        """None while nothing can be recognised."""
        self.frames, self.fps, self.latency_ms = 0, 0.0, 0.0

    @property
    def stopped(self) -> bool:
        """Whether it was told to end."""
        return self._stop.is_set()

    @property
    def goes_on(self) -> bool:
        """Whether it has neither come to its end nor been told to."""
        return self._thread.is_alive() and not self.stopped and not self._ended

    @property
    def gesture(self) -> str | None:
        """The gesture that goes on."""
        pipeline = self.pipeline
        return None if pipeline is None else pipeline.recognizer.active

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def tell_to_stop(self) -> None:
        """Have it end soon."""
        self._stop.set()

    def end(self) -> None:
        """Wait until it has let go of the camera, as long as patience lasts."""
        source = self._source
        if source is not None:
            source.close()  # it may wait for a frame that never comes
        self._thread.join(_PATIENCE_S)

    def _run(self, before: "Watch | None") -> None:
        if before is not None:
            before._thread.join(_PATIENCE_S)
        try:
            while not self.stopped and not self._over():
                self._stop.wait(RETRY_S)
        finally:
            self._close()

    def _over(self) -> bool:
        """Watch, and return whether the file is over; if not, it was told to stop, or the camera is lost."""
        try:
            if self._play():
                self._ended = True  # before it is told: whoever hears of it may start the next watch at once
                self._bridge.change(self, "ended", "the file is over; start plays it again.")
                return True
        except AdemanError as error:
            self._bridge.change(self, "lost", str(error))
        except Exception as error:  # whatever it is: the server stays up, and says so
            log.exception("camera")
            self._bridge.change(self, "lost", f"{type(error).__name__}: {error}")
        return False

    def _play(self) -> bool:
        """Take the camera's frames; True when there are no more, False when told to stop.

        Raises:
            AdemanError: the camera is missing or lost, or the bundle's points cannot be found in pictures.
        """
        self._take_bundle()
        with closing(self._bridge.open()) as source:
            self._source = source
            try:
                for frame in source:
                    if self.stopped:
                        return False
                    self._look(source, frame)
            finally:
                self._source = None
                self._finish()
        return not self.stopped

    def _look(self, source: FrameSource, frame: Frame) -> None:
        served, pipeline = self._take_bundle()
        moment = pipeline.step(frame, taken(source, frame))
        if self.stopped:  # meanwhile
            self._bridge.report_events(served, moment.update.events)
            return
        self.frames, self.fps, self.latency_ms = self.frames + 1, moment.fps, moment.latency_ms
        self._bridge.report(self, served, moment)

    def _take_bundle(self) -> tuple[Served, Pipeline]:
        """Return the version that is served now, and what recognises with it."""
        served = self._bridge.shelf.get()
        if self._served is not served or self.pipeline is None:
            self._close()
            self.pipeline = self._bridge.open_pipeline(served)
            self._served = served
            self._bridge.set_up(self.pipeline.recognizer)
        return served, self.pipeline

    def _finish(self) -> None:
        """End the gesture that goes on."""
        if self.pipeline is not None and self._served is not None:
            self._bridge.report_events(self._served, self.pipeline.finish())

    def _close(self) -> None:
        pipeline = self.pipeline
        if pipeline is not None:
            self._finish()
            self.pipeline = None
            pipeline.close()
