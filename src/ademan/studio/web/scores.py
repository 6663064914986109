"""Scores of versions as pages show them: figures, classes, the confusion matrix, and the gate's reasons in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ademan.evaluation.metrics import ClassScore
from ademan.studio.data.classification import class_scores
from ademan.studio.web.texts import Say

_LEVELS: Final = 5
"""Shades of a matrix; 0 is none."""
_REASONS: Final = {
    "better": "verdict.better",
    "first": "verdict.first",
    "guessing": "verdict.guessing",
    "few": "verdict.few",
    "same": "verdict.same",
    "gain": "verdict.gain",
    "worse": "verdict.worse",
    "uncompared": "verdict.uncompared",
    "changed": "verdict.changed",
}
_SHARES: Final = ("guessing", "recall", "was", "lost")
Percent = Callable[..., str]


@dataclass(frozen=True)
class Cell:
    """One cell of a confusion matrix.

    Args:
        count: clips.
        share: of the clips of its row; None in an empty row.
        level: how dark it is, 0 to 5.
        is_right: whether these clips were named rightly.
    """

    count: int
    share: float | None
    level: int
    is_right: bool


@dataclass(frozen=True)
class Judgement:
    """How a version did on the clips of a test.

    Args:
        labels: all classes.
        correct: clips named rightly.
        clips: all that were judged.
        classes: precision, recall, F1 and support of each class.
        matrix: a row a true class and a column a predicted one.
    """

    labels: tuple[str, ...]
    correct: int
    clips: int
    classes: tuple[ClassScore, ...]
    matrix: tuple[tuple[Cell, ...], ...]

    @property
    def accuracy(self) -> float | None:
        """Share of clips named rightly; None without clips."""
        return self.correct / self.clips if self.clips else None

    @property
    def macro_f1(self) -> float | None:
        """Plain mean of F1 over the classes that have clips; None without clips."""
        known = [one.f1 for one in self.classes if one.f1 is not None]
        return sum(known) / len(known) if known else None

    def of(self, label: str) -> ClassScore | None:
        """Return the scores of a class."""
        return next((one for one in self.classes if one.label == label), None)

    @property
    def mistakes(self) -> list[tuple[str, str, int]]:
        """What was taken for something else: true label, predicted one and how often, the most frequent first."""
        found = [
            (self.labels[i], self.labels[k], cell.count)
            for i, row in enumerate(self.matrix)
            for k, cell in enumerate(row)
            if cell.count and i != k
        ]
        return sorted(found, key=lambda one: -one[2])


def judgement(told: Any) -> Judgement | None:
    """Return how a version did, of what `gate.Judged.to_json` left; None if it is none."""
    if not isinstance(told, Mapping) or not isinstance(told.get("labels"), list):
        return None
    labels, confusion = tuple(map(str, told["labels"])), told.get("confusion")
    is_square = isinstance(confusion, list) and [len(row) for row in confusion] == [len(labels)] * len(labels)
    if not is_square or not labels:
        return None
    counts = tuple(tuple(map(int, row)) for row in confusion or ())
    matrix = tuple(tuple(_cell(count, sum(row), i == k) for k, count in enumerate(row)) for i, row in enumerate(counts))
    correct = sum(row[k] for k, row in enumerate(counts))
    return Judgement(labels, correct, sum(map(sum, counts)), class_scores(labels, counts), matrix)


def reasons(decision: Mapping[str, Any], say: Say, percent: Percent) -> list[tuple[str, bool]]:
    """Return the reasons of a decision of the gate, and of each whether it is in the reader's language.

    Those of versions that were made before reasons had codes are told as they were written.
    """
    told = decision.get("why")
    if not isinstance(told, list) or any(one.get("code") not in _REASONS for one in told):
        return [(str(reason), False) for reason in decision.get("reasons", ())]
    return [(say(_REASONS[one["code"]], **_in_words(one["code"], one["values"], say, percent)), True) for one in told]


def _in_words(code: str, values: Mapping[str, Any], say: Say, percent: Percent) -> dict[str, object]:
    words: dict[str, object] = {}
    for name, value in values.items():
        if name in ("now", "before"):
            correct, clips = value
            words[name] = say("verdict.counts", correct=correct, clips=clips, share=percent(correct / clips))
        elif name in _SHARES or (name == "wanted" and code != "few"):
            words[name] = percent(value)
        else:
            words[name] = value
    return words


def _cell(count: int, total: int, is_right: bool) -> Cell:
    share = count / total if total else None
    level = 0 if not share else max(1, round(share * _LEVELS))
    return Cell(count, share, level, is_right)
