import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ademan.clip import Clip, Coordinates, times_at
from ademan.datasets import Dataset, DatasetWriter
from ademan.datasets.audit import Audit, Duplicate, audit
from ademan.errors import DatasetError
from ademan.skeleton import BUILT_IN, Skeleton, skeleton

HANDS = skeleton("hands")
MakeClip = Callable[..., Clip]


@pytest.fixture
def make_clip(rng: np.random.Generator) -> MakeClip:
    """A clip of two hands of their own, each time, which go round in circles."""

    def make(name: str = "", label: str | None = "wave", *, frames: int = 20, **more: Any) -> Clip:
        phase = np.linspace(0, 2 * np.pi, frames)[:, None, None]
        way = 0.1 * np.concatenate([np.cos(phase), np.sin(phase)], axis=2)
        points = rng.uniform(0.2, 0.8, (1, 42, 2)) + way + rng.normal(0, 0.002, (frames, 42, 2))
        return Clip(points.astype(np.float32), times_at(25, frames), HANDS, id=name, label=label, **more)

    return make


@pytest.fixture
def thirty_clips(tmp_path: Path, make_clip: MakeClip) -> Path:
    with DatasetWriter(tmp_path / "thirty.h5", HANDS) as writer:
        for i in range(30):
            writer.add(make_clip(f"c{i:02}", "abc"[i % 3], frames=15 + i, subject=f"s{i % 5}"))
    return tmp_path / "thirty.h5"


def audited(
    folder: Path, clips: Sequence[Clip], splits: Mapping[str, Mapping[str, Sequence[str]]] | None = None
) -> Audit:
    """The audit of a dataset of these clips, named in their order unless they have names."""
    first = clips[0]
    with DatasetWriter(folder / "d.h5", first.skeleton, first.coordinates) as writer:
        for i, clip in enumerate(clips):
            writer.add(clip if clip.id else replace(clip, id=f"c{i}"))
        for name, parts in (splits or {}).items():
            writer.add_split(name, parts)
    with Dataset(folder / "d.h5") as dataset:
        return audit(dataset)


def pairs(found: Audit) -> dict[tuple[str, str], Duplicate]:
    return {pair.ids: pair for pair in found.duplicates.pairs}


def changed(clip: Clip, points: NDArray[np.floating], **more: Any) -> Clip:
    return replace(clip, points=points.astype(np.float32), **more)


def test_a_good_dataset_has_no_warning(tmp_path: Path, make_clip: MakeClip) -> None:
    clips = [
        make_clip(f"c{i}", ("idle", "wave", "clap")[i % 3], subject=f"s{i // 3 % 4}", session=f"d{i // 9 % 2}")
        for i in range(36)
    ]
    train = [clip.id for clip in clips if clip.subject in ("s0", "s1")]
    sides = {"train": train, "test": [clip.id for clip in clips if clip.id not in train]}
    found = audited(tmp_path, clips, {"1": sides})
    assert found.warnings == ()
    assert found.duplicates.count == 0


def test_clips_are_counted_by_label_subject_and_session(tmp_path: Path, make_clip: MakeClip) -> None:
    who = [
        ("wave", "ann", "d1"),
        ("wave", "bob", "d1"),
        ("clap", "ann", "d2"),
        ("wave", "ann", None),
        (None, None, None),
    ]
    found = audited(tmp_path, [make_clip("", label, subject=s, session=d) for label, s, d in who])
    assert (found.clips, found.unlabelled) == (5, 1)
    assert found.labels == {"clap": 1, "wave": 3}
    assert found.subjects == {"ann": 3, "bob": 1}
    assert found.sessions == {"d1": 2, "d2": 1}
    assert found.label_by_subject == {"clap": {"ann": 1}, "wave": {"ann": 2, "bob": 1}}


def test_lengths_rates_and_picture_sizes_are_told(tmp_path: Path, make_clip: MakeClip) -> None:
    clips = [make_clip("", frames=frames, image_wh=(640, 480)) for frames in (11, 21, 51)]
    found = audited(tmp_path, [*clips, make_clip("", frames=26, image_wh=(1080, 1920)), make_clip("", frames=26)])
    assert (found.length_frames.minimum, found.length_frames.median, found.length_frames.maximum) == (11, 26, 51)
    assert (found.duration_ms.minimum, found.duration_ms.median, found.duration_ms.maximum) == (400, 1000, 2000)
    assert found.fps
    assert (found.fps.minimum, found.fps.maximum) == (25, 25)
    for spread in (found.length_frames, found.duration_ms, found.fps):
        assert sum(spread.counts) == 5
        assert len(spread.edges) == len(spread.counts) + 1
    assert found.image_sizes == {"1080x1920": 1, "640x480": 3}


def test_rates_far_from_the_others_are_counted(tmp_path: Path, make_clip: MakeClip) -> None:
    def at(fps: float) -> Clip:
        clip = make_clip("")
        return replace(clip, timestamps_ms=times_at(fps, len(clip)))

    found = audited(tmp_path, [at(30), at(30), at(29.97), at(25), at(4.5), at(120)])
    assert found.other_fps.ids == ("c4", "c5")
    assert any("mixed frame rates, 4.5 to 120 a second: those of 2 clips (c4, c5)" in w for w in found.warnings)
    assert found.to_json()["fps"]["median"] == pytest.approx(29.985)


def test_single_frames_have_no_rate(tmp_path: Path, make_clip: MakeClip) -> None:
    found = audited(tmp_path, [make_clip("", frames=1), make_clip("", frames=1)])
    assert found.fps is None
    assert found.other_fps.count == found.still.count == 0
    assert found.duration_ms.maximum == 0


def test_a_hand_that_is_lost_is_missing_and_one_that_is_not_used_is_not(tmp_path: Path, make_clip: MakeClip) -> None:
    both, lost, one = (make_clip(name, name, frames=10) for name in ("both", "lost", "one"))
    lost.points[2:5, :21] = np.nan
    one.points[:, :21] = np.nan
    missing = audited(tmp_path, [both, lost, one]).missing
    assert missing.share == pytest.approx(13 * 21 / (30 * 42))
    assert missing.by_part == pytest.approx({"left_hand": 13 / 30, "right_hand": 0})
    assert missing.unused_by_part == pytest.approx({"left_hand": 1 / 3, "right_hand": 0})
    assert missing.by_label == pytest.approx({"both": 0, "lost": 3 / 20, "one": 0})
    assert missing.longest_gap_ms == pytest.approx(4 * 40)
    assert missing.mostly.count == missing.gaps.count == 0


def test_points_outside_all_parts_are_told_apart(tmp_path: Path, make_clip: MakeClip) -> None:
    two = Skeleton("two", ("a", "b"), (), (0, 1))
    points = np.random.default_rng(0).random((4, 2, 2)).astype(np.float32)
    points[0, 0] = np.nan
    assert audited(tmp_path, [Clip(points, times_at(25, 4), two, label="x")]).missing.by_part == {"other points": 1 / 8}


def test_clips_of_which_most_is_missing_are_named(tmp_path: Path, make_clip: MakeClip) -> None:
    clips = [make_clip(f"c{i}", frames=20) for i in range(3)]
    clips[1].points[1:12] = np.nan
    found = audited(tmp_path, clips)
    assert found.missing.mostly.ids == found.missing.gaps.ids == ("c1",)
    assert any("more than half of the points are missing in clip 'c1'" in warning for warning in found.warnings)


OUTSIDE: dict[str, tuple[Coordinates, tuple[int, int] | None, list[float], int]] = {
    "inside": ("square", (640, 480), [1.3, 0.9], 0),
    "just outside": ("square", (640, 480), [2.3, -0.9], 0),
    "far right": ("square", (640, 480), [2.4, 0.5], 1),
    "far left of a portrait": ("square", (480, 640), [-1.1, 0.5], 1),
    "wide, of a picture of unknown size": ("square", None, [2.4, 0.5], 0),
    "below": ("fraction", (640, 480), [0.5, 2.1], 1),
    "right": ("fraction", None, [2.1, 0.5], 1),
    "near the sensor": ("metres", None, [-3.0, 4.0], 0),
    "beyond the sensor": ("metres", None, [0.0, -25.0], 1),
}


@pytest.mark.parametrize("where", OUTSIDE)
def test_values_far_outside_are_counted(tmp_path: Path, make_clip: MakeClip, where: str) -> None:
    coordinates, image_wh, place, expected = OUTSIDE[where]
    clip = replace(make_clip("a", frames=5), coordinates=coordinates, image_wh=image_wh)
    clip.points[2, 7] = place
    found = audited(tmp_path, [clip])
    assert found.outside.count == expected
    assert found.outside_share == pytest.approx(expected / (5 * 42))
    assert any("lie far outside of what can be seen in clip 'a'" in w for w in found.warnings) == bool(expected)


@pytest.mark.parametrize(("coordinates", "unit"), [("square", "heights of the picture"), ("metres", "metres")])
def test_pixels_are_recognised(tmp_path: Path, make_clip: MakeClip, coordinates: Coordinates, unit: str) -> None:
    clip = make_clip("a")
    found = audited(tmp_path, [changed(clip, clip.points * 480, coordinates=coordinates)])
    assert any(f"most values are too large for {unit}; are they pixels" in warning for warning in found.warnings)


def test_clips_in_which_nothing_moves_are_named(tmp_path: Path, make_clip: MakeClip, rng: np.random.Generator) -> None:
    moving = [make_clip(f"moving{i}") for i in range(3)]
    first = moving[0].points[:1]
    frozen = changed(moving[0], np.repeat(first, 20, axis=0), id="frozen")
    held = changed(moving[0], first * 0.5 + rng.normal(0, 0.001, (20, 42, 2)), id="held", label="five")
    found = audited(tmp_path, [*moving, frozen, held])
    assert found.still.ids == ("frozen", "held")
    assert found.still_by_label == {"five": 1, "wave": 1}
    assert any("nothing moves in some clips of wave, while" in warning for warning in found.warnings)


def test_official_splits_are_looked_through(tmp_path: Path, make_clip: MakeClip) -> None:
    clips = [make_clip(f"c{i}", "ab"[i % 2], subject=f"s{i // 2}", session="d1") for i in range(6)]
    clips += [make_clip("c6", "only", subject="s9"), make_clip("c7", "b", subject="s0", session="d1")]
    bad = {"train": ["c0", "c1"], "val": ["c2", "c4"], "test": ["c3", "c5", "c6", "c7"]}
    good = {"train": ["c0", "c1", "c2", "c3", "c6"], "test": ["c4", "c5"]}
    found = audited(tmp_path, clips, {"bad": bad, "good": good})
    assert found.splits["bad"].clips == {"train": 2, "val": 2, "test": 4}
    assert found.splits["bad"].shared == {"session": ("d1",), "subject": ("s0", "s1", "s2")}
    assert found.splits["bad"].untrained == ("only",)
    assert found.splits["good"].shared["subject"] == found.splits["good"].untrained == ()
    for expected in (
        "official split 'bad' trains and tests with the same subject: s0, s1, s2.",
        "official split 'bad' tests classes that it never trains: only.",
    ):
        assert expected in found.warnings


def test_an_official_split_without_a_test_is_no_failure(tmp_path: Path, make_clip: MakeClip) -> None:
    found = audited(tmp_path, [make_clip("c0"), make_clip("c1")], {"1": {"train": ["c0"]}, "2": {}})
    assert found.splits["1"].clips == {"train": 1}


COPIES: dict[str, Callable[[Clip, np.random.Generator], Clip]] = {
    "as it is": lambda clip, _: clip,
    "moved and scaled": lambda clip, _: changed(clip, clip.points * 1.5 - 0.3),
    "played faster": lambda clip, _: replace(clip, timestamps_ms=clip.timestamps_ms / 1.7),
    "extracted again": lambda clip, rng: changed(clip, clip.points + rng.normal(0, 0.002, clip.points.shape)),
    "trimmed": lambda clip, _: changed(clip, clip.points[4:], timestamps_ms=clip.timestamps_ms[4:]),
    "thinned out": lambda clip, _: changed(clip, clip.points[::2], timestamps_ms=clip.timestamps_ms[::2]),
    "with all lost for single frames": lambda clip, _: changed(
        clip, np.where((np.arange(len(clip)) % 9 == 4)[:, None, None], np.nan, clip.points)
    ),
}


@pytest.mark.parametrize("how", COPIES)
@pytest.mark.parametrize("differing", ["label", "subject", "session"])
def test_a_copy_is_found_when_it_is_said_to_be_something_else(
    tmp_path: Path, make_clip: MakeClip, rng: np.random.Generator, how: str, differing: str
) -> None:
    clips = [
        make_clip(f"c{i}", "ab"[i % 2], frames=30 + i, subject=f"s{i % 3}", session=f"d{i % 2}") for i in range(12)
    ]
    copy = replace(COPIES[how](clips[5], rng), id="copy", **{differing: "other"})  # type: ignore[arg-type]
    found = audited(tmp_path, [*clips, copy])
    assert list(pairs(found)) == [("c5", "copy")]
    assert pairs(found)["c5", "copy"].apart == (differing,)
    assert found.duplicates.by_apart == {differing: 1}
    said = " ".join(found.warnings)
    assert "almost the same recording and" in said
    assert ": 1 ('c5' and 'copy', say)" in said


def test_a_copy_with_the_same_label_and_people_is_none_of_our_business(tmp_path: Path, make_clip: MakeClip) -> None:
    clip = make_clip("a", "wave", subject="ann", session="d1")
    assert audited(tmp_path, [clip, replace(clip, id="b")]).duplicates.count == 0
    unknown = replace(clip, id="b", label=None, subject=None, session=None)
    assert audited(tmp_path, [clip, unknown]).duplicates.count == 0


def test_a_copy_on_the_other_side_of_an_official_split_is_found(tmp_path: Path, make_clip: MakeClip) -> None:
    clip = make_clip("a", "wave", subject="ann")
    clips = [clip, replace(clip, id="b"), replace(clip, id="c")]
    found = audited(tmp_path, clips, {"1": {"train": ["a", "b"], "test": ["c"]}, "2": {"train": ["a"]}})
    assert {ids: pair.apart for ids, pair in pairs(found).items()} == {
        ("a", "c"): ("split 1",),
        ("b", "c"): ("split 1",),
    }
    assert any("lie on both sides of the official split 1: 2" in warning for warning in found.warnings)


def test_without_known_groups_any_copy_may_leak(tmp_path: Path, make_clip: MakeClip) -> None:
    clip = make_clip("a", "wave")
    found = audited(tmp_path, [clip, replace(clip, id="b"), make_clip("c", "wave")])
    assert pairs(found)["a", "b"].apart == ("random split",)
    assert any("both sides of a random split: 1" in warning for warning in found.warnings)


def test_windows_of_one_recording_that_overlap_by_half_are_found(tmp_path: Path, make_clip: MakeClip) -> None:
    long = make_clip("", frames=61)

    def window(start: int) -> Clip:
        return Clip(long.points[start : start + 20], times_at(25, 20), HANDS, id=f"from {start}", label="wave")

    found = audited(tmp_path, [window(0), window(10), window(21), window(41)])
    assert list(pairs(found)) == [("from 0", "from 10")]
    assert pairs(found)["from 0", "from 10"].shared_frames == 0.5


def test_two_real_repetitions_are_no_copies(tmp_path: Path, make_clip: MakeClip) -> None:
    def repetition(seed: int) -> Clip:
        rng = np.random.default_rng(seed)
        phase = np.linspace(0, 2 * np.pi, 30)[:, None, None]
        hand = np.random.default_rng(7).normal(0, 0.1, (1, 42, 2))  # the same hand
        turned = [np.cos(phase + rng.normal(0, 0.2)), np.sin(phase + rng.normal(0, 0.2))]
        return Clip(
            (hand + 0.2 * np.concatenate(turned, axis=2)).astype(np.float32),
            times_at(25, 30),
            HANDS,
            label="ab"[seed % 2],
        )

    assert audited(tmp_path, [repetition(seed) for seed in range(8)]).duplicates.count == 0


def test_copies_are_found_however_far_apart_they_lie(tmp_path: Path, rng: np.random.Generator) -> None:
    body = skeleton("coco17")
    points = rng.random((1300, 6, 17, 2)).astype(np.float32)
    originals, copies = [3, 600, 1298, 500], [1200, 1290, 1299, 501]
    points[copies] = points[originals] * 0.5 + 1
    clips = [Clip(p, times_at(25, 6), body, label="ab"[i in copies], subject="s") for i, p in enumerate(points)]
    found = audited(tmp_path, clips)
    assert set(pairs(found)) == {(f"c{a}", f"c{b}") for a, b in zip(originals, copies, strict=True)}


def test_no_more_pairs_are_listed_or_compared_than_a_reader_and_the_time_allow(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    pose = rng.random((1, 21, 2)).astype(np.float32)
    shapes = pose + rng.normal(0, 0.001, (80, 1, 21, 2)).astype(np.float32)
    found = audited(tmp_path, [Clip(p, times_at(25, 1), skeleton("hand"), label="fist") for p in shapes]).duplicates
    assert (found.count, len(found.pairs), found.unchecked) == (2000, 100, 80 * 79 // 2 - 2000)


def test_each_clip_is_read_once(thirty_clips: Path) -> None:
    class Counted(Dataset):
        reads: list[int]

        def points(self, i: int) -> Any:
            self.reads.append(i)
            return super().points(i)

    with Counted(thirty_clips) as dataset:
        dataset.reads = []
        audit(dataset)
        assert dataset.reads == list(range(30))


def test_progress_is_told_clip_by_clip(thirty_clips: Path) -> None:
    told: list[tuple[int, int]] = []
    with Dataset(thirty_clips) as dataset:
        audit(dataset, lambda done, total: told.append((done, total)))
    assert told == [(i + 1, 30) for i in range(30)]


def test_a_damaged_part_of_the_file_is_told(thirty_clips: Path) -> None:
    with h5py.File(thirty_clips, "r") as file:
        chunk = file["values"].id.get_chunk_info(0)
    content = bytearray(thirty_clips.read_bytes())
    content[chunk.byte_offset + chunk.size // 2] ^= 0xFF
    thirty_clips.write_bytes(content)
    with Dataset(thirty_clips) as dataset, pytest.raises(DatasetError, match="is damaged in frames"):
        audit(dataset)


def warned(folder: Path, clips: Sequence[Clip]) -> str:
    return "\n".join(audited(folder, clips).warnings)


def test_classes_that_cannot_be_trained_are_told(tmp_path: Path, make_clip: MakeClip) -> None:
    clips = [make_clip(f"c{i}", "wave") for i in range(25)]
    said = warned(tmp_path, clips)
    assert "there are clips of 1 classes; a training needs two or more" in said
    assert "imbalanced" not in said
    said = warned(tmp_path, [*clips, *(make_clip(f"d{i}", "clap") for i in range(4)), make_clip("e", None)])
    assert "fewer than 5 clips: clap (4). Record more" in said
    assert "imbalanced: 'wave' has 25 clips, 'clap' 4." in said
    assert "1 of 30 clips have no label" in said


def test_a_label_without_clips_is_told(tmp_path: Path, make_clip: MakeClip) -> None:
    with DatasetWriter(tmp_path / "d.h5", HANDS, labels=["wave", "clap"]) as writer:
        writer.add(make_clip("a", "wave"))
    with Dataset(tmp_path / "d.h5") as dataset:
        found = audit(dataset)
    assert found.labels == {"wave": 1, "clap": 0}
    assert any("fewer than 5 clips: wave (1), clap (0)" in warning for warning in found.warnings)


@pytest.mark.parametrize("name", ["idle", "None", "no-gesture", "No Gesture", "__background__", "other"])
def test_a_class_for_no_gesture_is_known_by_its_usual_names(tmp_path: Path, make_clip: MakeClip, name: str) -> None:
    clips = [make_clip("a", "wave"), make_clip("b", "idleness")]
    assert "will take everything for a gesture" in warned(tmp_path, clips)
    assert "will take everything for a gesture" not in warned(tmp_path, [*clips, make_clip("c", name)])


def test_sets_of_actions_need_no_idle_class(tmp_path: Path, rng: np.random.Generator) -> None:
    points = rng.random((5, 17, 2)).astype(np.float32)
    clips = [Clip(points, times_at(25, 5), skeleton("coco17"), label=label) for label in ("run", "jump")]
    assert "will take everything" not in warned(tmp_path, clips)


def test_people_who_are_too_few_are_told(tmp_path: Path, make_clip: MakeClip) -> None:
    assert "no clip says who is seen" in warned(tmp_path, [make_clip("a"), make_clip("b")])
    some = [make_clip("a", subject="ann"), make_clip("b")]
    assert "all clips are of one subject" in warned(tmp_path, some)
    assert "1 of 2 clips do not say who is seen" in warned(tmp_path, some)


def test_gestures_that_only_one_person_or_session_shows_are_told(tmp_path: Path, make_clip: MakeClip) -> None:
    shown = [("wave", "ann", "d1"), ("wave", "bob", "d1"), ("clap", "ann", "d2"), ("clap", "ann", "d2")]
    said = warned(tmp_path, [make_clip("", label, subject=s, session=d) for label, s, d in shown])
    assert "only one subject shows: clap." in said
    assert "each session has one class only" in said


def test_long_lists_are_cut_short(tmp_path: Path, make_clip: MakeClip) -> None:
    said = warned(tmp_path, [make_clip(f"c{i}", f"k{i}") for i in range(8)])
    assert "fewer than 5 clips: k0 (1), k1 (1), k2 (1), k3 (1), k4 (1) and 3 more." in said


@st.composite
def recordings(draw: st.DrawFn) -> list[Clip]:
    """Clips of any skeleton and length, with any points missing but one."""
    body = draw(st.sampled_from([*BUILT_IN.values(), Skeleton("tip", ("tip",), (), (0,))]))
    coordinates: Coordinates = draw(st.sampled_from(get_args(Coordinates)))
    C = draw(st.sampled_from([2, 3]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    clips = []
    for i in range(draw(st.integers(1, 6))):
        T = draw(st.integers(1, 12))
        points = rng.normal(0, draw(st.sampled_from([0, 1, 1e4])), (T, len(body), C)).astype(np.float32)
        points[rng.random((T, len(body))) < draw(st.sampled_from([0, 0.3, 1]))] = np.nan
        points[draw(st.integers(0, T - 1)), 0] = 0.5
        clips.append(
            Clip(
                points,
                np.cumsum(rng.uniform(1, 400, T)),
                body,
                id=f"c{i}",
                label=draw(st.sampled_from([None, "wave", "idle"])),
                subject=draw(st.sampled_from([None, "ann", "bob"])),
                image_wh=draw(st.sampled_from([None, (640, 480)])),
                coordinates=coordinates,
            )
        )
    return clips


@given(recordings())
def test_any_dataset_is_audited_and_told_in_json(tmp_path_factory: pytest.TempPathFactory, clips: list[Clip]) -> None:
    found = audited(tmp_path_factory.mktemp("any"), clips)
    assert json.loads(json.dumps(found.to_json(), allow_nan=False))["clips"] == len(clips)
    assert sum(found.labels.values()) + found.unlabelled == len(clips)
    assert sum(found.length_frames.counts) == sum(found.duration_ms.counts) == len(clips)
    assert 0 <= found.missing.share < 1
    for shares in (found.missing.by_part, found.missing.by_label, found.missing.unused_by_part):
        assert all(0 <= share <= 1 for share in shares.values())


def test_a_file_of_another_program_may_hold_clips_in_which_nothing_is_seen(thirty_clips: Path) -> None:
    with h5py.File(thirty_clips, "a") as file:
        file["values"][: file["offsets"][1]] = np.nan
    with Dataset(thirty_clips) as dataset:
        found = audit(dataset)
    assert found.missing.unused_by_part == pytest.approx({"left_hand": 1 / 30, "right_hand": 1 / 30})
