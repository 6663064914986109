"""When points are where they are: speed, crop and warp, as the positions at which a clip is read.

Positions (N, T) count in frames of the clip from 0 and rise; infinity is after its end. Frames that are read there
become padding.
"""

import torch
from torch import Tensor

_NEARLY = 1e-3  # of a frame: positions are sums that were rounded


def played(length: Tensor, frames: int, speed: Tensor, share: Tensor, place: Tensor) -> Tensor:
    """Return the positions that play a part of each clip at a speed.

    A slow clip of which the frames do not hold the part that was asked for is cut further.

    Args:
        length: (N,) frames of each clip, 1 or more.
        frames: T, of the result.
        speed: (N,) above zero; 2 is twice as fast, and takes half of the frames.
        share: (N,) how much of the clip is played, above 0 to 1.
        place: (N,) where that part lies, from 0, the beginning is played, to 1, the end is played.
    """
    last = (length - 1).to(speed.dtype)
    span = torch.minimum(last * share, (frames - 1) * speed)
    start = place * (last - span)
    positions = start[:, None] + torch.arange(frames, dtype=speed.dtype, device=speed.device) * speed[:, None]
    end = (start + span)[:, None]
    return torch.where(positions <= end + _NEARLY, torch.minimum(positions, end), torch.inf)


def warped(positions: Tensor, length: Tensor, bends: Tensor) -> Tensor:
    """Return positions as a speed that rises and falls along the clip moves them; both of its ends stay.

    With u the position's share of the clip, from 0 to 1, and bends b_1 to b_K, u becomes

        u + sum over k of b_k sin(pi k u) / (pi k)

    and the speed at u is 1 + sum over k of b_k cos(pi k u): the order of frames is kept if the bends' absolute values
    sum to less than 1.

    Args:
        positions: (N, T).
        length: (N,) frames of each clip, 1 or more.
        bends: (N, K).
    """
    last = (length - 1).clamp(min=1).to(positions.dtype)[:, None]
    inside = torch.isfinite(positions)
    u = torch.where(inside, positions, 0.0) / last
    moved = positions
    for k in range(1, bends.shape[1] + 1):
        moved = moved + last * bends[:, k - 1, None] * torch.sin(torch.pi * k * u) / (torch.pi * k)
    return torch.where(inside, moved.clamp(min=0).minimum(last), positions)


def resample_in_time(points: Tensor, positions: Tensor) -> Tensor:
    """Return the frames at some positions, on straight lines between the frames before and after.

    A point that was missed in one of the two takes its place in the nearer one, and is missing if it was missed there:
    no motion is invented.

    Args:
        points: (N, T, P, C), NaN where not seen.
        positions: (N, S) in frames, from 0 to T - 1, or infinite: frames in which nothing is seen.

    Returns:
        (N, S, P, C).
    """
    N, T = points.shape[:2]
    frames = points.reshape(N * T, -1)
    frames = torch.cat([frames, torch.full_like(frames[:1], torch.nan)])  # the last one is read after a clip's end
    first = T * torch.arange(N, device=points.device)[:, None]
    past = torch.isinf(positions)
    near = positions.clamp(max=T - 1).round()
    away = torch.where(past, 0.0, positions - near)

    def at(position: Tensor) -> Tensor:
        return frames.index_select(0, torch.where(past, N * T, first + position.long()).flatten())

    nearer = at(near)
    # What is added to the nearer frame is missing where either was missed, and then it is zero.
    step = at(near + away.sign()).sub_(nearer).mul_(away.abs().flatten()[:, None])
    return step.nan_to_num_(0.0).add_(nearer).view(N, -1, *points.shape[2:])
