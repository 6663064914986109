"""Anchors, decoding and suppression, against values worked out by hand."""

import numpy as np
import pytest

from ademan.landmarks.litert import hands, pose
from ademan.landmarks.litert.detector import Detector, anchors, suppressed


@pytest.mark.parametrize(("side", "strides", "count"), [(192, hands.STRIDES, 2016), (224, pose.STRIDES, 2254)])
def test_there_are_as_many_anchors_as_the_networks_have_outputs(
    side: int, strides: tuple[int, ...], count: int
) -> None:
    found = anchors(side, strides)
    assert found.shape == (count, 2)
    np.testing.assert_allclose(found[:3], [[4 / side, 4 / side], [4 / side, 4 / side], [12 / side, 4 / side]])
    np.testing.assert_allclose(found.mean(axis=0), 0.5)


class Palms:
    """A network of four anchors that finds what it was told to."""

    side = 16

    def __init__(self, raw: list[list[float]], logits: list[float]) -> None:
        self.raw, self.logits = np.array(raw, np.float32), np.array(logits, np.float32)[:, None]

    def run(self, _: object) -> list[np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
        return [self.raw, self.logits]


def test_boxes_and_keypoints_are_brought_back_to_the_pixels_of_the_picture() -> None:
    raw = [[2.0, 0.0, 4.0, 8.0, 1.0, 1.0], *[[0.0] * 6] * 7]
    detector = Detector(Palms(raw, [3.0, *[-9.0] * 7]), (8,), 0.5)  # type: ignore[arg-type]
    (found,) = detector.detect(np.zeros((50, 100, 3), np.uint8))
    # The anchor's middle is at (4, 4) of 16; the square of 16 holds the picture of 100 x 50 between 25 above and below.
    np.testing.assert_allclose(found.box, [[4 * 6.25, 0 * 6.25 - 25], [8 * 6.25, 8 * 6.25 - 25]])
    np.testing.assert_allclose(found.keypoints, [[5 * 6.25, 5 * 6.25 - 25]])
    assert found.score == pytest.approx(1 / (1 + np.exp(-3)))


def test_what_overlaps_is_averaged_by_score_and_the_rest_stays() -> None:
    box = np.array([[0, 0], [10, 10.0]])
    places = np.stack([box, box + 1, box + 100])
    found = suppressed(np.array([0.6, 0.9, 0.7]), places)
    assert [score for score, _ in found] == [0.9, 0.7]
    np.testing.assert_allclose(found[0][1], box + 0.9 / 1.5)
    np.testing.assert_allclose(found[1][1], box + 100)


def test_boxes_without_a_size_end_the_search_too() -> None:
    assert len(suppressed(np.ones(3), np.zeros((3, 2, 2)))) == 3
