"""`ademan serve` as users run it: a process of its own."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ADDRESS = re.compile(r"Ademan answers on (\S+)")


class Process:
    """A process that serves.

    Args:
        arguments: of `ademan serve`.
        environment: more variables.
    """

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "ademan", "serve", *arguments]
        self._process = subprocess.Popen(
            command, stderr=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"} | (environment or {})
        )
        self.said: list[str] = []
        self.url = ""
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_ready(self) -> None:
        assert self._ready.wait(30), "the server says nothing"
        assert self.url, self.said

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def megabytes(self) -> float:
        """Of memory that it uses."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") / 1e6

    @property
    def files(self) -> int:
        """That it has open, connections included."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 - counted often

    @property
    def children(self) -> list[int]:
        tasks = Path(f"/proc/{self.pid}/task").iterdir()
        return [int(child) for task in tasks for child in (task / "children").read_text().split()]

    def end(self, number: int = signal.SIGTERM, within: float = 10.0) -> int:
        """Send a signal, and return the exit code."""
        self._process.send_signal(number)
        return self.wait(within)

    def wait(self, within: float = 20.0) -> int:
        code = self._process.wait(within)
        self._reader.join(5)
        return code

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join(5)
        if self._process.stderr is not None:
            self._process.stderr.close()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.said.append(line.decode().rstrip("\n"))
            found = _ADDRESS.search(self.said[-1])
            if found:
                self.url = found.group(1)
                self._ready.set()
        self._ready.set()


@contextmanager
def serving(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[Process]:
    """Give a process that answers; it is ended, however the block ends."""
    process = Process(*arguments, environment=environment)
    try:
        process.wait_until_ready()
        yield process
    finally:
        process.kill()
