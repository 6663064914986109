"""Clips, videos and bundles as files: in a folder, or in a bucket. Their keys are made here, never by anybody else."""

import os
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, cast

from ademan.errors import AdemanError
from ademan.files import written_whole
from ademan.studio.config import StudioConfig
from ademan.studio.data.errors import StudioError

Kind = Literal["clips", "videos", "bundles"]
ENDINGS: dict[Kind, tuple[str, ...]] = {"clips": (".npz",), "videos": (".mp4", ".webm"), "bundles": (".zip",)}
LARGEST_BYTES: dict[Kind, int] = {"clips": 16 * 2**20, "videos": 128 * 2**20, "bundles": 512 * 2**20}
"""Of one file; more is refused when it is written, and when it is read."""
KEY = re.compile(r"(clips|videos|bundles)/([0-9a-f]{2})/(?:\2[0-9a-f]{30})\.(npz|mp4|webm|zip)")
"""What a key looks like; it never leads out of the folder."""


@dataclass(frozen=True)
class Stored:
    """A file that is there.

    Args:
        key: its name.
        size: in bytes.
        changed_ms: when it was written, since 1970.
    """

    key: str
    size: int
    changed_ms: int


class FileStore(Protocol):
    """Keeps files under keys; a file is whole or not there. Safe for several processes at once.

    All of it raises StudioError: 'gone', there is no such file; 'bad', it is larger than its kind may be, or no key;
    'unavailable', the disk is full or the storage cannot be reached.
    """

    def put(self, key: str, content: bytes) -> None:
        """Write a file; when this returns it is on the disk."""

    def get(self, key: str) -> bytes:
        """Return what is in a file."""

    def delete(self, key: str) -> None:
        """Delete a file; one that is not there is no error."""

    def all(self) -> Iterator[Stored]:
        """Yield all files, in no order."""

    def local(self, key: str) -> AbstractContextManager[Path]:
        """Give the path of a file that can be read during the block, and must not be changed."""

    def tidy(self, before_ms: int) -> None:
        """Delete what writes that were killed have left, if it is older than a time."""


def new_key(kind: Kind, ending: str) -> str:
    """Return a key that nothing has yet, such as clips/0f/0f...e1.npz."""
    name = uuid.uuid4().hex
    return checked_key(f"{kind}/{name[:2]}/{name}{ending}")


def open_files(config: StudioConfig) -> FileStore:
    """Return where a studio keeps its files.

    Raises:
        StudioError: 'bad', it is an address that is none.
    """
    if config.files.lower().startswith("s3:"):
        from ademan.studio.data.bucket import S3Store  # noqa: PLC0415 - most studios have no bucket

        return S3Store(config.files, config.endpoint_url)
    return FolderStore(Path(config.files).expanduser().absolute())


def delete_files(files: FileStore, keys: Iterable[str]) -> None:
    """Delete files whose rows are gone already; one that cannot be deleted now does not keep the others.

    Raises:
        StudioError: 'unavailable', some are left; `Clips.check` finds them.
    """
    left = []
    for key in keys:
        try:
            files.delete(key)
        except StudioError as error:
            left.append(error)
    if left:
        raise StudioError(
            "unavailable",
            f"It is deleted, but for {len(left)} files that cannot be reached now ({left[0]}). "
            "They go when the studio starts again.",
        ) from left[0]


@contextmanager
def put_for_rows(files: FileStore, contents: Mapping[str, bytes]) -> Iterator[None]:
    """Write files, and then do the block, which keeps the rows that name them; if it fails, they go again.

    They stay if the database was cut off: it may have kept the rows, and not been able to say so. A file without a row
    is found by `Clips.check`; a row without a file would be a clip that is lost.

    Args:
        files: where they are kept.
        contents: by their keys.
    """
    are_put = False
    try:
        for key, content in contents.items():
            files.put(key, content)
        are_put = True
        yield
    except Exception as error:
        if not (are_put and isinstance(error, StudioError) and error.code == "unavailable"):
            for key in contents:
                with suppress(StudioError):
                    files.delete(key)
        raise


class FolderStore:
    """Keeps files in a folder, which is made when the first one comes.

    Args:
        folder: nothing else should be in it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, key: str, content: bytes) -> None:
        """See `FileStore`."""
        check_size(key, len(content))
        try:
            with written_whole(self._path(key)) as beside, beside.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # the row that names it may outlive a power cut
        except AdemanError as error:
            raise StudioError("unavailable", str(error)) from error

    def get(self, key: str) -> bytes:
        """See `FileStore`."""
        with self.local(key) as path, _disk_in_words(key):
            check_size(key, path.stat().st_size)
            return path.read_bytes()

    def delete(self, key: str) -> None:
        """See `FileStore`."""
        with _disk_in_words(key):
            self._path(key).unlink(missing_ok=True)

    def all(self) -> Iterator[Stored]:
        """See `FileStore`."""
        for path in self.folder.glob("*/*/*.*"):
            key = path.relative_to(self.folder).as_posix()
            with suppress(FileNotFoundError):  # deleted meanwhile
                if KEY.fullmatch(key) and path.is_file():
                    found = path.stat()
                    yield Stored(key, found.st_size, found.st_mtime_ns // 1_000_000)

    @contextmanager
    def local(self, key: str) -> Iterator[Path]:
        """See `FileStore`."""
        path = self._path(key)
        if not path.is_file():
            raise no_file(key)
        yield path

    def tidy(self, before_ms: int) -> None:
        """See `FileStore`; what `written_whole` begins stands in folders whose names begin with a dot."""
        for beside in self.folder.glob("*/*/.*/*"):
            with suppress(OSError):
                if KEY.fullmatch(self._key_of(beside)) and beside.stat().st_mtime_ns // 1_000_000 < before_ms:
                    beside.unlink()
                    beside.parent.rmdir()

    def _key_of(self, beside: Path) -> str:
        return (beside.parent.parent / beside.name).relative_to(self.folder).as_posix()

    def _path(self, key: str) -> Path:
        return self.folder / checked_key(key)


def checked_key(key: str) -> str:
    """Return a key if it is one: it never leads out of the folder."""
    found = KEY.fullmatch(key)
    if not found or f".{found[3]}" not in ENDINGS[_kind(key)]:
        raise StudioError("bad", f"{key!a:.80} is no key of a file.")
    return key


def _kind(key: str) -> Kind:
    return cast(Kind, key.partition("/")[0])  # `KEY` knows no other


def check_size(key: str, size: int) -> None:
    """Refuse a file that is larger than its kind may be."""
    most = LARGEST_BYTES[_kind(checked_key(key))]
    if size > most:
        raise StudioError("bad", f"the file {key} has {size:,} bytes; {most:,} is the most.")


def no_file(key: str) -> StudioError:
    """Return what is raised where there is no such file."""
    return StudioError("gone", f"there is no file {key}.")


@contextmanager
def _disk_in_words(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise no_file(key) from error
    except OSError as error:
        raise StudioError("unavailable", f"the file {key} cannot be used: {error.strerror or error}.") from error
