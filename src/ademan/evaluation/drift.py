"""Whether numbers still come from where they came when a model learnt: the population stability index.

    PSI = sum over bins of (q - p) ln(q / p),   p the share that a bin had then, q the share that it has now

The bins are quantiles of what was learnt from. Up to 0.1 is customarily taken as no change, above 0.25 as a large one.
Source: N. Siddiqi (2006), Credit Risk Scorecards, Wiley, chapter 8. These marks are for thousands of values. Of few
ones the index is large by chance alone: about (1/n + 1/m) times a chi-squared of as many degrees of freedom as there
are bins less one. Source: B. Yurdakul and J. Naranjo (2020), Statistical properties of the population stability index,
Journal of Risk Model Validation 14(4). So an index is told with what chance would exceed in 5 of 100 cases.
"""

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np

MODERATE, LARGE = 0.1, 0.25
LEAST = 20
"""Values, then and now, below which nothing is said."""
_MOST_BINS, _EACH = 10, 10  # bins, and values that a bin of the reference should have
_HALF = 0.5  # of a value, in place of none: the logarithm needs more than zero
_Z_95 = 1.6448536269514722  # of the normal distribution, one side

Change = Literal["none", "moderate", "large"]


@dataclass(frozen=True)
class Reference:
    """What a number was like when a model learnt.

    Args:
        edges: upper ends of all bins but the last, rising; a value on an edge belongs below it.
        counts: of the values in each bin, one more than edges.
        mean: of the values.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self | None:
        """Return the reference of finite values, in bins of quantiles; None of fewer than LEAST."""
        if len(values) < LEAST:
            return None
        bins = max(2, min(_MOST_BINS, len(values) // _EACH))
        cuts = np.quantile(values, np.arange(1, bins) / bins).tolist()
        highest = max(values)
        edges = tuple(edge for edge in dict.fromkeys(cuts) if edge < highest)  # many values may be the same
        if not edges:  # all of them: what is less, the same, and more
            edges = (math.nextafter(highest, -math.inf), highest)
        counts = Counter(bisect_left(edges, value) for value in values)
        return cls(edges, tuple(counts[i] for i in range(len(edges) + 1)), float(np.mean(values)))

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """Return what `to_json` made plain."""
        edges, counts = tuple(map(float, told["edges"])), tuple(map(int, told["counts"]))
        return cls(edges, counts, float(told["mean"]))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"edges": list(self.edges), "counts": list(self.counts), "mean": self.mean}

    @property
    def total(self) -> int:
        """How many values there were."""
        return sum(self.counts)


@dataclass(frozen=True)
class Drift:
    """How far numbers have moved.

    Args:
        index: the population stability index; None if there are too few values.
        by_chance: what it exceeds in 5 of 100 cases if nothing has changed; values are taken as independent.
        values: how many there are now.
    """

    index: float | None
    by_chance: float | None
    values: int

    @property
    def change(self) -> Change | None:
        """How large the change is; none if chance may have made it. None if nothing can be said."""
        if self.index is None or self.by_chance is None:
            return None
        if self.index <= max(MODERATE, self.by_chance):
            return "none"
        return "large" if self.index > LARGE else "moderate"


def drift(reference: Reference, counts: Sequence[int]) -> Drift:
    """Return how far values have moved from a reference.

    Args:
        reference: what they were like.
        counts: of the values of now in each of its bins.
    """
    n, m, bins = reference.total, sum(counts), len(reference.counts)
    if min(n, m) < LEAST:
        return Drift(None, None, m)
    index = 0.0
    for before, now in zip(reference.counts, counts, strict=True):
        p, q = max(before, _HALF) / n, max(now, _HALF) / m
        index += (q - p) * math.log(q / p)
    return Drift(index, (1 / n + 1 / m) * _chi_squared_95(bins - 1), m)


def _chi_squared_95(degrees: int) -> float:
    """Return the 95 % quantile, within 1 %.

    Source: E. B. Wilson and M. M. Hilferty (1931), The distribution of chi-square, PNAS 17, 684-688.
    """
    part = 2 / (9 * degrees)
    return degrees * (1 - part + _Z_95 * math.sqrt(part)) ** 3
