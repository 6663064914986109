"""Hands drawn with dots in a terminal, and with lines in an animation."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ademan.clip import Points
from ademan.files import written_whole
from ademan.skeleton import Skeleton

_BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # bits of Unicode's braille cells, row by column
_INK, _PAPER, _SOFT, _ACCENT = (28, 33, 40), (250, 250, 247), (150, 155, 165), (0, 107, 164)
_LEFT, _RIGHT = (0, 107, 164), (200, 82, 0)  # told apart by colour-blind people too


def dots(points: Points, skeleton: Skeleton, columns: int, rows: int, aspect: float) -> str:
    """Return a frame as lines of braille characters.

    Args:
        points: (P, C) in square coordinates, NaN where not seen.
        skeleton: its limbs are drawn.
        columns: of the text.
        rows: of the text.
        aspect: width of the picture divided by its height; what is outside is not drawn.
    """
    cells = np.zeros((rows, columns), np.int64)
    height, width = 4 * rows, 2 * columns
    scale = min(height, width / aspect)
    for start, end in limbs(points, skeleton):
        for share in np.linspace(0, 1, 24):
            x, y = ((start + (end - start) * share) * scale).astype(int)
            if 0 <= x < min(width, aspect * scale) and 0 <= y < min(height, scale):
                cells[y // 4, x // 2] |= _DOTS[y % 4][x % 2]
    return "\n".join("".join(chr(_BRAILLE + cell) for cell in row) for row in cells)


def limbs(points: Points, skeleton: Skeleton) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Yield both ends, (x, y) each, of the limbs whose ends are seen."""
    for a, b in skeleton.limbs:
        start, end = points[a, :2], points[b, :2]
        if np.isfinite(start).all() and np.isfinite(end).all():
            yield start, end


def picture(
    points: Points,
    skeleton: Skeleton,
    aspect: float,
    shares: Sequence[tuple[str, float]],
    said: str,
    height: int = 300,
) -> Image.Image:
    """Return a frame of the animation: hands, a bar for each label, and what was recognised last.

    Args:
        points: (P, C) in square coordinates.
        skeleton: its limbs are drawn; the first half of its points in one colour, the others in another.
        aspect: width of the picture divided by its height.
        shares: label and probability of each bar.
        said: the line below.
        height: of the picture in pixels.
    """
    width = int(height * aspect)
    image = Image.new("RGB", (width + 190, height + 34), _PAPER)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width, height), fill=(255, 255, 255), outline=_SOFT)
    for a, b in skeleton.limbs:
        ends = points[[a, b], :2] * height
        if np.isfinite(ends).all():
            draw.line([tuple(end) for end in ends.tolist()], fill=_LEFT if a < len(skeleton) // 2 else _RIGHT, width=3)
    for k, (label, share) in enumerate(shares):
        top = 14 + k * 36
        draw.text((width + 16, top), label, fill=_INK)
        draw.rectangle((width + 16, top + 15, width + 176, top + 23), fill=(230, 230, 226))
        draw.rectangle((width + 16, top + 15, width + 16 + int(160 * share), top + 23), fill=_ACCENT)
    draw.text((10, height + 12), said, fill=_INK)
    return image


def write_animation(path: Path, pictures: Sequence[Image.Image], frame_ms: int) -> None:
    """Write pictures as an animated GIF that repeats, whole or not at all."""
    with written_whole(path) as beside:
        reduced = [image.quantize(24, dither=Image.Dither.NONE) for image in pictures]
        reduced[0].save(beside, "GIF", save_all=True, append_images=reduced[1:], duration=frame_ms, loop=0)
