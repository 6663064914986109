from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ademan.augmentation import OFF, Augmentation
from ademan.augmentation.sheet import write_sheet
from ademan.clip import Points
from ademan.skeleton import skeleton
from tests.augmentation.made import batch

_GREY, _BLUE, _ORANGE = (205, 208, 213), (0, 107, 164), (200, 82, 0)


def clip(name: str = "hands", channels: int = 3) -> Points:
    points: Points = batch(name, channels, missing=0.0)[0].numpy()
    return points


def picture(path: Path, points: Points, strengths: Augmentation, name: str = "hands") -> Image.Image:
    write_sheet(path, points, skeleton(name), strengths)
    with Image.open(path) as image:
        return image.convert("RGB")


def colours(image: Image.Image) -> set[tuple[int, ...]]:
    """Return the colours of more than a few pixels, in steps of 8: a palette rounds."""
    found = image.getcolors(image.width * image.height) or []
    return {tuple(round(value / 8) for value in colour) for count, colour in found if count > 20}  # type: ignore[union-attr]


def shown(colour: tuple[int, int, int], image: Image.Image) -> bool:
    return tuple(round(value / 8) for value in colour) in colours(image)


def test_each_strength_that_is_not_zero_has_its_row(tmp_path: Path, kind: tuple[str, int]) -> None:
    path, points = tmp_path / "sheet.png", clip(*kind)
    heights = [picture(path, points, replace(OFF, mirror=m, scale=s), kind[0]).height for m, s in ((0, 0), (1, 0.5))]
    assert heights[1] > heights[0]
    assert path.stat().st_size < 200_000


def test_the_clip_as_it_was_is_grey_and_its_hands_have_their_colours(tmp_path: Path) -> None:
    still = picture(tmp_path / "still.png", clip(), OFF)
    assert shown(_BLUE, still)
    assert shown(_ORANGE, still)
    assert not shown(_GREY, still)  # it is covered by itself
    assert shown(_GREY, picture(tmp_path / "moved.png", clip(), replace(OFF, shift=0.3)))


def test_what_is_not_seen_is_not_drawn(tmp_path: Path) -> None:
    points = clip()
    points[:, :21] = np.nan
    image = picture(tmp_path / "sheet.png", points, replace(OFF, rotate_deg=40))
    assert shown(_ORANGE, image)
    assert not shown(_BLUE, image)


def test_the_same_seed_gives_the_same_sheet(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png")]
    for path, seed in zip(paths, (1, 1, 2), strict=True):
        write_sheet(path, clip(), skeleton("hands"), Augmentation(), seed=seed)
    first, second, other = (path.read_bytes() for path in paths)
    assert first == second != other


@pytest.mark.parametrize("frames", [1, 3])
def test_clips_of_a_few_frames_have_a_sheet_too(tmp_path: Path, frames: int) -> None:
    assert shown(_BLUE, picture(tmp_path / "sheet.png", clip()[:frames], Augmentation()))
