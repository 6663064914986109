"""Networks are fetched once, proven, and mended; what is not the expected file never gets into their place."""

import hashlib
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ademan.errors import AdemanError, LandmarkError
from ademan.landmarks import model_files as module
from ademan.landmarks.model_files import FOLDER_VARIABLE, MODELS, ModelFile, checksums, fetch, folder, model_file

NAME = "mediapipe-0.10.21-cp311-cp311-manylinux_2_28_x86_64.whl"
Contents = dict[str, bytes]


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for networks that has none; pip finds nothing in it, and looks nowhere else."""
    place = tmp_path / "kept"
    monkeypatch.setenv(FOLDER_VARIABLE, str(place))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    (tmp_path / "index").mkdir()
    return place


@pytest.fixture
def contents(model_files: Path) -> Contents:
    return {model.member: (model_files / f"{name}.tflite").read_bytes() for name, model in MODELS.items()}


@pytest.fixture
def wheel(contents: Contents, tmp_path: Path) -> Path:
    """A package's file with the true networks in their places, and what pip wants to see."""
    about = "mediapipe-0.10.21.dist-info"
    told = {
        f"{about}/METADATA": b"Metadata-Version: 2.1\nName: mediapipe\nVersion: 0.10.21\n",
        f"{about}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_28_x86_64\n",
        f"{about}/RECORD": b"",
    }
    return written(tmp_path / NAME, {**contents, **told})


def written(path: Path, contents: Contents, method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return path


def altered(content: bytes) -> bytes:
    """Return content of the same length, one bit of it another."""
    return content[:1000] + bytes([content[1000] ^ 1]) + content[1001:]


def states() -> set[str]:
    return {model.state() for model in MODELS.values()}


def test_the_networks_are_whole_where_they_are_kept(model_files: Path) -> None:
    for name, model in MODELS.items():
        content = model_file(name).read_bytes()
        assert len(content) == model.size
        assert hashlib.sha256(content).hexdigest() == model.sha256


@pytest.mark.slow
def test_the_public_package_has_what_is_expected(
    model_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert fetch() == list(MODELS.values())
    assert states() == {"there"}


def test_checksums_are_those_of_the_networks_in_use() -> None:
    assert set(checksums("hands")) == {"palm_detection_full", "hand_landmark_full"}
    assert set(checksums("pose")) == {"pose_detection", "pose_landmark_full"}
    assert (
        checksums("holistic")
        == {name: model.sha256 for name, model in MODELS.items()}
        == {
            **checksums("hands"),
            **checksums("pose"),
        }
    )


def test_without_a_folder_of_ones_own_they_are_in_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(FOLDER_VARIABLE, raising=False)
    assert folder().name == "models"
    assert folder().parent.name == "ademan"
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert folder() == tmp_path


def test_the_first_use_fetches_with_one_line_and_the_next_says_nothing(
    empty: Path, wheel: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wheel.rename(tmp_path / "index" / NAME)
    assert states() == {"missing"}
    assert model_file("pose_detection") == empty / "pose_detection.tflite"
    printed = capfd.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "fetching the networks" in printed.err
    assert str(empty) in printed.err
    assert states() == {"there"}
    assert sorted(path.name for path in empty.iterdir()) == sorted(f"{name}.tflite" for name in MODELS)
    told: list[str] = []
    for name in MODELS:
        model_file(name, told.append)
    assert told == []


def test_a_caller_may_say_it_elsewhere(
    empty: Path, wheel: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    wheel.rename(tmp_path / "index" / NAME)
    told: list[str] = []
    model_file("pose_detection", told.append)
    assert len(told) == 1
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("harm", [altered, lambda content: content[:-1], lambda _: b""])
def test_a_network_that_is_damaged_after_it_was_proven_is_fetched_again(
    harm: Callable[[bytes], bytes], empty: Path, wheel: Path, tmp_path: Path
) -> None:
    fetch(wheel)
    path, told = model_file("hand_landmark_full"), list[str]()
    wheel.rename(tmp_path / "index" / NAME)
    path.write_bytes(harm(path.read_bytes()))
    assert MODELS["hand_landmark_full"].state() == "damaged"
    assert model_file("hand_landmark_full", told.append) == path
    assert states() == {"there"}
    assert len(told) == 1


def test_without_a_package_to_be_had_the_way_by_hand_is_told(empty: Path) -> None:
    with pytest.raises(LandmarkError) as refused:
        model_file("palm_detection_full", print)
    message = str(refused.value)
    assert "could not be fetched: ERROR: No matching distribution found for mediapipe==0.10.21" in message
    assert "pip download" in message
    assert "ademan models fetch --from FILE.whl" in message
    assert states() == {"missing"}


def test_without_pip_the_way_by_hand_is_told(empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    venv.create(tmp_path / "venv")
    monkeypatch.setattr(sys, "executable", shutil.which("python", path=tmp_path / "venv" / "bin"))
    with pytest.raises(LandmarkError, match=r"(?s)could not be fetched: .*No module named pip.*models fetch --from"):
        fetch()


def test_without_a_python_to_run_pip_the_way_by_hand_is_told(
    empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(LandmarkError, match=r"(?s)could not be fetched: .*no-python.*ademan models fetch --from"):
        fetch()


def test_two_processes_may_fetch_at_once(empty: Path, wheel: Path, tmp_path: Path) -> None:
    wheel.rename(tmp_path / "index" / NAME)
    line = "from ademan.landmarks.model_files import model_file; model_file('pose_landmark_full')"
    both = [subprocess.Popen([sys.executable, "-c", line], stderr=subprocess.PIPE) for _ in range(2)]
    said = [process.communicate()[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert states() == {"there"}
    assert len(list(empty.iterdir())) == len(MODELS)


def test_a_package_file_at_hand_brings_all(empty: Path, wheel: Path) -> None:
    assert fetch(wheel) == list(MODELS.values())
    assert states() == {"there"}


def test_a_folder_brings_what_it_has(empty: Path, model_files: Path, tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "pose_detection.tflite").write_bytes((model_files / "pose_detection.tflite").read_bytes())
    assert fetch(tmp_path / "some") == [MODELS["pose_detection"]]
    assert MODELS["pose_detection"].state() == "there"
    assert MODELS["hand_landmark_full"].state() == "missing"


def test_a_folder_without_networks_is_refused(empty: Path, tmp_path: Path) -> None:
    with pytest.raises(LandmarkError, match=r"index has none of the files palm_detection_full.tflite, "):
        fetch(tmp_path / "index")


@pytest.mark.parametrize("how", ["folder", "package"])
def test_an_altered_network_is_refused_and_nothing_is_kept(
    how: str, empty: Path, contents: Contents, tmp_path: Path
) -> None:
    member = MODELS["pose_landmark_full"].member
    contents[member] = altered(contents[member])
    if how == "package":
        source = written(tmp_path / NAME, contents)
    else:
        source = tmp_path
        for path, content in contents.items():
            (tmp_path / Path(path).name).write_bytes(content)
    with pytest.raises(
        LandmarkError, match=r"pose_landmark_full is not the file that is expected .*mediapipe==0.10.21, and with no"
    ):
        fetch(source)
    assert states() == {"missing"}


def test_a_package_of_another_version_is_refused(empty: Path, tmp_path: Path) -> None:
    other = written(tmp_path / "other.whl", {"mediapipe/__init__.py": b""})
    with pytest.raises(LandmarkError, match=r"other.whl is not the package file of mediapipe==0.10.21: .*palm_det"):
        fetch(other)


def test_a_file_that_is_no_package_is_refused(empty: Path, tmp_path: Path) -> None:
    (tmp_path / "page.whl").write_text("<html>not found</html>")
    with pytest.raises(LandmarkError, match=r"page.whl is not the package file of mediapipe==0.10.21: File is not a z"):
        fetch(tmp_path / "page.whl")


def test_a_file_that_is_not_there_is_named(empty: Path, tmp_path: Path) -> None:
    with pytest.raises(LandmarkError, match=r"there is no .*none.whl"):
        fetch(tmp_path / "none.whl")


SMALL = {name: f"network {name} ".encode() * 40 for name in MODELS}


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255))
def test_no_damage_to_a_package_lets_a_wrong_network_in(
    place: float, bits: int, empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, content in SMALL.items():
        path, known = MODELS[name].path, hashlib.sha256(content).hexdigest()
        monkeypatch.setitem(MODELS, name, ModelFile(name, f"mediapipe/{name}.tflite", len(content), known, "a test"))
        path.unlink(missing_ok=True)
    contents = {MODELS[name].member: content for name, content in SMALL.items()}
    package = bytearray(written(tmp_path / "small.whl", contents, zipfile.ZIP_DEFLATED).read_bytes())
    package[int(place * len(package))] ^= bits
    (tmp_path / "small.whl").write_bytes(package)
    try:
        fetch(tmp_path / "small.whl")
    except LandmarkError:
        assert states() == {"missing"}
    else:
        assert states() == {"there"}


def test_a_place_that_cannot_be_written_is_named(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "taken"))
    with pytest.raises(AdemanError, match=r"taken/palm_detection_full.tflite was not written"):
        fetch(wheel)


def test_a_file_that_may_not_be_read_is_told(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = MODELS["palm_detection_full"]
    empty.mkdir()
    model.path.write_bytes(bytes(model.size))

    def refused(_: Path) -> str:
        raise PermissionError(13, "Permission denied", "/cache/models/palm.tflite")

    monkeypatch.setattr(module, "sha256", refused)
    with pytest.raises(LandmarkError, match=r"palm.tflite cannot be read: Permission denied. Change .* ADEMAN_MODELS"):
        model.state()


def test_a_fetch_is_told_in_the_log_where_there_is_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level("INFO", "ademan.landmarks"):
        module._say("fetching")
    assert caplog.messages == ["fetching"]
    monkeypatch.setattr(module.log, "disabled", True)
    module._say("fetching")
    assert capsys.readouterr().err == "ademan: fetching\n"
