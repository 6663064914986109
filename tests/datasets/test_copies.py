"""Copies that augmentation made: known by what the dataset says, passed over where recordings are looked at."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ademan.clip import Clip, times_at
from ademan.datasets import Dataset, DatasetWriter, make_splits
from ademan.datasets.audit import audit, inspect
from ademan.datasets.copies import RECORDED, UNKNOWN, originals, recorded
from ademan.errors import DatasetError
from ademan.skeleton import skeleton
from tests.conftest import MakeClip

PARTS = ("train", "val", "test")


def write(path: Path, clips: list[Clip], copies: Any) -> Path:
    with DatasetWriter(path, skeleton("hands"), made={"copies": copies}) as writer:
        for clip in clips:
            writer.add(clip)
        writer.add_split("1", {"train": [clip.id for clip in clips[::2]], "test": [clip.id for clip in clips[1::2]]})
    return path


@pytest.fixture
def copied(tmp_path: Path, make_clip: MakeClip) -> Path:
    """Six clips of two labels, each with two copies; nobody is known, and copies are on both sides of a split."""
    clips = [make_clip(f"c{i}", "ab"[i % 2], frames=12 + i, speed=1 + i) for i in range(6)]
    copies = {f"{clip.id}~{n}": clip for n in range(2) for clip in clips}
    made = [replace(clip, id=name) for name, clip in copies.items()]
    return write(tmp_path / "copied.h5", [made[0], *clips, *made[1:]], {name: c.id for name, c in copies.items()})


def test_each_copy_knows_its_original(copied: Path) -> None:
    with Dataset(copied) as dataset:
        found = originals(dataset)
        assert [dataset.table.ids[i] for i in found if i >= 0] == [f"c{i}" for i in range(6)] * 2
        assert np.flatnonzero(found == RECORDED).tolist() == [1, 2, 3, 4, 5, 6]


def test_a_dataset_without_copies_is_what_it_was(dataset_file: Path) -> None:
    with Dataset(dataset_file) as dataset:
        assert recorded(dataset) is dataset
        assert (originals(dataset) == RECORDED).all()


def test_what_was_recorded_is_a_dataset_of_its_own(copied: Path) -> None:
    with Dataset(copied) as dataset:
        alone = recorded(dataset)
        assert [clip.id for clip in alone] == [f"c{i}" for i in range(6)]
        for clip in alone:
            same = dataset[dataset.find(clip.id)]
            np.testing.assert_array_equal(clip.points, same.points)
            assert (clip.label, len(clip)) == (same.label, len(same))
            assert alone.find(clip.id) == int(clip.id[1:])
        named = {part: alone.table.ids[clips].tolist() for part, clips in alone.splits["1"].items()}
        whole = {part: dataset.table.ids[clips].tolist() for part, clips in dataset.splits["1"].items()}
        assert named == {part: [name for name in ids if "~" not in name] for part, ids in whole.items()}


def test_an_audit_sees_recordings_and_counts_copies(copied: Path) -> None:
    found = inspect(copied)
    assert (found.clips, found.copies) == (6, 12)
    assert found.labels == {"a": 3, "b": 3}
    assert found.duplicates.count == 0
    assert not [warning for warning in found.warnings if "the same recording" in warning]


def test_no_copy_of_an_official_split_is_in_its_validation_or_test(copied: Path) -> None:
    with Dataset(copied) as dataset:
        whole = {dataset.find(f"c{i}{end}"): i // 2 for i in range(6) for end in ("", "~0", "~1")}
        parts = {name: np.array([c for c in sorted(whole) if whole[c] == k]) for k, name in enumerate(PARTS)}
        dataset.splits["2"] = parts
        (split,) = make_splits(dataset, "official:2")
        ids = {part: sorted(dataset.table.ids[clips].tolist()) for part, clips in split.parts().items()}
        assert ids == {"train": ["c0", "c0~0", "c0~1", "c1", "c1~0", "c1~1"], "val": ["c2", "c3"], "test": ["c4", "c5"]}


def test_without_word_of_copies_the_same_clips_are_duplicates(tmp_path: Path, copied: Path) -> None:
    with Dataset(copied) as dataset:
        untold = write(tmp_path / "untold.h5", list(dataset), {})
    assert inspect(untold).duplicates.count > 0


def test_a_copy_of_what_is_not_there_has_no_original(tmp_path: Path, make_clip: MakeClip) -> None:
    clips = [make_clip(name) for name in ("a", "b", "c")]
    with Dataset(write(tmp_path / "d.h5", clips, {"b": "gone", "c": "b", "other": "a"})) as dataset:
        assert originals(dataset).tolist() == [RECORDED, UNKNOWN, UNKNOWN]


@pytest.mark.parametrize("copies", [["a"], {"a": 1}, "a", None])
def test_what_cannot_be_said_of_copies_is_refused(tmp_path: Path, make_clip: MakeClip, copies: Any) -> None:
    path = write(tmp_path / "d.h5", [make_clip("a"), make_clip("b")], copies)
    with Dataset(path) as dataset, pytest.raises(DatasetError, match=r"is damaged: made\['copies'\] is no JSON object"):
        originals(dataset)


def test_an_audit_of_copies_alone_says_so(tmp_path: Path, make_clip: MakeClip) -> None:
    path = write(tmp_path / "d.h5", [make_clip("a"), make_clip("b")], {"a": "x", "b": "x"})
    with Dataset(path) as dataset, pytest.raises(DatasetError, match="holds nothing but copies"):
        audit(dataset)


def test_an_audit_expects_no_range_of_what_is_no_place(tmp_path: Path, rng: np.random.Generator) -> None:
    with DatasetWriter(tmp_path / "d.h5", skeleton("embedding12"), "embedding") as writer:
        for i in range(6):
            values = rng.normal(0, 50, (8, 12, 5)).astype(np.float32)
            writer.add(Clip(values, times_at(25, 8), skeleton("embedding12"), id=f"c{i}", coordinates="embedding"))
    found = inspect(tmp_path / "d.h5")
    assert (found.outside.count, found.outside_share) == (0, 0.0)
    assert not [warning for warning in found.warnings if "too large" in warning or "far outside" in warning]
