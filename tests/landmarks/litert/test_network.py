"""A network's file."""

from pathlib import Path

import pytest

from ademan.errors import LandmarkError
from ademan.landmarks.litert.network import Network


def test_a_file_that_is_no_network_is_told(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.tflite").write_bytes(b"no network")
    with pytest.raises(LandmarkError, match=r"a\.tflite cannot be loaded: .*ademan models fetch"):
        Network(tmp_path / "a.tflite", 1, 0.0, 1.0)
    assert capfd.readouterr().err == ""
