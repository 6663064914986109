"""What the verbs print: results on standard output, all else on standard error."""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from ademan.publishing.messages import as_line

Json = Annotated[bool, Parameter(name="--json", negative=())]
"""Print one JSON object and nothing else on standard output."""

_WIDE = 200  # columns where the output is no terminal: a line stays a line in a file or a pipe
out = Console(highlight=False, emoji=False, soft_wrap=True, width=None if sys.stdout.isatty() else _WIDE)
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)
_NOTHING = "[none][/none]"  # a tag of no style: what is left of it and right of it cannot become one
_AS_ITSELF = {"[": f"[{_NOTHING}", "\\": rf"\\{_NOTHING}"}  # before a tag, two backslashes are one


def print_json(content: Any) -> None:
    """Print one JSON value; NaN is refused, since JSON has none."""
    out.out(json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False))


def print_line(content: Mapping[str, object]) -> None:
    """Print a JSON object on one line, at once, whatever reads it."""
    print(as_line(content), flush=True)  # noqa: T201 - rich would wait, and wrap


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table, its first column to the left and all others to the right; cells are text, columns are markup."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    out.print(table, soft_wrap=False)


def plain(value: object) -> str:
    """Return markup that prints as the text does, whatever stands before and after it.

    `rich.markup.escape` is not enough: it leaves a "[" that nothing closes, and the "]" of a later text closes it.
    """
    return re.sub(r"[\[\\]", lambda found: _AS_ITSELF[found[0]], str(value))


def warn(text: str) -> None:
    """Print a line that the user should know of, on standard error."""
    err.print(f"[yellow]note:[/yellow] {plain(text)}")


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int | None], None]]:
    """Give a function (done, of how many) that moves a bar; none where standard error is no terminal."""
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, disable=not err.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
