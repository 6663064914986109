"""The sheet of augmented frames: a picture that shows recorded frames above changed ones."""

from pathlib import Path

import numpy as np
import pytest

from ademan.embeddings.augment import FrameAugmentation, FrameAugmenter, plain
from ademan.embeddings.sheet import write_sheet
from ademan.errors import ConfigError, VideoError
from ademan.video import Image
from ademan.video.folder import read_picture

pytest.importorskip("albumentations")

CONFIG = FrameAugmentation(relight=1.0, light=0.5, size=96)
OFF = FrameAugmentation(distort=0, relight=0, noise=0, blur=0, mirror=0, size=192)
ROW = 222  # pixels: a title, a picture and a gap


def frames(count: int) -> list[Image]:
    return [np.full((72, 128, 3), (10 * n, 200 - 10 * n, 90), np.uint8) for n in range(count)]


def read(path: Path) -> Image:
    image = read_picture(path)
    assert image is not None
    return image


def test_recorded_frames_stand_above_as_many_draws_as_asked_for(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.png", frames(20), FrameAugmenter(CONFIG), "wave", draws=3)
    image = read(tmp_path / "sheet.png")
    assert len(image) == 4 * ROW + 16
    middles = image[24 + 96, [16 + 96 + k * 198 for k in range(5)]]
    assert middles[:, 0].tolist() == [0, 50, 100, 140, 190]  # of the frames 0, 5, 10, 14 and 19
    changed = [image[row * ROW + 24 : row * ROW + 216] for row in range(4)]
    assert all(np.abs(changed[0].astype(int) - other).max() > 5 for other in changed[1:])


def test_without_any_change_all_rows_show_the_same(tmp_path: Path) -> None:
    write_sheet(tmp_path / "sheet.png", frames(5), FrameAugmenter(OFF), "wave", draws=2)
    image = read(tmp_path / "sheet.png")
    rows = [image[row * ROW + 24 : row * ROW + 216] for row in range(3)]
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])
    titles = [image[row * ROW : row * ROW + 24] for row in range(3)]
    assert (titles[1] != titles[0]).any()
    assert (titles[2] != titles[1]).any()


def test_a_draw_is_shown_as_it_is_applied(tmp_path: Path) -> None:
    augmenter = FrameAugmenter(FrameAugmentation(size=192))
    write_sheet(tmp_path / "sheet.png", frames(5), augmenter, "wave", draws=1, first=7)
    shown = read(tmp_path / "sheet.png")[ROW + 24 + 20 : ROW + 216, 16:208]
    np.testing.assert_array_equal(shown, augmenter.draw("wave", 7)(frames(5)[0])[20:])


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_few_frames_are_enough(tmp_path: Path, count: int) -> None:
    write_sheet(tmp_path / "sheet.png", frames(count), FrameAugmenter(CONFIG), "wäve", draws=1)
    image = read(tmp_path / "sheet.png")
    pale = [(image[24 + 96, 16 + 96 + k * 198] > 245).all() for k in range(5)]
    assert pale == [k >= count for k in range(5)]
    assert plain(frames(1)[0], 96).shape == (96, 96, 3)


def test_what_cannot_be_shown_says_why(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="there is no frame to show"):
        write_sheet(tmp_path / "sheet.png", [], FrameAugmenter(CONFIG))
    for draws in (0, 51):
        with pytest.raises(ConfigError, match="draws must be from 1 to 50"):
            write_sheet(tmp_path / "sheet.png", frames(1), FrameAugmenter(CONFIG), draws=draws)
    assert not list(tmp_path.iterdir())
