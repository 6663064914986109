"""Training from a dataset to a run folder: split, fit, export, judge; once, or for several splits and seeds."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ademan.datasets import Dataset, Split, make_splits
from ademan.errors import TrainingError
from ademan.evaluation import Summary, summarise
from ademan.evaluation.evaluate import Evaluation
from ademan.evaluation.report import RunsReport, write_runs_report
from ademan.files import write_json
from ademan.models import build, weights, weights_in_keras
from ademan.recognition import Classifier
from ademan.training.data import MEMORY_BYTES, Windows
from ademan.training.fit import Fitted, fit
from ademan.training.folder import open_run
from ademan.training.module import TrainingModule
from ademan.training.recipe import Recipe
from ademan.training.release import export, judge_parts, write_run


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
    return runs, _sum_up(out, runs, Path(dataset).name, recipe)


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


def _sum_up(out: Path, runs: list[Run], dataset: str, recipe: Recipe) -> Summary:
    summary = summarise([run.evaluations["test"].scores for run in runs])
    names = tuple(run.folder.name for run in runs)
    write_json(out / "summary.json", {"runs": list(names), **summary.to_json()})
    same = {key: value for key, value in recipe.to_json().items() if key != "split"}
    facts = {"dataset": dataset, "runs": len(runs), "weights": runs[0].weights, **same}
    write_runs_report(out / "report.html", RunsReport(out.resolve().name, names, summary, facts))
    return summary


def _train(
    dataset: Dataset, out: Path, recipe: Recipe, split: Split, *, resume: bool, overwrite: bool, progress: bool
) -> Run:
    _check(dataset, split)
    torch.manual_seed(recipe.training.seed)
    network = build(recipe.layers, dataset.skeleton, dataset.channels, len(dataset.labels))
    open_run(out, dataset, recipe.to_json(), resume=resume, overwrite=overwrite)
    write_json(out / "split.json", split.to_json(dataset.table))
    if dataset.bytes <= MEMORY_BYTES:
        dataset.load()
    windows = {part: Windows(dataset, split.parts()[part], recipe.window) for part in ("train", "val")}
    module = TrainingModule(network, recipe.training, windows["train"], windows["val"], len(dataset.labels))
    fitted = fit(module, out, resume=resume, progress=progress)
    exported = export(dataset, recipe, split, network, fitted)
    classifier = Classifier(exported)  # replays the golden vectors: onnxruntime gives what torch gave
    evaluations = judge_parts(classifier, dataset, split)
    write_run(out, exported, evaluations, fitted)
    return Run(out, split, evaluations, fitted, weights(network), weights_in_keras(network))


def _check(dataset: Dataset, split: Split) -> None:
    present = np.unique(dataset.table.labels[split.train])
    if len(dataset.labels) < 2 or len(present) < 2:
        names = ", ".join(dataset.labels[k] for k in present)
        raise TrainingError(
            f"training needs clips of two classes or more; {dataset.path} has {names or 'none'} to train on. "
            "Record another gesture, or an idle hand as the class 'idle'."
        )
