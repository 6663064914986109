"""What keeps others out of a visitor's browser: headers, cookies, tokens, and where a form may come from.

A form or a request of a script that changes something must come from a page of the studio itself (its `Origin` and
`Sec-Fetch-Site` say so, where the browser sends them) and carry the session's token. Before somebody is logged in, a
random cookie takes the place of the session, so that nobody can be logged in as somebody else without knowing it.
"""

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import Response

from ademan.studio.web.errors import WebError

CONTENT_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "connect-src": "'self'",
    "media-src": "'self' blob:",
    "font-src": "'self'",
    "worker-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}
HEADERS: Final = {
    "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in CONTENT_POLICY.items()),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With no-referrer browsers would say "Origin: null" of the studio's own forms.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every answer, whatever it answers."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SESSION, VISIT, SAID, LANGUAGE, THEME = "session", "visit", "said", "language", "theme"
"""Names of the cookies; `cookie_name` says how a browser knows them."""
TOKEN_FIELD, TOKEN_HEADER = "csrf", "x-csrf-token"
_YEAR_S: Final = 365 * 24 * 3600
_AGE_S: Final = {VISIT: None, SAID: 60, LANGUAGE: _YEAR_S, THEME: _YEAR_S}
_MADE_HERE: Final = re.compile(r"[A-Za-z0-9_-]{32,128}")


def cookie_name(name: str, *, encrypted: bool) -> str:
    """Return a cookie's full name; with `__Host-` no other host and no page without encryption can set it."""
    return f"__Host-ademan-{name}" if encrypted else f"ademan-{name}"


def is_encrypted(connection: HTTPConnection) -> bool:
    """Return whether the browser reaches the studio by https."""
    return connection.scope["scheme"] in ("https", "wss")


def read_cookie(connection: HTTPConnection, name: str) -> str:
    """Return a cookie's value; empty if it is not there."""
    return connection.cookies.get(cookie_name(name, encrypted=is_encrypted(connection)), "")


def set_cookie(response: Response, connection: HTTPConnection, name: str, value: str, age_s: int | None = None) -> None:
    """Give the browser a cookie that scripts cannot read and that other sites do not send along.

    Args:
        response: to which it is added.
        connection: whose scheme decides about its name and the flag Secure.
        name: one of those above.
        value: letters, digits, - and _ only.
        age_s: how long it is kept; by default what is right for the name.
    """
    encrypted = is_encrypted(connection)
    response.set_cookie(
        cookie_name(name, encrypted=encrypted),
        value,
        max_age=_AGE_S.get(name) if age_s is None else age_s,
        path="/",
        secure=encrypted,
        httponly=True,
        samesite="lax",
    )


def drop_cookies(response: Response, connection: HTTPConnection, names: Iterable[str]) -> None:
    """Have the browser forget cookies."""
    encrypted = is_encrypted(connection)
    for name in names:
        full = cookie_name(name, encrypted=encrypted)
        response.delete_cookie(full, path="/", secure=encrypted, httponly=True, samesite="lax")


@dataclass(frozen=True)
class Visit:
    """A browser in which nobody is logged in.

    Args:
        value: of its cookie.
        token: that its forms must carry; it cannot be told from the cookie without the studio's secret.
        is_new: whether the browser is yet to be given the cookie.
    """

    value: str
    token: str
    is_new: bool


def visit_of(connection: HTTPConnection, secret: bytes) -> Visit:
    """Return the visit of a browser, or a new one."""
    found = read_cookie(connection, VISIT)
    is_new = _MADE_HERE.fullmatch(found) is None
    value = secrets.token_urlsafe(32) if is_new else found
    return Visit(value, hmac.digest(secret, f"visit {value}".encode(), "sha256").hex(), is_new)


def check_token(given: str, expected: str) -> None:
    """Refuse a form without the session's token.

    Raises:
        WebError: 'stale'; it has none, or another session's.
    """
    if not hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise WebError("stale", "the request carries no token of this session, or an old one; reload the page.")


def check_origin(headers: Headers) -> None:
    """Refuse what a page of another site sends; what is no browser says nothing of sites.

    Raises:
        WebError: 'stale'; it comes from elsewhere.
    """
    origin = headers.get("origin")
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise WebError("stale", "pages of other sites cannot use this studio.")
    if origin is not None and _place(origin) != headers.get("host", "").lower():
        raise WebError("stale", f"pages of {origin[:100]!r} cannot use this studio.")


def _place(origin: str) -> str | None:
    """Return host and port of an origin; None if it has none, as `null`."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:  # half an address
        return None


def local_path(path: str, *, anywhere: bool = False) -> str:
    """Return a path of this studio to go on to, or the first page's if this is none.

    Browsers read a backslash as a slash, and leave out tabs and line ends; so neither may be in it.

    Args:
        path: given by whoever made the address or the form.
        anywhere: also to the pages to log in and to register.
    """
    is_local = path.startswith("/") and not path.startswith("//") and len(path) <= 2000
    is_plain = "\\" not in path and path.isascii() and path.isprintable()
    is_wanted = anywhere or not path.startswith(("/log", "/register"))
    return path if is_local and is_plain and is_wanted else "/"
