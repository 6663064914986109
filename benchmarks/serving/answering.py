"""Requests: ours and Flask's in turn, at several numbers of clients; and what batching saves."""

import json
import os
import re
import statistics
import subprocess
import sys
import venv
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from measuring import Bench, quantiles, shown, spread
from processes import HERE, Loading, Server, Usage, served
from rich.table import Table

ENVIRONMENT, REQUIREMENTS = HERE / ".venv-keras", HERE / "requirements.txt"
CLIENTS = (1, 16, 64)
SAME = 1e-4
"""Largest difference of a probability between the servers: they compute the same."""
WARM_S = 2.0
JSON, PACKED = ("request.json", "application/json"), ("request.bin", "application/octet-stream")
FLASK = "Flask, model.predict"
THEIRS = {
    FLASK: ("predict", "threads"),
    "waitress, model.predict": ("predict", "waitress"),
    "gunicorn, 2 processes, model.predict": ("predict", "gunicorn"),
    "gunicorn, 2 processes, tf.function": ("compiled", "gunicorn"),
}
"""Ways to serve the Flask application: how Keras is called, and by which server."""


@dataclass
class Way:
    """A server, and what it is asked with.

    Args:
        name: in words.
        server: that answers.
        body: file of the request, and its type.
        rates: answers a second, by clients, of each round.
        times_ms: of all answers, by clients.
        cpu_ms: of the server, an answer, by clients, of each round.
        load_cores: used by the load, by clients, of each round.
        elsewhere: cores used by everything else on the machine, the same.
        failures: what came instead of answers.
    """

    name: str
    server: Server
    body: tuple[str, str] = JSON
    rates: dict[int, list[float]] = field(default_factory=dict)
    times_ms: dict[int, list[float]] = field(default_factory=dict)
    cpu_ms: dict[int, list[float]] = field(default_factory=dict)
    load_cores: dict[int, list[float]] = field(default_factory=dict)
    elsewhere: dict[int, list[float]] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)

    def measure(self, bench: Bench, clients: int) -> None:
        """Let clients ask, once."""
        bench.settle()
        before = Usage.of(self.server)
        found = self.ask(bench, clients, bench.seconds)
        used = Usage.of(self.server).since(before)
        count = len(found["times_ms"])
        self.rates.setdefault(clients, []).append(count / found["seconds"])
        self.times_ms.setdefault(clients, []).extend(found["times_ms"])
        cpu_s = (used["loop"] + used["others"]) * used["seconds"]
        self.cpu_ms.setdefault(clients, []).append(1000 * cpu_s / max(1, count))
        self.load_cores.setdefault(clients, []).append(found["cpu_s"] / found["seconds"])
        elsewhere = used["machine"] - used["loop"] - used["others"] - found["whole_cpu_s"] / used["seconds"]
        self.elsewhere.setdefault(clients, []).append(max(0.0, elsewhere))
        for status, times in found["statuses"].items():
            if status != "200":
                self.failures[status] = self.failures.get(status, 0) + times

    def ask(self, bench: Bench, clients: int, seconds: float) -> dict[str, Any]:
        """Let clients ask, and return what they found."""
        file, kind = self.body
        options = {"port": self.server.port, "body": str(bench.folder / file), "type": kind}
        with Loading("request_load.py", **options, clients=clients, seconds=seconds) as load:
            return load.result()

    def to_json(self) -> dict[str, Any]:
        """Return the figures by clients."""
        return {
            str(clients): {
                "a_second": rates,
                "ms_50_95_99": quantiles(self.times_ms[clients]),
                "server_cpu_ms": self.cpu_ms[clients],
                "load_cores": self.load_cores[clients],
                "elsewhere": self.elsewhere[clients],
            }
            for clients, rates in self.rates.items()
        } | {"failures": self.failures}


def compare(bench: Bench) -> dict[str, Any]:
    """Compare our server with Flask's."""
    python = keras_python()
    with ExitStack() as stack:
        ours = stack.enter_context(bench.ours())
        ways = [Way("ours, JSON", ours), Way("ours, packed", ours, PACKED)]
        for name, (call, by) in THEIRS.items():
            bench.console.print(f"starting {name} ...")
            ways.append(Way(name, stack.enter_context(_theirs(bench, python, call, by))))
        difference = check_same(bench, ways)
        in_turn(bench, ways)
        generator = trivial(bench)
    _show(bench, ways)
    ratios = {clients: _ratios(ways, clients) for clients in CLIENTS}
    for clients, ratio in ratios.items():
        bench.console.print(f"{clients} clients: ours gives {spread(ratio, '{:.1f}')} times the answers of {FLASK}")
    bench.console.print(f"answers at most {difference:.1g} apart; the load reaches {generator:.0f} a second at most")
    return {"ways": {w.name: w.to_json() for w in ways}, "ratios": ratios, "apart": difference, "most": generator}


def _theirs(bench: Bench, python: Path, call: str, by: str) -> Any:
    folder = bench.folder

    def command(port: int) -> list[Any]:
        if by != "gunicorn":
            return [python, "flask_app.py", folder, call, port, by]
        app = f"flask_app:create('{folder}', '{call}')"
        return [python, "-m", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}", "--timeout", "300", app]

    return served(f"{by}, {call}", command, folder / f"{by}-{call}.log")


def check_same(bench: Bench, ways: list[Way]) -> float:
    """Warm all servers up, and return by how much their probabilities differ; leave if they are not the same."""
    answers = []
    for way in ways:
        way.ask(bench, 16, WARM_S)
        answers.append(json.loads(way.ask(bench, 1, 0.1)["answer"])["probabilities"])
    apart = max(abs(answer[label] - p) for answer in answers for label, p in answers[0].items())
    if not apart < SAME:
        sys.exit(f"the servers do not compute the same: probabilities are {apart:.1g} apart.")
    return apart


def in_turn(bench: Bench, ways: list[Way]) -> None:
    """Measure all ways, one after the other, again and again."""
    for i in range(bench.rounds):
        for clients in CLIENTS:
            bench.console.print(f"requests, round {i + 1} of {bench.rounds}, {clients} clients ...")
            for way in ways:
                way.measure(bench, clients)


def trivial(bench: Bench) -> float:
    """Return how many answers a second the load takes from a server that does nothing."""
    log = bench.folder / "trivial.log"
    with served("trivial", lambda port: [sys.executable, "trivial.py", port], log, "/") as server:
        way = Way("trivial", server)
        way.measure(bench, 16)
    return way.rates[16][0]


def _ratios(ways: list[Way], clients: int) -> list[float]:
    """Return how many times as many answers ours gives as Flask's own server, of each round."""
    by_name = {way.name: way.rates[clients] for way in ways}
    return [mine / their for mine, their in zip(by_name["ours, JSON"], by_name[FLASK], strict=True)]


def _show(bench: Bench, ways: list[Way]) -> None:
    table = Table(
        "server", "clients", "answers a second", "50 %", "95 %", "99 % ms", "CPU of it, ms", "load", "elsewhere"
    )
    for way in ways:
        for clients, rates in way.rates.items():
            times = [shown(t) for t in quantiles(way.times_ms[clients])]
            cpu_ms = f"{statistics.median(way.cpu_ms[clients]):.2f}"
            cores = [f"{statistics.median(shares[clients]):.0%}" for shares in (way.load_cores, way.elsewhere)]
            table.add_row(way.name, str(clients), spread(rates), *times, cpu_ms, *cores)
        if way.failures:
            table.add_row("", "", f"failed: {way.failures}")
    bench.console.print(table)


def batching(bench: Bench) -> dict[str, Any]:
    """Compare our server with and without batching, and find what the batcher costs a lone client."""
    with bench.ours() as ours, bench.one_by_one() as single:
        ways = [
            Way("batched, JSON", ours),
            Way("one by one, JSON", single),
            Way("batched, packed", ours, PACKED),
            Way("one by one, packed", single, PACKED),
        ]
        check_same(bench, ways)
        before = _batches(ours)
        in_turn(bench, ways)
        windows, batches = (b - a for a, b in zip(before, _batches(ours), strict=True))
    _show(bench, ways)
    bench.console.print(f"{windows / batches:.2f} windows a batch on average, over all numbers of clients")
    delay = {name: added_delay(bench, name) for name in ("lstm", "default")}
    return {"ways": {w.name: w.to_json() for w in ways}, "windows_a_batch": windows / batches, "delay_ms": delay}


def _batches(server: Server) -> tuple[float, float]:
    """Return windows and batches up to now."""
    text = server.get("/metrics")
    found = [re.search(rf"^ademan_batch_windows_{key} ([0-9.e+]+)", text, re.M) for key in ("sum", "count")]
    return tuple(float(match[1]) if match else 0.0 for match in found)  # type: ignore[return-value]


def added_delay(bench: Bench, bundle: str) -> dict[str, float]:
    """Return in milliseconds what the batcher adds for a lone client."""
    command = [sys.executable, "batcher_delay.py", bench.folder / bundle, bench.folder / "frames.npy", "1000"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=HERE)
    times = {name: [1000 * t for t in values] for name, values in json.loads(done.stdout).items()}
    (a50, a95, _), (b50, b95, _) = quantiles(times["straight"]), quantiles(times["through"])
    bench.console.print(
        f"a lone window, {bundle}: straight {a50:.2f} ms (95 % {a95:.2f}), through the batcher {b50:.2f} ms "
        f"(95 % {b95:.2f}); it adds {b50 - a50:.2f} ms"
    )
    return {"straight": a50, "straight_95": a95, "through": b50, "through_95": b95, "added": b50 - a50}


def keras_python() -> Path:
    """Return the Python of the environment for Keras and Flask; make it if it is not there, or out of date."""
    python = ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready, wanted = (
        ENVIRONMENT / "ready.txt",
        REQUIREMENTS.read_text() + (HERE.parent / "keras-requirements.txt").read_text(),
    )
    if not ready.is_file() or ready.read_text() != wanted:
        print(f"installing {REQUIREMENTS.name} into {ENVIRONMENT.name} ...")
        venv.create(ENVIRONMENT, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "-r", REQUIREMENTS], check=True)
        ready.write_text(wanted)
    return python
