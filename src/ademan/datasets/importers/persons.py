"""Whom to follow where a picture shows several."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Points

Person = Literal["best", "first", "largest"]


def pick_person(points: Points, scores: NDArray[np.float32] | None, which: Person) -> int:
    """Return the index of a person.

    Args:
        points: (M, T, P, C), NaN where not seen.
        scores: (M, T, P), if known.
        which: the first; the largest by the diagonal of the box around its points, averaged over all frames, so that
            somebody seen for a moment is small; or the best, whose diagonal counts as much as its scores do.
    """
    if which == "first" or len(points) == 1:
        return 0
    extent = _diagonals(points)
    if which == "best" and scores is not None:
        extent = extent * np.nan_to_num(scores).mean(axis=2)
    return int(extent.mean(axis=1).argmax())


def _diagonals(points: Points) -> NDArray[np.float32]:
    """Return the diagonal of each person's box in each frame: (M, T), 0 where nobody is seen."""
    by_point = np.ascontiguousarray(points.transpose(2, 3, 0, 1))  # (P, C, M, T): the axis to go along comes first
    sides = np.fmax.reduce(by_point) - np.fmin.reduce(by_point)
    squares = np.nan_to_num(sides) ** 2
    return np.asarray(np.sqrt(squares.sum(axis=0)), np.float32)
