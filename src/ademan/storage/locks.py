"""Locks between processes of one computer. They end with the process that holds them, whatever ends it."""

import hashlib
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO, *, wait: bool) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: BinaryIO, *, wait: bool) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def cache_folder() -> Path:
    """Return where Ademan keeps what it can do without: `$XDG_CACHE_HOME/ademan`, else `~/.cache/ademan`."""
    named = os.environ.get("XDG_CACHE_HOME")
    return (Path(named) if named else Path.home() / ".cache") / "ademan"


def lock_of(path: Path) -> Path:
    """Return the file by which whoever writes `path` keeps others from it."""
    return cache_folder() / "locks" / hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]


@contextmanager
def held(lock: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a lock during the block; give False if another process has it, and it is not to be waited for.

    Raises:
        OSError: the lock's file cannot be made.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("ab") as file:
        yield _taken(file, wait=wait)


def _taken(file: BinaryIO, *, wait: bool) -> bool:
    try:
        _lock(file, wait=wait)
    except OSError:
        return False
    return True
