import errno
import hashlib
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import AdemanError
from ademan.files import sha256, write_json, written_whole


def _content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_file_appears_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"
    with written_whole(path) as beside:
        beside.write_text("whole")
        assert not path.exists()
        assert beside.suffix == ".txt"
    assert _content(tmp_path) == {"new/folder/a.txt": b"whole"}
    assert list(path.parent.iterdir()) == [path]


def test_an_old_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    with written_whole(path) as beside:
        beside.write_text("new")
        assert path.read_text() == "old"
    assert _content(tmp_path) == {"a.txt": b"new"}


def _write(path: Path, *names: str) -> None:
    """Write a file, or with names a folder of them."""
    with written_whole(path) as beside:
        for name in names:
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
            (beside / name).write_text("new")
        if not names:
            beside.write_text("new")


def test_a_folder_is_replaced_by_a_newer_version_of_itself(tmp_path: Path) -> None:
    path = tmp_path / "bundle"
    (path / "deep").mkdir(parents=True)
    for name in ("manifest.json", "deep/a.txt"):
        (path / name).write_text("old")
    _write(path, "manifest.json", "deep/a.txt", "b.txt")
    assert _content(path) == dict.fromkeys(("manifest.json", "deep/a.txt", "b.txt"), b"new")
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_folder_is_replaced_by_a_folder(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    _write(tmp_path / "a", "b.txt")
    assert _content(tmp_path) == {"a/b.txt": b"new"}


@pytest.mark.parametrize("more", ["precious.txt", "model.onnx/precious.txt"])
def test_a_folder_with_anything_else_in_it_is_never_replaced(tmp_path: Path, more: str) -> None:
    path = tmp_path / "home"
    for name in ("manifest.json", more):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("old")
    with pytest.raises(AdemanError, match="home is a folder that is not empty, and is no bundle; name a file in it"):
        _write(path, "manifest.json", "model.onnx")
    assert _content(path) == dict.fromkeys(("manifest.json", more), b"old")
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_without_a_manifest_is_refused_before_any_work_is_done(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("old")
    with pytest.raises(AdemanError, match="is a folder that is not empty"), written_whole(tmp_path):
        pytest.fail("the block was run")


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    path = tmp_path / "replaced"
    for content in ("old", "new"):
        with written_whole(path) as beside:
            beside.mkdir()
            (beside / "manifest.json").write_text(content)
    assert _content(tmp_path) == {"replaced/manifest.json": b"new"}


@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("name", [None, "manifest.json"])
def test_a_file_never_replaces_a_folder(tmp_path: Path, name: str | None, linked: bool) -> None:
    folder = path = tmp_path / "data"
    folder.mkdir()
    if name:
        (folder / name).write_text("old")
    if linked:
        path = tmp_path / "link"
        path.symlink_to(folder)
    with pytest.raises(AdemanError, match=rf"{path.name} is a folder; name a file in it\."):
        _write(path)
    assert _content(folder) == ({name: b"old"} if name else {})
    assert path.is_dir()


def _fail_in_the_middle(path: Path, folder: bool) -> None:
    with written_whole(path) as beside:
        if folder:
            beside.mkdir()
        (beside / "manifest.json" if folder else beside).write_text("half")
        raise KeyboardInterrupt


@pytest.mark.parametrize("folder", [False, True])
def test_a_failure_leaves_what_was_there_and_nothing_beside(tmp_path: Path, folder: bool) -> None:
    path = tmp_path / "a"
    if folder:
        path.mkdir()
    (path / "manifest.json" if folder else path).write_text("old")
    before = _content(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        _fail_in_the_middle(path, folder)
    assert _content(tmp_path) == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("folder", [False, True])
def test_a_block_that_writes_nothing_leaves_what_was_there(tmp_path: Path, folder: bool) -> None:
    path = tmp_path / "a"
    if folder:
        path.mkdir()
    (path / "manifest.json" if folder else path).write_text("old")
    before = _content(tmp_path)
    with pytest.raises(AdemanError, match="a was not written: No such file"), written_whole(path):
        pass
    assert _content(tmp_path) == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_cannot_take_the_place_of_a_file_which_stays(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(AdemanError, match="a was not written: Not a directory"), written_whole(path) as beside:
        beside.mkdir()
    assert _content(tmp_path) == {"a": b"old"}


def test_a_place_below_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a file")
    with pytest.raises(AdemanError, match=r"a/b/c was not written: (Not a directory|File exists)"):
        write_json(tmp_path / "a" / "b" / "c", 1)


def test_an_error_without_words_of_the_system_is_told_all_the_same(tmp_path: Path) -> None:
    with pytest.raises(AdemanError, match="a was not written: the cable is out"), written_whole(tmp_path / "a"):
        raise OSError("the cable is out")


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    full = r"a was not written: the disk is full. Free some space"
    with pytest.raises(AdemanError, match=full), written_whole(tmp_path / "a"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_up_leaves_the_old_file(small_disk: Path) -> None:
    path = small_disk / "a.json"
    write_json(path, "old")
    with pytest.raises(AdemanError, match="the disk is full"):
        write_json(path, "x" * 2_000_000)
    assert json.loads(path.read_text()) == "old"
    assert list(small_disk.iterdir()) == [path]


KILLED = """
import os, signal, sys
from pathlib import Path
from ademan.files import written_whole

with written_whole(Path(sys.argv[1])) as beside:
    with beside.open("w") as file:
        file.write("half")
        file.flush()
        os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")
    killed = subprocess.run([sys.executable, "-c", KILLED, path], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert path.read_text() == "old"


def test_files_get_the_rights_that_others_get(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    write_json(tmp_path / "whole.json", 1)
    assert (tmp_path / "whole.json").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_two_writers_of_one_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with written_whole(path) as first, written_whole(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert _content(tmp_path) == {"a": b"first"}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(VALUES)
def test_json_comes_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    path = tmp_path_factory.mktemp("json") / "a.json"
    write_json(path, value)
    assert json.loads(path.read_text(encoding="utf-8")) == value


def test_json_has_no_nan_and_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_json(path, {"loss": 1.0})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"loss": float("nan")})
    assert json.loads(path.read_text()) == {"loss": 1.0}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", [b"", b"abc", b"x" * 1_000_001])
def test_the_sha_256_of_a_file_is_that_of_its_bytes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a").write_bytes(content)
    assert sha256(tmp_path / "a") == hashlib.sha256(content).hexdigest()


def test_the_sha_256_is_the_published_one(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
