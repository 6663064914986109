"""Embeddings of older programs: all that such a file holds comes over, and what it lacks is told."""

import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.cli import main
from ademan.datasets import Dataset
from ademan.datasets.importers import Hdf5Options, Skipped, hdf5, import_clips
from ademan.errors import ConfigError, SourceError
from ademan.skeleton import BUILT_IN
from tests.datasets.importers.made import clips_of, only, why_skipped

ROW = (4, 12, 768)


def embeddings(N: int = 5, shape: Sequence[int] = ROW, dtype: Any = np.float16) -> Any:
    return np.random.default_rng(N).normal(0.5, 1, (N, *shape)).astype(dtype)


def write(path: Path, values: Any, labels: Any, **how: Any) -> Path:
    with h5py.File(path, "w") as file:
        file.create_dataset("embeddings/data", data=values, **how)
        file["labels/data"] = labels
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "old.h5"


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, ">f4"])
@pytest.mark.parametrize(
    "how", [{}, {"chunks": True}, {"chunks": (1, *ROW), "compression": "gzip"}, {"chunks": (3, 2, 5, 700)}]
)
def test_rows_become_clips(path: Path, tmp_path: Path, dtype: Any, how: Any) -> None:
    values = embeddings(7, dtype=dtype)
    write(path, values, [2, 0, 1, 1, 0, 2, 2], **how)
    summary = import_clips(hdf5.read(path, Hdf5Options(fps=10)), tmp_path / "new.h5")
    assert (summary.clips, summary.skipped, summary.notes) == ({"0": 2, "1": 2, "2": 3}, (), ())
    with Dataset(tmp_path / "new.h5") as dataset:
        assert (dataset.skeleton, dataset.coordinates) == (BUILT_IN["embedding12"], "embedding")
        assert [dataset.labels[k] for k in dataset.table.labels] == list("2011022")
        assert dataset.table.ids[3] == "old_00003"
        for clip, row in zip(dataset, values, strict=True):
            np.testing.assert_array_equal(clip.points, row.astype(np.float32))
            assert clip.timestamps_ms.tolist() == [0, 100, 200, 300]
        assert dataset.made["files"].keys() == {"old.h5"}
    with h5py.File(tmp_path / "new.h5") as file:
        assert file["values"].dtype == (np.float16 if dtype is np.float16 else np.float32)


def test_names_come_from_a_file_of_labels(path: Path, tmp_path: Path) -> None:
    write(path, embeddings(3), [1, 0, 1])
    (tmp_path / "names.txt").write_text("wave\nfist\n")
    source = hdf5.read(path, Hdf5Options(labels=tmp_path / "names.txt"))
    assert [clip.label for clip in clips_of(source)] == ["fist", "wave", "fist"]
    assert source.labels == ("wave", "fist")
    (tmp_path / "old_labels.json").write_text(json.dumps(["a", "b"]))
    assert [clip.label for clip in clips_of(hdf5.read(path))] == ["b", "a", "b"]
    (tmp_path / "old_labels.json").write_text(json.dumps(["a"]))
    with pytest.raises(SourceError, match=r"has clips of class 1; label file .* has 1 names"):
        hdf5.read(path)


@pytest.mark.parametrize("kind", [h5py.string_dtype(), "S9"])
def test_texts_are_names_themselves(path: Path, kind: Any) -> None:
    write(path, embeddings(4), np.array(["wave", "fist", "", "wave"]).astype(kind))
    source = hdf5.read(path)
    assert [clip.label for clip in clips_of(source)] == ["wave", "fist", None, "wave"]
    assert source.labels == ("fist", "wave")


def test_some_classes_may_be_asked_for(path: Path) -> None:
    write(path, embeddings(4), ["wave", "fist", "palm", "wave"])
    source = hdf5.read(path, Hdf5Options(classes=("wave", "palm")))
    assert [clip.label for clip in clips_of(source)] == ["wave", "palm", "wave"]
    assert (source.labels, source.count, source.left_out) == (("wave", "palm"), 3, 1)
    with pytest.raises(SourceError, match=r"has no clip of class 'wive'. Did you mean wave"):
        hdf5.read(path, Hdf5Options(classes=("wive",)))


def test_what_was_not_seen_is_missing_and_padding_is_cut(path: Path) -> None:
    values = embeddings(1, (6, 12, 768), np.float32)
    values[0, 1] = 0  # a frame
    values[0, 2, 3] = 0  # a channel
    values[0, 3, 4, 5] = np.nan
    values[0, 4, 5, 6] = 0  # one number is a number
    values[0, 5] = 0
    clip = only(hdf5.read(write(path, values, [0])))
    missing = np.isnan(clip.points)
    assert len(clip) == 5
    assert missing[1].all()
    assert (missing == missing.all(axis=2, keepdims=True)).all()
    assert np.argwhere(missing[[0, 2, 3, 4]].any(axis=2)).tolist() == [[1, 3], [2, 4]]


def test_rows_of_nothing_are_named(path: Path) -> None:
    values = embeddings(5, dtype=np.float32)
    values[1], values[2] = 0, np.nan
    values[3, 0, 0, 0] = np.inf
    source = hdf5.read(write(path, values, range(5)))
    skipped = {item.id: item.reason for item in source.clips if isinstance(item, Skipped)}
    assert skipped == {
        "old_00001": "all its values are zero: it was never written",
        "old_00002": "not a single channel was seen: each of them is NaN or zero",
        "old_00003": "has infinite values; a point that was not seen is NaN",
    }


@given(written=st.integers(1, 9), rows=st.integers(1, 4))
def test_where_writing_stopped_all_before_is_taken_and_all_after_named(
    tmp_path_factory: pytest.TempPathFactory, written: int, rows: int
) -> None:
    path = tmp_path_factory.mktemp("stopped") / "old.h5"
    with h5py.File(path, "w") as file:
        values = file.create_dataset("embeddings/data", (9, 1, 12, 768), "f2", chunks=(rows, 1, 12, 768))
        labels = file.create_dataset("labels/data", (9,), "i8")
        values[:written] = embeddings(written, (1, 12, 768))
        labels[:written] = 1
    source = hdf5.read(path)
    items = list(source.clips)
    assert (len(items), source.count) == (9, 9)
    assert [not isinstance(item, Skipped) for item in items] == [i < written for i in range(9)]
    assert source.labels == ("1",)
    assert len(source.notes) == (written < 9)
    if written < 9:
        assert f"The {written} rows before are taken" in source.notes[0]


def test_rows_without_a_label_are_clips_without_one_and_labels_without_a_row_are_told(path: Path) -> None:
    source = hdf5.read(write(path, embeddings(5), [1, 0, 1]))
    assert [clip.label for clip in clips_of(source)] == ["1", "0", "1", None, None]
    assert source.notes == ("there are 5 rows and 3 labels: rows from 3 on become clips without a label",)
    source = hdf5.read(write(path, embeddings(3), [1, 0, 1, 2, 2]))
    assert [clip.label for clip in clips_of(source)] == ["1", "0", "1"]
    assert (source.labels, len(source.notes)) == (("0", "1"), 1)


def test_a_damaged_row_is_named_and_all_others_are_imported(path: Path) -> None:
    values = embeddings(6)
    write(path, values, range(6), chunks=(2, *ROW), compression="gzip")
    with h5py.File(path) as file:
        chunk = file["embeddings/data"].id.get_chunk_info(1)
    content = bytearray(path.read_bytes())
    content[chunk.byte_offset : chunk.byte_offset + 64] = bytes(64)
    path.write_bytes(content)
    items = list(hdf5.read(path).clips)
    assert [type(item).__name__ for item in items] == ["Clip", "Clip", "Skipped", "Skipped", "Clip", "Clip"]
    assert all(reason.startswith("this part of the file is damaged") for reason in why_skipped(hdf5.read(path)))
    np.testing.assert_array_equal(items[5].points, values[5].astype(np.float32))  # type: ignore[union-attr]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_a_file_that_is_cut_short_is_refused(path: Path, share: float) -> None:
    content = write(path, embeddings(), range(5)).read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(SourceError, match=r"cannot be opened .*copy it again, or make it again"):
        hdf5.read(path)


def test_a_file_whose_writer_died_is_read_as_far_as_it_was_written_out(path: Path, tmp_path: Path) -> None:
    with h5py.File(path, "w") as file:
        values = file.create_dataset("embeddings/data", (9, *ROW), "f2", chunks=(1, *ROW))
        file.create_dataset("labels/data", (9,), "i8")
        values[:4] = embeddings(4)
        file.flush()
        shutil.copy(path, tmp_path / "died.h5")
    assert len([item for item in hdf5.read(tmp_path / "died.h5").clips if not isinstance(item, Skipped)]) == 4


def test_a_file_that_is_marked_as_open_says_how_to_close_it(path: Path, tmp_path: Path) -> None:
    with h5py.File(path, "w", libver="latest") as file:
        file["embeddings/data"], file["labels/data"] = embeddings(), range(5)
        file.flush()
        shutil.copy(path, tmp_path / "open.h5")
    with pytest.raises(SourceError, match=r"did not close it.*h5clear -s"):
        hdf5.read(tmp_path / "open.h5")


@pytest.mark.parametrize(
    ("values", "labels", "told"),
    [
        (
            np.zeros((3, 4, 10, 768), "f2"),
            range(3),
            r"holds floats of shape \(3, 4, 10, 768\); expected .*\(N, T, 12, 768\)",
        ),
        (np.zeros((3, 4, 12, 512), "f2"), range(3), r"expected floats of shape \(N, T, 12, 768\)"),
        (np.zeros((3, 12, 768), "f2"), range(3), r"holds floats of shape \(3, 12, 768\)"),
        (np.zeros((3, 4, 12, 768), "u1"), range(3), "holds integers"),
        (np.zeros((0, 4, 12, 768), "f2"), np.zeros(0, int), "holds no clip"),
        (np.zeros((3, 0, 12, 768), "f2"), range(3), "holds no clip"),
        (embeddings(3), np.zeros(3), "labels/data holds floats of shape .*; expected integers or texts"),
        (embeddings(3), np.zeros((3, 1), int), r"labels/data holds integers of shape \(3, 1\)"),
        (embeddings(3), np.array([b"\xff"] * 3), "can't decode"),
    ],
)
def test_another_layout_is_refused(path: Path, values: Any, labels: Any, told: str) -> None:
    with pytest.raises(
        SourceError, match=rf"cannot be imported: .*{told}.*Expected embeddings/data \(clips, frames, 12"
    ):
        hdf5.read(write(path, values, labels))


@pytest.mark.parametrize("missing", ["embeddings", "embeddings/data", "labels", "labels/data"])
def test_what_is_not_there_is_named(path: Path, missing: str) -> None:
    write(path, embeddings(), range(5))
    with h5py.File(path, "a") as file:
        del file[missing]
    with pytest.raises(SourceError, match=f"it has no '{missing.split('/', maxsplit=1)[0]}"):
        hdf5.read(path)


@pytest.mark.parametrize("name", ["embeddings", "embeddings/data", "labels/data"])
@pytest.mark.parametrize("external", [False, True])
def test_a_link_to_elsewhere_is_never_followed(path: Path, name: str, external: bool) -> None:
    os.mkfifo(path.with_name("pipe"))  # whoever opens it waits for ever
    write(path, embeddings(), range(5))
    with h5py.File(path, "a") as file:
        del file[name]
        file[name] = h5py.ExternalLink("pipe", "/data") if external else h5py.SoftLink("/labels")
    with pytest.raises(SourceError, match="is a link to something else"):
        hdf5.read(path)


def test_values_that_are_kept_in_another_file_are_refused(path: Path) -> None:
    secret = path.with_name("secret")
    secret.write_bytes(bytes(2 * 9216))
    with h5py.File(path, "w") as file:
        file["labels/data"] = [0]
        file.create_dataset("embeddings/data", (1, 1, 12, 768), "f2", external=[(str(secret), 0, 2 * 9216)])
    with pytest.raises(SourceError, match="embeddings/data is kept in another file"):
        hdf5.read(path)
    layout = h5py.VirtualLayout((1, 1, 12, 768), "f2")
    layout[:] = h5py.VirtualSource("secret", "x", (1, 1, 12, 768))
    with h5py.File(path, "w") as file:
        file["labels/data"] = [0]
        file.create_virtual_dataset("embeddings/data", layout)
    with pytest.raises(SourceError, match="embeddings/data is kept in another file"):
        hdf5.read(path)


@pytest.mark.parametrize(
    ("shape", "chunks", "told"),
    [
        ((10**9, 1, 12, 768), (1, 1, 12, 768), "1,000,000,000 rows"),
        ((1, 10**6, 12, 768), (1, 1, 12, 768), "a clip of embeddings/data has"),
        ((10**5, 32, 12, 768), (10**3, 32, 12, 768), "a chunk of embeddings/data has"),
    ],
)
def test_a_small_file_that_promises_more_than_fits_is_refused(path: Path, shape: Any, chunks: Any, told: str) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("embeddings/data", shape, "f4", chunks=chunks)
        file["labels/data"] = [0]
    with pytest.raises(SourceError, match=told):
        hdf5.read(path)
    with h5py.File(path, "w") as file:
        file["embeddings/data"] = embeddings(1)
        file.create_dataset("labels/data", (10**12,), "i8", chunks=(1,))
    with pytest.raises(SourceError, match="1,000,000,000,000 labels"):
        hdf5.read(path)


def test_a_dataset_of_our_own_needs_no_import(dataset_file: Path) -> None:
    with pytest.raises(SourceError, match="is a dataset already: there is nothing to import"):
        hdf5.read(dataset_file)


def test_a_file_that_is_not_there_and_a_rate_that_cannot_be_say_so(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no file .*gone.h5"):
        hdf5.read(tmp_path / "gone.h5")
    with pytest.raises(ConfigError, match="fps must be above zero"):
        Hdf5Options(fps=0)


def test_a_file_of_nothing_but_zeros_leaves_nothing(path: Path, tmp_path: Path) -> None:
    write(path, np.zeros((3, *ROW), "f2"), [0, 0, 0])
    with pytest.raises(SourceError, match=r"not one of the 3 recordings of old.h5 can be used.*\n.*never written"):
        import_clips(hdf5.read(path), tmp_path / "new.h5")
    assert not (tmp_path / "new.h5").exists()


def test_only_a_few_rows_are_in_memory_at_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, embeddings(40, (1, 12, 768)), range(40), chunks=(8, 1, 12, 768))
    read: list[int] = []
    slicing = h5py.Dataset.__getitem__

    def counted(stored: h5py.Dataset, at: Any) -> Any:
        found = slicing(stored, at)
        if found.ndim == 4:
            read.append(len(found))
        return found

    monkeypatch.setattr(h5py.Dataset, "__getitem__", counted)
    items = iter(hdf5.read(path).clips)
    read.clear()
    next(items)
    assert read == [8]
    list(items)
    assert read == [8] * 5


def test_the_command_imports(path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(path, embeddings(3), [1, 0, 1])
    with pytest.raises(SystemExit) as done:
        main(["import", "hdf5", str(path), "-o", str(tmp_path / "new.h5"), "--json"])
    assert done.value.code == 0
    assert json.loads(capsys.readouterr().out)["clips"] == {"0": 1, "1": 2}
