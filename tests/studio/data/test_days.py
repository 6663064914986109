"""Days of a reader: each half hour is in the day that a calendar says, also where clocks are put on and back."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import Integer, column, select, values

from ademan.studio.data import StudioError
from ademan.studio.data.database import Database
from ademan.studio.data.days import Days, day_of, today, zone_of

ZONES = (
    "UTC", "Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia",
    "America/Havana", "Asia/Tokyo",
)  # fmt: skip
SPANS = (
    (date(2025, 3, 1), date(2025, 4, 10)),
    (date(2025, 10, 1), date(2025, 11, 10)),
    (date(2024, 2, 28), date(2024, 3, 1)),
)


def indices(database: Database, days: Days) -> list[int]:
    """Return, for each half hour of some days, which of them the database takes it to be in."""
    rows = [(half_hour,) for half_hour in range(days.begin, days.end)]
    numbers = values(column("half_hour", Integer), name="numbers", literal_binds=True).data(rows).cte()
    asked = select(days.index_of(numbers.c.half_hour)).order_by(numbers.c.half_hour)
    with database.reading() as session:
        return list(session.scalars(asked))


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize(("first", "last"), SPANS)
def test_the_database_puts_each_half_hour_into_the_day_of_the_calendar(
    database: Database, zone: str, first: date, last: date
) -> None:
    days = Days(first, last, zone_of(zone))
    found = indices(database, days)
    assert found == [(day_of(half_hour, days.zone) - first).days for half_hour in range(days.begin, days.end)]
    assert set(found) == set(range(len(days)))


def test_days_can_be_put_together(database: Database) -> None:
    days = Days(date(2025, 3, 1), date(2025, 3, 16), zone_of("Europe/Madrid"), step=7)
    assert days.dates == [date(2025, 3, 1), date(2025, 3, 8), date(2025, 3, 15)]
    found = indices(database, days)
    assert [found.count(i) for i in range(len(days))] == [7 * 48, 7 * 48, 2 * 48]


def test_a_day_on_which_clocks_are_put_back_has_two_half_hours_more() -> None:
    days = Days(date(2025, 10, 26), date(2025, 10, 26), zone_of("Europe/Madrid"))
    clocks = [clock for _, clock in days.half_hours()]
    assert len(clocks) == 50
    assert clocks[4:8] == ["02:00", "02:30", "02:00", "02:30"]
    assert (clocks[0], clocks[-1]) == ("00:00", "23:30")


def test_it_is_tomorrow_elsewhere() -> None:
    evening = int(datetime(2025, 5, 1, 23, 30, tzinfo=UTC).timestamp() * 1000)
    assert today(UTC, evening) == date(2025, 5, 1)
    assert today(zone_of("Europe/Madrid"), evening) == date(2025, 5, 2)


@pytest.mark.parametrize(
    "name", ["", "Europe", "Europe/Nowhere", "../../etc/passwd", "a\x00", "/etc/localtime", "x" * 5000]
)
def test_zones_that_are_none_are_refused(name: str) -> None:
    with pytest.raises(StudioError, match="There is no time zone") as refused:
        zone_of(name)
    assert refused.value.code == "bad"


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (date(2025, 1, 2), date(2025, 1, 1)),
        (date(1970, 1, 1), date(2025, 1, 1)),
        (date(2025, 1, 1), date(9999, 12, 31)),
    ],
)
def test_days_that_are_none_are_refused(first: date, last: date) -> None:
    with pytest.raises(StudioError, match="no days that could be shown"):
        Days(first, last)
