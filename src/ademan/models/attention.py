"""A residual bidirectional LSTM that says where it looks: attention over channels, and over frames.

A channel is what one attention weight is for: of an embedding each of its channels; of points each hand, and each arm,
leg, head and trunk of a body (`channels_of`).

In the formulas x_g(t) are the features of channel g in frame t, and LN is a layer normalisation.

    h_g(t) = GELU(LN(W_g x_g(t) + b_g))                zero where the channel was not seen
    a      = softmax over g of u . tanh(U mean_t h_g) + c_g     over the channels that were seen; one a_g a clip
    y_0(t) = sum over g of a_g h_g(t)
    y_l    = LN(BiLSTM_l(y_(l-1)) + P_l y_(l-1))       l = 1 to hidden_layers (He et al. 2015: residual)
    b      = softmax over t of v . tanh(V y(t))        over the frames in which something was seen
    logits = W LN(sum over t of b(t) y(t))

Attention of this additive form: Bahdanau, Cho and Bengio 2014, arXiv 1409.0473.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ademan.errors import ConfigError
from ademan.models.lstm import LstmLayer
from ademan.models.normalise import Features, Normalisation, lengths
from ademan.skeleton import Skeleton

_FAR_BELOW = -1e9  # the score of what is left out of a softmax


@dataclass(frozen=True)
class AttentionConfig:
    """Layers of the LSTM with attention."""

    hidden_units: int = 1024
    """Units of each LSTM layer in each direction, above zero."""
    hidden_layers: int = 3
    """LSTM layers, above zero; what goes into one is added to what comes out of it."""
    hidden_dropout: float = 0.3
    """Share of values dropped after each layer, and before the logits, in training, from 0 to below 1."""
    channel_units: int = 256
    """Numbers that each channel is brought to in a frame, above zero."""
    attention_units: int = 128
    """Units that score channels and frames, above zero."""

    def __post_init__(self) -> None:
        for name in ("hidden_units", "hidden_layers", "channel_units", "attention_units"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be above 0, found {getattr(self, name)}.")
        if not 0 <= self.hidden_dropout < 1:
            raise ConfigError(f"hidden_dropout must be from 0 to below 1, found {self.hidden_dropout}.")


ATTENTION_PRESETS = {
    "bilstm-attention": AttentionConfig(),
    "bilstm-attention-128": AttentionConfig(128, channel_units=64, attention_units=64),
}
"""bilstm-attention is for embeddings, bilstm-attention-128 for points."""


@dataclass(frozen=True)
class Channel:
    """What one attention weight is for.

    Args:
        name: such as "left_hand", "right_arm" or "whole_vit".
        points: indices of its points.
    """

    name: str
    points: tuple[int, ...]


_LIMBS = {
    "leg": "hip knee ankle heel foot toe",
    "arm": "shoulder elbow wrist hand thumb index middle ring pinky",
    "head": "head face nose eye ear mouth",
}
"""Words in names of points by limb; the first that fits counts: left_foot_index is of a leg."""


def is_embedding(skeleton: Skeleton, channels: int) -> bool:
    """Return whether "points" of so many numbers are channels of an embedding, or rows of a picture, and no places."""
    return channels > 3 and not skeleton.parts and not skeleton.limbs


def channels_of(skeleton: Skeleton, channels: int) -> tuple[Channel, ...]:
    """Return what attention is paid to.

    Of an embedding each channel. Of points each part of the skeleton, and the points of no part: whole if all their
    names tell of one limb, as those of a hand do, otherwise each limb, by its side.

    Args:
        skeleton: of the points.
        channels: numbers of a point.
    """
    if is_embedding(skeleton, channels):
        return tuple(Channel(name, (i,)) for i, name in enumerate(skeleton.points))
    parts = [Channel(part.name, part.points) for part in skeleton.parts]
    if skeleton.loose:
        parts.append(Channel("points", skeleton.loose))
    divided = [(part, _limbs(skeleton, part)) for part in parts]
    taken = [limb.name for _, limbs in divided for limb in limbs]
    return tuple(
        Channel(f"{part.name}_{limb.name}", limb.points) if taken.count(limb.name) > 1 else limb
        for part, limbs in divided
        for limb in limbs
    )


def _limbs(skeleton: Skeleton, part: Channel) -> list[Channel]:
    found: dict[str, list[int]] = {}
    for i in part.points:
        found.setdefault(_limb(skeleton.points[i]), []).append(i)
    return [part] if len(found) == 1 else [Channel(name, tuple(points)) for name, points in found.items()]


def _limb(point: str) -> str:
    """Return left_arm, right_arm, left_leg, right_leg, head or, of all other points, trunk."""
    words = point.split("_")
    limb = next((limb for limb, names in _LIMBS.items() if set(words) & set(names.split())), "trunk")
    if limb in {"head", "trunk"}:
        return limb
    side = next((word for word in words if word in {"left", "right"}), None)
    return f"{side}_{limb}" if side else "trunk"


class BiLstmAttention(nn.Module):
    """Channels weighted and added up, residual LSTM layers in both directions, frames weighted and added up, logits.

    Args:
        config: layers.
        skeleton: of the points it will see.
        channels: coordinates of a point, or numbers of a channel of an embedding.
        classes: how many logits.
    """

    def __init__(self, config: AttentionConfig, skeleton: Skeleton, channels: int, classes: int) -> None:
        super().__init__()
        places = not is_embedding(skeleton, channels)
        normalisation: Normalisation = "none" if not places else "origin-size" if skeleton.parts else "zscore"
        self.features = Features(skeleton, channels, normalisation, velocities=places, seen=True)
        found = channels_of(skeleton, channels)
        self.channel_names = tuple(channel.name for channel in found)
        """Of the weights of `attend`."""
        P = len(skeleton)
        self.values = [_entries(channel, P, channels, 2 if places else 1) for channel in found]
        self.flags = [[self.features.size - P + i for i in channel.points] for channel in found]
        units, both = config.channel_units, 2 * config.hidden_units
        self.projections = nn.ModuleList(_Projection(len(values), units) for values in self.values)
        self.channel_scores = _Scores(units, config.attention_units)
        self.channel_bias = nn.Parameter(torch.zeros(len(found)))
        inputs = [units] + [both] * (config.hidden_layers - 1)
        self.layers = nn.ModuleList(_Residual(size, config.hidden_units) for size in inputs)
        self.frame_scores = _Scores(both, config.attention_units)
        self.norm, self.dropout = nn.LayerNorm(both), nn.Dropout(config.hidden_dropout)
        self.head = nn.Linear(both, classes)

    def forward(self, points: Tensor) -> Tensor:
        """Return logits (N, K) of windows (N, T, P, C), NaN where not seen and for padding at the end."""
        return self.attend(points)[0]

    def attend(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits, and what they were made of.

        Args:
            points: (N, T, P, C), NaN where not seen and for padding at the end.

        Returns:
            Logits (N, K); weights of the frames (N, T), which add up to 1, and are 0 where nothing was seen; weights
            of the channels (N, G), which add up to 1, and are 0 for a channel that was never seen.
        """
        length = lengths(points)
        features = self.features(points)
        seen = torch.stack([features[..., flags].amax(dim=2) for flags in self.flags], dim=2)  # (N, T, G)
        projected = [project(features[..., at]) for project, at in zip(self.projections, self.values, strict=True)]
        values = torch.stack(projected, dim=2) * seen[..., None]  # (N, T, G, channel_units)
        channel = self._channel_weights(values, seen)
        x = (values * channel[:, None, :, None]).sum(dim=2)
        for layer in self.layers:
            x = self.dropout(layer(x, length))
        frame = self._frame_weights(x, seen, length)
        clip = self.norm((x * frame[..., None]).sum(dim=1))
        return self.head(self.dropout(clip)), frame, channel

    def _channel_weights(self, values: Tensor, seen: Tensor) -> Tensor:
        frames = seen.sum(dim=1)  # (N, G)
        mean = values.sum(dim=1) / frames.clamp(min=1)[..., None]
        return _softmax(self.channel_scores(mean) + self.channel_bias, frames > 0)

    def _frame_weights(self, x: Tensor, seen: Tensor, length: Tensor) -> Tensor:
        something = seen.amax(dim=2)  # (N, T)
        inside = torch.arange(x.shape[1], device=x.device)[None] < length[:, None]
        nothing = something.amax(dim=1, keepdim=True) == 0  # then the weights are of the one frame that is inside
        return _softmax(self.frame_scores(x), (something > 0) | (nothing & inside))


class _Projection(nn.Module):
    """A channel's own way to as many numbers as the others have, whatever their size."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.linear, self.norm = nn.Linear(inputs, units), nn.LayerNorm(units)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, T, units)."""
        return nn.functional.gelu(self.norm(self.linear(x)))


class _Residual(nn.Module):
    """An LSTM layer in both directions, a projection of what went in added to what came out."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.lstm = LstmLayer(inputs, units, both_ways=True)
        self.beside, self.norm = nn.Linear(inputs, 2 * units, bias=False), nn.LayerNorm(2 * units)

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        """Return (N, T, 2 units); values after a window's end mean nothing."""
        y: Tensor = self.norm(self.lstm(x, length) + self.beside(x))
        return y


class _Scores(nn.Module):
    """One score for each of (..., inputs)."""

    def __init__(self, inputs: int, units: int) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(inputs, units), nn.Linear(units, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        score: Tensor = self.outer(torch.tanh(self.inner(x)))[..., 0]
        return score


def _entries(channel: Channel, P: int, C: int, blocks: int) -> list[int]:
    """Return where in a frame's `Features` a channel is: its values, its velocities if any, whether it was seen."""
    values = [block * P * C + i * C + c for block in range(blocks) for i in channel.points for c in range(C)]
    return values + [blocks * P * C + i for i in channel.points]


def _softmax(scores: Tensor, of_use: Tensor) -> Tensor:
    """Return weights (N, n) over what is of use; 0 for all else, and everywhere if nothing is."""
    weights = torch.softmax(torch.where(of_use, scores, _FAR_BELOW), dim=1)
    return torch.where(of_use, weights, 0.0)
