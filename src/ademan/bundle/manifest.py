"""The manifest: the contract between who trained a model and who runs it."""

import reprlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self, cast, get_args

from ademan.clip import Coordinates, is_dimension
from ademan.errors import AdemanError, BundleError
from ademan.skeleton import Skeleton
from ademan.window import Window

FORMAT = "ademan-bundle/1"
_LARGEST = 1e6  # of the numbers below, whatever their unit: a larger one, infinity or NaN is a mistake
_KINDS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("skeleton", "window", "thresholds", "sha256", "network", "points", "versions"), (dict,)),
    **dict.fromkeys(("training", "training.dataset", "training.split"), (dict,)),
    **dict.fromkeys(("coordinates", "handedness", "created", "window.fit"), (str,)),
    **dict.fromkeys(("fps", "window.fps", "thresholds.accept", "thresholds.release"), (float, int)),
    **dict.fromkeys(("channels", "window.frames"), (int,)),
    "thresholds.calibrated": (bool,),
    "idle": (str, type(None)),
    "labels": (list,),
}
"""JSON types of fields, and of fields within them, where they are there; an outer one comes before its inner ones."""
HANDEDNESS = "left and right are the person's own, not the picture's sides"


@dataclass(frozen=True)
class Thresholds:
    """When a prediction counts."""

    accept: float = 0.5
    """Least smoothed probability at which a gesture begins."""
    release: float = 0.35
    """It ends when its smoothed probability falls below this."""
    calibrated: bool = False
    """Whether they were set on recordings of idle people, rather than left at their defaults."""

    def __post_init__(self) -> None:
        if not 0 <= self.release <= self.accept <= 1:
            raise BundleError(
                f"thresholds must be 0 <= release <= accept <= 1; found release {self.release}, accept {self.accept}."
            )


@dataclass(frozen=True)
class Manifest:
    """What a bundle promises.

    Args:
        labels: the K classes, in the order of the probabilities.
        skeleton: of the points that it takes.
        channels: C, coordinates of a point.
        coordinates: what one unit of them is.
        window: how a clip is fitted.
        fps: frames per second of the windows that trained it (median); a live stream is brought to this rate.
        sha256: of the graph and the golden vectors, by file name.
        idle: the label that means no gesture, if there is one.
        thresholds: when a prediction counts.
        handedness: whose left and right are meant.
        network: name, config, and number of weights.
        training: on what, with which split and seed, and the scores.
        points: how the points were made: the dataset's `made`.
        versions: of Ademan and of what exported the graph.
        created: date and time, ISO 8601.
    """

    labels: tuple[str, ...]
    skeleton: Skeleton
    channels: int
    coordinates: Coordinates
    window: Window
    fps: float
    sha256: Mapping[str, str] = field(default_factory=dict)
    idle: str | None = None
    thresholds: Thresholds = Thresholds()
    handedness: str = HANDEDNESS
    network: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    points: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    created: str = ""

    def __post_init__(self) -> None:
        if len(self.labels) < 2 or len(set(self.labels)) != len(self.labels):
            raise BundleError(f"a bundle needs two labels or more, each once; found {list(self.labels)}.")
        if self.idle is not None and self.idle not in self.labels:
            raise BundleError(f"the idle label '{self.idle}' is not among the labels {', '.join(self.labels)}.")
        known = self.coordinates in get_args(Coordinates)
        if not (known and is_dimension(self.channels, self.coordinates) and self.fps > 0):
            raise BundleError(
                f"expected 2 or 3 channels (more in an embedding or pixels), coordinates among "
                f"{', '.join(get_args(Coordinates))}, and a frame rate above zero; found {self.channels}, "
                f"'{self.coordinates}' and {self.fps}."
            )

    def to_json(self) -> dict[str, Any]:
        """Return the plain values that `manifest.json` holds."""
        plain = {name: value for name, value in vars(self).items() if name not in {"skeleton", "window", "thresholds"}}
        return {
            "format": FORMAT,
            **plain,
            "labels": list(self.labels),
            "skeleton": self.skeleton.to_json(),
            "window": self.window.to_json(),
            "thresholds": asdict(self.thresholds),
        }

    @classmethod
    def from_json(cls, saved: Mapping[str, Any]) -> Self:
        """Read a manifest.

        Raises:
            BundleError: of another version, or a field is missing or of another type.
        """
        if saved.get("format") != FORMAT:
            raise BundleError(
                f"expected a manifest of format '{FORMAT}', found {saved.get('format')!r}. "
                "It was made by another version of Ademan: use that one, or export the model again."
            )
        try:
            _check_kinds(saved)
            known = {f.name: saved[f.name] for f in fields(cls) if f.name in saved}
            known |= {
                "labels": tuple(saved["labels"]),
                "skeleton": Skeleton.from_json(saved["skeleton"]),
                "window": Window(**saved["window"]),
                "thresholds": Thresholds(**saved["thresholds"]),
                "fps": float(saved["fps"]),
            }
            return cls(**cast(Any, known))
        except BundleError:
            raise
        except (AdemanError, KeyError, TypeError, ValueError) as error:
            raise BundleError(f"the manifest is damaged: {type(error).__name__}: {error}.") from error


def _check_kinds(saved: Mapping[str, Any]) -> None:
    """Refuse a field of another type than its own; a true is no number, and a label is a text."""
    for path, kinds in _KINDS.items():
        *holder, name = path.split(".")
        within = saved.get(holder[0], {}) if holder else saved
        if name in within and not _is(within[name], kinds):
            expected = " or ".join(kind.__name__ for kind in kinds)
            raise BundleError(f"the manifest is damaged: {path} is {reprlib.repr(within[name])}, expected {expected}.")
    if not all(isinstance(label, str) for label in saved.get("labels", ())):
        raise BundleError(f"the manifest is damaged: labels are {reprlib.repr(saved['labels'])}, expected texts.")


def _is(value: Any, kinds: tuple[type, ...]) -> bool:
    return type(value) in kinds and (type(value) not in (int, float) or abs(value) <= _LARGEST)
