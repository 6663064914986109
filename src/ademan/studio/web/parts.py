"""What the studio's application is made of."""

import logging
from dataclasses import dataclass

from ademan.studio.config import StudioConfig
from ademan.studio.data import Database
from ademan.studio.data.accounts import Accounts
from ademan.studio.data.clips import Clips
from ademan.studio.data.files import FileStore, open_files
from ademan.studio.data.gestures import GestureSets
from ademan.studio.data.jobs import Jobs
from ademan.studio.data.members import Members
from ademan.studio.data.models import Models
from ademan.studio.data.passwords import Passwords
from ademan.studio.data.predictions import Predictions
from ademan.studio.data.review import Review
from ademan.studio.data.settings import Settings
from ademan.studio.web.hashing import Hashing
from ademan.studio.web.pages import Pages

log = logging.getLogger("ademan.studio")


@dataclass(frozen=True, eq=False)
class Studio:
    """Each once in an application; routes have it as `Here`."""

    config: StudioConfig
    secret: bytes
    database: Database
    files: FileStore
    accounts: Accounts
    members: Members
    settings: Settings
    sets: GestureSets
    clips: Clips
    review: Review
    models: Models
    predictions: Predictions
    jobs: Jobs
    pages: Pages
    hashing: Hashing

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()


def open_studio(config: StudioConfig, passwords: Passwords | None = None) -> Studio:
    """Open the database, bring its tables up to date, mend what was left half done, and put all together.

    Args:
        config: where its database and its files are.
        passwords: how they are kept; by default as `Passwords` does it.

    Raises:
        StudioError: the database cannot be reached, is of a later version, or its files are another studio's.
        ConfigError: the secret cannot be written, or others may read it.
    """
    secret, database, files = config.secret(), Database(config.database_url), open_files(config)
    database.upgrade()
    _mend(Clips(database, files))
    return Studio(
        config=config,
        secret=secret,
        database=database,
        files=files,
        accounts=Accounts(database, files, passwords),
        members=Members(database, files, passwords),
        settings=Settings(database),
        sets=GestureSets(database, files),
        clips=Clips(database, files),
        review=Review(database, files),
        models=Models(database, files),
        predictions=Predictions(database, files),
        jobs=Jobs(database),
        pages=Pages(),
        hashing=Hashing(),
    )


def _mend(clips: Clips) -> None:
    """Delete rows without files, and files without rows, as a process that was killed leaves them."""
    found = clips.check()
    if any(vars(found).values()):
        log.warning("mended", extra={name: len(ids) for name, ids in vars(found).items()})
