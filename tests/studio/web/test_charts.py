"""Charts: what is drawn where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.studio.web.charts import Chart, Series, step_of


def chart(kind: str = "bars", *rows: list[float | None], top: float = 0.0) -> Chart:
    count = len(rows[0])
    series = [Series(f"s{i}", row, [str(value) for value in row], i + 1) for i, row in enumerate(rows)]
    heads = [f"day {i}" for i in range(count)]
    return Chart(kind, heads, heads, series, str, top=top)  # type: ignore[arg-type]


def number(place: str) -> float:
    return float(place.removesuffix("%"))


@given(st.floats(1e-6, 1e12))
def test_the_axis_has_few_marks_and_room_for_all_values(highest: float) -> None:
    step = step_of(highest)
    assert 1.5 < highest / step <= 5.0001
    drawn = chart("bars", [highest, 0.0])
    assert drawn.top >= highest * (1 - 1e-9)
    assert 2 <= len(drawn.y_ticks) <= 7


def test_bars_stand_on_each_other() -> None:
    drawn = chart("bars", [10.0, 0.0], [30.0, 5.0])
    assert drawn.top == 40
    bars = list(drawn.bars)
    assert [bar[0] for bar in bars] == [1, 2, 2]
    (_, x, low, width, height), (_, _, high, _, more), (_, x_2, *_) = bars
    assert (number(low), number(height)) == (75, 25)
    assert (number(high), number(more)) == (0, 75)
    assert number(x) + number(width) / 2 == 25
    assert number(x_2) + number(width) / 2 == 75


def test_lines_break_off_where_nothing_is_known() -> None:
    drawn = chart("lines", [0.5, 1.0, None, 0.5, None, 0.0, 1.0], top=1.0)
    assert drawn.top == 1.0
    assert [len(points.split()) for _, points in drawn.lines] == [2, 2]
    assert next(iter(drawn.lines))[1] == "7.143,50 21.429,0"
    assert len(list(drawn.dots)) == 5


def test_of_many_points_only_those_that_stand_alone_are_dots() -> None:
    drawn = chart("lines", [1.0, None] + [1.0] * 40)
    assert len(list(drawn.dots)) == 1


def test_ranges_are_drawn_from_end_to_end() -> None:
    series = Series("a", [0.5, None], ["", ""], 1, [(0.25, 0.75), None])
    drawn = Chart("lines", ["a", "b"], ["a", "b"], [series], str, top=1.0)
    assert list(drawn.whiskers) == [(1, "25%", "25%", "75%")]


@pytest.mark.parametrize(("count", "shown"), [(1, 1), (7, 7), (8, 8), (9, 5), (30, 8), (62, 8), (0, 0)])
def test_the_axis_below_has_room_for_its_words(count: int, shown: int) -> None:
    drawn = chart("bars", [1.0] * count)
    assert len(drawn.x_ticks) == shown
    assert sum(tick.is_spare for tick in drawn.x_ticks) == (shown // 2 if shown > 3 else 0)


def test_a_chart_without_values_is_empty() -> None:
    assert chart("bars", [0.0, 0.0]).is_empty
    assert chart("lines", [None]).is_empty
    assert not chart("lines", [None, 1.0]).is_empty
    assert chart("bars", [0.0]).y_ticks[0].at == "100%"


def test_the_table_says_what_is_drawn() -> None:
    assert chart("bars", [1.0, 2.0], [3.0, 4.0]).rows == [("day 0", ["1.0", "3.0"]), ("day 1", ["2.0", "4.0"])]
