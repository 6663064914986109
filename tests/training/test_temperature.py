from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ademan.datasets import Dataset
from ademan.training.data import Windows
from ademan.training.temperature import temperature, temperature_of
from ademan.window import Window


def drawn(scale: float, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Return logits that are `scale` times too large for the labels that were drawn from them."""
    generator = torch.Generator().manual_seed(seed)
    logits = 2 * torch.randn(20_000, 4, generator=generator)
    labels = torch.multinomial(torch.softmax(logits, dim=1), 1, generator=generator)[:, 0]
    return scale * logits, labels


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.0])
def test_it_takes_back_by_how_much_logits_are_too_large(scale: float) -> None:
    assert temperature(*drawn(scale)) == pytest.approx(scale, rel=0.05)


def test_no_other_temperature_makes_the_labels_likelier() -> None:
    logits, labels = drawn(2.2, seed=1)
    best = temperature(logits, labels)
    losses = [float(nn.functional.cross_entropy(logits / (best * f), labels)) for f in (1.0, 0.97, 1.03)]
    assert losses[0] == min(losses)


def test_a_few_clips_do_not_make_it_certain_or_clueless() -> None:
    logits = torch.eye(3) * 5
    assert temperature(logits, torch.arange(3)) == pytest.approx(1 / 3, rel=1e-3)
    assert temperature(logits, (torch.arange(3) + 1) % 3) == pytest.approx(5.0, rel=1e-3)


class _Said(nn.Module):
    """Says the first coordinate of the first point, as the logit of class 0."""

    def forward(self, points: Tensor) -> Tensor:
        first = points[:, 0, 0, :1].nan_to_num()
        return torch.cat([first, torch.zeros(len(points), 2)], dim=1)


def test_a_network_is_asked_for_all_windows_and_without_any_it_is_one(dataset_file: Path) -> None:
    with Dataset(dataset_file) as dataset:
        some = Windows(dataset, np.arange(20), Window(10))
        points, labels = some[list(range(20))]
        expected = temperature(_Said()(points), labels)
        assert temperature_of(_Said(), some, 8) == pytest.approx(expected, rel=1e-6)
        assert temperature_of(_Said(), Windows(dataset, np.arange(0), Window(10)), 8) == 1.0
