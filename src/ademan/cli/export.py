"""`ademan export`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.bundle import read_bundle, write_bundle
from ademan.cli.terminal import out, plain
from ademan.datasets import Dataset
from ademan.datasets.export import export_json, export_npz
from ademan.errors import ConfigError
from ademan.files import written_whole


def export(
    source: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    frames: int | None = None,
) -> None:
    """Write a dataset as npz or one of its clips as JSON for other programs, or a bundle as one file or a folder.

    Args:
        source: DATASET.h5, DATASET.h5#CLIP, or a bundle.
        output: FILE.npz for a dataset, with FILE_labels.json beside it; FILE.json for a clip, as a server takes it;
            FILE.zip, FILE.onnx or a folder for a bundle.
        frames: of each clip in an npz file; the median length by default.
    """
    name, _, clip = source.partition("#")
    if output.suffix != ".npz" and frames is not None:
        raise ConfigError(f"--frames is for datasets, which are exported as FILE.npz; the output is {output}.")
    if bool(clip) != (output.suffix == ".json"):
        raise ConfigError(f"DATASET.h5#CLIP and FILE.json belong together; found {source} and {output}.")
    if output.suffix in (".npz", ".json"):
        with Dataset(Path(name)) as dataset:
            if clip:
                export_json(dataset[dataset.find(clip)], output)
            else:
                export_npz(dataset, output, frames)
    else:
        _export_bundle(Path(source), output)
    out.print(plain(output))


def _export_bundle(source: Path, output: Path) -> None:
    bundle = read_bundle(source)
    if output.suffix == ".onnx":
        with written_whole(output) as beside:
            beside.write_bytes(bundle.graph)
    else:
        write_bundle(output, bundle.manifest, bundle.graph, bundle.golden)
