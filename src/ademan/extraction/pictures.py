"""Photos and videos into a dataset of pictures: crops of hands, or silhouettes."""

import re
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from dataclasses import asdict, dataclass, fields, replace
from functools import cache, partial
from importlib.metadata import version
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import numpy as np

from ademan.clip import Clip
from ademan.datasets import Dataset, DatasetWriter
from ademan.errors import AdemanError, BundleError, ClipError, ConfigError, SourceError, VideoError
from ademan.extraction.extractor import BY_PICTURES, Extractor
from ademan.extraction.options import PATTERN
from ademan.extraction.recordings import Recording, expression, find_recordings
from ademan.files import write_json
from ademan.landmarks.model_files import checksums
from ademan.pictures import PictureConfig, PictureExtractor, Silhouettes, open_pictures, picture_config
from ademan.pictures.hand import LONGEST
from ademan.skeleton import picture_rows
from ademan.video import Frame, FrameFolder, FrameSource, VideoFile, smaller
from ademan.video.folder import PICTURE_SUFFIXES

_SCENE_FRAMES = 25  # of a video, at least, whose median is its empty scene
_OF_A_VIDEO = re.compile(r".+_frame_\d+")
_AT_ONCE = 8  # recordings that a worker is given at a time
_SHOW_SCENE = (
    "Give a picture of the empty scene (--background-picture, or ADEMAN_BACKGROUND for a model), or choose "
    "--background plain before a plain wall."
)


@dataclass(frozen=True)
class PictureOptions:
    """Which photos and videos are taken, and which of their frames."""

    gestures: tuple[str, ...] = ()
    """These only; all if none is named."""
    pattern: str = PATTERN
    """How the end of a file's path, without its suffix, tells {gesture}, {subject}, {session} and {repetition}; what it
    does not tell, the folder's name does."""
    frames: int = 8
    """Frames that are taken of a video, evenly spread, 1 to 1000; shorter ones are taken whole. A photo has one."""

    def __post_init__(self) -> None:
        if not 1 <= self.frames <= 1000:
            raise ConfigError(f"frames must be from 1 to 1000, found {self.frames}.")


@dataclass(frozen=True)
class PictureSummary:
    """What became of the photos and videos.

    Args:
        path: the dataset.
        clips: how many of each label.
        frames: of all clips together.
        seen: share of the frames in which there was a hand or a silhouette.
        failed: photos and videos that are no clips, with the reason.
        seconds: that it took.
    """

    path: Path
    clips: dict[str, int]
    frames: int
    seen: float
    failed: dict[str, str]
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self) | {"path": str(self.path)}


def pictures(
    root: Path,
    out: Path,
    config: PictureConfig | None = None,
    options: PictureOptions | None = None,
    *,
    background: Path | None = None,
    workers: int = 1,
    progress: Callable[[int, int | None], None] | None = None,
) -> PictureSummary:
    """Cut hands or silhouettes out of photos and videos, and write them as a dataset.

    The dataset does not depend on the number of workers. Beside it stands `<name>_pictures.json`: the summary, with
    what failed and why.

    Args:
        root: folder of photos, videos and frame folders, such as GESTURE/WHO_1.jpg; or one of them.
        out: the dataset file; an existing one is replaced at the end.
        config: what is cut out.
        options: of which photos, videos and frames.
        background: picture of the empty scene; silhouettes then stand out from it, whatever the config says.
        workers: processes; 1 works in this one.
        progress: called with how many photos and videos are done, and of how many.

    Raises:
        SourceError: there are none, or not one became a clip.
        ConfigError: an option is out of range, or there is no picture of the empty scene where one is needed.
        VideoError: the picture of the empty scene cannot be read.
        LandmarkError: the networks that find hands cannot be had.
        AdemanError: the disk is full or a place cannot be written.
    """
    if workers < 1:
        raise ConfigError(f"workers must be 1 or more, found {workers}.")
    config, options = config or PictureConfig(), options or PictureOptions()
    if background:
        config = replace(config, background="picture")
    started = time.monotonic()
    recordings = find_pictures(root, options.pattern, options.gestures)
    open_pictures(config, background).close()  # whatever is missing is found before any work, and only once
    made = made_by(config, options)
    done = _worked(recordings, partial(_work, config, background, options.frames), workers)
    with DatasetWriter(out, picture_rows(config.size), "pixels", made=made, half=True) as writer:
        frames, seen, failed = _write(writer, recordings, done, progress)
    with Dataset(out) as dataset:
        labels = dataset.table.labels.tolist()
        clips = {label: labels.count(k) for k, label in enumerate(dataset.labels)}
    seconds = round(time.monotonic() - started, 1)
    summary = PictureSummary(out, clips, frames, seen / frames, failed, seconds)
    write_json(out.with_name(f"{out.stem}_pictures.json"), {**summary.to_json(), "made": made})
    return summary


def _write(
    writer: DatasetWriter,
    recordings: Sequence[Recording],
    found: Iterator[Clip | str],
    progress: Callable[[int, int | None], None] | None,
) -> tuple[int, int, dict[str, str]]:
    """Write what became of the recordings; return how many frames, in how many something was seen, and what failed."""
    frames, seen, failed = 0, 0, {}
    for done, (recording, clip) in enumerate(zip(recordings, found, strict=True), 1):
        try:
            if isinstance(clip, str):
                raise ClipError(clip)
            writer.add(clip)
            frames, seen = frames + len(clip), seen + int(clip.seen.any(axis=1).sum())
        except ClipError as error:
            failed[recording.id] = str(error)
        if progress:
            progress(done, len(recordings))
    if not len(writer):
        raise _nothing(failed)
    return frames, seen, failed


def made_by(config: PictureConfig, options: PictureOptions) -> dict[str, Any]:
    """Return how a dataset was made, as plain values; `picture_config` and `picture_as_made` read it."""
    told = {**asdict(config), **asdict(options), "gestures": list(options.gestures)}
    networks = {"networks": checksums("hands")} if config.of == "hand" else {}
    return {"by": BY_PICTURES, "options": told, **networks, "version": version("ademan")}


def find_pictures(root: Path, pattern: str = PATTERN, gestures: Sequence[str] = ()) -> list[Recording]:
    """Return the photos, videos and frame folders below a folder, by name; each photo is a recording of its own.

    Pictures called `{video_id}_frame_{n}` are frames of a video.

    Args:
        root: the folder, or one photo or video.
        pattern: how paths tell gesture, subject and session; see `ademan.extraction.recordings.expression`.
        gestures: these only.

    Raises:
        SourceError: there is none, none of a gesture that was asked for, or two have one name.
        ConfigError: the pattern is none.
    """
    if root.is_file() and root.suffix.lower() in PICTURE_SUFFIXES:
        return [_photo(Recording(root.stem, root.parent, root.parent.resolve().name), root, root.parent, pattern)]
    found: list[Recording] = []
    for recording in find_recordings(root, pattern):
        photos = [p for p in recording.pictures if not _OF_A_VIDEO.fullmatch(p.stem)]
        found += [_photo(recording, photo, root, pattern) for photo in photos] or [recording]
    missing = sorted(set(gestures) - {recording.gesture for recording in found})
    if missing:
        there = ", ".join(sorted({recording.gesture for recording in found}))
        raise SourceError(f"{root} has nothing of {', '.join(missing)}. It has: {there}.")
    chosen = sorted((r for r in found if not gestures or r.gesture in gestures), key=lambda r: r.id)
    for one, other in pairwise(chosen):
        if one.id == other.id:
            raise SourceError(f"{root} has two pictures or videos of the name '{one.id}'. Rename one, or remove it.")
    return chosen


def _photo(group: Recording, photo: Path, root: Path, pattern: str) -> Recording:
    """Return one photo of a folder as a recording."""
    within = photo.parent.relative_to(root) / photo.stem
    match = expression(pattern).fullmatch((photo.parent.resolve() / photo.stem).as_posix())
    said = match.groupdict() if match else {}
    gesture = said.get("gesture") or group.path.resolve().name
    return Recording(within.as_posix(), photo.parent, gesture, said.get("subject"), said.get("session"), (photo,))


def picture_clip(recording: Recording, extractor: PictureExtractor, frames: int = 8) -> Clip:
    """Return a photo, or frames of a video, as a clip of pictures.

    Args:
        recording: a photo, a video file or a frame folder.
        extractor: what cuts the pictures out; it forgets the video before.
        frames: taken of a video, evenly spread; of a shorter one all.

    Raises:
        VideoError: it cannot be read to its end, has no frame, or does not show the empty scene that it should.
    """
    extractor.reset()
    with closing(recording.open()) as source:
        # `ademan capture` says there who and when, and `ademan frames` hands it on.
        tags = source.metadata if isinstance(source, VideoFile | FrameFolder) else {}
        chosen, size_wh = _chosen(recording, source, extractor, frames)
    return Clip(
        np.stack([extractor.find(frame) for frame in chosen]),
        np.array([frame.timestamp_ms for frame in chosen], np.float64),
        extractor.skeleton,
        id=recording.id,
        label=recording.gesture,
        subject=recording.subject or tags.get("subject"),
        session=recording.session or tags.get("session"),
        source=recording.path.name,
        image_wh=size_wh,
        coordinates="pixels",
    )


def _chosen(
    recording: Recording, source: FrameSource, extractor: PictureExtractor, frames: int
) -> tuple[list[Frame], tuple[int, int]]:
    """Return the frames to cut out of, and their size before; the extractor learns the empty scene, if it must."""
    whole = extractor if isinstance(extractor, Silhouettes) and extractor.config.background == "video" else None
    kept = _Spread(max(frames, _SCENE_FRAMES) if whole else frames)
    learnt = False
    for frame in source:
        if extractor.learning and not whole:
            extractor.find(frame)
            learnt = True
        else:
            kept.add(frame)
    if not kept.count:
        ended = f"ends before the empty scene was learnt. {_SHOW_SCENE}" if learnt else "has no frame."
        raise VideoError(f"{recording.id} {ended}")
    if whole:
        if kept.count == 1:
            raise VideoError(f"{recording.id} is one picture, which cannot show what is behind. {_SHOW_SCENE}")
        whole.learn([frame.image_rgb for frame in kept.frames(_SCENE_FRAMES)])
    return kept.frames(frames), kept.size_wh


def picture_as_made(recording: Recording, extractor: Extractor, made: Mapping[str, Any]) -> Clip:
    """Return a photo or video as a clip like those that a model was trained on.

    Args:
        recording: a photo, a video file or a frame folder.
        extractor: that `ademan.pictures.open_cutter` gave.
        made: what the model says of how its pictures were made.

    Raises:
        BundleError: that is damaged.
        VideoError: as `picture_clip`.
    """
    picture_config(made)
    return picture_clip(recording, cast(PictureExtractor, extractor), picture_options(made).frames)


def picture_options(made: Mapping[str, Any]) -> PictureOptions:
    """Return which pictures a model looks at: those that its training data was made of.

    Raises:
        BundleError: `made` is damaged.
    """
    saved = made.get("options")
    known = {field.name for field in fields(PictureOptions)} - {"gestures"}
    try:
        return PictureOptions(**{k: v for k, v in dict(saved or {}).items() if k in known})
    except (ConfigError, TypeError, ValueError) as error:
        raise BundleError(f"what the manifest says of how pictures were taken is damaged: {error}") from error


class _Spread:
    """Keeps some frames of a video, evenly spread, while it is read once and its length is not known.

    Each s-th frame is kept, no larger than an extractor looks at it; when there are twice as many as wanted, every
    second one goes and s doubles.
    """

    def __init__(self, wanted: int) -> None:
        self._wanted, self._step = wanted, 1
        self._kept: list[tuple[int, Frame]] = []
        self.count, self.size_wh = 0, (0, 0)

    def add(self, frame: Frame) -> None:
        self.size_wh = frame.size_wh
        if self.count % self._step == 0:
            self._kept.append((self.count, smaller(frame, LONGEST)))
            if len(self._kept) > 2 * self._wanted:
                self._step *= 2
                self._kept = [kept for kept in self._kept if kept[0] % self._step == 0]
        self.count += 1

    def frames(self, wanted: int) -> list[Frame]:
        """Return so many of all frames, evenly spread from the first to the last that was kept; or all of them."""
        places = np.unique(np.linspace(0, len(self._kept) - 1, min(wanted, len(self._kept))).round().astype(int))
        return [self._kept[i][1] for i in places]


def _work(config: PictureConfig, background: Path | None, frames: int, recording: Recording) -> Clip | str:
    """Return a recording as a clip, or why it is none."""
    try:
        clip = picture_clip(recording, _extractor(config, background), frames)
    except (VideoError, ClipError) as error:
        return str(error)
    if not clip.seen.any():
        of = "no hand was found" if config.of == "hand" else "nothing differs from the empty scene"
        return f"{of} in any of its {len(clip)} frames"
    return clip


@cache
def _extractor(config: PictureConfig, background: Path | None) -> PictureExtractor:
    """Return the extractor of this process; networks are loaded once."""
    return open_pictures(config, background)


def _worked(
    recordings: Sequence[Recording], work: Callable[[Recording], Clip | str], workers: int
) -> Iterator[Clip | str]:
    """Give what became of each recording, in their order."""
    if workers == 1 or len(recordings) < 2 * _AT_ONCE:
        yield from map(work, recordings)
        return
    # Spawned, not forked: the networks' threads do not survive a fork.
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin) as pool:
        try:
            yield from pool.map(work, recordings, chunksize=_AT_ONCE)
        except BrokenProcessPool as error:
            raise AdemanError(
                "a process that cut out pictures died: it ran out of memory, or a file crashes the decoder. "
                "With --workers 1 the last file that is worked on is the one."
            ) from error
        except BaseException:
            pool.shutdown(cancel_futures=True)  # waits for those that are being worked on
            raise


def _begin() -> None:
    """Prepare a process: Ctrl-C is the first one's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _nothing(failed: dict[str, str]) -> SourceError:
    listed = "".join(f"\n  {name}: {why}" for name, why in list(failed.items())[:3])
    return SourceError(f"not one of the {len(failed)} photos and videos became a clip. The first reasons:{listed}")
