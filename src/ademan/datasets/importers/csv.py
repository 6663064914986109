"""Tables of keypoints: a label and the values of one clip on each line, as small gesture recorders write them.

    0,x0,y0,x1,y1,...      F values: `frames` frames of points, each in two or three coordinates

Such tables hold no picture, no person and no time, and their points are usually relative to the wrist or to the first
frame: zeros are places, and a frame of zeros is one at rest. `metres` therefore is the default, for a space of its own
whose axes are alike.

Lines are neighbours in time. The recorder writes one for each frame as long as a key is held down, so a random split
puts nearly the same hand on both sides. Each run of one label is cut into sessions of `block` lines, so that a split by
session keeps neighbours together but for the two lines at each seam.
"""

import csv
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ademan.clip import Clip, Coordinates, as_square, times_at
from ademan.datasets.importers.labels import chosen, named, read_labels
from ademan.datasets.importers.layout import find_skeleton, layouts_of, parse_size
from ademan.datasets.importers.source import Skipped, Source, check_fps, made_by
from ademan.errors import ClipError, ConfigError, SourceError
from ademan.skeleton import Skeleton

_LABEL_FILES = ("_label.csv", "_labels.csv", "_classifier_label.csv", "_classifier_labels.csv")


@dataclass(frozen=True)
class CsvOptions:
    """How a table of keypoints becomes clips."""

    classes: tuple[str, ...] = ()
    """Names or numbers of the classes to keep, in the order they are to have; all if empty."""
    labels: Path | None = None
    """File with one class name a line; without it `<stem>_label.csv` beside the table, or numbers."""
    skeleton: str = ""
    """A built-in skeleton or the path of a JSON file; empty: the one with that many values a frame."""
    frames: int = 1
    """Frames on a line, 1 or more."""
    block: int = 100
    """Lines of one session, 1 or more; about three seconds of recording by default."""
    coordinates: Coordinates = "metres"
    """What one unit is: metres for any space whose axes are alike, fraction of the picture, or square."""
    image_size: str = ""
    """Width and height of the pictures in pixels, such as 960x540; turns fractions into square coordinates."""
    fps: float = 25.0
    """Frames per second, above zero; tables do not say."""

    def __post_init__(self) -> None:
        check_fps(self.fps)
        for name, value in (("frames", self.frames), ("block", self.block)):
            if value < 1:
                raise ConfigError(f"{name} must be 1 or more, found {value}.")
        if parse_size(self.image_size) and self.coordinates == "metres":
            raise ConfigError(
                f"metres do not depend on the image size {self.image_size}: "
                "leave it out, or say --coordinates fraction."
            )


@dataclass(frozen=True)
class _Line:
    """A line of the table: where it stands, its label, its values, and the session it is of."""

    number: int
    label: str
    values: list[str]
    session: str


def read(path: Path, options: CsvOptions | None = None) -> Source:
    """Read a table; it is gone through twice, first for its labels, then line by line for its clips.

    Raises:
        SourceError: it cannot be read, holds no line of values, or does not fit the labels or skeleton.
    """
    options = options or CsvOptions()
    sizes, labels = Counter[int](), Counter[str]()
    for line in _lines(path, options.block):
        sizes[len(line.values)] += 1
        labels[line.label] += 1
    values, skeleton, channels = _layout(path, sizes, options)
    names = _names(path, labels, options)
    classes = chosen(dict(enumerate(names.values())), options.classes, str(path))
    kept = {label: name for label, name in names.items() if name in classes.values()}
    left_out = sum(labels[label] for label in names if label not in kept)
    maker = _Maker(path, options, kept, skeleton, channels, values)
    return Source(
        skeleton=skeleton,
        coordinates=maker.coordinates,
        labels=tuple(classes.values()),
        clips=maker.clips(
            line for line in _lines(path, options.block) if line.label in kept or line.label not in names
        ),
        count=labels.total() - left_out,
        made=made_by("csv", [path], options),
        left_out=left_out,
    )


def _lines(path: Path, block: int) -> Iterator[_Line]:
    """Give each line that is neither empty nor a heading."""
    label, in_block, session = "", 0, -1
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            for fields in rows:
                cells = [field.strip() for field in fields]
                if not any(cells) or (rows.line_num == 1 and not any(map(_is_number, cells))):
                    continue
                if session < 0 or cells[0] != label or in_block == block:
                    label, in_block, session = cells[0], 0, session + 1
                in_block += 1
                yield _Line(rows.line_num, label, cells[1:], f"{path.stem}_{session:04}")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path} cannot be read as a table of comma-separated values: {error}.") from error


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _layout(path: Path, sizes: Mapping[int, int], options: CsvOptions) -> tuple[int, Skeleton, int]:
    """Return how many values most lines have, of which skeleton, in how many coordinates."""
    values = max(sizes, key=lambda size: sizes[size], default=0)
    if not values:
        raise SourceError(f"{path} has no line of values; expected a label and numbers, separated by commas.")
    if values % options.frames:
        raise SourceError(
            f"{path} has {values} values a line, which are not {options.frames} frames of equal size. "
            "Say how many frames a line holds:  --frames N"
        )
    in_frame = values // options.frames
    return values, *find_skeleton(options.skeleton, layouts_of(in_frame), f"{path} has {in_frame} values a frame")


def _names(path: Path, labels: Mapping[str, int], options: CsvOptions) -> dict[str, str]:
    """Return the class name of each label that is one: of the numbers, or of the texts if most lines have a text."""
    numbers = {label: int(label) for label in labels if label.isdecimal()}
    if 2 * sum(labels[label] for label in numbers) < sum(labels.values()):
        return {label: label for label in sorted(labels) if label and label not in numbers}
    beside = [path.with_name(path.stem + end) for end in _LABEL_FILES]
    file = options.labels or next((file for file in beside if file.is_file()), None)
    names = named(numbers.values(), read_labels(file) if file else None, file, str(path))
    return {label: names[number] for label, number in sorted(numbers.items(), key=lambda item: item[1])}


@dataclass(frozen=True, eq=False)
class _Maker:
    """Makes clips of lines."""

    path: Path
    options: CsvOptions
    names: Mapping[str, str]
    skeleton: Skeleton
    channels: int
    values: int

    @property
    def coordinates(self) -> Coordinates:
        return "square" if self.options.image_size else self.options.coordinates

    def clips(self, lines: Iterator[_Line]) -> Iterator[Clip | Skipped]:
        """Give a clip of each line."""
        for line in lines:
            clip_id = f"{self.path.stem}_{line.number:05}"
            try:
                yield self._clip(line, clip_id)
            except ClipError as error:
                yield Skipped(clip_id, f"line {line.number}: {error}")

    def _clip(self, line: _Line, clip_id: str) -> Clip:
        if line.label not in self.names:
            raise ClipError(f"its label is '{line.label}', unlike the others'")
        points = self._points(line)
        image_wh = parse_size(self.options.image_size)
        if image_wh and self.options.coordinates == "fraction":
            points = as_square(points, image_wh)
        return Clip(
            points,
            times_at(self.options.fps, len(points)),
            self.skeleton,
            id=clip_id,
            label=self.names[line.label],
            session=line.session,
            source=self.path.name,
            image_wh=image_wh,
            coordinates=self.coordinates,
        )

    def _points(self, line: _Line) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
        if len(line.values) != self.values:
            raise ClipError(f"{len(line.values)} values, most lines have {self.values}")
        for i, value in enumerate(line.values, start=1):
            if not _is_number(value) or not abs(float(value)) <= _LARGEST:
                raise ClipError(f"value {i} is '{value}', and no number")
        points = np.array(line.values, np.float64).astype(np.float32)
        return points.reshape(self.options.frames, len(self.skeleton), self.channels)


_LARGEST = float(np.finfo(np.float32).max)
