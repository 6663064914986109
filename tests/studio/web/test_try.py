"""The page to try gestures out, in a browser whose camera shows what the test wants."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from ademan.studio.data.clips import Clips
from ademan.studio.data.gestures import GestureSets
from ademan.studio.data.models import Models
from ademan.studio.data.predictions import Predictions
from tests.server.browser import Watch
from tests.studio.live.fakes import HIGH, LOW, MIDDLE, height_bundle
from tests.studio.web.conftest import GOOD, Running, Start
from tests.studio.web.film import browser_with_camera, film
from tests.studio.web.test_browser import PHONE, TOO_SMALL

SLOW_MS = 15_000
WIDTH = "document.documentElement.scrollWidth"
expect.set_options(timeout=SLOW_MS)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return height_bundle(tmp_path_factory.mktemp("bundle") / "height")


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser whose camera shows hands that go up, to the middle, down, and to the middle."""
    path = film(tmp_path_factory.mktemp("film") / "hands.mjpeg", (HIGH, MIDDLE, LOW, MIDDLE))
    with browser_with_camera(path) as opened:
        yield opened


@pytest.fixture
def trying(studio: Running) -> Running:
    """A studio with a set; its model is not live yet."""
    sets = GestureSets(studio.database, studio.files)
    made = sets.add(1, "Directions")
    sets.add_gesture(1, made.id, "up", "Lift both hands.")
    sets.add_gesture(1, made.id, "down")
    return studio


def go_live(studio: Running, bundle: Path, set_id: int = 1) -> None:
    models = Models(studio.database, studio.files)
    models.promote(models.add(set_id, bundle).id)


def opened(browser: Browser, studio: Running, path: str = "/try", **context: Any) -> Page:
    page = browser.new_context(**context).new_page()
    page.set_default_timeout(SLOW_MS)
    page.goto(f"{studio.url}/login?next={path}")
    page.fill("#name", "Ada")
    page.fill("#password", GOOD)
    page.click("main button")
    page.wait_for_url(f"{studio.url}{path}")
    return page


def test_what_is_shown_is_named_and_can_be_corrected(trying: Running, bundle: Path, camera: Browser) -> None:
    go_live(trying, bundle)
    page = opened(camera, trying)
    watch = Watch(trying.url.partition("//")[2], "")
    watch.follow(page)
    expect(page.locator("#wanted")).to_have_text("")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.get_by_role("heading", name="Your turn")).to_be_visible()
    event = page.locator("#events > li", has_text="up").first
    expect(event).to_be_visible()
    expect(page.locator("#bars > li")).to_have_count(3)
    expect(page.locator("#label")).to_have_text(re.compile("^(up|down|no gesture)$"))
    expect(page.locator("#ticks .good", has_text="up")).to_be_visible()
    expect(page.locator("#wanted")).to_have_text("All of them recognised. Well done!")
    expect(page.locator("#pace")).to_have_text(re.compile(r"\d+ frames a second, \d+ ms delay"))
    assert page.locator("#figure").evaluate(
        "(one) => one.getContext('2d').getImageData(0, 0, one.width, one.height).data.some((value) => value > 0)"
    )
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused. Nothing is sent.")).to_be_visible()
    page.locator("#events button", has_text="That was something else").last.focus()
    page.keyboard.press("Enter")
    choice = page.get_by_label("What was it?")
    expect(choice).to_be_focused()
    said = page.locator("#events > li", has=choice).locator("b").inner_text()
    truth = {"up": "down", "down": "up"}[said]
    assert set(choice.locator("option").all_inner_texts()) == {truth, "none of the gestures (idle)"}
    choice.select_option(truth)
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#events .good:not([hidden])")).to_have_text(f"was: {truth}")
    expect(page.locator("#toasts")).to_contain_text("which will be reviewed")
    corrected = next(one for one in Predictions(trying.database, trying.files).mine(1, 500, kind="began") if one.truth)
    assert (corrected.said.label, corrected.truth) == (said, truth)
    assert corrected.clip_id is not None
    assert Clips(trying.database, trying.files).get(1, corrected.clip_id).origin == "try"
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#banner")).to_be_hidden()
    page.reload()
    expect(page.locator("#events .good:not([hidden])")).to_have_text(f"was: {truth}")
    assert watch.problems == []


def test_a_model_that_goes_live_is_shown_without_a_reload(trying: Running, bundle: Path, camera: Browser) -> None:
    page = opened(camera, trying, **PHONE)
    expect(page.get_by_text("This set has no live model yet")).to_be_visible()
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#pace")).to_be_visible()
    expect(page.locator("#bars")).to_be_hidden()
    assert page.evaluate(WIDTH) == 375
    go_live(trying, bundle)
    expect(page.locator("#bars > li")).to_have_count(3)
    expect(page.get_by_text("This set has no live model yet")).to_be_hidden()
    expect(page.locator("#events > li").first).to_be_visible()
    assert page.evaluate(WIDTH) == 375
    assert page.evaluate(TOO_SMALL) == []


def test_a_lost_connection_comes_back(start: Start, bundle: Path, camera: Browser) -> None:
    studio = start()
    studio.accounts.register("Ada", GOOD)
    sets = GestureSets(studio.database, studio.files)
    sets.add_gesture(1, sets.add(1, "Directions").id, "up")
    page = opened(camera, studio)
    page.evaluate(
        """() => {
            const Real = WebSocket;
            window.sockets = [];
            window.WebSocket = class extends Real {
                constructor(address) { super(address); window.sockets.push(this); }
            };
        }"""
    )
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#pace")).to_be_visible()
    page.evaluate("window.sockets[0].close()")
    end_s = time.monotonic() + SLOW_MS / 1000
    while not page.evaluate("window.sockets.length > 1 && window.sockets[1].readyState === 1"):
        assert time.monotonic() < end_s
        page.wait_for_timeout(50)
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#pace")).to_be_visible()


def test_a_session_that_ends_sends_one_to_log_in(trying: Running, camera: Browser) -> None:
    page = opened(camera, trying)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#pace")).to_be_visible()
    for login in trying.accounts.logins(1):
        trying.accounts.revoke(1, login.id)
    page.wait_for_url(re.compile(r"/login\?next="))


def test_names_of_gestures_are_shown_as_they_are(trying: Running, tmp_path: Path, camera: Browser) -> None:
    sets = GestureSets(trying.database, trying.files)
    nasty = "<img src=x onerror=alert(1)>"
    sets.add_gesture(1, 1, nasty)
    go_live(trying, height_bundle(tmp_path / "nasty", (nasty, "down")))
    page = opened(camera, trying)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#events b", has_text=nasty).first).to_be_visible()
    expect(page.locator("#bars .name", has_text=nasty)).to_be_visible()
    expect(page.locator("#ticks", has_text=nasty)).to_be_visible()
    assert page.locator("main img").count() == 0


def test_the_set_with_a_live_model_is_chosen_and_another_can_be(trying: Running, bundle: Path) -> None:
    sets = GestureSets(trying.database, trying.files)
    other = sets.add(1, "Ahead of the others")
    go_live(trying, bundle)
    visitor = trying.member("Boris")
    page = visitor.get("/try").text
    assert 'data-set="1"' in page
    assert page.index("Directions</option>") < page.index("Ahead of the others (no model yet)</option>")
    assert f'data-set="{other.id}"' in visitor.get(f"/try?set={other.id}").text
    for wanted in ("99", "x", "<script>"):
        assert 'data-set="1"' in visitor.get("/try", params={"set": wanted}).text


def test_a_camera_that_cannot_be_had_is_explained(trying: Running, camera: Browser) -> None:
    page = opened(camera, trying)
    page.evaluate(
        """() => {
            navigator.mediaDevices.getUserMedia = async () => { throw new DOMException("no", window.why); };
        }"""
    )
    button = page.get_by_role("button", name=re.compile("Start the camera|Try again"))
    for why, title in {
        "NotAllowedError": "The camera is not allowed",
        "NotFoundError": "No camera was found",
        "NotReadableError": "The camera is in use",
        "TypeError": "The camera cannot be started",
    }.items():
        page.evaluate("(why) => { window.why = why; }", why)
        button.click()
        expect(page.get_by_role("heading", name=title)).to_be_visible()
        expect(page.get_by_role("status").filter(has_text=title)).to_have_count(1)
        expect(button).to_be_focused()


def test_a_page_without_encryption_says_what_to_do(trying: Running, camera: Browser) -> None:
    page = opened(camera, trying)
    page.evaluate("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#curtain-text")).to_contain_text("--self-signed")


def test_a_camera_that_is_pulled_out_is_told(trying: Running, camera: Browser) -> None:
    page = opened(camera, trying)
    page.get_by_role("button", name="Start the camera").click()
    expect(page.locator("#pace")).to_be_visible()
    page.locator("#video").evaluate("(one) => one.srcObject.getVideoTracks()[0].dispatchEvent(new Event('ended'))")
    expect(page.get_by_role("heading", name="The camera is gone")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    expect(page.locator("#pace")).to_be_visible()


def test_without_scripts_the_page_says_what_it_needs(trying: Running) -> None:
    page = trying.member("Boris").get("/try").text
    assert re.search(r"<noscript>.*JavaScript.*</noscript>", page)
    assert re.search(r'id="start" type="button" disabled', page)
