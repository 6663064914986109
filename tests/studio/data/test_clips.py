"""Gesture sets, clips and their files: who sees what, and that rows and files stay together."""

import io
import os
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from ademan.clip import Clip, times_at
from ademan.skeleton import BUILT_IN
from ademan.studio.data import StudioError
from ademan.studio.data.clip_files import MOST_FRAMES, from_bytes, to_bytes
from ademan.studio.data.clips import Clips, Guess
from ademan.studio.data.files import FolderStore, new_key
from ademan.studio.data.settings import MOST_CLIPS
from ademan.studio.data.tables import ClipRow
from tests.studio.conftest import Studio, made_clip


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(StudioError) as refused:
        call()
    return refused.value.code


def files_of(studio: Studio) -> set[str]:
    return {file.key for file in studio.files.all()}


@pytest.mark.parametrize("landmarks", ["hands", "pose33", "holistic75"])
def test_a_clip_comes_back_from_its_file_as_it_was(landmarks: str) -> None:
    clip = made_clip(landmarks=landmarks)
    back = from_bytes(to_bytes(clip))
    np.testing.assert_array_equal(back.points, clip.points)
    np.testing.assert_array_equal(back.timestamps_ms, clip.timestamps_ms)
    assert (back.skeleton, back.image_wh) == (clip.skeleton, clip.image_wh)
    assert from_bytes(to_bytes(replace(clip, image_wh=None))).image_wh is None


def test_clips_that_a_studio_does_not_keep_are_refused() -> None:
    clip = made_clip()
    long = made_clip(MOST_FRAMES + 1)
    unseen = replace(clip, points=np.full_like(clip.points, np.nan))
    for unfit in (replace(clip, points=clip.points[..., :2]), replace(clip, coordinates="metres"), long, unseen):
        assert code_of(lambda unfit=unfit: to_bytes(unfit)) == "bad"  # type: ignore[misc]


def saved(**more: object) -> bytes:
    content = io.BytesIO()
    clip = made_clip()
    arrays = {
        "points": clip.points, "timestamps_ms": clip.timestamps_ms, "skeleton": "hands", "image_wh": [640, 480], **more,
    }  # fmt: skip
    kept: dict[str, Any] = {name: np.asarray(array) for name, array in arrays.items() if array is not None}
    np.savez_compressed(content, **kept)
    return content.getvalue()


@pytest.mark.parametrize(
    "more",
    [
        {"points": None}, {"skeleton": "nobody"}, {"skeleton": np.array([object()])}, {"points": np.zeros((3, 42, 3))},
        {"points": np.full((12, 42, 3), np.inf, np.float32)}, {"timestamps_ms": np.zeros(12)}, {"image_wh": [1]},
        {"image_wh": [-1, 5]}, {"image_wh": [np.nan, 1.0]}, {"points": np.zeros((12, 42, 3), np.float32, order="F")},
        {"points": np.zeros((0, 42, 3), np.float32), "timestamps_ms": np.zeros(0)}, {"image_wh": 5},
    ],
)  # fmt: skip
def test_files_that_are_no_clips_are_refused(more: dict[str, object]) -> None:
    assert code_of(lambda: from_bytes(saved(**more))) == "bad"


def test_a_file_that_would_unpack_to_much_or_lies_about_its_shape_is_refused() -> None:
    assert len(saved(points=np.zeros((40_000, 42, 3), np.float32))) < 100_000
    assert code_of(lambda: from_bytes(saved(points=np.zeros((40_000, 42, 3), np.float32)))) == "bad"
    lying = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(saved())) as source, zipfile.ZipFile(lying, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "points.npy":
                content = content.replace(b"(12, 42, 3)", b"(1200000000, 42, 3)".ljust(11))
            target.writestr(name, content)
    assert code_of(lambda: from_bytes(lying.getvalue())) == "bad"


@given(st.binary(max_size=300), st.integers(0, 2000), st.integers(0, 255))
def test_whatever_is_in_a_file_it_is_a_clip_or_refused(content: bytes, place: int, byte: int) -> None:
    good = bytearray(to_bytes(made_clip(3)))
    good[place % len(good)] = byte
    for given_bytes in (content, bytes(good)):
        try:
            assert isinstance(from_bytes(given_bytes), Clip)
        except StudioError as error:
            assert error.code == "bad"


def test_sets_and_gestures_are_made_and_changed_by_admins(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    made = studio.gesture_set(ana.id, "Grüße", ("wave", "bow", "nod"))
    assert made.labels == ("wave", "bow", "nod", "idle")
    assert made.skeleton == BUILT_IN["hands"]
    wave, bow, nod = (gesture.id for gesture in made.gestures)
    studio.sets.order(ana.id, made.id, [nod, wave])
    studio.sets.change_gesture(ana.id, bow, "deep bow", "From the hips.")
    studio.sets.rename(ana.id, made.id, "GRÜSSE")
    found = studio.sets.get(made.id)
    assert found.name == "GRÜSSE"
    assert [(gesture.name, gesture.note) for gesture in found.gestures] == [
        ("nod", ""), ("wave", ""), ("deep bow", "From the hips."),
    ]  # fmt: skip
    assert [one.id for one in studio.sets.all()] == [made.id]
    assert code_of(lambda: studio.sets.add(ana.id, "grüsse")) == "taken"
    assert code_of(lambda: studio.sets.add(ana.id, "new", "feet")) == "bad"
    assert code_of(lambda: studio.sets.add_gesture(ana.id, made.id, "WAVE")) == "taken"
    assert code_of(lambda: studio.sets.add_gesture(ana.id, made.id, "Idle")) == "taken"
    assert code_of(lambda: studio.sets.change_gesture(ana.id, bow, "wave", "")) == "taken"
    assert code_of(lambda: studio.sets.get(99)) == "gone"
    assert code_of(lambda: studio.sets.delete_gesture(ana.id, 99)) == "gone"
    for call in (
        lambda: studio.sets.add(ben.id, "mine"),
        lambda: studio.sets.rename(ben.id, made.id, "mine"),
        lambda: studio.sets.delete(ben.id, made.id),
        lambda: studio.sets.add_gesture(ben.id, made.id, "mine"),
        lambda: studio.sets.change_gesture(ben.id, bow, "mine", ""),
        lambda: studio.sets.order(ben.id, made.id, []),
        lambda: studio.sets.delete_gesture(ben.id, bow),
    ):
        assert code_of(call) == "forbidden"


def test_clips_of_a_gesture_that_is_deleted_are_new_and_without_a_name(studio: Studio) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    clip = studio.clip(made, ana, "wave", accept_by=ana.id)
    assert studio.sets.delete_gesture(ana.id, made.gestures[0].id) == 1
    found = studio.clips.get(ana.id, clip.id)
    assert (found.label, found.state) == (None, "new")


def test_a_clip_is_kept_with_its_points_guess_and_video(studio: Studio) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    recording = studio.clips.begin_recording(ana.id, made.id, video_agreed=True)
    clip = made_clip()
    added = studio.clips.add(
        clip, made.id, ana.id, gesture_id=made.gestures[0].id, recording_id=recording,
        guess=Guess("bow\x00", 0.75), video=b"moving", video_ending=".mp4",
    )  # fmt: skip
    studio.clips.end_recording(ana.id, recording)
    assert (added.label, added.state, added.frames, added.recording_id) == ("wave", "new", 12, recording)
    assert added.guess == Guess("bow", 0.75)
    assert added.doubt == 0.75
    assert studio.clips.get(ana.id, added.id) == added
    np.testing.assert_array_equal(studio.clips.points(ana.id, added.id).points, clip.points)
    assert studio.clips.video(ana.id, added.id) == (b"moving", ".mp4")
    studio.clips.delete(ana.id, [added.id])
    assert files_of(studio) == set()
    assert code_of(lambda: studio.clips.get(ana.id, added.id)) == "gone"


def test_clips_that_do_not_fit_are_refused_and_leave_no_file(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    made, other = studio.gesture_set(ana.id), studio.gesture_set(ana.id, "Other")
    silent = studio.clips.begin_recording(ana.id, made.id)
    wave, foreign = made.gestures[0].id, other.gestures[0].id

    def add(clip: Clip | None = None, set_id: int = made.id, user_id: int = ana.id, **more: object) -> str:
        return code_of(lambda: studio.clips.add(clip or made_clip(), set_id, user_id, **more))  # type: ignore[arg-type]

    assert add(made_clip(landmarks="pose33")) == "bad"
    assert add(set_id=99) == "gone"
    assert add(user_id=99) == "gone"
    assert add(gesture_id=99) == "gone"
    assert add(gesture_id=foreign) == "bad"
    assert add(gesture_id=wave, idle=True) == "bad"
    assert add(recording_id=99) == "gone"
    assert add(recording_id=silent, user_id=ben.id) == "gone"
    assert add(recording_id=silent, set_id=other.id) == "gone"
    assert add(recording_id=silent, video=b"x") == "forbidden"
    assert add(video=b"x") == "forbidden"
    assert add(video=b"x", video_ending=".exe") == "bad"
    assert add(origin="nowhere") == "bad"
    assert add(guess=Guess("wave", 1.5)) == "bad"
    assert add(guess=Guess("wave", 0.5, 99)) == "gone"
    assert files_of(studio) == set()
    assert studio.clips.mine(ana.id).total == 0


def test_a_row_that_cannot_be_written_takes_its_file_with_it(studio: Studio) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)

    class Slow(FolderStore):
        def put(self, key: str, content: bytes) -> None:
            super().put(key, content)
            studio.sets.delete(ana.id, made.id)

    assert isinstance(studio.files, FolderStore)
    clips = Clips(studio.database, Slow(studio.files.folder))
    assert code_of(lambda: clips.add(made_clip(), made.id, ana.id)) == "gone"
    assert files_of(studio) == set()


def test_people_have_as_many_clips_as_is_set_also_if_they_come_at_once(studio: Studio) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    studio.settings.set(MOST_CLIPS, 3)
    codes: list[str] = []

    def add() -> None:
        try:
            studio.clip(made, ana)
        except StudioError as error:
            codes.append(error.code)

    threads = [threading.Thread(target=add) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == ["too_many"] * 5
    assert studio.clips.mine(ana.id).total == 3
    assert len(files_of(studio)) == 3


def test_people_see_their_own_clips_and_admins_all(studio: Studio) -> None:
    ana, ben, cas = (studio.person(name) for name in ("Ana", "Ben", "Cas"))
    made = studio.gesture_set(ana.id)
    clip = studio.clip(made, ben)
    assert [one.id for one in studio.clips.mine(ben.id).clips] == [clip.id]
    assert studio.clips.mine(cas.id).clips == []
    assert studio.clips.content(ana.id, clip.id) == studio.clips.content(ben.id, clip.id)
    for by in (cas.id, 99):
        for call in (
            lambda by=by: studio.clips.get(by, clip.id),
            lambda by=by: studio.clips.content(by, clip.id),
            lambda by=by: studio.clips.video(by, clip.id),
            lambda by=by: studio.clips.relabel(by, clip.id, None, idle=True),
            lambda by=by: studio.clips.delete(by, [clip.id]),
        ):
            assert code_of(call) == "gone"
    mine = studio.clip(made, cas)
    assert code_of(lambda: studio.clips.delete(cas.id, [mine.id, clip.id])) == "gone"
    assert studio.clips.get(cas.id, mine.id) == mine


def test_a_page_has_some_of_them_and_tells_how_many_there_are(studio: Studio) -> None:
    ana = studio.person("Ana")
    made, other = studio.gesture_set(ana.id), studio.gesture_set(ana.id, "Other")
    ids = [studio.clip(made, ana).id for _ in range(5)]
    studio.clip(other, ana)
    first = studio.clips.mine(ana.id, set_id=made.id, limit=3)
    second = studio.clips.mine(ana.id, set_id=made.id, limit=3, offset=3)
    assert first.total == second.total == 5
    assert {clip.id for clip in first.clips + second.clips} == {*ids}
    assert len(studio.clips.mine(ana.id, limit=-5, offset=-5).clips) == 1
    assert studio.clips.mine(ana.id, state="accepted").total == 0
    assert code_of(lambda: studio.clips.mine(ana.id, offset=2**70)) == "bad"


def test_a_clip_that_its_person_names_otherwise_must_be_reviewed_again(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    made = studio.gesture_set(ana.id)
    clip = studio.clip(made, ben, accept_by=ana.id)
    assert studio.clips.relabel(ana.id, clip.id, made.gestures[1].id).state == "accepted"
    changed = studio.clips.relabel(ben.id, clip.id, None, idle=True)
    assert (changed.label, changed.state, changed.reviewed_by) == ("idle", "new", None)
    foreign = studio.gesture_set(ana.id, "Other").gestures[0].id
    assert code_of(lambda: studio.clips.relabel(ben.id, clip.id, foreign)) == "bad"


def test_check_mends_what_killed_processes_leave(studio: Studio) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    recording = studio.clips.begin_recording(ana.id, made.id, video_agreed=True)
    whole, lost = studio.clip(made, ana), studio.clip(made, ana)
    filmed = studio.clips.add(made_clip(), made.id, ana.id, recording_id=recording, video=b"x")
    assert isinstance(studio.files, FolderStore)
    with studio.database.reading() as session:
        keys = {row.id: row for row in session.scalars(select(ClipRow))}
    studio.files.delete(keys[lost.id].file_key)
    studio.files.delete(str(keys[filmed.id].video_key))
    old, young = new_key("clips", ".npz"), new_key("clips", ".npz")
    for key, age_s in ((old, 7200), (young, 0)):
        studio.files.put(key, b"nobody's")
        os.utime(studio.files.folder / key, (time.time() - age_s,) * 2)
    checked = studio.clips.check()
    assert (checked.rows, checked.videos, checked.files, checked.bundles) == ((lost.id,), (filmed.id,), (old,), ())
    assert {clip.id for clip in studio.clips.mine(ana.id).clips} == {whole.id, filmed.id}
    assert not studio.clips.get(ana.id, filmed.id).has_video
    assert young in files_of(studio)
    assert old not in files_of(studio)
    again = studio.clips.check()
    assert (again.rows, again.videos, again.files) == ((), (), ())


def test_check_changes_nothing_where_most_files_are_away(studio: Studio) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    for _ in range(11):
        studio.clip(made, ana)
    elsewhere = Clips(studio.database, FolderStore(Path("not mounted")))
    with pytest.raises(StudioError, match=r"11 of 11 clips have no file\. Nothing was changed"):
        elsewhere.check()
    with studio.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ClipRow)) == 11


def test_a_file_that_was_altered_is_not_given_out(studio: Studio) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    clip = studio.clip(made, ana)
    studio.files.put(next(iter(files_of(studio))), to_bytes(made_clip(seed=5)))
    with pytest.raises(StudioError, match="is damaged"):
        studio.clips.content(ana.id, clip.id)


def test_a_clip_of_one_frame_is_kept(studio: Studio) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    points = np.zeros((1, 42, 3), np.float32)
    added = studio.clips.add(Clip(points, times_at(25, 1), BUILT_IN["hands"]), made.id, ana.id, idle=True)
    assert (added.frames, added.duration_ms, added.label) == (1, 0.0, "idle")
