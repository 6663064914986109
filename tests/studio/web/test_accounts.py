"""Accounts in a browser: registering, logging in and out, sessions, passwords, leaving."""

import re
import statistics
import time
from pathlib import Path

import pytest
import requests
from sqlalchemy import func, select

from ademan.server.tls import self_signed
from ademan.studio.data.settings import REGISTRATION
from ademan.studio.data.tables import Login, User
from tests.studio.web.conftest import GOOD, Running, Start, Visitor

NO_FIT = "Name and password do not fit together."


def test_the_first_visitor_is_asked_to_register_and_becomes_an_admin(start: Start) -> None:
    visitor = start().visitor()
    assert visitor.get("/").headers["location"] == "/login"
    assert visitor.get("/login").headers["location"] == "/register"
    assert "becomes its administrator" in visitor.get("/register").text
    assert visitor.register("Ada").headers["location"] == "/"
    page = visitor.get("/").text
    assert "Hello, Ada" in page
    assert 'href="/members"' in page


def test_the_second_one_is_a_member_and_does_not_see_what_is_for_admins(studio: Running) -> None:
    visitor = studio.visitor()
    visitor.register("Boris")
    assert 'href="/members"' not in visitor.get("/").text
    assert visitor.get("/members").status_code == 403


def test_what_is_wrong_with_a_registration_stands_beside_its_fields(studio: Running) -> None:
    page = studio.visitor().register(" ", "short", "other")
    assert page.status_code == 422
    for name, told in (("name", "1 to 64"), ("password", "at least 8"), ("again", "not the same")):
        assert re.search(rf'id="{name}"[^>]*aria-invalid="true"[^>]*{name}-error', page.text), name
        assert re.search(rf'id="{name}-error".*?{told}', page.text, re.S), name
    assert "short" not in page.text  # a password is never sent back


@pytest.mark.parametrize("password", ["password123", "Boris Boris", "aaaaaaaaaaaa", "x" * 300])
def test_a_password_that_would_be_guessed_is_refused(studio: Running, password: str) -> None:
    page = studio.visitor().register("Boris Boris", password)
    assert (page.status_code, "choose another one" in page.text) == (422, True)


@pytest.mark.parametrize("name", ["Ana María", "李小龍", "Анна-Мария", "نور", "🦊 fox", "a" * 64])
def test_names_of_all_scripts_register_and_log_in(studio: Running, name: str) -> None:
    assert studio.visitor().register(name).headers["location"] == "/"
    visitor = studio.visitor()
    assert visitor.log_in(name.upper()).headers["location"] == "/"
    assert name in visitor.get("/").text


def test_a_name_that_looks_the_same_is_taken(studio: Running) -> None:
    page = studio.visitor().register("\uff21\uff24\uff21")  # ADA, of full width
    assert (page.status_code, "This name is taken" in page.text) == (409, True)


def test_a_name_that_is_markup_is_shown_as_it_is(studio: Running) -> None:
    name = "<script>alert(1)</script>\"'&{{7*7}}"
    visitor = studio.visitor()
    visitor.register(name)
    admin = studio.visitor()
    admin.log_in("Ada")
    for page in (visitor.get("/"), visitor.get("/account"), admin.get("/members"), admin.get("/members/2")):
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;&amp;{{7*7}}" in page.text
    wrong = studio.visitor().log_in(name, "something wrong")
    assert 'value="&lt;script&gt;' in wrong.text


def test_logging_in_gives_a_new_session_and_never_one_that_was_set_before(studio: Running) -> None:
    visitor = studio.visitor()
    planted = "planted-by-somebody-else-0123456789-0123456789"
    visitor.plant("session", planted)
    visitor.log_in("Ada")
    assert visitor.cookie("session") not in ("", planted)
    first = visitor.cookie("session")
    visitor.post("/login", {"name": "Ada", "password": GOOD})
    assert visitor.cookie("session") != first
    stale = studio.visitor()
    stale.plant("session", first)
    assert stale.get("/account").headers["location"].startswith("/login")
    with studio.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Login)) == 1


def test_logging_out_ends_the_session_itself(studio: Running) -> None:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    token = visitor.cookie("session")
    assert visitor.post("/logout").headers["location"] == "/login"
    assert visitor.cookie("session") == ""
    assert "You are logged out." in visitor.get("/login").text
    visitor.plant("session", token)
    assert visitor.get("/").headers["location"] == "/login"


def test_nothing_tells_whether_a_name_exists(studio: Running) -> None:
    known, unknown = studio.visitor().log_in("Ada", "wrong wrong"), studio.visitor().log_in("Eve", "wrong wrong")
    assert known.status_code == unknown.status_code == 422
    assert NO_FIT in known.text

    def blank(page: requests.Response, name: str) -> str:
        return re.sub(r"[0-9a-f]{64}", "", page.text).replace(name, "")

    assert blank(known, "Ada") == blank(unknown, "Eve")
    assert set(known.headers) == set(unknown.headers)


def test_an_unknown_name_takes_as_long_as_a_known_one(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    from ademan.studio.data.passwords import Passwords
    from tests.studio.web import conftest

    monkeypatch.setattr(conftest, "QUICK", Passwords(time_cost=2, memory_kib=16_384))
    running = start()
    running.accounts.register("Ada", GOOD)

    def took(name: str) -> float:
        visitor = running.visitor()
        visitor.get("/login")
        before = time.perf_counter()
        visitor.post("/login", {"name": name, "password": "wrong wrong"})
        return time.perf_counter() - before

    times = [(took("Ada"), took(f"Eve {i}")) for i in range(5)]
    known, unknown = (statistics.median(column) for column in zip(*times, strict=True))
    assert 0.4 < known / unknown < 2.5


def test_guessing_is_stopped_and_told_when_to_come_again(studio: Running) -> None:
    visitor = studio.visitor()
    answers = [visitor.log_in("Ada", f"guess number {i}") for i in range(8)]
    assert [answer.status_code for answer in answers] == [422] * 6 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) > 60
    assert "Too many tries" in answers[-1].text
    assert visitor.log_in("Ada").status_code == 429  # even with the right one
    assert studio.visitor().register("Boris").status_code == 303  # others are not kept out


def test_the_current_password_cannot_be_guessed_in_a_stolen_session(studio: Running) -> None:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    wrong = {"current": "guess", "password": "another good one", "again": "another good one"}
    assert [visitor.post("/account/password", wrong).status_code for _ in range(7)] == [422] * 6 + [429]
    assert visitor.post("/account/delete", {"own_password": "guess", "sure": "yes"}).status_code == 429


def test_changing_the_password_ends_all_other_sessions(studio: Running) -> None:
    here, there = studio.visitor(), studio.visitor()
    here.log_in("Ada")
    there.log_in("Ada")
    fields = {"current": GOOD, "password": "another good one", "again": "another good one"}
    assert here.post("/account/password", fields).headers["location"] == "/account"
    assert "The password is changed" in here.get("/account").text
    assert there.get("/account").status_code == 303
    assert studio.visitor().log_in("Ada").status_code == 422
    assert studio.visitor().log_in("Ada", "another good one").status_code == 303


def test_the_wrong_current_password_changes_nothing(studio: Running) -> None:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    fields = {"current": "not it", "password": "another good one", "again": "another good one"}
    page = visitor.post("/account/password", fields)
    assert (page.status_code, "This is not your password." in page.text) == (422, True)
    assert studio.visitor().log_in("Ada").status_code == 303


def test_one_sees_ones_sessions_and_ends_another(studio: Running) -> None:
    here, phone = studio.visitor(), studio.visitor()
    here.log_in("Ada")
    phone.session.headers["User-Agent"] = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) Version/19 Safari/604.1"
    )
    phone.log_in("Ada")
    page = here.get("/account").text
    assert "Safari on iPhone" in page
    ends = re.findall(r"/account/sessions/(\d+)/end", page)
    assert len(ends) == 1  # not for the one that is looking
    assert here.post(f"/account/sessions/{ends[0]}/end").headers["location"] == "/account"
    assert phone.get("/account").status_code == 303


def test_nobody_ends_the_session_of_another_one(studio: Running) -> None:
    admin, boris = studio.member("Clara", "admin"), studio.member("Boris")
    with studio.database.reading() as session:
        theirs = session.scalar(select(Login.id).join(User).where(User.name == "Clara"))
    refused = boris.post(f"/account/sessions/{theirs}/end")
    assert (refused.status_code, refused.headers.get("location")) == (404, None)
    assert admin.get("/account").status_code == 200


def test_leaving_needs_the_password_and_a_tick_and_leaves_nothing(studio: Running) -> None:
    visitor = studio.member("Boris")
    for fields, told in (
        ({"own_password": GOOD}, "Tick this"),
        ({"own_password": "not it", "sure": "yes"}, "This is not your password."),
    ):
        page = visitor.post("/account/delete", fields)
        assert (page.status_code, told in page.text) == (422, True)
    assert visitor.post("/account/delete", {"own_password": GOOD, "sure": "yes"}).headers["location"] == "/login"
    assert "are deleted" in visitor.get("/login").text
    assert studio.visitor().log_in("Boris").status_code == 422
    with studio.database.reading() as session:
        assert session.scalars(select(User.name)).all() == ["Ada"]


def test_the_last_admin_cannot_leave_the_others_alone(studio: Running) -> None:
    studio.member("Boris")
    visitor = studio.visitor()
    visitor.log_in("Ada")
    page = visitor.post("/account/delete", {"own_password": GOOD, "sure": "yes"})
    assert (page.status_code, "somebody else must be an administrator" in page.text) == (403, True)


def test_by_invitation_only_means_that(studio: Running) -> None:
    studio.settings.set(REGISTRATION, "invitation")
    visitor = studio.visitor()
    assert "by invitation" in visitor.get("/register").text
    assert visitor.register("Boris").status_code == 403
    assert visitor.register("Boris", invitation="made-up-made-up-made-up").status_code == 422
    token = studio.members.invite(1, "admin")
    assert token in visitor.get(f"/register?invitation={token}").text
    assert visitor.register("Boris", invitation=token).headers["location"] == "/"
    assert visitor.get("/members").status_code == 200
    assert studio.visitor().register("Clara", invitation=token).status_code == 422  # it was for one


@pytest.mark.parametrize("name", ["a\x00b", "a\nb", "", "x" * 5000, "\u202eevil"])
def test_names_that_are_none_do_no_harm(studio: Running, name: str) -> None:
    assert studio.visitor().log_in(name, "wrong wrong").status_code == 422
    assert studio.visitor().register(name).status_code == 422


def test_all_of_it_goes_on_both_databases(start: Start, database_url: str) -> None:
    running = start(database_url=database_url)
    ada, boris = running.visitor(), running.visitor()
    assert ada.register("Ада").headers["location"] == "/"
    assert boris.log_in("a\x00b", "wrong wrong").status_code == 422
    assert boris.register("Boris").headers["location"] == "/"
    assert "Boris" in ada.get("/members").text
    fields = {"current": GOOD, "password": "another good one", "again": "another good one"}
    assert boris.post("/account/password", fields).headers["location"] == "/account"
    boris.get("/account")
    assert boris.post("/account/delete", {"own_password": "another good one", "sure": "yes"}).status_code == 303
    assert "Boris" not in ada.get("/members").text
    assert ada.post("/logout").headers["location"] == "/login"


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(studio: Running) -> None:
    visitor = studio.visitor()
    set_ = [visitor.get("/login").headers["set-cookie"]]
    visitor.get("/login")
    answer = visitor.session.post(
        studio.url + "/login",
        data={"csrf": visitor.token, "name": "Ada", "password": GOOD},
        allow_redirects=False,
        timeout=10,
    )
    set_ += answer.raw.headers.getlist("set-cookie")
    assert len(set_) == 3
    for one in set_:
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(one.split("; ")), one
        assert "Secure" not in one
        assert "Domain" not in one


def test_with_https_they_are_secure_and_bound_to_the_host(start: Start, tmp_path: Path) -> None:
    pair = self_signed(tmp_path / "tls", ["127.0.0.1"])
    running = start(pair)
    running.accounts.register("Ada", GOOD)
    visitor = Visitor(running.url)
    visitor.session.trust_env = False  # or its own list of authorities would come first
    visitor.session.verify = str(pair[0].with_name("authority.crt"))
    visitor.log_in("Ada")
    kept = {cookie.name: cookie for cookie in visitor.session.cookies}
    assert set(kept) == {"__Host-ademan-session"}
    session = kept["__Host-ademan-session"]
    assert (session.secure, session.path, session.domain_specified) == (True, "/", False)
    assert visitor.get("/account").status_code == 200
