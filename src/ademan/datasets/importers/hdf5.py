"""HDF5 files of embeddings, in the layout of older programs: one row of numbers a clip, all clips of one length.

    embeddings/data  (N, T, 12, 768) float16, float32 or float64: T is 32 as a rule; channels as in `EMBEDDING`
    labels/data      (N,) class numbers or names; -1 or an empty text where the class is not known

A channel of a frame that is all zeros, or has a NaN, was not seen: no network gives zeros for a picture. Frames at the
end in which nothing was seen are padding, and left out.

Such files are filled row by row, often for hours. What became of one whose writing stopped depends on when that was:

    it cannot be opened                     refused; what it lacks cannot be known
    zeros from some row on                  the rows before are imported, the others are named
    fewer labels than rows, or the reverse  rows and labels belong together in their order: what has both is imported,
                                            rows without a label as clips without one
    rows that cannot be read                each is named, all others are imported
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from ademan.clip import Clip, Points, is_seen, times_at
from ademan.datasets.file import FORMAT
from ademan.datasets.head import own_array, text_attribute
from ademan.datasets.importers.archive import NO_NUMBER, label_file
from ademan.datasets.importers.labels import chosen, named, read_labels
from ademan.datasets.importers.source import Skipped, Source, check_fps, made_by, reason
from ademan.errors import ClipError, DatasetError, SourceError
from ademan.skeleton import BUILT_IN

EMBEDDING = BUILT_IN["embedding12"]
CHANNEL_SIZE = 768
"""Numbers of a channel."""

VALUES, LABELS = "embeddings/data", "labels/data"
MAX_ROWS = 10_000_000
"""Clips of a file: a few kilobytes can promise any number of them."""
MAX_PIECE_BYTES = 2**29
"""Of one clip, and of one chunk, all of which is unpacked to read a part of it."""

_BLOCK_BYTES = 2**26  # of rows that are read at once, at most, unless a chunk has more
_DAMAGE = (DatasetError, KeyError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
_NEVER_WRITTEN = "all its values are zero: it was never written"

Label = int | str


@dataclass(frozen=True)
class Hdf5Options:
    """How a file of embeddings becomes clips."""

    classes: tuple[str, ...] = ()
    """Names or numbers of the classes to keep, in the order they are to have; all if empty."""
    labels: Path | None = None
    """File with the names of the classes; without it, <name>_labels.json beside the file, or numbers."""
    fps: float = 25.0
    """Frames per second, above zero; such files do not say."""

    def __post_init__(self) -> None:
        check_fps(self.fps)


@dataclass(frozen=True, eq=False)
class _Rows:
    """What a file holds, but for its values.

    Args:
        path: of the file.
        count: rows of values.
        labels: of the rows, as far as there are any.
        written: rows before those of zeros at the end.
        half: whether values are float16.
    """

    path: Path
    count: int
    labels: list[Label]
    written: int
    half: bool

    @property
    def paired(self) -> int:
        """Rows that have both values and a label."""
        return min(self.written, len(self.labels))

    def notes(self) -> tuple[str, ...]:
        """Return what was found that a whole file would not have."""
        last = self.count - 1
        told = []
        if self.written < self.count:
            which = f"row {last} is" if self.written == last else f"rows {self.written} to {last} are"
            told.append(
                f"{which} zeros: writing stopped there. The {self.written} rows before are taken; look at the last of "
                "them, whose label may not have been written any more"
            )
        if len(self.labels) < self.written:
            told.append(
                f"there are {self.count} rows and {len(self.labels)} labels: rows from {len(self.labels)} on "
                "become clips without a label"
            )
        if len(self.labels) > self.count:
            told.append(f"there are {self.count} rows and {len(self.labels)} labels: the last labels belong to no row")
        return tuple(told)


def read(source: Path, options: Hdf5Options | None = None) -> Source:
    """Read a file of embeddings; its values are read when the clips are gone through, a few rows at a time.

    Raises:
        SourceError: the file is missing, damaged, of another layout, keeps values elsewhere, or does not fit the
            label file.
    """
    options = options or Hdf5Options()
    with _opened(source) as (values, labels):
        rows = _Rows(source, len(values), labels, _written(values), values.dtype == np.float16)
    names = _names(rows, options)
    kept = [i for i in range(rows.count) if not options.classes or (i < len(labels) and labels[i] in names)]
    return Source(
        skeleton=EMBEDDING,
        coordinates="embedding",
        labels=tuple(names.values()) or None,
        clips=_clips(rows, kept, names, options.fps),
        count=len(kept),
        made=made_by("hdf5", [source], options),
        left_out=rows.count - len(kept),
        notes=rows.notes(),
        half=rows.half,
    )


@contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, list[Label]]]:
    """Give the values (N, T, 12, 768), which are read when sliced, and the labels."""
    try:
        with _file(path) as file:
            yield _values(file), _labels(file)
    except SourceError:
        raise
    except _DAMAGE as error:
        fault = str(error).removesuffix(".")
        raise SourceError(
            f"{path} cannot be imported: {fault}. Expected {VALUES} (clips, frames, {len(EMBEDDING)}, {CHANNEL_SIZE}) "
            f"and {LABELS} (clips)."
        ) from error


def _file(path: Path) -> h5py.File:
    if not path.is_file():
        raise SourceError(f"there is no file {path}.")
    try:
        file = h5py.File(path, "r", locking=False)
    except OSError as error:
        open_still = "consistency flags" in str(error) or "already open" in str(error)
        done = (
            "The program that wrote it did not close it. If that one has ended, mark the file as closed with HDF5's "
            f"own tool, and import it again:  h5clear -s {path}"
            if open_still
            else "It is cut short, or no HDF5 file: copy it again, or make it again from its videos."
        )
        raise SourceError(f"{path} cannot be opened ({error}). {done}") from error
    found = text_attribute(file, "format")
    if found == FORMAT:
        file.close()
        raise SourceError(f"{path} is a dataset already: there is nothing to import. Use it as it is.")
    return file


def _values(file: h5py.File) -> Any:
    sizes = {"12": len(EMBEDDING), "768": CHANNEL_SIZE}
    values = own_array(file, VALUES, "floats", ("N", "T", "12", "768"), sizes)
    if not (len(values) and values.shape[1]):
        raise DatasetError(f"{VALUES} holds no clip: its shape is {values.shape}")
    if len(values) > MAX_ROWS:
        raise DatasetError(f"{VALUES} has {len(values):,} rows; up to {MAX_ROWS:,} can be imported at once")
    for what, shape in (("clip", values.shape[1:]), ("chunk", values.chunks or ())):
        if (size := _bytes(values, shape)) > MAX_PIECE_BYTES:
            raise DatasetError(
                f"a {what} of {VALUES} has {size / 2**20:,.0f} MB; expected {MAX_PIECE_BYTES / 2**20:,.0f} or less. "
                "Write the file again with shorter clips, each a chunk of its own (HDF5's tool for it is h5repack)"
            )
    return values


def _labels(file: h5py.File) -> list[Label]:
    stored = own_array(file, LABELS, "integers or texts", ("N",), {})
    if len(stored) > MAX_ROWS:
        raise DatasetError(f"{LABELS} has {len(stored):,} labels; up to {MAX_ROWS:,} can be imported at once")
    texts = h5py.check_string_dtype(stored.dtype)
    labels: list[Label] = (stored.asstr() if texts else stored)[:].tolist()
    return labels


def _written(values: Any) -> int:
    """Return the number of rows before those at the end that are all zeros, as far as these can be read."""
    step = _rows_at_once(values)
    for start in range((len(values) - 1) // step * step, -1, -step):
        try:
            block = values[start : start + step]
        except OSError:
            return min(start + step, len(values))
        if (filled := np.flatnonzero(block.reshape(len(block), -1).any(axis=1))).size:
            return start + int(filled[-1]) + 1
    return 0


def _rows_at_once(values: Any) -> int:
    """Return how many rows are read together: those of a chunk, so that it is unpacked once, if memory allows."""
    together = int(values.chunks[0]) if values.chunks else 1
    return max(1, min(together, _BLOCK_BYTES // _bytes(values, values.shape[1:])))


def _bytes(values: Any, shape: Iterable[int]) -> int:
    return math.prod(shape) * int(values.dtype.itemsize)


def _names(rows: _Rows, options: Hdf5Options) -> dict[Label, str]:
    """Return the name of each class that is asked for; texts are names themselves."""
    found = set(rows.labels[: rows.paired]) - {NO_NUMBER, ""}
    numbers = sorted(label for label in found if isinstance(label, int))
    names: dict[Label, str] = {label: str(label) for label in sorted(found, key=str)}
    if len(numbers) == len(found):
        file = options.labels or label_file([rows.path])
        by_number = named(numbers, read_labels(file) if file else None, file, str(rows.path))
        names = {number: by_number[number] for number in numbers}
    keys = list(names)
    return {
        keys[k]: name for k, name in chosen(dict(enumerate(names.values())), options.classes, str(rows.path)).items()
    }


def _clips(rows: _Rows, kept: list[int], names: Mapping[Label, str], fps: float) -> Iterator[Clip | Skipped]:
    """Give a clip of each row that is kept, or why there is none."""
    wanted = set(kept)
    with _opened(rows.path) as (values, _):
        for i, row in _each(values, rows.written):
            if i in wanted:
                yield _clip(rows, i, row, names, fps)
    for i in range(rows.written, rows.count):
        if i in wanted:
            yield Skipped(_id(rows, i), _NEVER_WRITTEN)


def _each(values: Any, count: int) -> Iterator[tuple[int, NDArray[Any] | OSError]]:
    """Give the first rows, each with its number; the error instead of what cannot be read."""
    step = _rows_at_once(values)
    for start in range(0, count, step):
        stop = min(start + step, count)
        try:
            block = values[start:stop]
        except OSError:  # a part of it may be sound
            yield from ((i, _read(values, i)) for i in range(start, stop))
        else:
            yield from zip(range(start, stop), block, strict=True)


def _read(values: Any, i: int) -> NDArray[Any] | OSError:
    try:
        return np.asarray(values[i])
    except OSError as error:
        return error


def _id(rows: _Rows, i: int) -> str:
    return f"{rows.path.stem}_{i:05}"


def _clip(rows: _Rows, i: int, row: NDArray[Any] | OSError, names: Mapping[Label, str], fps: float) -> Clip | Skipped:
    clip_id = _id(rows, i)
    if isinstance(row, OSError):
        return Skipped(clip_id, f"this part of the file is damaged: {row}")
    if not row.any():
        return Skipped(clip_id, _NEVER_WRITTEN)
    points = _points(row)
    if not len(points):
        return Skipped(clip_id, "not a single channel was seen: each of them is NaN or zero")
    label = names.get(rows.labels[i]) if i < len(rows.labels) else None
    try:
        return Clip(
            points,
            times_at(fps, len(points)),
            EMBEDDING,
            id=clip_id,
            label=label,
            source=rows.path.name,
            coordinates="embedding",
        )
    except ClipError as error:
        return Skipped(clip_id, reason(error, clip_id))


def _points(row: NDArray[Any]) -> Points:
    """Return (T, 12, 768) with channels that were not seen as NaN, without the padding at the end."""
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which a clip refuses
        points = np.array(row, np.float32)
    seen = is_seen(points) & points.any(axis=2)
    points[~seen] = np.nan
    frames = np.flatnonzero(seen.any(axis=1))
    return points[: frames[-1] + 1 if len(frames) else 0]
