"""Skeletons on pictures."""

import numpy as np

from ademan.skeleton import skeleton
from ademan.video import Frame, draw_points, smaller

HANDS = skeleton("hands")
BLACK = np.zeros((240, 320, 3), np.uint8)


def test_what_is_seen_is_drawn_and_the_picture_itself_stays() -> None:
    points = np.full((42, 3), np.nan, np.float32)
    np.testing.assert_array_equal(draw_points(BLACK, points, HANDS), BLACK)
    points[0] = 0.5, 0.25, 0.0
    drawn = draw_points(BLACK, points, HANDS)
    assert not BLACK.any()
    rows, columns = np.nonzero(drawn.any(axis=2))
    assert abs(rows.mean() - 60) < 1
    assert abs(columns.mean() - 120) < 1


def test_left_and_right_have_colours_of_their_own() -> None:
    points = np.full((42, 3), np.nan, np.float32)
    points[:2], points[21:23] = [[0.2, 0.5, 0], [0.4, 0.5, 0]], [[0.8, 0.5, 0], [1.0, 0.5, 0]]
    drawn = draw_points(BLACK, points, HANDS)
    left, right = drawn[120, 72].astype(int), drawn[120, 216].astype(int)
    assert left[2] > left[0]
    assert right[0] > right[2]


def test_points_far_outside_do_no_harm() -> None:
    points = np.full((42, 2), 1e9, np.float32)
    points[::2] = -1e9
    assert draw_points(BLACK, points, HANDS).shape == BLACK.shape


def test_large_frames_are_made_smaller_and_small_ones_left() -> None:
    frame = Frame(BLACK, 5.0)
    assert smaller(frame, 160).size_wh == (160, 120)
    assert smaller(frame, 160).timestamp_ms == 5.0
    assert smaller(frame, 640) is frame
    assert smaller(frame, 0) is frame
