import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ademan.bundle import read_bundle, write_bundle
from ademan.clip import Clip
from ademan.datasets import Dataset, DatasetWriter
from ademan.errors import ClipError, ConfigError, EvaluationError
from ademan.evaluation import Predictions
from ademan.evaluation.evaluate import evaluate
from ademan.evaluation.others import FEW, OthersScores, idle_clips, judge_others, other_gestures
from ademan.recognition import Classifier
from ademan.skeleton import skeleton
from tests.conftest import MakeClip
from tests.recognition.reading import Reading, clip_of

SAME = {"files": {"here.npz": "the same bytes"}}
Make = Callable[..., Dataset]


@pytest.fixture
def reading(small_bundle: Path) -> Reading:
    return Reading(small_bundle)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Datasets of clips, opened until the test ends."""
    with ExitStack() as opened:

        def made(name: str, clips: Sequence[Clip], **options: object) -> Dataset:
            with DatasetWriter(tmp_path / name, skeleton("hands"), **options) as writer:  # type: ignore[arg-type]
                for i, clip in enumerate(clips):
                    writer.add(replace(clip, id=f"{i:03}"))
            return opened.enter_context(Dataset(tmp_path / name))

        yield made


def clip(label: str | None, a: float, b: float = 0.0, subject: str = "s0", frames: int = 20) -> Clip:
    """Return a clip in which a and b have these probabilities."""
    return replace(clip_of([(a, b)] * frames, label), subject=subject)


def judged(
    classifier: Classifier, dataset: Dataset, files: Sequence[Dataset] = (), split: str | None = None
) -> OthersScores:
    """Judge a dataset of a, b and idle beside other files; of its clips all are judged, and all are validation."""
    clips = np.arange(len(dataset))
    found = list(classifier.predict_all(dataset))
    truth = [classifier.labels.index(one.label or "") for one in dataset]
    predictions = Predictions(
        tuple(one.clip_id for one in found),
        np.array(truth),
        np.array([one.probabilities for one in found], np.float64),
        classifier.labels,
    )
    idle = idle_clips(classifier, dataset, clips, clips, unseen=True)
    scores = judge_others(classifier, predictions, idle, [other_gestures(classifier, file, split) for file in files])
    assert scores is not None
    return scores


def test_idle_clips_and_other_files_are_kinds_of_their_own(reading: Reading, make: Make) -> None:
    dataset = make("d.h5", [clip("a", 0.9), clip("b", 0.1, 0.8), clip("idle", 0.6), clip("idle", 0.1)])
    waves = make("waves.h5", [clip("wave", 0.7), clip(None, 0.2), clip("idle", 0.2)])
    found = judged(reading, dataset, [waves]).rejection
    assert found is not None
    assert (found.gestures, found.others) == (2, 5)
    assert [(kind.name, kind.taken.count, kind.taken.clips) for kind in found.kinds] == [
        ("'idle' of d.h5", 1, 2),
        ("waves.h5", 1, 3),
    ]
    assert (found.own.found.count, found.own.right.count) == (2, 2)


def test_idle_clips_of_validation_choose_thresholds_if_they_are_enough(reading: Reading, make: Make) -> None:
    few = make("few.h5", [clip("a", 0.9), *[clip("idle", 0.1)] * (FEW - 1)])
    enough = make("enough.h5", [clip("a", 0.9), *[clip("idle", 0.1)] * FEW])
    assert [judged(reading, one).rejection.separate for one in (few, enough)] == [False, True]  # type: ignore[union-attr]


@pytest.mark.parametrize(("refitted", "separate"), [(False, True), (True, False)])
def test_clips_that_weights_were_fitted_to_choose_no_threshold(
    small_bundle: Path, make: Make, tmp_path: Path, refitted: bool, separate: bool
) -> None:
    people = [clip(label, 0.2, subject=f"s{i}") for i in range(3) for label in ["a", "b", *["idle"] * FEW]]
    dataset = make("d.h5", people)
    training = {
        "dataset": {"digest": dataset.digest},
        "split": {"name": "group:subject", "fractions": [0.4, 0.3, 0.3], "seed": 0},
        "refitted": refitted,
    }
    bundle = read_bundle(small_bundle)
    write_bundle(tmp_path / "new", replace(bundle.manifest, training=training), bundle.graph, bundle.golden)
    others = evaluate(tmp_path / "new", dataset.path).others
    assert others is not None
    assert others.rejection is not None
    assert (others.rejection.separate, others.rejection.others, others.unseen) == (separate, FEW, True)
    on_validation = evaluate(tmp_path / "new", dataset.path, part="val").others
    assert on_validation is not None
    assert not on_validation.unseen


def test_idle_clips_of_validation_alone_choose_none_for_other_gestures(reading: Reading, make: Make) -> None:
    dataset = make("d.h5", [clip("a", 0.9), *[clip("idle", 0.1)] * FEW])
    people = [clip("wave", 0.6, subject=f"s{i % 4}") for i in range(4 * FEW)]
    found = judged(reading, dataset, [make("waves.h5", people)]).rejection
    assert found is not None
    assert (found.separate, found.chosen_on) == (False, 5 * FEW)
    divided = judged(reading, dataset, [make("more.h5", people)], split="group:subject").rejection
    assert divided is not None
    assert (divided.separate, divided.chosen_on, divided.others) == (True, 3 * FEW, 3 * FEW)


def test_a_bundle_without_idle_label_is_judged_by_other_files_only(
    small_bundle: Path, make: Make, tmp_path: Path
) -> None:
    bundle = read_bundle(small_bundle)
    write_bundle(tmp_path / "busy", replace(bundle.manifest, idle=None), bundle.graph, bundle.golden)
    reading = Reading(tmp_path / "busy")
    dataset = make("d.h5", [clip("a", 0.9), clip("idle", 0.1)])
    found = judged(reading, dataset, [make("waves.h5", [clip("wave", 0.1)])]).rejection
    assert found is not None
    assert (found.gestures, found.others, found.own.taken.count) == (2, 1, 1)
    nothing = idle_clips(reading, dataset, np.arange(2), np.arange(2), unseen=True)
    assert not len(nothing.clips)


def test_clips_that_cannot_be_divided_are_refused_and_it_is_said_what_to_do(reading: Reading, make: Make) -> None:
    file = make("o.h5", [clip("wave", 0.1), clip("wave", 0.1)])
    with pytest.raises(EvaluationError, match=r"o\.h5 cannot be divided by 'group:subject': 2 parts .* there are 1"):
        other_gestures(reading, file, "group:subject")
    with pytest.raises(EvaluationError, match=r"no clip of .* has a label.* Or leave out --others-split: thresholds"):
        other_gestures(reading, make("n.h5", [clip(None, 0.1)]), "random")


def test_a_file_with_gestures_of_the_bundle_is_refused_by_their_names(reading: Reading, make: Make) -> None:
    file = make("o.h5", [clip("wave", 0.1), clip("b", 0.1), clip("a", 0.1), clip("idle", 0.1)])
    with pytest.raises(EvaluationError, match=r"o\.h5 has clips of a, b, which the bundle knows; .*--classes"):
        other_gestures(reading, file)


def test_a_label_that_no_clip_has_is_not_refused(reading: Reading, make: Make) -> None:
    file = make("o.h5", [clip("wave", 0.1)], labels=["wave", "a"])
    assert len(other_gestures(reading, file).clips) == 1


def test_several_splits_are_refused(reading: Reading, make: Make) -> None:
    file = make("o.h5", [clip("wave", 0.1, subject=f"s{i}") for i in range(3)])
    with pytest.raises(EvaluationError, match=r"'group:subject:each' is 3 splits; name one of them"):
        other_gestures(reading, file, "group:subject:each")


def test_clips_of_another_kind_are_refused(reading: Reading, make: Make) -> None:
    flat = make("flat.h5", [replace(clip("wave", 0.1), coordinates="fraction")], coordinates="fraction")
    with pytest.raises(ClipError, match=r"flat\.h5: clip '000' has 2 fraction coordinates a point; .* on 2 square"):
        judged(reading, make("d.h5", [clip("a", 0.9)]), [flat])


def test_only_clips_that_could_have_trained_are_said_to_be_seen(small_bundle: Path, make: Make, tmp_path: Path) -> None:
    bundle = read_bundle(small_bundle)
    write_bundle(tmp_path / "known", replace(bundle.manifest, points=SAME), bundle.graph, bundle.golden)
    reading = Reading(tmp_path / "known")
    unseen = [
        other_gestures(reading, make(f"{i}.h5", [clip(label, 0.1)], made=made)).unseen
        for i, (label, made) in enumerate([("wave", SAME), ("idle", SAME), (None, SAME), ("idle", {})])
    ]
    assert unseen == [True, False, False, True]


def test_clips_that_were_learnt_from_as_background_are_said_to_be_seen(
    small_bundle: Path, make: Make, tmp_path: Path
) -> None:
    background = make("background.h5", [clip("wave", 0.1)])
    learnt = [{"name": "made-up"}, {"name": "b.h5", "digest": background.digest, **SAME}]
    bundle = read_bundle(small_bundle)
    manifest = replace(bundle.manifest, training={"background": learnt})
    write_bundle(tmp_path / "taught", manifest, bundle.graph, bundle.golden)
    reading = Reading(tmp_path / "taught")
    alike = make("alike.h5", [clip("nod", 0.2)], made=SAME)
    new = make("new.h5", [clip("nod", 0.2)])
    assert [other_gestures(reading, file).unseen for file in (background, alike, new)] == [False, False, True]
    resting = make("resting.h5", [clip("idle", 0.2)], made=SAME)
    assert not evaluate(tmp_path / "taught", resting.path).unseen


def test_a_split_of_no_files_is_refused(small_bundle: Path, make: Make) -> None:
    with pytest.raises(ConfigError, match="--others-split random divides the files of --others: name some, or leave"):
        evaluate(small_bundle, make("d.h5", [clip("a", 0.9)]).path, others_split="random")


def test_clips_in_which_nothing_is_seen_are_named_and_not_judged(reading: Reading, make: Make) -> None:
    early = clip("wave", 0.9, frames=40)
    early.points[5:] = np.nan
    found = judged(reading, make("d.h5", [clip("a", 0.9)]), [make("o.h5", [early, clip("wave", 0.9)])])
    assert found.skipped == ("o.h5#000",)
    assert found.rejection is not None
    assert found.rejection.others == 1


def test_a_minute_of_clips_is_judged_as_a_stream(reading: Reading, make: Make) -> None:
    dataset = make("d.h5", [clip("a", 0.9), clip("idle", 0.0, frames=200)])
    waves = make("waves.h5", [clip("wave", 0.0, 0.9, subject=f"s{i % 2}", frames=200) for i in range(5)])
    assert judged(reading, dataset).stream is None
    found = judged(reading, dataset, [waves]).stream
    assert found is not None
    assert (found.labels, found.streams) == ({"b": 2}, 3)
    assert found.hours * 3600 == pytest.approx(6 * 9.95 + 3 * 0.3, abs=0.01)


def test_without_any_such_clip_nothing_is_said(reading: Reading, make: Make) -> None:
    dataset = make("d.h5", [clip("a", 0.9)])
    idle = idle_clips(reading, dataset, np.arange(1), np.arange(1), unseen=True)
    predictions = Predictions(("x",), np.array([0]), np.array([[1.0, 0, 0]]), reading.labels)
    assert judge_others(reading, predictions, idle, []) is None


def test_a_dataset_of_idle_clips_alone_has_a_stream_and_no_rejection(reading: Reading, make: Make) -> None:
    found = judged(reading, make("d.h5", [clip("idle", 0.1, frames=700), clip("idle", 0.1, frames=700)]))
    assert found.rejection is None
    assert found.stream is not None
    assert found.to_json()["rejection"] is None


def test_an_evaluation_tells_what_others_are_taken_for(
    small_bundle: Path, make_clip: MakeClip, make: Make, tmp_path: Path
) -> None:
    dataset = make("d.h5", [make_clip(label="ab"[i % 2]) for i in range(6)] + [make_clip(label="idle", frames=900)] * 2)
    others = make("o.h5", [make_clip(label="wave", speed=3.0)])
    found = evaluate(small_bundle, dataset.path, others=[others.path], out=tmp_path / "judged")
    assert found.others is not None
    assert found.others.rejection is not None
    assert (found.others.rejection.gestures, found.others.rejection.others) == (6, 3)
    metrics = json.loads((tmp_path / "judged" / "metrics.json").read_text())
    assert metrics["rejection"]["others"] == 3
    assert metrics["idle_stream"]["hours"] * 60 == pytest.approx(1.2, abs=0.02)
    assert metrics["others_unseen"] is True
    assert "What is no gesture" in (tmp_path / "judged" / "report.html").read_text()
    assert "rejection" not in evaluate(small_bundle, make("plain.h5", [make_clip(label="a")]).path).to_json()
