"""A small residual network for pictures of hands and for silhouettes: each frame by itself, then the mean."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ademan.errors import ConfigError
from ademan.skeleton import Skeleton, picture_rows

_LEAST_SPREAD = 1.0  # of 255: below it a picture is one even colour, and its noise should not be blown up


@dataclass(frozen=True)
class CnnConfig:
    """Layers of the network for pictures."""

    stages: tuple[int, ...] = (24, 48, 96, 160)
    """Channels of each stage; the first has half the picture's width and height, each further one half of that."""
    depth: int = 1
    """Residual blocks of each stage, 1 or more."""
    squeeze: int = 8
    """Channels of a block are weighed by what the whole picture shows, through so many times fewer units; 0: not."""
    last_dropout: float = 0.3
    """Share of units dropped before the logits in training, from 0 to below 1."""

    def __post_init__(self) -> None:
        if not self.stages or min(self.stages) < 1:
            raise ConfigError(f"stages must be one or more, each with a channel or more; found {list(self.stages)}.")
        if self.depth < 1:
            raise ConfigError(f"depth must be 1 or more, found {self.depth}.")
        if self.squeeze < 0:
            raise ConfigError(f"squeeze must be 0 or more, found {self.squeeze}.")
        if not 0 <= self.last_dropout < 1:
            raise ConfigError(f"last_dropout must be from 0 to below 1, found {self.last_dropout}.")


CNN_PRESETS = {"cnn": CnnConfig()}


def is_of_pictures(skeleton: Skeleton) -> bool:
    """Return whether a skeleton names the rows of a picture rather than points."""
    return skeleton.name == f"rows{len(skeleton)}" and skeleton == picture_rows(len(skeleton))


class Cnn(nn.Module):
    """Residual blocks over each picture, the mean over its width and height, logits, and the mean over the frames.

    A frame in which nothing was seen has no say; where none was seen at all, all logits are 0.

    Args:
        config: layers.
        skeleton: rows of the pictures it will see.
        channels: numbers in a row: its width, which is the height of the picture, times 1 or 3 colours.
        classes: how many logits.

    Raises:
        ConfigError: the skeleton is one of points, the picture is not square, or halved too often.
    """

    def __init__(self, config: CnnConfig, skeleton: Skeleton, channels: int, classes: int) -> None:
        super().__init__()
        self.side, self.colours, self.classes = len(skeleton), channels // len(skeleton), classes
        if not is_of_pictures(skeleton):
            raise ConfigError(
                f"cnn reads pictures, and the dataset has points of skeleton '{skeleton.name}'. "
                "Make a dataset of pictures with ademan pictures, or choose another --model."
            )
        if channels not in (self.side, 3 * self.side):
            raise ConfigError(
                f"cnn reads square pictures, grey or coloured: {self.side} rows of {self.side} or {3 * self.side} "
                f"numbers; found {channels}."
            )
        if self.side >> len(config.stages) < 1:
            raise ConfigError(f"a picture of {self.side} pixels cannot be halved by {len(config.stages)} stages.")
        first = config.stages[0]
        layers = [
            (width, 2 if i and not j else 1) for i, width in enumerate(config.stages) for j in range(config.depth)
        ]
        inputs = [first, *(width for width, _ in layers)]
        self.stem = nn.Sequential(_convolution(self.colours, first, 3, 2), nn.BatchNorm2d(first), nn.ReLU())
        self.blocks = nn.Sequential(
            *(_Block(a, b, stride, config.squeeze) for a, (b, stride) in zip(inputs, layers, strict=False))
        )
        self.head = nn.Sequential(nn.Dropout(config.last_dropout), nn.Linear(config.stages[-1], classes))

    def forward(self, points: Tensor) -> Tensor:
        """Return logits (N, K) of windows (N, T, P, C) of pictures, 0 to 255, NaN where not seen and for padding."""
        pictures = points.flatten(0, 1)
        rows = ~torch.isnan(pictures).any(dim=2, keepdim=True)  # (N T, P, 1)
        seen = rows.any(dim=1)  # (N T, 1)
        x = _standardised(pictures, rows).reshape(-1, self.side, self.side, self.colours).permute(0, 3, 1, 2)
        logits = self._of_seen(x, seen[:, 0]) if self.training else self._of_all(x)
        weight = seen.to(points.dtype).reshape(points.shape[0], points.shape[1], 1)
        logits = logits.reshape(points.shape[0], points.shape[1], self.classes)
        return (logits * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)

    def _of_all(self, x: Tensor) -> Tensor:
        """Return logits (N, K) of pictures (N, colours, H, W)."""
        logits: Tensor = self.head(self.blocks(self.stem(x)).mean(dim=(2, 3)))
        return logits

    def _of_seen(self, x: Tensor, seen: Tensor) -> Tensor:
        """Return the same, 0 for pictures (N,) that were not seen: batches are normalised without them."""
        logits = x.new_zeros(len(x), self.classes)
        if seen.any():
            logits[seen] = self._of_all(x[seen])
        return logits


class _Block(nn.Module):
    """Two convolutions and what went in beside them (He et al. 2015), the channels weighed (Hu et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, stride: int, squeeze: int) -> None:
        super().__init__()
        self.first = nn.Sequential(_convolution(inputs, outputs, 3, stride), nn.BatchNorm2d(outputs), nn.ReLU())
        self.second = nn.Sequential(_convolution(outputs, outputs, 3, 1), nn.BatchNorm2d(outputs))
        self.weigh = _Squeeze(outputs, max(1, outputs // squeeze)) if squeeze else nn.Identity()
        self.beside: nn.Module = nn.Identity()
        if inputs != outputs or stride != 1:
            pool = nn.AvgPool2d(stride, ceil_mode=True) if stride != 1 else nn.Identity()
            self.beside = nn.Sequential(pool, _convolution(inputs, outputs, 1, 1), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, outputs, H, W), half as wide and high with a stride of 2."""
        return functional.relu(self.weigh(self.second(self.first(x))) + self.beside(x))


class _Squeeze(nn.Module):
    """A factor from 0 to 1 for each channel, from the means of all of them (Hu et al. 2018, squeeze and excitation)."""

    def __init__(self, channels: int, units: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(channels, units), nn.ReLU(), nn.Linear(units, channels), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, channels, H, W)."""
        factors: Tensor = self.layers(x.mean(dim=(2, 3)))
        return x * factors[:, :, None, None]


def _convolution(inputs: int, outputs: int, side: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, side, stride, side // 2, bias=False)


def _standardised(pictures: Tensor, rows: Tensor) -> Tensor:
    """Return pictures (N, P, C) with mean 0 and deviation 1 each, so that exposure and contrast do not matter.

    Rows (N, P, 1) that were not seen become 0.
    """
    x = torch.where(rows, pictures, 0.0)
    count = (rows.sum(dim=1, keepdim=True) * pictures.shape[2]).clamp(min=1)
    mean = x.sum(dim=(1, 2), keepdim=True) / count
    x = torch.where(rows, x - mean, 0.0)
    spread = (x.square().sum(dim=(1, 2), keepdim=True) / count).sqrt()
    return x / spread.clamp(min=_LEAST_SPREAD)
