"""Cameras by OpenCV: the newest frame wins, and a camera that is lost comes back by itself."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from ademan.errors import VideoError
from ademan.video.frame import Frame

RETRY_S = 1.0
"""Time between two tries to open a camera that was lost."""
_LOST_AFTER = 5  # reads that fail, one after the other
_SILENT_S = 5.0  # without a frame, and without an error: some drivers hang when the plug is pulled


class CameraLost(VideoError):  # noqa: N818 - it is no fault of the program, but what happened
    """A camera that gave frames gives none any more."""


class Capture(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        """Whether it can be read."""

    def read(self) -> tuple[bool, Any]:
        """Wait for the next picture, in OpenCV's order of colours."""

    def set(self, prop: int, value: float) -> bool:
        """Ask for a property."""

    def release(self) -> None:
        """Let go of the device."""


class Camera:
    """The frames of a camera, as new as they can be: who is slow misses some.

    Times are those of the machine's monotonic clock. One thread reads; only the newest frame is kept.

    Args:
        device: number, path, or the address of a stream (rtsp://, http://).
        size_wh: width and height to ask for; the camera may give others.
        fps: frames per second to ask for.
        recover: wait for a camera that was lost, instead of raising CameraLost.
        on_state: told of a camera that is lost, and that is back.
        open_capture: opens the device.

    Raises:
        VideoError: when iterated, the device is missing or taken.
    """

    def __init__(
        self,
        device: int | str = 0,
        size_wh: tuple[int, int] | None = None,
        fps: float | None = None,
        *,
        recover: bool = False,
        on_state: Callable[[str], None] | None = None,
        open_capture: Callable[[int | str], Capture] | None = None,
    ) -> None:
        self.device, self.size_wh, self.fps, self.recover = device, size_wh, fps, recover
        self._tell = on_state or (lambda _: None)
        self._open_capture = open_capture or _open_capture
        self._reader: _Reader | None = None
        self._closed = threading.Event()

    @property
    def name(self) -> str:
        """Camera and number or address."""
        return f"camera {self.device}"

    def __iter__(self) -> Iterator[Frame]:
        """Give the newest frame, again and again.

        Raises:
            CameraLost: it gives none any more, and `recover` was not asked for.
        """
        self._closed.clear()
        self._reader = self._opened()
        while not self._closed.is_set():
            try:
                frame = self._reader.newest()
            except CameraLost as error:
                if not self.recover:
                    raise
                self._tell(str(error))
                if not self._wait_for_it():
                    return
                continue
            if frame is None:
                return
            yield frame

    def close(self) -> None:
        """Let go of the device."""
        self._closed.set()
        if self._reader is not None:
            self._reader.stop()
            self._reader = None

    def _opened(self) -> "_Reader":
        capture = self._open_capture(self.device)
        if not capture.isOpened():
            capture.release()
            raise VideoError(_cannot_open(self.device))
        for wanted, prop in zip(
            (*(self.size_wh or (None, None)), self.fps),
            (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FPS),
            strict=True,
        ):
            if wanted:
                capture.set(prop, wanted)
        return _Reader(capture, self.name)

    def _wait_for_it(self) -> bool:
        """Return whether the camera is back; False if it was closed meanwhile."""
        if self._reader is not None:
            self._reader.stop()
        while not self._closed.wait(RETRY_S):
            try:
                self._reader = self._opened()
            except VideoError:
                continue
            self._tell(f"{self.name} is back.")
            return True
        return False


class _Reader:
    """A thread that reads a camera and keeps the newest frame."""

    def __init__(self, capture: Capture, name: str) -> None:
        self._capture, self._name = capture, name
        self._frame: Frame | None = None
        self._new = threading.Condition()
        self._running, self._lost = True, False
        self._thread = threading.Thread(target=self._read, name=f"reader of {name}", daemon=True)
        self._thread.start()

    def newest(self) -> Frame | None:
        """Wait for a frame that was not given yet; None if the reader was stopped.

        Raises:
            CameraLost: there will be none.
        """
        with self._new:
            arrived = self._new.wait_for(lambda: self._frame or self._lost or not self._running, _SILENT_S)
            if self._frame is None and (self._lost or not arrived):
                raise CameraLost(
                    f"{self._name} gives no pictures any more: it was pulled out, or another program took it. "
                    "Plug it in again."
                )
            frame, self._frame = self._frame, None
            return frame if self._running else None

    def stop(self) -> None:
        """End the thread and let go of the device."""
        with self._new:
            self._running = False
            self._new.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join(_SILENT_S)

    def _read(self) -> None:
        failed = 0
        while self._running and failed < _LOST_AFTER:
            good, picture = self._capture.read()
            now_ms = time.monotonic() * 1000.0
            failed = 0 if good else failed + 1
            if good:
                frame = Frame(np.ascontiguousarray(picture[..., ::-1]), now_ms)
                with self._new:
                    self._frame = frame
                    self._new.notify_all()
            else:
                time.sleep(0.02)
        self._capture.release()
        with self._new:
            self._lost = self._running
            self._new.notify_all()


def _open_capture(device: int | str) -> Capture:
    cv2.utils.logging.setLogLevel(0)  # what is wrong with a camera is said by our errors
    return cv2.VideoCapture(device)


def _cannot_open(device: int | str) -> str:
    """Return why a camera may be missing, and what to do."""
    path = Path(f"/dev/video{device}") if str(device).isdigit() else Path(str(device))
    if "://" in str(device):
        return f"the stream {device} cannot be opened. Is the address right, and the camera switched on?"
    there = ", ".join(sorted(str(p) for p in Path("/dev").glob("video*"))) or "none"
    if os.name == "posix" and path.parent == Path("/dev") and path.exists():
        if not os.access(path, os.R_OK | os.W_OK):
            return f"camera {path} may not be used by you. Join the group that owns it:  sudo usermod -aG video $USER"
        return f"camera {path} cannot be opened: another program is using it, or it is no camera. Cameras: {there}."
    return f"there is no camera {device}. Cameras found: {there}. Name one by --camera, or give a video file instead."
