"""The gate: whether a new model may take the place of the one that is live, and why, in words.

Both models are judged on the same clips, of people neither has learnt from where there are such people.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ademan.errors import ConfigError

Verdict = Literal["promoted", "refused", "candidate"]


@dataclass(frozen=True)
class Gate:
    """What a new model must be to go live by itself."""

    min_gain: float = 0.0
    """Accuracy that it must have more than the live one, from -1 to 1; 0 lets one through that is as good."""
    max_class_loss: float = 0.05
    """Recall that a single gesture may lose at most, from 0 to 1."""
    min_test_clips: int = 10
    """Clips on which both are judged, 1 or more; below, a difference is chance."""
    first_margin: float = 0.1
    """Accuracy above guessing that the first model of a set must have, from 0 to 1."""

    def __post_init__(self) -> None:
        # Put so that NaN is refused too.
        ranges = {
            "min_gain must be from -1 to 1": -1 <= self.min_gain <= 1,
            "max_class_loss must be from 0 to 1": 0 <= self.max_class_loss <= 1,
            "min_test_clips must be 1 or more": self.min_test_clips >= 1,
            "first_margin must be from 0 to 1": 0 <= self.first_margin <= 1,
        }
        for rule, holds in ranges.items():
            if not holds:
                raise ConfigError(f"{rule}, found {getattr(self, rule.split(' ', maxsplit=1)[0])}.")


@dataclass(frozen=True)
class Judged:
    """How one model did on the clips of the test.

    Args:
        labels: all classes, of both models and of the clips, in one order.
        confusion: counts, a row a true class and a column a predicted one.
    """

    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> "Judged":
        """Return what `to_json` made plain."""
        return cls(tuple(told["labels"]), tuple(tuple(row) for row in told["confusion"]))

    def to_json(self) -> dict[str, Any]:
        """Return plain values: the confusion matrix, accuracy, and recall by class."""
        return {
            "labels": list(self.labels),
            "confusion": [list(row) for row in self.confusion],
            "clips": self.clips,
            "correct": self.correct,
            "accuracy": self.accuracy,
            "recall": self.recall,
        }

    @property
    def clips(self) -> int:
        """All that were judged."""
        return sum(map(sum, self.confusion))

    @property
    def correct(self) -> int:
        """Those named rightly."""
        return sum(row[k] for k, row in enumerate(self.confusion))

    @property
    def accuracy(self) -> float:
        """Share of clips named rightly."""
        return self.correct / self.clips

    @property
    def recall(self) -> dict[str, float | None]:
        """Share of the clips of each class named rightly; None where there is no clip of it."""
        rows = enumerate(self.confusion)
        return {self.labels[k]: row[k] / sum(row) if sum(row) else None for k, row in rows}

    @property
    def by_guessing(self) -> float:
        """Accuracy of always naming the class that is most frequent among the clips."""
        return max(map(sum, self.confusion)) / self.clips


_WORDS: Mapping[str, str] = {
    "better": "{now} are right, {before} before; no gesture got worse by too much.",
    "first": "The first model of this set: {now} are right.",
    "guessing": "{now} are right; guessing gives {guessing:.1%}, and {wanted:.1%} are wanted of a first model.",
    "few": "Judged on {clips} test clips only; {wanted} are wanted. Record and accept more.",
    "same": "Not better: {now} are right, {before} before.",
    "gain": "Not better: {now} are right, {before} before; {wanted:.1%} more are wanted.",
    "worse": "'{label}' got worse: {recall:.1%} of its clips are right, {was:.1%} before; {lost:.1%} may be lost.",
    "uncompared": "It cannot be compared with the live model; promote it if it is better.",
    "changed": "Meanwhile the live model was changed to {live}, with which this one was not compared.",
}
"""What a reason says, by its code."""


@dataclass(frozen=True)
class Reason:
    """Why a model is promoted, or is not: for programs, and pages in other languages, by its code and its values.

    Args:
        code: one of those of `_WORDS`.
        values: that belong to it. `now` and `before` are [clips named rightly, clips]; `number` is that of the version
            that is live, 0 if none is; the others are shares, counts and labels.
    """

    code: str
    values: Mapping[str, Any]

    def __str__(self) -> str:
        """Return it in words."""
        told = {name: _share(*value) if name in ("now", "before") else value for name, value in self.values.items()}
        if "number" in told:
            told["live"] = f"version {told['number']}" if told["number"] else "none"
        return _WORDS[self.code].format_map(told)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"code": self.code, "values": dict(self.values)}


@dataclass(frozen=True)
class Decision:
    """What becomes of a new model.

    Args:
        verdict: promoted, refused, or kept as a candidate.
        why: the reasons, what was decisive first.
    """

    verdict: Verdict
    why: tuple[Reason, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """The same in words."""
        return tuple(map(str, self.why))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "why": [reason.to_json() for reason in self.why],
        }


def decide(gate: Gate, old: Judged | None, new: Judged, learnt: Sequence[str] | None = None) -> Decision:
    """Return whether a new model goes live.

    Args:
        gate: the rules.
        old: the live model; None if there is none.
        new: the new one, judged on the same clips.
        learnt: gestures that the old one has learnt; all if None. One that it does not know cannot get worse.
    """
    if old is None:
        return _first(gate, new)
    failed = [*_too_few(gate, new), *_no_gain(gate, old, new), *_losses(gate, old, new, learnt)]
    if failed:
        return Decision("refused", tuple(failed))
    return Decision("promoted", (Reason("better", {"now": _counts(new), "before": _counts(old)}),))


def _first(gate: Gate, new: Judged) -> Decision:
    """Any model is better than none, but for one that guesses."""
    wanted = min(1.0, new.by_guessing + gate.first_margin)
    few = _too_few(gate, new)
    if _below(new.accuracy, wanted):
        chance = {"now": _counts(new), "guessing": new.by_guessing, "wanted": wanted}
        return Decision("candidate", (Reason("guessing", chance), *few))
    return Decision("promoted", (Reason("first", {"now": _counts(new)}), *few))


def _too_few(gate: Gate, new: Judged) -> list[Reason]:
    if new.clips >= gate.min_test_clips:
        return []
    return [Reason("few", {"clips": new.clips, "wanted": gate.min_test_clips})]


def _no_gain(gate: Gate, old: Judged, new: Judged) -> list[Reason]:
    if not _below(new.accuracy, old.accuracy + gate.min_gain):
        return []
    both = {"now": _counts(new), "before": _counts(old)}
    return [Reason("gain", {**both, "wanted": gate.min_gain}) if gate.min_gain > 0 else Reason("same", both)]


def _losses(gate: Gate, old: Judged, new: Judged, learnt: Sequence[str] | None) -> list[Reason]:
    found, before = [], old.recall
    for label, recall in new.recall.items():
        was = before.get(label)
        if recall is None or was is None or (learnt is not None and label not in learnt):
            continue
        if _below(recall, was - gate.max_class_loss):
            loss = {"label": label, "recall": recall, "was": was, "lost": gate.max_class_loss}
            found.append(Reason("worse", loss))
    return found


def _counts(judged: Judged) -> list[int]:
    return [judged.correct, judged.clips]


def _share(correct: int, clips: int) -> str:
    return f"{correct} of {clips} clips ({correct / clips:.1%})"


def _below(value: float, bound: float) -> bool:
    """Return whether a share is below a bound, and not by rounding alone: 0.8 - 0.05 is a little above 0.75."""
    return value < bound and not math.isclose(value, bound, abs_tol=1e-9)
