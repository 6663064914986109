"""The LSTM: one network for every stack of layers that the field's tutorials use, and its presets."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ademan.errors import ConfigError
from ademan.models.normalise import Features, Normalisation, lengths
from ademan.skeleton import Skeleton


@dataclass(frozen=True)
class LstmConfig:
    """Layers and features of the LSTM."""

    lstm_units: tuple[int, ...] = (160, 96)
    """Units of each LSTM layer, one or more layers."""
    dense_units: tuple[int, ...] = ()
    """Units of each dense layer after the last LSTM layer."""
    dropout: float = 0.3
    """Share of values dropped after each layer in training, from 0 to below 1."""
    bidirectional: bool = False
    """Read each clip backwards too; doubles the weights, and needs the whole clip."""
    normalisation: Normalisation = "origin-size"
    """none, image, origin (wrist, middle of the hips), origin-size (and hand or torso length), or zscore."""
    velocities: bool = False
    """Add each point's movement since the frame before to what the network reads."""
    seen: bool = False
    """Add whether each point was seen to what the network reads."""

    def __post_init__(self) -> None:
        if not self.lstm_units or min(self.lstm_units + self.dense_units) < 1:
            raise ConfigError(
                f"an LSTM needs one layer or more, each with a unit or more; "
                f"found units {self.lstm_units} and dense units {self.dense_units}."
            )
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout must be from 0 to below 1, found {self.dropout}.")


LSTM_PRESETS = {
    "lstm": LstmConfig(dense_units=(96,), dropout=0.45),
    "lstm-32": LstmConfig((32,), normalisation="image"),
    "lstm-64x2": LstmConfig((64, 64), normalisation="image"),
    "lstm-128": LstmConfig((128,), normalisation="image"),
    "lstm-160-96-d96": LstmConfig((160, 96), (96,), 0.45, normalisation="origin"),
}
"""The layer sizes that small projects of this field use, with the normalisation that they use.

lstm-32, lstm-64x2 and lstm-128 are for actions of a body in 34 values a frame, lstm-160-96-d96 for hands in 126.
"""


class Lstm(nn.Module):
    """LSTM layers, dense layers, logits.

    Args:
        config: layers and features.
        skeleton: of the points it will see.
        channels: coordinates of a point.
        classes: how many logits.
    """

    def __init__(self, config: LstmConfig, skeleton: Skeleton, channels: int, classes: int) -> None:
        super().__init__()
        self.features = Features(
            skeleton, channels, config.normalisation, velocities=config.velocities, seen=config.seen
        )
        self.both_ways = config.bidirectional
        directions = 2 if self.both_ways else 1
        inputs = [self.features.size, *(units * directions for units in config.lstm_units)]
        self.layers = nn.ModuleList(
            LstmLayer(size, units, both_ways=self.both_ways)
            for size, units in zip(inputs, config.lstm_units, strict=False)
        )
        widths = [inputs[-1], *config.dense_units]
        self.dense = nn.ModuleList(nn.Linear(a, b) for a, b in zip(widths, config.dense_units, strict=False))
        self.head = nn.Linear(widths[-1], classes)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, points: Tensor) -> Tensor:
        """Return logits (N, K) of windows (N, T, P, C), NaN where not seen and for padding at the end."""
        length = lengths(points)
        x = self.features(points)
        for layer in self.layers:
            x = self.dropout(layer(x, length))
        x = _last_state(x, length, both_ways=self.both_ways)
        for dense in self.dense:
            x = self.dropout(torch.relu(dense(x)))
        logits: Tensor = self.head(x)
        return logits


class LstmLayer(nn.Module):
    """One LSTM layer over padded windows, in one or both directions; without packing, which is slow on a CPU.

    Args:
        size: numbers of a frame that it reads.
        units: of each direction.
        both_ways: read each window backwards too, turned round within its own length.
    """

    def __init__(self, size: int, units: int, *, both_ways: bool) -> None:
        super().__init__()
        self.forwards = _lstm(size, units)
        self.backwards = _lstm(size, units) if both_ways else None

    def forward(self, x: Tensor, length: Tensor) -> Tensor:
        """Return (N, T, units), twice the units in both directions; values after a window's end mean nothing."""
        y: Tensor = self.forwards(x)[0]
        if self.backwards is None:
            return y
        turned = _turn(self.backwards(_turn(x, length))[0], length)
        return torch.cat([y, turned], dim=2)


def _lstm(size: int, units: int) -> nn.LSTM:
    """Return an LSTM that starts orthogonal, with open forget gates.

    Orthogonal recurrent weights: Saxe et al. 2013. Forget bias 1: Jozefowicz et al. 2015. torch keeps two biases a
    gate, whose sum counts; its gates are in the order input, forget, cell, output.
    """
    lstm = nn.LSTM(size, units, batch_first=True)
    weight = dict(lstm.named_parameters())
    nn.init.xavier_uniform_(weight["weight_ih_l0"])
    for gate in weight["weight_hh_l0"].data.chunk(4):
        nn.init.orthogonal_(gate)
    nn.init.zeros_(weight["bias_ih_l0"])
    nn.init.zeros_(weight["bias_hh_l0"])
    weight["bias_ih_l0"].data[units : 2 * units] = 1.0
    return lstm


def _turn(x: Tensor, length: Tensor) -> Tensor:
    """Return each window (N, T, F) backwards within its own length, its padding left where it is."""
    frame = torch.arange(x.shape[1], device=x.device)[None]
    source = torch.where(frame < length[:, None], length[:, None] - 1 - frame, frame)
    return x.gather(1, source[..., None].expand(-1, -1, x.shape[2]))


def _last_state(x: Tensor, length: Tensor, *, both_ways: bool) -> Tensor:
    """Return (N, F) what each direction has read last: the last frame forwards, the first one backwards."""
    last = (length - 1)[:, None, None].expand(-1, 1, x.shape[2])
    state = x.gather(1, last)[:, 0]
    if not both_ways:
        return state
    half = x.shape[2] // 2
    return torch.cat([state[:, :half], x[:, 0, half:]], dim=1)
