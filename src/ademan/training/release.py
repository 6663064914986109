"""Release: a trained network becomes a bundle, is judged as one, and is written with its report."""

import datetime
import platform
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import ademan
from ademan.bundle import Bundle, Manifest, golden_windows, write_bundle
from ademan.datasets import Dataset, Split
from ademan.datasets.table import Ints
from ademan.evaluation import Scores
from ademan.evaluation.evaluate import Evaluation, Part, judge, write_evaluation
from ademan.files import write_json
from ademan.models import Attentive, config_to_json, to_onnx, weights, weights_in_keras
from ademan.recognition import Classifier
from ademan.training.background import told_sources
from ademan.training.fit import Fitted
from ademan.training.recipe import Recipe
from ademan.window import Window


def export(
    dataset: Dataset, recipe: Recipe, split: Split, network: nn.Module, fitted: Fitted, temperature: float
) -> Bundle:
    """Return the bundle in memory, with golden vectors that torch computed; logits are divided by the temperature."""
    graph = to_onnx(network, len(dataset.skeleton), dataset.channels, temperature)
    network.eval()
    golden = []
    scale = 255.0 if dataset.coordinates == "pixels" else 1.0
    for points in golden_windows((len(dataset.skeleton), dataset.channels), np.random.default_rng(0), scale):
        with torch.no_grad():
            golden.append((points, torch.softmax(network(torch.from_numpy(points)) / temperature, dim=1).numpy()))
    manifest = Manifest(
        labels=recipe.labels(dataset),
        skeleton=dataset.skeleton,
        channels=dataset.channels,
        coordinates=dataset.coordinates,
        window=recipe.window,
        fps=_window_fps(dataset, split.train, recipe.window),
        idle=recipe.idle if recipe.idle in recipe.labels(dataset) else None,
        network={
            "model": recipe.name,
            **config_to_json(recipe.layers),
            "weights": weights(network),
            "weights_in_keras": weights_in_keras(network),
            **({"attention_channels": list(network.channel_names)} if isinstance(network, Attentive) else {}),
        },
        training={
            "dataset": {"name": dataset.path.name, "digest": dataset.digest},
            "split": {"name": split.name, "fractions": list(recipe.fractions), "seed": recipe.split_seed},
            "clips": {part: len(clips) for part, clips in split.parts().items()},
            "warnings": list(split.warnings),
            "optimisation": asdict(recipe.training),
            "augmentation": asdict(recipe.augmentation),
            "pictures": asdict(recipe.pictures),
            "background": told_sources(recipe.background),
            "refitted": fitted.refitted,
            "temperature": round(temperature, 4),
            "best_epoch": fitted.best_epoch,
            "epochs": len(fitted.history),
            "seconds": round(fitted.seconds, 1),
        },
        points={key: value for key, value in dataset.made.items() if key != "copies"},
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


def judge_part(classifier: Classifier, dataset: Dataset, split: Split, part: str) -> dict[str, Evaluation]:
    """Return how the bundle does on a part, by its name; nothing if the split has no such clips."""
    clips = split.parts()[part]
    if not len(clips):
        return {}
    unseen = part == "test"
    spare = split.val if unseen and not classifier.manifest.training["refitted"] else split.val[:0]
    told = f"{part} part of {split.name} of {dataset.path.name}"
    shown = unseen or not len(split.test)  # in the report, and worth the minute or so that streams may take
    return {part: judge(classifier, dataset, Part(clips, spare, split, told, unseen), with_others=shown)}


def write_run(out: Path, exported: Bundle, evaluations: dict[str, Evaluation], fitted: Fitted) -> None:
    """Write the bundle with its scores, the metrics and the report."""
    short = {part: _short(evaluation.scores) for part, evaluation in evaluations.items()}
    manifest = replace(exported.manifest, training={**exported.manifest.training, "scores": short})
    write_bundle(out / "bundle", manifest, exported.graph, exported.golden)
    told = {key: manifest.training[key] for key in ("best_epoch", "epochs", "seconds", "refitted", "temperature")}
    metrics = {**told, **manifest.network, **{part: e.to_json() for part, e in evaluations.items()}}
    shown = evaluations.get("test") or evaluations.get("val")
    if shown is None:
        write_json(out / "metrics.json", metrics)
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
