"""Folders of pictures, as video: `{video_id}_frame_{n}.jpg` grouped by video, or any pictures in natural order."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from math import gcd
from pathlib import Path

import cv2
import numpy as np

from ademan.errors import VideoError
from ademan.video.frame import Frame, Image
from ademan.video.note import read_note

PICTURE_SUFFIXES = frozenset(".jpg .jpeg .png .bmp .webp".split())
_FRAME = re.compile(r"(?P<video>.+)_frame_(?P<number>\d+)$")


class FrameFolder:
    """The pictures of a folder as the frames of one video.

    Pictures know no time, unless a note in them says it (note.py); else one follows the other at an even rate, by the
    numbers of their names if they are called `{video_id}_frame_{n}`. Pictures that are missing among these numbers,
    that cannot be read, that have a number twice, or are of another size than the first one, are passed over and named
    in `skipped`; their time passes.

    Args:
        path: the folder.
        fps: frames per second, where pictures do not say when they were taken.
        pictures: these, in this order; by default all of the folder, which must then be those of one video.
        every: give each n-th frame.

    Raises:
        VideoError: there is no such folder, no picture in it, or it holds several videos.
    """

    def __init__(
        self, path: Path | str, fps: float = 25.0, pictures: Sequence[Path] | None = None, every: int = 1
    ) -> None:
        self.path, self.fps, self.every = Path(path), fps, every
        self.pictures = tuple(pictures) if pictures is not None else _only_video(self.path)
        self.skipped: list[str] = []

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self.path)

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the first picture says of its video, as the tags of a video file: subject and session, if known."""
        note = read_note(self.pictures[0]) if self.pictures else {}
        return {name: value for name, value in note.items() if isinstance(value, str)}

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames.

        Raises:
            VideoError: not one of them can be read.
        """
        numbers = _numbers(self.pictures)
        times_ms = _times_ms(self.pictures) or [number * 1000.0 / self.fps for number in numbers]
        self.skipped, size_wh, last_ms = _gaps(self.pictures, numbers), None, -1.0
        for k in range(0, len(self.pictures), self.every):
            image = read_picture(self.pictures[k]) if times_ms[k] > last_ms else None
            frame = None if image is None else Frame(image, times_ms[k])
            if frame is None or size_wh not in (None, frame.size_wh):
                self.skipped.append(self.pictures[k].name)
                continue
            size_wh, last_ms = frame.size_wh, times_ms[k]
            yield frame
        if size_wh is None:
            raise VideoError(f"not one of the {len(self.pictures)} pictures in {self.path} can be read.")

    def close(self) -> None:
        """Nothing is held open."""


def grouped(folder: Path) -> dict[str, list[Path]]:
    """Return the pictures of each video in a folder, in order; pictures without a video's name are one of its own.

    "a_frame_2.jpg" comes before "a_frame_10.jpg". The group of pictures of other names is called after the folder.
    """
    groups: dict[str, list[Path]] = {}
    for picture in sorted(folder.iterdir(), key=lambda path: _natural(path.stem)) if folder.is_dir() else ():
        if picture.suffix.lower() in PICTURE_SUFFIXES and picture.is_file() and not picture.name.startswith("."):
            match = _FRAME.fullmatch(picture.stem)
            groups.setdefault(match["video"] if match else folder.resolve().name, []).append(picture)
    return groups


def read_picture(path: Path) -> Image | None:
    """Return a picture in RGB, upright as its EXIF tag says; None if it cannot be read."""
    try:
        content = np.fromfile(path, np.uint8)  # OpenCV itself cannot open every name on every system
        image = cv2.imdecode(content, cv2.IMREAD_COLOR) if len(content) else None
        return None if image is None else np.ascontiguousarray(image[..., ::-1], np.uint8)
    except (OSError, cv2.error):
        return None


def _numbers(pictures: Sequence[Path]) -> list[int]:
    """Return the place of each picture among the frames: by the numbers of their names, or else as they follow."""
    found = [_FRAME.fullmatch(picture.stem) for picture in pictures]
    numbers = [int(match["number"]) for match in found if match]
    steps = [b - a for a, b in pairwise(numbers)]
    if len(numbers) < len(pictures) or min(steps, default=0) < 0:
        return list(range(len(pictures)))
    step = gcd(*steps) or 1  # some programs number each fifth picture of a video 0, 5, 10
    return [(number - numbers[0]) // step for number in numbers]


def _gaps(pictures: Sequence[Path], numbers: Sequence[int]) -> list[str]:
    """Return the pictures that are missing among the others, each run of them as one text."""
    told = []
    for k, (a, b) in enumerate(pairwise(numbers)):
        if b - a > 1:
            before, after = pictures[k].stem, pictures[k + 1].stem
            told.append(f"{b - a - 1} between {before} and {after}")
    return told


def _times_ms(pictures: Sequence[Path]) -> list[float]:
    """Return when the pictures were taken, from the first one on; empty if one of them does not say it."""
    times: list[float] = []
    for picture in pictures:
        time_ms = read_note(picture).get("time_ms")
        if not isinstance(time_ms, int | float) or not time_ms < np.inf or (times and time_ms <= times[-1]):
            return []
        times.append(float(time_ms))
    return [time_ms - times[0] for time_ms in times]


def _only_video(folder: Path) -> tuple[Path, ...]:
    videos = grouped(folder)
    if not videos:
        raise VideoError(f"{folder} holds no picture ({', '.join(sorted(PICTURE_SUFFIXES))}).")
    if len(videos) > 1:
        raise VideoError(f"{folder} holds pictures of {len(videos)} videos ({', '.join(list(videos)[:3])}); name one.")
    return tuple(next(iter(videos.values())))


def _natural(text: str) -> list[tuple[int, str]]:
    """Return a sorting key by which numbers are sorted as numbers."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)]
