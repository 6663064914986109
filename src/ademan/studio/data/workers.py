"""Which workers there are: each says from time to time that it is there, also while there is nothing to do."""

from typing import Any, Final

from sqlalchemy import func, select

from ademan.studio.data.database import Database
from ademan.studio.data.jobs import STALE_MS
from ademan.studio.data.tables import Job, Setting

SIGN_MS: Final = 10_000
"""Milliseconds after which a worker says again that it is there."""
_KEY: Final = "workers.seen"


class Workers:
    """The workers of a studio, in a row of the settings that each of them renews; times are by the database's clock.

    Args:
        database: upgraded.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def sign(self, name: str) -> None:
        """Say that a worker is there; those that have been silent for `STALE_MS` are forgotten.

        Raises:
            StudioError: 'unavailable'.
        """
        self._keep(name, is_there=True)

    def leave(self, name: str) -> None:
        """Say that a worker ends.

        Raises:
            StudioError: 'unavailable'.
        """
        self._keep(name, is_there=False)

    def ages_ms(self) -> dict[str, int]:
        """Return for each worker that is there how long ago it was last heard, from its sign or from its job.

        Raises:
            StudioError: 'unavailable'.
        """
        running = select(Job.worker, func.max(Job.heartbeat_ms)).where(Job.state == "running").group_by(Job.worker)
        with self._database.reading() as session:
            now = self._database.clock_ms(session)
            seen = _seen(session.scalar(select(Setting.value).where(Setting.key == _KEY)))
            for name, beat_ms in session.execute(running):
                if name and beat_ms is not None:
                    seen[name] = max(beat_ms, seen.get(name, 0))
        return {name: max(0, now - at_ms) for name, at_ms in seen.items() if now - at_ms < STALE_MS}

    def _keep(self, name: str, *, is_there: bool) -> None:
        with self._database.writing("workers") as session:
            now = self._database.clock_ms(session)
            row = session.get(Setting, _KEY)
            kept = {one: at_ms for one, at_ms in _seen(row.value if row else None).items() if now - at_ms < STALE_MS}
            kept.pop(name, None)
            if is_there:
                kept[name] = now
            session.merge(Setting(key=_KEY, value=kept))


def _seen(value: Any) -> dict[str, int]:
    """Return what the row says; nothing if it says what no worker has written."""
    if not isinstance(value, dict):
        return {}
    return {str(name): at_ms for name, at_ms in value.items() if isinstance(at_ms, int)}
