"""Networks: windows of points in, logits out; the normalisation is part of each.

A network is a module that is built from its config, a skeleton, the number of coordinates and the number of classes.
To add one, write its file with a config and a module, and enter both here.
"""

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any

from torch import nn

from ademan.errors import ConfigError
from ademan.models.lstm import LSTM_PRESETS, Lstm, LstmConfig
from ademan.models.normalise import Features, lengths
from ademan.models.onnx import to_onnx
from ademan.skeleton import Skeleton

__all__ = [
    "PRESETS",
    "Features",
    "Lstm",
    "LstmConfig",
    "NetworkConfig",
    "build",
    "config_from_json",
    "config_to_json",
    "lengths",
    "preset",
    "to_onnx",
    "weights",
    "weights_in_keras",
]

NetworkConfig = LstmConfig
PRESETS: dict[str, NetworkConfig] = {**LSTM_PRESETS}


def preset(name: str) -> NetworkConfig:
    """Return the config of a named preset.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in PRESETS:
        raise ConfigError(f"there is no model '{name}'. Choose one of: {', '.join(PRESETS)}.")
    return PRESETS[name]


def build(config: NetworkConfig, skeleton: Skeleton, channels: int, classes: int) -> nn.Module:
    """Return a new network; its weights come from torch's random generator."""
    return Lstm(config, skeleton, channels, classes)


def config_to_json(config: NetworkConfig) -> dict[str, Any]:
    """Return a config as plain values that `config_from_json` reads."""
    return {"network": "lstm", **asdict(config)}


def config_from_json(saved: Mapping[str, Any]) -> NetworkConfig:
    """Return the config that was saved; lists become tuples again."""
    known = {field.name for field in fields(LstmConfig)}
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in saved.items() if k in known}
    return LstmConfig(**values)


def weights(network: nn.Module) -> int:
    """Return how many trained numbers a network has."""
    return sum(parameter.numel() for parameter in network.parameters())


def weights_in_keras(network: nn.Module) -> int:
    """Return how many the same layers have in Keras: one bias vector an LSTM layer, where torch keeps two."""
    second_biases = (p.numel() for name, p in network.named_parameters() if name.endswith("bias_hh_l0"))
    return weights(network) - sum(second_biases)
