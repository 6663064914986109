"""NumPy archives of landmarks, as people who record their own signs keep them.

    X (N, T, F) or (N, T, P, C), y (N,)                 clips of one length; frames of zeros at the end are padding
    points (sum T, P, C), offsets (N + 1,), label (N,)  clips of any length, end to end

and, if known, subject (signer), session, ids and trial, (N,) each; large letters and small are alike in their names.
F = 126 are two hands of 21 points in x, y, z, the left one first. Names of classes stand in `<stem>_labels.json`, or
in `natops_labels.json` for `natops_train.npz`. Files named `<name>_train.npz` and `<name>_test.npz` make the
official split. A trial is a repetition, and ends up in the clip's id: it is no session, which others share.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Clip, Coordinates, Points, as_square, times_at
from ademan.datasets.importers.archive import Archive, label_file
from ademan.datasets.importers.labels import chosen, named, read_labels
from ademan.datasets.importers.layout import find_skeleton, layouts_of, parse_size
from ademan.datasets.importers.parts import Splits, join_parts, split_name
from ademan.datasets.importers.source import Skipped, Source, check_fps, made_by, reason
from ademan.errors import ClipError, ConfigError, SourceError
from ademan.skeleton import Skeleton

_LANDMARKERS = ("hands", "hand", "pose33", "holistic75")

Label = int | str


@dataclass(frozen=True)
class NpzOptions:
    """How an archive of landmarks becomes clips."""

    classes: tuple[str, ...] = ()
    """Names or numbers of the classes to keep, in the order they are to have; all if empty."""
    labels: Path | None = None
    """File with the names of the classes; without it, the one beside the archive, or numbers."""
    skeleton: str = ""
    """A built-in skeleton or the path of a JSON file; empty: the built-in one with that many values a frame."""
    zeros: Literal["missing", "kept"] = "missing"
    """missing: a point of zeros, or a whole hand of zeros, was not seen. kept: zeros are places like any other."""
    coordinates: Literal["auto", "fraction", "square", "metres"] = "auto"
    """What one unit is; auto: fractions of the picture for MediaPipe's skeletons, metres for any other."""
    image_size: str = ""
    """Width and height of the pictures in pixels, such as 640x480; turns fractions into square coordinates."""
    fps: float = 25.0
    """Frames per second, above zero; archives do not say."""

    def __post_init__(self) -> None:
        check_fps(self.fps)
        parse_size(self.image_size)


def read(source: Path | Sequence[Path], options: NpzOptions | None = None) -> Source:
    """Read an archive, several, or all of a folder.

    Raises:
        SourceError: a file is damaged, holds objects, is of another layout, or does not fit the labels or skeleton.
    """
    options = options or NpzOptions()
    archives = [Archive.read(path) for path in _files(source)]
    paths = [archive.path for archive in archives]
    where = ", ".join(map(str, paths))
    names = _names({label for a in archives for label in a.labels if label is not None}, paths, options, where)
    classes = _chosen(names, options.classes, where)
    maker = _Maker.of(archives, classes, options)
    rows = [(a, i) for a in archives for i, label in enumerate(a.labels) if not options.classes or label in classes]
    splits, notes = _splits(archives)
    return Source(
        skeleton=maker.skeleton,
        coordinates=maker.coordinates,
        labels=tuple(classes.values()) or None,
        clips=maker.clips(rows),
        count=len(rows),
        splits=splits,
        made=made_by("npz", paths, options),
        left_out=sum(map(len, archives)) - len(rows),
        notes=notes,
    )


def _files(source: Path | Sequence[Path]) -> list[Path]:
    given = [source] if isinstance(source, Path) else list(source)
    files = [file for path in given for file in (sorted(path.glob("*.npz")) if path.is_dir() else [path])]
    if not files:
        raise SourceError(f"there is no .npz file in {', '.join(map(str, given)) or 'an empty list'}.")
    return files


def _names(found: set[Label], paths: Sequence[Path], options: NpzOptions, where: str) -> dict[Label, str]:
    """Return the name of each class that was found; texts are names themselves."""
    numbers = {label for label in found if isinstance(label, int)}
    if len(numbers) < len(found):
        return {label: str(label) for label in sorted(found, key=str)}
    file = options.labels or label_file(paths)
    names = named(numbers, read_labels(file) if file else None, file, where)
    return {number: name for number, name in names.items()}  # noqa: C416  (a dict of either kind of label)


def _chosen(names: Mapping[Label, str], classes: Sequence[str], where: str) -> dict[Label, str]:
    keys = list(names)
    return {keys[k]: name for k, name in chosen(dict(enumerate(names.values())), classes, where).items()}


def _splits(archives: Sequence[Archive]) -> tuple[Splits, tuple[str, ...]]:
    """Return the official split that files of parts make, if there are several."""
    parts = {part[1]: a.ids for a in archives if (part := split_name(a.path.stem))}
    if len(archives) == 1 or len(parts) < len(archives):
        return {}, ()
    return join_parts(parts, str(archives[0].path.parent))


@dataclass(frozen=True, eq=False)
class _Maker:
    """Makes clips of rows."""

    options: NpzOptions
    classes: Mapping[Label, str]
    skeleton: Skeleton
    channels: int
    coordinates: Coordinates

    @classmethod
    def of(cls, archives: Sequence[Archive], classes: Mapping[Label, str], options: NpzOptions) -> "_Maker":
        first = archives[0]
        for other in archives[1:]:
            if other.frame_shape != first.frame_shape:
                raise SourceError(
                    f"{other.path} has frames of shape {other.frame_shape}, {first.path} of {first.frame_shape}. "
                    "Only parts of one set can be imported together."
                )
        shape = first.frame_shape
        layouts = [(shape[0], shape[1])] if len(shape) == 2 else layouts_of(shape[0])
        if len(shape) == 2 and shape[1] not in (2, 3):
            raise SourceError(f"{first.path}: its points have {shape[1]} coordinates; expected 2 or 3.")
        found = f"{first.path} has {shape[0]} {'points' if len(shape) == 2 else 'values'} a frame"
        skeleton, channels = find_skeleton(options.skeleton, layouts, found)
        return cls(options, classes, skeleton, channels, _coordinates(options, skeleton))

    def clips(self, rows: Iterable[tuple[Archive, int]]) -> Iterator[Clip | Skipped]:
        """Give a clip of each row."""
        for archive, i in rows:
            clip_id = archive.ids[i]
            try:
                yield self._clip(archive, i, clip_id)
            except ClipError as error:
                yield Skipped(clip_id, reason(error, clip_id))

    def _clip(self, archive: Archive, i: int, clip_id: str) -> Clip:
        label = archive.labels[i]
        image_wh = parse_size(self.options.image_size)
        points = self._points(archive[i])
        if image_wh and self.options.coordinates != "square":
            points = as_square(points, image_wh)
        return Clip(
            points,
            times_at(self.options.fps, len(points)),
            self.skeleton,
            id=clip_id,
            label=None if label is None else self.classes[label],
            subject=archive.text("subject", i),
            session=archive.text("session", i),
            source=archive.path.name,
            image_wh=image_wh,
            coordinates=self.coordinates,
        )

    def _points(self, values: object) -> Points:
        """Return (T, P, C), without what was not seen and without the padding at the end."""
        with np.errstate(over="ignore"):  # what is too large becomes infinite, which a clip refuses
            points = np.asarray(values, np.float32).reshape(-1, len(self.skeleton), self.channels)
        if self.options.zeros == "missing":
            points = without_zeros(points, self.skeleton)
        missing: NDArray[np.bool_] = np.asarray(np.isnan(points).any(axis=2))
        seen = np.flatnonzero((~missing).any(axis=1))
        if len(points) and not len(seen):
            raise ClipError(f"not a single point was seen in its {len(points)} frames")
        return points[: seen[-1] + 1 if len(seen) else 0]


def _coordinates(options: NpzOptions, skeleton: Skeleton) -> Coordinates:
    """Return what one unit of the clips is to be."""
    unit = options.coordinates
    if unit == "auto":
        unit = "fraction" if skeleton.name in _LANDMARKERS else "metres"
    if unit == "metres" and options.image_size:
        raise ConfigError(
            f"the values of skeleton '{skeleton.name}' are taken for metres, which do not depend on the image size "
            f"{options.image_size}: leave it out, or say --coordinates fraction."
        )
    return "square" if options.image_size else unit


def without_zeros(points: Points, skeleton: Skeleton) -> Points:
    """Return the points with those that are zero in all coordinates missing: (T, P, C).

    A hand is missing as a whole or not at all: in places relative to its wrist, a wrist that is seen is zero.
    """
    if np.count_nonzero(points) == points.size:  # NaN is not zero
        return points
    zero: NDArray[np.bool_] = points[..., 0] == 0
    for c in range(1, points.shape[2]):  # several times as fast as `all` over so short an axis
        zero &= points[..., c] == 0
    for part in skeleton.parts:
        if part.name.endswith("hand"):
            whole = zero[:, part.points]
            zero[:, part.points] = np.all(whole, axis=1, keepdims=True)
    return np.where(zero[..., None], np.float32(np.nan), points)
