"""Servers and loads as processes: started, waited for, watched by /proc, and ended."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent
CORES = 2
"""Of servers and loads together; those that the figures come from had no more."""
ENVIRONMENT = {
    "OMP_NUM_THREADS": str(CORES),
    "TF_NUM_INTRAOP_THREADS": str(CORES),
    "TF_NUM_INTEROP_THREADS": str(CORES),
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "-1",
}
READY_S = 120.0
_TICK = os.sysconf("SC_CLK_TCK")


def use_few_cores() -> int:
    """Keep this process, and all that it starts, on CORES cores; return how many they are."""
    cores = sorted(os.sched_getaffinity(0))[:CORES]
    os.sched_setaffinity(0, cores)
    return len(cores)


@dataclass(frozen=True)
class Server:
    """A server at work.

    Args:
        name: in words.
        pid: of its process; others may be below it.
        port: on this machine.
    """

    name: str
    pid: int
    port: int

    def get(self, path: str) -> str:
        """Return what it answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            return str(answer.read().decode())


@contextmanager
def served(name: str, command: Callable[[int], list[Any]], log: Path, path: str = "/health") -> Iterator[Server]:
    """Start a server, wait until it answers, and end it afterwards.

    Args:
        name: in words.
        command: makes the command line from a port.
        log: file that gets what it says.
        path: what it answers when it is ready.
    """
    port = _free_port()
    with log.open("w") as file:
        process = subprocess.Popen(
            [str(word) for word in command(port)], stdout=file, stderr=file, env=os.environ | ENVIRONMENT, cwd=HERE
        )
    server = Server(name, process.pid, port)
    try:
        _wait_for(server, process, path, log)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for(server: Server, process: "subprocess.Popen[bytes]", path: str, log: Path) -> None:
    until_s = time.monotonic() + READY_S
    while time.monotonic() < until_s and process.poll() is None:
        try:
            server.get(path)
        except OSError:
            time.sleep(0.2)
        else:
            return
    sys.exit(f"{server.name} does not answer:\n{log.read_text()[-3000:]}")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Loading:
    """A load at work: a script of this folder that takes its options as JSON and prints what it found.

    Args:
        script: its name.
        options: of it.
    """

    def __init__(self, script: str, **options: Any) -> None:
        command = [sys.executable, HERE / script, json.dumps(options)]
        # Unbuffered, Python takes no notice of a pipe that took only part of a long line.
        environment = os.environ | {"PYTHONUNBUFFERED": ""}
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        self._script = script

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
        self._process.wait()

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self._process.poll() is None

    def line(self) -> str:
        """Return its next line."""
        line = self._process.stdout.readline() if self._process.stdout else ""
        if not line:
            sys.exit(f"{self._script} failed.")
        return line.strip()

    def result(self) -> dict[str, Any]:
        """Return what it found."""
        line = self.line()
        if self._process.wait():
            sys.exit(f"{self._script} ended with {self._process.returncode}.")
        found: dict[str, Any] = json.loads(line)
        return found


@dataclass(frozen=True)
class Usage:
    """Seconds of processor, up to now: of a server's first thread, of its others, and of the whole machine."""

    loop_s: float
    others_s: float
    machine_s: float
    at_s: float

    @classmethod
    def of(cls, server: Server) -> "Usage":
        """Return what a server has used."""
        all_s = sum(_seconds(Path(f"/proc/{pid}/stat")) for pid in _with_children(server.pid))
        loop_s = _seconds(Path(f"/proc/{server.pid}/task/{server.pid}/stat"))
        return cls(loop_s, all_s - loop_s, _machine_s(), time.perf_counter())

    def since(self, before: "Usage") -> dict[str, float]:
        """Return the shares of a core that were used since then, and the seconds that passed."""
        seconds = self.at_s - before.at_s
        return {
            "loop": (self.loop_s - before.loop_s) / seconds,
            "others": (self.others_s - before.others_s) / seconds,
            "machine": (self.machine_s - before.machine_s) / seconds,
            "seconds": seconds,
        }


def _with_children(pid: int) -> list[int]:
    found = [pid]
    for thread in Path(f"/proc/{pid}/task").iterdir():
        for child in (thread / "children").read_text().split():
            found += _with_children(int(child))
    return found


def _seconds(stat: Path) -> float:
    try:
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:  # it ended just now
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK  # user and system


def _machine_s() -> float:
    """Return the seconds of all cores that were neither idle nor waiting."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / _TICK


def wait_for_quiet(most: float, patience_s: float = 20.0) -> None:
    """Wait until the machine uses fewer cores than these for two seconds, or patience ends."""
    until_s = time.monotonic() + patience_s
    while time.monotonic() < until_s:
        before_s = _machine_s()
        time.sleep(2)
        if (_machine_s() - before_s) / 2 < most:
            return


def memory(server: Server) -> dict[str, float]:
    """Return what a server holds: MB in memory, open files, threads."""
    folder = Path(f"/proc/{server.pid}")
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    return {
        "mb": int(status["VmRSS"].split()[0]) / 1024,
        "files": len(list((folder / "fd").iterdir())),
        "threads": int(status["Threads"]),
    }
