"""An object in a bucket: the client that asks for it, and what is known of it before it is fetched."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Any

from ademan.errors import StorageError, require
from ademan.storage.place import Place
from ademan.storage.refusals import NO_S3, code_of, in_words

SHA256 = "sha256"
"""Under this name the SHA-256 of the whole content is among the object's metadata: `x-amz-meta-sha256`."""
_ATTEMPTS, _CONNECT_S, _READ_S = 5, 10, 60
_LISTED, _NAMED = 1000, 5  # names that are asked for where one is missing, and shown where none is alike
_IS_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Found:
    """What a bucket says of an object.

    Args:
        size: in bytes.
        etag: the server's name for this content.
        sha256: that whoever put it there noted; empty if nobody did.
    """

    size: int
    etag: str
    sha256: str

    @property
    def version(self) -> str:
        """A name for this content that can be part of a file's name: equal content, equal name."""
        return self.sha256[:32] or hashlib.sha256(f"{self.etag} {self.size}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class Remote:
    """A place in a bucket, and the client that speaks to its server.

    Args:
        place: of the object.
        client: of boto3.
    """

    place: Place
    client: Any

    @property
    def at(self) -> str:
        """The server's address."""
        return str(self.client.meta.endpoint_url)

    @property
    def attempts(self) -> int:
        """How often something is tried."""
        return int(self.client.meta.config.retries["total_max_attempts"])

    @property
    def sums(self) -> bool:
        """Whether the server is told a SHA-256 of all that is sent, and not only MD5, which all servers know."""
        return str(self.client.meta.config.request_checksum_calculation) != "when_required"

    def call(self, action: str, **arguments: Any) -> dict[str, Any]:
        """Ask for one of S3's actions on the object.

        Raises:
            StorageError: the server cannot be reached, or refuses.
        """
        with in_words(self.place, self.at):
            answer: dict[str, Any] = getattr(self.client, action)(
                Bucket=self.place.bucket, Key=self.place.key, **arguments
            )
        return answer

    def pages(self, action: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        """Yield all answers of an action that answers in pages; see `call`."""
        with in_words(self.place, self.at):
            yield from self.client.get_paginator(action).paginate(
                Bucket=self.place.bucket, Key=self.place.key, **arguments
            )

    def keys(self, prefix: str, most: int) -> list[str]:
        """Return keys that begin so; see `call`."""
        with in_words(self.place, self.at):
            answer = self.client.list_objects_v2(Bucket=self.place.bucket, Prefix=prefix, MaxKeys=most)
        return [str(entry["Key"]) for entry in answer.get("Contents", [])]


def connect(place: Place, endpoint_url: str = "") -> Remote:
    """Return a way to an object; the network is not used yet.

    Configured as every program of AWS is: by the environment and `~/.aws`.

    Args:
        place: of the object.
        endpoint_url: of a server other than Amazon's.

    Raises:
        StorageError: the configuration or the address is wrong.
        MissingExtraError: boto3 is not installed.
    """
    require("boto3", feature="Storage in a bucket", extra="cloud")
    if endpoint_url and not re.match(r"https?://[^/]", endpoint_url):
        raise StorageError(f"{endpoint_url!a} is no address of a server; expected http://HOST:PORT or https://HOST.")
    with in_words(place, endpoint_url or "S3"):
        try:
            return Remote(place, _client(endpoint_url, _settings()))
        except ValueError as error:  # botocore's own way to refuse an address, or a number in the configuration
            raise StorageError(f"the settings for {endpoint_url or 'S3'} cannot be used: {error}.") from error


def _settings() -> tuple[object, ...]:
    """Return what a client depends on; a process that was forked shall not share connections."""
    return (os.getpid(), *sorted(item for item in os.environ.items() if item[0].startswith("AWS_")))


@lru_cache(maxsize=4)
def _client(endpoint_url: str, settings: tuple[object, ...]) -> Any:  # noqa: ARG001 - other settings, another client
    """Return a client; making one takes a fifth of a second, too long for each look at a bucket."""
    boto3 = require("boto3", feature="Storage in a bucket", extra="cloud")
    config = require("botocore.config", feature="Storage in a bucket", extra="cloud")
    core = require("botocore.session", feature="Storage in a bucket", extra="cloud").Session()
    attempts = core.get_config_variable("max_attempts") or _ATTEMPTS
    chosen = config.Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"mode": "standard", "total_max_attempts": attempts},
        response_checksum_validation="when_required",  # what is fetched is proven by its SHA-256, parts and all
    )
    return boto3.Session(botocore_session=core).client("s3", endpoint_url=endpoint_url or None, config=chosen)


def look(remote: Remote) -> Found | None:
    """Return what the bucket says of an object; None if there is no such object, or no such bucket.

    Raises:
        StorageError: the server cannot be reached, or refuses.
    """
    try:
        head = remote.call("head_object")
    except StorageError as error:
        if code_of(error) == "NoSuchKey":
            return None
        if code_of(error):
            remote.keys(remote.place.key, 1)  # an answer to HEAD tells no reason, this one does
        raise
    if "ContentLength" not in head:
        raise StorageError(NO_S3.format(at=remote.at, why="it tells no size"))
    noted = str(head.get("Metadata", {}).get(SHA256, "")).lower()
    return Found(int(head["ContentLength"]), str(head.get("ETag", "")), noted if _IS_SHA256.fullmatch(noted) else "")


def look_for(remote: Remote) -> Found:
    """Return what the bucket says of an object that should be there.

    Raises:
        StorageError: it is not there; names what is.
    """
    found = look(remote)
    if found is None:
        raise StorageError(f"there is no {remote.place} at {remote.at}.{_others(remote)}")
    return found


def _others(remote: Remote) -> str:
    """Return a sentence on what is there instead."""
    place = remote.place
    try:
        keys = remote.keys(place.prefix, _LISTED)
    except StorageError as error:
        if code_of(error) != "AccessDenied":
            raise
        return " What is there may not be listed."
    close = get_close_matches(place.key, keys, n=3)
    if close:
        return f" Did you mean {' or '.join(f's3://{place.bucket}/{key}' for key in close)}?"
    where = f"s3://{place.bucket}/{place.prefix}"
    return f" {where} has {', '.join(keys[:_NAMED])}." if keys else f" There is nothing below {where}."
