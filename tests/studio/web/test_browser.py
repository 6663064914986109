"""The pages in a real browser: nothing that the policy forbids, no script needed, good on a phone and by keyboard."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ademan.studio.web.sections import SECTIONS
from tests.server.browser import Visit, browser, visit
from tests.studio.web.conftest import GOOD, Running

__all__ = ["browser", "visit"]  # fixtures
PHONE: dict[str, Any] = {"viewport": {"width": 375, "height": 740}, "has_touch": True, "is_mobile": True}
PATHS = ("/account", "/members", "/members/1", *(section.path for section in SECTIONS))
WIDE = "document.documentElement.scrollWidth > innerWidth"
TOO_SMALL = """
    [...document.querySelectorAll("main a.button, main button, .bar button, select, input:not([type=hidden])")]
        .filter((one) => one.checkVisibility() && !one.matches(".unseen, [type=checkbox], [type=radio]"))
        .filter((one) => one.getBoundingClientRect().height < 44)
        .map((one) => one.outerHTML)
"""


def logged_in(visit: Visit, studio: Running, *, expected: str = "", **context: Any) -> Page:
    page = visit(f"{studio.url}/login", expected=expected, **context)
    page.fill("#name", "Ada")
    page.fill("#password", GOOD)
    page.click("main button")
    page.wait_for_url(f"{studio.url}/")
    return page


@pytest.mark.parametrize("context", [{}, PHONE, {"color_scheme": "dark"}], ids=["desk", "phone", "dark"])
def test_every_page_fits_and_breaks_no_rule(studio: Running, visit: Visit, context: dict[str, Any]) -> None:
    studio.accounts.register("Maximiliana-Konstantina-von-und-zu-Hohenlohe-Schillingsfürst", GOOD)
    page = logged_in(visit, studio, **context)
    for path in PATHS:
        page.goto(studio.url + path)
        assert not page.evaluate(WIDE), path
        if context is PHONE:
            assert page.evaluate(TOO_SMALL) == [], path


def test_all_of_it_works_without_scripts(studio: Running, visit: Visit) -> None:
    page = logged_in(visit, studio, java_script_enabled=False, **PHONE)
    expect(page.get_by_role("heading", level=1)).to_have_text("Hello, Ada")
    expect(page.get_by_role("link", name="My clips")).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("link", name="My clips").click()
    page.wait_for_url(f"{studio.url}/clips")
    page.select_option("#language", "es")
    page.select_option("#theme", "dark")
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mis clips")
    expect(page.get_by_role("status")).to_have_text("Guardado.")
    page.get_by_role("button", name="Menú").click()
    page.get_by_role("button", name="Salir").click()
    page.wait_for_url(f"{studio.url}/login")


def test_colours_go_with_the_device_until_one_chooses(studio: Running, visit: Visit) -> None:
    page = visit(f"{studio.url}/login", color_scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(ground)
    assert light != dark
    page.select_option("#theme", "dark")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate(ground) == dark


def test_the_keyboard_is_enough_and_focus_is_seen(studio: Running, visit: Visit) -> None:
    page = visit(f"{studio.url}/login")
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type("Ada")
    page.keyboard.press("Tab")
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{studio.url}/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport(ratio=1)
    assert float(re.sub("[^0-9.]", "", skip.evaluate("(one) => getComputedStyle(one).outlineWidth"))) >= 2
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("main").get_by_role("link", name="Record")).to_be_focused()


def test_the_menu_of_a_phone_closes_by_escape(studio: Running, visit: Visit) -> None:
    page = logged_in(visit, studio, **PHONE)
    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("link", name="Models")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Models")).to_be_hidden()
    expect(page.get_by_role("button", name="Menu")).to_be_focused()


def test_a_wrong_form_brings_one_to_what_is_wrong(studio: Running, visit: Visit) -> None:
    page = visit(f"{studio.url}/register", expected="status of 422")
    page.fill("#name", "Boris")
    page.fill("#password", "short")
    page.fill("#again", "short")
    page.get_by_role("button", name="Create account").click()
    expect(page.locator("#password")).to_be_focused()
    expect(page.locator("#password")).to_have_accessible_description(re.compile("needs at least 8 characters"))
    expect(page.locator("#name")).to_have_value("Boris")
    assert page.title().startswith("Error: ")


def test_scripts_ask_with_the_token_and_are_told_what_was_refused(studio: Running, visit: Visit) -> None:
    page = logged_in(visit, studio, expected="status of 404")
    told = page.evaluate(
        """async () => {
            const { ask, Refused } = await import("/static/api.js");
            const { text } = await import("/static/texts.js");
            const { toast } = await import("/static/toast.js");
            toast(text("home.hello", { name: "<b>Ada</b>" }));
            const health = await ask("GET", "/health");
            try {
                await ask("GET", "/nothing");
            } catch (error) {
                return [health.status, error instanceof Refused, error.status, error.code];
            }
        }"""
    )
    assert told == ["ok", True, 404, "gone"]
    expect(page.get_by_role("status")).to_have_text("Hello, <b>Ada</b>")


def test_times_are_shown_as_the_readers_clock_does(studio: Running, visit: Visit) -> None:
    page = logged_in(visit, studio, timezone_id="Asia/Tokyo")
    page.goto(f"{studio.url}/account")
    time = page.locator("main time").first
    expect(time).not_to_contain_text("UTC")
    utc = time.get_attribute("datetime")
    assert utc is not None
    hour = int(utc[11:13])
    expect(time).to_contain_text(f"{(hour + 9 - 1) % 12 + 1}:{utc[14:16]}")
