"""How far an accuracy could be from the one that more clips would show."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

Z_95 = 1.959963984540054
"""The normal distribution's 97.5 % quantile: 95 % lie between it and its negative."""

RESAMPLES = 10_000
"""Draws of the bootstrap: the ends of its interval then move by less than a hundredth from seed to seed."""

MIN_GROUPS = 5
"""With fewer groups than this, drawing among them says next to nothing."""


@dataclass(frozen=True)
class Interval:
    """A range that holds the true value in 95 of 100 such tests; both ends from 0 to 1."""

    low: float
    high: float


def wilson(correct: int, clips: int) -> Interval:
    """Return the 95 % Wilson score interval of a share.

    (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n). Unlike the plain normal interval it holds for few clips
    and near 0 and 1. It takes clips as independent.

    Source: E. B. Wilson (1927), Probable inference, the law of succession, and statistical inference,
    Journal of the American Statistical Association 22, 209-212.

    Args:
        correct: from 0 to `clips`.
        clips: above zero.
    """
    p, n = correct / clips, clips
    middle = p + Z_95**2 / (2 * n)
    reach = Z_95 * np.sqrt(p * (1 - p) / n + Z_95**2 / (4 * n * n))
    scale = 1 + Z_95**2 / n
    # Exact at the ends, where rounding would leave the lowest at -1e-17 or the highest under 1.
    low = 0.0 if correct == 0 else float((middle - reach) / scale)
    high = 1.0 if correct == clips else float((middle + reach) / scale)
    return Interval(low, high)


def cluster_bootstrap(correct: Sequence[int], clips: Sequence[int], seed: int = 0) -> Interval | None:
    """Return the 95 % percentile interval of the accuracy when whole groups are drawn with replacement.

    Clips of one person are not independent: this says what other people of the same kind would have shown. With a
    handful of groups it still is somewhat too narrow, and it has no width where all groups are equally good.

    Source: C. A. Field and A. H. Welsh (2007), Bootstrapping clustered data, Journal of the Royal Statistical
    Society B 69, 369-390.

    Args:
        correct: (G,) clips that were right in each group.
        clips: (G,) clips of each group, above zero.
        seed: of the draws; the same seed gives the same interval.

    Returns:
        None with fewer than MIN_GROUPS groups.
    """
    G = len(clips)
    if G < MIN_GROUPS:
        return None
    times_drawn = np.random.default_rng(seed).multinomial(G, np.full(G, 1 / G), size=RESAMPLES)  # (RESAMPLES, G)
    accuracies = (times_drawn @ np.asarray(correct)) / (times_drawn @ np.asarray(clips))
    low, high = np.quantile(accuracies, [0.025, 0.975])
    return Interval(float(low), float(high))
