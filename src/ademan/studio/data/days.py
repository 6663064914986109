"""Days as a reader's calendar has them, of half hours since 1970: what the totals of predictions are kept by."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, case

from ademan.studio.data.errors import StudioError
from ademan.studio.data.tables import HALF_HOUR_MS

EARLIEST, LATEST = date(2000, 1, 1), date(2199, 12, 31)
_HALF_HOUR_S = HALF_HOUR_MS // 1000
_A_DAY = 48
_EPOCH = date(1970, 1, 1)


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its IANA name, such as Europe/Madrid.

    Raises:
        StudioError: 'bad', it is not known.
    """
    try:
        return UTC if name == "UTC" else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # OSError: of a folder of zones, such as Europe
        raise StudioError("bad", f"There is no time zone {name!a:.60}; write it as Europe/Madrid, or UTC.") from error


@dataclass(frozen=True)
class Days:
    """Some days in a row, cut at midnight in a zone, summer time included.

    Where clocks are a quarter of an hour off (Nepal, the Chatham Islands), half an hour belongs to the day in which it
    begins, so that the first quarter of a day counts to the one before.

    Args:
        first: of them.
        last: of them, itself included.
        zone: of whoever reads.
        step: days that are put together.

    Raises:
        StudioError: 'bad', they do not follow each other, or are of another century.
    """

    first: date
    last: date
    zone: tzinfo = UTC
    step: int = 1

    def __post_init__(self) -> None:
        if not EARLIEST <= self.first <= self.last <= LATEST:
            raise StudioError("bad", f"From {self.first} to {self.last} there are no days that could be shown.")

    def __len__(self) -> int:
        return (self.last - self.first).days // self.step + 1

    @property
    def dates(self) -> list[date]:
        """The first day of each step."""
        return [self.first + timedelta(days=self.step * i) for i in range(len(self))]

    @property
    def begin(self) -> int:
        """The first half hour."""
        return self._midnight(self.first)

    @property
    def end(self) -> int:
        """The first half hour after them."""
        return self._midnight(self.last + timedelta(days=1))

    @cached_property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        """From which half hour on clocks are ahead of UTC by how many half hours."""
        found = [(self.begin, self._offset(self.begin))]
        before = self.begin
        for step in range(1, (self.last - self.first).days + 2):
            after = self._midnight(self.first + timedelta(days=step))
            if self._offset(after) != found[-1][1]:
                found.append(self._change(before, after))
            before = after
        return tuple(found)

    def index_of(self, half_hour: ColumnElement[int]) -> ColumnElement[int]:
        """Return, as a column, which of the steps a half hour belongs to, counted from 0."""
        local = half_hour + self.offsets[0][1]
        if len(self.offsets) > 1:
            ends = [begin for begin, _ in self.offsets[1:]]
            whens = [(half_hour < end, shift) for end, (_, shift) in zip(ends, self.offsets, strict=False)]
            local = half_hour + case(*whens, else_=self.offsets[-1][1])
        index = local // _A_DAY - (self.first - _EPOCH).days
        return index if self.step == 1 else index // self.step

    def half_hours(self) -> Iterator[tuple[int, str]]:
        """Yield each half hour, and what clocks show then; where they are put back, some show the same."""
        for half_hour in range(self.begin, self.end):
            yield half_hour, f"{datetime.fromtimestamp(half_hour * _HALF_HOUR_S, self.zone):%H:%M}"

    def _midnight(self, day: date) -> int:
        moment = datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()
        return int(-(-moment // _HALF_HOUR_S))

    def _offset(self, half_hour: int) -> int:
        shift = datetime.fromtimestamp(half_hour * _HALF_HOUR_S, self.zone).utcoffset() or timedelta()
        return int(shift.total_seconds() // _HALF_HOUR_S)

    def _change(self, before: int, after: int) -> tuple[int, int]:
        """Return when, between two half hours, clocks begin to show as they do at the later one."""
        shift = self._offset(after)
        while after - before > 1:
            middle = (before + after) // 2
            before, after = (before, middle) if self._offset(middle) == shift else (middle, after)
        return after, shift


def today(zone: tzinfo, now_ms: int) -> date:
    """Return the day that it is in a zone."""
    return datetime.fromtimestamp(now_ms / 1000, zone).date()


def day_of(half_hour: int, zone: tzinfo) -> date:
    """Return the day in which a half hour begins."""
    return datetime.fromtimestamp(half_hour * _HALF_HOUR_S, zone).date()
