"""The bundles that are served: each under a name, and replaced by a new version while it is served.

Whoever works with a version keeps it to the end: a request that began with the old one is answered by the old one.
"""

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from ademan.bundle import Bundle, Manifest, read_bundle
from ademan.errors import AdemanError, BundleError, ConfigError
from ademan.files import MANIFEST
from ademan.recognition import Classifier
from ademan.server.batching import Batcher
from ademan.server.errors import ApiError
from ademan.server.metrics import Metrics
from ademan.storage import fetch_bundle, is_remote, remote_version

log = logging.getLogger("ademan.server")
_REMOTE_EVERY = 12  # looks at a bucket are rarer than looks at a folder, by this factor


@dataclass(frozen=True, eq=False)
class Served:
    """One version of a bundle at work.

    Args:
        name: under which it is served.
        classifier: the bundle, verified.
        batcher: its windows go through it.
        version: 12 hexadecimal digits, of the checksums of its parts.
        since: when it was taken, ISO 8601.
    """

    name: str
    classifier: Classifier
    batcher: Batcher
    version: str
    since: str

    @property
    def manifest(self) -> Manifest:
        """Of the bundle."""
        return self.classifier.manifest

    def to_json(self) -> dict[str, Any]:
        """Return what clients are told: the manifest, without what it was trained on."""
        manifest = {key: value for key, value in self.manifest.to_json().items() if key != "training"}
        return {"name": self.name, "version": self.version, "since": self.since, **manifest}


@dataclass
class _Place:
    """Where a bundle comes from, and what is known of it."""

    source: str
    served: Served | None = None
    seen: object = None
    """What was seen of it when it was read."""
    looked: object = None
    """What was seen of it at the last look."""
    problem: str = ""
    """Why what was seen last is not served."""
    refused: object = None
    """Which version was told of as refused, and why."""


class Shelf:
    """Bundles by name; the first one is the default.

    Args:
        sources: folder, .zip or s3:// address by name.
        metrics: are told of reloads and batches.
        threads: of each network.
        endpoint_url: of the storage, if it is not Amazon's.

    Raises:
        ConfigError: there is no source.
    """

    def __init__(self, sources: Mapping[str, str], metrics: Metrics, threads: int = 1, endpoint_url: str = "") -> None:
        if not sources:
            raise ConfigError("there is no bundle to serve. Name one:  ademan serve RUN/bundle")
        self._places = {name: _Place(source) for name, source in sources.items()}
        self._metrics, self._threads, self._endpoint_url = metrics, threads, endpoint_url
        self._work = ThreadPoolExecutor(1, thread_name_prefix="network")
        self._tell: list[Callable[[Served], None]] = []

    def load(self) -> None:
        """Read all bundles.

        Raises:
            AdemanError: one of them cannot be trusted, or not be had.
        """
        for name, place in self._places.items():
            with suppress(AdemanError):  # a bucket that is away: what was fetched from it last may do
                place.seen = self._look(place)
            place.served = self._read(name, place)

    def on_change(self, tell: Callable[[Served], None]) -> None:
        """Have a function called with each new version, in the event loop."""
        self._tell.append(tell)

    def get(self, name: str | None = None) -> Served:
        """Return the present version of a bundle; of the default one without a name.

        Raises:
            ApiError: there is none of this name, or it is not there yet.
        """
        name = name or next(iter(self._places))
        if name not in self._places:
            raise ApiError("not_found", f"there is no bundle '{name[:60]}'. There are: {', '.join(self._places)}.")
        served = self._places[name].served
        if served is None:
            raise ApiError("not_ready", f"the bundle '{name}' is not there yet.")
        return served

    @property
    def ready(self) -> bool:
        """Whether all bundles are there."""
        return all(place.served for place in self._places.values())

    def to_json(self) -> dict[str, dict[str, Any]]:
        """Return name, version and state of all bundles."""
        return {name: _state(place) for name, place in self._places.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Of the bundles, the default first."""
        return tuple(self._places)

    async def watch(self, every_s: float) -> None:
        """Look for new versions, for ever."""
        for look in count():
            await asyncio.sleep(every_s)
            await self.refresh(remote=look % _REMOTE_EVERY == 0)

    async def refresh(self, *, remote: bool = True) -> None:
        """Take new versions of those bundles that changed; one that cannot be trusted is told, and not taken."""
        for name, place in self._places.items():
            if remote or not is_remote(place.source):
                try:
                    await self._refresh(name, place)
                except Exception as error:  # whatever it is: what is served goes on, and the next look may be better
                    self._keep(name, place, error)

    async def _refresh(self, name: str, place: _Place) -> None:
        place.looked = await asyncio.to_thread(self._look, place)
        if place.looked is None:  # most likely it is just being replaced: no reason to warn anybody
            place.problem = f"{place.source} is not there; what was read of it last is served."
            return
        if place.looked == place.seen:
            place.problem = ""
            return
        served = await asyncio.to_thread(self._read, name, place)
        before, place.seen, place.problem = place.served, place.looked, ""
        if before is not None and before.version == served.version:
            return
        place.served = served
        log.info("bundle replaced", extra={"bundle": name, "version": served.version})
        self._metrics.reloads.labels(name, "taken").inc()
        for tell in self._tell:
            tell(served)

    def _keep(self, name: str, place: _Place, error: Exception) -> None:
        """Go on with the version before; what is wrong with the new one is told once."""
        problem = str(error) if isinstance(error, AdemanError) else f"{type(error).__name__}: {error}"
        if (place.looked, problem) != place.refused:
            log.warning("bundle kept", extra={"bundle": name, "problem": problem})
            self._metrics.reloads.labels(name, "refused").inc()
        place.problem, place.refused = problem, (place.looked, problem)

    def close(self) -> None:
        """Let go of the thread."""
        self._work.shutdown(wait=False, cancel_futures=True)

    def _look(self, place: _Place) -> object:
        """Return what changes when a bundle does; None while it cannot be seen."""
        if is_remote(place.source):
            return remote_version(place.source, self._endpoint_url)
        path = Path(place.source)
        try:
            return tuple((file.stat().st_mtime_ns, file.stat().st_size, file.stat().st_ino) for file in _files(path))
        except OSError:
            return None

    def _read(self, name: str, place: _Place) -> Served:
        path = Path(place.source)
        if is_remote(place.source):
            path = fetch_bundle(place.source, endpoint_url=self._endpoint_url, on_problem=partial(_warn, name))
        try:
            bundle = read_bundle(path)
        except OSError as error:
            raise BundleError(f"{path} cannot be read: {error.strerror or error}.") from error
        classifier = Classifier(bundle, self._threads)
        batcher = Batcher(classifier, self._work, self._metrics.batch.observe)
        return Served(name, classifier, batcher, version_of(bundle), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")


def _warn(name: str, problem: str) -> None:
    log.warning("bundle not fetched", extra={"bundle": name, "problem": problem})


def version_of(bundle: Bundle) -> str:
    """Return what tells one version of a bundle from another: 12 digits of the SHA-256 of its parts' SHA-256."""
    checksums = " ".join(f"{name} {digest}" for name, digest in sorted(bundle.manifest.sha256.items()))
    return hashlib.sha256(checksums.encode()).hexdigest()[:12]


def named(sources: Iterable[str]) -> dict[str, str]:
    """Return the names under which bundles are served: NAME=PLACE, or that of the folder or file.

    `runs/hands/bundle` is called hands, since all runs call theirs bundle.

    Raises:
        ConfigError: two have the same name.
    """
    found: dict[str, str] = {}
    for source in sources:
        name, place = _name_and_place(source)
        if not place:
            raise ConfigError(f"'{source}' names no bundle: expected NAME=FOLDER, or the folder alone.")
        if name in found:
            raise ConfigError(f"two bundles would be called '{name}'. Name one yourself:  other={place}")
        found[name] = place
    return found


def _name_and_place(source: str) -> tuple[str, str]:
    name, equals, place = source.partition("=")
    if equals and name and "/" not in name:  # else it is in the name of a folder, such as lr=0.1
        return name, place
    parts = [part for part in source.rstrip("/").split("/") if part not in ("", ".", "..")]
    stem = (parts or ["bundle"])[-1].removesuffix(".zip")
    within = stem == "bundle" and len(parts) > 1 and "://" not in source
    return (parts[-2] if within else stem), source


def _files(path: Path) -> list[Path]:
    return [path / MANIFEST, path / "model.onnx", path / "golden.npz"] if path.is_dir() else [path]


def _state(place: _Place) -> dict[str, Any]:
    served = place.served
    found: dict[str, Any] = {"ready": served is not None}
    if served is not None:
        found |= {"version": served.version, "since": served.since, "labels": list(served.manifest.labels)}
    return found | ({"problem": place.problem} if place.problem else {})
