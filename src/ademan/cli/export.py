"""`ademan export`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.bundle import read_bundle, write_bundle
from ademan.cli.terminal import out, plain
from ademan.datasets import Dataset
from ademan.datasets.export import export_npz
from ademan.errors import ConfigError
from ademan.files import written_whole


def export(
    source: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    frames: int | None = None,
) -> None:
    """Write a dataset as npz for other programs, or a bundle as one file or a folder.

    Args:
        source: DATASET.h5, or a bundle.
        output: FILE.npz for a dataset, with FILE_labels.json beside it; FILE.zip, FILE.onnx or a folder for a bundle.
        frames: of each clip in an npz file; the median length by default.
    """
    if output.suffix == ".npz":
        with Dataset(source) as dataset:
            export_npz(dataset, output, frames)
    elif frames is not None:
        raise ConfigError(f"--frames is for datasets, which are exported as FILE.npz; the output is {output}.")
    else:
        _export_bundle(source, output)
    out.print(plain(output))


def _export_bundle(source: Path, output: Path) -> None:
    bundle = read_bundle(source)
    if output.suffix == ".onnx":
        with written_whole(output) as beside:
            beside.write_bytes(bundle.graph)
    else:
        write_bundle(output, bundle.manifest, bundle.graph, bundle.golden)
