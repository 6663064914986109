"""The tables of a studio.

Time is a whole number of milliseconds since 1970, UTC. Ids of clips are 32 hexadecimal digits, all others whole
numbers that are never used again, so that `person-7` in a dataset is one person for ever. What a foreign key says of
deletion is the last line of defence; what else goes with a row (its file) is in clips.py and accounts.py.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

LANDMARKS = ("hands", "pose", "holistic")
"""What a gesture set follows: the names of built-in skeletons."""
ROLES = ("member", "admin")
CLIP_STATES = ("new", "accepted", "excluded")
CLIP_ORIGINS = ("record", "try", "import")
PREDICTION_KINDS = ("prediction", "began", "ended")
MODEL_STATES = ("candidate", "live", "retired", "refused")
JOB_KINDS = ("train", "retrain")
JOB_STATES = ("queued", "running", "done", "failed", "cancelled")
HALF_HOUR_MS = 1_800_000
NOBODY = 0
"""In `prediction_totals`, whose key has no room for null: somebody who is not logged in, or has left."""

Ms = BigInteger
_LONG_ID = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts by itself in a column of INTEGER alone


class Base(DeclarativeBase):
    """All tables; `Base.metadata` is what the migrations must make."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {str: Text}  # noqa: RUF012 - so SQLAlchemy wants it


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(value) for value in values)})", name=column)


class User(Base):
    """A person with an account.

    `name_key` is the name as it is compared; see names.py.
    """

    __tablename__ = "users"
    __table_args__ = (_one_of("role", ROLES), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    password: Mapped[str]
    role: Mapped[str] = mapped_column(String(16))
    locale: Mapped[str] = mapped_column(String(16), default="")
    created_ms: Mapped[int] = mapped_column(Ms)
    active: Mapped[bool] = mapped_column(default=True)


class Login(Base):
    """A browser that is logged in; its token itself is nowhere but in its cookie."""

    __tablename__ = "logins"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_ms: Mapped[int] = mapped_column(Ms)
    seen_ms: Mapped[int] = mapped_column(Ms)
    expires_ms: Mapped[int] = mapped_column(Ms, index=True)
    address: Mapped[str] = mapped_column(default="")
    agent: Mapped[str] = mapped_column(default="")
    csrf: Mapped[str] = mapped_column(String(64))


class Attempt(Base):
    """A try to log in or to register, by which their number is limited; kept for a day."""

    __tablename__ = "attempts"
    __table_args__ = (
        Index(None, "name_key", "at_ms"),
        Index(None, "address", "at_ms"),
        Index(None, "at_ms"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_LONG_ID, primary_key=True)
    name_key: Mapped[str]
    address: Mapped[str]
    at_ms: Mapped[int] = mapped_column(Ms)
    ok: Mapped[bool]


class Invitation(Base):
    """A link with which one person can register.

    It is used up if `used_ms` says when; `used_by` is null again once that person has left.
    """

    __tablename__ = "invitations"
    __table_args__ = (_one_of("role", ROLES), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16))
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_ms: Mapped[int] = mapped_column(Ms)
    expires_ms: Mapped[int] = mapped_column(Ms)
    used_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    used_ms: Mapped[int | None] = mapped_column(Ms)


class GestureSet(Base):
    """Gestures that are told apart by one model; `idle` is the label of clips that show none of them."""

    __tablename__ = "gesture_sets"
    __table_args__ = (_one_of("landmarks", LANDMARKS), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    name_key: Mapped[str] = mapped_column(unique=True)
    landmarks: Mapped[str] = mapped_column(String(16))
    idle: Mapped[str] = mapped_column(default="idle")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_ms: Mapped[int] = mapped_column(Ms)


class Gesture(Base):
    """A gesture of a set, shown at its `position`."""

    __tablename__ = "gestures"
    __table_args__ = (UniqueConstraint("set_id", "name_key"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(primary_key=True)
    set_id: Mapped[int] = mapped_column(ForeignKey("gesture_sets.id", ondelete="CASCADE"))
    name: Mapped[str]
    name_key: Mapped[str]
    note: Mapped[str] = mapped_column(default="")
    position: Mapped[int] = mapped_column(default=0)


class Recording(Base):
    """What one person recorded in one go: a session, whose clips are never divided between training and test."""

    __tablename__ = "recordings"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    set_id: Mapped[int] = mapped_column(ForeignKey("gesture_sets.id", ondelete="CASCADE"), index=True)
    started_ms: Mapped[int] = mapped_column(Ms)
    ended_ms: Mapped[int | None] = mapped_column(Ms)
    video_agreed: Mapped[bool] = mapped_column(default=False)


class ClipRow(Base):
    """A clip; its points are in the file `file_key`, its video, if the person agreed to one, in `video_key`.

    No gesture: it shows none of them (the set's idle label), or a name that nobody has given yet; `gesture_id` null and
    `is_idle` tells these apart. `guess` is what a model took it for when it came.
    """

    __tablename__ = "clips"
    __table_args__ = (
        _one_of("state", CLIP_STATES),
        _one_of("origin", CLIP_ORIGINS),
        Index(None, "set_id", "state", "created_ms"),
        Index(None, "user_id", "created_ms"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    recording_id: Mapped[int | None] = mapped_column(ForeignKey("recordings.id", ondelete="SET NULL"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    set_id: Mapped[int] = mapped_column(ForeignKey("gesture_sets.id", ondelete="CASCADE"))
    gesture_id: Mapped[int | None] = mapped_column(ForeignKey("gestures.id", ondelete="SET NULL"), index=True)
    is_idle: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(16), default="new")
    origin: Mapped[str] = mapped_column(String(16))
    frames: Mapped[int]
    duration_ms: Mapped[float]
    file_key: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    video_key: Mapped[str | None] = mapped_column(unique=True)
    created_ms: Mapped[int] = mapped_column(Ms)
    guess: Mapped[str | None]
    guess_confidence: Mapped[float | None]
    guess_model_id: Mapped[int | None] = mapped_column(ForeignKey("model_versions.id", ondelete="SET NULL"), index=True)
    reviewed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    reviewed_ms: Mapped[int | None] = mapped_column(Ms)


class ClipStats(Base):
    """How a clip was recorded, in a few numbers; see clip_stats.py. Null where they cannot be known."""

    __tablename__ = "clip_stats"

    clip_id: Mapped[str] = mapped_column(String(32), ForeignKey("clips.id", ondelete="CASCADE"), primary_key=True)
    seen: Mapped[float | None]
    size: Mapped[float | None]
    speed: Mapped[float | None]
    x: Mapped[float | None]
    y: Mapped[float | None]
    fps: Mapped[float | None]


class Prediction(Base):
    """What a model said at one moment of a stream; `truth` is what the person said it was."""

    __tablename__ = "predictions"
    __table_args__ = (
        _one_of("kind", PREDICTION_KINDS),
        Index(None, "at_ms"),
        Index(None, "user_id", "at_ms"),
        Index(None, "model_id", "at_ms"),
        Index(
            None,
            "clip_id",
            sqlite_where=text("clip_id IS NOT NULL"),
            postgresql_where=text("clip_id IS NOT NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(_LONG_ID, primary_key=True)
    at_ms: Mapped[int] = mapped_column(Ms)
    kind: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    model_id: Mapped[int] = mapped_column(ForeignKey("model_versions.id", ondelete="CASCADE"))
    label: Mapped[str]
    confidence: Mapped[float]
    latency_ms: Mapped[float]
    truth: Mapped[str | None]
    clip_id: Mapped[str | None] = mapped_column(ForeignKey("clips.id", ondelete="SET NULL"))


class PredictionTotal(Base):
    """Predictions of half an hour, added up as they come, so that figures read few rows.

    `half_hour` is at_ms // HALF_HOUR_MS; `user_id` is NOBODY, and `truth` is empty, where `Prediction` has null. No sum
    is in an index: PostgreSQL would have to write all of them anew with each prediction (no HOT updates).
    """

    __tablename__ = "prediction_totals"
    __table_args__ = (
        Index(None, "user_id", "half_hour"),
        Index(None, "model_id"),
        Index(
            "ix_prediction_totals_told",
            "half_hour",
            sqlite_where=text("truth <> ''"),
            postgresql_where=text("truth <> ''"),
        ),
    )

    half_hour: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    user_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    model_id: Mapped[int] = mapped_column(
        ForeignKey("model_versions.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    label: Mapped[str] = mapped_column(primary_key=True)
    truth: Mapped[str] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(BigInteger)
    confidence_sum: Mapped[float]
    latency_sum: Mapped[float]
    latency_max: Mapped[float]


class ModelVersion(Base):
    """A model of a set: its bundle is the file `bundle_key`. At most one of a set is live; the index sees to it."""

    __tablename__ = "model_versions"
    __table_args__ = (
        _one_of("state", MODEL_STATES),
        UniqueConstraint("set_id", "number"),
        Index(
            "uq_model_versions_live",
            "set_id",
            unique=True,
            sqlite_where=text("state = 'live'"),
            postgresql_where=text("state = 'live'"),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    set_id: Mapped[int] = mapped_column(ForeignKey("gesture_sets.id", ondelete="CASCADE"))
    number: Mapped[int]
    created_ms: Mapped[int] = mapped_column(Ms)
    trained_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    job_id: Mapped[int | None] = mapped_column(ForeignKey("jobs.id", ondelete="SET NULL"), index=True)
    bundle_key: Mapped[str] = mapped_column(unique=True)
    sha256: Mapped[str] = mapped_column(String(64))
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)
    scores: Mapped[dict[str, Any]] = mapped_column(JSON)
    split: Mapped[dict[str, Any]] = mapped_column(JSON)
    clips: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(String(16), default="candidate")
    promoted_ms: Mapped[int | None] = mapped_column(Ms)
    promoted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)


class HeldOutPerson(Base):
    """A person whose clips of a set are never learnt from: the frozen test."""

    __tablename__ = "test_people"
    __table_args__ = (Index(None, "user_id"),)

    set_id: Mapped[int] = mapped_column(
        ForeignKey("gesture_sets.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    user_id: Mapped[int] = mapped_column(
        ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )


class Job(Base):
    """Work for a worker; `heartbeat_ms` is when the one named `worker` was last known to be at it."""

    __tablename__ = "jobs"
    __table_args__ = (
        _one_of("kind", JOB_KINDS),
        _one_of("state", JOB_STATES),
        Index(None, "state", "created_ms"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    set_id: Mapped[int] = mapped_column(ForeignKey("gesture_sets.id", ondelete="CASCADE"), index=True)
    params: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    state: Mapped[str] = mapped_column(String(16), default="queued")
    progress: Mapped[float] = mapped_column(default=0.0)
    message: Mapped[str] = mapped_column(default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"), index=True)
    created_ms: Mapped[int] = mapped_column(Ms)
    started_ms: Mapped[int | None] = mapped_column(Ms)
    finished_ms: Mapped[int | None] = mapped_column(Ms)
    heartbeat_ms: Mapped[int | None] = mapped_column(Ms)
    worker: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))


class JobLine(Base):
    """A line of what a job tells of its work."""

    __tablename__ = "job_lines"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True)
    job_id: Mapped[int] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    at_ms: Mapped[int] = mapped_column(Ms)
    text: Mapped[str]


class Setting(Base):
    """A choice of an admin; see settings.py for names, kinds and what they are without a row."""

    __tablename__ = "settings"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[Any] = mapped_column(JSON)
