"""A new user's way through the studio, in a real browser, with real recordings before the webcam.

Register, record three gestures, review, train, try, see events, correct one, look at the figures, train again, promote,
roll back. Two other people have recorded the same gestures, so that whole persons can be kept for the test. With
ADEMAN_TEST_PICTURES a folder, pictures of all pages are left there, in both themes and as wide as a phone.
"""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ademan.landmarks.model_files import FOLDER_VARIABLE
from ademan.studio.config import StudioConfig
from ademan.studio.data import Database
from ademan.studio.data.files import open_files
from tests.landmarks.conftest import model_files
from tests.server.browser import Visit, browser, visit
from tests.studio.conftest import PASSWORD, Studio
from tests.studio.journey.others import contribute
from tests.studio.journey.webcam import put_webcam, show
from tests.studio.processes import Program, program

__all__ = ["browser", "model_files", "visit"]  # fixtures
GESTURES = {"light on": "light_on", "fan up": "fan_up", "five": "num5"}
NEITHER = ("num0", "set_thermo")  # what people show whose clips are of no gesture
TRAINED_MS = 900_000
PHONE = {"width": 375, "height": 740}

pytestmark = pytest.mark.slow


@pytest.fixture
def config(tmp_path: Path) -> StudioConfig:
    return StudioConfig(data=str(tmp_path / "studio"))


@pytest.fixture
def running(config: StudioConfig, model_files: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Program]:
    monkeypatch.setenv(FOLDER_VARIABLE, str(model_files))
    with program(config, "studio", "--port", "0") as studio, program(config, "worker") as worker:
        assert studio.url
        worker.wait_until_said("Waiting for jobs")
        yield studio


@pytest.fixture
def data(config: StudioConfig, running: Program) -> Iterator[Studio]:
    database = Database(config.database_url)
    yield Studio(config, database, open_files(config))
    database.close()


def test_from_a_first_visit_to_a_model_that_is_rolled_back(
    running: Program, data: Studio, visit: Visit, real_data: Path
) -> None:
    videos = real_data / "home-gestures" / "raw_videos"
    page = visit(f"{running.url}/", expected="", viewport={"width": 1280, "height": 860})
    put_webcam(page)
    page.set_default_timeout(20_000)
    register(page)
    make_set(page)
    record(page, videos)
    owner = data.sets.all()[0]
    for name, subject in (("Ana", "s1"), ("Bo", "s3")):
        contribute(data, owner, name, [*of(videos, subject)])
    review(page)
    first = train(page)
    make_live(page, first)
    try_and_correct(page, videos, str(owner.id))
    figures(page)
    accept_correction(page, str(owner.id))
    second = train(page)
    assert second != first
    swap(page, visit, running, owner.id, first, second)
    take_pictures(page, running.url, owner.id, second)


def of(videos: Path, subject: str) -> Iterator[tuple[str, Path]]:
    """Give what another person recorded."""
    kinds = [*GESTURES.items(), *(("idle", kind) for kind in NEITHER)]
    for label, kind in kinds:
        for path in sorted((videos / kind).glob(f"{kind}_{subject}_*.mp4")):
            yield label, path


def register(page: Page) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text("Create an account")  # where a studio begins
    page.reload()  # with the webcam
    page.fill("#name", "Ada")
    page.fill("#password", PASSWORD)
    page.fill("#again", PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ada")


def make_set(page: Page) -> None:
    page.get_by_role("link", name="Record", exact=True).first.click()
    page.get_by_role("link", name="New set of gestures").first.click()
    page.get_by_label("Name of the set").fill("Home")
    for i, name in enumerate(GESTURES):
        page.fill(f"#gesture-{i}", name)
    page.get_by_role("button", name="Make the set").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Record: Home")


def record(page: Page, videos: Path) -> None:
    """Record three clips of each gesture and three of none, being led by the prompts."""
    page.fill("#clips", "3")
    page.fill("#seconds", "5")  # as long as the recordings
    page.fill("#countdown", "1")
    page.select_option("#order", "blocks")
    page.get_by_role("button", name="Start the camera").click()
    kinds, shown, kept = {**GESTURES, "anything": NEITHER[0], "idle": NEITHER[0]}, ("", -1), 0
    end_s = time.monotonic() + 400
    while page.locator("#summary").is_hidden():
        assert time.monotonic() < end_s, f"{kept} clips were kept"
        word = page.locator("#word").inner_text().lower()
        kind = next((kind for name, kind in kinds.items() if name in word), shown[0])
        if kind and (kind, kept) != shown:
            show(page, videos / kind / f"{kind}_s2_{1 + kept % 3}.mp4")
            shown = kind, kept
        if page.locator("#keep").is_visible():
            page.locator("#keep").click()
            kept += 1
            expect(page.locator("#decide")).to_be_hidden()
        page.wait_for_timeout(100)
    expect(page.locator("#summary-lead")).to_contain_text("12")


def review(page: Page) -> None:
    """Accept all clips, those of the others too."""
    page.get_by_role("link", name="Review", exact=True).first.click()
    while page.locator("#clips").count():
        page.check("#all")
        page.locator("#clips .bulk").get_by_role("button", name="Accept").click()
        expect(page.locator(".card[data-state=new]")).to_have_count(0)
        page.reload()
    expect(page.get_by_role("heading", name="Everything is reviewed")).to_be_visible()


def train(page: Page) -> int:
    """Ask for a training, follow it to its end, and return the id of the version that came of it."""
    page.get_by_role("link", name="Jobs", exact=True).first.click()
    page.get_by_role("button", name="Train now").click()
    state = page.locator("#state")
    expect(state).to_have_text("running", timeout=60_000)
    expect(state).to_have_text("done", timeout=TRAINED_MS)
    link = page.get_by_role("link", name=re.compile("To version"))
    expect(link).to_be_visible()
    address = link.get_attribute("href")
    assert address
    return int(address.rpartition("/")[2])


def make_live(page: Page, version: int) -> None:
    """Promote a version, unless the gate did so."""
    page.get_by_role("link", name="Models", exact=True).first.click()
    page.locator(f'a[href="/models/{version}"]').first.click()
    promote = page.get_by_role("link", name="Make it live")
    if promote.count():
        promote.click()
        page.get_by_role("button", name=re.compile("make version")).click()
    expect(page.locator(".title .tag")).to_have_text("live")


def try_and_correct(page: Page, videos: Path, owner: str) -> None:
    page.goto(f"{page.url.partition('/models')[0]}/try?set={owner}")
    page.get_by_role("button", name="Start the camera").click()
    show(page, videos / "light_on" / "light_on_s2_2.mp4", videos / "num5" / "num5_s2_2.mp4")
    events = page.locator("#events > li")
    expect(events.first).to_be_visible(timeout=60_000)
    expect(page.locator("#pace")).to_contain_text("frames a second")
    picture(page, "trying")
    event = events.filter(has=page.get_by_role("button", name="That was something else")).first
    event.get_by_role("button", name="That was something else").click()
    event.locator("select").select_option(index=0)
    event.get_by_role("button", name="Save").click()
    expect(page.locator("#events")).to_contain_text("was:")
    expect(page.locator("#toasts")).to_contain_text("Its points are a clip now")


def figures(page: Page) -> None:
    page.get_by_role("link", name="Figures", exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Figures")
    for gesture in GESTURES:
        expect(page.locator("main")).to_contain_text(gesture)
    with page.expect_download() as download:
        page.locator('a[href*=".csv"]').first.click()
    assert download.value.path().read_text(encoding="utf-8-sig").count("\n") >= 2


def accept_correction(page: Page, owner: str) -> None:
    page.get_by_role("link", name="Review", exact=True).first.click()
    page.get_by_role("link", name=re.compile("Corrected predictions")).click()
    card = page.locator(".card").first
    expect(card).to_contain_text("corrected")
    card.get_by_role("button", name="Accept").click()
    expect(page.locator(".card[data-state=new]")).to_have_count(0)


def swap(page: Page, visit: Visit, running: Program, owner: int, first: int, second: int) -> None:
    """Promote the second version, and go back to the first, while somebody tries."""
    make_live(page, second)
    page.get_by_role("link", name=re.compile("Back to version")).click()
    page.get_by_role("button", name=re.compile("make version")).click()
    page.goto(f"{running.url}/models/{first}")
    expect(page.locator(".title .tag")).to_have_text("live")
    page.goto(f"{running.url}/models/{second}")
    expect(page.locator(".title .tag")).not_to_have_text("live")


def take_pictures(page: Page, url: str, owner: int, version: int) -> None:
    """Leave pictures of all pages, if a folder was given for them; no page may be wider than its window."""
    paths = {
        "home": "/", "try": f"/try?set={owner}", "record": "/record", "session": f"/record/{owner}", "clips": "/clips",
        "set": f"/sets/{owner}", "review": f"/review?set={owner}&state=accepted", "figures": "/figures",
        "models": "/models", "model": f"/models/{version}", "promote": f"/models/{version}/promote",
        "compare": f"/models/compare?old={version - 1}&new={version}", "jobs": "/jobs", "job": "/jobs/1",
        "members": "/members", "account": "/account",
    }  # fmt: skip
    for theme, size in (("light", None), ("dark", None), ("light", PHONE)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size(size or {"width": 1280, "height": 860})  # type: ignore[arg-type]
        for name, path in paths.items():
            page.goto(url + path)
            page.wait_for_timeout(500)  # figures move and charts are drawn
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), (name, theme, size)
            picture(page, f"{name}-{'phone' if size else theme}", full_page=True)


def picture(page: Page, name: str, *, full_page: bool = False) -> None:
    folder = os.environ.get("ADEMAN_TEST_PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=full_page)
