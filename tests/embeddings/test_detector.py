"""Hands found by a network in the form of Ultralytics' export."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from ademan.embeddings.detector import MOST_OVERLAP, YoloDetector, distinct
from ademan.errors import LandmarkError


def write_detector(
    path: Path, places: list[list[float]], shape: tuple[int | str, ...] = (1, 3, 64, 64), kind: int = TensorProto.FLOAT
) -> Path:
    """Write a network that always answers these places: middle x, middle y, width, height, scores."""
    answer = np.array(places, np.float32).T[None]
    answer = np.concatenate([answer, np.zeros((1, answer.shape[1], max(0, 20 - answer.shape[2])), np.float32)], axis=2)
    graph = helper.make_graph(
        [
            # The picture takes part, so that a wrong one would fail.
            helper.make_node("ReduceMin", ["images"], ["least"], keepdims=0),
            helper.make_node("Mul", ["least", "zero"], ["nothing"]),
            helper.make_node("Cast", ["nothing"], ["cast"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["answer", "cast"], ["output0"]),
        ],
        "detector",
        [helper.make_tensor_value_info("images", kind, list(shape))],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(answer, "answer"), helper.make_tensor("zero", kind, [], [0.0])],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def test_boxes_are_given_in_pixels_of_the_picture_the_surest_first(tmp_path: Path) -> None:
    # A picture of 128 x 64 is halved, with bars of 16 above and below it.
    path = write_detector(
        tmp_path / "d.onnx", [[16, 32, 8, 8, 0.6, 0.1], [48, 24, 16, 8, 0.2, 0.9], [5, 5, 4, 4, 0.2, 0]]
    )
    found = YoloDetector(path).find(np.zeros((64, 128, 3), np.uint8))
    np.testing.assert_allclose(found, [(80, 8, 112, 24), (24, 24, 40, 40)], atol=1e-3)


def test_a_network_that_takes_any_size_is_given_640(tmp_path: Path) -> None:
    path = write_detector(tmp_path / "d.onnx", [[320, 320, 64, 64, 0.9]], ("n", 3, "h", "w"))
    np.testing.assert_allclose(
        YoloDetector(path).find(np.zeros((1280, 1280, 3), np.uint8)), [(576, 576, 704, 704)], atol=1e-3
    )


def test_nothing_found_is_no_box(tmp_path: Path) -> None:
    path = write_detector(tmp_path / "d.onnx", [[5, 5, 4, 4, 0.1]])
    assert YoloDetector(path).find(np.zeros((20, 20, 3), np.uint8)) == []


@given(
    st.lists(
        st.tuples(st.floats(0, 50), st.floats(0, 50), st.floats(1, 40), st.floats(1, 40), st.floats(0, 1)), max_size=12
    )
)
def test_boxes_that_are_left_do_not_overlap_and_each_other_one_overlaps_a_surer_one(
    rows: list[tuple[float, ...]],
) -> None:
    table = np.array(rows, np.float64).reshape(-1, 5)
    boxes = np.concatenate([table[:, :2], table[:, :2] + table[:, 2:4]], axis=1)
    kept = distinct(boxes, table[:, 4])
    assert sorted(table[kept, 4], reverse=True) == table[kept, 4].tolist()
    for i in range(len(boxes)):
        surer = [
            j for j in kept if j != i and table[j, 4] >= table[i, 4] and overlap(boxes[i], boxes[j]) > MOST_OVERLAP
        ]
        if i in kept:
            assert not [j for j in surer if table[j, 4] > table[i, 4]]
        else:
            assert surer


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    size = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None)
    shared = float(np.prod(size))
    return shared / (float(np.prod(one[2:] - one[:2])) + float(np.prod(other[2:] - other[:2])) - shared)


def test_what_is_no_such_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(LandmarkError, match=r"text\.onnx cannot be loaded as a network in ONNX"):
        YoloDetector(tmp_path / "text.onnx")
    batched = write_detector(tmp_path / "four.onnx", [[5, 5, 4, 4, 0.9]], (4, 3, 64, 64))
    with pytest.raises(LandmarkError, match=r"takes tensor\(float\) of shape \[4, 3, 64, 64\]; expected pictures"):
        YoloDetector(batched)
    half = write_detector(tmp_path / "half.onnx", [[5, 5, 4, 4, 0.9]], kind=TensorProto.FLOAT16)
    with pytest.raises(LandmarkError, match=r"takes tensor\(float16\).*without half precision"):
        YoloDetector(half)
    other = write_detector(tmp_path / "other.onnx", [[5, 5, 4, 4]])
    with pytest.raises(LandmarkError, match=r"answers with shape \(1, 4, 20\); expected \(1, 4 \+ classes, places\)"):
        YoloDetector(other).find(np.zeros((20, 20, 3), np.uint8))
