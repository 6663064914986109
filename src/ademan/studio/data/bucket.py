"""Clips, videos and bundles in a bucket; see files.py."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from ademan.errors import StorageError
from ademan.storage.bucket import SHA256, Remote, connect, look
from ademan.storage.place import Place
from ademan.storage.refusals import code_of, in_words
from ademan.studio.data.errors import StudioError
from ademan.studio.data.files import KEY, Stored, check_size, checked_key, no_file


class S3Store:
    """Keeps files in a bucket, with the settings and credentials that other programs of AWS use.

    Args:
        url: s3://BUCKET/PREFIX; the bucket must be there.
        endpoint_url: of a server other than Amazon's.

    Raises:
        StudioError: 'bad', the address is none.
    """

    def __init__(self, url: str, endpoint_url: str = "") -> None:
        try:
            self.place = Place.parse(url.rstrip("/"))
        except StorageError as error:
            raise StudioError("bad", str(error)) from error
        self._endpoint_url = endpoint_url

    def put(self, key: str, content: bytes) -> None:
        """See `FileStore`."""
        check_size(key, len(content))
        with _bucket_in_words(key):
            self._remote(key).call("put_object", Body=content, Metadata={SHA256: sha256(content).hexdigest()})

    def get(self, key: str) -> bytes:
        """See `FileStore`; what has another SHA-256 than was noted with it is refused."""
        with _bucket_in_words(key):
            remote = self._remote(key)
            found = look(remote)
            if found is None:
                raise no_file(key)
            check_size(key, found.size)
            answer = remote.call("get_object")
            with in_words(remote.place, remote.at):
                content: bytes = answer["Body"].read()
        if found.sha256 and sha256(content).hexdigest() != found.sha256:
            raise StudioError("unavailable", f"the file {key} came damaged from {remote.at}. Try it again.")
        return content

    def delete(self, key: str) -> None:
        """See `FileStore`."""
        with _bucket_in_words(key), _missing_is_fine():
            self._remote(key).call("delete_object")

    def all(self) -> Iterator[Stored]:
        """See `FileStore`."""
        remote = connect(self.place, self._endpoint_url)
        prefix = f"{self.place.key}/"
        with _bucket_in_words("list of files"), in_words(self.place, remote.at):
            pages = remote.client.get_paginator("list_objects_v2").paginate(Bucket=self.place.bucket, Prefix=prefix)
            for page in pages:
                for entry in page.get("Contents", []):
                    key = str(entry["Key"]).removeprefix(prefix)
                    if KEY.fullmatch(key):
                        yield Stored(key, int(entry["Size"]), int(entry["LastModified"].timestamp() * 1000))

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """See `FileStore`."""
        content = self.get(key)
        with tempfile.TemporaryDirectory(prefix="ademan-") as folder:
            path = Path(folder) / key.rpartition("/")[2]
            path.write_bytes(content)
            yield path

    def tidy(self, before_ms: int) -> None:
        """See `FileStore`; a bucket shows nothing that is not whole."""

    def _remote(self, key: str) -> Remote:
        return connect(Place(self.place.bucket, f"{self.place.key}/{checked_key(key)}"), self._endpoint_url)


@contextmanager
def _missing_is_fine() -> Iterator[None]:
    """Pass over a refusal of S3 that says that there is no such object."""
    try:
        yield
    except StorageError as error:
        if code_of(error) != "NoSuchKey":
            raise


@contextmanager
def _bucket_in_words(key: str) -> Iterator[None]:
    try:
        yield
    except StorageError as error:
        raise StudioError("unavailable", f"the file {key} cannot be used: {error}") from error
