"""The default recipe: augmented, without early stopping, and trained once more where clips or people are few."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ademan.errors import ConfigError
from ademan.models import TcnConfig
from ademan.recognition import Classifier
from ademan.training import Recipe, TrainingConfig, fit, train
from ademan.training import trainer as trainer_module

SMALL = TcnConfig(part_units=12, part_channels=8, path_channels=4, blocks=(12,), head_units=8)
TRAINING = replace(Recipe().training, epochs=3, epoch_steps=4, batch_size=8)
RECIPE = replace(Recipe(), network=SMALL, training=TRAINING, split="group:subject", fractions=(0.6, 0.2, 0.2))


def refit(recipe: Recipe, how: str) -> Recipe:
    return replace(recipe, training=replace(recipe.training, refit=how))  # type: ignore[arg-type]


def test_few_clips_are_all_learnt_from_and_validation_is_told_of_the_first_training(
    dataset_file: Path, tmp_path: Path
) -> None:
    kept = train(dataset_file, tmp_path / "few", RECIPE)
    once = train(dataset_file, tmp_path / "no", refit(RECIPE, "no"))
    assert kept.fitted.refitted
    assert not once.fitted.refitted
    assert kept.evaluations["val"].to_json() == once.evaluations["val"].to_json()
    graphs = [(tmp_path / name / "bundle" / "model.onnx").read_bytes() for name in ("few", "no")]
    assert graphs[0] != graphs[1]
    training = [Classifier(tmp_path / name / "bundle").manifest.training for name in ("few", "no")]
    assert [t["refitted"] for t in training] == [True, False]
    assert training[0]["temperature"] == training[1]["temperature"]
    assert json.loads((tmp_path / "few" / "metrics.json").read_text())["refitted"] is True


@pytest.mark.slow
def test_many_clips_of_many_people_are_not_worth_a_second_training(
    dataset_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trainer_module, "FEW_CLIPS", 10)
    assert train(dataset_file, tmp_path / "people", RECIPE).fitted.refitted  # of six people
    monkeypatch.setattr(trainer_module, "FEW_GROUPS", 2)
    assert not train(dataset_file, tmp_path / "many", RECIPE).fitted.refitted
    assert train(dataset_file, tmp_path / "asked", refit(RECIPE, "yes")).fitted.refitted


def test_without_validation_there_is_nothing_to_train_again_with(dataset_file: Path, tmp_path: Path) -> None:
    run = train(dataset_file, tmp_path / "run", replace(refit(RECIPE, "yes"), fractions=(0.8, 0.0, 0.2)))
    assert not run.fitted.refitted
    assert Classifier(tmp_path / "run" / "bundle").manifest.training["temperature"] == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("epoch", [2, 4], ids=["in the first", "in the second"])
def test_a_training_stopped_in_either_resumes_to_the_same_model(
    epoch: int, dataset_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(dataset_file, tmp_path / "whole", RECIPE)
    write, calls = fit.write_history, list[Path]()

    def fail(path: Path, history: list[dict[str, float]]) -> None:
        calls.append(path)
        if len(calls) == epoch + (epoch > 3):  # the first training writes its history once more at its end
            raise KeyboardInterrupt
        write(path, history)

    monkeypatch.setattr(fit, "write_history", fail)
    with pytest.raises(KeyboardInterrupt):
        train(dataset_file, tmp_path / "stopped", RECIPE)
    assert (calls[-1].parent.name == "refit") is (epoch > 3)
    monkeypatch.setattr(fit, "write_history", write)
    train(dataset_file, tmp_path / "stopped", RECIPE, resume=True)
    graphs = [(tmp_path / name / "bundle" / "model.onnx").read_bytes() for name in ("whole", "stopped")]
    assert graphs[0] == graphs[1]


def test_augmentation_changes_what_is_learnt_and_nothing_of_what_is_judged(dataset_file: Path, tmp_path: Path) -> None:
    still = replace(RECIPE, augmentation=replace(RECIPE.augmentation, mirror=0.0))
    weights = []
    for name, recipe in (("a", RECIPE), ("b", still)):
        train(dataset_file, tmp_path / name, refit(recipe, "no"))
        weights.append(torch.load(tmp_path / name / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"])
    assert any(not torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_clips_are_mixed_with_targets_to_match(dataset_file: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, augmentation=replace(RECIPE.augmentation, mix=0.5))
    run = train(dataset_file, tmp_path / "run", recipe)
    assert all(0 < row["train_loss"] < 10 for row in run.fitted.history)


def test_a_second_training_and_a_chosen_epoch_exclude_each_other() -> None:
    with pytest.raises(ConfigError, match="refit must be no"):
        TrainingConfig(refit="yes")
