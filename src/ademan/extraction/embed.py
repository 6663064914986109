"""All recordings below a folder into one dataset of embeddings: resumable, in bounded memory.

Threads read videos ahead, and change the pictures of copies, while the networks are at work on those before.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from ademan.clip import Clip, Points
from ademan.datasets import Dataset, DatasetWriter
from ademan.embeddings import EmbedConfig, new_embedder
from ademan.errors import BundleError, ClipError, ConfigError, SourceError, VideoError
from ademan.extraction.extractor import BY_EMBED, Extractor
from ademan.extraction.options import PATTERN
from ademan.extraction.parts import Parts
from ademan.extraction.recordings import Recording, find_recordings
from ademan.extraction.spread import Taken, take
from ademan.files import write_json
from ademan.skeleton import EMBEDDING
from ademan.video import Image

if TYPE_CHECKING:
    from ademan.embeddings.augment import FrameAugmentation

_FRAMES = (1, 1000)
_MOST_COPIES = 100
_READERS = 4  # threads that read ahead, at most: each holds the frames of a recording in memory


@dataclass(frozen=True)
class EmbedOptions:
    """Which recordings are embedded, which of their frames, and how the dataset keeps them."""

    gestures: tuple[str, ...] = ()
    """These only; all if none is named."""
    pattern: str = PATTERN
    """How the end of a file's path, without its suffix, tells {gesture}, {subject}, {session} and {repetition}."""
    frames: int = 32
    """Frames of a clip, 1 to 1000, evenly spread over the video; a shorter video repeats its last one."""
    augment: int = 0
    """Changed copies of each recording, 0 to 100: distorted, in another light, noisy, blurred, mirrored."""
    seed: int = 0
    """Of what is drawn for the copies."""
    half: bool = True
    """Keep numbers as float16: half the file, and three digits of each number."""

    def __post_init__(self) -> None:
        if not _FRAMES[0] <= self.frames <= _FRAMES[1]:
            raise ConfigError(f"frames must be from {_FRAMES[0]} to {_FRAMES[1]}, found {self.frames}.")
        if not 0 <= self.augment <= _MOST_COPIES:
            raise ConfigError(f"augment must be from 0 to {_MOST_COPIES} copies, found {self.augment}.")
        if self.seed < 0:
            raise ConfigError(f"seed must be 0 or more, found {self.seed}.")


@dataclass(frozen=True)
class EmbedSummary:
    """What became of the recordings.

    Args:
        path: the dataset.
        clips: how many of each label, copies among them.
        copies: how many of all clips are changed copies.
        seen: share of the left and right channels that show something; below 1 where hands were not found.
        failed: recordings that are no clips, with the reason.
        skipped: of frame folders, the pictures that are missing, unreadable or of another size.
        resumed: clips that were there from a run before.
        embedded: pictures that the networks looked at.
        seconds: that it took, the loading of networks left out.
        megabytes: of the dataset file; a million bytes each.
    """

    path: Path
    clips: dict[str, int]
    copies: int
    seen: float
    failed: dict[str, str]
    skipped: dict[str, list[str]]
    resumed: int
    embedded: int
    seconds: float
    megabytes: float

    @property
    def frames_per_second(self) -> float:
        """Pictures embedded in a second, reading included."""
        return self.embedded / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self) | {"path": str(self.path), "frames_per_second": round(self.frames_per_second, 2)}


@runtime_checkable
class PicturesToVectors(Protocol):
    """What embeds pictures: an `Embedder`."""

    @property
    def networks(self) -> Mapping[str, str]:
        """The SHA-256 of the weights of each network."""

    def told(self) -> Mapping[str, Any]:
        """Return what a dataset keeps of how pictures are embedded, as plain values."""

    def embed(self, images: Sequence[Image]) -> Points:
        """Return the embeddings (n, 12, 768) of pictures."""

    def close(self) -> None:
        """Let go of the networks."""


def embed(
    root: Path,
    out: Path,
    config: EmbedConfig | None = None,
    options: EmbedOptions | None = None,
    *,
    augmentation: "FrameAugmentation | None" = None,
    embedder: PicturesToVectors | None = None,
    resume: bool = True,
    progress: Callable[[int, int | None], None] | None = None,
) -> EmbedSummary:
    """Embed all recordings below a folder, and write them as a dataset.

    Beside it stands `<name>_embedding.json`: the summary, with what failed and why.

    Args:
        root: folder of videos and frame folders, or one video.
        out: the dataset file; an existing one is replaced at the end.
        config: which networks look at which parts of the pictures.
        options: of which recordings and frames.
        augmentation: how copies are changed.
        embedder: one that is open, instead of one of `config`; it stays open.
        resume: take clips that a run before finished.
        progress: called with how many recordings are done, and of how many.

    Raises:
        SourceError: there are no recordings, or not one became a clip.
        ConfigError: an option is out of range.
        LandmarkError: weights cannot be had, or are not those of such networks.
        MissingExtraError: the extra `embed` is not installed.
        AdemanError: the disk is full or a place cannot be written.
    """
    options = options or EmbedOptions()
    recordings = find_recordings(root, options.pattern, options.gestures)
    with ExitStack() as stack:
        if embedder is None:
            embedder = stack.enter_context(closing(new_embedder(config)))
        run = _Run(out, embedder, options, augmentation, resume=resume)
        summary = run.write(recordings, progress)
    write_json(out.with_name(f"{out.stem}_embedding.json"), {**summary.to_json(), "made": run.made})
    run.parts.remove()
    return summary


def show_changes(
    root: Path, sheet: Path, options: EmbedOptions | None = None, augmentation: "FrameAugmentation | None" = None
) -> None:
    """Write a picture of the first recording below a folder, as it is, and as copies of it would be changed.

    Args:
        root: folder of videos and frame folders, or one video.
        sheet: PNG file.
        options: which recordings, frames and seed.
        augmentation: how copies are changed.

    Raises:
        SourceError: there are no recordings.
        VideoError: the recording cannot be read.
        MissingExtraError: the extra `embed` is not installed.
    """
    from ademan.embeddings.augment import FrameAugmenter  # noqa: PLC0415 - they need the extra
    from ademan.embeddings.sheet import write_sheet  # noqa: PLC0415

    options = options or EmbedOptions()
    recording = find_recordings(root, options.pattern, options.gestures)[0]
    frames = [frame.image_rgb for frame in take(recording, options.frames).frames]
    write_sheet(sheet, frames, FrameAugmenter(augmentation, options.seed), recording.gesture)


def made_by(
    embedder: PicturesToVectors, options: EmbedOptions, augmentation: "FrameAugmentation | None" = None
) -> dict[str, Any]:
    """Return how a dataset was made, as plain values; `ademan.embeddings.open_embedder` reads it."""
    told = {**embedder.told(), **asdict(options), "gestures": list(options.gestures)}
    changed = {"augmentation": asdict(augmentation)} if augmentation and options.augment else {}
    return {
        "by": BY_EMBED,
        "options": told | changed,
        "networks": dict(embedder.networks),
        "version": version("ademan"),
    }


def embed_clip(recording: Recording, embedder: PicturesToVectors, frames: int = 32) -> Clip:
    """Return a recording as a clip of embeddings (frames, 12, 768).

    Args:
        recording: a video file or frame folder.
        embedder: an `Embedder`.
        frames: evenly spread over the recording; a shorter one repeats its last frame, and time goes on.

    Raises:
        VideoError: the recording cannot be read to its end, or has no frame.
    """
    taken = take(recording, frames)
    return _clip(recording, taken, embedder.embed([frame.image_rgb for frame in taken.frames]))


def embed_as_made(recording: Recording, extractor: Extractor, made: Mapping[str, Any]) -> Clip:
    """Return a recording as a clip like those that a model was trained on.

    Args:
        recording: a video file or frame folder.
        extractor: that `ademan.embeddings.open_embedder` gave.
        made: what the model says of how its clips were made.

    Raises:
        BundleError: that is damaged.
        VideoError: as `embed_clip`.
    """
    saved = made.get("options")
    frames = saved.get("frames", EmbedOptions.frames) if isinstance(saved, Mapping) else None
    if not isinstance(frames, int) or not _FRAMES[0] <= frames <= _FRAMES[1]:
        raise BundleError(f"what the manifest says of how clips were embedded is damaged: frames is {frames!r}.")
    if not isinstance(extractor, PicturesToVectors):
        raise BundleError("the manifest says that clips were embedded, but what it opens embeds no pictures.")
    return embed_clip(recording, extractor, frames)


def _clip(recording: Recording, taken: Taken, embedded: Points) -> Clip:
    """Return embedded frames (n, 12, 768) as the clip of a recording."""
    return Clip(
        embedded[taken.places],
        taken.times_ms,
        EMBEDDING,
        id=recording.id,
        label=recording.gesture,
        subject=recording.subject or taken.subject,
        session=recording.session or taken.session,
        source=recording.path.name,
        image_wh=taken.frames[0].size_wh,
        coordinates="embedding",
    )


@dataclass(frozen=True, eq=False)
class _Read:
    """A recording that was read ahead.

    Args:
        recording: which one.
        taken: its frames; None if it cannot be read.
        images: of each copy that is to be made, 0 being the recording itself.
        error: why it cannot be read.
    """

    recording: Recording
    taken: Taken | None = None
    images: dict[int, list[Image]] = field(default_factory=dict)
    error: str = ""


class _Run:
    """One making of a dataset."""

    def __init__(
        self,
        out: Path,
        embedder: PicturesToVectors,
        options: EmbedOptions,
        augmentation: "FrameAugmentation | None",
        *,
        resume: bool,
    ) -> None:
        self._out, self._embedder, self._options = out, embedder, options
        self._draw = _draws(options, augmentation)
        self.made = made_by(embedder, options, augmentation)
        depends_on = [dict(embedder.told()), options.frames, self.made["networks"], version("ademan")]
        self.parts = Parts(out, depends_on, resume=resume)
        self._changed = [options.seed, self.made["options"].get("augmentation")]
        self._failed: dict[str, str] = {}
        self._skipped: dict[str, list[str]] = {}
        self._embedded = 0

    def write(
        self, recordings: Sequence[Recording], progress: Callable[[int, int | None], None] | None
    ) -> EmbedSummary:
        """Embed what is not finished, and write the dataset."""
        started = time.monotonic()
        todo = {recording.id: self._unfinished(recording) for recording in recordings}
        unfinished = [recording for recording in recordings if todo[recording.id]]
        done = len(recordings) - len(unfinished)
        resumed = sum(1 + self._options.augment - len(copies) for copies in todo.values())
        for read in _ahead(lambda recording: self._read(recording, todo[recording.id]), unfinished):
            self._work(read)
            done += 1
            if progress:
                progress(done, len(recordings))
        clips, seen = self._collect(recordings)
        summary = self._summary(clips, seen)
        return replace(summary, resumed=resumed, seconds=round(time.monotonic() - started, 2))

    def _unfinished(self, recording: Recording) -> list[int]:
        return [copy for copy in range(1 + self._options.augment) if not self._part(recording, copy).exists()]

    def _part(self, recording: Recording, copy: int) -> Path:
        return self.parts.path(recording.id, recording.stamp(), copy, self._changed if copy else None)

    def _read(self, recording: Recording, copies: Sequence[int]) -> _Read:
        """Read a recording, and change its pictures for its copies; runs in a thread of its own."""
        try:
            taken = take(recording, self._options.frames)
        except VideoError as error:
            return _Read(recording, error=str(error))
        originals = [frame.image_rgb for frame in taken.frames]
        images = {}
        for copy in copies:
            change = self._draw(recording.gesture, copy_id(recording.id, copy)) if copy and self._draw else None
            images[copy] = [change(image) for image in originals] if change else originals
        return _Read(recording, taken, images)

    def _work(self, read: _Read) -> None:
        """Embed a recording and its copies, and keep the clips."""
        if read.taken is None:
            self._failed[read.recording.id] = read.error
            return
        if read.taken.skipped:
            self._skipped[read.recording.id] = list(read.taken.skipped)
        try:
            for copy, images in read.images.items():
                clip = _clip(read.recording, read.taken, self._embedder.embed(images))
                self._embedded += len(images)
                self.parts.keep(self._part(read.recording, copy), replace(clip, id=copy_id(clip.id, copy)))
        except ClipError as error:
            self._failed[read.recording.id] = str(error)

    def _collect(self, recordings: Sequence[Recording]) -> tuple[int, float]:
        """Put the finished clips into one dataset; return how many are copies, and the share of channels seen."""
        whole = [recording for recording in recordings if recording.id not in self._failed]
        if not whole:
            raise _nothing(self._failed)
        numbers = range(1, 1 + self._options.augment)
        copies = {copy_id(recording.id, copy): recording.id for recording in whole for copy in numbers}
        made = self.made | ({"copies": copies} if copies else {})
        shares = []
        with DatasetWriter(self._out, EMBEDDING, "embedding", made=made, half=self._options.half) as writer:
            for recording in whole:
                for copy in (0, *numbers):
                    clip = self.parts.read(self._part(recording, copy), EMBEDDING, "embedding")
                    writer.add(replace(clip, label=recording.gesture))
                    shares.append(float(np.mean(clip.seen[:, :2])))  # the transformer's channels, left and right
        return len(copies), float(np.mean(shares))

    def _summary(self, copies: int, seen: float) -> EmbedSummary:
        with Dataset(self._out) as dataset:
            labels = dataset.table.labels.tolist()
            clips = {label: labels.count(k) for k, label in enumerate(dataset.labels)}
        size = round(self._out.stat().st_size / 1e6, 2)
        failed, skipped = dict(sorted(self._failed.items())), dict(sorted(self._skipped.items()))
        return EmbedSummary(self._out, clips, copies, seen, failed, skipped, 0, self._embedded, 0.0, size)


def copy_id(original: str, copy: int) -> str:
    """Return what a changed copy is called; 0 is the recording itself."""
    return f"{original}~{copy}" if copy else original


def _draws(
    options: EmbedOptions, augmentation: "FrameAugmentation | None"
) -> Callable[[str, str], Callable[[Image], Image]] | None:
    """Return what draws how a copy is changed, of its label and its id; None if there are to be none."""
    if not options.augment:
        return None
    from ademan.embeddings.augment import FrameAugmenter  # noqa: PLC0415 - it imports albumentations

    return FrameAugmenter(augmentation, options.seed).draw


def _ahead(read: Callable[[Recording], _Read], recordings: Sequence[Recording]) -> Iterator[_Read]:
    """Give what is read of recordings, in their order; a few are read while those before are worked on."""
    workers = min(_READERS, os.cpu_count() or 1)
    waiting: deque[Future[_Read]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for recording in recordings:
                waiting.append(pool.submit(read, recording))
                if len(waiting) > workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _nothing(failed: Mapping[str, str]) -> SourceError:
    listed = "".join(f"\n  {name}: {why}" for name, why in list(failed.items())[:3])
    return SourceError(f"not one of the {len(failed)} recordings became a clip. The first reasons:{listed}")
