"""What Alembic runs to change a database; `Database.upgrade` gives it a connection with a transaction begun."""

from typing import Any

from alembic import context

from ademan.studio.data.tables import Base


def _is_ours(name: str | None, kind: str, _: Any) -> bool:
    """Return whether Alembic shall look at a table; a queue may keep its own ones beside ours."""
    return kind != "table" or name in Base.metadata.tables


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    include_name=_is_ours,
    render_as_batch=True,  # SQLite can change a table only by copying it
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
