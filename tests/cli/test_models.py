"""`ademan models`: what is there, what is not, and how it is brought without a network."""

import json
import zipfile
from pathlib import Path

import pytest

from ademan.landmarks.model_files import FOLDER_VARIABLE, MODELS
from tests.cli.conftest import Run
from tests.landmarks.conftest import model_files


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for networks that has none, on a machine without packages to be had."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "kept"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return tmp_path / "kept"


def listed(run: Run) -> dict[str, str]:
    code, out, err = run("models", "list", "--json")
    assert (code, err) == (0, "")
    return {model["name"]: model["state"] for model in json.loads(out)["models"]}


def test_the_list_says_what_each_network_is_and_where_it_comes_from(empty: Path, run: Run) -> None:
    code, out, err = run("models", "list", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["folder"] == str(empty)
    assert told["from"] == "mediapipe==0.10.21"
    assert told["licence"] == "Apache-2.0"
    for found, model in zip(told["models"], MODELS.values(), strict=True):
        assert found == {
            "name": model.name,
            "finds": model.finds,
            "bytes": model.size,
            "state": "missing",
            "sha256": model.sha256,
            "path": str(empty / f"{model.name}.tflite"),
        }


def test_the_list_in_words_fits_what_is_there(empty: Path, run: Run) -> None:
    code, out, err = run("models", "list")
    assert (code, err) == (0, "")
    assert str(empty) in out.replace("\n", "")
    assert out.count("missing") == len(MODELS)
    assert all(name in out for name in MODELS)
    assert "5.5 MB" in out
    assert not empty.exists()


def test_a_damaged_network_is_shown(empty: Path, run: Run) -> None:
    empty.mkdir()
    (empty / "pose_detection.tflite").write_bytes(bytes(MODELS["pose_detection"].size))
    assert listed(run) == {name: "damaged" if name == "pose_detection" else "missing" for name in MODELS}


def test_a_package_at_hand_brings_all_that_is_needed(model_files: Path, empty: Path, tmp_path: Path, run: Run) -> None:
    with zipfile.ZipFile(tmp_path / "package.whl", "w") as wheel:
        for name, model in MODELS.items():
            wheel.write(model_files / f"{name}.tflite", model.member)
    code, out, err = run("models", "fetch", "--from", tmp_path / "package.whl")
    assert (code, err) == (0, "")
    assert out.startswith("4 networks are in ")
    assert set(listed(run).values()) == {"there"}


def test_a_source_that_has_none_is_one_message(empty: Path, tmp_path: Path, run: Run) -> None:
    code, out, err = run("models", "fetch", "--from", tmp_path / "none.whl")
    assert (code, out) == (1, "")
    assert err == f"ademan: there is no {tmp_path / 'none.whl'}.\n"


def test_without_a_network_the_way_by_hand_is_told(empty: Path, run: Run) -> None:
    code, out, err = run("models", "fetch")
    assert (code, out) == (1, "")
    assert "could not be fetched: ERROR: No matching distribution found" in err
    assert "ademan models fetch --from FILE.whl" in err
    assert "Traceback" not in err


def test_an_unknown_option_is_wrong_usage(empty: Path, run: Run) -> None:
    assert run("models", "fetch", "--to", "x")[0] == 2
    assert run("models", "lst")[0] == 2


__all__ = ["model_files"]  # a fixture: used by its name
