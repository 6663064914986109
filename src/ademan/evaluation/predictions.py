"""What a bundle said of clips whose truth is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ademan.errors import EvaluationError

SUM_TOLERANCE = 1e-2
"""How far the probabilities of a clip may be from a sum of 1: rounding in half precision over some hundred classes."""


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a bundle said of N clips, and what they are.

    Args:
        ids: (N,) names of the clips.
        truth: (N,) indices into `labels`.
        probabilities: (N, K), each row sums to 1.
        labels: (K,) names of the classes, each once.
        groups: (N,) who made each clip, or when, "" where not known; clips of one group are alike.
        group_kind: what a group is, such as "subject" or "session".

    Raises:
        EvaluationError: a wrong shape, no clip, an unknown class, or values that are no probabilities.
    """

    ids: tuple[str, ...]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    labels: tuple[str, ...]
    groups: tuple[str, ...] | None = None
    group_kind: str = "group"

    def __post_init__(self) -> None:
        object.__setattr__(self, "truth", _whole_numbers(self.truth))
        object.__setattr__(self, "probabilities", np.asarray(self.probabilities, np.float64))
        self._check_labels()
        self._check_lengths()
        self._check_truth()
        self._check_probabilities()

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """(N,): the most probable class; of equals, the first."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @property
    def confidence(self) -> NDArray[np.float64]:
        """(N,): the probability of the most probable class."""
        return np.asarray(self.probabilities.max(axis=1), np.float64)

    @property
    def correct(self) -> NDArray[np.bool_]:
        """(N,): whether the most probable class is the true one."""
        return np.asarray(self.predicted == self.truth, np.bool_)

    def _check_labels(self) -> None:
        if not self.labels:
            raise EvaluationError("predictions need one label or more, found none.")
        repeated = sorted({label for label in self.labels if self.labels.count(label) > 1})
        if repeated:
            raise EvaluationError(f"labels must differ from each other; found more than once: {', '.join(repeated)}.")

    def _check_lengths(self) -> None:
        N, K = len(self.ids), len(self.labels)
        if N == 0:
            raise EvaluationError("there is no clip to judge. Choose a split or a dataset that has some.")
        if self.truth.shape != (N,):
            raise EvaluationError(f"truth of {N} clips: expected the shape {(N,)}, found {self.truth.shape}.")
        if self.probabilities.shape != (N, K):
            raise EvaluationError(
                f"probabilities of {N} clips over {K} labels: expected the shape {(N, K)}, "
                f"found {self.probabilities.shape}."
            )
        if self.groups is not None and len(self.groups) != N:
            raise EvaluationError(f"groups of {N} clips: expected {N} names, found {len(self.groups)}.")

    def _check_truth(self) -> None:
        K = len(self.labels)
        wrong = np.flatnonzero((self.truth < 0) | (self.truth >= K))
        if len(wrong):
            raise EvaluationError(
                f"truth of clip '{self.ids[wrong[0]]}': expected a class from 0 to {K - 1}, "
                f"found {self.truth[wrong[0]]}. Do dataset and bundle have the same labels?"
            )

    def _check_probabilities(self) -> None:
        p = self.probabilities
        wrong = np.flatnonzero(~np.isfinite(p).all(axis=1))
        if len(wrong):
            raise EvaluationError(
                f"probabilities of clip '{self.ids[wrong[0]]}' are not all finite ({len(wrong)} such clips)."
            )
        wrong = np.flatnonzero((p < 0).any(axis=1) | (np.abs(p.sum(axis=1) - 1) > SUM_TOLERANCE))
        if len(wrong):
            row = p[wrong[0]]
            raise EvaluationError(
                f"probabilities of clip '{self.ids[wrong[0]]}': expected values from 0 to 1 that sum to 1, found "
                f"{row.min():.4g} to {row.max():.4g} that sum to {row.sum():.4g}. Are they logits? Apply softmax."
            )


def _whole_numbers(truth: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the truth as integers.

    Raises:
        EvaluationError: it is not made of whole numbers; rounding would invent a class.
    """
    truth = np.asarray(truth)
    if truth.dtype.kind not in "iu":
        raise EvaluationError(f"truth: expected whole numbers, the indices of labels, found {truth.dtype}.")
    return truth.astype(np.int64)
