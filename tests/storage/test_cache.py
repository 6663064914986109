"""A bundle in a bucket, as a server uses it."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from ademan.bundle import read_bundle, write_bundle
from ademan.errors import StorageError
from ademan.storage import fetch_bundle, push, remote_version
from tests.storage.servers import BUCKET, Between, refusal

URL = f"s3://{BUCKET}/models/small"


@pytest.fixture
def versions(small_bundle: Path, tmp_path: Path) -> list[Path]:
    """Four bundles that differ in a name."""
    bundle = read_bundle(small_bundle)
    paths = []
    for i in range(4):
        labels = (f"a{i}", *bundle.manifest.labels[1:])
        paths.append(tmp_path / f"version{i}")
        manifest = type(bundle.manifest)(
            **{field: getattr(bundle.manifest, field) for field in bundle.manifest.__dataclass_fields__}
            | {"labels": labels}
        )
        write_bundle(paths[-1], manifest, bundle.graph, bundle.golden)
    return paths


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def label(path: Path) -> str:
    return read_bundle(path).manifest.labels[0]


def no_problem(message: str) -> None:
    raise AssertionError(message)


def damage(s3: Any) -> None:
    """Put there what is no bundle, and says that it is what it is."""
    s3.put_object(Bucket=BUCKET, Key="models/small", Body=b"no bundle")


def test_a_bundle_is_fetched_once(s3: Any, between: Between, versions: list[Path], cache: Path) -> None:
    push(versions[0], URL)
    first = fetch_bundle(URL, cache, on_problem=no_problem)
    assert label(first) == "a0"
    asked = between.count("GET")
    assert fetch_bundle(URL, cache, on_problem=no_problem) == first
    assert between.count("GET") == asked == 1


def test_the_version_is_the_name_of_the_file(s3: Any, versions: list[Path], cache: Path) -> None:
    assert remote_version(URL) is None
    push(versions[0], URL)
    assert remote_version(URL) == fetch_bundle(URL, cache).stem
    push(versions[1], URL, overwrite=True)
    assert remote_version(URL) == fetch_bundle(URL, cache).stem


def test_a_bundle_that_was_put_there_by_another_program_is_taken(s3: Any, versions: list[Path], cache: Path) -> None:
    push(versions[0], URL)
    content = s3.get_object(Bucket=BUCKET, Key="models/small")["Body"].read()
    s3.put_object(Bucket=BUCKET, Key="models/small", Body=content)
    path = fetch_bundle(URL, cache, on_problem=no_problem)
    assert label(path) == "a0"
    assert path.stem == remote_version(URL)


def test_the_newest_two_are_kept(s3: Any, versions: list[Path], cache: Path) -> None:
    paths = []
    for version in (*versions, versions[2]):
        push(version, URL, overwrite=True)
        paths.append(fetch_bundle(URL, cache, on_problem=no_problem))
    (folder,) = cache.iterdir()
    assert set(folder.glob("*.zip")) == {paths[-1], paths[-2]}
    assert paths[-1] == paths[2]
    assert label(paths[-1]) == "a2"


def test_bundles_of_several_places_do_not_meet(s3: Any, versions: list[Path], cache: Path) -> None:
    for i in range(3):
        push(versions[i], f"s3://{BUCKET}/{i}/small")
    paths = [fetch_bundle(f"s3://{BUCKET}/{i}/small", cache) for i in range(3)]
    assert [label(path) for path in paths] == ["a0", "a1", "a2"]


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (damage, r"^s3://bucket/models/small is refused, since it is no sound bundle: "),
        (lambda s3: s3.delete_object(Bucket=BUCKET, Key="models/small"), r"^there is no s3://bucket/models/small at "),
    ],
)
def test_the_last_good_one_is_used_if_the_new_one_is_not(
    s3: Any, versions: list[Path], cache: Path, fault: Any, why: str
) -> None:
    push(versions[0], URL)
    good = fetch_bundle(URL, cache)
    fault(s3)
    problems: list[str] = []
    assert fetch_bundle(URL, cache, on_problem=problems.append) == good
    assert label(good) == "a0"
    assert problems[0].endswith(f"\nThe bundle that was fetched before is used instead: {good}")
    with pytest.raises(StorageError, match=why):
        raise StorageError(problems[0])
    assert [file.name for file in good.parent.iterdir() if file.suffix != ".lock" and file != good] == [".lock"]


def test_the_last_good_one_is_used_where_the_server_is_gone(
    s3: Any, between: Between, versions: list[Path], cache: Path
) -> None:
    push(versions[0], URL)
    good = fetch_bundle(URL, cache, between.url)
    between.stop()
    problems: list[str] = []
    assert fetch_bundle(URL, cache, between.url, problems.append) == good
    assert "cannot be reached, or broke off" in problems[0]
    with pytest.raises(StorageError, match="cannot be reached"):
        remote_version(URL, between.url)


def test_a_damaged_one_in_the_cache_is_fetched_again_or_passed_over(
    s3: Any, between: Between, versions: list[Path], cache: Path
) -> None:
    push(versions[0], URL)
    fetch_bundle(URL, cache)
    push(versions[1], URL, overwrite=True)
    path = fetch_bundle(URL, cache)
    path.write_bytes(path.read_bytes()[:-1000])
    assert fetch_bundle(URL, cache, on_problem=no_problem) == path
    assert label(path) == "a1"
    path.write_bytes(path.read_bytes()[:-1000])
    between.refuse = refusal(403, "AccessDenied")
    problems: list[str] = []
    assert label(fetch_bundle(URL, cache, on_problem=problems.append)) == "a0"
    assert "is denied" in problems[0]


def test_without_a_good_one_the_fault_is_told(s3: Any, cache: Path) -> None:
    damage(s3)
    with pytest.raises(StorageError, match="is refused, since it is no sound bundle"):
        fetch_bundle(URL, cache)


def test_by_default_problems_go_to_standard_error_and_bundles_to_the_users_cache(
    s3: Any, versions: list[Path], tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    push(versions[0], URL)
    good = fetch_bundle(URL)
    assert good.parents[1] == tmp_path / "home" / ".cache" / "ademan" / "bundles"
    damage(s3)
    fetch_bundle(URL)
    assert capfd.readouterr().err.startswith("ademan: s3://bucket/models/small is refused")


def test_a_cache_that_cannot_be_written_is_told(s3: Any, versions: list[Path], tmp_path: Path) -> None:
    push(versions[0], URL)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(StorageError, match=r"^bundles cannot be kept in .*file.*: Not a directory\.$"):
        fetch_bundle(URL, tmp_path / "file")


def test_processes_that_share_a_cache_wait_for_each_other(
    s3: Any, between: Between, versions: list[Path], cache: Path
) -> None:
    push(versions[0], URL)
    slow = between.alter

    def slowly(method: str, path: str, body: bytes) -> bytes:
        time.sleep(0.3)
        return slow(method, path, body)

    between.alter = slowly
    paths: list[Path] = []
    threads = [threading.Thread(target=lambda: paths.append(fetch_bundle(URL, cache))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(paths) == 3
    assert len(set(paths)) == 1
    assert between.count("GET") == 1
