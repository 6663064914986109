"""How many clips of each label a set has, and of how many people: what a training still lacks."""

from dataclasses import dataclass

from sqlalchemy import func

from ademan.studio.data.clips import joined, label_of
from ademan.studio.data.database import Database
from ademan.studio.data.gestures import set_of
from ademan.studio.data.tables import ClipRow


@dataclass(frozen=True)
class Covered:
    """The clips of one label, but for those that were excluded.

    Args:
        label: name of a gesture, or the set's idle label.
        clips: of everybody.
        mine: of whoever asks.
        people: who recorded one or more.
    """

    label: str
    clips: int
    mine: int
    people: int


@dataclass(frozen=True)
class Coverage:
    """What a set has.

    Args:
        labels: in the order of the set, the idle label at the end.
        people: who recorded a clip of any label.
    """

    labels: tuple[Covered, ...]
    people: int


def coverage(database: Database, set_id: int, by: int) -> Coverage:
    """Return what there is of each label of a set.

    Args:
        database: of the studio.
        set_id: of the set.
        by: id of whoever asks, whose own clips are counted, too.

    Raises:
        StudioError: 'gone', there is no such set.
    """
    asked = joined(label_of(), ClipRow.user_id, func.count()).where(
        ClipRow.set_id == set_id, ClipRow.state != "excluded", label_of().is_not(None)
    )
    with database.reading() as session:
        owner = set_of(session, set_id)
        rows = [
            (str(row[0]), row[1], int(row[2])) for row in session.execute(asked.group_by(label_of(), ClipRow.user_id))
        ]
    found = []
    for label in owner.labels:
        of_label = [(user, count) for name, user, count in rows if name == label]
        mine = sum(count for user, count in of_label if user == by)
        people = len({user for user, _ in of_label if user is not None})
        found.append(Covered(label, sum(count for _, count in of_label), mine, people))
    return Coverage(tuple(found), len({user for _, user, _ in rows if user is not None}))
