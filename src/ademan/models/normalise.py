"""From points as they were seen to the numbers that a network reads; all of it is inside the exported graph.

In the formulas x is a point (a vector of C coordinates), o(t) the origin and s the size of its part (hand or body, see
`ademan.skeleton.Part`), and means run over what was seen in the window.

    none         x
    image        2 x - 1                       the image's height becomes 2, its middle line 0
    origin       x - o(t)                      hands: relative to the wrist; bodies: to the middle of the hips
    origin-size  (x - o(t)) / s                s = mean over t of the hand's (torso's) length in the window
    zscore       (x - mean) / std              mean of each coordinate, one std over all coordinates of the window

Missing points become zero after that. A point whose part's origin was not seen counts as missing in `origin` and
`origin-size`.
"""

from typing import Literal

import torch
from torch import Tensor, nn

from ademan.errors import ConfigError
from ademan.skeleton import Part, Skeleton

Normalisation = Literal["none", "image", "origin", "origin-size", "zscore"]
_SMALLEST_SIZE = 1e-4  # of the image's height, or a tenth of a millimetre: below it a size is noise


def lengths(points: Tensor) -> Tensor:
    """Return (N,) the frames of each window up to the last in which anything was seen, at least 1.

    Args:
        points: (N, T, P, C), NaN where not seen; frames at the end with nothing seen are padding.
    """
    seen = (~torch.isnan(points).any(dim=3)).any(dim=2)  # one point with all its coordinates is enough
    position = torch.arange(1, points.shape[1] + 1, device=points.device)
    return (seen * position).amax(dim=1).clamp(min=1)


class Features(nn.Module):
    """Normalised points, and if wanted their velocities and which of them were seen, as one vector a frame.

    Args:
        skeleton: of the points.
        channels: coordinates of a point.
        normalisation: by name, see the top of this file.
        velocities: add the difference to the frame before, zero where either was not seen.
        seen: add a 1 for each point that was seen, 0 for one that was not.

    Raises:
        ConfigError: the normalisation needs parts and the skeleton has none.
    """

    def __init__(
        self, skeleton: Skeleton, channels: int, normalisation: Normalisation, *, velocities: bool, seen: bool
    ) -> None:
        super().__init__()
        if normalisation.startswith("origin") and not skeleton.parts:
            raise ConfigError(
                f"normalisation '{normalisation}' needs a skeleton with parts; '{skeleton.name}' has none. "
                "Choose image or zscore, or define its parts."
            )
        self.normalisation, self.velocities, self.seen, self.parts = normalisation, velocities, seen, skeleton.parts
        P = len(skeleton)
        owned = [i for part in skeleton.parts for i in part.points]
        self.loose = list(skeleton.loose)  # they stay as they are
        self.order = torch.argsort(torch.tensor(owned + self.loose)).tolist()
        self.size = P * channels * (2 if velocities else 1) + (P if seen else 0)

    def forward(self, points: Tensor) -> Tensor:
        """Return features (N, T, size) of points (N, T, P, C)."""
        x = self._normalised(points)
        seen = ~torch.isnan(x).any(dim=3, keepdim=True)
        features = [torch.where(seen, x, 0.0)]
        if self.velocities:
            step = x[:, 1:] - x[:, :-1]
            step = torch.where(torch.isnan(step), 0.0, step)
            features.append(torch.cat([torch.zeros_like(x[:, :1]), step], dim=1))
        if self.seen:
            features.append(seen.to(x.dtype))
        return torch.cat([feature.flatten(2) for feature in features], dim=2)

    def _normalised(self, points: Tensor) -> Tensor:
        if self.normalisation == "image":
            return 2 * points - 1
        if self.normalisation == "zscore":
            return _zscore(points)
        if self.normalisation == "none":
            return points
        by_part = torch.cat([self._of_part(points, part) for part in self.parts] + [points[:, :, self.loose]], dim=2)
        return by_part[:, :, self.order]

    def _of_part(self, points: Tensor, part: Part) -> Tensor:
        x = points[:, :, list(part.points)] - points[:, :, list(part.origin)].mean(dim=2, keepdim=True)
        if self.normalisation == "origin":
            return x
        across = points[:, :, list(part.size_to)].mean(dim=2) - points[:, :, list(part.size_from)].mean(dim=2)
        return x / _mean_seen(torch.linalg.vector_norm(across, dim=2))[:, None, None, None]


def _mean_seen(size: Tensor) -> Tensor:
    """Return (N,) the mean over the frames (N, T) in which a size was seen; 1 where it never was."""
    seen = ~torch.isnan(size)
    mean = torch.where(seen, size, 0.0).sum(dim=1) / seen.sum(dim=1).clamp(min=1)
    return torch.where(mean > _SMALLEST_SIZE, mean, 1.0)


def _zscore(points: Tensor) -> Tensor:
    seen = ~torch.isnan(points)
    count = seen.sum(dim=(1, 2), keepdim=True).clamp(min=1)
    mean = torch.where(seen, points, 0.0).sum(dim=(1, 2), keepdim=True) / count
    centred = points - mean
    variance = (torch.where(seen, centred, 0.0) ** 2).sum(dim=(1, 2), keepdim=True) / count
    std = variance.mean(dim=3, keepdim=True).sqrt()
    return centred / torch.where(std > _SMALLEST_SIZE, std, 1.0)
