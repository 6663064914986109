"""What is there of an object that is being fetched: a hidden file beside its place, called after that very content.

So a later try finds it, and an object that was changed meanwhile has another one: nothing is ever mixed.
"""

import errno
import hashlib
import re
import shutil
from pathlib import Path
from typing import Self

from ademan.errors import StorageError
from ademan.storage.bucket import Found
from ademan.storage.place import Place


class Partial:
    """A file that grows at its end, `.NAME.VERSION.partial`; use it in a `with` block.

    Args:
        target: where the content is to stand.
        place: where it comes from.
        found: the object.

    Raises:
        StorageError: it cannot be written, or the disk has not room enough for the rest.
    """

    def __init__(self, target: Path, place: Place, found: Found) -> None:
        name = hashlib.sha256(f"{place} {found}".encode()).hexdigest()[:16]
        self.target, self.path = target, target.with_name(f".{target.name}.{name}.partial")
        self.total, self.size, self.appended = found.size, 0, 0

    def __enter__(self) -> Self:
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self._remove_others()
            self._file = self.path.open("ab", buffering=0)
            self.size = self.path.stat().st_size
        except OSError as error:
            raise self._cannot_write(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write no more; the file stays."""
        self._file.close()

    def check_room(self) -> None:
        """Refuse to begin what the disk has no room for."""
        missing, free = self.total - self.size, shutil.disk_usage(self.target.parent).free
        if missing > free:
            if not self.size:
                self.remove()
            raise StorageError(
                f"{self.target} was not written: {missing:,} bytes are to come, and the disk has {free:,} free. Free "
                "some space, or choose another place."
            )

    def append(self, content: bytes) -> None:
        """Write more of the content, to the disk at once."""
        rest = memoryview(content)
        while rest:
            try:
                written = self._file.write(rest)
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    self.remove()  # it is what fills the disk
                raise self._cannot_write(error) from error
            rest = rest[written:]
            self.size, self.appended = self.size + written, self.appended + written

    def clear(self) -> None:
        """Forget what is there."""
        self._file.truncate(0)
        self.size = 0

    def remove(self) -> None:
        """Remove the file."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _remove_others(self) -> None:
        ours = re.compile(rf"\.{re.escape(self.target.name)}\.[0-9a-f]{{16}}\.partial")
        for file in self.target.parent.iterdir():
            if file != self.path and ours.fullmatch(file.name):
                file.unlink()

    def _cannot_write(self, error: OSError) -> StorageError:
        if error.errno == errno.ENOSPC:
            why = "the disk is full. Free some space, or choose another place"
        elif isinstance(error, FileExistsError):
            why = f"{self.target.parent} is no folder"
        else:
            why = error.strerror or str(error)
        return StorageError(f"{self.target} was not written: {why}.")
