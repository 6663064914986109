"""Mixup: two clips of a batch as one (Zhang et al. 2017, mixup: Beyond Empirical Risk Minimization)."""

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from ademan.augmentation.chance import Chance


def mix(
    points: Tensor, labels: Tensor, classes: int, alpha: float, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return clips of a batch mixed with each other, and targets (N, K) that say how much of which is in them.

    Args:
        points: (N, T, P, C), NaN where not seen.
        labels: (N,) int64, indices of the labels.
        classes: K, how many labels there are.
        alpha: of the beta distribution that shares are drawn from; 0 leaves the clips as they are.
        generator: the source of chance; the same state gives the same result.
    """
    targets = one_hot(labels, classes).to(points.dtype)
    if not alpha:
        return points, targets
    chance = Chance(generator, points)
    partner, share = chance.partner(), chance.beta(alpha)
    return mixed(points, partner, share), mixed_targets(targets, partner, share)


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
