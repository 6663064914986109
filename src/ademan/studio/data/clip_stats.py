"""How a clip was recorded, in a few numbers: what tells whether today's clips are like those that were learnt from."""

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ademan.clip import Clip, mean_of_seen


@dataclass(frozen=True)
class Measured:
    """Statistics of one clip; None where they cannot be known.

    Args:
        seen: share of all points in all frames that were seen, 0 to 1; a hand that is not there counts as unseen.
        size: of a hand or body as `Part` has it, its median over the frames, in heights of the picture: how near.
        speed: how far a point moves, on average, in units of that size a second.
        x: where the points are on average, in heights of the picture from its left edge.
        y: the same from its upper edge.
        fps: frames a second.
    """

    seen: float
    size: float | None
    speed: float | None
    x: float | None
    y: float | None
    fps: float | None


FEATURES = tuple(field.name for field in fields(Measured))
"""Names of the statistics, as the columns of `clip_stats` are called."""


def measure(clip: Clip) -> Measured:
    """Return the statistics of a clip in square coordinates."""
    seen, size = clip.seen, _size(clip)
    middle = clip.points[seen][:, :2].astype(np.float64).mean(axis=0) if seen.any() else (None, None)
    distance, seconds = _way(clip)
    speed = distance / seconds / size if size and seconds > 0 else None
    fps = 1000 * (len(clip) - 1) / clip.duration_ms if clip.duration_ms > 0 else None
    return Measured(float(seen.mean()), size, _known(speed), _known(middle[0]), _known(middle[1]), _known(fps))


def _size(clip: Clip) -> float | None:
    """Return the median over frames and parts, in x and y alone: depth is a guess of the network that found it."""
    found: list[NDArray[np.float32]] = []
    for part in clip.skeleton.parts:
        ends = [mean_of_seen(clip.points[:, list(points), :2], axis=1) for points in (part.size_from, part.size_to)]
        found.append(np.linalg.norm(ends[0] - ends[1], axis=1))
    sizes = np.concatenate(found) if found else np.empty(0)
    sizes = sizes[sizes > 0]  # NaN is not
    return float(np.median(sizes)) if len(sizes) else None


def _way(clip: Clip) -> tuple[float, float]:
    """Return how far points went that were seen in two frames in a row, summed up, and for how long they were."""
    steps = np.linalg.norm(np.diff(clip.points[..., :2].astype(np.float64), axis=0), axis=2)
    known = ~np.isnan(steps)
    seconds = np.diff(clip.timestamps_ms)[:, None] / 1000 * known
    return float(steps[known].sum()), float(seconds.sum())


def _known(value: float | None) -> float | None:
    return float(value) if value is not None and np.isfinite(value) else None
