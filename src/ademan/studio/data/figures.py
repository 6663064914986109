"""Figures: what was recognised, how surely and how fast, added up by the database; nothing here reads single rows.

All of it comes from `prediction_totals` (half hours), which is kept with each change of a prediction. Days are those
of whoever reads; see days.py.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, tzinfo
from typing import Any

from sqlalchemy import ColumnElement, Integer, case, func, literal, select
from sqlalchemy.orm import Session

from ademan.evaluation.intervals import Interval, wilson
from ademan.studio.data.database import Database
from ademan.studio.data.days import Days, day_of
from ademan.studio.data.people import user_of
from ademan.studio.data.tables import NOBODY, Gesture, GestureSet, ModelVersion, PredictionTotal, User

OTHERS = -1
"""In place of a person's id: everybody else, whom a member does not see one by one."""
_total = PredictionTotal


@dataclass(frozen=True)
class Which:
    """What a figure is of.

    Args:
        days: from when to when.
        set_id: of one set's models alone.
        model_id: of one version alone.
        gesture: one label alone: what the model said; where it is about what was true, that.
    """

    days: Days
    set_id: int | None = None
    model_id: int | None = None
    gesture: str = ""

    @property
    def by_day(self) -> "Which":
        """The same with each day by itself."""
        return replace(self, days=replace(self.days, step=1))

    def on(self, day: date) -> "Which":
        """The same of another day."""
        return replace(self, days=Days(day, day, self.days.zone))


@dataclass(frozen=True)
class Use:
    """How much somebody was told, on one day or in all.

    Args:
        predictions: labels, one a second or so of each stream.
        gestures: that began.
    """

    predictions: int = 0
    gestures: int = 0

    def __add__(self, other: "Use") -> "Use":
        return Use(self.predictions + other.predictions, self.gestures + other.gestures)


@dataclass(frozen=True)
class Told:
    """How often the model was right where people said what was true.

    Args:
        right: of them.
        total: about which somebody said something.
    """

    right: int = 0
    total: int = 0

    def __add__(self, other: "Told") -> "Told":
        return Told(self.right + other.right, self.total + other.total)

    @property
    def share(self) -> float | None:
        """Right ones of all; None of none."""
        return self.right / self.total if self.total else None

    @property
    def interval(self) -> Interval | None:
        """Of the share, 95 %; answers are taken as independent."""
        return wilson(self.right, self.total) if self.total else None


@dataclass(frozen=True)
class Pace:
    """How sure and how fast the predictions of some time were.

    Args:
        count: of predictions.
        confidence: mean, 0 to 1.
        latency_ms: mean.
        latency_max_ms: the longest.
    """

    count: int
    confidence: float
    latency_ms: float
    latency_max_ms: float


@dataclass(frozen=True)
class Totals:
    """What the totals of some days say, by day and person.

    Args:
        use: of each person and day; ids of people, NOBODY or OTHERS.
        pace: of each day that has predictions.
    """

    use: dict[tuple[int, int], Use] = field(default_factory=dict)
    pace: dict[int, Pace] = field(default_factory=dict)

    @property
    def people(self) -> dict[int, Use]:
        """What each person has in all, most first."""
        found: dict[int, Use] = defaultdict(Use)
        for (person, _), use in self.use.items():
            found[person] += use
        return dict(sorted(found.items(), key=lambda item: (-item[1].predictions, -item[1].gestures, item[0])))


class Figures:
    """The figures of a studio.

    Args:
        database: of the studio.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def first_day(self, zone: tzinfo) -> date | None:
        """Return the day of the oldest prediction; None before there is any."""
        with self._database.reading() as session:
            first = session.scalar(select(func.min(_total.half_hour)))
        return None if first is None else day_of(first, zone)

    def gestures(self, which: Which) -> dict[str, dict[int, int]]:
        """Return, by label and day, how often gestures began, the most frequent one first."""
        day, count = which.days.index_of(_half_hour()), func.sum(_total.count)
        asked = select(_total.label, day, count).where(*_within(which), *_saying(which), _total.kind == "began")
        found: dict[str, dict[int, int]] = defaultdict(dict)
        with self._database.reading() as session:
            for label, index, number in session.execute(asked.group_by(_total.label, day)):
                found[label][index] = int(number)
        return dict(sorted(found.items(), key=lambda item: (-sum(item[1].values()), item[0])))

    def totals(self, by: int, which: Which) -> Totals:
        """Return use by person and day, and pace by day.

        An admin sees everybody by themselves; a member themselves, and the others in one sum.

        Raises:
            StudioError: 'gone', whoever asks has no account, or no longer.
        """
        sums = (_total.count, _total.confidence_sum, _total.latency_sum)
        inner = select(
            _total.half_hour, _total.kind, _total.user_id, *(func.sum(one).label(one.key) for one in sums),
            func.max(_total.latency_max).label("latency_max"),
        ).where(*_within(which), *_saying(which), _total.kind.in_(("prediction", "began")))  # fmt: skip
        # Added up first in the order of the key, so that little has to be sorted: half the time with SQLite.
        few = inner.group_by(_total.half_hour, _total.kind, _total.user_id).subquery().c
        day = which.days.index_of(few.half_hour)
        with self._database.reading() as session:
            person = _person_seen_by(session, by, few.user_id)
            asked = select(
                person, day, few.kind, func.sum(few["count"]), func.sum(few.confidence_sum), func.sum(few.latency_sum),
                func.max(few.latency_max),
            )  # fmt: skip
            rows = session.execute(asked.group_by(person, day, few.kind)).all()
        return _totals(rows)

    def today(self, which: Which) -> dict[int, Use]:
        """Return use by half hour."""
        asked = select(
            _total.half_hour,
            func.sum(case((_total.kind == "prediction", _total.count), else_=0)),
            func.sum(case((_total.kind == "began", _total.count), else_=0)),
        ).where(*_within(which), *_saying(which))
        with self._database.reading() as session:
            rows = session.execute(asked.group_by(_total.half_hour))
            return {half_hour: Use(int(said), int(began)) for half_hour, said, began in rows if said or began}

    def accuracy(self, which: Which) -> dict[str, dict[int, Told]]:
        """Return, by what was true and by day, how often the model had said so; only where people told.

        People rather tell of what was wrong, so this is not how good a model is with everybody.
        """
        day = which.days.index_of(_half_hour())
        right = func.sum(case((_total.label == _total.truth, _total.count), else_=0))
        asked = select(_total.truth, day, right, func.sum(_total.count)).where(*_within(which), _total.truth != "")
        if which.gesture:
            asked = asked.where(_total.truth == which.gesture)
        found: dict[str, dict[int, Told]] = defaultdict(dict)
        with self._database.reading() as session:
            for truth, index, hits, number in session.execute(asked.group_by(_total.truth, day)):
                found[truth][index] = Told(int(hits), int(number))
        return dict(sorted(found.items()))

    def names(self, by: int, people: Sequence[int]) -> dict[int, str]:
        """Return the names of people whom somebody may see: an admin all, a member themselves."""
        asked = select(User.id, User.name).where(User.id.in_([one for one in people if one not in (NOBODY, OTHERS)]))
        with self._database.reading() as session:
            if user_of(session, by).role != "admin":
                asked = asked.where(User.id == by)
            return {row.id: row.name for row in session.execute(asked)}

    def sets(self) -> list["SetChoice"]:
        """Return what can be chosen among: sets with their versions, without what these hold."""
        sets = select(GestureSet.id, GestureSet.name).order_by(GestureSet.name_key)
        versions = select(ModelVersion.set_id, ModelVersion.id, ModelVersion.number, ModelVersion.state)
        with self._database.reading() as session:
            found: dict[int, list[VersionChoice]] = defaultdict(list)
            for set_id, version_id, number, state in session.execute(versions.order_by(ModelVersion.number.desc())):
                found[set_id].append(VersionChoice(version_id, number, state))
            return [SetChoice(row.id, row.name, tuple(found[row.id])) for row in session.execute(sets)]

    def gesture_names(self, set_id: int | None = None) -> list[str]:
        """Return the names of all gestures and idle labels, of one set or of all."""
        named = select(Gesture.name)
        idle = select(GestureSet.idle)
        if set_id is not None:
            named, idle = named.where(Gesture.set_id == set_id), idle.where(GestureSet.id == set_id)
        with self._database.reading() as session:
            return list(dict.fromkeys([*sorted(session.scalars(named)), *sorted(session.scalars(idle))]))


@dataclass(frozen=True)
class VersionChoice:
    """A version that can be chosen.

    Args:
        id: of the version.
        number: within its set.
        state: 'candidate', 'live', 'retired' or 'refused'.
    """

    id: int
    number: int
    state: str


@dataclass(frozen=True)
class SetChoice:
    """A set that can be chosen.

    Args:
        id: of the set.
        name: of the set.
        versions: of its model, the newest first.
    """

    id: int
    name: str
    versions: tuple[VersionChoice, ...]

    @property
    def live(self) -> VersionChoice | None:
        """The version that is live, else the newest one; None without any."""
        return next((one for one in self.versions if one.state == "live"), next(iter(self.versions), None))


def _half_hour() -> ColumnElement[int]:
    return _total.__table__.c.half_hour


def _within(which: Which) -> list[ColumnElement[bool]]:
    """Return the conditions of days, set and version."""
    found: list[ColumnElement[bool]] = [_half_hour() >= which.days.begin, _half_hour() < which.days.end]
    if which.model_id is not None:
        found.append(_total.model_id == which.model_id)
    if which.set_id is not None:
        found.append(_total.model_id.in_(select(ModelVersion.id).where(ModelVersion.set_id == which.set_id)))
    return found


def _saying(which: Which) -> list[ColumnElement[bool]]:
    return [_total.label == which.gesture] if which.gesture else []


def _person_seen_by(session: Session, by: int, person: ColumnElement[int]) -> ColumnElement[int]:
    """Return, as a column, whom somebody sees: who it was, or OTHERS."""
    if user_of(session, by).role == "admin":
        return person
    return case((person == by, person), else_=literal(OTHERS, Integer))


def _totals(rows: Sequence[Any]) -> Totals:
    use: dict[tuple[int, int], Use] = defaultdict(Use)
    sums: dict[int, tuple[int, float, float, float]] = {}
    for person, day, kind, number, *values in rows:
        if kind == "began":
            use[person, day] += Use(gestures=int(number))
            continue
        use[person, day] += Use(predictions=int(number))
        count, confidence, latency, longest = sums.get(day, (0, 0.0, 0.0, 0.0))
        sums[day] = (count + int(number), confidence + values[0], latency + values[1], max(longest, values[2]))
    pace = {
        day: Pace(count, confidence / count, latency / count, longest)
        for day, (count, confidence, latency, longest) in sums.items()
    }
    return Totals(dict(use), pace)
