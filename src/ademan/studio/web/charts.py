"""Charts as places on a drawing: what templates/charts.html draws in SVG.

All places are per cent of the drawing area, so that a chart fits any width while its words keep their size. Nothing of
it needs a script, and all colours are classes, as the content security policy wants it.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

TONES = 8
"""Colours that there are for series, t1 to t8 in figures.css; the last one is grey, for all that is left over."""
_MOST_TICKS, _WIDE_LABELS = 5, 8
_BAR = 0.72  # of the room of a column
_FEW_POINTS = 31  # up to so many, each point of a line has a dot


@dataclass(frozen=True)
class Series:
    """Values of one kind.

    Args:
        name: of the legend.
        values: one a column; None where there is none.
        told: the same as people read them.
        tone: its colour, 1 to TONES.
        ranges: from where to where each value may be.
    """

    name: str
    values: Sequence[float | None]
    told: Sequence[str]
    tone: int = 1
    ranges: Sequence[tuple[float, float] | None] = ()


@dataclass(frozen=True)
class Tick:
    """A mark of an axis.

    Args:
        at: per cent from the left, or from above.
        text: beside it.
        is_spare: whether it is left out where there is little room.
    """

    at: str
    text: str
    is_spare: bool = False


@dataclass(frozen=True)
class Chart:
    """Series over columns: as bars that stand on each other, or as lines.

    Args:
        kind: of the chart.
        heads: of the columns, as the table has them.
        marks: the same in short, for the axis.
        series: all with as many values as there are columns.
        tell: writes a value of the axis.
        top: of the axis at least; lines of shares have 1.
    """

    kind: Literal["bars", "lines"]
    heads: Sequence[str]
    marks: Sequence[str]
    series: Sequence[Series]
    tell: Callable[[float], str]
    top: float = 0.0
    _step: float = field(init=False)

    def __post_init__(self) -> None:
        highest = max(self.top, *self._heights(), 0.0)
        object.__setattr__(self, "_step", step_of(highest))
        object.__setattr__(self, "top", self._step * max(1, math.ceil(highest / self._step - 1e-9)))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw."""
        return not any(value for one in self.series for value in one.values)

    @property
    def rows(self) -> list[tuple[str, list[str]]]:
        """The same as a table: heads, and what each series has there."""
        return [(head, [one.told[i] for one in self.series]) for i, head in enumerate(self.heads)]

    @property
    def y_ticks(self) -> list[Tick]:
        """Marks of the axis at the side, from below."""
        count = round(self.top / self._step)
        return [Tick(self._y(i * self._step), self.tell(i * self._step)) for i in range(count + 1)]

    @property
    def x_ticks(self) -> list[Tick]:
        """Marks of the axis below."""
        stride = math.ceil(len(self.marks) / _WIDE_LABELS)
        shown = range(0, len(self.marks), max(1, stride))
        return [Tick(self._x(i), self.marks[i], is_spare=k % 2 == 1 and len(shown) > 3) for k, i in enumerate(shown)]

    @property
    def bars(self) -> Iterator[tuple[int, str, str, str, str]]:
        """Yield tone, x, y, width and height of each part of each bar."""
        width = 100 * _BAR / max(1, len(self.heads))
        for i in range(len(self.heads)):
            below = 0.0
            for one in self.series:
                value = one.values[i] or 0.0
                if value > 0:
                    left = _told(100 * (i + 0.5) / len(self.heads) - width / 2)
                    yield one.tone, left, self._y(below + value), _told(width), _told(100 * value / self.top)
                below += value

    @property
    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield tone and points of each line; it breaks off where there is no value."""
        for one in self.series:
            for run in _runs(one.values):
                if len(run) > 1:
                    yield one.tone, " ".join(f"{self._place(i)},{self._height(value)}" for i, value in run)

    @property
    def dots(self) -> Iterator[tuple[int, str, str]]:
        """Yield tone, x and y of the points of lines: all if they are few, else those that stand alone."""
        for one in self.series:
            for run in _runs(one.values):
                if len(run) == 1 or len(self.heads) <= _FEW_POINTS:
                    for i, value in run:
                        yield one.tone, self._x(i), self._y(value)

    @property
    def whiskers(self) -> Iterator[tuple[int, str, str, str]]:
        """Yield tone, x, and both ends of the range of each value."""
        for one in self.series:
            for i, reach in enumerate(one.ranges):
                if reach is not None:
                    yield one.tone, self._x(i), self._y(reach[1]), self._y(reach[0])

    def _heights(self) -> list[float]:
        columns = zip(*(one.values for one in self.series), strict=True)
        if self.kind == "bars":
            return [sum(value or 0.0 for value in column) for column in columns]
        return [value for column in columns for value in column if value is not None]

    def _place(self, column: int) -> str:
        return _number(100 * (column + 0.5) / len(self.heads))

    def _height(self, value: float) -> str:
        return _number(100 - 100 * value / self.top)

    def _x(self, column: int) -> str:
        return f"{self._place(column)}%"

    def _y(self, value: float) -> str:
        return f"{self._height(value)}%"


def step_of(highest: float) -> float:
    """Return the distance between marks: 1, 2 or 5 times a power of ten, so that there are few."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(highest / _MOST_TICKS))
    return next(power * times for times in (1, 2, 5, 10, 20) if highest / (power * times) <= _MOST_TICKS)


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Yield values that follow each other, with their columns."""
    run: list[tuple[int, float]] = []
    for i, value in enumerate(values):
        if value is not None:
            run.append((i, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")


def _told(value: float) -> str:
    return f"{_number(value)}%"
