import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ademan.bundle import Manifest, Thresholds, golden_windows, read_bundle, write_bundle
from ademan.errors import BundleError
from ademan.skeleton import skeleton
from ademan.window import Window


def manifest(**more: Any) -> Manifest:
    fields: dict[str, Any] = {
        "labels": ("wave", "idle"),
        "skeleton": skeleton("hands"),
        "channels": 3,
        "coordinates": "square",
        "window": Window(40, "rate", 20.0),
        "fps": 25.0,
        "idle": "idle",
        "training": {"dataset": {"name": "d.h5"}},
    }
    return Manifest(**(fields | more))


@pytest.fixture(params=["bundle", "bundle.zip"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path: Path = tmp_path / request.param
    golden = [(points, np.full((len(points), 2), 0.5, np.float32)) for points in windows()]
    write_bundle(path, manifest(), b"a graph", golden)
    return path


def windows() -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    return list(golden_windows((42, 3), np.random.default_rng(0)))


def edit(bundle: Path, name: str, content: bytes | None) -> None:
    """Put other content into a file of a bundle; None takes it out."""
    if bundle.is_dir():
        (bundle / name).unlink() if content is None else (bundle / name).write_bytes(content)
        return
    with zipfile.ZipFile(bundle) as archive:
        contents = {entry: archive.read(entry) for entry in archive.namelist()}
    contents.pop(name)
    with zipfile.ZipFile(bundle, "w") as archive:
        for entry, kept in (contents | ({} if content is None else {name: content})).items():
            archive.writestr(entry, kept)


def content_of(bundle: Path, name: str) -> bytes:
    if bundle.is_dir():
        return (bundle / name).read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        return archive.read(name)


def test_a_bundle_comes_back_as_it_was_written(bundle: Path) -> None:
    found = read_bundle(bundle)
    assert found.graph == b"a graph"
    assert found.manifest == manifest(sha256=found.manifest.sha256)
    for (points, _), expected in zip(found.golden, windows(), strict=True):
        np.testing.assert_array_equal(points, expected)


def test_the_same_content_makes_the_same_file(tmp_path: Path) -> None:
    golden = [(windows()[0], np.full((1, 2), 0.5, np.float32))]
    for name in ("a.zip", "b.zip"):
        write_bundle(tmp_path / name, manifest(), b"a graph", golden)
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_one_changed_byte_of_any_file_is_refused(bundle: Path) -> None:
    for name in ("model.onnx", "golden.npz"):
        before = content_of(bundle, name)
        edit(bundle, name, before[:-1] + bytes([before[-1] ^ 1]))
        with pytest.raises(BundleError, match=f"{name} is not what it was when exported"):
            read_bundle(bundle)
        edit(bundle, name, before)
    read_bundle(bundle)


def test_a_renamed_label_is_refused(bundle: Path) -> None:
    text = content_of(bundle, "manifest.json").replace(b'"wave"', b'"wavy"')
    edit(bundle, "manifest.json", text)
    with pytest.raises(BundleError, match=r"manifest\.json is not what it was when exported"):
        read_bundle(bundle)


def test_a_missing_label_is_refused_with_its_own_message(tmp_path: Path) -> None:
    golden = [(windows()[0], np.full((1, 3), 1 / 3, np.float32))]
    write_bundle(tmp_path / "bundle", manifest(), b"a graph", golden)
    with pytest.raises(BundleError, match=r"the manifest has 2 labels .* A label is missing or too many"):
        read_bundle(tmp_path / "bundle")


def test_another_version_is_refused(bundle: Path) -> None:
    text = content_of(bundle, "manifest.json").replace(b"ademan-bundle/1", b"ademan-bundle/7")
    edit(bundle, "manifest.json", text)
    with pytest.raises(BundleError, match="expected a manifest of format 'ademan-bundle/1', found 'ademan-bundle/7'"):
        read_bundle(bundle)


def test_a_missing_file_is_named(bundle: Path) -> None:
    edit(bundle, "golden.npz", None)
    with pytest.raises(BundleError, match=r"is no bundle.*: it has no golden\.npz"):
        read_bundle(bundle)


def test_a_manifest_that_is_no_manifest_is_refused(bundle: Path) -> None:
    for content, message in ((b"{", "is no JSON"), (b"[]", "holds a list, expected an object")):
        edit(bundle, "manifest.json", content)
        with pytest.raises(BundleError, match=message):
            read_bundle(bundle)


def test_a_field_of_another_type_is_refused(bundle: Path) -> None:
    saved = json.loads(content_of(bundle, "manifest.json"))
    changes: list[dict[str, Any]] = [
        {"window": {"frames": "many"}},
        {"labels": None},
        {"fps": "fast"},
        {"skeleton": {}},
    ]
    for change in changes:
        edit(bundle, "manifest.json", json.dumps(saved | change).encode())
        with pytest.raises(BundleError, match="the manifest is damaged"):
            read_bundle(bundle)


def test_a_zip_cut_short_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b.zip", manifest(), b"a graph", [(windows()[0], np.full((1, 2), 0.5, np.float32))])
    content = (tmp_path / "b.zip").read_bytes()
    (tmp_path / "b.zip").write_bytes(content[: len(content) // 2])
    with pytest.raises(BundleError, match=r"damaged, or no zip file|cut short"):
        read_bundle(tmp_path / "b.zip")


def test_golden_vectors_are_needed(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", manifest(), b"a graph", [])
    with pytest.raises(BundleError, match=r"golden\.npz is empty"):
        read_bundle(tmp_path / "bundle")


def test_a_run_folder_is_told_from_its_bundle(tmp_path: Path) -> None:
    write_bundle(tmp_path / "run" / "bundle", manifest(), b"a", [(windows()[0], np.full((1, 2), 0.5, np.float32))])
    with pytest.raises(BundleError, match=r"Did you mean .*run/bundle"):
        read_bundle(tmp_path / "run")
    with pytest.raises(BundleError, match="there is no bundle"):
        read_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": ("wave",), "idle": None}, "needs two labels or more"),
        ({"labels": ("wave", "wave"), "idle": None}, "each once"),
        ({"idle": "rest"}, "the idle label 'rest' is not among the labels"),
        ({"channels": 4}, "expected 2 or 3 channels"),
        ({"coordinates": "pixels"}, "found 3, 'pixels'"),
        ({"fps": 0.0}, "a frame rate above zero"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        manifest(**change)


def test_thresholds_out_of_order_are_refused() -> None:
    with pytest.raises(BundleError, match="0 <= release <= accept <= 1"):
        Thresholds(accept=0.3, release=0.5)
