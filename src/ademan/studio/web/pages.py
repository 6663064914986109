"""Pages: templates filled for whoever asks, in their language and colours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from ademan.studio.data.accounts import Visitor
from ademan.studio.web.amounts import percenter
from ademan.studio.web.errors import WebError
from ademan.studio.web.sections import navigation
from ademan.studio.web.security import (
    LANGUAGE,
    SAFE_METHODS,
    SAID,
    THEME,
    VISIT,
    Visit,
    drop_cookies,
    read_cookie,
    set_cookie,
)
from ademan.studio.web.texts import LANGUAGES, Say, chosen, speaker, texts

TEMPLATES = Path(__file__).parent / "templates"
THEMES = ("auto", "light", "dark")


class Blank(dict[str, str]):
    """Texts by name; one that is not there is empty, and stays away."""

    def __missing__(self, _: str) -> str:
        return ""


@dataclass
class Form:
    """A form as it is shown: what was filled in, and what is wrong with it.

    Args:
        values: of its fields; those of passwords are never shown again.
        errors: what is wrong, by field.
        problem: what is wrong with all of it.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    problem: str = ""

    def __post_init__(self) -> None:
        self.values, self.errors = Blank(self.values), Blank(self.errors)

    @property
    def is_wrong(self) -> bool:
        """Whether anything is."""
        return bool(self.errors or self.problem)


class Pages:
    """Fills templates."""

    def __init__(self) -> None:
        self._templates = _templates()

    def show(self, request: Request, template: str, status: int = 200, **more: Any) -> Response:
        """Return a page.

        Args:
            request: which asked for it.
            template: its name without .html; also that of the section which the navigation marks.
            status: of HTTP.
            more: what the template needs beside `t`, `visitor`, `csrf` and the like.
        """
        said = read_cookie(request, SAID)
        say = say_to(request)
        words = {"said": say(f"said.{said}") if f"said.{said}" in texts(language_of(request)) else ""}
        content = self._templates.get_template(f"{template}.html").render(
            {**_context(request, say), "here": template, "failed": status >= 400, **words, **more}
        )
        response = Response(content, status, {"Cache-Control": "no-store"}, "text/html")
        if said:
            drop_cookies(response, request, [SAID])
        keep_visit(response, request)
        return response

    def refuse(self, request: Request, refusal: WebError) -> Response:
        """Return the answer to what is refused: JSON for programs, a page for people."""
        kind = refusal.kind
        if wants_json(request):
            content = {"error": {"code": refusal.code, "message": refusal.message}}
            return JSONResponse(content, kind.status, refusal.headers)
        say = say_to(request)
        more = {
            "heading": say(f"error.{kind.text}"),
            "text": say(f"error.{kind.text}_text"),
            "request_id": getattr(request.state, "id", "") if kind.status >= 500 else "",
        }
        response = self.show(request, "error", kind.status, **more)
        response.headers.update(refusal.headers)
        return response


def go(request: Request, path: str, said: str = "") -> Response:
    """Send the browser to another page, after a form was done.

    Args:
        request: with the form.
        path: a path of this studio.
        said: what that page tells in passing: the text said.<said>.
    """
    response = RedirectResponse(path, 303, {"Cache-Control": "no-store"})
    if said:
        set_cookie(response, request, SAID, said)
    return response


def keep_visit(response: Response, request: Request) -> None:
    """Give a browser in which nobody is logged in the cookie that its forms need."""
    visit: Visit | None = getattr(request.state, "visit", None)
    if visit is not None and visit.is_new:
        set_cookie(response, request, VISIT, visit.value)


def visitor_of(request: HTTPConnection) -> Visitor | None:
    """Return who is logged in; nobody before the request was let in."""
    visitor: Visitor | None = getattr(request.state, "visitor", None)
    return visitor


def say_to(request: HTTPConnection) -> Say:
    """Return what says texts in the language of whoever asks."""
    return speaker(language_of(request))


def language_of(request: HTTPConnection) -> str:
    """Return the language: that of the account, of the browser's cookie, or of its settings."""
    visitor = visitor_of(request)
    own = visitor.person.locale if visitor else ""
    return chosen(own, read_cookie(request, LANGUAGE), accepted=request.headers.get("accept-language", ""))


def wants_json(request: HTTPConnection) -> bool:
    """Return whether a program asks, not a person."""
    asked = request.headers.get("accept", "")
    return request.scope["path"].startswith("/api/") or ("application/json" in asked and "text/html" not in asked)


def _context(request: Request, say: Say) -> dict[str, Any]:
    visitor, theme = visitor_of(request), read_cookie(request, THEME)
    address = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
    return {
        "t": say,
        "language": language_of(request),
        "languages": LANGUAGES.items(),
        "percent": percenter(language_of(request)),
        "theme": theme if theme in THEMES else "auto",
        "themes": THEMES,
        "visitor": visitor.person if visitor else None,
        "csrf": getattr(request.state, "token", ""),
        "navigation": navigation(visitor.person.role) if visitor else [],
        "place": address if request.method in SAFE_METHODS else "/",
    }


@cache
def _templates() -> Environment:
    """Return the templates, each of which is compiled once in a process."""
    templates = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(iso=_iso, utc=_utc)
    return templates


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")


def _utc(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%d %H:%M} UTC"
