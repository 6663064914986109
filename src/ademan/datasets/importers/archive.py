"""One `.npz` archive of landmarks, in either of its layouts, as rows of values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.errors import SourceError

NO_NUMBER = -1
"""Where classes are numbers, that of a clip whose class is not known."""

_ALIASES = {
    "label": ("y", "label", "labels", "action", "class"),
    "subject": ("subject", "subjects", "signer", "signers"),
    "session": ("session", "sessions"),
    "id": ("ids", "id", "names", "name"),
    "trial": ("trial", "trials"),
}


@dataclass(frozen=True, eq=False)
class Archive:
    """The arrays of one file.

    Args:
        path: of the file.
        values: (N, T, ...), or (sum T, P, C) with `offsets`.
        offsets: (N + 1,) where each clip begins among the frames, and where the last one ends; None of equal clips.
        columns: (N,) by name: label, subject, session, id, trial, as far as they are there.
    """

    path: Path
    values: NDArray[Any]
    offsets: NDArray[np.int64] | None
    columns: dict[str, list[int | str]]

    @classmethod
    def read(cls, path: Path) -> "Archive":
        """Read a file, without unpickling anything.

        Raises:
            SourceError: it is damaged, holds objects, or is of another layout.
        """
        arrays = _arrays(path)
        ragged = "x" not in arrays and {"points", "offsets"} <= set(arrays)
        if not ragged and "x" not in arrays:
            raise SourceError(
                f"{path} has the arrays {', '.join(sorted(arrays)) or 'none'}; "
                "expected X and y, or points, offsets and label."
            )
        values = arrays["points" if ragged else "x"]
        if values.dtype.kind not in "fiu" or values.ndim not in ((2, 3) if ragged else (3, 4)):
            name, expected = ("points", "(frames, points, 2 or 3)") if ragged else ("X", _EXPECTED_X)
            raise SourceError(f"{path}: {name} is {values.dtype} of shape {values.shape}; expected numbers {expected}.")
        offsets = _offsets(path, arrays["offsets"], len(values)) if ragged else None
        count = len(values) if offsets is None else len(offsets) - 1
        return cls(path, values, offsets, _columns(path, arrays, count))

    def __len__(self) -> int:
        return len(self.values) if self.offsets is None else len(self.offsets) - 1

    def __getitem__(self, i: int) -> NDArray[Any]:
        """Return the values of clip i, (T, ...)."""
        if self.offsets is None:
            return np.asarray(self.values[i])
        return np.asarray(self.values[self.offsets[i] : self.offsets[i + 1]])

    @property
    def frame_shape(self) -> tuple[int, ...]:
        """(F,) or (P, C)."""
        return self.values.shape[2 if self.offsets is None else 1 :]

    @cached_property
    def ids(self) -> list[str]:
        """Name of each clip: its own, or the file's with a number, and the trial's if that is known."""
        if "id" in self.columns:
            return [str(name) for name in self.columns["id"]]
        trials = [f"_t{trial}" for trial in self.columns.get("trial", ())] or [""] * len(self)
        return [f"{self.path.stem}_{i:05}{trial}" for i, trial in enumerate(trials)]

    @cached_property
    def labels(self) -> list[int | str | None]:
        """Class of each clip, a number or a name; None where it is not known."""
        unknown = (NO_NUMBER, "")
        return [None if label in unknown else label for label in self.columns.get("label", [NO_NUMBER] * len(self))]

    def text(self, column: str, i: int) -> str | None:
        """Return what a column says of clip i, if anything."""
        return str(self.columns[column][i]) or None if column in self.columns else None


_EXPECTED_X = "(clips, frames, values) or (clips, frames, points, 2 or 3)"


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file by their names in small letters."""
    try:
        with path.open("rb") as file:  # NumPy leaves a damaged file open
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, Mapping):
                raise ValueError("it is one array")
            return {name.lower(): archive[name] for name in archive}
    except Exception as error:  # zip, zlib and NumPy each have errors of their own for damage
        raise SourceError(
            f"{path} cannot be read as an archive of arrays ({error}). It is missing, damaged, or holds Python "
            "objects, which are never read: save plain arrays with numpy.savez."
        ) from error


def _offsets(path: Path, offsets: NDArray[Any], frames: int) -> NDArray[np.int64]:
    sound = (
        offsets.ndim == 1
        and offsets.dtype.kind in "iu"
        and len(offsets) > 1
        and offsets[0] == 0
        and offsets[-1] == frames
        and bool((offsets[1:] >= offsets[:-1]).all())
    )
    if not sound:
        raise SourceError(
            f"{path}: offsets must be whole numbers that rise from 0 to the {frames} frames of points; "
            f"found {offsets.dtype} of shape {offsets.shape}, {offsets.ravel()[:1]} to {offsets.ravel()[-1:]}."
        )
    return offsets.astype(np.int64)


def _columns(path: Path, arrays: Mapping[str, NDArray[Any]], count: int) -> dict[str, list[int | str]]:
    columns: dict[str, list[int | str]] = {}
    for column, names in _ALIASES.items():
        for name in names:
            if name in arrays:
                columns.setdefault(column, _column(path, name, arrays[name], count))
    return columns


def _column(path: Path, name: str, values: NDArray[Any], count: int) -> list[int | str]:
    """Return whole numbers or texts."""
    if values.shape != (count,):
        raise SourceError(f"{path}: {name} has shape {values.shape}; expected ({count},), one value a clip.")
    if values.dtype.kind == "f" and np.isfinite(values).all() and (values == values.round()).all():
        values = values.astype(np.int64)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    if values.dtype.kind not in "iuU":
        raise SourceError(f"{path}: {name} is {values.dtype}; expected whole numbers or texts.")
    return list(values.tolist())


def label_file(paths: Sequence[Path]) -> Path | None:
    """Return the JSON file of class names that stands beside the first of some archives that has one.

    For `natops_train.npz` that is `natops_train_labels.json`, or else `natops_labels.json`.
    """
    for path in paths:
        words = path.stem.split("_")
        for end in range(len(words), 0, -1):
            beside = path.with_name("_".join(words[:end]) + "_labels.json")
            if beside.is_file():
                return beside
    return None
