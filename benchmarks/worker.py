"""Two programs that take turns: each stays alive and answers one command a line, in JSON.

So one measures while the other waits, both are warm, and a busy machine slows both down alike. This file needs nothing
but Python: both environments import it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

THREADS = 2
"""Of each program, at most; the machine that the figures come from has two cores."""
_ENVIRONMENT = {
    "OMP_NUM_THREADS": str(THREADS),  # torch
    "TF_NUM_INTRAOP_THREADS": str(THREADS),
    "TF_NUM_INTEROP_THREADS": str(THREADS),
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "KERAS_BACKEND": "tensorflow",
    "CUDA_VISIBLE_DEVICES": "",
}


class Worker:
    """A script of this folder at work, in the environment of a Python of its own.

    Args:
        python: that runs it.
        script: its name; it calls `serve`.
        log: file that gets what it says beside its answers.
    """

    def __init__(self, python: Path, script: str, log: Path) -> None:
        self._log = log
        with log.open("w") as file:
            self._process = subprocess.Popen(
                [python, Path(__file__).with_name(script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                env=os.environ | _ENVIRONMENT,
            )
        if self._process.stdin is None or self._process.stdout is None:
            raise OSError(f"{script} could not be talked to")
        self._commands, self._answers = self._process.stdin, self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._commands.close()
        if error is not None:
            self._process.terminate()
        self._process.wait()

    def __call__(self, command: str, **options: Any) -> Any:
        """Return the answer to a command; leave the program if there is none."""
        self._commands.write(json.dumps([command, options]) + "\n")
        self._commands.flush()
        answer = self._answers.readline()
        if not answer:
            sys.exit(f"'{command}' failed:\n{self._log.read_text()[-3000:]}")
        return json.loads(answer)


def serve(commands: Mapping[str, Callable[..., Any]]) -> None:
    """Answer commands until there are no more; what libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        command, options = json.loads(line)
        print(json.dumps(commands[command](**options)), file=answers, flush=True)
