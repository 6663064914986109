"""What models said, and what it was in truth; totals are kept in the same transaction, see totals.py."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ademan.clip import Clip
from ademan.studio.data.clips import Clips, Guess
from ademan.studio.data.database import Database
from ademan.studio.data.errors import StudioError
from ademan.studio.data.files import FileStore
from ademan.studio.data.gestures import SetInfo, set_of
from ademan.studio.data.names import name_key
from ademan.studio.data.people import ACCOUNTS, user_of
from ademan.studio.data.tables import HALF_HOUR_MS, PREDICTION_KINDS, ClipRow, ModelVersion, Prediction
from ademan.studio.data.totals import TotalKey, add_totals, recount

MOST_AT_ONCE = 10_000
_LONGEST_LABEL = 256


@dataclass(frozen=True)
class Said:
    """What a model said at one moment.

    Args:
        at_ms: when, since 1970.
        kind: 'prediction'; or an event, 'began' or 'ended'.
        model_id: of the version.
        label: of what it saw.
        confidence: 0 to 1.
        latency_ms: from the frame to the answer.
        user_id: to whom; None if nobody was logged in.
    """

    at_ms: int
    kind: str
    model_id: int
    label: str
    confidence: float
    latency_ms: float
    user_id: int | None = None

    def check(self) -> None:
        """Refuse what is no prediction.

        Raises:
            StudioError: 'bad'.
        """
        good = 0 <= self.confidence <= 1 and 0 <= self.latency_ms < math.inf and 0 <= self.at_ms < 2**53
        named = 0 < len(self.label) <= _LONGEST_LABEL and self.label.isprintable()
        if not good or not named or self.kind not in PREDICTION_KINDS:
            raise StudioError("bad", f"This is no prediction: {self!r:.300}.")


@dataclass(frozen=True)
class PredictionInfo:
    """A prediction that is kept.

    Args:
        id: of the prediction.
        said: what the model said.
        truth: what the person said it was; None if they said nothing.
        clip_id: of the clip that came of that.
    """

    id: int
    said: Said
    truth: str | None
    clip_id: str | None


class Predictions:
    """The predictions of a studio.

    Args:
        database: of the studio.
        files: where clips are kept that come of corrections.
    """

    def __init__(self, database: Database, files: FileStore) -> None:
        self._database, self._clips = database, Clips(database, files)

    def add(self, said: Sequence[Said]) -> list[int]:
        """Keep predictions, all or none, and return their ids in the same order.

        Raises:
            StudioError: 'bad', one is none; 'too_many' at once; 'gone', a model or person is no longer there.
        """
        if len(said) > MOST_AT_ONCE:
            raise StudioError("too_many", f"{len(said)} predictions at once; {MOST_AT_ONCE} are the most.")
        for one in said:
            one.check()
        rows = [
            Prediction(
                at_ms=one.at_ms, kind=one.kind, user_id=one.user_id, model_id=one.model_id, label=one.label,
                confidence=float(one.confidence), latency_ms=float(one.latency_ms),
            )
            for one in said
        ]  # fmt: skip
        with self._database.writing() as session:
            session.add_all(rows)
            session.flush()
            add_totals(session, rows)
            return [row.id for row in rows]

    def mine(self, by: int, limit: int = 50, *, kind: str = "", set_id: int | None = None) -> list[PredictionInfo]:
        """Return the last things that were said to somebody, the newest first.

        Args:
            by: to whom.
            limit: how many at most.
            kind: 'prediction', 'began' or 'ended'; all of them by default.
            set_id: by models of this set alone.
        """
        asked = select(Prediction).where(Prediction.user_id == by).order_by(Prediction.at_ms.desc())
        asked = asked.where(Prediction.kind == kind) if kind else asked
        if set_id is not None:
            asked = asked.join(ModelVersion, ModelVersion.id == Prediction.model_id).where(
                ModelVersion.set_id == set_id
            )
        with self._database.reading() as session:
            rows = session.scalars(asked.order_by(Prediction.id.desc()).limit(min(max(1, limit), 500))).all()
        return [_info(row) for row in rows]

    def correct(self, by: int, prediction_id: int, truth: str, clip: Clip | None = None) -> PredictionInfo:
        """Say what it was in truth: a gesture's name, or the set's idle label.

        Totals move with it. With the points it becomes a clip that can be reviewed; if it did so before, that clip gets
        the other name, unless somebody has reviewed it.

        Args:
            by: who says so: to whom it was said, or an admin.
            prediction_id: of the prediction.
            truth: what it was.
            clip: the points that were seen.

        Raises:
            StudioError: 'gone', the prediction is not there, or was said to somebody else; 'bad', the set has no such
                gesture, or the clip does not fit; 'too_many' clips.
        """
        with self._database.reading() as session:
            row = _visible(session, by, prediction_id)
            owner = _set_of_model(session, row.model_id)
        label, gesture_id, idle = _meant(owner, truth)
        if clip is not None and row.clip_id is None:
            guess = Guess(row.label, row.confidence, row.model_id)
            seen_by = row.user_id if row.user_id is not None else by
            added = self._clips.add(
                clip, owner.id, seen_by, origin="try", gesture_id=gesture_id, idle=idle, guess=guess
            ).id
        else:
            added = None
        with self._database.writing(ACCOUNTS) as session:  # who leaves takes the same rows in another order
            row = _visible(session, by, prediction_id, changing=True)
            before = TotalKey.of(row)
            if row.clip_id is not None:
                _rename(session, row.clip_id, gesture_id, idle=idle)
            row.truth, row.clip_id = label, row.clip_id or added
            session.flush()
            recount(session, [before, TotalKey.of(row)])
        if added is not None and row.clip_id != added:
            self._clips.delete(by, [added])  # another correction of the same was quicker
        return _info(row)

    def forget_before(self, at_ms: int) -> int:
        """Delete single predictions from before a time, of whole half hours; their totals stay. Returns how many."""
        limit = at_ms // HALF_HOUR_MS * HALF_HOUR_MS
        with self._database.writing() as session:
            return len(
                session.execute(delete(Prediction).where(Prediction.at_ms < limit).returning(Prediction.id)).all()
            )


def _visible(session: Session, by: int, prediction_id: int, *, changing: bool = False) -> Prediction:
    asked = select(Prediction).where(Prediction.id == prediction_id)
    row = session.scalar(asked.with_for_update() if changing else asked)
    if row is None or (row.user_id != by and user_of(session, by).role != "admin"):
        raise StudioError("gone", "This prediction is not there, or no longer.")
    return row


def _set_of_model(session: Session, model_id: int) -> SetInfo:
    set_id = session.scalar(select(ModelVersion.set_id).where(ModelVersion.id == model_id))
    if set_id is None:
        raise StudioError("gone", "The model of this prediction is no longer there.")
    return set_of(session, set_id)


def _meant(owner: SetInfo, truth: str) -> tuple[str, int | None, bool]:
    """Return label, gesture and whether it is none of them, of what somebody says that it was."""
    if name_key(truth) == name_key(owner.idle):
        return owner.idle, None, True
    gesture = owner.gesture(truth)
    if gesture is None:
        raise StudioError("bad", f"The set '{owner.name}' has no gesture {truth!a:.80}.")
    return gesture.name, gesture.id, False


def _rename(session: Session, clip_id: str, gesture_id: int | None, *, idle: bool) -> None:
    clip = session.get(ClipRow, clip_id)
    if clip is not None and clip.state == "new":
        clip.gesture_id, clip.is_idle = gesture_id, idle


def _info(row: Prediction) -> PredictionInfo:
    said = Said(row.at_ms, row.kind, row.model_id, row.label, row.confidence, row.latency_ms, row.user_id)
    return PredictionInfo(row.id, said, row.truth, row.clip_id)
