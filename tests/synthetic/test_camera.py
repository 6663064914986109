import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import ConfigError
from ademan.synthetic.camera import GESTURE_SPACE, Camera
from ademan.synthetic.hand import ANGLES, Floats, Hand, place
from tests.synthetic.conftest import FEW


def hand_at(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Floats:
    """An open hand that faces the camera, from the middle of the space for gestures."""
    points = Hand.of(0.187, 0.084).points(np.zeros(len(ANGLES)))
    return place(points, np.array([*(GESTURE_SPACE + [x, y, z]), 0.0, 0.0, 0.0]))


@pytest.mark.parametrize("image_wh", [(640, 480), (1920, 1080), (720, 1280)])
def test_a_length_is_as_long_across_as_it_is_high(image_wh: tuple[int, int]) -> None:
    square = GESTURE_SPACE + [[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0], [0, 0, 0.1]]
    origin, across, down, behind = Camera(image_wh=image_wh).project(square)
    np.testing.assert_allclose(origin, [image_wh[0] / image_wh[1] / 2, 0.5, 0])
    assert across[0] - origin[0] == pytest.approx(down[1] - origin[1])
    assert behind[2] == pytest.approx(down[1] - origin[1])


@FEW
@given(st.floats(0.5, 3.0), st.floats(30, 80))
def test_what_fills_the_field_of_view_fills_the_picture(distance_m: float, fov_deg: float) -> None:
    camera = Camera(distance_m=distance_m, fov_deg=fov_deg)
    half = distance_m * np.tan(np.radians(fov_deg / 2))
    top, bottom = camera.project(GESTURE_SPACE + [[0, -half, 0], [0, half, 0]])
    assert (top[1], bottom[1]) == (pytest.approx(0, abs=1e-9), pytest.approx(1))


def test_nearer_hands_are_larger_and_z_counts_from_the_wrist() -> None:
    near, far = Camera().project(hand_at(z=-0.2)), Camera().project(hand_at())
    assert np.ptp(near[:, 1]) > 1.2 * np.ptp(far[:, 1])
    assert near[0, 2] == far[0, 2] == 0


def test_a_camera_above_or_aside_sees_nearer_things_lower_or_to_the_other_side() -> None:
    nearer = GESTURE_SPACE + [[0.0, 0.0, -0.2]]
    middle = Camera().project(nearer)[0]
    assert Camera(pitch_deg=15).project(nearer)[0, 1] > middle[1] + 0.03
    assert Camera(yaw_deg=15).project(nearer)[0, 0] < middle[0] - 0.03


def test_projection_is_finite_even_behind_the_camera() -> None:
    assert np.isfinite(Camera().project(hand_at(z=-5.0))).all()


def test_drawn_cameras_see_the_middle_of_the_gestures(rng: np.random.Generator) -> None:
    cameras = [Camera.draw(rng) for _ in range(200)]
    for camera in cameras:
        x, y, _ = camera.project(GESTURE_SPACE[None])[0]
        assert 0.2 < x / camera.aspect < 0.8
        assert 0.3 < y < 0.7
    assert {camera.aspect > 1 for camera in cameras} == {True, False}


def test_a_camera_that_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigError, match="found 0 m, 45 degrees"):
        Camera(distance_m=0)
    with pytest.raises(ConfigError, match="found 1 m, 180 degrees"):
        Camera(fov_deg=180)
    with pytest.raises(ConfigError, match=r"\(0, 480\) pixels"):
        Camera(image_wh=(0, 480))
