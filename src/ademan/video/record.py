"""Clips recorded as H.264 in MP4: whole on disk, or not there at all."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Self

import av
import numpy as np
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.stream import VideoStream

from ademan.errors import AdemanError, VideoError
from ademan.files import written_whole
from ademan.video.frame import Frame

_CLOCK = Fraction(1, 90_000)  # of MPEG: fine enough for any camera


class ClipRecorder:
    """Records frames, each with its own time; the file appears when the `with` block ends well.

    Args:
        path: ends in .mp4.
        size_wh: of all frames; an odd side loses its last row or column, since H.264 halves the colours.
        fps: frames per second, about; players show it, the frames keep their own times.
        metadata: texts that `VideoFile.metadata` gives back.

    Raises:
        VideoError: no frame was added, or one of another size, or the times do not rise.
        AdemanError: the disk is full or the place cannot be written.
    """

    def __init__(
        self, path: Path, size_wh: tuple[int, int], fps: float = 30.0, metadata: Mapping[str, str] | None = None
    ) -> None:
        self.path, self.size_wh, self.fps = path, size_wh, fps
        self._metadata = dict(metadata or {})
        self._even_wh = size_wh[0] & ~1, size_wh[1] & ~1
        self._first_ms: float | None = None
        self._last = -1
        self.count = 0
        """Frames that were added."""

    def __enter__(self) -> Self:
        self._whole = written_whole(self.path)
        try:
            self._container = self._begin(self._whole.__enter__())
        except (FFmpegError, ValueError) as error:
            self._whole.__exit__(type(error), error, error.__traceback__)
            raise VideoError(f"{self.path} cannot be recorded: {error}.") from error
        return self

    def _begin(self, beside: Path) -> OutputContainer:
        container = av.open(str(beside), "w", format="mp4", options={"movflags": "use_metadata_tags"})
        stream = container.add_stream("libx264", rate=Fraction(self.fps).limit_denominator(1001))
        stream.width, stream.height = self._even_wh
        stream.pix_fmt, stream.time_base = "yuv420p", _CLOCK
        stream.codec_context.time_base = _CLOCK
        stream.options = {"crf": "18", "preset": "veryfast"}
        stream.codec_context.color_range, stream.codec_context.colorspace = 1, 1  # limited, BT.709: said, not guessed
        container.metadata.update(self._metadata)
        self._stream: VideoStream = stream
        return container

    def add(self, frame: Frame) -> None:
        """Append a frame, which comes after those before it."""
        if frame.size_wh != self.size_wh:
            raise VideoError(f"{self.path}: expected frames of {self.size_wh}, found one of {frame.size_wh}.")
        self._first_ms = frame.timestamp_ms if self._first_ms is None else self._first_ms
        ticks = round((frame.timestamp_ms - self._first_ms) * 90)
        if ticks <= self._last:
            raise VideoError(f"{self.path}: a frame at {frame.timestamp_ms:.1f} ms does not come after the last one.")
        width, height = self._even_wh
        picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.image_rgb[:height, :width]), format="rgb24")
        picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709")
        picture.pts, picture.time_base, self._last = ticks, _CLOCK, ticks
        self._write(picture)
        self.count += 1

    def _write(self, picture: av.VideoFrame | None) -> None:
        try:
            for packet in self._stream.encode(picture):
                self._container.mux(packet)
        except FFmpegError as error:
            raise OSError(error.errno, error.strerror) from error

    def discard(self) -> None:
        """End without a file."""
        dropped = VideoError(f"{self.path} was not kept.")
        self.__exit__(VideoError, dropped, None)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            try:
                if error is None:
                    self._finish()
            finally:
                self._close(quietly=error is not None)
        except (OSError, AdemanError) as late:
            self._whole.__exit__(type(late), late, late.__traceback__)
            raise
        self._whole.__exit__(kind, error, None)

    def _finish(self) -> None:
        if self._last < 0:
            raise VideoError(f"{self.path} was not recorded: no frame came.")
        self._write(None)

    def _close(self, *, quietly: bool) -> None:
        try:
            self._container.close()
        except FFmpegError as error:
            if not quietly:
                raise OSError(error.errno, error.strerror) from error
