"""How often somebody may try: counted in the database, so that it holds for all processes and survives a restart."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from ademan.studio.data.database import Database, now_ms
from ademan.studio.data.errors import StudioError
from ademan.studio.data.tables import Attempt

_KEPT_MS = 86_400_000
_REGISTER = "register"


@dataclass(frozen=True)
class Limits:
    """How many failures are borne, and for how long they count."""

    window_s: int = 900
    """Seconds for which a failed try to log in counts."""
    pair: int = 6
    """Failures for one name from one address."""
    name: int = 40
    """Failures for one name from all addresses: more, so that nobody can lock another one out with ease."""
    address: int = 120
    """Failures for all names from one address: a class shares one."""
    registrations: int = 120
    """Registrations, failed or not, from one address in an hour."""


class Attempts:
    """Counts tries before they are made, so that many at once are no way round the limits.

    Names are kept as their SHA-256: people type passwords where the name belongs.

    Args:
        database: of the studio.
        limits: that hold.
    """

    def __init__(self, database: Database, limits: Limits) -> None:
        self._database, self._limits = database, limits

    def begin(self, name_key: str, address: str) -> int:
        """Note a try to log in as failed, and return its id; `succeed` says that it did not fail.

        Raises:
            StudioError: 'too_many', with the seconds to wait.
        """
        digest, limits = digest_of(name_key), self._limits
        by_name, by_address = Attempt.name_key == digest, Attempt.address == address
        with self._database.writing("attempts") as session:
            session.execute(delete(Attempt).where(Attempt.at_ms < now_ms() - _KEPT_MS))
            failed = ~Attempt.ok & (Attempt.name_key != _REGISTER)
            self._check(session, failed & by_name & by_address, limits.pair, limits.window_s)
            self._check(session, failed & by_name, limits.name, limits.window_s)
            self._check(session, failed & by_address, limits.address, limits.window_s)
            return self._note(session, digest, address)

    def begin_registration(self, address: str) -> None:
        """Note a registration.

        Raises:
            StudioError: 'too_many', with the seconds to wait.
        """
        with self._database.writing("attempts") as session:
            ours = (Attempt.name_key == _REGISTER) & (Attempt.address == address)
            self._check(session, ours, self._limits.registrations, 3600)
            self._note(session, _REGISTER, address)

    def succeed(self, session: Session, attempt_id: int, name_key: str, address: str) -> None:
        """Note that a try went well; what failed before it, for this name from this address, counts no longer."""
        same = (Attempt.name_key == digest_of(name_key)) & (Attempt.address == address)
        session.execute(delete(Attempt).where(same, ~Attempt.ok, Attempt.id < attempt_id))
        session.execute(update(Attempt).where(Attempt.id == attempt_id).values(ok=True))

    def _check(self, session: Session, which: ColumnElement[bool], most: int, window_s: int) -> None:
        since = now_ms() - window_s * 1000
        count, first = session.execute(
            select(func.count(), func.min(Attempt.at_ms)).where(which, Attempt.at_ms > since)
        ).one()
        if count >= most:
            wait = max(1, -(-(first - since) // 1000))
            message = f"Too many tries. Wait {-(-wait // 60)} min, and try it again."
            raise StudioError("too_many", message, retry_after_s=wait)

    def _note(self, session: Session, digest: str, address: str) -> int:
        attempt = Attempt(name_key=digest, address=address, at_ms=now_ms(), ok=False)
        session.add(attempt)
        session.flush()
        return int(attempt.id)


def digest_of(name_key: str) -> str:
    """Return what is kept of a name that somebody typed."""
    return hashlib.sha256(name_key.encode("utf-8", "replace")).hexdigest()
