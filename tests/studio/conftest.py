"""Studios for tests, on each of the databases: a fresh file of SQLite, a fresh schema of PostgreSQL."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import psycopg
import pytest
from sqlalchemy import text

from ademan.clip import Clip, times_at
from ademan.skeleton import BUILT_IN
from ademan.studio.config import StudioConfig
from ademan.studio.data.accounts import Accounts
from ademan.studio.data.clips import ClipInfo, Clips
from ademan.studio.data.database import Database
from ademan.studio.data.files import FileStore, open_files
from ademan.studio.data.gestures import GestureSets, SetInfo
from ademan.studio.data.members import Members
from ademan.studio.data.models import Models
from ademan.studio.data.passwords import Passwords
from ademan.studio.data.people import Person
from ademan.studio.data.predictions import Predictions
from ademan.studio.data.review import Review
from ademan.studio.data.settings import Settings
from ademan.studio.data.tables import Base

POSTGRES = os.environ.get("ADEMAN_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/test")
PASSWORD = "four words of mine"  # noqa: S105
QUICK = Passwords(time_cost=1, memory_kib=8)
"""As safe as paper, and as quick: for tests alone."""


def missing(what: str) -> None:
    """Skip a test for want of a server; where all of them should be there, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Which database it is; a test that asks for it runs on both."""
    return str(request.param)


@contextmanager
def new_schema() -> Iterator[str]:
    """Give the address of a schema of PostgreSQL that is there for the block alone."""
    name = f"test_{uuid.uuid4().hex}"
    try:
        connection = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as error:
        missing(f"no PostgreSQL at {POSTGRES}, which ADEMAN_TEST_POSTGRES can name: {error}")
    with connection:
        connection.execute("SET client_min_messages = warning")
        connection.execute(f"CREATE SCHEMA {name}")
        yield f"{POSTGRES}?options=-csearch_path%3D{name}%20-csynchronous_commit%3Doff"
        connection.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def empty_url(backend: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables."""
    if backend == "sqlite":
        yield f"sqlite:///{tmp_path / 'studio' / 'studio.db'}"
    else:
        with new_schema() as url:
            yield url


@pytest.fixture(scope="session")
def upgraded_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, and nothing in them, to be copied."""
    path = tmp_path_factory.mktemp("empty") / "studio.db"
    database = Database(f"sqlite:///{path}")
    database.upgrade()
    database.forget()
    database.close()
    return path


@pytest.fixture(scope="session")
def upgraded_postgres() -> Iterator[str]:
    """A schema with all tables; making one takes a second, so it is emptied after each test."""
    with new_schema() as url:
        database = Database(url)
        database.upgrade()
        database.close()
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest, backend: str, tmp_path: Path) -> Iterator[str]:
    """The address of a database with all tables, and nothing in them."""
    if backend == "sqlite":
        path = tmp_path / "studio" / "studio.db"
        path.parent.mkdir()
        shutil.copy(request.getfixturevalue("upgraded_sqlite"), path)
        yield f"sqlite:///{path}"
        return
    url = request.getfixturevalue("upgraded_postgres")
    yield url
    database = Database(url)
    with database.writing() as session:
        session.execute(text("SET LOCAL lock_timeout = '5s'"))
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(table.delete())
    database.close()


@pytest.fixture
def config(database_url: str, tmp_path: Path) -> StudioConfig:
    return StudioConfig(data=str(tmp_path / "studio"), database_url=database_url, files=str(tmp_path / "files"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database with all tables, and nothing in them."""
    found = Database(database_url)
    yield found
    found.close()


def run_together(code: str, arguments: Sequence[Sequence[str]]) -> list[str]:
    """Run Python code in processes of their own, at the same time, and return what each printed.

    Each waits for a line on its input, so that none begins before all are there.
    """
    code = "import sys; " + code.replace("GO", "print('ready', flush=True); sys.stdin.readline()")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    pipe = subprocess.PIPE
    processes = [
        subprocess.Popen([sys.executable, "-c", code, *given], stdin=pipe, stdout=pipe, text=True, env=environment)
        for given in arguments
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    told = []
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        told.append(process.communicate(timeout=60)[0])
    assert [process.returncode for process in processes] == [0] * len(processes)
    return told


@dataclass(frozen=True)
class Studio:
    """The data layer of a studio, and short ways to fill it."""

    config: StudioConfig
    database: Database
    files: FileStore

    @cached_property
    def accounts(self) -> Accounts:
        return Accounts(self.database, self.files, QUICK)

    @cached_property
    def members(self) -> Members:
        return Members(self.database, self.files, QUICK)

    @cached_property
    def sets(self) -> GestureSets:
        return GestureSets(self.database, self.files)

    @cached_property
    def clips(self) -> Clips:
        return Clips(self.database, self.files)

    @cached_property
    def review(self) -> Review:
        return Review(self.database, self.files)

    @cached_property
    def models(self) -> Models:
        return Models(self.database, self.files)

    @cached_property
    def predictions(self) -> Predictions:
        return Predictions(self.database, self.files)

    @cached_property
    def settings(self) -> Settings:
        return Settings(self.database)

    def person(self, name: str) -> Person:
        """Register somebody; the first one is an admin."""
        return self.accounts.register(name, PASSWORD)

    def gesture_set(self, by: int, name: str = "Greetings", gestures: tuple[str, ...] = ("wave", "bow")) -> SetInfo:
        """Make a set of hands with gestures."""
        made = self.sets.add(by, name)
        for gesture in gestures:
            self.sets.add_gesture(by, made.id, gesture)
        return self.sets.get(made.id)

    def clip(self, owner: SetInfo, person: Person, label: str | None = "wave", *, accept_by: int = 0) -> ClipInfo:
        """Add a clip of a gesture, or of the idle label, and let an admin accept it."""
        gesture = owner.gesture(label) if label else None
        added = self.clips.add(
            made_clip(),
            owner.id,
            person.id,
            gesture_id=gesture.id if gesture else None,
            idle=label == owner.idle,
        )
        if accept_by:
            self.review.decide(accept_by, [added.id], "accepted")
        return added


@pytest.fixture
def studio(config: StudioConfig, database: Database) -> Studio:
    """A studio with nobody and nothing in it."""
    return Studio(config, database, open_files(config))


def made_clip(frames: int = 12, landmarks: str = "hands", seed: int = 0) -> Clip:
    """A clip of points that move at random, one of them unseen."""
    skeleton = BUILT_IN[landmarks]
    points = np.random.default_rng(seed).uniform(0.2, 0.8, (frames, len(skeleton), 3)).astype(np.float32)
    points[0, 0] = np.nan
    return Clip(points, times_at(25, frames), skeleton, image_wh=(640, 480))
