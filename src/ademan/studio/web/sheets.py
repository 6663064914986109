"""Figures as sheets: CSV as spreadsheets of all makes read it (RFC 4180), each day by itself."""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from ademan.studio.data.classification import Classified, latest
from ademan.studio.data.days import Days
from ademan.studio.data.drift import drifted
from ademan.studio.data.figures import OTHERS, Told
from ademan.studio.data.tables import NOBODY
from ademan.studio.web.asked import Asked
from ademan.studio.web.parts import Studio

Cell = str | int | float | None
Row = Sequence[Cell]
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True)
class Wanted:
    """What a sheet is made of.

    Args:
        studio: whose figures.
        by: id of whoever asks.
        asked: of what.
    """

    studio: Studio
    by: int
    asked: Asked


def to_csv(rows: Iterable[Row]) -> bytes:
    """Return a sheet in UTF-8, with the mark at its beginning without which Excel takes it for something else.

    Text that a spreadsheet would take for a formula is preceded by an apostrophe: names are anybody's choice.
    Source: OWASP, CSV injection.
    """
    content = io.StringIO(newline="")
    csv.writer(content, lineterminator="\r\n").writerows([_safe(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + content.getvalue().encode()


def _safe(cell: Cell) -> Cell:
    if isinstance(cell, float):
        return round(cell, 6)
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def gestures(wanted: Wanted) -> Iterator[Row]:
    """Yield how often each gesture began on each day."""
    which = wanted.asked.which.by_day
    yield "day", "gesture", "count"
    for label, days in wanted.studio.figures.gestures(which).items():
        for day, count in sorted(days.items()):
            yield _iso(which.days, day), label, count


def use(wanted: Wanted) -> Iterator[Row]:
    """Yield how much each person was told on each day, as far as one may see them."""
    which = wanted.asked.which.by_day
    found = wanted.studio.figures.totals(wanted.by, which).use
    names = wanted.studio.figures.names(wanted.by, [person for person, _ in found])
    yield "day", "person", "name", "predictions", "gestures"
    for (person, day), one in sorted(found.items(), key=lambda item: (item[0][1], item[0][0])):
        told = {NOBODY: "nobody", OTHERS: "others"}.get(person, person)
        yield _iso(which.days, day), told, names.get(person, ""), one.predictions, one.gestures


def today(wanted: Wanted) -> Iterator[Row]:
    """Yield how much was said in each half hour of today."""
    which = wanted.asked.which.on(wanted.asked.today)
    found = wanted.studio.figures.today(which)
    yield "day", "half hour", "predictions", "gestures"
    for half_hour, clock in which.days.half_hours():
        one = found.get(half_hour)
        yield wanted.asked.today.isoformat(), clock, one.predictions if one else 0, one.gestures if one else 0


def accuracy(wanted: Wanted) -> Iterator[Row]:
    """Yield how often the model was right where people said what was true, by gesture and day."""
    which = wanted.asked.which.by_day
    yield "day", "true gesture", "right", "answers", "share", "low", "high"
    for truth, days in wanted.studio.figures.accuracy(which).items():
        for day, told in sorted(days.items()):
            yield _iso(which.days, day), truth, *_told(told)


def pace(wanted: Wanted) -> Iterator[Row]:
    """Yield how sure and how fast predictions were, by day."""
    which = wanted.asked.which.by_day
    yield "day", "predictions", "mean confidence", "mean latency in ms", "longest latency in ms"
    for day, one in sorted(wanted.studio.figures.totals(wanted.by, which).pace.items()):
        yield _iso(which.days, day), one.count, one.confidence, one.latency_ms, one.latency_max_ms


def classes(wanted: Wanted) -> Iterator[Row]:
    """Yield precision, recall, F1 and support of the latest versions."""
    yield "version", "gesture", "precision", "recall", "f1", "support"
    for version in _latest(wanted):
        for one in version.classes:
            yield version.number, one.label, one.precision, one.recall, one.f1, one.support


def confusion(wanted: Wanted) -> Iterator[Row]:
    """Yield the confusion matrices of the latest versions, a line a pair."""
    yield "version", "true gesture", "predicted gesture", "clips"
    for version in _latest(wanted):
        for truth, row in zip(version.labels, version.confusion, strict=True):
            for predicted, count in zip(version.labels, row, strict=True):
                yield version.number, truth, predicted, count


def drift(wanted: Wanted) -> Iterator[Row]:
    """Yield how far the clips' statistics have moved since the version was trained."""
    yield "version", "statistic", "mean then", "mean now", "clips then", "clips now", "index", "by chance", "change"
    version = wanted.asked.drift_of
    found = drifted(wanted.studio.database, version, wanted.asked.which.days) if version else None
    if found is None:
        return
    for one in found.moved:
        then, now = one.reference, one.drift
        means, counts = (then.mean, one.mean), (then.total, now.values)
        yield found.number, one.feature, *means, *counts, now.index, now.by_chance, now.change


SHEETS: Final[dict[str, Callable[[Wanted], Iterator[Row]]]] = {
    "gestures": gestures,
    "use": use,
    "today": today,
    "accuracy": accuracy,
    "pace": pace,
    "classes": classes,
    "confusion": confusion,
    "drift": drift,
}
"""By the name in the address /figures/<name>.csv."""


def _latest(wanted: Wanted) -> list[Classified]:
    owner = wanted.asked.versions_of
    return latest(wanted.studio.database, owner.id) if owner else []


def _iso(days: Days, index: int) -> str:
    day: date = days.dates[index]
    return day.isoformat()


def _told(told: Told) -> Row:
    reach = told.interval
    return told.right, told.total, told.share, reach.low if reach else None, reach.high if reach else None
