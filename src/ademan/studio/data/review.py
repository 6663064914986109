"""Reviewing clips, and giving the accepted ones to a training as a dataset."""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ademan.datasets import DatasetWriter
from ademan.errors import DatasetError
from ademan.studio.data.clip_files import from_bytes
from ademan.studio.data.clips import (
    MOST_ROWS,
    ClipInfo,
    Page,
    doubt_of,
    joined,
    label_of,
    one_info,
    page,
    read_content,
)
from ademan.studio.data.database import Database, now_ms
from ademan.studio.data.errors import StudioError
from ademan.studio.data.files import FileStore
from ademan.studio.data.gestures import set_of
from ademan.studio.data.people import require_admin
from ademan.studio.data.tables import CLIP_STATES, ClipRow, Gesture

Order = Literal["doubt", "newest", "oldest"]
Why = Literal["changed", "gone", "nameless", "bad"]


@dataclass(frozen=True)
class AcceptedClip:
    """A clip that can be learnt from.

    Args:
        id: 32 hexadecimal digits; also its id in the dataset.
        label: name of its gesture, or the set's idle label.
        user_id: of the person who is seen; None if it was imported.
        recording_id: of what was recorded in one go.
        created_ms: when it was added.
    """

    id: str
    label: str
    user_id: int | None
    recording_id: int | None
    created_ms: int


@dataclass(frozen=True)
class Exported:
    """What was written.

    Args:
        path: of the dataset.
        ids: of its clips, in their order.
        counts: of clips, by label.
        digest: of ids and labels; equal if and only if the same clips with the same labels were written.
        left_out: ids of clips that went meanwhile, or whose files are damaged, with the reason.
    """

    path: Path
    ids: tuple[str, ...]
    counts: Mapping[str, int]
    digest: str
    left_out: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return what a model version keeps of it."""
        return {"counts": dict(self.counts), "digest": self.digest, "left_out": len(self.left_out)}


@dataclass(frozen=True)
class Standing:
    """How a clip stands.

    Args:
        state: 'new', 'accepted' or 'excluded'.
        gesture_id: of the gesture that it is said to show; None if none, or if nobody has said what it shows.
        idle: whether it is said to show none.
    """

    state: str
    gesture_id: int | None
    idle: bool

    @classmethod
    def of(cls, clip: ClipInfo) -> "Standing":
        """Return how a clip stands."""
        return cls(clip.state, clip.gesture_id, clip.gesture_id is None and clip.label is not None)


@dataclass(frozen=True)
class Wish:
    """What is to become of a clip.

    Args:
        clip_id: of the clip.
        seen: how it stood where the decision was made.
        wanted: how it is to stand.
    """

    clip_id: str
    seen: Standing
    wanted: Standing


@dataclass(frozen=True)
class Settled:
    """What became of clips.

    Args:
        clips: as they stand now, but those that are gone.
        refused: those that were left as they are, by their ids. changed: somebody else decided otherwise meanwhile;
            gone: it is not there any more; nameless: it cannot be accepted without a name; bad: there is no such state,
            or no such gesture in its set.
    """

    clips: list[ClipInfo]
    refused: Mapping[str, Why]


class Review:
    """Which clips are good enough to be learnt from. `by` is the id of whoever asks, who must be an admin.

    Args:
        database: of the studio.
        files: where the points are.
    """

    def __init__(self, database: Database, files: FileStore) -> None:
        self._database, self._files = database, files

    def clips(
        self,
        by: int,
        set_id: int,
        *,
        state: str = "new",
        gesture_id: int | None = None,
        idle: bool = False,
        user_id: int | None = None,
        origin: str = "",
        order: Order = "doubt",
        offset: int = 0,
        limit: int = 50,
    ) -> Page:
        """Return clips of a set, by default those that nobody has looked at, the most doubtful first.

        Raises:
            StudioError: 'forbidden', no admin asks.
        """
        which = [ClipRow.set_id == set_id]
        which += [ClipRow.state == state] if state else []
        which += [ClipRow.gesture_id == gesture_id] if gesture_id is not None else []
        which += [ClipRow.is_idle.is_(True)] if idle else []
        which += [ClipRow.user_id == user_id] if user_id is not None else []
        which += [ClipRow.origin == origin] if origin else []
        newest = [ClipRow.created_ms.desc(), ClipRow.id]
        orders: dict[str, list[Any]] = {
            "doubt": [doubt_of().desc(), *newest],
            "oldest": [ClipRow.created_ms, ClipRow.id],
        }
        with self._database.reading() as session:
            require_admin(session, by)
            return page(session, which, orders.get(order, newest), offset, limit)

    def counts(self, set_id: int) -> dict[str, dict[str, int]]:
        """Return how many clips there are, by label ('' for those without) and state."""
        asked = joined(label_of(), ClipRow.state, func.count()).where(ClipRow.set_id == set_id)
        found: dict[str, dict[str, int]] = {}
        with self._database.reading() as session:
            for label, state, count in session.execute(asked.group_by(label_of(), ClipRow.state)):
                found.setdefault(label or "", dict.fromkeys(CLIP_STATES, 0))[state] = count
        return found

    def decide(self, by: int, clip_ids: Sequence[str], state: str) -> int:
        """Accept or exclude clips, or make them new again, and return how many were changed.

        Raises:
            StudioError: 'forbidden', no admin asks; 'bad', there is no such state, or a clip without a label is to be
                accepted; 'gone', one of them is not there; 'too_many' at once.
        """
        wanted = sorted(set(clip_ids))
        if state not in CLIP_STATES:
            raise StudioError("bad", f"A clip is {', '.join(CLIP_STATES)}, not {state!a:.40}.")
        if len(wanted) > MOST_ROWS:
            raise StudioError("too_many", f"{len(wanted)} clips at once are too many; {MOST_ROWS} are the most.")
        with self._database.writing() as session:
            require_admin(session, by)
            rows = session.scalars(
                select(ClipRow).where(ClipRow.id.in_(wanted)).order_by(ClipRow.id).with_for_update()
            ).all()
            if len(rows) != len(wanted):
                raise StudioError("gone", "One of these clips is not there, or no longer.")
            if state == "accepted" and any(row.gesture_id is None and not row.is_idle for row in rows):
                raise StudioError("bad", "A clip without a name cannot be accepted. Say first what it shows.")
            decided = {"reviewed_by": None, "reviewed_ms": None} if state == "new" else {
                "reviewed_by": by, "reviewed_ms": now_ms()
            }  # fmt: skip
            changed = [row.id for row in rows if row.state != state]
            session.execute(update(ClipRow).where(ClipRow.id.in_(changed)).values(state=state, **decided))
        return len(changed)

    def settle(self, by: int, wishes: Sequence[Wish]) -> Settled:
        """Decide about clips one by one: of those that stand as they were seen, each gets what is wanted.

        What somebody else has decided meanwhile is left as it is, and comes back as `changed`.

        Raises:
            StudioError: 'forbidden', no admin asks; 'too_many' at once.
        """
        if len(wishes) > MOST_ROWS:
            raise StudioError("too_many", f"{len(wishes)} clips at once are too many; {MOST_ROWS} are the most.")
        wanted = {wish.clip_id: wish for wish in wishes}
        refused: dict[str, Why] = {}
        with self._database.writing() as session:
            require_admin(session, by)
            asked = select(ClipRow).where(ClipRow.id.in_(wanted)).order_by(ClipRow.id).with_for_update()
            rows = {row.id: row for row in session.scalars(asked)}
            for clip_id, wish in wanted.items():
                row = rows.get(clip_id)
                if why := _refusal(session, row, wish):
                    refused[clip_id] = why
                elif row is not None:
                    _put(row, wish.wanted, by)
            session.flush()
            clips = [one_info(session, clip_id) for clip_id in wanted if clip_id in rows]
        return Settled(clips, refused)

    def accepted(self, set_id: int) -> list[AcceptedClip]:
        """Return the clips of a set that can be learnt from, in the order in which they came."""
        asked = joined(ClipRow.id, label_of(), ClipRow.user_id, ClipRow.recording_id, ClipRow.created_ms)
        asked = asked.where(ClipRow.set_id == set_id, ClipRow.state == "accepted", label_of().is_not(None))
        with self._database.reading() as session:
            rows = session.execute(asked.order_by(ClipRow.created_ms, ClipRow.id)).all()
        return [AcceptedClip(*row) for row in rows]

    def export(
        self,
        set_id: int,
        path: Path,
        *,
        ids: Collection[str] | None = None,
        splits: Mapping[str, Mapping[str, Sequence[str]]] | None = None,
    ) -> Exported:
        """Write the accepted clips of a set as a dataset.

        Its subjects are 'person-<user id>' and its sessions 'recording-<id>'; what was tried out is one session for
        each person. Nobody's name is in it.

        Args:
            set_id: of the set.
            path: where the dataset is to stand; an existing one is replaced.
            ids: of the clips to write; by default all that are accepted.
            splits: official splits: for each name, the ids of each part.

        Raises:
            StudioError: 'gone', there is no such set; 'bad', there is nothing to write; 'unavailable'.
            DatasetError: the splits contradict themselves.
            AdemanError: the place cannot be written.
        """
        with self._database.reading() as session:
            owner = set_of(session, set_id)
        wanted = [clip for clip in self.accepted(set_id) if ids is None or clip.id in ids]
        written, left_out = [], {}
        if not wanted:
            raise StudioError("bad", f"The set '{owner.name}' has no accepted clip yet. Review some first.")
        used = {clip.label for clip in wanted}
        labels = [label for label in owner.labels if label in used]
        made = {"by": "ademan studio", "set": owner.name}
        try:
            with DatasetWriter(path, owner.skeleton, labels=labels, made=made) as writer:
                for clip in wanted:
                    if reason := self._write(writer, clip):
                        left_out[clip.id] = reason
                    else:
                        written.append(clip)
                for name, parts in (splits or {}).items():
                    writer.add_split(name, parts)
        except DatasetError as error:
            if written:
                raise
            reason = next(iter(left_out.values()), "")
            raise StudioError("bad", f"None of {len(wanted)} clips could be read: {reason}") from error
        return Exported(
            path,
            tuple(clip.id for clip in written),
            Counter(clip.label for clip in written),
            _digest(written),
            left_out,
        )

    def _write(self, writer: DatasetWriter, clip: AcceptedClip) -> str:
        """Put a clip into a dataset; return why not, if it went meanwhile or is damaged."""
        try:
            with self._database.reading() as session:
                row = session.get(ClipRow, clip.id)
            if row is None:
                return "It was deleted meanwhile."
            points = from_bytes(read_content(self._files, row))
        except StudioError as error:
            if error.code == "unavailable":
                raise  # the storage is away for all of them
            return str(error)
        subject = f"person-{clip.user_id}" if clip.user_id is not None else None
        recording = f"recording-{clip.recording_id}" if clip.recording_id is not None else f"tries-{clip.user_id or 0}"
        writer.add(replace(points, id=clip.id, label=clip.label, subject=subject, session=recording))
        return ""


def _refusal(session: Session, row: ClipRow | None, wish: Wish) -> Why | None:
    """Return why a clip cannot be made what is wanted; None if it can."""
    if row is None:
        return "gone"
    now, wanted = Standing(row.state, row.gesture_id, row.is_idle), wish.wanted
    if now not in (wish.seen, wanted):
        return "changed"
    gesture = session.get(Gesture, wanted.gesture_id) if wanted.gesture_id is not None else None
    is_foreign = wanted.gesture_id is not None and (gesture is None or gesture.set_id != row.set_id or wanted.idle)
    if wanted.state not in CLIP_STATES or is_foreign:
        return "bad"
    return "nameless" if wanted.state == "accepted" and wanted.gesture_id is None and not wanted.idle else None


def _put(row: ClipRow, wanted: Standing, by: int) -> None:
    """Let a clip stand as is wanted; who said so is noted if anything changes by it."""
    if Standing(row.state, row.gesture_id, row.is_idle) == wanted:
        return
    row.state, row.gesture_id, row.is_idle = wanted.state, wanted.gesture_id, wanted.idle
    decided = wanted.state != "new"
    row.reviewed_by, row.reviewed_ms = (by, now_ms()) if decided else (None, None)


def _digest(clips: Sequence[AcceptedClip]) -> str:
    lines = sorted(f"{clip.id} {clip.label}\n" for clip in clips)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
