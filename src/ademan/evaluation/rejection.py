"""Rejection: how often what is no gesture is taken for one, and how many gestures are lost by keeping it out.

A clip is taken for a gesture if its confidence is at the threshold or above. Its confidence is the highest probability
of a label that is not idle, also where idle is more probable still: so it has no jump, and all clips can be ranked by
it. Above one half it makes no difference, since no other label can be more probable then.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.errors import EvaluationError
from ademan.evaluation.intervals import Interval, wilson

RATES = (0.01, 0.05, 0.1)
"""Shares of the clips without a gesture that may be taken for one."""
_CURVE = tuple(percent / 100 for percent in range(101))

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Share:
    """`count` of `clips`, and the 95 % Wilson interval of their share."""

    count: int
    clips: int
    share: float
    interval: Interval


@dataclass(frozen=True)
class Setting:
    """What one threshold does.

    Args:
        asked: the share of clips without a gesture that it may take for one; None if it was not chosen by that.
        threshold: the least confidence; above 1 where only refusing everything keeps to what was asked.
        taken: clips without a gesture that are taken for one.
        found: gestures that are taken for a gesture, whichever.
        right: gestures that are taken for what they are.
    """

    asked: float | None
    threshold: float
    taken: Share
    found: Share
    right: Share


@dataclass(frozen=True)
class Kind:
    """How many clips of one kind, none of which shows a gesture, are taken for one at the bundle's own threshold."""

    name: str
    taken: Share


@dataclass(frozen=True)
class Rejection:
    """How well a bundle tells its gestures from all else.

    Args:
        gestures: clips that show one of its gestures.
        others: clips that show none.
        chosen_on: clips without a gesture by which the thresholds of `settings` were chosen.
        separate: whether these are others than those that are judged; if not, the settings are somewhat flattered.
        own: at the bundle's own threshold.
        settings: at the least thresholds that keep to each share asked for.
        auc: chance that a gesture's confidence is above that of a clip without one, equals counting half.
        kinds: of clips without a gesture.
        curve: (taken, found, right), shares of the clips that are judged, as the threshold falls.
    """

    gestures: int
    others: int
    chosen_on: int
    separate: bool
    own: Setting
    settings: tuple[Setting, ...]
    auc: float
    kinds: tuple[Kind, ...]
    curve: tuple[tuple[float, float, float], ...]

    @property
    def telling(self) -> tuple[Setting, ...]:
        """Those of `settings` that so few clips can tell: one in a hundred is told by a hundred clips or more."""
        return tuple(one for one in self.settings if (one.asked or 0) * self.chosen_on >= 1)

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values, for `write_json`."""
        return asdict(self)


def judge_rejection(
    truth: NDArray[np.int64],
    probabilities: Floats,
    others: Floats,
    *,
    idle: int | None,
    accept: float,
    kinds: Sequence[str] | None = None,
    chosen_on: Floats | None = None,
    rates: Sequence[float] = RATES,
) -> Rejection:
    """Return how well a bundle tells its gestures from all else.

    Source of the curve of right gestures over others taken: A. R. Dhamija, M. Günther and T. E. Boult (2018), Reducing
    network agnostophobia, NeurIPS 31. Of the area: J. A. Hanley and B. J. McNeil (1982), The meaning and use of the
    area under a receiver operating characteristic (ROC) curve, Radiology 143, 29-36.

    Args:
        truth: (N,) labels of the clips that show a gesture.
        probabilities: (N, K) of these.
        others: (M, K) probabilities of clips that show none of the K gestures.
        idle: the label that means no gesture, if there is one.
        accept: the bundle's own threshold.
        kinds: (M,) what each of the others is, such as where it comes from.
        chosen_on: (L, K) probabilities of more clips without a gesture, to choose thresholds by; without them they are
            chosen by `others`.
        rates: shares of clips without a gesture that may be taken for one, from 0 to below 1.

    Raises:
        EvaluationError: there is no clip of one sort, a shape is wrong, a truth is idle or no label, or a rate is out
            of its range.
    """
    truth = np.asarray(truth)
    _check(truth, probabilities, others, idle, rates)
    confidence, named = _claims(probabilities, idle)
    other, _ = _claims(others, idle)
    separate = chosen_on is not None and len(chosen_on) > 0
    by = _claims(chosen_on, idle)[0] if chosen_on is not None and separate else other
    right = named == truth

    def setting(asked: float | None, threshold: float) -> Setting:
        found = confidence >= threshold
        return Setting(asked, threshold, _share(other >= threshold), _share(found), _share(found & right))

    drawn = (setting(rate, threshold_at(other, rate)) for rate in _CURVE)
    return Rejection(
        gestures=len(truth),
        others=len(other),
        chosen_on=len(by),
        separate=separate,
        own=setting(None, accept),
        settings=tuple(setting(rate, threshold_at(by, rate)) for rate in rates),
        auc=_area(confidence, other),
        kinds=_kinds(other >= accept, kinds),
        curve=tuple(dict.fromkeys((one.taken.share, one.found.share, one.right.share) for one in drawn)),
    )


def threshold_at(others: Floats, rate: float) -> float:
    """Return the least threshold at which no more than a share of these clips is taken for a gesture.

    It lies just above a confidence that must not pass, so that clips which are equally sure are kept out together.

    Args:
        others: (M,) confidences of clips that show no gesture.
        rate: from 0 to 1.
    """
    M = len(others)
    allowed = int((np.arange(1, M + 1) / M <= rate).sum())  # rate * M would lose one of 29 in 100 to rounding
    if allowed == M:
        return 0.0
    return float(np.nextafter(np.sort(others)[M - 1 - allowed], np.inf))


def _claims(probabilities: Floats, idle: int | None) -> tuple[Floats, NDArray[np.int64]]:
    """Return the probability (N,) of the most probable gesture of each clip, and which it is (N,)."""
    gestures = np.array(probabilities, np.float64)
    if idle is not None:
        gestures[:, idle] = -np.inf
    return gestures.max(axis=1), np.asarray(gestures.argmax(axis=1), np.int64)


def _share(chosen: NDArray[np.bool_]) -> Share:
    count, clips = int(chosen.sum()), len(chosen)
    return Share(count, clips, count / clips, wilson(count, clips))


def _area(gestures: Floats, others: Floats) -> float:
    """Return the area under the ROC curve: the share of pairs in the right order, equals counting half."""
    ordered = np.sort(others)
    below = np.searchsorted(ordered, gestures, "left").sum()
    not_above = np.searchsorted(ordered, gestures, "right").sum()
    return float(below + not_above) / (2 * len(gestures) * len(others))


def _kinds(taken: NDArray[np.bool_], kinds: Sequence[str] | None) -> tuple[Kind, ...]:
    names = np.array(kinds if kinds is not None else (), np.str_)
    return tuple(Kind(name, _share(taken[names == name])) for name in dict.fromkeys(names.tolist()))


def _check(
    truth: NDArray[np.int64], probabilities: Floats, others: Floats, idle: int | None, rates: Sequence[float]
) -> None:
    for what, clips in (("a gesture of the bundle", probabilities), ("none of its gestures", others)):
        if len(clips) == 0:
            raise EvaluationError(f"no clip shows {what}: rejection is judged on clips of both sorts.")
    K = probabilities.shape[1]
    if others.shape[1] != K or truth.shape != (len(probabilities),):
        raise EvaluationError(
            f"expected the truth of {len(probabilities)} clips, and probabilities over {K} labels for all; found "
            f"{truth.shape} and {others.shape}."
        )
    if ((truth < 0) | (truth >= K)).any() or idle in truth:
        raise EvaluationError(
            f"expected gestures from 0 to {K - 1} that are not idle ({idle}), found {np.unique(truth).tolist()}."
        )
    if not all(0 <= rate < 1 for rate in rates):
        raise EvaluationError(f"a share of clips that may be taken must be from 0 to below 1, found {list(rates)}.")
