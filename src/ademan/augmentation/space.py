"""Where points are: rotation, turn, scale, aspect, shear and shift, as one matrix a clip.

Each builder gives matrices (N, C, C) for columns of coordinates; later ones are multiplied from the left. All of them
are applied about the middle of what is seen of a clip, so that it stays in its place.
"""

import torch
from torch import Tensor


def rotation(angle: Tensor, channels: int) -> Tensor:
    """Return matrices that rotate in the picture, by angles (N,) in radians; clockwise, since y points down."""
    return _turning(angle, 0, 1, channels)


def turn(yaw: Tensor, pitch: Tensor) -> Tensor:
    """Return matrices (N, 3, 3) that turn in depth: yaw about the vertical, then pitch about the horizontal.

    Args:
        yaw: (N,) in radians.
        pitch: (N,) in radians.
    """
    return _turning(pitch, 1, 2, 3) @ _turning(yaw, 0, 2, 3)


def _turning(angle: Tensor, a: int, b: int, channels: int) -> Tensor:
    matrices = identity(angle, channels)
    matrices[:, a, a] = matrices[:, b, b] = torch.cos(angle)
    matrices[:, b, a] = torch.sin(angle)
    matrices[:, a, b] = -matrices[:, b, a]
    return matrices


def scaling(factor: Tensor, channels: int) -> Tensor:
    """Return matrices that enlarge by factors (N,) above zero, in all coordinates alike."""
    return identity(factor, channels) * factor[:, None, None]


def stretching(factor: Tensor, channels: int) -> Tensor:
    """Return matrices that change width to height by factors (N,) above zero: areas in the picture stay as they are."""
    matrices = identity(factor, channels)
    matrices[:, 0, 0] = factor.sqrt()
    matrices[:, 1, 1] = 1 / factor.sqrt()
    return matrices


def shearing(slope: Tensor, channels: int) -> Tensor:
    """Return matrices that move x by slopes (N,) times y: verticals lean, areas stay as they are."""
    matrices = identity(slope, channels)
    matrices[:, 0, 1] = slope
    return matrices


def identity(like: Tensor, channels: int) -> Tensor:
    """Return matrices (N, C, C) that change nothing, of the kind and number of parameters (N,)."""
    return torch.eye(channels, dtype=like.dtype, device=like.device).repeat(len(like), 1, 1)


def transform(points: Tensor, matrices: Tensor, about: Tensor, shift: Tensor | None = None) -> Tensor:
    """Return points M (x - a) + a + s.

    Args:
        points: (N, T, P, C).
        matrices: M, (N, C, C).
        about: a, (N, C); what stays in its place.
        shift: s, (N, C), in units of the points; none if left out.
    """
    offset = about - (matrices @ about[..., None])[..., 0]
    if shift is not None:
        offset = offset + shift
    columns = points.flatten(1, 2).transpose(1, 2)  # long rows: half of the time of three columns
    return torch.baddbmm(offset[..., None], matrices, columns).transpose(1, 2).reshape(points.shape)
