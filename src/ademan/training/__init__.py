"""Training: from a dataset and a recipe to a run folder with a verified, judged bundle."""

from ademan.training.config import TrainingConfig
from ademan.training.recipe import Recipe, recipe
from ademan.training.trainer import Run, train, train_all

__all__ = ["Recipe", "Run", "TrainingConfig", "recipe", "train", "train_all"]
