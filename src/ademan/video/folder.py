"""Folders of pictures, as video: `{video_id}_frame_{n}.jpg` grouped by video, or any pictures in natural order."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from ademan.errors import VideoError
from ademan.video.frame import Frame, Image

PICTURE_SUFFIXES = frozenset(".jpg .jpeg .png .bmp .webp".split())
_FRAME = re.compile(r"(?P<video>.+)_frame_(?P<number>\d+)$")


class FrameFolder:
    """The pictures of a folder as the frames of one video.

    Pictures that cannot be read, or are of another size than the first one, are passed over and named in `skipped`;
    their time passes.

    Args:
        path: the folder.
        fps: frames per second: pictures know no time.
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

    def __iter__(self) -> Iterator[Frame]:
        """Give the frames.

        Raises:
            VideoError: not one of them can be read.
        """
        self.skipped, size_wh = [], None
        for number in range(0, len(self.pictures), self.every):
            image = read_picture(self.pictures[number])
            frame = None if image is None else Frame(image, number * 1000.0 / self.fps)
            if frame is None or size_wh not in (None, frame.size_wh):
                self.skipped.append(self.pictures[number].name)
                continue
            size_wh = frame.size_wh
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


def _only_video(folder: Path) -> tuple[Path, ...]:
    videos = grouped(folder)
    if not videos:
        raise VideoError(f"{folder} holds no picture ({', '.join(sorted(PICTURE_SUFFIXES))}).")
    if len(videos) > 1:
        raise VideoError(f"{folder} holds pictures of {len(videos)} videos ({', '.join(list(videos)[:3])}); name one.")
    return tuple(next(iter(videos.values())))


def _natural(text: str) -> list[tuple[int, str]]:
    """Return a sorting key by which numbers are sorted as numbers."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text)]
