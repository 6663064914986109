from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ademan.datasets import Dataset
from ademan.training import TrainingConfig
from ademan.training.data import Windows, batches_in_order, shuffled_batches
from ademan.window import Window


@given(st.lists(st.integers(1, 300), min_size=1, max_size=400), st.integers(1, 40), st.integers(0, 99))
def test_each_clip_is_in_just_one_batch(lengths: list[int], batch_size: int, seed: int) -> None:
    given_lengths = np.array(lengths)
    shuffled = shuffled_batches(given_lengths, batch_size, np.random.default_rng(seed))
    in_order = list(batches_in_order(given_lengths, batch_size))
    for batches in (shuffled, in_order):
        assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    assert max(map(len, in_order)) <= batch_size
    assert max(map(len, shuffled)) <= batch_size + (batch_size > 1)


@given(st.integers(2, 100), st.integers(2, 40), st.integers(1, 3))
def test_no_clip_is_in_a_batch_alone(clips: int, batch_size: int, times: int) -> None:
    batches = shuffled_batches(np.full(clips, 30), batch_size, np.random.default_rng(0), times)
    assert min(map(len, batches)) > 1


def test_an_epoch_can_go_through_the_clips_several_times() -> None:
    batches = shuffled_batches(np.full(50, 30), 8, np.random.default_rng(0), times=3)
    assert np.bincount(np.concatenate(batches)).tolist() == [3] * 50


@pytest.mark.parametrize(("clips", "rounds"), [(50, 10), (320, 2), (700, 1), (5000, 1)])
def test_few_clips_are_gone_through_as_often_as_goes_into_an_epoch(clips: int, rounds: int) -> None:
    assert TrainingConfig(batch_size=32, epoch_steps=20).rounds(clips) == rounds
    assert TrainingConfig(batch_size=32).rounds(clips) == 1


def test_batches_hold_clips_of_like_length_and_differ_between_epochs() -> None:
    lengths = np.random.default_rng(0).integers(20, 300, 640)
    epochs = [shuffled_batches(lengths, 16, np.random.default_rng((0, epoch))) for epoch in range(2)]
    spreads = [np.ptp(lengths[batch]) for batch in epochs[0]]
    assert np.mean(spreads) < 20  # of 280 frames, were they not sorted
    assert {frozenset(batch) for batch in epochs[0]} != {frozenset(batch) for batch in epochs[1]}


def test_a_batch_is_the_windows_of_its_clips(dataset_file: Path) -> None:
    with Dataset(dataset_file) as dataset:
        windows = Windows(dataset, np.array([5, 9, 30]), Window(frames=20))
        points, labels = windows[[0, 2]]
        assert points.shape == (2, 20, 42, 2)
        np.testing.assert_array_equal(points[1].numpy(), dataset[30].points[:20])
        assert labels.tolist() == dataset.table.labels[[5, 30]].tolist()


def test_reading_clip_by_clip_gives_what_memory_gives(dataset_file: Path) -> None:
    with Dataset(dataset_file) as dataset:
        clips, window = np.arange(36), Window(30, "rate", 20.0)
        held = Windows(dataset, clips, window)
        read = Windows(dataset, clips, window, memory_bytes=0)
        assert held._cut is not None
        assert read._cut is None
        for a, b in zip(held[[3, 7, 20]], read[[3, 7, 20]], strict=True):
            torch.testing.assert_close(a, b, equal_nan=True)
