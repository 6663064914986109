"""Recordings below a folder: video files and frame folders, and what their names say of them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ademan.errors import ConfigError, SourceError
from ademan.extraction.options import PATTERN
from ademan.video import PICTURE_SUFFIXES, VIDEO_SUFFIXES, FrameFolder, FrameSource, VideoFile
from ademan.video.folder import grouped

FIELDS = ("gesture", "subject", "session", "repetition")


@dataclass(frozen=True)
class Recording:
    """One recording that is to become a clip.

    Args:
        id: its path below the folder, without suffix.
        path: the video file, or the folder of its pictures.
        gesture: what it shows.
        subject: who is seen, if known.
        session: recorded in one go, if known.
        pictures: of a frame folder, in order; empty for a video file.
    """

    id: str
    path: Path
    gesture: str
    subject: str | None = None
    session: str | None = None
    pictures: tuple[Path, ...] = ()

    def open(self, every: int = 1) -> FrameSource:
        """Return its frames, each n-th one."""
        if self.pictures:
            return FrameFolder(self.path, pictures=self.pictures, every=every)
        return VideoFile(self.path, every=every)

    def stamp(self) -> list[int]:
        """Return what changes when the recording does: sizes and times of change of its files."""
        return [n for file in self.pictures or (self.path,) for n in (file.stat().st_size, file.stat().st_mtime_ns)]


def find_recordings(root: Path, pattern: str = PATTERN, gestures: Sequence[str] = ()) -> list[Recording]:
    """Return all recordings below a folder, sorted by id.

    A recording whose path does not fit the pattern belongs to the gesture that its folder is named after, and to
    nobody known.

    Args:
        root: folder, or one video file.
        pattern: see `expression`.
        gestures: these only; all if empty.

    Raises:
        SourceError: there is no such folder, no recording in it, or none of a gesture that was named.
        ConfigError: the pattern cannot be one.
    """
    reads = expression(pattern)
    if not root.exists():
        raise SourceError(f"there is no folder {root}. Record clips with:  ademan capture GESTURE")
    found = sorted((_named(*item, root, reads) for item in _below(root)), key=lambda recording: recording.id)
    if not found:
        raise SourceError(f"{root} holds no video ({', '.join(sorted(VIDEO_SUFFIXES))}) and no folder of pictures.")
    missing = sorted(set(gestures) - {recording.gesture for recording in found})
    if missing:
        there = ", ".join(sorted({recording.gesture for recording in found}))
        raise SourceError(f"{root} has no recording of {', '.join(missing)}. It has: {there}.")
    return _told_apart([recording for recording in found if not gestures or recording.gesture in gestures])


def expression(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern such as "{gesture}/{gesture}_{subject}_{repetition}".

    The end of a path is matched, from a folder's beginning on. A gesture's name may hold "_", the other fields not;
    a field that comes twice has the same value twice; {} stands for anything that is of no interest.

    Raises:
        ConfigError: a field is unknown, or a brace is not closed.
    """
    parts, met = [], set()
    for text, field in re.findall(r"([^{}]*)(\{[^{}]*\})?", pattern):
        parts.append(re.escape(text))
        name = field.strip("{}")
        if name in met:
            parts.append(f"(?P={name})")
        elif name in FIELDS:
            parts.append(f"(?P<{name}>{'[^/]+?' if name == 'gesture' else '[^/_]+'})")
            met.add(name)
        elif field == "{}":
            parts.append("[^/]*")
        elif field:
            raise ConfigError(f"pattern '{pattern}' has the field {field}; known are {', '.join(FIELDS)} and {{}}.")
    if re.sub(r"\{[^{}]*\}", "", pattern).strip("{}") != re.sub(r"\{[^{}]*\}", "", pattern):
        raise ConfigError(f"pattern '{pattern}' has a brace without its other half.")
    return re.compile(rf"(?:.*/)?{''.join(parts)}")


def _below(root: Path) -> Iterator[tuple[Path, tuple[Path, ...], str]]:
    """Give path, pictures and name of each recording."""
    if root.is_file():
        photo = root.suffix.lower() in PICTURE_SUFFIXES
        yield (root.parent, (root,), root.stem) if photo else (root, (), root.stem)
        return
    for folder in (root, *sorted(path for path in root.rglob("*") if path.is_dir())):
        if any(part.startswith(".") for part in folder.relative_to(root).parts):
            continue
        for file in sorted(folder.iterdir()):
            if file.suffix.lower() in VIDEO_SUFFIXES and file.is_file() and not file.name.startswith("."):
                yield file, (), file.stem
        for video_id, pictures in grouped(folder).items():
            yield folder, tuple(pictures), video_id


def _named(path: Path, pictures: tuple[Path, ...], name: str, root: Path, reads: re.Pattern[str]) -> Recording:
    folder = path if pictures else path.parent
    within = folder.relative_to(root) if folder != root and root.is_dir() else Path()
    place = (folder.resolve() / name) if within == Path() else Path(root.resolve().name) / within / name
    match = reads.fullmatch(place.as_posix())
    said = match.groupdict() if match else {}
    gesture = said.get("gesture") or folder.resolve().name
    return Recording((within / name).as_posix(), path, gesture, said.get("subject"), said.get("session"), pictures)


def _told_apart(found: list[Recording]) -> list[Recording]:
    """Refuse two recordings of one name, such as wave.mp4 beside wave.avi: one clip could not be told from the other.

    Raises:
        SourceError: two have the same name.
    """
    for one, other in pairwise(found):
        if one.id == other.id:
            raise SourceError(f"{one.path} and {other.path} have one name, '{one.id}'. Rename one, or remove it.")
    return found
