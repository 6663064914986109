"""Whoever leaves leaves nothing behind: every table is looked at, and the database's own file."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from ademan.studio.data import Database, StudioError, now_ms
from ademan.studio.data.clips import Guess
from ademan.studio.data.files import FolderStore
from ademan.studio.data.members import Members
from ademan.studio.data.predictions import Said
from ademan.studio.data.tables import (
    Base,
    ClipRow,
    HeldOutPerson,
    Job,
    JobLine,
    ModelVersion,
    Prediction,
    PredictionTotal,
    Setting,
)
from tests.studio.conftest import PASSWORD, QUICK, Studio, made_clip
from tests.studio.data.test_models import version_row

NAME = "Benjamín Únïque"
Remove = Callable[[Studio, int, int], None]


def everything(database: Database) -> dict[str, list[dict[str, object]]]:
    """Return all rows of all tables."""
    found = {}
    with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            asked = select(table).order_by(*table.primary_key.columns)
            found[table.name] = [dict(row) for row in session.execute(asked).mappings()]
    return found


def fill(studio: Studio) -> tuple[int, int]:
    """Let Ben do all that one can do in a studio; return the ids of Ana, an admin, and of Ben, another one."""
    ana, ben = studio.person("Ana"), studio.person(NAME)
    studio.members.set_role(ana.id, ben.id, "admin")
    studio.accounts.log_in(NAME, PASSWORD, address="10.0.0.7", agent="Bens Browser")
    studio.members.invite(ben.id)
    used = studio.members.invite(ana.id)
    cas = studio.accounts.register("Cas", PASSWORD, invitation=used)
    made = studio.gesture_set(ben.id)
    recording = studio.clips.begin_recording(ben.id, made.id, video_agreed=True)
    wave = made.gestures[0].id
    with studio.database.writing() as session:
        job = Job(kind="train", set_id=made.id, created_by=ben.id, created_ms=0)
        session.add(job)
        session.flush()
        version = version_row(made.id, 1)
        version.trained_by = version.promoted_by = ben.id
        version.job_id = job.id
        session.add_all(
            [version, JobLine(job_id=job.id, at_ms=0, text="Epoch 1"), HeldOutPerson(set_id=made.id, user_id=ben.id)]
        )
        session.add(Setting(key="accounts.registration", value="open"))
        session.flush()
        model = version.id
    studio.clips.add(
        made_clip(),
        made.id,
        ben.id,
        gesture_id=wave,
        recording_id=recording,
        guess=Guess("bow", 0.5, model),
        video=b"v",
    )
    mine = studio.clip(made, ben, "wave", accept_by=ben.id)
    others = studio.clip(made, cas, "wave", accept_by=ben.id)
    ids = studio.predictions.add(
        [
            Said(now_ms(), kind, model, "wave", 0.5, 5.0, who)
            for kind in ("prediction", "began")
            for who in (ben.id, cas.id)
        ]
    )
    studio.predictions.correct(ben.id, ids[0], "bow", made_clip())
    assert mine.id != others.id
    assert all(everything(studio.database).values()), "a table is empty: the test would not see what stays in it"
    return ana.id, ben.id


def leave(studio: Studio, _: int, ben: int) -> None:
    studio.accounts.delete(ben, PASSWORD, address="10.0.0.7")


def remove(studio: Studio, ana: int, ben: int) -> None:
    studio.members.remove(ana, ben)


@pytest.mark.parametrize("way", [leave, remove])
def test_who_leaves_is_in_no_table_and_no_file_any_more(studio: Studio, way: Remove, backend: str) -> None:
    ana, ben = fill(studio)
    way(studio, ana, ben)
    rows = everything(studio.database)
    people_columns = {
        (table.name, key.parent.name)
        for table in Base.metadata.sorted_tables
        for key in table.foreign_keys
        if key.column.table.name == "users"
    } | {("prediction_totals", "user_id"), ("users", "id")}
    assert len(people_columns) == 14
    for table, column in people_columns:
        assert ben not in [row[column] for row in rows[table]], f"{table}.{column}"
    text = repr(rows)
    for trace in (NAME, NAME.casefold(), "Bens Browser", "10.0.0.7", f"person-{ben}"):
        assert trace not in text
    with studio.database.reading() as session:
        known = {row.file_key for row in session.scalars(select(ClipRow))}
        assert [row.user_id for row in session.scalars(select(ClipRow))] == [row["id"] for row in rows["users"]][1:]
    assert {file.key for file in studio.files.all()} == known
    assert len(known) == 1
    if backend == "sqlite":
        for path in Path(str(studio.database.url.database)).parent.glob("studio.db*"):
            content = path.read_bytes()
            assert NAME.encode() not in content, path
            assert b"Bens Browser" not in content, path


def test_what_others_have_and_what_the_figures_say_stays(studio: Studio) -> None:
    ana, ben = fill(studio)
    before = everything(studio.database)
    remove(studio, ana, ben)
    rows = everything(studio.database)
    with studio.database.reading() as session:
        counted = [row.count for row in session.scalars(select(PredictionTotal))]
        assert len(session.scalars(select(Prediction)).all()) == sum(counted) == 4
        assert session.scalars(select(ModelVersion)).one().trained_by is None
    for table in ("gesture_sets", "gestures", "model_versions", "jobs", "job_lines", "predictions", "settings"):
        assert len(rows[table]) == len(before[table]), table
    assert [row["name"] for row in rows["users"]] == ["Ana", "Cas"]
    assert studio.clips.check().rows == ()


def test_an_id_is_never_used_again(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    studio.members.remove(ana.id, ben.id)
    assert studio.person("Cas").id > ben.id


def test_a_name_is_free_again(studio: Studio) -> None:
    ana, ben = studio.person("Ana"), studio.person("Ben")
    studio.members.remove(ana.id, ben.id)
    assert studio.person("Ben").id != ben.id


def test_files_that_cannot_be_deleted_now_keep_nobody_here_and_go_later(studio: Studio) -> None:
    ana, ben = fill(studio)

    class Away(FolderStore):
        def delete(self, key: str) -> None:
            raise StudioError("unavailable", f"the storage of {key} is away")

    assert isinstance(studio.files, FolderStore)
    with pytest.raises(StudioError, match="It is deleted, but for 4 files"):
        Members(studio.database, Away(studio.files.folder), QUICK).remove(ana, ben)
    assert [row["name"] for row in everything(studio.database)["users"]] == ["Ana", "Cas"]
    for file in studio.files.all():
        os.utime(studio.files.folder / file.key, (0, 0))
    assert len(studio.clips.check().files) == 4
    assert len(list(studio.files.all())) == 1
