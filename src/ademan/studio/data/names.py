"""Names of people, sets and gestures: what they may be, and what is compared to find two that are the same."""

import unicodedata

from ademan.studio.data.errors import StudioError

LONGEST_NAME = 64
_LONGEST_KEY = 256  # compatibility forms of one letter can be 18; an index holds no more


def clean_name(name: str, what: str = "A name") -> str:
    """Return a name as it is kept: composed, without blanks around it.

    Raises:
        StudioError: 'bad', it is empty, too long, or holds what cannot be printed.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if not name_key(name):
        raise StudioError("bad", f"{what} is missing.")
    if len(name) > LONGEST_NAME or len(_folded(name)) > _LONGEST_KEY:
        raise StudioError("bad", f"{what} has {LONGEST_NAME} characters at most, this one has {len(name)}.")
    if not name.isprintable() or not name_key(name).isprintable():
        raise StudioError("bad", f"{what} may hold letters, digits, signs and blanks alone.")
    return name


def name_key(name: str) -> str:
    """Return what is equal for names that look the same but for small and capital letters (NFKC, case folded)."""
    return " ".join(_folded(name).split())


def _folded(name: str) -> str:
    """Return Unicode's toNFKC_Casefold, but for what is invisible, which no name may hold.

    Folding can bring up what composes further, so it is done until nothing changes.
    """
    before, name = "", unicodedata.normalize("NFD", name)
    while before != name:
        before, name = name, unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return name


def clean_text(text: str, longest: int) -> str:
    """Return a text of which nobody knows what it holds, such as a browser's name, fit to be kept and shown."""
    return "".join(letter for letter in text[:longest] if letter.isprintable())
