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

    def __init__(self, presence: Sequence[float] = (0.9,), right: Sequence[float] = (0.9,)) -> None:
        self.presence, self.right, self.drift, self.runs = list(presence), list(right), 0.0, 0

    def run(self, _: Image) -> list[Array]:
        presence, right = (values[min(self.runs, len(values) - 1)] for values in (self.presence, self.right))
        self.runs += 1
        hand = np.zeros((21, 3))
        hand[:, 0] = 112.0 + self.drift
        hand[[1, 17], 0] += -20.0, 20.0
        hand[:, 1] = np.interp(np.arange(21), [0, 18], [179.2, 67.2])  # so that the next region is this one
        hand[:, 2] = 22.4
        return [hand.ravel(), np.array([presence]), np.array([right]), hand.ravel()]


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
    points.presence = [0.1]
    assert hands.find(PICTURE, 20.0) == []
    assert palms.searches == 2


def test_one_hand_of_two_that_is_lost_is_searched_for_at_once() -> None:
    palms = Palms(palm(150), palm(480))
    hands = tracker(palms, Points(presence=[0.9, 0.9, 0.9, 0.1, 0.9]))
    hands.find(PICTURE, 0.0)
    assert len(hands.find(PICTURE, 20.0)) == 2
    assert palms.searches == 2


def test_a_clock_that_begins_anew_does_not_end_the_search() -> None:
    palms = Palms(palm(150))
    hands = tracker(palms, Points())
    hands.find(PICTURE, 1e6)
    hands.find(PICTURE, 0.0)
    assert palms.searches == 2


def test_one_hand_is_not_found_twice() -> None:
    hands = tracker(Palms(palm(150), palm(155)), Points())
    assert len(hands.find(PICTURE, 0.0)) == 1


def moved(hand: Hand, by: float) -> Hand:
    return Hand(hand.points + [by, 0, 0], hand.presence, hand.left, hand.frames)


def test_of_two_that_slid_onto_one_hand_the_surer_one_stays() -> None:
    hands = tracker(Palms(), Points(presence=[0.6, 0.8]))
    points = np.zeros((21, 3))
    points[:, 1] = np.linspace(300, 100, 21)
    hands._hands = [Hand(points, 0.9, -1.0), Hand(points + 1, 0.9, -2.0)]
    (hand,) = hands.find(PICTURE, 0.0)
    assert hand.presence == 0.8


def test_depth_is_in_pixels_of_the_picture() -> None:
    """The network's depth is 0.4 of a pixel of its own picture: see `_DEPTH`."""
    (hand,) = tracker(Palms(palm(150, size=60)), Points()).find(PICTURE, 0.0)
    np.testing.assert_allclose(hand.points[:, 2], 22.4 / 0.4 / 224 * 60 * 2.6)


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


def test_hands_that_fold_into_each_other_stay_two() -> None:
    palms = Palms(palm(150), palm(480))
    hands = tracker(palms, Points())
    first, second = hands.find(PICTURE, 0.0)
    near = Hand(first.points + [40.0, 0, 0], 0.9, second.left)
    assert first.next_region.overlap(near.next_region) > 0.5
    hands._hands = [first, near]
    assert len(hands.find(PICTURE, 20.0)) == 2
