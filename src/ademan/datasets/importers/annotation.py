"""One annotation of a PYSKL pickle: what it says, once it is sure that it says it."""

from collections.abc import Mapping
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Points
from ademan.errors import ClipError

Annotation = Mapping[str, Any]

_CLASSES_AT_MOST = 1_000_000
_PIXELS_AT_MOST = 1_000_000


def annotation_id(i: int, annotation: Annotation) -> str:
    """Return the name of the video, or the annotation's number where it has none."""
    name = annotation.get("frame_dir")
    return str(name) if isinstance(name, str) and name else f"annotation {i}"


def class_number(annotation: Annotation) -> int | None:
    """Return the number of the class, None if there is none."""
    label = annotation.get("label")
    return int(label) if is_whole(label) and 0 <= label < _CLASSES_AT_MOST else None


def is_whole(value: Any) -> TypeGuard[int]:
    """Return whether a value is a whole number."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_keypoint(value: Any) -> bool:
    """Return whether a value is an array of persons, frames, points, coordinates."""
    return isinstance(value, np.ndarray) and value.ndim == 4 and value.shape[3] in (2, 3)


def keypoint(annotation: Annotation, P: int, C: int) -> tuple[Points, NDArray[np.float32] | None]:
    """Return points (M, T, P, C) and scores (M, T, P) of all persons; no scores where it has none.

    Raises:
        ClipError: an array is missing, of another shape, empty, or not of numbers.
    """
    points = _numbers(annotation, "keypoint")
    if points is None:
        raise ClipError("it has no keypoint")
    if points.ndim != 4 or points.shape[2:] != (P, C):
        raise ClipError(f"its keypoint has shape {points.shape}, not (persons, frames, {P}, {C})")
    if 0 in points.shape:
        raise ClipError(f"its keypoint has shape {points.shape}: nobody, or no frame")
    scores = _numbers(annotation, "keypoint_score")
    if scores is not None and scores.shape != points.shape[:3]:
        raise ClipError(f"its keypoint_score has shape {scores.shape}, its keypoint {points.shape}")
    return points, scores


def _numbers(annotation: Annotation, name: str) -> NDArray[np.float32] | None:
    value = annotation.get(name)
    if value is None:
        return None
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fiu":
        raise ClipError(f"its {name} is no array of numbers, but {type(value).__name__}")
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which a clip refuses
        return value.astype(np.float32)


def image_size(annotation: Annotation) -> tuple[int, int]:
    """Return width and height of the pictures that the points are in.

    Raises:
        ClipError: img_shape does not say it.
    """
    shape = annotation.get("img_shape")
    pair = list(shape) if isinstance(shape, list | tuple | np.ndarray) else []
    if len(pair) != 2 or not all(is_whole(side) and 0 < side < _PIXELS_AT_MOST for side in pair):
        raise ClipError("its img_shape is not (height, width) in pixels, without which lengths cannot be compared")
    return int(pair[1]), int(pair[0])
