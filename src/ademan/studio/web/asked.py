"""What somebody wants to see figures of: read from an address, and written into one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta, tzinfo
from typing import Final
from urllib.parse import urlencode

from ademan.studio.data import StudioError
from ademan.studio.data.days import Days, today, zone_of
from ademan.studio.data.figures import SetChoice, Which

SPANS: Final = {
    "today": "figures.span_today",
    "7": "figures.span_week",
    "30": "figures.span_month",
    "all": "figures.span_all",
}
"""Spans of days that end today, and the texts of their names."""
DEFAULT_SPAN: Final = "30"
_LONGEST_GESTURE = 256
_MOST_COLUMNS = 62  # of a chart; more days are put together


@dataclass(frozen=True)
class Asked:
    """What is to be shown.

    Args:
        which: the same for the database.
        span: of SPANS; empty if both days were chosen.
        zone: its name.
        today: the day that it is there.
        versions_of: the set whose versions are shown: the chosen one, else that with the newest version.
        problems: keys of texts: what could not be read, and was passed over.
    """

    which: Which
    span: str
    zone: str
    today: date
    versions_of: SetChoice | None = None
    problems: tuple[str, ...] = ()

    @property
    def drift_of(self) -> int | None:
        """The version with whose clips those of now are compared: the chosen one, else the live one of the set."""
        live = self.versions_of.live if self.versions_of else None
        return self.which.model_id or (live.id if live else None)

    def query(self, **other: str) -> str:
        """Return what follows the question mark of an address that shows the same, or another span of it."""
        days, which = self.which.days, self.which
        fields = {"span": self.span} if self.span else {"from": days.first.isoformat(), "to": days.last.isoformat()}
        if other:
            fields = dict(other)
        fields |= {
            "set": str(which.set_id or ""), "model": str(which.model_id or ""), "gesture": which.gesture,
            "zone": self.zone,
        }  # fmt: skip
        return urlencode({name: value for name, value in fields.items() if value})


def read_asked(
    given: Mapping[str, str], cookie: str, sets: Sequence[SetChoice], first: date | None, now_ms: int
) -> Asked:
    """Return what an address asks for; what it asks for in vain is passed over, and told.

    Args:
        given: the fields of the address.
        cookie: name of the browser's time zone, as far as it has told one.
        sets: that can be chosen.
        first: of the days that have figures, in UTC; None without any.
        now_ms: the time.
    """
    problems: list[str] = []
    name, zone = _zone(given.get("zone", ""), cookie, problems)
    day = today(zone, now_ms)
    span, days = _days(given, zone, day, first, problems)
    set_id, model_id = _model(given, sets, problems)
    gesture = given.get("gesture", "")[:_LONGEST_GESTURE].replace("\x00", "")
    chosen = [one for one in sets if set_id in (None, one.id)]
    versions_of = max(chosen, key=lambda one: max((version.id for version in one.versions), default=0), default=None)
    return Asked(Which(days, set_id, model_id, gesture), span, name, day, versions_of, tuple(problems))


def columns(days: Days) -> Days:
    """Return the same days, put together so that a chart has few columns."""
    count = (days.last - days.first).days + 1
    step = next((step for step in (1, 7, 28) if count <= _MOST_COLUMNS * step), 364)
    return replace(days, step=step)


def _zone(given: str, cookie: str, problems: list[str]) -> tuple[str, tzinfo]:
    for name in filter(None, (given, cookie)):
        try:
            return name, zone_of(name)
        except StudioError:
            if name == given:
                problems.append("figures.wrong_zone")
    return "UTC", UTC


def _days(
    given: Mapping[str, str], zone: tzinfo, day: date, first: date | None, problems: list[str]
) -> tuple[str, Days]:
    if given.get("from") or given.get("to"):
        try:
            last = date.fromisoformat(given.get("to") or day.isoformat())
            begin = date.fromisoformat(given["from"]) if given.get("from") else last - timedelta(days=29)
            return "", Days(begin, last, zone)
        except (ValueError, OverflowError, StudioError):
            problems.append("figures.wrong_days")
    span = given.get("span", DEFAULT_SPAN)
    if span not in SPANS:
        span = DEFAULT_SPAN
    if span == "all":
        begin = min(day, first - timedelta(days=1) if first else day)  # in UTC, and zones differ by a day
    else:
        begin = day if span == "today" else day - timedelta(days=int(span) - 1)
    return span, Days(begin, day, zone)


def _model(given: Mapping[str, str], sets: Sequence[SetChoice], problems: list[str]) -> tuple[int | None, int | None]:
    """Return set and version; a version of another set goes before the set."""
    known = {str(one.id): one.id for one in sets}
    versions = {str(version.id): (one.id, version.id) for one in sets for version in one.versions}
    wanted, version = given.get("set", ""), given.get("model", "")
    if (wanted and wanted not in known) or (version and version not in versions):
        problems.append("figures.wrong_model")
    if version in versions:
        return versions[version]
    return known.get(wanted), None
