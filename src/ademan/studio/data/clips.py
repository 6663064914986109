"""Clips of a studio: a row in the database, and a file with the points; recordings; who may see and change what."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Select, case, delete, func, select, update
from sqlalchemy.orm import Session

from ademan.clip import Clip
from ademan.studio.data.clip_files import from_bytes, to_bytes
from ademan.studio.data.clip_stats import measure
from ademan.studio.data.database import Database, now_ms
from ademan.studio.data.errors import StudioError
from ademan.studio.data.files import FileStore, delete_files, new_key, put_for_rows
from ademan.studio.data.gestures import set_of
from ademan.studio.data.names import clean_text
from ademan.studio.data.people import user_of
from ademan.studio.data.settings import MOST_CLIPS, Settings
from ademan.studio.data.tables import CLIP_ORIGINS, ClipRow, ClipStats, Gesture, GestureSet, ModelVersion, Recording

MOST_ROWS = 500
"""Of one page."""
MOST_RECORDINGS = 120
"""That one person may begin in an hour: one takes a minute at least."""
_HOUR_MS = 3_600_000
_YOUNG_MS = _HOUR_MS  # a file whose row is not there may belong to a clip that is being added
_FEW = 10
_NOT_THERE = "This clip is not there, or no longer."


@dataclass(frozen=True)
class Guess:
    """What a model took a clip for.

    Args:
        label: it said.
        confidence: 0 to 1.
        model_id: of the model's version.
    """

    label: str
    confidence: float
    model_id: int | None = None


@dataclass(frozen=True)
class ClipInfo:
    """A clip as pages show it.

    Args:
        id: 32 hexadecimal digits.
        set_id: of its set.
        user_id: of the person who is seen; None if it was imported.
        recording_id: of what was recorded in one go.
        gesture_id: of its gesture; None if it has none, or no name yet.
        label: name of its gesture, the set's idle label, or None if it has no name yet.
        state: 'new', 'accepted' or 'excluded'.
        origin: 'record', 'try' or 'import'.
        frames: how many.
        duration_ms: from the first to the last.
        created_ms: when it was added.
        has_video: whether there is a video of it.
        guess: what a model took it for when it came.
        doubt: 0 to 1, how doubtful the label is to the model; 0.5 without a guess, 1 without a label.
        reviewed_by: who accepted or excluded it.
        reviewed_ms: when.
    """

    id: str
    set_id: int
    user_id: int | None
    recording_id: int | None
    gesture_id: int | None
    label: str | None
    state: str
    origin: str
    frames: int
    duration_ms: float
    created_ms: int
    has_video: bool
    guess: Guess | None
    doubt: float
    reviewed_by: int | None
    reviewed_ms: int | None


@dataclass(frozen=True)
class Page:
    """Some of many clips.

    Args:
        clips: of this page.
        total: how many there are.
    """

    clips: list[ClipInfo]
    total: int


@dataclass(frozen=True)
class Checked:
    """What did not fit together, and was mended.

    Args:
        rows: ids of clips whose file was lost; they were deleted.
        videos: ids of clips whose video was lost; they have none now.
        files: keys of files that belonged to nothing; they were deleted.
        bundles: ids of model versions whose bundle is lost, which cannot be mended; restore a backup.
    """

    rows: tuple[str, ...]
    videos: tuple[str, ...]
    files: tuple[str, ...]
    bundles: tuple[int, ...]


class Clips:
    """The clips of a studio. `by` is the id of whoever asks: a person sees their own clips, an admin all.

    Whatever is asked of a clip that is not there, or is somebody else's, raises StudioError 'gone'.

    Args:
        database: of the studio.
        files: where the points and videos are.
    """

    def __init__(self, database: Database, files: FileStore) -> None:
        self._database, self._files, self._settings = database, files, Settings(database)

    def begin_recording(self, by: int, set_id: int, *, video_agreed: bool = False) -> int:
        """Begin a recording of oneself, and return its id.

        Args:
            by: who is recorded.
            set_id: for which set.
            video_agreed: whether that person agreed that videos are kept.

        Raises:
            StudioError: 'gone', there is no such set; 'too_many' recordings in an hour.
        """
        with self._database.writing() as session:
            set_of(session, set_id)
            _check_pace(session, by)
            row = Recording(user_id=by, set_id=set_id, started_ms=now_ms(), video_agreed=video_agreed)
            session.add(row)
            session.flush()
            return row.id

    def end_recording(self, by: int, recording_id: int) -> None:
        """Note that a recording of one's own has ended; one that has is left as it is.

        Raises:
            StudioError: 'gone', there is none, or it is somebody else's.
        """
        with self._database.writing() as session:
            row = session.get(Recording, recording_id)
            if row is None or row.user_id != by:
                raise StudioError("gone", "This recording is not there, or no longer.")
            row.ended_ms = row.ended_ms or now_ms()

    def add(
        self,
        clip: Clip,
        set_id: int,
        user_id: int | None,
        *,
        origin: str = "record",
        gesture_id: int | None = None,
        idle: bool = False,
        recording_id: int | None = None,
        guess: Guess | None = None,
        video: bytes = b"",
        video_ending: str = ".webm",
    ) -> ClipInfo:
        """Keep a clip: first its file, then its row, so that no row is ever without a file.

        Args:
            clip: points (T, P, 3) in square coordinates, with the skeleton of the set.
            set_id: of the set.
            user_id: of the person who is seen.
            origin: 'record', 'try' or 'import'.
            gesture_id: what is shown, if that is known.
            idle: whether none of the gestures is shown.
            recording_id: of the recording that it is part of.
            guess: what a model took it for.
            video: if the person agreed to it when the recording began.
            video_ending: '.webm' or '.mp4'.

        Raises:
            StudioError: 'bad', it does not fit the set; 'gone', set, gesture, recording or person are not there;
                'forbidden', a video that nobody agreed to; 'too_many' clips of this person; 'unavailable'.
        """
        content, measured = to_bytes(clip), measure(clip)
        row = ClipRow(
            recording_id=recording_id, user_id=user_id, set_id=set_id, gesture_id=gesture_id, is_idle=idle, state="new",
            origin=origin, frames=len(clip), duration_ms=clip.duration_ms, file_key=new_key("clips", ".npz"),
            sha256=sha256(content).hexdigest(), video_key=new_key("videos", video_ending) if video else None,
            created_ms=now_ms(),
        )  # fmt: skip
        row.id = row.file_key.rpartition("/")[2].removesuffix(".npz")
        if guess:
            label = clean_text(guess.label, 256)
            row.guess, row.guess_confidence, row.guess_model_id = label, float(guess.confidence), guess.model_id
        with self._database.reading() as session:
            self._check(session, row, clip)  # refused before anything is written
        contents = {row.file_key: content} | ({row.video_key: video} if row.video_key else {})
        with put_for_rows(self._files, contents), self._database.writing(f"clips of {user_id}") as session:
            self._check(session, row, clip)
            session.add(row)
            session.flush()
            session.add(ClipStats(clip_id=row.id, **vars(measured)))
            session.flush()
            return one_info(session, row.id)

    def mine(
        self,
        by: int,
        *,
        set_id: int | None = None,
        gesture_id: int | None = None,
        idle: bool = False,
        state: str = "",
        offset: int = 0,
        limit: int = 50,
    ) -> Page:
        """Return somebody's own clips, the newest first.

        Args:
            by: whose they are.
            set_id: of this set alone.
            gesture_id: of this gesture alone.
            idle: those alone that show none of the gestures.
            state: 'new', 'accepted' or 'excluded'; all of them by default.
            offset: how many to pass over.
            limit: how many to return at most.
        """
        which = [ClipRow.user_id == by]
        which += [ClipRow.set_id == set_id] if set_id is not None else []
        which += [ClipRow.gesture_id == gesture_id] if gesture_id is not None else []
        which += [ClipRow.is_idle.is_(True)] if idle else []
        which += [ClipRow.state == state] if state else []
        with self._database.reading() as session:
            return page(session, which, [ClipRow.created_ms.desc(), ClipRow.id], offset, limit)

    def get(self, by: int, clip_id: str) -> ClipInfo:
        """Return what is known of a clip."""
        with self._database.reading() as session:
            visible(session, by, [clip_id])
            return one_info(session, clip_id)

    def content(self, by: int, clip_id: str) -> bytes:
        """Return a clip's file, to be downloaded; see clip_files.py.

        Raises:
            StudioError: 'gone', also if the file is damaged; 'unavailable'.
        """
        with self._database.reading() as session:
            row = visible(session, by, [clip_id])[0]
        return read_content(self._files, row)

    def points(self, by: int, clip_id: str) -> Clip:
        """Return a clip's points; see `content`."""
        return from_bytes(self.content(by, clip_id))

    def video(self, by: int, clip_id: str) -> tuple[bytes, str]:
        """Return the video of a clip, and its ending, '.webm' or '.mp4'."""
        with self._database.reading() as session:
            key = visible(session, by, [clip_id])[0].video_key
        if key is None:
            raise StudioError("gone", "There is no video of this clip.")
        return self._files.get(key), key[key.rindex(".") :]

    def add_video(self, by: int, clip_id: str, video: bytes, ending: str) -> None:
        """Keep the video of a clip of one's own; like `add`, first the file and then the row.

        Args:
            by: who is seen.
            clip_id: of a clip of a recording in which that person agreed to videos.
            video: what the browser recorded.
            ending: '.webm' or '.mp4'.

        Raises:
            StudioError: 'gone', the clip is not there, or is somebody else's; 'forbidden', nobody agreed; 'taken', it
                has a video; 'bad', the video is too large; 'unavailable'.
        """
        key = new_key("videos", ending)
        with self._database.reading() as session:
            _may_have_video(session, by, visible(session, by, [clip_id])[0])  # refused before anything is written
        with put_for_rows(self._files, {key: video}), self._database.writing() as session:
            row = visible(session, by, [clip_id], changing=True)[0]
            _may_have_video(session, by, row)
            row.video_key = key

    def delete_video(self, by: int, clip_id: str) -> None:
        """Delete the video of a clip, for ever; its points stay."""
        with self._database.writing() as session:
            row = visible(session, by, [clip_id], changing=True)[0]
            key, row.video_key = row.video_key, None
        if key is not None:
            delete_files(self._files, [key])

    def relabel(self, by: int, clip_id: str, gesture_id: int | None, *, idle: bool = False) -> ClipInfo:
        """Say what a clip shows; unless an admin says it, it must be reviewed again.

        Raises:
            StudioError: 'gone', the clip or the gesture; 'bad', the gesture is of another set.
        """
        with self._database.writing() as session:
            row = visible(session, by, [clip_id], changing=True)[0]
            row.gesture_id, row.is_idle = gesture_id, idle
            _check_label(session, row)
            if user_of(session, by).role != "admin":
                row.state, row.reviewed_by, row.reviewed_ms = "new", None, None
            session.flush()
            return one_info(session, clip_id)

    def delete(self, by: int, clip_ids: Sequence[str]) -> None:
        """Delete clips with their files, for ever; all of them or, if one of them is not there, none."""
        with self._database.writing() as session:
            rows = visible(session, by, clip_ids, changing=True)
            session.execute(delete(ClipRow).where(ClipRow.id.in_([row.id for row in rows])))
        delete_files(self._files, (key for row in rows for key in (row.file_key, row.video_key) if key))

    def check(self) -> Checked:
        """Find rows without files, and files without rows, as a process that was killed leaves them, and mend them.

        Raises:
            StudioError: 'bad', more than half of the files are lost: this is another folder, or one not mounted.
        """
        with self._database.reading() as session:
            clips = session.execute(select(ClipRow.id, ClipRow.file_key, ClipRow.video_key)).all()
            bundles = session.execute(select(ModelVersion.id, ModelVersion.bundle_key)).all()
        there = {file.key: file for file in self._files.all()}  # after the rows: of those each had its file by then
        rows = tuple(row.id for row in clips if row.file_key not in there)
        if len(rows) > max(_FEW, len(clips) // 2):
            raise StudioError(
                "bad",
                f"{len(rows)} of {len(clips)} clips have no file. Nothing was changed: the database and the files "
                "seem to be those of two studios, or the folder is not mounted. Look at ADEMAN_STUDIO_FILES.",
            )
        videos = tuple(row.id for row in clips if row.video_key and row.video_key not in there)
        known = {key for row in clips for key in (row.file_key, row.video_key)} | {row.bundle_key for row in bundles}
        old = now_ms() - _YOUNG_MS
        files = tuple(sorted(key for key in there.keys() - known if there[key].changed_ms < old))
        with self._database.writing() as session:
            for chunk in (rows[i : i + MOST_ROWS] for i in range(0, len(rows), MOST_ROWS)):
                session.execute(delete(ClipRow).where(ClipRow.id.in_(chunk)))
            for chunk in (videos[i : i + MOST_ROWS] for i in range(0, len(videos), MOST_ROWS)):
                session.execute(update(ClipRow).where(ClipRow.id.in_(chunk)).values(video_key=None))
        delete_files(self._files, files)
        self._files.tidy(old)
        return Checked(rows, videos, files, tuple(row.id for row in bundles if row.bundle_key not in there))

    def _check(self, session: Session, row: ClipRow, clip: Clip) -> None:
        """Refuse a clip that does not fit what is in the database."""
        owner = set_of(session, row.set_id)
        if clip.skeleton != owner.skeleton:
            raise StudioError(
                "bad",
                f"The clip has skeleton '{clip.skeleton.name}'; the set '{owner.name}' has '{owner.skeleton.name}'.",
            )
        if row.origin not in CLIP_ORIGINS:
            raise StudioError("bad", f"A clip is of {', '.join(CLIP_ORIGINS)}, not {row.origin!a:.40}.")
        _check_label(session, row)
        if row.guess_confidence is not None and not 0 <= row.guess_confidence <= 1:
            raise StudioError("bad", f"A confidence is from 0 to 1, found {row.guess_confidence}.")
        if row.user_id is not None:
            user_of(session, row.user_id)
            most = self._settings.get(MOST_CLIPS)
            if (session.scalar(select(func.count()).where(ClipRow.user_id == row.user_id)) or 0) >= most:
                raise StudioError("too_many", f"You have {most} clips, the most one may have here. Delete some first.")
        _check_recording(session, row)


def _check_label(session: Session, row: ClipRow) -> None:
    if row.gesture_id is None:
        return
    gesture = session.get(Gesture, row.gesture_id)
    if gesture is None:
        raise StudioError("gone", "This gesture is not there, or no longer.")
    if gesture.set_id != row.set_id or row.is_idle:
        raise StudioError("bad", "A clip shows a gesture of its own set, or none; not both.")


def _check_pace(session: Session, by: int) -> None:
    lately = select(func.count()).where(Recording.user_id == by, Recording.started_ms > now_ms() - _HOUR_MS)
    if (session.scalar(lately) or 0) >= MOST_RECORDINGS:
        message = f"You began {MOST_RECORDINGS} recordings in this hour, the most that one may. Go on later."
        raise StudioError("too_many", message, retry_after_s=_HOUR_MS // 1000)


def _check_recording(session: Session, row: ClipRow) -> None:
    agreed = False
    if row.recording_id is not None:
        recording = session.get(Recording, row.recording_id)
        if recording is None or recording.user_id != row.user_id or recording.set_id != row.set_id:
            raise StudioError("gone", "This recording is not there, or no longer.")
        agreed = recording.video_agreed
    if row.video_key and not agreed:
        raise StudioError("forbidden", "Nobody agreed to a video; only the points can be kept.")


def _may_have_video(session: Session, by: int, row: ClipRow) -> None:
    """Refuse a video of a clip that has one, or of which nobody agreed to one."""
    if row.user_id != by:
        raise StudioError("gone", _NOT_THERE)  # also for an admin: only who is seen can have agreed
    recording = session.get(Recording, row.recording_id) if row.recording_id is not None else None
    if recording is None or not recording.video_agreed:
        raise StudioError("forbidden", "Nobody agreed to a video; only the points can be kept.")
    if row.video_key is not None:
        raise StudioError("taken", "This clip has a video.")


def visible(session: Session, by: int, clip_ids: Sequence[str], *, changing: bool = False) -> Sequence[ClipRow]:
    """Return the rows of clips that somebody may see, in the order of their ids.

    Raises:
        StudioError: 'gone', one of them is not there, or is somebody else's; 'too_many' ids.
    """
    wanted = set(clip_ids)
    if len(wanted) > MOST_ROWS:
        raise StudioError("too_many", f"{len(wanted)} clips at once are too many; {MOST_ROWS} are the most.")
    asked = select(ClipRow).where(ClipRow.id.in_(wanted)).order_by(ClipRow.id)
    if user_of(session, by).role != "admin":
        asked = asked.where(ClipRow.user_id == by)
    rows = session.scalars(asked.with_for_update() if changing else asked).all()
    if len(rows) != len(wanted):
        raise StudioError("gone", _NOT_THERE)
    return rows


def read_content(files: FileStore, row: ClipRow) -> bytes:
    """Return a clip's file if it is what it was when it was written.

    Raises:
        StudioError: 'gone', it is not there or damaged; 'unavailable'.
    """
    content = files.get(row.file_key)
    if sha256(content).hexdigest() != row.sha256:
        raise StudioError("gone", f"The file of clip {row.id} is damaged. Delete the clip, or restore a backup.")
    return content


def label_of() -> ColumnElement[str | None]:
    """Return the label of a clip as a column; its gesture and its set must be joined."""
    return case((ClipRow.is_idle, GestureSet.idle), else_=Gesture.name)


def doubt_of() -> ColumnElement[float]:
    """Return how doubtful the label of a clip is to the model, as a column; see `ClipInfo.doubt`.

    One minus what the model gives the label. Of a label that it did not choose, that is only known to be no more than
    what is left, and no more than its choice has.
    """
    other = 1.0 - ClipRow.guess_confidence
    return case(
        (label_of().is_(None), 1.0),
        (ClipRow.guess_confidence.is_(None), 0.5),
        (ClipRow.guess == label_of(), other),
        (ClipRow.guess_confidence > other, ClipRow.guess_confidence),
        else_=other,
    )


def joined(*columns: Any) -> Select[Any]:
    """Return a question about clips with their gestures and sets."""
    asked: Select[Any] = select(*columns).select_from(ClipRow).join(GestureSet, GestureSet.id == ClipRow.set_id)
    return asked.outerjoin(Gesture, Gesture.id == ClipRow.gesture_id)


def page(session: Session, which: Sequence[ColumnElement[bool]], order: Sequence[Any], offset: int, limit: int) -> Page:
    """Return some of the clips for which all conditions hold."""
    total = session.scalar(joined(func.count()).where(*which)) or 0
    asked = joined(ClipRow, label_of(), doubt_of()).where(*which).order_by(*order)
    rows = session.execute(asked.offset(max(0, offset)).limit(min(max(1, limit), MOST_ROWS))).all()
    return Page([_info(*row) for row in rows], total)


def one_info(session: Session, clip_id: str) -> ClipInfo:
    """Return what is known of a clip that is there."""
    row = session.execute(joined(ClipRow, label_of(), doubt_of()).where(ClipRow.id == clip_id)).one()
    return _info(*row)


def _info(row: ClipRow, label: str | None, doubt: float) -> ClipInfo:
    guess = Guess(row.guess, row.guess_confidence or 0.0, row.guess_model_id) if row.guess is not None else None
    return ClipInfo(
        row.id, row.set_id, row.user_id, row.recording_id, row.gesture_id, label, row.state, row.origin, row.frames,
        row.duration_ms, row.created_ms, row.video_key is not None, guess, float(doubt), row.reviewed_by,
        row.reviewed_ms,
    )  # fmt: skip
