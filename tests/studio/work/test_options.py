from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.errors import ConfigError
from ademan.studio.data import StudioError
from ademan.studio.work import options
from ademan.studio.work.gate import Gate
from ademan.studio.work.options import Recipe, Schedule, chosen_gate, chosen_recipe, chosen_schedule
from tests.studio.conftest import Studio

HOUR_MS = 3_600_000


def at(text: str) -> int:
    """Milliseconds of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def test_without_a_schedule_nothing_is_due() -> None:
    assert not Schedule().is_due(1000, 0, at("2026-03-02T12:00"))


def test_by_clips_a_set_is_due_once_enough_are_new() -> None:
    schedule = Schedule("clips", clips=20)
    assert not schedule.is_due(0, None, 0)
    assert not schedule.is_due(19, 0, 0)
    assert schedule.is_due(20, 0, 0)


@pytest.mark.parametrize(
    ("accepted", "now", "due"),
    [
        ("2026-03-02T20:00", "2026-03-02T23:00", False),  # not yet
        ("2026-03-02T20:00", "2026-03-03T03:00", True),
        ("2026-03-02T20:00", "2026-03-03T11:00", True),  # no worker ran at three
        ("2026-03-03T04:00", "2026-03-03T11:00", False),  # accepted after three
        ("2026-02-20T04:00", "2026-03-03T02:00", True),  # yesterday's was missed
    ],
)
def test_daily_a_set_is_due_if_clips_were_accepted_before_the_hour(accepted: str, now: str, due: bool) -> None:
    assert Schedule("daily", "03:00", "UTC").is_due(1, at(accepted), at(now)) is due


def test_the_hour_is_that_of_the_time_zone() -> None:
    schedule = Schedule("daily", "03:00", "Asia/Tokyo")  # 18:00 in UTC
    assert not schedule.is_due(1, at("2026-03-02T12:00"), at("2026-03-02T17:59"))
    assert schedule.is_due(1, at("2026-03-02T12:00"), at("2026-03-02T18:00"))


@given(st.integers(0, 23), st.integers(0, 59), st.integers(at("2026-01-01"), at("2027-01-01")), st.integers(0, 80))
def test_daily_what_was_accepted_a_day_ago_is_always_due(hour: int, minute: int, now: int, more: int) -> None:
    schedule = Schedule("daily", f"{hour:02}:{minute:02}", "Europe/Madrid")
    # A day in which clocks are put back has 25 hours.
    assert schedule.is_due(1, now - (25 + more) * HOUR_MS, now)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"when": "hourly"}, "when must be off, daily, clips, found 'hourly'"),
        ({"at": "25:00"}, "at must be a time of day from 00:00 to 23:59, found '25:00'"),
        ({"at": 3}, "at must be a time of day"),
        ({"zone": "Mars/Olympus"}, "zone 'Mars/Olympus' is unknown"),
        ({"zone": "../../etc/passwd"}, "zone '../../etc/passwd' is unknown"),
        ({"clips": 0}, "clips must be 1 or more, found 0"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        Schedule(**given)


def test_what_is_chosen_is_what_is_done(studio: Studio) -> None:
    settings = studio.settings
    assert chosen_schedule(settings) == Schedule()
    assert chosen_gate(settings) == Gate()
    assert chosen_recipe(settings, {}) == Recipe()
    settings.set(options.WHEN, "daily")
    settings.set(options.AT, "22:30")
    settings.set(options.ZONE, "Europe/Madrid")
    settings.set(options.CLIPS, 7)
    settings.set(options.MIN_GAIN, 0.01)
    settings.set(options.MAX_CLASS_LOSS, 0.2)
    settings.set(options.MIN_TEST_CLIPS, 30)
    settings.set(options.FIRST_MARGIN, 0.3)
    settings.set(options.MODEL, "tcn")
    settings.set(options.TRAINING, {"epochs": 4, "seed": 1})
    settings.set(options.MADE_UP_IDLE, False)
    assert chosen_schedule(settings) == Schedule("daily", "22:30", "Europe/Madrid", 7)
    assert chosen_gate(settings) == Gate(0.01, 0.2, 30, 0.3)
    recipe = chosen_recipe(settings, {"training": {"epochs": 9}})
    assert recipe.to_json() == {"model": "tcn", "training": {"epochs": 9, "seed": 1}, "made_up_idle": False}


@pytest.mark.parametrize(
    ("option", "value"),
    [
        (options.WHEN, "hourly"),
        (options.AT, "3 o'clock"),
        (options.ZONE, "Nowhere"),
        (options.ZONE, 3),
        (options.CLIPS, 0),
        (options.MIN_GAIN, float("nan")),
        (options.MODEL, "x" * 65),
        (options.TRAINING, ["epochs"]),
        (options.MADE_UP_IDLE, "yes"),
    ],
)
def test_what_cannot_be_is_not_taken(studio: Studio, option: Any, value: Any) -> None:
    with pytest.raises(StudioError) as caught:
        studio.settings.set(option, value)
    assert caught.value.code == "bad"
