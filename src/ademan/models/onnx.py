"""Export: a network as an ONNX graph from points to probabilities."""

import tempfile
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

OPSET = 17
INPUT, OUTPUT = "points", "probabilities"


class _Probabilities(nn.Module):
    def __init__(self, network: nn.Module, temperature: float) -> None:
        super().__init__()
        self.network, self.temperature = network, temperature

    def forward(self, points: Tensor) -> Tensor:
        return torch.softmax(self.network(points) / self.temperature, dim=1)


def to_onnx(network: nn.Module, points: int, channels: int, temperature: float = 1.0) -> bytes:
    """Return the graph `points (N, T, P, C)` to `probabilities (N, K)`, N and T free.

    Args:
        network: put into evaluation mode while it is exported.
        points: P.
        channels: C.
        temperature: logits are divided by it: above 1 the network is made less sure of itself.
    """
    example = torch.rand(2, 7, points, channels)
    was_training = network.training
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        file = Path(folder) / "model.onnx"
        # torch's newer exporter says that time is free and then freezes it inside an LSTM; the older one warns of
        # its age, and of batches whose size is frozen, which `tests/models/test_networks.py` shows is not so here.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Probabilities(network, temperature).eval(),
            (example,),
            file,
            input_names=[INPUT],
            output_names=[OUTPUT],
            dynamic_axes={INPUT: {0: "N", 1: "T"}, OUTPUT: {0: "N"}},
            opset_version=OPSET,
            dynamo=False,
        )
        network.train(was_training)
        return file.read_bytes()
