"""A picture that shows what each augmentation does to a clip, to see whether it could have been recorded as well."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ademan.augmentation.augment import Augmenter
from ademan.augmentation.config import OFF, Augmentation
from ademan.clip import Points
from ademan.files import written_whole
from ademan.skeleton import Skeleton

_INK, _PAPER, _GHOST, _FRAME = (28, 33, 40), (250, 250, 247), (205, 208, 213), (226, 226, 221)
_LEFT, _RIGHT, _MIDDLE = (0, 107, 164), (200, 82, 0), (74, 122, 44)  # told apart by colour-blind people too
_CELL, _GAP, _TITLE, _MARGIN = 104, 4, 22, 16  # pixels
_FRAMES, _COLUMNS, _TOGETHER = 5, 2, 5
_FINER = 3  # lines are drawn larger and made smaller: Pillow's have no soft edges
_DRAWS = 100  # of each strength alone, the one of these that changes most is shown


class _Strip(NamedTuple):
    """A row of frames: what it shows, and of whom."""

    title: str
    points: Points


def write_sheet(
    path: Path, points: Points, skeleton: Skeleton, augmentation: Augmentation, *, stretch: bool = False, seed: int = 0
) -> None:
    """Write a PNG of frames of a clip: under each strength alone, where it changes most, and under all together.

    The clip as it was recorded is drawn in grey below; left is blue, right orange.

    Args:
        path: of the PNG.
        points: (T, P, C) in square coordinates or metres, NaN where not seen, with a point that is seen.
        skeleton: its limbs are drawn.
        augmentation: the strengths; those that are zero are left out.
        stretch: see `Augmenter`.
        seed: of the draws.
    """
    augmentation = Augmenter(augmentation, skeleton, [""], stretch=stretch).augmentation
    strips = [_Strip("as recorded", points)]
    for field in fields(augmentation):
        strength = getattr(augmentation, field.name)
        if strength and field.name != "mix":
            augmenter = Augmenter(replace(OFF, **{field.name: strength}), skeleton, [""], stretch=stretch)
            strips.append(_Strip(f"{field.name} {strength:g}", _furthest(points, _drawn(points, augmenter, seed))))
    together = _drawn(points, Augmenter(augmentation, skeleton, [""], stretch=stretch), seed)
    strips += [_Strip(f"all together, draw {k + 1}", together[k].numpy()) for k in range(_TOGETHER)]
    with written_whole(path) as beside:
        _picture(strips, skeleton).quantize(64, dither=Image.Dither.NONE).save(beside, "PNG", optimize=True)


def _drawn(points: Points, augmenter: Augmenter, seed: int) -> Tensor:
    """Return (_DRAWS, T, P, C): the clip as so many draws change it."""
    batch = torch.from_numpy(points).repeat(_DRAWS, 1, 1, 1)
    labels = torch.zeros(_DRAWS, dtype=torch.int64)
    return augmenter(batch, labels, torch.Generator().manual_seed(seed))[0]


def _furthest(points: Points, draws: Tensor) -> Points:
    """Return the draw that differs most from the points in the frames that are shown."""
    shown = _shown(points)
    steps = (draws[:, shown] - torch.from_numpy(points)[shown]).abs()
    moved = steps.nanmean(dim=(1, 2, 3)).nan_to_num()
    lost = draws[:, shown].isnan().flatten(1).to(moved.dtype).mean(dim=1)
    least = 0.01 * float(np.nanstd(points))  # what moves says more than what is lost
    found: Points = draws[int((moved + least * lost).argmax())].numpy()
    return found


def _shown(points: Points) -> list[int]:
    """Return which frames are shown: evenly over the middle half."""
    last = len(points) - 1
    return [round(at) for at in np.linspace(last / 4, 3 * last / 4, _FRAMES)]


def _picture(strips: Sequence[_Strip], skeleton: Skeleton) -> Image.Image:
    rows = -(-len(strips) // _COLUMNS)
    width = _FRAMES * (_CELL + _GAP) - _GAP
    size_wh = (_COLUMNS * (width + _MARGIN) + _MARGIN, rows * (_TITLE + _CELL + _GAP) + _MARGIN)
    image = Image.new("RGB", size_wh, _PAPER)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(13)
    recorded = strips[0].points
    low, scale = _view(recorded)
    for k, strip in enumerate(strips):
        column, row = divmod(k, rows)
        left, top = _MARGIN + column * (width + _MARGIN), row * (_TITLE + _CELL + _GAP)
        draw.text((left, top + _TITLE - 4), strip.title, fill=_INK, font=font, anchor="ls")
        for place, frame in enumerate(_shown(recorded)):
            before, after = ((points[frame, :, :2] - low) * scale for points in (recorded, strip.points))
            image.paste(_cell(before, after, skeleton), (left + place * (_CELL + _GAP), top + _TITLE))
    return image


def _view(points: Points) -> tuple[Points, float]:
    """Return the corner of what cells show, and their pixels a unit: the middle half of the clip, and some room."""
    shown = points[_shown(points), :, :2].reshape(-1, 2)
    low, high = np.nanmin(shown, axis=0), np.nanmax(shown, axis=0)
    side = 1.35 * float((high - low).max()) or 1.0
    return (low + high) / 2 - side / 2, _FINER * _CELL / side


def _cell(before: Points, after: Points, skeleton: Skeleton) -> Image.Image:
    """Return one frame: points (P, 2) in fine pixels, as they were in grey, and as they are above it."""
    image = Image.new("RGB", (_FINER * _CELL, _FINER * _CELL), (255, 255, 255))
    draw = ImageDraw.Draw(image)
    for points, ghost in ((before, True), (after, False)):
        for a, b in skeleton.limbs:
            ends = points[[a, b]]
            if np.isfinite(ends).all():
                colour = _GHOST if ghost else _colour(skeleton.points[a])
                draw.line([tuple(end) for end in ends.tolist()], fill=colour, width=2 * _FINER)
    draw.rectangle((0, 0, _FINER * _CELL - 1, _FINER * _CELL - 1), outline=_FRAME, width=_FINER)
    return image.reduce(_FINER)


def _colour(point: str) -> tuple[int, int, int]:
    return _LEFT if point.startswith("left") else _RIGHT if point.startswith("right") else _MIDDLE
