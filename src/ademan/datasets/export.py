"""Datasets written for programs that know nothing of them."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Clip, as_fractions
from ademan.datasets.file import Dataset
from ademan.errors import ConfigError
from ademan.files import written_whole
from ademan.window import Window


def export_npz(dataset: Dataset, path: Path, frames: int | None = None, *, fractions: bool = False) -> None:
    """Write a dataset as NumPy arrays, and the names of its classes beside them.

    The archive has `X (N, T, F)` float32, F being points times coordinates and zero where a point was not seen;
    `y (N,)`, -1 where the class is not known; `ids`; and `subject` and `session` if any clip says them. Beside it,
    `<stem>_labels.json` gives the number of each name. Timestamps, image sizes and coordinates have no place there.

    Clips of another length are spread over the frames; those of this very length stay as they are.

    Args:
        dataset: opened.
        path: ends in `.npz`; what is there is replaced.
        frames: of each clip, 1 or more; the median length if None.
        fractions: write square coordinates as fractions of width and height, as landmarkers give them.

    Raises:
        ConfigError: the path does not end in `.npz`, or `frames` is below 1.
        AdemanError: the disk is full or the place cannot be written.
    """
    if path.suffix != ".npz":
        raise ConfigError(f"{path}: the name of an archive of arrays ends in .npz.")
    window = Window(int(np.median(dataset.table.lengths)) if frames is None else frames, "spread")
    table = dataset.table
    columns: dict[str, NDArray[Any]] = {"y": table.labels, "ids": table.ids}
    if table.knows("subject"):
        columns["subject"] = table.subjects
    if table.knows("session"):
        columns["session"] = table.sessions
    with ExitStack() as stack:
        names = stack.enter_context(written_whole(path.with_name(f"{path.stem}_labels.json")))
        names.write_text(json.dumps({name: k for k, name in enumerate(dataset.labels)}, indent=1) + "\n", "utf-8")
        with stack.enter_context(written_whole(path)).open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, X=_windows(dataset, window, fractions=fractions), **columns)


def export_json(clip: Clip, path: Path) -> None:
    """Write a clip as JSON: what `POST /predict` of a server takes.

    It has `sequence`, T frames of P points of C numbers each, null where a point was not seen, and `timestamps_ms`.

    Args:
        clip: any clip.
        path: what is there is replaced.

    Raises:
        AdemanError: the disk is full or the place cannot be written.
    """
    points = np.round(clip.points.astype(np.float64), 6).astype(object)
    points[~clip.seen] = None
    sequence = points.tolist()
    with written_whole(path) as beside:
        beside.write_text(json.dumps({"sequence": sequence, "timestamps_ms": clip.timestamps_ms.tolist()}), "utf-8")


def _windows(dataset: Dataset, window: Window, *, fractions: bool) -> NDArray[np.float32]:
    """Return all clips as (N, T, F), zeros where a point was not seen."""
    F = len(dataset.skeleton) * dataset.channels
    X = np.zeros((len(dataset), window.frames, F), np.float32)
    for i, row in enumerate(X):
        points, times = dataset.points(i)
        fitted = points if len(points) == window.frames else window.cut(points, times)
        width, height = dataset.table.image_wh[i].tolist()
        if fractions and dataset.coordinates == "square" and height:
            fitted = as_fractions(fitted, (width, height))
        seen = ~np.isnan(fitted).any(axis=2, keepdims=True)
        row[:] = np.where(seen, fitted, 0).reshape(window.frames, F)
    return X
