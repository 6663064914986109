"""The look: contrasts, computed from the colours of the style sheet, and what machines can check of the pages."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

import ademan.studio.web
from ademan.studio.web.sections import SECTIONS
from ademan.studio.web.texts import LANGUAGES
from tests.studio.web.conftest import Running

WEB = Path(ademan.studio.web.__file__).parent
CSS = (WEB / "static" / "look.css").read_text(encoding="utf-8")
COLOURS = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)", CSS)
TEXT_ON = [
    ("ink", ("page", "panel", "sunken")),
    ("muted", ("page", "panel", "sunken")),
    ("accent", ("page", "panel", "sunken")),
    ("accent-strong", ("page", "panel", "accent-soft")),
    ("on-accent", ("accent", "accent-strong")),
    ("bad", ("panel", "bad-soft")),
    ("on-bad", ("bad",)),
    ("good", ("panel", "good-soft")),
    ("warn", ("panel", "warn-soft")),
    ("ink", ("accent-soft",)),
]
SERIES = [(f"series-{tone}", ("panel",)) for tone in range(1, 9)]
EDGE_ON = [
    *SERIES,
    ("edge", ("page", "panel")),
    ("accent", ("page", "panel")),
    ("bad", ("panel",)),
    *((side, ("page", "panel", "sunken")) for side in ("left", "right", "middle")),
]
PATHS = ("/login", "/register", "/account", "/members/1", "/nothing", *(section.path for section in SECTIONS))
NAMED = {"a", "button", "h1", "h2", "h3", "th", "title"}
EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "path"}


def luminance(colour: str) -> float:
    """Return the relative luminance of WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_computed_as_it_should_be() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_can_be_read(theme: str) -> None:
    colours = {name: light if theme == "light" else dark for name, light, dark in COLOURS}
    for least, pairs in ((4.5, TEXT_ON), (3.0, EDGE_ON)):
        for name, grounds in pairs:
            for ground in grounds:
                found = contrast(colours[name], colours[ground])
                assert found >= least, f"{name} on {ground} in {theme}: {found:.2f}"


def test_every_colour_is_one_of_the_named() -> None:
    rules = CSS.partition("--round:")[2]
    assert re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", rules) == []
    assert set(re.findall(r"var\(--([\w-]+)", rules)) <= {name for name, *_ in re.findall(r"--([\w-]+)():", CSS)}


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_inline() -> None:
    for path in (*WEB.rglob("*.html"), *WEB.rglob("*.css"), *WEB.rglob("*.js"), *WEB.rglob("*.svg")):
        content = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|@import|url\((?!\")", content), path.name
        if path.suffix == ".html":
            assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:|\|\s*safe|autoescape", content), path.name
            for script in re.findall(r"<script[^>]*>", content):
                assert 'src="/static/' in script, path.name


class Reader(HTMLParser):
    """Takes a page apart, and notes what is wrong with how it is built."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.labels: set[str] = set()
        self.fields: list[dict[str, str]] = []
        self.refers: list[str] = []
        self.landmarks: list[str] = []
        self._open: list[str] = []
        self._nameless: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in EMPTY:
            self._open.append(tag)
        if tag in NAMED:
            self._nameless.append("")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        self.landmarks += [tag] if tag in ("header", "nav", "main", "footer") else []
        self.ids += [given["id"]] if "id" in given else []
        self.labels |= {given["for"]} if "for" in given else set()
        for name in ("aria-describedby", "aria-labelledby", "popovertarget"):
            self.refers += given.get(name, "").split()
        self._look(tag, given)

    def _look(self, tag: str, given: dict[str, str]) -> None:
        if tag == "img" and "alt" not in given:
            self.problems.append("a picture without alt")
        if tag == "svg" and given.get("aria-hidden") != "true":
            self.problems.append("a drawing without a text")
        if tag in ("input", "select", "textarea") and given.get("type") != "hidden" and "aria-hidden" not in given:
            self.fields.append(given)

    def handle_data(self, data: str) -> None:
        self._nameless = [text + data for text in self._nameless]

    def handle_endtag(self, tag: str) -> None:
        if tag in EMPTY:
            return
        if not self._open or self._open.pop() != tag:
            self.problems.append(f"</{tag}> closes something else")
        if tag in NAMED and not self._nameless.pop().strip():
            self.problems.append(f"<{tag}> has no name")

    def all_problems(self) -> list[str]:
        found = [*self.problems, *(f"<{tag}> stays open" for tag in self._open)]
        found += [f"id {one} stands twice" for one in set(self.ids) if self.ids.count(one) > 1]
        found += [f"{one} is referred to, and missing" for one in self.refers if one not in self.ids]
        found += [f"field {one.get('name')} has no label" for one in self.fields if one.get("id") not in self.labels]
        if self.headings[:1] != [1] or self.headings.count(1) != 1:
            found.append("the first heading, and no other, is of level 1")
        return found + ["headings leave out a level" for one, next_ in pairwise(self.headings) if next_ > one + 1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_is_well_built(studio: Running, language: str) -> None:
    admin, guest = studio.visitor(), studio.visitor()
    admin.log_in("Ada")
    studio.members.invite(1)
    for visitor, paths in ((admin, PATHS), (guest, PATHS[:2])):
        visitor.get("/login")
        visitor.post("/appearance", {"language": language, "theme": "auto", "next": "/"})
        for path in paths:
            page = visitor.get(path)
            if page.status_code == 303:
                continue  # to log in while one is
            reader = Reader()
            reader.feed(page.text)
            reader.close()
            assert reader.all_problems() == [], path
            assert set(reader.landmarks) >= {"header", "main", "footer"}
            assert f'<html lang="{language}">' in page.text
            assert '<a class="skip unseen" href="#main">' in page.text


def test_a_page_with_errors_is_well_built_too(studio: Running) -> None:
    visitor = studio.visitor()
    pages = [visitor.register("", "x", "y"), visitor.log_in("Ada", "wrong wrong"), visitor.log_in("", "")]
    visitor.log_in("Ada")
    pages += [visitor.post("/account/password"), visitor.post("/account/delete")]
    for page in pages:
        assert page.status_code == 422
        reader = Reader()
        reader.feed(page.text)
        assert reader.all_problems() == []
        assert "<title>Error: " in page.text
        assert 'aria-invalid="true"' in page.text or 'role="alert"' in page.text
