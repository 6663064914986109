"""Begin anew: delete all that a studio knows."""

import logging
import shutil
from contextlib import closing, suppress
from pathlib import Path

from ademan.studio.config import StudioConfig
from ademan.studio.data import Database, now_ms
from ademan.studio.data.files import open_files
from ademan.studio.data.presence import alone
from ademan.studio.data.tables import Base
from ademan.studio.work.wakeups import open_queue

log = logging.getLogger("ademan.studio")


def reset_studio(config: StudioConfig) -> int:
    """Delete all accounts, clips, models and jobs of a studio, in its database and its files, and what jobs have left.

    The secret stays, and is worth nothing without accounts.

    Args:
        config: where they are.

    Returns:
        How many files were deleted.

    Raises:
        StudioError: 'taken', the studio runs; or the database or the files cannot be reached.
    """
    database, files = Database(config.database_url), open_files(config)
    try:
        with alone(database):
            database.upgrade()  # so that tables of every earlier version are known by name
            with database.engine.begin() as connection:
                Base.metadata.drop_all(connection)
                connection.exec_driver_sql("DROP TABLE alembic_version")
            database.forget()
            keys = [stored.key for stored in files.all()]
            for key in keys:
                files.delete(key)
            files.tidy(now_ms())
            _forget_work(config)
    finally:
        database.close()
    return len(keys)


def _forget_work(config: StudioConfig) -> None:
    """Delete wake-ups, and what trainings have left; wake-ups that cannot be reached do no harm."""
    with suppress(OSError):
        shutil.rmtree(config.folder / "work")
    try:
        with closing(open_queue(config)) as queue:
            queue.flush_all()
    except Exception as error:  # those of Redis, PostgreSQL and SQLite have no base in common
        log.warning("wake-ups are left: %s", error)
    for ending in ("", "-wal", "-shm"):
        Path(config.folder / f"wakeups.db{ending}").unlink(missing_ok=True)
