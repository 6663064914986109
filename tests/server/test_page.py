"""The page for people, in a real browser before a real server."""

import asyncio
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import torch
from playwright.sync_api import Page, expect

from ademan.bundle import Manifest, golden_windows, read_bundle, write_bundle
from ademan.clip import Clip, times_at
from ademan.models import LstmConfig, build, to_onnx
from ademan.server.bridge import BridgeConfig
from ademan.server.config import ServeConfig
from ademan.server.errors import ApiError
from ademan.server.listening import listen
from ademan.skeleton import skeleton
from ademan.window import Window
from tests.server.browser import Film, Hands, Visit, browser, tell, visit
from tests.server.conftest import Running, Serve, wait_for

__all__ = ["browser", "visit"]  # fixtures
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
REFUSED = "Failed to load resource: the server responded"
GONE = "ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE"
MARKUP = "<img src=x onerror=\"document.title='taken over'\">"

ServeCamera = Callable[..., Running]


@pytest.fixture
def serve_camera(serve: Serve) -> ServeCamera:
    """Start a server whose camera gives pictures; or a few only, so that all else is told by the test."""

    def start(bundles: dict[str, str] | None = None, *, most: int | None = None, **more: Any) -> Running:
        camera = BridgeConfig(camera="film")
        running = serve(bundles, bridge=camera, landmarker=Hands, open_camera=lambda *_, **__: Film(most), **more)
        wait_for(lambda: running.parts.bridge.running)
        return running

    return start


@pytest.fixture
def relabelled(small_bundle: Path, tmp_path: Path) -> Callable[..., Path]:
    """Write a copy of the small bundle with other labels."""
    numbers = count()

    def write(*labels: str) -> Path:
        bundle, path = read_bundle(small_bundle), tmp_path / f"bundle{next(numbers)}"
        write_bundle(path, replace(bundle.manifest, labels=labels, idle=labels[-1]), bundle.graph, bundle.golden)
        return path

    return write


def prediction(gesture: str | None, time_ms: float = 1000.0, **shares: float) -> dict[str, Any]:
    label = max(shares, key=shares.__getitem__)
    return {
        "label": label,
        "confidence": shares[label],
        "gesture": gesture,
        "probabilities": shares,
        "time_ms": time_ms,
        "bundle": "small",
        "version": "1",
    }


def event(kind: str, label: str, time_ms: float, confidence: float) -> dict[str, Any]:
    at = f"2026-01-02T03:04:{int(time_ms / 1000):02}Z"
    return {"event": kind, "label": label, "time_ms": time_ms, "confidence": confidence, "at": at}


def live(page: Page, state: str = "Running") -> Page:
    """Wait until the page listens."""
    expect(page.locator("#state-text")).to_have_text(state)
    return page


def listens(running: Running, page: Page) -> Page:
    live(page)
    wait_for(lambda: len(running.parts.hub))
    return page


def test_the_label_follows_predictions(serve_camera: ServeCamera, visit: Visit) -> None:
    running = serve_camera(most=1)
    page = listens(running, visit(running.url))
    label, under = page.locator("#now-label"), page.locator("#now-under")
    tell(running, "gesture_prediction", **prediction(None, a=0.2, b=0.1, idle=0.7))
    expect(label).to_have_text("Nothing")
    expect(under).to_have_text(re.compile("most likely idle, 70"))
    tell(running, "gesture_prediction", **prediction("a", 2000.0, a=0.91, b=0.04, idle=0.05))
    expect(label).to_have_text("a")
    expect(page.locator("#now-confidence")).to_have_text(re.compile("91"))
    tell(running, "gesture_prediction", **prediction("a", 3500.0, a=0.93, b=0.02, idle=0.05))
    expect(under).to_have_text(re.compile("for 1.5"))
    bars = page.locator("#bars li")
    expect(bars).to_have_text([re.compile("a.*93"), re.compile("b.*2"), re.compile("idle.*5")])
    expect(page.locator("#bars .reached .name")).to_have_text(["a"])
    expect(page.locator("#legend")).to_contain_text("threshold")
    tell(running, "gesture_prediction", **prediction("b", 4000.0, a=0.1, b=0.85, idle=0.05))
    expect(label).to_have_text("b")


def test_events_are_listed_and_spoken_once(serve_camera: ServeCamera, visit: Visit) -> None:
    running = serve_camera(most=1)
    running.parts.bridge.recent.append(event("began", "b", 1000.0, 0.8))
    running.parts.bridge.recent.append(event("ended", "b", 2000.0, 0.88))
    page = listens(running, visit(running.url, timezone_id="UTC"))
    rows, spoken = page.locator("#lately tr"), page.locator("#announcer")
    expect(rows).to_have_text([re.compile(r"03:04:01b1.0\s.*88\s%")])
    tell(running, "gesture", **event("began", "a", 3000.0, 0.9))
    expect(spoken).to_have_text(re.compile(r"a, 90\s%"))
    expect(rows.first).to_contain_text("now")
    tell(running, "gesture", **event("ended", "a", 3700.0, 0.95))
    expect(rows).to_have_text([re.compile(r"03:04:03a0.7\s.*95\s%"), re.compile("b")])
    tell(running, "gesture_prediction", **prediction("b", 4000.0, a=0.1, b=0.85, idle=0.05))
    expect(page.locator("#now-label")).to_have_text("b")
    expect(spoken).to_have_text(re.compile(r"a, 90\s%"))


def test_what_the_camera_sees_is_drawn(serve_camera: ServeCamera, visit: Visit) -> None:
    page = live(visit(serve_camera().url))
    expect(page.locator("#fps")).to_have_text(re.compile(r"^\d+\.\d$"))
    page.wait_for_function(_MANY_COLOURS, arg="picture")
    page.wait_for_function(_MANY_COLOURS, arg="history")
    expect(page.locator("#bars li")).to_have_count(3)
    expect(page.locator("#privacy")).to_contain_text("no picture leaves the server")
    box = page.locator("#view").bounding_box()
    assert box is not None
    assert box["width"] / box["height"] == pytest.approx(64 / 36, rel=0.05)


_MANY_COLOURS = """(id) => {
    const canvas = document.getElementById(id);
    const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    return new Set(pixels).size > 20;
}"""


def test_the_controls_reach_the_server_and_follow_it(serve_camera: ServeCamera, visit: Visit) -> None:
    running = serve_camera()
    page, bridge = live(visit(running.url)), running.parts.bridge
    threshold, pause = page.get_by_role("slider", name="Threshold"), page.get_by_role("slider", name="Cool-down")
    expect(threshold).to_have_value("0.5")
    threshold.press("ArrowRight")
    threshold.press("ArrowRight")
    wait_for(lambda: bridge.status()["config"]["accept"] == pytest.approx(0.52))
    pause.fill("1200")
    wait_for(lambda: bridge.status()["config"]["cooldown_ms"] == pytest.approx(1200))
    requests.post(f"{running.url}/api/config", json={"accept": 0.85}, timeout=10)
    expect(threshold).to_have_value("0.85")
    expect(page.locator("#accept-value")).to_have_text(re.compile("85"))
    page.get_by_role("button", name="Stop").click()
    live(page, "Stopped")
    assert not bridge.running
    expect(page.locator("#over")).to_contain_text("Press Start")
    page.get_by_role("button", name="Start").click()
    live(page)
    wait_for(lambda: bridge.running)


def test_a_setting_that_the_server_refuses_goes_back(serve_camera: ServeCamera, visit: Visit) -> None:
    running = serve_camera(most=1)
    page = live(visit(running.url, expected=REFUSED))
    pause = page.get_by_role("slider", name="Cool-down")
    pause.evaluate("(slider) => { slider.max = 1e9; }")
    pause.fill("2000000")
    expect(page.get_by_role("alert").filter(has_text="Not done: cooldown_ms")).to_be_visible()
    expect(pause).to_have_value("500")


def test_a_lost_camera_is_told_with_its_reason(serve: Serve, visit: Visit, tmp_path: Path) -> None:
    running = serve(bridge=BridgeConfig(camera=str(tmp_path / "missing.mp4")), landmarker=Hands)
    page = live(visit(running.url), "Camera lost")
    expect(page.locator("#over")).to_contain_text("missing.mp4")
    expect(page.locator("#now-under")).to_have_text("waiting for the camera")


def test_without_a_camera_a_clip_comes_first(serve: Serve, visit: Visit) -> None:
    page = live(visit(serve().url), "No camera")
    expect(page.get_by_role("heading", level=2).locator("visible=true")).to_have_text(
        ["Try a clip", "For programs", "This server watches no camera"]
    )
    expect(page.locator("#no-camera code").first).to_have_text("ademan serve small --camera 0")
    expect(page.locator("#live")).to_be_hidden()


@pytest.fixture
def named_clips(monkeypatch: pytest.MonkeyPatch, rng: np.random.Generator) -> Callable[[Running], None]:
    """Have a server find made-up points in every clip."""

    def use(running: Running) -> None:
        async def clip(_path: Path, _manifest: Manifest) -> Clip:
            points = rng.uniform(0.2, 0.8, (30, 42, 2)).astype(np.float32)
            return Clip(points, times_at(25, 30), skeleton("hands"))

        monkeypatch.setattr(running.parts.videos, "clip", clip)

    return use


def test_a_clip_is_sent_and_answered(serve: Serve, visit: Visit, named_clips: Callable[[Running], None]) -> None:
    running = serve()
    named_clips(running)
    page = live(visit(running.url), "No camera")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a file").click()
    chooser.value.set_files({"name": "evening.mp4", "mimeType": "video/mp4", "buffer": b"0" * 2_000_000})
    expect(page.locator("#answer-file")).to_have_text("evening.mp4")
    expect(page.locator("#answer-label")).to_have_text("No gesture")
    expect(page.locator("#answer-text")).to_have_text(re.compile("Most likely .*: below the threshold of 50"))
    expect(page.locator("#answer-bars li")).to_have_count(3)
    expect(page.locator("#answer-by")).to_contain_text(running.parts.shelf.get().version)


def test_a_clip_may_be_dropped(serve: Serve, visit: Visit, named_clips: Callable[[Running], None]) -> None:
    running = serve()
    named_clips(running)
    page = live(visit(running.url), "No camera")
    carried = page.evaluate_handle(
        """() => {
            const carried = new DataTransfer();
            carried.items.add(new File(["film"], "dropped.mp4", { type: "video/mp4" }));
            return carried;
        }"""
    )
    page.dispatch_event("#drop", "drop", {"dataTransfer": carried})
    expect(page.locator("#answer-file")).to_have_text("dropped.mp4")


def test_a_clip_that_is_refused_is_told_why(serve: Serve, visit: Visit) -> None:
    running = serve(config=ServeConfig(port=0, max_video=0.1))
    page = live(visit(running.url, expected=REFUSED), "No camera")
    said = page.locator("#try-problem")
    page.set_input_files("#file", {"name": "empty.mp4", "mimeType": "video/mp4", "buffer": b""})
    expect(said).to_have_text("Not recognised: the video is empty.")
    page.set_input_files("#file", {"name": "long.mp4", "mimeType": "video/mp4", "buffer": b"0" * 150_000})
    expect(said).to_contain_text("more than 0.1 MB")
    expect(page.get_by_role("button", name="Choose a file")).to_be_enabled()


def test_a_clip_that_takes_long_can_be_given_up(serve: Serve, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    running, asked = serve(), threading.Event()

    async def clip(_path: Path, _manifest: Manifest) -> Clip:
        asked.set()
        await asyncio.sleep(2)
        raise ApiError("bad_video", "nobody waits for this answer.")

    monkeypatch.setattr(running.parts.videos, "clip", clip)
    page = live(visit(running.url), "No camera")
    page.set_input_files("#file", {"name": "long.mp4", "mimeType": "video/mp4", "buffer": b"film"})
    expect(page.locator("#sending-text")).to_have_text("Looking for a gesture")
    wait_for(asked.is_set)
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
    expect(page.locator("#try-problem")).to_be_empty()


def test_a_key_is_asked_for_and_used(serve_camera: ServeCamera, visit: Visit) -> None:
    running = serve_camera(most=1, config=ServeConfig(port=0, api_key=("open-sesame",)))
    page = visit(running.url, expected=REFUSED)
    field, send = page.get_by_label("Key", exact=True), page.get_by_role("button", name="Open")
    expect(page.locator("#live")).to_be_hidden()
    field.fill("wrong")
    send.click()
    expect(page.get_by_role("alert").filter(has_text="none of the server's keys")).to_be_visible()
    field.fill("open-sesame")
    field.press("Enter")
    listens(running, page)
    tell(running, "gesture_prediction", **prediction("a", a=0.9, b=0.05, idle=0.05))
    expect(page.locator("#now-label")).to_have_text("a")
    expect(page.locator("#addresses")).to_contain_text('-H "X-API-Key: KEY"')
    expect(page.locator("body")).not_to_contain_text("open-sesame")
    page.reload()
    live(page)
    page.get_by_role("button", name="Forget the key").click()
    expect(field).to_be_visible()


def test_a_label_that_looks_like_markup_stays_text(
    serve_camera: ServeCamera, visit: Visit, relabelled: Callable[..., Path]
) -> None:
    running = serve_camera({MARKUP: str(relabelled(MARKUP, "__proto__", "idle"))}, most=1)
    page = listens(running, visit(running.url))
    tell(running, "gesture_prediction", **prediction(MARKUP, **{MARKUP: 0.9, "__proto__": 0.1, "idle": 0.0}))
    tell(running, "gesture", **event("began", MARKUP, 3000.0, 0.9))
    for place in ("#now-label", "#bars", "#legend", "#lately", "#announcer", "#bundle-name", "#no-camera-commands"):
        expect(page.locator(place)).to_contain_text(MARKUP)
    expect(page.locator("#bars li").nth(1)).to_have_text(re.compile("__proto__10"))
    assert page.locator("img").count() == 1, "the page's own sign, and nothing else"
    assert page.title() == "Ademan"


def test_of_many_classes_the_strongest_are_shown(serve_camera: ServeCamera, visit: Visit, tmp_path: Path) -> None:
    labels = [f"sign {i}" for i in range(50)]
    running = serve_camera({"signs": str(untrained(tmp_path / "signs", labels))}, most=1)
    page = listens(running, visit(running.url, **PHONE))
    shares = dict.fromkeys(labels, 0.002) | {"sign 41": 0.9}
    tell(running, "gesture_prediction", **prediction("sign 41", **shares))
    expect(page.locator("#bars li")).to_have_count(8)
    expect(page.locator("#bars")).to_contain_text("sign 41")
    page.get_by_text("42 weaker classes").click()
    expect(page.locator("#rest li")).to_have_count(42)
    assert overflow(page) == 0


def untrained(path: Path, labels: list[str]) -> Path:
    """Write a bundle of an untrained network for hands."""
    torch.manual_seed(1)
    network = build(LstmConfig((6,)), skeleton("hands"), 2, len(labels)).eval()
    golden = []
    for points in golden_windows((42, 2), np.random.default_rng(0)):
        with torch.no_grad():
            golden.append((points, torch.softmax(network(torch.from_numpy(points)), dim=1).numpy()))
    manifest = Manifest(tuple(labels), skeleton("hands"), 2, "square", Window(20, "rate", 20.0), 25.0)
    write_bundle(path, manifest, to_onnx(network, 42, 2), golden)
    return path


def overflow(page: Page) -> int:
    """Return by how much the page is wider than the screen."""
    width: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return width


@pytest.mark.parametrize("width", [360, 700, 1600])
def test_nothing_is_wider_than_the_screen(
    serve_camera: ServeCamera, visit: Visit, relabelled: Callable[..., Path], width: int
) -> None:
    long = "a_label_without_a_place_to_break_it_that_somebody_made_up_to_see_what_would_happen"
    name = "a_bundle_with_a_name_that_is_longer_than_a_phone_is_wide"
    running = serve_camera({name: str(relabelled(long, "b", "idle"))}, most=1)
    page = listens(running, visit(running.url, viewport={"width": width, "height": 740}))
    tell(running, "gesture_prediction", **prediction(long, **{long: 0.9, "b": 0.1, "idle": 0.0}))
    tell(running, "gesture", **event("began", long, 3000.0, 0.9))
    expect(page.locator("#lately")).to_contain_text(long)
    assert overflow(page) == 0
    if width == 360:
        above = page.locator("#now").bounding_box()
        assert above is not None
        assert above["y"] + above["height"] < 400, "the label is seen without scrolling"


_PAIRS = [
    ("ink", "page"),
    ("ink", "surface"),
    ("muted", "page"),
    ("muted", "surface"),
    ("muted", "accent-surface"),
    ("accent", "page"),
    ("accent", "accent-surface"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("warn", "warn-surface"),
    ("bad", "page"),
    ("bad", "surface"),
]


def test_light_and_dark_differ_and_both_can_be_read(serve: Serve, visit: Visit) -> None:
    url, pages = serve().url, []
    for scheme in ("light", "dark"):
        page = live(visit(url, color_scheme=scheme), "No camera")
        pages.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        for ink, paper in _PAIRS:
            assert contrast(page, ink, paper) >= 4.5, f"{ink} on {paper}, {scheme}"
        for number in range(7):
            assert contrast(page, f"colour{number}", "page") >= 3, f"colour {number}, {scheme}"
    assert pages[0] != pages[1]


def contrast(page: Page, first: str, second: str) -> float:
    """Return the contrast of two of the page's colours (WCAG 2.2, 1.4.3)."""
    luminances = []
    for name in (first, second):
        text = page.evaluate("(name) => getComputedStyle(document.body).getPropertyValue('--' + name).trim()", name)
        channels = np.array([int(text[i : i + 2], 16) / 255 for i in (1, 3, 5)])
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        luminances.append(float(linear @ [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(luminances) / min(luminances)


@pytest.fixture
def same_port(monkeypatch: pytest.MonkeyPatch) -> Callable[[Running], None]:
    """Have the servers that are started from now on listen where this one does."""

    def use(running: Running) -> None:
        port = int(running.url.rpartition(":")[2])
        monkeypatch.setattr("tests.server.conftest.listen", lambda host, _: listen(host, port))

    return use


def test_the_page_comes_back_with_the_server(
    serve_camera: ServeCamera, visit: Visit, same_port: Callable[[Running], None]
) -> None:
    running = serve_camera(most=1)
    page = listens(running, visit(running.url, expected=GONE))
    tell(running, "gesture_prediction", **prediction("a", a=0.9, b=0.05, idle=0.05))
    expect(page.locator("#now-label")).to_have_text("a")
    running.stop()
    expect(page.get_by_text("The server does not answer.")).to_be_visible()
    expect(page.locator("#now-label")).to_have_text("Nothing")
    same_port(running)
    again = serve_camera(most=1)
    listens(again, page)
    expect(page.locator("#away")).to_be_hidden()
    tell(again, "gesture_prediction", **prediction("b", a=0.1, b=0.85, idle=0.05))
    expect(page.locator("#now-label")).to_have_text("b")


def test_a_new_version_is_told(serve_camera: ServeCamera, visit: Visit, relabelled: Callable[..., Path]) -> None:
    path = relabelled("a", "b", "idle")
    running = serve_camera({"hands": str(path)})
    page = live(visit(running.url))
    expect(page.locator("#news")).to_be_hidden()
    bundle = read_bundle(path)
    write_bundle(path, bundle.manifest, bundle.graph, bundle.golden[:-1])
    expect(page.locator("#news")).to_contain_text("A new version of hands is served")
    expect(page.locator("#bundle-version")).to_have_text(running.parts.shelf.get().version)


def test_one_of_several_bundles_is_chosen(
    serve: Serve, visit: Visit, relabelled: Callable[..., Path], named_clips: Callable[[Running], None]
) -> None:
    running = serve({"hands": str(relabelled("a", "b", "idle")), "more signs": str(relabelled("c", "d", "idle"))})
    named_clips(running)
    page = live(visit(running.url), "No camera")
    page.get_by_label("Bundle").select_option("more signs")
    expect(page.locator("#addresses code").first).to_contain_text('predict/video?bundle=more+signs"')
    expect(page.locator("#knows-labels li")).to_have_text(["c", "d", "idle"])
    page.set_input_files("#file", {"name": "one.mp4", "mimeType": "video/mp4", "buffer": b"film"})
    expect(page.locator("#answer-by")).to_contain_text("more signs, version")


def test_an_address_is_copied_without_a_clipboard_too(serve: Serve, visit: Visit) -> None:
    page = live(visit(serve().url), "No camera")
    page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    page.get_by_role("button", name="Copy A clip").click()
    expect(page.get_by_role("button", name="Copied A clip")).to_be_visible()
    assert page.evaluate("String(getSelection())") == page.locator("#addresses code").first.text_content()


def test_nothing_is_drawn_while_nobody_looks(serve_camera: ServeCamera, visit: Visit) -> None:
    running = serve_camera(most=1)
    page = listens(running, visit(running.url))
    label = page.locator("#now-label")
    page.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    tell(running, "gesture_prediction", **prediction("a", a=0.9, b=0.05, idle=0.05))
    tell(running, "gesture", **event("began", "a", 3000.0, 0.9))
    expect(page.locator("#announcer")).to_have_text(re.compile("a, 90"))  # told by voice, after the prediction came
    expect(label).to_have_text("Nothing")
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    expect(label).to_have_text("a")


def test_the_client_for_programs_is_served_as_it_was_published(serve: Serve) -> None:
    url = serve().url
    script = requests.get(f"{url}/static/socket.io.esm.min.js", timeout=10)
    assert script.headers["content-type"].startswith("text/javascript")
    assert "Socket.IO v4" in script.text
    assert "Permission is hereby granted" in requests.get(f"{url}/static/socket.io.LICENSE", timeout=10).text
