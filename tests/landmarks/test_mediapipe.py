"""What is particular to MediaPipe: its files, its metadata, its two names for sides, its noise, its end."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from ademan.errors import LandmarkError, MissingExtraError
from ademan.landmarks import LandmarkConfig, mediapipe, open_landmarker
from ademan.landmarks.mediapipe import MediapipeLandmarker, task_file
from ademan.landmarks.model_files import FOLDER_VARIABLE
from ademan.landmarks.normalization import with_normalization
from ademan.video.frame import Frame

pytest.importorskip("mediapipe")
BLACK = Frame(np.zeros((48, 64, 3), np.uint8), 0.0)
POSE = {"pose_detection": (127.5, 127.5), "pose_landmark_full": (0.0, 255.0)}


@pytest.fixture
def own_files(model_files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has the networks, and nothing made of them yet."""
    for network in model_files.glob("*.tflite"):
        shutil.copy(network, tmp_path)
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("task", ["hand", "pose"])
def test_a_tasks_file_is_the_same_whenever_it_is_made(task: str, own_files: Path) -> None:
    first = task_file(task).read_bytes()
    task_file(task).unlink()
    assert task_file(task).read_bytes() == first
    with zipfile.ZipFile(task_file(task)) as archive:
        assert archive.testzip() is None
        stored = {entry.filename: entry.compress_type for entry in archive.infolist()}
    detector = {"hand": "hand_detector", "pose": "pose_detector"}[task]
    points = {"hand": "hand_landmarks_detector", "pose": "pose_landmarks_detector"}[task]
    assert stored == {f"{detector}.tflite": zipfile.ZIP_STORED, f"{points}.tflite": zipfile.ZIP_STORED}


@pytest.mark.parametrize(
    "harm", [lambda content: content[:-100], lambda content: content[:5000] + b"x" + content[5001:], lambda _: b""]
)
def test_a_damaged_tasks_file_is_made_again(harm: Callable[[bytes], bytes], own_files: Path) -> None:
    path = task_file("hand")
    whole = path.read_bytes()
    path.write_bytes(harm(whole))
    assert task_file("hand").read_bytes() == whole


def test_a_whole_tasks_file_is_left_alone(own_files: Path) -> None:
    made = task_file("hand").stat()
    assert task_file("hand").stat() == made


@pytest.mark.parametrize("name", list(POSE))
def test_the_normalization_is_read_back_and_changes_no_answer(name: str, model_files: Path) -> None:
    from mediapipe.tasks.metadata import metadata_schema_py_generated as metadata_schema
    from mediapipe.tasks.metadata import schema_py_generated as model_schema

    before = (model_files / f"{name}.tflite").read_bytes()
    after = with_normalization(before, *POSE[name])
    model = model_schema.Model.GetRootAsModel(after, 0)
    entry = model.Metadata(model.MetadataLength() - 1)
    assert entry.Name() == b"TFLITE_METADATA"
    found = metadata_schema.ModelMetadata.GetRootAsModelMetadata(model.Buffers(entry.Buffer()).DataAsNumpy(), 0)
    unit = found.SubgraphMetadata(0).InputTensorMetadata(0).ProcessUnits(0)
    options = metadata_schema.NormalizationOptions()
    options.Init(unit.Options().Bytes, unit.Options().Pos)
    assert (options.Mean(0), options.Std(0)) == POSE[name]
    for old, new in zip(answers(before), answers(after), strict=True):
        np.testing.assert_array_equal(old, new)


def answers(model: bytes) -> list[NDArray[np.float32]]:
    """Return what a network says of a made-up picture."""
    network = Interpreter(model_content=model)
    network.allocate_tensors()
    (picture,) = network.get_input_details()
    network.set_tensor(picture["index"], np.random.default_rng(1).random(picture["shape"], np.float32))
    network.invoke()
    return [network.get_tensor(output["index"]).copy() for output in network.get_output_details()]


@given(names=st.tuples(*[st.sampled_from(["Left", "Right"])] * 2), scores=st.tuples(*[st.floats(0.5, 1)] * 2))
def test_two_hands_get_the_sides_that_are_likelier_together(
    names: tuple[str, str], scores: tuple[float, float]
) -> None:
    left = [score if name == "Left" else 1 - score for name, score in zip(names, scores, strict=True)]
    first_is_left = left[0] * (1 - left[1]) >= (1 - left[0]) * left[1]
    sides = mediapipe._sides(seen([0.0, 1.0], names, scores))
    if abs(left[0] - left[1]) > 1e-9:
        assert [side[0, 0] for side in sides] == ([0.0, 1.0] if first_is_left else [1.0, 0.0])
    assert {float(side[0, 0]) for side in sides} == {0.0, 1.0}


@pytest.mark.parametrize("name", ["Left", "Right"])
def test_one_hand_leaves_the_other_side_missing(name: str) -> None:
    sides = mediapipe._sides(seen([0.25], [name], [0.9]))
    assert [bool(np.isnan(side).all()) for side in sides] == [name == "Right", name == "Left"]


def seen(places: list[float], names: object, scores: object) -> SimpleNamespace:
    """Return a result as MediaPipe gives it: hands of which all points are at one place."""
    return SimpleNamespace(
        hand_landmarks=[[SimpleNamespace(x=x, y=x, z=x)] * 21 for x in places],
        handedness=[
            [SimpleNamespace(category_name=name, score=score)]
            for name, score in zip(names, scores, strict=True)  # type: ignore[call-overload]
        ],
    )


def test_times_that_do_not_rise_are_taken(model_files: Path) -> None:
    landmarker = MediapipeLandmarker(LandmarkConfig("hands"))
    for time_ms in (0.0, 0.0, 0.4, -20.0, 0.4, 1e6, 5.0):
        assert landmarker.find(Frame(BLACK.image_rgb, time_ms)).shape == (42, 3)
    landmarker.close()


@pytest.mark.parametrize("end", ["", "landmarker.close()", "del landmarker", "landmarker.reset()"])
def test_nothing_is_said_while_it_starts_runs_or_is_left_open(end: str, model_files: Path) -> None:
    lines = (
        "import numpy as np",
        "from ademan.landmarks import LandmarkConfig, open_landmarker",
        "from ademan.video.frame import Frame",
        "landmarker = open_landmarker(LandmarkConfig('holistic', 'mediapipe'))",
        "for t in range(3): landmarker.find(Frame(np.zeros((48, 64, 3), np.uint8), t * 40.0))",
        end,
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_without_mediapipe_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mediapipe", None)
    with pytest.raises(
        MissingExtraError, match=r"(?s)'mediapipe' needs the package 'mediapipe'.*'ademan\[mediapipe\]'"
    ):
        open_landmarker(LandmarkConfig(landmarker="mediapipe"))


def test_what_mediapipe_does_not_take_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hand.task").write_text("no networks")
    monkeypatch.setattr(mediapipe, "task_file", lambda task: tmp_path / f"{task}.task")
    with pytest.raises(LandmarkError, match=r"(?s)MediaPipe cannot start: .*--landmarker litert"):
        MediapipeLandmarker(LandmarkConfig("hands"))
    with pytest.raises(LandmarkError, match=r"(?s)MediaPipe cannot start: .*--landmarker litert"):
        MediapipeLandmarker(LandmarkConfig("pose"))
