"""The process of a training, seen from the worker: started, followed by the files it leaves, and ended."""

import csv
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ademan.errors import TrainingError
from ademan.studio.work.folder import LOG, OUTCOME, RUN

_POLL_S = 0.25
_TOLD = 600  # characters of a log that a message quotes

Tell = Callable[[str, float], None]
"""Called with what is being done, and a share from 0 to 1."""


PROGRAM = (sys.executable, "-m", "ademan.studio.work.task")


def run_task(folder: Path, check: Callable[[], None], tell: Tell, program: Sequence[str] = PROGRAM) -> dict[str, Any]:
    """Do the task in a folder in a process of its own, and return its outcome; see folder.py.

    Args:
        folder: with the task.
        check: called several times a second; what it raises ends the process.
        tell: called after each epoch.
        program: that does it; is given the folder.

    Raises:
        TrainingError: what is wrong with the clips or the recipe, or the process died.
    """
    (folder / OUTCOME).unlink(missing_ok=True)
    progress = _Progress(folder / RUN, tell)
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            [*program, str(folder)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C in the terminal is for the worker, which ends this
        )
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_S)
                progress.look()
                if process.returncode is not None:
                    return _outcome(folder, process.returncode)
                check()
        finally:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process and all that it started; nothing of what it leaves is half a file."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        process.wait()
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def _outcome(folder: Path, code: int) -> dict[str, Any]:
    try:
        outcome: dict[str, Any] = json.loads((folder / OUTCOME).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise TrainingError(_why_it_died(folder, code)) from None
    if "error" in outcome:
        raise TrainingError(outcome["error"])
    return outcome


def _why_it_died(folder: Path, code: int) -> str:
    if code == -signal.SIGKILL:
        return (
            "the training was killed, as the system does when memory runs out. Free some, or train with a smaller "
            "batch_size."
        )
    log = (folder / LOG).read_text(encoding="utf-8", errors="replace").strip()
    name = signal.Signals(-code).name if -code in set(signal.Signals) else str(code)
    ended = f"was ended by {name}" if code < 0 else f"ended with code {code}"
    return f"the training {ended} and has no result: {log[-_TOLD:] or 'it said nothing'}"


class _Progress:
    """Follows the histories of a run: those of a training, and of a second one on all clips."""

    def __init__(self, run: Path, tell: Tell) -> None:
        self._run, self._tell = run, tell
        self._seen = self._rows()
        self._judging = False

    def look(self) -> None:
        """Tell what is new."""
        rows = self._rows()
        epochs, refits = self._plan()
        for again, (before, now) in enumerate(zip(self._seen, rows, strict=True)):
            for row in now[len(before) :]:
                share = (again * epochs + int(float(row["epoch"]))) / (epochs * (2 if refits else 1))
                self._tell(_told(row, epochs, again=bool(again)), 0.95 * min(1.0, share))
        self._seen = rows
        if not self._judging and (self._run / "bundle").exists():
            self._judging = True
            self._tell("Trained; both models are judged.", 0.96)

    def _rows(self) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
        return _read(self._run / "history.csv"), _read(self._run / "refit" / "history.csv")

    def _plan(self) -> tuple[int, bool]:
        """Return the epochs of a training, and whether a second one may follow."""
        try:
            training = json.loads((self._run / "config.json").read_text(encoding="utf-8"))["training"]
            return int(training["epochs"]), training["refit"] != "no"
        except (OSError, ValueError, KeyError):
            return 1, False


def _read(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError:
        return []


def _told(row: dict[str, str], epochs: int, *, again: bool) -> str:
    names = {"train_loss": "loss", "val_loss": "loss of validation", "val_accuracy": "accuracy of validation"}
    figures = "".join(f", {told} {float(row[name]):.3f}" for name, told in names.items() if row.get(name))
    which = "Once more on all clips: epoch" if again else "Epoch"
    return f"{which} {int(float(row['epoch']))} of {epochs}{figures}"
