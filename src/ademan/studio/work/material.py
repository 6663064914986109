"""The material of a training: which accepted clips there are, who is kept for the test, and the dataset of them."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ademan.studio.data import Database
from ademan.studio.data.files import FileStore, Stored
from ademan.studio.data.gestures import SetInfo, set_of
from ademan.studio.data.review import Review
from ademan.studio.data.tables import HeldOutPerson, ModelVersion, User
from ademan.studio.work.folder import SPLIT
from ademan.studio.work.holdout import ClipFacts, Earlier, HoldOut, hold_out


@dataclass(frozen=True)
class Material:
    """What a training is made of.

    Args:
        gestures: the set.
        clips: all its accepted ones.
        held: how they are divided.
    """

    gestures: SetInfo
    clips: tuple[ClipFacts, ...]
    held: HoldOut

    @property
    def taken(self) -> list[ClipFacts]:
        """The clips that are in one of the parts."""
        ids = {i for part in self.held.parts().values() for i in part}
        return [clip for clip in self.clips if clip.id in ids]

    @property
    def digest(self) -> str:
        """SHA-256 of all that decides the dataset but the points themselves; those of a clip never change."""
        clips = sorted((clip.id, clip.label, clip.person, clip.recording) for clip in self.taken)
        told = [self.gestures.labels, self.gestures.landmarks, clips, self.held.parts()]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    def told(self) -> dict[str, Any]:
        """Return what is kept of the clips with a version: counts and digest, as plain values."""
        labels = Counter(clip.label for clip in self.taken)
        people = {clip.person for clip in self.taken} - {None}
        counts = {"train": len(self.held.train), "test": len(self.held.test), "people": len(people)}
        return {**counts, "counts": dict(sorted(labels.items())), "digest": self.digest}

    def in_words(self) -> Sequence[str]:
        """Return how the clips are divided, and what a reader of the result should know."""
        held = self.held
        who = {
            "people": "of one whole person" if len(held.people) == 1 else f"of {len(held.people)} whole people",
            "recordings": "of whole recordings",
            "clips": "of the same recordings",
        }[held.kind]
        counts = f"{len(held.train)} clips to learn from, {len(held.test)} {who} to test with"
        return (f"{counts}; gestures: {', '.join(held.labels)}.", *held.told)


def facts(database: Database, files: FileStore, set_id: int) -> tuple[SetInfo, tuple[ClipFacts, ...], Earlier]:
    """Return a set, its accepted clips, and what is bound already.

    Raises:
        StudioError: 'gone', there is no such set; 'unavailable'.
    """
    with database.reading() as session:
        gestures = set_of(session, set_id)
        frozen = session.scalars(select(HeldOutPerson.user_id).where(HeldOutPerson.set_id == set_id)).all()
        splits = session.scalars(select(ModelVersion.split).where(ModelVersion.set_id == set_id)).all()
    accepted = Review(database, files).accepted(set_id)
    clips = tuple(ClipFacts(clip.id, clip.label, clip.user_id, clip.recording_id) for clip in accepted)
    return gestures, clips, Earlier.of(frozen, splits)


def gather(database: Database, files: FileStore, set_id: int) -> Material:
    """Return the material of a set; people who are kept for its test now are kept for ever.

    Raises:
        StudioError: 'gone', there is no such set; 'bad', there is too little to learn from; 'unavailable'.
    """
    gestures, clips, earlier = facts(database, files, set_id)
    held = hold_out(clips, earlier)
    _freeze(database, set_id, held.people)
    return Material(gestures, clips, held)


def _freeze(database: Database, set_id: int, people: Sequence[int]) -> None:
    """Note who is kept for the test; whoever has just left is passed over, and their clips are gone."""
    with database.writing(f"test people of set {set_id}") as session:
        known = select(HeldOutPerson.user_id).where(HeldOutPerson.set_id == set_id)
        there = select(User.id).where(User.id.in_(people), User.id.not_in(known)).with_for_update(read=True)
        session.add_all(HeldOutPerson(set_id=set_id, user_id=person) for person in sorted(session.scalars(there)))


def write_dataset(
    path: Path,
    material: Material,
    database: Database,
    files: FileStore,
    check: Callable[[], None],
    tell: Callable[[str], None],
) -> None:
    """Write the clips of both parts as a dataset, with their division as its official split `SPLIT`.

    Args:
        path: of the dataset.
        material: whose clips are meant.
        database: of the studio.
        files: where their points are.
        check: called before each clip; what it raises ends the writing, and nothing is left of it.
        tell: called with clips that had to be left out.

    Raises:
        AdemanError: see `Review.export`.
    """
    review = Review(database, _Watched(files, check))
    ids = {clip.id for clip in material.taken}
    written = review.export(material.gestures.id, path, ids=ids, splits={SPLIT: material.held.parts()})
    for clip, reason in list(written.left_out.items())[:3]:
        tell(f"Clip {clip} is left out: {reason}")
    if len(written.left_out) > 3:
        tell(f"{len(written.left_out)} clips are left out in all.")


class _Watched:
    """Files, where each reading asks before whether to go on."""

    def __init__(self, files: FileStore, check: Callable[[], None]) -> None:
        self._files, self._check = files, check

    def get(self, key: str) -> bytes:
        self._check()
        return self._files.get(key)

    def put(self, key: str, content: bytes) -> None:
        self._files.put(key, content)

    def delete(self, key: str) -> None:
        self._files.delete(key)

    def all(self) -> Iterator[Stored]:
        return self._files.all()

    def local(self, key: str) -> AbstractContextManager[Path]:
        return self._files.local(key)

    def tidy(self, before_ms: int) -> None:
        self._files.tidy(before_ms)
