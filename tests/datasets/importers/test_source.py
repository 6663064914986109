from pathlib import Path

import numpy as np
import pytest

from ademan.clip import Clip, times_at
from ademan.datasets import Dataset
from ademan.datasets.importers import PysklOptions, Skipped, Source, import_clips, pyskl
from ademan.datasets.importers.source import made_by
from ademan.errors import ConfigError, SourceError
from ademan.files import sha256
from ademan.skeleton import skeleton
from tests.conftest import MakeClip
from tests.datasets.importers.made import annotation, write_pickle

HANDS = skeleton("hands")


def test_the_summary_counts_what_was_written_and_names_what_was_not(tmp_path: Path, make_clip: MakeClip) -> None:
    unseen = Clip(np.full((3, 42, 2), np.nan, np.float32), times_at(25, 3), HANDS, id="dark", label="wave")
    items: list[Clip | Skipped] = [
        make_clip("a", "wave", frames=10),
        Skipped("b", "its file was empty"),
        make_clip("c", "clap", frames=7),
        make_clip("a", "clap"),
        unseen,
        make_clip("d", None, frames=1),
        make_clip("e\x00", "clap"),
    ]
    splits = {"1": {"train": ["a", "b"], "test": ["c", "gone"]}, "2": {"train": ["a", "c"], "test": ["b"]}}
    source = Source(HANDS, "square", ("wave", "clap", "idle"), items, 7, splits, left_out=2, notes=("a note",))
    summary = import_clips(source, tmp_path / "d.h5")
    assert summary.clips == {"wave": 1, "clap": 1, "idle": 0}
    assert (summary.unlabelled, summary.frames, summary.left_out, summary.skeleton) == (1, 18, 2, "hands")
    assert [(item.id, item.reason) for item in summary.skipped] == [
        ("b", "its file was empty"),
        ("a", "each clip of a dataset needs an id of its own"),
        ("dark", "not a single point was seen in its 3 frames"),
        (r"'e\x00'", "a text of it (id, label, subject, session, source) cannot be printed"),
    ]
    assert summary.splits == {"1": {"train": 1, "test": 1}, "2": {"train": 2, "test": 0}}
    assert summary.notes == ("a note", "split '2' has no clip in its part 'test' here")
    assert summary.to_json()["path"] == str(tmp_path / "d.h5")
    with Dataset(summary.path) as dataset:
        assert dataset.digest == summary.digest


def test_a_clip_whose_label_or_source_cannot_be_kept_is_skipped(tmp_path: Path, make_clip: MakeClip) -> None:
    half, long = "\ud800", "x" * 1001
    clips = [make_clip("a", half), make_clip("b", long), make_clip("c", source=f"{half}.npz"), make_clip("d", "wave")]
    for labels in (None, (half, long, "wave", "wave")):
        summary = import_clips(Source(HANDS, "square", labels, clips, 4), tmp_path / "d.h5")
        assert summary.clips == {"wave": 1}
        assert [(item.id, item.reason) for item in summary.skipped] == [
            ("'a'", "a text of it (id, label, subject, session, source) cannot be printed"),
            ("b", "a text of it has 1,001 characters; expected 1,000 at most"),
            ("'c'", "a text of it (id, label, subject, session, source) cannot be printed"),
        ]


def test_progress_is_told_after_each_recording(tmp_path: Path, make_clip: MakeClip) -> None:
    told: list[tuple[int, int | None]] = []
    items: list[Clip | Skipped] = [make_clip("a"), Skipped("b", "x"), make_clip("c")]
    import_clips(Source(HANDS, "square", None, items, 3), tmp_path / "d.h5", lambda *how_far: told.append(how_far))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_source_without_a_single_clip_is_refused_with_its_reasons_and_leaves_the_old_file(
    tmp_path: Path, dataset_file: Path
) -> None:
    before = dataset_file.read_bytes()
    items = [Skipped("a", "no frame"), Skipped("b", "nobody"), Skipped("c", "nobody")]
    source = Source(HANDS, "square", None, items, 3, made={"files": {"x.pkl": ""}})
    with pytest.raises(SourceError) as found:
        import_clips(source, dataset_file)
    assert "not one of the 3 recordings of x.pkl can be used" in str(found.value)
    assert "2 times: nobody\n  1 times: no frame" in str(found.value)
    assert "The first is 'a'" in str(found.value)
    assert dataset_file.read_bytes() == before


def test_a_choice_of_classes_that_leaves_nothing_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the source has no recording of the classes asked for; leave out --classes"):
        import_clips(Source(HANDS, "square", None, [], 0, left_out=2), tmp_path / "d.h5")
    with pytest.raises(SourceError, match=r"the source has no recording\."):
        import_clips(Source(HANDS, "square", None, [], 0), tmp_path / "d.h5")


def test_how_it_was_made_names_files_and_options_but_no_place(tmp_path: Path) -> None:
    path = write_pickle(tmp_path / "a.pkl", [annotation()])
    (tmp_path / "labels.txt").write_text("jump\n")
    summary = import_clips(pyskl.read(path, PysklOptions(labels=tmp_path / "labels.txt", fps=30)), tmp_path / "d.h5")
    with Dataset(summary.path) as dataset:
        assert dataset.made["importer"] == "pyskl"
        assert dataset.made["files"] == {"a.pkl": sha256(path)}
        assert dataset.made["options"]["labels"] == "labels.txt"
        assert dataset.made["options"]["fps"] == 30
        assert str(tmp_path) not in str(dataset.made)
        assert dataset[0].source == "a.pkl"


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gone\.pkl cannot be read: No such file"):
        made_by("pyskl", [tmp_path / "gone.pkl"], PysklOptions())


@pytest.mark.parametrize("fps", [0, -1, float("nan"), float("inf")])
def test_a_frame_rate_that_cannot_be_is_refused(fps: float) -> None:
    with pytest.raises(ConfigError, match="fps must be above zero, found"):
        PysklOptions(fps=fps)
