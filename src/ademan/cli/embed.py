"""`ademan embed`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.cli.terminal import Json, out, plain, print_json, print_table, progress, warn
from ademan.embeddings import EmbedConfig
from ademan.extraction.embed import EmbedOptions, EmbedSummary, show_changes
from ademan.extraction.embed import embed as make_dataset

_Flat = Parameter(name="*")
_SHOWN = 5


def embed(
    source: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    config: Annotated[EmbedConfig, _Flat] = EmbedConfig(),
    options: Annotated[EmbedOptions, _Flat] = EmbedOptions(),
    sheet: Path | None = None,
    resume: Annotated[bool, Parameter(negative=("--no-resume",))] = True,
    json: Json = False,
) -> None:
    """Embed videos and frame folders with networks trained on pictures, and write them as a dataset.

    Args:
        source: folder of videos, such as GESTURE/GESTURE_SUBJECT_1.mp4, or of pictures, such as
            GESTURE/VIDEO_frame_0.jpg; or one video.
        output: dataset file.
        sheet: picture of the first recording and of changed copies of it; it is written before all else.
        resume: take over what a run that was cut short had finished.
        json: print one JSON object.
    """
    if sheet is not None:
        show_changes(source, sheet, options)
    with progress("embedding") as show:
        summary = make_dataset(source, output, config, options, resume=resume, progress=show)
    if json:
        print_json(summary.to_json())
    else:
        _print(summary)


def _print(summary: EmbedSummary) -> None:
    clips = sum(summary.clips.values())
    again = f", {summary.resumed:,} of them from the run before" if summary.resumed else ""
    copies = f", {summary.copies:,} of them changed copies" if summary.copies else ""
    out.print(
        f"{clips:,} clips{again}{copies}; {summary.embedded:,} pictures embedded in {summary.seconds:.0f} s, "
        f"{summary.frames_per_second:.3g} a second; {summary.megabytes:,.1f} MB: {plain(summary.path)}"
    )
    print_table(("label", "clips"), list(summary.clips.items()))
    if summary.seen < 1:
        out.print(f"hands found: {summary.seen:.1%} of what two hands in each frame would be")
    for name, why in list(summary.failed.items())[:_SHOWN]:
        warn(f"skipped {name}: {why}")
    for name, pictures in list(summary.skipped.items())[:_SHOWN]:
        listed = ", ".join(pictures[:_SHOWN]) + (" ..." if len(pictures) > _SHOWN else "")
        warn(f"{name}: pictures are missing, unreadable or of another size: {listed}")
    if max(len(summary.failed), len(summary.skipped)) > _SHOWN:
        warn(
            f"{len(summary.failed)} recordings were skipped, {len(summary.skipped)} lack pictures; "
            f"see {summary.path.stem}_embedding.json"
        )
