"""Mixup: two clips of a batch as one (Zhang et al. 2017, mixup: Beyond Empirical Risk Minimization)."""

import torch
from torch import Tensor


def mixed(points: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    """Return each clip with its partner mixed in: s x + (1 - s) x'.

    A point that is not seen in both is that of the clip with the larger share, seen or not.

    Args:
        points: (N, T, P, C), NaN where not seen.
        partner: (N,) index of each clip's partner.
        share: s, (N,) of the clip itself, from 0 to 1.
    """
    other, s = points[partner], share[:, None, None, None]
    line = torch.lerp(other, points, s)
    return torch.where(torch.isnan(line), torch.where(s < 0.5, other, points), line)


def mixed_targets(targets: Tensor, partner: Tensor, share: Tensor) -> Tensor:
    """Return targets (N, K) mixed as `mixed` mixes clips."""
    s = share[:, None]
    return s * targets + (1 - s) * targets[partner]
