"""From predictions to figures: one pass over the arrays, one frozen result that is plain JSON."""

import math
import re
from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.errors import require
from ademan.evaluation.calibration import (
    ReliabilityBin,
    calibration_error_by_chance,
    expected_calibration_error,
    reliability_bins,
)
from ademan.evaluation.intervals import Interval, cluster_bootstrap, wilson
from ademan.evaluation.predictions import Predictions

LISTED = 20
"""Mistakes and confused pairs that are kept, the worst first."""


@dataclass(frozen=True)
class ClassScore:
    """How one class fared.

    precision is None where the class was never predicted, recall and f1 where no clip is of this class.
    """

    label: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class GroupScore:
    """How the clips of one group, such as a person, fared."""

    group: str
    clips: int
    correct: int
    accuracy: float
    interval: Interval


@dataclass(frozen=True)
class ConfusedPair:
    """`count` clips of `truth` were taken for `predicted`; `share` is their part of all clips of `truth`."""

    truth: str
    predicted: str
    count: int
    share: float


@dataclass(frozen=True)
class Mistake:
    """A clip that was taken for something else."""

    id: str
    truth: str
    predicted: str
    confidence: float


@dataclass(frozen=True)
class Averages:
    """Averages over classes.

    macro_f1 is the plain mean over the classes that have clips: a class without any can neither be hit nor missed,
    and counting it as 0 or 1 would say more about the split than about the network. Clips that were wrongly taken
    for such a class still lower the recall of their own. The others are weighted by the clips of each class; a class
    that was never predicted counts with precision 0.
    """

    macro_f1: float
    weighted_precision: float
    weighted_recall: float
    weighted_f1: float


@dataclass(frozen=True)
class Scores(Averages):
    """How good predictions are; shares and probabilities are from 0 to 1, None is 'not known'.

    accuracy_interval takes clips as independent; accuracy_interval_by_group draws whole groups, and is there if there
    are enough and each clip's is known. confusion has a row a true class and a column a predicted one. ece is the
    expected calibration error, ece_by_chance about what it would be if each confidence were true. log_loss is in nats.
    """

    labels: tuple[str, ...]
    clips: int
    correct: int
    accuracy: float
    accuracy_interval: Interval
    accuracy_interval_by_group: Interval | None
    top_5_accuracy: float | None
    log_loss: float
    mean_confidence: float
    ece: float
    ece_by_chance: float
    reliability: tuple[ReliabilityBin, ...]
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]
    confused_pairs: tuple[ConfusedPair, ...]
    mistakes: tuple[Mistake, ...]
    group_kind: str | None
    groups: tuple[GroupScore, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values without NaN, for `write_json`."""
        return asdict(self)


def score(predictions: Predictions) -> Scores:
    """Return how good predictions are; the order of the clips does not matter.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    truth, predicted = predictions.truth, predictions.predicted
    correct = int(predictions.correct.sum())
    groups = _groups(predictions)
    bins = reliability_bins(predictions.confidence, predictions.correct)
    confusion = _confusion(truth, predicted, len(predictions.labels))
    return Scores(
        **asdict(_averages(truth, predicted)),
        labels=predictions.labels,
        clips=len(predictions),
        correct=correct,
        accuracy=correct / len(predictions),
        accuracy_interval=wilson(correct, len(predictions)),
        accuracy_interval_by_group=_interval_by_group(groups, len(predictions)),
        top_5_accuracy=_top_accuracy(predictions, 5) if len(predictions.labels) > 5 else None,
        log_loss=_log_loss(predictions),
        mean_confidence=math.fsum(predictions.confidence) / len(predictions),
        ece=expected_calibration_error(bins),
        ece_by_chance=calibration_error_by_chance(predictions.confidence),
        reliability=bins,
        classes=_classes(predictions),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        confused_pairs=_confused_pairs(confusion, predictions.labels),
        mistakes=_mistakes(predictions),
        group_kind=predictions.group_kind if groups else None,
        groups=groups,
    )


def _sklearn() -> Any:
    return require("sklearn.metrics", feature="Judging predictions", extra="train")


def _averages(truth: NDArray[np.int64], predicted: NDArray[np.int64]) -> Averages:
    def average(kind: str) -> tuple[float, float, float]:
        precision, recall, f1, _ = _sklearn().precision_recall_fscore_support(
            truth, predicted, labels=np.unique(truth), average=kind, zero_division=0.0
        )
        return float(precision), float(recall), float(f1)

    return Averages(average("macro")[2], *average("weighted"))


def _classes(predictions: Predictions) -> tuple[ClassScore, ...]:
    """Return the figures of each class, in the order of the labels."""
    columns = _sklearn().precision_recall_fscore_support(
        predictions.truth, predictions.predicted, labels=np.arange(len(predictions.labels)), zero_division=0.0
    )
    predicted = Counter(predictions.predicted.tolist())
    return tuple(
        ClassScore(
            label,
            float(precision) if predicted[k] else None,
            float(recall) if support else None,
            float(f1) if support else None,
            int(support),
        )
        for k, (label, precision, recall, f1, support) in enumerate(zip(predictions.labels, *columns, strict=True))
    )


def _confusion(truth: NDArray[np.int64], predicted: NDArray[np.int64], K: int) -> NDArray[np.int64]:
    """Return (K, K) counts: rows are true classes, columns predicted ones."""
    return np.bincount(truth * K + predicted, minlength=K * K).reshape(K, K)


def _confused_pairs(confusion: NDArray[np.int64], labels: tuple[str, ...]) -> tuple[ConfusedPair, ...]:
    """Return the pairs with most clips, of equals those with the larger share of their class."""
    support = confusion.sum(axis=1)
    wrong = confusion - np.diag(np.diag(confusion))
    pairs = [
        ConfusedPair(labels[t], labels[p], int(wrong[t, p]), float(wrong[t, p] / support[t]))
        for t, p in np.argwhere(wrong > 0)
    ]
    return tuple(sorted(pairs, key=lambda pair: (-pair.count, -pair.share))[:LISTED])


def _mistakes(predictions: Predictions) -> tuple[Mistake, ...]:
    """Return the most confident mistakes; of equals, in the order of their ids."""
    labels, predicted, confidence = predictions.labels, predictions.predicted, predictions.confidence
    mistakes = [
        Mistake(predictions.ids[n], labels[predictions.truth[n]], labels[predicted[n]], float(confidence[n]))
        for n in np.flatnonzero(~predictions.correct)
    ]
    return tuple(sorted(mistakes, key=lambda mistake: (-mistake.confidence, mistake.id))[:LISTED])


def _groups(predictions: Predictions) -> tuple[GroupScore, ...]:
    """Return the accuracy of each group, s2 before s10; clips whose group is not known are left out."""
    if predictions.groups is None:
        return ()
    clips = Counter(group for group in predictions.groups if group)
    right = Counter(group for group, correct in zip(predictions.groups, predictions.correct, strict=True) if correct)
    return tuple(
        GroupScore(group, clips[group], right[group], right[group] / clips[group], wilson(right[group], clips[group]))
        for group in sorted(clips, key=_natural)
    )


def _interval_by_group(groups: tuple[GroupScore, ...], clips: int) -> Interval | None:
    """Return the interval when whole groups are drawn; None if some clips are of no known group, or groups are few."""
    if sum(group.clips for group in groups) < clips:
        return None
    return cluster_bootstrap([group.correct for group in groups], [group.clips for group in groups])


def _natural(name: str) -> tuple[list[str | int], str]:
    """Return what names are sorted by: their numbers count as numbers, and the name itself decides between equals."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if k % 2 else part for k, part in enumerate(parts)], name


def _top_accuracy(predictions: Predictions, count: int) -> float:
    """Return the share of clips whose true class is among the `count` most probable.

    Of equals the first come first, as in `Predictions.predicted`; scikit-learn's own function puts the last first,
    so that its top 1 would not be the accuracy.
    """
    best = np.argsort(-predictions.probabilities, axis=1, kind="stable")[:, :count]
    return float((best == predictions.truth[:, None]).any(axis=1).mean())


def _log_loss(predictions: Predictions) -> float:
    """Return the mean of -ln p(truth), a probability of 0 taken as 2e-16.

    As scikit-learn's, which warns, though, of rows whose sum single precision left a ten-millionth from 1.
    """
    p = predictions.probabilities[np.arange(len(predictions)), predictions.truth]
    return math.fsum(-np.log(np.clip(p, np.finfo(np.float64).eps, 1.0))) / len(predictions)
