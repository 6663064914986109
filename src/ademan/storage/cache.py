"""A bundle in a bucket, as a server uses it: kept in a folder, and the last good one with it."""

import hashlib
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from ademan.errors import AdemanError, StorageError
from ademan.recognition import verify
from ademan.storage.bucket import Remote, connect, look, look_for
from ademan.storage.locks import cache_folder, held
from ademan.storage.place import Place
from ademan.storage.pull import fetch

_KEPT = 2  # versions of a bundle


def remote_version(url: str, endpoint_url: str = "") -> str | None:
    """Return a name for what the bucket holds now: equal content, equal name. One small request.

    It is the stem of the file that `fetch_bundle` gives for that content.

    Args:
        url: s3://BUCKET/KEY.
        endpoint_url: of a server other than Amazon's.

    Returns:
        The name; None if there is no such object.

    Raises:
        StorageError: the bucket cannot be reached, or refuses.
        MissingExtraError: boto3 is not installed.
    """
    found = look(connect(Place.parse(url), endpoint_url))
    return None if found is None else found.version


def fetch_bundle(
    url: str, cache: Path | None = None, endpoint_url: str = "", on_problem: Callable[[str], None] | None = None
) -> Path:
    """Return the file of a bundle in a bucket, verified; it is fetched if it is not kept already.

    If it cannot be had, or cannot be trusted, the newest one that is kept and good is given instead. Processes that
    share a cache wait for each other.

    Args:
        url: s3://BUCKET/KEY.
        cache: folder to keep bundles in, the newest two of each URL; `bundles` in the user's cache by default.
        endpoint_url: of a server other than Amazon's.
        on_problem: called with one message if an older bundle is given; by default it goes to standard error.

    Raises:
        StorageError: it cannot be had or trusted, and no older one is kept; the URL or the settings are wrong.
        MissingExtraError: boto3 is not installed.
    """
    remote = connect(Place.parse(url), endpoint_url)
    folder = (cache_folder() / "bundles" if cache is None else cache) / _name(remote)
    try:
        with held(folder / ".lock", wait=True):
            return _newest_or_last(remote, folder, on_problem or _to_stderr)
    except OSError as error:
        raise StorageError(f"bundles cannot be kept in {folder}: {error.strerror or error}.") from error


def _name(remote: Remote) -> str:
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", remote.place.name)[:60]
    return f"{readable}-{hashlib.sha256(f'{remote.at} {remote.place}'.encode()).hexdigest()[:8]}"


def _newest_or_last(remote: Remote, folder: Path, on_problem: Callable[[str], None]) -> Path:
    try:
        return _newest(remote, folder)
    except AdemanError as error:
        last = next(filter(_is_good, _by_age(folder)), None)
        if last is None:
            raise
        on_problem(f"{error}\nThe bundle that was fetched before is used instead: {last}")
        return last


def _newest(remote: Remote, folder: Path) -> Path:
    found = look_for(remote)
    path = folder / f"{found.version}.zip"
    if not (path.is_file() and _is_good(path)):
        fetch(remote, found, path, kind="bundle")
    os.utime(path)  # so that it is the newest, even where an older version came back
    for old in [*_by_age(folder)[_KEPT:], *folder.glob(".*.partial")]:
        old.unlink()
    return path


def _by_age(folder: Path) -> list[Path]:
    """Return the bundles that are kept, the one that was in use last first."""
    return sorted(folder.glob("*.zip"), key=lambda path: -path.stat().st_mtime_ns)


def _is_good(path: Path) -> bool:
    try:
        verify(path)
    except AdemanError:
        return False
    return True


def _to_stderr(message: str) -> None:
    sys.stderr.write(f"ademan: {message}\n")
