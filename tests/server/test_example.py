"""The example for programs in JavaScript, run as it stands by Node."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ademan.recognition import StreamConfig
from ademan.server.bridge import BridgeConfig
from tests.server.browser import Film, Hands
from tests.server.conftest import Serve

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "listen.mjs"


@pytest.fixture(scope="module")
def node() -> str:
    path = shutil.which("node")
    if path is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "the example needs Node, which is not installed"
        )
    return path


@pytest.mark.parametrize("way", ["sse", "socket"])
def test_the_example_prints_what_the_camera_sees(way: str, serve: Serve, node: str) -> None:
    eager = StreamConfig(accept=0.0, least_ms=0)
    camera = BridgeConfig(camera="film")
    url = serve(bridge=camera, stream=eager, landmarker=Hands, open_camera=lambda *_, **__: Film()).url
    with subprocess.Popen([node, EXAMPLE, url, way], stdout=subprocess.PIPE, text=True) as example:
        assert example.stdout is not None
        for line in example.stdout:
            found = json.loads(line)
            if found["kind"] == "gesture_prediction":
                break
        example.kill()
    assert set(found["probabilities"]) == {"a", "b", "idle"}
    assert found["source"] == "camera"
