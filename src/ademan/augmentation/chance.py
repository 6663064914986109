"""Random numbers for a batch: one source, all clips at once."""

import math

import numpy as np
import torch
from torch import Tensor

# Gaps in public sets of hands: about half last one frame, and one in ten more than six; see synthetic/detector.py.
_SHORT_GAP, _LONG_GAP, _SHORT_SHARE = 0.7, 0.2, 0.65
MEAN_GAP = _SHORT_SHARE / _SHORT_GAP + (1 - _SHORT_SHARE) / _LONG_GAP
"""Mean of `Chance.gaps`, in frames."""


class Chance:
    """Random numbers, drawn where the generator is and put where the points are.

    Args:
        generator: the source; the same state gives the same numbers.
        points: (N, T, P, C), whose device and kind of number the results have.
    """

    def __init__(self, generator: torch.Generator, points: Tensor) -> None:
        self.generator, self.device, self.dtype, self.N = generator, points.device, points.dtype, len(points)

    def share(self, *shape: int) -> Tensor:
        """Return numbers (N, *shape) from 0 to below 1."""
        drawn = torch.rand(self.N, *shape, generator=self.generator, device=self.generator.device, dtype=self.dtype)
        return drawn.to(self.device)

    def either_way(self, largest: float, *shape: int) -> Tensor:
        """Return numbers (N, *shape) from -largest to largest."""
        return largest * (2 * self.share(*shape) - 1)

    def factor(self, most: float) -> Tensor:
        """Return (N,) factors from 1 / (1 + most) to 1 + most, larger and smaller ones equally often."""
        return torch.exp(self.either_way(math.log1p(most)))

    def normal(self, *shape: int) -> Tensor:
        """Return (N, *shape) normal numbers of mean 0 and deviation 1."""
        drawn = torch.randn(self.N, *shape, generator=self.generator, device=self.generator.device, dtype=self.dtype)
        return drawn.to(self.device)

    def gaps(self, *shape: int) -> Tensor:
        """Return (N, *shape) int64: for how many frames something is lost, 1 or more; most are short."""
        ends = torch.where(self.share(*shape) < _SHORT_SHARE, math.log1p(-_SHORT_GAP), math.log1p(-_LONG_GAP))
        return 1 + (torch.log1p(-self.share(*shape)) / ends).long()

    def partner(self) -> Tensor:
        """Return (N,) another clip for each, or itself."""
        drawn = torch.randperm(self.N, generator=self.generator, device=self.generator.device)
        return drawn.to(self.device)

    def beta(self, alpha: float) -> Tensor:
        """Return (N,) numbers from 0 to 1 of the distribution Beta(alpha, alpha)."""
        seed = torch.randint(2**62, (), generator=self.generator, device=self.generator.device)
        drawn = np.random.default_rng(int(seed)).beta(alpha, alpha, self.N)  # torch has none with a generator
        return torch.from_numpy(drawn).to(self.device, self.dtype)
