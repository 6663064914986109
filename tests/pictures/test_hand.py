"""The crop of a hand: which hand, how large, which way up."""

from pathlib import Path

import numpy as np

from ademan.clip import Points
from ademan.landmarks.litert.region import Region
from ademan.pictures import HandCrops, PictureConfig, as_picture
from ademan.pictures.hand import LONGEST, cut
from ademan.skeleton import BUILT_IN, Skeleton, picture_rows
from ademan.video import Frame
from ademan.video.folder import read_picture


class Found:
    """A landmarker that finds what it is told, frame by frame."""

    def __init__(self, *frames: dict[str, tuple[float, float, float]]) -> None:
        self.frames, self.at, self.resets, self.closed = frames, 0, 0, False

    @property
    def skeleton(self) -> Skeleton:
        return BUILT_IN["hands"]

    def find(self, frame: Frame) -> Points:
        assert frame.image_rgb.ndim == 3
        points = np.full((42, 3), np.nan, np.float32)
        for side, (x, y, size) in self.frames[min(self.at, len(self.frames) - 1)].items():
            begin = 0 if side == "left" else 21
            hand = np.random.default_rng(3).uniform(-0.5, 0.5, (21, 3))
            hand[:4, :2] = [[-0.5, -0.5], [0.5, 0.5], [0.5, -0.5], [-0.5, 0.5]]
            points[begin : begin + 21] = hand * size + [x, y, 0]
        self.at += 1
        return points

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed = True


def ramp(width: int = 200, height: int = 100) -> Frame:
    """Red says the column, green the row: half a level a pixel across, one down."""
    x, y = np.meshgrid(np.arange(width) / 2, np.arange(height))
    return Frame(np.stack([x, y, 0 * x], axis=2).astype(np.uint8), 0.0)


def crops(found: Found, **options: object) -> HandCrops:
    return HandCrops(PictureConfig(size=32, colours=3, margin=0.1, **options), found)  # type: ignore[arg-type]


def middle(values: Points) -> tuple[float, float]:
    """Column and row of `ramp` in the middle of a crop."""
    picture = as_picture(values)[15:17, 15:17].reshape(-1, 3).mean(axis=0)
    return 2 * float(picture[0]), float(picture[1])


def test_the_crop_is_around_the_hand_with_its_margin() -> None:
    values = crops(Found({"right": (1.2, 0.5, 0.4)})).find(ramp())
    assert values.shape == (32, 96)
    np.testing.assert_allclose(middle(values), (120, 50), atol=2)
    picture = as_picture(values).astype(float)
    rows = picture[-1, 16, 1] - picture[0, 16, 1]
    np.testing.assert_allclose(rows, 40 * 1.2 * 31 / 32, atol=2.5)


def test_the_rows_are_named_by_the_skeleton() -> None:
    assert crops(Found({})).skeleton == picture_rows(32)


def test_without_a_hand_nothing_is_seen() -> None:
    assert np.isnan(crops(Found({})).find(ramp())).all()


def test_the_larger_of_two_hands_is_taken() -> None:
    values = crops(Found({"left": (0.4, 0.5, 0.2), "right": (1.4, 0.5, 0.3)})).find(ramp())
    np.testing.assert_allclose(middle(values), (140, 50), atol=2)


def test_the_hand_that_was_taken_is_taken_again_until_the_other_is_clearly_larger() -> None:
    left = (0.4, 0.5, 0.3)
    cutter = crops(
        Found({"left": left}, {"left": left, "right": (1.4, 0.5, 0.33)}, {"left": left, "right": (1.4, 0.5, 0.45)})
    )
    columns = [middle(cutter.find(ramp()))[0] for _ in range(3)]
    np.testing.assert_allclose(columns, (40, 40, 140), atol=3)


def test_after_a_reset_the_larger_one_is_taken_again() -> None:
    left, right = (0.4, 0.5, 0.3), (1.4, 0.5, 0.33)
    found = Found({"left": left}, {"left": left, "right": right})
    cutter = crops(found)
    cutter.find(ramp())
    cutter.reset()
    assert found.resets == 1
    np.testing.assert_allclose(middle(cutter.find(ramp()))[0], 140, atol=3)


def test_a_close_up_without_a_hand_is_taken_whole() -> None:
    values = crops(Found({}), close_up=200).find(ramp())
    np.testing.assert_allclose(middle(values), (100, 50), atol=3)
    assert np.isnan(crops(Found({}), close_up=199).find(ramp())).all()


def test_a_speck_in_a_close_up_is_no_hand() -> None:
    values = crops(Found({"left": (0.3, 0.3, 0.1)}), close_up=200).find(ramp())
    np.testing.assert_allclose(middle(values), (100, 50), atol=3)


def test_an_upright_crop_turns_with_the_hand() -> None:
    hand = Found({"left": (1.0, 0.5, 0.4)})
    points = hand.find(ramp())
    points[0, :2], points[9, :2] = (0.8, 0.5), (1.2, 0.5)  # the hand lies on its side, fingers to the right

    class Lying(Found):
        def find(self, frame: Frame) -> Points:
            assert frame.size_wh == (200, 100)
            return points

    picture = as_picture(crops(Lying(), upright=True).find(ramp())).astype(float)
    assert picture[0, 16, 0] > picture[-1, 16, 0] + 10  # right in the picture is up in the crop
    plain = as_picture(crops(Lying()).find(ramp())).astype(float)
    assert abs(plain[0, 16, 0] - plain[-1, 16, 0]) < 2


def test_pixels_that_fall_together_are_averaged() -> None:
    stripes = np.zeros((320, 320, 3), np.uint8)
    stripes[:, ::2] = 200
    crop = cut(stripes, Region.whole(stripes), 32)
    np.testing.assert_allclose(crop, 100, atol=2)


def test_grey_and_coloured_crops_show_the_same() -> None:
    hand = {"right": (1.2, 0.5, 0.4)}
    coloured = crops(Found(hand)).find(ramp())
    grey = HandCrops(PictureConfig(size=32, margin=0.1), Found(hand)).find(ramp())
    red, green = coloured[:, 0::3], coloured[:, 1::3]
    np.testing.assert_allclose(grey, 0.299 * red + 0.587 * green, atol=1)


def test_large_frames_are_brought_down_first() -> None:
    seen = []

    class Sees(Found):
        def find(self, frame: Frame) -> Points:
            seen.append(frame.size_wh)
            return super().find(frame)

    crops(Sees({})).find(Frame(np.zeros((1080, 1920, 3), np.uint8), 0.0))
    assert seen == [(LONGEST, 540)]


def test_closing_lets_go_of_the_landmarker() -> None:
    found = Found({})
    crops(found).close()
    assert found.closed


def test_hands_are_found_in_real_photos(real_data: Path) -> None:
    cutter = HandCrops(PictureConfig(close_up=100))
    found = 0
    for photo in sorted((real_data / "hand-photos" / "digits" / "5").glob("*.jpg"))[:10]:
        image = read_picture(photo)
        assert image is not None
        cutter.reset()
        values = cutter.find(Frame(image, 0.0))
        assert np.nanstd(values) > 15
        found += not np.isnan(values).any()
    assert found == 10
