"""Clips, versions and jobs for the pages that show them: put into a running studio as its parts would."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from ademan.studio.data.clips import Clips, Guess
from ademan.studio.data.gestures import GestureSets, SetInfo
from ademan.studio.data.jobs import Jobs
from ademan.studio.data.models import Models, VersionInfo
from ademan.studio.data.predictions import Predictions, Said
from ademan.studio.data.review import Review
from ademan.studio.data.tables import ModelVersion
from ademan.studio.data.workers import Workers
from ademan.studio.work.gate import Decision, Gate, Judged, decide
from tests.studio.conftest import made_clip
from tests.studio.web.conftest import Running, Visitor

ADA = 1
LABELS = ("wave", "bow", "idle")


def judged(*rows: Sequence[int], labels: tuple[str, ...] = LABELS) -> Judged:
    """Return what a model did: a row a true label, a column a predicted one."""
    return Judged(labels, tuple(tuple(row) for row in rows))


GOOD_ONE = judged((9, 1, 0), (0, 10, 0), (1, 0, 9))
BAD_ONE = judged((4, 6, 0), (0, 10, 0), (1, 0, 9))


@dataclass(frozen=True)
class Stock:
    """The data of a running studio, and short ways to fill it. Ada is its admin."""

    studio: Running

    @cached_property
    def sets(self) -> GestureSets:
        return GestureSets(self.studio.database, self.studio.files)

    @cached_property
    def clips(self) -> Clips:
        return Clips(self.studio.database, self.studio.files)

    @cached_property
    def review(self) -> Review:
        return Review(self.studio.database, self.studio.files)

    @cached_property
    def models(self) -> Models:
        return Models(self.studio.database, self.studio.files)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self.studio.database)

    @cached_property
    def workers(self) -> Workers:
        return Workers(self.studio.database)

    def set(self, name: str = "Greetings", gestures: Sequence[str] = ("wave", "bow")) -> SetInfo:
        """Make a set of hands."""
        return self.sets.add(ADA, name, gestures=[(gesture, "") for gesture in gestures])

    def clip(
        self,
        owner: SetInfo,
        label: str | None = "wave",
        *,
        person: int = ADA,
        guess: Guess | None = None,
        state: str = "new",
        recording: int | None = None,
        seed: int = 0,
    ) -> str:
        """Add a clip, and return its id."""
        gesture = owner.gesture(label) if label else None
        added = self.clips.add(
            made_clip(seed=seed),
            owner.id,
            person,
            gesture_id=gesture.id if gesture else None,
            idle=label == owner.idle,
            guess=guess,
            recording_id=recording,
        )
        if state != "new":
            self.review.decide(ADA, [added.id], state)
        return added.id

    def recorded(self, owner: SetInfo, person: int, each: int = 3, labels: Sequence[str] = LABELS) -> list[str]:
        """Let somebody record so many clips of each label, all accepted."""
        recording = self.clips.begin_recording(person, owner.id)
        ids = [
            self.clip(owner, label, person=person, recording=recording, seed=k) for label in labels for k in range(each)
        ]
        self.review.decide(ADA, ids, "accepted")
        return ids

    def corrected(self, version: VersionInfo, *, truth: str = "bow", person: int = ADA) -> str:
        """Let somebody correct a prediction, and return the id of the clip that came of it."""
        predictions = Predictions(self.studio.database, self.studio.files)
        (said,) = predictions.add([Said(1_000, "began", version.id, "wave", 0.6, 12.0, person)])
        found = predictions.correct(person, said, truth, made_clip(seed=5)).clip_id
        assert found is not None
        return found

    def version(
        self,
        owner: SetInfo,
        bundle: Path,
        new: Judged | None = GOOD_ONE,
        old: Judged | None = None,
        *,
        old_id: int | None = None,
        decision: Decision | None = None,
        **more: Any,
    ) -> VersionInfo:
        """Keep a version as a worker would, and promote it if the gate says so."""
        if new is None:
            return self.models.add(owner.id, bundle, **more)
        decision = decision or decide(Gate(), old, new)
        split = {"kind": "people", "people_learnt": [ADA], "people_tested": [], "told": []}
        scores: dict[str, Any] = {
            "new": new.to_json(),
            "old": old.to_json() if old else None,
            "old_id": old_id,
            "decision": decision.to_json(),
            "told": [],
            "seconds": 83.4,
            "weights": 12_345,
        }
        clips = {"counts": {"wave": 12, "bow": 10, "idle": 8}, "digest": "1", "train": 24, "test": 6, "people": 3}
        given: dict[str, Any] = {"scores": scores, "split": split, "clips": clips, "trained_by": ADA, **more}
        state = "refused" if decision.verdict == "refused" else "candidate"
        version = self.models.add(owner.id, bundle, state=state, **given)
        if decision.verdict == "promoted":
            return self.models.promote(version.id)
        return version

    def rename_labels(self, version: VersionInfo, labels: Sequence[str]) -> None:
        """Let a version know other labels, as far as pages see it."""
        manifest = {**version.manifest, "labels": list(labels)}
        with self.studio.database.writing() as session:
            session.execute(update(ModelVersion).where(ModelVersion.id == version.id).values(manifest=manifest))


@pytest.fixture
def stock(studio: Running) -> Stock:
    return Stock(studio)


@pytest.fixture
def owner(stock: Stock) -> SetInfo:
    return stock.set()


@pytest.fixture
def ada(studio: Running) -> Visitor:
    admin = studio.visitor()
    admin.log_in("Ada")
    return admin
