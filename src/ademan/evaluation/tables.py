"""Tables as HTML, which report.js lets a reader sort by any column."""

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ademan.evaluation.words import percent

Value: TypeAlias = str | float | None
Kind = Literal["text", "count", "share", "score", "fine", "bar"]
"""text: left. count: whole number. share: 44 %. score: 0.44. fine: 0.441. bar: 0.44 with a bar as long as the score."""


MAX_SHOWN = 30
"""A table of more rows than this scrolls in itself."""


@dataclass(frozen=True)
class Column:
    """The head of a column, and how its values are shown."""

    title: str
    kind: Kind


def table(columns: Sequence[Column], rows: Sequence[Sequence[Value]], foot: str = "") -> str:
    """Return a sortable table.

    Args:
        columns: one each value of a row.
        rows: text is escaped; None shows as a dash, and sorts last.
        foot: a row's cells as HTML, which stays at the bottom.
    """
    head = "".join(_head(column) for column in columns)
    body = "\n".join(
        f"<tr>{''.join(_cell(column, value) for column, value in zip(columns, row, strict=True))}</tr>" for row in rows
    )
    foot = f"<tfoot><tr>{foot}</tr></tfoot>" if foot else ""
    tall = " tall" if len(rows) > MAX_SHOWN else ""
    return (
        f'<div class="scroll{tall}"><table class="sortable">\n<thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody>{foot}</table></div>"
    )


def facts(values: Sequence[tuple[str, str]]) -> str:
    """Return a table of names and values."""
    rows = "\n".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td>{html.escape(value)}</td></tr>' for name, value in values
    )
    return f'<table class="facts"><tbody>\n{rows}\n</tbody></table>'


def _head(column: Column) -> str:
    side = "" if column.kind == "text" else ' class="number"'
    return f'<th scope="col" aria-sort="none"{side}><button type="button">{html.escape(column.title)}</button></th>'


def _cell(column: Column, value: Value) -> str:
    if value is None:
        return '<td class="number none" data-value="">&ndash;</td>'
    if isinstance(value, str):
        return f"<td>{html.escape(value)}</td>"
    shown = {"count": f"{value:.0f}", "share": percent(value), "fine": f"{value:.3f}"}.get(column.kind, f"{value:.2f}")
    bar = f'<i class="bar"><i style="width:{100 * value:.0f}%"></i></i>' if column.kind == "bar" else ""
    return f'<td class="number" data-value="{value!r}">{shown}{bar}</td>'
