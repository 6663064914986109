"""Begin anew: delete all that a studio knows."""

from ademan.studio.config import StudioConfig
from ademan.studio.data import Database
from ademan.studio.data.files import open_files
from ademan.studio.data.tables import Base


def reset_studio(config: StudioConfig) -> int:
    """Delete all accounts, clips, models and jobs of a studio, in its database and its files.

    Nothing of it may run meanwhile. The secret stays, and is worth nothing without accounts.

    Args:
        config: where they are.

    Returns:
        How many files were deleted.

    Raises:
        StudioError: the database or the files cannot be reached.
    """
    database, files = Database(config.database_url), open_files(config)
    try:
        database.upgrade()  # so that tables of every earlier version are known by name
        with database.engine.begin() as connection:
            Base.metadata.drop_all(connection)
            connection.exec_driver_sql("DROP TABLE alembic_version")
        database.forget()
    finally:
        database.close()
    keys = [stored.key for stored in files.all()]
    for key in keys:
        files.delete(key)
    return len(keys)
