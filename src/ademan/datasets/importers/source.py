"""What every importer gives, and the one function that writes it."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ademan.clip import Clip, Coordinates
from ademan.datasets.file import Dataset, DatasetWriter
from ademan.datasets.table import MAX_TEXT
from ademan.errors import ClipError, ConfigError, SourceError
from ademan.files import sha256
from ademan.skeleton import Skeleton


@dataclass(frozen=True)
class Skipped:
    """A recording that cannot be a clip.

    Args:
        id: what the clip would have been called.
        reason: why it is none.
    """

    id: str
    reason: str


@dataclass(frozen=True, eq=False)
class Source:
    """The contents of a file of another format, as clips.

    Args:
        skeleton: of all clips.
        coordinates: of all clips.
        labels: the classes in their order; None for those met, sorted by name.
        clips: to be gone through once; what was read is let go as it is passed.
        count: how many clips there are to come, skipped ones included.
        splits: official splits: name, then part (train, test, val), then ids.
        made: by which importer, from which files, with which options; plain JSON values.
        left_out: recordings of classes that were not asked for.
        notes: what a reader of the summary should know.
        half: whether float16 is enough for the values: they came in it.
    """

    skeleton: Skeleton
    coordinates: Coordinates
    labels: tuple[str, ...] | None
    clips: Iterable[Clip | Skipped]
    count: int
    splits: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)
    left_out: int = 0
    notes: tuple[str, ...] = ()
    half: bool = False


@dataclass(frozen=True)
class ImportSummary:
    """What an import wrote, and what it did not.

    Args:
        path: the dataset file.
        skeleton: its name.
        clips: how many of each label, in the order of the labels.
        unlabelled: clips without a label.
        frames: of all clips together.
        skipped: recordings that are no clips, each with its reason.
        left_out: recordings of classes that were not asked for.
        splits: official splits: how many clips each part has.
        digest: of the dataset.
        notes: what else to know.
    """

    path: Path
    skeleton: str
    clips: dict[str, int]
    unlabelled: int
    frames: int
    skipped: tuple[Skipped, ...]
    left_out: int
    splits: dict[str, dict[str, int]]
    digest: str
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the summary as plain values."""
        return asdict(self) | {"path": str(self.path)}


def import_clips(source: Source, out: Path, progress: Callable[[int, int | None], None] | None = None) -> ImportSummary:
    """Write a source as a dataset file.

    Args:
        source: what an importer read; its clips are used up.
        out: the dataset file; an existing one is replaced at the end.
        progress: called after each recording with how many are done, and of how many.

    Raises:
        SourceError: not one of its recordings is a clip.
        AdemanError: the disk is full or the place cannot be written.
    """
    skipped: list[Skipped] = []
    labels = _labels(source)
    with DatasetWriter(out, source.skeleton, source.coordinates, labels, source.made, half=source.half) as writer:
        for done, item in enumerate(source.clips, start=1):
            refused = _add(writer, item)
            skipped += [refused] if refused else []
            if progress:
                progress(done, source.count)
        if not len(writer):
            raise _nothing_left(source, skipped)
        for name, parts in source.splits.items():
            writer.add_split(name, parts)
    with Dataset(out) as dataset:
        return _summary(dataset, source, skipped)


def _labels(source: Source) -> list[str] | None:
    """Return the classes, each once; a clip of one whose name cannot be kept is skipped with that reason."""
    if source.labels is None:
        return None
    return [label for label in dict.fromkeys(source.labels) if label.isprintable() and len(label) <= MAX_TEXT]


def _add(writer: DatasetWriter, item: Clip | Skipped) -> Skipped | None:
    """Write a clip; return why it was not, if so."""
    if isinstance(item, Skipped):
        return item
    texts = (item.id, item.label, item.subject, item.session, item.source)
    if not all(text.isprintable() for text in texts if text):
        return Skipped(ascii(item.id), "a text of it (id, label, subject, session, source) cannot be printed")
    try:
        writer.add(item)
    except ClipError as error:
        return Skipped(item.id, reason(error, item.id))
    return None


def reason(error: ClipError, clip_id: str) -> str:
    """Return an error's message without the name of the clip, which stands beside it."""
    return str(error).removeprefix(f"clip '{clip_id}'").lstrip(": ").removeprefix("the clip ").removesuffix(".")


def _nothing_left(source: Source, skipped: Sequence[Skipped]) -> SourceError:
    names = ", ".join(source.made.get("files", ())) or "the source"
    if not skipped:
        asked = " of the classes asked for; leave out --classes to see which it has" if source.left_out else ""
        return SourceError(f"{names} has no recording{asked}.")
    reasons = Counter(item.reason for item in skipped).most_common(3)
    listed = "".join(f"\n  {count} times: {reason}" for reason, count in reasons)
    return SourceError(
        f"not one of the {len(skipped)} recordings of {names} can be used. Their reasons:{listed}\n"
        f"The first is '{skipped[0].id}'. Mend the file, or choose other options."
    )


def _summary(dataset: Dataset, source: Source, skipped: Sequence[Skipped]) -> ImportSummary:
    labels = dataset.table.labels.tolist()
    counts = Counter(labels)
    splits = {name: {part: len(ids) for part, ids in parts.items()} for name, parts in dataset.splits.items()}
    hollow = [
        f"split '{name}' has no clip in its part '{part}' here"
        for name, parts in splits.items()
        for part, count in parts.items()
        if not count
    ]
    return ImportSummary(
        path=dataset.path,
        skeleton=dataset.skeleton.name,
        clips={str(label): counts[k] for k, label in enumerate(dataset.labels)},
        unlabelled=len(labels) - sum(counts[k] for k in range(len(dataset.labels))),
        frames=int(dataset.table.offsets[-1]),
        skipped=tuple(skipped),
        left_out=source.left_out,
        splits=splits,
        digest=dataset.digest,
        notes=(*source.notes, *hollow),
    )


def made_by(importer: str, paths: Sequence[Path], options: Any) -> dict[str, Any]:
    """Return how a dataset was made: names and SHA-256 of the files, never where they lay.

    Raises:
        SourceError: a file cannot be read.
    """
    try:
        files = {path.name: sha256(path) for path in paths}
    except OSError as error:
        raise SourceError(f"{error.filename} cannot be read: {error.strerror}.") from error
    chosen = {name: value.name if isinstance(value, Path) else value for name, value in asdict(options).items()}
    if "skeleton" in chosen:
        chosen["skeleton"] = Path(options.skeleton).name
    return {"importer": importer, "files": files, "options": chosen}


def check_fps(fps: float) -> None:
    """Refuse a frame rate that cannot be.

    Raises:
        ConfigError: it is not above zero and finite.
    """
    if not 0 < fps < float("inf"):
        raise ConfigError(f"fps must be above zero, found {fps:g}.")
