"""Figures are what counting the single predictions by hand gives."""

import random
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from ademan.studio.data import StudioError
from ademan.studio.data.classification import class_scores, latest
from ademan.studio.data.days import Days, zone_of
from ademan.studio.data.figures import OTHERS, Figures, Told, Use, Which
from ademan.studio.data.predictions import Said
from ademan.studio.data.tables import HALF_HOUR_MS, NOBODY, Prediction
from tests.studio.conftest import Studio
from tests.studio.data.test_models import version_row

ZONE = zone_of("Europe/Madrid")
FIRST, LAST = date(2025, 3, 25), date(2025, 4, 4)  # clocks are put on in between
LABELS = ("wave", "bow", "idle")


@dataclass(frozen=True)
class Filled:
    """A studio in which people tried two models of one set and one of another, corrected, and one of them left."""

    studio: Studio
    figures: Figures
    admin: int
    ben: int
    sets: tuple[int, int]
    models: tuple[int, ...]

    @property
    def rows(self) -> list[Prediction]:
        with self.studio.database.reading() as session:
            return list(session.scalars(select(Prediction)))

    def which(self, **more: object) -> Which:
        return Which(Days(FIRST, LAST, ZONE), **more)  # type: ignore[arg-type]

    def of(self, which: Which) -> list[tuple[int, Prediction]]:
        """Return the predictions that a figure is of, by hand, each with its day; the gesture is left to the test."""
        found = []
        for row in self.rows:
            half_hour = datetime.fromtimestamp(row.at_ms // HALF_HOUR_MS * HALF_HOUR_MS / 1000, which.days.zone)
            day = (half_hour.date() - which.days.first).days // which.days.step
            owner = self.sets[1] if row.model_id == self.models[2] else self.sets[0]
            is_then = 0 <= day < len(which.days) and half_hour.date() <= which.days.last
            if is_then and which.set_id in (None, owner) and which.model_id in (None, row.model_id):
                found.append((day, row))
        return found


@pytest.fixture
def filled(studio: Studio) -> Filled:
    rng = random.Random(7)  # noqa: S311
    ana, ben, cas = (studio.person(name) for name in ("Ana", "Ben", "Cas"))
    sets = studio.gesture_set(ana.id), studio.gesture_set(ana.id, "Others")
    with studio.database.writing() as session:
        rows = [version_row(sets[0].id, 1), version_row(sets[0].id, 2), version_row(sets[1].id, 1)]
        session.add_all(rows)
    models = tuple(row.id for row in rows)
    begin = int(datetime(2025, 3, 24, tzinfo=UTC).timestamp() * 1000)
    said = [
        Said(
            begin + rng.randrange(13 * 86_400_000),
            rng.choice(("prediction", "prediction", "began", "ended")),
            rng.choice(models),
            rng.choice(LABELS),
            rng.random(),
            rng.uniform(0, 300),
            rng.choice((ana.id, ben.id, cas.id, None)),
        )
        for _ in range(400)
    ]
    ids = studio.predictions.add(said)
    for i in rng.sample(ids, 90):
        studio.predictions.correct(ana.id, i, rng.choice(LABELS))
    studio.members.remove(ana.id, cas.id)
    return Filled(studio, Figures(studio.database), ana.id, ben.id, (sets[0].id, sets[1].id), models)


def choices(filled: Filled) -> list[Which]:
    """Return different things to look at."""
    return [
        filled.which(),
        filled.which(set_id=filled.sets[0]),
        filled.which(set_id=filled.sets[1], gesture="wave"),
        filled.which(model_id=filled.models[1]),
        filled.which(gesture="bow"),
        filled.which(set_id=filled.sets[0], model_id=filled.models[2]),
        Which(Days(FIRST, LAST, zone_of("Australia/Lord_Howe"), step=7)),
        Which(Days(LAST, LAST, ZONE)),
    ]


def test_gestures_by_day(filled: Filled) -> None:
    for which in choices(filled):
        expected: dict[str, Counter[int]] = defaultdict(Counter)
        for day, row in filled.of(which):
            if row.kind == "began" and which.gesture in ("", row.label):
                expected[row.label][day] += 1
        found = filled.figures.gestures(which)
        assert found == expected
        sums = [sum(days.values()) for days in found.values()]
        assert sums == sorted(sums, reverse=True)


def test_use_by_person_and_day(filled: Filled) -> None:
    for which in choices(filled):
        for by in (filled.admin, filled.ben):
            expected: dict[tuple[int, int], Use] = defaultdict(Use)
            for day, row in filled.of(which):
                if which.gesture in ("", row.label) and row.kind != "ended":
                    person = row.user_id or NOBODY
                    seen = person if by in (filled.admin, person) else OTHERS
                    expected[seen, day] += Use(row.kind == "prediction", row.kind == "began")
            assert filled.figures.totals(by, which).use == expected


def test_a_member_sees_nobody_else(filled: Filled) -> None:
    totals, all_of_it = (filled.figures.totals(by, filled.which()) for by in (filled.ben, filled.admin))
    assert set(totals.people) == {filled.ben, OTHERS}
    assert set(all_of_it.people) == {filled.admin, filled.ben, NOBODY}
    assert sum(totals.people.values(), Use()) == sum(all_of_it.people.values(), Use())
    everybody = [filled.admin, filled.ben, NOBODY, OTHERS, 99]
    assert filled.figures.names(filled.ben, everybody) == {filled.ben: "Ben"}
    assert filled.figures.names(filled.admin, everybody) == {filled.admin: "Ana", filled.ben: "Ben"}


def test_who_has_left_asks_in_vain(filled: Filled) -> None:
    for call in (lambda: filled.figures.totals(99, filled.which()), lambda: filled.figures.names(99, [1])):
        with pytest.raises(StudioError) as refused:
            call()
        assert refused.value.code == "gone"


def test_confidence_and_latency_by_day(filled: Filled) -> None:
    for which in choices(filled):
        days: dict[int, list[Prediction]] = defaultdict(list)
        for day, row in filled.of(which):
            if row.kind == "prediction" and which.gesture in ("", row.label):
                days[day].append(row)
        found = filled.figures.totals(filled.ben, which).pace
        assert set(found) == set(days)
        for day, rows in days.items():
            assert found[day].count == len(rows)
            assert found[day].confidence == pytest.approx(sum(row.confidence for row in rows) / len(rows))
            assert found[day].latency_ms == pytest.approx(sum(row.latency_ms for row in rows) / len(rows))
            assert found[day].latency_max_ms == max(row.latency_ms for row in rows)


def test_accuracy_by_gesture_and_day(filled: Filled) -> None:
    for which in choices(filled):
        expected: dict[str, dict[int, Told]] = defaultdict(lambda: defaultdict(Told))
        for day, row in filled.of(which):
            if row.truth is not None and which.gesture in ("", row.truth):
                expected[row.truth][day] += Told(int(row.label == row.truth), 1)
        assert filled.figures.accuracy(which) == expected


def test_today_by_half_hour(filled: Filled) -> None:
    for which in choices(filled):
        day = which.on(date(2025, 3, 31))
        expected: dict[int, Use] = defaultdict(Use)
        for _, row in filled.of(day):
            if which.gesture in ("", row.label) and row.kind != "ended":
                expected[row.at_ms // HALF_HOUR_MS] += Use(row.kind == "prediction", row.kind == "began")
        assert filled.figures.today(day) == expected
        assert set(expected) <= {half_hour for half_hour, _ in day.days.half_hours()}


def test_accuracy_comes_with_how_far_it_may_be_off() -> None:
    told = Told(9, 10)
    assert told.share == 0.9
    assert told.interval is not None
    assert (told.interval.low, told.interval.high) == pytest.approx((0.596, 0.982), abs=0.001)
    assert Told().share is None
    assert Told().interval is None


def test_what_can_be_chosen(filled: Filled) -> None:
    sets = filled.figures.sets()
    assert [one.name for one in sets] == ["Greetings", "Others"]
    assert [version.number for version in sets[0].versions] == [2, 1]
    assert filled.figures.gesture_names() == ["bow", "wave", "idle"]
    assert filled.figures.gesture_names(filled.sets[1]) == ["bow", "wave", "idle"]
    oldest = min(row.at_ms for row in filled.rows)
    assert filled.figures.first_day(ZONE) == datetime.fromtimestamp(oldest / 1000, ZONE).date()


def test_before_anybody_tries_there_is_nothing(studio: Studio) -> None:
    ana, figures = studio.person("Ana"), Figures(studio.database)
    which = Which(Days(FIRST, FIRST + timedelta(days=3)))
    assert figures.first_day(UTC) is None
    totals = figures.totals(ana.id, which)
    for found in (figures.gestures(which), figures.accuracy(which), figures.today(which), totals.use, totals.pace):
        assert not found
    assert figures.sets() == []


def test_precision_recall_and_f1_of_each_class() -> None:
    wave, bow, jump = class_scores(("wave", "bow", "jump"), ((8, 2, 0), (2, 3, 0), (0, 0, 0)))
    assert (wave.precision, wave.recall, wave.f1, wave.support) == (0.8, 0.8, 0.8, 10)
    assert (bow.precision, bow.recall, bow.support) == (0.6, 0.6, 5)
    assert (jump.precision, jump.recall, jump.f1, jump.support) == (None, None, None, 0)


def test_the_latest_versions_that_were_judged(studio: Studio) -> None:
    made = studio.gesture_set(studio.person("Ana").id)
    judged = {"labels": ["wave", "bow"], "confusion": [[3, 1], [0, 4]]}
    unfit = {"labels": ["wave"], "confusion": [[3, 1], [0, 4]]}
    with studio.database.writing() as session:
        for number, new in enumerate((judged, judged, unfit, judged, None), 1):
            row = version_row(made.id, number)
            row.scores = {"new": new}
            session.add(row)
    found = latest(studio.database, made.id)
    assert [one.number for one in found] == [4]
    assert found[0].clips == 8
    assert found[0].accuracy == 0.875
    assert found[0].macro_f1 == pytest.approx((6 / 7 + 8 / 9) / 2)
    assert [one.number for one in latest(studio.database, made.id, 9)] == [4, 2, 1]
    assert latest(studio.database, 99) == []
