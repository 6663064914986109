"""Files that are whole or not there: written beside their place, then renamed."""

import errno
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ademan.errors import AdemanError

MANIFEST = "manifest.json"
"""The file by which a folder that Ademan wrote is known."""
_IN_THE_WAY = "{} is a folder that is not empty, and is no bundle; name a file in it, or a folder that is new."


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` if the block ends well, remove it if not.

    Works for a file and for a folder; the parent folder is made. A file replaces files alone, and a folder replaces
    a folder that is empty or an earlier version of itself: with a manifest, and nothing that the new one lacks.

    Raises:
        AdemanError: the disk is full, the place cannot be written, or it is a folder that is not to be replaced;
            whatever stood at `path` stands there still.
    """
    try:
        if path.is_dir() and any(path.iterdir()) and not (path / MANIFEST).is_file():
            raise AdemanError(_IN_THE_WAY.format(path))
        path.parent.mkdir(parents=True, exist_ok=True)
        holder = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
    except OSError as error:
        raise _cannot_write(path, error) from error
    try:
        yield holder / path.name
        _replace(holder / path.name, path, holder)
    except OSError as error:
        raise _cannot_write(path, error) from error
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def _replace(new: Path, path: Path, holder: Path) -> None:
    """Put `new` at `path`; a folder that is there steps aside first, since a rename cannot replace it."""
    if path.is_dir() and new.is_file():
        raise AdemanError(f"{path} is a folder; name a file in it.")
    if path.is_symlink() or not path.is_dir():
        new.replace(path)
        return
    if new.is_dir() and not _below(path) <= _below(new):
        raise AdemanError(_IN_THE_WAY.format(path))
    aside = holder / f"{path.name}.replaced"
    path.rename(aside)
    try:
        new.replace(path)
    finally:
        if not path.exists():  # it failed: the old folder must not go with the holder
            aside.rename(path)


def _below(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


def _cannot_write(path: Path, error: OSError) -> AdemanError:
    if error.errno == errno.ENOSPC:
        return AdemanError(f"{path} was not written: the disk is full. Free some space, or choose another place.")
    return AdemanError(f"{path} was not written: {error.strerror or error}.")


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file, whole or not at all; NaN is refused, since JSON has none."""
    with written_whole(path) as beside:
        beside.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
