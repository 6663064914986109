"""Review, and the dataset that is made of accepted clips."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ademan.datasets import Dataset
from ademan.errors import DatasetError
from ademan.studio.data import StudioError
from ademan.studio.data.clips import Guess
from ademan.studio.data.files import FolderStore
from ademan.studio.data.review import Review, Standing, Wish
from tests.studio.conftest import Studio, made_clip


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(StudioError) as refused:
        call()
    return refused.value.code


def test_the_most_doubtful_clips_come_first(studio: Studio) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    wave, bow = (gesture.id for gesture in made.gestures)

    def add(gesture_id: int | None, guess: Guess | None, *, idle: bool = False) -> str:
        return studio.clips.add(made_clip(), made.id, ana.id, gesture_id=gesture_id, guess=guess, idle=idle).id

    expected = [
        (add(None, Guess("wave", 0.99)), 1.0),
        (add(bow, Guess("wave", 0.95)), 0.95),
        (add(wave, Guess("bow", 0.3)), 0.7),
        (add(wave, None), 0.5),
        (add(wave, Guess("wave", 0.75)), 0.25),
        (add(None, Guess("idle", 0.875), idle=True), 0.125),
    ]
    page = studio.review.clips(ana.id, made.id)
    assert [clip.id for clip in page.clips] == [clip_id for clip_id, _ in expected]
    assert [clip.doubt for clip in page.clips] == pytest.approx([doubt for _, doubt in expected])
    newest = studio.review.clips(ana.id, made.id, order="newest", limit=2)
    assert newest.total == 6
    assert studio.review.clips(ana.id, made.id, gesture_id=bow).total == 1
    assert studio.review.clips(ana.id, made.id, user_id=99, state="").total == 0
    assert studio.review.counts(made.id) == {
        "": {"new": 1, "accepted": 0, "excluded": 0},
        "wave": {"new": 3, "accepted": 0, "excluded": 0},
        "bow": {"new": 1, "accepted": 0, "excluded": 0},
        "idle": {"new": 1, "accepted": 0, "excluded": 0},
    }


def test_clips_are_accepted_excluded_and_made_new_by_admins(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    made = studio.gesture_set(ana.id)
    ids = [studio.clip(made, ben).id for _ in range(3)]
    nameless = studio.clip(made, ben, None).id
    decide = studio.review.decide
    assert decide(ana.id, ids, "accepted") == 3
    assert decide(ana.id, [*ids, ids[0]], "accepted") == 0
    found = studio.clips.get(ben.id, ids[0])
    assert (found.state, found.reviewed_by) == ("accepted", ana.id)
    assert decide(ana.id, ids[:1], "excluded") == 1
    assert decide(ana.id, ids[:1], "new") == 1
    assert studio.clips.get(ben.id, ids[0]).reviewed_by is None
    assert code_of(lambda: decide(ana.id, [nameless], "accepted")) == "bad"
    assert decide(ana.id, [nameless], "excluded") == 1
    assert code_of(lambda: decide(ana.id, [ids[0], "f" * 32], "accepted")) == "gone"
    assert studio.clips.get(ben.id, ids[0]).state == "new"
    assert code_of(lambda: decide(ana.id, ids, "lovely")) == "bad"
    assert code_of(lambda: decide(ana.id, [f"{i:032x}" for i in range(501)], "accepted")) == "too_many"
    assert code_of(lambda: decide(ben.id, ids, "accepted")) == "forbidden"
    assert code_of(lambda: studio.review.clips(ben.id, made.id)) == "forbidden"


def test_accepted_clips_become_a_dataset_without_names(studio: Studio, tmp_path: Path) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    made = studio.gesture_set(ana.id)
    recording = studio.clips.begin_recording(ben.id, made.id)
    bow = made.gestures[1].id
    first = studio.clips.add(made_clip(seed=1), made.id, ben.id, gesture_id=bow, recording_id=recording)
    studio.review.decide(ana.id, [first.id], "accepted")
    tried = studio.clip(made, ana, "wave", accept_by=ana.id)
    idle = studio.clip(made, ana, "idle", accept_by=ana.id)
    studio.clip(made, ana, "wave")
    split = {"studio": {"train": [tried.id, idle.id], "test": [first.id]}}
    exported = studio.review.export(made.id, tmp_path / "set.h5", splits=split)
    with Dataset(tmp_path / "set.h5") as dataset:
        clips = {clip.id: clip for clip in dataset}
        assert list(dataset.labels) == ["wave", "bow", "idle"]
        assert dataset.skeleton == made.skeleton
        assert [dataset.table.ids[i] for i in dataset.splits["studio"]["test"]] == [first.id]
    assert exported.ids == tuple(clips)
    assert exported.counts == {"bow": 1, "wave": 1, "idle": 1}
    found = clips[first.id]
    assert (found.label, found.subject, found.session) == ("bow", f"person-{ben.id}", f"recording-{recording}")
    assert clips[tried.id].session == clips[idle.id].session == f"tries-{ana.id}"
    np.testing.assert_array_equal(found.points, made_clip(seed=1).points)
    content = (tmp_path / "set.h5").read_bytes()
    assert b"Ana" not in content
    assert b"Ben" not in content


def test_the_digest_is_of_clips_and_labels(studio: Studio, tmp_path: Path) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    clips = [studio.clip(made, ana, accept_by=ana.id) for _ in range(3)]
    export = studio.review.export
    whole = export(made.id, tmp_path / "a.h5").digest
    assert export(made.id, tmp_path / "b.h5").digest == whole
    assert export(made.id, tmp_path / "c.h5", ids={clip.id for clip in clips[:2]}).digest != whole
    studio.clips.relabel(ana.id, clips[0].id, made.gestures[1].id)
    assert export(made.id, tmp_path / "d.h5").digest != whole


def test_clips_that_go_meanwhile_or_are_damaged_are_left_out(studio: Studio, tmp_path: Path) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    good, damaged, going = (studio.clip(made, ana, accept_by=ana.id) for _ in range(3))
    assert isinstance(studio.files, FolderStore)
    (studio.files.folder / "clips" / damaged.id[:2] / f"{damaged.id}.npz").write_bytes(b"x")

    class Going(Review):
        def accepted(self, set_id: int) -> list:  # type: ignore[type-arg]
            found = super().accepted(set_id)
            studio.clips.delete(ana.id, [going.id])
            return found

    exported = Going(studio.database, studio.files).export(made.id, tmp_path / "set.h5")
    assert exported.ids == (good.id,)
    assert exported.left_out.keys() == {damaged.id, going.id}
    assert "damaged" in exported.left_out[damaged.id]
    assert exported.to_json() == {"counts": {"wave": 1}, "digest": exported.digest, "left_out": 2}


def test_nothing_to_write_and_splits_that_contradict_themselves_are_told(studio: Studio, tmp_path: Path) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    path = tmp_path / "set.h5"
    assert code_of(lambda: studio.review.export(made.id, path)) == "bad"
    assert code_of(lambda: studio.review.export(99, path)) == "gone"
    clip = studio.clip(made, ana, accept_by=ana.id)
    with pytest.raises(DatasetError, match="in two of its parts"):
        studio.review.export(made.id, path, splits={"a": {"train": [clip.id], "test": [clip.id]}})
    assert isinstance(studio.files, FolderStore)
    studio.files.delete(f"clips/{clip.id[:2]}/{clip.id}.npz")
    with pytest.raises(StudioError, match="None of 1 clips could be read"):
        studio.review.export(made.id, path)
    assert not path.exists()


def test_decisions_are_kept_one_by_one_if_nobody_else_decided_meanwhile(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    made, other = studio.gesture_set(ana.id), studio.gesture_set(ana.id, "Other")
    wave, bow = (gesture.id for gesture in made.gestures)
    seen = Standing("new", wave, False)
    ids = [studio.clip(made, ben).id for _ in range(4)]
    nameless = studio.clip(made, ben, None).id
    studio.review.decide(ana.id, ids[1:2], "excluded")
    studio.clips.relabel(ana.id, ids[2], None, idle=True)
    done = Standing("accepted", bow, False)
    settled = studio.review.settle(
        ana.id,
        [
            *(Wish(one, seen, done) for one in ids),
            Wish(nameless, Standing("new", None, False), Standing("accepted", None, False)),
            Wish("f" * 32, seen, done),
        ],
    )
    assert settled.refused == {ids[1]: "changed", ids[2]: "changed", nameless: "nameless", "f" * 32: "gone"}
    stands = {clip.id: Standing.of(clip) for clip in settled.clips}
    assert stands == {
        ids[0]: done,
        ids[1]: Standing("excluded", wave, False),
        ids[2]: Standing("new", None, True),
        ids[3]: done,
        nameless: Standing("new", None, False),
    }
    found = studio.clips.get(ana.id, ids[0])
    assert (found.reviewed_by, found.reviewed_ms is not None) == (ana.id, True)
    again = studio.review.settle(ana.id, [Wish(ids[0], seen, done)])  # it is so already, whoever said it
    assert again.refused == {}
    back = studio.review.settle(ana.id, [Wish(ids[0], done, seen)])
    assert (Standing.of(back.clips[0]), back.clips[0].reviewed_by) == (seen, None)
    for wrong in (
        Standing("lovely", wave, False),
        Standing("new", wave, True),
        Standing("new", 99, False),
        Standing("new", other.gestures[0].id, False),
    ):
        assert studio.review.settle(ana.id, [Wish(ids[0], seen, wrong)]).refused == {ids[0]: "bad"}
    assert code_of(lambda: studio.review.settle(ben.id, [Wish(ids[0], seen, done)])) == "forbidden"
    many = [Wish(f"{k:032x}", seen, done) for k in range(501)]
    assert code_of(lambda: studio.review.settle(ana.id, many)) == "too_many"


def test_clips_are_found_by_where_they_come_from_and_those_without_a_gesture(studio: Studio) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    tried = studio.clips.add(made_clip(), made.id, ana.id, origin="try").id
    idle = studio.clip(made, ana, "idle").id
    studio.clip(made, ana)
    assert [clip.id for clip in studio.review.clips(ana.id, made.id, origin="try").clips] == [tried]
    assert [clip.id for clip in studio.review.clips(ana.id, made.id, idle=True).clips] == [idle]
