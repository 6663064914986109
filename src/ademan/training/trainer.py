"""Training from a dataset to a run folder: split, fit, export, judge."""

import datetime
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import ademan
from ademan.bundle import Bundle, Manifest, golden_windows, write_bundle
from ademan.datasets import Dataset, Split, make_splits
from ademan.datasets.splits import DEFAULT_FRACTIONS, Fractions
from ademan.datasets.table import Ints
from ademan.errors import TrainingError
from ademan.evaluation import Scores, Summary, summarise
from ademan.evaluation.evaluate import Evaluation, judge, write_evaluation
from ademan.evaluation.report import RunsReport, write_runs_report
from ademan.files import write_json
from ademan.models import NetworkConfig, build, config_to_json, preset, to_onnx, weights, weights_in_keras
from ademan.recognition import Classifier
from ademan.training.config import TrainingConfig
from ademan.training.data import MEMORY_BYTES, Windows
from ademan.training.fit import Fitted, fit
from ademan.training.module import TrainingModule
from ademan.training.run import open_run
from ademan.window import Window


@dataclass(frozen=True)
class Recipe:
    """All that decides a training but the data: the same recipe on the same data gives the same model.

    Args:
        model: name of the preset that the network began from.
        network: layers and features.
        window: how clips are fitted.
        training: optimisation, stopping and seed.
        split: which clips train, validate and test; see `ademan.datasets.splits`.
        fractions: of train, validation and test.
        split_seed: of the split.
        idle: the label that means no gesture; it counts only if the dataset has it.
    """

    model: str = "lstm"
    network: NetworkConfig = field(default_factory=lambda: preset("lstm"))
    window: Window = field(default_factory=Window)
    training: TrainingConfig = field(default_factory=TrainingConfig)
    split: str = "random"
    fractions: Fractions = DEFAULT_FRACTIONS
    split_seed: int = 0
    idle: str = "idle"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "network": config_to_json(self.network)}


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
        warnings: what a reader of the results should know.
    """

    folder: Path
    split: Split
    evaluations: dict[str, Evaluation]
    fitted: Fitted
    weights: int
    weights_in_keras: int
    warnings: tuple[str, ...]


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
    runs = []
    with Dataset(dataset) as opened:
        plans = [
            replace(recipe, split=split.name, training=replace(recipe.training, seed=seed))
            for spec in splits
            for split in make_splits(opened, spec, recipe.fractions, recipe.split_seed)
            for seed in seeds
        ]
        for plan in plans:
            split = make_splits(opened, plan.split, plan.fractions, plan.split_seed)[0]
            if not len(split.test):
                raise TrainingError(f"split '{split.name}' has no test part to sum up. Give the test a fraction.")
            name = f"{split.name.replace(':', '-').replace(',', '+')}-seed-{plan.training.seed}"
            runs.append(_train(opened, out / name, plan, split, resume=resume, overwrite=overwrite, progress=progress))
    return runs, _sum_up(out, runs, Path(dataset).name)


def _sum_up(out: Path, runs: list[Run], dataset: str) -> Summary:
    summary = summarise([run.evaluations["test"].scores for run in runs])
    names = tuple(run.folder.name for run in runs)
    write_json(out / "summary.json", {"runs": list(names), **summary.to_json()})
    facts = {"dataset": dataset, "runs": len(runs), "weights": runs[0].weights}
    write_runs_report(out / "report.html", RunsReport(out.resolve().name, names, summary, facts))
    return summary


def _train(
    dataset: Dataset, out: Path, recipe: Recipe, split: Split, *, resume: bool, overwrite: bool, progress: bool
) -> Run:
    _check(dataset, split)
    config = {"dataset": {"name": dataset.path.name, "digest": dataset.digest}, **recipe.to_json()}
    open_run(out, config, resume=resume, overwrite=overwrite)
    write_json(out / "split.json", split.to_json(dataset.table))
    if dataset.bytes <= MEMORY_BYTES:
        dataset.load()
    torch.manual_seed(recipe.training.seed)
    network = build(recipe.network, dataset.skeleton, dataset.channels, len(dataset.labels))
    windows = {part: Windows(dataset, split.parts()[part], recipe.window) for part in ("train", "val")}
    module = TrainingModule(network, recipe.training, windows["train"], windows["val"], len(dataset.labels))
    fitted = fit(module, out, resume=resume, progress=progress)
    unexported = _unexported(dataset, recipe, split, network, fitted)
    classifier = Classifier(unexported)  # replays the golden vectors: onnxruntime gives what torch gave
    evaluations = _judge(classifier, dataset, split)
    _write(out, unexported, evaluations, fitted)
    return Run(out, split, evaluations, fitted, weights(network), weights_in_keras(network), split.warnings)


def _check(dataset: Dataset, split: Split) -> None:
    present = np.unique(dataset.table.labels[split.train])
    if len(dataset.labels) < 2 or len(present) < 2:
        names = ", ".join(dataset.labels[k] for k in present)
        raise TrainingError(
            f"training needs clips of two classes or more; {dataset.path} has {names or 'none'} to train on. "
            "Record another gesture, or an idle hand as the class 'idle'."
        )


def _unexported(dataset: Dataset, recipe: Recipe, split: Split, network: nn.Module, fitted: Fitted) -> Bundle:
    """Return the bundle in memory, with golden vectors that torch computed."""
    graph = to_onnx(network, len(dataset.skeleton), dataset.channels)
    network.eval()
    golden = []
    for points in golden_windows((len(dataset.skeleton), dataset.channels), np.random.default_rng(0)):
        with torch.no_grad():
            golden.append((points, torch.softmax(network(torch.from_numpy(points)), dim=1).numpy()))
    manifest = Manifest(
        labels=dataset.labels,
        skeleton=dataset.skeleton,
        channels=dataset.channels,
        coordinates=dataset.coordinates,
        window=recipe.window,
        fps=_window_fps(dataset, split.train, recipe.window),
        idle=recipe.idle if recipe.idle in dataset.labels else None,
        network={
            "model": recipe.model,
            **config_to_json(recipe.network),
            "weights": weights(network),
            "weights_in_keras": weights_in_keras(network),
        },
        training={
            "dataset": {"name": dataset.path.name, "digest": dataset.digest},
            "split": {"name": split.name, "fractions": list(recipe.fractions), "seed": recipe.split_seed},
            "clips": {part: len(clips) for part, clips in split.parts().items()},
            "warnings": list(split.warnings),
            "optimisation": asdict(recipe.training),
            "best_epoch": fitted.best_epoch,
            "epochs": len(fitted.history),
            "seconds": round(fitted.seconds, 1),
        },
        points=dataset.made,
        versions={"ademan": ademan.__version__, "torch": torch.__version__, "python": platform.python_version()},
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    return Bundle(manifest, graph, golden)


def _window_fps(dataset: Dataset, clips: Ints, window: Window, looked_at: int = 200) -> float:
    """Return the frames per second of windows: the median over some clips, evenly chosen.

    A window spread over its clip has another rate than the clip. Clips of a single frame have none: 25 then.
    """
    if window.fit == "rate":
        return window.fps
    chosen = [i for i in clips[:: max(1, len(clips) // looked_at)] if dataset.table.lengths[i] > 1]
    times = [dataset.points(int(i))[1] for i in chosen]
    spread = window.fit == "spread" and window.frames > 1
    steps = [np.ptp(t) / (window.frames - 1) if spread else np.median(np.diff(t)) for t in times]
    return round(1000.0 / float(np.median(steps)), 3) if steps else 25.0


def _judge(classifier: Classifier, dataset: Dataset, split: Split) -> dict[str, Evaluation]:
    evaluations = {}
    for part, clips in split.parts().items():
        if part != "train" and len(clips):
            scores, skipped = judge(classifier, dataset, clips, split.group_kind)
            told = f"{part} part of {split.name} of {dataset.path.name}"
            evaluations[part] = Evaluation(scores, told, split.name, unseen=part == "test", skipped=skipped)
    return evaluations


def _write(out: Path, unexported: Bundle, evaluations: dict[str, Evaluation], fitted: Fitted) -> None:
    """Write the bundle with its scores, the metrics and the report."""
    short = {part: _short(evaluation.scores) for part, evaluation in evaluations.items()}
    manifest = replace(unexported.manifest, training={**unexported.manifest.training, "scores": short})
    write_bundle(out / "bundle", manifest, unexported.graph, unexported.golden)
    told = {key: manifest.training[key] for key in ("best_epoch", "epochs", "seconds")}
    metrics = {**told, **manifest.network, **{part: e.to_json() for part, e in evaluations.items()}}
    shown = evaluations.get("test") or evaluations.get("val")
    if shown is None:
        write_json(out / "metrics.json", json.loads(json.dumps(metrics)))
        return
    classifier = Classifier(out / "bundle")  # what was written is what is reported
    title = out.resolve().name
    write_evaluation(out, shown, classifier, title=title, history=fitted.history, metrics=metrics)


def _short(scores: Scores) -> dict[str, Any]:
    low, high = scores.accuracy_interval.low, scores.accuracy_interval.high
    return {
        "clips": scores.clips,
        "accuracy": scores.accuracy,
        "accuracy_interval": [low, high],
        "macro_f1": scores.macro_f1,
        "ece": scores.ece,
    }
