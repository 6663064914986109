from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ademan.recognition import Classifier
from ademan.studio.data import StudioError
from ademan.studio.data.jobs import Held
from ademan.studio.data.models import VersionInfo
from ademan.studio.data.tables import HeldOutPerson
from ademan.studio.work.pulse import Pulse
from ademan.studio.work.retrain import retrain
from tests.studio.work.conftest import Filled, performed

PROMOTED = {"verdict": "promoted", "reasons": ["it is better"]}


def live(filled: Filled) -> VersionInfo:
    version = filled.studio.models.live(filled.set_id)
    assert version is not None
    return version


def frozen(filled: Filled) -> set[int]:
    with filled.studio.database.reading() as session:
        return set(session.scalars(select(HeldOutPerson.user_id)))


@pytest.mark.slow
def test_a_set_is_trained_and_trained_again_and_only_what_is_no_worse_goes_live(filled: Filled) -> None:
    filled.join(3)
    first = filled.work()
    assert first.state == "done", first.message
    assert first.result is not None
    assert first.result["decision"]["verdict"] == "promoted", first.result
    version = live(filled)
    assert (version.number, version.job_id, version.trained_by) == (1, first.id, filled.admin)
    assert version.clips["counts"] == {"bow": 9, "wave": 9}
    assert version.labels == ("wave", "bow")
    (kept,) = frozen(filled)
    assert version.split["people_tested"] == [kept]
    assert sorted(version.split["people_learnt"]) == sorted(set(filled.people) - {kept})
    with filled.studio.models.bundle(version.id) as path:
        classifier = Classifier(path)
        assert classifier.predict(performed("wave", 1)).label == "wave"
        assert classifier.predict(performed("bow", 1)).label == "bow"
    lines = [line.text for line in filled.jobs.lines(first.id)]
    assert lines[:2] == [
        "Gathering the clips.",
        "12 clips to learn from, 6 of one whole person to test with; gestures: bow, wave.",
    ]
    assert any(line.startswith("Epoch 2 of 2, loss") for line in lines)
    assert not (filled.workshop.folder_of(first.id)).exists()

    filled.join(2)
    second = filled.work()
    assert second.result is not None
    assert (second.state, second.result["old_version"], second.result["version"]) == ("done", 1, 2)
    assert second.result["decision"]["verdict"] == "promoted", second.result
    assert second.result["old"]["clips"] == second.result["new"]["clips"] == 6
    assert frozen(filled) == {kept}
    assert live(filled).number == 2

    for person in filled.people:  # somebody accepts clips that show something else than is said
        if person != kept:
            filled.record(person, 12, shown="bow", labels=("wave",))
    third = filled.work()
    assert third.result is not None
    assert third.result["decision"]["verdict"] == "refused", third.result
    assert "'wave' got worse" in third.message or "Not better" in third.message
    assert live(filled).number == 2
    assert filled.studio.models.all(filled.set_id)[0].state == "refused"
    compared = filled.studio.models.compare(live(filled).id, third.result["model_id"])
    assert compared.same_people
    assert compared.scores["accuracy"][0] == third.result["old"]["accuracy"]


def test_too_little_is_told_and_leaves_nothing(filled: Filled) -> None:
    filled.join(1, each=2)
    job = filled.work()
    assert job.state == "failed"
    assert job.message.startswith("there is too little to learn from: two gestures with 3 accepted clips each")
    assert "'bow' 2, 'wave' 2" in job.message
    assert not filled.workshop.folder_of(job.id).exists()
    assert frozen(filled) == set()


def held_job(filled: Filled) -> Held:
    filled.jobs.enqueue("train", filled.set_id, created_by=filled.admin)
    held = filled.jobs.take("one")
    assert held is not None
    return held


def published(filled: Filled, held: Held, bundle: Path, **scores: Any) -> VersionInfo:
    """Keep what an attempt at a job published before it died."""
    told = {"decision": PROMOTED, "old_id": None, **scores}
    return filled.studio.models.add(filled.set_id, bundle, scores=told, job_id=held.id)


def test_what_an_earlier_attempt_published_is_not_trained_again(filled: Filled, small_bundle: Path) -> None:
    held = held_job(filled)
    version = published(filled, held, small_bundle)
    outcome = retrain(filled.workshop, held, Pulse(filled.jobs, held, lambda: False))
    assert (outcome.result["version"], outcome.message) == (1, "Version 1 is live: it is better")
    assert live(filled).id == version.id
    assert len(filled.studio.models.all(filled.set_id)) == 1


def test_a_version_is_only_a_candidate_if_another_went_live_since_it_was_compared(
    filled: Filled, small_bundle: Path
) -> None:
    held = held_job(filled)
    by_hand = filled.studio.models.add(filled.set_id, small_bundle)
    published(filled, held, small_bundle)
    filled.studio.models.promote(by_hand.id)
    outcome = retrain(filled.workshop, held, Pulse(filled.jobs, held, lambda: False))
    assert outcome.result["decision"]["verdict"] == "candidate"
    assert "Meanwhile the live model was changed to version 1" in outcome.message
    assert live(filled).id == by_hand.id


def test_a_version_that_was_refused_stays_refused(filled: Filled, small_bundle: Path) -> None:
    held = held_job(filled)
    refused = {"verdict": "refused", "reasons": ["'wave' got worse"]}
    filled.studio.models.add(
        filled.set_id, small_bundle, scores={"decision": refused, "old_id": None}, job_id=held.id, state="refused"
    )
    outcome = retrain(filled.workshop, held, Pulse(filled.jobs, held, lambda: False))
    assert outcome.message == "Version 1 was refused: 'wave' got worse"
    assert filled.studio.models.live(filled.set_id) is None


@pytest.mark.slow
def test_an_option_that_is_none_is_told_by_the_training(filled: Filled) -> None:
    filled.join(3)
    asked = filled.jobs.enqueue("train", filled.set_id, {"training": {"epoch": 3}})
    job = filled.work()
    assert job.id == asked
    assert job.state == "failed"
    assert job.message.startswith("the training has no option 'epoch'. There are: epochs, epoch_steps")


@pytest.mark.slow
def test_a_live_model_that_is_damaged_is_no_reason_to_fail_and_nothing_goes_live(
    filled: Filled, small_bundle: Path
) -> None:
    filled.join(3)
    other = filled.studio.models.add(filled.set_id, small_bundle)
    filled.studio.models.promote(other.id)
    for stored in filled.studio.files.all():
        if stored.key.startswith("bundles/"):
            filled.studio.files.put(stored.key, b"damaged")
    job = filled.work()
    assert job.state == "done", job.message
    assert (
        job.message
        == "Version 2 was kept as a candidate: It cannot be compared with the live model; promote it if it is better."
    )
    assert live(filled).id == other.id


def test_a_set_that_was_deleted_meanwhile_is_told(filled: Filled) -> None:
    held = held_job(filled)
    filled.studio.sets.delete(filled.admin, filled.set_id)
    with pytest.raises(StudioError, match="not there"):
        retrain(filled.workshop, held, Pulse(filled.jobs, held, lambda: False))
