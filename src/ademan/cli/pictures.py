"""`ademan pictures`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.cli.terminal import Json, cores, out, plain, print_json, print_table, progress, warn
from ademan.extraction.pictures import PictureOptions, PictureSummary
from ademan.extraction.pictures import pictures as cut_out
from ademan.pictures import PictureConfig

_Flat = Parameter(name="*")
_SHOWN = 5


def pictures(
    source: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    config: Annotated[PictureConfig, _Flat] = PictureConfig(),
    options: Annotated[PictureOptions, _Flat] = PictureOptions(),
    background_picture: Path | None = None,
    workers: int = 0,
    json: Json = False,
) -> None:
    """Cut hands or silhouettes out of photos and videos, and write them as a dataset for the network cnn.

    Args:
        source: folder of photos, videos and frame folders, such as GESTURE/WHO_1.jpg; or one of them.
        output: dataset file.
        background_picture: picture of the empty scene, from which silhouettes stand out.
        workers: processes that work at the same time; 0 takes one a core.
        json: print one JSON object.
    """
    with progress("cutting out") as show:
        summary = cut_out(
            source,
            output,
            config,
            options,
            background=background_picture,
            workers=workers or cores(),
            progress=show,
        )
    if json:
        print_json(summary.to_json())
    else:
        _print(summary, config)


def _print(summary: PictureSummary, config: PictureConfig) -> None:
    clips = sum(summary.clips.values())
    out.print(
        f"{clips:,} clips, {summary.frames:,} pictures, a {config.of} in {summary.seen:.1%} of them, "
        f"{summary.seconds:.0f} s: {plain(summary.path)}"
    )
    print_table(("label", "clips"), list(summary.clips.items()))
    for name, why in list(summary.failed.items())[:_SHOWN]:
        warn(f"skipped {name}: {why}")
    if len(summary.failed) > _SHOWN:
        warn(f"... {len(summary.failed)} were skipped in all; see {summary.path.stem}_pictures.json")
