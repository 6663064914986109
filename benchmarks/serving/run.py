"""Compare our server with a plain Flask server that calls Keras, and find how many live streams ours carries.

    python benchmarks/serving/run.py [--rounds 3] [--seconds 5] [--only requests batching streams soak]
                                     [--minutes 10] [--frames 30] [--quiet 0.2] [--json FILE]

The first run makes an environment for Keras and Flask in `.venv-keras` beside this file (1.6 GB). See README.md for
what is measured and how to read it.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import answering
import soaking
import streaming
from measuring import Bench
from processes import HERE, use_few_cores
from rich.console import Console

SECTIONS: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "requests": answering.compare,
    "batching": answering.batching,
    "streams": streaming.measure,
    "soak": soaking.soak,
}
"""What can be measured."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="how often all take turns")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the soak")
    parser.add_argument("--frames", type=int, default=30, help="of a request")
    parser.add_argument("--streams", type=int, nargs="+", default=list(streaming.COUNTS), help="how many live streams")
    parser.add_argument("--quiet", type=float, default=0.0, help="wait until others use fewer cores; 0 waits for none")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--json", type=Path, help="write all figures into this file")
    given = parser.parse_args()
    cores, console = use_few_cores(), Console(highlight=False, width=140)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([sys.executable, HERE / "networks.py", folder, str(given.frames)], check=True)
        bench = Bench(folder, given.rounds, given.seconds, given.minutes, tuple(given.streams), given.quiet, console)
        facts = {"date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC", "cores": cores, **machine()}
        console.print(", ".join(f"{key} {value}" for key, value in facts.items()))
        found = {section: SECTIONS[section](bench) for section in given.only}
    if given.json:
        given.json.write_text(json.dumps(facts | found, indent=1) + "\n")


def machine() -> dict[str, Any]:
    """Return what it runs on, and how busy that is before."""
    return {"kind": platform.machine(), "python": platform.python_version(), "load": round(os.getloadavg()[0], 2)}


if __name__ == "__main__":
    main()
