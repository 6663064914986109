"""Pulling: whole and proven or not at all, going on where an earlier pull ended, and nothing mixed."""

import hashlib
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ademan.bundle import read_bundle
from ademan.datasets import Dataset
from ademan.errors import AdemanError, StorageError
from ademan.storage import pull, push
from ademan.storage.locks import held, lock_of
from tests.storage.servers import BUCKET, Between, refusal

KEY = "data/some.bin"
URL = f"s3://{BUCKET}/{KEY}"
SIZE = 3_000_000
KILLED = """
import os, signal, sys
from ademan.storage import pull
pull(sys.argv[1], sys.argv[2], on_progress=lambda done, total: done and os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.fixture(scope="session")
def some() -> bytes:
    return np.random.default_rng(1).bytes(SIZE)


def put(s3: Any, content: bytes, key: str = KEY, sha256: str | None = None) -> None:
    """Put an object there as `push` does, or with another SHA-256 noted, or with none."""
    noted = hashlib.sha256(content).hexdigest() if sha256 is None else sha256
    s3.put_object(Bucket=BUCKET, Key=key, Body=content, Metadata={"sha256": noted} if noted else {})


def stop_after(size: int) -> Any:
    def stop(done: int, total: int | None) -> None:
        if done >= size:
            raise KeyboardInterrupt

    return stop


def begin(path: Path, size: int = 1_000_000) -> Path:
    """Pull, be stopped when so much is there, and return the file that is kept of it."""
    with pytest.raises(KeyboardInterrupt):
        pull(URL, path, on_progress=stop_after(size))
    assert not path.exists()
    (kept,) = path.parent.glob(f".{path.name}.{'[0-9a-f]' * 16}.partial")
    return kept


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is empty."""
    path = tmp_path / "folder"
    path.mkdir()
    return path


@pytest.mark.parametrize("size", [0, 1, SIZE])
def test_a_file_comes_back_as_it_was(s3: Any, folder: Path, some: bytes, size: int) -> None:
    put(s3, some[:size])
    seen: list[tuple[int, int | None]] = []
    done = pull(URL, folder / "new" / "some.bin", on_progress=lambda *now: seen.append(now))
    assert (folder / "new" / "some.bin").read_bytes() == some[:size]
    assert (done.size, done.fetched, done.there, done.kind) == (size, size, False, "file")
    assert done.sha256 == hashlib.sha256(some[:size]).hexdigest()
    assert names(folder / "new") == ["some.bin"]
    assert seen[0] == (0, size)
    assert seen[-1] == (size, size)


def test_a_dataset_comes_back_as_it_was(s3: Any, dataset_file: Path, folder: Path) -> None:
    push(dataset_file, f"s3://{BUCKET}/three.h5")
    assert pull(f"s3://{BUCKET}/three.h5", folder / "a.h5").kind == "dataset"
    with Dataset(folder / "a.h5") as back, Dataset(dataset_file) as sent:
        assert back.digest == sent.digest
    assert (folder / "a.h5").read_bytes() == dataset_file.read_bytes()


def test_a_bundle_comes_as_a_folder_or_as_a_file(s3: Any, small_bundle: Path, folder: Path) -> None:
    url = f"s3://{BUCKET}/small"
    push(small_bundle, url)
    assert pull(url, folder / "small").kind == pull(url, folder / "small.zip").kind == "bundle"
    assert read_bundle(folder / "small").manifest == read_bundle(folder / "small.zip").manifest
    assert read_bundle(folder / "small").manifest == read_bundle(small_bundle).manifest
    push(folder / "small.zip", f"s3://{BUCKET}/as-file.zip")
    pull(f"s3://{BUCKET}/as-file.zip", folder / "again")
    assert names(folder / "again") == names(small_bundle)
    assert names(folder) == ["again", "small", "small.zip"]


def test_what_is_there_already_is_not_fetched_again(
    s3: Any, between: Between, small_bundle: Path, folder: Path
) -> None:
    url = f"s3://{BUCKET}/small"
    push(small_bundle, url)
    for name in ("small", "small.zip"):
        pull(url, folder / name)
        before = len(between.seen)
        done = pull(url, folder / name)
        assert (done.there, done.fetched, done.kind) == (True, 0, "bundle")
        assert [method for method, _ in between.seen[before:]] == ["HEAD"]


@pytest.mark.parametrize("noted", [None, ""])
def test_other_content_is_replaced_only_when_told(s3: Any, folder: Path, noted: str | None) -> None:
    put(s3, b"new", sha256=noted)
    (folder / "a").write_text("old")
    with pytest.raises(
        StorageError,
        match=r"a is there already, and is not what s3://bucket/data/some.bin holds. Replace it with --overwrite, or "
        r"choose another name\.$",
    ):
        pull(URL, folder / "a")
    assert (folder / "a").read_text() == "old"
    pull(URL, folder / "a", overwrite=True)
    assert (folder / "a").read_text() == "new"
    assert names(folder) == ["a"]


def test_a_bundles_folder_is_replaced_only_when_told(s3: Any, small_bundle: Path, folder: Path) -> None:
    url = f"s3://{BUCKET}/small"
    push(small_bundle, url)
    shutil.copytree(small_bundle, folder / "old")
    (folder / "old" / "model.onnx").write_text("damaged")
    with pytest.raises(StorageError, match=r"old is there already, and is not what s3://bucket/small holds"):
        pull(url, folder / "old")
    pull(url, folder / "old", overwrite=True)
    read_bundle(folder / "old")
    assert names(folder) == ["old"]


def test_an_empty_folder_becomes_a_bundle(s3: Any, small_bundle: Path, folder: Path) -> None:
    push(small_bundle, f"s3://{BUCKET}/small")
    pull(f"s3://{BUCKET}/small", folder)
    assert names(folder) == names(small_bundle)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_other_things_is_never_replaced(
    s3: Any,
    between: Between,
    small_bundle: Path,
    folder: Path,
    overwrite: bool,
) -> None:
    push(small_bundle, f"s3://{BUCKET}/small")
    (folder / "letters").write_text("dear")
    with pytest.raises(
        StorageError, match=r"folder is a folder, and no bundle; name a file in it, or a folder that is"
    ):
        pull(f"s3://{BUCKET}/small", folder, overwrite=overwrite)
    assert between.count("GET") == 0
    assert names(folder) == ["letters"]


def test_a_file_never_replaces_a_folder(s3: Any, folder: Path) -> None:
    put(s3, b"x")
    (folder / "empty").mkdir()
    with pytest.raises(AdemanError, match=r"empty is a folder; name a file in it\.$"):
        pull(URL, folder / "empty")
    assert names(folder) == ["empty"]


def test_a_pull_that_was_stopped_goes_on(s3: Any, between: Between, folder: Path, some: bytes) -> None:
    put(s3, some)
    kept = begin(folder / "a")
    there = kept.stat().st_size
    assert 1_000_000 <= there < SIZE
    done = pull(URL, folder / "a")
    assert done.fetched == SIZE - there
    assert (folder / "a").read_bytes() == some
    assert names(folder) == ["a"]


def test_a_pull_that_was_killed_goes_on(s3: Any, folder: Path, some: bytes) -> None:
    put(s3, some)
    killed = subprocess.run([sys.executable, "-c", KILLED, URL, folder / "a"], check=False)
    assert killed.returncode == -signal.SIGKILL
    (kept,) = folder.iterdir()
    there = kept.stat().st_size
    assert pull(URL, folder / "a").fetched == SIZE - there < SIZE
    assert (folder / "a").read_bytes() == some


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, SIZE), max_size=3))
def test_a_connection_that_is_cut_anywhere_does_no_harm(
    s3: Any, between: Between, folder: Path, some: bytes, cuts: list[int]
) -> None:
    put(s3, some)
    between.cuts[:] = cuts
    pull(URL, folder / "a", overwrite=True)
    assert (folder / "a").read_bytes() == some
    assert names(folder) == ["a"]


def test_a_connection_that_is_cut_each_time_at_once_is_told(s3: Any, between: Between, folder: Path) -> None:
    put(s3, b"x" * 1000)
    between.cuts[:] = [0] * 10
    with pytest.raises(
        StorageError, match=r"cannot be reached, or broke off, at s3://bucket/data/some.bin \(.*goes on"
    ):
        pull(URL, folder / "a")
    assert between.count("GET") == 2  # as AWS_MAX_ATTEMPTS says
    assert not (folder / "a").exists()


def test_an_object_that_was_replaced_between_two_tries_is_not_mixed(s3: Any, folder: Path, some: bytes) -> None:
    put(s3, some)
    begin(folder / "a")
    put(s3, some[::-1])
    assert pull(URL, folder / "a").fetched == SIZE
    assert (folder / "a").read_bytes() == some[::-1]
    assert names(folder) == ["a"]


@pytest.mark.parametrize("knows_conditions", [True, False])
def test_an_object_that_is_replaced_meanwhile_is_not_mixed(
    s3: Any,
    between: Between,
    folder: Path,
    some: bytes,
    knows_conditions: bool,
) -> None:
    put(s3, some)
    between.cuts[:] = [500_000]
    if not knows_conditions:
        between.left_out.add("if-match")

    def replace(done: int, total: int | None) -> None:
        put(s3, some[::-1])

    with pytest.raises(
        StorageError,
        match=r"^s3://bucket/data/some.bin was changed by somebody else while it was being fetched. Pull it again\.$",
    ):
        pull(URL, folder / "a", on_progress=replace)
    assert not (folder / "a").exists()
    pull(URL, folder / "a")
    assert (folder / "a").read_bytes() == some[::-1]


def test_a_bucket_that_goes_half_way_is_told(s3: Any, between: Between, folder: Path, some: bytes) -> None:
    put(s3, some)
    between.cuts[:] = [500_000]

    def remove(done: int, total: int | None) -> None:
        if done:
            s3.delete_object(Bucket=BUCKET, Key=KEY)
            between.refuse = refusal(404, "NoSuchBucket")

    with pytest.raises(StorageError, match=r"^there is no bucket 'bucket' at"):
        pull(URL, folder / "a", on_progress=remove)
    assert not (folder / "a").exists()


def test_a_server_that_knows_no_ranges_sends_it_all_again(s3: Any, between: Between, folder: Path, some: bytes) -> None:
    put(s3, some)
    between.left_out.add("range")
    between.cuts[:] = [500_000]
    pull(URL, folder / "a")
    assert (folder / "a").read_bytes() == some


def test_damage_in_what_an_earlier_pull_left_is_mended(s3: Any, folder: Path, some: bytes) -> None:
    put(s3, some)
    kept = begin(folder / "a")
    with kept.open("r+b") as file:
        file.write(bytes(1000))
    pull(URL, folder / "a")
    assert (folder / "a").read_bytes() == some


@pytest.mark.parametrize("more", [0, 1])
def test_what_is_all_there_or_too_much_is_no_trouble(s3: Any, folder: Path, some: bytes, more: int) -> None:
    put(s3, some)
    kept = begin(folder / "a")
    kept.write_bytes(some + bytes(more))
    assert pull(URL, folder / "a").fetched == (SIZE if more else 0)
    assert (folder / "a").read_bytes() == some


def test_an_object_that_is_not_what_was_noted_is_left(s3: Any, folder: Path, some: bytes) -> None:
    put(s3, some, sha256="0" * 64)
    (folder / "a").write_text("old")
    with pytest.raises(
        StorageError,
        match=r"^s3://bucket/data/some.bin is damaged, and was left: its SHA-256 is \w{12}\.\.\., expected 0{12}\.\.\."
        r", which was noted when it was pushed. Push it again\.$",
    ):
        pull(URL, folder / "a", overwrite=True)
    assert names(folder) == ["a"]
    assert (folder / "a").read_text() == "old"


@pytest.mark.parametrize("noted", ["", "../../x", "0" * 63])
def test_an_object_without_a_sum_is_fetched_but_does_not_go_on(s3: Any, folder: Path, some: bytes, noted: str) -> None:
    put(s3, some, sha256=noted)
    begin(folder / "a")
    done = pull(URL, folder / "a")
    assert (done.sha256, done.fetched) == ("", SIZE)
    assert (folder / "a").read_bytes() == some


def test_a_bundle_that_cannot_be_trusted_is_left(s3: Any, small_bundle: Path, folder: Path) -> None:
    with zipfile.ZipFile(folder / "bad.zip", "w") as archive:
        for file in small_bundle.iterdir():
            archive.writestr(file.name, b"no graph" if file.name == "model.onnx" else file.read_bytes())
    put(s3, (folder / "bad.zip").read_bytes())
    with pytest.raises(
        StorageError, match=rf"^{URL} is refused, since it is no sound bundle: {URL}: model.onnx is not what it was"
    ):
        pull(URL, folder / "bundle")
    assert names(folder) == ["bad.zip"]


def test_a_bundle_brings_nothing_but_its_files(s3: Any, small_bundle: Path, folder: Path) -> None:
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        for file in small_bundle.iterdir():
            archive.writestr(file.name, file.read_bytes())
        archive.writestr("../../escaped", b"x")
        archive.writestr("more.py", b"x")
    put(s3, (folder / "more.zip").read_bytes())
    pull(URL, folder / "bundle")
    assert names(folder / "bundle") == names(small_bundle)
    assert not list(folder.parent.rglob("escaped"))


def test_a_dataset_that_cannot_be_trusted_is_left(s3: Any, dataset_file: Path, folder: Path) -> None:
    put(s3, dataset_file.read_bytes()[:-1000], "three.h5")
    url = f"s3://{BUCKET}/three.h5"
    with pytest.raises(StorageError, match=rf"^{url} is refused, since it is no sound dataset: {url} cannot be opened"):
        pull(url, folder / "three")
    put(s3, b"no HDF5")
    with pytest.raises(StorageError, match=rf"^{URL} is refused, since it is no sound dataset: {URL} cannot be opened"):
        pull(URL, folder / "three.h5")
    assert names(folder) == []


@pytest.mark.parametrize("content", [b"PK\x05\x06" + bytes(18), b"PK\x03\x04 no zip", b""])
def test_a_zip_that_is_no_bundle_is_a_file(s3: Any, folder: Path, content: bytes) -> None:
    put(s3, content)
    assert pull(URL, folder / "a").kind == "file"
    assert (folder / "a").read_bytes() == content


def test_what_does_not_fit_the_disk_is_refused_before_it_is_fetched(
    s3: Any, between: Between, small_disk: Path, some: bytes
) -> None:
    put(s3, some)
    with pytest.raises(
        StorageError,
        match=r"a was not written: 3,000,000 bytes are to come, and the disk has [\d,]+ free. Free some space, or",
    ):
        pull(URL, small_disk / "a")
    assert between.count("GET") == 0
    assert names(small_disk) == []


def test_a_disk_that_fills_up_meanwhile_is_left_as_it_was(s3: Any, small_disk: Path, some: bytes) -> None:
    put(s3, some[:900_000])

    def fill(done: int, total: int | None) -> None:
        (small_disk / "filler").write_bytes(bytes(2**20 - done - 100_000))

    with pytest.raises(StorageError, match=r"a was not written: the disk is full. Free some space, or choose another"):
        pull(URL, small_disk / "a", on_progress=fill)
    assert names(small_disk) == ["filler"]


def test_a_disk_that_is_full_when_a_bundle_is_unpacked_is_left_as_it_was(
    s3: Any, small_bundle: Path, small_disk: Path
) -> None:
    push(small_bundle, f"s3://{BUCKET}/small")
    size = s3.head_object(Bucket=BUCKET, Key="small")["ContentLength"]
    (small_disk / "filler").write_bytes(bytes(2**20 - size - 30_000))
    with pytest.raises(AdemanError, match=r"bundle was not written: the disk is full. Free some space, or choose"):
        pull(f"s3://{BUCKET}/small", small_disk / "bundle")
    assert names(small_disk) == ["filler"]


def test_a_place_that_cannot_be_written_is_told(s3: Any, folder: Path) -> None:
    put(s3, b"x")
    (folder / "file").write_text("no folder")
    with pytest.raises(StorageError, match=r"a was not written: .*file is no folder\.$"):
        pull(URL, folder / "file" / "a")
    with pytest.raises(StorageError, match=r"was not written: File name too long\.$"):
        pull(URL, folder / ("a" * 250))


def test_only_what_is_left_of_this_very_name_is_removed(s3: Any, folder: Path, some: bytes) -> None:
    put(s3, some)
    kept = [begin(folder / name).name for name in ("a.b", "a")]
    put(s3, b"new")
    pull(URL, folder / "a")
    assert names(folder) == sorted([kept[0], "a"])


def test_two_processes_do_not_fetch_into_the_same_place(s3: Any, folder: Path) -> None:
    put(s3, b"x")
    with (
        held(lock_of(folder / "a"), wait=False),
        pytest.raises(
            StorageError, match=r"^another process is fetching .*a now. Wait for it, or choose another name\.$"
        ),
    ):
        pull(URL, folder / "a")
    pull(URL, folder / "a")


def test_a_pull_goes_without_a_cache(s3: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(s3, b"x")
    (folder / "file").write_text("where a folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "file"))
    assert pull(URL, folder / "a").fetched == 1
