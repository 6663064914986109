"""The live models of the sets that are being watched: one classifier a version, and a new one as soon as it is live."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ademan.bundle import Manifest
from ademan.errors import AdemanError
from ademan.recognition import Classifier
from ademan.studio.data import StudioError
from ademan.studio.data.gestures import GestureSets, SetInfo
from ademan.studio.data.models import Models

log = logging.getLogger("ademan.studio")
_TRY_AGAIN_S = 30.0


@dataclass(frozen=True, eq=False)
class LiveModel:
    """A version at work.

    Args:
        id: of the version.
        number: of it within its set.
        classifier: its bundle, verified.
    """

    id: int
    number: int
    classifier: Classifier

    @property
    def manifest(self) -> Manifest:
        """Of its bundle."""
        return self.classifier.manifest

    def to_json(self) -> dict[str, Any]:
        """Return what browsers are told."""
        manifest = self.manifest
        return {
            "id": self.id,
            "number": self.number,
            "labels": list(manifest.labels),
            "idle": manifest.idle,
            "threshold": manifest.thresholds.accept,
        }


@dataclass(frozen=True, eq=False)
class Shown:
    """What a set shows now.

    Args:
        gestures: the set.
        model: that is live; None if none is, or if it cannot be used.
        problem: why it cannot.
    """

    gestures: SetInfo
    model: LiveModel | None = None
    problem: str = ""


@dataclass(eq=False)
class _Watched:
    shown: Shown
    version_id: int | None
    try_again_s: float = float("inf")


class LiveModels:
    """Looks at what is live for all sets that are watched, in one question; used in one event loop.

    Args:
        models: of the studio.
        sets: of the studio.
        on_change: called with what a set shows from now on; None if the set is gone.
    """

    def __init__(self, models: Models, sets: GestureSets, on_change: Callable[[int, Shown | None], None]) -> None:
        self._models, self._sets, self._on_change = models, sets, on_change
        self._watched: dict[int, _Watched] = {}
        self._count: Counter[int] = Counter()
        self._lock = asyncio.Lock()  # so that no bundle is loaded twice

    async def watch(self, set_id: int) -> Shown:
        """Return what a set shows, and look after it until it is left as often as it was watched.

        Raises:
            StudioError: 'gone', there is no such set; 'unavailable'.
        """
        async with self._lock:
            if set_id not in self._watched:
                gestures = await asyncio.to_thread(self._sets.get, set_id)
                live = await asyncio.to_thread(self._models.live_of, [set_id])
                self._watched[set_id] = await self._load(gestures, live.get(set_id))
            self._count[set_id] += 1
            return self._watched[set_id].shown

    def leave(self, set_id: int) -> None:
        """Look after a set no longer."""
        self._count[set_id] -= 1
        if self._count[set_id] <= 0:
            del self._count[set_id]
            self._watched.pop(set_id, None)

    async def look(self) -> None:
        """Look once at what is live, and tell of what has changed.

        Raises:
            StudioError: 'unavailable'.
        """
        async with self._lock:
            if not self._watched:
                return
            live = await asyncio.to_thread(self._models.live_of, list(self._watched))
            now_s = asyncio.get_running_loop().time()
            for set_id, watched in list(self._watched.items()):
                if set_id not in live:
                    self._watched.pop(set_id, None)
                    self._on_change(set_id, None)
                elif live[set_id] != watched.version_id or now_s > watched.try_again_s:
                    await self._renew(set_id, live[set_id])

    async def _renew(self, set_id: int, version_id: int | None) -> None:
        gestures = await asyncio.to_thread(self._sets.get, set_id)
        watched = await self._load(gestures, version_id)
        if set_id in self._watched:  # else all have left meanwhile
            self._watched[set_id] = watched
            self._on_change(set_id, watched.shown)

    async def _load(self, gestures: SetInfo, version_id: int | None) -> _Watched:
        if version_id is None:
            return _Watched(Shown(gestures), None)
        try:
            model = await asyncio.to_thread(self._read, gestures, version_id)
        except AdemanError as error:
            if isinstance(error, StudioError) and error.code == "unavailable":
                raise
            log.warning("live model not loaded", extra={"model": version_id, "problem": str(error)})
            again_s = asyncio.get_running_loop().time() + _TRY_AGAIN_S
            return _Watched(Shown(gestures, problem=str(error)), version_id, again_s)
        return _Watched(Shown(gestures, model), version_id)

    def _read(self, gestures: SetInfo, version_id: int) -> LiveModel:
        number = self._models.get(version_id).number
        with self._models.bundle(version_id) as path:
            classifier = Classifier(path)
        manifest = classifier.manifest
        if manifest.coordinates not in ("square", "fraction") or manifest.skeleton.points != gestures.skeleton.points:
            raise StudioError(
                "bad",
                f"Version {number} takes {manifest.coordinates} coordinates of '{manifest.skeleton.name}', which a "
                "camera page cannot give. Train a model from clips of this studio, or try this one with ademan live.",
            )
        return LiveModel(version_id, number, classifier)
