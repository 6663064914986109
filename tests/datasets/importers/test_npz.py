import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.clip import Clip
from ademan.datasets import Dataset, make_splits
from ademan.datasets.importers import NpzOptions, Skipped, import_clips, npz
from ademan.datasets.importers.npz import without_zeros
from ademan.errors import ConfigError, SourceError
from ademan.skeleton import skeleton
from tests.datasets.importers.made import clips_of, hands, only, why_skipped, write_npz

HANDS = skeleton("hands")
NATOPS8 = str(Path(__file__).parents[3] / "recipes" / "natops8.json")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.npz"


def test_two_hands_come_in_left_first(path: Path) -> None:
    X = hands(3, 6)
    source = npz.read(write_npz(path, X=X, y=[1, 0, 1]), NpzOptions(fps=10))
    clips = clips_of(source)
    for clip, values in zip(clips, X, strict=True):
        np.testing.assert_array_equal(clip.points.reshape(6, 126), values)
        assert clip.timestamps_ms.tolist() == [0, 100, 200, 300, 400, 500]
    assert clips[0].points[0, HANDS.index("right_wrist"), 0] == X[0, 0, 63]
    assert source.labels == ("0", "1")
    assert [(c.id, c.label, c.coordinates) for c in clips[:2]] == [
        ("x_00000", "1", "fraction"),
        ("x_00001", "0", "fraction"),
    ]


def test_points_with_an_axis_of_their_own_are_the_same_clips(path: Path) -> None:
    X = hands()
    flat = clips_of(npz.read(write_npz(path, X=X, y=range(4))))
    deep = clips_of(npz.read(write_npz(path, X=X.reshape(4, 6, 42, 3), y=range(4))))
    for a, b in zip(flat, deep, strict=True):
        np.testing.assert_array_equal(a.points, b.points)


def test_a_hand_of_zeros_was_not_seen_but_a_wrist_at_zero_was(path: Path) -> None:
    X = hands(1, 3).reshape(1, 3, 2, 21, 3)
    X[0, 0, 0] = 0  # the left hand is gone for a frame
    X[0, :, 1, 0] = 0  # the right one is relative to its wrist
    write_npz(path, X=X.reshape(1, 3, 126), y=[0])
    seen = only(npz.read(path)).seen
    assert not seen[0, :21].any()
    assert seen.sum() == 3 * 42 - 21
    assert only(npz.read(path, NpzOptions(zeros="kept"))).seen.all()


@given(gone=st.lists(st.integers(0, 16), unique=True))
def test_points_of_a_body_are_missing_one_by_one(gone: list[int]) -> None:
    points = np.ones((1, 17, 2), np.float32)
    points[0, gone] = 0
    missing = np.isnan(without_zeros(points, skeleton("coco17"))).all(axis=2)
    assert np.flatnonzero(missing).tolist() == sorted(gone)


def test_the_body_of_holistic_points_is_missing_by_points_and_its_hands_as_wholes() -> None:
    points = np.ones((1, 75, 3), np.float32)
    points[0, [0, 33, 54]] = 0  # the nose and both wrists
    points[0, 54:] = 0
    missing = np.isnan(without_zeros(points, skeleton("holistic75"))).all(axis=2)
    assert np.flatnonzero(missing).tolist() == [0, *range(54, 75)]


@pytest.mark.parametrize(("seen", "kept"), [([0, 1, 2], 3), ([0, 2], 3), ([4], 5), ([0], 1), (range(6), 6)])
def test_padding_at_the_end_is_cut_and_nothing_else(path: Path, seen: list[int], kept: int) -> None:
    X = hands(1, 6)
    X[0, [t for t in range(6) if t not in seen]] = 0
    clip = only(npz.read(write_npz(path, X=X, y=[0])))
    assert len(clip) == kept
    assert np.flatnonzero(clip.seen.any(axis=1)).tolist() == list(seen)


def test_clips_of_nothing_and_of_infinity_are_skipped_and_nan_is_missing(path: Path) -> None:
    X = hands(5, 6).astype(np.float64)
    X[0] = 0
    X[1, 0, 0] = np.inf
    X[2, 0, 0] = 1e300
    X[3, 0, 0] = np.nan
    source = npz.read(write_npz(path, X=X, y=range(5)))
    items = list(source.clips)
    assert [item.reason for item in items if isinstance(item, Skipped)] == [
        "not a single point was seen in its 6 frames",
        "has infinite values; a point that was not seen is NaN",
        "has infinite values; a point that was not seen is NaN",
    ]
    assert isinstance(items[3], Clip)
    assert (~items[3].seen).sum() == 1


def test_fractions_become_square_with_the_size_of_the_picture(path: Path) -> None:
    X = hands(1)
    clip = only(npz.read(write_npz(path, X=X, y=[0]), NpzOptions(image_size="640x480")))
    np.testing.assert_allclose(clip.points, X[0].reshape(6, 42, 3) * [4 / 3, 1, 4 / 3], rtol=1e-6)
    assert (clip.coordinates, clip.image_wh) == ("square", (640, 480))
    as_it_is = only(npz.read(path, NpzOptions(image_size="640x480", coordinates="square")))
    np.testing.assert_array_equal(as_it_is.points, X[0].reshape(6, 42, 3))
    assert (as_it_is.coordinates, as_it_is.image_wh) == ("square", (640, 480))


def test_other_skeletons_are_in_metres_which_know_no_picture(path: Path) -> None:
    write_npz(path, X=np.ones((1, 2, 60)), y=[0])
    assert only(npz.read(path)).coordinates == "metres"
    assert only(npz.read(path, NpzOptions(coordinates="fraction"))).coordinates == "fraction"
    with pytest.raises(ConfigError, match=r"the values of skeleton 'kinect20' are taken for metres.*640x480"):
        npz.read(path, NpzOptions(image_size="640x480"))
    with pytest.raises(ConfigError, match="such as 640x480"):
        NpzOptions(image_size="big")


def test_clips_of_any_length_stand_end_to_end(path: Path) -> None:
    points = np.random.default_rng(0).random((9, 20, 3))
    columns = {"action": [1, 27, 1], "subject": [3, 3, 4], "trial": [1, 2, 1]}
    source = npz.read(write_npz(path, points=points, offsets=[0, 4, 4, 9], **columns))
    first, none, last = source.clips
    assert isinstance(first, Clip)
    assert isinstance(last, Clip)
    np.testing.assert_allclose(np.concatenate([first.points, last.points]), points, rtol=1e-6)
    assert none == Skipped("x_00001_t2", "has no frame")
    assert (last.id, last.label, last.subject, last.session) == ("x_00002_t1", "1", "4", None)


def test_names_of_arrays_may_be_large_or_small_and_their_values_texts(path: Path) -> None:
    columns = {"Y": ["wave", "clap"], "Signer": [b"ann", b"bob"], "SESSION": [1.0, 2.0], "ids": ["one", "two"]}
    source = npz.read(write_npz(path, x=hands(2), **columns))
    assert source.labels == ("clap", "wave")
    assert [(c.id, c.label, c.subject, c.session) for c in clips_of(source)] == [
        ("one", "wave", "ann", "1"),
        ("two", "clap", "bob", "2"),
    ]


def test_a_class_that_is_not_known_is_no_class(path: Path) -> None:
    assert [c.label for c in clips_of(npz.read(write_npz(path, X=hands(2), y=[-1, 3])))] == [None, "3"]
    assert [c.label for c in clips_of(npz.read(write_npz(path, X=hands(2), y=["", "a"])))] == [None, "a"]
    source = npz.read(write_npz(path, X=hands(2)))
    assert source.labels is None
    assert [c.label for c in clips_of(source)] == [None, None]


def test_names_of_classes_are_found_beside_the_file(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "my_signs_train.npz", X=hands(2), y=[0, 1])
    for name, names in (("my_labels.json", "ab"), ("my_signs_labels.json", "cd"), ("my_signs_train_labels.json", "ef")):
        (tmp_path / name).write_text(json.dumps({letter: k for k, letter in enumerate(names)}))
        assert npz.read(path).labels == tuple(names)
    (tmp_path / "given.txt").write_text("g\nh\n")
    assert npz.read(path, NpzOptions(labels=tmp_path / "given.txt")).labels == ("g", "h")


def test_chosen_classes_come_in_the_order_asked_for(path: Path) -> None:
    source = npz.read(write_npz(path, X=hands(4), y=["a", "b", "c", "b"]), NpzOptions(classes=("c", "b")))
    assert (source.labels, source.count, source.left_out) == (("c", "b"), 3, 1)
    assert [c.label for c in clips_of(source)] == ["b", "c", "b"]


def test_files_of_parts_make_the_official_split(tmp_path: Path) -> None:
    for part, N in (("train", 3), ("test", 2)):
        write_npz(tmp_path / f"x_{part}.npz", X=hands(N), y=range(N))
    for files in (tmp_path, [tmp_path / "x_train.npz", tmp_path / "x_test.npz"]):
        summary = import_clips(npz.read(files), tmp_path / "d.h5")
        assert summary.splits == {"official": {"train": 3, "test": 2}}
        assert summary.clips == {"0": 2, "1": 2, "2": 1}
    assert npz.read(tmp_path / "x_train.npz").splits == {}


def test_files_that_are_no_parts_are_joined_without_a_split(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        write_npz(tmp_path / f"{name}.npz", X=hands(2), y=[0, 1])
    source = npz.read(tmp_path)
    assert (source.count, source.splits) == (4, {})
    assert {clip.source for clip in clips_of(source)} == {"monday.npz", "tuesday.npz"}


def test_files_that_differ_are_not_joined(tmp_path: Path) -> None:
    write_npz(tmp_path / "x_train.npz", X=hands(1), y=[0])
    write_npz(tmp_path / "x_test.npz", X=np.ones((1, 2, 60)), y=[0])
    with pytest.raises(SourceError, match=r"x_train\.npz has frames of shape \(126,\), .*x_test\.npz of \(60,\)"):
        npz.read(tmp_path)


def test_a_folder_without_archives_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"there is no \.npz file in "):
        npz.read(tmp_path)
    with pytest.raises(SourceError, match="in an empty list"):
        npz.read([])


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({}, "has the arrays none; expected X and y, or points, offsets and label"),
        ({"y": [1]}, "has the arrays y; expected"),
        ({"X": np.ones((2, 126))}, r"X is float64 of shape \(2, 126\); expected numbers \(clips, frames, values\)"),
        ({"X": np.full((1, 2, 126), "a")}, "X is <U1 of shape"),
        ({"X": np.ones((1, 2, 126), complex)}, "X is complex128"),
        ({"X": np.ones((1, 2, 24))}, "has 24 values a frame; no built-in skeleton fits"),
        ({"X": np.ones((1, 2, 42, 4))}, "its points have 4 coordinates; expected 2 or 3"),
        ({"X": hands(2), "y": [0]}, r"y has shape \(1,\); expected \(2,\), one value a clip"),
        ({"X": hands(2), "y": np.eye(2)}, r"y has shape \(2, 2\)"),
        ({"X": hands(2), "y": [0.5, 1]}, "y is float64; expected whole numbers or texts"),
        ({"points": np.ones((4, 20, 3)), "offsets": [0, 5]}, "offsets must be whole numbers that rise from 0 to the 4"),
        ({"points": np.ones((4, 20, 3)), "offsets": [0, 3, 2, 4]}, "offsets must be whole numbers"),
        ({"points": np.ones((4, 20, 3)), "offsets": [1, 4]}, "offsets must be"),
        ({"points": np.ones((4, 20, 3)), "offsets": [0.0, 4.0]}, "offsets must be"),
        ({"points": np.ones((4, 20, 3)), "offsets": 4}, "offsets must be"),
        ({"points": np.ones(4), "offsets": [0, 4]}, r"points is float64 of shape \(4,\); expected numbers \(frames"),
        ({"points": np.ones(()), "offsets": [0, 4]}, r"points is float64 of shape \(\)"),
        ({"X": np.ones((1, 2, 0))}, "has 0 values a frame"),
        ({"X": np.array([[[{}]]])}, "cannot be read as an archive of arrays .*Python objects"),
        ({"X": hands(1), "y": np.array(["a", 1], object)}, "cannot be read as an archive of arrays"),
    ],
)
def test_other_layouts_are_refused(path: Path, arrays: dict[str, Any], message: str) -> None:
    with pytest.raises(SourceError, match=message):
        npz.read(write_npz(path, **arrays))


def test_a_skeleton_that_does_not_fit_is_refused(path: Path) -> None:
    with pytest.raises(SourceError, match="has 126 values a frame; skeleton 'coco17' has 17 points, 34 values"):
        npz.read(write_npz(path, X=hands(1), y=[0]), NpzOptions(skeleton="coco17"))


def test_a_label_without_a_name_is_refused(path: Path) -> None:
    path.with_name("x_labels.json").write_text('["a", "b"]')
    with pytest.raises(SourceError, match=r"has clips of class 7; label file .*x_labels\.json has 2 names"):
        npz.read(write_npz(path, X=hands(1), y=[7]))


def test_files_that_are_no_archives_are_refused(path: Path) -> None:
    for content in (b"", b"PK\x03\x04 and no more", b"text"):
        path.write_bytes(content)
        with pytest.raises(SourceError, match=r"x\.npz cannot be read as an archive of arrays"):
            npz.read(path)
    with path.open("wb") as file:
        np.save(file, hands(1))
    with pytest.raises(SourceError, match="it is one array"):
        npz.read(path)
    path.unlink()
    with pytest.raises(SourceError, match="No such file"):
        npz.read(path)


@given(cut=st.floats(0, 0.999), at=st.floats(0, 0.999), value=st.integers(0, 255))
def test_damage_is_refused_or_gives_sound_clips(
    tmp_path_factory: pytest.TempPathFactory, cut: float, at: float, value: int
) -> None:
    path = write_npz(tmp_path_factory.getbasetemp() / "damaged.npz", X=hands(1, 1), y=[0])
    content = bytearray(path.read_bytes())
    path.write_bytes(content[: int(cut * len(content))])
    with pytest.raises(SourceError, match="cannot be read as an archive"):
        npz.read(path)
    content[int(at * len(content))] = value
    path.write_bytes(content)
    try:
        items = list(npz.read(path).clips)
    except SourceError:
        return
    assert all(isinstance(item, Clip | Skipped) for item in items)


def test_an_archive_of_no_clips_or_of_clips_without_frames_is_refused(path: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"x\.npz has no recording\."):
        import_clips(npz.read(write_npz(path, X=np.ones((0, 2, 126)), y=np.ones(0, int))), tmp_path / "d.h5")
    with pytest.raises(SourceError, match="1 times: has no frame"):
        import_clips(npz.read(write_npz(path, X=np.ones((1, 0, 126)), y=[0])), tmp_path / "d.h5")


def test_the_skeleton_of_natops_is_named_by_sides() -> None:
    natops = skeleton(NATOPS8)
    for i, j in enumerate(natops.mirror):
        sides = {natops.points[k].partition("_")[0] for k in (i, j)}
        assert sides == {"left", "right"}
        assert natops.points[i].partition("_")[2] == natops.points[j].partition("_")[2]


def test_natops_comes_in_with_its_official_split(real_data: Path, tmp_path: Path) -> None:
    summary = import_clips(npz.read(real_data / "natops", NpzOptions(skeleton=NATOPS8)), tmp_path / "d.h5")
    assert summary.splits == {"official": {"train": 180, "test": 180}}
    assert set(summary.clips.values()) == {60}
    with Dataset(summary.path) as dataset:
        assert dataset.coordinates == "metres"
        left, right = (
            np.concatenate([clip.points[:, dataset.skeleton.index(f"{side}_elbow"), 0] for clip in dataset]).mean()
            for side in ("left", "right")
        )
        assert left < 0 < right
        # An elbow is nearer to its own wrist than to the other one: the order of the channels is right.
        elbow, own, other = (
            np.concatenate([clip.points[:, dataset.skeleton.index(name)] for clip in dataset])
            for name in ("left_elbow", "left_wrist", "right_wrist")
        )
        assert np.linalg.norm(elbow - own, axis=1).mean() < np.linalg.norm(elbow - other, axis=1).mean()
        split = make_splits(dataset, "official")[0]
        assert len(split.test) == 180


def test_utd_mhad_comes_in_by_subjects(real_data: Path, tmp_path: Path) -> None:
    summary = import_clips(npz.read(real_data / "utd-mhad"), tmp_path / "d.h5")
    assert (sum(summary.clips.values()), len(summary.clips), summary.frames) == (861, 27, 58_299)
    with Dataset(summary.path) as dataset:
        assert (dataset.skeleton.name, dataset.coordinates) == ("kinect20", "metres")
        split = make_splits(dataset, "group:subject:2,4,6,8")[0]
        assert set(dataset.table.subjects[split.test].tolist()) == {"2", "4", "6", "8"}
        # The skeleton stands: y is up here, and the head above the hips above the feet.
        head, hips, foot = (
            dataset[0].points[:, dataset.skeleton.index(p), 1].mean() for p in ("head", "hip_center", "left_foot")
        )
        assert head > hips > foot


@pytest.mark.parametrize(("name", "count", "classes"), [("asl-words", 3403, 15), ("three-signs", 2280, 3)])
def test_landmark_sets_come_in_whole_but_for_clips_in_which_no_hand_was_found(
    real_data: Path, tmp_path: Path, name: str, count: int, classes: int
) -> None:
    summary = import_clips(npz.read(real_data / name), tmp_path / "d.h5")
    assert sum(summary.clips.values()) + len(summary.skipped) == count
    assert len(summary.clips) == classes
    assert {item.reason.partition(" in its")[0] for item in summary.skipped} == {"not a single point was seen"}
    with Dataset(summary.path) as dataset:
        assert dataset.table.knows("subject")
        assert dataset.table.knows("session") == (name == "asl-words")
        for clip in dataset:
            hands_seen = clip.seen.reshape(len(clip), 2, 21)
            assert (hands_seen.all(axis=2) == hands_seen.any(axis=2)).all()
            assert hands_seen[-1].any()


def test_why_skipped_names_each_clip_once(path: Path) -> None:
    write_npz(path, X=np.zeros((2, 3, 126)), y=[0, 0])
    assert why_skipped(npz.read(path)) == ["not a single point was seen in its 3 frames"] * 2
