"""What an admin chooses of the retraining: when, how, and what a new model must be to go live."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any, Literal, cast, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ademan.errors import ConfigError
from ademan.studio.data.settings import Option, Settings, number, one_of, switch, whole_number
from ademan.studio.work.gate import Gate

When = Literal["off", "daily", "clips"]
_TIME = "a time of day from 00:00 to 23:59"


@dataclass(frozen=True)
class Schedule:
    """When a set is trained again without being asked, if clips were accepted since it last was.

    Raises:
        ConfigError: an option is out of its range.
    """

    when: When = "off"
    """off; daily: at an hour; clips: once so many more clips were accepted."""
    at: str = "03:00"
    """Of the day, HH:MM from 00:00 to 23:59."""
    zone: str = ""
    """Time zone of `at`, such as Europe/Madrid; that of the worker's machine if empty."""
    clips: int = 20
    """Newly accepted clips, 1 or more."""

    def __post_init__(self) -> None:
        if self.when not in get_args(When):
            raise ConfigError(f"when must be {', '.join(get_args(When))}, found '{self.when}'.")
        if self.clips < 1:
            raise ConfigError(f"clips must be 1 or more, found {self.clips}.")
        self._hour_and_minute()
        self._zone()

    def is_due(self, accepted: int, oldest_ms: int | None, now_ms: int) -> bool:
        """Return whether a set is to be trained again now.

        Args:
            accepted: clips accepted since the set's last training was asked for.
            oldest_ms: when the first of them was.
            now_ms: the time.
        """
        if self.when == "off" or accepted < 1 or oldest_ms is None:
            return False
        if self.when == "clips":
            return accepted >= self.clips
        return oldest_ms <= self._last_time_ms(now_ms)

    def _last_time_ms(self, now_ms: int) -> int:
        """Return when it last was `at`, today or yesterday: a worker that was off then makes up for it."""
        now = datetime.fromtimestamp(now_ms / 1000, self._zone())
        hour, minute = self._hour_and_minute()
        moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        if moment > now:
            moment -= timedelta(days=1)
        return round(moment.timestamp() * 1000)

    def _hour_and_minute(self) -> tuple[int, int]:
        try:
            found = datetime.strptime(self.at, "%H:%M")
        except (ValueError, TypeError) as error:
            raise ConfigError(f"at must be {_TIME}, found '{self.at}'.") from error
        return found.hour, found.minute

    def _zone(self) -> tzinfo | None:
        try:
            return ZoneInfo(self.zone) if self.zone else None
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ConfigError(f"zone '{self.zone}' is unknown; name one such as Europe/Madrid, or leave it.") from error


def _time_of_day(value: Any) -> str:
    try:
        Schedule(at=value)
    except ConfigError:
        return f"expected {_TIME}"
    return ""


def _time_zone(value: Any) -> str:
    try:
        Schedule(zone=value)
    except (ConfigError, TypeError):
        return "expected a time zone such as Europe/Madrid, or nothing"
    return ""


def _table(value: Any) -> str:
    return "" if isinstance(value, dict) else "expected a table of options"


def _short_text(value: Any) -> str:
    return "" if isinstance(value, str) and len(value) <= 64 else "expected a name of 64 characters at most"


_SCHEDULE, _GATE = Schedule(), Gate()
WHEN = one_of("retraining.when", *get_args(When))
AT = Option("retraining.at", _SCHEDULE.at, _time_of_day)
ZONE = Option("retraining.zone", _SCHEDULE.zone, _time_zone)
CLIPS = whole_number("retraining.clips", _SCHEDULE.clips, 1, 1_000_000)
MIN_GAIN = number("retraining.min_gain", _GATE.min_gain, -1, 1)
MAX_CLASS_LOSS = number("retraining.max_class_loss", _GATE.max_class_loss, 0, 1)
MIN_TEST_CLIPS = whole_number("retraining.min_test_clips", _GATE.min_test_clips, 1, 1_000_000)
FIRST_MARGIN = number("retraining.first_margin", _GATE.first_margin, 0, 1)
MODEL = Option("retraining.model", "", _short_text)
TRAINING: Option[dict[str, Any]] = Option("retraining.training", {}, _table)
MADE_UP_IDLE = switch("retraining.made_up_idle", default=True)


@dataclass(frozen=True)
class Recipe:
    """How a model is trained, without what only torch knows.

    Args:
        model: preset of the network; empty for the default one.
        training: options of `ademan.training.TrainingConfig` that differ from the preset's, such as epochs.
        made_up_idle: whether made-up idle hands, and gestures cut through, are learnt as idle besides: people who are
            recognised live do nothing most of the time.
    """

    model: str = ""
    training: Mapping[str, Any] = field(default_factory=dict)
    made_up_idle: bool = True

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"model": self.model, "training": dict(self.training), "made_up_idle": self.made_up_idle}


def chosen_schedule(settings: Settings) -> Schedule:
    """Return when sets are trained again."""
    when = cast(When, settings.get(WHEN))
    return Schedule(when, settings.get(AT), settings.get(ZONE), settings.get(CLIPS))


def chosen_gate(settings: Settings) -> Gate:
    """Return what a new model must be."""
    least = settings.get(MIN_TEST_CLIPS)
    return Gate(settings.get(MIN_GAIN), settings.get(MAX_CLASS_LOSS), least, settings.get(FIRST_MARGIN))


def chosen_recipe(settings: Settings, params: Mapping[str, Any]) -> Recipe:
    """Return how a model is trained.

    Args:
        settings: of the studio.
        params: of a job; what they hold (model, training) goes before the settings.
    """
    chosen: dict[str, Any] = settings.get(TRAINING)
    training = chosen | dict(params.get("training", {}))
    return Recipe(params.get("model") or settings.get(MODEL), training, settings.get(MADE_UP_IDLE))
