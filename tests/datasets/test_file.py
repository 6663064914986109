from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from ademan.clip import Clip, times_at
from ademan.datasets import NO_LABEL, Dataset, DatasetWriter
from ademan.errors import AdemanError, ClipError, DatasetError
from ademan.skeleton import EMBEDDING, picture_rows, skeleton
from tests.conftest import MakeClip

HANDS = skeleton("hands")


def test_clips_come_back_as_they_were_written(tmp_path: Path, make_clip: MakeClip) -> None:
    clip = make_clip("one", "wave", subject="s1", session="monday", source="a.mp4", image_wh=(640, 480))
    clip.points[3, :21] = np.nan
    with DatasetWriter(tmp_path / "d.h5", HANDS, made={"by": "a test"}) as writer:
        writer.add(clip)
        writer.add(make_clip("two", None))
    with Dataset(tmp_path / "d.h5") as dataset:
        back = dataset[0]
        np.testing.assert_array_equal(back.points, clip.points)
        np.testing.assert_array_equal(back.timestamps_ms, clip.timestamps_ms)
        for field in ("skeleton", "id", "label", "subject", "session", "source", "image_wh", "coordinates"):
            assert getattr(back, field) == getattr(clip, field)
        assert dataset[1].label is None
        assert dataset.table.labels.tolist() == [0, NO_LABEL]
        assert dataset.made == {"by": "a test"}


def test_labels_keep_their_given_order_and_are_sorted_otherwise(tmp_path: Path, make_clip: MakeClip) -> None:
    for given, expected in ((["wave", "clap", "idle"], ("wave", "clap", "idle")), (None, ("clap", "wave"))):
        with DatasetWriter(tmp_path / "d.h5", HANDS, labels=given) as writer:
            writer.add(make_clip("one", "wave"))
            writer.add(make_clip("two", "clap"))
        with Dataset(tmp_path / "d.h5") as dataset:
            assert dataset.labels == expected
            assert [clip.label for clip in dataset] == ["wave", "clap"]


def test_a_dataset_many_times_its_buffer_is_written_in_pieces(tmp_path: Path, rng: np.random.Generator) -> None:
    points = rng.random((3000, 42, 2), np.float32)  # 1 MB
    with DatasetWriter(tmp_path / "d.h5", HANDS) as writer:
        for i in range(20):
            writer.add(Clip(points + i, times_at(30, 3000), HANDS, id=f"c{i}", label="x"))
            assert sum(clip.points.nbytes for clip in writer._buffer) < 8 * 2**20
    with Dataset(tmp_path / "d.h5") as dataset:
        assert [clip.points[5, 5, 0] - points[5, 5, 0] for clip in dataset] == pytest.approx(range(20), abs=1e-5)


def test_embeddings_and_pixels_are_kept_and_places_have_two_or_three_numbers(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    embedded = Clip(
        rng.normal(0, 1, (4, 12, 768)).astype(np.float32), times_at(8, 4), EMBEDDING, "e", "x", coordinates="embedding"
    )
    embedded.points[1, 3] = np.nan
    rows = picture_rows(16)
    photo = Clip(rng.integers(0, 256, (1, 16, 48)).astype(np.float32), times_at(8, 1), rows, "p", coordinates="pixels")
    with DatasetWriter(tmp_path / "e.h5", EMBEDDING, "embedding", half=True) as writer:
        writer.add(embedded)
    with DatasetWriter(tmp_path / "p.h5", rows, "pixels", half=True) as writer:
        writer.add(photo)
    with Dataset(tmp_path / "e.h5") as first, Dataset(tmp_path / "p.h5") as second:
        assert (first.coordinates, first.channels, second.channels) == ("embedding", 768, 48)
        np.testing.assert_allclose(first[0].points, embedded.points, rtol=1e-3, atol=1e-4)
        assert first[0].points.dtype == np.float32
        assert first[0].seen.sum() == 4 * 12 - 1
        np.testing.assert_array_equal(second[0].points, photo.points)  # whole numbers up to 2048 are exact
    with pytest.raises(ClipError, match=r"expected points of shape \(T, P, 2 or 3\), found \(1, 16, 48\)"):
        Clip(photo.points, photo.timestamps_ms, rows)


def test_loading_into_memory_changes_no_clip(dataset_file: Path) -> None:
    with Dataset(dataset_file) as lazy, Dataset(dataset_file) as loaded:
        loaded.load()
        for a, b in zip(lazy, loaded, strict=True):
            np.testing.assert_array_equal(a.points, b.points)


def test_the_same_clips_give_the_same_digest_and_others_another(tmp_path: Path, make_clip: MakeClip) -> None:
    clip, other = make_clip("one"), make_clip("one")
    digests = []
    for content in (clip, clip, other):
        with DatasetWriter(tmp_path / "d.h5", HANDS) as writer:
            writer.add(content)
        with Dataset(tmp_path / "d.h5") as dataset:
            digests.append(dataset.digest)
    assert digests[0] == digests[1] != digests[2]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(dataset_file: Path, make_clip: MakeClip) -> None:
    before = dataset_file.read_bytes()
    with pytest.raises(ClipError, match="needs an id"), DatasetWriter(dataset_file, HANDS) as writer:
        writer.add(make_clip(""))
    assert dataset_file.read_bytes() == before
    assert list(dataset_file.parent.iterdir()) == [dataset_file]


def test_an_empty_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no clip to put into it"), DatasetWriter(tmp_path / "d.h5", HANDS):
        pass
    assert not list(tmp_path.iterdir())


def test_clips_that_do_not_fit_are_refused_and_leave_no_trace(tmp_path: Path, make_clip: MakeClip) -> None:
    good, T = make_clip("good"), 4
    unseen = Clip(np.full((T, 42, 2), np.nan, np.float32), times_at(25, T), HANDS, id="unseen")
    wrong = {
        "has skeleton 'coco17'": Clip(np.zeros((T, 17, 2), np.float32), times_at(25, T), skeleton("coco17"), id="x"),
        "needs an id of its own": good,
        "is labelled 'clap'; the labels are wave": make_clip("x", "clap"),
        "has 3 coordinates a point; the clips before it 2": Clip(
            np.zeros((T, 42, 3), np.float32), times_at(25, T), HANDS, id="x"
        ),
        "not a single point was seen in its 4 frames": unseen,
    }
    with DatasetWriter(tmp_path / "d.h5", HANDS, labels=["wave"]) as writer:
        writer.add(good)
        writer._flush()
        for message, clip in wrong.items():
            with pytest.raises(ClipError, match=message):
                writer.add(clip)
    with Dataset(tmp_path / "d.h5") as dataset:
        assert len(dataset) == 1


@pytest.mark.parametrize("name", ["id", "label", "subject", "session", "source"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 1001, "a text of it has 1,001 characters; expected 1,000 at most"),
        ("\0", "holds a NUL, or half a character, which HDF5 cannot keep"),
        ("\udc80", "holds a NUL, or half a character, which HDF5 cannot keep"),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused(
    tmp_path: Path, make_clip: MakeClip, name: str, text: str, message: str
) -> None:
    clip = replace(make_clip("a"), **{name: text})  # type: ignore[arg-type]
    with DatasetWriter(tmp_path / "d.h5", HANDS) as writer:
        with pytest.raises(ClipError, match=message):
            writer.add(clip)
        writer.add(replace(clip, **{name: "x" * 1000}))  # type: ignore[arg-type]


def test_labels_that_cannot_be_kept_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"d.h5 was not written: label 'a' is given 2 times"):
        DatasetWriter(tmp_path / "d.h5", HANDS, labels=["a", "b", "a"])
    with pytest.raises(ClipError, match=r"label '\\ud800'.*half a character"):
        DatasetWriter(tmp_path / "d.h5", HANDS, labels=["\ud800"])


def test_how_it_was_made_is_plain_json(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        DatasetWriter(tmp_path / "d.h5", HANDS, made={"loss": float("nan")})


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0", "\ud800"])
def test_a_split_whose_name_cannot_be_kept_is_refused(tmp_path: Path, make_clip: MakeClip, name: str) -> None:
    with DatasetWriter(tmp_path / "d.h5", HANDS) as writer:
        writer.add(make_clip("one"))
        with pytest.raises(DatasetError, match=r"a split cannot be called '.*': a name can be printed, has no '/'"):
            writer.add_split(name, {"train": ["one"]})


def test_a_split_whose_parts_share_a_clip_is_refused(tmp_path: Path, make_clip: MakeClip) -> None:
    with DatasetWriter(tmp_path / "d.h5", HANDS) as writer:
        for name in ("one", "two"):
            writer.add(make_clip(name))
        with pytest.raises(DatasetError, match="split 'x' has 'two' in two of its parts"):
            writer.add_split("x", {"train": ["one", "two"], "test": ["two"]})
        writer.add_split("x", {"train": ["one", "gone"], "test": ["two", "gone"]})
    with Dataset(tmp_path / "d.h5") as dataset:
        assert {part: clips.tolist() for part, clips in dataset.splits["x"].items()} == {"train": [0], "test": [1]}
    with h5py.File(tmp_path / "d.h5", "a") as file:
        file["splits/x/val"] = [1]
    with pytest.raises(DatasetError, match="is damaged: split 'x' has a clip in two of its parts"):
        Dataset(tmp_path / "d.h5")


def test_a_file_cut_short_is_refused(dataset_file: Path) -> None:
    content = dataset_file.read_bytes()
    dataset_file.write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError, match="cut short"):
        Dataset(dataset_file)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file.attrs["format"] = "ademan-dataset/9"
    with pytest.raises(DatasetError, match="expected format 'ademan-dataset/1', found 'ademan-dataset/9'"):
        Dataset(tmp_path / "other.h5")
    with pytest.raises(DatasetError, match="there is no dataset file"):
        Dataset(tmp_path / "missing.h5")


def test_a_damaged_chunk_is_found_when_it_is_read(dataset_file: Path) -> None:
    with h5py.File(dataset_file, "r") as file:
        chunk = file["values"].id.get_chunk_info(0)
    content = bytearray(dataset_file.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    dataset_file.write_bytes(content)
    with Dataset(dataset_file) as dataset, pytest.raises(DatasetError, match="is damaged in frames 0 to"):
        dataset.points(0)


def test_an_unknown_clip_is_named_with_its_nearest(dataset_file: Path) -> None:
    with Dataset(dataset_file) as dataset, pytest.raises(DatasetError, match=r"no clip 'c99'. Did you mean"):
        dataset.find("c99")


def test_it_is_read_while_another_reader_holds_it(dataset_file: Path) -> None:
    with Dataset(dataset_file) as first, Dataset(dataset_file) as second:
        np.testing.assert_array_equal(first[7].points, second[7].points)


def test_a_full_disk_is_reported_and_the_old_file_stays(small_disk: Path, rng: np.random.Generator) -> None:
    path = small_disk / "d.h5"
    points = rng.random((2000, 42, 2), np.float32)
    with DatasetWriter(path, HANDS) as writer:
        writer.add(Clip(points[:10], times_at(30, 10), HANDS, id="small", label="x"))
    before = path.read_bytes()

    def write_too_much() -> None:
        with DatasetWriter(path, HANDS) as writer:
            for i in range(40):
                writer.add(Clip(points + i, times_at(30, 2000), HANDS, id=f"c{i}", label="x"))

    with pytest.raises(AdemanError, match="the disk is full"):
        write_too_much()
    assert path.read_bytes() == before
    assert list(small_disk.iterdir()) == [path]
