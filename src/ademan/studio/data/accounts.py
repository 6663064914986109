"""Accounts: registering, logging in and out, passwords, and leaving. What only admins may do is in members.py."""

import hashlib
import secrets
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from ademan.studio.data.database import Database, now_ms
from ademan.studio.data.errors import StudioError
from ademan.studio.data.files import FileStore, delete_files
from ademan.studio.data.limits import Attempts, Limits
from ademan.studio.data.names import clean_name, clean_text, name_key
from ademan.studio.data.passwords import Passwords, check_password
from ademan.studio.data.people import ACCOUNTS, Person, erase, person_of, require_another_admin, user_of
from ademan.studio.data.settings import REGISTRATION, Settings
from ademan.studio.data.tables import Invitation, Login, User

IDLE_DAYS, LONGEST_DAYS = 14, 90
"""A login ends when it was not used for so long, and so long after it began."""
_DAY_MS = 86_400_000
_SEEN_MS = 60_000  # how exact "last seen" is: each page would be a write otherwise
_MOST_LOGINS = 50
_NO_FIT = "Name and password do not fit together."


@dataclass(frozen=True)
class Visitor:
    """Somebody who is logged in.

    Args:
        person: who.
        login_id: of this browser.
        csrf: what forms of this login must carry.
        expires_ms: when the login ends if it is not used.
    """

    person: Person
    login_id: int
    csrf: str
    expires_ms: int


@dataclass(frozen=True)
class Entry:
    """What comes of logging in.

    Args:
        token: for the cookie; it is kept nowhere else.
        visitor: who is logged in now.
    """

    token: str
    visitor: Visitor


@dataclass(frozen=True)
class LoginInfo:
    """A browser that is logged in, as its person may see it."""

    id: int
    created_ms: int
    seen_ms: int
    expires_ms: int
    address: str
    agent: str


class Accounts:
    """The accounts of a studio. What takes a password takes a tenth of a second: never on an event loop.

    Args:
        database: of the studio.
        files: where clips and videos are, which go with an account.
        passwords: how they are kept.
        limits: of failed tries.
        tell: called with logins/<user id> when logins of somebody have ended, so that what they watch ends, too.
    """

    def __init__(
        self,
        database: Database,
        files: FileStore,
        passwords: Passwords | None = None,
        limits: Limits | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._database, self._files = database, files
        self._passwords = passwords or Passwords()
        self._attempts = Attempts(database, limits or Limits())
        self._settings = Settings(database)
        self._tell = tell

    def register(
        self, name: str, password: str, *, invitation: str = "", address: str = "", locale: str = ""
    ) -> Person:
        """Make an account. The first one is an admin's.

        Args:
            name: of the person.
            password: of theirs.
            invitation: token of one, if the studio asks for it, or if it makes an admin.
            address: from which it is asked.
            locale: language of pages.

        Raises:
            StudioError: 'taken', somebody is called so; 'bad', the name or the password is not allowed; 'forbidden',
                an invitation is needed; 'gone', it is used up or too old; 'too_many'.
        """
        name, address = clean_name(name), clean_text(address, 64)
        check_password(password, name)
        self._attempts.begin_registration(address)
        with self._database.reading() as session:
            self._role(session, invitation)  # refused before a password costs time
        kept = self._passwords.hash(password)
        with self._database.writing(ACCOUNTS) as session:
            role, invited = self._role(session, invitation)
            if session.scalar(select(User.id).where(User.name_key == name_key(name))) is not None:
                raise StudioError("taken", "Somebody is called so already. Choose another name.")
            user = User(
                name=name, name_key=name_key(name), password=kept, role=role, locale=clean_text(locale, 16),
                created_ms=now_ms(), active=True,
            )  # fmt: skip
            session.add(user)
            session.flush()
            if invited is not None:
                invited.used_by, invited.used_ms = user.id, now_ms()
            return person_of(user)

    def has_people(self) -> bool:
        """Return whether anybody has registered; until then the studio waits for its first admin."""
        with self._database.reading() as session:
            return session.scalar(select(User.id).limit(1)) is not None

    def log_in(self, name: str, password: str, *, address: str = "", agent: str = "", old_token: str = "") -> Entry:
        """Begin a login with a new token.

        Args:
            name: of the person.
            password: of theirs.
            address: from which it is asked.
            agent: what the browser calls itself.
            old_token: of the login that this browser had before; it ends.

        Raises:
            StudioError: 'wrong', whatever of the two is wrong; 'too_many'.
        """
        key, address = name_key(clean_text(name, 1000)), clean_text(address, 64)
        attempt = self._attempts.begin(key, address)
        with self._database.reading() as session:
            row = session.scalar(select(User).where(User.name_key == key))
        fits, better = self._passwords.check(password, row.password if row else None)
        if row is None or not fits:
            raise StudioError("wrong", _NO_FIT)
        with self._database.writing() as session:
            user = session.scalar(select(User).where(User.id == row.id).with_for_update())
            if user is None or not user.active or user.password != row.password:  # changed since it was read
                raise StudioError("wrong", _NO_FIT)
            user.password = better or user.password
            self._attempts.succeed(session, attempt, key, address)
            if old_token:
                session.execute(delete(Login).where(Login.token_sha256 == _digest(old_token)))
            return _begin(session, user, address, clean_text(agent, 200))

    def find(self, token: str) -> Visitor | None:
        """Return who has a token; None if nobody has it, or no longer. It is used, so it ends later."""
        if not 20 <= len(token) <= 100:
            return None
        digest, now = _digest(token), now_ms()
        asked = select(Login, User).join(User, User.id == Login.user_id).where(Login.token_sha256 == digest)
        with self._database.reading() as session:
            found = session.execute(asked.where(Login.expires_ms > now, User.active)).one_or_none()
        if found is None:
            return None
        login, user = found
        expires_ms = login.expires_ms
        if now - login.seen_ms > _SEEN_MS:
            expires_ms = _expiry(login.created_ms, now)
            with suppress(StudioError), self._database.writing() as session:  # it is noted next time
                session.execute(update(Login).where(Login.id == login.id).values(seen_ms=now, expires_ms=expires_ms))
        return Visitor(person_of(user), login.id, login.csrf, expires_ms)

    def log_out(self, token: str) -> None:
        """End a login; a token that nobody has is no error."""
        with self._database.writing() as session:
            ended = delete(Login).where(Login.token_sha256 == _digest(token)).returning(Login.user_id)
            users = session.scalars(ended).all()
        for user_id in users:
            self._tell(f"logins/{user_id}")

    def logins(self, user_id: int) -> list[LoginInfo]:
        """Return where somebody is logged in, the last used first."""
        asked = select(Login).where(Login.user_id == user_id, Login.expires_ms > now_ms())
        with self._database.reading() as session:
            rows = session.scalars(asked.order_by(Login.seen_ms.desc(), Login.id.desc())).all()
        return [LoginInfo(r.id, r.created_ms, r.seen_ms, r.expires_ms, r.address, r.agent) for r in rows]

    def still_in(self, login_ids: Collection[int]) -> set[int]:
        """Return which of these logins have not ended, and are of accounts that are open."""
        asked = select(Login.id).join(User, User.id == Login.user_id)
        asked = asked.where(Login.id.in_(login_ids), Login.expires_ms > now_ms(), User.active)
        with self._database.reading() as session:
            return set(session.scalars(asked))

    def revoke(self, user_id: int, login_id: int) -> None:
        """End one login of somebody.

        Raises:
            StudioError: 'gone', they have no such login.
        """
        with self._database.writing() as session:
            ended = session.execute(
                delete(Login).where(Login.id == login_id, Login.user_id == user_id).returning(Login.id)
            ).all()
        if not ended:
            raise StudioError("gone", "This login has ended already.")
        self._tell(f"logins/{user_id}")

    def revoke_others(self, user_id: int, login_id: int) -> int:
        """End all logins of somebody but one, and return how many."""
        with self._database.writing() as session:
            others = delete(Login).where(Login.user_id == user_id, Login.id != login_id)
            count = len(session.execute(others.returning(Login.id)).all())
        self._tell(f"logins/{user_id}")
        return count

    def change_password(self, user_id: int, old: str, new: str, *, login_id: int = 0, address: str = "") -> None:
        """Change a password; all logins end but the one from which it is asked.

        Raises:
            StudioError: 'wrong', the old one does not fit; 'bad', the new one is not allowed; 'too_many'; 'gone'.
        """
        user, attempt, address = self._proven(user_id, old, address)
        check_password(new, user.name)
        kept = self._passwords.hash(new)
        with self._database.writing() as session:
            row = _unchanged(session, user)
            row.password = kept
            self._attempts.succeed(session, attempt, row.name_key, address)
            session.execute(delete(Login).where(Login.user_id == user_id, Login.id != login_id))
        self._tell(f"logins/{user_id}")

    def set_locale(self, user_id: int, locale: str) -> None:
        """Choose the language of somebody's pages."""
        with self._database.writing() as session:
            user_of(session, user_id, changing=True).locale = clean_text(locale, 16)

    def delete(self, user_id: int, password: str, *, address: str = "") -> None:
        """Delete somebody's account and all that is theirs, for ever.

        Raises:
            StudioError: 'wrong', the password does not fit; 'forbidden', they are the last admin; 'too_many'; 'gone'.
        """
        user, _, _ = self._proven(user_id, password, address)
        with self._database.writing(ACCOUNTS) as session:
            require_another_admin(session, _unchanged(session, user).id)
            keys = erase(session, user_id)
        self._tell(f"logins/{user_id}")
        self._database.forget()
        delete_files(self._files, keys)

    def _proven(self, user_id: int, password: str, address: str) -> tuple[User, int, str]:
        """Return somebody whose password this is, their try, and the address as it is kept."""
        with self._database.reading() as session:
            user = user_of(session, user_id)
        address = clean_text(address, 64)
        attempt = self._attempts.begin(user.name_key, address)
        if not self._passwords.check(password, user.password)[0]:
            raise StudioError("wrong", "The password is not the right one.")
        return user, attempt, address

    def _role(self, session: Session, invitation: str) -> tuple[str, Invitation | None]:
        """Return the role that somebody new gets, and the invitation that they used."""
        if session.scalar(select(func.count()).select_from(User)) == 0:
            return "admin", None
        if invitation:
            found = session.scalar(select(Invitation).where(Invitation.token_sha256 == _digest(invitation)))
            if found is None or found.used_ms is not None or found.expires_ms <= now_ms():
                raise StudioError("gone", "This invitation is used up or too old. Ask for another one.")
            return found.role, found
        if self._settings.get(REGISTRATION) != "open":
            raise StudioError("forbidden", "One needs an invitation here. Ask an admin for a link.")
        return "member", None


def _begin(session: Session, user: User, address: str, agent: str) -> Entry:
    """Begin a login, and let those go that have ended, or are too many."""
    now, token = now_ms(), secrets.token_urlsafe(32)
    session.execute(delete(Login).where(Login.expires_ms <= now))
    newest = select(Login.id).where(Login.user_id == user.id).order_by(Login.seen_ms.desc(), Login.id.desc())
    kept = session.scalars(newest.limit(_MOST_LOGINS - 1)).all()
    session.execute(delete(Login).where(Login.user_id == user.id, Login.id.not_in(kept)))
    login = Login(
        token_sha256=_digest(token), user_id=user.id, created_ms=now, seen_ms=now, expires_ms=_expiry(now, now),
        address=address, agent=agent, csrf=secrets.token_urlsafe(32),
    )  # fmt: skip
    session.add(login)
    session.flush()
    return Entry(token, Visitor(person_of(user), login.id, login.csrf, login.expires_ms))


def _expiry(created_ms: int, seen_ms: int) -> int:
    return min(created_ms + LONGEST_DAYS * _DAY_MS, seen_ms + IDLE_DAYS * _DAY_MS)


def _unchanged(session: Session, user: User) -> User:
    """Return somebody's row for a change, if their password is still the one that was proven."""
    row = user_of(session, user.id, changing=True)
    if row.password != user.password:
        raise StudioError("wrong", "The password was changed meanwhile.")
    return row


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
