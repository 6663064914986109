"""How a network is trained: every number of it, with its unit and range."""

import math
from dataclasses import dataclass
from typing import Literal

from ademan.errors import ConfigError

Optimizer = Literal["adam", "adamw", "radam"]
Schedule = Literal["none", "plateau", "onecycle"]
Monitor = Literal["val_loss", "val_accuracy", "val_f1", "none"]


@dataclass(frozen=True)
class TrainingConfig:
    """Optimisation, stopping, and the seed."""

    epochs: int = 100
    """Passes over the training clips, at most."""
    epoch_steps: int = 1
    """Few clips are gone through several times an epoch, as often as goes into so many steps."""
    batch_size: int = 32
    """Clips of a step; batches are made of clips of like length."""
    learning_rate: float = 1e-3
    """Step size, above zero; with 'onecycle' the highest one."""
    optimizer: Optimizer = "adam"
    """adam, adamw or radam."""
    weight_decay: float = 0.0
    """Pull of the weights to zero; with adamw decoupled from the gradient."""
    schedule: Schedule = "none"
    """none; plateau: a fifth of the rate after 5 epochs without progress of the monitored value; or onecycle."""
    monitor: Monitor = "val_loss"
    """What chooses the best epoch and stops early: val_loss, val_accuracy or val_f1; none keeps the last epoch."""
    patience: int = 20
    """Epochs without progress after which training stops; 0 never stops early."""
    refit: Literal["no", "few", "yes"] = "no"
    """Train once more, on training and validation clips together, and keep that: no; few: where there are at most 500
    clips or 6 people (sessions) to learn from, and each counts; or yes. Needs monitor none."""
    class_weights: Literal["none", "balanced"] = "none"
    """balanced: rare classes count more, in inverse proportion to their clips."""
    label_smoothing: float = 0.0
    """Share of the target spread over all classes, from 0 to below 1."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient, above zero."""
    threads: int = 0
    """Processor threads, 1 or more; 0 takes half the cores, which on a machine with other work is the quickest."""
    seed: int = 0
    """Of the first weights, the order of clips, and dropout; not of the split."""

    def __post_init__(self) -> None:
        ranges = {
            "epochs must be 1 or more": self.epochs >= 1,
            "epoch_steps must be 1 or more": self.epoch_steps >= 1,
            "batch_size must be 1 or more": self.batch_size >= 1,
            "learning_rate must be above 0 and finite": 0 < self.learning_rate < math.inf,
            "weight_decay must be 0 or more and finite": 0 <= self.weight_decay < math.inf,
            "patience must be 0 or more": self.patience >= 0,
            "refit must be no (--refit no) where monitor chooses an epoch": self.refit == "no"
            or self.monitor == "none",
            "label_smoothing must be from 0 to below 1": 0 <= self.label_smoothing < 1,
            "gradient_clip must be above 0 and finite": 0 < self.gradient_clip < math.inf,
            "threads must be 0 or more": self.threads >= 0,
            "seed must be 0 or more": self.seed >= 0,
        }
        for rule, holds in ranges.items():
            if not holds:
                field = rule.split(" ", maxsplit=1)[0]
                raise ConfigError(f"{rule}, found {getattr(self, field)}.")

    def rounds(self, clips: int) -> int:
        """Return how often an epoch goes through so many clips."""
        steps = -(-clips // self.batch_size)
        return max(1, self.epoch_steps // steps)

    @property
    def mode(self) -> Literal["min", "max"]:
        """Whether the monitored value is better low or high."""
        return "max" if self.monitor in {"val_accuracy", "val_f1"} else "min"
