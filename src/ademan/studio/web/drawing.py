"""Clips as pages replay them: plain JSON values, places as shares of the picture."""

from typing import Any

import numpy as np

from ademan.clip import Clip, Points
from ademan.studio.live.wire import places, shape_of

MOST_DRAWN = 600
"""Frames of a clip that are drawn; of a longer one, every nth."""
_MARGIN = 0.1  # around points whose picture's size is unknown, as a share of what they take
_UNKNOWN_PX = 1000  # height of such a picture


def drawn(clip: Clip, most: int = MOST_DRAWN, **more: Any) -> dict[str, Any]:
    """Return a clip as it is replayed.

    Args:
        clip: points (T, P, 2 or 3) in square coordinates.
        most: frames; of more, every nth is taken.
        more: what is to stand beside it.

    Returns:
        points: for each frame, for each point [x, y] as shares of the picture, or None where it was not seen.
        times_ms: from the first frame on. width, height: of the picture, or of what the points take.
        frames, duration_ms, fps: of the whole clip. seen: share of the frames in which anything was.
        shape: how its skeleton is drawn.
    """
    step = -(-len(clip) // most)
    points, size_wh = _placed(clip)
    times = clip.timestamps_ms - clip.timestamps_ms[0]
    fps = (len(clip) - 1) * 1000 / clip.duration_ms if len(clip) > 1 else 0.0
    return {
        **more,
        "points": [places(frame, size_wh) for frame in points[::step]],
        "times_ms": times[::step].round(1).tolist(),
        "width": size_wh[0],
        "height": size_wh[1],
        "frames": len(clip),
        "duration_ms": round(clip.duration_ms, 1),
        "fps": round(fps, 1),
        "seen": round(float(clip.seen.any(axis=1).mean()), 3),
        "shape": shape_of(clip.skeleton),
    }


def _placed(clip: Clip) -> tuple[Points, tuple[int, int]]:
    """Return points (T, P, 2) in units of the picture's height, and its size; one is made up where it is unknown."""
    points = clip.points[..., :2]
    if clip.image_wh:
        return points, clip.image_wh
    low, high = np.nanmin(points, axis=(0, 1)), np.nanmax(points, axis=(0, 1))
    margin = _MARGIN * max(float((high - low).max()), 1e-3)
    width, height = (float(side) for side in high - low + 2 * margin)
    moved = np.asarray((points - low + margin) / height, np.float32)
    return moved, (max(1, round(_UNKNOWN_PX * width / height)), _UNKNOWN_PX)
