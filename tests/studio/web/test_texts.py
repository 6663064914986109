"""Texts in all languages, and who gets which."""

import json
import re
import string
from pathlib import Path

import pytest

import ademan.studio.web
from ademan.studio.web.errors import KINDS
from ademan.studio.web.pages import THEMES
from ademan.studio.web.sections import SECTIONS
from ademan.studio.web.texts import LANGUAGES, TEXTS, chosen, speaker, texts

WEB = Path(ademan.studio.web.__file__).parent
SAME = {
    *("page.failed", "role.admin", "account.title", "home.done", "members.clips", "models.title"),
    *("time.seconds", "time.minutes", "time.hours", "clips.count"),
}
"""What is written alike in two languages."""
OTHERS = [language for language in LANGUAGES if language != "en"]


def places(text: str) -> list[str]:
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def test_there_is_one_file_a_language() -> None:
    assert {path.stem for path in TEXTS.glob("*.json")} == set(LANGUAGES)


@pytest.mark.parametrize("language", OTHERS)
def test_all_languages_have_the_same_keys_in_the_same_order(language: str) -> None:
    assert list(texts(language)) == list(texts("en"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_languages_have_the_same_places_and_no_markup(language: str) -> None:
    for key, text in texts(language).items():
        assert places(text) == places(texts("en")[key]), key
        assert text.strip() == text != "", key
        assert not re.search(r"[<>]|&\w+;", text), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_stands_twice(language: str) -> None:
    pairs = json.loads((TEXTS / f"{language}.json").read_text(encoding="utf-8"), object_pairs_hook=list)
    assert len({key for key, _ in pairs}) == len(pairs)


@pytest.mark.parametrize("language", OTHERS)
def test_texts_are_translated(language: str) -> None:
    same = [key for key, text in texts(language).items() if text == texts("en")[key]]
    assert set(same) <= SAME


def used() -> set[str]:
    """Return the keys that templates, scripts and routes ask for by name, and those that they put together."""
    found = {"page.failed"}
    for path in (*WEB.rglob("*.html"), *WEB.rglob("*.py"), *WEB.rglob("*.js")):
        found |= set(re.findall(r"""["']([a-z_]+\.[a-z_]+)["']""", path.read_text(encoding="utf-8")))
        found |= {f"said.{key}" for key in re.findall(r'said="(\w+)"', path.read_text(encoding="utf-8"))}
    found |= {f"{section.name}.title" for section in SECTIONS} | {f"group.{section.group}" for section in SECTIONS}
    found |= {f"error.{kind.text}{more}" for kind in KINDS.values() for more in ("", "_text")}
    found |= {f"appearance.{theme}" for theme in THEMES} | {"role.member", "role.admin"}
    found |= {f"home.{step}{more}" for step in ("record", "review", "train", "try") for more in ("", "_text", "_do")}
    return found | {f"error.{name}" for name in ("wrong_login", "too_many", "invitation", "last_admin")}


def test_every_text_is_used_and_every_text_that_is_used_is_there() -> None:
    known = set(texts("en"))
    assert known - used() == set()
    templates = "".join(path.read_text(encoding="utf-8") for path in WEB.rglob("*.html"))
    asked = set(re.findall(r"""\bt\("([a-z_]+\.[a-z_]+)"[,)]""", templates))
    routes = "".join(path.read_text(encoding="utf-8") for path in WEB.rglob("*.py"))
    asked |= set(re.findall(r"""say(?:_to\(request\))?\("([a-z_]+\.[a-z_]+)"[,)]""", routes))
    asked |= {f"said.{key}" for key in re.findall(r'said="(\w+)"', routes)}
    assert len(asked) > 100
    assert asked - known == set()


def test_values_are_put_into_their_places_as_they_are() -> None:
    assert speaker("en")("home.hello", name="{0} %s") == "Hello, {0} %s"


@pytest.mark.parametrize(
    ("wanted", "accepted", "expected"),
    [
        ((), "", "en"),
        ((), "ru", "ru"),
        ((), "de, es-AR;q=0.8, ru;q=0.9", "ru"),
        ((), "es;q=0, ru;q=0.1", "ru"),
        ((), "es;q=nonsense", "en"),
        (("", "es"), "ru", "es"),
        (("xx", ""), "ES-mx", "es"),
        (("ru", "es"), "en", "ru"),
        ((), "," * 5000 + "ru", "en"),
    ],
)
def test_the_language_is_that_of_the_account_the_cookie_or_the_browser(
    wanted: tuple[str, ...], accepted: str, expected: str
) -> None:
    assert chosen(*wanted, accepted=accepted) == expected
