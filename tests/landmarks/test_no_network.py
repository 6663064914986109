"""Finding points opens no connection; and the watcher that says so sees one that is opened on purpose."""

import json
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from ademan.landmarks.landmarker import Backend
from tests.landmarks import sockets


@pytest.fixture(scope="module")
def alone() -> list[str]:
    """The command that gives a process a network of its own, without a way out."""
    for command in (["unshare", "--net"], ["unshare", "--net", "--map-root-user"]):
        try:
            if not subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
                return command
        except FileNotFoundError:
            break
    pytest.skip("a network without a way out cannot be made here (unshare --net)")


def watched(alone: list[str], action: str) -> dict[str, object]:
    """Return what a process that does this had to do with networks."""
    command = [*alone, sys.executable, str(Path(sockets.__file__)), action]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("backend", get_args(Backend))
def test_a_landmarker_opens_no_socket(backend: str, alone: list[str], model_files: Path) -> None:
    if backend == "mediapipe":
        pytest.importorskip("mediapipe")
    assert watched(alone, backend) == {"heard": [], "held": [], "sent": {}}


def test_the_watcher_sees_nothing_where_there_is_nothing(alone: list[str]) -> None:
    assert watched(alone, "nothing") == {"heard": [], "held": [], "sent": {}}


@pytest.mark.parametrize(
    ("action", "watcher"),
    [
        ("in python", "heard"),
        ("natively, held", "held"),
        ("natively, for an instant", "sent"),
    ],
)
def test_the_watcher_sees_a_socket_that_is_opened_on_purpose(action: str, watcher: str, alone: list[str]) -> None:
    assert watched(alone, action)[watcher]
