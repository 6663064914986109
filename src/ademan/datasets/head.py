"""The head of a dataset file: all but its points, checked before anything is made of it.

Nothing outside the file is read: links that are not plain, and arrays kept in other files, are refused.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast, get_args

import h5py
import numpy as np

from ademan.clip import Coordinates, Times, is_dimension
from ademan.datasets.table import MAX_TEXT, NO_LABEL, ClipTable, Ints, Strings, in_several
from ademan.errors import DatasetError
from ademan.skeleton import Skeleton

_ARRAYS = {
    "values": ("floats", ("T", "P", "C")),
    "timestamps_ms": ("floats", ("T",)),
    "labels": ("texts", ("K",)),
    "clips/id": ("texts", ("N",)),
    "clips/label": ("integers", ("N",)),
    "clips/subject": ("texts", ("N",)),
    "clips/session": ("texts", ("N",)),
    "clips/source": ("texts", ("N",)),
    "clips/image_wh": ("integers", ("N", "2")),
    "offsets": ("integers", ("N + 1",)),
}
"""What each array holds, and its shape: letters that are the same stand for the same size."""
_KINDS = {"i": "integers", "u": "integers", "f": "floats"}  # by NumPy's letter


@dataclass(frozen=True, eq=False)
class Head:
    """What a dataset file says of its clips, and where their points are.

    Args:
        skeleton: of all clips.
        coordinates: of all clips.
        made: by what, from what, and with which options the dataset was made.
        digest: SHA-256 of what the file holds.
        labels: names of the classes.
        table: a row a clip.
        splits: official splits: name, then part, then indices of clips.
        values: (T, P, C) float32, read when sliced.
        times: (T,) float64, read when sliced.
    """

    skeleton: Skeleton
    coordinates: Coordinates
    made: dict[str, Any]
    digest: str
    labels: tuple[str, ...]
    table: ClipTable
    splits: dict[str, dict[str, Ints]]
    values: Any
    times: Any


def read_head(file: h5py.File) -> Head:
    """Read and check all but the points.

    Raises:
        DatasetError: what is wrong, in words that go on from "is damaged:"; HDF5 and JSON raise errors of their own.
    """
    skeleton = Skeleton.from_json(_json(file, "skeleton"))
    arrays = _arrays(file, {"P": len(skeleton), "2": 2})
    head = Head(
        skeleton,
        coordinates=cast(Coordinates, text_attribute(file, "coordinates")),
        made=_json(file, "made"),
        digest=text_attribute(file, "digest") or "",
        labels=tuple(_texts(arrays["labels"]).tolist()),
        table=ClipTable(
            ids=_texts(arrays["clips/id"]),
            labels=_integers(arrays["clips/label"]),
            subjects=_texts(arrays["clips/subject"]),
            sessions=_texts(arrays["clips/session"]),
            sources=_texts(arrays["clips/source"]),
            image_wh=_integers(arrays["clips/image_wh"]),
            offsets=_integers(arrays["offsets"]),
        ),
        splits=_splits(file),
        values=arrays["values"].astype(np.float32),
        times=arrays["timestamps_ms"].astype(np.float64),
    )
    for fault in chain(_frame_faults(head), _table_faults(head), _split_faults(head)):
        raise DatasetError(fault)
    return head


def text_attribute(file: h5py.File, name: str) -> str | None:
    """Return an attribute that is one text; None if it is missing, unreadable or something else."""
    try:
        value = file.attrs.get(name)
        if isinstance(value, bytes):  # of fixed length, as other programs write it
            return value.decode()
        return value.encode().decode() if isinstance(value, str) else None  # h5py lets pass what is no Unicode
    except (OSError, RuntimeError, TypeError, ValueError):
        return None


def _json(file: h5py.File, name: str) -> dict[str, Any]:
    text = text_attribute(file, name)
    found = None if text is None else json.loads(text)
    if not isinstance(found, dict):
        raise DatasetError(f"its attribute '{name}' is no JSON object")
    json.dumps(found, allow_nan=False)  # Python reads NaN and 1e999, which are no JSON and could not be written again
    return found


def _arrays(file: h5py.File, sizes: dict[str, int]) -> dict[str, Any]:
    arrays = {}
    for name, (kind, axes) in _ARRAYS.items():
        arrays[name] = own_array(file, name, kind, axes, sizes)
        sizes.update(zip(axes, arrays[name].shape, strict=True))
        sizes["N + 1"] = sizes.get("N", 0) + 1
    return arrays


def own_array(group: h5py.Group, name: str, kind: str, axes: tuple[str, ...], sizes: Mapping[str, int]) -> Any:
    """Return an array of the file itself that holds what is expected, in the expected shape.

    Args:
        group: in which it stands.
        name: its path from there.
        kind: floats, integers or texts; or several of these, such as "integers or texts".
        axes: a letter each; those that are in `sizes` have that size.
        sizes: of axes that are known.

    Raises:
        DatasetError: there is none, it is a link, is kept in another file, or is not as expected.
    """
    stored = _own(group, name)
    expected = f"expected {kind} of shape {_shape(sizes.get(axis, axis) for axis in axes)}"
    if not isinstance(stored, h5py.Dataset):
        raise DatasetError(f"{name} is no array; {expected}")
    if stored.external or stored.is_virtual:
        raise DatasetError(f"{name} is kept in another file")
    found = "texts" if h5py.check_string_dtype(stored.dtype) else _KINDS.get(stored.dtype.kind, str(stored.dtype))
    shape = stored.shape or ()  # None where HDF5 keeps nothing at all
    if (
        found not in kind.split(" or ")
        or len(shape) != len(axes)
        or any(sizes.get(a, n) != n for a, n in zip(axes, shape, strict=True))
    ):
        raise DatasetError(f"{name} holds {found} of shape {_shape(shape)}; {expected}")
    return stored


def _shape(axes: Iterable[object]) -> str:
    return f"({', '.join(map(str, axes))})"


def _own(group: h5py.Group, path: str) -> Any:
    """Return what stands at a path in the file itself: soft and external links can lead to any file of the computer."""
    found = group
    for name in path.split("/"):
        if not isinstance(found, h5py.Group) or not found.id.links.exists(name.encode()):
            raise DatasetError(f"it has no '{path}'")
        if found.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            raise DatasetError(f"'{path}' is a link to something else")
        found = found[name]
    return found


def _texts(column: Any) -> Strings:
    texts = column.asstr()[:].tolist()
    if max(map(len, texts), default=0) > MAX_TEXT:
        raise DatasetError(f"a text in it is longer than {MAX_TEXT:,} characters")
    return np.array(texts, np.str_)


def _integers(column: Any) -> Ints:
    return np.asarray(column[:], np.int64)


def _splits(file: h5py.File) -> dict[str, dict[str, Ints]]:
    def group(parent: h5py.Group, name: str) -> h5py.Group:
        found = _own(parent, name)
        if not isinstance(found, h5py.Group):
            raise DatasetError(f"'{name}' is an array; expected a group of splits or of their parts")
        return found

    if not file.id.links.exists(b"splits"):
        return {}
    splits = {name: group(file["splits"], name) for name in group(file, "splits")}
    return {
        name: {part: _integers(own_array(parts, part, "integers", ("n",), {})) for part in parts}
        for name, parts in splits.items()
    }


def _frame_faults(head: Head) -> Iterator[str]:
    """Yield what is wrong with the frames; a check relies on those before it."""
    offsets = head.table.offsets
    T, _, C = head.values.shape
    if head.coordinates not in get_args(Coordinates):
        yield f"its coordinates are {head.coordinates!r}; expected {', '.join(get_args(Coordinates))}"
    elif not is_dimension(C, head.coordinates):
        yield f"its points have {C} coordinates; expected 2 or 3"
    if len(head.table) == 0:
        yield "there is no clip"
    if (offsets[0], offsets[-1]) != (0, T) or (offsets[1:] <= offsets[:-1]).any():
        yield "its clips do not cover its frames"
    if not _rise(head.times[:], offsets):
        yield "its timestamps are not finite, or do not rise within a clip"


def _rise(times: Times, offsets: Ints) -> bool:
    rises = times[1:] > times[:-1]
    rises[offsets[1:-1] - 1] = True  # from one clip to the next they may fall
    return bool(rises.all() and np.isfinite(times).all())


def _table_faults(head: Head) -> Iterator[str]:
    table, K = head.table, len(head.labels)
    if not head.digest:
        yield "it has no digest"
    if len(set(head.labels)) != K:
        yield "two classes have the same name"
    if ((table.labels < NO_LABEL) | (table.labels >= K)).any():
        yield "a clip has a label that is not in its list"
    if len(set(table.ids.tolist())) != len(table):
        yield "two clips have the same id"
    if not ((table.image_wh > 0).all(axis=1) | (table.image_wh == 0).all(axis=1)).all():
        yield "a picture has a width or height that cannot be"


def _split_faults(head: Head) -> Iterator[str]:
    for name, parts in head.splits.items():
        indices = np.concatenate([*parts.values(), np.zeros(0, np.int64)])
        if ((indices < 0) | (indices >= len(head.table))).any():
            yield f"split '{name}' names a clip that is not there"
        if in_several(clips.tolist() for clips in parts.values()):
            yield f"split '{name}' has a clip in two of its parts"
