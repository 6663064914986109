"""The classifier: a bundle at work. It needs numpy and onnxruntime only, and runs anywhere they do."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from ademan.bundle import TOLERANCE, Bundle, read_bundle
from ademan.clip import Clip, Points, is_seen
from ademan.errors import BundleError, ClipError
from ademan.window import stack

Probabilities = NDArray[np.float32]
"""(N, K) or (K,): one number a class, adding up to one."""


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a clip was taken for.

    Args:
        clip_id: of the clip.
        labels: the K classes.
        probabilities: (K,) of each.
        milliseconds: from points to probabilities, the share of this clip in its batch.
    """

    clip_id: str
    labels: tuple[str, ...]
    probabilities: Probabilities
    milliseconds: float

    @property
    def label(self) -> str:
        """The most probable class."""
        return self.labels[int(np.argmax(self.probabilities))]

    @property
    def confidence(self) -> float:
        """Its probability."""
        return float(np.max(self.probabilities))

    def to_json(self) -> dict[str, Any]:
        """Return plain values: id, label, confidence, probabilities by label (highest first), milliseconds."""
        ranked = sorted(zip(self.labels, self.probabilities.tolist(), strict=True), key=lambda pair: -pair[1])
        return {
            "id": self.clip_id,
            "label": self.label,
            "confidence": self.confidence,
            "probabilities": dict(ranked),
            "milliseconds": round(self.milliseconds, 3),
        }


class Classifier:
    """A verified bundle that names clips.

    Args:
        bundle: a path, or a bundle that was read.
        threads: of onnxruntime; more than one pays for large batches only.

    Raises:
        BundleError: the bundle cannot be trusted: incomplete, altered, or its golden vectors come out otherwise.
    """

    def __init__(self, bundle: Path | str | Bundle, threads: int = 1) -> None:
        self.bundle = bundle if isinstance(bundle, Bundle) else read_bundle(bundle)
        self.manifest = self.bundle.manifest
        self.labels = self.manifest.labels
        self._session = _session(self.bundle, threads)
        self.largest_difference = self._replay()

    def probabilities(self, windows: Points) -> Probabilities:
        """Return (N, K) of windows (N, T, P, C), NaN where not seen and for padding at the end."""
        result: Probabilities = self._session.run(["probabilities"], {"points": np.asarray(windows, np.float32)})[0]
        return result

    def predict(self, clip: Clip) -> Prediction:
        """Name one clip.

        Raises:
            ClipError: its skeleton, coordinates or channels are not those of the bundle, or nothing is seen in it.
        """
        return next(self.predict_all([clip]))

    def predict_all(self, clips: Iterable[Clip], batch: int = 32) -> Iterator[Prediction]:
        """Name many clips, in batches and in bounded memory; see `predict`."""
        clips = iter(clips)
        while chunk := list(islice(clips, batch)):
            started = time.perf_counter()
            probabilities = self.probabilities(stack([self.window(clip) for clip in chunk]))
            each_ms = (time.perf_counter() - started) * 1000 / len(chunk)
            for clip, row in zip(chunk, probabilities, strict=True):
                yield Prediction(clip.id, self.labels, row, each_ms)

    def window(self, clip: Clip) -> Points:
        """Return what the network sees of a clip, (T, P, C).

        Raises:
            ClipError: see `predict`.
        """
        self.check(clip)
        window = self.manifest.window.cut(clip.points, clip.timestamps_ms)
        if not is_seen(window).any():
            raise ClipError(f"{clip.name}: nothing is seen in the {len(window)} frames that the model looks at.")
        return window

    def sees(self, clip: Clip) -> bool:
        """Return whether anything is seen in the frames that the model looks at.

        Raises:
            ClipError: the clip's skeleton, coordinates or channels are not those of the bundle.
        """
        self.check(clip)
        return bool(is_seen(self.manifest.window.cut(clip.points, clip.timestamps_ms)).any())

    def check(self, clip: Clip) -> None:
        """Refuse a clip of another kind than the bundle's.

        Raises:
            ClipError: its skeleton, coordinates or channels are not those of the bundle.
        """
        wanted = self.manifest
        if clip.skeleton.points != wanted.skeleton.points:
            raise ClipError(
                f"{clip.name} has skeleton '{clip.skeleton.name}' with {len(clip.skeleton)} points; "
                f"the model was trained on '{wanted.skeleton.name}' with {len(wanted.skeleton)}."
            )
        if (clip.points.shape[2], clip.coordinates) != (wanted.channels, wanted.coordinates):
            raise ClipError(
                f"{clip.name} has {clip.points.shape[2]} {clip.coordinates} coordinates a point; "
                f"the model was trained on {wanted.channels} {wanted.coordinates} ones. Import it in the same way."
            )

    def _replay(self) -> float:
        """Return by how much the golden vectors come out differently at most; refuse what is beyond tolerance."""
        differences = []
        for points, expected in self.bundle.golden:
            found = self.probabilities(points)
            if found.shape != expected.shape:
                raise BundleError(
                    f"the graph gives {found.shape[1]} probabilities for {expected.shape[1]} labels. Export again."
                )
            differences.append(np.abs(found - expected).max())
        worst = float(np.max(differences))  # NaN if one is
        if not worst <= TOLERANCE:
            raise BundleError(
                f"the model does not give here what it gave where it was exported: a probability differs by "
                f"{worst:.2g}, allowed are {TOLERANCE:g}. Another onnxruntime may be at fault: here it is "
                f"{ort.__version__}."
            )
        return worst


def _session(bundle: Bundle, threads: int) -> ort.InferenceSession:
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(bundle.graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base of their own
        raise BundleError(f"the graph of the bundle cannot be loaded: {error}. Export again.") from error
    names = [i.name for i in session.get_inputs()], [o.name for o in session.get_outputs()]
    if names != (["points"], ["probabilities"]):
        raise BundleError(f"the graph must turn 'points' into 'probabilities'; it turns {names[0]} into {names[1]}.")
    return session


def verify(path: Path | str) -> dict[str, Any]:
    """Check a bundle: checksums, contract, and that its golden vectors come out as they did at export.

    Returns:
        What was checked, as plain values.

    Raises:
        BundleError: the first thing that is wrong.
    """
    classifier = Classifier(path)
    return {
        "bundle": str(path),
        "verified": True,
        "labels": list(classifier.labels),
        "golden_vectors": len(classifier.bundle.golden),
        "largest_difference": classifier.largest_difference,
        "tolerance": TOLERANCE,
        "sha256": dict(classifier.manifest.sha256),
    }
