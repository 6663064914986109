"""A run folder: what one training leaves.

bundle/        the exported model, verified
metrics.json   scores of validation and test, the best epoch, time, weights
history.csv    one row an epoch
config.json    all that the training was started with; a resume must match it
split.json     the ids of the clips of each part
report.html    how good it is, in words and charts
plots/         learning curves, confusion matrix, reliability, classes
checkpoints/   best.ckpt and last.ckpt, with all weights
tensorboard/   for `tensorboard --logdir RUN`
"""

import json
import shutil
from pathlib import Path
from typing import Any

from ademan.errors import TrainingError
from ademan.files import write_json


def open_run(folder: Path, config: dict[str, Any], *, resume: bool, overwrite: bool) -> None:
    """Make a run folder ready: a new one, one to go on with, or one to write over.

    Args:
        folder: of the run.
        config: all that the training is started with, as plain values.
        resume: go on with what is there, if it was started with the same config.
        overwrite: delete a run that is there.

    Raises:
        TrainingError: there is a run already and neither was asked for, or it was started otherwise.
    """
    started = folder / "config.json"
    taken = folder.exists() and any(folder.iterdir())
    if taken and not (resume and started.is_file()):
        _clear(folder, overwrite=overwrite)
    elif taken:
        before = json.loads(started.read_text(encoding="utf-8"))
        differing = _differing(before, json.loads(json.dumps(config)))
        if differing:
            raise TrainingError(
                f"{folder} was started with other settings ({'; '.join(differing)}). "
                "Give the same ones to resume, or train into a new folder."
            )
    write_json(started, config)


def _clear(folder: Path, *, overwrite: bool) -> None:
    if not (folder / "config.json").is_file():
        raise TrainingError(f"{folder} is not empty, and holds no run. Choose another folder.")
    if not overwrite:
        state = (
            "a finished run" if (folder / "metrics.json").is_file() else "an unfinished run: --resume goes on with it"
        )
        raise TrainingError(f"{folder} holds {state}. Choose another folder, or write over it with --overwrite.")
    shutil.rmtree(folder)


def _differing(before: dict[str, Any], now: dict[str, Any], prefix: str = "") -> list[str]:
    """Return 'name: before, now' for each value that is not the same."""
    found = []
    for name in sorted(before.keys() | now.keys()):
        a, b = before.get(name), now.get(name)
        if isinstance(a, dict) and isinstance(b, dict):
            found += _differing(a, b, f"{prefix}{name}.")
        elif a != b:
            found.append(f"{prefix}{name}: {a}, now {b}")
    return found
