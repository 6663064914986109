"""Who works with a studio's database now, so that nobody replaces all of it beneath them.

With PostgreSQL it is seen by the connections, which carry the studio's key as their name. With SQLite each process
holds a lock that many can share, on a file beside the database; it ends with the process, whatever ends that.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import text

from ademan.studio.data.database import Database
from ademan.studio.data.errors import StudioError

_OTHERS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = :key AND pid <> pg_backend_pid()"
_PATIENCE_S = 3.0
_TOLD = "The studio is being used. End `ademan studio` and `ademan worker`, on all machines, and try it again."

if sys.platform != "win32":
    import fcntl

    def _lock(file: BinaryIO, *, alone: bool) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

else:

    def _lock(_: BinaryIO, *, alone: bool) -> bool:  # noqa: ARG001 - nobody knows there
        return True


def attend(database: Database) -> Callable[[], None]:
    """Say that this process works with a studio, and return what takes that back.

    Raises:
        StudioError: 'unavailable', the database is being replaced now, or the file of the lock cannot be made.
    """
    if not database.is_sqlite:
        return lambda: None
    file = _opened(database)
    if not _lock(file, alone=False):
        file.close()
        raise StudioError("unavailable", "The studio is being deleted or restored now. Try it again when that is done.")
    return file.close


@contextmanager
def alone(database: Database) -> Iterator[None]:
    """Keep others from a studio during the block; with PostgreSQL, only make sure that there are none.

    Raises:
        StudioError: 'taken', others use it; 'unavailable'.
    """
    if not database.is_sqlite:
        if not _others_gone(database):
            raise StudioError("taken", _TOLD)
        yield
        return
    with _opened(database) as file:
        if not _lock(file, alone=True):
            raise StudioError("taken", _TOLD)
        yield


def _others_gone(database: Database) -> bool:
    """Return whether nobody else is connected, or is so no longer after a while: connections take a moment to end."""
    end_s = time.monotonic() + _PATIENCE_S
    while True:
        with database.reading() as session:
            if not session.scalar(text(_OTHERS), {"key": database.key}):
                return True
        if time.monotonic() >= end_s:
            return False
        time.sleep(0.1)


def _opened(database: Database) -> BinaryIO:
    path = Path(f"{database.url.database}.in-use")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path.open("ab")
    except OSError as error:
        raise StudioError("unavailable", f"{path} cannot be written: {error.strerror or error}.") from error
