"""Totals of predictions by half an hour, kept with each change of the predictions in the same transaction."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Select, delete, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from ademan.studio.data.tables import HALF_HOUR_MS, NOBODY, Prediction, PredictionTotal

_KEY = ("half_hour", "kind", "user_id", "model_id", "label", "truth")
_SUMS = ("count", "confidence_sum", "latency_sum", "latency_max")


@dataclass(frozen=True, order=True)
class TotalKey:
    """What predictions have in common that are added up."""

    half_hour: int
    kind: str
    user_id: int
    model_id: int
    label: str
    truth: str

    @classmethod
    def of(cls, row: Prediction) -> "TotalKey":
        """Return the key of the totals that a prediction belongs to."""
        return cls(row.at_ms // HALF_HOUR_MS, row.kind, row.user_id or NOBODY, row.model_id, row.label, row.truth or "")


def add_totals(session: Session, rows: Iterable[Prediction]) -> None:
    """Add predictions that were just inserted."""
    sums: dict[TotalKey, tuple[int, float, float, float]] = {}
    for row in rows:
        count, confidence, latency, longest = sums.get(TotalKey.of(row), (0, 0.0, 0.0, 0.0))
        sums[TotalKey.of(row)] = (
            count + 1,
            confidence + row.confidence,
            latency + row.latency_ms,
            max(longest, row.latency_ms),
        )
    # In one order everywhere: two that add to the same totals the other way round would wait for each other.
    values = [vars(key) | dict(zip(_SUMS, sums[key], strict=True)) for key in sorted(sums)]
    for chunk in range(0, len(values), 500):
        insert = _insert(session).values(values[chunk : chunk + 500])
        session.execute(_adding(insert, session))


def recount(session: Session, keys: Iterable[TotalKey]) -> None:
    """Add up again what predictions belong to these keys, after one of them was changed.

    A difference would do, but for the longest latency, and for rounding that grows with each change.
    """
    for key in sorted(set(keys)):
        empty = _insert(session).values(**vars(key), count=0, confidence_sum=0.0, latency_sum=0.0, latency_max=0.0)
        session.execute(empty.on_conflict_do_nothing())
        total = session.scalars(
            select(PredictionTotal).filter_by(**vars(key)).with_for_update().execution_options(populate_existing=True)
        ).one()  # others who add to it wait from here on, so that what is counted below is all there is
        count, confidence, latency, longest = session.execute(_summed(key)).one()
        if count:
            total.count, total.confidence_sum, total.latency_sum, total.latency_max = (
                count, confidence, latency, longest,
            )  # fmt: skip
        else:
            session.delete(total)
        session.flush()


def forget_person(session: Session, user_id: int) -> None:
    """Add the totals of somebody who leaves to those of nobody."""
    table = PredictionTotal.__table__.c
    mine = select(
        table.half_hour, table.kind, literal(NOBODY), table.model_id, table.label, table.truth,
        *(table[name] for name in _SUMS),
    ).where(table.user_id == user_id).order_by(*(table[name] for name in _KEY))  # fmt: skip
    session.execute(_adding(_insert(session).from_select([*_KEY, *_SUMS], mine), session))
    session.execute(delete(PredictionTotal).where(PredictionTotal.user_id == user_id))


def _summed(key: TotalKey) -> Select[int, float, float, float]:
    begin = key.half_hour * HALF_HOUR_MS
    return select(
        func.count(),
        func.sum(Prediction.confidence),
        func.sum(Prediction.latency_ms),
        func.max(Prediction.latency_ms),
    ).where(
        Prediction.at_ms >= begin,
        Prediction.at_ms < begin + HALF_HOUR_MS,
        Prediction.kind == key.kind,
        Prediction.user_id.is_(None) if key.user_id == NOBODY else Prediction.user_id == key.user_id,
        Prediction.model_id == key.model_id,
        Prediction.label == key.label,
        func.coalesce(Prediction.truth, "") == key.truth,
    )


def _insert(session: Session) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that knows what to do where there is a row; the two databases write it alike."""
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    return sqlite.insert(PredictionTotal) if is_sqlite else postgresql.insert(PredictionTotal)


def _adding(insert: sqlite.Insert | postgresql.Insert, session: Session) -> sqlite.Insert | postgresql.Insert:
    """Return an INSERT that adds to the totals that are there."""
    table, new = PredictionTotal.__table__.c, insert.excluded
    greatest = func.max if session.get_bind().dialect.name == "sqlite" else func.greatest
    return insert.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={name: table[name] + new[name] for name in _SUMS[:3]}
        | {"latency_max": greatest(table.latency_max, new.latency_max)},
    )
