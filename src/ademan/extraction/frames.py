"""Some frames of each video as pictures: `<class>/{video_id}_frame_{n}.jpg`, n from 0 on.

The folders and names of the videos are kept, so that the pattern that reads gesture, subject and session from the one
reads them from the other. Where that would not be so, since the folder that was given says something itself, its name
or the gesture's goes before. What only the tags of a video say, and when each frame was, is in a note of each picture
(video/note.py).

The pictures of one video appear together, the first one last, and say how many they are: so what a stop leaves
unfinished is known, and a second run does it again.
"""

import hashlib
import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ademan.errors import ConfigError, SourceError, VideoError
from ademan.extraction.options import PATTERN
from ademan.extraction.recordings import Recording, expression, find_recordings
from ademan.extraction.spread import spread_places
from ademan.files import written_whole
from ademan.video import FrameFolder, VideoFile, smaller
from ademan.video.folder import grouped
from ademan.video.note import encode_jpeg, read_note, with_note

_OTHER = (
    "pictures of this name are there, which were made with other options, from another video, or by another program. "
    "Choose another folder, or replace them with --overwrite"
)


@dataclass(frozen=True)
class FramesOptions:
    """Which videos become pictures, and how."""

    frames: int = 32
    """Pictures of each video, 1 or more, evenly spread from its first frame to its last; all of a shorter one."""
    size: int = 0
    """Longest side in pixels to which larger frames are brought; 0 leaves them."""
    quality: int = 90
    """Of the JPEG files, 1 to 100."""
    gestures: tuple[str, ...] = ()
    """These only; all if none is named."""
    pattern: str = PATTERN
    """How the end of a file's path, without its suffix, tells {gesture}, {subject}, {session} and {repetition}."""

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ConfigError(f"frames must be 1 or more, found {self.frames}.")
        if self.size and self.size < 64:
            raise ConfigError(f"size must be 0 or at least 64 pixels, found {self.size}.")
        if not 1 <= self.quality <= 100:
            raise ConfigError(f"quality must be from 1 to 100, found {self.quality}.")


@dataclass(frozen=True)
class FramesSummary:
    """What became of the videos.

    Args:
        path: folder of the pictures.
        videos: how many of each gesture there are now.
        pictures: how many were written.
        passed_over: videos whose pictures were there from a run before.
        failed: videos without pictures, with the reason.
        skipped: pictures of frame folders that were passed over, or are missing.
        seconds: that it took.
    """

    path: Path
    videos: dict[str, int]
    pictures: int
    passed_over: int
    failed: dict[str, str]
    skipped: dict[str, tuple[str, ...]]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self) | {"path": str(self.path)}


@dataclass(frozen=True, eq=False)
class _Chosen:
    """Frames of a video.

    Args:
        count: of all its frames.
        times_ms: of those that were chosen.
        jpegs: their pictures.
        tags: what the file says of itself.
        skipped: pictures of a frame folder that were passed over, or are missing.
    """

    count: int
    times_ms: list[float]
    jpegs: list[bytes]
    tags: Mapping[str, str]
    skipped: tuple[str, ...]


@dataclass(frozen=True)
class _Task:
    """A video, and where its pictures are to stand.

    Args:
        recording: the video.
        folder: of its pictures.
        name: of its pictures, before "_frame_".
        made: what they depend on: sizes of the video's files, and options.
    """

    recording: Recording
    folder: Path
    name: str
    made: str

    def place(self, number: int) -> Path:
        """Return where a picture is to stand."""
        return self.folder / f"{self.name}_frame_{number}.jpg"


def write_frames(
    root: Path,
    out: Path,
    options: FramesOptions | None = None,
    *,
    overwrite: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> FramesSummary:
    """Write evenly spread frames of all videos below a folder as pictures; each video is decoded once.

    Args:
        root: folder of videos and frame folders, or one video.
        out: folder of the pictures, outside of `root`.
        options: which videos, and how.
        overwrite: replace pictures that are there, and do not depend on the same videos and options.
        progress: called with how many videos are done, and of how many.

    Raises:
        SourceError: there are no videos, two would have one name, or not one could be read.
        ConfigError: an option is out of range, or the pictures would lie among the videos.
        AdemanError: the disk is full or a place cannot be written.
    """
    options, started = options or FramesOptions(), time.monotonic()
    if out.resolve().is_relative_to(root.resolve()):
        raise ConfigError(
            f"{out} lies within {root}: the next run would take the pictures for recordings. Choose another folder."
        )
    recordings = find_recordings(root, options.pattern, options.gestures)
    tasks = _tasks(recordings, root, out, options)
    there = {folder: grouped(folder) for folder in {task.folder for task in tasks}}
    done = FramesSummary(out, {}, 0, 0, {}, {}, 0.0)
    for number, task in enumerate(tasks, start=1):
        done = _do(task, there[task.folder].get(task.name, []), options, done, overwrite=overwrite)
        if progress:
            progress(number, len(tasks))
    if not done.videos:
        listed = "".join(f"\n  {name}: {why}" for name, why in list(done.failed.items())[:3])
        raise SourceError(f"not one of the {len(done.failed)} videos became pictures. The first reasons:{listed}")
    return replace(done, videos=dict(sorted(done.videos.items())), seconds=round(time.monotonic() - started, 1))


def _do(
    task: _Task, there: Sequence[Path], options: FramesOptions, done: FramesSummary, *, overwrite: bool
) -> FramesSummary:
    """Write the pictures of one video, if they are not there, and return the summary with it."""
    recording = task.recording
    try:
        whole = _is_whole(task, there, overwrite=overwrite)
        chosen = None if whole else _chosen(recording, options)
    except VideoError as error:
        return replace(done, failed=done.failed | {recording.id: str(error)})
    done = replace(done, videos=done.videos | {recording.gesture: done.videos.get(recording.gesture, 0) + 1})
    if chosen is None:
        return replace(done, passed_over=done.passed_over + 1)
    _put(task, there, chosen)
    skipped = {recording.id: chosen.skipped} if chosen.skipped else {}
    return replace(done, pictures=done.pictures + len(chosen.jpegs), skipped=done.skipped | skipped)


def _tasks(recordings: Sequence[Recording], root: Path, out: Path, options: FramesOptions) -> list[_Task]:
    """Return where the pictures of each recording are to stand.

    Raises:
        SourceError: two would stand in one place, or no place says who and what as the recording's own does.
    """
    tasks = dict[Path, _Task]()
    for recording in recordings:
        place = _place(recording, root, out, expression(options.pattern))
        depends_on = [recording.stamp()[::2], options.frames, options.size, options.quality]
        made = hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()[:16]
        if place in tasks:
            raise SourceError(
                f"the pictures of {recording.path} and of {tasks[place].recording.path} would have one name, "
                f"'{place.name}'. Rename one, or remove it."
            )
        tasks[place] = _Task(recording, place.parent, place.name, made)
    return list(tasks.values())


def _place(recording: Recording, root: Path, out: Path, reads: re.Pattern[str]) -> Path:
    """Return the first of some places below `out` of which the pattern reads what it reads of the recording's own."""
    within, folder = Path(recording.id), root.resolve() if root.is_dir() else root.resolve().parent
    places = [within] if len(within.parts) > 1 else []
    places += [
        Path(recording.gesture, within.name),
        Path(folder.name) / within,
        Path(folder.parent.name, folder.name) / within,
    ]
    for place in places:
        match = reads.fullmatch(Path(out.resolve().name, place).as_posix())  # as `find_recordings` does
        said = match.groupdict() if match else {}
        told = said.get("gesture") or place.parent.name, said.get("subject"), said.get("session")
        if told == (recording.gesture, recording.subject, recording.session):
            return out / place
    raise SourceError(
        f"who and what {recording.path} shows is said by folders above {folder}, which {out} has not. "
        f"Give a folder above it, such as {folder.parents[1] if len(folder.parents) > 1 else folder.parent}."
    )


def _is_whole(task: _Task, there: Sequence[Path], *, overwrite: bool) -> bool:
    """Return whether the pictures of a video are there, as these options make them.

    Raises:
        VideoError: other ones are there, and are not to be replaced.
    """
    notes = [read_note(picture) for picture in there]
    if all(note.get("made") == task.made for note in notes):
        return bool(notes) and len(there) == notes[0].get("of")
    if not overwrite:
        raise VideoError(f"{task.folder / task.name}: {_OTHER}.")
    return False


def _chosen(recording: Recording, options: FramesOptions) -> _Chosen:
    """Return the frames that are wanted of a recording: in one pass, unless its head says a wrong number of frames.

    Raises:
        VideoError: it cannot be read to its end, or has no frame.
    """
    count = _promised(recording)
    chosen = _passed(recording, options, count)
    return chosen if chosen.count == count else _passed(recording, options, chosen.count)


def _promised(recording: Recording) -> int:
    """Return how many frames a recording says it has, 0 if it does not say."""
    if recording.pictures:
        return len(recording.pictures)
    return VideoFile(recording.path).count or 0


def _passed(recording: Recording, options: FramesOptions, count: int) -> _Chosen:
    """Go through a recording, and return those of its frames that are wanted if it has `count`."""
    wanted, given = set(spread_places(count, options.frames)), 0
    times_ms, jpegs = [], []
    with closing(recording.open()) as frames:
        for frame in frames:
            if given in wanted:
                times_ms.append(frame.timestamp_ms)
                jpegs.append(encode_jpeg(smaller(frame, options.size).image_rgb, options.quality))
            given += 1
        tags = frames.metadata if isinstance(frames, VideoFile | FrameFolder) else {}
        skipped = tuple(frames.skipped) if isinstance(frames, FrameFolder) else ()
    if not given:
        raise VideoError(f"{recording.path} has no frame.")
    return _Chosen(given, times_ms, jpegs, tags, skipped)


def _put(task: _Task, there: Sequence[Path], chosen: _Chosen) -> None:
    """Write the pictures of a video in place of those that are there; the first one comes last."""
    recording, removed = task.recording, False
    who = {name: getattr(recording, name) or chosen.tags.get(name) for name in ("subject", "session")}
    told = {name: text for name, text in who.items() if text} | {"made": task.made, "of": len(chosen.jpegs)}
    places = [task.place(n) for n in range(len(chosen.jpegs))]
    try:
        with ExitStack() as stack:  # which ends what was begun last first
            for place, jpeg, time_ms in zip(places, chosen.jpegs, chosen.times_ms, strict=True):
                beside = stack.enter_context(written_whole(place))
                beside.write_bytes(with_note(jpeg, told | {"time_ms": round(time_ms, 3)}))
            removed = True
            for old in there:
                old.unlink()
    except BaseException:
        for place in places if removed else ():
            place.unlink(missing_ok=True)
        raise
