"""The database: what the migrations make, transactions, locks, what is said when it is away."""

import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import alembic.autogenerate
import alembic.command
import alembic.migration
import pytest
from sqlalchemy import inspect, select, text

from ademan.studio.data import Database, StudioError
from ademan.studio.data.database import migrations
from ademan.studio.data.tables import Base, Setting
from tests.studio.conftest import run_together


def differences(database: Database) -> list[object]:
    """Return how the tables in a database differ from those of the program."""
    with database.engine.connect() as connection:
        context = alembic.migration.MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: kind != "table" or name in Base.metadata.tables},
        )
        return list(alembic.autogenerate.compare_metadata(context, Base.metadata))


def test_the_migrations_make_what_the_tables_say(empty_url: str) -> None:
    database = Database(empty_url)
    with database.writing() as session:
        session.execute(text("CREATE TABLE huey_task (id INTEGER)"))
    database.upgrade()
    assert differences(database) == []
    assert {*inspect(database.engine).get_table_names()} == {*Base.metadata.tables, "alembic_version", "huey_task"}
    database.close()


@pytest.fixture
def own_database(empty_url: str) -> Iterator[Database]:
    """A database whose tables a test may change."""
    found = Database(empty_url)
    found.upgrade()
    yield found
    found.close()


def test_the_comparison_sees_a_difference(own_database: Database) -> None:
    database = own_database
    with database.writing() as session:
        session.execute(text("ALTER TABLE users ADD COLUMN more INTEGER"))
        session.execute(text("DROP INDEX ix_predictions_at_ms"))
    assert len(differences(database)) == 2


def test_what_the_migrations_make_they_can_take_back(own_database: Database) -> None:
    with own_database.engine.begin() as connection, migrations(connection) as config:
        alembic.command.downgrade(config, "base")
    assert inspect(own_database.engine).get_table_names() == ["alembic_version"]
    own_database.upgrade()
    assert differences(own_database) == []


def test_checks_and_conditions_of_indices_are_in_the_database(database: Database) -> None:
    with pytest.raises(StudioError, match="does not take this") as refused, database.writing() as session:
        session.execute(
            text(
                "INSERT INTO users (name, name_key, password, role, locale, created_ms, active) "
                "VALUES ('a', 'a', '', 'king', '', 0, :yes)"
            ),
            {"yes": True},
        )
    assert refused.value.code == "bad"
    kept = {index["name"]: index for index in inspect(database.engine).get_indexes("model_versions")}
    assert kept["uq_model_versions_live"]["unique"]


def test_two_processes_may_upgrade_at_once(empty_url: str) -> None:
    code = "from ademan.studio.data import Database; database = Database(sys.argv[1]); GO; database.upgrade()"
    run_together(code, [[empty_url]] * 2)
    database = Database(empty_url)
    assert differences(database) == []
    database.close()


def test_a_database_of_a_later_version_is_refused_and_left(own_database: Database) -> None:
    database = own_database
    with database.writing() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StudioError, match="later version") as refused:
        database.upgrade()
    assert refused.value.code == "bad"
    with database.reading() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "9999"


def test_a_block_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as session:
        session.add(Setting(key="a", value=1))
        session.flush()
        raise ZeroDivisionError
    with database.reading() as session:
        assert session.scalar(select(Setting)) is None


def test_blocks_with_the_same_lock_come_one_after_the_other(database: Database) -> None:
    """Each reads a number and writes one more; without a lock some would be lost."""
    with database.writing() as session:
        session.add(Setting(key="count", value=0))

    def count() -> None:
        for _ in range(10):
            with database.writing("count") as session:
                row = session.get_one(Setting, "count")
                row.value = row.value + 1

    threads = [threading.Thread(target=count) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.get_one(Setting, "count").value == 60


def test_what_is_read_while_another_writes_is_what_was_before(database: Database) -> None:
    with database.writing() as writer:
        writer.add(Setting(key="a", value=1))
        writer.flush()
        with database.reading() as reader:
            assert reader.scalar(select(Setting)) is None


def test_the_pragmas_of_sqlite_hold_for_each_connection(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'a.db'}")
    expected = {"journal_mode": "wal", "foreign_keys": 1, "secure_delete": 1, "busy_timeout": 20_000}
    for name, value in expected.items():
        with database.reading() as session:
            assert session.scalar(text(f"PRAGMA {name}")) == value
        database.close()


@pytest.mark.parametrize(
    "url", ["", "studio.db", "mysql://a/b", "sqlite://", "sqlite:///:memory:", "oracle+x://a/b", "postgresql://"]
)
def test_addresses_of_no_database_are_refused(url: str) -> None:
    with pytest.raises(StudioError, match="expected sqlite:///FILE or postgresql://") as refused:
        Database(url)
    assert refused.value.code == "bad"


def test_a_database_that_is_away_is_told_without_its_password() -> None:
    database = Database("postgres://me:secret@127.0.0.1:1/none?connect_timeout=2")
    for block in (database.reading(), database.writing("a")):
        with pytest.raises(StudioError) as refused, block as session:
            session.execute(text("SELECT 1"))
        assert refused.value.code == "unavailable"
        assert "secret" not in str(refused.value)
    with pytest.raises(StudioError, match="cannot be used now"):
        database.upgrade()


def test_connections_that_were_cut_are_replaced(database: Database, backend: str) -> None:
    if backend == "sqlite":
        pytest.skip("a file has no connections that others can cut")
    with database.reading() as session:
        session.execute(text("SELECT 1"))
        own = session.scalar(text("SELECT pg_backend_pid()"))
    other = Database(database.url.render_as_string(hide_password=False))
    with other.writing() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
    other.close()
    with database.reading() as session:
        assert session.scalar(text("SELECT 1")) == 1


def test_only_its_owner_reads_a_database_that_is_a_file(tmp_path: Path) -> None:
    path = tmp_path / "new" / "studio.db"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    with database.writing() as session:
        session.execute(text("SELECT 1"))
    modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in (path.parent, *path.parent.iterdir())}
    database.close()
    assert modes.pop("new") == 0o700
    assert {mode & 0o077 for name, mode in modes.items() if not name.endswith(".in-use")} == {0}
