"""Fitting: lightning's trainer, quiet, with a progress bar of ours, checkpoints, early stopping and a history file."""

import csv
import logging
import math
import os
import pickle
import shutil
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch.callbacks import Checkpoint
from lightning.pytorch.loggers import TensorBoardLogger
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ademan.errors import TrainingError
from ademan.files import written_whole
from ademan.training.config import TrainingConfig
from ademan.training.module import Row, TrainingModule


@dataclass(frozen=True)
class Fitted:
    """What fitting came to; the module holds the weights of the best epoch.

    Args:
        history: a row an epoch.
        best_epoch: the one whose weights were kept, from 1 on.
        seconds: of this call; a resumed training took longer in all.
        refitted: whether the weights are those of a second training, on training and validation clips together.
    """

    history: list[Row]
    best_epoch: int
    seconds: float
    refitted: bool = False


def fit(module: TrainingModule, run: Path, *, resume: bool, progress: bool) -> Fitted:
    """Train a module and give it the weights of its best epoch.

    Args:
        module: with its windows.
        run: folder that gets `checkpoints/`, `history.csv` and `tensorboard/`.
        resume: go on from `checkpoints/last.ckpt`, if it is there.
        progress: show a bar on standard error, if that is a terminal.

    Raises:
        TrainingError: a checkpoint cannot be read, or the loss is no longer a number.
        AdemanError: the disk is full.
        KeyboardInterrupt: Ctrl-C; what was reached is in `checkpoints/`.
    """
    started = time.perf_counter()
    with _bar(module.config, wanted=progress) as show, quiet(), interruptible(), _threads(module.config.threads):
        keeper = _Keeper(run, module.config, show)
        trainer = _trainer(module, run, keeper)
        if resume and keeper.last.is_file():
            load_checkpoint(keeper.last)  # a damaged one is refused here, with a message of ours
            trainer.fit(module, ckpt_path=keeper.last, weights_only=True)
        else:
            trainer.fit(module)
    module.load_state_dict(load_checkpoint(keeper.best)["state_dict"])
    write_history(run / "history.csv", module.history)  # a kill may have come between a checkpoint and its row
    return Fitted(module.history, best_epoch(module.history, module.config), time.perf_counter() - started)


def best_epoch(history: list[Row], config: TrainingConfig) -> int:
    """Return the first epoch with the best monitored value, from 1 on; the last one if there was no validation."""
    if config.monitor not in history[-1]:
        return len(history)
    values = [row[config.monitor] for row in history]
    return 1 + values.index(min(values) if config.mode == "min" else max(values))


def _trainer(module: TrainingModule, run: Path, keeper: "_Keeper") -> Trainer:
    return Trainer(
        accelerator="auto",
        devices=1,
        max_epochs=module.config.epochs,
        gradient_clip_val=module.config.gradient_clip,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        limit_val_batches=1.0 if len(module.windows["val"]) else 0,
        callbacks=[keeper],
        logger=TensorBoardLogger(run, name="", version="tensorboard"),
        log_every_n_steps=10**9,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


class _Keeper(Checkpoint):
    """After each epoch: keeps the weights and the history, each file whole, and says when to stop.

    All that it decides follows from the history, which is in the checkpoint: it has no state to be lost.
    """

    def __init__(self, run: Path, config: TrainingConfig, show: Callable[[Row], None]) -> None:
        self.run, self.config, self.show = run, config, show
        self.last, self.best = run / "checkpoints" / "last.ckpt", run / "checkpoints" / "best.ckpt"

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """After a resume there may be nothing left to do."""
        self._stop_if_done(trainer, _history(pl_module))

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep what was reached; the module has written its row of the history before."""
        history = _history(pl_module)
        loss = history[-1]["train_loss"]
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss became {loss} in epoch {len(history)}; the epochs before it are in {self.last}. "
                "Lower the learning rate:  --learning-rate"
            )
        with written_whole(self.last) as last:
            trainer.save_checkpoint(last)
            # The best comes first: killed between the two, a resume does this epoch again, to the same end.
            if best_epoch(history, self.config) == len(history):
                with written_whole(self.best) as best:
                    shutil.copyfile(last, best)
        write_history(self.run / "history.csv", history)
        self.show(history[-1])
        self._stop_if_done(trainer, history)

    def _stop_if_done(self, trainer: Trainer, history: list[Row]) -> None:
        if history and self.config.patience and self.config.monitor in history[-1]:
            trainer.should_stop = len(history) - best_epoch(history, self.config) >= self.config.patience


def _history(module: LightningModule) -> list[Row]:
    return module.history if isinstance(module, TrainingModule) else []


def write_history(path: Path, history: list[Row]) -> None:
    """Write one row an epoch as CSV, whole or not at all."""
    with written_whole(path) as beside, beside.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]))
        writer.writeheader()
        writer.writerows(history)


@contextmanager
def _bar(config: TrainingConfig, *, wanted: bool) -> Iterator[Callable[[Row], None]]:
    """Give a function that shows a row of the history in one line; it does nothing where there is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("training"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[state]}"))
    hidden = not (wanted and console.is_terminal)
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=hidden, transient=True) as progress:
        task = progress.add_task("training", total=config.epochs, state="")

        def show(row: Row) -> None:
            names = {"train_loss": "loss", "val_loss": "val", "val_accuracy": "accuracy"}
            state = "  ".join(f"{short} {row[name]:.3f}" for name, short in names.items() if name in row)
            progress.update(task, completed=row["epoch"], state=state)

        yield show


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Return a checkpoint; nothing in it is run.

    Raises:
        TrainingError: it cannot be read.
    """
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"checkpoint {path} cannot be read: {error}. Train again, into a new folder or with --overwrite."
        ) from error
    if not isinstance(checkpoint, dict) or not {"state_dict", "history"} <= checkpoint.keys():
        raise TrainingError(
            f"checkpoint {path} is none of Ademan's. Train again, into a new folder or with --overwrite."
        )
    return checkpoint


@contextmanager
def interruptible() -> Iterator[None]:
    """Let Ctrl-C be a KeyboardInterrupt; lightning ends the whole process and turns Ctrl-C off for good."""
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit:
        signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from None


@contextmanager
def _threads(wanted: int) -> Iterator[None]:
    """Let torch use some threads; with 0, half the cores at most.

    Threads meet at each time step of an LSTM, and all wait for the one whose core another program has taken. On two
    cores with other work beside it, two threads took 6 s for what one did in 0.7 s; on idle ones they took 0.7 of the
    time.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(wanted or min(before, max(1, (os.cpu_count() or 1) // 2)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def quiet() -> Iterator[None]:
    """Keep lightning from telling what a user of ours cannot act on."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric", "lightning")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", PossibleUserWarning)
            warnings.filterwarnings("ignore", module="lightning")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
