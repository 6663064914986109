"""What an admin can choose, kept in the database. Each layer declares its own options; nothing else can be set."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import select

from ademan.studio.data.database import Database
from ademan.studio.data.errors import StudioError
from ademan.studio.data.tables import Setting

T = TypeVar("T")


@dataclass(frozen=True)
class Option(Generic[T]):
    """Something that can be chosen; its value must be what JSON can hold.

    Args:
        key: its name in the database, such as 'accounts.registration'.
        default: without a choice.
        fault: says what is wrong with a value, in words; an empty text if nothing is.
    """

    key: str
    default: T
    fault: Callable[[Any], str]


def one_of(key: str, default: str, *others: str) -> Option[str]:
    """Return an option between a few words."""
    words = (default, *others)
    return Option(key, default, lambda value: "" if value in words else f"expected one of {', '.join(words)}")


def number(key: str, default: float, least: float, most: float) -> Option[float]:
    """Return an option for a number within bounds, both included."""

    def fault(value: Any) -> str:
        good = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
        return "" if good else f"expected a number from {least:g} to {most:g}"

    return Option(key, default, fault)


def whole_number(key: str, default: int, least: int, most: int) -> Option[int]:
    """Return an option for a whole number within bounds, both included."""

    def fault(value: Any) -> str:
        good = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return "" if good else f"expected a whole number from {least} to {most}"

    return Option(key, default, fault)


def switch(key: str, *, default: bool) -> Option[bool]:
    """Return an option that is on or off."""
    return Option(key, default, lambda value: "" if isinstance(value, bool) else "expected true or false")


REGISTRATION = one_of("accounts.registration", "open", "invitation")
"""Whether everybody who reaches the studio can register, or only those whom an admin invites."""
MOST_CLIPS = whole_number("clips.most_per_person", 2000, 1, 1_000_000)
"""Clips that one person may have."""


class Settings:
    """The choices of a studio.

    Args:
        database: of the studio.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, option: Option[T]) -> T:
        """Return what was chosen, or the default; also if what is kept is no longer allowed."""
        with self._database.reading() as session:
            row = session.scalar(select(Setting).where(Setting.key == option.key))
        if row is None or option.fault(row.value):
            return option.default
        value: T = row.value
        return value

    def set(self, option: Option[T], value: T) -> None:
        """Choose; whoever calls this has made sure that an admin asks for it.

        Raises:
            StudioError: 'bad', the value is not allowed.
        """
        if fault := option.fault(value):
            raise StudioError("bad", f"{option.key}: {fault}, found {value!r:.80}.")
        with self._database.writing(f"setting {option.key}") as session:
            session.merge(Setting(key=option.key, value=value))
