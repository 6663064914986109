"""Video files by PyAV: upright RGB pictures, each with its own time."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.reformatter import Colorspace
from av.video.stream import VideoStream

from ademan.errors import VideoError
from ademan.video.colour import TRANSFERS, to_sdr
from ademan.video.frame import Frame, Image

VIDEO_SUFFIXES = frozenset(".mp4 .m4v .mov .avi .webm .mkv .mpg .mpeg .wmv .flv .3gp .gif .ts".split())
LARGEST_SIDE = 8192
"""Pixels of a picture's side, at most: beyond, a small file may be made to fill the memory."""
_HD_HEIGHT = 720  # from here on, a video that does not name its matrix uses BT.709's, below BT.601's
_UNNAMED = (0, 2)  # AVCOL_SPC_RGB, which no YUV picture can be, and AVCOL_SPC_UNSPECIFIED
_BT2020 = (9, 10)  # swscale knows the matrix without constant luminance (9); files that say 10 hardly ever mean it
_TURNS = {1: cv2.ROTATE_90_COUNTERCLOCKWISE, 2: cv2.ROTATE_180, 3: cv2.ROTATE_90_CLOCKWISE}

av.logging.set_level(av.logging.PANIC)  # what is wrong with a file is said by our errors


class VideoFile:
    """The frames of a video file; each pass through it begins anew.

    Times are the file's own, from the first frame on, whatever its frame rate does. A frame whose time does not rise
    is passed over, and one without a time is taken to follow at the average rate.

    Args:
        path: of any kind that FFmpeg reads.
        every: give each n-th frame.

    Raises:
        VideoError: it is missing, empty, damaged from the start, or no video.
    """

    def __init__(self, path: Path | str, every: int = 1) -> None:
        self.path, self.every = Path(path), every
        self._closed = False
        with self._opened() as container:
            head = _head(_video(container, self.path))
            self.metadata: Mapping[str, str] = dict(container.metadata)
        self.fps, self.size_wh, self.duration_ms, self.count = head

    @property
    def name(self) -> str:
        """The file's path."""
        return str(self.path)

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames.

        Raises:
            VideoError: the file is cut short or damaged; says how many frames came before.
        """
        self._closed = False
        with self._opened() as container:
            yield from self._frames(container)

    def close(self) -> None:
        """End a pass that goes on, before its next frame; another thread may do so, too."""
        self._closed = True

    def _opened(self) -> InputContainer:
        if not self.path.is_file():
            raise VideoError(f"there is no video {self.path}.")
        if not self.path.stat().st_size:
            raise VideoError(f"{self.path} is empty: nothing was recorded, or it was not copied. Copy it again.")
        try:
            # By its name alone "x:y.mp4" would be an address.
            return av.open(f"file:{os.fspath(self.path)}", metadata_errors="replace")
        except (FFmpegError, ValueError) as error:
            raise VideoError(f"{self.path} is no video, or its beginning is damaged: {_why(error)}.") from error

    def _frames(self, container: InputContainer) -> Iterator[Frame]:
        stream = _video(container, self.path)
        stream.thread_type = "NONE"  # on few cores, threads of the decoder only get in the way of each other
        given, first_ms, last_ms = 0, None, -np.inf
        step_ms = 1000.0 / (self.fps or 25.0)
        try:
            for number, picture in enumerate(container.decode(stream)):
                if self._closed:
                    return
                now_ms = last_ms + step_ms if picture.time is None else picture.time * 1000.0
                first_ms = (0.0 if np.isinf(now_ms) else now_ms) if first_ms is None else first_ms
                now_ms = max(now_ms, first_ms)
                if now_ms <= last_ms and given:
                    continue
                last_ms, given = now_ms, given + 1
                if number % self.every == 0:
                    yield Frame(_upright(picture, stream), now_ms - first_ms)
        except (FFmpegError, ValueError, MemoryError) as error:
            raise self._cut(given, _why(error)) from error
        self._check_whole(given, (last_ms - (first_ms or 0.0)) + 1.5 * step_ms)

    def _check_whole(self, given: int, until_ms: float) -> None:
        """Refuse a file that ends well before its head says; decoders pass over what is missing without a word."""
        if not given:
            raise VideoError(f"{self.path} has no picture that can be read. Record or copy it again.")
        # Both must fall short: some heads count frames that are never shown, others round the duration up.
        short = self.count is not None and given < 0.9 * self.count - 2
        if short and self.duration_ms is not None and until_ms < 0.9 * self.duration_ms - 100:
            raise self._cut(given, f"its head promises {self.count} frames, {self.duration_ms / 1000:.1f} s")

    def _cut(self, given: int, why: str) -> VideoError:
        return VideoError(f"{self.path} is cut short or damaged after {given} frames: {why}. Copy or record it again.")


def _video(container: InputContainer, path: Path) -> VideoStream:
    """Return the video of a file that may hold sound, too.

    Raises:
        VideoError: it has none, or none of a possible size.
    """
    if not container.streams.video:
        raise VideoError(f"{path} has no picture, only {', '.join(s.type for s in container.streams) or 'nothing'}.")
    stream = container.streams.video[0]
    width, height = stream.codec_context.width, stream.codec_context.height
    if not min(width, height) > 0 or max(width, height) > LARGEST_SIDE:
        raise VideoError(
            f"{path} has pictures of {width} x {height} pixels; expected 1 to {LARGEST_SIDE} a side. "
            "It is damaged, or must be made smaller first."
        )
    return stream


def _head(stream: VideoStream) -> tuple[float | None, tuple[int, int], float | None, int | None]:
    """Return frames per second, width and height as stored, duration in milliseconds and number of frames."""
    fps = float(stream.average_rate) if stream.average_rate else None
    ms = None
    if stream.duration is not None and stream.time_base is not None:
        ms = float(stream.duration * stream.time_base) * 1000.0
    return fps, (stream.codec_context.width, stream.codec_context.height), ms, stream.frames or None


def _upright(picture: av.VideoFrame, stream: VideoStream) -> Image:
    """Return a decoded picture in RGB, upright, with square pixels."""
    image = _rgb(picture)
    aspect = stream.sample_aspect_ratio
    if aspect and aspect != 1:
        wide = max(1, min(LARGEST_SIDE, round(picture.width * float(aspect))))
        image = np.asarray(cv2.resize(image, (wide, picture.height), interpolation=cv2.INTER_AREA), np.uint8)
    turns = round(picture.rotation / 90) % 4  # degrees, counterclockwise
    return np.ascontiguousarray(cv2.rotate(image, _TURNS[turns]) if turns else image, np.uint8)


def _rgb(picture: av.VideoFrame) -> Image:
    matrix = None
    if picture.colorspace in _BT2020:
        picture.colorspace = _BT2020[0]
    elif picture.colorspace in _UNNAMED and picture.height >= _HD_HEIGHT:
        matrix = Colorspace.ITU709
    image = np.asarray(picture.to_ndarray(format="rgb24", src_colorspace=matrix), np.uint8)
    return to_sdr(image, picture.color_trc) if picture.color_trc in TRANSFERS else image


def _why(error: BaseException) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
