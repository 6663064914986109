"""What comes over the wire, to clips and frames of the kind that a bundle takes.

Everything in here may be garbage: each value is looked at before it is used, and what is wrong is said with its place.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from reprlib import Repr
from typing import Any, TypeGuard

import numpy as np
import orjson
from numpy.typing import NDArray

from ademan.bundle import Manifest
from ademan.clip import Clip, Points, as_fractions, as_square, times_at
from ademan.datasets.importers.npz import without_zeros
from ademan.errors import ClipError
from ademan.server.errors import ApiError

MOST_FRAMES, MOST_SEQUENCES = 10_000, 256
"""Of a sequence, and of a request."""
LEAST_FPS, MOST_FPS = 0.001, 10_000.0
"""Frames per second: from a picture in a quarter of an hour to the fastest cameras."""
MOST_PIXELS = 100_000
"""Width and height of a picture, at most."""
_MOST_MS = 1e15  # of a time: some thirty thousand years from 1970, to an eighth of a millisecond
_LARGEST = 1e6  # of a coordinate: beyond it, float32 has no room left for a hand
_FIELDS = {"sequence", "sequences", "timestamps_ms", "fps", "coordinates", "image_wh"}
_HEAD = 8  # bytes of a packed frame before its points: float64, milliseconds


@dataclass(frozen=True)
class Units:
    """What one unit of the points is that somebody sends.

    Args:
        coordinates: "fraction" or "square"; empty for what the bundle takes.
        image_wh: width and height of the pictures, for the two.
    """

    coordinates: str = ""
    image_wh: tuple[int, int] | None = None

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> "Units":
        """Return the units that a request names."""
        coordinates, size = content.get("coordinates"), content.get("image_wh")
        if coordinates not in (None, "", "fraction", "square"):
            raise ApiError("bad_request", f"coordinates: expected 'fraction' or 'square', found {_shown(coordinates)}.")
        if coordinates and size is None:
            raise ApiError("bad_request", f"coordinates '{coordinates}' need image_wh, such as [640, 480].")
        return cls(coordinates or "", None if size is None else _size(size))

    def applied(self, points: Points, manifest: Manifest) -> Points:
        """Return points (T, P, C) in the coordinates of a bundle."""
        wanted = manifest.coordinates
        if not self.coordinates or self.coordinates == wanted or self.image_wh is None:
            return points
        if wanted == "metres":
            raise ApiError("bad_points", f"the bundle takes metres, which '{self.coordinates}' cannot be turned into.")
        return as_square(points, self.image_wh) if wanted == "square" else as_fractions(points, self.image_wh)


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the object that a body holds."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError("bad_json", f"the body is no JSON: {error}. A number that is not known is null.") from None
    if not isinstance(content, dict):
        raise ApiError("bad_request", f"expected a JSON object, found {_shown(content)}.")
    return content


def read_json(content: Mapping[str, Any], manifest: Manifest) -> list[Clip]:
    """Return the clips of a request.

    Raises:
        ApiError: a field is unknown or of another kind, or the points are not what the bundle takes.
    """
    unknown = sorted(set(content) - _FIELDS)
    if unknown:
        raise ApiError("bad_request", f"unknown: {_shown(unknown)}. There are: {', '.join(sorted(_FIELDS))}.")
    if ("sequence" in content) == ("sequences" in content):
        raise ApiError("bad_request", "expected either 'sequence' or 'sequences', a list of them.")
    units, fps, times = Units.read(content), content.get("fps"), content.get("timestamps_ms")
    if "sequence" in content:
        return [_clip(content["sequence"], _times(times, fps, "timestamps_ms"), units, manifest, "sequence")]
    sequences = content["sequences"]
    if not isinstance(sequences, list) or not 1 <= len(sequences) <= MOST_SEQUENCES:
        raise ApiError(
            "bad_request", f"sequences: expected a list of 1 to {MOST_SEQUENCES}, found {_shown(sequences)}."
        )
    each = [None] * len(sequences) if times is None else times
    if not isinstance(each, list) or len(each) != len(sequences):
        raise ApiError(
            "bad_request",
            f"timestamps_ms: expected a list for each of the {len(sequences)} sequences, found {_shown(times)}.",
        )
    return [
        _clip(sequence, _times(each[i], fps, f"timestamps_ms[{i}]"), units, manifest, f"sequences[{i}]")
        for i, sequence in enumerate(sequences)
    ]


def read_packed(body: bytes, query: Mapping[str, str], manifest: Manifest) -> Clip:
    """Return the clip of a body of float32, little-endian: frame, point, coordinate."""
    P, channels = len(manifest.skeleton), query.get("channels", str(manifest.channels))
    if channels not in {str(manifest.channels), "3"}:
        wanted = "3" if manifest.channels == 3 else "2 or 3"
        raise ApiError("bad_request", f"channels: expected {wanted}, found {_shown(channels)}.")
    size = [_number(query[name], name) for name in ("image_width", "image_height") if name in query]
    units = Units.read({"coordinates": query.get("coordinates"), "image_wh": size or None})
    fps = _number(query["fps"], "fps") if "fps" in query else None
    frame = 4 * P * int(channels)
    if not body or len(body) % frame:
        raise ApiError(
            "bad_points",
            f"the body has {len(body)} bytes; expected one frame or more of {frame} bytes: "
            f"{P} points, {channels} numbers each, 4 bytes a number.",
        )
    points = np.frombuffer(body, "<f4").reshape(-1, frame // 4)
    return _clip_of(points, _times(None, fps, ""), units, manifest, "body")


def read_frame(content: Any, manifest: Manifest) -> tuple[Points, float]:
    """Return the points (P, C) of a frame of a stream, and its time.

    Args:
        content: an object with `timestamp_ms` and `points`, or bytes: float64, then float32.
        manifest: of the bundle.
    """
    if isinstance(content, (bytes, bytearray)):
        return _packed_frame(bytes(content), manifest)
    if not isinstance(content, dict):
        raise ApiError("bad_points", f"expected an object with 'timestamp_ms' and 'points', found {_shown(content)}.")
    time_ms = content.get("timestamp_ms")
    if not _is_time(time_ms):
        raise ApiError("bad_points", f"timestamp_ms: expected milliseconds, found {_shown(time_ms)}.")
    values = _numbers([content.get("points")], manifest, "points")
    return _as_taken(values, Units.read(content), manifest, "points")[0], float(time_ms)


def _packed_frame(content: bytes, manifest: Manifest) -> tuple[Points, float]:
    P, C = len(manifest.skeleton), manifest.channels
    if len(content) not in {_HEAD + 4 * P * C, _HEAD + 12 * P}:
        raise ApiError(
            "bad_points",
            f"a frame has {len(content)} bytes; expected {_HEAD} for the time, and {4 * P * C} for {P} points of "
            f"{C} numbers{'' if C == 3 else f', or {12 * P} with a third one'}.",
        )
    (time_ms,) = struct.unpack_from("<d", content)
    if not _is_time(time_ms):
        raise ApiError("bad_points", f"the time of the frame is {time_ms:g}; expected milliseconds.")
    points = np.frombuffer(content, "<f4", offset=_HEAD).reshape(1, -1)
    return _as_taken(points, Units(), manifest, "points")[0], time_ms


@dataclass(frozen=True)
class _Times:
    """When the frames were: each by itself, or at a constant rate."""

    milliseconds: NDArray[np.float64] | None
    fps: float | None
    where: str

    def of(self, frames: int, manifest: Manifest) -> NDArray[np.float64]:
        if self.milliseconds is None:
            return times_at(self.fps or manifest.fps, frames)
        if len(self.milliseconds) != frames:
            raise ApiError("bad_points", f"{self.where} has {len(self.milliseconds)} times for {frames} frames.")
        return self.milliseconds


def _times(times: Any, fps: Any, where: str) -> _Times:
    if fps is not None and not (_is_number(fps) and LEAST_FPS <= fps <= MOST_FPS):
        raise ApiError(
            "bad_request", f"fps: expected a number from {LEAST_FPS:g} to {MOST_FPS:g}, found {_shown(fps)}."
        )
    if times is None:
        return _Times(None, fps, where)
    if not isinstance(times, list):
        raise ApiError("bad_request", f"{where}: expected a list of milliseconds, found {_shown(times)}.")
    odd = next((i for i, time in enumerate(times) if not _is_time(time)), None)
    if odd is not None:
        raise ApiError("bad_request", f"{where}: expected milliseconds at {odd}, found {_shown(times[odd])}.")
    return _Times(np.array(times, np.float64), None, where)


def _clip(frames: Any, times: _Times, units: Units, manifest: Manifest, where: str) -> Clip:
    if not isinstance(frames, list) or not frames:
        raise ApiError("bad_points", f"{where}: expected a list of one frame or more, found {_shown(frames)}.")
    _check_count(len(frames), where)
    return _clip_of(_numbers(frames, manifest, where), times, units, manifest, where)


def _clip_of(values: NDArray[Any], times: _Times, units: Units, manifest: Manifest, where: str) -> Clip:
    _check_count(len(values), where)
    points = _as_taken(values, units, manifest, where)
    try:
        when = times.of(len(points), manifest)
        return Clip(points, when, manifest.skeleton, id=where, coordinates=manifest.coordinates)
    except ClipError as error:
        raise ApiError("bad_points", str(error)) from None


def _check_count(frames: int, where: str) -> None:
    if frames > MOST_FRAMES:
        raise ApiError("bad_points", f"{where} has {frames} frames; at most {MOST_FRAMES} are taken.")


def _numbers(frames: Sequence[Any], manifest: Manifest, where: str) -> NDArray[np.float64]:
    """Return frames of numbers and nulls, in points or one after the other, as (T, values); null is NaN."""
    rows: list[list[float | None]] = []
    for i, frame in enumerate(frames):
        try:
            rows.append(_row(frame, len(manifest.skeleton)))
            _check_size(len(rows[i]), manifest)
        except ValueError as error:
            raise ApiError("bad_points", f"{where}: frame {i} {error}") from None
        if len(rows[i]) != len(rows[0]):
            raise ApiError(
                "bad_points",
                f"{where}: frame {i} has {len(rows[i])} numbers, the first one {len(rows[0])}; all must be alike.",
            )
    try:
        return np.array(rows, np.float64)
    except OverflowError:  # an integer of hundreds of digits
        raise _too_large(where) from None


def _row(frame: Any, P: int) -> list[float | None]:
    """Return the numbers of a frame of P points, one after the other.

    Raises:
        ValueError: it is something else; says what.
    """
    if not isinstance(frame, list):
        raise ValueError(f"is {_shown(frame)}; expected a list of points, or of numbers.")
    if list not in set(map(type, frame)):
        return _checked(frame)
    odd = [point for point in frame if not isinstance(point, list)]
    if odd:
        raise ValueError(f"holds points and, beside them, {_shown(odd[0])}; expected one kind of them.")
    if len(frame) != P:
        raise ValueError(f"has {len(frame)} points; the bundle takes {P}.")
    short = next((i for i, point in enumerate(frame) if len(point) != len(frame[0])), None)
    if short is not None:
        raise ValueError(f"has {len(frame[0])} numbers in its first point, and {len(frame[short])} in point {short}.")
    return _checked(list(chain.from_iterable(frame)))


def _checked(values: list[Any]) -> list[float | None]:
    if not set(map(type, values)) <= {int, float, type(None)}:
        odd = next(value for value in values if type(value) not in (int, float, type(None)))
        raise ValueError(f"holds {_shown(odd)}; expected numbers, and null for those that are not known.")
    return values


def _check_size(size: int, manifest: Manifest) -> None:
    """Refuse a frame of another number of numbers.

    Raises:
        ValueError: says which numbers are taken.
    """
    P, C = len(manifest.skeleton), manifest.channels
    if size not in {C * P, 3 * P}:
        more = "" if C == 3 else f", or {3 * P} with a third one each, which is left out"
        raise ValueError(
            f"has {size} numbers; the bundle takes {C * P} "
            f"({P} points of skeleton '{manifest.skeleton.name}', {C} numbers each{more})."
        )


def _as_taken(values: NDArray[Any], units: Units, manifest: Manifest, where: str) -> Points:
    """Return values (T, P * C) as points (T, P, C) in the coordinates and channels of a bundle, NaN where not seen."""
    points = values.reshape(len(values), len(manifest.skeleton), -1)
    if (np.abs(points) > _LARGEST).any():
        raise _too_large(where)
    points = points.astype(np.float32)
    if manifest.coordinates != "metres":
        points = without_zeros(points, manifest.skeleton)
    return np.ascontiguousarray(units.applied(points, manifest)[..., : manifest.channels], np.float32)


def _too_large(where: str) -> ApiError:
    return ApiError(
        "bad_points", f"{where}: a number is infinite or above {_LARGEST:g}; null is one that is not known."
    )


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)


def _is_time(value: Any) -> TypeGuard[float]:
    return _is_number(value) and abs(value) <= _MOST_MS


def _number(text: str, name: str) -> float:
    """Return a number of a query."""
    try:
        return float(text)
    except ValueError:
        raise ApiError("bad_request", f"{name}: expected a number, found {_shown(text)}.") from None


def _size(size: Any) -> tuple[int, int]:
    if (
        isinstance(size, list)
        and len(size) == 2
        and all(_is_number(n) and 1 <= n <= MOST_PIXELS and n == int(n) for n in size)
    ):
        return int(size[0]), int(size[1])
    raise ApiError(
        "bad_request", f"image_wh: expected width and height in pixels, such as [640, 480]; found {_shown(size)}."
    )


_SHORT = Repr()
_SHORT.maxlevel = 2  # a value may be nested a thousand times


def _shown(value: Any) -> str:
    """Return a value as a message shows it: short, whatever it is."""
    if isinstance(value, (list, dict)) and len(value) > 8:
        return f"a {'list' if isinstance(value, list) else 'object'} of {len(value)}"
    text = _SHORT.repr(value) if value is not None else "nothing"
    return text if len(text) <= 60 else f"{text[:57]}..."
