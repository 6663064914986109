"""Passwords: which are taken, and Argon2id, by which nobody can read them back."""

import secrets
import threading
import unicodedata
from functools import cached_property

from pwdlib import PasswordHash
from pwdlib.exceptions import PwdlibError
from pwdlib.hashers.argon2 import Argon2Hasher

from ademan.studio.data.errors import StudioError
from ademan.studio.data.names import name_key

SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 256
_AT_ONCE = 4  # each takes 64 MB of memory for a moment
_COMMON = frozenset(
    "password password1 password123 passw0rd 12345678 123456789 1234567890 11111111 qwertyui qwertyuiop qwerty123 "
    "asdfghjkl 1q2w3e4r 1qaz2wsx abcd1234 iloveyou sunshine princess football baseball letmein1 welcome1 "
    "contraseña qwerty12".split()
)
"""Those of at least eight characters at the top of the lists of stolen ones."""


class Passwords:
    """Makes and checks what is kept of passwords. Takes a tenth of a second of a core: never on an event loop.

    Args:
        time_cost: rounds.
        memory_kib: memory of one check; the defaults are those that OWASP and RFC 9106 find enough.
    """

    def __init__(self, time_cost: int = 3, memory_kib: int = 65_536) -> None:
        self._hasher = PasswordHash((Argon2Hasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=1),))
        self._room = threading.BoundedSemaphore(_AT_ONCE)

    def hash(self, password: str) -> str:
        """Return what is kept of a password."""
        with self._room:
            return self._hasher.hash(_normalised(password))

    def check(self, password: str, kept: str | None) -> tuple[bool, str | None]:
        """Return whether a password fits, and what to keep of it from now on if that is to change.

        With nothing kept, since nobody is called so, it takes as long and does not fit.
        """
        password = _normalised(password[: LONGEST_PASSWORD + 1])
        with self._room:
            try:
                fits, better = self._hasher.verify_and_update(password, kept or self._nobodys)
            except PwdlibError:
                return False, None
        return (fits, better) if kept else (False, None)

    @cached_property
    def _nobodys(self) -> str:
        return self._hasher.hash(secrets.token_urlsafe())


def check_password(password: str, name: str) -> None:
    """Refuse a password that would be guessed.

    Raises:
        StudioError: 'bad', it is too short or long, common, the name, or one character again and again.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise StudioError("bad", f"A password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters.")
    key = name_key(password)
    if key in _COMMON or key == name_key(name) or len(set(key)) < 3:
        raise StudioError("bad", "This password would be guessed soon. Take a longer one, such as four words.")


def _normalised(password: str) -> str:
    """Return what is hashed: keyboards and systems compose letters in different ways."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace").decode()
