"""Accounts: who gets in, who does not, and what is left when somebody goes."""

import threading
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import select, update

from ademan.studio.data import StudioError, now_ms
from ademan.studio.data.accounts import IDLE_DAYS, Accounts
from ademan.studio.data.limits import Limits, digest_of
from ademan.studio.data.names import clean_name, name_key
from ademan.studio.data.passwords import Passwords
from ademan.studio.data.settings import REGISTRATION
from ademan.studio.data.tables import Attempt, Invitation, Login, User
from tests.studio.conftest import PASSWORD, QUICK, Studio, run_together

DAY_MS = 86_400_000


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(StudioError) as refused:
        call()
    return refused.value.code


@given(st.text(max_size=70))
@example("\ufdfa" * 64)
@example("\u1e9e \u0130I\u0307 ﬃ \u03a3\u03c2")
def test_the_key_of_a_key_is_itself(name: str) -> None:
    key = name_key(name)
    assert name_key(key) == key
    try:
        kept = clean_name(name)
    except StudioError as error:
        assert error.code == "bad"
    else:
        assert clean_name(kept) == kept
        assert name_key(kept) == name_key(name)


@pytest.mark.parametrize(
    "name", ["", " ", "a\nb", "a\x00b", "\u200b", "a" * 65, "\u202eadmin", "\ud800", "\ufdfa" * 20]
)
def test_names_that_cannot_be_shown_are_refused(name: str) -> None:
    assert code_of(lambda: clean_name(name)) == "bad"


@pytest.mark.parametrize("name", ["Zoë", "Анна-Мария д'Арк", "李 小龍", "محمد", "👋"])
def test_names_of_all_scripts_are_taken_and_found_in_other_spellings(studio: Studio, name: str) -> None:
    person = studio.person(f"  {name} ")
    assert person.name == name
    assert studio.accounts.log_in(name.upper(), PASSWORD).visitor.person.id == person.id
    assert code_of(lambda: studio.person(name.swapcase())) == "taken"


def test_the_first_one_is_an_admin_and_the_others_are_not(studio: Studio) -> None:
    assert not studio.accounts.has_people()
    assert [studio.person(name).role for name in ("Ana", "Ben", "Cas")] == ["admin", "member", "member"]
    assert studio.accounts.has_people()


def test_of_many_who_register_first_at_the_same_time_one_is_an_admin(studio: Studio) -> None:
    threads = [threading.Thread(target=studio.person, args=(f"person {i}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with studio.database.reading() as session:
        roles = session.scalars(select(User.role)).all()
    assert sorted(roles) == ["admin"] + ["member"] * 5


@pytest.mark.parametrize("password", ["short", "x" * 257, "password", "PassWord123", "aaaaaaaaaaaa", "Ana Ana Ana"])
def test_passwords_that_would_be_guessed_are_refused(studio: Studio, password: str) -> None:
    assert code_of(lambda: studio.accounts.register("Ana Ana Ana", password)) == "bad"


def test_a_password_in_another_spelling_of_the_same_letters_fits(studio: Studio) -> None:
    studio.accounts.register("Zoë", "contrase\u00f1a larga")
    assert studio.accounts.log_in("Zoe\u0308", "contrasen\u0303a larga").token


def test_passwords_and_tokens_are_not_in_the_database(studio: Studio) -> None:
    studio.person("Ana")
    entry = studio.accounts.log_in("ana", PASSWORD)
    with studio.database.reading() as session:
        user, login = session.scalars(select(User)).one(), session.scalars(select(Login)).one()
    assert user.password.startswith("$argon2id$")
    assert PASSWORD not in user.password
    assert entry.token not in {str(value) for value in vars(login).values()}


def test_the_real_hasher_keeps_what_its_standard_says() -> None:
    kept = Passwords().hash(PASSWORD)
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert Passwords().check(PASSWORD, kept) == (True, None)
    assert Passwords().check("another", kept) == (False, None)
    assert Passwords().check(PASSWORD, "no hash at all") == (False, None)


def test_a_password_kept_by_weaker_settings_is_kept_anew_when_it_is_used(studio: Studio) -> None:
    studio.person("Ana")
    stronger = Accounts(studio.database, studio.files, Passwords(time_cost=2, memory_kib=16))
    stronger.log_in("Ana", PASSWORD)
    with studio.database.reading() as session:
        assert "m=16,t=2" in session.scalars(select(User.password)).one()
    assert stronger.log_in("Ana", PASSWORD).token


def test_an_unknown_name_is_answered_as_a_wrong_password_is_and_takes_as_long(studio: Studio) -> None:
    passwords = Passwords(time_cost=2, memory_kib=8192)
    accounts = Accounts(studio.database, studio.files, passwords, Limits(pair=1000, name=1000))
    accounts.register("Ana", PASSWORD)

    def answer(name: str) -> tuple[str, str, float]:
        begin = time.thread_time()
        with pytest.raises(StudioError) as refused:
            accounts.log_in(name, "not the password")
        return refused.value.code, str(refused.value), time.thread_time() - begin

    answer("Ana"), answer("nobody")
    known = [answer("Ana") for _ in range(7)]
    unknown = [answer("nobody") for _ in range(7)]
    assert {answered[:2] for answered in known} == {answered[:2] for answered in unknown}
    least = [min(answered[2] for answered in answers) for answers in (known, unknown)]  # others use the machine, too
    assert 0.5 < least[0] / least[1] < 2


@pytest.mark.parametrize("name", ["", "\x00", "a" * 10_000, "\ud800", "' OR 1=1 --"])
def test_whatever_is_typed_as_a_name_only_fits_nobody(studio: Studio, name: str) -> None:
    studio.person("Ana")
    assert code_of(lambda: studio.accounts.log_in(name, "\ud800 \x00", address="\x00", agent="\x00")) == "wrong"


def test_failures_are_limited_by_name_and_address_and_others_get_in(studio: Studio) -> None:
    studio.person("Ana")
    studio.person("Ben")
    for _ in range(6):
        assert code_of(lambda: studio.accounts.log_in("Ana", "wrong", address="10.0.0.1")) == "wrong"
    with pytest.raises(StudioError, match="Wait 15 min") as refused:
        studio.accounts.log_in("ANA", PASSWORD, address="10.0.0.1")
    assert refused.value.code == "too_many"
    assert 890 <= (refused.value.retry_after_s or 0) <= 900
    assert studio.accounts.log_in("Ben", PASSWORD, address="10.0.0.1").token
    assert studio.accounts.log_in("Ana", PASSWORD, address="10.0.0.2").token


def test_failures_for_names_that_nobody_has_are_limited_in_the_same_way(studio: Studio) -> None:
    codes = [code_of(lambda: studio.accounts.log_in("nobody", "wrong")) for _ in range(8)]
    assert codes == ["wrong"] * 6 + ["too_many"] * 2


def test_failures_are_limited_for_a_name_from_everywhere_and_for_an_address(studio: Studio) -> None:
    accounts = Accounts(studio.database, studio.files, QUICK, Limits(pair=100, name=3, address=5))
    accounts.register("Ana", PASSWORD)
    for i in range(3):
        assert code_of(lambda i=i: accounts.log_in("Ana", "wrong", address=f"10.0.0.{i}")) == "wrong"  # type: ignore[misc]
    assert code_of(lambda: accounts.log_in("Ana", PASSWORD, address="10.0.0.9")) == "too_many"
    for i in range(5):
        assert code_of(lambda i=i: accounts.log_in(f"n{i}", "wrong", address="10.9.9.9")) == "wrong"  # type: ignore[misc]
    assert code_of(lambda: accounts.log_in("new", "wrong", address="10.9.9.9")) == "too_many"


def test_many_tries_at_once_are_no_way_round_the_limit(studio: Studio) -> None:
    studio.person("Ana")
    codes = []

    def attempt() -> None:
        codes.append(code_of(lambda: studio.accounts.log_in("Ana", "wrong")))

    threads = [threading.Thread(target=attempt) for _ in range(15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes.count("wrong") == 6


def test_a_success_forgets_the_failures_before_it_and_old_ones_count_no_more(studio: Studio) -> None:
    studio.person("Ana")
    for _ in range(3):
        for _ in range(5):
            assert code_of(lambda: studio.accounts.log_in("Ana", "wrong")) == "wrong"
        assert studio.accounts.log_in("Ana", PASSWORD).token
    for _ in range(6):
        assert code_of(lambda: studio.accounts.log_in("Ana", "wrong")) == "wrong"
    with studio.database.writing() as session:
        session.execute(update(Attempt).values(at_ms=now_ms() - 901_000))
    assert studio.accounts.log_in("Ana", PASSWORD).token


def test_names_that_were_typed_are_kept_as_digests_and_for_a_day(studio: Studio) -> None:
    assert code_of(lambda: studio.accounts.log_in("my password by mistake", "x")) == "wrong"
    with studio.database.writing() as session:
        row = session.scalars(select(Attempt)).one()
        assert row.name_key == digest_of("my password by mistake")
        row.at_ms = now_ms() - DAY_MS - 1000
    assert code_of(lambda: studio.accounts.log_in("other", "x")) == "wrong"
    with studio.database.reading() as session:
        assert session.scalars(select(Attempt.name_key)).all() == [digest_of("other")]


def test_registrations_from_one_address_are_limited(studio: Studio) -> None:
    accounts = Accounts(studio.database, studio.files, QUICK, Limits(registrations=2))
    accounts.register("Ana", PASSWORD, address="a")
    accounts.register("Ben", PASSWORD, address="a")
    assert code_of(lambda: accounts.register("Cas", PASSWORD, address="a")) == "too_many"
    assert accounts.register("Cas", PASSWORD, address="b").name == "Cas"


def test_a_login_is_found_by_its_token_until_it_ends(studio: Studio) -> None:
    studio.person("Ana")
    entry = studio.accounts.log_in("Ana", PASSWORD, agent="Browser\x00 1" + "x" * 300)
    assert studio.accounts.find(entry.token) == entry.visitor
    assert len(studio.accounts.logins(entry.visitor.person.id)[0].agent) <= 200
    for token in ("", "x", "x" * 43, entry.token[:-1], entry.token + "x", "\ud800" * 43):
        assert studio.accounts.find(token) is None
    studio.accounts.log_out(entry.token)
    assert studio.accounts.find(entry.token) is None
    studio.accounts.log_out(entry.token)


def test_a_login_that_is_used_lasts_and_one_that_is_not_ends(studio: Studio) -> None:
    studio.person("Ana")
    entry = studio.accounts.log_in("Ana", PASSWORD)

    def at(created: float, seen: float, expires: float) -> None:
        with studio.database.writing() as session:
            now = now_ms()
            times = {"created_ms": created, "seen_ms": seen, "expires_ms": expires}
            session.execute(update(Login).values({name: now + int(days * DAY_MS) for name, days in times.items()}))

    at(-1, -1, 1)
    found = studio.accounts.find(entry.token)
    assert found is not None
    assert found.expires_ms == pytest.approx(now_ms() + IDLE_DAYS * DAY_MS, abs=60_000)
    at(-89, -1, 1)
    found = studio.accounts.find(entry.token)
    assert found is not None
    assert found.expires_ms == pytest.approx(now_ms() + DAY_MS, abs=60_000)
    at(-15, -15, -0.001)
    assert studio.accounts.find(entry.token) is None
    assert studio.accounts.logins(entry.visitor.person.id) == []


def test_each_login_has_another_token_and_ends_the_one_before_in_this_browser(studio: Studio) -> None:
    studio.person("Ana")
    first = studio.accounts.log_in("Ana", PASSWORD)
    second = studio.accounts.log_in("Ana", PASSWORD, old_token=first.token)
    assert first.token != second.token
    assert first.visitor.csrf != second.visitor.csrf
    assert studio.accounts.find(first.token) is None
    assert studio.accounts.find(second.token) is not None


def test_logins_are_listed_and_revoked_by_their_person_alone(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    entries = [studio.accounts.log_in("Ana", PASSWORD, address=f"10.0.0.{i}") for i in range(3)]
    other = studio.accounts.log_in("Ben", PASSWORD)
    assert {login.address for login in studio.accounts.logins(ana.id)} == {"10.0.0.0", "10.0.0.1", "10.0.0.2"}
    assert code_of(lambda: studio.accounts.revoke(ben.id, entries[0].visitor.login_id)) == "gone"
    studio.accounts.revoke(ana.id, entries[0].visitor.login_id)
    assert studio.accounts.find(entries[0].token) is None
    assert studio.accounts.revoke_others(ana.id, entries[2].visitor.login_id) == 1
    assert [login.id for login in studio.accounts.logins(ana.id)] == [entries[2].visitor.login_id]
    assert studio.accounts.find(other.token) is not None


def test_somebody_has_fifty_logins_at_most(studio: Studio) -> None:
    ana = studio.person("Ana")
    first = studio.accounts.log_in("Ana", PASSWORD)
    for _ in range(50):
        studio.accounts.log_in("Ana", PASSWORD)
    assert len(studio.accounts.logins(ana.id)) == 50
    assert studio.accounts.find(first.token) is None


def test_changing_a_password_ends_all_other_logins(studio: Studio) -> None:
    ana = studio.person("Ana")
    here, there = studio.accounts.log_in("Ana", PASSWORD), studio.accounts.log_in("Ana", PASSWORD)
    change = studio.accounts.change_password
    assert code_of(lambda: change(ana.id, "wrong", "another good one")) == "wrong"
    assert code_of(lambda: change(ana.id, PASSWORD, "short")) == "bad"
    change(ana.id, PASSWORD, "another good one", login_id=here.visitor.login_id)
    assert studio.accounts.find(here.token) is not None
    assert studio.accounts.find(there.token) is None
    assert code_of(lambda: studio.accounts.log_in("Ana", PASSWORD)) == "wrong"
    assert studio.accounts.log_in("Ana", "another good one").token


def test_guessing_the_old_password_is_limited_too(studio: Studio) -> None:
    ana = studio.person("Ana")
    codes = [code_of(lambda: studio.accounts.change_password(ana.id, "wrong", "x" * 9)) for _ in range(7)]
    assert codes == ["wrong"] * 6 + ["too_many"]
    assert code_of(lambda: studio.accounts.delete(ana.id, PASSWORD)) == "too_many"


def test_without_open_registration_an_invitation_is_needed_and_works_once(studio: Studio) -> None:
    ana = studio.person("Ana")
    studio.settings.set(REGISTRATION, "invitation")
    assert code_of(lambda: studio.person("Ben")) == "forbidden"
    member, admin = studio.members.invite(ana.id), studio.members.invite(ana.id, "admin", 1)
    assert {info.role for info in studio.members.invitations(ana.id)} == {"member", "admin"}
    ben = studio.accounts.register("Ben", PASSWORD, invitation=member)
    assert ben.role == "member"
    assert studio.accounts.register("Cas", PASSWORD, invitation=admin).role == "admin"
    for token in (member, "x" * 32):
        assert code_of(lambda token=token: studio.accounts.register("Dan", PASSWORD, invitation=token)) == "gone"  # type: ignore[misc]
    studio.accounts.delete(ben.id, PASSWORD)
    assert code_of(lambda: studio.accounts.register("Dan", PASSWORD, invitation=member)) == "gone"


def test_an_invitation_that_is_too_old_or_withdrawn_is_gone(studio: Studio) -> None:
    ana = studio.person("Ana")
    tokens = [studio.members.invite(ana.id) for _ in range(2)]
    studio.members.withdraw(ana.id, studio.members.invitations(ana.id)[0].id)
    assert code_of(lambda: studio.accounts.register("Ben", PASSWORD, invitation=tokens[1])) == "gone"
    with studio.database.writing() as session:
        session.execute(update(Invitation).values(expires_ms=now_ms()))
    assert code_of(lambda: studio.accounts.register("Ben", PASSWORD, invitation=tokens[0])) == "gone"
    assert studio.members.invitations(ana.id) == []


def test_an_invitation_that_two_use_at_once_makes_one_account(studio: Studio) -> None:
    token = studio.members.invite(studio.person("Ana").id)
    url = studio.database.url.render_as_string(hide_password=False)
    code = (
        "from pathlib import Path\n"
        "from ademan.studio.data import Database, StudioError\n"
        "from ademan.studio.data.accounts import Accounts\n"
        "from ademan.studio.data.files import FolderStore\n"
        "from ademan.studio.data.passwords import Passwords\n"
        "accounts = Accounts(Database(sys.argv[1]), FolderStore(Path('none')), Passwords(1, 8))\n"
        "GO\n"
        "try:\n"
        "    print(accounts.register(sys.argv[3], 'four good words', invitation=sys.argv[2]).role)\n"
        "except StudioError as error:\n"
        "    print(error.code)\n"
    )
    told = run_together(code, [[url, token, "Ben"], [url, token, "Cas"]])
    assert sorted(line.strip() for line in told) == ["gone", "member"]


def test_only_admins_do_what_admins_do(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    members = studio.members
    for by in (ben.id, 999):
        for call in (
            lambda by=by: members.all(by),
            lambda by=by: members.set_role(by, ben.id, "admin"),
            lambda by=by: members.set_active(by, ana.id, active=False),
            lambda by=by: members.new_password(by, ana.id),
            lambda by=by: members.remove(by, ana.id),
            lambda by=by: members.invite(by),
            lambda by=by: members.invitations(by),
            lambda by=by: members.withdraw(by, 1),
        ):
            assert code_of(call) == "forbidden"
    members.set_role(ana.id, ben.id, "admin")
    assert [member.person.role for member in members.all(ben.id)] == ["admin", "admin"]
    members.set_active(ana.id, ben.id, active=False)
    assert code_of(lambda: members.all(ben.id)) == "forbidden"


def test_a_closed_account_gets_no_further_and_can_be_opened_again(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    entry = studio.accounts.log_in("Ben", PASSWORD)
    studio.members.set_active(ana.id, ben.id, active=False)
    assert studio.accounts.find(entry.token) is None
    assert code_of(lambda: studio.accounts.log_in("Ben", PASSWORD)) == "wrong"
    studio.members.set_active(ana.id, ben.id, active=True)
    assert studio.accounts.log_in("Ben", PASSWORD).token


def test_an_admin_gives_a_new_password_to_who_has_forgotten_theirs(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    entry = studio.accounts.log_in("Ben", PASSWORD)
    password = studio.members.new_password(ana.id, ben.id)
    assert studio.accounts.find(entry.token) is None
    assert code_of(lambda: studio.accounts.log_in("Ben", PASSWORD)) == "wrong"
    assert studio.accounts.log_in("Ben", password).token


def test_there_is_always_an_admin(studio: Studio) -> None:
    ana = studio.person("Ana")
    ben = studio.person("Ben")
    calls: tuple[Callable[[], None], ...] = (
        lambda: studio.members.set_role(ana.id, ana.id, "member"),
        lambda: studio.members.set_active(ana.id, ana.id, active=False),
        lambda: studio.members.remove(ana.id, ana.id),
        lambda: studio.accounts.delete(ana.id, PASSWORD),
    )
    for call in calls:
        with pytest.raises(StudioError, match="last admin") as refused:
            call()
        assert refused.value.code == "forbidden"
    studio.members.remove(ana.id, ben.id)
    studio.accounts.delete(ana.id, PASSWORD)
    assert not studio.accounts.has_people()


def test_two_admins_who_demote_each_other_at_once_leave_one(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    studio.members.set_role(ana.id, ben.id, "admin")
    codes = []

    def demote(by: int, whom: int) -> None:
        try:
            studio.members.set_role(by, whom, "member")
        except StudioError as error:
            codes.append(error.code)

    threads = [threading.Thread(target=demote, args=pair) for pair in ((ana.id, ben.id), (ben.id, ana.id))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == ["forbidden"]
    with studio.database.reading() as session:
        assert sorted(session.scalars(select(User.role)).all()) == ["admin", "member"]


@pytest.mark.parametrize(("role", "days"), [("king", 7), ("member", 0), ("member", 91)])
def test_invitations_that_cannot_be_are_refused(studio: Studio, role: str, days: int) -> None:
    ana = studio.person("Ana")
    assert code_of(lambda: studio.members.invite(ana.id, role, days)) == "bad"


def test_logins_that_have_ended_are_told_from_those_that_have_not(studio: Studio) -> None:
    ada, boris = studio.person("Ada"), studio.person("Boris")
    entries = [studio.accounts.log_in(name, PASSWORD) for name in ("Ada", "Ada", "Boris")]
    ids = {entry.visitor.login_id for entry in entries}
    assert studio.accounts.still_in(ids | {999}) == ids
    studio.accounts.log_out(entries[0].token)
    studio.members.set_active(ada.id, boris.id, active=False)
    assert studio.accounts.still_in(ids) == {entries[1].visitor.login_id}
    assert studio.accounts.still_in(set()) == set()
