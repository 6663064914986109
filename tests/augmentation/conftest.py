import pytest
import torch

from tests.augmentation.made import KINDS


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


@pytest.fixture(params=KINDS, ids=lambda kind: f"{kind[0]}-{kind[1]}")
def kind(request: pytest.FixtureRequest) -> tuple[str, int]:
    """A skeleton's name and a number of coordinates."""
    name, channels = request.param
    return name, channels
