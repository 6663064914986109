"""The folder of one attempt at a training: what the worker and the process that trains leave there for each other.

task.json      what to do; see `Task`
plan.json      what the clips and the recipe are known again by, for a further attempt
clips.h5       all clips, with the official split `SPLIT`
live.zip       the model that is live, if there is one
run/           what the training leaves; its history grows with each epoch
bundle.zip     the new model
outcome.json   how both did, or what went wrong
log.txt        what the process said
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ademan.files import write_json

TASK, PLAN, CLIPS, LIVE = "task.json", "plan.json", "clips.h5", "live.zip"
RUN, BUNDLE, OUTCOME, LOG = "run", "bundle.zip", "outcome.json", "log.txt"
SPLIT = "studio"
"""Name of the official split in the dataset."""


@dataclass(frozen=True)
class Task:
    """A training to be done.

    Args:
        recipe: as `options.Recipe.to_json` has it.
        idle: label of the clips without a gesture.
    """

    recipe: Mapping[str, Any]
    idle: str

    def write(self, folder: Path) -> None:
        """Put it where the process looks for it."""
        write_json(folder / TASK, asdict(self))

    @classmethod
    def read(cls, folder: Path) -> "Task":
        """Return the task of a folder."""
        return cls(**json.loads((folder / TASK).read_text(encoding="utf-8")))
