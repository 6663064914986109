"""Shape, posture and motion of each hand or body: what the temporal convolutions read, in terms that people share.

In the formulas x is a point (a vector of C coordinates), c(t) the mean of a part's points in frame t, and s its size:
the root mean square distance of its points from c(t), over the frames in which it was seen.

    distance   |x_i - x_j| / s                  each pair of the part's points; neither place, size nor view changes it
    posture    (x_i(t) - c(t)) / s              which way it is held
    place      (x_i(t) - mean over t of c) / s  where each point is, measured from the middle of the part's own path
    motion     place(t + d) - place(t)          over one frame and over three
    path       (c(t) - mean over t of c) / s    of the part as a whole, and its change over one frame
    between    (c_b(t) - c_a(t)) / mean of s    of each two parts

Distances of joints and two speeds of motion: DD-Net (Yang et al. 2019, arXiv 1907.09658). A part that is the mirror
image of another one (a left hand) is turned round in x, so that one encoder reads both. What was not seen is zero.
"""

import functools
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor, nn

from ademan.skeleton import Skeleton

_SMALLEST_SIZE = 1e-4  # of the image's height, or a tenth of a millimetre: below it a size is noise
_SLOW, _FAST = 3, 1  # frames over which motion is measured


@dataclass(frozen=True)
class Kind:
    """Parts of one kind, which one encoder reads: both hands, or a body.

    Args:
        points: (k, n) indices of the points of each part, in the same order.
        turned: (k,) whether a part is turned round in x.
    """

    points: tuple[tuple[int, ...], ...]
    turned: tuple[bool, ...]


def kinds(skeleton: Skeleton) -> tuple[Kind, ...]:
    """Return the parts of a skeleton by kind; points of no part are one more, and without parts all points are one."""
    owned = {i for part in skeleton.parts for i in part.points}
    loose = tuple(i for i in range(len(skeleton)) if i not in owned)
    groups = [part.points for part in skeleton.parts] + ([loose] if loose else [])
    found: list[Kind] = []
    for points in groups:
        image = tuple(skeleton.mirror[i] for i in points)
        if any(points in kind.points for kind in found):
            continue
        if image != points and image in groups:
            found.append(Kind((points, image), (True, False)))
        else:
            found.append(Kind((points,), (False,)))
    return tuple(found)


class Motion(nn.Module):
    """Features of the parts of one kind; it has no weights.

    Args:
        kind: which parts.
        channels: C, coordinates of a point.
    """

    apart: Tensor
    sign: Tensor

    def __init__(self, kind: Kind, channels: int) -> None:
        super().__init__()
        k, n = len(kind.points), len(kind.points[0])
        self.order = [i for points in kind.points for i in points]
        self.parts, self.points = k, n
        apart = torch.zeros(n, n * (n - 1) // 2)
        for pair, (i, j) in enumerate(combinations(range(n), 2)):
            apart[i, pair], apart[j, pair] = 1.0, -1.0
        sign = torch.ones(k, 1, channels)
        sign[list(kind.turned), :, 0] = -1.0
        self.register_buffer("apart", apart, persistent=False)
        self.register_buffer("sign", sign, persistent=False)
        self.size = n * (n - 1) // 2 + 4 * n * channels + 1
        """Features of a part in a frame."""
        self.path_size = 2 * channels
        """Features of a part's path in a frame."""

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor, "Place"]:
        """Return features (N, T, k, size), paths (N, T, k, path_size) and places of windows (N, T, P, C)."""
        N, T, _, C = points.shape
        x = points[:, :, self.order].reshape(N, T, self.parts, self.points, C) * self.sign
        ok = (~torch.isnan(x).any(dim=4, keepdim=True)).to(x.dtype)
        x = torch.where(ok > 0, x, 0.0)
        count = ok.sum(dim=3, keepdim=True)
        seen = count.clamp(max=1)  # (N, T, k, 1, 1)
        centre = x.sum(dim=3, keepdim=True) / count.clamp(min=1)
        middle = _mean_over_time(centre, seen)
        size = _size(x, centre, middle, ok, seen)
        posture = (x - centre) / size * ok
        place = (x - middle) / size * ok
        distance = _distances(posture, ok, self.apart)
        motion = [_change(place, ok, frames) for frames in (_FAST, _SLOW)]
        features = [distance, *(f.flatten(3) for f in (posture, place, *motion)), seen[:, :, :, 0]]
        path = (centre - middle) / size * seen
        paths = torch.cat([path, 4 * _change(path, seen, _FAST)], dim=4)[:, :, :, 0]
        return torch.cat(features, dim=3), paths, Place(centre[:, :, :, 0] * self.sign[:, 0], size, seen)


@dataclass(frozen=True)
class Place:
    """Where parts are: centres (N, T, k, C), sizes (N, 1, k, 1, 1), and whether each is seen (N, T, k, 1, 1)."""

    centre: Tensor
    size: Tensor
    seen: Tensor


def between(places: list[Place]) -> list[Tensor]:
    """Return (N, T, C + 1) for each two parts: from one to the other, and whether both are seen; not turned round."""
    single = [
        (p.centre[:, :, i], p.size[:, :, i, :, 0], p.seen[:, :, i, :, 0])
        for p in places
        for i in range(p.seen.shape[2])
    ]
    found = []
    for (centre_a, size_a, seen_a), (centre_b, size_b, seen_b) in combinations(single, 2):
        both = seen_a * seen_b
        found.append(torch.cat([(centre_b - centre_a) / (size_a + size_b) * both, both], dim=2))
    return found


def _mean_over_time(x: Tensor, seen: Tensor) -> Tensor:
    return (x * seen).sum(dim=1, keepdim=True) / seen.sum(dim=1, keepdim=True).clamp(min=1)


def _size(x: Tensor, centre: Tensor, middle: Tensor, ok: Tensor, seen: Tensor) -> Tensor:
    """Return (N, 1, k, 1, 1) the sizes; of a single point that of its path, and 1 where there is none."""
    about = middle if x.shape[3] == 1 else centre
    square = (((x - about) * ok) ** 2).sum(dim=(3, 4), keepdim=True) / ok.sum(dim=3, keepdim=True).clamp(min=1)
    size = _mean_over_time(square, seen).sqrt()
    return torch.where(size > _SMALLEST_SIZE, size, 1.0)


def _distances(x: Tensor, ok: Tensor, apart: Tensor) -> Tensor:
    """Return (..., pairs) distances of points (..., n, C), zero where one of two was not seen.

    Args:
        x: points.
        ok: (..., n, 1) 1 where a point was seen, else 0.
        apart: (n, pairs) 1 for the first point of a pair, -1 for the second, else 0.
    """
    # A product of matrices for each coordinate: on a CPU several times quicker than gathering both points of each pair.
    square = functools.reduce(torch.add, ((coordinate @ apart) ** 2 for coordinate in x.unbind(-1)))
    both = ok[..., 0] @ apart.abs() > 1.5
    return torch.where(both, square.sqrt(), 0.0)


def _change(x: Tensor, ok: Tensor, frames: int) -> Tensor:
    """Return x(t + frames) - x(t), zero where either was not seen or lies outside the window."""
    later, later_ok = (
        torch.cat([v, torch.zeros_like(v[:, :1]).expand(-1, frames, -1, -1, -1)], 1)[:, frames:] for v in (x, ok)
    )
    return (later - x) * ok * later_ok
