"""Headers, methods, sizes, and where somebody is sent on to."""

import json
import re
from urllib.parse import quote, urljoin, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.studio.web.security import CONTENT_POLICY, local_path
from ademan.studio.web.texts import LANGUAGES
from tests.server.conftest import wait_for
from tests.studio.web.conftest import GOOD, Running

MUST = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def test_every_answer_has_the_headers_whatever_it_is(studio: Running) -> None:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    answers = [
        visitor.get("/"),
        visitor.get("/nothing"),
        visitor.get("/static/look.css"),
        visitor.get("/static/nothing.css"),
        visitor.get("/static/../app.py"),
        visitor.get("/texts/en.json"),
        visitor.get("/members/999999"),
        visitor.get("/members/none"),
        visitor.ask("POST", "/logout"),
        visitor.ask("PUT", "/"),
        visitor.ask("HEAD", "/"),
        visitor.ask("OPTIONS", "/"),
        visitor.ask("POST", "/login", data=b"x" * 100_000, headers={"Content-Type": "text/plain"}),
        studio.visitor().get("/"),
    ]
    assert {answer.status_code for answer in answers} == {200, 303, 403, 404, 405, 413}
    for answer in answers:
        assert {name: answer.headers.get(name) for name in MUST} == MUST, answer.request.url
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "unsafe" not in policy
        assert "camera=(self)" in answer.headers["Permissions-Policy"]
        assert re.fullmatch("[0-9a-f]{12}", answer.headers["X-Request-Id"])
        assert "server" not in answer.headers
        assert "access-control-allow-origin" not in answer.headers


def test_the_policy_says_what_it_should() -> None:
    assert CONTENT_POLICY["frame-ancestors"] == CONTENT_POLICY["base-uri"] == CONTENT_POLICY["default-src"] == "'none'"
    assert CONTENT_POLICY["connect-src"] == CONTENT_POLICY["form-action"] == CONTENT_POLICY["font-src"] == "'self'"
    assert CONTENT_POLICY["img-src"] == "'self' data: blob:"
    assert CONTENT_POLICY["media-src"] == "'self' blob:"


def test_pages_are_kept_by_nobody_and_files_are_asked_for_anew(studio: Running) -> None:
    visitor = studio.visitor()
    assert visitor.get("/login").headers["Cache-Control"] == "no-store"
    answer = visitor.get("/static/look.css")
    assert answer.headers["Cache-Control"] == "no-cache"
    again = visitor.get("/static/look.css", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.text) == (304, "")


def test_a_fault_is_answered_with_its_number_and_nothing_else(
    studio: Running, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from ademan.studio.web.routes import pages

    visitor = studio.visitor()
    visitor.log_in("Ada")

    def fail(*_: object) -> None:
        raise RuntimeError("a secret of the inside")

    monkeypatch.setattr(pages, "steps", fail)
    answer = visitor.get("/")
    assert answer.status_code == 500
    assert answer.headers["X-Request-Id"] in answer.text
    assert "A fault of the studio" in answer.text
    assert "inside" not in answer.text
    assert "frame-ancestors" in answer.headers["Content-Security-Policy"]
    assert "a secret of the inside" in caplog.text


def test_a_database_that_is_away_is_told_and_heals(studio: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    from ademan.studio.data import StudioError
    from ademan.studio.data.accounts import Accounts

    visitor = studio.visitor()
    visitor.log_in("Ada")

    def away(*_: object) -> None:
        raise StudioError("unavailable", "the database cannot be used now.")

    with monkeypatch.context() as patch:
        patch.setattr(Accounts, "find", away)
        answer = visitor.get("/")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert "Wait a moment" in answer.text
    assert visitor.get("/").status_code == 200


def test_head_is_get_without_the_content_and_other_methods_are_refused(studio: Running) -> None:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    head, page = visitor.ask("HEAD", "/account"), visitor.get("/account")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Type"] == page.headers["Content-Type"]
    assert visitor.ask("HEAD", "/static/look.css").headers["Content-Length"]
    for method in ("OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"):
        answer = visitor.ask(method, "/account")
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


@pytest.mark.parametrize("size", [65_537, 3_000_000])
def test_a_form_that_is_too_large_is_refused(studio: Running, size: int) -> None:
    visitor = studio.visitor()
    visitor.get("/login")
    page = visitor.post("/login", {"name": "a" * size, "password": GOOD})
    assert (page.status_code, "That is too large" in page.text) == (413, True)

    def pieces() -> object:
        for _ in range(size // 1000 + 1):
            yield b"a" * 1000

    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert visitor.ask("POST", "/login", data=pieces(), headers=form).status_code == 413
    assert visitor.ask("POST", "/login", data=pieces(), headers={"Content-Type": "text/plain"}).status_code == 403


@pytest.mark.parametrize(
    "body", [b"csrf=%ff%fe", b"\xff\xfe=1", b"&".join(b"a%d=1" % i for i in range(500)), b"csrf", b"=&=&;", b"%"]
)
def test_forms_that_are_none_are_refused(studio: Running, body: bytes) -> None:
    visitor = studio.visitor()
    visitor.get("/login")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert visitor.ask("POST", "/login", data=body, headers=form).status_code in (403, 422)


def test_files_outside_of_the_folder_are_not_given(studio: Running) -> None:
    for path in (
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static//etc/passwd",
        "/static/%00",
        "/texts/..%2fen.json",
    ):
        assert studio.visitor().get(path).status_code == 404, path


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "",
        "///evil.example",
        "/login?next=/login",
        "/\u2028/evil.example",
    ],
)
def test_nobody_is_sent_elsewhere_after_logging_in(studio: Running, onward: str) -> None:
    visitor = studio.visitor()
    page = visitor.get(f"/login?next={quote(onward)}")
    assert '<input type="hidden" name="next" value="/">' in page.text
    assert visitor.log_in("Ada", next=onward).headers["location"] == "/"
    assert visitor.get(f"/login?next={quote(onward)}").headers["location"] == "/"
    answer = visitor.post("/appearance", {"language": "en", "theme": "auto", "next": onward})
    assert urlsplit(urljoin(studio.url, answer.headers["location"])).netloc == urlsplit(studio.url).netloc


def test_after_logging_in_one_is_where_one_wanted_to_be(studio: Running) -> None:
    visitor = studio.visitor()
    asked = visitor.get("/clips?page=2&name=Ana%20Mar%C3%ADa")
    onward = visitor.get(asked.headers["location"])
    hidden = re.search(r'name="next" value="([^"]*)"', onward.text)
    assert hidden
    back = visitor.post("/login", {"name": "Ada", "password": GOOD, "next": hidden[1].replace("&amp;", "&")})
    assert back.headers["location"] == "/clips?page=2&name=Ana%20Mar%C3%ADa"


@given(st.text(alphabet=st.sampled_from("/\\.:@?#\t\n\r evil%2F"), max_size=12))
def test_a_local_path_never_leads_away(path: str) -> None:
    found = urlsplit(urljoin("https://studio.test/login", local_path(path, anywhere=True)))
    assert (found.scheme, found.netloc) == ("https", "studio.test")
    assert "\\" not in local_path(path, anywhere=True)


def test_language_and_colours_are_chosen_and_kept(studio: Running) -> None:
    visitor = studio.visitor()
    assert '<html lang="es">' in visitor.get("/login", headers={"Accept-Language": "es-MX,en;q=0.5"}).text
    assert '<html lang="en">' in visitor.get("/login", headers={"Accept-Language": "fr, xx;q=1.x, *;q=0.1"}).text
    visitor.post("/appearance", {"language": "ru", "theme": "dark", "next": "/login"})
    page = visitor.get("/login", headers={"Accept-Language": "es"}).text
    assert '<html lang="ru" data-theme="dark">' in page
    assert "Сохранено." in page
    assert "Сохранено." not in visitor.get("/login").text  # told once
    visitor.log_in("Ada")
    visitor.post("/appearance", {"language": "es", "theme": "light", "next": "/"})
    elsewhere = studio.visitor()
    elsewhere.log_in("Ada")
    assert '<html lang="es">' in elsewhere.get("/").text  # goes with the account
    assert elsewhere.post("/appearance", {"language": "xx", "theme": "dark"}).status_code == 422


def test_what_is_told_in_passing_cannot_be_made_up(studio: Running) -> None:
    visitor = studio.visitor()
    for made_up in ("<script>", "../error.bad", "nothing", "x" * 500):
        visitor.plant("said", made_up)
        page = visitor.get("/login")
        assert page.status_code == 200
        assert '<div id="toasts" role="status" aria-live="polite"></div>' in page.text


@pytest.mark.parametrize("language", LANGUAGES)
def test_scripts_get_the_texts(studio: Running, language: str) -> None:
    answer = studio.visitor().get(f"/texts/{language}.json")
    assert answer.headers["Content-Type"] == "application/json"
    assert json.loads(answer.text)["login.title"]


def test_texts_of_no_language_are_not_there(studio: Running) -> None:
    assert studio.visitor().get("/texts/xx.json").status_code == 404


def test_the_log_has_no_invitation(studio: Running, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "ademan.studio")
    studio.visitor().get("/register?invitation=very-secret-token")
    told = wait_for(lambda: [vars(record) for record in caplog.records if record.name == "ademan.studio"])
    assert [record["path"] for record in told] == ["/register"]
    assert "very-secret" not in str(told)


def test_it_says_that_it_is_well(studio: Running) -> None:
    assert studio.visitor().get("/health").json()["status"] == "ok"
