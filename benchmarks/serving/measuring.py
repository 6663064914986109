"""What all sections share: the options of a run, our server, and figures out of times."""

import statistics
import sys
import sysconfig
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from processes import Server, served, wait_for_quiet
from rich.console import Console

ADEMAN = Path(sysconfig.get_path("scripts")) / "ademan"


@dataclass(frozen=True)
class Bench:
    """One run.

    Args:
        folder: has the bundles and the request.
        rounds: how often all take turns.
        seconds: of each measurement.
        minutes: of the soak.
        streams: how many live streams.
        quiet: cores that others may use when a measurement begins; it waits for that, but not for ever.
        console: where tables go.
    """

    folder: Path
    rounds: int
    seconds: float
    minutes: float
    streams: tuple[int, ...]
    quiet: float
    console: Console

    def settle(self) -> None:
        """Wait for a quiet moment."""
        if self.quiet:
            wait_for_quiet(self.quiet)

    def ours(self, bundle: str = "lstm") -> AbstractContextManager[Server]:
        """Start our server, as users do."""
        path, log = self.folder / bundle, self.folder / f"ours-{bundle}.log"
        return served(f"ours, {bundle}", lambda port: [ADEMAN, "serve", path, "--port", port], log)

    def one_by_one(self) -> AbstractContextManager[Server]:
        """Start our server without batching."""
        path, log = self.folder / "lstm", self.folder / "one-by-one.log"
        return served("ours, one by one", lambda port: [sys.executable, "one_by_one.py", path, port], log)


def quantiles(times: Sequence[float]) -> tuple[float, float, float]:
    """Return what half, 95 % and 99 % of the times do not exceed."""
    if len(times) < 2:
        return (times[0],) * 3 if times else (float("nan"),) * 3
    steps = statistics.quantiles(times, n=100, method="inclusive")
    return steps[49], steps[94], steps[98]


def shown(milliseconds: float) -> str:
    """Return a time with three digits at most."""
    return f"{milliseconds:.0f}" if milliseconds >= 100 else f"{milliseconds:.3g}"


def spread(values: Sequence[float], form: str = "{:.0f}") -> str:
    """Return 'median (least to most)'."""
    told = [form.format(value) for value in (statistics.median(values), min(values), max(values))]
    return f"{told[0]} ({told[1]} to {told[2]})" if len(values) > 1 else told[0]
