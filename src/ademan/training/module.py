"""The training loop's content, for lightning: steps, metrics, schedules, and what a checkpoint must hold.

A resumed training gives what an uninterrupted one gives: the order of clips and the dropout of an epoch depend on the
seed and the number of the epoch alone, and all else that has a state is in the checkpoint.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import torch
from lightning import LightningModule
from torch import Tensor, nn
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau
from torch.utils.data import DataLoader
from torchmetrics import MeanMetric, Metric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score, MulticlassPrecision, MulticlassRecall

from ademan.augmentation import Augmenter
from ademan.augmentation.pictures import PictureAugmenter
from ademan.training.config import TrainingConfig
from ademan.training.data import Windows, batches_in_order, shuffled_batches

_PLATEAU_FACTOR, _PLATEAU_EPOCHS = 0.2, 5
Row = dict[str, float]


class TrainingModule(LightningModule):
    """Trains a network on windows.

    Args:
        network: windows (N, T, P, C) to logits (N, K).
        config: how.
        train: windows to learn from.
        val: windows to choose the best epoch by; may be empty.
        classes: K.
        augmenter: changes the clips that are learnt from; None leaves them as they are.
    """

    def __init__(
        self,
        network: nn.Module,
        config: TrainingConfig,
        train: Windows,
        val: Windows,
        classes: int,
        augmenter: Augmenter | PictureAugmenter | None = None,
    ) -> None:
        super().__init__()
        self.augmenter = augmenter
        self.network, self.config, self.windows = network, config, {"train": train, "val": val}
        self.history: list[Row] = []
        self.loss = nn.CrossEntropyLoss(_weights(config, train, classes), label_smoothing=config.label_smoothing)
        self.train_scores, self.val_scores = Scores("train", classes), Scores("val", classes)
        self._schedule: OneCycleLR | ReduceLROnPlateau | None = None
        self._schedule_state: dict[str, Any] | None = None

    @property
    def finished_epochs(self) -> int:
        """How many epochs are in the history; lightning's own count is late by one when it resumes."""
        return len(self.history)

    def train_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return the batches of this epoch; lightning asks for them at the start of each."""
        rng = np.random.default_rng((self.config.seed, self.finished_epochs))
        train = self.windows["train"]
        times = self.config.rounds(len(train))
        return _loader(train, shuffled_batches(train.lengths, self.config.batch_size, rng, times))

    def val_dataloader(self) -> DataLoader[tuple[Tensor, Tensor]]:
        """Return the validation batches, always the same."""
        val = self.windows["val"]
        return _loader(val, list(batches_in_order(val.lengths, self.config.batch_size)))

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Return the loss of a batch; its augmentation and dropout depend on seed, epoch and index alone."""
        rng = np.random.default_rng((self.config.seed, self.finished_epochs, index))
        self._seed(int(rng.integers(2**62)))
        if self.augmenter is None:
            return self._step(self.train_scores, batch)
        generator = torch.Generator(self.device).manual_seed(int(rng.integers(2**62)))
        points, labels = self.augmenter(*batch, generator)
        points, targets = self.augmenter.mix(points, labels, generator)
        return self._step(self.train_scores, (points, labels), targets)

    def validation_step(self, batch: tuple[Tensor, Tensor], _: int) -> Tensor:
        """Return the loss of a batch, without learning from it."""
        return self._step(self.val_scores, batch)

    def _seed(self, seed: int) -> None:
        if self.device.type == "cpu":  # torch.manual_seed also notes down a stack for each device that is not there
            torch.default_generator.manual_seed(seed)
        else:
            torch.manual_seed(seed)

    def _step(self, scores: "Scores", batch: tuple[Tensor, Tensor], targets: Tensor | None = None) -> Tensor:
        points, labels = batch
        logits = self.network(points)
        loss: Tensor = self.loss(logits, labels if targets is None else targets)
        # A mean over a batch with class weights was divided by the sum of those of its clips.
        counted = len(labels) if self.loss.weight is None else self.loss.weight[labels].sum()
        scores.update(logits.detach(), labels, loss.detach(), counted)
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        """Move a schedule that goes by steps."""
        if isinstance(self._schedule, OneCycleLR) and self._schedule.last_epoch < self._schedule.total_steps - 1:
            self._schedule.step()

    def on_train_epoch_end(self) -> None:
        """Write down the epoch, and move a schedule that goes by epochs; checkpoints are made after this."""
        row: Row = {
            "epoch": self.finished_epochs + 1,
            "learning_rate": self.trainer.optimizers[0].param_groups[0]["lr"],
        }
        row |= self.train_scores.pop()
        if len(self.windows["val"]):
            row |= self.val_scores.pop()
        self.history.append(row)
        self.log_dict({name: value for name, value in row.items() if name != "epoch"})
        if isinstance(self._schedule, ReduceLROnPlateau):
            value = row.get(self.config.monitor, row["train_loss"])
            self._schedule.step(value)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer; schedules are moved here, since lightning moves them after a checkpoint is made."""
        config = self.config
        kinds: dict[str, Any] = {
            "adam": partial(torch.optim.Adam, fused=True),  # one pass over all weights: a fifth of the time
            "adamw": partial(torch.optim.AdamW, fused=True),
            "radam": torch.optim.RAdam,
        }
        optimizer: torch.optim.Optimizer = kinds[config.optimizer](
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        if config.schedule == "plateau":
            mode = config.mode if len(self.windows["val"]) else "min"  # without validation it goes by the train loss
            self._schedule = ReduceLROnPlateau(optimizer, mode, _PLATEAU_FACTOR, _PLATEAU_EPOCHS)
        elif config.schedule == "onecycle":
            clips = len(self.windows["train"])
            steps = -(-clips * config.rounds(clips) // config.batch_size) * config.epochs
            self._schedule = OneCycleLR(optimizer, config.learning_rate, total_steps=steps)
        if self._schedule is not None and self._schedule_state is not None:
            self._schedule.load_state_dict(self._schedule_state)
        return optimizer

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Add what lightning does not know of."""
        checkpoint["history"] = self.history
        checkpoint["schedule"] = self._schedule.state_dict() if self._schedule else None

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take it up again; the schedule is made later, and gets its state then."""
        self.history = list(checkpoint["history"])
        self._schedule_state = checkpoint["schedule"]


class Scores(nn.Module):
    """Loss, accuracy, and weighted precision, recall and F1 of one part (train, val) over an epoch."""

    def __init__(self, part: str, classes: int) -> None:
        super().__init__()
        weighted: dict[str, Any] = {"num_classes": classes, "average": "weighted", "zero_division": 0}
        scores: dict[str, Metric | MetricCollection] = {
            "accuracy": MulticlassAccuracy(num_classes=classes, average="micro"),
            "precision": MulticlassPrecision(**weighted),
            "recall": MulticlassRecall(**weighted),
            "f1": MulticlassF1Score(**weighted),
        }
        self.part, self.scores, self.loss = part, MetricCollection(scores), MeanMetric()

    def update(self, logits: Tensor, labels: Tensor, loss: Tensor, counted: Tensor | int) -> None:
        """Take in a batch: logits (N, K), labels (N,), its mean loss, and what that was divided by."""
        self.scores.update(logits, labels)
        self.loss.update(loss, weight=counted)

    def pop(self) -> Row:
        """Return the scores since the last call, by name, and begin anew."""
        row = {"loss": float(self.loss.compute()), **{k: float(v) for k, v in self.scores.compute().items()}}
        self.loss.reset()
        self.scores.reset()
        return {f"{self.part}_{name}": value for name, value in row.items()}


def _weights(config: TrainingConfig, train: Windows, classes: int) -> Tensor | None:
    """Return (K,) N / (K n_k), n_k the clips of class k; a class without clips gets the weight of one clip."""
    if config.class_weights == "none":
        return None
    counts = torch.bincount(train.labels, minlength=classes).clamp(min=1)
    return len(train) / (classes * counts.float())


def _loader(windows: Windows, batches: list[list[int]]) -> DataLoader[tuple[Tensor, Tensor]]:
    return DataLoader(windows, sampler=_Order(batches), batch_size=None)


class _Order(torch.utils.data.Sampler[list[int]]):
    """A sampler that was decided beforehand."""

    def __init__(self, batches: list[list[int]]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[list[int]]:
        return iter(self.batches)
