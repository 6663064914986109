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
_FAR_BELOW = -1e9  # what padding counts as where the highest value is looked for


@dataclass(frozen=True)
class TcnConfig:
    """Layers of the temporal convolutions."""

    part_units: int = 64
    """Units that each family of features of a hand or body is brought down to in a frame, above zero."""
    part_channels: int = 32
    """Channels of each family of features that go into the common layers, above zero."""
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
        sizes = ("part_units", "part_channels", "path_channels", "head_units")
        for name in sizes:
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be above 0, found {getattr(self, name)}.")
        if not self.blocks or min(self.blocks) < 1:
            raise ConfigError(f"blocks must be one or more, each with a channel or more; found {list(self.blocks)}.")
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
        self.encoders = nn.ModuleList(_Encoder(motion.sizes, config) for motion in motions)
        paths = parts * motions[0].path_size + (parts * (parts - 1) // 2) * (channels + 1)
        self.paths = _Convolution(paths, config.path_channels, 5)
        families = sum(len(kind.points) * len(motion.sizes) for kind, motion in zip(found, motions, strict=True))
        widths = [families * config.part_channels + config.path_channels, *config.blocks]
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
        inside = inside[:, ::2]
        for i, block in enumerate(self.blocks):
            if i:
                x, inside = _halve(x, inside), inside[:, ::2]
            x = self.dropout(block(x, inside))
        highest = (x + _FAR_BELOW * (1 - inside)).amax(dim=1)
        logits: Tensor = self.head(highest)
        return logits


class _Encoder(nn.Module):
    """Reads each part of a kind with the same weights, and each family of features with its own.

    One frame at a time, then over three: distances, posture and motions meet in the common layers only.
    """

    def __init__(self, sizes: tuple[int, ...], config: TcnConfig) -> None:
        super().__init__()
        units, channels = config.part_units, config.part_channels
        self.frame = nn.ModuleList(_Linear(size, units, 1) for size in sizes)
        self.frame_norm = _Activation(units * len(sizes))
        self.frames = nn.ModuleList(_Linear(units, channels, 3) for _ in sizes)
        self.frames_norm = _Activation(channels * len(sizes))
        self.dropout = _DropChannels(config.channel_dropout)

    def forward(self, families: list[Tensor], inside: Tensor) -> Tensor:
        """Return (N, T / 2, k channels) of families of features (N, T, k, F); zero in padding."""
        N, T, k, _ = families[0].shape
        flat = [f.transpose(1, 2).reshape(N * k, T, f.shape[3]) for f in families]
        of_part = inside.repeat_interleave(k, dim=0)
        x = self.frame_norm(torch.cat([linear(f) for linear, f in zip(self.frame, flat, strict=True)], dim=2))
        x = self.dropout(_halve(x, of_part))
        each = x.chunk(len(families), dim=2)
        x = self.frames_norm(torch.cat([linear(f) for linear, f in zip(self.frames, each, strict=True)], dim=2))
        x = self.dropout(x * of_part[:, ::2])
        encoded: Tensor = x.reshape(N, k, -1, x.shape[2]).transpose(1, 2).flatten(2)
        return encoded


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
    """A convolution over time of (N, T, inputs), normalised over the batch, and a leaky rectifier."""

    def __init__(self, inputs: int, outputs: int, frames: int, slope: float = _SLOPE) -> None:
        super().__init__()
        self.linear, self.norm = _Linear(inputs, outputs, frames), _Activation(outputs, slope)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, T, outputs)."""
        y: Tensor = self.norm(self.linear(x))
        return y


class _Linear(nn.Linear):
    """A convolution over time of (N, T, inputs); frames outside the window count as zero.

    Written as one product of matrices: on a CPU that takes half the time of torch's convolution for so few frames.
    """

    def __init__(self, inputs: int, outputs: int, frames: int) -> None:
        super().__init__(frames * inputs, outputs, bias=False)
        self.frames = frames

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, T, outputs)."""
        T, around = x.shape[1], self.frames // 2
        padded = functional.pad(x, (0, 0, around, around))
        x = torch.cat([padded[:, i : i + T] for i in range(self.frames)], dim=2) if around else x
        y: Tensor = super().forward(x)
        return y


class _Norm(nn.BatchNorm1d):
    """Batch normalisation of (..., F)."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.reshape(-1, self.num_features)).reshape(x.shape)


class _Activation(_Norm):
    """Batch normalisation of (..., F), and a leaky rectifier; with a slope of 1, none."""

    def __init__(self, features: int, slope: float = _SLOPE) -> None:
        super().__init__(features)
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = functional.leaky_relu(super().forward(x), self.slope)
        return y


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
    """Return (N, T / 2, F), the higher of each two frames; padding (inside is 0) never is, and becomes zero."""
    x = x + _FAR_BELOW * (1 - inside)
    x = functional.pad(x, (0, 0, 0, x.shape[1] % 2), value=_FAR_BELOW)
    return torch.maximum(x[:, ::2], x[:, 1::2]) * inside[:, ::2]
