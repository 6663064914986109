import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import plotly.graph_objects
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.bundle import read_bundle
from ademan.datasets import Dataset, DatasetWriter
from ademan.errors import BundleError
from ademan.evaluation import score
from ademan.evaluation.attention import SHARES, AttentionScores, Peak, in_shares, judge_attention, summed_up
from ademan.evaluation.charts import channel_attention, frame_attention
from ademan.evaluation.evaluate import evaluate
from ademan.evaluation.plots import MAX_WRITTEN, plot_channel_attention, plot_frame_attention
from ademan.evaluation.report import Report, write_report
from ademan.models import AttentionConfig
from ademan.recognition import Classifier, Recognizer, verify
from ademan.skeleton import skeleton
from ademan.training import Recipe, TrainingConfig, train
from ademan.window import Window, stack
from tests.conftest import MakeClip
from tests.evaluation.conftest import predictions

HANDS = ("left_hand", "right_hand")


@pytest.fixture(scope="module")
def tiny() -> Recipe:
    network = AttentionConfig(hidden_units=6, hidden_layers=2, channel_units=5, attention_units=4)
    training = TrainingConfig(epochs=2, optimizer="radam", schedule="onecycle", monitor="val_accuracy")
    return Recipe("tiny", network, Window(16, "spread"), training, split="group:subject", fractions=(0.5, 0.25, 0.25))


@pytest.fixture
def run(dataset_file: Path, tmp_path: Path, tiny: Recipe) -> Path:
    train(dataset_file, tmp_path / "run", tiny)
    return tmp_path / "run"


def scores(K: int = 3, names: tuple[str, ...] = HANDS, rng: np.random.Generator | None = None) -> AttentionScores:
    """Attention of made-up weights, two clips a class."""
    rng = rng or np.random.default_rng(0)
    frames, channels = rng.dirichlet(np.ones(SHARES), 2 * K), rng.dirichlet(np.ones(len(names)), 2 * K)
    return summed_up([f"class {k}" for k in range(K)], names, frames, channels, np.arange(2 * K) % K)


@given(st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_the_shares_of_a_clip_keep_all_its_attention(frames: int, seed: int) -> None:
    weights = np.random.default_rng(seed).dirichlet(np.ones(frames))
    shares = in_shares(weights)
    assert shares.shape == (SHARES,)
    assert (shares >= 0).all()
    np.testing.assert_allclose(shares.sum(), 1)


@pytest.mark.parametrize("frames", [1, 7, 20, 64])
def test_even_weights_are_even_shares_at_any_length(frames: int) -> None:
    np.testing.assert_allclose(in_shares(np.full(frames, 1 / frames)), 1 / SHARES)


def test_attention_lands_where_in_the_clip_it_was() -> None:
    weights = np.zeros(40)
    weights[[0, 1, 30]] = 0.25, 0.25, 0.5  # two frames a share
    assert np.flatnonzero(in_shares(weights)).tolist() == [0, 15]
    np.testing.assert_allclose(in_shares(weights)[[0, 15]], 0.5)


def test_means_are_taken_class_by_class_and_over_all() -> None:
    frames = np.zeros((3, SHARES))
    frames[0, 4] = frames[1, 4] = frames[2, 19] = 1
    channels = np.array([[0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
    found = summed_up(["wave", "unmet", "stop"], HANDS, frames, channels, np.array([0, 0, 2]))
    assert [(of.label, of.clips) for of in found.classes] == [("wave", 2), ("stop", 1)]
    assert found.classes[0].channels == pytest.approx((0.8, 0.2))
    assert found.overall.channels == pytest.approx((0.6, 0.4))
    assert found.frame_peaks(found.classes[0])[0] == Peak(0.225, 1.0)
    assert [peak.where for peak in found.channel_peaks(found.classes[1])] == ["right_hand", "left_hand"]
    told = found.to_json()
    assert told["classes"][1]["most_attended_frame"] == {"at": 0.975, "attention": 1.0}
    assert told["classes"][0]["least_attended_channel"] == {"name": "right_hand", "attention": 0.2}
    assert told["overall"]["clips"] == 3


def test_a_run_has_its_attention_in_a_file_in_plots_and_in_the_report(run: Path) -> None:
    told = json.loads((run / "attention.json").read_text())
    clips = json.loads((run / "metrics.json").read_text())["test"]["clips"]
    assert told["clips_judged"] == "test part of group:subject of three.h5"
    assert told["channels"] == list(HANDS)
    assert [of["label"] for of in told["classes"]] == ["a", "b", "c"]
    assert sum(of["clips"] for of in told["classes"]) == told["overall"]["clips"] == clips
    for of in (told["overall"], *told["classes"]):
        assert sum(of["frames"]) == pytest.approx(1, abs=1e-3)
        assert sum(of["channels"].values()) == pytest.approx(1, abs=1e-3)
        assert of["most_attended_frame"]["attention"] == max(of["frames"])
    assert {"attention_frames.png", "attention_channels.png"} <= {path.name for path in (run / "plots").iterdir()}
    assert "Where it looks" in (run / "report.html").read_text()


def test_evaluating_the_bundle_gives_the_attention_that_the_run_has(
    run: Path, dataset_file: Path, tmp_path: Path
) -> None:
    found = evaluate(run / "bundle", dataset_file, out=tmp_path / "judged")
    assert found.attention is not None
    assert json.loads((tmp_path / "judged" / "attention.json").read_text()) == json.loads(
        (run / "attention.json").read_text()
    )


def test_clips_that_show_nothing_to_the_model_have_no_part_in_its_attention(
    dataset_file: Path, tmp_path: Path, tiny: Recipe, make_clip: MakeClip
) -> None:
    train(dataset_file, tmp_path / "run", replace(tiny, window=Window(30)))
    late = make_clip("late", "a", frames=60)
    late.points[:40] = np.nan
    with DatasetWriter(tmp_path / "other.h5", skeleton("hands"), labels=["a", "b", "c"]) as writer:
        for clip in (make_clip("first", "b"), late, make_clip("last", "c")):
            writer.add(clip)
    found = evaluate(tmp_path / "run" / "bundle", tmp_path / "other.h5")
    assert found.skipped == ("late",)
    assert found.attention is not None
    assert [(of.label, of.clips) for of in found.attention.classes] == [("b", 1), ("c", 1)]


def test_batches_of_clips_of_different_lengths_do_not_disturb_each_other(
    dataset_file: Path, tmp_path: Path, tiny: Recipe
) -> None:
    train(dataset_file, tmp_path / "run", replace(tiny, window=Window(60)))
    classifier = Classifier(tmp_path / "run" / "bundle")
    with Dataset(dataset_file) as dataset:
        clips = [dataset[i] for i in range(36)]
    together = judge_attention(classifier, clips, np.arange(36))
    alone = [judge_attention(classifier, [clip], np.zeros(1, np.int64)).overall for clip in clips]
    np.testing.assert_allclose(together.overall.frames, np.mean([of.frames for of in alone], axis=0), atol=1e-5)


def test_a_bundle_with_attention_is_verified_and_recognises_like_any_other(
    run: Path, dataset_file: Path, make_clip: MakeClip
) -> None:
    assert verify(run / "bundle")["largest_difference"] < 1e-5
    classifier = Classifier(run / "bundle")
    clip = make_clip("x", frames=30)
    assert classifier.attends
    np.testing.assert_allclose(classifier.predict(clip).probabilities.sum(), 1, rtol=1e-5)
    recognizer = Recognizer(run / "bundle")
    updates = [recognizer.push(p, t) for p, t in zip(clip.points, clip.timestamps_ms.tolist(), strict=True)]
    assert any(update.probabilities is not None for update in updates)


def test_the_classifier_tells_what_its_probabilities_rest_on(run: Path, make_clip: MakeClip) -> None:
    classifier = Classifier(run / "bundle")
    left_gone = make_clip("x")
    left_gone.points[:, :21] = np.nan
    windows = stack([classifier.window(make_clip("y")), classifier.window(left_gone)])
    found = classifier.attention(windows)
    assert (found.names, found.frames.shape, found.channels.shape) == (HANDS, (2, 16), (2, 2))
    np.testing.assert_allclose(found.frames.sum(axis=1), 1, rtol=1e-5)
    assert found.channels[1].tolist() == [0, 1]


def test_a_network_without_attention_has_none_to_show(small_bundle: Path) -> None:
    classifier = Classifier(small_bundle)
    assert not classifier.attends
    with pytest.raises(BundleError, match=r"this model has no attention to show\. Train one that has"):
        classifier.attention(np.zeros((1, 4, 42, 2), np.float32))


@pytest.mark.parametrize("names", [None, ["left_hand"], "left_hand right_hand"])
def test_a_manifest_that_does_not_name_the_channels_is_refused(run: Path, names: object) -> None:
    bundle = read_bundle(run / "bundle")
    network = {**bundle.manifest.network, "attention_channels": names}
    classifier = Classifier(replace(bundle, manifest=replace(bundle.manifest, network=network)))
    with pytest.raises(BundleError, match="must name the 2 channels of the network's attention"):
        classifier.attention(np.zeros((1, 4, 42, 2), np.float32))


def test_a_graph_whose_weights_are_of_other_shapes_is_refused(run: Path) -> None:
    bundle = read_bundle(run / "bundle")
    graph = onnx.load_from_string(bundle.graph)
    for node in graph.graph.node:
        node.output[:] = [SWAPPED.get(name, name) for name in node.output]
        node.input[:] = [SWAPPED.get(name, name) for name in node.input]
    del graph.graph.output[1:]
    graph.graph.output.extend(onnx.helper.make_tensor_value_info(name, 1, None) for name in SWAPPED)
    classifier = Classifier(replace(bundle, graph=graph.SerializeToString()))
    with pytest.raises(BundleError, match=r"weights of shapes \(1, 2\) and \(1, 4\), expected \(1, 4\) of frames"):
        classifier.attention(np.zeros((1, 4, 42, 2), np.float32))


SWAPPED = {"frame_attention": "channel_attention", "channel_attention": "frame_attention"}


@pytest.mark.parametrize("K", [1, MAX_WRITTEN + 1])
@pytest.mark.parametrize("names", [("hand",), HANDS, tuple(f"channel_{i}" for i in range(12))])
def test_attention_is_drawn_for_few_and_many_classes_and_channels(
    K: int, names: tuple[str, ...], tmp_path: Path
) -> None:
    for plot in (plot_frame_attention, plot_channel_attention):
        plot(scores(K, names), tmp_path / "plot.png")
        assert (tmp_path / "plot.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_report_charts_each_class_over_time_and_over_channels(tmp_path: Path) -> None:
    found = replace(scores(2), channels=("<b>", "right_hand"))
    write_report(tmp_path / "report.html", Report("hands", score(predictions()), attention=found))
    page = (tmp_path / "report.html").read_text()
    assert 'id="attention"' in page
    assert 'data-chart="attention-frames"' in page
    assert 'data-chart="attention-channels"' in page
    assert "<td><b></td>" not in page
    assert "Over all 4 clips it looks most at" in page


@pytest.mark.parametrize("K", [2, MAX_WRITTEN + 1])
def test_charts_are_what_plotly_draws(K: int) -> None:
    found = scores(K)
    for chart, across in ((frame_attention(found), SHARES), (channel_attention(found), 2)):
        plain = json.loads(re.sub(r'"@\w+"', '"#123456"', json.dumps(chart)))
        plotly.graph_objects.Figure(plain["data"], plain["layout"])
        plotly.graph_objects.Figure(layout=plain["narrow"]["layout"])
        assert np.shape(chart["data"][0]["z"]) == (K, across)
        even = chart["data"][0]["zmax"] * chart["data"][0]["colorscale"][1][0]
        assert even == pytest.approx(1 / across)


def test_a_report_of_a_network_without_attention_has_no_such_section(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", Report("hands", score(predictions())))
    assert 'id="attention"' not in (tmp_path / "report.html").read_text()
