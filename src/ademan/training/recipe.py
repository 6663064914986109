"""The recipe: all that decides a training but the data."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ademan.datasets.splits import DEFAULT_FRACTIONS, Fractions
from ademan.models import NetworkConfig, config_to_json, preset
from ademan.training.config import TrainingConfig
from ademan.window import Window


@dataclass(frozen=True)
class Recipe:
    """All that decides a training but the data: the same recipe on the same data gives the same model.

    Args:
        model: name of a preset.
        network: layers and features; those of the preset if None.
        window: how clips are fitted.
        training: optimisation, stopping and seed.
        split: which clips train, validate and test; see `ademan.datasets.splits`.
        fractions: of train, validation and test.
        split_seed: of the split.
        idle: the label that means no gesture; it counts only if the dataset has it.

    Raises:
        ConfigError: there is no preset of that name.
    """

    model: str = "lstm"
    network: NetworkConfig | None = None
    window: Window = field(default_factory=Window)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    split: str = "random"
    fractions: Fractions = DEFAULT_FRACTIONS
    split_seed: int = 0
    idle: str = "idle"

    def __post_init__(self) -> None:
        if self.network is None:
            preset(self.model)

    @property
    def layers(self) -> NetworkConfig:
        """The network that is trained: the given one, or the preset's."""
        return self.network or preset(self.model)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "network": config_to_json(self.layers)}
