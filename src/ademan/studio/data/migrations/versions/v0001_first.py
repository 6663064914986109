"""The tables of the first version."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables, each after those that it points to."""
    _singles()
    _people()
    _gestures()
    _jobs()
    _models()
    _recordings()
    _clips()
    _predictions()


def downgrade() -> None:
    """Drop all tables, each before those that it points to."""
    for name in (
        "prediction_totals",
        "predictions",
        "clips",
        "recordings",
        "model_versions",
        "job_lines",
        "jobs",
        "test_people",
        "gestures",
        "gesture_sets",
        "logins",
        "invitations",
        "users",
        "settings",
        "attempts",
    ):
        op.drop_table(name)


def _singles() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_attempts_address_at_ms"), "attempts", ["address", "at_ms"], unique=False)
    op.create_index(op.f("ix_attempts_at_ms"), "attempts", ["at_ms"], unique=False)
    op.create_index(op.f("ix_attempts_name_key_at_ms"), "attempts", ["name_key", "at_ms"], unique=False)
    op.create_table(
        "settings",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_settings")),
    )


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("role IN ('member', 'admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("name_key", name=op.f("uq_users_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "invitations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_by", sa.Integer(), nullable=True),
        sa.Column("used_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("role IN ('member', 'admin')", name=op.f("ck_invitations_role")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_invitations_created_by"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["used_by"], ["users.id"], name=op.f("fk_invitations_used_by"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_invitations_token_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_invitations_created_by"), "invitations", ["created_by"], unique=False)
    op.create_index(op.f("ix_invitations_used_by"), "invitations", ["used_by"], unique=False)
    op.create_table(
        "logins",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("seen_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_logins_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logins")),
        sa.UniqueConstraint("token_sha256", name=op.f("uq_logins_token_sha256")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_logins_expires_ms"), "logins", ["expires_ms"], unique=False)
    op.create_index(op.f("ix_logins_user_id"), "logins", ["user_id"], unique=False)


def _gestures() -> None:
    op.create_table(
        "gesture_sets",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("landmarks", sa.String(length=16), nullable=False),
        sa.Column("idle", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("landmarks IN ('hands', 'pose', 'holistic')", name=op.f("ck_gesture_sets_landmarks")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_gesture_sets_created_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gesture_sets")),
        sa.UniqueConstraint("name_key", name=op.f("uq_gesture_sets_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_gesture_sets_created_by"), "gesture_sets", ["created_by"], unique=False)
    op.create_table(
        "gestures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["set_id"], ["gesture_sets.id"], name=op.f("fk_gestures_set_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gestures")),
        sa.UniqueConstraint("set_id", "name_key", name=op.f("uq_gestures_set_id_name_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "test_people",
        sa.Column("set_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(
            ["set_id"], ["gesture_sets.id"], name=op.f("fk_test_people_set_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_test_people_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("set_id", "user_id", name=op.f("pk_test_people")),
    )
    op.create_index(op.f("ix_test_people_user_id"), "test_people", ["user_id"], unique=False)


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("params", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=True),
        sa.Column("finished_ms", sa.BigInteger(), nullable=True),
        sa.Column("heartbeat_ms", sa.BigInteger(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cancel_asked", sa.Boolean(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.CheckConstraint("kind IN ('train', 'retrain')", name=op.f("ck_jobs_kind")),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed', 'cancelled')", name=op.f("ck_jobs_state")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_jobs_created_by"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["set_id"], ["gesture_sets.id"], name=op.f("fk_jobs_set_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_jobs_created_by"), "jobs", ["created_by"], unique=False)
    op.create_index(op.f("ix_jobs_set_id"), "jobs", ["set_id"], unique=False)
    op.create_index(op.f("ix_jobs_state_created_ms"), "jobs", ["state", "created_ms"], unique=False)
    op.create_table(
        "job_lines",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_lines_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_lines")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_job_lines_job_id"), "job_lines", ["job_id"], unique=False)


def _models() -> None:
    op.create_table(
        "model_versions",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("trained_by", sa.Integer(), nullable=True),
        sa.Column("job_id", sa.Integer(), nullable=True),
        sa.Column("bundle_key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("scores", sa.JSON(), nullable=False),
        sa.Column("split", sa.JSON(), nullable=False),
        sa.Column("clips", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("promoted_ms", sa.BigInteger(), nullable=True),
        sa.Column("promoted_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "state IN ('candidate', 'live', 'retired', 'refused')", name=op.f("ck_model_versions_state")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_model_versions_job_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["promoted_by"], ["users.id"], name=op.f("fk_model_versions_promoted_by"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["set_id"], ["gesture_sets.id"], name=op.f("fk_model_versions_set_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["trained_by"], ["users.id"], name=op.f("fk_model_versions_trained_by"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_model_versions")),
        sa.UniqueConstraint("bundle_key", name=op.f("uq_model_versions_bundle_key")),
        sa.UniqueConstraint("set_id", "number", name=op.f("uq_model_versions_set_id_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_model_versions_job_id"), "model_versions", ["job_id"], unique=False)
    op.create_index(op.f("ix_model_versions_promoted_by"), "model_versions", ["promoted_by"], unique=False)
    op.create_index(op.f("ix_model_versions_trained_by"), "model_versions", ["trained_by"], unique=False)
    op.create_index(
        "uq_model_versions_live",
        "model_versions",
        ["set_id"],
        unique=True,
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )


def _recordings() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("started_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_ms", sa.BigInteger(), nullable=True),
        sa.Column("video_agreed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["set_id"], ["gesture_sets.id"], name=op.f("fk_recordings_set_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recordings_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_recordings_set_id"), "recordings", ["set_id"], unique=False)
    op.create_index(op.f("ix_recordings_user_id"), "recordings", ["user_id"], unique=False)


def _clips() -> None:
    op.create_table(
        "clips",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("gesture_id", sa.Integer(), nullable=True),
        sa.Column("is_idle", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Double(), nullable=False),
        sa.Column("file_key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("video_key", sa.Text(), nullable=True),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("guess", sa.Text(), nullable=True),
        sa.Column("guess_confidence", sa.Double(), nullable=True),
        sa.Column("guess_model_id", sa.Integer(), nullable=True),
        sa.Column("reviewed_by", sa.Integer(), nullable=True),
        sa.Column("reviewed_ms", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("origin IN ('record', 'try', 'import')", name=op.f("ck_clips_origin")),
        sa.CheckConstraint("state IN ('new', 'accepted', 'excluded')", name=op.f("ck_clips_state")),
        sa.ForeignKeyConstraint(["gesture_id"], ["gestures.id"], name=op.f("fk_clips_gesture_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["guess_model_id"], ["model_versions.id"], name=op.f("fk_clips_guess_model_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_clips_recording_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["reviewed_by"], ["users.id"], name=op.f("fk_clips_reviewed_by"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["set_id"], ["gesture_sets.id"], name=op.f("fk_clips_set_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_clips_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clips")),
        sa.UniqueConstraint("file_key", name=op.f("uq_clips_file_key")),
        sa.UniqueConstraint("video_key", name=op.f("uq_clips_video_key")),
    )
    op.create_index(op.f("ix_clips_gesture_id"), "clips", ["gesture_id"], unique=False)
    op.create_index(op.f("ix_clips_guess_model_id"), "clips", ["guess_model_id"], unique=False)
    op.create_index(op.f("ix_clips_recording_id"), "clips", ["recording_id"], unique=False)
    op.create_index(op.f("ix_clips_reviewed_by"), "clips", ["reviewed_by"], unique=False)
    op.create_index(op.f("ix_clips_set_id_state_created_ms"), "clips", ["set_id", "state", "created_ms"], unique=False)
    op.create_index(op.f("ix_clips_user_id_created_ms"), "clips", ["user_id", "created_ms"], unique=False)


def _predictions() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("model_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("latency_ms", sa.Double(), nullable=False),
        sa.Column("truth", sa.Text(), nullable=True),
        sa.Column("clip_id", sa.String(length=32), nullable=True),
        sa.CheckConstraint("kind IN ('prediction', 'began', 'ended')", name=op.f("ck_predictions_kind")),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name=op.f("fk_predictions_clip_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["model_id"], ["model_versions.id"], name=op.f("fk_predictions_model_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_predictions_user_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_predictions_at_ms"), "predictions", ["at_ms"], unique=False)
    op.create_index(
        op.f("ix_predictions_clip_id"),
        "predictions",
        ["clip_id"],
        unique=False,
        sqlite_where=sa.text("clip_id IS NOT NULL"),
        postgresql_where=sa.text("clip_id IS NOT NULL"),
    )
    op.create_index(op.f("ix_predictions_model_id_at_ms"), "predictions", ["model_id", "at_ms"], unique=False)
    op.create_index(op.f("ix_predictions_user_id_at_ms"), "predictions", ["user_id", "at_ms"], unique=False)
    op.create_table(
        "prediction_totals",
        sa.Column("half_hour", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("user_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("model_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("truth", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("confidence_sum", sa.Double(), nullable=False),
        sa.Column("latency_sum", sa.Double(), nullable=False),
        sa.Column("latency_max", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["model_versions.id"], name=op.f("fk_prediction_totals_model_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint(
            "half_hour", "kind", "user_id", "model_id", "label", "truth", name=op.f("pk_prediction_totals")
        ),
    )
    op.create_index(op.f("ix_prediction_totals_model_id"), "prediction_totals", ["model_id"], unique=False)
    op.create_index(
        op.f("ix_prediction_totals_user_id_half_hour"), "prediction_totals", ["user_id", "half_hour"], unique=False
    )
