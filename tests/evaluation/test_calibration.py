import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ademan.evaluation.calibration import (
    BINS,
    bin_of,
    calibration_error_by_chance,
    expected_calibration_error,
    reliability_bins,
)


def error(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> float:
    return expected_calibration_error(reliability_bins(confidence, correct))


def test_honest_confidences_have_an_error_near_0(rng: np.random.Generator) -> None:
    confidence = rng.uniform(0.1, 1, 100_000)
    assert error(confidence, rng.random(100_000) < confidence) < 0.01


def test_one_confidence_for_all_has_its_distance_from_the_accuracy_as_error() -> None:
    correct = np.arange(10) < 6
    assert error(np.full(10, 0.9), correct) == pytest.approx(0.3)


def test_bins_count_by_their_clips() -> None:
    confidence = np.array([0.8] * 4 + [0.6] * 6)
    correct = np.array([True, True, False, False] + [True] * 6)
    assert error(confidence, correct) == pytest.approx(0.4 * 0.3 + 0.6 * 0.4)


def test_a_confidence_of_1_that_is_always_wrong_has_the_error_1() -> None:
    assert error(np.ones(5), np.zeros(5, bool)) == 1.0


@pytest.mark.parametrize(("confidence", "expected"), [(0.0, 0), (1 / 15, 0), (0.2, 2), (0.2001, 3), (1.0, 14)])
def test_an_edge_belongs_to_the_bin_below(confidence: float, expected: int) -> None:
    assert bin_of(np.array([confidence])).tolist() == [expected]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_each_clip_is_in_the_bin_that_its_confidence_says(clips: list[tuple[float, bool]]) -> None:
    confidence, correct = np.array([c for c, _ in clips]), np.array([right for _, right in clips])
    bins = reliability_bins(confidence, correct)
    assert len(bins) == BINS
    assert sum(b.clips for b in bins) == len(clips)
    for b in bins:
        assert (b.mean_confidence is None) == (b.accuracy is None) == (b.clips == 0)
        if b.mean_confidence is not None:
            assert b.low - 1e-9 <= b.mean_confidence <= b.high + 1e-9
    assert 0 <= expected_calibration_error(bins) <= 1


def test_the_error_by_chance_is_what_honest_confidences_show(rng: np.random.Generator) -> None:
    confidence = rng.uniform(0.3, 1, 300)
    found = [error(confidence, rng.random(300) < confidence) for _ in range(300)]
    assert calibration_error_by_chance(confidence) == pytest.approx(np.mean(found), rel=0.05)


def test_certainty_leaves_nothing_to_chance() -> None:
    assert calibration_error_by_chance(np.ones(4)) == 0
