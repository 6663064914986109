"""What the pages say: one file of texts a language, with the same keys and the same {places} in each."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

LANGUAGES = {"en": "English", "es": "Español", "ru": "Русский"}
"""By their codes, as they call themselves; the first is for those who ask for none of them."""
TEXTS = Path(__file__).parent / "texts"
Say = Callable[..., str]
"""Return the text of a key, its places filled by name."""


@cache
def texts(language: str) -> Mapping[str, str]:
    """Return all texts of a language, by key."""
    found: dict[str, str] = json.loads((TEXTS / f"{language}.json").read_text(encoding="utf-8"))
    return found


def speaker(language: str) -> Say:
    """Return what says texts in a language."""
    known = texts(language)

    def say(key: str, /, **values: object) -> str:
        text = known[key]
        return text.format_map(values) if values else text

    return say


def chosen(*wanted: str, accepted: str = "") -> str:
    """Return the language for somebody.

    Args:
        wanted: codes that were chosen, the most important first; those that are unknown are passed over.
        accepted: the header Accept-Language.
    """
    for code in (*wanted, *_accepted(accepted)):
        if code in LANGUAGES:
            return code
    return next(iter(LANGUAGES))


def _accepted(header: str) -> list[str]:
    """Return the languages of a header, best first, without their countries (RFC 9110, 12.5.4)."""
    weighted: list[tuple[float, str]] = []
    for part in header[:1000].split(","):
        tag, _, parameter = part.partition(";")
        name, _, weight = parameter.strip().partition("=")
        try:
            quality = float(weight) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        if quality > 0:
            weighted.append((quality, tag.strip().partition("-")[0].lower()))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]
