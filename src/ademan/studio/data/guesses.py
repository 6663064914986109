"""What the live model takes new clips for, where another model was asked when they came, or none."""

from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, func, select, update

from ademan.clip import Clip
from ademan.errors import ClipError
from ademan.studio.data.clip_files import from_bytes
from ademan.studio.data.clips import read_content
from ademan.studio.data.database import Database
from ademan.studio.data.errors import StudioError
from ademan.studio.data.files import FileStore
from ademan.studio.data.models import Models
from ademan.studio.data.people import require_admin
from ademan.studio.data.tables import ClipRow

MOST_GUESSED: Final = 300
"""Clips that are guessed at once; a second or two."""


@dataclass(frozen=True)
class Guessed:
    """How far the guessing came.

    Args:
        clips: that the live model was asked about.
        left: new ones that it was not asked about yet.
    """

    clips: int
    left: int


class Guesses:
    """Guesses of the live model.

    Args:
        database: of the studio.
        files: where points and bundles are.
        models: of the studio.
    """

    def __init__(self, database: Database, files: FileStore, models: Models) -> None:
        self._database, self._files, self._models = database, files, models

    def outdated(self, set_id: int) -> int:
        """Return how many new clips the live model of a set was not asked about; none without a live model."""
        live = self._models.live(set_id)
        return self._count(set_id, live.id) if live else 0

    def renew(self, by: int, set_id: int, most: int = MOST_GUESSED) -> Guessed:
        """Ask the live model about new clips that it was not asked about, the newest first.

        Raises:
            StudioError: 'forbidden', no admin asks; 'gone', there is no live model, or its bundle is damaged;
                'unavailable'.
        """
        from ademan.recognition import Classifier  # noqa: PLC0415 - it brings what runs networks

        live = self._models.live(set_id)
        asked = select(ClipRow).where(*_outdated(set_id, live.id if live else 0)).limit(most)
        with self._database.reading() as session:
            require_admin(session, by)
            rows = session.scalars(asked.order_by(ClipRow.created_ms.desc())).all()
        if live is None:
            raise StudioError("gone", "No model of this set is live.")
        with self._models.bundle(live.id) as path:
            classifier = Classifier(path)
        found = [(row.id, _guess(classifier, self._points(row))) for row in rows]
        with self._database.writing() as session:
            for clip_id, (label, confidence) in found:
                values = {"guess": label, "guess_confidence": confidence, "guess_model_id": live.id}
                session.execute(update(ClipRow).where(ClipRow.id == clip_id, ClipRow.state == "new").values(**values))
        return Guessed(len(found), self._count(set_id, live.id))

    def _count(self, set_id: int, model_id: int) -> int:
        with self._database.reading() as session:
            return session.scalar(select(func.count()).select_from(ClipRow).where(*_outdated(set_id, model_id))) or 0

    def _points(self, row: ClipRow) -> Clip | None:
        """Return the points of a clip; None if it went meanwhile, or is damaged."""
        try:
            return from_bytes(read_content(self._files, row))
        except StudioError as error:
            if error.code == "unavailable":
                raise
            return None


def _outdated(set_id: int, model_id: int) -> list[ColumnElement[bool]]:
    other = ClipRow.guess_model_id.is_distinct_from(model_id)
    return [ClipRow.set_id == set_id, ClipRow.state == "new", other]


def _guess(classifier: Any, clip: Clip | None) -> tuple[str | None, float | None]:
    """Return what a clip is taken for, and how surely; nothing where nothing is seen in it."""
    if clip is None:
        return None, None
    channels = classifier.manifest.channels
    try:
        found = classifier.predict(replace(clip, points=clip.points[..., :channels]))  # some models take no depth
    except ClipError:
        return None, None
    return found.label, min(1.0, found.confidence)
