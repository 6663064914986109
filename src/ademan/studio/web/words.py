"""Numbers and days as people read them, in the language of a page."""

from dataclasses import dataclass
from datetime import date, timedelta

from ademan.studio.web.amounts import percenter
from ademan.studio.web.texts import Say

_COMMA = ("es", "ru")
_THIN = "\N{NARROW NO-BREAK SPACE}"  # between thousands: ISO 80000-1 has no comma and no point there
_DASH = "\N{EN DASH}"
NOTHING = _DASH


@dataclass(frozen=True)
class Words:
    """Says texts, numbers and days.

    Args:
        say: the texts of a language.
        language: its code.
    """

    say: Say
    language: str

    def whole(self, number: float) -> str:
        """Return a count: 12 345."""
        return f"{round(number):,}".replace(",", _THIN)

    def decimal(self, number: float | None, digits: int = 1) -> str:
        """Return a number with so many digits behind its point; a dash for None."""
        if number is None:
            return NOTHING
        told = f"{number:,.{digits}f}".replace(",", _THIN)
        return told.replace(".", ",") if self.language in _COMMA else told

    def percent(self, share: float | None, digits: int = 0) -> str:
        """Return a share: 0.975 as 98%."""
        return percenter(self.language)(share, digits)

    def span(self, low: float, high: float) -> str:
        """Return a range of shares: 60 to 98%."""
        return f"{round(100 * low)}{_DASH}{self.percent(high)}"

    def day(self, day: date) -> str:
        """Return a day in short: 12 May."""
        return f"{day.day} {self.say('figures.months').split()[day.month - 1]}"

    def long_day(self, day: date, days: int = 1) -> str:
        """Return a day, or some in a row: 12 May 2026, or 12 May to 18 May 2026."""
        last = day + timedelta(days=days - 1)
        told = f"{self.day(last)} {last.year}"
        return told if days == 1 else f"{self.day(day)} {_DASH} {told}"
