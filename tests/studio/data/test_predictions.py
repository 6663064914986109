"""Predictions: their totals are always what adding them up would give."""

import threading
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from ademan.studio.data import StudioError
from ademan.studio.data.database import Database
from ademan.studio.data.predictions import Predictions, Said
from ademan.studio.data.tables import HALF_HOUR_MS, ModelVersion, Prediction, PredictionTotal
from ademan.studio.data.totals import TotalKey
from tests.studio.conftest import Studio, made_clip
from tests.studio.data.test_models import version_row

BEGIN = 1_000_000 * HALF_HOUR_MS
NUMBERS = count()


def code_of(call: Callable[[], object]) -> str:
    with pytest.raises(StudioError) as refused:
        call()
    return refused.value.code


def totals(database: Database) -> dict[TotalKey, tuple[float, ...]]:
    """Return the totals that are kept."""
    with database.reading() as session:
        rows = session.scalars(select(PredictionTotal)).all()
    return {
        TotalKey(row.half_hour, row.kind, row.user_id, row.model_id, row.label, row.truth): (
            row.count,
            row.confidence_sum,
            row.latency_sum,
            row.latency_max,
        )
        for row in rows
    }


def added_up(database: Database) -> dict[TotalKey, tuple[Any, ...]]:
    """Return the totals that the predictions have."""
    groups: dict[TotalKey, list[Prediction]] = {}
    with database.reading() as session:
        for row in session.scalars(select(Prediction)):
            groups.setdefault(TotalKey.of(row), []).append(row)
    return {
        key: (
            len(rows),
            pytest.approx(sum(row.confidence for row in rows)),
            pytest.approx(sum(row.latency_ms for row in rows)),
            max(row.latency_ms for row in rows),
        )
        for key, rows in groups.items()
    }


@pytest.fixture
def models(studio: Studio) -> list[int]:
    """Two models of a set with wave and bow; the admin is Ana."""
    made = studio.gesture_set(studio.person("Ana").id)
    with studio.database.writing() as session:
        rows = [version_row(made.id, number) for number in range(2)]
        session.add_all(rows)
    return [row.id for row in rows]


def said(model_id: int, label: str = "wave", *, at: int = 0, user_id: int | None = None, **more: object) -> Said:
    values = {"kind": "prediction", "confidence": 0.5, "latency_ms": 10.0, **more}
    return Said(at_ms=BEGIN + at, model_id=model_id, label=label, user_id=user_id, **values)  # type: ignore[arg-type]


STEP = st.one_of(
    st.tuples(
        st.just("add"),
        st.lists(
            st.tuples(
                st.integers(0, 2 * HALF_HOUR_MS), st.sampled_from(["prediction", "began"]), st.integers(0, 2),
                st.integers(0, 1), st.sampled_from(["wave", "bow", "idle"]), st.floats(0, 1), st.floats(0, 1000),
            ),
            max_size=6,
        ),
    ),
    st.tuples(st.just("correct"), st.tuples(st.integers(0, 30), st.sampled_from(["wave", "Bow", "idle"]))),
    st.tuples(st.just("leave"), st.just(0)),
)  # fmt: skip


@settings(
    max_examples=15,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEP, max_size=8))
def test_totals_are_what_the_predictions_add_up_to(
    studio: Studio, models: list[int], steps: list[tuple[str, Any]]
) -> None:
    ana = studio.accounts.log_in("Ana", "four words of mine").visitor.person
    ben = studio.person(f"Ben {next(NUMBERS)}")
    people: list[int | None] = [None, ana.id, ben.id]
    ids: list[int] = []
    for kind, given_values in steps:
        if kind == "add":
            rows = [
                Said(BEGIN + at, what, models[model], label, confidence, latency, people[who])
                for at, what, who, model, label, confidence, latency in given_values
            ]
            ids += studio.predictions.add(rows)
        elif kind == "correct" and ids:
            which, truth = given_values
            info = studio.predictions.correct(ana.id, ids[which % len(ids)], truth)
            assert info.truth == truth.casefold()
        elif kind == "leave" and people[2] is not None:
            studio.members.remove(ana.id, ben.id)
            people[2] = None
        assert totals(studio.database) == added_up(studio.database)


def test_many_who_add_at_once_lose_nothing(studio: Studio, models: list[int]) -> None:
    """Each adds to the same totals, in another order; none waits for ever, none is lost."""
    rows = [said(models[i % 2], "wave" if i % 3 else "bow") for i in range(12)]

    def add(turned: bool) -> None:
        for _ in range(5):
            studio.predictions.add(rows[::-1] if turned else rows)

    threads = [threading.Thread(target=add, args=(bool(i % 2),)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = totals(studio.database)
    assert sum(total[0] for total in found.values()) == 6 * 5 * 12
    assert found == added_up(studio.database)


def test_corrections_while_others_add_lose_nothing(studio: Studio, models: list[int]) -> None:
    ana = studio.accounts.log_in("Ana", "four words of mine").visitor.person
    ids = studio.predictions.add([said(models[0], user_id=ana.id)] * 20)

    def correct() -> None:
        for i in ids:
            studio.predictions.correct(ana.id, i, "bow")

    def add() -> None:
        for _ in range(20):
            studio.predictions.add([said(models[0], user_id=ana.id)])

    threads = [threading.Thread(target=work) for work in (correct, add, add)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert totals(studio.database) == added_up(studio.database)
    assert sum(total[0] for total in totals(studio.database).values()) == 60


@pytest.mark.parametrize(
    "more",
    [
        {"confidence": 1.5}, {"confidence": float("nan")}, {"latency_ms": -1.0}, {"latency_ms": float("inf")},
        {"kind": "guess"}, {"label": ""}, {"label": "x" * 300}, {"label": "a\x00"}, {"at": -BEGIN - 1}, {"at": 2**60},
    ],
)  # fmt: skip
def test_what_is_no_prediction_is_refused_and_keeps_the_others_out(
    studio: Studio, models: list[int], more: dict[str, object]
) -> None:
    assert code_of(lambda: studio.predictions.add([said(models[0]), said(models[0], **more)])) == "bad"  # type: ignore[arg-type]
    assert totals(studio.database) == {}


def test_models_and_people_that_are_not_there_are_told(studio: Studio, models: list[int]) -> None:
    assert code_of(lambda: studio.predictions.add([said(models[0]), said(models[1] + 99)])) == "gone"
    assert code_of(lambda: studio.predictions.add([said(models[0], user_id=10**6)])) == "gone"
    assert code_of(lambda: studio.predictions.add([said(models[0])] * 10_001)) == "too_many"
    assert totals(studio.database) == {}
    assert studio.predictions.add([]) == []


def test_a_correction_with_points_becomes_a_clip_to_be_reviewed(studio: Studio, models: list[int]) -> None:
    ana, ben = studio.accounts.log_in("Ana", "four words of mine").visitor.person, studio.person("Ben")
    first = studio.predictions.add([said(models[0], "wave", user_id=ben.id, confidence=0.75)])[0]
    corrected = studio.predictions.correct(ben.id, first, "BOW", made_clip())
    assert corrected.truth == "bow"
    assert corrected.clip_id is not None
    clip = studio.clips.get(ben.id, corrected.clip_id)
    assert (clip.label, clip.origin, clip.state, clip.user_id) == ("bow", "try", "new", ben.id)
    assert clip.guess is not None
    assert (clip.guess.label, clip.guess.confidence, clip.guess.model_id) == ("wave", 0.75, models[0])
    again = studio.predictions.correct(ben.id, first, "idle", made_clip(seed=3))
    assert again.clip_id == corrected.clip_id
    assert studio.clips.get(ben.id, clip.id).label == "idle"
    assert studio.clips.mine(ben.id).total == 1
    studio.review.decide(ana.id, [clip.id], "accepted")
    studio.predictions.correct(ben.id, first, "wave")
    assert studio.clips.get(ben.id, clip.id).label == "idle"
    assert studio.predictions.mine(ben.id)[0].truth == "wave"
    studio.clips.delete(ben.id, [clip.id])
    assert studio.predictions.mine(ben.id)[0].clip_id is None
    assert totals(studio.database) == added_up(studio.database)


def test_predictions_are_corrected_by_whom_they_were_said_to_and_by_admins(studio: Studio, models: list[int]) -> None:
    ana = studio.accounts.log_in("Ana", "four words of mine").visitor.person
    ben, cas = studio.person("Ben"), studio.person("Cas")
    bens, nobodys = studio.predictions.add([said(models[0], user_id=ben.id), said(models[0])])
    for prediction in (bens, nobodys, 10**9):
        assert code_of(lambda prediction=prediction: studio.predictions.correct(cas.id, prediction, "bow")) == "gone"  # type: ignore[misc]
    assert code_of(lambda: studio.predictions.correct(ben.id, bens, "jump")) == "bad"
    assert studio.predictions.correct(ana.id, bens, "bow").truth == "bow"
    assert studio.predictions.correct(ana.id, nobodys, "bow").truth == "bow"
    assert [info.id for info in studio.predictions.mine(ben.id)] == [bens]
    assert studio.predictions.mine(cas.id) == []


def test_old_predictions_go_and_their_totals_stay(studio: Studio, models: list[int]) -> None:
    studio.predictions.add([said(models[0], at=-1), said(models[0], at=1), said(models[0], at=HALF_HOUR_MS)])
    before = totals(studio.database)
    assert studio.predictions.forget_before(BEGIN + HALF_HOUR_MS - 1) == 1
    assert totals(studio.database) == before
    with studio.database.reading() as session:
        assert len(session.scalars(select(Prediction)).all()) == 2


def test_what_goes_with_a_set_goes(studio: Studio, models: list[int]) -> None:
    ana = studio.accounts.log_in("Ana", "four words of mine").visitor.person
    studio.predictions.add([said(models[0])])
    made = studio.sets.all()[0]
    studio.clip(made, ana)
    studio.sets.delete(ana.id, made.id)
    assert totals(studio.database) == {}
    assert list(studio.files.all()) == []
    with studio.database.reading() as session:
        for table in (Prediction, ModelVersion):
            assert session.scalars(select(table)).all() == []


def test_predictions_know_their_database_alone(studio: Studio) -> None:
    assert Predictions(studio.database, studio.files).mine(1) == []


def test_somebody_may_leave_while_predictions_are_added_and_corrected(studio: Studio, models: list[int]) -> None:
    ana = studio.accounts.log_in("Ana", "four words of mine").visitor.person
    ben = studio.person("Ben")
    ids = studio.predictions.add([said(models[0], user_id=ben.id)] * 10)
    codes: set[str] = set()

    def tell(work: Callable[[], object]) -> None:
        for _ in range(20):
            try:
                work()
            except StudioError as error:
                codes.add(error.code)

    threads = [
        threading.Thread(target=tell, args=(work,))
        for work in (
            lambda: studio.predictions.add([said(models[0], user_id=ben.id), said(models[1])]),
            lambda: studio.predictions.add([said(models[1]), said(models[0], user_id=ben.id)]),
            lambda: studio.predictions.correct(ana.id, ids[len(codes)], "bow"),
            lambda: studio.members.remove(ana.id, ben.id),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes <= {"gone"}
    assert totals(studio.database) == added_up(studio.database)


def test_what_was_said_is_listed_by_kind_and_set(studio: Studio, models: list[int]) -> None:
    ana = studio.sets.all()[0].created_by or 0
    other = studio.gesture_set(ana, "Others")
    with studio.database.writing() as session:
        row = version_row(other.id, 1)
        session.add(row)
    kinds = [(models[0], "began"), (models[0], "ended"), (models[1], "prediction"), (row.id, "began")]
    ids = studio.predictions.add([
        Said(BEGIN + i, kind, model, "wave", 0.9, 10.0, ana) for i, (model, kind) in enumerate(kinds)
    ])  # fmt: skip
    mine = studio.predictions.mine
    assert [one.id for one in mine(ana)] == ids[::-1]
    assert [one.id for one in mine(ana, kind="began")] == [ids[3], ids[0]]
    assert [one.id for one in mine(ana, kind="began", set_id=other.id)] == [ids[3]]
    assert mine(ana, set_id=10**9) == []
