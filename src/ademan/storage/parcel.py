"""What is sent and fetched: one file, whose kind says by what it is proven.

A bundle's folder goes as one zip of its three files, so that nobody ever sees half of one and half of another. The
files are not packed smaller, and have one date: equal bundles are equal bytes, whatever computer packs them.
"""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ademan.bundle.bundle import GOLDEN, MANIFEST, MODEL
from ademan.datasets import Dataset
from ademan.errors import AdemanError, BundleError, StorageError
from ademan.files import sha256
from ademan.recognition import verify

Kind = Literal["bundle", "dataset", "file"]
_FILES = (MANIFEST, MODEL, GOLDEN)
_UNIX, _MODE = 3, 0o100644 << 16  # zipfile would write the system that it runs on


@dataclass(frozen=True)
class Parcel:
    """One file to send.

    Args:
        path: of the file.
        size: in bytes.
        sha256: of its content.
        left_out: files of a bundle's folder that are none of the bundle.
    """

    path: Path
    size: int
    sha256: str
    left_out: tuple[str, ...] = ()


def kind_of(path: Path, *names: str) -> Kind:
    """Return what a file is: a dataset by what it is called, a bundle by what is in it.

    Args:
        path: the file.
        names: that it has, had or will have.
    """
    if any(name.lower().endswith(".h5") for name in names):
        return "dataset"
    try:
        with zipfile.ZipFile(path) as archive:
            return "bundle" if {MANIFEST, MODEL} <= set(archive.namelist()) else "file"
    except Exception:  # zipfile hides none of what its parts raise
        return "file"


def prove(path: Path, kind: Kind, place: object) -> None:
    """Refuse what its own kind's checks refuse: a bundle is verified, a dataset opened.

    Args:
        path: the file.
        kind: of the file.
        place: what the message calls it.

    Raises:
        StorageError: the check failed.
    """
    try:
        if kind == "bundle":
            verify(path)
        elif kind == "dataset":
            with Dataset(path):
                pass
    except AdemanError as error:
        fault = str(error).replace(str(path), str(place))
        raise StorageError(f"{place} is refused, since it is no sound {kind}: {fault}") from error


@contextmanager
def packed(source: Path) -> Iterator[Parcel]:
    """Give the file to send: the source itself, or a zip of a bundle's folder, which goes when the block ends.

    Raises:
        StorageError: there is no such file, or it cannot be read.
        BundleError: it is a folder, and no bundle.
    """
    with ExitStack() as stack:
        try:
            parcel = _parcel(source, stack)
        except OSError as error:
            raise StorageError(f"{source} cannot be read or packed: {error.strerror or error}.") from error
        yield parcel


def _parcel(source: Path, stack: ExitStack) -> Parcel:
    if source.is_dir():
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ademan-")))
        path = _zipped(source, place / "bundle.zip")
        left_out = sorted({file.name for file in source.iterdir()} - set(_FILES))
        return Parcel(path, path.stat().st_size, sha256(path), tuple(left_out))
    if not source.is_file():
        raise StorageError(f"there is no file and no bundle {source}.")
    return Parcel(source, source.stat().st_size, sha256(source))


def _zipped(folder: Path, path: Path) -> Path:
    for name in _FILES:
        if not (folder / name).is_file():
            inside = folder / "bundle"
            hint = f" Did you mean {inside}?" if (inside / name).is_file() else " A folder is sent if it is a bundle."
            raise BundleError(f"{folder} is no bundle: it has no {name}.{hint}")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in _FILES:
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = _UNIX, _MODE
            archive.writestr(entry, (folder / name).read_bytes())
    return path


def unpack(archive: Path, folder: Path) -> None:
    """Write the three files of a bundle that was proven, and no other, into a new folder."""
    folder.mkdir()
    with zipfile.ZipFile(archive) as content:
        for name in _FILES:
            (folder / name).write_bytes(content.read(name))
