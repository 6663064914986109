"""Rotated squares of a picture."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.landmarks.litert.region import Region, around, upright_angle

angles = st.floats(-3.1, 3.1)


@given(x=st.floats(50, 150), y=st.floats(50, 150), side=st.floats(20, 120), angle=angles)
def test_what_is_cut_out_lies_where_the_region_says(x: float, y: float, side: float, angle: float) -> None:
    region = Region(np.array([x, y]), side, angle)
    rows, columns = np.mgrid[:200, :200].astype(np.float32)
    image = np.stack([columns, rows, 0 * rows], axis=2).astype(np.uint8)  # each pixel tells its place
    cut = region.crop(image, 64)
    for u, v in ((16, 16), (32, 32), (48, 20)):
        expected = region.to_image(np.array([[u / 64 - 0.5, v / 64 - 0.5]]))[0]
        if (expected > 2).all() and (expected < 197).all():
            np.testing.assert_allclose(cut[v, u, :2], expected, atol=2.5)


@given(angle=angles)
def test_a_line_that_points_up_in_its_region_points_up(angle: float) -> None:
    start = np.array([100.0, 100.0])
    end = start + 30 * np.array([np.sin(angle), -np.cos(angle)])
    assert upright_angle(start, end) == pytest.approx(angle, abs=1e-9)


@given(angle=angles, scale=st.floats(1, 3))
def test_the_square_around_points_holds_them_all_whichever_way_they_are_turned(angle: float, scale: float) -> None:
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-10, -20], [10, -20], [10, 20], [-10, 20.0]]) @ turn.T + 100
    region = around(corners, angle, scale, 0.0)
    assert region.side == pytest.approx(40 * scale)
    np.testing.assert_allclose(region.center, 100, atol=1e-6)
    shifted = around(corners, angle, scale, 0.1)
    np.testing.assert_allclose(shifted.center - region.center, 4 * np.array([np.sin(angle), -np.cos(angle)]), atol=1e-6)


def test_overlap_is_one_for_the_same_and_none_for_strangers() -> None:
    one, near, far = (Region(np.array([x, 0.0]), 10.0) for x in (0, 5, 50))
    assert one.overlap(one) == 1
    assert one.overlap(near) == pytest.approx(1 / 3)
    assert one.overlap(far) == 0


def test_depth_is_in_the_units_of_the_picture() -> None:
    found = Region(np.array([10.0, 20.0]), 50.0, 1.0).to_image(np.array([[0.0, 0.0, 0.5]]))
    np.testing.assert_allclose(found, [[10, 20, 25]])
