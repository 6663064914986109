"""The recipe: all that decides a training but the data."""

from dataclasses import asdict, dataclass, replace
from typing import Any

from ademan.augmentation import OFF, Augmentation
from ademan.augmentation.pictures import PictureAugmentation
from ademan.datasets import Dataset
from ademan.datasets.splits import DEFAULT_FRACTIONS, Fractions
from ademan.models import (
    DEFAULT,
    PRESETS,
    AttentionConfig,
    CnnConfig,
    LstmConfig,
    NetworkConfig,
    config_to_json,
    kind_of,
    preset,
)
from ademan.training.background import with_idle
from ademan.training.config import TrainingConfig
from ademan.window import Window

_DEFAULT_WINDOW = Window(32, "spread")
_DEFAULT_TRAINING = TrainingConfig(
    epochs=15,
    epoch_steps=40,
    learning_rate=2e-3,
    optimizer="adamw",
    weight_decay=0.02,
    schedule="onecycle",
    monitor="none",
    patience=0,
    refit="few",
    label_smoothing=0.1,
    gradient_clip=5.0,
)
_DEFAULT_AUGMENTATION = Augmentation()
_DEFAULT_OF_PICTURES = PictureAugmentation()
_ATTENTION_TRAINING = TrainingConfig(
    epochs=30,
    epoch_steps=40,
    learning_rate=1e-3,
    optimizer="radam",
    schedule="onecycle",
    monitor="val_accuracy",
    patience=0,
)
_PICTURES_WINDOW = Window(8, "pad")  # a photo stays one frame, and pictures are never mixed with their neighbours
_PICTURES_TRAINING = replace(
    _DEFAULT_TRAINING, epochs=30, epoch_steps=10, batch_size=64, learning_rate=4e-3, weight_decay=0.05
)


@dataclass(frozen=True)
class Recipe:
    """All that decides a training but the data: the same recipe on the same data gives the same model.

    The defaults are those of the default network; `recipe` gives those of another preset.

    Args:
        model: name of a preset.
        network: layers and features; those of the preset if None.
        window: how clips are fitted.
        training: optimisation, stopping and seed.
        augmentation: of the clips that are learnt from, if they are points.
        split: which clips train, validate and test; see `ademan.datasets.splits`.
        fractions: of train, validation and test.
        split_seed: of the split.
        idle: the label that means no gesture; it counts only if the dataset has it, or with a background.
        background: what is learnt as idle besides: "made-up", or dataset files; see `ademan.training.background`.
        pictures: augmentation of the clips that are learnt from, if they are pictures.

    Raises:
        ConfigError: there is no preset of that name.
    """

    model: str = DEFAULT
    network: NetworkConfig | None = None
    window: Window = _DEFAULT_WINDOW
    training: TrainingConfig = _DEFAULT_TRAINING
    augmentation: Augmentation = _DEFAULT_AUGMENTATION
    split: str = "random"
    fractions: Fractions = DEFAULT_FRACTIONS
    split_seed: int = 0
    idle: str = "idle"
    background: tuple[str, ...] = ()
    pictures: PictureAugmentation = _DEFAULT_OF_PICTURES

    def __post_init__(self) -> None:
        if self.network is None:
            preset(self.model)

    @property
    def layers(self) -> NetworkConfig:
        """The network that is trained: the given one, or the preset's."""
        return self.network or preset(self.model)

    @property
    def name(self) -> str:
        """Of the network, for people: of the preset, or the kind of a network that was given in its place."""
        layers = PRESETS.get(self.model)
        other = self.network is not None and layers is not None and kind_of(layers) != kind_of(self.network)
        return kind_of(self.layers) if other else self.model

    def labels(self, dataset: Dataset) -> tuple[str, ...]:
        """Return what the model will name: the dataset's labels, and idle if there is a background to learn."""
        return with_idle(dataset.labels, self.background, self.idle)

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "model": self.name, "network": config_to_json(self.layers)}


def recipe(model: str = DEFAULT) -> Recipe:
    """Return what a preset is trained with: plain LSTMs as tutorials train them, without augmentation.

    The LSTM with attention keeps the epoch that is best on validation.

    Raises:
        ConfigError: there is no preset of that name.
    """
    if isinstance(preset(model), LstmConfig):
        return Recipe(model, window=Window(), training=TrainingConfig(), augmentation=OFF)
    if isinstance(preset(model), AttentionConfig):
        return Recipe(model, training=_ATTENTION_TRAINING)
    if isinstance(preset(model), CnnConfig):
        return Recipe(model, window=_PICTURES_WINDOW, training=_PICTURES_TRAINING, augmentation=OFF)
    return Recipe(model)
