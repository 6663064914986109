"""What must hold for every landmarker, whatever runs the networks."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from ademan.clip import Points
from ademan.landmarks import LandmarkConfig, Landmarker, open_landmarker
from ademan.landmarks.landmarker import SKELETONS, Backend, Landmarks
from ademan.skeleton import Skeleton
from ademan.video.frame import Frame, Image
from tests.landmarks.conftest import Photo

RIGHT_HANDS = ("1f5fb137", "116292ef", "09a619ab")
"""Photos, landscape and portrait, of people who face the camera and show their right hand, as can be seen."""
LEFT, RIGHT = slice(0, 21), slice(21, 42)
Open = Callable[..., Landmarker]


@pytest.fixture(params=get_args(Backend))
def open_one(request: pytest.FixtureRequest, model_files: Path) -> Iterator[Open]:
    """Open a landmarker of one backend; it is closed when the test ends."""
    opened: list[Landmarker] = []
    if request.param == "mediapipe":
        pytest.importorskip("mediapipe")

    def call(landmarks: Landmarks = "hands", **options: float) -> Landmarker:
        opened.append(open_landmarker(LandmarkConfig(landmarks, request.param, **options)))  # type: ignore[arg-type]
        return opened[-1]

    yield call
    for landmarker in opened:
        landmarker.close()


def mirrored(points: Points, width_over_height: float, skeleton: Skeleton) -> Points:
    mirror = points[list(skeleton.mirror)].copy()
    mirror[:, 0] = width_over_height - mirror[:, 0]
    return mirror


def flipped(image: Image) -> Image:
    return np.ascontiguousarray(image[:, ::-1])


def found(landmarker: Landmarker, *images: Image) -> NDArray[np.float32]:
    """Return (N, P, 3): the points of pictures that have nothing to do with each other."""
    points = []
    for image in images:
        landmarker.reset()
        points.append(landmarker.find(Frame(image, 0.0)))
    return np.stack(points)


@pytest.mark.parametrize("landmarks", get_args(Landmarks))
@pytest.mark.parametrize("size_wh", [(64, 48), (48, 64), (1, 1), (300, 2), (2, 300)])
def test_nothing_is_found_in_a_picture_of_nothing(
    landmarks: Landmarks, size_wh: tuple[int, int], open_one: Open
) -> None:
    landmarker = open_one(landmarks)
    assert landmarker.skeleton == SKELETONS[landmarks]
    for shade, time_ms in ((0, 0.0), (255, 40.0)):
        points = landmarker.find(Frame(np.full((size_wh[1], size_wh[0], 3), shade, np.uint8), time_ms))
        assert points.dtype == np.float32
        assert points.shape == (len(landmarker.skeleton), 3)
        assert np.isnan(points).all()


def test_a_right_hand_is_a_right_hand_and_is_whole(open_one: Open, photo: Photo) -> None:
    landmarker = open_one()
    for name in RIGHT_HANDS:
        image = photo(name)
        (points,) = found(landmarker, image)
        assert np.isnan(points[LEFT]).all()
        assert np.isfinite(points[RIGHT]).all()
        assert points[RIGHT, :2].min() > -0.05
        assert (points[RIGHT, :2] < np.array([image.shape[1] / image.shape[0], 1.0]) + 0.05).all()


@pytest.mark.parametrize("name", RIGHT_HANDS)
def test_the_points_of_the_mirrored_picture_are_the_mirrored_points(name: str, open_one: Open, photo: Photo) -> None:
    landmarker, image = open_one(), photo(name)
    points, of_mirror = found(landmarker, image, flipped(image))
    back = mirrored(of_mirror, image.shape[1] / image.shape[0], landmarker.skeleton)
    np.testing.assert_array_equal(np.isnan(points), np.isnan(back))
    np.testing.assert_allclose(points[:, :2], back[:, :2], atol=0.03)


def test_a_bodys_points_are_mirrored_with_the_picture(open_one: Open, webcam: list[Frame]) -> None:
    landmarker, image = open_one("pose", visibility=0.0), webcam[0].image_rgb
    points, of_mirror = found(landmarker, image, flipped(image))
    back = mirrored(of_mirror, image.shape[1] / image.shape[0], landmarker.skeleton)
    shoulders = [landmarker.skeleton.index(f"{side}_shoulder") for side in ("left", "right")]
    assert points[shoulders[0], 0] > points[shoulders[1], 0]  # the left one of somebody who faces the camera
    np.testing.assert_allclose(points[:13, :2], back[:13, :2], atol=0.06)


@pytest.mark.parametrize("landmarks", get_args(Landmarks))
def test_room_beside_a_picture_moves_no_point(landmarks: Landmarks, open_one: Open, photo: Photo) -> None:
    """The unit is the height of the picture, in both directions."""
    landmarker, image = open_one(landmarks), photo(RIGHT_HANDS[1])
    wider = np.concatenate([image, np.zeros_like(image[:, :100])], axis=1)
    points, with_room = found(landmarker, image, wider)
    seen = np.isfinite(points).all(axis=1) & np.isfinite(with_room).all(axis=1)
    assert seen.sum() >= 21
    assert np.median(np.abs(points - with_room)[seen, :2]) < 0.02


@pytest.mark.parametrize("landmarks", get_args(Landmarks))
def test_after_a_reset_nothing_is_left_of_what_came_before(
    landmarks: Landmarks, open_one: Open, photo: Photo, webcam: list[Frame]
) -> None:
    used, fresh = open_one(landmarks), open_one(landmarks)
    for time_ms in (0.0, 40.0, 80.0):
        used.find(Frame(photo(RIGHT_HANDS[0]), 1e6 + time_ms))
    used.reset()
    for frame in webcam[:4]:
        np.testing.assert_array_equal(used.find(frame), fresh.find(frame))


def test_a_hand_is_followed(open_one: Open, photo: Photo) -> None:
    landmarker, image = open_one(), photo(RIGHT_HANDS[0])
    first = landmarker.find(Frame(image, 0.0))
    for step in range(1, 6):
        moved = landmarker.find(Frame(np.roll(image, 4 * step, axis=1), 33.0 * step))
        shift = 4 * step / len(image)
        np.testing.assert_allclose(moved[RIGHT, 0], first[RIGHT, 0] + shift, atol=0.05)
        np.testing.assert_allclose(moved[RIGHT, 1], first[RIGHT, 1], atol=0.05)


@pytest.mark.parametrize("name", RIGHT_HANDS)
def test_a_hand_is_at_the_wrist_of_its_own_side(name: str, open_one: Open, photo: Photo) -> None:
    """The body, of which the face shows the sides, says the same of left and right as the hands alone do."""
    body, hands, image = open_one("pose", visibility=0.0), open_one("hands"), photo(name)
    wrists = [body.skeleton.index(f"{side}_wrist") for side in ("left", "right")]
    for side, picture in ((1, image), (0, flipped(image))):
        (of_body,), (of_hands,) = found(body, picture), found(hands, picture)
        away = np.hypot(*(of_hands[21 * side, :2] - of_body[wrists, :2]).T)
        assert away[side] < 0.1 < away[1 - side]


def test_a_picture_is_not_changed_and_need_not_be_contiguous(open_one: Open, photo: Photo) -> None:
    landmarker, image = open_one(), photo(RIGHT_HANDS[0])
    image.flags.writeable = False
    view = np.ascontiguousarray(image[:, ::-1])[:, ::-1]
    before, of_view = found(landmarker, image, view)
    np.testing.assert_array_equal(before, of_view)


def test_a_landmarker_may_be_closed_twice(open_one: Open) -> None:
    landmarker = open_one("holistic")
    landmarker.close()
    landmarker.close()


def test_no_more_hands_are_found_than_are_looked_for(open_one: Open, photo: Photo) -> None:
    image = photo(RIGHT_HANDS[0])
    two = np.concatenate([image, flipped(image)], axis=1)
    both, one = (found(open_one(max_hands=most), two)[0] for most in (2, 1))
    assert np.isfinite(both).all()
    assert both[LEFT, 0].mean() > both[RIGHT, 0].mean()
    assert np.isfinite(one).all(axis=1).sum() == 21


@pytest.mark.parametrize("name", RIGHT_HANDS)
def test_all_backends_find_the_same_hand(name: str, model_files: Path, photo: Photo) -> None:
    pytest.importorskip("mediapipe")
    points = []
    for backend in get_args(Backend):
        with closing(open_landmarker(LandmarkConfig("hands", backend))) as landmarker:
            points.append(landmarker.find(Frame(photo(name), 0.0)))
    for other in points[1:]:
        np.testing.assert_allclose(other[:, :2], points[0][:, :2], atol=0.02)
