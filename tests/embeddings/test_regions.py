"""Which parts of a picture are looked at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.clip import Points
from ademan.embeddings.regions import MARGIN, Halves, HandsByPoints, left_and_right
from ademan.skeleton import BUILT_IN, Skeleton
from ademan.video import Frame, Image


class TwoHands:
    """A landmarker that finds the same in all pictures."""

    def __init__(self, points: Points) -> None:
        self.points, self.calls = points, ""

    @property
    def skeleton(self) -> Skeleton:
        return BUILT_IN["hands"]

    def find(self, frame: Frame) -> Points:
        assert frame.timestamp_ms == 0
        self.calls += "f"
        return self.points

    def reset(self) -> None:
        self.calls += "r"

    def close(self) -> None:
        self.calls += "c"


def picture(width: int, height: int) -> Image:
    return np.zeros((height, width, 3), np.uint8)


def test_halves_meet_in_the_middle_and_are_equally_wide() -> None:
    assert Halves().boxes(picture(10, 6)) == ((0, 0, 5, 6), (5, 0, 10, 6), (0, 0, 10, 6))
    assert Halves().boxes(picture(11, 6)) == ((0, 0, 6, 6), (5, 0, 11, 6), (0, 0, 11, 6))
    assert Halves().boxes(picture(1, 1)) == ((0, 0, 1, 1), (0, 0, 1, 1), (0, 0, 1, 1))


def test_hands_are_cut_out_as_squares_with_a_margin() -> None:
    points = np.full((42, 3), np.nan, np.float32)
    points[:21] = [0.5, 0.5, 0]
    points[0, :2], points[1, :2] = (0.4, 0.5), (0.6, 0.5)  # 20 pixels wide in a picture 100 high
    landmarker = TwoHands(points)
    regions = HandsByPoints(landmarker)
    left, right, whole = regions.boxes(picture(200, 100))
    half = round(10 * (1 + 2 * MARGIN))
    assert left == (50 - half, 50 - half, 50 + half, 50 + half)
    assert right is None
    assert whole == (0, 0, 200, 100)
    regions.close()
    assert landmarker.calls == "rfc"  # nothing is followed from a picture before


@given(
    st.integers(1, 300),
    st.integers(1, 300),
    st.lists(st.tuples(st.floats(-1, 4), st.floats(-1, 4)), min_size=1, max_size=21),
)
def test_hands_at_the_edge_are_squares_inside_of_the_picture(
    width: int, height: int, xy: list[tuple[float, float]]
) -> None:
    points = np.full((42, 3), np.nan, np.float32)
    points[21 : 21 + len(xy)] = [(x, y, 0) for x, y in xy]
    left, right, _ = HandsByPoints(TwoHands(points)).boxes(picture(width, height))
    assert left is None
    if right is not None:
        x0, y0, x1, y1 = right
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height
        assert x1 - x0 == y1 - y0


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], (None, None)),
        ([(60, 0, 80, 9), (10, 0, 30, 9)], ((10, 0, 30, 9), (60, 0, 80, 9))),
        ([(10, 0, 30, 9)], ((10, 0, 30, 9), None)),
        ([(60, 0, 80, 9)], (None, (60, 0, 80, 9))),
    ],
)
def test_a_detector_that_does_not_say_whose_hand_it_is_leaves_it_to_the_place(
    found: list[tuple[float, float, float, float]], expected: object
) -> None:
    assert left_and_right(found, 100) == expected
