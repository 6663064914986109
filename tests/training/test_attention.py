"""The LSTM with attention from a dataset to events: its recipe, its flags, and embeddings."""

import json
from pathlib import Path

import numpy as np
import pytest

from ademan.clip import Clip, times_at
from ademan.datasets import Dataset, DatasetWriter
from ademan.models import AttentionConfig
from ademan.recognition import Recognizer, predict, verify
from ademan.skeleton import skeleton
from ademan.training import Recipe, TrainingConfig, recipe, train
from ademan.window import Window
from tests.cli.conftest import Run, run

__all__ = ["run"]

SMALL = AttentionConfig(hidden_units=8, hidden_layers=2, channel_units=8, attention_units=4)
NUMBERS = 10  # of a channel, where real ones have 768


@pytest.fixture
def embeddings(tmp_path: Path, rng: np.random.Generator) -> Path:
    """Twenty-four clips of two classes, which the third channel alone tells apart; the right hand is never seen."""
    path = tmp_path / "embeddings.h5"
    with DatasetWriter(path, skeleton("embedding12"), "embedding") as writer:
        for i in range(24):
            T = 6 + i % 5
            values = rng.normal(0, 1, (T, 12, NUMBERS)).astype(np.float32)
            values[:, 2] += 3 * (-1) ** i
            values[:, [1, 5, 6, 7]] = np.nan
            name, label, subject = f"c{i:02}", "ab"[i % 2], f"s{i // 2 % 4}"
            clip = Clip(values, times_at(25, T), writer.skeleton, name, label, subject, coordinates="embedding")
            writer.add(clip)
    return path


@pytest.mark.parametrize("model", ["bilstm-attention", "bilstm-attention-128"])
def test_it_is_trained_with_one_cycle_of_radam_and_the_best_epoch_is_kept(model: str) -> None:
    found = recipe(model)
    training = found.training
    assert (training.optimizer, training.schedule, training.monitor) == ("radam", "onecycle", "val_accuracy")
    assert (training.refit, training.label_smoothing, training.class_weights) == ("no", 0.0, "none")
    assert found.window == Window(32, "spread")


def test_embeddings_are_learnt_recognised_and_their_channels_named(embeddings: Path, tmp_path: Path) -> None:
    training = TrainingConfig(epochs=6, epoch_steps=10, learning_rate=0.01, optimizer="radam", monitor="val_accuracy")
    how = Recipe("small", SMALL, Window(8, "spread"), training, split="group:subject", fractions=(0.5, 0.25, 0.25))
    found = train(embeddings, tmp_path / "run", how)
    assert found.evaluations["test"].scores.accuracy > 0.8
    bundle = tmp_path / "run" / "bundle"
    assert verify(bundle)["largest_difference"] < 1e-5
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["coordinates"] == "embedding"
    assert manifest["network"]["attention_channels"] == list(skeleton("embedding12").points)
    channels = json.loads((tmp_path / "run" / "attention.json").read_text())["overall"]["channels"]
    assert channels["right_vit"] == channels["right_resnext_2"] == 0
    assert channels["left_resnext_1"] > 0
    assert {prediction.label for prediction in predict(bundle, embeddings)} == {"a", "b"}
    with Dataset(embeddings) as dataset:
        clip = dataset[0]
    recognizer = Recognizer(bundle)
    updates = [recognizer.push(p, t) for p, t in zip(clip.points, clip.timestamps_ms.tolist(), strict=True)]
    assert any(update.probabilities is not None for update in updates)


def test_its_flags_are_taken_and_those_of_other_networks_refused(dataset_file: Path, tmp_path: Path, run: Run) -> None:
    short = ("--model", "bilstm-attention-128", "--epochs", "1", "--epoch-steps", "1", "--hidden-units", "6")
    code, _, err = run("train", dataset_file, "-o", tmp_path / "run", *short, "--hidden-layers", "1")
    assert code == 0, err
    network = json.loads((tmp_path / "run" / "config.json").read_text())["network"]
    assert (network["hidden_units"], network["hidden_layers"], network["channel_units"]) == (6, 1, 64)
    code, _, err = run("train", dataset_file, "-o", tmp_path / "other", *short, "--lstm-units", "8")
    assert code != 0
    assert "--lstm-units is for networks of the kind lstm" in err
    code, _, err = run("train", dataset_file, "-o", tmp_path / "other", "--hidden-units", "8")
    assert code != 0
    assert "--hidden-units is for networks of the kind bilstm-attention; 'tcn' is none" in err
