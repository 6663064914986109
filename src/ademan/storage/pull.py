"""Fetching an object from a bucket: proven before it is put in place, going on where an earlier try ended."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ademan.errors import AdemanError, StorageError
from ademan.files import MANIFEST, sha256, written_whole
from ademan.storage.bucket import Found, Remote, connect, look_for
from ademan.storage.locks import held, lock_of
from ademan.storage.parcel import Kind, kind_of, packed, prove, unpack
from ademan.storage.partial import Partial
from ademan.storage.place import Place
from ademan.storage.push import Progress, in_silence
from ademan.storage.refusals import botocore_errors, code_of, in_words

_CHUNK_BYTES = 256 * 1024
_FIRST_WAIT_S = 0.2  # after a connection was cut; doubled each time that nothing came


@dataclass(frozen=True)
class Pulled:
    """What a pull did.

    Args:
        url: of the object.
        path: where its content is.
        kind: bundle, dataset, or another file.
        size: of the object in bytes.
        sha256: of the object; empty if its pusher noted none, so that there was none to prove it by.
        fetched: bytes that were fetched this time; the others were there from a pull that was cut short.
        there: whether the same content was there already, so that nothing was fetched.
    """

    url: str
    path: Path
    kind: Kind
    size: int
    sha256: str
    fetched: int
    there: bool


def pull(
    url: str,
    path: Path | str,
    *,
    overwrite: bool = False,
    endpoint_url: str = "",
    on_progress: Progress | None = None,
) -> Pulled:
    """Fetch a file or a bundle from a bucket; it appears whole and proven, or not at all.

    Proven by the SHA-256 that `push` noted; then a bundle is verified, and a dataset (.h5) opened. If that is cut
    short, the same call goes on, as long as the object is the same.

    Args:
        url: s3://BUCKET/KEY.
        path: file; or, for a bundle, a folder, unless it ends in .zip.
        overwrite: replace what is there.
        endpoint_url: of a server other than Amazon's; by default what AWS_ENDPOINT_URL or the configuration says.
        on_progress: called with the bytes that are there, and of how many.

    Raises:
        StorageError: the bucket cannot be reached or refuses; something else stands at `path`; the object is missing,
            is not what its SHA-256 says, or cannot be trusted; it does not fit the disk.
        AdemanError: the path cannot be written.
        MissingExtraError: boto3 is not installed.
    """
    path, place = Path(path), Place.parse(url)
    remote = connect(place, endpoint_url)
    found = look_for(remote)
    there = bool(found.sha256) and _stands(path) and _holds(path, found)
    if not there:
        _check_free(path, place, overwrite=overwrite)
        with _alone(path):
            kind, fetched = fetch(remote, found, path, on_progress)
        return Pulled(str(place), path, kind, found.size, found.sha256, fetched, there=False)
    kind = "bundle" if path.is_dir() else kind_of(path, path.name, place.name)
    return Pulled(str(place), path, kind, found.size, found.sha256, 0, there=True)


def _stands(path: Path) -> bool:
    """Return whether there is something at a path that could be lost."""
    try:
        return os.path.lexists(path) and not (path.is_dir() and not any(path.iterdir()))
    except OSError:  # a folder that may not be read
        return True


def _holds(path: Path, found: Found) -> bool:
    """Return whether the object's content is at a path already, as a file or as a bundle's folder."""
    try:
        with packed(path) as parcel:
            return parcel.sha256 == found.sha256
    except AdemanError:
        return False


def _check_free(path: Path, place: Place, *, overwrite: bool) -> None:
    """Refuse early what would be refused when all is fetched."""
    if path.is_dir() and _stands(path) and not (path / MANIFEST).is_file():
        raise StorageError(f"{path} is a folder, and no bundle; name a file in it, or a folder that is new.")
    if _stands(path) and not overwrite:
        raise StorageError(
            f"{path} is there already, and is not what {place} holds. Replace it with --overwrite, or choose another "
            "name."
        )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes from the same path during the block; where no lock can be had, go on without."""
    with ExitStack() as stack:
        free = True
        with suppress(OSError, RuntimeError):
            free = stack.enter_context(held(lock_of(path), wait=False))
        if not free:
            raise StorageError(f"another process is fetching {path} now. Wait for it, or choose another name.")
        yield


def fetch(
    remote: Remote, found: Found, path: Path, progress: Progress | None = None, kind: Kind | None = None
) -> tuple[Kind, int]:
    """Fetch an object, prove it, and put it in place; others are to be kept from it by the caller.

    Args:
        remote: the object.
        found: what the bucket says of it; another version of it is refused.
        path: see `pull`.
        progress: see `pull`.
        kind: what it must be; by default what it is called, or holds.

    Returns:
        What it is, and how many bytes were fetched.

    Raises:
        StorageError: see `pull`.
        AdemanError: the path cannot be written.
    """
    with Partial(path, remote.place, found) as partial:
        if not found.sha256:
            partial.clear()  # nothing would prove that what an earlier try left is what it fetched
        partial.check_room()
        _download(remote, found, partial, progress or in_silence)
        partial.close()
        kind = kind or kind_of(partial.path, path.name, remote.place.name)
        try:
            prove(partial.path, kind, remote.place)
            _put_in_place(partial.path, path, kind)
        except AdemanError:
            partial.remove()
            raise
        partial.remove()
    return kind, partial.appended


def _download(remote: Remote, found: Found, partial: Partial, progress: Progress) -> None:
    """Fetch what is missing, and compare it all with its SHA-256; where an earlier try left damage, fetch it anew."""
    resumed = partial.size > 0
    _fill(remote, found, partial, progress)
    if resumed and _differs(found, partial):
        partial.clear()
        _fill(remote, found, partial, progress)
    if differing := _differs(found, partial):
        partial.remove()
        raise StorageError(
            f"{remote.place} is damaged, and was left: its SHA-256 is {differing[:12]}..., expected "
            f"{found.sha256[:12]}..., which was noted when it was pushed. Push it again."
        )


def _differs(found: Found, partial: Partial) -> str:
    """Return the SHA-256 of what was fetched if it is not the one that was noted."""
    if not found.sha256:
        return ""
    actual = sha256(partial.path)
    return "" if actual == found.sha256 else actual


def _fill(remote: Remote, found: Found, partial: Partial, progress: Progress) -> None:
    """Fetch what is missing, in as many connections as it takes, unless several in turn bring nothing."""
    if partial.size > found.size:
        partial.clear()
    progress(partial.size, found.size)
    in_vain = 0
    while partial.size < found.size:
        before = partial.appended
        try:
            _receive(remote, found, partial, progress)
        except botocore_errors().BotoCoreError:  # the connection was cut within the content
            in_vain = in_vain + 1 if partial.appended == before else 0
            if in_vain >= remote.attempts:
                with in_words(remote.place, remote.at):
                    raise
            time.sleep(_FIRST_WAIT_S * 2**in_vain)


def _receive(remote: Remote, found: Found, partial: Partial, progress: Progress) -> None:
    """Append what comes in one connection."""
    wanted = {"Range": f"bytes={partial.size}-"} if partial.size else {}
    try:
        answer = remote.call("get_object", **wanted, **({"IfMatch": found.etag} if found.etag else {}))
    except StorageError as error:
        if code_of(error) == "PreconditionFailed":
            raise _changed(remote) from error
        raise
    with closing(answer["Body"]) as body:
        if answer.get("ETag", found.etag) != found.etag:
            raise _changed(remote)
        if wanted and not str(answer.get("ContentRange", "")).startswith(f"bytes {partial.size}-"):
            partial.clear()  # a server that knows no ranges sends it all
        for content in body.iter_chunks(_CHUNK_BYTES):
            if partial.size + len(content) > found.size:
                raise _changed(remote)
            partial.append(content)
            progress(partial.size, found.size)


def _changed(remote: Remote) -> StorageError:
    return StorageError(f"{remote.place} was changed by somebody else while it was being fetched. Pull it again.")


def _put_in_place(content: Path, path: Path, kind: Kind) -> None:
    with written_whole(path) as beside:
        if kind == "bundle" and path.suffix != ".zip":
            unpack(content, beside)
        else:
            content.replace(beside)
