"""Pickles of keypoints as PYSKL and MMAction2 publish them: UCF101, HMDB51, JHMDB, NTU RGB+D and others.

    split        {"train1": [frame_dir, ...], "test1": [...], ...}
    annotations  [{frame_dir, label, img_shape (h, w), original_shape, total_frames,
                   keypoint (M, T, P, 2 or 3), keypoint_score (M, T, P)}, ...]

M persons, T frames. Points in the picture (C = 2) become square coordinates, those of a sensor (C = 3) stay in metres.
UCF101's names end in group and clip, `v_Archery_g08_c02`: clips of a group share person and background. The group's
number becomes the clip's session, `g08`, for all classes alike: it is by these numbers that the official splits, too,
keep clips together. NTU's names say setup and performer, `S001C002P003R002A013`: session `S001`, subject `P003`.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Clip, Coordinates, Points, times_at
from ademan.datasets.file import nearest
from ademan.datasets.importers.annotation import (
    Annotation,
    annotation_id,
    class_number,
    image_size,
    is_keypoint,
    is_whole,
    keypoint,
)
from ademan.datasets.importers.labels import chosen, named, read_labels
from ademan.datasets.importers.layout import find_skeleton
from ademan.datasets.importers.parts import join_parts
from ademan.datasets.importers.persons import Person, pick_person
from ademan.datasets.importers.source import Skipped, Source, check_fps, made_by, reason
from ademan.datasets.importers.unpickle import read_pickle
from ademan.errors import ClipError, ConfigError, SourceError
from ademan.skeleton import Skeleton

_UCF101 = re.compile(r"v_(?P<label>.+)_(?P<session>g\d+)_c\d+")
_NTU = re.compile(r"(?P<session>S\d{3})C\d{3}(?P<subject>P\d{3})R\d{3}A\d{3}")


@dataclass(frozen=True)
class PysklOptions:
    """How a pickle of keypoints becomes clips."""

    classes: tuple[str, ...] = ()
    """Names or numbers of the classes to keep, in the order they are to have; all if empty."""
    labels: Path | None = None
    """File with one class name a line, or a JSON file; without it names are taken from the clips', or are numbers."""
    person: Person = "best"
    """Whom of several: best (score times size), largest (on average over the frames), or the first."""
    min_score: float = 0.0
    """Points with this score or less count as not seen; 0 or more, below 1."""
    skeleton: str = ""
    """A built-in skeleton or the path of a JSON file; empty: the built-in one with that many points."""
    fps: float = 25.0
    """Frames per second, above zero. The pickle does not say; 25 is UCF101's rate, NTU's and JHMDB's is 30."""

    def __post_init__(self) -> None:
        check_fps(self.fps)
        if not 0 <= self.min_score < 1:
            raise ConfigError(f"min_score must be 0 or more and below 1, found {self.min_score:g}.")


def read(path: Path, options: PysklOptions | None = None) -> Source:
    """Read a pickle; its annotations are let go one by one as the clips are passed.

    Raises:
        SourceError: it is damaged, unsafe or of another layout, or does not fit the labels, classes or skeleton.
    """
    options = options or PysklOptions()
    annotations, lists = _contents(path)
    maker = _Maker.of(path, annotations, options)
    classes = chosen(maker.names, options.classes, str(path))
    splits, split_notes = join_parts(lists, str(path))
    kept = [a for a in annotations if not options.classes or class_number(a) in classes]
    return Source(
        skeleton=maker.skeleton,
        coordinates=maker.coordinates,
        labels=tuple(classes.values()) or None,
        clips=maker.clips(kept),
        count=len(kept),
        splits=splits,
        made=made_by("pyskl", [path], options),
        left_out=len(annotations) - len(kept),
        notes=split_notes + _frame_notes(kept),
    )


def clip(path: Path, video_id: str, options: PysklOptions | None = None) -> Clip:
    """Return one video of a pickle, of whatever class.

    Raises:
        SourceError: there is no such video, nobody can be seen in it, or see `read`.
    """
    annotations, _ = _contents(path)
    maker = _Maker.of(path, annotations, options or PysklOptions())
    ids = {annotation_id(i, a): a for i, a in reversed(list(enumerate(annotations)))}
    if video_id not in ids:
        raise SourceError(f"{path} has no video '{video_id}'.{nearest(video_id, list(ids))}")
    made = maker.clip(video_id, ids[video_id])
    if isinstance(made, Skipped):
        raise SourceError(f"video '{video_id}' of {path} cannot be used: {made.reason}.")
    return made


def _contents(path: Path) -> tuple[list[Annotation], dict[str, list[str]]]:
    """Return the annotations and the lists of ids by name, checked as far as their types."""
    content = read_pickle(path)
    annotations = content.get("annotations") if isinstance(content, dict) else None
    if not isinstance(annotations, list) or not annotations or not all(isinstance(a, dict) for a in annotations):
        found = type(content).__name__
        if isinstance(content, dict):
            found = f"the keys {', '.join(key for key in content if isinstance(key, str))}"
        raise SourceError(
            f"{path} is no pickle of PYSKL's layout: expected a dict with 'split' and a list of dicts as "
            f"'annotations', found {found}. Is it another file of the same set?"
        )
    lists = content.get("split") or {}
    if not isinstance(lists, dict) or not all(isinstance(name, str) and _texts(ids) for name, ids in lists.items()):
        raise SourceError(f"{path}: expected 'split' to give each part a list of frame_dir; found something else.")
    return annotations, {name: [str(i) for i in ids] for name, ids in lists.items()}


def _texts(values: Any) -> bool:
    return isinstance(values, list | tuple | np.ndarray) and all(isinstance(value, str) for value in values)


def _names(path: Path, annotations: list[Annotation], options: PysklOptions) -> dict[int, str]:
    """Return the names of the classes that occur: from the label file, the clips' names, or their numbers."""
    found = {label for a in annotations if (label := class_number(a)) is not None}
    if options.labels:
        return named(found, read_labels(options.labels), options.labels, str(path))
    spelt: dict[int, set[str]] = {}
    for i, annotation in enumerate(annotations):
        name, label = _UCF101.fullmatch(annotation_id(i, annotation)), class_number(annotation)
        if name and label is not None:
            spelt.setdefault(label, set()).add(name["label"])
    names = {label: min(said) for label, said in spelt.items()}
    sound = set(spelt) == found and sum(map(len, spelt.values())) == len(found) == len(set(names.values()))
    return named(found, names if sound else None, None, str(path))


def _frame_notes(annotations: list[Annotation]) -> tuple[str, ...]:
    """Say how many clips claim another number of frames than they have; the points are what there is."""
    differ = sum(
        is_whole(a.get("total_frames")) and a["total_frames"] != a["keypoint"].shape[1]
        for a in annotations
        if is_keypoint(a.get("keypoint"))
    )
    if not differ:
        return ()
    return (f"{differ} clips have points for another number of frames than their total_frames; the points were taken",)


@dataclass(frozen=True, eq=False)
class _Maker:
    """Makes clips of annotations.

    Args:
        path: of the pickle.
        options: as given.
        names: of all classes that occur.
        skeleton: of the most annotations.
        channels: coordinates of a point.
    """

    path: Path
    options: PysklOptions
    names: Mapping[int, str]
    skeleton: Skeleton
    channels: int

    @classmethod
    def of(cls, path: Path, annotations: list[Annotation], options: PysklOptions) -> "_Maker":
        shapes = Counter(a["keypoint"].shape[2:] for a in annotations if is_keypoint(a.get("keypoint")))
        if not shapes:
            raise SourceError(
                f"{path}: no annotation has a 'keypoint' of shape (persons, frames, points, 2 or 3). "
                "Only keypoints can be imported, not heat maps or features."
            )
        P, C = shapes.most_common(1)[0][0]
        skeleton, _ = find_skeleton(options.skeleton, [(P, C)], f"{path} has {P} points a frame")
        return cls(path, options, _names(path, annotations, options), skeleton, C)

    @property
    def coordinates(self) -> Coordinates:
        return "square" if self.channels == 2 else "metres"

    def clips(self, annotations: list[Annotation]) -> Iterator[Clip | Skipped]:
        """Give a clip of each annotation, and let it go; the list is empty at the end."""
        total = len(annotations)
        annotations.reverse()
        while annotations:
            i, annotation = total - len(annotations), annotations.pop()
            yield self.clip(annotation_id(i, annotation), annotation)

    def clip(self, clip_id: str, annotation: Annotation) -> Clip | Skipped:
        """Return the clip of an annotation, or why it is none."""
        try:
            return self._clip(clip_id, annotation)
        except ClipError as error:
            return Skipped(clip_id, reason(error, clip_id))

    def _clip(self, clip_id: str, annotation: Annotation) -> Clip:
        number = class_number(annotation)
        if number is None and annotation.get("label") is not None:
            raise ClipError(f"its label is no class number from 0 on, but {type(annotation['label']).__name__}")
        image_wh = image_size(annotation) if self.channels == 2 else None
        points = self._points(annotation) / np.float32(image_wh[1] if image_wh else 1)
        name = _UCF101.fullmatch(clip_id) or _NTU.fullmatch(clip_id)
        who = name.groupdict() if name else {}
        return Clip(
            points,
            times_at(self.options.fps, len(points)),
            self.skeleton,
            id=clip_id,
            label=None if number is None else self.names[number],
            subject=who.get("subject"),
            session=who.get("session"),
            source=self.path.name,
            image_wh=image_wh,
            coordinates=self.coordinates,
        )

    def _points(self, annotation: Annotation) -> Points:
        """Return the points of one person, (T, P, C), NaN where not seen."""
        points, scores = keypoint(annotation, len(self.skeleton), self.channels)
        if np.isinf(points).any():
            raise ClipError("it has infinite values")
        seen = _sighted(points)
        if scores is not None:
            seen &= scores > self.options.min_score
        everyone: Points = np.where(seen[..., None], points, np.float32(np.nan))
        person = pick_person(everyone, scores, self.options.person)
        if scores is not None and np.isnan(scores[person]).any():
            raise ClipError("a score is not a number")
        if not seen[person].any():
            raise ClipError(f"not a single point was seen in its {points.shape[1]} frames")
        return np.asarray(everyone[person])


def _sighted(points: Points) -> NDArray[np.bool_]:
    """Return which points have a place; detectors write zeros, if not NaN, for what they did not find."""
    axes = [points[..., c] for c in range(points.shape[-1])]  # a tenth of the time that reducing so short an axis takes
    found = np.logical_or.reduce([axis != 0 for axis in axes])
    return np.asarray(found & ~np.logical_or.reduce([np.isnan(axis) for axis in axes]))
