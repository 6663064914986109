"""The network is torchvision's resnext50_32x4d: the names and shapes of its weights, and what it makes of them."""

import numpy as np
import torch
from torch import nn

from ademan.embeddings.resnext import OUTPUTS, ResNext50


def fill(network: nn.Module) -> None:
    """Give a network weights that are the same everywhere."""
    for name, value in network.state_dict().items():
        count = torch.arange(value.numel(), dtype=torch.float64)
        if value.ndim == 4:
            value.copy_(1.4 * (2 / value[0].numel()) ** 0.5 * torch.sin(count).reshape(value.shape))
        elif name.endswith(("running_var", "weight")):
            value.fill_(1.0)
        elif value.ndim == 1:
            value.copy_(0.1 * torch.cos(count))


def test_it_makes_of_the_same_weights_what_torchvision_makes_of_them() -> None:
    """The numbers are what torchvision 0.29.2 gave."""
    network = ResNext50().eval()
    fill(network)
    pictures = torch.cos(0.01 * torch.arange(2 * 3 * 96 * 64, dtype=torch.float64)).reshape(2, 3, 96, 64).float()
    with torch.inference_mode():
        vectors = network(pictures)
    assert vectors.shape == (2, OUTPUTS)
    expected = [4.258283297531307e-05, 5.260093530523591e-05, 6.971855327719823e-05, 7.702221046201885e-05]
    np.testing.assert_allclose(vectors[1, ::512].numpy(), expected, rtol=1e-3)
    np.testing.assert_allclose(vectors.mean().item(), 3.225440377718769e-05, rtol=1e-3)


def test_its_weights_have_torchvision_s_names() -> None:
    network = ResNext50()
    assert sum(weight.numel() for weight in network.parameters()) == 25_028_904 - 2048 * 1000 - 1000
    state = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert len(state) == 318
    assert state["layer1.0.downsample.0.weight"] == (256, 64, 1, 1)
    assert state["layer4.2.conv2.weight"] == (1024, 32, 3, 3)
    assert state["layer4.2.bn3.running_mean"] == (2048,)
