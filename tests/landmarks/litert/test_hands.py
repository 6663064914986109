"""Hands from frame to frame, with networks that say what they are told."""

from collections.abc import Sequence

import numpy as np

from ademan.landmarks.litert.detector import Detection
from ademan.landmarks.litert.hands import SEARCH_MS, Hand, HandTracker, palm_region, sides
from ademan.landmarks.litert.region import Array
from ademan.video import Image

PICTURE: Image = np.zeros((480, 640, 3), np.uint8)


def palm(x: float, y: float = 240.0, size: float = 60.0) -> Detection:
    middle = np.array([x, y])
    keypoints = np.tile(middle, (7, 1))
    keypoints[0, 1] += size / 2
    keypoints[2, 1] -= size / 2
    return Detection(0.9, np.stack([middle - size / 2, middle + size / 2]), keypoints)


class Palms:
    def __init__(self, *palms: Detection) -> None:
        self.palms, self.searches = list(palms), 0

    def detect(self, _: Image) -> list[Detection]:
        self.searches += 1
        return self.palms


class Points:
    """Gives an upright hand that fills its region, with presence and handedness in turn."""

    side = 224

    def __init__(self, presence: float = 0.9, right: Sequence[float] = (0.9,)) -> None:
        self.presence, self.right, self.runs = presence, list(right), 0

    def run(self, _: Image) -> list[Array]:
        right = self.right[min(self.runs, len(self.right) - 1)]
        self.runs += 1
        hand = np.zeros((21, 3))
        hand[:, 0] = 112.0
        hand[[1, 17], 0] = 92.0, 132.0
        hand[:, 1] = np.interp(np.arange(21), [0, 18], [179.2, 67.2])  # so that the next region is this one
        return [hand.ravel(), np.array([self.presence]), np.array([right]), hand.ravel()]


def tracker(palms: Palms, points: Points, most: int = 2) -> HandTracker:
    return HandTracker(palms, points, 0.5, most)  # type: ignore[arg-type]


def test_two_hands_that_are_followed_are_not_searched_for() -> None:
    palms, points = Palms(palm(150), palm(480)), Points()
    hands = tracker(palms, points)
    for i in range(20):
        assert len(hands.find(PICTURE, 40.0 * i)) == 2
    assert palms.searches == 1


def test_one_hand_of_two_is_searched_for_now_and_then() -> None:
    palms, points = Palms(palm(150)), Points()
    hands = tracker(palms, points)
    for i in range(51):
        assert len(hands.find(PICTURE, 20.0 * i)) == 1
    assert palms.searches == 1 + 1000 // SEARCH_MS


def test_without_a_hand_each_frame_is_searched() -> None:
    palms = Palms()
    hands = tracker(palms, Points())
    for i in range(10):
        assert hands.find(PICTURE, 20.0 * i) == []
    assert palms.searches == 10


def test_a_hand_that_is_lost_is_searched_for_at_once() -> None:
    palms, points = Palms(palm(150)), Points()
    hands = tracker(palms, points)
    hands.find(PICTURE, 0.0)
    points.presence = 0.1
    assert hands.find(PICTURE, 20.0) == []
    assert palms.searches == 2


def test_one_hand_is_not_found_twice() -> None:
    hands = tracker(Palms(palm(150), palm(155)), Points())
    assert len(hands.find(PICTURE, 0.0)) == 1


def test_only_as_many_hands_as_wanted() -> None:
    assert len(tracker(Palms(palm(150), palm(480)), Points(), most=1).find(PICTURE, 0.0)) == 1


def test_a_hand_keeps_the_side_it_was_mostly_taken_for() -> None:
    hands = tracker(Palms(palm(150)), Points(right=[0.95, 0.9, 0.9, 0.2, 0.9]))
    for i in range(5):
        (hand,) = hands.find(PICTURE, 20.0 * i)
        assert sides([hand])[1] is hand


def test_two_hands_get_a_side_each_the_likelier_way_round() -> None:
    one, other = (Hand(np.zeros((21, 3)), 0.9, left) for left in (-1.0, -3.0))
    assert sides([one, other]) == (one, other)
    assert sides([other, one]) == (one, other)
    assert sides([other]) == (None, other)
    assert sides([]) == (None, None)


def test_the_region_of_a_palm_reaches_over_the_fingers() -> None:
    region = palm_region(palm(100, 200, 60))
    assert region.side == 60 * 2.6
    np.testing.assert_allclose(region.center, [100, 170], atol=1e-9)
    assert region.angle == 0


def test_forgetting_begins_anew() -> None:
    palms = Palms(palm(150))
    hands = tracker(palms, Points())
    first = hands.find(PICTURE, 0.0)[0].points
    hands.find(PICTURE, 20.0)
    hands.reset()
    np.testing.assert_array_equal(hands.find(PICTURE, 0.0)[0].points, first)
