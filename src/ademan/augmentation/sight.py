"""What landmarkers do to points: they tremble, drift, jump, and are lost.

Sizes are those of parts, see `sizes`: an error grows with the hand that it is made on.
"""

import torch
from torch import Tensor
from torch.nn.functional import linear, pad

from ademan.augmentation.groups import Groups


def runs(begins: Tensor, frames: Tensor) -> Tensor:
    """Return (N, T, ...): which frames belong to runs.

    Args:
        begins: (N, T, ...) whether a run begins at a frame.
        frames: (N, T, ...) how many frames long the run is that begins there.
    """
    now = torch.arange(begins.shape[1], device=begins.device).view(1, -1, *[1] * (begins.dim() - 2))
    until = torch.where(begins, now + frames, 0).cummax(dim=1).values
    return now < until


def hide(points: Tensor, lost: Tensor) -> Tensor:
    """Return points (N, T, P, C) with those that are lost, (N, T, P) or (N, T, 1), missing."""
    hole = torch.where(lost, torch.nan, 0.0).to(points.dtype)
    return points + hole[..., None]  # in half the time of a mask


def of_groups(values: Tensor, groups: Groups, points: int) -> Tensor:
    """Return values (..., G) of groups as values of their points (..., P); 0 for points of no group."""
    index = torch.full((points,), len(groups))
    for g, group in enumerate(groups):
        index[list(group)] = g
    return pad(values, (0, 1)).index_select(-1, index.to(values.device))


def sizes(points: Tensor, seen: Tensor, groups: Groups) -> Tensor:
    """Return (N, G) the size of each group in each window, 0 where it was not seen.

    It is the root of the mean square of a point's distance to the middle of its group in the same frame, over all
    points that were seen.

    Args:
        points: (N, T, P, C), NaN where not seen.
        seen: (N, T, P).
        groups: indices of points.
    """
    P, C = points.shape[2:]
    member = points.new_zeros(len(groups), P)
    for g, group in enumerate(groups):
        member[g, list(group)] = 1
    # Sums over groups are products with the table of members; the mean square less the square of the mean.
    found = torch.nan_to_num(points).flatten(2)
    count = linear(seen.to(points.dtype), member)
    squares = linear(found * found, member.repeat_interleave(C, dim=1))
    sums = linear(found, torch.kron(member, torch.eye(C, dtype=points.dtype, device=points.device)))
    of_middle = sums.view(*count.shape, C).square().sum(dim=3) / count.clamp(min=1)
    square: Tensor = (squares - of_middle).sum(dim=1) / count.sum(dim=1).clamp(min=1)
    return square.clamp(min=0).sqrt()


def tremble(points: Tensor, noise: Tensor, scale: Tensor) -> Tensor:
    """Return points with errors added.

    Args:
        points: (N, T, P, C).
        noise: (N, T, P, C).
        scale: (N, P), or (N, P, C): what one unit of noise is, in units of the points.
    """
    if scale.dim() == 2:
        scale = scale[..., None].expand(-1, -1, points.shape[3])
    return torch.addcmul(points.flatten(2), noise.flatten(2), scale.flatten(1)[:, None]).view(points.shape)


def drifting(fresh: Tensor, knots: Tensor) -> Tensor:
    """Return errors from frame to frame with errors that stay for some frames added.

    Args:
        fresh: (N, T, P, C).
        knots: (N, S, P, C), evenly over the window, with straight lines between them.
    """
    T, S = fresh.shape[1], knots.shape[1]
    at = torch.linspace(0, S - 1, T, dtype=fresh.dtype, device=fresh.device)[:, None]
    weights = (1 - (at - torch.arange(S, device=fresh.device)).abs()).clamp(min=0)
    lines = torch.baddbmm(fresh.flatten(2), weights.expand(len(fresh), -1, -1), knots.flatten(2))
    return lines.view(fresh.shape)


def displace(points: Tensor, frame: Tensor, offset: Tensor, groups: Groups) -> Tensor:
    """Return points with each group in a wrong place in one frame.

    Args:
        points: (N, T, P, C).
        frame: (N, G) which frame.
        offset: (N, G, C) by how much, in units of the points.
        groups: indices of points; no point is in two.
    """
    moved = points.clone()
    clip = torch.arange(len(points), device=points.device)[:, None]
    for g, group in enumerate(groups):
        members = torch.tensor(group, device=points.device)
        moved[clip, frame[:, g, None], members] += offset[:, g, None]
    return moved
