"""Who may ask for what."""

import asyncio
import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import Receive, Scope, Send

from ademan.studio.web.gate import Gate
from ademan.studio.web.guard import AdminRoute, MemberRoute, OpenRoute
from ademan.studio.web.pages import Pages
from ademan.studio.web.routes import ROUTERS
from ademan.studio.web.sections import SECTIONS
from ademan.studio.web.security import SAFE_METHODS
from tests.studio.web.conftest import GOOD, Running

ROUTES: list[APIRoute] = [route for router in ROUTERS for route in router.routes if isinstance(route, OpenRoute)]
OPEN = {
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/register"),
    ("POST", "/register"),
    ("POST", "/logout"),
    ("POST", "/appearance"),
    ("GET", "/texts/{language}.json"),
    ("GET", "/health"),
}


def filled(path: str) -> str:
    """Return a path with something for each of its places."""
    return re.sub(r"\{[^}]*\}", "1", path)


def asked() -> list[tuple[str, str, APIRoute]]:
    return [(method, route.path, route) for route in ROUTES for method in sorted(route.methods or ())]


def of_kind(*kinds: type[OpenRoute]) -> list[tuple[str, str]]:
    return [(method, filled(path)) for method, path, route in asked() if type(route) in kinds]


def test_every_http_route_is_guarded() -> None:
    http = [
        route for router in ROUTERS for route in router.routes if not type(route).__name__.endswith("WebSocketRoute")
    ]
    assert [route for route in http if not isinstance(route, OpenRoute)] == []


def test_only_these_are_open_to_everybody() -> None:
    assert {(method, path) for method, path, route in asked() if type(route) is OpenRoute} == OPEN


def test_nothing_else_answers_than_the_routers_and_the_files(studio: Running) -> None:
    gate = studio.server.config.app
    assert isinstance(gate, Gate)
    app = gate._app
    assert isinstance(app, FastAPI)
    others = [route for route in app.routes if type(route).__name__ != "_IncludedRouter"]
    assert [(type(route), getattr(route, "path", "")) for route in others] == [(Mount, "/static")]


def test_whoever_is_not_logged_in_is_sent_to_do_so(studio: Running) -> None:
    visitor = studio.visitor()
    for method, path in of_kind(MemberRoute, AdminRoute):
        answer = visitor.ask(method, path)
        if path.startswith("/api/"):
            assert answer.status_code == 401, (method, path)
        else:
            assert answer.status_code == 303, (method, path)
            assert answer.headers["location"].startswith("/login"), (method, path)
        program = visitor.ask(method, path, headers={"Accept": "application/json"})
        assert (program.status_code, program.json()["error"]["code"]) == (401, "signed_out"), (method, path)


def test_members_cannot_do_what_is_for_admins(studio: Running) -> None:
    member = studio.member("Boris")
    for method, path in of_kind(AdminRoute):
        answer = member.ask(method, path, headers={"X-CSRF-Token": member.token})
        assert answer.status_code == 403, (method, path)
        assert "This is not for you" in answer.text or "forbidden" in answer.text, (method, path)


def test_no_change_without_a_token(studio: Running) -> None:
    admin = studio.visitor()
    admin.log_in("Ada")
    other = studio.member("Boris")
    changes = [case for case in of_kind(OpenRoute, MemberRoute, AdminRoute) if case[0] not in SAFE_METHODS]
    for method, path in changes:
        told = '"stale"' if path.startswith("/api/") else "open for too long"
        for token in ("", "guessed", other.token):
            answer = admin.ask(method, path, data={"csrf": token, "name": "Eve", "password": GOOD, "again": GOOD})
            assert (answer.status_code, told in answer.text) == (403, True), (method, path)
            by_script = admin.ask(method, path, headers={"X-CSRF-Token": token, "Accept": "application/json"}, json={})
            assert (by_script.status_code, by_script.json()["error"]["code"]) == (403, "stale"), (method, path)


def test_a_token_of_a_visit_is_of_no_use_in_another_nor_after_logging_in(studio: Running) -> None:
    here, there = studio.visitor(), studio.visitor()
    here.get("/login")
    there.get("/login")
    assert here.token != there.token
    fields = {"csrf": there.token, "name": "Ada", "password": GOOD}
    assert here.ask("POST", "/login", data=fields).status_code == 403
    visit = here.token
    here.log_in("Ada")
    assert here.ask("POST", "/logout", data={"csrf": visit}).status_code == 403
    assert here.get("/account").status_code == 200


def test_a_cookie_of_a_visit_alone_does_not_tell_its_token(studio: Running) -> None:
    visitor = studio.visitor()
    visitor.get("/login")
    value = visitor.cookie("visit")
    assert value
    assert value not in visitor.token
    assert visitor.ask("POST", "/login", data={"csrf": value, "name": "Ada", "password": GOOD}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://["},
        {"Origin": ""},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1.evil.example"},
    ],
)
def test_no_page_from_elsewhere_changes_anything_even_with_a_token(studio: Running, headers: dict[str, str]) -> None:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    assert visitor.post("/logout", headers=headers).status_code == 403
    assert visitor.get("/account").status_code == 200


def test_a_page_of_the_studio_itself_may(studio: Running) -> None:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    headers = {"Origin": studio.url, "Sec-Fetch-Site": "same-origin"}
    assert visitor.post("/logout", headers=headers).status_code == 303


def test_a_closed_account_is_out_at_once(studio: Running) -> None:
    boris = studio.member("Boris")
    studio.members.set_active(1, 2, active=False)
    assert boris.get("/account").status_code == 303
    assert boris.log_in("Boris").status_code == 422


def test_who_was_an_admin_is_none_any_more_at_once(studio: Running) -> None:
    clara = studio.member("Clara", "admin")
    assert clara.get("/members").status_code == 200
    studio.members.set_role(1, 2, "member")
    assert clara.get("/members").status_code == 403


def test_all_sections_have_a_page(studio: Running) -> None:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    for section in SECTIONS:
        page = visitor.get(section.path)
        assert page.status_code == 200
        assert page.text.count('aria-current="page"') == 1, section.path


@pytest.mark.parametrize(
    ("origin", "is_let_in"), [("http://studio.test", True), ("", True), ("http://evil.test", False), ("null", False)]
)
def test_a_page_from_elsewhere_opens_no_web_socket(origin: str, is_let_in: bool) -> None:
    reached = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        reached.append(Request({**scope, "type": "http"}).headers.get("origin", ""))

    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    given = [(b"host", b"studio.test"), *([(b"origin", origin.encode())] if origin else [])]
    scope = {"type": "websocket", "path": "/api/live", "headers": given, "scheme": "ws"}
    asyncio.run(Gate(app, Pages())(scope, receive, send))
    assert reached == ([origin] if is_let_in else [])
    assert [message["type"] for message in sent] == ([] if is_let_in else ["websocket.close"])
