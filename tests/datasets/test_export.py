import json
from pathlib import Path

import numpy as np
import pytest

from ademan.clip import Clip, times_at
from ademan.datasets import Dataset, DatasetWriter
from ademan.datasets.export import export_json, export_npz
from ademan.datasets.importers import NpzOptions, import_clips, npz
from ademan.errors import AdemanError, ConfigError
from ademan.skeleton import skeleton
from tests.conftest import MakeClip

HANDS = skeleton("hands")


def test_what_was_written_is_imported_again_as_it_was(tmp_path: Path, make_clip: MakeClip) -> None:
    with DatasetWriter(tmp_path / "d.h5", HANDS, "fraction", ["wave", "clap"]) as writer:
        for i in range(5):
            clip = make_clip(f"c{i}", ("wave", "clap", None)[i % 3], subject=f"s{i % 2}", coordinates="fraction")
            clip.points[:3, :21] = np.nan
            clip.points[i : i + 2, 21:] = np.nan
            writer.add(clip)
    with Dataset(tmp_path / "d.h5") as dataset:
        export_npz(dataset, tmp_path / "x.npz")
        summary = import_clips(npz.read(tmp_path / "x.npz", NpzOptions(fps=25)), tmp_path / "again.h5")
        with Dataset(summary.path) as again:
            assert again.labels == dataset.labels
            assert again.coordinates == "fraction"
            for column in ("ids", "labels", "subjects", "sessions"):
                np.testing.assert_array_equal(getattr(again.table, column), getattr(dataset.table, column))
            for a, b in zip(again, dataset, strict=True):
                np.testing.assert_array_equal(a.points, b.points)
                np.testing.assert_array_equal(a.timestamps_ms, b.timestamps_ms)


def test_clips_of_any_length_are_spread_over_the_median_or_a_given_length(dataset_file: Path, tmp_path: Path) -> None:
    with Dataset(dataset_file) as dataset:
        median = int(np.median(dataset.table.lengths))
        for frames, expected in ((None, median), (7, 7), (60, 60)):
            export_npz(dataset, tmp_path / "x.npz", frames)
            with np.load(tmp_path / "x.npz", allow_pickle=False) as made:
                assert made["X"].shape == (36, expected, 84)
                assert made["X"].dtype == np.float32
                assert made["y"].tolist() == dataset.table.labels.tolist()
                for i in (0, 35):
                    ends = made["X"][i][[0, -1]].reshape(2, 42, 2)
                    np.testing.assert_allclose(ends, dataset[i].points[[0, -1]], rtol=1e-5)
                assert "session" not in made
        assert json.loads((tmp_path / "x_labels.json").read_text()) == {"a": 0, "b": 1, "c": 2}


def test_a_point_that_was_not_seen_is_zero_in_all_coordinates(tmp_path: Path) -> None:
    points = np.ones((2, 42, 3), np.float32)
    points[1, 4, 2] = np.nan
    with DatasetWriter(tmp_path / "d.h5", HANDS) as writer:
        writer.add(Clip(points, times_at(25, 2), HANDS, id="a", label="x"))
    with Dataset(tmp_path / "d.h5") as dataset:
        export_npz(dataset, tmp_path / "x.npz")
    with np.load(tmp_path / "x.npz") as made:
        assert np.flatnonzero(made["X"][0, 1] == 0).tolist() == [12, 13, 14]


def test_other_names_and_no_frames_are_refused(dataset_file: Path, tmp_path: Path) -> None:
    with Dataset(dataset_file) as dataset:
        with pytest.raises(ConfigError, match=r"x\.csv: the name of an archive of arrays ends in \.npz"):
            export_npz(dataset, tmp_path / "x.csv")
        with pytest.raises(ConfigError, match="one frame or more, found 0"):
            export_npz(dataset, tmp_path / "x.npz", 0)


def test_a_full_disk_leaves_both_old_files_as_they_were(
    small_disk: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    with DatasetWriter(tmp_path / "d.h5", HANDS) as writer:
        for i in range(40):
            points = rng.random((200, 42, 3), np.float32)
            writer.add(Clip(points, times_at(25, 200), HANDS, id=str(i), label="x"))
    old = {"x.npz": "an archive", "x_labels.json": "names"}
    for name, content in old.items():
        (small_disk / name).write_text(content)
    with (
        Dataset(tmp_path / "d.h5") as dataset,
        pytest.raises(AdemanError, match=r"x\.npz was not written: the disk is full"),
    ):
        export_npz(dataset, small_disk / "x.npz")
    assert {file.name: file.read_text() for file in small_disk.iterdir()} == old


def test_square_points_become_the_fractions_that_other_programs_know(tmp_path: Path, make_clip: MakeClip) -> None:
    clip = make_clip("a", image_wh=(640, 480))
    with DatasetWriter(tmp_path / "d.h5", HANDS) as writer:
        writer.add(clip)
    with Dataset(tmp_path / "d.h5") as dataset:
        export_npz(dataset, tmp_path / "x.npz", fractions=True)
    X = np.load(tmp_path / "x.npz")["X"].reshape(len(clip), 42, 2)
    np.testing.assert_allclose(X[..., 0] * 640, clip.points[..., 0] * 480, rtol=1e-5)
    np.testing.assert_array_equal(X[..., 1], clip.points[..., 1])


def test_a_clip_as_json_has_its_points_times_and_what_was_not_seen(tmp_path: Path, make_clip: MakeClip) -> None:
    clip = make_clip()
    clip.points[3, 7] = np.nan
    clip.points[4, 8, 1] = np.nan  # a point without one of its coordinates was not seen
    export_json(clip, tmp_path / "clip.json")
    written = json.loads((tmp_path / "clip.json").read_text())
    assert written["sequence"][3][7] == written["sequence"][4][8] == [None, None]
    points = np.array(written["sequence"], np.float32)
    seen = clip.seen
    np.testing.assert_allclose(points[seen], clip.points[seen], atol=1e-6)
    assert written["timestamps_ms"] == clip.timestamps_ms.tolist()
