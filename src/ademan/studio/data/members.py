"""What admins do: invitations, roles, closing and deleting accounts. Each method makes sure that an admin asks."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ademan.studio.data.database import Database, now_ms
from ademan.studio.data.errors import StudioError
from ademan.studio.data.files import FileStore, delete_files
from ademan.studio.data.passwords import Passwords
from ademan.studio.data.people import (
    ACCOUNTS,
    Person,
    erase,
    person_of,
    require_admin,
    require_another_admin,
    user_of,
)
from ademan.studio.data.tables import ROLES, ClipRow, Invitation, Login, User

INVITATION_DAYS = 7
_DAY_MS = 86_400_000
_MOST_INVITATIONS = 500  # that are open at the same time


@dataclass(frozen=True)
class Member:
    """A person as admins see them.

    Args:
        person: who.
        clips: how many are theirs.
        seen_ms: when they were last there; None if they are logged in nowhere.
    """

    person: Person
    clips: int
    seen_ms: int | None


@dataclass(frozen=True)
class InvitationInfo:
    """An invitation that can still be used; its token was shown once, when it was made."""

    id: int
    role: str
    created_by: int
    created_ms: int
    expires_ms: int


class Members:
    """The people of a studio, for admins. `by` is always the id of whoever asks.

    All raise StudioError: 'forbidden', no admin asks.

    Args:
        database: of the studio.
        files: where clips and videos are, which go with an account.
        passwords: how they are kept.
        tell: called with logins/<user id> when logins of somebody have ended, or their role is another.
    """

    def __init__(
        self,
        database: Database,
        files: FileStore,
        passwords: Passwords | None = None,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._database, self._files, self._passwords = database, files, passwords or Passwords()
        self._tell = tell

    def all(self, by: int) -> list[Member]:
        """Return all people, in the order in which they came."""
        clips = select(ClipRow.user_id, func.count().label("clips")).group_by(ClipRow.user_id).subquery()
        seen = select(Login.user_id, func.max(Login.seen_ms).label("seen")).group_by(Login.user_id).subquery()
        asked = (
            select(User, clips.c.clips, seen.c.seen)
            .outerjoin(clips, clips.c.user_id == User.id)
            .outerjoin(seen, seen.c.user_id == User.id)
            .order_by(User.id)
        )
        with self._database.reading() as session:
            require_admin(session, by)
            return [Member(person_of(user), count or 0, last) for user, count, last in session.execute(asked)]

    def set_role(self, by: int, user_id: int, role: str) -> None:
        """Make somebody an admin or a member.

        Raises:
            StudioError: 'forbidden', it would leave no admin; 'bad', there is no such role; 'gone'.
        """
        _check_role(role)
        with self._database.writing(ACCOUNTS) as session:
            require_admin(session, by)
            user = user_of(session, user_id, changing=True)
            if role != "admin":
                require_another_admin(session, user_id)
            user.role = role
        self._tell(f"logins/{user_id}")

    def set_active(self, by: int, user_id: int, *, active: bool) -> None:
        """Close somebody's account, which ends their logins, or open it again.

        Raises:
            StudioError: 'forbidden', it would leave no admin; 'gone'.
        """
        with self._database.writing(ACCOUNTS) as session:
            require_admin(session, by)
            user = user_of(session, user_id, changing=True)
            if not active:
                require_another_admin(session, user_id)
                session.execute(delete(Login).where(Login.user_id == user_id))
            user.active = active
        self._tell(f"logins/{user_id}")

    def new_password(self, by: int, user_id: int) -> str:
        """Give somebody who has forgotten theirs a new password, and return it; their logins end."""
        with self._database.reading() as session:
            require_admin(session, by)
        password = "-".join(secrets.token_hex(2) for _ in range(4))
        kept = self._passwords.hash(password)
        with self._database.writing(ACCOUNTS) as session:
            require_admin(session, by)
            user_of(session, user_id, changing=True).password = kept
            session.execute(delete(Login).where(Login.user_id == user_id))
        self._tell(f"logins/{user_id}")
        return password

    def remove(self, by: int, user_id: int) -> None:
        """Delete somebody's account and all that is theirs, for ever.

        Raises:
            StudioError: 'forbidden', they are the last admin; 'gone'.
        """
        with self._database.writing(ACCOUNTS) as session:
            require_admin(session, by)
            require_another_admin(session, user_id)
            keys = erase(session, user_id)
        self._tell(f"logins/{user_id}")
        self._database.forget()
        delete_files(self._files, keys)

    def invite(self, by: int, role: str = "member", days: int = INVITATION_DAYS) -> str:
        """Make an invitation for one person, and return its token, which is kept nowhere.

        Raises:
            StudioError: 'bad', there is no such role, or the time is not within 1 to 90 days; 'too_many' are open.
        """
        _check_role(role)
        if not 1 <= days <= 90:
            raise StudioError("bad", f"An invitation holds for 1 to 90 days, not for {days}.")
        token, now = secrets.token_urlsafe(24), now_ms()
        with self._database.writing(ACCOUNTS) as session:
            require_admin(session, by)
            _forget_old(session, now)
            if (session.scalar(select(func.count()).where(Invitation.used_ms.is_(None))) or 0) >= _MOST_INVITATIONS:
                raise StudioError("too_many", f"{_MOST_INVITATIONS} invitations are open. Withdraw some first.")
            digest = hashlib.sha256(token.encode()).hexdigest()
            session.add(
                Invitation(
                    token_sha256=digest, role=role, created_by=by, created_ms=now, expires_ms=now + days * _DAY_MS
                )
            )
        return token

    def invitations(self, by: int) -> list[InvitationInfo]:
        """Return the invitations that can still be used, the newest first."""
        open_ones = select(Invitation).where(Invitation.used_ms.is_(None), Invitation.expires_ms > now_ms())
        with self._database.reading() as session:
            require_admin(session, by)
            rows = session.scalars(open_ones.order_by(Invitation.id.desc())).all()
        return [InvitationInfo(r.id, r.role, r.created_by, r.created_ms, r.expires_ms) for r in rows]

    def withdraw(self, by: int, invitation_id: int) -> None:
        """Take an invitation back; one that is not there is no error."""
        with self._database.writing(ACCOUNTS) as session:
            require_admin(session, by)
            session.execute(delete(Invitation).where(Invitation.id == invitation_id, Invitation.used_ms.is_(None)))


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise StudioError("bad", f"There is no role {role!a:.40}; there are {' and '.join(ROLES)}.")


def _forget_old(session: Session, now: int) -> None:
    session.execute(delete(Invitation).where(Invitation.used_ms.is_(None), Invitation.expires_ms <= now))
