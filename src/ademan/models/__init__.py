"""Networks: windows of points in, logits out; the normalisation is part of each.

A network is a module that is built from its config, a skeleton, the number of coordinates and the number of classes.
To add one, write its file with a config and a module, and enter both here.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from torch import nn

from ademan.errors import ConfigError
from ademan.models.attention import ATTENTION_PRESETS, AttentionConfig, BiLstmAttention
from ademan.models.cnn import CNN_PRESETS, Cnn, CnnConfig, is_of_pictures
from ademan.models.lstm import LSTM_PRESETS, Lstm, LstmConfig
from ademan.models.motion import Motion
from ademan.models.normalise import Features, lengths
from ademan.models.onnx import Attentive, to_onnx
from ademan.models.tcn import TCN_PRESETS, Tcn, TcnConfig
from ademan.skeleton import Skeleton

__all__ = [
    "DEFAULT",
    "NETWORKS",
    "PRESETS",
    "AttentionConfig",
    "Attentive",
    "BiLstmAttention",
    "Cnn",
    "CnnConfig",
    "Features",
    "Lstm",
    "LstmConfig",
    "Motion",
    "NetworkConfig",
    "Tcn",
    "TcnConfig",
    "build",
    "config_from_json",
    "config_to_json",
    "kind_of",
    "lengths",
    "preset",
    "to_onnx",
    "weights",
    "weights_in_keras",
]

NetworkConfig = LstmConfig | TcnConfig | AttentionConfig | CnnConfig
NETWORKS: dict[str, tuple[type[NetworkConfig], Callable[..., nn.Module]]] = {
    "tcn": (TcnConfig, Tcn),
    "lstm": (LstmConfig, Lstm),
    "bilstm-attention": (AttentionConfig, BiLstmAttention),
    "cnn": (CnnConfig, Cnn),
}
"""Config and module of each kind of network."""

PRESETS: dict[str, NetworkConfig] = {**TCN_PRESETS, **LSTM_PRESETS, **ATTENTION_PRESETS, **CNN_PRESETS}
DEFAULT = "tcn"


def preset(name: str) -> NetworkConfig:
    """Return the config of a named preset.

    Raises:
        ConfigError: there is none of that name.
    """
    if name not in PRESETS:
        raise ConfigError(f"there is no model '{name}'. Choose one of: {', '.join(PRESETS)}.")
    return PRESETS[name]


def kind_of(config: NetworkConfig) -> str:
    """Return the name of the kind of network that a config is for, such as "tcn"."""
    return next(name for name, (of, _) in NETWORKS.items() if isinstance(config, of))


def build(config: NetworkConfig, skeleton: Skeleton, channels: int, classes: int) -> nn.Module:
    """Return a new network; its weights come from torch's random generator.

    Raises:
        ConfigError: the network cannot read what the skeleton names, or not with these layers.
    """
    if is_of_pictures(skeleton) and not isinstance(config, CnnConfig):
        raise ConfigError(
            f"{kind_of(config)} reads points, and the dataset has pictures of {len(skeleton)} rows. "
            "Choose --model cnn, or find points with ademan extract."
        )
    _, network = NETWORKS[kind_of(config)]
    return network(config, skeleton, channels, classes)


def config_to_json(config: NetworkConfig) -> dict[str, Any]:
    """Return a config as plain values that `config_from_json` reads."""
    return {"network": kind_of(config), **asdict(config)}


def config_from_json(saved: Mapping[str, Any]) -> NetworkConfig:
    """Return the config that was saved; lists become tuples again.

    Raises:
        ConfigError: there is no such kind of network.
    """
    if saved.get("network") not in NETWORKS:
        raise ConfigError(f"there is no kind of network '{saved.get('network')}'; there are {', '.join(NETWORKS)}.")
    config, _ = NETWORKS[saved["network"]]
    known = {field.name for field in fields(config)}
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in saved.items() if k in known}
    return config(**values)


def weights(network: nn.Module) -> int:
    """Return how many trained numbers a network has."""
    return sum(parameter.numel() for parameter in network.parameters())


def weights_in_keras(network: nn.Module) -> int:
    """Return how many the same layers have in Keras: one bias vector an LSTM layer, where torch keeps two."""
    second_biases = (p.numel() for name, p in network.named_parameters() if name.endswith("bias_hh_l0"))
    return weights(network) - sum(second_biases)
