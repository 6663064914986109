"""What was seen of a batch of windows, how long each is, and where its middle lies."""

import torch
from torch import Tensor


def is_seen(points: Tensor) -> Tensor:
    """Return (N, T, P): whether a point of (N, T, P, C) was seen, that is, has all its coordinates."""
    total = points[..., 0] + points[..., 1]  # NaN if either is; in a fraction of the time of `any`
    if points.shape[3] == 3:
        total += points[..., 2]
    return ~torch.isnan(total)


def lengths(seen: Tensor) -> Tensor:
    """Return (N,) the frames of each window up to the last in which anything was seen (N, T, P), at least 1.

    The same as what the networks take for a window's length.
    """
    position = torch.arange(1, seen.shape[1] + 1, device=seen.device)
    anything = seen.sum(dim=2) > 0  # in a third of the time of `any`
    return (anything * position).amax(dim=1).clamp(min=1)


def middle(points: Tensor, seen: Tensor) -> Tensor:
    """Return (N, C) the mean of the points of each window that were seen; 0 where none was.

    Args:
        points: (N, T, P, C), NaN where not seen.
        seen: (N, T, P).
    """
    weights = seen.to(points.dtype).flatten(1)[:, None]
    total = weights @ torch.nan_to_num(points).flatten(1, 2)
    return (total / weights.sum(dim=2, keepdim=True).clamp(min=1))[:, 0]
