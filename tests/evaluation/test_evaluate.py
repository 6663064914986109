import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ademan.datasets import DatasetWriter
from ademan.errors import EvaluationError
from ademan.evaluation.evaluate import evaluate
from ademan.models import LstmConfig
from ademan.skeleton import skeleton
from ademan.training import Recipe, TrainingConfig, train
from ademan.window import Window
from tests.conftest import MakeClip

RECIPE = Recipe(
    "small",
    LstmConfig((8,)),
    Window(30),
    TrainingConfig(epochs=2),
    split="group:subject",
    fractions=(0.6, 0.2, 0.2),
    split_seed=3,
)


@pytest.fixture
def bundle(dataset_file: Path, tmp_path: Path) -> Path:
    train(dataset_file, tmp_path / "run", RECIPE)
    return tmp_path / "run" / "bundle"


def test_by_default_the_test_part_of_the_training_is_judged(bundle: Path, dataset_file: Path) -> None:
    found = evaluate(bundle, dataset_file)
    reported = json.loads((bundle.parent / "metrics.json").read_text())["test"]
    assert (found.split, found.unseen, found.scores.accuracy) == ("group:subject", True, reported["accuracy"])
    assert {group.group for group in found.scores.groups} == {group["group"] for group in reported["groups"]}


def test_a_training_tells_in_its_report_how_often_idle_clips_are_taken_for_gestures(
    dataset_file: Path, tmp_path: Path
) -> None:
    run = train(dataset_file, tmp_path / "run", replace(RECIPE, idle="c"))
    found = run.evaluations["test"].others
    assert found is not None
    assert found.rejection is not None
    assert found.rejection.to_json() == evaluate(tmp_path / "run" / "bundle", dataset_file).to_json()["rejection"]
    assert [kind.name for kind in found.rejection.kinds] == ["'c' of three.h5"]
    assert run.evaluations["val"].others is None
    assert "Of 100 clips that show none of its gestures" in (tmp_path / "run" / "report.html").read_text()
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert metrics["test"]["rejection"]["own"]["taken"]["count"] == found.rejection.own.taken.count


def test_without_a_test_the_idle_clips_of_validation_are_told_as_seen(dataset_file: Path, tmp_path: Path) -> None:
    run = train(dataset_file, tmp_path / "run", replace(RECIPE, idle="c", fractions=(0.6, 0.4, 0.0)))
    found = run.evaluations["val"].others
    assert found is not None
    assert not found.unseen


def test_a_training_without_idle_clips_says_that_mistakes_are_not_known(bundle: Path) -> None:
    assert "How often it fires by mistake is not known" in (bundle.parent / "report.html").read_text()


@pytest.mark.parametrize(
    ("options", "unseen"),
    [
        ({}, True),
        ({"part": "val"}, False),
        ({"part": "train"}, False),
        ({"split": "all"}, False),
        ({"split_seed": 4}, False),
        ({"fractions": (0.2, 0.2, 0.6)}, False),
        ({"split": "group:subject"}, True),
        ({"split": "random"}, False),
    ],
)
def test_unseen_is_said_only_of_clips_that_training_never_met(
    bundle: Path, dataset_file: Path, options: dict[str, object], unseen: bool
) -> None:
    assert evaluate(bundle, dataset_file, **options).unseen is unseen  # type: ignore[arg-type]


def test_on_another_dataset_all_labelled_clips_are_judged(bundle: Path, tmp_path: Path, make_clip: MakeClip) -> None:
    with DatasetWriter(tmp_path / "other.h5", skeleton("hands"), labels=["c", "a"]) as writer:
        for i in range(7):
            writer.add(make_clip(str(i), "ca"[i % 2]))
        writer.add(make_clip("unlabelled", None))
    found = evaluate(bundle, tmp_path / "other.h5", out=tmp_path / "report")
    assert (found.scores.clips, found.split, found.unseen) == (7, "", True)
    assert [row.support for row in found.scores.classes] == [3, 0, 4]  # in the bundle's order: a, b, c
    assert (tmp_path / "report" / "report.html").is_file()


def test_clips_that_show_nothing_to_the_model_are_named_and_not_judged(
    bundle: Path, tmp_path: Path, make_clip: MakeClip
) -> None:
    late = make_clip("late", "a", frames=60)
    late.points[:40] = np.nan
    with DatasetWriter(tmp_path / "other.h5", skeleton("hands"), labels=["a", "b", "c"]) as writer:
        for clip in (late, make_clip("good", "b")):
            writer.add(clip)
    found = evaluate(bundle, tmp_path / "other.h5")
    assert found.skipped == ("late",)
    assert found.scores.clips == 1


def test_what_cannot_be_judged_is_refused(
    bundle: Path, dataset_file: Path, tmp_path: Path, make_clip: MakeClip
) -> None:
    with pytest.raises(EvaluationError, match="part 'exam' is unknown"):
        evaluate(bundle, dataset_file, part="exam")
    with pytest.raises(EvaluationError, match=r"is 6 splits; name one of them, such as group:subject:s0"):
        evaluate(bundle, dataset_file, split="group:subject:each")
    with DatasetWriter(tmp_path / "other.h5", skeleton("hands")) as writer:
        writer.add(replace(make_clip("x"), label="salute"))
    with pytest.raises(EvaluationError, match="has clips of salute; the bundle knows a, b, c"):
        evaluate(bundle, tmp_path / "other.h5")
