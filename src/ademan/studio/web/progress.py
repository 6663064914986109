"""How far a person and a studio are on the way to a gesture that is recognised: what the first page shows."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select

from ademan.studio.data import Database
from ademan.studio.data.people import Person
from ademan.studio.data.tables import ClipRow, ModelVersion, Prediction


@dataclass(frozen=True)
class Step:
    """Something to do.

    Args:
        name: of its texts.
        path: where it is done; empty if only an admin does it.
        is_done: whether it has been.
        is_next: whether it is the first that has not.
    """

    name: str
    path: str
    is_done: bool
    is_next: bool


def steps(database: Database, person: Person) -> list[Step]:
    """Return what is to be done, in its order, and what of it is done."""
    asked: tuple[tuple[str, str, Select[Any]], ...] = (
        ("record", "/record", select(ClipRow.id).where(ClipRow.user_id == person.id)),
        ("review", "/review" if person.is_admin else "", select(ClipRow.id).where(ClipRow.state == "accepted")),
        ("train", "/models" if person.is_admin else "", select(ModelVersion.id).where(ModelVersion.state == "live")),
        ("try", "/try", select(Prediction.id).where(Prediction.user_id == person.id)),
    )
    with database.reading() as session:
        done = [session.scalar(query.limit(1)) is not None for _, _, query in asked]
    first = done.index(False) if False in done else -1
    return [Step(name, path, done[i], i == first) for i, (name, path, _) in enumerate(asked)]
