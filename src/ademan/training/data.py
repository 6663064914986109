"""Windows for training: cut once if they fit into memory, and put into batches of like length."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset as TorchDataset

from ademan.clip import Points
from ademan.datasets import Dataset
from ademan.datasets.table import Ints
from ademan.window import Window, stack

MEMORY_BYTES = 2 * 2**30
"""Windows up to this size are held in memory; larger ones are cut clip by clip, each epoch anew."""
_POOL_BATCHES = 32  # batches' worth of shuffled clips that are sorted by length together


class Windows(TorchDataset[tuple[Tensor, Tensor]]):
    """The windows of some clips of a dataset; an item is a whole batch, given by the positions of its clips.

    Args:
        dataset: stays open as long as this is used.
        clips: (N,) indices into the dataset.
        window: how clips are fitted.
        memory_bytes: larger datasets are read clip by clip, each epoch anew.
        more: windows that follow those of the clips, such as a background.
        more_label: index of their label.
    """

    def __init__(
        self,
        dataset: Dataset,
        clips: Ints,
        window: Window,
        memory_bytes: int = MEMORY_BYTES,
        more: Sequence[Points] = (),
        more_label: int = 0,
    ) -> None:
        self.dataset, self.clips, self.window, self.more = dataset, clips, window, more
        labels = np.concatenate([dataset.table.labels[clips], np.full(len(more), more_label)])
        self.labels = torch.from_numpy(labels)
        lengths = np.array([len(points) for points in more], np.int64)
        self.lengths = np.concatenate([np.minimum(dataset.table.lengths[clips], window.frames), lengths])
        frame_bytes = 4 * len(dataset.skeleton) * dataset.channels
        # Windows of 'pad' are parts of what was read; the others are made anew, and may be longer than their clips.
        needed = dataset.bytes if window.fit == "pad" else len(clips) * window.frames * frame_bytes
        in_memory = max(needed, dataset.bytes) <= memory_bytes
        self._cut = [self._read(i) for i in range(len(clips))] if in_memory else None

    def __len__(self) -> int:
        return len(self.labels)

    def _read(self, position: int) -> Points:
        return self.window.cut(*self.dataset.points(int(self.clips[position])), self.dataset.coordinates)

    def _window(self, position: int) -> Points:
        if position >= len(self.clips):
            return self.more[position - len(self.clips)]
        return self._cut[position] if self._cut is not None else self._read(position)

    def __getitem__(self, positions: list[int]) -> tuple[Tensor, Tensor]:
        windows = [self._window(i) for i in positions]
        return torch.from_numpy(stack(windows)), self.labels[positions]


def shuffled_batches(lengths: Ints, batch_size: int, rng: np.random.Generator, times: int = 1) -> list[list[int]]:
    """Return positions in batches of like length, in random order.

    Padding is what makes recurrent networks slow. Clips are shuffled, sorted by length within pools of
    `_POOL_BATCHES` batches, cut into batches, and the batches shuffled: what comes together changes from epoch to
    epoch, and little is padded.

    Args:
        lengths: (N,) frames of each clip.
        batch_size: clips of a batch.
        rng: the source of chance.
        times: how often each clip comes.
    """
    order = np.concatenate([rng.permutation(len(lengths)) for _ in range(times)])
    batches = []
    for start in range(0, len(order), batch_size * _POOL_BATCHES):
        pool = order[start : start + batch_size * _POOL_BATCHES]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + batch_size].tolist() for i in range(0, len(pool), batch_size)]
    # One clip alone has no spread that a network could normalise by.
    if len(batches) > 1 and len(batches[-1]) == 1 < batch_size:
        lone = batches.pop()
        batches[-1] += lone
    return [batches[i] for i in rng.permutation(len(batches))]


def batches_in_order(lengths: Ints, batch_size: int) -> Iterator[list[int]]:
    """Yield positions in batches, by rising length; for evaluation, where order does not matter."""
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size].tolist()
