"""Gesture sets, and the gestures in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ademan.skeleton import BUILT_IN, Skeleton
from ademan.studio.data.database import Database, now_ms
from ademan.studio.data.errors import StudioError
from ademan.studio.data.files import FileStore, delete_files
from ademan.studio.data.names import clean_name, clean_text, name_key
from ademan.studio.data.people import require_admin
from ademan.studio.data.tables import LANDMARKS, ClipRow, Gesture, GestureSet, ModelVersion

SKELETON_NAMES = {"hands": "hands", "pose": "pose33", "holistic": "holistic75"}
"""Of what a set follows, the name of its built-in skeleton; the landmarkers have the same ones."""
MOST_GESTURES = 200
_LONGEST_NOTE = 500


@dataclass(frozen=True)
class GestureInfo:
    """A gesture.

    Args:
        id: never used again.
        name: also its label in datasets and models.
        note: how it is made.
    """

    id: int
    name: str
    note: str


@dataclass(frozen=True)
class SetInfo:
    """A gesture set.

    Args:
        id: never used again.
        name: unique.
        landmarks: 'hands', 'pose' or 'holistic'.
        idle: label of clips that show no gesture.
        created_by: who made it; None if they have left.
        created_ms: when.
        gestures: in the order in which they are shown.
    """

    id: int
    name: str
    landmarks: str
    idle: str
    created_by: int | None
    created_ms: int
    gestures: tuple[GestureInfo, ...]

    @property
    def skeleton(self) -> Skeleton:
        """Of its clips."""
        return BUILT_IN[SKELETON_NAMES[self.landmarks]]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the gestures, and the idle label at the end."""
        return (*(gesture.name for gesture in self.gestures), self.idle)

    def gesture(self, label: str) -> GestureInfo | None:
        """Return the gesture with a name."""
        key = name_key(label)
        return next((gesture for gesture in self.gestures if name_key(gesture.name) == key), None)


class GestureSets:
    """The gesture sets of a studio. Everybody may look; admins change them. `by` is the id of whoever asks.

    What changes something raises StudioError: 'forbidden', no admin asks; 'gone', there is no such set or gesture;
    'taken', one is called so already; 'bad', a name is not allowed.

    Args:
        database: of the studio.
        files: where the clips and bundles are that go with a set.
    """

    def __init__(self, database: Database, files: FileStore) -> None:
        self._database, self._files = database, files

    def all(self) -> list[SetInfo]:
        """Return all sets, by their names."""
        with self._database.reading() as session:
            rows = session.scalars(select(GestureSet).order_by(GestureSet.name_key)).all()
            return [_set_info(row, gestures_of(session, row.id)) for row in rows]

    def get(self, set_id: int) -> SetInfo:
        """Return a set."""
        with self._database.reading() as session:
            return set_of(session, set_id)

    def add(
        self,
        by: int,
        name: str,
        landmarks: str = "hands",
        idle: str = "idle",
        gestures: Sequence[tuple[str, str]] = (),
    ) -> SetInfo:
        """Make a set.

        Args:
            by: an admin.
            name: of the set.
            landmarks: 'hands', 'pose' or 'holistic'.
            idle: label of clips that show no gesture.
            gestures: names and notes of the first ones; if one of them is refused, there is no set.
        """
        name, idle = clean_name(name), clean_name(idle, "The label of clips without a gesture")
        if landmarks not in LANDMARKS:
            raise StudioError("bad", f"A set follows {', '.join(LANDMARKS)}, not {landmarks!a:.40}.")
        with self._database.writing("sets") as session:
            require_admin(session, by)
            _check_set_name(session, name, 0)
            row = GestureSet(
                name=name, name_key=name_key(name), landmarks=landmarks, idle=idle, created_by=by, created_ms=now_ms()
            )
            session.add(row)
            session.flush()
            for gesture, note in gestures:
                _put(session, row, gesture, note)
            return _set_info(row, gestures_of(session, row.id))

    def rename(self, by: int, set_id: int, name: str) -> None:
        """Call a set otherwise."""
        name = clean_name(name)
        with self._database.writing("sets") as session:
            require_admin(session, by)
            row = _row(session, set_id)
            _check_set_name(session, name, set_id)
            row.name, row.name_key = name, name_key(name)

    def delete(self, by: int, set_id: int) -> None:
        """Delete a set with all that belongs to it: clips, models, predictions, jobs."""
        with self._database.writing("sets") as session:
            require_admin(session, by)
            row = _row(session, set_id)
            clips = session.execute(select(ClipRow.file_key, ClipRow.video_key).where(ClipRow.set_id == set_id)).all()
            bundles = session.scalars(select(ModelVersion.bundle_key).where(ModelVersion.set_id == set_id)).all()
            session.delete(row)
        self._database.forget()
        delete_files(self._files, (*(key for pair in clips for key in pair if key), *bundles))

    def add_gesture(self, by: int, set_id: int, name: str, note: str = "") -> GestureInfo:
        """Put a gesture at the end of a set."""
        with self._database.writing("sets") as session:
            require_admin(session, by)
            return _gesture_info(_put(session, _row(session, set_id), name, note))

    def change_gesture(self, by: int, gesture_id: int, name: str, note: str) -> None:
        """Give a gesture another name and note; its clips stay with it."""
        name = clean_name(name)
        with self._database.writing("sets") as session:
            require_admin(session, by)
            row = _gesture_row(session, gesture_id)
            _check_gesture_name(_row(session, row.set_id), gestures_of(session, row.set_id), name, gesture_id)
            row.name, row.name_key, row.note = name, name_key(name), clean_text(note, _LONGEST_NOTE)

    def order(self, by: int, set_id: int, gesture_ids: Sequence[int]) -> None:
        """Show the gestures of a set in another order; those that are not named come after the others."""
        rank = {gesture_id: i for i, gesture_id in enumerate(gesture_ids)}
        with self._database.writing("sets") as session:
            require_admin(session, by)
            _row(session, set_id)
            there = gestures_of(session, set_id)
            for i, row in enumerate(sorted(there, key=lambda row: rank.get(row.id, len(rank)))):
                row.position = i

    def delete_gesture(self, by: int, gesture_id: int) -> int:
        """Delete a gesture; its clips stay, as new ones without a name. Returns how many they are."""
        with self._database.writing("sets") as session:
            require_admin(session, by)
            row = _gesture_row(session, gesture_id)
            nameless = update(ClipRow).where(ClipRow.gesture_id == gesture_id).values(gesture_id=None, state="new")
            count = len(session.execute(nameless.returning(ClipRow.id)).all())
            session.delete(row)
            return count


def set_of(session: Session, set_id: int) -> SetInfo:
    """Return a set.

    Raises:
        StudioError: 'gone', there is none with this id.
    """
    return _set_info(_row(session, set_id), gestures_of(session, set_id))


def gestures_of(session: Session, set_id: int) -> Sequence[Gesture]:
    """Return the gestures of a set in the order in which they are shown."""
    return session.scalars(select(Gesture).where(Gesture.set_id == set_id).order_by(Gesture.position, Gesture.id)).all()


def _row(session: Session, set_id: int) -> GestureSet:
    row = session.get(GestureSet, set_id)
    if row is None:
        raise StudioError("gone", "This set is not there, or no longer.")
    return row


def _gesture_row(session: Session, gesture_id: int) -> Gesture:
    row = session.get(Gesture, gesture_id)
    if row is None:
        raise StudioError("gone", "This gesture is not there, or no longer.")
    return row


def _put(session: Session, owner: GestureSet, name: str, note: str) -> Gesture:
    """Put a gesture at the end of a set."""
    name = clean_name(name)
    there = gestures_of(session, owner.id)
    if len(there) >= MOST_GESTURES:
        raise StudioError("too_many", f"A set has {MOST_GESTURES} gestures at most.")
    _check_gesture_name(owner, there, name, 0)
    row = Gesture(
        set_id=owner.id, name=name, name_key=name_key(name), note=clean_text(note, _LONGEST_NOTE),
        position=max((gesture.position for gesture in there), default=-1) + 1,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def _check_set_name(session: Session, name: str, but: int) -> None:
    same = select(func.count()).where(GestureSet.name_key == name_key(name), GestureSet.id != but)
    if session.scalar(same):
        raise StudioError("taken", "A set is called so already.")


def _check_gesture_name(owner: GestureSet, there: Sequence[Gesture], name: str, but: int) -> None:
    key = name_key(name)
    if key == name_key(owner.idle):
        raise StudioError("taken", f"'{owner.idle}' is the name of clips of this set that show no gesture.")
    if any(gesture.name_key == key and gesture.id != but for gesture in there):
        raise StudioError("taken", "A gesture of this set is called so already.")


def _gesture_info(row: Gesture) -> GestureInfo:
    return GestureInfo(row.id, row.name, row.note)


def _set_info(row: GestureSet, gestures: Sequence[Gesture]) -> SetInfo:
    infos = tuple(_gesture_info(gesture) for gesture in gestures)
    return SetInfo(row.id, row.name, row.landmarks, row.idle, row.created_by, row.created_ms, infos)
