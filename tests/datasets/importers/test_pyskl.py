import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.clip import Clip
from ademan.datasets import Dataset, make_splits
from ademan.datasets.importers import PysklOptions, Skipped, import_clips, pyskl
from ademan.errors import ConfigError, SourceError
from tests.datasets.importers.made import annotation, clips_of, only, why_skipped, without, write_pickle


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.pkl"


def test_points_are_measured_in_heights_of_the_picture(path: Path) -> None:
    points = np.full((1, 2, 17, 2), [160, 120], np.float32)
    clip = only(pyskl.read(write_pickle(path, [annotation(keypoint=points, shape=(1, 2, 17))]), PysklOptions(fps=50)))
    np.testing.assert_allclose(clip.points, np.broadcast_to([160 / 240, 0.5], (2, 17, 2)))
    assert (clip.image_wh, clip.coordinates, clip.skeleton.name) == ((320, 240), "square", "coco17")
    assert clip.timestamps_ms.tolist() == [0, 20]


def test_points_of_a_sensor_stay_in_metres_and_need_neither_picture_nor_scores(path: Path) -> None:
    one = without(without(annotation(shape=(1, 4, 20, 3)), "img_shape"), "keypoint_score")
    one["keypoint"][0, 1, 2] = 0
    clip = only(pyskl.read(write_pickle(path, [one])))
    expected = one["keypoint"][0].copy()
    expected[1, 2] = np.nan
    np.testing.assert_array_equal(clip.points, expected)
    assert (clip.coordinates, clip.image_wh, clip.skeleton.name) == ("metres", None, "kinect20")


def test_points_without_a_score_or_a_place_are_missing(path: Path) -> None:
    one = annotation()
    one["keypoint_score"][0, 0, 0] = 0
    one["keypoint_score"][0, 0, 1] = 0.3
    one["keypoint"][0, 0, 2] = 0
    one["keypoint"][0, 0, 3, 0] = np.nan
    one["keypoint"][0, 0, 4, 0] = 0  # at the left edge
    write_pickle(path, [one])
    assert (~only(pyskl.read(path)).seen).sum() == 3
    assert (~only(pyskl.read(path, PysklOptions(min_score=0.3))).seen[0, :5]).tolist() == [True] * 4 + [False]


@pytest.mark.parametrize(("which", "expected"), [("first", 1), ("largest", 3), ("best", 2)])
def test_one_person_of_several_is_kept(path: Path, which: Any, expected: int) -> None:
    one = annotation(shape=(3, 4, 17, 2))
    one["keypoint"] *= np.array([0.1, 0.5, 0.9], np.float32)[:, None, None, None]
    one["keypoint_score"] *= np.array([0.1, 0.9, 0.2], np.float32)[:, None, None]
    clip = only(pyskl.read(write_pickle(path, [one]), PysklOptions(person=which)))
    np.testing.assert_allclose(clip.points * 240, one["keypoint"][expected - 1], rtol=1e-5)


def test_names_of_classes_come_from_a_file_the_clips_or_their_numbers(path: Path) -> None:
    labels = path.with_name("labels.txt")
    labels.write_text("1 ApplyEyeMakeup\n2 ApplyLipstick\n3 Archery\n")
    named = [annotation("v_Archery_g01_c01", 2), annotation("v_YoYo_g01_c01", 0)]
    assert pyskl.read(write_pickle(path, named), PysklOptions(labels=labels)).labels == ("ApplyEyeMakeup", "Archery")
    assert pyskl.read(path).labels == ("YoYo", "Archery")
    write_pickle(path, [*named, annotation("other", 1)])
    assert pyskl.read(path).labels == ("0", "1", "2")
    write_pickle(path, [*named, annotation("v_Bowling_g01_c01", 0)])
    assert pyskl.read(path).labels == ("0", "2")


def test_a_label_file_of_another_set_is_refused(path: Path) -> None:
    labels = path.with_name("labels.txt")
    labels.write_text("".join(f"name{k}\n" for k in range(14)))
    write_pickle(path, [annotation("a", 3), annotation("b", 23)])
    with pytest.raises(SourceError, match=r"has clips of class 23; label file .* has 14 names, for 0 to 13"):
        pyskl.read(path, PysklOptions(labels=labels))


def test_chosen_classes_come_in_the_order_asked_for_and_the_others_are_counted(path: Path, tmp_path: Path) -> None:
    write_pickle(path, [annotation(f"v_{name}_g01_c01", k) for k, name in enumerate("ABCD")])
    summary = import_clips(pyskl.read(path, PysklOptions(classes=("D", "1"))), tmp_path / "d.h5")
    assert list(summary.clips.items()) == [("D", 1), ("B", 1)]
    assert summary.left_out == 2
    with pytest.raises(SourceError, match="has no clip of class 'E'"):
        pyskl.read(path, PysklOptions(classes=("E",)))


def test_names_of_clips_say_group_setup_and_performer(path: Path) -> None:
    names = ["v_Archery_g08_c02", "S001C002P003R002A013", "jhmdb_clap_001"]
    clips = clips_of(pyskl.read(write_pickle(path, [annotation(name) for name in names])))
    assert [(c.session, c.subject) for c in clips] == [("g08", None), ("S001", "P003"), (None, None)]


def test_official_splits_are_kept_and_unknown_ids_passed_over(path: Path, tmp_path: Path) -> None:
    lists = {"train1": ["a", "gone"], "test1": ["b"], "xsub_train": ["b"], "xsub_val": ["a"]}
    write_pickle(path, [annotation("a"), annotation("b", 1)], lists)
    summary = import_clips(pyskl.read(path), tmp_path / "d.h5")
    assert summary.splits == {"1": {"train": 1, "test": 1}, "xsub": {"train": 1, "test": 1}}
    assert summary.notes == ("split 'xsub' has train and val only: its val is the test",)
    write_pickle(path, [annotation("a")], {"train1": ["a"], "test1": ["a"]})
    with pytest.raises(SourceError, match="clip 'a' is in both train and test of split '1'"):
        pyskl.read(path)


def test_points_count_where_total_frames_says_otherwise(path: Path) -> None:
    source = pyskl.read(write_pickle(path, [annotation("a", total_frames=99), annotation("b")]))
    assert source.notes == (
        "1 clips have points for another number of frames than their total_frames; the points were taken",
    )
    assert [len(clip) for clip in clips_of(source)] == [5, 5]


def test_a_clip_without_a_label_is_kept_as_such(path: Path) -> None:
    assert only(pyskl.read(write_pickle(path, [without(annotation(), "label")]))).label is None


NAN, INF = np.float32(np.nan), np.float32(np.inf)


@pytest.mark.parametrize(
    ("spoilt", "reason"),
    [
        ({"label": "jump"}, "its label is no class number from 0 on, but str"),
        ({"label": -1}, "its label is no class number"),
        ({"label": True}, "its label is no class number"),
        ({"label": 10**30}, "its label is no class number"),
        ({"keypoint": None}, "it has no keypoint"),
        ({"keypoint": [[1]]}, "its keypoint is no array of numbers, but list"),
        ({"keypoint": np.array("x")}, "its keypoint is no array of numbers"),
        ({"keypoint": np.ones((5, 17, 2))}, r"its keypoint has shape (5, 17, 2), not (persons, frames, 17, 2)"),
        ({"keypoint": np.ones((1, 5, 15, 2))}, r"its keypoint has shape (1, 5, 15, 2), not"),
        ({"keypoint": np.ones((0, 5, 17, 2))}, "nobody, or no frame"),
        ({"keypoint": np.ones((1, 0, 17, 2))}, "nobody, or no frame"),
        ({"keypoint": np.zeros((1, 5, 17, 2))}, "not a single point was seen in its 5 frames"),
        ({"keypoint": np.full((1, 5, 17, 2), np.nan)}, "not a single point was seen"),
        ({"keypoint": np.full((1, 5, 17, 2), INF)}, "it has infinite values"),
        ({"keypoint": np.full((1, 5, 17, 2), 1e300)}, "it has infinite values"),
        ({"keypoint_score": np.zeros((1, 5, 17))}, "not a single point was seen"),
        ({"keypoint_score": np.full((1, 5, 17), NAN)}, "a score is not a number"),
        (
            {"keypoint_score": np.ones((1, 4, 17))},
            "its keypoint_score has shape (1, 4, 17), its keypoint (1, 5, 17, 2)",
        ),
        ({"keypoint_score": "good"}, "its keypoint_score is no array of numbers, but str"),
        ({"img_shape": None}, "its img_shape is not (height, width) in pixels"),
        ({"img_shape": (240,)}, "its img_shape is not"),
        ({"img_shape": (0, 320)}, "its img_shape is not"),
        ({"img_shape": (240.5, 320)}, "its img_shape is not"),
        ({"img_shape": (10**30, 320)}, "its img_shape is not"),
    ],
)
def test_annotations_that_are_no_clips_are_skipped_with_their_reason(
    path: Path, tmp_path: Path, spoilt: dict[str, Any], reason: str
) -> None:
    write_pickle(path, [annotation("good"), annotation("bad", **spoilt), annotation("fine")])
    summary = import_clips(pyskl.read(path), tmp_path / "d.h5")
    ((name, said),) = [(item.id, item.reason) for item in summary.skipped]
    assert name == "bad"
    assert reason in said
    assert sum(summary.clips.values()) == 2


def test_an_annotation_without_a_name_gets_its_number_and_a_name_is_used_once(path: Path, tmp_path: Path) -> None:
    write_pickle(path, [annotation("a"), without(annotation(), "frame_dir"), annotation("a"), annotation("\ud800")])
    summary = import_clips(pyskl.read(path), tmp_path / "d.h5")
    assert [item.id for item in summary.skipped] == ["a", r"'\ud800'"]
    with Dataset(summary.path) as dataset:
        assert dataset.table.ids.tolist() == ["a", "annotation 1"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "expected a dict with 'split' and a list of dicts as 'annotations', found list"),
        ({"split": {}, "x": 1}, "found the keys split, x"),
        ({"annotations": []}, "is no pickle of PYSKL's layout"),
        ({"annotations": [1]}, "is no pickle of PYSKL's layout"),
        ({"annotations": [annotation()], "split": [1]}, "expected 'split' to give each part a list of frame_dir"),
        ({"annotations": [annotation()], "split": {"train": [1]}}, "expected 'split' to give"),
        ({"annotations": [annotation()], "split": {1: ["a"]}}, "expected 'split' to give"),
        ({"annotations": [{"frame_dir": "a"}]}, r"no annotation has a 'keypoint' of shape \(persons, frames, points"),
        ({"annotations": [annotation(shape=(1, 2, 16, 2))]}, "has 16 points a frame; no built-in skeleton fits"),
    ],
)
def test_other_layouts_are_refused(path: Path, content: Any, message: str) -> None:
    path.write_bytes(pickle.dumps(content))
    with pytest.raises(SourceError, match=message):
        pyskl.read(path)


def test_a_skeleton_of_another_size_is_refused(path: Path) -> None:
    with pytest.raises(SourceError, match="has 17 points a frame; skeleton 'jhmdb15' has 15 points"):
        pyskl.read(write_pickle(path, [annotation()]), PysklOptions(skeleton="jhmdb15"))


@pytest.mark.parametrize("score", [-0.1, 1, float("nan")])
def test_a_least_score_out_of_range_is_refused(score: float) -> None:
    with pytest.raises(ConfigError, match="min_score must be 0 or more and below 1, found"):
        PysklOptions(min_score=score)


def test_one_video_is_found_by_its_name_whatever_its_class(path: Path) -> None:
    write_pickle(path, [annotation("a", 0), annotation("b", 1), annotation("dark", keypoint=np.zeros((1, 5, 17, 2)))])
    clip = pyskl.clip(path, "b", PysklOptions(classes=("0",)))
    assert (clip.id, clip.label) == ("b", "1")
    np.testing.assert_array_equal(clip.points, clips_of(pyskl.read(path, PysklOptions(classes=("1",))))[0].points)
    with pytest.raises(SourceError, match=r"has no video 'bb'. Did you mean b\?"):
        pyskl.clip(path, "bb")
    with pytest.raises(SourceError, match=r"video 'dark' of .* cannot be used: not a single point was seen"):
        pyskl.clip(path, "dark")


def test_annotations_are_let_go_as_their_clips_are_passed(path: Path) -> None:
    source = pyskl.read(write_pickle(path, [annotation(str(i)) for i in range(5)]))
    assert source.count == 5
    items = iter(source.clips)
    next(items)
    left = items.gi_frame.f_locals["annotations"]  # type: ignore[attr-defined]
    assert [a["frame_dir"] for a in left] == ["4", "3", "2", "1"]


_WHOLE = pickle.dumps(
    {"split": {"train1": ["a"], "test1": ["b"]}, "annotations": [annotation("a"), annotation("b")]}, 4
)


@given(damage=st.lists(st.tuples(st.integers(0, len(_WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_damage_is_refused_or_gives_sound_clips(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    content = bytearray(_WHOLE)
    for at, value in damage:
        content[at] = value
    path.write_bytes(content)
    try:
        items = list(pyskl.read(path).clips)
    except SourceError:
        return
    assert all(isinstance(item, Clip | Skipped) for item in items)


def test_jhmdb_comes_in_whole_with_its_three_official_splits(real_data: Path, tmp_path: Path) -> None:
    folder = real_data / "jhmdb"
    source = pyskl.read(folder / "jhmdb_2d.pkl", PysklOptions(labels=folder / "labels.txt"))
    summary = import_clips(source, tmp_path / "d.h5")
    assert sum(summary.clips.values()) == 609
    assert list(summary.clips)[:3] == ["catch", "clap", "golf"]
    assert summary.skipped == ()
    assert summary.splits["3"] == {"train": 434, "test": 175}
    with Dataset(summary.path) as dataset:
        assert dataset.skeleton.name == "jhmdb15"
        assert {len(make_splits(dataset, f"official:{name}")[0].test) for name in "123"} == {175, 176}
        # The people of JHMDB stand upright, most of the time.
        heights = np.concatenate([clip.points[:, :, 1] for clip in dataset])
        face, belly, ankle = (
            np.nanmean(heights[:, dataset.skeleton.index(p)]) for p in ("face", "belly", "left_ankle")
        )
        assert face < belly < ankle


def test_a_truncated_real_file_is_refused(real_data: Path, path: Path) -> None:
    content = (real_data / "jhmdb" / "jhmdb_2d.pkl").read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(SourceError, match="is no whole pickle of arrays"):
        pyskl.read(path)


def test_why_skipped_reads_like_a_sentence(path: Path) -> None:
    assert why_skipped(pyskl.read(write_pickle(path, [annotation("a", img_shape=()), annotation("b")]))) == [
        "its img_shape is not (height, width) in pixels, without which lengths cannot be compared"
    ]
