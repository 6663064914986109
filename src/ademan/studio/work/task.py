"""What the process of a training does: learn, and judge the old model and the new one on the same clips.

    python -m ademan.studio.work.task FOLDER      (see folder.py)

It ends when its standard input does, so that none is left behind by a worker that was killed. Torch is in no other
process of the studio.
"""

import os
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ademan.bundle import read_bundle, write_bundle
from ademan.clip import Clip
from ademan.datasets import Dataset
from ademan.errors import AdemanError, ClipError, ConfigError, require
from ademan.files import write_json
from ademan.recognition import Classifier
from ademan.studio.work.folder import BUNDLE, CLIPS, LIVE, OUTCOME, RUN, SPLIT, Task
from ademan.studio.work.gate import Judged


def perform(folder: Path) -> dict[str, Any]:
    """Train, and judge; a training that was begun in this folder is gone on with.

    Returns:
        What is to stand in `OUTCOME`: `new` and `old` as `Judged.to_json`, labels the old one knows, seconds, weights.

    Raises:
        AdemanError: what is wrong with the clips or the recipe.
    """
    training = require("ademan.training", feature="Training", extra="train")  # seconds to import, and only here
    task = Task.read(folder)
    recipe = _recipe(task)
    run = training.train(folder / CLIPS, folder / RUN, recipe, resume=(folder / RUN).exists())
    bundle = read_bundle(run.folder / "bundle")
    write_bundle(folder / BUNDLE, bundle.manifest, bundle.graph, bundle.golden)
    with Dataset(folder / CLIPS) as dataset:
        clips = [dataset[int(i)] for i in run.split.test]
    old, why = _open_old(folder / LIVE, clips)
    new_judged, old_judged = _judge(Classifier(folder / BUNDLE), old, clips)
    return {
        "new": new_judged.to_json(),
        "old": old_judged.to_json() if old_judged else None,
        "old_labels": list(old.labels) if old else [],
        "told": [*run.split.warnings, *why],
        "seconds": round(run.fitted.seconds, 1),
        "weights": run.weights,
    }


def _recipe(task: Task) -> Any:
    from ademan.models import DEFAULT  # noqa: PLC0415 - torch
    from ademan.training import TrainingConfig, recipe  # noqa: PLC0415

    told = task.recipe
    base = recipe(told.get("model") or DEFAULT)
    known = asdict(base.training)
    unknown = sorted(set(told.get("training", {})) - known.keys())
    if unknown:
        raise ConfigError(f"the training has no option '{unknown[0]}'. There are: {', '.join(known)}.")
    training = TrainingConfig(**{**known, **told.get("training", {})})
    background = ("made-up",) if told.get("made_up_idle") else ()
    return replace(base, training=training, split=f"official:{SPLIT}", idle=task.idle, background=background)


def _open_old(path: Path, clips: Sequence[Clip]) -> tuple[Classifier | None, list[str]]:
    """Return the live model if there is one, and why it cannot be compared if it cannot."""
    if not path.exists():
        return None, []
    try:
        old = Classifier(path)
        for clip in clips:
            old.check(clip)
    except (AdemanError, OSError) as error:
        return None, [f"The live model cannot be compared: {error}"]
    return old, []


def _judge(new: Classifier, old: Classifier | None, clips: Sequence[Clip]) -> tuple[Judged, Judged | None]:
    """Return how both do on the clips that both see something in.

    A clip of a gesture that a model does not know is one that it gets wrong: that is what its user sees.
    """
    given = _given(new, clips)
    before = _given(old, clips) if old else None
    judged = [clip for clip in clips if clip.id in given and (before is None or clip.id in before)]
    if not judged:
        raise ClipError(f"nothing is seen in any of the {len(clips)} clips of the test. Record them again.")
    truth = {clip.id: clip.label or "" for clip in judged}
    labels = list(dict.fromkeys((*new.labels, *(old.labels if old else ()), *sorted(set(truth.values())))))
    return _count(labels, truth, given), _count(labels, truth, before) if before is not None else None


def _given(classifier: Classifier, clips: Iterable[Clip]) -> dict[str, str]:
    """Return the label that a model gives to each clip in which it sees something, by the clip's id."""
    return {found.clip_id: found.label for found in classifier.predict_all(clips, lambda _: None)}


def _count(labels: Sequence[str], truth: Mapping[str, str], given: Mapping[str, str]) -> Judged:
    index = {label: k for k, label in enumerate(labels)}
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    for clip, label in truth.items():
        confusion[index[label], index[given[clip]]] += 1
    return Judged(tuple(labels), tuple(tuple(row) for row in confusion.tolist()))


def _end_with_parent() -> None:
    """End at once when standard input is closed: whoever started this has gone, however it went."""

    def watch() -> None:
        while sys.stdin.buffer.read(4096):
            pass
        os._exit(1)  # not by an exception: the training's thread would have to be at a place that takes one

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    """Do the task of the folder that the command line names."""
    _end_with_parent()
    folder = Path(sys.argv[1])
    try:
        outcome = perform(folder)
    except AdemanError as error:
        outcome = {"error": str(error)}
    write_json(folder / OUTCOME, outcome)
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # a thread reads standard input, which Python would wait for at its end
