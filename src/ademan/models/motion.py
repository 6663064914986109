"""Shape, posture and motion of each hand or body: what the temporal convolutions read, in terms that people share.

In the formulas x is a point (a vector of C coordinates), c(t) the mean of a part's points in frame t, and s its size:
the root mean square distance of its points from c(t), over the frames in which it was seen.

    distance   |x_i - x_j|                      each pair of the part's points, less their mean over the window, by
                                                their standard deviation in it: place, size and view change nothing
    posture    (x_i(t) - c(t)) / s              which way it is held
    place      (x_i(t) - mean over t of c) / s  where each point is, measured from the middle of the part's own path
    motion     4 (place(t + 1) - place(t)), and 2 (place(t + 3) - place(t))
    path       (c(t) - mean over t of c) / s    of the part as a whole, 4 times its change over one frame, and whether
                                                it is seen
    between    (c_b(t) - c_a(t)) / (s_a + s_b)  of each two parts, and whether both are seen

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
_FAST, _SLOW = 4.0, 2.0  # times the motion over one frame and over three: about as large as posture then
_LEAST_SPREAD = 1e-3  # of distances, in sizes: a single pair has none


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
    groups = [part.points for part in skeleton.parts] + ([skeleton.loose] if skeleton.loose else [])
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
        self.sizes = (*[n * (n - 1) // 2] * (n > 1), *[n * channels] * 3)
        """Features of a part in a frame, in families: distances (of two points or more), posture, fast, slow motion."""
        self.path_size = 2 * channels + 1
        """Features of a part's path in a frame."""

    def forward(self, points: Tensor) -> tuple[list[Tensor], Tensor, "Place"]:
        """Return families of features (N, T, k, size), paths (N, T, k, path_size), places; of windows (N, T, P, C)."""
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
        fast, slow = _FAST * _change(place, ok, 1), _SLOW * _change(place, ok, 3)
        families = [f.flatten(3) for f in (posture, fast, slow)]
        if self.points > 1:
            families.insert(0, _distances(posture, ok, self.apart))
        path = (centre - middle) / size * seen
        paths = torch.cat([path, _FAST * _change(path, seen, 1)], dim=4)[:, :, :, 0]
        paths = torch.cat([paths, seen[:, :, :, 0]], dim=3)
        return families, paths, Place(centre[:, :, :, 0] * self.sign[:, 0], size, seen)


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
    """Return (N, T, k, pairs) standardised distances of points, zero where one of two was not seen.

    Args:
        x: (N, T, k, n, C) points.
        ok: (N, T, k, n, 1) 1 where a point was seen, else 0.
        apart: (n, pairs) 1 for the first point of a pair, -1 for the second, else 0.
    """
    # A product of matrices for each coordinate: on a CPU several times quicker than gathering both points of each pair.
    square = functools.reduce(torch.add, ((coordinate @ apart) ** 2 for coordinate in x.unbind(-1)))
    both = ok[..., 0] @ apart.abs() > 1.5
    distance, count = torch.where(both, square.sqrt(), 0.0), both.sum(dim=(1, 3), keepdim=True).clamp(min=1)
    mean = distance.sum(dim=(1, 3), keepdim=True) / count
    around = torch.where(both, distance - mean, 0.0)
    spread = ((around**2).sum(dim=(1, 3), keepdim=True) / count).sqrt()
    return around / spread.clamp(min=_LEAST_SPREAD)


def _change(x: Tensor, ok: Tensor, frames: int) -> Tensor:
    """Return x(t + frames) - x(t), zero where either was not seen or lies outside the window."""
    later, later_ok = (
        torch.cat([v, torch.zeros_like(v[:, :1]).expand(-1, frames, -1, -1, -1)], 1)[:, frames:] for v in (x, ok)
    )
    return (later - x) * ok * later_ok
