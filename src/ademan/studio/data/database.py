"""The database of a studio: SQLite in a file, or PostgreSQL; its transactions, its locks, its upgrades."""

import hashlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import alembic.command
import alembic.config
import alembic.util
from sqlalchemy import (
    URL,
    BigInteger,
    Connection,
    Engine,
    cast,
    create_engine,
    event,
    extract,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NoSuchModuleError,
    OperationalError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session

from ademan.studio.data.errors import StudioError

_BUSY_MS = 20_000  # that one waits for another's transaction in SQLite; ours take milliseconds
_WRITES = "ademan_writes"
_EXPECTED = "expected sqlite:///FILE or postgresql://USER@HOST/NAME"


def now_ms() -> int:
    """Return the time: milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


class Database:
    """A studio's database; threads and processes may use it at the same time, each process by a `Database` of its own.

    Args:
        url: sqlite:///FILE, or postgresql://USER:PASSWORD@HOST:PORT/NAME.

    Raises:
        StudioError: 'bad', it is no such URL.
    """

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        if self.is_sqlite:
            Path(str(self.url.database)).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            options: dict[str, Any] = {"connect_args": {"timeout": _BUSY_MS / 1000}}
        else:
            named = {"application_name": self.key}  # by which presence.py knows them
            options = {"pool_pre_ping": True, "pool_size": 10, "max_overflow": 10, "connect_args": named}
        self.engine = create_engine(self.url, **options)
        if self.is_sqlite:
            _prepare_sqlite(self.engine)
        self._writing_engine = self.engine.execution_options(**{_WRITES: True})
        self._one_writes = threading.Lock()

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file; else it is PostgreSQL."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def name(self) -> str:
        """How messages call it: without the password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def key(self) -> str:
        """What its studio is called in a Redis that several share: equal for all who give the same address."""
        return "ademan" + hashlib.sha256(self.name.encode()).hexdigest()[:12]

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Give a session for reading; what it read can be used after the block.

        Raises:
            StudioError: 'unavailable', the database cannot be reached; 'bad', a number or text that is asked for cannot
                be in it.
        """
        with self._in_words(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self, *locks: str) -> Iterator[Session]:
        """Give a session for reading and writing: all of it is kept when the block ends well, and nothing if not.

        Args:
            locks: names for what no two of such blocks, in whatever process, may do at once. SQLite has one writer at a
                time anyhow; PostgreSQL holds the locks until the block ends. Several are taken in the order of their
                names, so that nobody waits for each other.

        Raises:
            StudioError: 'unavailable', the database cannot be reached, or others kept it busy for too long; 'gone' or
                'taken', what a row belongs to was deleted, or one like it was added, at the same time.
        """
        with (
            self._in_words(),
            self._turn(),
            Session(self._writing_engine, expire_on_commit=False) as session,
            session.begin(),
        ):
            if not self.is_sqlite:
                for name in sorted(locks):
                    session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _lock_key(name)})
            yield session

    def upgrade(self) -> None:
        """Make the tables, or bring those of an earlier version up to date; several processes may do it at once.

        Raises:
            StudioError: 'unavailable', the database cannot be reached; 'bad', it is of a later version of Ademan.
        """
        if self.is_sqlite:
            with suppress(OSError):  # which SQLite then tells of in better words
                Path(str(self.url.database)).touch(mode=0o600)  # SQLite itself would let others read it
        with self._in_words(), self._writing_engine.begin() as connection:
            if not self.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _lock_key("upgrade")})
            with migrations(connection) as config:
                try:
                    alembic.command.upgrade(config, "head")
                except alembic.util.CommandError as error:
                    raise StudioError(
                        "bad",
                        f"the tables in {self.name} were made by a later version of Ademan ({error}). "
                        "Install that version, or use another database.",
                    ) from error

    def forget(self) -> None:
        """Let SQLite write its journal back and empty it, so that no file holds what was deleted; see accounts.py."""
        if self.is_sqlite:
            with suppress(OperationalError), self.engine.connect() as connection:  # others may be reading it
                connection.connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        """Close all connections; the next use opens new ones."""
        self.engine.dispose()

    def clock_ms(self, session: Session) -> int:
        """Return the time by the database's clock: those of several machines differ."""
        if self.is_sqlite:
            return now_ms()
        return int(session.scalars(select(cast(extract("epoch", func.clock_timestamp()) * 1000, BigInteger))).one())

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Let the threads of this process write into SQLite one after the other.

        SQLite itself has no queue: who finds it busy looks again a little later, and of sixteen threads one looked in
        vain for 20 s.
        """
        if not self.is_sqlite:
            yield
        elif self._one_writes.acquire(timeout=_BUSY_MS / 1000):
            try:
                yield
            finally:
                self._one_writes.release()
        else:
            raise StudioError("unavailable", f"too many write into {self.name} at once. Try it again.")

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except PoolTimeoutError as error:
            raise StudioError("unavailable", f"too many ask {self.name} at once. Try it again.") from error
        except (DataError, OverflowError, UnicodeEncodeError) as error:  # the latter two are SQLite's own way to say so
            raise StudioError("bad", "A number is too large, or a text holds what cannot be kept.") from error
        except IntegrityError as error:
            raise _clash(error) from error
        except (OperationalError, InterfaceError) as error:
            raise StudioError("unavailable", f"{self.name} cannot be used now: {_reason(error)}.") from error


@contextmanager
def migrations(connection: Connection) -> Iterator[alembic.config.Config]:
    """Give Alembic's configuration for a connection; the migrations are inside the package."""
    with as_file(files("ademan.studio.data") / "migrations") as folder:
        config = alembic.config.Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        yield config


def _parsed(url: str) -> URL:
    try:
        found = make_url(url.strip())
        if found.drivername in ("postgres", "postgresql"):
            found = found.set(drivername="postgresql+psycopg")
        backend = found.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise StudioError("bad", f"that is no address of a database; {_EXPECTED}.") from error
    if found.drivername not in ("sqlite", "postgresql+psycopg"):
        raise StudioError("bad", f"databases of {found.drivername} are not known here; {_EXPECTED}.")
    if not found.database or (backend == "sqlite" and found.database == ":memory:"):
        raise StudioError("bad", f"the address names no database; {_EXPECTED}.")
    return found


def _prepare_sqlite(engine: Engine) -> None:
    """Let SQLAlchemy begin transactions, and each be for writing from its start if it writes at all.

    By itself Python's sqlite3 begins a transaction at the first write. One that has read before then cannot wait for
    another's to end: it fails at once. So those that write say so when they begin.
    """

    @event.listens_for(engine, "connect")
    def connect(connection: Any, _: object) -> None:
        connection.isolation_level = None  # sqlite3 begins nothing by itself
        cursor = connection.cursor()
        _use_wal(cursor)
        for pragma in ("synchronous = NORMAL", "foreign_keys = ON", "secure_delete = ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get(_WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _use_wal(cursor: sqlite3.Cursor) -> None:
    """Switch to WAL, which stays with the file; for a new one of two that do so at once fails without waiting."""
    end_s = time.monotonic() + _BUSY_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end_s:
                raise
            time.sleep(0.02)


def _lock_key(name: str) -> int:
    """Return a number of 64 bits with a sign, which is what PostgreSQL's locks are called by."""
    return int.from_bytes(hashlib.sha256(f"ademan.studio {name}".encode()).digest()[:8], signed=True)


def _clash(error: IntegrityError) -> StudioError:
    if "foreign key" in str(error.orig).lower():
        return StudioError("gone", "What this belongs to was deleted by somebody else meanwhile.")
    if "unique" in str(error.orig).lower():
        return StudioError("taken", "Somebody else did the same at the same time. Look, and try it again.")
    return StudioError("bad", f"The database does not take this: {_reason(error)}.")


def _reason(error: DBAPIError) -> str:
    return str(error.orig).strip().rstrip(".")
