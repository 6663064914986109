"""`ademan backup`, `ademan restore` and `ademan studio --reset`, as people call them, on both databases."""

import io
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import redis

from ademan.cli import main
from ademan.studio.config import StudioConfig
from ademan.studio.data import Database, StudioError
from ademan.studio.data.accounts import Accounts
from ademan.studio.data.backup import restore
from ademan.studio.data.files import open_files
from ademan.studio.data.presence import alone, attend
from ademan.studio.web.parts import open_studio
from ademan.studio.web.reset import reset_studio
from ademan.studio.work.wakeups import HueyBell, open_queue
from tests.studio.conftest import PASSWORD, QUICK, Studio, new_schema
from tests.studio.own_redis import own_redis

Told = pytest.CaptureFixture[str]


def places(config: StudioConfig) -> list[str]:
    return ["--data", config.data, "--database-url", config.database_url, "--files", config.files]


def run(*words: str) -> int:
    """Call a command line, and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    assert isinstance(ended.value.code, int)
    return ended.value.code


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Type something at a terminal."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    return lambda words: monkeypatch.setattr(sys, "stdin", Terminal(words))


@pytest.fixture
def database_url(empty_url: str) -> str:
    """The address of a database of this test's own, whose tables may go."""
    with closing(Database(empty_url)) as database:
        database.upgrade()
    return empty_url


@pytest.fixture
def filled(studio: Studio) -> Studio:
    """A studio with one person and three clips."""
    ana = studio.person("Ana")
    owner = studio.gesture_set(ana.id)
    for _ in range(3):
        studio.clip(owner, ana)
    studio.database.close()  # its connections would be somebody who uses it
    return studio


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StudioConfig]:
    """Another studio, that has nothing."""
    with ExitStack() as stack:
        url = "" if request.param == "sqlite" else stack.enter_context(new_schema())
        yield StudioConfig(data=str(tmp_path / "other"), database_url=url, files=str(tmp_path / "other" / "files"))


def people(config: StudioConfig) -> list[str]:
    with closing(Database(config.database_url)) as database:
        accounts = Accounts(database, open_files(config), QUICK)
        return [accounts.log_in("Ana", PASSWORD).visitor.person.name]


def test_a_backup_is_one_command_and_so_is_bringing_it_back(
    filled: Studio, other: StudioConfig, tmp_path: Path, capsys: Told
) -> None:
    file = tmp_path / "backups" / "studio.zip"
    assert run("backup", str(file), *places(filled.config)) == 0
    said = capsys.readouterr().out
    assert said.startswith(str(file))
    assert "1 people, 1 gesture sets, 3 clips, 0 models; 3 files" in said
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run("restore", str(file), *places(other)) == 0
    assert "1 people, 1 gesture sets, 3 clips, 0 models; 3 files" in capsys.readouterr().out
    assert people(other) == ["Ana"]


def test_a_file_that_is_there_is_replaced_if_somebody_says_so(
    filled: Studio, tmp_path: Path, capsys: Told, answer: Callable[[str], None]
) -> None:
    file = tmp_path / "studio.zip"
    file.write_text("precious", encoding="utf-8")
    answer("no\n")
    assert run("backup", str(file), *places(filled.config)) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "precious"
    answer("yes\n")
    assert run("backup", str(file), *places(filled.config)) == 0
    assert file.read_bytes()[:2] == b"PK"


def test_without_a_terminal_nothing_is_replaced_unless_it_is_told_to(
    filled: Studio, tmp_path: Path, capsys: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    file = tmp_path / "studio.zip"
    file.write_text("precious", encoding="utf-8")
    assert run("backup", str(file), *places(filled.config)) == 2
    assert "or replace it with --overwrite" in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == "precious"
    assert run("backup", str(file), "--overwrite", *places(filled.config)) == 0


def test_nothing_is_restored_over_what_is_there(filled: Studio, tmp_path: Path, capsys: Told) -> None:
    file = tmp_path / "studio.zip"
    assert run("backup", str(file), *places(filled.config)) == 0
    assert run("restore", str(file), *places(filled.config)) == 1
    assert "Empty it first, or name another:  ademan studio --reset" in capsys.readouterr().err
    assert people(filled.config) == ["Ana"]


def test_what_is_no_backup_is_refused(tmp_path: Path, capsys: Told) -> None:
    file = tmp_path / "studio.zip"
    file.write_text("something", encoding="utf-8")
    assert run("restore", str(file), "--data", str(tmp_path / "new")) == 1
    assert "is no backup, or cannot be read" in capsys.readouterr().err


def test_a_backup_is_made_of_a_studio_that_runs_and_none_is_restored_into_it(
    filled: Studio, other: StudioConfig, tmp_path: Path, capsys: Told
) -> None:
    file = tmp_path / "studio.zip"
    running = open_studio(filled.config, QUICK)
    assert run("backup", str(file), *places(filled.config)) == 0
    running.close()
    running = open_studio(other, QUICK)  # nobody has registered yet
    assert run("restore", str(file), *places(other)) == 1
    assert "The studio is being used. End `ademan studio` and `ademan worker`" in capsys.readouterr().err
    running.close()
    assert run("restore", str(file), *places(other)) == 0


def test_a_studio_does_not_begin_while_it_is_replaced(other: StudioConfig) -> None:
    with closing(Database(other.database_url)) as database, alone(database):
        if database.is_sqlite:
            with pytest.raises(StudioError, match="is being deleted or restored now"):
                attend(database)


def test_a_lock_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.db.in-use").mkdir()
    with (
        closing(Database(f"sqlite:///{tmp_path / 'a.db'}")) as database,
        pytest.raises(StudioError, match=r"a\.db\.in-use cannot be written"),
    ):
        attend(database)


def test_a_reset_asks_for_the_name_of_the_folder(
    filled: Studio, capsys: Told, answer: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ademan.studio.web.run.run_studio", lambda *_, **__: None)
    answer("yes\n")
    assert run("studio", "--reset", *places(filled.config)) == 2
    assert "nothing was deleted" in capsys.readouterr().err
    assert people(filled.config) == ["Ana"]
    answer(f"{filled.config.folder.name}\n")
    assert run("studio", "--reset", *places(filled.config)) == 0
    assert "Deleted, with 3 files" in capsys.readouterr().err
    assert list(open_files(filled.config).all()) == []


def test_a_reset_is_refused_while_the_studio_runs(filled: Studio) -> None:
    running = open_studio(filled.config, QUICK)
    with pytest.raises(StudioError, match="The studio is being used") as refused:
        reset_studio(filled.config)
    assert refused.value.code == "taken"
    running.close()
    assert people(filled.config) == ["Ana"]


def test_a_reset_leaves_nothing_of_jobs_and_wake_ups(filled: Studio, tmp_path: Path) -> None:
    with own_redis(tmp_path) as server:
        for url in ("", server.url):
            config = StudioConfig(
                data=filled.config.data, database_url=filled.config.database_url, files=filled.config.files,
                redis_url=url,
            )  # fmt: skip
            running = open_studio(config, QUICK)
            with closing(HueyBell(config)) as bell:
                bell.ring()
            running.close()
            scratch = config.folder / "work" / "job-1"
            scratch.mkdir(parents=True)
            (scratch / "clips.h5").write_bytes(b"clips of people")
            reset_studio(config)
            assert not (config.folder / "work").exists()
            assert not list(config.folder.glob("wakeups.db*"))
            with closing(open_queue(config)) as queue:
                assert queue.queue_size() == 0
        with redis.Redis.from_url(server.url) as client:
            assert client.keys("*") == []
    assert reset_studio(filled.config) == 0  # also of one that has nothing


def test_a_backup_of_a_reset_studio_comes_back(filled: Studio, tmp_path: Path) -> None:
    file = tmp_path / "studio.zip"
    assert run("backup", str(file), *places(filled.config)) == 0
    reset_studio(filled.config)
    told = restore(file, filled.config)
    assert told.files == 3
    assert people(filled.config) == ["Ana"]
