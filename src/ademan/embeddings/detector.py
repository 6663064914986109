"""Hands found by a YOLO network that was exported as ONNX, as Ultralytics' programs do it; ours run the file alone.

The network takes a square picture with grey bars (letterbox) and answers (1, 4 + K, N): for each of N places the
middle, width and height of a box in its pixels, and a score of each of K classes. All of these are hands.
"""

from pathlib import Path
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ademan.errors import LandmarkError
from ademan.inference import ort
from ademan.video.frame import Image

BoxXyxy: TypeAlias = tuple[float, float, float, float]
"""Left, top, right and bottom edge in pixels of the picture."""

LEAST_SCORE = 0.25
"""Of a hand; that and the next are what Ultralytics' own prediction uses."""
MOST_OVERLAP = 0.7
"""Of two hands, as the share of both together; above it they are one."""
_GREY = 114  # of the bars, in training as well
_SIZE = 640  # of networks that take any


class YoloDetector:
    """Finds hands in single pictures.

    Args:
        path: the ONNX file.

    Raises:
        LandmarkError: it cannot be loaded, or is no such network.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        options = ort.SessionOptions()
        options.log_severity_level = 3  # errors only; they are said by ours
        try:
            self._session = ort.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's errors have no base of their own
            raise LandmarkError(
                f"{path} cannot be loaded as a network in ONNX: {str(error).splitlines()[0]}"
            ) from error
        taken = self._session.get_inputs()[0]
        shape = [side if isinstance(side, int) else None for side in taken.shape]
        if len(shape) != 4 or shape[0] not in (None, 1) or shape[1] not in (None, 3) or taken.type != "tensor(float)":
            raise LandmarkError(
                f"{path} takes {taken.type} of shape {taken.shape}; expected pictures (1, 3, H, W) of floats. "
                "Export it again, without half precision:  yolo export model=FILE.pt format=onnx"
            )
        self._input, self._size_wh = taken.name, (shape[3] or _SIZE, shape[2] or _SIZE)

    def find(self, image: Image) -> list[BoxXyxy]:
        """Return the boxes of hands in a picture (H, W, 3), the surest first.

        Raises:
            LandmarkError: the network's answer has not the shape that it should have.
        """
        letter, scale, (left, top) = _letterbox(image, self._size_wh)
        blob = np.ascontiguousarray(letter.transpose(2, 0, 1)[None].astype(np.float32) / 255)
        answer = np.asarray(self._session.run(None, {self._input: blob})[0])
        if answer.ndim != 3 or answer.shape[0] != 1 or answer.shape[1] < 5 or answer.shape[2] < answer.shape[1]:
            raise LandmarkError(
                f"{self.path} answers with shape {answer.shape}; expected (1, 4 + classes, places). "
                "Export it again, with nms=False and end2end=False."
            )
        middle, size, score = answer[0, :2].T, answer[0, 2:4].T, answer[0, 4:].max(axis=0)
        sure = score >= LEAST_SCORE
        boxes = np.concatenate([middle - size / 2, middle + size / 2], axis=1)[sure]
        boxes = (boxes - np.array([left, top, left, top])) / scale
        return [(float(a), float(b), float(c), float(d)) for a, b, c, d in boxes[distinct(boxes, score[sure])]]


def distinct(boxes: NDArray[np.floating], scores: NDArray[np.floating]) -> NDArray[np.intp]:
    """Return which boxes (n, 4) are left when each that overlaps a surer one by too much is taken out, surest first."""
    left, kept = np.argsort(-scores, kind="stable"), []
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        low, high = np.maximum(boxes[best, :2], boxes[left, :2]), np.minimum(boxes[best, 2:], boxes[left, 2:])
        shared = np.prod(np.clip(high - low, 0, None), axis=1)
        left = left[shared <= MOST_OVERLAP * (area[best] + area[left] - shared)]
    return np.array(kept, np.intp)


def _letterbox(image: Image, size_wh: tuple[int, int]) -> tuple[Image, float, tuple[int, int]]:
    """Return the picture within grey bars, how it was scaled, and where its corner is: x, y."""
    width, height = size_wh
    scale = min(width / image.shape[1], height / image.shape[0])
    inner_wh = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    left, top = (width - inner_wh[0]) // 2, (height - inner_wh[1]) // 2
    letter = np.full((height, width, 3), _GREY, np.uint8)
    inside = letter[top : top + inner_wh[1], left : left + inner_wh[0]]
    inside[:] = cv2.resize(image, inner_wh, interpolation=cv2.INTER_LINEAR)
    return letter, scale, (left, top)
