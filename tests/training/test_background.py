"""What is learnt as no gesture: clips without one, made up or of other datasets."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ademan.clip import Clip
from ademan.datasets import Dataset, DatasetWriter
from ademan.errors import DatasetError, TrainingError
from ademan.evaluation.evaluate import evaluate
from ademan.models import TcnConfig
from ademan.recognition import Classifier, verify
from ademan.skeleton import skeleton
from ademan.training import Recipe, train
from ademan.training.background import MADE_UP, Background, background, with_idle
from ademan.window import Window

WINDOW = Window(16, "spread")
SMALL = TcnConfig(part_units=12, part_channels=8, path_channels=4, blocks=(12,), head_units=8)
TRAINING = replace(Recipe().training, epochs=1, epoch_steps=1)
RECIPE = replace(Recipe(), network=SMALL, training=TRAINING, split="group:subject", fractions=(0.6, 0.2, 0.2))
MakeClip = Callable[..., Clip]


def write(path: Path, clips: Sequence[Clip]) -> Path:
    with DatasetWriter(path, clips[0].skeleton) as writer:
        for clip in clips:
            writer.add(clip)
    return path


def made(dataset: Dataset, *sources: str, seed: int = 0, train: Sequence[int] | None = None) -> Background:
    clips = np.arange(len(dataset)) if train is None else np.array(train)
    return background(dataset, clips, WINDOW, sources, "idle", seed)


@pytest.fixture
def others_file(tmp_path: Path, make_clip: MakeClip) -> Path:
    clips = [make_clip(f"o{i}", "other", image_wh=(640, 480)) for i in range(30)]
    return write(tmp_path / "others.h5", clips)


def test_a_model_gains_the_idle_label_only_where_it_has_none() -> None:
    assert with_idle(("a", "b"), [MADE_UP], "idle") == ("a", "b", "idle")
    assert with_idle(("a", "idle"), [MADE_UP], "idle") == ("a", "idle")
    assert with_idle(("a", "b"), [], "idle") == ("a", "b")


def test_without_sources_there_is_none(dataset_file: Path) -> None:
    with Dataset(dataset_file) as dataset:
        assert made(dataset).windows == []


def test_hands_get_idle_hands_and_gestures_that_are_cut_through(dataset_file: Path) -> None:
    with Dataset(dataset_file) as dataset:
        found = made(dataset, MADE_UP)
        assert found.label == 3
        assert 24 < len(found.windows) <= 48  # of 12 clips a class: twice as many of either source
        assert {window.shape for window in found.windows} == {(16, 42, 2)}
        again, other = made(dataset, MADE_UP), made(dataset, MADE_UP, seed=1)
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(found.windows, again.windows, strict=True))
    assert not np.array_equal(found.windows[0], other.windows[0], equal_nan=True)


def test_bodies_get_gestures_that_are_cut_through_alone(tmp_path: Path, rng: np.random.Generator) -> None:
    times = np.arange(20, dtype=np.float64) * 40.0
    bodies = [
        Clip(
            rng.normal(k, 0.1, (20, 17, 2)).astype(np.float32), times, skeleton("coco17"), id=f"{k}-{i}", label="ab"[k]
        )
        for k in range(2)
        for i in range(8)
    ]
    with Dataset(write(tmp_path / "bodies.h5", bodies)) as dataset:
        windows = made(dataset, MADE_UP).windows
    assert windows
    for window in windows:
        middle = np.nanmean(window, axis=(1, 2))
        assert {round(middle[0]), round(middle[-1])} == {0, 1}  # one gesture at the beginning, the other at the end


def test_it_is_made_of_the_clips_that_are_learnt_from_alone(tmp_path: Path, make_clip: MakeClip) -> None:
    clips = [make_clip(f"c{i}", "ab"[i % 2], image_wh=(640, 480)) for i in range(20)]
    secret = [replace(clip, id=f"t{i}", points=clip.points + 100) for i, clip in enumerate(clips)]
    with Dataset(write(tmp_path / "d.h5", [*clips, *secret])) as dataset:
        windows = made(dataset, MADE_UP, train=range(20)).windows
    assert max(np.nanmax(window) for window in windows) < 50


def test_clips_of_another_dataset_are_learnt_as_idle_and_never_judged(
    dataset_file: Path, others_file: Path, tmp_path: Path
) -> None:
    plain = train(dataset_file, tmp_path / "plain", RECIPE)
    taught = train(dataset_file, tmp_path / "taught", replace(RECIPE, background=(str(others_file),)))
    manifest = Classifier(tmp_path / "taught" / "bundle").manifest
    assert manifest.labels == ("a", "b", "c", "idle")
    assert manifest.idle == "idle"
    assert taught.evaluations["test"].clips == plain.evaluations["test"].clips
    assert manifest.training["background"][0]["name"] == "others.h5"
    judged = [evaluate(tmp_path / name / "bundle", dataset_file, others=[others_file]) for name in ("plain", "taught")]
    assert [one.others is not None and one.others.unseen for one in judged] == [True, False]
    with Dataset(dataset_file) as dataset:
        assert len(made(dataset, str(others_file)).windows) == 24  # no more than two classes' worth of the 30


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        ({"points": np.zeros((5, 42, 3), np.float32)}, r"3 numbers each; expected 'hands', square, 2"),
        ({"label": "a"}, "has clips of a, which .* teaches"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_an_old_run_is_written_over(
    clip: dict[str, object], message: str, dataset_file: Path, tmp_path: Path, make_clip: MakeClip
) -> None:
    train(dataset_file, tmp_path / "run", RECIPE)
    others = write(tmp_path / "others.h5", [replace(make_clip("o", "other", frames=5), **clip)])  # type: ignore[arg-type]
    with pytest.raises(TrainingError, match=message):
        train(dataset_file, tmp_path / "run", replace(RECIPE, background=(str(others),)), overwrite=True)
    assert verify(tmp_path / "run" / "bundle")["verified"]


def test_a_file_that_is_none_is_named(dataset_file: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"there is no dataset file .*nothing\.h5"):
        train(dataset_file, tmp_path / "run", replace(RECIPE, background=(str(tmp_path / "nothing.h5"),)))


def test_a_training_is_not_resumed_with_another_file_of_the_same_name(
    dataset_file: Path, others_file: Path, tmp_path: Path, make_clip: MakeClip
) -> None:
    recipe = replace(RECIPE, background=(str(others_file),))
    train(dataset_file, tmp_path / "run", recipe)
    write(others_file, [make_clip("new", "other", image_wh=(640, 480))])
    with pytest.raises(TrainingError, match="background"):
        train(dataset_file, tmp_path / "run", recipe, resume=True)
