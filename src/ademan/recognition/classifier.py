"""The classifier: a bundle at work. It needs numpy and onnxruntime only, and runs anywhere they do."""

import reprlib
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.bundle import TOLERANCE, Bundle, read_bundle
from ademan.clip import Clip, Points, is_seen
from ademan.errors import BundleError, ClipError
from ademan.inference import ort
from ademan.window import stack

Probabilities = NDArray[np.float32]
"""(N, K) or (K,): one number a class, adding up to one."""

Weights = NDArray[np.float32]
"""(N, n): shares of attention."""

_INPUTS, _OUTPUTS, _ATTENTION = ["points"], ["probabilities"], ["frame_attention", "channel_attention"]


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


@dataclass(frozen=True, eq=False)
class Attention:
    """What the probabilities of windows rested on.

    Args:
        frames: (N, T) weights that add up to 1; 0 for a frame in which nothing was seen, and for padding.
        channels: (N, G) weights that add up to 1; 0 for a channel that was never seen in its window.
        names: the G channels: of an embedding its own, of points hands and limbs.
    """

    frames: Weights
    channels: Weights
    names: tuple[str, ...]


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
        found = self._session.run(_OUTPUTS, {"points": np.asarray(windows, np.float32)})[0]
        return np.asarray(found, np.float32)

    @property
    def attends(self) -> bool:
        """Whether the network says where it looks."""
        return len(self._session.get_outputs()) > len(_OUTPUTS)

    def attention(self, windows: Points) -> Attention:
        """Return what the probabilities of windows (N, T, P, C) rest on.

        Raises:
            BundleError: the network has no attention, gives weights of other shapes, or the manifest does not name its
                channels.
        """
        if not self.attends:
            raise BundleError("this model has no attention to show. Train one that has:  --model bilstm-attention-128")
        given = {"points": np.asarray(windows, np.float32)}
        frames, channels = (np.asarray(found, np.float32) for found in self._session.run(_ATTENTION, given))
        N, T = windows.shape[:2]
        if frames.shape != (N, T) or channels.ndim != 2 or len(channels) != N:
            raise BundleError(
                f"the graph gives weights of shapes {frames.shape} and {channels.shape}, expected ({N}, {T}) of frames "
                f"and ({N}, channels). Export again."
            )
        names = self.manifest.network.get("attention_channels")
        if not isinstance(names, list) or len(names) != channels.shape[1]:
            raise BundleError(
                f"the manifest must name the {channels.shape[1]} channels of the network's attention in "
                f"network.attention_channels; found {reprlib.repr(names)}. Export again."
            )
        return Attention(frames, channels, tuple(map(str, names)))

    def predict(self, clip: Clip) -> Prediction:
        """Name one clip.

        Raises:
            ClipError: its skeleton, coordinates or channels are not those of the bundle, or nothing is seen in it.
        """
        return next(self.predict_all([clip]))

    def predict_all(
        self, clips: Iterable[Clip], passed_over: Callable[[Clip], None] | None = None, batch: int = 32
    ) -> Iterator[Prediction]:
        """Name many clips, in batches and in bounded memory; see `predict`.

        Args:
            clips: of the bundle's kind.
            passed_over: called with a clip in which nothing is seen, instead of an error.
            batch: clips that the graph takes at once.
        """
        clips = iter(clips)
        while chunk := list(islice(clips, batch)):
            started = time.perf_counter()
            seen = list(self._seen(chunk, passed_over))
            if not seen:
                continue
            probabilities = self.probabilities(stack([window for _, window in seen]))
            each_ms = (time.perf_counter() - started) * 1000 / len(seen)
            for (clip, _), row in zip(seen, probabilities, strict=True):
                yield Prediction(clip.id, self.labels, row, each_ms)

    def _seen(self, clips: Iterable[Clip], passed_over: Callable[[Clip], None] | None) -> Iterator[tuple[Clip, Points]]:
        """Give the clips in which something is seen, and their windows."""
        for clip in clips:
            window = self.window(clip)
            if is_seen(window).any():
                yield clip, window
            elif passed_over is not None:
                passed_over(clip)
            else:
                raise ClipError(f"{clip.name}: nothing is seen in the {len(window)} frames that the model looks at.")

    def window(self, clip: Clip) -> Points:
        """Return what the network sees of a clip, (T, P, C).

        Raises:
            ClipError: the clip's skeleton, coordinates or channels are not those of the bundle.
        """
        self.check(clip)
        return self.manifest.window.cut(clip.points, clip.timestamps_ms, clip.coordinates)

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
            try:
                found = self.probabilities(points)
            except Exception as error:  # onnxruntime's errors have no common base of their own
                raise BundleError(f"the graph fails on the golden vectors: {error}. Export again.") from error
            if found.shape != expected.shape:
                raise BundleError(
                    f"the graph gives probabilities of shape {found.shape}, expected {expected.shape}: so many windows "
                    "and labels. Export again."
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
    if names not in ((_INPUTS, _OUTPUTS), (_INPUTS, _OUTPUTS + _ATTENTION)):
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
