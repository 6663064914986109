"""Whether the clips of now are recorded as those were that a model learnt from; no clip is opened for it.

When a version is kept, the statistics of the clips that it learnt from are kept with it, as bins of quantiles. Those
of each clip are in `clip_stats` from when it was added, so the database counts the clips of now in the same bins.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sqlalchemy import case, func, select

from ademan.evaluation.drift import Drift, Reference, drift
from ademan.studio.data.clip_files import from_bytes
from ademan.studio.data.clip_stats import FEATURES, measure
from ademan.studio.data.clips import read_content
from ademan.studio.data.database import Database
from ademan.studio.data.days import Days
from ademan.studio.data.errors import StudioError
from ademan.studio.data.files import FileStore
from ademan.studio.data.tables import HALF_HOUR_MS, ClipRow, ClipStats, ModelVersion

KEY = "statistics"
"""Under which a version keeps them, in its `clips`."""
_MOST_AT_ONCE = 500


@dataclass(frozen=True)
class Moved:
    """One of the statistics, then and now.

    Args:
        feature: its name; see clip_stats.py.
        reference: what it was in the clips that were learnt from.
        counts: of the clips of now, in each bin of the reference.
        mean: of the clips of now; None without clips.
        drift: how far it has moved.
    """

    feature: str
    reference: Reference
    counts: tuple[int, ...]
    mean: float | None
    drift: Drift


@dataclass(frozen=True)
class Drifted:
    """How the clips of some days differ from those that a version learnt from.

    Args:
        number: of the version.
        created_ms: when it was kept; clips from before are not counted.
        clips: that are compared with it.
        moved: each of the statistics; none if the version kept none.
    """

    number: int
    created_ms: int
    clips: int
    moved: tuple[Moved, ...]


def statistics_of(database: Database, clip_ids: Collection[str]) -> dict[str, Any]:
    """Return what a version is to keep of the clips that it learnt from, as plain values under `KEY`."""
    values: dict[str, list[float]] = {name: [] for name in FEATURES}
    ids = sorted(clip_ids)
    columns = [getattr(ClipStats, name) for name in FEATURES]
    with database.reading() as session:
        for begin in range(0, len(ids), _MOST_AT_ONCE):
            some = ids[begin : begin + _MOST_AT_ONCE]
            for row in session.execute(select(*columns).where(ClipStats.clip_id.in_(some))):
                for name, value in zip(FEATURES, row, strict=True):
                    if value is not None:
                        values[name].append(value)
    kept = {name: Reference.of(found) for name, found in values.items()}
    return {KEY: {name: reference.to_json() for name, reference in kept.items() if reference is not None}}


def fill_missing(database: Database, files: FileStore, set_id: int) -> int:
    """Measure the clips of a set that were added before clips were measured; returns how many.

    Clips that are damaged, or deleted meanwhile, are passed over.

    Raises:
        StudioError: 'unavailable'.
    """
    asked = select(ClipRow).outerjoin(ClipStats, ClipStats.clip_id == ClipRow.id)
    with database.reading() as session:
        rows = session.scalars(asked.where(ClipRow.set_id == set_id, ClipStats.clip_id.is_(None))).all()
    return sum(_fill(database, files, row) for row in rows)


def drifted(database: Database, version_id: int, days: Days) -> Drifted | None:
    """Return how the clips of some days differ from those that a version learnt from; None if it is gone.

    Clips that were excluded do not count, nor do those from before the version was kept.
    """
    with database.reading() as session:
        row = session.execute(
            select(ModelVersion.number, ModelVersion.created_ms, ModelVersion.set_id, ModelVersion.clips).where(
                ModelVersion.id == version_id
            )
        ).one_or_none()
        if row is None:
            return None
        kept = {name: Reference.from_json(told) for name, told in row.clips.get(KEY, {}).items() if name in FEATURES}
        begin = max(days.begin * HALF_HOUR_MS, row.created_ms)
        within = (
            ClipRow.set_id == row.set_id, ClipRow.state != "excluded",
            ClipRow.created_ms >= begin, ClipRow.created_ms < days.end * HALF_HOUR_MS,
        )  # fmt: skip
        asked = select(func.count(), *(column for pair in kept.items() for column in _columns(*pair)))
        found = session.execute(
            asked.select_from(ClipRow).join(ClipStats, ClipStats.clip_id == ClipRow.id).where(*within)
        ).one()
    return Drifted(row.number, row.created_ms, found[0], tuple(_moved(kept, found[1:])))


def _fill(database: Database, files: FileStore, row: ClipRow) -> bool:
    try:
        measured = measure(from_bytes(read_content(files, row)))
        with database.writing() as session:
            if session.get(ClipStats, row.id) is None:
                session.add(ClipStats(clip_id=row.id, **vars(measured)))
    except StudioError as error:
        if error.code == "unavailable":
            raise
        return False
    return True


def _columns(feature: str, reference: Reference) -> list[Any]:
    """Return what is asked of a feature: mean, count, and how many values are up to each edge."""
    column = getattr(ClipStats, feature)
    upto = [func.coalesce(func.sum(case((column <= edge, 1), else_=0)), 0) for edge in reference.edges]
    return [func.avg(column), func.count(column), *upto]


def _moved(kept: Mapping[str, Reference], found: Sequence[Any]) -> list[Moved]:
    """Take the row apart that `_columns` of each feature asked for."""
    moved, place = [], 0
    for name, reference in kept.items():
        mean, count = found[place : place + 2]
        place += 2
        upto = [0, *(int(number) for number in found[place : place + len(reference.edges)]), int(count)]
        place += len(reference.edges)
        counts = tuple(after - before for before, after in pairwise(upto))
        moved.append(Moved(name, reference, counts, mean, drift(reference, counts)))
    return moved
