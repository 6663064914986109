"""A network's file."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ademan.errors import LandmarkError
from ademan.landmarks.litert.network import Network


def test_a_file_that_is_no_network_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.tflite").write_bytes(b"no network")
    with pytest.raises(LandmarkError, match=r"a\.tflite cannot be loaded: .*ademan models fetch"):
        Network(tmp_path / "a.tflite", 1, 0.0, 1.0)
    assert capfd.readouterr().err == ""


def test_networks_are_loaded_without_a_word(model_files: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert Network(model_files / "palm_detection_full.tflite", 1, 0.0, 1.0).side == 192
    os.write(2, b"still there")
    assert capfd.readouterr() == ("", "still there")


def test_a_program_without_a_console_can_load_them(model_files: Path) -> None:
    program = (
        "import os, sys, pathlib; os.close(2); from ademan.landmarks.litert.network import Network; "
        "print(Network(pathlib.Path(sys.argv[1]), 1, 0.0, 1.0).side)"
    )
    given = [sys.executable, "-c", program, str(model_files / "hand_landmark_full.tflite")]
    done = subprocess.run(given, stdout=subprocess.PIPE, text=True, check=True)
    assert done.stdout == "224\n"
