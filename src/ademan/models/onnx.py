"""Export: a network as an ONNX graph from points to probabilities, and to what its attention rested on."""

import tempfile
import warnings
from pathlib import Path
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

OPSET = 17
INPUT, OUTPUT = "points", "probabilities"
FRAME_ATTENTION, CHANNEL_ATTENTION = "frame_attention", "channel_attention"


@runtime_checkable
class Attentive(Protocol):
    """A network that says where it looks."""

    channel_names: tuple[str, ...]

    def attend(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits (N, K), weights of the frames (N, T), weights of the channels (N, G); of windows."""


class _Probabilities(nn.Module):
    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature
        self.attends = isinstance(network, Attentive)

    def forward(self, points: Tensor) -> tuple[Tensor, ...]:
        logits, *attention = cast(Attentive, self.network).attend(points) if self.attends else (self.network(points),)
        return torch.softmax(logits / self.temperature, dim=1), *attention


def to_onnx(network: nn.Module, points: int, channels: int, temperature: float = 1.0) -> bytes:
    """Return the graph `points (N, T, P, C)` to `probabilities (N, K)`, N and T free.

    Of an `Attentive` network it has two outputs more, `frame_attention (N, T)` and `channel_attention (N, G)`.

    Args:
        network: put into evaluation mode while it is exported.
        points: P.
        channels: C.
        temperature: logits are divided by it: above 1 the network is made less sure of itself.
    """
    example = torch.rand(2, 7, points, channels)
    was_training = network.training
    whole = _Probabilities(network, temperature).eval()
    outputs = [OUTPUT, FRAME_ATTENTION, CHANNEL_ATTENTION] if whole.attends else [OUTPUT]
    axes = {INPUT: {0: "N", 1: "T"}, OUTPUT: {0: "N"}, FRAME_ATTENTION: {0: "N", 1: "T"}, CHANNEL_ATTENTION: {0: "N"}}
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        file = Path(folder) / "model.onnx"
        # torch's newer exporter says that time is free and then freezes it inside an LSTM; the older one warns of
        # its age, and of batches whose size is frozen, which `tests/models/test_networks.py` shows is not so here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            whole,
            (example,),
            file,
            input_names=[INPUT],
            output_names=outputs,
            dynamic_axes={name: axes[name] for name in (INPUT, *outputs)},
            opset_version=OPSET,
            dynamo=False,
        )
        network.train(was_training)
        return file.read_bytes()
