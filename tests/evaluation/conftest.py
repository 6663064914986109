"""Made-up predictions: a network that is right more or less often, and more or less sure."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from ademan.evaluation import Predictions
from ademan.evaluation.rejection import Rejection, judge_rejection

MakePredictions = Callable[..., Predictions]


@pytest.fixture
def make_predictions() -> MakePredictions:
    return predictions


def predictions(
    N: int = 60, labels: tuple[str, ...] = ("wave", "stop", "fist"), *, people: int = 6, skill: float = 2.0
) -> Predictions:
    """Predictions of N clips by some people, the same each time; the greater the skill, the more are right."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, len(labels), N)
    logits = rng.normal(size=(N, len(labels)))
    logits[np.arange(N), truth] += skill
    p = np.exp(logits)
    groups = tuple(f"s{n % people + 1}" for n in range(N)) if people else None
    return Predictions(
        tuple(f"clip_{n:04}" for n in range(N)), truth, p / p.sum(axis=1, keepdims=True), labels, groups, "subject"
    )


def certain(truth: list[int], predicted: list[int], K: int = 3, confidence: float = 1.0) -> Predictions:
    """Predictions whose class and confidence are given; the others share what is left."""
    p = np.full((len(truth), K), (1 - confidence) / max(1, K - 1))
    p[np.arange(len(truth)), predicted] = confidence
    names = tuple("abcdefghij"[:K])
    return Predictions(tuple(f"clip{n}" for n in range(len(truth))), np.array(truth), p, names)


def rejection(gestures: Sequence[float], others: Sequence[float], chosen_on: Sequence[float] = ()) -> Rejection:
    """Rejection by a model of one gesture and idle, which says the gesture of clips with these probabilities."""
    named = [np.array([[p, 1 - p] for p in sure]).reshape(len(sure), 2) for sure in (gestures, others, chosen_on)]
    truth = np.zeros(len(gestures), np.int64)
    kinds = ["'idle' of d.h5"] * len(others)
    return judge_rejection(truth, named[0], named[1], idle=1, accept=0.5, kinds=kinds, chosen_on=named[2])
