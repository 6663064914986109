"""Made-up batches: hands and bodies, in two and three coordinates, with gaps and padding."""

import numpy as np
import torch
from torch import Tensor

from ademan.skeleton import skeleton

KINDS = [("hands", 2), ("hands", 3), ("coco17", 2), ("kinect20", 3)]
"""Skeletons and their numbers of coordinates."""
N, T = 4, 30
LENGTHS = (30, 30, 18, 7)


def batch(name: str = "hands", channels: int = 3, seed: int = 0, missing: float = 0.1) -> Tensor:
    """Return windows (4, 30, P, C) that move smoothly, with single points and runs of frames missing, and padding."""
    rng = np.random.default_rng(seed)
    shape = (N, T, len(skeleton(name)), channels)
    place = rng.uniform(0.3, 0.7, (N, 1, 1, channels)) + rng.normal(0, 0.1, (N, 1, *shape[2:]))
    phase = np.linspace(0, 5, T)[:, None, None] + rng.uniform(0, 6, (N, 1, 1, channels))
    points = (place + 0.1 * np.sin(phase)).astype(np.float32)
    points[rng.random(shape[:3]) < missing] = np.nan
    if missing:
        points[0, 10:14] = np.nan
    for row, length in zip(points, LENGTHS, strict=True):
        row[length - 1] = np.nan_to_num(row[length - 1], nan=0.5)  # the last frame is seen
        row[length:] = np.nan
    return torch.from_numpy(points)


def same(a: Tensor, b: Tensor) -> bool:
    """Return whether two tensors hold the same numbers, and NaN in the same places."""
    return a.shape == b.shape and bool(((a == b) | (a.isnan() & b.isnan())).all())


def distances(points: Tensor) -> Tensor:
    """Return (N, T, P, P) the distances of points from each other in each frame."""
    apart: Tensor = torch.linalg.vector_norm(points[:, :, :, None] - points[:, :, None], dim=4)
    return apart
