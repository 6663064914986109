"""Pushing: whole or not at all, going on where an earlier push ended, and nothing of another content."""

import hashlib
import re
import shutil
import signal
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from ademan.errors import AdemanError, BundleError, StorageError
from ademan.storage import Place, pull, push
from ademan.storage.bucket import connect
from ademan.storage.push import PART_BYTES
from ademan.storage.unfinished import recall
from tests.storage.conftest import PARTS
from tests.storage.servers import BUCKET, Between, nothing, refusal

URL = f"s3://{BUCKET}/data/large.bin"
KILLED = """
import os, signal, sys
from ademan.storage import push
push(sys.argv[1], sys.argv[2], on_progress=lambda done, total: done and os.kill(os.getpid(), signal.SIGKILL))
"""


def stop_after(parts: int) -> Any:
    """Return a progress callback that stops the push when so many parts are through."""

    def stop(done: int, total: int | None) -> None:
        if done >= parts * PART_BYTES:
            raise KeyboardInterrupt

    return stop


def begin(source: Path, url: str = URL, parts: int = 1) -> None:
    """Push, and be stopped after some parts."""
    with pytest.raises(KeyboardInterrupt):
        push(source, url, on_progress=stop_after(parts))


def content(s3: Any, key: str = "data/large.bin") -> bytes:
    found: bytes = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return found


def uploads(s3: Any) -> list[str]:
    return [upload["Key"] for upload in s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]


@pytest.mark.parametrize("sums", ["when_supported", "when_required"])
@pytest.mark.parametrize("size", [0, 1, PART_BYTES, PART_BYTES + 1])
def test_a_file_arrives_as_it_is(
    s3: Any, tmp_path: Path, large: bytes, size: int, sums: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", sums)
    (tmp_path / "a.bin").write_bytes(large[:size])
    seen: list[tuple[int, int | None]] = []
    done = push(tmp_path / "a.bin", f"s3://{BUCKET}/a.bin", on_progress=lambda *now: seen.append(now))
    assert (done.size, done.sent, done.there, done.left_out) == (size, size, False, ())
    assert done.sha256 == hashlib.sha256(large[:size]).hexdigest()
    assert content(s3, "a.bin") == large[:size]
    assert s3.head_object(Bucket=BUCKET, Key="a.bin")["Metadata"] == {"sha256": done.sha256}
    assert seen[0] == (0, size)
    assert seen[-1] == (size, size)
    assert uploads(s3) == []


def test_what_is_there_already_is_not_sent_again(between: Between, large_file: Path) -> None:
    push(large_file, URL)
    sent = len(between.seen)
    done = push(large_file, URL)
    assert (done.there, done.sent) == (True, 0)
    assert [method for method, _ in between.seen[sent:]] == ["HEAD"]


def test_other_content_is_replaced_only_when_told(s3: Any, tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("old")
    new.write_text("new")
    push(old, URL)
    with pytest.raises(
        StorageError,
        match=r"^s3://bucket/data/large.bin is there already, with other content. "
        r"Replace it with --overwrite, or choose another name\.$",
    ):
        push(new, URL)
    assert content(s3) == b"old"
    assert push(new, URL, overwrite=True).sent == 3
    assert content(s3) == b"new"


def test_an_object_that_appears_meanwhile_is_not_replaced(s3: Any, tmp_path: Path) -> None:
    """The bucket itself is asked to refuse, since somebody may write between the look and the push."""
    (tmp_path / "a").write_text("ours")

    def write_first(done: int, total: int | None) -> None:
        s3.put_object(Bucket=BUCKET, Key="data/large.bin", Body=b"theirs")

    with pytest.raises(StorageError, match="is there already, with other content"):
        push(tmp_path / "a", URL, on_progress=write_first)
    assert content(s3) == b"theirs"


def test_a_large_object_that_appears_meanwhile_is_not_replaced_and_the_push_goes_on_when_told(
    s3: Any, between: Between, large_file: Path
) -> None:
    """The server for tests knows this condition for small objects only; so another one refuses here."""

    def write_first(method: str, path: str) -> tuple[int, str] | None:
        if method != "POST" or "uploadId" not in path:
            return None
        s3.put_object(Bucket=BUCKET, Key="data/large.bin", Body=b"theirs")
        return 412, "PreconditionFailed"

    between.refuse = write_first
    with pytest.raises(StorageError, match="is there already, with other content"):
        push(large_file, URL)
    assert content(s3) == b"theirs"
    between.refuse = nothing
    assert push(large_file, URL, overwrite=True).sent == 0
    assert content(s3) == large_file.read_bytes()


def test_a_server_that_knows_no_conditions_is_pushed_to(s3: Any, between: Between, tmp_path: Path) -> None:
    asked = []

    def refuse_first(method: str, path: str) -> tuple[int, str] | None:
        asked.append(method)
        return (501, "NotImplemented") if asked.count("PUT") == 1 and method == "PUT" else None

    between.refuse = refuse_first
    (tmp_path / "a").write_text("a")
    push(tmp_path / "a", URL)
    assert content(s3) == b"a"


@pytest.mark.parametrize("sums", ["when_supported", "when_required"])
def test_a_push_that_was_stopped_goes_on(
    s3: Any, between: Between, large_file: Path, sums: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REQUEST_CHECKSUM_CALCULATION", sums)
    begin(large_file, parts=2)
    assert uploads(s3) == ["data/large.bin"]
    assert between.count("PUT", "partNumber") == 2
    done = push(large_file, URL)
    assert between.count("PUT", "partNumber") == PARTS
    assert done.sent == done.size - 2 * PART_BYTES
    assert content(s3) == large_file.read_bytes()
    assert uploads(s3) == []
    assert recall(connect(Place.parse(URL))) is None


def test_a_push_that_was_killed_goes_on(s3: Any, large_file: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, large_file, URL], check=False)
    assert killed.returncode == -signal.SIGKILL
    done = push(large_file, URL)
    assert done.sent == done.size - PART_BYTES
    assert content(s3) == large_file.read_bytes()


def test_a_stopped_push_of_other_content_is_not_used_but_ended(s3: Any, between: Between, large_file: Path) -> None:
    """Its first part is the same; but the SHA-256 that the object will carry is fixed when an upload is begun."""
    begin(large_file)
    with large_file.open("ab") as file:
        file.write(b"more")
    done = push(large_file, URL)
    assert done.sent == done.size
    assert content(s3) == large_file.read_bytes()
    assert s3.head_object(Bucket=BUCKET, Key="data/large.bin")["Metadata"] == {"sha256": done.sha256}
    assert uploads(s3) == []


def test_the_unfinished_upload_of_somebody_else_is_left_alone(s3: Any, large_file: Path) -> None:
    theirs = s3.create_multipart_upload(Bucket=BUCKET, Key="data/large.bin")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="data/large.bin", UploadId=theirs, PartNumber=1, Body=b"theirs")
    assert push(large_file, URL).sent == large_file.stat().st_size
    assert content(s3) == large_file.read_bytes()
    assert uploads(s3) == ["data/large.bin"]


def test_a_part_that_differs_is_sent_again(s3: Any, large_file: Path) -> None:
    begin(large_file, parts=2)
    upload = recall(connect(Place.parse(URL)))
    assert upload
    for number, size in ((1, PART_BYTES), (2, 17)):
        s3.upload_part(
            Bucket=BUCKET, Key="data/large.bin", UploadId=upload.upload_id, PartNumber=number, Body=bytes(size)
        )
    done = push(large_file, URL)
    assert done.sent == done.size
    assert content(s3) == large_file.read_bytes()


@pytest.mark.parametrize("same", [True, False])
def test_parts_of_an_encrypted_bucket_are_known_by_their_sums(
    between: Between,
    large_file: Path,
    same: bool,
) -> None:
    """There an ETag is no MD5; the SHA-256 of a part says what it is."""
    begin(large_file)

    def as_encrypted(method: str, path: str, body: bytes) -> bytes:
        if method != "GET" or "uploadId" not in path:
            return body
        noted = between.sums["1"] if same else between.sums["1"][::-1]
        return re.sub(b"<ETag>.*?</ETag>", f"<ETag>x</ETag><ChecksumSHA256>{noted}</ChecksumSHA256>".encode(), body)

    between.alter = as_encrypted
    sent = between.count("PUT", "partNumber")
    with pytest.raises(StorageError) if same else nullcontext():  # the server knows no part called x
        push(large_file, URL)
    assert between.count("PUT", "partNumber") - sent == (PARTS - 1 if same else PARTS)


@pytest.mark.parametrize("code", ["NoSuchUpload", "AccessDenied"])
def test_where_parts_cannot_be_listed_the_push_begins_anew(between: Between, large_file: Path, code: str) -> None:
    begin(large_file)
    between.refuse = refusal(404, code, "GET", "uploadId")
    done = push(large_file, URL)
    assert done.sent == done.size


def test_a_push_goes_without_a_cache_but_does_not_go_on(
    s3: Any, large_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    begin(large_file)
    done = push(large_file, URL)
    assert done.sent == done.size
    assert content(s3) == large_file.read_bytes()


def test_a_note_that_is_damaged_is_passed_over(s3: Any, large_file: Path, tmp_path: Path) -> None:
    begin(large_file)
    (note,) = tmp_path.rglob("uploads/*.json")
    note.write_text('{"upload_id": 3}')
    assert push(large_file, URL).sent == large_file.stat().st_size


@pytest.mark.parametrize("size", [1000, PART_BYTES + 1])
def test_a_file_that_changes_meanwhile_is_not_pushed(s3: Any, tmp_path: Path, large: bytes, size: int) -> None:
    path = tmp_path / "growing"
    path.write_bytes(large[:size])

    def grow(done: int, total: int | None) -> None:
        if done == 0:
            path.write_bytes(large[: size + 1])

    with pytest.raises(StorageError, match=r"growing was changed while it was being sent\. Push it again when it is"):
        push(path, URL, on_progress=grow)
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)
    assert uploads(s3) == []


def test_an_answer_that_was_lost_on_its_way_does_no_harm(s3: Any, between: Between, large_file: Path) -> None:
    """The upload was completed, but nobody heard; asked again, the server knows no such upload."""
    asked = []

    def complete_twice(method: str, path: str) -> tuple[int, str] | None:
        if method != "POST" or "uploadId" not in path:
            return None
        asked.append(path)
        upload = path.partition("uploadId=")[2]
        listed = s3.list_parts(Bucket=BUCKET, Key="data/large.bin", UploadId=upload)["Parts"]
        parts = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in listed]
        s3.complete_multipart_upload(
            Bucket=BUCKET, Key="data/large.bin", UploadId=upload, MultipartUpload={"Parts": parts}
        )
        return 404, "NoSuchUpload"

    between.refuse = complete_twice
    assert push(large_file, URL).sent == large_file.stat().st_size
    assert len(asked) == 1
    assert content(s3) == large_file.read_bytes()


def test_an_upload_that_was_ended_meanwhile_is_told(between: Between, large_file: Path) -> None:
    between.refuse = refusal(404, "NoSuchUpload", "PUT")
    with pytest.raises(
        StorageError,
        match=r"^the unfinished upload of s3://bucket/data/large.bin was ended by somebody else, or by a rule\.",
    ):
        push(large_file, URL)
    between.refuse = nothing
    assert push(large_file, URL).sent == large_file.stat().st_size


def test_what_has_not_arrived_is_told(s3: Any, tmp_path: Path) -> None:
    (tmp_path / "a").write_text("ours")

    def write_last(done: int, total: int | None) -> None:
        if done:
            s3.put_object(Bucket=BUCKET, Key="data/large.bin", Body=b"theirs")

    with pytest.raises(
        StorageError,
        match=r"^s3://bucket/data/large.bin at http://\S+ is not what was sent: expected 4 bytes with the SHA-256 "
        r"\w{12}\.\.\. noted\. Somebody else may have written there, too: push again\.$",
    ):
        push(tmp_path / "a", URL, on_progress=write_last)


def test_a_bucket_that_goes_half_way_is_told(s3: Any, large_file: Path) -> None:
    def remove(done: int, total: int | None) -> None:
        if done == PART_BYTES:
            s3.delete_bucket(Bucket=BUCKET)

    with pytest.raises(StorageError, match=r"^there is no bucket 'bucket' at http://"):
        push(large_file, URL, on_progress=remove)


def test_a_server_that_goes_half_way_is_told_and_the_push_goes_on(
    s3: Any, between: Between, large_file: Path, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go(done: int, total: int | None) -> None:
        if done == PART_BYTES:
            between.refuse = refusal(503, "SlowDown")

    with pytest.raises(StorageError, match=r"is overloaded or has a fault, and was so at each try"):
        push(large_file, URL, on_progress=go)
    between.refuse = nothing
    assert push(large_file, URL).sent == large_file.stat().st_size - PART_BYTES


def test_a_bundle_is_one_object_and_comes_back_as_it_was(s3: Any, small_bundle: Path, tmp_path: Path) -> None:
    url = f"s3://{BUCKET}/models/small"
    push(small_bundle, url)
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET)["Contents"]] == ["models/small"]
    pull(url, tmp_path / "back")
    assert {file.name: file.read_bytes() for file in (tmp_path / "back").iterdir()} == {
        file.name: file.read_bytes() for file in small_bundle.iterdir()
    }


def test_equal_bundles_are_equal_objects(s3: Any, small_bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(small_bundle, tmp_path / "copy")
    for file in (tmp_path / "copy").iterdir():
        file.touch()
        file.chmod(0o600)
    push(small_bundle, f"s3://{BUCKET}/small")
    assert push(tmp_path / "copy", f"s3://{BUCKET}/small").there


def test_other_files_of_a_bundles_folder_are_left_out_and_named(s3: Any, small_bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(small_bundle, tmp_path / "bundle")
    (tmp_path / "bundle" / "secret.txt").write_text("a password")
    (tmp_path / "bundle" / "folder").mkdir()
    assert push(tmp_path / "bundle", URL).left_out == ("folder", "secret.txt")
    assert b"secret" not in content(s3)


def test_what_cannot_be_trusted_is_not_pushed(s3: Any, small_bundle: Path, dataset_file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(small_bundle, bad)
    (bad / "model.onnx").write_bytes(b"no graph")
    with pytest.raises(
        StorageError, match=rf"^{bad} is refused, since it is no sound bundle: {bad}: model.onnx is not"
    ):
        push(bad, URL)
    (tmp_path / "bad.h5").write_bytes(dataset_file.read_bytes()[:-100])
    with pytest.raises(StorageError, match=r"bad.h5 is refused, since it is no sound dataset: .*cut short"):
        push(tmp_path / "bad.h5", URL)
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET)


def test_a_folder_that_is_no_bundle_is_refused(s3: Any, small_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"is no bundle: it has no manifest.json. A folder is sent if it is a bundle"):
        push(tmp_path, URL)
    shutil.copytree(small_bundle, tmp_path / "run" / "bundle")
    with pytest.raises(BundleError, match=rf"it has no manifest.json. Did you mean {tmp_path / 'run' / 'bundle'}\?$"):
        push(tmp_path / "run", URL)


def test_what_is_not_there_cannot_be_pushed(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"^there is no file and no bundle .*nothing\.h5\.$"):
        push(tmp_path / "nothing.h5", URL)


def test_what_cannot_be_packed_is_told(
    s3: Any, small_bundle: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(small_disk))
    (small_disk / "filler").write_bytes(bytes(2**20 - 8192))
    with pytest.raises(StorageError, match=r"cannot be read or packed: No space left on device\.$"):
        push(small_bundle, URL)


def test_all_that_can_go_wrong_is_a_users_error() -> None:
    assert issubclass(StorageError, AdemanError)
