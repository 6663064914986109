"""Training from a dataset to a run folder: split, fit, export, judge; once, or for several splits and seeds."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ademan.augmentation import Augmenter
from ademan.augmentation.pictures import PictureAugmenter
from ademan.clip import PLACES
from ademan.datasets import Dataset, Split, make_splits
from ademan.datasets.copies import RECORDED, originals, with_copies
from ademan.datasets.table import Ints
from ademan.errors import TrainingError
from ademan.evaluation import Summary, summarise
from ademan.evaluation.evaluate import Evaluation
from ademan.evaluation.report import RunsReport, write_runs_report
from ademan.files import write_json
from ademan.models import build, weights, weights_in_keras
from ademan.recognition import Classifier
from ademan.training.background import background, check_sources, told_sources
from ademan.training.data import MEMORY_BYTES, Windows
from ademan.training.fit import Fitted, fit
from ademan.training.folder import open_run
from ademan.training.module import TrainingModule
from ademan.training.recipe import Recipe
from ademan.training.release import export, judge_part, write_run
from ademan.training.temperature import temperature_of

REFIT = "refit"
"""Folder within a run of the second training."""

FEW_CLIPS, FEW_GROUPS = 500, 6
"""Up to so many clips, or people (sessions), to learn from, those of the validation are worth a second training."""


@dataclass(frozen=True, eq=False)
class Run:
    """What a training came to.

    Args:
        folder: of the run.
        split: that was used.
        evaluations: of the bundle, by part: val and test, as far as the split has them.
        fitted: the history and the best epoch.
        weights: trained numbers of the network.
        weights_in_keras: the same layers' count in Keras, for comparison with published figures.
    """

    folder: Path
    split: Split
    evaluations: dict[str, Evaluation]
    fitted: Fitted
    weights: int
    weights_in_keras: int


def train(
    dataset: Path | str,
    out: Path | str,
    recipe: Recipe | None = None,
    *,
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = False,
) -> Run:
    """Train a network and leave a run folder with a verified, judged bundle in it.

    Args:
        dataset: file.
        out: folder of the run.
        recipe: defaults to the default network and a random split.
        resume: go on with a training that was killed; gives what it would have given.
        overwrite: delete a run that is there.
        progress: show a bar, if there is a terminal.

    Raises:
        AdemanError: what is wrong with the dataset, the recipe or the folder, and what to do.
    """
    recipe = recipe or Recipe()
    with Dataset(dataset) as opened:
        splits = make_splits(opened, recipe.split, recipe.fractions, recipe.split_seed)
        if len(splits) != 1:
            raise TrainingError(
                f"'{recipe.split}' is {len(splits)} splits. Train on all with train_all, or name one: {splits[0].name}."
            )
        return _train(opened, Path(out), recipe, splits[0], resume=resume, overwrite=overwrite, progress=progress)


def train_all(
    dataset: Path | str,
    out: Path | str,
    recipe: Recipe | None = None,
    *,
    splits: Sequence[str],
    seeds: Sequence[int],
    resume: bool = False,
    overwrite: bool = False,
    progress: bool = False,
) -> tuple[list[Run], Summary]:
    """Train once for each split and seed, each into a folder of its own, and sum up the test scores.

    A specification like `group:subject:each` counts as all its splits. Leaves `summary.json` and `report.html`.

    Args:
        dataset: file.
        out: folder that gets a run folder for each.
        recipe: for all; its own split and seed are replaced.
        splits: specifications.
        seeds: of the training.
        resume: go on where a killed call stopped; finished runs are not trained again.
        overwrite: delete runs that are there.
        progress: show bars, if there is a terminal.

    Returns:
        The runs, and mean and spread of their test scores.

    Raises:
        AdemanError: see `train`; or a split has no test part.
    """
    recipe, out = recipe or Recipe(), Path(out)
    with Dataset(dataset) as opened:
        plans = _plans(opened, recipe, splits, seeds)
        runs = [
            _train(opened, out / name, plan, split, resume=resume, overwrite=overwrite, progress=progress)
            for name, (plan, split) in plans.items()
        ]
    return runs, _sum_up(out, runs, Path(dataset).name, recipe, len(seeds))


def _plans(
    dataset: Dataset, recipe: Recipe, specs: Sequence[str], seeds: Sequence[int]
) -> dict[str, tuple[Recipe, Split]]:
    """Return recipe and split of each run by the name of its folder; whatever is wrong is found before any training."""
    plans: dict[str, tuple[Recipe, Split]] = {}
    for split in (s for spec in specs for s in make_splits(dataset, spec, recipe.fractions, recipe.split_seed)):
        if not len(split.test):
            raise TrainingError(f"split '{split.name}' has no test part to sum up. Give the test a fraction.")
        for seed in seeds:
            name = _folder_name(f"{split.name}-seed-{seed}")
            if name in plans:
                raise TrainingError(f"split '{split.name}' with seed {seed} is asked for twice.")
            plans[name] = (replace(recipe, split=split.name, training=replace(recipe.training, seed=seed)), split)
    return plans


def _folder_name(text: str) -> str:
    """Return a text as the name of one folder on any system; what was changed beyond ':' and ',' adds a checksum."""
    plain = text.replace(":", "-").replace(",", "+")
    safe = re.sub(r"[^\w.+-]", "_", plain)[:100]
    return safe if safe == plain else f"{safe}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def _sum_up(out: Path, runs: list[Run], dataset: str, recipe: Recipe, seeds: int) -> Summary:
    summary = summarise([run.evaluations["test"].scores for run in runs], seeds)
    names = tuple(run.folder.name for run in runs)
    cost = {"weights": runs[0].weights, "seconds": [round(run.fitted.seconds, 1) for run in runs]}
    write_json(out / "summary.json", {"runs": list(names), **cost, **summary.to_json()})
    same = {key: value for key, value in recipe.to_json().items() if key != "split"}
    facts = {"dataset": dataset, "runs": len(runs), **cost, **same}
    write_runs_report(out / "report.html", RunsReport(out.resolve().name, names, summary, facts))
    return summary


def _train(
    dataset: Dataset, out: Path, recipe: Recipe, split: Split, *, resume: bool, overwrite: bool, progress: bool
) -> Run:
    _check(dataset, recipe, split)
    config = {**recipe.to_json(), "background": told_sources(recipe.background)}
    open_run(out, dataset, config, resume=resume, overwrite=overwrite)
    write_json(out / "split.json", split.to_json(dataset.table))
    if dataset.bytes <= MEMORY_BYTES:
        dataset.load()
    learn = partial(_learn, dataset, recipe, resume=resume, progress=progress)
    val = Windows(dataset, split.val, recipe.window)
    network, fitted = learn(split.train, val, out)
    warmth = temperature_of(network, val, recipe.training.batch_size)
    exported = export(dataset, recipe, split, network, fitted, warmth)
    evaluations = judge_part(Classifier(exported), dataset, split, "val")
    if _is_refitted(dataset, recipe, split):
        none = Windows(dataset, split.val[:0], recipe.window)
        both = np.union1d(split.train, split.val)
        network, again = learn(with_copies(both, originals(dataset), dataset.table.labels), none, out / REFIT)
        fitted = replace(fitted, seconds=fitted.seconds + again.seconds, refitted=True)
        exported = export(dataset, recipe, split, network, fitted, warmth)
    classifier = Classifier(exported)  # replays the golden vectors: onnxruntime gives what torch gave
    evaluations |= judge_part(classifier, dataset, split, "test")
    write_run(out, exported, evaluations, fitted)
    return Run(out, split, evaluations, fitted, weights(network), weights_in_keras(network))


def _learn(
    dataset: Dataset, recipe: Recipe, train: Ints, val: Windows, folder: Path, *, resume: bool, progress: bool
) -> tuple[nn.Module, Fitted]:
    """Return a network that has learnt from some clips, and how; its history and checkpoints are in the folder."""
    labels = recipe.labels(dataset)
    torch.manual_seed(recipe.training.seed)
    network = build(recipe.layers, dataset.skeleton, dataset.channels, len(labels))
    none = background(dataset, train, recipe.window, recipe.background, recipe.idle, recipe.training.seed)
    learnt = Windows(dataset, train, recipe.window, more=none.windows, more_label=none.label)
    module = TrainingModule(network, recipe.training, learnt, val, len(labels), _augmenter(dataset, recipe))
    return network, fit(module, folder, resume=resume, progress=progress)


def _augmenter(dataset: Dataset, recipe: Recipe) -> Augmenter | PictureAugmenter | None:
    """Return what changes the clips that are learnt from; embeddings stay as they are, copies were made before them."""
    labels = recipe.labels(dataset)
    if dataset.coordinates in PLACES:
        return Augmenter(recipe.augmentation, dataset.skeleton, labels, stretch=recipe.window.fit == "spread")
    if dataset.coordinates == "pixels":
        options = dataset.made.get("options")
        binary = isinstance(options, dict) and options.get("of") == "silhouette"
        return PictureAugmenter(recipe.pictures, labels, binary=binary)
    return None


def _is_refitted(dataset: Dataset, recipe: Recipe, split: Split) -> bool:
    """Return whether the network that is kept learns from the validation clips too."""
    if not len(split.val) or recipe.training.refit != "few":
        return bool(len(split.val)) and recipe.training.refit == "yes"
    clips = np.union1d(split.train, split.val)
    clips = clips[originals(dataset)[clips] == RECORDED]
    kind = split.group_kind or next((k for k in ("subject", "session") if dataset.table.knows(k)), None)
    few_groups = kind is not None and len(np.unique(dataset.table.groups(kind)[clips])) <= FEW_GROUPS
    return len(clips) <= FEW_CLIPS or few_groups


def _check(dataset: Dataset, recipe: Recipe, split: Split) -> None:
    """Find what is wrong before a run that is there is written over."""
    present = np.unique(dataset.table.labels[split.train])
    if len(dataset.labels) < 2 or len(present) < 2:
        names = ", ".join(dataset.labels[k] for k in present)
        raise TrainingError(
            f"training needs clips of two classes or more; {dataset.path} has {names or 'none'} to train on. "
            "Record another gesture, or an idle hand as the class 'idle'."
        )
    build(recipe.layers, dataset.skeleton, dataset.channels, len(recipe.labels(dataset)))
    check_sources(dataset, recipe.background, recipe.idle)
