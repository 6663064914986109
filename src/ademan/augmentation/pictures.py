"""Augmentation of pictures: crops of hands and silhouettes that could have been taken as well.

A picture of a clip is moved as a whole, and all pictures of a clip alike: with u a place in the new picture, its middle
0 and its edges -1 and 1, the new picture shows at u what the old one shows at

    M u + s        M = R(tilt) diag(1 / zx, 1 / zy) [1 lean; 0 1],  zx = zoom stretch^(1/2),  zy = zoom stretch^(-1/2)

by bilinear interpolation; outside are the pixels of the border, around a silhouette black. Then the light changes:

    255 (x / 255)^g (1 + a . u) t + e        g gamma, a uneven light, t the tint of a colour, e noise

A silhouette stays black and white: the light does nothing to it. Last a rectangle goes: grey, in a silhouette black.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from ademan.augmentation.chance import Chance
from ademan.augmentation.mixing import mix
from ademan.augmentation.sides import mirrored_labels
from ademan.errors import ConfigError

_WHITE = 255.0
_HALF = 127.5


@dataclass(frozen=True)
class PictureAugmentation:
    """Strengths for pictures: each clip draws between nothing and these, anew each time; 0 turns one off."""

    tilt_deg: float = 15.0
    """Largest rotation either way, degrees, 0 to 180."""
    zoom: float = 0.15
    """Largest change of size, 0 to 1: 0.15 is from 1 / 1.15 to 1.15 of it."""
    stretch: float = 0.1
    """Largest change of width to height, 0 to 1, as for zoom; areas stay."""
    lean: float = 0.1
    """Largest lean of verticals, 0 to 1: x moves by this times y."""
    slide: float = 0.08
    """Largest shift across and down, 0 to 1, of the picture's side."""
    flip: float = 0.0
    """Chance that left and right are exchanged, 0 to 1; labels that say left or right change with it, or forbid it."""
    gamma: float = 0.4
    """Largest change of the exponent of lightness, 0 to 1, as for zoom."""
    shade: float = 0.3
    """Uneven light: largest change of lightness at the border, 0 to 1."""
    tint: float = 0.1
    """Largest change of each colour, 0 to 1, as for zoom; of coloured pictures only."""
    noise: float = 0.02
    """Largest deviation of noise from pixel to pixel, 0 to 1, of white."""
    erase: float = 0.3
    """Largest side of a rectangle that is covered, 0 to 1, of the picture's side."""
    mixup: float = 0.0
    """Mixup of two clips: shares come from Beta(mixup, mixup), 0 to 10."""

    def __post_init__(self) -> None:
        largest = {"tilt_deg": 180.0, "mixup": 10.0}
        for field in fields(self):
            value, most = getattr(self, field.name), largest.get(field.name, 1.0)
            if not 0 <= value <= most:
                raise ConfigError(f"{field.name} must be from 0 to {most:g}, found {value}.")


PICTURES_OFF = PictureAugmentation(**{field.name: 0.0 for field in fields(PictureAugmentation)})
"""All strengths zero: pictures stay as they are."""


class PictureAugmenter:
    """Makes clips of pictures that could have been taken as well.

    Args:
        augmentation: how strong each transform is.
        labels: names of the K classes; what they say of left and right decides what may be flipped.
        binary: the pictures are silhouettes, black and white.
    """

    def __init__(self, augmentation: PictureAugmentation, labels: Sequence[str], *, binary: bool = False) -> None:
        self.augmentation, self.classes, self.binary = augmentation, len(labels), binary
        self.mirrored = torch.tensor(mirrored_labels(labels))

    def __call__(self, points: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return other pictures and their labels; the arguments stay as they are.

        Args:
            points: (N, T, P, C) of square pictures, 0 to 255, C = P x colours; NaN where nothing was seen.
            labels: (N,) int64, indices of the labels.
            generator: the source of chance; the same state gives the same result.
        """
        if self.augmentation == PICTURES_OFF:
            return points, labels
        chance = Chance(generator, points)
        seen = ~torch.isnan(points).any(dim=3, keepdim=True)
        x = _as_channels(torch.where(seen, points, 0.0))
        flips, labels = self._flips(labels, chance)
        x = self._moved(x, flips, chance)
        x = (x > _HALF) * _WHITE if self.binary else self._lit(x, points.shape[3] // points.shape[2], chance)
        x = self._erased(x, chance)
        return torch.where(seen, _as_rows(x, points.shape), torch.nan), labels

    def mix(self, points: Tensor, labels: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return clips of the batch mixed with each other, and targets (N, K) that say how much of which is in them.

        Args:
            points: (N, T, P, C), NaN where nothing was seen.
            labels: (N,) int64, indices of the labels.
            generator: the source of chance; the same state gives the same result.
        """
        return mix(points, labels, self.classes, self.augmentation.mixup, generator)

    def _flips(self, labels: Tensor, chance: Chance) -> tuple[Tensor, Tensor]:
        """Return (N,) -1 for clips that are flipped and 1 for others, and the labels."""
        image = self.mirrored.to(labels.device)[labels]
        which = (chance.share() < self.augmentation.flip) & (image >= 0)
        return 1.0 - 2.0 * which.to(chance.dtype), torch.where(which, image, labels)

    def _moved(self, x: Tensor, flips: Tensor, chance: Chance) -> Tensor:
        """Return pictures (N, channels, H, W) flipped, turned, scaled and shifted."""
        strength = self.augmentation
        angle = chance.either_way(math.radians(strength.tilt_deg))
        zoom, stretch = chance.factor(strength.zoom), chance.factor(strength.stretch).sqrt()
        lean, slide = chance.either_way(strength.lean), chance.either_way(2 * strength.slide, 2)
        cos, sin = torch.cos(angle), torch.sin(angle)
        zero, one = torch.zeros_like(zoom), torch.ones_like(zoom)
        turn = _matrix(cos, -sin, sin, cos)
        scale = _matrix(flips / (zoom * stretch), zero, zero, stretch / zoom)
        matrix = torch.cat([turn @ scale @ _matrix(one, lean, zero, one), slide[:, :, None]], dim=2)
        grid = affine_grid(matrix, list(x.shape), align_corners=False)
        return grid_sample(x, grid, padding_mode="zeros" if self.binary else "border", align_corners=False)

    def _lit(self, x: Tensor, colours: int, chance: Chance) -> Tensor:
        """Return pictures (N, channels, H, W) in another light."""
        strength, side = self.augmentation, x.shape[2]
        place = torch.linspace(-1, 1, side, device=x.device, dtype=x.dtype)
        slope = chance.either_way(strength.shade, 2)
        light = 1 + (slope[:, :1] * place)[:, None, :] + (slope[:, 1:] * place)[:, :, None]
        x = _WHITE * (x / _WHITE).clamp(0, 1) ** chance.factor(strength.gamma)[:, None, None, None] * light[:, None]
        if colours > 1:
            tint = torch.exp(chance.either_way(math.log1p(strength.tint), colours))
            x = x * tint.repeat(1, x.shape[1] // colours)[:, :, None, None]
        if strength.noise:
            x = x + _WHITE * strength.noise * chance.share(1, 1, 1) * chance.normal(*x.shape[1:])
        return x.clamp(0, _WHITE)

    def _erased(self, x: Tensor, chance: Chance) -> Tensor:
        """Return pictures (N, channels, H, W) with a rectangle covered."""
        if not self.augmentation.erase:
            return x
        half = self.augmentation.erase / 2 * chance.share(2)
        low = (1 - 2 * half) * chance.share(2)
        place = (torch.arange(x.shape[2], device=x.device, dtype=x.dtype) + 0.5) / x.shape[2]
        inside = (place >= low[..., None]) & (place < (low + 2 * half)[..., None])  # (N, 2, side)
        covered = inside[:, 0, None, :] & inside[:, 1, :, None]
        return torch.where(covered[:, None], 0.0 if self.binary else _HALF, x)


def _matrix(a: Tensor, b: Tensor, c: Tensor, d: Tensor) -> Tensor:
    """Return (N, 2, 2) of four (N,)."""
    return torch.stack([torch.stack([a, b], dim=1), torch.stack([c, d], dim=1)], dim=1)


def _as_channels(points: Tensor) -> Tensor:
    """Return windows (N, T, P, P x colours) as pictures (N, T x colours, P, P): all of a clip are moved alike."""
    N, T, P, C = points.shape
    return points.reshape(N, T, P, P, C // P).permute(0, 1, 4, 2, 3).reshape(N, -1, P, P)


def _as_rows(x: Tensor, shape: torch.Size) -> Tensor:
    """Undo `_as_channels`."""
    N, T, P, C = shape
    return x.reshape(N, T, C // P, P, P).permute(0, 1, 3, 4, 2).reshape(shape)
