from dataclasses import replace

import numpy as np
import pytest

from ademan.errors import AdemanError, EvaluationError
from ademan.evaluation import Predictions
from tests.evaluation.conftest import certain, predictions


def test_the_error_is_one_that_the_command_line_prints_without_a_traceback() -> None:
    assert issubclass(EvaluationError, AdemanError)


def test_predicted_is_the_most_probable_class_and_the_first_of_equals() -> None:
    p = Predictions(("a", "b"), np.array([1, 0]), np.array([[0.2, 0.5, 0.3], [0.4, 0.4, 0.2]]), ("x", "y", "z"))
    assert p.predicted.tolist() == [1, 0]
    assert p.confidence.tolist() == [0.5, 0.4]
    assert p.correct.tolist() == [True, True]


def test_single_and_half_precision_probabilities_are_taken() -> None:
    made = predictions(50, tuple(f"c{k}" for k in range(400)))
    for kind in (np.float32, np.float16):
        assert replace(made, probabilities=made.probabilities.astype(kind)).probabilities.dtype == np.float64


def test_no_clip_is_refused() -> None:
    with pytest.raises(EvaluationError, match="there is no clip to judge"):
        Predictions((), np.zeros(0, int), np.zeros((0, 2)), ("x", "y"))


def test_no_label_is_refused() -> None:
    with pytest.raises(EvaluationError, match="one label or more, found none"):
        Predictions(("a",), np.array([0]), np.zeros((1, 0)), ())


def test_a_label_that_repeats_is_refused() -> None:
    with pytest.raises(EvaluationError, match="found more than once: x"):
        Predictions(("a",), np.array([0]), np.array([[0.5, 0.5]]), ("x", "x"))


def test_a_truth_of_another_length_is_refused() -> None:
    with pytest.raises(EvaluationError, match=r"truth of 3 clips: expected the shape \(3,\), found \(2,\)"):
        replace(certain([0, 1, 2], [0, 1, 2]), truth=np.array([0, 1]))


def test_a_truth_that_is_no_whole_number_is_refused() -> None:
    with pytest.raises(EvaluationError, match="expected whole numbers, the indices of labels, found float64"):
        replace(certain([0], [0]), truth=np.array([0.5]))


@pytest.mark.parametrize("wrong", [-1, 3])
def test_a_truth_outside_the_labels_is_refused(wrong: int) -> None:
    with pytest.raises(EvaluationError, match=f"clip 'clip1': expected a class from 0 to 2, found {wrong}"):
        replace(certain([0, 1], [0, 1]), truth=np.array([0, wrong]))


def test_probabilities_of_another_shape_are_refused() -> None:
    with pytest.raises(EvaluationError, match=r"2 clips over 3 labels: expected the shape \(2, 3\), found \(2, 2\)"):
        replace(certain([0, 1], [0, 1]), probabilities=np.full((2, 2), 0.5))


def test_groups_of_another_length_are_refused() -> None:
    with pytest.raises(EvaluationError, match="groups of 2 clips: expected 2 names, found 1"):
        replace(certain([0, 1], [0, 1]), groups=("s1",))


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_probabilities_that_are_not_finite_are_refused(wrong: float) -> None:
    p = np.array([[1, 0, 0], [wrong, 0, 0]])
    with pytest.raises(EvaluationError, match=r"clip 'clip1' are not all finite \(1 such clips\)"):
        replace(certain([0, 1], [0, 1]), probabilities=p)


@pytest.mark.parametrize("row", [[3.0, -1.0, 2.0], [0.5, 0.1, 0.1], [1.5, -0.5, 0.0]])
def test_logits_are_refused(row: list[float]) -> None:
    with pytest.raises(EvaluationError, match=r"expected values from 0 to 1 that sum to 1, found .* Apply softmax"):
        replace(certain([0], [0]), probabilities=np.array([row]))
