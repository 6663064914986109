"""Places in a bucket: `s3://BUCKET/KEY`, the key being any prefix and a name, parted by slashes."""

import re
from dataclasses import dataclass
from typing import Self

from ademan.errors import StorageError

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,253}[A-Za-z0-9]")  # S3 allows less, older and other servers this
_LONGEST_KEY = 1024  # bytes, of S3
_EXPECTED = "expected s3://BUCKET/PREFIX/NAME"


def is_remote(text: str) -> bool:
    """Return whether a text is meant as a place in a bucket; whether it is a good one, `Place.parse` says."""
    return text.lower().startswith("s3:")


@dataclass(frozen=True)
class Place:
    """Where an object is, or is to be.

    Args:
        bucket: its name.
        key: prefix and name, such as models/hands; never a path that leads anywhere else.

    Raises:
        StorageError: no bucket or key can be called so.
    """

    bucket: str
    key: str

    def __post_init__(self) -> None:
        if fault := self._fault():
            raise StorageError(f"{str(self)!a} is no place in a bucket: {fault}.")

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `s3://BUCKET/KEY`.

        Raises:
            StorageError: it is something else.
        """
        if not url.lower().startswith("s3://"):
            web = " The address of a server goes into --endpoint-url." if url.lower().startswith("http") else ""
            raise StorageError(f"{url!a} is no place in a bucket; {_EXPECTED}.{web}")
        bucket, _, key = url[len("s3://") :].partition("/")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def name(self) -> str:
        """The last part of the key."""
        return self.key.rpartition("/")[2]

    @property
    def prefix(self) -> str:
        """All of the key before its last part, with the slash; may be empty."""
        return self.key[: len(self.key) - len(self.name)]

    def _fault(self) -> str:
        if not _BUCKET.fullmatch(self.bucket):
            return f"a bucket cannot be called {self.bucket!a}; {_EXPECTED}"
        if not self.name:
            return f"it names no object, only where one could be; {_EXPECTED}"
        if not self.key.isprintable() or "\\" in self.key:
            return "a backslash, or a character that cannot be printed, is in its name"
        if {"", ".", ".."} & set(self.key.split("/")):
            return "a part of it is empty, '.' or '..'"
        if len(self.key.encode()) > _LONGEST_KEY:
            return f"its name has {len(self.key.encode()):,} bytes, S3 allows {_LONGEST_KEY:,}"
        return ""
