"""A clip as a file: an npz with points (T, P, 3) float32, timestamps_ms (T,), skeleton and image_wh. Never a pickle.

It may come from anybody, so what its headers say is held against what is there before memory is taken for it.
"""

import io
import zipfile
import zlib
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Clip
from ademan.errors import ClipError
from ademan.skeleton import BUILT_IN
from ademan.studio.data.errors import StudioError

MOST_FRAMES = 6_000
"""Of a clip: 100 s at 60 frames a second, far more than a gesture takes."""
_MOST_BYTES = 16 * 2**20  # of all arrays together: 6000 frames of the largest built-in skeleton take 5.5 MB
_NAMES = ("points", "timestamps_ms", "skeleton", "image_wh")
_DAMAGE = (zipfile.BadZipFile, zlib.error, KeyError, ValueError, EOFError, TypeError, OSError, RuntimeError)


def to_bytes(clip: Clip) -> bytes:
    """Return a clip as a file's content.

    Raises:
        StudioError: 'bad', it is not of three coordinates in square units, too long, or shows not a single point.
    """
    _check(clip)
    content = io.BytesIO()
    np.savez_compressed(
        content,
        points=clip.points,
        timestamps_ms=clip.timestamps_ms,
        skeleton=np.array(clip.skeleton.name),
        image_wh=np.array(clip.image_wh or (0, 0), np.int64),
    )
    return content.getvalue()


def from_bytes(content: bytes) -> Clip:
    """Return the clip that is in a file's content.

    Raises:
        StudioError: 'bad', it is no such file, damaged, or too large.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            arrays = {name: _array(archive, f"{name}.npy") for name in _NAMES}
        w, h = (int(side) for side in arrays["image_wh"])
    except _DAMAGE as error:
        raise StudioError("bad", f"This is no clip, or a damaged one: {error!s:.200}.") from error
    name = str(arrays["skeleton"])
    if name not in BUILT_IN:
        raise StudioError("bad", f"The clip has a skeleton {name!a:.40} that is not known here.")
    if arrays["points"].dtype != np.float32 or arrays["timestamps_ms"].dtype != np.float64:
        raise StudioError("bad", "The clip's points must be float32 and its times float64.")
    try:
        clip = Clip(arrays["points"], arrays["timestamps_ms"], BUILT_IN[name], image_wh=(w, h) if h else None)
    except ClipError as error:
        raise StudioError("bad", str(error)) from error
    _check(clip)
    return clip


def _check(clip: Clip) -> None:
    if clip.coordinates != "square" or clip.points.shape[2] != 3:
        found = f"{clip.points.shape[2]} numbers a point in {clip.coordinates} coordinates"
        raise StudioError("bad", f"A clip of the studio has three numbers a point in square coordinates, not {found}.")
    if BUILT_IN.get(clip.skeleton.name) != clip.skeleton:
        raise StudioError("bad", f"The skeleton '{clip.skeleton.name}' is not one of those that are built in.")
    if len(clip) > MOST_FRAMES:
        raise StudioError("bad", f"The clip has {len(clip):,} frames; {MOST_FRAMES:,} are the most.")
    if not clip.seen.any():
        raise StudioError("bad", f"Not a single point was seen in the {len(clip)} frames of the clip.")


def _array(archive: zipfile.ZipFile, name: str) -> NDArray[Any]:
    """Read one array whose header and whose length agree."""
    if archive.getinfo(name).file_size > _MOST_BYTES:
        raise ValueError(f"{name} is too large")
    file = io.BytesIO(archive.read(name))
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"{name} has a header of version {version}")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    rest = file.read()
    if dtype.hasobject or dtype.kind not in "fiU" or fortran or prod(shape) * dtype.itemsize != len(rest):
        raise ValueError(f"{name} is not the array that its header tells of")
    return np.frombuffer(rest, dtype).reshape(shape)
