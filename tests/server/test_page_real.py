"""A real recording played as the camera: from its pixels to what a person sees in the browser."""

from pathlib import Path

import requests
from playwright.sync_api import expect

from ademan.recognition import StreamConfig
from ademan.server.bridge import BridgeConfig
from ademan.server.config import ServeConfig
from tests.server.browser import Visit, browser, visit
from tests.server.conftest import Serve, wait_for

__all__ = ["browser", "visit"]  # fixtures
VIDEO = Path("home-gestures", "raw_videos", "num5", "num5_s2_1.mp4")


def test_a_recording_played_as_the_camera_is_seen_named_and_switched_off(
    serve: Serve, visit: Visit, real_data: Path, tmp_path: Path
) -> None:
    camera = BridgeConfig(camera=str(real_data / VIDEO), loop=True)
    running = serve(config=ServeConfig(port=0, timeout=60), bridge=camera, stream=StreamConfig(accept=0.0, least_ms=0))
    page = visit(running.url, viewport={"width": 1280, "height": 900})
    expect(page.get_by_text("Running", exact=True)).to_be_visible()
    wait_for(lambda: requests.get(f"{running.url}/api/gestures", timeout=10).json()["recent"], 15)
    drawn = "document.querySelector('canvas').getContext('2d').getImageData(0, 0, 9999, 9999).data.some((v) => v)"
    wait_for(lambda: page.evaluate(drawn))
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Start")).to_be_visible()
    assert requests.get(f"{running.url}/api/status", timeout=10).json()["state"] == "off"
    page.locator("input[type=file]").first.set_input_files(real_data / VIDEO)
    expect(page.get_by_text("num5_s2_1.mp4")).to_be_visible()
    expect(page.get_by_text("idle").first).to_be_visible(timeout=60_000)
    page.screenshot(path=tmp_path / "page.png", full_page=True)
