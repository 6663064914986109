"""People with accounts: what others may know of them, who they are in the database, and how they leave."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from ademan.studio.data.errors import StudioError
from ademan.studio.data.limits import digest_of
from ademan.studio.data.tables import Attempt, ClipRow, User
from ademan.studio.data.totals import forget_person

ACCOUNTS = "accounts"
"""The lock for changes of who is there, and who is an admin."""


@dataclass(frozen=True)
class Person:
    """Somebody with an account.

    Args:
        id: never used again.
        name: as they wrote it.
        role: 'member' or 'admin'.
        locale: language of pages, such as 'es'; empty if not chosen.
        created_ms: when they registered.
        active: whether they may log in.
    """

    id: int
    name: str
    role: str
    locale: str
    created_ms: int
    active: bool

    @property
    def is_admin(self) -> bool:
        """Whether they may do what only admins may."""
        return self.role == "admin"


def person_of(row: User) -> Person:
    """Return what a row says, without the password."""
    return Person(row.id, row.name, row.role, row.locale, row.created_ms, row.active)


def user_of(session: Session, user_id: int, *, changing: bool = False) -> User:
    """Return the row of somebody.

    Args:
        session: in which it is read.
        user_id: of the person.
        changing: whether others must wait with their changes until the session ends.

    Raises:
        StudioError: 'gone', there is nobody with this id.
    """
    asked = select(User).where(User.id == user_id)
    row = session.scalar(asked.with_for_update() if changing else asked)
    if row is None:
        raise StudioError("gone", "This account is not there, or no longer.")
    return row


def names_of(session: Session, user_ids: Iterable[int | None]) -> dict[int, str]:
    """Return the names of people who are still there, by their ids."""
    wanted = {user_id for user_id in user_ids if user_id is not None}
    return {row.id: row.name for row in session.execute(select(User.id, User.name).where(User.id.in_(wanted)))}


def require_admin(session: Session, user_id: int) -> None:
    """Refuse what only an admin may do.

    Raises:
        StudioError: 'forbidden', this person is none, or no longer.
    """
    row = session.get(User, user_id)
    if row is None or not row.active or row.role != "admin":
        raise StudioError("forbidden", "Only an admin may do that.")


def require_another_admin(session: Session, user_id: int) -> None:
    """Refuse to lose the last admin while there are others who would need one; to be called with the lock ACCOUNTS.

    Raises:
        StudioError: 'forbidden', this person is the last one.
    """
    row = user_of(session, user_id)
    if row.role != "admin" or not row.active:
        return
    others = select(func.count()).where(User.id != user_id)
    if session.scalar(others) and not session.scalar(others.where(User.role == "admin", User.active)):
        raise StudioError("forbidden", "This is the last admin. Make somebody else an admin first.")


def erase(session: Session, user_id: int) -> list[str]:
    """Delete somebody with all that is theirs; to be called with the lock ACCOUNTS.

    Logins, recordings, clips and their place in a test go. What models said to them stays as figures, without them.

    Returns:
        The keys of the files to be deleted when the transaction has ended well.
    """
    row = user_of(
        session, user_id, changing=True
    )  # predictions that are being added are waited for, later ones refused
    keys = session.execute(select(ClipRow.file_key, ClipRow.video_key).where(ClipRow.user_id == user_id)).all()
    forget_person(session, user_id)
    session.execute(delete(Attempt).where(Attempt.name_key == digest_of(row.name_key)))
    session.execute(delete(User).where(User.id == user_id))
    return [key for pair in keys for key in pair if key]
