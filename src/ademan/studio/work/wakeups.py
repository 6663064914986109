"""Wake-ups: what tells a worker that there may be a job, so that it need not wait for its next look. The home of huey.

The jobs are in the database. A wake-up only says "look": one that is lost costs a few seconds, one too many nothing.
They go through Redis if the studio has one, else through PostgreSQL if that is its database, else through a file.
Huey's queues carry them. Its tasks are not used: they are pickled, so that whoever can write to Redis could let a
worker run what they like. What comes out of the queue here is never looked at.
"""

import logging
import time
from contextlib import suppress
from typing import Any, Protocol

from huey.storage import PostgresStorage, RedisStorage, SqliteStorage
from redis import ConnectionPool

from ademan.studio.config import StudioConfig
from ademan.studio.data import Database

_log = logging.getLogger(__name__)
_LOOK = b"look"
_POLL_S = 0.5  # between two looks into a file; the other queues wake by themselves
_PAUSE_S = 1.0  # before another try, where there is no connection
_CONNECT_S = 2
_MANY = 100  # wake-ups that nobody has heard: there is no worker, and more would not bring one


class Bell(Protocol):
    """Wakes workers, and lets one wait."""

    def ring(self) -> None:
        """Wake a worker; never fails."""

    def wait(self, timeout_s: float) -> bool:
        """Wait to be woken; return whether that was so, or the time is over."""

    def close(self) -> None:
        """Let go of the connection of this thread; a later use makes a new one."""


class HueyBell:
    """A bell that goes through a queue of huey; what cannot be reached is tried again at each use.

    Args:
        config: of the studio.
    """

    def __init__(self, config: StudioConfig) -> None:
        self._config = config
        self._queue: Any = None
        self._is_told = False

    def ring(self) -> None:
        """See `Bell`; takes a few seconds at most where there is no connection."""
        try:
            queue = self._open()
            if queue.queue_size() < _MANY:
                queue.enqueue(_LOOK)
            self._is_told = False
        except Exception as error:  # those of Redis, PostgreSQL and SQLite have no base in common
            self._lost(error)

    def wait(self, timeout_s: float) -> bool:
        """See `Bell`."""
        end_s = time.monotonic() + timeout_s
        while (left_s := end_s - time.monotonic()) > 0:
            try:
                queue = self._open()
                if queue.dequeue() is not None:
                    return True
                self._is_told = False
                pause_s = 0.0 if queue.blocking else _POLL_S
            except Exception as error:  # as above
                self._lost(error)
                pause_s = _PAUSE_S
            time.sleep(min(pause_s, left_s))
        return False

    def close(self) -> None:
        """See `Bell`."""
        with suppress(Exception):
            if self._queue is not None:
                self._queue.close()
        self._queue = None

    def _open(self) -> Any:
        if self._queue is None:
            self._queue = open_queue(self._config)
        return self._queue

    def _lost(self, error: Exception) -> None:
        self.close()
        if not self._is_told:
            _log.warning("no wake-ups for now, workers look by themselves every few seconds: %s", error)
        self._is_told = True


def open_queue(config: StudioConfig) -> Any:
    """Return huey's queue for a studio, of a name that another studio with the same Redis does not have."""
    database = Database(config.database_url)
    url, name = database.url, database.key
    if config.redis_url:
        pool = ConnectionPool.from_url(config.redis_url, socket_connect_timeout=_CONNECT_S, socket_timeout=5)
        return RedisStorage(name, connection_pool=pool)
    if url.get_backend_name() == "postgresql":
        where = url.translate_connect_args(username="user", database="dbname")
        return PostgresStorage(name, **{"connect_timeout": _CONNECT_S, **where, **url.query})
    config.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SqliteStorage(name, filename=str(config.folder / "wakeups.db"), fsync=False, timeout=_CONNECT_S)
