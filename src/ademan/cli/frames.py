"""`ademan frames`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.cli.terminal import Json, out, plain, print_json, print_table, progress, warn
from ademan.extraction.frames import FramesOptions, FramesSummary, write_frames

_Flat = Parameter(name="*")
_SHOWN = 5


def frames(
    videos: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    options: Annotated[FramesOptions, _Flat] = FramesOptions(),
    overwrite: bool = False,
    json: Json = False,
) -> None:
    """Write evenly spread frames of videos as pictures, CLASS/VIDEO_frame_N.jpg.

    Args:
        videos: folder of videos, such as GESTURE/GESTURE_SUBJECT_1.mp4; or one video.
        output: folder of the pictures. Videos whose pictures are there already are passed over.
        overwrite: replace pictures that were made with other options, or of another video of the same name.
        json: print one JSON object.
    """
    with progress("writing pictures") as show:
        summary = write_frames(videos, output, options, overwrite=overwrite, progress=show)
    if json:
        print_json(summary.to_json())
    else:
        _print(summary)


def _print(summary: FramesSummary) -> None:
    again = f", {summary.passed_over} of them from a run before" if summary.passed_over else ""
    out.print(
        f"{sum(summary.videos.values()):,} videos{again}, {summary.pictures:,} pictures written, "
        f"{summary.seconds:.0f} s: {plain(summary.path)}"
    )
    print_table(("label", "videos"), list(summary.videos.items()))
    for name, pictures in list(summary.skipped.items())[:_SHOWN]:
        warn(f"{name}: passed over or missing: {', '.join(pictures[:_SHOWN])}")
    for name, why in list(summary.failed.items())[:_SHOWN]:
        warn(f"skipped {name}: {why}")
    if len(summary.failed) > _SHOWN:
        warn(f"... {len(summary.failed)} videos were skipped in all; --json lists them")
