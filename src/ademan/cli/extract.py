"""`ademan extract`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.cli.terminal import Json, cores, out, plain, print_json, print_table, progress, warn
from ademan.extraction import ExtractOptions, ExtractSummary
from ademan.extraction import extract as find_points
from ademan.extraction.extract import NPZ
from ademan.landmarks import LandmarkConfig

_Flat = Parameter(name="*")
_SHOWN = 5


def extract(
    raw_videos: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    config: Annotated[LandmarkConfig, _Flat] = LandmarkConfig(),
    options: Annotated[ExtractOptions, _Flat] = ExtractOptions(),
    workers: int = 0,
    resume: Annotated[bool, Parameter(negative=("--no-resume",))] = True,
    overlay: Path | None = None,
    npz: bool = False,
    json: Json = False,
) -> None:
    """Find the points of hands or bodies in videos and frame folders, and write them as a dataset.

    Args:
        raw_videos: folder of videos, such as GESTURE/GESTURE_SUBJECT_1.mp4; or one video.
        output: dataset file.
        workers: processes that work at the same time; 0 takes one a core.
        resume: take over what a run that was cut short had finished.
        overlay: folder for videos with the points drawn, to look at.
        npz: also write gesture_dataset.npz and gesture_dataset_labels.json beside the dataset.
        json: print one JSON object.
    """
    with progress("extracting") as show:
        summary = find_points(
            raw_videos,
            output,
            config,
            options,
            workers=workers or cores(),
            resume=resume,
            overlay=overlay,
            npz=npz,
            progress=show,
        )
    if json:
        print_json(summary.to_json())
    else:
        _print(summary, overlay, npz=npz)


def _print(summary: ExtractSummary, overlay: Path | None, *, npz: bool) -> None:
    clips = sum(summary.clips.values())
    again = f", {summary.resumed} of them from the run before" if summary.resumed else ""
    out.print(
        f"{clips:,} clips{again}, {summary.frames:,} frames, points found in {summary.seen:.1%} of them, "
        f"{summary.seconds:.0f} s: {plain(summary.path)}"
    )
    print_table(("label", "clips"), list(summary.clips.items()))
    if npz:
        out.print(f"for other programs: {plain(summary.path.with_name(NPZ))}")
    if overlay:
        out.print(f"to look at: {plain(overlay)}")
    for name, why in list(summary.failed.items())[:_SHOWN]:
        warn(f"skipped {name}: {why}")
    if len(summary.failed) > _SHOWN:
        warn(f"... {len(summary.failed)} recordings were skipped in all; see {summary.path.stem}_extraction.json")
    if summary.rarely_seen:
        worst = sorted(summary.rarely_seen.items(), key=lambda item: item[1])[:_SHOWN]
        listed = ", ".join(f"{name} {share:.0%}" for name, share in worst)
        warn(f"{len(summary.rarely_seen)} clips show points in fewer than half of their frames: {listed}")
