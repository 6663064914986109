"""Sending a file or a bundle into a bucket: in parts if it is large, going on where an earlier try ended."""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from ademan.errors import StorageError
from ademan.storage.bucket import SHA256, Remote, connect, look
from ademan.storage.parcel import Parcel, kind_of, packed, prove
from ademan.storage.place import Place
from ademan.storage.refusals import code_of
from ademan.storage.unfinished import Unfinished, forget, note, recall

PART_BYTES = 8 * 2**20
"""Of a part; S3 takes no less than 5 MiB. A smaller file is sent at once."""
_MOST_PARTS = 10_000  # of S3
Progress = Callable[[int, int | None], None]
"""Called with the bytes that are through, and of how many."""


@dataclass(frozen=True)
class Pushed:
    """What a push did.

    Args:
        url: of the object.
        size: of the object in bytes.
        sha256: of the object.
        sent: bytes that were sent this time; the others were there from a push that was cut short.
        there: whether the same content was there already, so that nothing was sent.
        left_out: files in a bundle's folder that are none of the bundle, and were not sent.
    """

    url: str
    size: int
    sha256: str
    sent: int
    there: bool
    left_out: tuple[str, ...]


def push(
    source: Path | str,
    url: str,
    *,
    overwrite: bool = False,
    endpoint_url: str = "",
    on_progress: Progress | None = None,
) -> Pushed:
    """Send a file, or a bundle's folder as one zip, into a bucket.

    A bundle is verified and a dataset (.h5) opened first. A large file is sent in parts; if that is cut short, the same
    call goes on with the parts that are there.

    Args:
        source: file, or folder of a bundle.
        url: s3://BUCKET/KEY.
        overwrite: replace other content that is there.
        endpoint_url: of a server other than Amazon's; by default what AWS_ENDPOINT_URL or the configuration says.
        on_progress: called with the bytes that are through, and of how many.

    Raises:
        StorageError: the bucket cannot be reached or refuses; other content is there; the source is not to be trusted.
        BundleError: the source is a folder, and no bundle.
        MissingExtraError: boto3 is not installed.
    """
    source, place = Path(source), Place.parse(url)
    remote = connect(place, endpoint_url)
    with packed(source) as parcel:
        prove(parcel.path, kind_of(parcel.path, source.name, place.name), source)
        found = look(remote)
        there = found is not None and (found.size, found.sha256) == (parcel.size, parcel.sha256)
        if found is not None and not there and not overwrite:
            raise _in_the_way(remote)
        sent = 0 if there else _send(remote, parcel, on_progress or in_silence, overwrite=overwrite)
    return Pushed(str(place), parcel.size, parcel.sha256, sent, there, parcel.left_out)


def in_silence(done: int, total: int | None) -> None:
    """Tell nobody of the progress."""


def _in_the_way(remote: Remote) -> StorageError:
    return StorageError(
        f"{remote.place} is there already, with other content. Replace it with --overwrite, or choose another name."
    )


def _send(remote: Remote, parcel: Parcel, progress: Progress, *, overwrite: bool) -> int:
    """Send a file, look whether it has arrived, and return how many bytes were sent."""
    progress(0, parcel.size)
    condition = {} if overwrite else {"IfNoneMatch": "*"}
    with parcel.path.open("rb") as file:
        if parcel.size <= PART_BYTES:
            sent = _send_at_once(remote, parcel, file.read(), condition)
            progress(parcel.size, parcel.size)
        else:
            sent = _send_in_parts(remote, parcel, file, progress, condition)
    if not _arrived(remote, parcel):
        raise StorageError(
            f"{remote.place} at {remote.at} is not what was sent: expected {parcel.size:,} bytes with the SHA-256 "
            f"{parcel.sha256[:12]}... noted. Somebody else may have written there, too: push again."
        )
    return sent


def _arrived(remote: Remote, parcel: Parcel) -> bool:
    found = look(remote)
    return found is not None and (found.size, found.sha256) == (parcel.size, parcel.sha256)


def _send_at_once(remote: Remote, parcel: Parcel, content: bytes, condition: dict[str, str]) -> int:
    _check_unchanged(parcel, hashlib.sha256(content))
    proof = _proof(content, sums=remote.sums)
    _finish(remote, parcel, "put_object", condition, Body=content, Metadata={SHA256: parcel.sha256}, **proof)
    return parcel.size


def _send_in_parts(
    remote: Remote, parcel: Parcel, file: BinaryIO, progress: Progress, condition: dict[str, str]
) -> int:
    upload, there = _resumed(remote, parcel) or _begun(remote, parcel)
    whole, through, sent, parts = hashlib.sha256(), 0, 0, []
    for number, content in enumerate(_cut(file, upload.part_bytes), 1):
        whole.update(content)
        proof = _proof(content, sums=upload.sums)
        if _is_same(there.get(number), content):
            etag = there[number]["ETag"]
        else:
            etag, sent = _send_part(remote, upload, number, content, proof), sent + len(content)
        parts.append({"PartNumber": number, "ETag": etag} | (proof if upload.sums else {}))
        through += len(content)
        progress(through, parcel.size)
    try:
        _check_unchanged(parcel, whole)
    except StorageError:
        _abort(remote, upload)
        raise
    _finish(
        remote,
        parcel,
        "complete_multipart_upload",
        condition,
        UploadId=upload.upload_id,
        MultipartUpload={"Parts": parts},
    )
    forget(remote)
    return sent


def _cut(file: BinaryIO, part_bytes: int) -> Iterator[bytes]:
    while content := file.read(part_bytes):
        yield content


def _part_bytes(size: int) -> int:
    """Return the size of parts: the same for the same file, so that a later push cuts it as an earlier one did."""
    return max(PART_BYTES, -(-size // _MOST_PARTS))


def _resumed(remote: Remote, parcel: Parcel) -> tuple[Unfinished, dict[int, dict[str, Any]]] | None:
    """Return the upload of this very content that was begun, with its parts by number; others of ours are ended."""
    upload = recall(remote)
    if upload is None:
        return None
    if (upload.sha256, upload.part_bytes) != (parcel.sha256, _part_bytes(parcel.size)):
        _abort(remote, upload)
        return None
    try:
        pages = list(remote.pages("list_parts", UploadId=upload.upload_id))
    except StorageError as error:
        if not code_of(error):
            raise
        return None  # it is gone, or its parts may not be listed: begin anew
    return upload, {int(part["PartNumber"]): part for page in pages for part in page.get("Parts", [])}


def _begun(remote: Remote, parcel: Parcel) -> tuple[Unfinished, dict[int, dict[str, Any]]]:
    more = {"ChecksumAlgorithm": "SHA256"} if remote.sums else {}
    answer = remote.call("create_multipart_upload", Metadata={SHA256: parcel.sha256}, **more)
    upload = Unfinished(str(answer["UploadId"]), parcel.sha256, _part_bytes(parcel.size), remote.sums)
    note(remote, upload)
    return upload, {}


def _send_part(remote: Remote, upload: Unfinished, number: int, content: bytes, proof: dict[str, str]) -> str:
    answer = remote.call("upload_part", UploadId=upload.upload_id, PartNumber=number, Body=content, **proof)
    return str(answer["ETag"])


def _proof(content: bytes, *, sums: bool) -> dict[str, str]:
    """Return what the server holds against what it receives: SHA-256, or MD5, which every server knows."""
    if sums:
        return {"ChecksumSHA256": b64encode(hashlib.sha256(content).digest()).decode()}
    return {"ContentMD5": b64encode(hashlib.md5(content, usedforsecurity=False).digest()).decode()}


def _is_same(part: dict[str, Any] | None, content: bytes) -> bool:
    """Return whether a part that is there is proven to be this content.

    An ETag is the MD5 of a part unless the bucket encrypts with keys of its own; then it is never equal.
    """
    if part is None or part.get("Size") != len(content):
        return False
    if noted := part.get("ChecksumSHA256"):
        return bool(noted == _proof(content, sums=True)["ChecksumSHA256"])
    return bool(part["ETag"].strip('"') == hashlib.md5(content, usedforsecurity=False).hexdigest())


def _check_unchanged(parcel: Parcel, found: Any) -> None:
    if found.hexdigest() != parcel.sha256:
        raise StorageError(f"{parcel.path} was changed while it was being sent. Push it again when it is finished.")


def _finish(remote: Remote, parcel: Parcel, action: str, condition: dict[str, str], **arguments: Any) -> None:
    """Make the object appear; unless it is to be overwritten, only where there is none.

    An answer can be lost on its way, and the action, tried again, refused since it was done: what is there decides.
    """
    try:
        remote.call(action, **arguments, **condition)
    except StorageError as error:
        code = code_of(error)
        if code == "NotImplemented" and condition:  # it may know no conditions: `push` has looked before
            remote.call(action, **arguments)
        elif code == "PreconditionFailed" and not _arrived(remote, parcel):
            raise _in_the_way(remote) from error
        elif code not in ("NoSuchUpload", "PreconditionFailed") or not _arrived(remote, parcel):
            raise


def _abort(remote: Remote, upload: Unfinished) -> None:
    """End an upload of ours, so that its parts are not kept, and paid for, for ever."""
    with suppress(StorageError):
        remote.call("abort_multipart_upload", UploadId=upload.upload_id)
    forget(remote)
