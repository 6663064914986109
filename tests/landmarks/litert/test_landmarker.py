"""Points of real pictures, by the networks themselves."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from ademan.clip import Points
from ademan.landmarks.landmarker import SKELETONS, LandmarkConfig, Landmarks
from ademan.landmarks.litert import LitertLandmarker
from ademan.video.frame import Frame
from tests.landmarks.conftest import Photo

Open = Callable[..., LitertLandmarker]
LEFT, RIGHT = slice(0, 21), slice(21, 42)


@pytest.fixture
def open_one(model_files: Path) -> Iterator[Open]:
    opened: list[LitertLandmarker] = []

    def call(landmarks: Landmarks = "hands", **options: float) -> LitertLandmarker:
        opened.append(LitertLandmarker(LandmarkConfig(landmarks, **options)))  # type: ignore[arg-type]
        return opened[-1]

    yield call
    for landmarker in opened:
        landmarker.close()


@pytest.mark.parametrize("landmarks", get_args(Landmarks))
@pytest.mark.parametrize("size_wh", [(640, 480), (10, 2000), (2000, 10), (1, 1)])
def test_nothing_is_found_in_grey_noise(
    landmarks: Landmarks, size_wh: tuple[int, int], open_one: Open, rng: np.random.Generator
) -> None:
    landmarker = open_one(landmarks)
    for i in range(3):
        grey = rng.integers(0, 256, (size_wh[1], size_wh[0], 1), np.uint8)
        points = landmarker.find(Frame(np.repeat(grey, 3, axis=2), 40.0 * i))
        assert points.shape == (len(SKELETONS[landmarks]), 3)
        assert np.isnan(points).all()


def test_a_hand_that_is_followed_is_where_one_that_is_found_anew_is(open_one: Open, photo: Photo) -> None:
    """The picture moves, turns and grows; whether a hand is followed or searched for should not matter."""
    followed, anew, image = open_one(), open_one(), photo("1f5fb137")
    for i in range(12):
        frame = Frame(np.ascontiguousarray(np.roll(image, (3 * i, -4 * i), axis=(0, 1))), 33.0 * i)
        anew.reset()
        one, other = followed.find(frame), anew.find(frame)
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
        np.testing.assert_allclose(one[RIGHT, :2], other[RIGHT, :2], atol=0.02)


def test_what_is_followed_in_a_film_is_what_is_found_anew(open_one: Open, webcam: list[Frame]) -> None:
    followed, anew = open_one("pose"), open_one("pose")
    distances = []
    for frame in webcam:
        anew.reset()
        distances.append(np.linalg.norm(followed.find(frame)[:, :2] - anew.find(frame)[:, :2], axis=1))
    assert np.nanmedian(distances) < 0.02


def test_sides_of_hands_in_holistic_are_those_of_the_bodys_wrists(open_one: Open, photo: Photo) -> None:
    landmarker = open_one("holistic", visibility=0.3)
    skeleton = landmarker.skeleton
    for name in ("1f5fb137", "116292ef", "09a619ab"):
        landmarker.reset()
        points = landmarker.find(Frame(photo(name), 0.0))
        wrist = points[skeleton.index("right_wrist"), :2]
        hand = points[33 + 21 : 33 + 42]
        assert np.isnan(points[33 : 33 + 21]).all()
        assert np.linalg.norm(hand[0, :2] - wrist) < 0.1


def test_body_points_that_are_hidden_are_missing(open_one: Open, webcam: list[Frame]) -> None:
    seen = [missing(open_one("pose", visibility=least).find(webcam[0])) for least in (0.0, 0.5, 0.9, 1.0)]
    assert seen[0] == 0
    assert seen == sorted(seen)
    assert 0 < seen[1] < seen[3]
    assert missing(open_one("pose", visibility=0.5).find(webcam[0])[:13]) == 0  # face and shoulders


def missing(points: Points) -> int:
    return int(np.isnan(points).any(axis=1).sum())


def test_two_threads_find_the_same_points(model_files: Path, photo: Photo) -> None:
    one, two = (LitertLandmarker(LandmarkConfig("holistic"), threads) for threads in (1, 2))
    frame = Frame(photo("116292ef"), 0.0)
    np.testing.assert_allclose(one.find(frame), two.find(frame), atol=1e-3)
