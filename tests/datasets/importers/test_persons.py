from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.datasets.importers.persons import Person, pick_person

SMALL, LARGE, BRIEF = 0, 1, 2


@pytest.fixture
def three(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A small person well seen, a large one badly seen, and a huge one who is there for one frame of ten."""
    points = (
        rng.uniform(0, 1, (3, 10, 17, 2)).astype(np.float32) * np.array([10, 30, 100], np.float32)[:, None, None, None]
    )
    points[BRIEF, 1:] = np.nan
    scores = np.ones((3, 10, 17), np.float32) * np.array([0.9, 0.2, 0.9], np.float32)[:, None, None]
    scores[BRIEF, 1:] = 0
    return points, scores


def test_the_first_the_largest_and_the_best_are_told_apart(three: tuple[np.ndarray, np.ndarray]) -> None:
    points, scores = three
    assert pick_person(points[::-1], scores[::-1], "first") == 0
    assert pick_person(points, scores, "largest") == LARGE
    assert pick_person(points, scores, "best") in (SMALL, BRIEF)
    assert pick_person(points[:2], scores[:2], "best") == SMALL
    assert pick_person(points, None, "best") == LARGE


@given(order=st.permutations([0, 1, 2]), which=st.sampled_from(["largest", "best"]))
def test_the_choice_does_not_depend_on_the_order_of_persons(order: list[int], which: Person) -> None:
    points = np.random.default_rng(1).uniform(0, 1, (3, 4, 5, 2)).astype(np.float32)
    scores = np.random.default_rng(2).uniform(0, 1, (3, 4, 5)).astype(np.float32)
    assert order[pick_person(points[order], scores[order], which)] == pick_person(points, scores, which)


@pytest.mark.parametrize("which", get_args(Person))
def test_nobody_at_all_is_the_first(which: Person) -> None:
    assert pick_person(np.full((2, 3, 4, 2), np.nan, np.float32), np.zeros((2, 3, 4), np.float32), which) == 0
