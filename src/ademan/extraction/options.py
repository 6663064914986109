"""What extraction is asked for, and how a dataset remembers it, so that a model sees live what it was trained on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, TypeVar

from ademan.errors import BundleError, ConfigError
from ademan.landmarks.landmarker import SKELETONS, LandmarkConfig
from ademan.skeleton import Skeleton

PATTERN = "{gesture}/{gesture}_{subject}_{repetition}"
BY = "ademan extract"
Options = TypeVar("Options", LandmarkConfig, "ExtractOptions")


@dataclass(frozen=True)
class ExtractOptions:
    """Which recordings are extracted, and which of their frames."""

    gestures: tuple[str, ...] = ()
    """These only; all if none is named."""
    pattern: str = PATTERN
    """How the end of a file's path, without its suffix, tells {gesture}, {subject}, {session} and {repetition}."""
    every: int = 1
    """Use each n-th frame; 1 or more."""
    size: int = 0
    """Longest side in pixels to which larger frames are brought before points are looked for; 0 leaves them."""

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ConfigError(f"every must be 1 or more, found {self.every}.")
        if self.size and self.size < 64:
            raise ConfigError(f"size must be 0 or at least 64 pixels, found {self.size}.")


def made_by(config: LandmarkConfig, options: ExtractOptions) -> dict[str, Any]:
    """Return how a dataset was made, as plain values; `landmark_config` and `extract_options` read it."""
    return {"by": BY, "options": {**asdict(config), **asdict(options), "gestures": list(options.gestures)}}


def landmark_config(made: Mapping[str, Any], skeleton: Skeleton, landmarker: str = "") -> LandmarkConfig:
    """Return how points must be found for a model: as its training data was, as far as that is known.

    Args:
        made: how the dataset was made.
        skeleton: that the model takes; it says which landmarks, where `made` does not.
        landmarker: the backend, if not that of the dataset.

    Raises:
        ConfigError: no landmarker finds such points.
        BundleError: `made` is damaged.
    """
    known = {kind for kind, found in SKELETONS.items() if found.points == skeleton.points}
    if not known:
        raise ConfigError(
            f"points of skeleton '{skeleton.name}' cannot be found in pictures; "
            f"there are: {', '.join(s.name for s in SKELETONS.values())}. Give the model points instead."
        )
    more = {"landmarks": known.pop()} | ({"landmarker": landmarker} if landmarker else {})
    return _as_made(LandmarkConfig, made, more)


def extract_options(made: Mapping[str, Any]) -> ExtractOptions:
    """Return which frames of a video a model looks at: those that its training data was made of.

    Raises:
        BundleError: `made` is damaged.
    """
    return _as_made(ExtractOptions, made, {"gestures": ()})


def _as_made(kind: type[Options], made: Mapping[str, Any], more: Mapping[str, Any]) -> Options:
    saved = made.get("options") if made.get("by") == BY else {}
    saved = saved if isinstance(saved, dict) else {}
    chosen = {f.name: saved[f.name] for f in fields(kind) if f.name in saved}
    try:
        return kind(**{**chosen, **more})
    except (ConfigError, TypeError, ValueError) as error:
        raise BundleError(f"what the manifest says of how points were found is damaged: {error}") from error
