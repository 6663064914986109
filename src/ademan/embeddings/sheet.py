"""A picture that shows what augmentation makes of a video, to see whether it could have been recorded as well."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ademan.embeddings.augment import FrameAugmenter, plain
from ademan.errors import ConfigError, VideoError
from ademan.files import written_whole
from ademan.video import Image

_INK, _PAPER = (28, 33, 40), (250, 250, 247)
_CELL, _GAP, _TITLE, _MARGIN = 192, 6, 24, 16  # pixels
_FRAMES = 5
_FONT, _LARGE, _SMALL = cv2.FONT_HERSHEY_SIMPLEX, 0.48, 0.32


def write_sheet(
    path: Path, frames: Sequence[Image], augmenter: FrameAugmenter, label: str = "", draws: int = 6, first: int = 0
) -> None:
    """Write a PNG of frames of one video: as they were recorded, and below as several draws change them.

    Above each row stands what was drawn for it; see `FrameAugmentation` for the words.

    Args:
        path: of the PNG.
        frames: of one video, in order; five of them are shown, evenly spread.
        augmenter: draws.
        label: class of the video, which may forbid to mirror it.
        draws: rows below the first one, 1 to 50.
        first: number of the first draw.

    Raises:
        VideoError: there is no frame.
        ConfigError: so many draws cannot be shown.
    """
    if not len(frames):
        raise VideoError(f"{path} was not written: there is no frame to show.")
    if not 1 <= draws <= 50:
        raise ConfigError(f"draws must be from 1 to 50, found {draws}.")
    places = sorted({round(at) for at in np.linspace(0, len(frames) - 1, _FRAMES)})
    shown = [frames[place] for place in places]
    size = augmenter.config.size
    rows = [_row("as recorded", [plain(frame, size) for frame in shown], places)]
    for number in range(first, first + draws):
        draw = augmenter.draw(label, number)
        title = f"draw {number}: {', '.join(draw.changes) or 'nothing changed'}"
        rows.append(_row(title, [draw(frame) for frame in shown], places))
    together = np.concatenate(rows)
    sheet = np.full((len(together) + _MARGIN, together.shape[1] + 2 * _MARGIN, 3), _PAPER, np.uint8)
    sheet[: len(together), _MARGIN:-_MARGIN] = together
    _, content = cv2.imencode(".png", np.ascontiguousarray(sheet[..., ::-1]))
    with written_whole(path) as beside:
        beside.write_bytes(content.tobytes())


def _row(title: str, pictures: Sequence[Image], places: Sequence[int]) -> Image:
    """Return a strip of the sheet: a title, and the pictures with the numbers of their frames."""
    width = _FRAMES * (_CELL + _GAP) - _GAP
    row = np.full((_TITLE + _CELL + _GAP, width, 3), _PAPER, np.uint8)
    cv2.putText(row, _ascii(title), (0, _TITLE - 7), _FONT, _LARGE, _INK, 1, cv2.LINE_AA)
    for k, (picture, place) in enumerate(zip(pictures, places, strict=True)):
        left = k * (_CELL + _GAP)
        row[_TITLE : _TITLE + _CELL, left : left + _CELL] = plain(picture, _CELL)
        _numbered(row[_TITLE : _TITLE + _CELL, left : left + _CELL], place)
    return row


def _numbered(cell: Image, place: int) -> None:
    """Write the number of a frame into the corner of its picture."""
    text = str(place)
    (width, height), _ = cv2.getTextSize(text, _FONT, _SMALL, 1)
    cell[: height + 6, : width + 6] = _PAPER
    cv2.putText(cell, text, (3, height + 3), _FONT, _SMALL, _INK, 1, cv2.LINE_AA)


def _ascii(text: str) -> str:
    """Return a text in letters that OpenCV's fonts have."""
    return text.encode("ascii", "replace").decode()
