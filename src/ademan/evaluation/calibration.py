"""Whether a confidence of 0.8 means: right in eight of ten.

Source of the bins and of the error: C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger (2017), On Calibration of Modern
Neural Networks, ICML, section 2.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15
"""As many bins of equal width as in Guo et al."""


@dataclass(frozen=True)
class ReliabilityBin:
    """The clips whose confidence is above `low` and at most `high`; None where there is none."""

    low: float
    high: float
    clips: int
    mean_confidence: float | None
    accuracy: float | None


def reliability_bins(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> tuple[ReliabilityBin, ...]:
    """Return clips sorted into BINS bins by their confidence, those without a clip too.

    Args:
        confidence: (N,) probabilities of the predicted classes.
        correct: (N,) whether they were the true ones.
    """
    edges = np.linspace(0, 1, BINS + 1)
    which = bin_of(confidence)
    return tuple(
        _bin(float(edges[b]), float(edges[b + 1]), confidence[which == b], correct[which == b]) for b in range(BINS)
    )


def bin_of(confidence: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the bin of each confidence, (N,) from 0 to BINS - 1; an edge belongs to the bin below it."""
    return np.digitize(confidence, np.linspace(0, 1, BINS + 1)[1:-1], right=True)


def _bin(low: float, high: float, confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> ReliabilityBin:
    clips = len(confidence)
    if clips == 0:
        return ReliabilityBin(low, high, 0, None, None)
    return ReliabilityBin(low, high, clips, math.fsum(confidence) / clips, int(correct.sum()) / clips)


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """Return the mean distance between confidence and accuracy: sum over bins of n_b/N |accuracy_b - confidence_b|.

    Guo et al. (2017), equation 3. From 0, where each confidence is true, to 1.
    """
    clips = sum(b.clips for b in bins)
    gaps = (b.clips * abs((b.accuracy or 0.0) - (b.mean_confidence or 0.0)) for b in bins if b.clips)
    return math.fsum(gaps) / clips


def calibration_error_by_chance(confidence: NDArray[np.float64]) -> float:
    """Return about what the calibration error would be, were each of these confidences true.

    It is not 0: in a bin of few clips, even an honest confidence misses. If each clip is right with its confidence
    c, a bin's correct clips scatter with variance v = sum of c(1 - c), and the mean distance of a normal variable
    from its mean is sqrt(2v/π); hence the sum over bins of sqrt(2v/π), divided by N.

    Args:
        confidence: (N,) probabilities of the predicted classes.
    """
    which = bin_of(confidence)
    spread = np.clip(confidence * (1 - confidence), 0, None)
    variances = (math.fsum(spread[which == b]) for b in range(BINS))
    return math.fsum(math.sqrt(2 * v / math.pi) for v in variances) / len(confidence)
