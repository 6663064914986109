"""The work on single recordings, spread over processes."""

import io
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ademan.clip import Clip, Points
from ademan.errors import ClipError, VideoError
from ademan.extraction.clips import extract_clip
from ademan.extraction.options import ExtractOptions
from ademan.extraction.recordings import Recording
from ademan.files import written_whole
from ademan.landmarks import LandmarkConfig, Landmarker, open_landmarker
from ademan.skeleton import Skeleton
from ademan.video import ClipRecorder, Frame, draw_points

_DIED = (
    "the process that worked on it died twice: it ran out of memory, or the file crashes the decoder. "
    "Convert it with another program, or leave it out."
)


@dataclass(frozen=True)
class Job:
    """One recording to be worked on.

    Args:
        recording: the video.
        part: where its clip is put.
        config: which points.
        options: which frames.
        overlay: folder for a video with the points drawn.
    """

    recording: Recording
    part: Path
    config: LandmarkConfig
    options: ExtractOptions
    overlay: Path | None = None

    def write(self, clip: Clip) -> None:
        """Keep the clip, whole or not at all."""
        who = np.array([clip.subject or "", clip.session or ""])
        content = io.BytesIO()
        np.savez(content, points=clip.points, times=clip.timestamps_ms, size_wh=clip.image_wh or (0, 0), who=who)
        with written_whole(self.part) as beside:
            beside.write_bytes(content.getvalue())

    def read(self, skeleton: Skeleton) -> Clip:
        """Return the clip that was kept."""
        with np.load(self.part, allow_pickle=False) as kept:
            subject, session = (str(text) or None for text in kept["who"])
            width, height = kept["size_wh"].tolist()
            return Clip(
                kept["points"],
                kept["times"],
                skeleton,
                id=self.recording.id,
                label=self.recording.gesture,
                subject=subject,
                session=session,
                source=self.recording.path.name,
                image_wh=(width, height),
            )


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Args:
        id: of the recording.
        error: why there is no clip; empty if there is one.
    """

    id: str
    error: str = ""


def run_jobs(jobs: Sequence[Job], workers: int) -> Iterator[Outcome]:
    """Do the jobs, and give each outcome as it comes.

    Raises:
        AdemanError: not a recording is at fault but the networks, the disk or an option.
    """
    if workers == 1 or len(jobs) < 2:
        yield from map(work, jobs)
        return
    left = {job.recording.id: job for job in jobs}
    for outcome in _spread(jobs, min(workers, len(jobs))):
        del left[outcome.id]
        yield outcome
    for job in list(left.values()):  # a process died, and took down what the others were at: each again, alone
        alone = list(_spread([job], 1))
        yield alone[0] if alone else Outcome(job.recording.id, _DIED)


def work(job: Job) -> Outcome:
    """Find the points in one recording, and keep them.

    Raises:
        AdemanError: as `run_jobs`.
    """
    name = job.recording.id
    try:
        landmarker = _landmarker(job.config)
        with ExitStack() as stack:
            watch = stack.enter_context(_Overlay(job)).draw if job.overlay else None
            clip = extract_clip(job.recording, landmarker, every=job.options.every, size=job.options.size, watch=watch)
        if not clip.seen.any():
            return Outcome(name, f"no point of {job.config.landmarks} was found in any of its {len(clip)} frames")
        job.write(clip)
    except (VideoError, ClipError) as error:
        return Outcome(name, str(error))
    return Outcome(name)


class _Overlay:
    """Records the frames of a job with the points drawn; the file's size is that of the first frame."""

    def __init__(self, job: Job) -> None:
        self._path = (job.overlay or Path()) / f"{job.recording.id}.mp4"
        self._skeleton = job.config.skeleton
        self._stack = ExitStack()
        self._recorder: ClipRecorder | None = None

    def __enter__(self) -> "_Overlay":
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.__exit__(*error)  # type: ignore[arg-type]

    def draw(self, frame: Frame, points: Points) -> None:
        """Add one frame."""
        if self._recorder is None:
            self._recorder = self._stack.enter_context(ClipRecorder(self._path, frame.size_wh, 30.0, {}))
        self._recorder.add(Frame(draw_points(frame.image_rgb, points, self._skeleton), frame.timestamp_ms))


@cache
def _landmarker(config: LandmarkConfig) -> Landmarker:
    """Return the landmarker of this process; networks are loaded once."""
    return open_landmarker(config)


def _spread(jobs: Sequence[Job], workers: int) -> Iterator[Outcome]:
    """Do the jobs in processes; ends early, with outcomes missing, if one of them dies."""
    coming = iter(jobs)
    # Spawned, not forked: the networks' threads do not survive a fork.
    with ProcessPoolExecutor(workers, get_context("spawn"), _begin) as pool:
        running: set[Future[Outcome]] = set()
        try:
            # A few at a time: what is on its way stays bounded, and Ctrl-C waits for those only.
            while True:
                running |= {pool.submit(work, job) for job in islice(coming, 2 * workers - len(running))}
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in done)
        except BrokenProcessPool:
            return
        except BaseException:
            pool.shutdown(cancel_futures=True)  # waits for the recordings that are being worked on
            raise


def _begin() -> None:
    """Prepare a process: Ctrl-C is the first one's business."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
