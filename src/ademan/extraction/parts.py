"""Finished clips, each in a file of its own beside the dataset that they are to become.

A file is named after all that its clip depends on. After a kill the next run finds there what was finished, and does
the rest; when the dataset is whole the folder goes.
"""

import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from ademan.clip import Clip, Coordinates
from ademan.files import written_whole
from ademan.skeleton import Skeleton

_TEXTS = ("id", "label", "subject", "session", "source")


class Parts:
    """The folder of finished clips of a dataset.

    Args:
        out: the dataset file.
        depends_on: what all clips depend on, as plain JSON values: another value, and none of them is found.
        resume: keep what a run before finished.
    """

    def __init__(self, out: Path, depends_on: Any, *, resume: bool = True) -> None:
        self.folder = out.with_name(f".{out.name}.parts")
        self._depends_on = depends_on
        if not resume:
            self.remove()

    def path(self, *of: Any) -> Path:
        """Return where the clip of a recording is kept.

        Args:
            of: what this clip depends on: the recording's id and stamp, and what else is its own.
        """
        told = json.dumps([self._depends_on, *of], sort_keys=True)
        return self.folder / f"{hashlib.sha256(told.encode()).hexdigest()[:32]}.npz"

    @staticmethod
    def keep(path: Path, clip: Clip) -> None:
        """Keep a clip, whole or not at all."""
        texts = np.array([getattr(clip, name) or "" for name in _TEXTS])
        content = io.BytesIO()
        np.savez(content, points=clip.points, times=clip.timestamps_ms, size_wh=clip.image_wh or (0, 0), texts=texts)
        with written_whole(path) as beside:
            beside.write_bytes(content.getvalue())

    @staticmethod
    def read(path: Path, skeleton: Skeleton, coordinates: Coordinates) -> Clip:
        """Return a clip that was kept."""
        with np.load(path, allow_pickle=False) as kept:
            texts = dict(zip(_TEXTS, (str(text) or None for text in kept["texts"]), strict=True))
            width, height = kept["size_wh"].tolist()
            return Clip(
                kept["points"],
                kept["times"],
                skeleton,
                id=texts.pop("id") or "",
                image_wh=(width, height) if width else None,
                coordinates=coordinates,
                **texts,
            )

    def remove(self) -> None:
        """Remove the folder and all that is in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
