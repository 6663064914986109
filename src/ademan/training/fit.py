"""Fitting: lightning's trainer, quiet, with a progress bar of ours, checkpoints, early stopping and a history file."""

import csv
import logging
import pickle
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
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
    """

    history: list[Row]
    best_epoch: int
    seconds: float


def fit(module: TrainingModule, run: Path, *, resume: bool, progress: bool) -> Fitted:
    """Train a module and give it the weights of its best epoch.

    Args:
        module: with its windows.
        run: folder that gets `checkpoints/`, `history.csv` and `tensorboard/`.
        resume: go on from `checkpoints/last.ckpt`, if it is there.
        progress: show a bar on standard error, if that is a terminal.

    Raises:
        TrainingError: a checkpoint cannot be read, or the loss is no longer a number.
    """
    started = time.perf_counter()
    checkpoints = run / "checkpoints"
    last = checkpoints / "last.ckpt"
    with _bar(module.config, wanted=progress) as show, quiet():

        def on_epoch(history: list[Row]) -> None:
            write_history(run / "history.csv", history)
            show(history[-1])

        module.on_epoch = on_epoch
        trainer = _trainer(module, run)
        if resume and last.is_file():
            _load(last)  # a damaged one is refused here, with a message of ours
            trainer.fit(module, ckpt_path=last, weights_only=True)
        else:
            trainer.fit(module)
    best = _load(next(checkpoints.glob("best*.ckpt"), last))
    module.load_state_dict(best["state_dict"])
    return Fitted(module.history, best["history"][-1]["epoch"], time.perf_counter() - started)


def _trainer(module: TrainingModule, run: Path) -> Trainer:
    config = module.config
    has_val = len(module.windows["val"]) > 0
    watched: dict[str, Any] = {"monitor": config.monitor, "mode": config.mode} if has_val else {}
    callbacks: list[Callback] = [
        ModelCheckpoint(
            run / "checkpoints",
            filename="best",
            save_last=True,
            enable_version_counter=False,
            save_on_train_epoch_end=True,
            **watched,
        ),
    ]
    if has_val and config.patience:
        callbacks.insert(
            1, _Patience(patience=config.patience, check_on_train_epoch_end=True, min_delta=0.0, **watched)
        )
    return Trainer(
        accelerator="auto",
        devices=1,
        max_epochs=config.epochs,
        gradient_clip_val=config.gradient_clip,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        limit_val_batches=1.0 if has_val else 0,
        callbacks=callbacks,
        logger=TensorBoardLogger(run, name="", version="tensorboard"),
        log_every_n_steps=10**9,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


class _Patience(EarlyStopping):
    """Early stopping that also remembers, after a resume, that it had already stopped."""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:  # noqa: ARG002
        """Stop at once if there was nothing left to do."""
        if self.wait_count >= self.patience:
            trainer.should_stop = True


def write_history(path: Path, history: list[Row]) -> None:
    """Write one row an epoch as CSV."""
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


def _load(path: Path) -> dict[str, Any]:
    try:
        checkpoint: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"checkpoint {path} cannot be read: {error}. Train again, into a new folder or with --overwrite."
        ) from error
    return checkpoint


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
