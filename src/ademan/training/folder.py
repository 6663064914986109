"""A run folder: what one training leaves.

bundle/        the exported model, verified
metrics.json   scores of validation and test, the best epoch, time, weights
history.csv    one row an epoch
config.json    all that the training was started with; a resume must match it
split.json     the ids of the clips of each part
report.html    how good it is, in words and charts
plots/         learning curves, confusion matrix, reliability, classes
checkpoints/   best.ckpt and last.ckpt, with all weights
refit/         history and checkpoints of the second training, on training and validation clips together
tensorboard/   for `tensorboard --logdir RUN`
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ademan.datasets import Dataset
from ademan.errors import TrainingError
from ademan.files import write_json

FORMAT = "ademan-run/1"
CONFIG = "config.json"
NAMES = (CONFIG, *"bundle metrics.json history.csv split.json report.html plots checkpoints refit tensorboard".split())


def open_run(folder: Path, dataset: Dataset, config: Mapping[str, Any], *, resume: bool, overwrite: bool) -> None:
    """Make a run folder ready: a new one, one to go on with, or one to write over.

    Args:
        folder: of the run.
        dataset: that is trained on.
        config: all else that the training is started with, as plain values.
        resume: go on with what is there, if it was started with the same dataset and config.
        overwrite: delete the files of a run that is there; nothing else in the folder is touched.

    Raises:
        TrainingError: there is a run already and neither was asked for, it was started otherwise, or it is no run.
    """
    content = {"format": FORMAT, "dataset": {"name": dataset.path.name, "digest": dataset.digest}, **config}
    if folder.is_file():
        raise TrainingError(f"{folder} is a file; name a folder for the run.")
    if folder.exists() and any(folder.iterdir()):
        before = _config(folder)
        if resume:
            _check_same(folder, before, json.loads(json.dumps(content)))
        elif overwrite:
            _clear(folder, dataset.path)
        else:
            finished = (folder / "metrics.json").is_file()
            state = "a finished run" if finished else "an unfinished run: --resume goes on with it"
            raise TrainingError(f"{folder} holds {state}. Choose another folder, or write over it with --overwrite.")
    write_json(folder / CONFIG, content)


def _config(folder: Path) -> dict[str, Any]:
    """Return with what a run was started.

    Raises:
        TrainingError: the folder holds no run.
    """
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise TrainingError(f"{folder} is not empty, and holds no run. Choose another folder.")
    return found


def _check_same(folder: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    differing = [line for line in _differing(before, now) if not line.startswith("dataset.name:")]
    if differing:
        raise TrainingError(
            f"{folder} was started with other settings ({'; '.join(differing)}). "
            "Give the same ones to resume, or train into a new folder."
        )


def _clear(folder: Path, dataset: Path) -> None:
    """Delete the files of a run."""
    if any(dataset.resolve().is_relative_to((folder / name).resolve()) for name in NAMES):
        raise TrainingError(f"{dataset} lies inside the run in {folder}. Move it, or choose another folder.")
    for name in NAMES:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


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
