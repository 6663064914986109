"""What a set has and lacks, on both databases."""

import pytest

from ademan.studio.data import StudioError
from ademan.studio.data.coverage import Covered, coverage
from tests.studio.conftest import Studio, made_clip


def test_clips_are_counted_by_label_and_people(studio: Studio) -> None:
    ada, boris = studio.person("Ada"), studio.person("Boris")
    owner = studio.gesture_set(ada.id)
    for person in (ada, ada, boris):
        studio.clip(owner, person, "wave")
    left_out = studio.clip(owner, boris, "bow")
    studio.review.decide(ada.id, [left_out.id], "excluded")
    studio.clip(owner, boris, owner.idle, accept_by=ada.id)
    studio.clip(owner, ada, None)  # nobody has named it
    studio.clips.add(made_clip(), owner.id, None, idle=True)  # imported
    found = coverage(studio.database, owner.id, ada.id)
    assert found.labels == (Covered("wave", 3, 2, 2), Covered("bow", 0, 0, 0), Covered("idle", 2, 0, 1))
    assert found.people == 2


def test_a_set_without_clips_lacks_all_and_one_that_is_not_there_is_gone(studio: Studio) -> None:
    ada = studio.person("Ada")
    owner = studio.gesture_set(ada.id)
    found = coverage(studio.database, owner.id, ada.id)
    assert [label.clips for label in found.labels] == [0, 0, 0]
    assert found.people == 0
    with pytest.raises(StudioError, match="not there"):
        coverage(studio.database, owner.id + 1, ada.id)


def test_clips_of_another_set_are_not_counted(studio: Studio) -> None:
    ada = studio.person("Ada")
    one, other = studio.gesture_set(ada.id), studio.gesture_set(ada.id, "More")
    studio.clip(other, ada, "wave")
    assert coverage(studio.database, one.id, ada.id).people == 0


def test_ones_own_clips_are_filtered_by_gesture_idle_set_and_state(studio: Studio) -> None:
    ada = studio.person("Ada")
    owner, other = studio.gesture_set(ada.id), studio.gesture_set(ada.id, "More")
    wave = studio.clip(owner, ada, "wave")
    bow = studio.clip(owner, ada, "bow", accept_by=ada.id)
    idle, elsewhere = studio.clip(owner, ada, owner.idle), studio.clip(other, ada, other.idle)
    mine = studio.clips.mine
    assert [clip.id for clip in mine(ada.id, gesture_id=wave.gesture_id).clips] == [wave.id]
    assert {clip.id for clip in mine(ada.id, idle=True).clips} == {idle.id, elsewhere.id}
    assert [clip.id for clip in mine(ada.id, set_id=owner.id, idle=True).clips] == [idle.id]
    assert [clip.id for clip in mine(ada.id, gesture_id=bow.gesture_id, state="accepted").clips] == [bow.id]
    assert mine(ada.id, gesture_id=bow.gesture_id, state="new").total == 0


def test_a_set_is_made_with_its_gestures_or_not_at_all(studio: Studio) -> None:
    ada = studio.person("Ada")
    made = studio.sets.add(ada.id, "Signs", "pose", gestures=[("stop", "one arm up"), ("go", "")])
    assert [(one.name, one.note) for one in studio.sets.get(made.id).gestures] == [("stop", "one arm up"), ("go", "")]
    assert made == studio.sets.get(made.id)
    for names in (("stop", "STOP"), ("idle",), ("",)):
        with pytest.raises(StudioError):
            studio.sets.add(ada.id, "Others", gestures=[(name, "") for name in names])
    assert [owner.name for owner in studio.sets.all()] == ["Signs"]
