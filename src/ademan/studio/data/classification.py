"""What a confusion matrix says of each class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from ademan.evaluation.metrics import ClassScore
from ademan.studio.data.database import Database
from ademan.studio.data.tables import ModelVersion

LATEST = 3


@dataclass(frozen=True)
class Classified:
    """How a version did on the clips of its test.

    Args:
        model_id: of the version.
        number: within its set.
        state: 'candidate', 'live', 'retired' or 'refused'.
        created_ms: when it was kept.
        labels: of the classes.
        confusion: counts, a row a true class and a column a predicted one.
        classes: precision, recall, F1 and support of each.
    """

    model_id: int
    number: int
    state: str
    created_ms: int
    labels: tuple[str, ...]
    confusion: tuple[tuple[int, ...], ...]
    classes: tuple[ClassScore, ...]

    @property
    def clips(self) -> int:
        """All that were judged."""
        return sum(map(sum, self.confusion))

    @property
    def accuracy(self) -> float | None:
        """Share of clips named rightly; None without clips."""
        return sum(row[k] for k, row in enumerate(self.confusion)) / self.clips if self.clips else None

    @property
    def macro_f1(self) -> float | None:
        """Plain mean of F1 over the classes that have clips; None without clips."""
        known = [one.f1 for one in self.classes if one.f1 is not None]
        return sum(known) / len(known) if known else None

    @property
    def shaded(self) -> list[tuple[str, list[tuple[int, int]]]]:
        """The rows of the confusion matrix, each count with its part of the row in tenths, at least 1 if not zero."""
        return [
            (label, [(count, _tenths(count, sum(row))) for count in row])
            for label, row in zip(self.labels, self.confusion, strict=True)
        ]


def latest(database: Database, set_id: int, count: int = LATEST) -> list[Classified]:
    """Return how the latest versions of a set did, the newest first; those that were not judged are left out."""
    columns = (ModelVersion.id, ModelVersion.number, ModelVersion.state, ModelVersion.created_ms, ModelVersion.scores)
    asked = select(*columns).where(ModelVersion.set_id == set_id).order_by(ModelVersion.number.desc()).limit(count)
    with database.reading() as session:
        rows = session.execute(asked).all()
    return [
        Classified(row.id, row.number, row.state, row.created_ms, labels, confusion, class_scores(labels, confusion))
        for row in rows
        for labels, confusion in _judged(row.scores)
    ]


def class_scores(labels: Sequence[str], confusion: Sequence[Sequence[int]]) -> tuple[ClassScore, ...]:
    """Return precision, recall, F1 and support of each class.

    Precision is None where a class was never predicted; recall and F1 are where no clip is of it.

    Args:
        labels: (K,) of the classes.
        confusion: (K, K) counts, a row a true class and a column a predicted one.
    """
    found = []
    for k, label in enumerate(labels):
        hits, support, given = confusion[k][k], sum(confusion[k]), sum(row[k] for row in confusion)
        found.append(
            ClassScore(
                label,
                hits / given if given else None,
                hits / support if support else None,
                2 * hits / (support + given) if support else None,
                support,
            )
        )
    return tuple(found)


def _tenths(count: int, whole: int) -> int:
    return max(1, round(10 * count / whole)) if count else 0


def _judged(scores: Mapping[str, Any]) -> list[tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]]:
    """Return labels and confusion matrix, or nothing if a version has none that fit each other."""
    new = scores.get("new")
    if not isinstance(new, Mapping) or not new.get("labels"):
        return []
    labels = tuple(map(str, new["labels"]))
    confusion = tuple(tuple(map(int, row)) for row in new.get("confusion", ()))
    is_square = len(confusion) == len(labels) and all(len(row) == len(labels) for row in confusion)
    return [(labels, confusion)] if is_square else []
