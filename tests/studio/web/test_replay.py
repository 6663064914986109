"""Figures and replays, in a real browser: what is drawn where, in which colours, and when it moves."""

import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.server.browser import Visit, browser, visit
from tests.studio.web.conftest import Running
from tests.studio.web.test_browser import logged_in

__all__ = ["browser", "visit"]  # fixtures
SHAPE = {"points": 4, "limbs": [[0, 1], [2, 3]], "sides": ["left", "left", "right", ""]}
CLIP = {
    "points": [[[0.1 + 0.02 * i, 0.25], [0.1 + 0.02 * i, 0.75], [0.75, 0.5], None] for i in range(20)],
    "times_ms": [40 * i for i in range(20)],
    "width": 640,
    "height": 480,
}
CANVAS = """([shape, clip, options]) => (async () => {
    const canvas = document.createElement("canvas");
    canvas.style.cssText = "";
    canvas.style.width = "320px";
    canvas.style.height = "240px";
    document.getElementById("main").replaceChildren(canvas);
    window.modules = { ...await import("/static/figure.js"), ...await import("/static/replay.js") };
    window.canvas = canvas;
    if (clip) window.player = window.modules.replay(canvas, shape, clip, options);
    else window.figure = new window.modules.Figure(canvas, shape, options);
})()"""
COLOUR_AT = """([x, y]) => {
    const scale = canvas.width / canvas.clientWidth;
    return [...canvas.getContext("2d").getImageData(Math.round(x * scale), Math.round(y * scale), 1, 1).data];
}"""
COLOUR_OF = """(name) => {
    const probe = document.createElement("p");
    document.body.append(probe);
    probe.style.color = `var(--${name})`;
    const found = getComputedStyle(probe).color.match(/[0-9.]+/g).map(Number);
    probe.remove();
    return found.slice(0, 3);
}"""


def until(page: Page, expression: str) -> None:
    """Wait until something holds; the policy of the pages forbids Playwright's own way."""
    end = time.monotonic() + 15
    while not page.evaluate(expression):
        assert time.monotonic() < end, f"not within 15 s: {expression}"
        page.wait_for_timeout(20)


def prepared(
    visit: Visit, studio: Running, clip: dict[str, Any] | None = None, *, options: object = None, **more: Any
) -> Page:
    page = logged_in(visit, studio, expected="willReadFrequently", **more)  # the tests read what is drawn
    page.evaluate(CANVAS, [SHAPE, clip, options or {}])
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_sides_have_their_colours_and_what_is_not_seen_is_left_out(studio: Running, visit: Visit, scheme: str) -> None:
    page = prepared(visit, studio, color_scheme=scheme)
    page.evaluate("figure.draw([[0.25, 0.25], [0.25, 0.75], [0.75, 0.5], null], {picture: {width: 4, height: 3}})")
    assert page.evaluate(COLOUR_AT, [80, 120])[:3] == page.evaluate(COLOUR_OF, "left")
    assert page.evaluate(COLOUR_AT, [242, 120])[:3] == page.evaluate(COLOUR_OF, "right")
    assert page.evaluate(COLOUR_AT, [160, 120])[3] == 0  # the limb to a point that is not seen
    assert page.evaluate(COLOUR_AT, [300, 20])[3] == 0


def test_a_mirrored_figure_is_turned_and_a_cleared_one_is_gone(studio: Running, visit: Visit) -> None:
    page = prepared(visit, studio, options={"mirrored": True})
    page.evaluate("figure.draw([[0.25, 0.25], [0.25, 0.75], null, null], {picture: {width: 4, height: 3}})")
    assert page.evaluate(COLOUR_AT, [240, 120])[3] == 255
    assert page.evaluate(COLOUR_AT, [80, 120])[3] == 0
    page.evaluate("figure.clear()")
    assert page.evaluate(COLOUR_AT, [240, 120])[3] == 0


def test_a_figure_keeps_the_pictures_shape_and_the_screens_pixels(studio: Running, visit: Visit) -> None:
    page = prepared(visit, studio, device_scale_factor=2)
    page.evaluate("figure.draw([[0.5, 0], [0.5, 1], null, null], {picture: {width: 320, height: 120}})")
    assert page.evaluate("[canvas.width, canvas.height]") == [640, 480]
    assert page.evaluate(COLOUR_AT, [160, 120])[3] == 255
    assert page.evaluate(COLOUR_AT, [160, 40])[3] == 0  # above a picture that is 120 high, in a space of 240


def test_a_figure_is_drawn_anew_when_its_canvas_or_the_theme_changes(studio: Running, visit: Visit) -> None:
    page = prepared(visit, studio, color_scheme="light")
    page.evaluate("figure.draw([[0.25, 0.25], [0.25, 0.75], null, null], {picture: {width: 4, height: 3}})")
    page.evaluate("canvas.style.width = '160px', canvas.style.height = '120px'")
    until(page, "canvas.width === 160")
    assert page.evaluate(COLOUR_AT, [40, 60])[:3] == page.evaluate(COLOUR_OF, "left")
    light = page.evaluate(COLOUR_OF, "left")
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(COLOUR_OF, "left")
    assert dark != light
    until(page, f"canvas.getContext('2d').getImageData(40, 60, 1, 1).data[0] === {dark[0]}")


def test_a_replay_goes_on_by_itself_pauses_and_begins_anew(studio: Running, visit: Visit) -> None:
    page = prepared(visit, studio, CLIP)
    assert page.evaluate("player.playing")
    until(page, "player.now > 300")
    page.evaluate("player.pause()")
    stopped = page.evaluate("player.now")
    assert page.evaluate("new Promise((go) => setTimeout(() => go(player.now), 120))") == stopped
    page.evaluate("player.seek(750), player.play()")
    until(page, "player.now < 400")  # after its end
    page.evaluate("player.stop()")
    assert not page.evaluate("player.playing")
    assert page.evaluate(COLOUR_AT, [242, 120])[3] == 0


def test_steps_go_from_frame_to_frame_and_no_further_than_the_ends(studio: Running, visit: Visit) -> None:
    page = prepared(visit, studio, CLIP, options={"start": False})
    page.evaluate("player.seek(0)")
    assert page.evaluate("player.step(-1), player.now") == 0
    assert page.evaluate("player.step(3), player.now") == 120
    assert page.evaluate("player.step(-1), player.now") == 80
    assert page.evaluate("player.step(100), player.now") == 760


def test_one_steers_a_replay_by_the_keyboard(studio: Running, visit: Visit) -> None:
    page = prepared(visit, studio, CLIP, options={"controls": True, "start": False})
    slider = page.get_by_role("slider", name="Moment of the clip")
    slider.focus()
    slider.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", "0.0 of 0.8 s")
    for _ in range(5):
        slider.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "0.2 of 0.8 s")
    slider.press("End")
    assert page.evaluate("player.now") == 760
    slider.press("Space")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Pause").press("Enter")
    expect(page.get_by_role("button", name="Play")).to_be_focused()
    page.evaluate("player.stop()")
    expect(slider).to_have_count(0)


def test_where_less_motion_is_asked_for_a_replay_waits_and_can_be_started(studio: Running, visit: Visit) -> None:
    page = prepared(visit, studio, CLIP, reduced_motion="reduce")
    assert not page.evaluate("player.playing")
    assert page.evaluate(COLOUR_AT, [242, 120])[3] == 255  # a frame of its middle
    page.get_by_role("button", name="Play").click()
    until(page, "player.playing")


@pytest.mark.parametrize(
    "points",
    [[], [[None] * 4], [[None] * 4, [[0.5, 0.5], None, None, None]]],
    ids=["nothing", "unseen", "one point"],
)
def test_clips_of_next_to_nothing_are_no_trouble(studio: Running, visit: Visit, points: list[Any]) -> None:
    clip = {**CLIP, "points": points, "times_ms": [40 * i for i in range(len(points))]}
    page = prepared(visit, studio, clip, options={"close": True, "controls": True})
    page.evaluate("player.play(), player.step(1), player.seek(10), player.step(-1)")
    assert page.evaluate("Number.isFinite(player.now)")


def test_a_close_view_shows_what_moves_as_large_as_it_fits(studio: Running, visit: Visit) -> None:
    page = prepared(visit, studio)
    box = page.evaluate("modules.extent([[[0.4, 0.4], null], [[0.5, 0.6], [0.45, 0.5]]])")
    assert box["x"] < 0.4
    assert box["x"] + box["width"] > 0.5
    assert box["y"] < 0.4
    assert box["y"] + box["height"] > 0.6
    assert box["width"] < 0.4
