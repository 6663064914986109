"""What admins do with members and invitations."""

import html
import re

from tests.studio.web.conftest import GOOD, Running, Visitor


def admin_of(studio: Running) -> Visitor:
    visitor = studio.visitor()
    visitor.log_in("Ada")
    visitor.get("/members")
    return visitor


def test_an_invitation_is_shown_once_used_once_and_can_be_taken_back(studio: Running) -> None:
    admin = admin_of(studio)
    page = admin.post("/members/invitations", {"role": "member"})
    link = re.search(r'<code class="secret">([^<]+)</code>', page.text)
    assert link
    assert link[1].startswith(f"{studio.url}/register?invitation=")
    assert 'class="secret"' not in admin.get("/members").text
    token = link[1].rpartition("=")[2]
    assert studio.visitor().register("Boris", invitation=token).status_code == 303
    admin.post("/members/invitations", {"role": "admin"})
    ids = re.findall(r"/members/invitations/(\d+)/withdraw", admin.get("/members").text)
    assert len(ids) == 1
    assert admin.post(f"/members/invitations/{ids[0]}/withdraw").headers["location"] == "/members"
    assert "withdraw" not in admin.get("/members").text


def test_a_role_that_there_is_not_is_refused(studio: Running) -> None:
    admin = admin_of(studio)
    assert admin.post("/members/invitations", {"role": "god"}).status_code == 422
    studio.accounts.register("Boris", GOOD)
    assert admin.post("/members/2/role", {"role": "god"}).status_code == 422
    assert admin.post("/members/99/role", {"role": "admin"}).status_code == 404


def test_a_member_is_made_an_admin_and_back(studio: Running) -> None:
    admin, boris = admin_of(studio), studio.member("Boris")
    assert admin.post("/members/2/role", {"role": "admin"}).headers["location"] == "/members/2"
    assert boris.get("/members").status_code == 200
    admin.post("/members/2/role", {"role": "member"})
    assert boris.get("/members").status_code == 403


def test_the_last_admin_stays_one(studio: Running) -> None:
    studio.accounts.register("Boris", GOOD)
    admin = admin_of(studio)
    assert admin.post("/members/1/role", {"role": "member"}).status_code == 403
    assert admin.post("/members/1/active", {"active": "no"}).status_code == 403
    assert admin.post("/members/1/delete", {"sure": "yes"}).status_code == 403
    assert admin.get("/members").status_code == 200


def test_an_account_is_closed_and_opened_again(studio: Running) -> None:
    admin, boris = admin_of(studio), studio.member("Boris")
    admin.post("/members/2/active", {"active": "no"})
    assert boris.get("/").headers["location"] == "/login"
    assert "closed" in admin.get("/members").text
    admin.post("/members/2/active", {"active": "yes"})
    assert boris.log_in("Boris").status_code == 303


def test_whoever_forgot_a_password_gets_another_one(studio: Running) -> None:
    admin, boris = admin_of(studio), studio.member("Boris")
    page = admin.post("/members/2/password").text
    given = re.search(r'<code class="secret">([^<]+)</code>', page)
    assert given
    assert boris.get("/").headers["location"] == "/login"
    assert boris.log_in("Boris", html.unescape(given[1])).status_code == 303


def test_deleting_a_member_needs_a_tick(studio: Running) -> None:
    studio.accounts.register("Boris", GOOD)
    admin = admin_of(studio)
    page = admin.post("/members/2/delete")
    assert (page.status_code, "Tick this" in page.text) == (422, True)
    assert admin.post("/members/2/delete", {"sure": "yes"}).headers["location"] == "/members"
    page = admin.get("/members")
    assert "are deleted" in page.text
    assert "Boris" not in page.text
    assert admin.get("/members/2").status_code == 404


def test_registration_is_closed_and_opened(studio: Running) -> None:
    admin = admin_of(studio)
    admin.post("/members/registration", {"registration": "invitation"})
    assert "by invitation only" in admin.get("/members").text
    assert studio.visitor().register("Boris").status_code == 403
    admin.post("/members/registration", {"registration": "open"})
    assert studio.visitor().register("Boris").status_code == 303
    assert admin.post("/members/registration", {"registration": "maybe"}).status_code == 422
