"""All recordings below a folder into one dataset: in parallel, resumable, in bounded memory.

Each finished clip is a small file of its own in a folder beside the dataset, named after all that it depends on:
the recording's size and time of change, and the options. After a kill the next run finds them there and does the rest;
when the dataset is whole the folder goes.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ademan.clip import Clip
from ademan.datasets import Dataset, DatasetWriter
from ademan.datasets.export import export_npz
from ademan.errors import ClipError, ConfigError, SourceError
from ademan.extraction.options import ExtractOptions, made_by
from ademan.extraction.recordings import Recording, find_recordings
from ademan.extraction.work import Job, run_jobs
from ademan.files import write_json
from ademan.landmarks import LandmarkConfig
from ademan.landmarks.model_files import checksums

NPZ = "gesture_dataset.npz"
"""What `ademan extract --npz` writes beside the dataset; its classes are in gesture_dataset_labels.json."""


@dataclass(frozen=True)
class ExtractSummary:
    """What became of the recordings.

    Args:
        path: the dataset.
        clips: how many of each label.
        frames: of all clips together.
        seen: share of the frames in which any point was found.
        failed: recordings that are no clips, with the reason.
        resumed: clips that were there from a run before.
        seconds: that it took.
        rarely_seen: clips with points in fewer than half of their frames, and in how large a share.
    """

    path: Path
    clips: dict[str, int]
    frames: int
    seen: float
    failed: dict[str, str]
    resumed: int
    seconds: float
    rarely_seen: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self) | {"path": str(self.path)}


def extract(
    root: Path,
    out: Path,
    config: LandmarkConfig | None = None,
    options: ExtractOptions | None = None,
    *,
    workers: int = 1,
    resume: bool = True,
    overlay: Path | None = None,
    npz: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> ExtractSummary:
    """Find the points in all recordings below a folder, and write them as a dataset.

    The dataset does not depend on the number of workers. Beside it stands `<name>_extraction.json`: the summary, with
    what failed and why.

    Args:
        root: folder of videos and frame folders, or one video.
        out: the dataset file; an existing one is replaced at the end.
        config: which points.
        options: which recordings and frames.
        workers: processes; 1 works in this one.
        resume: take clips that a run before finished.
        overlay: folder for videos with the points drawn, one a recording.
        npz: write `gesture_dataset.npz` too.
        progress: called with how many recordings are done, and of how many.

    Raises:
        SourceError: there are no recordings, or not one became a clip.
        ConfigError: an option is out of range.
        LandmarkError: the networks cannot be had.
        AdemanError: the disk is full or a place cannot be written.
    """
    if workers < 1:
        raise ConfigError(f"workers must be 1 or more, found {workers}.")
    config, options = config or LandmarkConfig(), options or ExtractOptions()
    started = time.monotonic()
    recordings = find_recordings(root, options.pattern, options.gestures)
    parts = out.with_name(f".{out.name}.parts")
    if not resume:
        shutil.rmtree(parts, ignore_errors=True)
    made = made_by(config, options) | {"networks": checksums(config.landmarks), "version": version("ademan")}
    jobs = [Job(recording, _part(parts, recording, made), config, options, overlay) for recording in recordings]
    todo = [job for job in jobs if not job.part.exists() or overlay]
    todo.sort(key=lambda job: -sum(job.recording.stamp()[::2]))  # large ones first, so that all end together
    failed = _run(todo, workers, len(jobs) - len(todo), len(jobs), progress)
    summary = _write(out, jobs, failed, made, config)
    summary = replace(summary, resumed=len(jobs) - len(todo), seconds=round(time.monotonic() - started, 1))
    write_json(out.with_name(f"{out.stem}_extraction.json"), {**summary.to_json(), "made": made})
    if npz:
        with Dataset(out) as dataset:
            export_npz(dataset, out.with_name(NPZ), fractions=True)
    shutil.rmtree(parts, ignore_errors=True)
    return summary


def _part(parts: Path, recording: Recording, made: dict[str, Any]) -> Path:
    """Return where a recording's finished clip is kept: another content or other options, another name."""
    same_for_all = {key: value for key, value in made["options"].items() if key not in {"gestures", "pattern"}}
    depends_on = [recording.id, recording.stamp(), same_for_all, made["networks"], made["version"]]
    return parts / f"{hashlib.sha256(json.dumps(depends_on, sort_keys=True).encode()).hexdigest()[:32]}.npz"


def _run(
    todo: Sequence[Job], workers: int, done: int, of: int, progress: Callable[[int, int | None], None] | None
) -> dict[str, str]:
    """Do the jobs, and return why some failed."""
    failed = {}
    for outcome in run_jobs(todo, workers):
        done += 1
        if outcome.error:
            failed[outcome.id] = outcome.error
        if progress:
            progress(done, of)
    return failed


def _write(
    out: Path, jobs: Sequence[Job], failed: dict[str, str], made: dict[str, Any], config: LandmarkConfig
) -> ExtractSummary:
    """Put the finished clips into one dataset, in the order of their ids."""
    seen_frames, rarely = 0, {}
    failed = dict(failed)
    if len(failed) == len(jobs):
        raise _nothing(failed)
    with DatasetWriter(out, config.skeleton, "square", made=made) as writer:
        for clip in _finished(jobs, failed, config):
            try:
                writer.add(clip)
            except ClipError as error:
                failed[clip.id] = str(error)
                continue
            share = float(clip.seen.any(axis=1).mean())
            seen_frames += int(clip.seen.any(axis=1).sum())
            if share < 0.5:
                rarely[clip.id] = round(share, 3)
        if not len(writer):
            raise _nothing(failed)
    with Dataset(out) as dataset:
        labels = dataset.table.labels.tolist()
        counts = {label: labels.count(k) for k, label in enumerate(dataset.labels)}
        frames = int(dataset.table.offsets[-1])
    return ExtractSummary(out, counts, frames, seen_frames / frames, dict(sorted(failed.items())), 0, 0.0, rarely)


def _finished(jobs: Sequence[Job], failed: dict[str, str], config: LandmarkConfig) -> Iterator[Clip]:
    for job in jobs:
        if job.recording.id not in failed:
            yield job.read(config.skeleton)


def _nothing(failed: dict[str, str]) -> SourceError:
    listed = "".join(f"\n  {name}: {why}" for name, why in list(failed.items())[:3])
    return SourceError(f"not one of the {len(failed)} recordings became a clip. The first reasons:{listed}")
