"""All of a studio in one zip, taken while it runs, and back into an empty one, on either database.

    manifest.json         format, version of the tables, when, and of each other entry its size and SHA-256
    tables/<table>.jsonl  one row a line
    files/<key>           clips, videos and bundles

Who is logged in, and who tried to, is left out. Passwords are in it as Argon2 leaves them, and so are people's clips:
it belongs where others cannot read it, and is written so that only its owner can.
"""

import hashlib
import json
import sqlite3
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, insert, inspect, select, text

from ademan.files import written_whole
from ademan.studio.config import StudioConfig
from ademan.studio.data.database import Database, now_ms
from ademan.studio.data.errors import StudioError
from ademan.studio.data.files import FileStore, Stored, open_files
from ademan.studio.data.presence import alone
from ademan.studio.data.tables import Attempt, Base, ClipRow, Login, ModelVersion

FORMAT = "ademan-studio/1"
_MANIFEST = "manifest.json"
_LEFT_OUT = {Login.__tablename__, Attempt.__tablename__}
_TABLES: tuple[Table, ...] = tuple(table for table in Base.metadata.sorted_tables if table.name not in _LEFT_OUT)
_ROWS = 1000  # that are written at once
_LARGEST_MANIFEST, _LARGEST_ENTRY = 2**30, 2**36
Progress = Callable[[int, int], None]
"""Called with how many files are done, of how many."""
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, KeyError, TypeError, ValueError, NotImplementedError)


@dataclass(frozen=True)
class Backed:
    """What a backup holds.

    Args:
        rows: of each table.
        files: how many.
        lost: keys of files that rows name, and that were not there.
    """

    rows: dict[str, int]
    files: int
    lost: tuple[str, ...]


def backup(config: StudioConfig, path: Path, told: Progress = lambda _done, _of: None) -> Backed:
    """Write all of a studio into a zip; it may run meanwhile, the rows are those of one moment.

    Args:
        config: of the studio.
        path: of the zip; an existing file is replaced at the end.
        told: how far it is.

    Raises:
        StudioError: 'gone', there is no studio; 'unavailable', database or files cannot be reached; 'bad', the database
            is of another version.
        AdemanError: the place cannot be written.
    """
    database, files = Database(config.database_url), open_files(config)
    try:
        _check_there(database)
        with written_whole(path) as beside:
            beside.touch(mode=0o600)
            with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive, _moment(database) as connection:
                return _write(archive, connection, files, told)
    finally:
        database.close()


def restore(path: Path, config: StudioConfig, told: Progress = lambda _done, _of: None) -> Backed:
    """Bring a backup back into a studio that has nothing yet; all checksums are proven before anything is written.

    Args:
        path: of the zip.
        config: of a studio that does not run, with an empty database, or none, and no files.
        told: how far it is.

    Raises:
        StudioError: 'bad', the zip is none, damaged, or of another version; 'taken', something is in the studio
            already, or runs; 'unavailable', database or files cannot be reached.
    """
    database, files = Database(config.database_url), open_files(config)
    try:
        with _opened(path) as archive:
            entries = _proven(archive, path)
            database.upgrade()
            _check_empty(database, next(files.all(), None))
            _check_revision(archive, database, path)
            with alone(database):
                return _read(archive, entries, database, files, told)
    finally:
        database.close()


def _check_there(database: Database) -> None:
    is_there = not database.is_sqlite or Path(str(database.url.database)).is_file()
    if is_there:
        with database.reading() as session:
            is_there = inspect(session.connection()).has_table("alembic_version")
    if not is_there:
        raise StudioError("gone", f"There is no studio in {database.name}. Say where it is: --data or --database-url.")


@contextmanager
def _moment(database: Database) -> Iterator[Connection]:
    """Give a connection to which the database stays as it is now."""
    if database.is_sqlite:
        with tempfile.TemporaryDirectory(prefix="ademan-") as folder:
            copied = Path(folder) / "studio.db"
            with database.reading() as session:
                source = session.connection().connection.driver_connection
                assert isinstance(source, sqlite3.Connection)  # noqa: S101 - for the type checker
                with closing(sqlite3.connect(copied)) as target:
                    source.backup(target)
            copy = Database(f"sqlite:///{copied}")
            with copy.reading() as session:
                yield session.connection()
            copy.close()
        return
    with database.reading() as session:
        yield session.connection(execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True})


def _write(archive: zipfile.ZipFile, connection: Connection, files: FileStore, told: Progress) -> Backed:
    entries: dict[str, dict[str, Any]] = {}
    rows = {table.name: _write_table(archive, entries, connection, table) for table in _TABLES}
    lost, keys = [], list(_keys(connection))
    for done, key in enumerate(keys):
        told(done, len(keys))
        try:
            content = files.get(key)
        except StudioError as error:
            if error.code != "gone":
                raise
            lost.append(key)  # deleted since that moment
            continue
        name = f"files/{key}"
        archive.writestr(zipfile.ZipInfo(name), content)  # as it is: it is packed already
        entries[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    manifest = {
        "format": FORMAT,
        "revision": _revision(connection),
        "at_ms": now_ms(),
        "entries": entries,
        "lost": lost,
    }
    archive.writestr(_MANIFEST, json.dumps(manifest, indent=1))
    return Backed(rows, len(entries) - len(_TABLES), tuple(lost))


def _write_table(
    archive: zipfile.ZipFile, entries: dict[str, dict[str, Any]], connection: Connection, table: Table
) -> int:
    name, digest, size, count = f"tables/{table.name}.jsonl", hashlib.sha256(), 0, 0
    asked = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_ROWS)
    with archive.open(name, "w", force_zip64=True) as entry:
        for row in connection.execute(asked).mappings():
            line = json.dumps(dict(row), ensure_ascii=False, allow_nan=False).encode() + b"\n"
            entry.write(line)
            digest.update(line)
            size, count = size + len(line), count + 1
    entries[name] = {"bytes": size, "sha256": digest.hexdigest()}
    return count


def _keys(connection: Connection) -> Iterator[str]:
    """Yield the keys of all files that rows name."""
    for column in (ClipRow.file_key, ClipRow.video_key, ModelVersion.bundle_key):
        yield from filter(None, connection.scalars(select(column).order_by(column)).all())


def _revision(connection: Connection) -> str:
    return str(connection.scalar(text("SELECT version_num FROM alembic_version")))


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise StudioError("bad", f"{path} is no backup, or cannot be read: {error}.") from error
    with archive:
        yield archive


def _proven(archive: zipfile.ZipFile, path: Path) -> dict[str, dict[str, Any]]:
    """Return the entries of a backup, all of which are there and what they were."""
    try:
        if archive.getinfo(_MANIFEST).file_size > _LARGEST_MANIFEST:
            raise ValueError("its manifest is too large")
        manifest = json.loads(archive.read(_MANIFEST))
        found, entries = manifest["format"], dict(manifest["entries"])
        if found != FORMAT:
            raise ValueError(f"expected the format '{FORMAT}', found {found!a:.40}")
        for name, entry in entries.items():
            if archive.getinfo(name).file_size > min(int(entry["bytes"]), _LARGEST_ENTRY):
                raise ValueError(f"{name} is larger than it was")
            if _digest(archive, name) != entry["sha256"]:
                raise ValueError(f"{name} is not what it was")
        if missing := [table.name for table in _TABLES if f"tables/{table.name}.jsonl" not in entries]:
            raise ValueError(f"the table {missing[0]} is missing")
    except _DAMAGE as error:
        raise StudioError("bad", f"{path} is no backup of a studio, or damaged: {error}.") from error
    return entries


def _digest(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as content:
        while chunk := content.read(2**20):
            digest.update(chunk)
    return digest.hexdigest()


def _check_empty(database: Database, file: Stored | None) -> None:
    with database.reading() as session:
        full = [table.name for table in _TABLES if session.execute(select(table).limit(1)).first() is not None]
    if full or file:
        there = f"rows in {', '.join(full)}" if full else f"the file {file.key if file else ''}"
        raise StudioError("taken", f"A backup is restored into an empty studio; this one has {there}.")


def _check_revision(archive: zipfile.ZipFile, database: Database, path: Path) -> None:
    with database.reading() as session:
        expected = _revision(session.connection())
    found = json.loads(archive.read(_MANIFEST)).get("revision")
    if found != expected:
        raise StudioError(
            "bad",
            f"{path} has tables of version {found!a:.40}, this is {expected!a}. Restore it with the version of Ademan "
            "that made it; this one brings its database up to date then.",
        )


def _read(
    archive: zipfile.ZipFile, entries: dict[str, dict[str, Any]], database: Database, files: FileStore, told: Progress
) -> Backed:
    """Write files, then rows: if it breaks off, there are no rows, and the files are found to belong to nothing."""
    keys = [name.removeprefix("files/") for name in entries if name.startswith("files/")]
    for done, key in enumerate(keys):
        told(done, len(keys))
        files.put(key, archive.read(f"files/{key}"))
    with database.writing() as session:
        rows = {table.name: _read_table(archive, session.connection(), table) for table in _TABLES}
    lost = json.loads(archive.read(_MANIFEST)).get("lost", ())
    return Backed(rows, len(keys), tuple(lost))


def _read_table(archive: zipfile.ZipFile, connection: Connection, table: Table) -> int:
    count, waiting = 0, []
    with archive.open(f"tables/{table.name}.jsonl") as lines:
        for line in lines:
            waiting.append(json.loads(line))
            count += 1
            if len(waiting) == _ROWS:
                connection.execute(insert(table), waiting)
                waiting = []
    if waiting:
        connection.execute(insert(table), waiting)
    _count_on(connection, table)
    return count


def _count_on(connection: Connection, table: Table) -> None:
    """Let PostgreSQL count from the largest id on, as SQLite does by itself."""
    if connection.dialect.name != "postgresql" or "id" not in table.columns or table.name == ClipRow.__tablename__:
        return
    connection.execute(
        text(
            f"SELECT setval(pg_get_serial_sequence(:name, 'id'), GREATEST((SELECT max(id) FROM {table.name}), 1), "  # noqa: S608
            f"(SELECT count(*) > 0 FROM {table.name}))"
        ),
        {"name": table.name},
    )
