"""`ademan import`: one command a format."""

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from ademan.cli.terminal import Json, out, plain, print_json, print_table, progress, warn
from ademan.datasets.importers import (
    CsvOptions,
    Hdf5Options,
    NpzOptions,
    PysklOptions,
    Source,
    csv,
    hdf5,
    import_clips,
    npz,
    pyskl,
)

_Output = Annotated[Path, Parameter(alias="-o")]
_Flat = Parameter(name="*")
_SHOWN = 5

app = App(name="import", help="Turn public or older data into a dataset.")


@app.command(name="pyskl")
def import_pyskl(
    source: Path,
    /,
    *,
    output: _Output,
    options: Annotated[PysklOptions, _Flat] = PysklOptions(),
    json: Json = False,
) -> None:
    """Import a pickle of keypoints as PYSKL and MMAction2 publish them: UCF101, HMDB51, JHMDB, NTU RGB+D.

    Args:
        source: the pickle; nothing in it is run.
        output: dataset file.
        json: print one JSON object.
    """
    _import(pyskl.read(source, options), output, json=json)


@app.command(name="npz")
def import_npz(
    source: Path,
    /,
    *sources: Path,
    output: _Output,
    options: Annotated[NpzOptions, _Flat] = NpzOptions(),
    json: Json = False,
) -> None:
    """Import arrays of landmarks: X (N, T, F) and y, or points and offsets; with their labels file.

    Args:
        source: a file, or a folder of them.
        sources: more files, such as NAME_test.npz beside NAME_train.npz.
        output: dataset file.
        json: print one JSON object.
    """
    _import(npz.read([source, *sources] if sources else source, options), output, json=json)


@app.command(name="csv")
def import_csv(
    source: Path,
    /,
    *,
    output: _Output,
    options: Annotated[CsvOptions, _Flat] = CsvOptions(),
    json: Json = False,
) -> None:
    """Import a table of keypoints: a label and the values of one clip on each line.

    Args:
        source: the table.
        output: dataset file.
        json: print one JSON object.
    """
    _import(csv.read(source, options), output, json=json)


@app.command(name="hdf5")
def import_hdf5(
    source: Path,
    /,
    *,
    output: _Output,
    options: Annotated[Hdf5Options, _Flat] = Hdf5Options(),
    json: Json = False,
) -> None:
    """Import embeddings of older programs: embeddings/data (N, T, 12, 768) and labels/data (N,) in HDF5.

    Args:
        source: the file.
        output: dataset file.
        json: print one JSON object.
    """
    _import(hdf5.read(source, options), output, json=json)


def _import(source: Source, output: Path, *, json: bool) -> None:
    with progress("importing") as show:
        summary = import_clips(source, output, show)
    if json:
        print_json(summary.to_json())
        return
    clips = sum(summary.clips.values()) + summary.unlabelled
    out.print(f"{clips:,} clips, {summary.frames:,} frames, skeleton {plain(summary.skeleton)}: {plain(output)}")
    print_table(("label", "clips"), list(summary.clips.items()))
    for name, parts in summary.splits.items():
        out.print(f"official:{plain(name)}  " + ", ".join(f"{plain(part)} {count}" for part, count in parts.items()))
    for item in summary.skipped[:_SHOWN]:
        warn(f"skipped {item.id}: {item.reason}")
    if len(summary.skipped) > _SHOWN:
        warn(f"... {len(summary.skipped)} recordings were skipped in all; --json lists them")
    for note in summary.notes:
        warn(note)


__all__ = ["app"]
