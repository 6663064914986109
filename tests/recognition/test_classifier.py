from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from ademan.bundle import Bundle, Manifest, read_bundle, write_bundle
from ademan.clip import Clip, Coordinates, Points, Times, times_at
from ademan.errors import BundleError, ClipError
from ademan.recognition import Classifier, verify
from ademan.skeleton import skeleton
from ademan.window import Window
from tests.conftest import MakeClip


def test_a_prediction_names_the_most_probable_label(small_bundle: Path, make_clip: MakeClip) -> None:
    prediction = Classifier(small_bundle).predict(make_clip("one"))
    told = prediction.to_json()
    assert prediction.clip_id == told["id"] == "one"
    assert next(iter(told["probabilities"])) == told["label"] == prediction.label
    assert sum(told["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert told["confidence"] == max(told["probabilities"].values()) == prediction.confidence


def test_many_clips_give_what_each_gives_alone(small_bundle: Path, make_clip: MakeClip) -> None:
    classifier = Classifier(small_bundle)
    clips = [make_clip(str(i), frames=3 + 4 * i) for i in range(9)]
    together = [p.probabilities for p in classifier.predict_all(clips, batch=4)]
    alone = [classifier.predict(clip).probabilities for clip in clips]
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_clips_are_taken_one_batch_at_a_time(small_bundle: Path, make_clip: MakeClip) -> None:
    taken = []
    clips = (taken.append(i) or make_clip(str(i)) for i in range(100))  # type: ignore[func-returns-value]
    next(Classifier(small_bundle).predict_all(clips, batch=5))
    assert len(taken) == 5


def test_clips_in_which_nothing_is_seen_are_passed_over(small_bundle: Path, make_clip: MakeClip) -> None:
    clips = [make_clip(str(i)) for i in range(9)]
    for i in (1, 4, 5, 8):
        clips[i] = replace(clips[i], points=np.full_like(clips[i].points, np.nan))
    passed_over: list[str] = []
    named = Classifier(small_bundle).predict_all(clips, lambda clip: passed_over.append(clip.id), batch=2)
    assert [prediction.clip_id for prediction in named] == ["0", "2", "3", "6", "7"]
    assert passed_over == ["1", "4", "5", "8"]


def test_each_window_is_cut_once(small_bundle: Path, make_clip: MakeClip) -> None:
    bundle, cut = read_bundle(small_bundle), []

    class Counted(Window):
        def cut(self, points: Points, timestamps_ms: Times, coordinates: Coordinates = "square") -> Points:
            cut.append(len(points))
            return super().cut(points, timestamps_ms, coordinates)

    counted = replace(bundle, manifest=replace(bundle.manifest, window=Counted(20, "rate", 20.0)))
    clips = [make_clip(str(n), frames=n) for n in (10, 11, 12)]
    assert len(list(Classifier(counted).predict_all(clips))) == 3
    assert cut == [10, 11, 12]


def test_a_clip_of_another_kind_is_refused(small_bundle: Path, make_clip: MakeClip) -> None:
    classifier, good = Classifier(small_bundle), make_clip("x")
    body = Clip(np.zeros((3, 17, 2), np.float32), times_at(25, 3), skeleton("coco17"), id="x")
    unseen = replace(good, points=np.full_like(good.points, np.nan))
    wrong = {
        "has skeleton 'coco17' with 17 points; the model was trained on 'hands' with 42": body,
        "2 fraction coordinates a point; the model was trained on 2 square": replace(good, coordinates="fraction"),
        "has 3 square coordinates a point": replace(good, points=np.zeros((20, 42, 3), np.float32)),
        "nothing is seen in the 16 frames that the model looks at": unseen,
    }
    for message, clip in wrong.items():
        with pytest.raises(ClipError, match=message):
            classifier.predict(clip)


def test_verify_tells_what_was_checked(small_bundle: Path) -> None:
    found = verify(small_bundle)
    assert found["verified"] is True
    assert found["golden_vectors"] == 4
    assert found["largest_difference"] < 1e-5


def altered(bundle: Path, tmp_path: Path, **change: object) -> Path:
    """Return a bundle with other content and right checksums, as a faulty exporter would write it."""
    found = read_bundle(bundle)
    fields = {"manifest": found.manifest, "graph": found.graph, "golden": found.golden} | change
    write_bundle(tmp_path / "altered", **fields)  # type: ignore[arg-type]
    return tmp_path / "altered"


def test_golden_vectors_that_come_out_otherwise_are_refused(small_bundle: Path, tmp_path: Path) -> None:
    golden = [(points, np.roll(expected, 1, axis=1)) for points, expected in read_bundle(small_bundle).golden]
    with pytest.raises(BundleError, match="the model does not give here what it gave where it was exported"):
        verify(altered(small_bundle, tmp_path, golden=golden))


def test_nan_among_golden_vectors_is_refused(small_bundle: Path, tmp_path: Path) -> None:
    golden = [(points, np.full_like(expected, np.nan)) for points, expected in read_bundle(small_bundle).golden]
    with pytest.raises(BundleError, match="a probability differs by nan"):
        verify(altered(small_bundle, tmp_path, golden=golden))


def test_a_graph_with_another_number_of_labels_is_refused(small_bundle: Path, tmp_path: Path) -> None:
    found = read_bundle(small_bundle)
    manifest = replace(found.manifest, labels=("a", "b", "c", "idle"))
    golden = [(points, np.full((len(points), 4), 0.25, np.float32)) for points, _ in found.golden]
    with pytest.raises(BundleError, match=r"the graph gives probabilities of shape \(1, 3\), expected \(1, 4\)"):
        verify(altered(small_bundle, tmp_path, manifest=manifest, golden=golden))


def test_a_file_that_is_no_graph_is_refused(small_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="the graph of the bundle cannot be loaded"):
        verify(altered(small_bundle, tmp_path, graph=b"no graph"))


def graph(node: str, given: str = "points", found: str = "probabilities") -> bytes:
    """Return a graph of one node."""
    shape = [None, None, 42, 2]
    made = onnx.helper.make_graph(
        [onnx.helper.make_node(node, [given], [found])],
        "small",
        [onnx.helper.make_tensor_value_info(given, onnx.TensorProto.FLOAT, shape)],
        [onnx.helper.make_tensor_value_info(found, onnx.TensorProto.FLOAT, None)],
    )
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def test_a_graph_of_other_names_is_refused(small_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"the graph must turn 'points' into 'probabilities'; it turns \['x'\] into"):
        verify(altered(small_bundle, tmp_path, graph=graph("Identity", given="x")))


def test_a_graph_that_gives_another_shape_is_refused(small_bundle: Path, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"the graph gives probabilities of shape \(1, 1, 42, 2\), expected \(1, 3\)"):
        verify(altered(small_bundle, tmp_path, graph=graph("Identity")))


def test_a_graph_that_fails_on_the_golden_vectors_is_refused(small_bundle: Path, tmp_path: Path) -> None:
    body = Manifest(("a", "b", "idle"), skeleton("coco17"), 2, "square", Window(), 25.0)
    golden = [(np.zeros((1, 4, 17, 2), np.float32), np.zeros((1, 3), np.float32))]
    with pytest.raises(BundleError, match=r"the graph fails on the golden vectors: [^$]*Got: 17 Expected: 42"):
        verify(altered(small_bundle, tmp_path, manifest=body, golden=golden))


def test_a_bundle_in_memory_works_like_one_on_disk(small_bundle: Path, make_clip: MakeClip) -> None:
    bundle: Bundle = read_bundle(small_bundle)
    clip = make_clip()
    np.testing.assert_array_equal(
        Classifier(bundle).predict(clip).probabilities, Classifier(small_bundle).predict(clip).probabilities
    )
