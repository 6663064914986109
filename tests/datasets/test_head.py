import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from ademan.datasets import Dataset
from ademan.errors import DatasetError
from ademan.skeleton import skeleton

N, T = 36, 1170  # clips and frames of dataset_file
TIMES = np.arange(T, dtype=np.float64)


def put(path: Path, name: str, value: Any) -> None:
    """Replace an array or link of a file, or with None a group."""
    with h5py.File(path, "a") as file:
        if name in file:
            del file[name]
        if value is None:
            file.create_group(name)
        else:
            file[name] = value


def sizes(w: int, h: int) -> Any:
    return np.array([[640, 480]] * (N - 1) + [[w, h]])


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("offsets", [0, T], rf"offsets holds integers of shape \(2\); expected integers of shape \({N + 1}\)"),
        ("offsets", np.linspace(0, T, N + 1), "offsets holds floats"),
        ("clips/id", np.arange(N), "clips/id holds integers"),
        ("clips/subject", ["ann"], rf"clips/subject holds texts of shape \(1\); expected texts of shape \({N}\)"),
        ("clips/label", [0], r"clips/label holds integers of shape \(1\)"),
        ("clips/label", np.zeros(N), "clips/label holds floats"),
        ("clips/label", np.zeros((N, 1), int), rf"clips/label holds integers of shape \({N}, 1\)"),
        ("clips/label", h5py.Empty("i8"), r"clips/label holds integers of shape \(\)"),
        ("clips/image_wh", np.zeros((3, 2), int), rf"expected integers of shape \({N}, 2\)"),
        ("clips/image_wh", np.zeros((N, 3), int), rf"expected integers of shape \({N}, 2\)"),
        ("clips", [1], "it has no 'clips/id'"),
        ("labels", [1, 2, 3], "labels holds integers"),
        ("timestamps_ms", [0.0, 1.0], r"timestamps_ms holds floats of shape \(2\)"),
        ("values", np.zeros((T, 84), np.float32), r"expected floats of shape \(T, 42, C\)"),
        ("values", np.zeros((T, 42, 2), int), "values holds integers"),
        ("values", np.zeros((T, 42, 2), bool), "values holds bool"),
        ("values", np.full((T, 42, 2), b"x"), "values holds texts"),
        ("values", None, "values is no array; expected floats"),
        ("splits", [1], "'splits' is an array"),
        ("splits/x", [1], "'x' is an array"),
        ("splits/x/test", [0.0], "test holds floats"),
        ("splits/x/test", [[0]], r"test holds integers of shape \(1, 1\)"),
    ],
)
def test_an_array_of_another_type_or_shape_is_refused(dataset_file: Path, name: str, value: Any, message: str) -> None:
    put(dataset_file, name, value)
    with pytest.raises(DatasetError, match=f"is damaged: .*{message}.*Make it again"):
        Dataset(dataset_file)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("offsets", [0] * N + [T], "its clips do not cover its frames"),
        ("offsets", [*range(N), T + 1], "its clips do not cover its frames"),
        ("clips/label", [7] * N, "a label that is not in its list"),
        ("clips/label", [-2] * N, "a label that is not in its list"),
        ("clips/id", ["a"] * N, "two clips have the same id"),
        ("clips/source", ["a" * 1001] * N, "a text in it is longer than 1,000 characters"),
        ("labels", ["a", "b", "b"], "two classes have the same name"),
        ("clips/image_wh", sizes(640, 0), "a width or height that cannot be"),
        ("clips/image_wh", sizes(-640, -480), "a width or height that cannot be"),
        ("timestamps_ms", -TIMES, "do not rise within a clip"),
        ("timestamps_ms", np.where(TIMES == 5, np.nan, TIMES), "are not finite"),
        ("timestamps_ms", np.where(TIMES == T - 1, np.inf, TIMES), "are not finite"),
        ("values", np.zeros((T, 42, 4), np.float32), "its points have 4 coordinates; expected 2 or 3"),
        ("splits/x/test", [99], "split 'x' names a clip that is not there"),
        ("splits/x/test", [-1], "split 'x' names a clip that is not there"),
    ],
)
def test_contents_that_cannot_be_are_refused(dataset_file: Path, name: str, value: Any, message: str) -> None:
    put(dataset_file, name, value)
    with pytest.raises(DatasetError, match=f"is damaged: .*{message}"):
        Dataset(dataset_file)


def test_a_file_without_clips_is_refused(dataset_file: Path) -> None:
    with h5py.File(dataset_file, "a") as file:
        for name in ("clips/id", "clips/subject", "clips/session", "clips/source"):
            del file[name]
            file.create_dataset(name, (0,), h5py.string_dtype())
        for name, shape in (("clips/label", (0,)), ("clips/image_wh", (0, 2)), ("offsets", (1,))):
            del file[name]
            file[name] = np.zeros(shape, int)
    with pytest.raises(DatasetError, match="there is no clip"):
        Dataset(dataset_file)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("format", [1, 2], "expected format 'ademan-dataset/1', found None"),
        ("format", b"\xff", "expected format 'ademan-dataset/1', found None"),
        ("coordinates", "inches", "its coordinates are 'inches'; expected square, fraction, metres"),
        ("coordinates", 3, "its coordinates are None"),
        ("digest", 3, "it has no digest"),
        ("made", '{"loss": NaN}', "not JSON compliant"),
        ("made", '{"loss": 1e999}', "not JSON compliant"),
        ("made", "[" * 60_000, "recursion"),
        ("made", "[]", "its attribute 'made' is no JSON object"),
        ("skeleton", "{", "Expecting property name"),
        ("skeleton", "5", "its attribute 'skeleton' is no JSON object"),
        ("skeleton", "{}", "skeleton definition: KeyError"),
        ("skeleton", json.dumps(skeleton("coco17").to_json()), r"expected floats of shape \(T, 17, C\)"),
    ],
)
def test_an_attribute_that_cannot_be_is_refused(dataset_file: Path, name: str, value: Any, message: str) -> None:
    with h5py.File(dataset_file, "a") as file:
        file.attrs[name] = value
    with pytest.raises(DatasetError, match=message):
        Dataset(dataset_file)


@pytest.mark.parametrize("name", ["clips/subject", "clips", "offsets", "values"])
def test_a_missing_field_is_named(dataset_file: Path, name: str) -> None:
    with h5py.File(dataset_file, "a") as file:
        del file[name]
    with pytest.raises(DatasetError, match=f"it has no '{name}"):
        Dataset(dataset_file)


@pytest.mark.parametrize("name", ["values", "clips", "clips/id", "splits", "splits/x", "splits/x/test"])
@pytest.mark.parametrize("external", [False, True])
def test_a_link_to_elsewhere_is_never_followed(dataset_file: Path, name: str, external: bool) -> None:
    os.mkfifo(dataset_file.with_name("pipe"))  # whoever opens it waits for ever
    put(dataset_file, name, h5py.ExternalLink("pipe", "/values") if external else h5py.SoftLink("/labels"))
    with pytest.raises(DatasetError, match=r"is a link to something else"):
        Dataset(dataset_file)


def test_an_array_that_is_kept_in_another_file_is_refused(dataset_file: Path) -> None:
    secret = dataset_file.with_name("secret")
    secret.write_bytes(bytes(8 * N))
    with h5py.File(dataset_file, "a") as file:
        del file["clips/label"]
        file.create_dataset("clips/label", (N,), "i8", external=[(str(secret), 0, 8 * N)])
    with pytest.raises(DatasetError, match="clips/label is kept in another file"):
        Dataset(dataset_file)
    layout = h5py.VirtualLayout((N,), "i8")
    layout[:] = h5py.VirtualSource("secret", "x", (N,))
    with h5py.File(dataset_file, "a") as file:
        del file["clips/label"]
        file.create_virtual_dataset("clips/label", layout)
    with pytest.raises(DatasetError, match="clips/label is kept in another file"):
        Dataset(dataset_file)


def test_numbers_and_texts_of_other_widths_are_read_as_usual(dataset_file: Path) -> None:
    with Dataset(dataset_file) as usual:
        clip, table = usual[5], usual.table
    with h5py.File(dataset_file, "a") as file:
        others = {"values": "f8", "timestamps_ms": ">f8", "clips/label": "i1", "offsets": "u2", "clips/image_wh": ">i4"}
        changed: dict[str, Any] = {name: file[name][:].astype(dtype) for name, dtype in others.items()}
        changed["clips/id"] = file["clips/id"].asstr()[:].astype("S")
        for name, value in changed.items():
            del file[name]
            file[name] = value
        file.attrs["coordinates"] = np.bytes_("square")
    with Dataset(dataset_file) as read:
        np.testing.assert_array_equal(read[5].points, clip.points)
        np.testing.assert_array_equal(read[5].timestamps_ms, clip.timestamps_ms)
        assert (read[5].id, read[5].label, read[5].image_wh) == (clip.id, clip.label, clip.image_wh)
        assert [column.dtype for column in (read.table.labels, read.table.offsets, read.table.image_wh)] == ["i8"] * 3
        np.testing.assert_array_equal(read.table.ids, table.ids)
