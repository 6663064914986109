"""Temporal convolutions over shape and motion: small, quick on a CPU, and the network that is trained by default."""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from ademan.errors import ConfigError
from ademan.models.motion import Motion, between, kinds
from ademan.models.normalise import lengths
from ademan.skeleton import Skeleton

_SLOPE = 0.1  # of the leaky rectifiers


@dataclass(frozen=True)
class TcnConfig:
    """Layers of the temporal convolutions."""

    part_units: int = 64
    """Units that a frame of a hand or body is brought down to, above zero."""
    part_channels: int = 48
    """Channels of each hand or body that go into the common layers, above zero."""
    path_channels: int = 32
    """Channels of where the parts go, and of how they stand to each other, above zero."""
    blocks: tuple[int, ...] = (96, 192)
    """Channels of each residual block of the common layers; time is halved between two of them."""
    head_units: int = 128
    """Units before the logits, above zero."""
    channel_dropout: float = 0.1
    """Share of channels dropped between the convolutions in training, from 0 to below 1."""
    head_dropout: float = 0.5
    """Share of units dropped before the logits in training, from 0 to below 1."""

    def __post_init__(self) -> None:
        sizes = (self.part_units, self.part_channels, self.path_channels, self.head_units, *self.blocks)
        if not self.blocks or min(sizes) < 1:
            raise ConfigError(
                f"temporal convolutions need one block or more, and a channel or more in each; found {self}."
            )
        for name in ("channel_dropout", "head_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"{name} must be from 0 to below 1, found {getattr(self, name)}.")


TCN_PRESETS = {"tcn": TcnConfig()}


class Tcn(nn.Module):
    """An encoder for each kind of part, residual convolutions over time, the highest value of each channel, logits.

    Args:
        config: layers.
        skeleton: of the points it will see.
        channels: coordinates of a point.
        classes: how many logits.
    """

    def __init__(self, config: TcnConfig, skeleton: Skeleton, channels: int, classes: int) -> None:
        super().__init__()
        found = kinds(skeleton)
        motions = [Motion(kind, channels) for kind in found]
        parts = sum(len(kind.points) for kind in found)
        self.motions = nn.ModuleList(motions)
        self.encoders = nn.ModuleList(_Encoder(motion.size, config) for motion in motions)
        paths = parts * 2 * channels + (parts * (parts - 1) // 2) * (channels + 1)
        self.paths = nn.Sequential(_Norm(paths), _Convolution(paths, config.path_channels, 5))
        widths = [parts * config.part_channels + config.path_channels, *config.blocks]
        self.blocks = nn.ModuleList(_Block(a, b, config.channel_dropout) for a, b in pairwise(widths))
        self.dropout = _DropChannels(config.channel_dropout)
        self.head = nn.Sequential(
            nn.Linear(widths[-1], config.head_units),
            _Norm(config.head_units),
            nn.LeakyReLU(_SLOPE),
            nn.Dropout(config.head_dropout),
            nn.Linear(config.head_units, classes),
        )

    def forward(self, points: Tensor) -> Tensor:
        """Return logits (N, K) of windows (N, T, P, C), NaN where not seen and for padding at the end."""
        frame = torch.arange(points.shape[1], device=points.device)
        inside = (frame < lengths(points)[:, None])[..., None].to(points.dtype)  # (N, T, 1): 0 in padding
        encoded, paths, places = [], [], []
        for motion, encoder in zip(self.motions, self.encoders, strict=True):
            features, path, place = motion(points)
            encoded.append(encoder(features, inside))
            paths.append(path.flatten(2))
            places.append(place)
        path = self.paths(torch.cat([*paths, *between(places)], dim=2)) * inside
        x = torch.cat([*encoded, _halve(path, inside)], dim=2)
        inside = _halve(inside, inside)
        for i, block in enumerate(self.blocks):
            if i:
                x, inside = _halve(x, inside), _halve(inside, inside)
            x = self.dropout(block(x, inside))
        highest = torch.where(inside > 0, x, -torch.inf).amax(dim=1)
        logits: Tensor = self.head(highest)
        return logits


class _Encoder(nn.Module):
    """Reads each part of a kind with the same weights: a frame at a time, then over three."""

    def __init__(self, size: int, config: TcnConfig) -> None:
        super().__init__()
        self.scale = _Norm(size)
        self.frame = _Convolution(size, config.part_units, 1)
        self.frames = _Convolution(config.part_units, config.part_channels, 3)
        self.dropout = _DropChannels(config.channel_dropout)

    def forward(self, features: Tensor, inside: Tensor) -> Tensor:
        """Return (N, T / 2, k channels) of features (N, T, k, F); zero in padding."""
        N, T, k, F = features.shape
        x: Tensor = self.frame(self.scale(features.transpose(1, 2).reshape(N * k, T, F)))
        of_part = inside.repeat_interleave(k, dim=0)
        x = self.dropout(_halve(x, of_part))
        x = self.dropout(self.frames(x) * _halve(of_part, of_part))
        return x.reshape(N, k, -1, x.shape[2]).transpose(1, 2).flatten(2)


class _Block(nn.Module):
    """Two convolutions and what went in beside them (He et al. 2015); zero in padding."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.first = _Convolution(inputs, outputs, 3)
        self.second = _Convolution(outputs, outputs, 3, slope=1.0)
        self.dropout = _DropChannels(dropout)
        self.beside = nn.Identity() if inputs == outputs else nn.Linear(inputs, outputs, bias=False)

    def forward(self, x: Tensor, inside: Tensor) -> Tensor:
        y = self.second(self.dropout(self.first(x) * inside))
        return functional.leaky_relu(y + self.beside(x), _SLOPE) * inside


class _Convolution(nn.Module):
    """A convolution over time of (N, T, inputs), normalised over the batch, and a leaky rectifier.

    Written as one product of matrices: on a CPU that takes half the time of torch's convolution for so few frames.
    """

    def __init__(self, inputs: int, outputs: int, frames: int, slope: float = _SLOPE) -> None:
        super().__init__()
        self.frames, self.slope = frames, slope
        self.linear = nn.Linear(frames * inputs, outputs, bias=False)
        self.norm = _Norm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, T, outputs); frames outside the window count as zero."""
        T, around = x.shape[1], self.frames // 2
        padded = functional.pad(x, (0, 0, around, around))
        x = torch.cat([padded[:, i : i + T] for i in range(self.frames)], dim=2) if around else x
        return functional.leaky_relu(self.norm(self.linear(x)), self.slope)


class _Norm(nn.BatchNorm1d):
    """Batch normalisation of (..., F)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.reshape(-1, self.num_features)).reshape(x.shape)


class _DropChannels(nn.Module):
    """Dropout of whole channels of (N, T, F) over all frames of a window (Tompson et al. 2015)."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.share:
            return x
        return x * functional.dropout(torch.ones_like(x[:, :1]), self.share)


def _halve(x: Tensor, inside: Tensor) -> Tensor:
    """Return (N, T / 2, F), the higher of each two frames; padding (inside is 0) never is, and stays zero."""
    x = torch.where(inside > 0, x, -torch.inf)
    then = functional.pad(x, (0, 0, 0, 1), value=-torch.inf)[:, 1::2]
    highest = torch.maximum(x[:, ::2], then)
    return torch.where(torch.isinf(highest), 0.0, highest)
