"""What figures read: statistics of each clip, and where people said what was true."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_TOLD = "ix_prediction_totals_told"


def upgrade() -> None:
    """Make the table of statistics; a set's next training fills in those of its older clips."""
    op.create_table(
        "clip_stats",
        sa.Column("clip_id", sa.String(length=32), nullable=False),
        *(sa.Column(name, sa.Double(), nullable=True) for name in ("seen", "size", "speed", "x", "y", "fps")),
        sa.ForeignKeyConstraint(["clip_id"], ["clips.id"], name=op.f("fk_clip_stats_clip_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("clip_id", name=op.f("pk_clip_stats")),
    )
    told = sa.text("truth <> ''")
    op.create_index(_TOLD, "prediction_totals", ["half_hour"], unique=False, sqlite_where=told, postgresql_where=told)


def downgrade() -> None:
    """Drop what `upgrade` has made."""
    op.drop_index(_TOLD, "prediction_totals")
    op.drop_table("clip_stats")
