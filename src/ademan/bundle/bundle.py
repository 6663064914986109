"""A bundle: the folder, or its .zip, that holds a trained model and all that is needed to trust it.

    model.onnx      points (N, T, P, C), NaN for missing, to probabilities (N, K); normalisation is inside
    manifest.json   the contract, and the SHA-256 of the other two files
    golden.npz      inputs, and the outputs that they must give: input_0, output_0, input_1, ...

The golden inputs are made up, so a bundle carries nobody's recordings.
"""

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.bundle.manifest import Manifest
from ademan.errors import BundleError
from ademan.files import written_whole

MODEL, MANIFEST, GOLDEN = "model.onnx", "manifest.json", "golden.npz"
TOLERANCE = 1e-4
"""Largest difference of a probability from its golden value: float32 on another processor stays far below it."""
_LARGEST_BYTES = 2**30  # of one file in a bundle: a graph of 250 million weights

Golden = Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Pairs of points (N, T, P, C) and probabilities (N, K)."""


@dataclass(frozen=True, eq=False)
class Bundle:
    """A bundle in memory, its checksums proven.

    Args:
        manifest: the contract.
        graph: the content of `model.onnx`.
        golden: inputs and the outputs that they must give.
    """

    manifest: Manifest
    graph: bytes
    golden: Golden


def write_bundle(path: Path, manifest: Manifest, graph: bytes, golden: Golden) -> Manifest:
    """Write a bundle, whole or not at all: a folder, or one file if the path ends in .zip.

    Returns:
        The manifest with the checksums.
    """
    buffer = io.BytesIO()
    pairs = {
        f"{name}_{i}": array
        for i, pair in enumerate(golden)
        for name, array in zip(("input", "output"), pair, strict=True)
    }
    np.savez_compressed(buffer, allow_pickle=False, **pairs)
    contents = {MODEL: graph, GOLDEN: buffer.getvalue()}
    checksums = {name: _sha256(content) for name, content in contents.items()}
    manifest = replace(manifest, sha256=checksums | {MANIFEST: _own_checksum(manifest.to_json())})
    contents[MANIFEST] = (json.dumps(manifest.to_json(), indent=2, allow_nan=False) + "\n").encode()
    with written_whole(path) as beside:
        if path.suffix == ".zip":
            with zipfile.ZipFile(beside, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, content in contents.items():
                    archive.writestr(zipfile.ZipInfo(name), content)  # a fixed date, so that equal bundles are equal
        else:
            beside.mkdir()
            for name, content in contents.items():
                (beside / name).write_bytes(content)
    return manifest


def read_bundle(path: Path | str) -> Bundle:
    """Read a bundle, folder or .zip, and prove its checksums; nothing in it is run.

    Raises:
        BundleError: missing, incomplete, altered, or of another version.
    """
    path = Path(path)
    read = _reader(path)
    manifest_text = read(MANIFEST)
    try:
        saved = json.loads(manifest_text)
    except ValueError as error:
        raise BundleError(f"{path}: {MANIFEST} is no JSON: {error}.") from error
    if not isinstance(saved, dict):
        raise BundleError(f"{path}: {MANIFEST} holds a {type(saved).__name__}, expected an object.")
    try:
        manifest = Manifest.from_json(saved)
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error
    contents = {name: read(name) for name in (MODEL, GOLDEN)}
    found = {name: _sha256(content) for name, content in contents.items()} | {MANIFEST: _own_checksum(saved)}
    for name, checksum in found.items():
        if checksum != manifest.sha256.get(name):
            raise BundleError(
                f"{path}: {name} is not what it was when exported (SHA-256 {checksum[:12]}..., expected "
                f"{str(manifest.sha256.get(name))[:12]}...). It was damaged or altered: fetch or export it again."
            )
    return Bundle(manifest, contents[MODEL], _golden(path, contents[GOLDEN], manifest))


def _reader(path: Path) -> Callable[[str], bytes]:
    """Return a function that reads a file of the bundle by name."""
    if path.is_dir():
        return lambda name: _from_folder(path, name)
    if path.is_file():
        return lambda name: _from_zip(path, name)
    raise BundleError(f"there is no bundle {path}. A run folder keeps it in RUN/bundle.")


def _from_folder(path: Path, name: str) -> bytes:
    file = path / name
    if not file.is_file():
        inside = path / "bundle" / name
        hint = f" Did you mean {path / 'bundle'}?" if inside.is_file() else ""
        raise BundleError(f"{path} is no bundle: it has no {name}.{hint}")
    return file.read_bytes()


def _from_zip(path: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(name).file_size > _LARGEST_BYTES:
                raise BundleError(f"{path}: {name} is larger than {_LARGEST_BYTES >> 20} MB; that is no bundle.")
            return archive.read(name)
    except KeyError:
        raise BundleError(f"{path} is no bundle, or was cut short: it has no {name}.") from None
    except (zipfile.BadZipFile, EOFError, OSError, zlib.error) as error:
        raise BundleError(f"{path} is damaged, or no zip file: {error}. Fetch it again.") from error


def _golden(path: Path, content: bytes, manifest: Manifest) -> Golden:
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            pairs = [(arrays[f"input_{i}"], arrays[f"output_{i}"]) for i in range(len(arrays.files) // 2)]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(f"{path}: {GOLDEN} cannot be read: {error}.") from error
    shape, K = (len(manifest.skeleton), manifest.channels), len(manifest.labels)
    for points, probabilities in pairs:
        if points.shape[2:] != shape or probabilities.shape[1:] != (K,):
            raise BundleError(
                f"{path}: the manifest has {K} labels and points of shape {shape}; the golden vectors have "
                f"{probabilities.shape[1:]} and {points.shape[2:]}. A label is missing or too many: export again."
            )
    if not pairs:
        raise BundleError(f"{path}: {GOLDEN} is empty, so nothing proves what the model gives. Export again.")
    return pairs


def _own_checksum(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest without its checksums, keys sorted."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return _sha256(json.dumps(rest, sort_keys=True).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
