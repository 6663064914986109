"""Notes on uploads that are not finished, so that one that was cut short goes on.

A bucket tells which parts of an unfinished upload are there, but not for which content it was begun; and the SHA-256
that the object will carry is fixed when it is begun. So a note is kept of it, in the cache of the user who pushes.
"""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from ademan.errors import AdemanError
from ademan.files import write_json
from ademan.storage.bucket import Remote
from ademan.storage.locks import cache_folder


@dataclass(frozen=True)
class Unfinished:
    """An upload that was begun.

    Args:
        upload_id: the server's name for it.
        sha256: of the whole content.
        part_bytes: size of each part but the last.
        sums: whether the server keeps a SHA-256 of each part.
    """

    upload_id: str
    sha256: str
    part_bytes: int
    sums: bool


def recall(remote: Remote) -> Unfinished | None:
    """Return the upload to this place that is noted."""
    try:
        return Unfinished(**json.loads(_note(remote).read_text(encoding="utf-8")))
    except (OSError, RuntimeError, TypeError, ValueError):  # none, or not one of ours
        return None


def note(remote: Remote, upload: Unfinished) -> None:
    """Note an upload; where nothing can be written it is not noted, and could not go on."""
    with suppress(AdemanError, OSError, RuntimeError):
        write_json(_note(remote), asdict(upload))


def forget(remote: Remote) -> None:
    """Remove the note."""
    with suppress(OSError, RuntimeError):
        _note(remote).unlink(missing_ok=True)


def _note(remote: Remote) -> Path:
    name = hashlib.sha256(f"{remote.at} {remote.place}".encode()).hexdigest()[:32]
    return cache_folder() / "uploads" / f"{name}.json"
