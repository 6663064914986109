"""Compare Ademan with Keras: the same networks, the same clips, one after the other in turn, in one run.

    python benchmarks/run.py [--rounds 5] [--json FILE] [--only epoch predict start]

The first run makes an environment for Keras in `.venv-keras` beside this file (1.6 GB). See README.md for what is
measured and how to read it.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from worker import THREADS, Worker

HERE = Path(__file__).parent
ENVIRONMENT, REQUIREMENTS = HERE / ".venv-keras", HERE / "keras-requirements.txt"
SAME = 1e-4
"""Largest difference of a probability between the two programs: they compute the same."""
KERAS_EPOCHS = ("masked", "unmasked", "like lengths")
KERAS_PREDICTIONS = {"model.predict": 10, "tf.function": 10, "model(x)": 2}
"""Each way, and how many times a round; `model(x)` takes each time step from Python."""
PREDICTED = {"lstm-64x2": "300 frames x 34", "lstm-160-96-d96": "60 frames x 126"}
console = Console(highlight=False, width=120)


@dataclass(frozen=True)
class Comparison:
    """One thing that both do.

    Args:
        what: in words.
        way: in which Keras does it.
        ours: seconds, each measured time, by round.
        theirs: the same, of Keras; empty where there is nothing to compare with.
    """

    what: str
    way: str
    ours: list[list[float]] = field(default_factory=list)
    theirs: list[list[float]] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """How many times longer Keras takes: the ratio of the medians over all rounds."""
        return median(self.theirs) / median(self.ours)

    @property
    def ratios(self) -> list[float]:
        """The same within each round."""
        pairs = zip(self.ours, self.theirs, strict=True)
        return [statistics.median(theirs) / statistics.median(ours) for ours, theirs in pairs]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often the two take turns")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--json", type=Path, help="write all figures into this file")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, both(Path(folder)) as (ours, theirs):
        facts = prepare(ours, theirs, folder)
        tell(facts)
        found = [comparison for name in given.only for comparison in SECTIONS[name](ours, theirs, given.rounds)]
    show(found)
    if given.json:
        comparisons = [asdict(c) | {"ratio": c.ratio if c.theirs else None} for c in found]
        given.json.write_text(json.dumps(facts | {"comparisons": comparisons}, indent=1) + "\n")


def keras_python() -> Path:
    """Return the Python of the environment for Keras; make it if it is not there, or other versions are wanted."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = ENVIRONMENT / "ready.txt"
    if not ready.is_file() or ready.read_text() != REQUIREMENTS.read_text():
        console.print(f"installing {REQUIREMENTS.name} into {ENVIRONMENT.name} ...")
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
        ready.write_text(REQUIREMENTS.read_text())
    return python


@contextmanager
def both(folder: Path) -> Iterator[tuple[Worker, Worker]]:
    """Start both programs, each in its own environment."""
    with (
        Worker(Path(sys.executable), "ours.py", folder / "ours.log") as ours,
        Worker(keras_python(), "theirs.py", folder / "theirs.log") as theirs,
    ):
        yield ours, theirs


def prepare(ours: Worker, theirs: Worker, folder: str) -> dict[str, Any]:
    """Let both build the same networks, prove that they are the same, and return what is compared with what."""
    console.print("making clips, datasets and networks ...")
    mine = ours("prepare", folder=folder)
    their = theirs("prepare", folder=folder, trained=mine["trained"], networks=mine["networks"])
    networks = {}
    for name, spec in mine["networks"].items():
        weights, difference = their["networks"][name]["weights"], their["networks"][name]["difference"]
        if weights != spec["weights"] or not difference < SAME:
            sys.exit(
                f"{name} is not the same: {weights} weights for {spec['weights']}, answers {difference:.1g} apart."
            )
        networks[name] = {"weights": weights, "difference": difference}
    return {
        "networks": networks,
        "clips": mine["clips"],
        "mean_frames": mine["mean_frames"],
        "machine": {"cores": os.cpu_count(), "kind": platform.machine(), "system": platform.system()},
        "versions": {"python": platform.python_version(), **mine["versions"], **their["versions"]},
    }


def epochs(ours: Worker, theirs: Worker, rounds: int) -> list[Comparison]:
    """Compare an epoch of lstm-64x2 at two batch sizes, with Keras used in several ways."""
    found = []
    for batch_size in (32, 16):
        mine: list[list[float]] = []
        their: dict[str, list[list[float]]] = {way: [] for way in KERAS_EPOCHS}
        for i in range(rounds):
            console.print(f"epochs with batches of {batch_size}, round {i + 1} of {rounds} ...")
            mine.append(ours("epochs", batch_size=batch_size, count=3))
            for way in KERAS_EPOCHS:
                their[way].append(theirs("epochs", way=way, batch_size=batch_size, count=1))
        found += [Comparison(f"epoch, batch {batch_size}", way, mine, their[way]) for way in KERAS_EPOCHS]
    return found


def predictions(ours: Worker, theirs: Worker, rounds: int) -> list[Comparison]:
    """Compare naming one clip, with Keras asked in several ways."""
    found = []
    for network, what in PREDICTED.items():
        mine: list[list[float]] = []
        their: dict[str, list[list[float]]] = {way: [] for way in KERAS_PREDICTIONS}
        for i in range(rounds):
            console.print(f"predictions of {network}, round {i + 1} of {rounds} ...")
            mine.append(ours("predict", network=network, times=100))
            for way, times in KERAS_PREDICTIONS.items():
                their[way].append(theirs("predict", way=way, network=network, times=times))
        found += [Comparison(f"prediction, {what}", way, mine, their[way]) for way in KERAS_PREDICTIONS]
    return found


def start(_: Worker, __: Worker, rounds: int) -> list[Comparison]:
    """Measure how long `ademan --help` takes; there is nothing to compare it with."""
    seconds = []
    for _round in range(rounds + 1):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "ademan", "--help"], check=True, stdout=subprocess.DEVNULL)
        seconds.append([time.perf_counter() - started])
    return [Comparison("ademan --help", "", seconds[1:])]


def tell(facts: dict[str, Any]) -> None:
    """Print what is compared."""
    clips = facts["clips"]
    console.print(
        f"{clips['train']} clips to train, {clips['val']} to validate, {facts['mean_frames']} frames on average"
    )
    for name, network in facts["networks"].items():
        console.print(f"{name}: {network['weights']:,} weights in both, answers {network['difference']:.0e} apart")
    console.print(", ".join(f"{name} {version}" for name, version in facts["versions"].items()))
    console.print(f"{facts['machine']['cores']} cores, of which each may use {THREADS}")


def show(found: list[Comparison]) -> None:
    """Print a table: median (least to most) of the times, how many times longer Keras takes, and that by rounds."""
    table = Table("what", "Keras used as", "Ademan", "Keras", "ratio", "in the rounds")
    for c in found:
        ratios = (f"{c.ratio:.1f}", f"{min(c.ratios):.1f} to {max(c.ratios):.1f}") if c.theirs else ("", "")
        table.add_row(c.what, c.way, spread(c.ours), spread(c.theirs), *ratios)
    console.print(table)


def median(rounds: list[list[float]]) -> float:
    """Return the median of all times."""
    return statistics.median(chain(*rounds))


def spread(rounds: list[list[float]]) -> str:
    """Return 'median (least to most)' in seconds or milliseconds."""
    if not rounds:
        return ""
    factor, unit = (1, "s") if median(rounds) >= 1 else (1000, "ms")
    times = (median(rounds), min(chain(*rounds)), max(chain(*rounds)))
    middle, least, most = (f"{factor * t:.0f}" if factor * t >= 100 else f"{factor * t:.3g}" for t in times)
    return f"{middle} {unit} ({least} to {most})"


SECTIONS = {"epoch": epochs, "predict": predictions, "start": start}
"""What can be measured. To add to it, write a function that returns comparisons, and enter it here."""

if __name__ == "__main__":
    main()
