"""A second try for tests that watch a real clock: sockets, browsers, processes, cameras.

On a machine that is busy with other things, such a test may fail for want of time alone. It is run once more, with new
fixtures; the end of the run names each that needed it, so that one that does so often is seen and mended. All other
tests, and slow ones, have one try.
"""

from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol

CLOCKED = ("client", "live", "publishing", "server", "storage", "studio", "video")
"""Folders of tests that watch a real clock."""
_HERE = Path(__file__).parent


class SecondTry:
    """The plugin that runs them, and tells which were run twice."""

    def __init__(self) -> None:
        self._retried: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if not is_clocked(item.path) or item.get_closest_marker("slow"):
            return None
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        if any(report.failed for report in reports):
            first = next(report for report in reports if report.failed)
            item._initrequest()  # type: ignore[attr-defined] # as pytest does before the first time
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
            reports[-1].sections.append((_SECTION, f"{item.nodeid}\n{first.longreprtext}"))
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Also called where the reports of other processes arrive."""
        self._retried += [text for name, text in report.sections if name == _SECTION]

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._retried:
            terminalreporter.section("run a second time, after they had failed like this")
            for text in self._retried:
                terminalreporter.write_line(text + "\n")


_SECTION = "failed first"


def is_clocked(path: Path) -> bool:
    """Return whether the tests of a file have a second try."""
    return path.is_relative_to(_HERE) and path.relative_to(_HERE).parts[0] in CLOCKED
