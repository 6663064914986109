"""The first page, and what belongs to all pages: language, colours, texts for scripts."""

from fastapi import Request, Response
from starlette.responses import JSONResponse

from ademan.studio.web.errors import WebError
from ademan.studio.web.guard import Filled, Here, Who, member_router, open_router
from ademan.studio.web.pages import THEMES, go, visitor_of
from ademan.studio.web.progress import steps
from ademan.studio.web.security import LANGUAGE, THEME, local_path, set_cookie
from ademan.studio.web.texts import LANGUAGES, texts

router = open_router()
members = member_router()


@members.get("/")
def home(request: Request, studio: Here, who: Who) -> Response:
    """Show what to do next."""
    return studio.pages.show(request, "home", steps=steps(studio.database, who.person))


@router.post("/appearance")
def choose_appearance(request: Request, studio: Here, form: Filled) -> Response:
    """Choose language and colours."""
    language, theme = form.get("language", ""), form.get("theme", "")
    if language not in LANGUAGES or theme not in THEMES:
        raise WebError("bad", f"expected a language of {', '.join(LANGUAGES)} and colours of {', '.join(THEMES)}.")
    visitor = visitor_of(request)
    if visitor is not None:
        studio.accounts.set_locale(visitor.person.id, language)
    response = go(request, local_path(form.get("next", "/"), anywhere=True), said="appearance")
    set_cookie(response, request, LANGUAGE, language)
    set_cookie(response, request, THEME, theme)
    return response


@router.get("/texts/{language}.json")
def give_texts(language: str) -> Response:
    """Return all texts of a language, for scripts."""
    if language not in LANGUAGES:
        raise WebError("gone", f"there are no texts in {language[:20]!r}.")
    return JSONResponse(dict(texts(language)), headers={"Cache-Control": "no-cache"})
