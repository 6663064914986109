"""`ademan studio` and `ademan worker` as processes of their own, as people run them."""

import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from ademan.studio.config import DATA_VARIABLE, DATABASE_VARIABLE, FILES_VARIABLE, REDIS_VARIABLE, StudioConfig

T = TypeVar("T")


class Program:
    """A process of `ademan`, and what it says.

    Args:
        config: of the studio; it goes by the environment.
        words: the verb, and what follows.
    """

    def __init__(self, config: StudioConfig, *words: str) -> None:
        places = {
            DATA_VARIABLE: config.data,
            DATABASE_VARIABLE: config.database_url,
            FILES_VARIABLE: config.files,
            REDIS_VARIABLE: config.redis_url,
        }
        environment = {**os.environ, **places, "OMP_NUM_THREADS": "1", "HOME": str(config.folder.parent)}
        command = [sys.executable, "-m", "ademan", *words]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.said: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_until_said(self, words: str, seconds: float = 60) -> str:
        """Wait for a line with these words, and return it."""
        return wait_for(lambda: next((line for line in list(self.said) if words in line), ""), seconds, self.said)

    @property
    def url(self) -> str:
        """Where a studio is, once it answers."""
        found = re.search(r"The studio is at (\S+)", self.wait_until_said("The studio is at"))
        assert found
        return found[1]

    def end(self, number: int, seconds: float = 30) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
        self._reader.join(10)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.append(line.rstrip("\n"))


@contextmanager
def program(config: StudioConfig, *words: str) -> Iterator[Program]:
    """Give a process that runs; it is killed, however the block ends."""
    found = Program(config, *words)
    try:
        yield found
    finally:
        found.kill()


def wait_for(what: Callable[[], T], seconds: float = 60, told: object = "") -> T:
    """Wait until something is there, and return it."""
    end_s = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end_s, f"it does not come: {told}"
        time.sleep(0.05)
    return found
