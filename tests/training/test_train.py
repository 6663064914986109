import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ademan.augmentation import OFF
from ademan.clip import Clip
from ademan.datasets import Dataset, DatasetWriter
from ademan.errors import AdemanError, ConfigError, SplitError, TrainingError
from ademan.models import LstmConfig, preset
from ademan.recognition import Classifier, verify
from ademan.skeleton import skeleton
from ademan.training import Recipe, TrainingConfig, fit, train, train_all
from ademan.training.module import Scores
from ademan.window import Window
from tests.conftest import MakeClip

SMALL = Recipe(
    model="small",
    network=LstmConfig((8,), dropout=0.2, normalisation="image", velocities=True),
    window=Window(frames=30),
    training=TrainingConfig(epochs=4, batch_size=8, learning_rate=0.01),
    augmentation=OFF,
    split="group:subject",
    fractions=(0.6, 0.2, 0.2),
)


def with_training(**changes: Any) -> Recipe:
    return replace(SMALL, training=replace(SMALL.training, **changes))


def best_weights(run: Path) -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    return found


def assert_same_run(a: Path, b: Path) -> None:
    one, other = best_weights(a), best_weights(b)
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert (a / "history.csv").read_text() == (b / "history.csv").read_text()
    assert (a / "bundle" / "model.onnx").read_bytes() == (b / "bundle" / "model.onnx").read_bytes()


def test_a_run_folder_holds_all_that_is_promised(dataset_file: Path, tmp_path: Path) -> None:
    run = train(dataset_file, tmp_path / "run", SMALL)
    folder = tmp_path / "run"
    for name in (
        "bundle/model.onnx bundle/manifest.json bundle/golden.npz metrics.json history.csv config.json split.json "
        "report.html plots/confusion.png plots/history.png plots/reliability.png "
        "checkpoints/best.ckpt checkpoints/last.ckpt"
    ).split():
        assert (folder / name).is_file(), name
    assert list((folder / "tensorboard").glob("events*"))
    assert verify(folder / "bundle")["verified"]
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["test"]["accuracy"] == run.evaluations["test"].scores.accuracy
    assert metrics["weights"] == run.weights == metrics["weights_in_keras"] + 4 * 8


def test_the_history_has_every_metric_of_every_epoch(dataset_file: Path, tmp_path: Path) -> None:
    train(dataset_file, tmp_path / "run", SMALL)
    with (tmp_path / "run" / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["epoch"]) for row in rows] == [1, 2, 3, 4]
    for part in ("train", "val"):
        for name in ("loss", "accuracy", "precision", "recall", "f1"):
            assert all(float(row[f"{part}_{name}"]) >= 0 for row in rows)


def test_what_can_be_learnt_is_learnt(dataset_file: Path, tmp_path: Path) -> None:
    run = train(dataset_file, tmp_path / "run", with_training(epochs=40))
    assert run.evaluations["test"].scores.accuracy > 0.9


def test_the_bundle_knows_what_it_was_trained_on(dataset_file: Path, tmp_path: Path) -> None:
    train(dataset_file, tmp_path / "run", SMALL)
    with Dataset(dataset_file) as dataset:
        digest = dataset.digest
    manifest = Classifier(tmp_path / "run" / "bundle").manifest
    assert manifest.training["dataset"]["digest"] == digest
    assert manifest.training["split"] == {"name": "group:subject", "fractions": [0.6, 0.2, 0.2], "seed": 0}
    assert manifest.fps == 25
    assert manifest.labels == ("a", "b", "c")


def test_the_same_recipe_gives_the_same_model(dataset_file: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        train(dataset_file, tmp_path / name, SMALL)
    assert_same_run(tmp_path / "one", tmp_path / "two")
    train(dataset_file, tmp_path / "three", with_training(seed=1))
    assert not torch.equal(*(best_weights(tmp_path / name)["network.head.weight"] for name in ("one", "three")))


@pytest.mark.parametrize(
    "changes",
    [{}, {"schedule": "plateau", "monitor": "val_f1"}, {"schedule": "onecycle", "optimizer": "radam"}],
    ids=["plain", "plateau", "onecycle"],
)
def test_a_training_stopped_after_any_epoch_resumes_to_the_same_model(
    dataset_file: Path, tmp_path: Path, changes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = with_training(epochs=6, patience=3, **changes)
    train(dataset_file, tmp_path / "whole", recipe)
    write = fit.write_history
    calls = []

    def fail_in_third_epoch(path: Path, history: list[dict[str, float]]) -> None:
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        write(path, history)

    monkeypatch.setattr(fit, "write_history", fail_in_third_epoch)
    with pytest.raises(KeyboardInterrupt):
        train(dataset_file, tmp_path / "stopped", recipe)
    assert not (tmp_path / "stopped" / "bundle").exists()
    monkeypatch.setattr(fit, "write_history", write)
    train(dataset_file, tmp_path / "stopped", recipe, resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "stopped")


@pytest.mark.slow
def test_a_training_killed_by_the_system_resumes_to_the_same_model(dataset_file: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    command = [sys.executable, "-m", "ademan", "train", str(dataset_file), "--epochs", "60", "--lstm-units", "24"]
    command += ["--dense-units", "8", "--patience", "0", "--frames", "30", "--split", "group:subject"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([*command, "-o", str(whole)], check=True, env=environment, capture_output=True)
    with subprocess.Popen([*command, "-o", str(killed)], env=environment, stdout=subprocess.DEVNULL) as process:
        while not (killed / "history.csv").is_file() or (killed / "history.csv").read_text().count("\n") < 6:
            assert process.poll() is None, "the training ended before it could be killed"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
    assert not (killed / "bundle").exists()
    subprocess.run([*command, "-o", str(killed), "--resume"], check=True, env=environment, capture_output=True)
    assert_same_run(whole, killed)


def test_a_finished_run_is_neither_lost_nor_trained_again_by_resuming(dataset_file: Path, tmp_path: Path) -> None:
    train(dataset_file, tmp_path / "run", SMALL)
    shutil.copytree(tmp_path / "run", tmp_path / "before")
    train(dataset_file, tmp_path / "run", SMALL, resume=True)
    assert_same_run(tmp_path / "run", tmp_path / "before")


def test_early_stopping_ends_it_and_keeps_the_best_epoch(dataset_file: Path, tmp_path: Path) -> None:
    run = train(dataset_file, tmp_path / "run", with_training(epochs=200, patience=3, learning_rate=0.05))
    history = run.fitted.history
    assert len(history) < 200
    losses = [row["val_loss"] for row in history]
    assert run.fitted.best_epoch == 1 + losses.index(min(losses)) == len(history) - 3


def test_without_validation_the_last_epoch_is_kept(dataset_file: Path, tmp_path: Path) -> None:
    run = train(dataset_file, tmp_path / "run", replace(SMALL, fractions=(0.8, 0.0, 0.2)))
    assert run.fitted.best_epoch == 4
    assert "val_loss" not in run.fitted.history[0]
    assert list(run.evaluations) == ["test"]


def test_class_weights_and_smoothing_are_used(dataset_file: Path, tmp_path: Path) -> None:
    plain = train(dataset_file, tmp_path / "plain", SMALL).fitted.history
    other = train(dataset_file, tmp_path / "other", with_training(label_smoothing=0.3)).fitted.history
    assert plain[0]["train_loss"] != other[0]["train_loss"]


def test_several_splits_and_seeds_give_mean_and_spread(dataset_file: Path, tmp_path: Path) -> None:
    recipe = with_training(epochs=2)
    runs, summary = train_all(
        dataset_file, tmp_path / "all", recipe, splits=["group:subject:s0", "random"], seeds=[0, 1]
    )
    assert [run.folder.name for run in runs] == [
        "group-subject-s0-seed-0",
        "group-subject-s0-seed-1",
        "random-seed-0",
        "random-seed-1",
    ]
    values = [run.evaluations["test"].scores.accuracy for run in runs]
    assert summary.accuracy.values == tuple(values)
    assert summary.accuracy.mean == pytest.approx(sum(values) / 4)
    saved = json.loads((tmp_path / "all" / "summary.json").read_text())
    assert saved["accuracy"]["mean"] == summary.accuracy.mean
    assert (tmp_path / "all" / "report.html").is_file()


def test_each_group_in_turn_is_one_run_each(dataset_file: Path, tmp_path: Path) -> None:
    recipe = with_training(epochs=1)
    runs, _ = train_all(dataset_file, tmp_path / "all", recipe, splits=["group:subject:each"], seeds=[0])
    assert [run.split.name for run in runs] == [f"group:subject:s{i}" for i in range(6)]
    with pytest.raises(TrainingError, match=r"is 6 splits. Train on all with train_all"):
        train(dataset_file, tmp_path / "run", replace(recipe, split="group:subject:each"))


def test_a_run_is_never_written_over_unasked(dataset_file: Path, tmp_path: Path) -> None:
    train(dataset_file, tmp_path / "run", SMALL)
    with pytest.raises(TrainingError, match="holds a finished run"):
        train(dataset_file, tmp_path / "run", SMALL)
    (tmp_path / "run" / "metrics.json").unlink()
    with pytest.raises(TrainingError, match="holds an unfinished run: --resume goes on with it"):
        train(dataset_file, tmp_path / "run", SMALL)
    train(dataset_file, tmp_path / "run", with_training(epochs=1), overwrite=True)
    assert (tmp_path / "run" / "history.csv").read_text().count("\n") == 2


def test_a_folder_with_other_things_is_left_alone(dataset_file: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").touch()
    with pytest.raises(TrainingError, match="is not empty, and holds no run"):
        train(dataset_file, tmp_path / "run", SMALL, overwrite=True)
    assert (tmp_path / "run" / "thesis.tex").exists()


def test_resuming_in_a_folder_of_other_things_is_refused(dataset_file: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").touch()
    with pytest.raises(TrainingError, match="is not empty, and holds no run"):
        train(dataset_file, tmp_path / "run", SMALL, resume=True)
    assert [file.name for file in (tmp_path / "run").iterdir()] == ["thesis.tex"]


def test_a_kill_between_the_two_checkpoints_loses_nothing(
    dataset_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train(dataset_file, tmp_path / "whole", SMALL)
    copy, copies = shutil.copyfile, []

    def killed_after_second_copy(source: Path, target: Path) -> None:
        copy(source, target)
        copies.append(target)
        if len(copies) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfile", killed_after_second_copy)
    with pytest.raises(KeyboardInterrupt):
        train(dataset_file, tmp_path / "killed", SMALL)
    monkeypatch.setattr(shutil, "copyfile", copy)
    train(dataset_file, tmp_path / "killed", SMALL, resume=True)
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.parametrize(
    ("window", "fps"), [(Window(30), 25), (Window(10, "spread"), 6.9), (Window(10, "rate", 12), 12)]
)
def test_the_bundle_tells_the_rate_of_its_windows(
    dataset_file: Path, tmp_path: Path, window: Window, fps: float
) -> None:
    train(dataset_file, tmp_path / "run", replace(with_training(epochs=1), window=window))
    assert Classifier(tmp_path / "run" / "bundle").manifest.fps == pytest.approx(fps, rel=0.05)


def test_resuming_with_other_settings_is_refused(dataset_file: Path, tmp_path: Path) -> None:
    train(dataset_file, tmp_path / "run", SMALL)
    with pytest.raises(TrainingError, match=r"training\.epochs: 4, now 9"):
        train(dataset_file, tmp_path / "run", with_training(epochs=9), resume=True)


def test_a_damaged_checkpoint_is_named(dataset_file: Path, tmp_path: Path) -> None:
    train(dataset_file, tmp_path / "run", SMALL)
    last = tmp_path / "run" / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:1000])
    with pytest.raises(TrainingError, match=r"checkpoint .*last\.ckpt cannot be read"):
        train(dataset_file, tmp_path / "run", SMALL, resume=True)


def write(path: Path, clips: list[Clip]) -> Path:
    with DatasetWriter(path, skeleton("hands")) as writer:
        for clip in clips:
            writer.add(clip)
    return path


def test_one_class_only_is_refused(tmp_path: Path, make_clip: MakeClip) -> None:
    path = write(tmp_path / "d.h5", [make_clip(str(i), "wave") for i in range(10)])
    with pytest.raises(TrainingError, match=r"needs clips of two classes or more; .* has wave to train on"):
        train(path, tmp_path / "run", replace(SMALL, split="random"))
    assert not (tmp_path / "run").exists()


def test_a_class_with_one_clip_is_refused(tmp_path: Path, make_clip: MakeClip) -> None:
    clips = [make_clip(str(i), "wave") for i in range(10)] + [make_clip("lone", "clap")]
    path = write(tmp_path / "d.h5", clips)
    with pytest.raises(SplitError, match="class 'clap' has 1 of the 3 clips that a split into 3 parts needs"):
        train(path, tmp_path / "run", replace(SMALL, split="random"))


def test_a_loss_that_is_no_number_ends_it(dataset_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Scores, "pop", lambda _: {"train_loss": float("nan")})
    with pytest.raises(TrainingError, match=r"the loss became nan in epoch 1; .* Lower the learning rate"):
        train(dataset_file, tmp_path / "run", SMALL)
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_a_full_disk_is_reported(dataset_file: Path, small_disk: Path) -> None:
    with pytest.raises(AdemanError, match="the disk is full"):
        train(dataset_file, small_disk / "run", replace(SMALL, network=LstmConfig((256,))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"epochs": 0}, "epochs must be 1 or more, found 0"),
        ({"batch_size": 0}, "batch_size must be 1 or more"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"weight_decay": -1.0}, "weight_decay must be 0 or more"),
        ({"patience": -1}, "patience must be 0 or more"),
        ({"label_smoothing": 1.0}, "label_smoothing must be from 0 to below 1"),
        ({"gradient_clip": 0.0}, "gradient_clip must be above 0"),
        ({"threads": -1}, "threads must be 0 or more"),
        ({"seed": -1}, "seed must be 0 or more"),
    ],
)
def test_options_out_of_range_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        TrainingConfig(**change)


def test_overwriting_deletes_a_run_and_nothing_else(dataset_file: Path, tmp_path: Path) -> None:
    train(dataset_file, tmp_path / "run", with_training(epochs=1))
    (tmp_path / "run" / "thesis.tex").write_text("mine")
    train(dataset_file, tmp_path / "run", with_training(epochs=1), overwrite=True)
    assert (tmp_path / "run" / "thesis.tex").read_text() == "mine"


def test_overwriting_is_refused_where_no_run_is_or_the_dataset_lies_in_it(dataset_file: Path, tmp_path: Path) -> None:
    other = tmp_path / "project"
    other.mkdir()
    for content in ('{"a": 1}', "[]", "{"):
        (other / "config.json").write_text(content)
        with pytest.raises(TrainingError, match="is not empty, and holds no run"):
            train(dataset_file, other, SMALL, overwrite=True)
    train(dataset_file, tmp_path / "run", with_training(epochs=1))
    inside = tmp_path / "run" / "plots" / "d.h5"
    shutil.copyfile(dataset_file, inside)
    with pytest.raises(TrainingError, match="lies inside the run"):
        train(inside, tmp_path / "run", SMALL, overwrite=True)
    assert inside.is_file()


def test_a_recipe_that_cannot_be_leaves_the_old_run_alone(dataset_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "point.h5"
    with Dataset(dataset_file) as dataset, DatasetWriter(path, skeleton("point")) as writer:
        for clip in dataset:
            writer.add(replace(clip, points=clip.points[:, :1], skeleton=skeleton("point")))
    train(path, tmp_path / "run", with_training(epochs=1))
    with pytest.raises(ConfigError, match="needs a skeleton with parts"):
        train(path, tmp_path / "run", replace(SMALL, network=LstmConfig((4,))), overwrite=True)
    assert verify(tmp_path / "run" / "bundle")["verified"]


def test_a_file_in_place_of_the_folder_is_refused(dataset_file: Path, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    with pytest.raises(TrainingError, match="is a file; name a folder"):
        train(dataset_file, tmp_path / "run", SMALL)


def test_names_of_people_never_lead_out_of_the_folder(tmp_path: Path, make_clip: MakeClip) -> None:
    path = tmp_path / "d.h5"
    with DatasetWriter(path, skeleton("hands")) as writer:
        for i in range(24):
            person = ("../../evil", "a:b*?", "c")[i // 2 % 3]
            writer.add(make_clip(str(i), "ab"[i % 2], subject=person))
    recipe = replace(with_training(epochs=1), fractions=(0.8, 0.2, 0.0))
    runs, _ = train_all(path, tmp_path / "all", recipe, splits=["group:subject:each"], seeds=[0])
    assert len({run.folder.name for run in runs}) == 3
    for run in runs:
        assert run.folder.parent == tmp_path / "all"
        assert run.folder.is_dir()
        assert not set(run.folder.name) & set('\\/:*?"<>|')


def test_several_runs_are_planned_before_the_first_is_trained(dataset_file: Path, tmp_path: Path) -> None:
    recipe = replace(SMALL, fractions=(0.8, 0.2, 0.0))
    with pytest.raises(TrainingError, match="split 'random' has no test part to sum up"):
        train_all(dataset_file, tmp_path / "all", recipe, splits=["group:subject:s0", "random"], seeds=[0])
    with pytest.raises(TrainingError, match="split 'random' with seed 1 is asked for twice"):
        train_all(dataset_file, tmp_path / "all", SMALL, splits=["random"], seeds=[1, 1])
    assert not (tmp_path / "all").exists()


def test_a_renamed_dataset_is_still_the_same_to_a_resume(dataset_file: Path, tmp_path: Path) -> None:
    train(dataset_file, tmp_path / "run", SMALL)
    train(dataset_file.rename(tmp_path / "renamed.h5"), tmp_path / "run", SMALL, resume=True)


def test_a_checkpoint_of_another_program_is_refused(dataset_file: Path, tmp_path: Path) -> None:
    train(dataset_file, tmp_path / "run", SMALL)
    torch.save({"weights": 1}, tmp_path / "run" / "checkpoints" / "last.ckpt")
    with pytest.raises(TrainingError, match=r"last\.ckpt is none of Ademan's"):
        train(dataset_file, tmp_path / "run", SMALL, resume=True)


def test_the_loss_does_not_depend_on_the_size_of_batches(dataset_file: Path, tmp_path: Path) -> None:
    losses = []
    for size in (3, 100):
        recipe = with_training(epochs=1, batch_size=size, learning_rate=1e-12, class_weights="balanced")
        recipe = replace(recipe, split="random", fractions=(0.3, 0.6, 0.1))
        losses.append(train(dataset_file, tmp_path / str(size), recipe).fitted.history[0]["val_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_threads_are_what_was_asked_for_and_given_back(
    dataset_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, used = torch.get_num_threads(), []

    def count(_: Scores) -> dict[str, float]:
        used.append(torch.get_num_threads())
        return {"train_loss": 1.0}

    monkeypatch.setattr(Scores, "pop", count)
    train(dataset_file, tmp_path / "run", replace(with_training(epochs=1, threads=2), fractions=(0.8, 0.0, 0.2)))
    assert used == [2]
    assert torch.get_num_threads() == before


def test_a_model_name_alone_is_its_preset() -> None:
    assert Recipe(model="lstm-32").layers == preset("lstm-32")
    with pytest.raises(ConfigError, match="there is no model 'gru'"):
        Recipe(model="gru")


@pytest.mark.parametrize(
    ("recipe", "name"),
    [
        (Recipe(), "tcn"),
        (Recipe("lstm-32"), "lstm-32"),
        (Recipe(network=LstmConfig((4,))), "lstm"),
        (Recipe("demo", network=LstmConfig((4,))), "demo"),
    ],
)
def test_a_network_of_another_kind_does_not_go_by_the_name_of_the_preset(recipe: Recipe, name: str) -> None:
    assert recipe.name == name
    assert recipe.to_json()["model"] == name
