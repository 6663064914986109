"""`ademan push` and `ademan pull`, as a user calls them."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ademan.files import sha256
from ademan.storage.push import PART_BYTES
from tests.cli.conftest import Run
from tests.storage.servers import BUCKET, Between, emptied, s3_server, surround


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with s3_server() as url:
        yield url


@pytest.fixture
def s3(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    surround(monkeypatch, server, tmp_path / "user")
    return emptied(server)


def test_a_dataset_goes_and_comes_back(run: Run, s3: Any, dataset_file: Path, tmp_path: Path) -> None:
    url = f"s3://{BUCKET}/data/three.h5"
    said = f"{url}: 0.3 MB sent; SHA-256 {sha256(dataset_file)}\n"
    assert run("push", dataset_file, url) == (0, said, "")
    assert run("push", dataset_file, url) == (0, f"{url} has this content already; nothing was sent\n", "")
    back = tmp_path / "back.h5"
    said = f"{back}: 0.3 MB fetched; SHA-256 proven, dataset opened and checked\n"
    assert run("pull", url, "-o", back) == (0, said, "")
    assert run("pull", url, "-o", back) == (0, f"{back} is what {url} holds; nothing was fetched\n", "")
    assert run("inspect", back)[0] == 0


def test_a_bundle_goes_and_comes_back(run: Run, s3: Any, small_bundle: Path, tmp_path: Path) -> None:
    url = f"s3://{BUCKET}/models/small"
    shutil.copytree(small_bundle, tmp_path / "bundle")
    (tmp_path / "bundle" / "notes.txt").write_text("mine")
    code, said, noted = run("push", tmp_path / "bundle", url)
    assert (code, noted) == (0, "note: not sent, since they are no part of a bundle: notes.txt\n")
    assert said.startswith(f"{url}: 0.")
    code, said, noted = run("pull", url, "--output", tmp_path / "back")
    assert (code, noted) == (0, "")
    assert said.endswith(" MB fetched; SHA-256 proven, bundle verified\n")
    assert run("verify", tmp_path / "back")[0] == 0


def test_the_server_can_be_named(
    run: Run, s3: Any, server: str, dataset_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    url = f"s3://{BUCKET}/three.h5"
    assert run("push", dataset_file, url, "--endpoint-url", server)[0] == 0
    assert run("pull", url, "-o", tmp_path / "back.h5", "--endpoint-url", server)[0] == 0


def test_what_is_there_is_replaced_only_when_told(run: Run, s3: Any, tmp_path: Path) -> None:
    url, old, new = f"s3://{BUCKET}/a", tmp_path / "old", tmp_path / "new"
    old.write_text("old")
    new.write_text("new")
    assert run("push", old, url)[0] == 0
    refused = (
        f"ademan: {url} is there already, with other content. Replace it with --overwrite, or choose another name.\n"
    )
    assert run("push", new, url) == (1, "", refused)
    refused = (
        f"ademan: {new} is there already, and is not what {url} holds. Replace it with --overwrite, or choose another "
        "name.\n"
    )
    assert run("pull", url, "-o", new) == (1, "", refused)
    assert run("push", new, url, "--overwrite")[0] == 0
    assert run("pull", url, "-o", old, "--overwrite")[0] == 0
    assert old.read_text() == "new"


def test_an_object_of_another_program_is_noted(run: Run, s3: Any, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key="[b]", Body=b"x")
    url = f"s3://{BUCKET}/[b]"
    noted = f"note: {url} was not put there by `ademan push`: no SHA-256 is noted that could prove it\n"
    assert run("pull", url, "-o", tmp_path / "[a]") == (0, f"{tmp_path}/[a]: 0.0 MB fetched\n", noted)


def interrupted(between: Between, method: str, number: int, *arguments: object) -> tuple[int, str]:
    """Run a command line, press Ctrl-C while it waits for an answer, and return exit code and standard error."""
    command = [sys.executable, "-m", "ademan", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:

        def stop(asked: str, path: str, body: bytes) -> bytes:
            if asked == method and between.count(method) == number:
                process.send_signal(signal.SIGINT)
                process.wait(20)
            return body

        passed_on, between.alter = between.alter, stop
        said, noted = process.communicate()
        between.alter = passed_on
    assert said == ""
    return process.returncode, noted


def test_a_push_and_a_pull_go_on_after_ctrl_c(
    run: Run, s3: Any, server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    between, path, url = Between(server), tmp_path / "a", f"s3://{BUCKET}/a"
    monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
    path.write_bytes(bytes(2 * PART_BYTES + 1))
    stopped = "ademan: stopped; nothing half-written was left.\n"
    noted = "note: the bucket keeps the parts that it has; the same command goes on from there.\n"
    assert interrupted(between, "PUT", 2, "push", path, url) == (130, noted + stopped)
    code, said, _ = run("push", path, url)
    assert (code, said) == (0, f"{url}: 16.8 MB sent, 16.8 MB of it by the push before; SHA-256 {sha256(path)}\n")
    between.cuts.append(PART_BYTES)  # so that it asks twice, and has something when it is stopped
    between.seen.clear()
    noted = (
        f"note: what was fetched is kept in a hidden file beside {tmp_path}/b; the same command goes on from there.\n"
    )
    assert interrupted(between, "GET", 2, "pull", url, "-o", tmp_path / "b") == (130, noted + stopped)
    code, said, _ = run("pull", url, "-o", tmp_path / "b")
    assert code == 0
    assert "16.8 MB fetched, 8.4 MB of it by the pull before; SHA-256 proven" in said
    assert (tmp_path / "b").read_bytes() == path.read_bytes()
    between.stop()


@pytest.mark.parametrize("arguments", [("push", "a"), ("pull", "s3://bucket/a"), ("push", "a", "s3://bucket/a", "b")])
def test_a_command_that_lacks_something_is_wrong_usage(run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments)[0] == 2


def test_a_place_that_is_none_is_told(run: Run, tmp_path: Path) -> None:
    told = "ademan: 's3:/a' is no place in a bucket; expected s3://BUCKET/PREFIX/NAME.\n"
    assert run("push", tmp_path, "s3:/a") == run("pull", "s3:/a", "-o", tmp_path / "a") == (1, "", told)
