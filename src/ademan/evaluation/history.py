"""The table of a training: one row an epoch, as written to history.csv."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

History: TypeAlias = Sequence[Mapping[str, object]]
"""Rows with 'epoch' and any of train_loss, val_loss, train_accuracy, val_accuracy, val_f1, learning_rate.

Gaps are None or ''.
"""

CHOOSE_BY = (("val_f1", max), ("val_accuracy", max), ("val_loss", min))
"""What makes an epoch the best, if training does not say which one it kept: the first of these that was recorded."""


def column(history: History, name: str) -> list[float | None]:
    """Return one value an epoch, None where there is none; text, as CSV files give it, is read as a number."""
    return [_number(row.get(name)) for row in history]


def epochs(history: History) -> list[float]:
    """Return the number of each epoch; rows that have none are counted from 1."""
    return [row + 1.0 if epoch is None else epoch for row, epoch in enumerate(column(history, "epoch"))]


def changes(history: History, name: str) -> bool:
    """Return whether a column has more than one value: a constant needs no curve."""
    return len(set(column(history, name)) - {None}) > 1


def best_epoch(history: History) -> float | None:
    """Return the number of the best epoch, of equals the first; None if nothing was validated."""
    for name, best in CHOOSE_BY:
        values = column(history, name)
        known = [value for value in values if value is not None]
        if known:
            return epochs(history)[values.index(best(known))]
    return None


def _number(value: object) -> float | None:
    if value is None or value == "":
        return None
    number = float(str(value))
    return number if math.isfinite(number) else None
