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
_FLOAT32 = np.dtype(np.float32)
TOLERANCE = 1e-4
"""Largest difference of a probability from its golden value: float32 on another processor stays far below it."""
_LARGEST_BYTES = {MANIFEST: 2**22, MODEL: 2**28, GOLDEN: 2**24}
"""Of a file, and of all arrays in `golden.npz` together: whoever reads a bundle need not have made it.

A graph may have 67 million weights, and `golden_windows` of 1000 points take 4 MB.
"""
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # `ZipExtFile.read` unpacks no more than asked of these

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
    manifest, own = _manifest(path, read(MANIFEST))
    contents = {name: read(name) for name in (MODEL, GOLDEN)}
    found = {name: _sha256(content) for name, content in contents.items()} | {MANIFEST: own}
    for name, checksum in found.items():
        if checksum != manifest.sha256.get(name):
            raise BundleError(
                f"{path}: {name} is not what it was when exported (SHA-256 {checksum[:12]}..., expected "
                f"{str(manifest.sha256.get(name))[:12]}...). It was damaged or altered: fetch or export it again."
            )
    return Bundle(manifest, contents[MODEL], _golden(path, contents[GOLDEN], manifest))


def _manifest(path: Path, text: bytes) -> tuple[Manifest, str]:
    """Return the manifest, and the checksum that it has."""
    try:
        saved = json.loads(text)
        if not isinstance(saved, dict):
            raise BundleError(f"{path}: {MANIFEST} holds a {type(saved).__name__}, expected an object.")
        checksum = _own_checksum(saved)
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{path}: {MANIFEST} is no JSON: {error}.") from error
    try:
        return Manifest.from_json(saved), checksum
    except BundleError as error:
        raise BundleError(f"{path}: {error}") from error


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
    _check_size(path, name, file.stat().st_size)
    return file.read_bytes()


def _from_zip(path: Path, name: str) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            _check_size(path, name, archive.getinfo(name).file_size)
            return _unpacked(archive, name)
    except BundleError:
        raise
    except KeyError:
        raise BundleError(f"{path} is no bundle, or was cut short: it has no {name}.") from None
    except Exception as error:  # zip and zlib have errors of their own for damage, passwords and odd compressions
        raise BundleError(f"{path} is damaged, or no zip file: {name}: {error}. Fetch it again.") from error


def _unpacked(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return the content of a file in an archive, and never more than the archive's list of files says."""
    member = archive.getinfo(name)
    if member.compress_type not in _COMPRESSIONS:
        raise zipfile.BadZipFile(f"compression {member.compress_type}, expected 0 (none) or 8 (deflate)")
    with archive.open(member) as file:
        return file.read(member.file_size)


def _check_size(path: Path, name: str, size: int) -> None:
    largest = _LARGEST_BYTES[name]
    if size > largest:
        raise BundleError(f"{path}: {name} is larger than {largest >> 20} MB ({size:,} bytes); that is no bundle.")


def _golden(path: Path, content: bytes, manifest: Manifest) -> Golden:
    """Return the golden pairs, each proven to be what the manifest promises."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_size(path, GOLDEN, sum(member.file_size for member in archive.infolist()))
            pairs = [
                (_array(archive, f"input_{i}.npy"), _array(archive, f"output_{i}.npy"))
                for i in range(len(archive.infolist()) // 2)
            ]
    except BundleError:
        raise
    except Exception as error:  # zip, zlib and NumPy each have errors of their own for damage
        raise BundleError(f"{path}: {GOLDEN} cannot be read: {error}.") from error
    if not pairs:
        raise BundleError(f"{path}: {GOLDEN} is empty, so nothing proves what the model gives. Export again.")
    for points, probabilities in pairs:
        _check_pair(path, points, probabilities, manifest)
    return pairs


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.lib.format.read_array(io.BytesIO(_unpacked(archive, name)), allow_pickle=False)
    return array


def _check_pair(path: Path, points: NDArray[Any], probabilities: NDArray[Any], manifest: Manifest) -> None:
    """Refuse golden arrays other than points (N, T, P, C) and probabilities (N, K) of the manifest."""
    shape, K = (len(manifest.skeleton), manifest.channels), len(manifest.labels)
    if points.shape[2:] != shape or probabilities.shape[1:] != (K,):
        raise BundleError(
            f"{path}: the manifest has {K} labels and points of shape {shape}; those of {GOLDEN} have "
            f"{probabilities.shape[1:]} and {points.shape[2:]}. A label is missing or too many: export again."
        )
    if not points.size or len(points) != len(probabilities) or {points.dtype, probabilities.dtype} != {_FLOAT32}:
        raise BundleError(
            f"{path}: {GOLDEN} has points of {points.dtype} {points.shape} and probabilities of {probabilities.dtype} "
            f"{probabilities.shape}; expected float32, equally many, one window or more of one frame or more."
        )


def _own_checksum(manifest: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest without its checksums, keys sorted."""
    rest = {key: value for key, value in manifest.items() if key != "sha256"}
    return _sha256(json.dumps(rest, sort_keys=True).encode())


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
