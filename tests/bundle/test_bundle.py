import hashlib
import io
import json
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

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


def test_a_manifest_too_deeply_nested_to_be_read_is_refused(bundle: Path) -> None:
    edit(bundle, "manifest.json", b'{"training":' * 100_000)
    with pytest.raises(BundleError, match=r"manifest\.json is no JSON: maximum recursion depth"):
        read_bundle(bundle)


OF_ANOTHER_TYPE: dict[str, list[object]] = {
    **{field: [[]] for field in ("sha256", "network", "points", "versions")},
    "skeleton": [[], {}, {"name": "x", "points": 3}],
    "window": [
        *([], {"frames": "many"}, {"frames": 1.5}, {"frames": True}, {"frames": 10**400}, {"frame": 3}),
        *({"frames": 4, "fit": []}, {"frames": 4, "fit": "rate", "fps": 10**400}),
    ],
    "thresholds": [[], {"accept": "0.5"}, {"accept": float("nan")}, {"calibrated": "yes"}],
    "training": [[], {"dataset": ["d.h5"]}, {"split": "random"}],
    "labels": [None, "ab", ["wave", 1], ["wave", "idle", []]],
    "fps": ["fast", None, True, float("inf"), 10**400],
    "channels": [3.0, [3], "3"],
    "coordinates": [None, ["square"]],
    "idle": [["idle"]],
    "handedness": [2],
    "created": [2026],
}


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in OF_ANOTHER_TYPE.items() for value in values], ids=str
)
def test_a_field_of_another_type_is_refused(tmp_path: Path, field: str, value: object) -> None:
    write_bundle(tmp_path / "bundle", manifest(), b"a graph", [])
    saved = json.loads(content_of(tmp_path / "bundle", "manifest.json"))
    edit(tmp_path / "bundle", "manifest.json", json.dumps(saved | {field: value}).encode())
    with pytest.raises(BundleError, match="the manifest is damaged"):
        read_bundle(tmp_path / "bundle")


def test_each_field_may_be_any_json_value_and_no_other_error_comes(tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundle", manifest(), b"a graph", [])
    saved = json.loads(content_of(tmp_path / "bundle", "manifest.json"))
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=5,
    )

    @given(st.sampled_from(sorted(saved)), values)
    def prove(field: str, value: object) -> None:
        edit(tmp_path / "bundle", "manifest.json", json.dumps(saved | {field: value}).encode())
        with pytest.raises(BundleError):  # if of no type, of a checksum
            read_bundle(tmp_path / "bundle")

    prove()


def signed_with_golden(path: Path, content: bytes) -> Path:
    """Return a bundle with other golden vectors, and a checksum that fits them."""
    write_bundle(path, manifest(), b"a graph", [])
    saved = json.loads(content_of(path, "manifest.json"))
    saved["sha256"]["golden.npz"] = hashlib.sha256(content).hexdigest()
    edit(path, "manifest.json", json.dumps(saved).encode())
    edit(path, "golden.npz", content)
    return path


def arrays(**named: object) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=True, **named)  # type: ignore[arg-type]
    return buffer.getvalue()


POINTS, PROBABILITIES = np.zeros((2, 5, 42, 3), np.float32), np.zeros((2, 2), np.float32)


@pytest.mark.parametrize(
    ("points", "probabilities", "message"),
    [
        (POINTS[:0], PROBABILITIES[:0], "one window or more of one frame or more"),
        (POINTS[:, :0], PROBABILITIES, "one window or more of one frame or more"),
        (POINTS, PROBABILITIES[:1], "expected float32, equally many"),
        (POINTS.astype(str), PROBABILITIES, "has points of <U"),
        (POINTS.astype(complex), PROBABILITIES, "has points of complex128"),
        (POINTS, PROBABILITIES.astype(int), "probabilities of int64"),
        (POINTS[0], PROBABILITIES, "the manifest has 2 labels and points of shape"),
        (POINTS, PROBABILITIES[..., None], "the manifest has 2 labels and points of shape"),
        (np.float32(1), np.float32(1), "the manifest has 2 labels and points of shape"),
        (np.array([None]), PROBABILITIES, "cannot be read: Object arrays"),
    ],
)
def test_golden_arrays_of_another_kind_are_refused(
    tmp_path: Path, points: object, probabilities: object, message: str
) -> None:
    path = signed_with_golden(tmp_path / "bundle", arrays(input_0=points, output_0=probabilities))
    with pytest.raises(BundleError, match=message) as found:
        read_bundle(path)
    assert "golden.npz" in str(found.value)


def test_golden_vectors_that_are_no_archive_are_refused(tmp_path: Path) -> None:
    one, header = io.BytesIO(), io.BytesIO()
    np.save(one, POINTS)
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (2**40, 11, 4, 4)})
    huge = io.BytesIO()
    with zipfile.ZipFile(huge, "w") as archive:
        archive.writestr("input_0.npy", header.getvalue())
        archive.writestr("output_0.npy", b"\x93NUMPY")
    for i, content in enumerate((one.getvalue(), huge.getvalue(), b"", arrays(a=POINTS, b=POINTS))):
        with pytest.raises(BundleError, match=r"golden\.npz cannot be read"):
            read_bundle(signed_with_golden(tmp_path / str(i), content))


def test_golden_vectors_that_unpack_to_too_much_are_refused(tmp_path: Path) -> None:
    content = arrays(input_0=np.zeros((1, 40_000, 42, 3), np.float32), output_0=PROBABILITIES[:1])
    assert len(content) < 100_000
    with pytest.raises(BundleError, match=r"golden\.npz is larger than 16 MB \(20,160,"):
        read_bundle(signed_with_golden(tmp_path / "bundle", content))


@pytest.mark.parametrize("name", ["manifest.json", "model.onnx", "golden.npz"])
def test_a_file_that_is_too_large_is_refused_before_it_is_read(
    bundle: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = {"manifest.json": 2**16, "model.onnx": 2**16, "golden.npz": 2**22} | {name: 2**16}
    monkeypatch.setattr("ademan.bundle.bundle._LARGEST_BYTES", sizes)
    edit(bundle, name, bytes(2**16 + 1))
    with pytest.raises(BundleError, match=rf"{name} is larger than 0 MB \(65,537 bytes\)"):
        read_bundle(bundle)


def test_a_list_of_files_that_lies_about_a_size_unpacks_no_more_than_it_says(tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    write_bundle(path, manifest(), b"a graph", [])
    edit(path, "manifest.json", None)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", bytes(2**25))
    content = path.read_bytes()
    path.write_bytes(content.replace((2**25).to_bytes(4, "little"), (2**10).to_bytes(4, "little")))
    tracemalloc.start()
    with pytest.raises(BundleError, match=r"manifest\.json"):
        read_bundle(path)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 2**20


def encrypted(content: bytes) -> bytes:
    return _flagged(content, local=6, listed=8, value=1)


def oddly_compressed(content: bytes) -> bytes:
    return _flagged(content, local=8, listed=10, value=12)


def _flagged(content: bytes, local: int, listed: int, value: int) -> bytes:
    """Set a field of the first file in a zip, where the file begins and in the list of files."""
    changed = bytearray(content)
    changed[content.index(b"PK\3\4") + local] = changed[content.index(b"PK\1\2") + listed] = value
    return bytes(changed)


@pytest.mark.parametrize(
    ("change", "message"),
    [(encrypted, "is encrypted, password required"), (oddly_compressed, "compression 12, expected 0")],
)
def test_a_zip_that_cannot_be_unpacked_is_refused(
    tmp_path: Path, change: Callable[[bytes], bytes], message: str
) -> None:
    path = tmp_path / "b.zip"
    write_bundle(path, manifest(), b"a graph", [])
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BundleError, match=rf"b\.zip is damaged, or no zip file: model\.onnx: .*{message}"):
        read_bundle(path)
    content = change(arrays(input_0=POINTS, output_0=PROBABILITIES))
    with pytest.raises(BundleError, match=rf"golden\.npz cannot be read: .*{message}"):
        read_bundle(signed_with_golden(tmp_path / "folder", content))


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
        ({"coordinates": "pictures"}, "found 3, 'pictures'"),
        ({"fps": 0.0}, "a frame rate above zero"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(BundleError, match=message):
        manifest(**change)


def test_thresholds_out_of_order_are_refused() -> None:
    with pytest.raises(BundleError, match="0 <= release <= accept <= 1"):
        Thresholds(accept=0.3, release=0.5)
