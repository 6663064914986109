"""Files of a studio: the same for a folder and for a bucket."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.studio.config import StudioConfig
from ademan.studio.data import StudioError
from ademan.studio.data.bucket import S3Store
from ademan.studio.data.files import LARGEST_BYTES, FileStore, FolderStore, new_key, open_files
from tests.storage.servers import BUCKET, emptied, s3_server, surround


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "files")
    server = request.getfixturevalue("server")
    surround(monkeypatch, server, tmp_path / "user")
    emptied(server)
    return S3Store(f"s3://{BUCKET}/studio")


def test_what_was_put_is_got_listed_and_deleted(store: FileStore) -> None:
    keys = [new_key("clips", ".npz"), new_key("videos", ".webm"), new_key("bundles", ".zip")]
    for key in keys:
        store.put(key, key.encode() * 100)
    assert [store.get(key) for key in keys] == [key.encode() * 100 for key in keys]
    found = {file.key: file for file in store.all()}
    assert found.keys() == {*keys}
    assert all(abs(file.changed_ms / 1000 - time.time()) < 60 for file in found.values())
    assert found[keys[0]].size == len(keys[0]) * 100
    store.delete(keys[0])
    store.delete(keys[0])
    assert {file.key for file in store.all()} == {*keys[1:]}
    with pytest.raises(StudioError) as refused:
        store.get(keys[0])
    assert refused.value.code == "gone"


def test_a_file_is_replaced_whole(store: FileStore) -> None:
    key = new_key("clips", ".npz")
    store.put(key, b"first")
    store.put(key, b"second")
    with store.local(key) as path:
        assert path.read_bytes() == b"second"


def test_a_file_that_is_too_large_is_refused(store: FileStore, monkeypatch: pytest.MonkeyPatch) -> None:
    key = new_key("clips", ".npz")
    store.put(key, b"x" * 100)
    monkeypatch.setitem(LARGEST_BYTES, "clips", 99)
    for use in (lambda: store.put(key, b"x" * 100), lambda: store.get(key)):
        with pytest.raises(StudioError, match="99 is the most") as refused:
            use()
        assert refused.value.code == "bad"


@pytest.mark.parametrize(
    "key",
    [
        "", "../secret", "clips/../../etc/passwd", "/etc/passwd", "clips/00/" + "0" * 32,
        "clips/01/" + "0" * 32 + ".npz",
        "clips/00/" + "0" * 32 + ".webm", "clips/00/" + "0" * 32 + ".npz\n", "other/00/" + "0" * 32 + ".npz",
        "clips\\00\\" + "0" * 32 + ".npz",
    ],
)  # fmt: skip
def test_what_is_no_key_is_refused_by_all(store: FileStore, key: str) -> None:
    for use in (store.get, store.delete, lambda key: store.put(key, b""), lambda key: store.local(key).__enter__()):
        with pytest.raises(StudioError, match="is no key") as refused:
            use(key)
        assert refused.value.code == "bad"


@given(st.text())
def test_no_text_leads_out_of_the_folder(key: str) -> None:
    with pytest.raises(StudioError):
        FolderStore(Path("files")).put(f"clips/{key}", b"")


def test_what_a_killed_write_left_is_tidied_and_what_is_written_now_is_not(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    key = new_key("clips", ".npz")
    store.put(key, b"whole")
    place = tmp_path / key
    for name, age_s in (("old", 7200), ("young", 0)):
        beside = place.parent / f".{place.name}.{name}" / place.name
        beside.parent.mkdir()
        beside.write_bytes(b"half")
        os.utime(beside, (time.time() - age_s,) * 2)
    store.tidy(int(time.time() - 3600) * 1000)
    assert [path.name for path in sorted(place.parent.iterdir())] == [f".{place.name}.young", place.name]
    assert [file.key for file in store.all()] == [key]


def test_a_full_disk_is_told_and_leaves_nothing(small_disk: Path) -> None:
    store = FolderStore(small_disk / "files")
    with pytest.raises(StudioError, match="the disk is full") as refused:
        store.put(new_key("clips", ".npz"), b"x" * 2**21)
    assert refused.value.code == "unavailable"
    assert list(store.all()) == []


def test_a_bucket_that_is_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    surround(monkeypatch, "http://127.0.0.1:1", tmp_path)
    store = S3Store("s3://bucket/studio")
    for use in (lambda: store.get(new_key("clips", ".npz")), lambda: list(store.all())):
        with pytest.raises(StudioError, match="cannot be reached") as refused:
            use()
        assert refused.value.code == "unavailable"


def test_an_object_that_somebody_altered_is_refused(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    surround(monkeypatch, server, tmp_path)
    client, key = emptied(server), new_key("clips", ".npz")
    store = S3Store(f"s3://{BUCKET}/studio")
    store.put(key, b"as it was")
    noted = client.head_object(Bucket=BUCKET, Key=f"studio/{key}")["Metadata"]
    client.put_object(Bucket=BUCKET, Key=f"studio/{key}", Body=b"altered", Metadata=noted)
    with pytest.raises(StudioError, match="came damaged"):
        store.get(key)


def test_a_studio_opens_what_its_settings_name(tmp_path: Path) -> None:
    here = open_files(StudioConfig(data=str(tmp_path)))
    assert isinstance(here, FolderStore)
    assert here.folder == tmp_path / "files"
    there = open_files(StudioConfig(data=str(tmp_path), files="s3://bucket/a/b/"))
    assert isinstance(there, S3Store)
    assert str(there.place) == "s3://bucket/a/b"
    with pytest.raises(StudioError, match="no place in a bucket"):
        open_files(StudioConfig(data=str(tmp_path), files="s3://"))
