"""Temperature: one number that makes a network as sure as it is right, chosen on people that it was not trained on."""

import torch
from torch import Tensor, nn

from ademan.training.data import Windows, batches_in_order

_SURE, _UNSURE = 1 / 3, 5.0
"""The lowest and the highest temperature: a few clips that are all right, or all wrong, would lead to 0 or infinity."""
_HALVINGS = 40


def temperature(logits: Tensor, labels: Tensor) -> float:
    """Return the t at which softmax(logits / t) makes the labels likeliest (Guo et al. 2017), within limits.

    The mean log likelihood is concave in 1 / t, and its slope there is the mean of the true logit less the expected
    one: where that crosses zero is found by halving.

    Args:
        logits: (N, K), one row or more.
        labels: (N,) the true classes.
    """
    logits = logits.double()
    true = logits.gather(1, labels[:, None])[:, 0]
    low, high = 1 / _UNSURE, 1 / _SURE
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        expected = (torch.softmax(middle * logits, dim=1) * logits).sum(dim=1)
        low, high = (middle, high) if (true - expected).mean() > 0 else (low, middle)
    return 2 / (low + high)


def temperature_of(network: nn.Module, windows: Windows, batch_size: int) -> float:
    """Return the temperature of a network by windows that it was not trained on; 1 without any."""
    if not len(windows):
        return 1.0
    network.eval()
    logits, labels = [], []
    with torch.no_grad():
        for positions in batches_in_order(windows.lengths, batch_size):
            points, classes = windows[positions]
            logits.append(network(points))
            labels.append(classes)
    return temperature(torch.cat(logits), torch.cat(labels))
