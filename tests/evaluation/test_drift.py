"""Drift: nothing is said of few values, chance is not taken for a change, and a change is seen."""

import json

import numpy as np
import pytest

from ademan.evaluation.drift import LEAST, Drift, Reference, drift


def counted(reference: Reference, values: np.ndarray) -> list[int]:
    """Return how many values are in each bin, by hand."""
    lows, highs = (-np.inf, *reference.edges), (*reference.edges, np.inf)
    return [int(((values > low) & (values <= high)).sum()) for low, high in zip(lows, highs, strict=True)]


def test_bins_are_quantiles_of_what_was_learnt_from() -> None:
    reference = Reference.of(list(range(1, 201)))
    assert reference is not None
    assert len(reference.counts) == 10
    assert set(reference.counts) == {20}
    assert reference.mean == 100.5
    assert Reference.from_json(json.loads(json.dumps(reference.to_json()))) == reference


def test_the_index_is_that_of_its_formula() -> None:
    reference = Reference((1.0,), (50, 50), 1.0)
    found = drift(reference, [25, 75])
    assert found.index == pytest.approx((0.25 - 0.5) * np.log(0.5) + (0.75 - 0.5) * np.log(1.5))
    assert found.by_chance == pytest.approx(3.841 * (1 / 100 + 1 / 100), rel=0.03)


def test_few_values_give_few_bins_and_very_few_nothing() -> None:
    rng = np.random.default_rng(0)
    assert Reference.of(rng.normal(size=LEAST - 1).tolist()) is None
    small = Reference.of(rng.normal(size=LEAST).tolist())
    assert small is not None
    assert len(small.counts) == 2
    assert drift(small, [LEAST - 1, 0]) == Drift(None, None, LEAST - 1)
    assert drift(small, [0, 0]).change is None


def test_values_that_are_all_the_same_are_known_again() -> None:
    reference = Reference.of([1.0] * 30)
    assert reference is not None
    assert drift(reference, counted(reference, np.full(25, 1.0))).change == "none"
    assert drift(reference, counted(reference, np.full(25, 0.99))).change == "large"
    assert drift(reference, counted(reference, np.full(25, 1.01))).change == "large"


def test_what_has_not_changed_is_seldom_called_so() -> None:
    """Chance exceeds its mark in about 5 of 100 cases, for many values and for few."""
    rng = np.random.default_rng(1)
    for n, m in ((40, 30), (200, 100), (2000, 1000)):
        exceeded = 0
        for _ in range(300):
            reference = Reference.of(rng.normal(size=n).tolist())
            assert reference is not None
            found = drift(reference, counted(reference, rng.normal(size=m)))
            assert found.index is not None
            assert found.by_chance is not None
            exceeded += found.index > found.by_chance
        assert 0.01 < exceeded / 300 < 0.12, (n, m)


def test_a_change_is_seen() -> None:
    rng = np.random.default_rng(2)
    reference = Reference.of(rng.normal(size=500).tolist())
    assert reference is not None
    assert drift(reference, counted(reference, rng.normal(size=400))).change == "none"
    assert drift(reference, counted(reference, rng.normal(0.4, 1, 400))).change == "moderate"
    assert drift(reference, counted(reference, rng.normal(1.5, 1, 400))).change == "large"


@pytest.mark.parametrize("values", [[0.0, 1.0] * 20, [0.0] * 35 + [1.0] * 5, [1.0] * 35 + [0.0] * 5])
def test_all_values_are_counted_where_many_are_the_same(values: list[float]) -> None:
    reference = Reference.of(values)
    assert reference is not None
    assert reference.total == 40
    assert list(reference.counts) == counted(reference, np.array(values))
    assert list(reference.edges) == sorted(set(reference.edges))
