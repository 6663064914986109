"""Copies: clips that were not recorded, but made by changing one that was, so that more is learnt from it.

`made["copies"]` of a dataset says the id of each copy and of its original. A copy is for training alone, and only
where its original trains: in a validation or test it would count one recording twice, and beside an original that is
tested, it would give the answer away.
"""

from copy import copy
from dataclasses import replace

import numpy as np

from ademan.clip import Points, Times
from ademan.datasets.file import Dataset
from ademan.datasets.table import NO_LABEL, Ints
from ademan.errors import DatasetError

RECORDED = -1
"""In place of the index of an original: the clip is no copy."""
UNKNOWN = -2
"""In place of the index of an original: the clip is a copy of one that is not there, or that is a copy itself."""


def originals(dataset: Dataset) -> Ints:
    """Return (N,) the index of the original of each clip that is a copy, RECORDED or UNKNOWN.

    Raises:
        DatasetError: what the dataset says of its copies cannot be.
    """
    told = dataset.made.get("copies", {})
    if not isinstance(told, dict) or not all(isinstance(name, str) for name in told.values()):
        raise DatasetError(
            f"{dataset.path} is damaged: made['copies'] is no JSON object of the ids of copies and of their originals. "
            "Make it again from its source."
        )
    ids = dataset.table.ids.tolist()
    if not told:
        return np.full(len(ids), RECORDED, np.int64)
    recorded = {name: i for i, name in enumerate(ids) if name not in told}
    return np.array([recorded.get(told[name], UNKNOWN) if name in told else RECORDED for name in ids], np.int64)


def with_copies(clips: Ints, original: Ints, labels: Ints) -> Ints:
    """Return clips as they are; or, where labelled copies were made of them, with these, by rising index.

    Args:
        clips: indices.
        original: (N,) of all clips, see `originals`.
        labels: (N,) of all clips.
    """
    copies = np.flatnonzero(np.isin(original, clips) & (labels != NO_LABEL))
    return np.union1d(clips, copies) if len(copies) else clips


def recorded(dataset: Dataset) -> Dataset:
    """Return the dataset as if it held no copies; both read one file, and are closed together.

    Raises:
        DatasetError: it holds nothing but copies, or what it says of them cannot be.
    """
    kept = np.flatnonzero(originals(dataset) == RECORDED)
    if len(kept) == len(dataset):
        return dataset
    if not len(kept):
        raise DatasetError(f"{dataset.path} holds nothing but copies. Make it again, with their originals.")
    return _Recorded(dataset, kept)


class _Recorded(Dataset):
    """Some clips of a dataset, by their indices in it, rising."""

    def __init__(self, whole: Dataset, kept: Ints) -> None:
        self.__dict__.update(copy(whole).__dict__)
        self._whole, self._kept = whole, kept
        table, new = whole.table, np.full(len(whole), -1)
        new[kept] = np.arange(len(kept))
        columns = ("ids", "labels", "subjects", "sessions", "sources", "image_wh")
        offsets = np.cumsum([0, *table.lengths[kept].tolist()])
        self.table = replace(table, offsets=offsets, **{name: getattr(table, name)[kept] for name in columns})
        self.splits = {
            name: {part: new[clips][new[clips] >= 0] for part, clips in parts.items()}
            for name, parts in whole.splits.items()
        }
        self._position = {name: i for i, name in enumerate(self.table.ids.tolist())}

    def points(self, i: int) -> tuple[Points, Times]:
        return self._whole.points(int(self._kept[i]))
