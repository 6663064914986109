"""The dataset file, `ademan-dataset/1`: one HDF5 file that any HDF5 program can read.

    attributes   format, skeleton (JSON), coordinates, made (JSON: by what, from what, with which options), digest
    /values      (sum T, P, C) float32, or float16, the points of all clips end to end; NaN where not seen
    /timestamps_ms  (sum T,) float64
    /offsets     (N + 1,) int64: clip i is values[offsets[i]:offsets[i + 1]]
    /labels      (K,) names of the classes
    /clips/      id, subject, session, source (N,) texts; label (N,) int64; image_wh (N, 2) int64
    /splits/NAME/train, test[, val]   indices of clips: the official splits that came with the data

A file is written beside its place and renamed when whole, and never changed afterwards; so any number of processes
may read it, and nobody ever sees half of one. Chunks carry a checksum (Fletcher 32): damage is found when read.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from difflib import get_close_matches
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ademan.clip import Clip, Coordinates, Points, Times
from ademan.datasets.head import read_head, text_attribute
from ademan.datasets.table import MAX_TEXT, NO_LABEL, in_several
from ademan.errors import ClipError, DatasetError, SkeletonError
from ademan.files import written_whole
from ademan.skeleton import Skeleton

FORMAT = "ademan-dataset/1"
_BUFFER_BYTES = 8 * 2**20  # of clips held in memory before they are appended to the file
_DAMAGE = (DatasetError, SkeletonError, KeyError, MemoryError, OSError, RuntimeError, TypeError, ValueError)
_CHUNK_BYTES = 256 * 1024  # of one compressed chunk: a clip or a few


class DatasetWriter:
    """Writes clips one by one, in bounded memory; the file appears when the `with` block ends well.

    Args:
        path: where the file is to stand; an existing one is replaced at the end.
        skeleton: of all clips.
        coordinates: of all clips.
        labels: the classes in their order; without it, those met, sorted by name.
        made: by what, from what, and with which options the dataset was made; plain JSON values.
        half: keep values as float16, in half the space: three digits, and whole numbers up to 2048.

    Raises:
        AdemanError: the disk is full or the place cannot be written.
        ClipError: a clip does not fit the others, has the id of another, a text that is too long or cannot be kept, or
            shows not a single point.
        DatasetError: no clip was written, or two labels are the same.
    """

    def __init__(
        self,
        path: Path,
        skeleton: Skeleton,
        coordinates: Coordinates = "square",
        labels: Sequence[str] | None = None,
        made: Mapping[str, Any] | None = None,
        *,
        half: bool = False,
    ) -> None:
        self.path, self.skeleton, self.coordinates = path, skeleton, coordinates
        self._kept_as = np.float16 if half else np.float32
        self._labels = None if labels is None else list(labels)
        for label, count in Counter(labels).items():
            _check_text(label, f"label '{label}'")
            if count > 1:
                raise DatasetError(f"{path} was not written: label '{label}' is given {count} times.")
        self._made = json.dumps(dict(made or {}), allow_nan=False)
        self._stack = ExitStack()
        self._rows: dict[str, list[Any]] = {name: [] for name in ("id", "label", "subject", "session", "source")}
        self._image_wh: list[tuple[int, int]] = []
        self._offsets = [0]
        self._index: dict[str, int] = {}
        self._splits: dict[str, dict[str, list[int]]] = {}
        self._buffer: list[Clip] = []
        self._digest = hashlib.sha256()
        self._channels = 0  # not known before the first clip

    def __enter__(self) -> Self:
        beside = self._stack.enter_context(written_whole(self.path))
        self._disk = self._stack.enter_context(_Disk(beside, "w+"))
        self._file = self._stack.enter_context(h5py.File(self._disk, "w"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._stack:
            if error is not None:
                raise error
            self._finish()
            self._file.close()
            self._disk.check()

    def __len__(self) -> int:
        return len(self._index)

    def add(self, clip: Clip) -> None:
        """Append a clip; see the class for what is refused. A refused clip leaves no trace."""
        self._check(clip)
        self._channels = clip.points.shape[2]
        self._index[clip.id] = len(self)
        self._rows["id"].append(clip.id)
        self._rows["label"].append(clip.label)
        for name in ("subject", "session", "source"):
            self._rows[name].append(getattr(clip, name) or "")
        self._image_wh.append(clip.image_wh or (0, 0))
        self._offsets.append(self._offsets[-1] + len(clip))
        self._buffer.append(clip)
        if sum(waiting.points.nbytes for waiting in self._buffer) >= _BUFFER_BYTES:
            self._flush()

    def add_split(self, name: str, parts: Mapping[str, Sequence[str]]) -> None:
        """Keep an official split: the ids of the clips of each part (train, test, val).

        Ids that were not written (of classes left out, say) are passed over.

        Raises:
            DatasetError: the name cannot be that of an HDF5 group, or a clip is in two parts.
        """
        if not name.strip(".") or "/" in name or not name.isprintable():
            raise DatasetError(
                f"a split cannot be called {name!a}: a name can be printed, has no '/' and is not made of dots alone."
            )
        indices = {part: [self._index[i] for i in ids if i in self._index] for part, ids in parts.items()}
        if several := in_several(indices.values()):
            raise DatasetError(
                f"split '{name}' has '{self._rows['id'][several[0]]}' in two of its parts: a model that is tested with "
                "what it was trained with looks better than it is. Keep each clip in one part."
            )
        self._splits[name] = indices

    def _check(self, clip: Clip) -> None:
        for text in filter(None, (clip.id, clip.label, clip.subject, clip.session, clip.source)):
            _check_text(text, clip.name)
        if clip.skeleton != self.skeleton or clip.coordinates != self.coordinates:
            raise ClipError(
                f"{clip.name} has skeleton '{clip.skeleton.name}' in {clip.coordinates} coordinates; "
                f"this dataset has '{self.skeleton.name}' in {self.coordinates} coordinates."
            )
        if not clip.id or clip.id in self._index:
            raise ClipError(f"{clip.name}: each clip of a dataset needs an id of its own.")
        if self._labels is not None and clip.label is not None and clip.label not in self._labels:
            raise ClipError(f"{clip.name} is labelled '{clip.label}'; the labels are {', '.join(self._labels)}.")
        if self._channels not in (0, clip.points.shape[2]):
            raise ClipError(
                f"{clip.name} has {clip.points.shape[2]} coordinates a point; the clips before it {self._channels}."
            )
        if not clip.seen.any():
            raise ClipError(f"{clip.name}: not a single point was seen in its {len(clip)} frames.")

    def _flush(self) -> None:
        if not self._buffer:
            return
        values = np.concatenate([clip.points for clip in self._buffer]).astype(self._kept_as)
        times = np.concatenate([clip.timestamps_ms for clip in self._buffer])
        if "values" not in self._file:
            self._create(values)
        for name, rows in (("values", values), ("timestamps_ms", times)):
            stored = self._file[name]
            stored.resize(len(stored) + len(rows), axis=0)
            stored[-len(rows) :] = rows
            self._digest.update(np.ascontiguousarray(rows).tobytes())
        self._buffer = []
        self._file.flush()
        self._disk.check()

    def _create(self, values: NDArray[Any]) -> None:
        frames = max(1, _CHUNK_BYTES // values[0].nbytes)
        kept: dict[str, Any] = {"compression": "gzip", "compression_opts": 1, "shuffle": True, "fletcher32": True}
        shape = values.shape[1:]
        self._file.create_dataset(
            "values", (0, *shape), values.dtype, maxshape=(None, *shape), chunks=(frames, *shape), **kept
        )
        self._file.create_dataset("timestamps_ms", (0,), "f8", maxshape=(None,), chunks=(32_768,), **kept)

    def _finish(self) -> None:
        if not len(self):
            raise DatasetError(f"{self.path} was not written: there is no clip to put into it.")
        self._flush()
        labels = self._labels or sorted({label for label in self._rows["label"] if label is not None})
        index = {label: k for k, label in enumerate(labels)}
        rows = self._rows | {"label": [NO_LABEL if name is None else index[name] for name in self._rows["label"]]}
        file = self._file
        file["offsets"] = np.array(self._offsets, np.int64)
        file.create_dataset("labels", data=labels, dtype=h5py.string_dtype())
        clips = file.create_group("clips")
        for name, column in rows.items():
            clips.create_dataset(name, data=column, dtype="i8" if name == "label" else h5py.string_dtype())
        clips["image_wh"] = np.array(self._image_wh, np.int64)
        for name, parts in self._splits.items():
            for part, indices in parts.items():
                file[f"splits/{name}/{part}"] = np.array(indices, np.int64)
        told = [labels, rows, self._offsets, self._image_wh, self._splits, self.skeleton.to_json(), self.coordinates]
        self._digest.update(json.dumps(told).encode())
        file.attrs.update(
            format=FORMAT,
            skeleton=json.dumps(self.skeleton.to_json()),
            coordinates=self.coordinates,
            made=self._made,
            digest=self._digest.hexdigest(),
        )


def _check_text(text: str, owner: str) -> None:
    if len(text) > MAX_TEXT:
        raise ClipError(f"{owner:.60}: a text of it has {len(text):,} characters; expected {MAX_TEXT:,} at most.")
    if "\0" in text or text.encode(errors="ignore").decode() != text:
        raise ClipError(f"{owner!a}: a text of it holds a NUL, or half a character, which HDF5 cannot keep.")


class _Disk(FileIO):
    """A file that keeps the first error of a write instead of raising it inside HDF5.

    The HDF5 library cannot be closed once a write has failed: it tries again for ever, and complains at each object
    that Python lets go. So the failure is kept, the library is let finish, and `check` raises it.
    """

    failure: OSError | None = None

    def write(self, content: Any) -> int:
        if self.failure is None:
            try:
                return super().write(content)
            except OSError as error:
                self.failure = error
        return memoryview(content).nbytes

    def check(self) -> None:
        if self.failure is not None:
            raise self.failure


class Dataset:
    """A dataset file, opened for reading; the table is in memory, the points are read when asked for.

    Use it in a `with` block, or call `close`.

    Raises:
        DatasetError: the file is missing, damaged, cut short, or of another format or version.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._file = _open(self.path)
        try:
            head = read_head(self._file)
        except _DAMAGE as error:
            self._file.close()
            fault = str(error).removesuffix(".")
            raise DatasetError(f"{self.path} is damaged: {fault}. Make it again from its source.") from error
        self.skeleton, self.coordinates = head.skeleton, head.coordinates
        self.made, self.digest = head.made, head.digest
        self.labels, self.table, self.splits = head.labels, head.table, head.splits
        self._values, self._times = head.values, head.times
        self._position = {name: i for i, name in enumerate(self.table.ids.tolist())}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the table stays."""
        self._file.close()

    def __len__(self) -> int:
        return len(self.table)

    @property
    def channels(self) -> int:
        """Coordinates of a point: 2 or 3 if it has a place."""
        return int(self._values.shape[2])

    def load(self) -> Self:
        """Read all points into memory, so that each clip is at hand; for datasets that fit."""
        self._values, self._times = self._read(0, len(self._values))
        return self

    @property
    def bytes(self) -> int:
        """What `load` would take."""
        return len(self._values) * (len(self.skeleton) * self.channels * 4 + 8)

    def points(self, i: int) -> tuple[Points, Times]:
        """Return the points (T, P, C) and timestamps (T,) of clip i.

        Raises:
            DatasetError: this part of the file is damaged.
        """
        return self._read(int(self.table.offsets[i]), int(self.table.offsets[i + 1]))

    def _read(self, start: int, stop: int) -> tuple[Points, Times]:
        try:
            return self._values[start:stop], self._times[start:stop]
        except OSError as error:
            raise DatasetError(
                f"{self.path} is damaged in frames {start} to {stop}: {error}. Make it again from its source."
            ) from error

    def __getitem__(self, i: int) -> Clip:
        points, times = self.points(i)
        row = self.table
        w, h = row.image_wh[i].tolist()
        return Clip(
            points,
            times,
            self.skeleton,
            id=str(row.ids[i]),
            label=None if row.labels[i] == NO_LABEL else self.labels[row.labels[i]],
            subject=str(row.subjects[i]) or None,
            session=str(row.sessions[i]) or None,
            source=str(row.sources[i]) or None,
            image_wh=(w, h) if h else None,
            coordinates=self.coordinates,
        )

    def __iter__(self) -> Iterator[Clip]:
        return (self[i] for i in range(len(self)))

    def find(self, clip_id: str) -> int:
        """Return the index of the clip with an id.

        Raises:
            DatasetError: there is none; the message names the nearest ids.
        """
        if clip_id in self._position:
            return self._position[clip_id]
        raise DatasetError(f"{self.path} has no clip '{clip_id}'.{nearest(clip_id, list(self._position))}")


def nearest(wanted: str, names: Sequence[str]) -> str:
    """Return a sentence that names what is spelt like `wanted`, or nothing."""
    close = get_close_matches(wanted, names, n=3)
    return f" Did you mean {' or '.join(close)}?" if close else ""


def _open(path: Path) -> h5py.File:
    if not path.is_file():
        raise DatasetError(f"there is no dataset file {path}. Make one:  ademan import ... -o {path}")
    try:
        file = h5py.File(path, "r", locking=False)  # the file never changes: no lock is needed, nor always possible
    except OSError as error:
        raise DatasetError(
            f"{path} cannot be opened: it is cut short, or no HDF5 file ({error}). Make it again from its source."
        ) from error
    found = text_attribute(file, "format")
    if found != FORMAT:
        file.close()
        raise DatasetError(
            f"{path}: expected format '{FORMAT}', found {found!r}. "
            "It was made by another program or version; make it again from its source."
        )
    return file
