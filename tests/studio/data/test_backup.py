"""A backup has all of a studio, and brings it back on either database."""

import json
import shutil
import stat
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ademan.errors import AdemanError
from ademan.studio.config import StudioConfig
from ademan.studio.data import Database, StudioError
from ademan.studio.data.accounts import Accounts
from ademan.studio.data.backup import backup, restore
from ademan.studio.data.clips import Clips
from ademan.studio.data.files import open_files
from tests.studio.conftest import PASSWORD, QUICK, Studio, made_clip, new_schema
from tests.studio.data.test_erasure import NAME, everything, fill


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StudioConfig]:
    """Another studio, that has nothing, not even tables."""
    with ExitStack() as stack:
        url = "" if request.param == "sqlite" else stack.enter_context(new_schema())
        folder = tmp_path / "other"
        yield StudioConfig(
            data=str(folder), database_url=url or f"sqlite:///{folder / 'a.db'}", files=str(folder / "f")
        )


@pytest.fixture
def small(tmp_path: Path) -> StudioConfig:
    """Another studio, that has nothing, on SQLite."""
    return StudioConfig(data=str(tmp_path / "small"), database_url=f"sqlite:///{tmp_path / 'small' / 'a.db'}")


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(StudioError) as refused:
        call()
    return refused.value.code


def test_what_was_backed_up_comes_back_on_either_database(
    studio: Studio, other: StudioConfig, small_bundle: Path, tmp_path: Path
) -> None:
    ana, _ = fill(studio)
    studio.models.add(studio.sets.all()[0].id, small_bundle, trained_by=ana)
    path = tmp_path / "backups" / "studio.zip"
    told = backup(studio.config, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert told.files == len(list(studio.files.all())) == 6
    assert len(told.lost) == 1  # `fill` makes a version without a bundle
    assert told.rows["users"] == 3
    back = restore(path, other)
    assert back == told
    database = Database(other.database_url)
    expected, found = everything(studio.database), everything(database)
    for table, rows in expected.items():
        assert found[table] == ([] if table in ("logins", "attempts") else rows), table
    files = open_files(other)
    assert {file.key: files.get(file.key) for file in files.all()} == {
        file.key: studio.files.get(file.key) for file in studio.files.all()
    }
    accounts = Accounts(database, files, QUICK)
    ben = accounts.log_in(NAME, PASSWORD).visitor.person
    assert accounts.register("Dan", PASSWORD).id > max(int(str(row["id"])) for row in expected["users"])
    assert Clips(database, files).mine(ben.id).total == 3
    assert Clips(database, files).check().rows == ()
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM jobs WHERE result IS NULL")) == 1
    database.close()


def test_a_backup_of_a_studio_that_runs_is_of_one_moment(studio: Studio, small: StudioConfig, tmp_path: Path) -> None:
    """Clips are added and deleted meanwhile; each row that came back has its file, or the backup told of it."""
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    ends = threading.Event()

    def work() -> None:
        ids: list[str] = []
        while not ends.is_set():
            ids.append(studio.clip(made, ana).id)
            if len(ids) > 5:
                studio.clips.delete(ana.id, [ids.pop(0)])

    worker = threading.Thread(target=work)
    worker.start()
    try:
        told = [backup(studio.config, tmp_path / f"{i}.zip") for i in range(3)]
    finally:
        ends.set()
        worker.join()
    assert restore(tmp_path / "2.zip", small) == told[2]
    database = Database(small.database_url)
    checked = Clips(database, open_files(small)).check()
    assert len(checked.rows) == len(told[2].lost)
    assert checked.files == ()
    database.close()


def test_a_studio_that_has_something_is_not_restored_into(studio: Studio, small: StudioConfig, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    studio.person("Ana")
    backup(studio.config, path)
    with pytest.raises(StudioError, match="rows in users") as refused:
        restore(path, studio.config)
    assert refused.value.code == "taken"
    restore(path, small)
    assert code_of(lambda: restore(path, small)) == "taken"


def test_files_alone_are_something_too(studio: Studio, small: StudioConfig, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    backup(studio.config, path)
    open_files(small).put("clips/00/" + "0" * 32 + ".npz", b"somebody's")
    with pytest.raises(StudioError, match="has the file clips/00"):
        restore(path, small)


def altered(path: Path, changes: dict[str, bytes | None]) -> Path:
    """Return a copy of a zip in which entries are others, or left out."""
    other = path.with_name("altered.zip")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(other, "w") as target:
        for name in source.namelist():
            content = changes.get(name, source.read(name))
            if content is not None:
                target.writestr(name, content)
    return other


@pytest.fixture
def made(tmp_path: Path, upgraded_sqlite: Path) -> Path:
    """A backup of a studio with one clip."""
    config = StudioConfig(data=str(tmp_path / "made"))
    (tmp_path / "made").mkdir()
    shutil.copy(upgraded_sqlite, tmp_path / "made" / "studio.db")
    database = Database(config.database_url)
    studio = Studio(config, database, open_files(config))
    ana = studio.person("Ana")
    studio.clips.add(made_clip(), studio.gesture_set(ana.id).id, ana.id)
    backup(config, tmp_path / "made.zip")
    database.close()
    return tmp_path / "made.zip"


def manifest_with(path: Path, **changes: Any) -> bytes:
    with zipfile.ZipFile(path) as archive:
        return json.dumps(json.loads(archive.read("manifest.json")) | changes).encode()


def test_backups_that_are_damaged_or_of_other_versions_are_refused_and_change_nothing(
    made: Path, small: StudioConfig, tmp_path: Path
) -> None:
    with zipfile.ZipFile(made) as archive:
        users = archive.read("tables/users.jsonl")
        clip = next(name for name in archive.namelist() if name.startswith("files/"))
    for changes, message in (
        ({"tables/users.jsonl": users.replace(b"Ana", b"Eve")}, "is not what it was"),
        ({"tables/users.jsonl": users * 2}, "is larger than it was"),
        ({"tables/users.jsonl": None}, "There is no item named"),
        ({clip: b"x"}, "is not what it was"),
        ({"manifest.json": None}, "manifest.json"),
        ({"manifest.json": b"[]"}, "is no backup"),
        ({"manifest.json": manifest_with(made, format="other/1")}, "expected the format 'ademan-studio/1'"),
        ({"manifest.json": manifest_with(made, entries={})}, "the table .* is missing"),
        ({"manifest.json": manifest_with(made, revision="9999")}, "Restore it with the version of Ademan"),
    ):
        with pytest.raises(StudioError, match=message) as refused:
            restore(altered(made, changes), small)  # type: ignore[arg-type]
        assert refused.value.code == "bad"
    cut = tmp_path / "cut.zip"
    cut.write_bytes(made.read_bytes()[:-200])
    for path in (cut, tmp_path / "none.zip"):
        assert code_of(lambda path=path: restore(path, small)) == "bad"  # type: ignore[misc]
    assert list(open_files(small).all()) == []
    restore(made, small)


def test_a_key_that_leads_elsewhere_is_refused(made: Path, small: StudioConfig, tmp_path: Path) -> None:
    with zipfile.ZipFile(made) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        name = next(name for name in manifest["entries"] if name.startswith("files/"))
        content = archive.read(name)
    manifest["entries"]["files/../../escaped"] = manifest["entries"][name]
    other = altered(made, {"manifest.json": json.dumps(manifest).encode()})
    with zipfile.ZipFile(other, "a") as archive:
        archive.writestr("files/../../escaped", content)
    with pytest.raises(StudioError, match="is no key"):
        restore(other, small)
    assert not list(tmp_path.rglob("escaped"))


def test_a_place_that_cannot_be_written_leaves_the_old_backup(studio: Studio, small_disk: Path) -> None:
    ana = studio.person("Ana")
    made = studio.gesture_set(ana.id)
    path = small_disk / "studio.zip"
    backup(studio.config, path)
    before = path.read_bytes()
    recording = studio.clips.begin_recording(ana.id, made.id, video_agreed=True)
    studio.clips.add(made_clip(), made.id, ana.id, recording_id=recording, video=bytes(2 * 2**20))
    with pytest.raises(AdemanError, match="the disk is full"):
        backup(studio.config, path)
    assert path.read_bytes() == before
    assert [file.name for file in small_disk.iterdir()] == ["studio.zip"]


def test_there_is_no_backup_of_a_studio_that_is_not_there(empty_url: str, tmp_path: Path) -> None:
    config = StudioConfig(data=str(tmp_path / "studio"), database_url=empty_url)
    with pytest.raises(StudioError, match=r"There is no studio in .*Say where it is"):
        backup(config, tmp_path / "all.zip")
    assert not (tmp_path / "all.zip").exists()
    assert not (tmp_path / "studio" / "studio.db").exists()
