"""MediaPipe's own landmarkers: a second opinion on the points, and a way to compare with other programs.

Version 0.10.31 is the last line of versions that opens no connection to anywhere; see docs/decisions.
"""

import os
import weakref
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Points
from ademan.errors import LandmarkError, require
from ademan.files import written_whole
from ademan.landmarks.landmarker import LandmarkConfig
from ademan.landmarks.model_files import UNREADABLE, folder, model_file
from ademan.landmarks.normalization import with_normalization
from ademan.skeleton import Skeleton
from ademan.video.frame import Frame

_BODY, _HAND = 33, 21
_TASKS = {
    "hand": (("hand_detector.tflite", "palm_detection_full"), ("hand_landmarks_detector.tflite", "hand_landmark_full")),
    "pose": (("pose_detector.tflite", "pose_detection"), ("pose_landmarks_detector.tflite", "pose_landmark_full")),
}
_NORMALIZATION = {"pose_detection": (127.5, 127.5), "pose_landmark_full": (0.0, 255.0)}
"""Mean and deviation of the pixels that a network expects, where its file does not say so."""


class MediapipeLandmarker:
    """Finds points with MediaPipe's HandLandmarker and PoseLandmarker, in their mode for videos.

    Args:
        config: what is looked for.

    Raises:
        MissingExtraError: MediaPipe is not installed.
        LandmarkError: the networks cannot be had, or MediaPipe does not take them.
    """

    def __init__(self, config: LandmarkConfig) -> None:
        os.environ.setdefault("GLOG_minloglevel", "3")
        self._mediapipe = require("mediapipe", feature="The landmarker 'mediapipe'", extra="mediapipe")
        self._vision = require("mediapipe.tasks.python.vision", feature="The landmarker", extra="mediapipe")
        self._config = config
        self._time_ms = -1
        self._hands: Any = None
        self._body: Any = None
        self._running: list[Any] = []
        weakref.finalize(self, _stop, self._running)  # before Python's modules go: MediaPipe's own way comes too late
        self.reset()

    @property
    def skeleton(self) -> Skeleton:
        """Names the points."""
        return self._config.skeleton

    def find(self, frame: Frame) -> Points:
        """Return (P, 3); see `Landmarker.find`."""
        width, height = frame.size_wh
        image = self._mediapipe.Image(self._mediapipe.ImageFormat.SRGB, np.ascontiguousarray(frame.image_rgb))
        with _quietly() if self._time_ms < 0 else nullcontext():  # it warns of its own graph at the first frame
            # MediaPipe wants whole milliseconds that rise.
            self._time_ms = max(self._time_ms + 1, round(frame.timestamp_ms))
            parts = self._parts(image)
        scale = np.array([width / height, 1.0, width / height])
        return np.asarray(np.concatenate(parts) * scale, np.float32)

    def _parts(self, image: Any) -> list[NDArray[np.float64]]:
        """Return the points of the body, the left and the right hand, as far as they are asked for, in fractions."""
        parts = []
        if self._body is not None:
            found = self._body.detect_for_video(image, self._time_ms).pose_landmarks
            parts.append(_body_points(found, self._config.visibility))
        if self._hands is not None:
            parts += _sides(self._hands.detect_for_video(image, self._time_ms))
        return parts

    def reset(self) -> None:
        """Begin anew: a landmarker for videos takes no time that is earlier than the last one."""
        self.close()
        self._time_ms = -1
        with _quietly():
            if self._config.landmarks != "pose":
                self._hands = self._begin(self._vision.HandLandmarker, self._hand_options())
            if self._config.landmarks != "hands":
                self._body = self._begin(self._vision.PoseLandmarker, self._pose_options())

    def close(self) -> None:
        """Let go of the networks."""
        _stop(self._running)
        self._hands = self._body = None

    def _hand_options(self) -> Any:
        return self._vision.HandLandmarkerOptions(
            base_options=self._base("hand"),
            running_mode=self._vision.RunningMode.VIDEO,
            num_hands=self._config.max_hands,
            min_hand_detection_confidence=self._config.detection_confidence,
            min_hand_presence_confidence=self._config.presence_confidence,
            min_tracking_confidence=0.5,
        )

    def _pose_options(self) -> Any:
        return self._vision.PoseLandmarkerOptions(
            base_options=self._base("pose"),
            running_mode=self._vision.RunningMode.VIDEO,
            min_pose_detection_confidence=self._config.detection_confidence,
            min_pose_presence_confidence=self._config.presence_confidence,
            min_tracking_confidence=0.5,
        )

    def _base(self, task: str) -> Any:
        return self._mediapipe.tasks.BaseOptions(model_asset_path=str(task_file(task)))

    def _begin(self, kind: Any, options: Any) -> Any:
        try:
            self._running.append(kind.create_from_options(options))
            return self._running[-1]
        except (OSError, RuntimeError, ValueError) as error:
            raise LandmarkError(f"MediaPipe cannot start: {error}. Try the other one:  --landmarker litert") from error


def _stop(running: list[Any]) -> None:
    while running:
        landmarker = running.pop()
        try:
            landmarker.close()
        except RuntimeError:  # Python is ending, and the thread that MediaPipe would close it in has ended already
            landmarker._handle = None  # or it tries again when it is deleted, and complains


def task_file(task: str) -> Path:
    """Return the file in which MediaPipe wants the two networks of a task; made from ours where it is missing.

    Args:
        task: "hand" or "pose".
    """
    path = folder() / f"{task}.task"
    parts = {name: model_file(model) for name, model in _TASKS[task]}
    newest = max(part.stat().st_mtime_ns for part in parts.values())
    if not _is_whole(path, list(parts)) or path.stat().st_mtime_ns < newest:
        with written_whole(path) as beside, zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive:
            for name, part in parts.items():
                content = part.read_bytes()
                if part.stem in _NORMALIZATION:
                    content = with_normalization(content, *_NORMALIZATION[part.stem])
                archive.writestr(zipfile.ZipInfo(name), content)  # a fixed date: equal parts, equal file
    return path


def _is_whole(archive: Path, names: list[str]) -> bool:
    try:
        with zipfile.ZipFile(archive) as opened:  # of a cut one it opens an archive inside a network: other names
            return opened.namelist() == names and opened.testzip() is None
    except UNREADABLE:
        return False


def _body_points(found: Any, least: float) -> NDArray[np.float64]:
    """Return (33, 3) in fractions."""
    if not found:
        return np.full((_BODY, 3), np.nan)
    points = np.array([[p.x, p.y, p.z] for p in found[0]])
    seen = np.array([min(p.visibility or 0.0, p.presence or 0.0) >= least for p in found[0]])
    return np.where(seen[:, None], points, np.nan)


def _sides(result: Any) -> list[NDArray[np.float64]]:
    """Return the points of the left and of the right hand (21, 3), in fractions.

    In pictures that are not mirrored, the names that this version gives are the person's own sides. Of two hands the
    way round that is likelier for both together is taken.
    """
    missing = np.full((_HAND, 3), np.nan)
    hands = [np.array([[p.x, p.y, p.z] for p in hand]) for hand in result.hand_landmarks]
    left = [_left(handedness[0]) for handedness in result.handedness]
    if not hands:
        return [missing, missing]
    if len(hands) == 1:
        return [hands[0], missing] if left[0] > 0.5 else [missing, hands[0]]
    return [hands[0], hands[1]] if left[0] >= left[1] else [hands[1], hands[0]]


def _left(handedness: Any) -> float:
    """Return the probability that a hand is the person's left one."""
    return float(handedness.score if handedness.category_name == "Left" else 1 - handedness.score)


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep what MediaPipe's libraries say while they start off the terminal."""
    terminal, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        os.close(nowhere)
