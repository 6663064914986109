"""What a network's attention rested on: which share of the clip and which channel, class by class.

Clips have different lengths, so time is cut into SHARES equal shares of the clip, its first frame to the last in which
anything was seen. The attention of a share is the difference of the cumulated weights at its ends, on straight lines
between frames; so it adds up to 1 over a clip as the weights do, and without any preference each share has 1 / SHARES.

Attention tells what was weighted, not why: other weights can lead to the same answer (Jain and Wallace 2019, Attention
is not explanation, NAACL).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Clip, is_seen
from ademan.datasets.table import Ints
from ademan.recognition import Classifier
from ademan.window import stack

SHARES = 20
"""Equal shares that a clip's time is cut into."""

_BATCH = 32

Weights = NDArray[np.float64]


@dataclass(frozen=True)
class Peak:
    """Where attention is highest, or lowest.

    Args:
        where: the middle of a share of the clip, from 0 to 1; or the name of a channel.
        attention: its share of all attention.
    """

    where: float | str
    attention: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {"at" if isinstance(self.where, float) else "name": self.where, "attention": _rounded(self.attention)}


@dataclass(frozen=True)
class ClassAttention:
    """The mean attention of the clips of one class.

    Args:
        label: of the class, whatever the clips were taken for.
        clips: how many.
        frames: attention of each of the SHARES shares of the clip; adds up to 1.
        channels: attention of each channel; adds up to 1.
    """

    label: str
    clips: int
    frames: tuple[float, ...]
    channels: tuple[float, ...]


@dataclass(frozen=True)
class AttentionScores:
    """What attention rested on, in all clips and in those of each class that has some.

    Args:
        channels: names of the channels, in the order of the weights.
        overall: of all clips; its label is empty.
        classes: in the order of the labels.
    """

    channels: tuple[str, ...]
    overall: ClassAttention
    classes: tuple[ClassAttention, ...]

    def frame_peaks(self, of: ClassAttention) -> tuple[Peak, Peak]:
        """Return the most and the least attended share of the clip."""
        most, least = _ends(of.frames)
        return Peak(_middle(most), of.frames[most]), Peak(_middle(least), of.frames[least])

    def channel_peaks(self, of: ClassAttention) -> tuple[Peak, Peak]:
        """Return the most and the least attended channel."""
        most, least = _ends(of.channels)
        return Peak(self.channels[most], of.channels[most]), Peak(self.channels[least], of.channels[least])

    def to_json(self) -> dict[str, Any]:
        """Return the content of `attention.json`."""
        return {
            "channels": list(self.channels),
            "shares_of_the_clip": [_middle(share) for share in range(SHARES)],
            "overall": self._told(self.overall),
            "classes": [{"label": of.label, **self._told(of)} for of in self.classes],
        }

    def _told(self, of: ClassAttention) -> dict[str, Any]:
        (most_frame, least_frame), (most_channel, least_channel) = self.frame_peaks(of), self.channel_peaks(of)
        return {
            "clips": of.clips,
            "frames": [_rounded(share) for share in of.frames],
            "channels": dict(zip(self.channels, map(_rounded, of.channels), strict=True)),
            "most_attended_frame": most_frame.to_json(),
            "least_attended_frame": least_frame.to_json(),
            "most_attended_channel": most_channel.to_json(),
            "least_attended_channel": least_channel.to_json(),
        }


def judge_attention(classifier: Classifier, clips: Iterable[Clip], truth: Ints) -> AttentionScores:
    """Return what a bundle's attention rests on.

    Args:
        classifier: a bundle whose network has attention.
        clips: one or more, in each of which something is seen.
        truth: (N,) the class of each clip.

    Raises:
        BundleError: the network has no attention.
        ClipError: a clip is of another kind than the bundle's.
    """
    frames: list[Weights] = []
    channels: list[Weights] = []
    names: tuple[str, ...] = ()
    windows = map(classifier.window, clips)
    while batch := list(islice(windows, _BATCH)):
        found = classifier.attention(stack(batch))
        names = found.names
        channels.append(found.channels.astype(np.float64))
        frames += [in_shares(row[: _length(window)]) for row, window in zip(found.frames, batch, strict=True)]
    return summed_up(classifier.labels, names, np.array(frames), np.concatenate(channels), truth)


def summed_up(
    labels: Sequence[str], names: tuple[str, ...], frames: Weights, channels: Weights, truth: Ints
) -> AttentionScores:
    """Return the means over all clips, and over those of each class.

    Args:
        labels: the K classes.
        names: the G channels.
        frames: (N, SHARES).
        channels: (N, G).
        truth: (N,) the class of each clip.
    """

    def mean(label: str, of: NDArray[np.bool_]) -> ClassAttention:
        means = frames[of].mean(axis=0), channels[of].mean(axis=0)
        return ClassAttention(label, int(of.sum()), tuple(means[0].tolist()), tuple(means[1].tolist()))

    known = [(label, truth == k) for k, label in enumerate(labels) if (truth == k).any()]
    overall = mean("", np.ones(len(truth), np.bool_))
    return AttentionScores(names, overall, tuple(mean(label, of) for label, of in known))


def in_shares(weights: NDArray[np.floating[Any]]) -> Weights:
    """Return (SHARES,) the attention of equal shares of a clip of the weights (T,) of its frames."""
    cumulated = np.concatenate([[0.0], np.cumsum(weights, dtype=np.float64)])
    ends = np.linspace(0, len(weights), SHARES + 1)
    return np.diff(np.interp(ends, np.arange(len(weights) + 1), cumulated))


def _length(window: NDArray[np.float32]) -> int:
    """Return the frames of a window up to the last in which anything was seen."""
    return int(np.flatnonzero(is_seen(window).any(axis=1))[-1]) + 1


def _ends(weights: Sequence[float]) -> tuple[int, int]:
    return int(np.argmax(weights)), int(np.argmin(weights))


def _middle(share: int) -> float:
    return round((share + 0.5) / SHARES, 5)


def _rounded(weight: float) -> float:
    return round(weight, 5)
