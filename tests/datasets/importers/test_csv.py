import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.clip import Clip
from ademan.datasets import Dataset, make_splits
from ademan.datasets.importers import CsvOptions, Skipped, csv, import_clips
from ademan.errors import ConfigError, SourceError
from tests.datasets.importers.made import clips_of, only, rows, write_csv


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.csv"


def test_a_line_is_a_clip_of_one_frame(path: Path) -> None:
    lines = rows([1, 0])
    source = csv.read(write_csv(path, lines))
    clips = clips_of(source)
    for clip, line in zip(clips, lines, strict=True):
        expected = np.array(line.split(",")[1:], np.float32).reshape(1, 21, 2)
        np.testing.assert_array_equal(clip.points, expected)
    assert source.labels == ("0", "1")
    assert (clips[0].id, clips[0].label, clips[0].skeleton.name) == ("x_00001", "1", "hand")
    assert (clips[0].coordinates, clips[0].image_wh) == ("metres", None)


def test_a_line_may_hold_several_frames_of_one_point(path: Path) -> None:
    line = rows(["0"], 32)
    clip = only(csv.read(write_csv(path, line), CsvOptions(frames=16, fps=10)))
    assert (clip.points.shape, clip.skeleton.name, clip.duration_ms) == ((16, 1, 2), "point", 1500)
    np.testing.assert_array_equal(clip.points.ravel(), np.array(line[0].split(",")[1:], np.float32))


def test_zeros_are_places(path: Path) -> None:
    assert only(csv.read(write_csv(path, ["0" + ",0" * 42]))).seen.all()


def test_fractions_become_square_with_the_size_of_the_picture(path: Path) -> None:
    write_csv(path, ["0" + ",0.5" * 42])
    clip = only(csv.read(path, CsvOptions(coordinates="fraction", image_size="960x540")))
    np.testing.assert_allclose(clip.points[0, 0], [0.5 * 960 / 540, 0.5], rtol=1e-6)
    assert (clip.coordinates, clip.image_wh) == ("square", (960, 540))
    as_it_is = only(csv.read(path, CsvOptions(coordinates="square", image_size="960x540")))
    assert as_it_is.points[0, 0].tolist() == [0.5, 0.5]
    assert only(csv.read(path, CsvOptions(coordinates="fraction"))).coordinates == "fraction"


@given(labels=st.lists(st.sampled_from("ab"), min_size=1, max_size=40), block=st.integers(1, 7))
def test_a_session_is_a_run_of_neighbours_of_one_label(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str], block: int
) -> None:
    path = write_csv(tmp_path_factory.getbasetemp() / "x.csv", rows(labels, 2))
    clips = clips_of(csv.read(path, CsvOptions(block=block)))
    sessions = [clip.session for clip in clips]
    assert sessions == sorted(sessions, key=str)
    for session in set(sessions):
        members = [clip for clip in clips if clip.session == session]
        assert len(members) <= block
        assert len({clip.label for clip in members}) == 1
    for before, after in itertools.pairwise(clips):
        full = sessions.count(before.session) == block
        assert (before.session == after.session) == (before.label == after.label and not full) or full


@pytest.mark.parametrize("name", ["x_label.csv", "x_labels.csv", "x_classifier_label.csv"])
def test_names_of_classes_are_found_beside_the_table(path: Path, name: str) -> None:
    path.with_name(name).write_text("\ufeffOpen\nCounter Clockwise\n", encoding="utf-8")
    assert csv.read(write_csv(path, rows([1, 0]))).labels == ("Open", "Counter Clockwise")


def test_names_of_classes_may_be_given_or_stand_in_the_table(path: Path) -> None:
    path.with_name("given.txt").write_text("a\nb\n")
    assert csv.read(write_csv(path, rows([1, 0])), CsvOptions(labels=path.with_name("given.txt"))).labels == ("a", "b")
    source = csv.read(write_csv(path, rows(["wave", "clap", "wave"])))
    assert source.labels == ("clap", "wave")
    assert [clip.label for clip in clips_of(source)] == ["wave", "clap", "wave"]


def test_classes_are_in_the_order_of_their_numbers_or_as_asked_for(path: Path) -> None:
    write_csv(path, rows([10, 9, 2, 10]))
    assert csv.read(path).labels == ("2", "9", "10")
    source = csv.read(path, CsvOptions(classes=("10", "2")))
    assert (source.labels, source.count, source.left_out) == (("10", "2"), 3, 1)
    assert [clip.label for clip in clips_of(source)] == ["10", "2", "10"]
    with pytest.raises(SourceError, match="has no clip of class '7'"):
        csv.read(path, CsvOptions(classes=("7",)))


def test_a_heading_and_empty_lines_are_passed_over(path: Path) -> None:
    heading = ",".join(["label", *(f"x{i}" for i in range(42))])
    one, two = rows([0, 1])
    assert [clip.id for clip in clips_of(csv.read(write_csv(path, [heading, one, "", two])))] == ["x_00002", "x_00004"]


def test_bad_lines_are_skipped_and_named_by_their_numbers(path: Path, tmp_path: Path) -> None:
    good = rows([0, 1, 0])
    bad = {
        2: (good[0] + ",1", "line 2: 43 values, most lines have 42"),
        3: (good[0].rpartition(",")[0], "line 3: 41 values, most lines have 42"),
        4: ("0" + ",a" * 42, "line 4: value 1 is 'a', and no number"),
        5: ("0" + ",0" * 41 + ",nan", "line 5: value 42 is 'nan', and no number"),
        6: ("0,inf" + ",0" * 41, "line 6: value 1 is 'inf', and no number"),
        7: ("0,1e39" + ",0" * 41, "line 7: value 1 is '1e39', and no number"),
        8: ("catch" + ",0" * 42, "line 8: its label is 'catch', unlike the others'"),
        9: ("" + ",0" * 42, "line 9: its label is '', unlike the others'"),
    }
    write_csv(path, [good[0], *(line for line, _ in bad.values()), *good[1:]])
    source = csv.read(path)
    summary = import_clips(source, tmp_path / "d.h5")
    assert [item.reason for item in summary.skipped] == [reason for _, reason in bad.values()]
    assert summary.skipped[0].id == "x_00002"
    assert summary.clips == {"0": 2, "1": 1}
    assert source.count == 3 + len(bad)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no line of values; expected a label and numbers, separated by commas"),
        (b"0\n1\n", "has no line of values"),
        (b"label,x,y\n", "has no line of values"),
        (b"0;1;2\n", "has no line of values"),
        (b"0" + b",1" * 5, "has 5 values a frame; no built-in skeleton fits"),
        (b"0,\xff\n", "cannot be read as a table of comma-separated values"),
        (b'0,"' + b"1" * 200_000 + b'"\n', "cannot be read as a table"),
    ],
)
def test_other_files_are_refused(path: Path, content: bytes, message: str) -> None:
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message):
        csv.read(path)


def test_a_missing_table_is_named(path: Path) -> None:
    with pytest.raises(SourceError, match=r"x\.csv cannot be read as a table.*No such file"):
        csv.read(path)


def test_frames_and_skeletons_that_do_not_fit_are_refused(path: Path) -> None:
    write_csv(path, rows([0]))
    with pytest.raises(SourceError, match=r"has 42 values a line, which are not 16 frames of equal size.*--frames N"):
        csv.read(path, CsvOptions(frames=16))
    with pytest.raises(SourceError, match="has 42 values a frame; skeleton 'coco17' has 17 points"):
        csv.read(path, CsvOptions(skeleton="coco17"))


def test_a_label_without_a_name_is_refused(path: Path) -> None:
    path.with_name("x_label.csv").write_text("Open\nClose\n")
    with pytest.raises(SourceError, match=r"has clips of class 2; label file .*x_label\.csv has 2 names"):
        csv.read(write_csv(path, rows([0, 2])))


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(ConfigError, match="frames must be 1 or more, found 0"):
        CsvOptions(frames=0)
    with pytest.raises(ConfigError, match="block must be 1 or more, found 0"):
        CsvOptions(block=0)
    with pytest.raises(ConfigError, match="metres do not depend on the image size 960x540"):
        CsvOptions(image_size="960x540")


@given(content=st.text(st.sampled_from('01.,;"\n\r ae-x\x00'), max_size=60))
def test_any_text_is_refused_or_gives_sound_clips(tmp_path_factory: pytest.TempPathFactory, content: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_text(content)
    try:
        items = list(csv.read(path).clips)
    except SourceError as error:
        assert str(path) in str(error)
        return
    assert all(isinstance(item, Clip | Skipped) for item in items)


@pytest.mark.parametrize(
    ("name", "frames", "count", "labels"),
    [
        ("keypoint.csv", 1, 4787, ("Open", "Close", "Pointer", "OK")),
        ("point_history.csv", 16, 5296, ("Stop", "Clockwise", "Counter Clockwise", "Move")),
    ],
)
def test_real_tables_come_in_whole_and_can_be_split_by_session(
    real_data: Path, tmp_path: Path, name: str, frames: int, count: int, labels: tuple[str, ...]
) -> None:
    summary = import_clips(csv.read(real_data / "keypoint-csv" / name, CsvOptions(frames=frames)), tmp_path / "d.h5")
    assert tuple(summary.clips) == labels
    assert sum(summary.clips.values()) == count
    assert summary.skipped == ()
    with Dataset(summary.path) as dataset:
        split = make_splits(dataset, "group:session")[0]
        sessions = dataset.table.sessions
        assert not set(sessions[split.train].tolist()) & set(sessions[split.test].tolist())
        assert set(dataset.table.labels[split.test].tolist()) == set(range(4))
