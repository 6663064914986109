"""One HTML file that needs nothing else: styles, script, data and plotly.js are written into it.

A content security policy lets run only the two scripts whose hashes it names, and lets nothing be loaded: a label
that someone called `<script>` is escaped, and would not run if it were not.
"""

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from string import Template
from typing import Any

from ademan import __version__
from ademan.errors import require
from ademan.evaluation.charts import Chart


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Args:
        id: one word; capitalised, it stands in the page's list of sections.
        title: its heading.
        body: HTML.
        charts: those that the body has places for.
    """

    id: str
    title: str
    body: str
    charts: Mapping[str, Chart]


def page(title: str, sections: Sequence[Section]) -> str:
    """Return the page as one HTML document.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    plotly = require("plotly.offline", feature="Writing a report", extra="train").get_plotlyjs()
    scripts = [_inline(plotly), _inline(_file("report.js"))]
    charts = {name: chart for section in sections for name, chart in section.charts.items()}
    return Template(_file("report.html")).substitute(
        title=html.escape(title),
        version=__version__,
        policy=_policy(scripts),
        css=_file("report.css"),
        nav="".join(f'<a href="#{section.id}">{section.id.capitalize()}</a>' for section in sections[1:]),
        sections="\n".join(map(_section, sections)),
        charts=_json(charts),
        plotly=scripts[0],
        script=scripts[1],
    )


def prose(sentence: str) -> str:
    """Return a sentence as HTML, in which a number and its percent sign stay on one line."""
    return html.escape(sentence.strip()).replace(" %", "&nbsp;%")


def place(name: str, description: str) -> str:
    """Return the place of a chart; the description is for those who cannot see it."""
    return (
        f'<div class="chart" data-chart="{html.escape(name)}" role="img" aria-label="{html.escape(description)}"></div>'
    )


def _section(section: Section) -> str:
    return f'<section id="{section.id}">\n<h2>{prose(section.title)}</h2>\n{section.body}\n</section>'


def _file(name: str) -> str:
    return files("ademan.evaluation").joinpath(name).read_text(encoding="utf-8")


def _inline(script: str) -> str:
    r"""Return a script that may stand in a page: nothing in it ends the element, and its lines end as a page's do.

    Browsers turn CR LF into LF before they hash a script. In JavaScript `<\/` and `<\!` mean what they mean without
    the backslash, in strings and in patterns.
    """
    script = script.replace("\r\n", "\n").replace("<!--", r"<\!--")
    return re.sub("</(script)", r"<\\/\1", script, flags=re.IGNORECASE)


def _policy(scripts: Sequence[str]) -> str:
    hashes = " ".join(f"'sha256-{_sha256(script)}'" for script in scripts)
    # Plotly makes style elements as it draws, and a picture out of data when asked to save a chart.
    return f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'"


def _sha256(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _json(content: Any) -> str:
    """Return JSON that may stand in a page: no character of it opens a tag."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
