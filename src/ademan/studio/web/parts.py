"""What the studio's application is made of."""

import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass

from ademan.studio.config import StudioConfig
from ademan.studio.data import Database
from ademan.studio.data.accounts import Accounts
from ademan.studio.data.clips import Clips
from ademan.studio.data.figures import Figures
from ademan.studio.data.files import FileStore, open_files
from ademan.studio.data.gestures import GestureSets
from ademan.studio.data.guesses import Guesses
from ademan.studio.data.jobs import Jobs
from ademan.studio.data.members import Members
from ademan.studio.data.models import Models
from ademan.studio.data.passwords import Passwords
from ademan.studio.data.predictions import Predictions
from ademan.studio.data.presence import attend
from ademan.studio.data.review import Review
from ademan.studio.data.settings import Settings
from ademan.studio.data.workers import Workers
from ademan.studio.live import Hall, LiveConfig
from ademan.studio.live.detectors import OpenFollower, open_follower
from ademan.studio.news import News
from ademan.studio.seats import Seats
from ademan.studio.web.hashing import Hashing
from ademan.studio.web.pages import Pages
from ademan.studio.work.wakeups import HueyBell

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
    guesses: Guesses
    models: Models
    predictions: Predictions
    figures: Figures
    jobs: Jobs
    workers: Workers
    news: News
    seats: Seats
    pages: Pages
    hashing: Hashing
    hall: Hall
    leave: Callable[[], None]

    def close(self) -> None:
        """Let go of the database, and of Redis."""
        self.seats.close()
        self.news.close()
        self.database.close()
        self.leave()


def open_studio(
    config: StudioConfig,
    passwords: Passwords | None = None,
    live: LiveConfig | None = None,
    opener: OpenFollower = open_follower,
) -> Studio:
    """Open the database, bring its tables up to date, mend what was left half done, and put all together.

    Args:
        config: where its database and its files are.
        passwords: how they are kept; by default as `Passwords` does it.
        live: limits of live streams.
        opener: opens what finds points in pictures.

    Raises:
        StudioError: the database cannot be reached, is of a later version, or its files are another studio's.
        ConfigError: the secret cannot be written, or others may read it.
    """
    secret, database, files = config.secret(), Database(config.database_url), open_files(config)
    news, seats = News(config.redis_url, database.key), Seats(config.redis_url, database.key)
    leave = attend(database)
    database.upgrade()
    _mend(Clips(database, files))
    accounts = Accounts(database, files, passwords, tell=news.tell)
    sets, clips, predictions = GestureSets(database, files), Clips(database, files), Predictions(database, files)
    models = Models(database, files, news.tell)
    return Studio(
        config=config,
        secret=secret,
        database=database,
        files=files,
        accounts=accounts,
        members=Members(database, files, passwords, news.tell),
        settings=Settings(database),
        sets=sets,
        clips=clips,
        review=Review(database, files),
        guesses=Guesses(database, files, Models(database, files)),
        models=models,
        predictions=predictions,
        figures=Figures(database),
        jobs=Jobs(database, _ringing(config), news.tell),
        workers=Workers(database),
        news=news,
        seats=seats,
        pages=Pages(),
        hashing=Hashing(),
        hall=Hall(accounts, sets, models, clips, predictions, news, seats, live, opener),
        leave=leave,
    )


def _ringing(config: StudioConfig) -> Callable[[], None]:
    """Return what wakes a worker; its connection is let go of in the thread that made it."""

    def ring() -> None:
        with closing(HueyBell(config)) as bell:
            bell.ring()

    return ring


def _mend(clips: Clips) -> None:
    """Delete rows without files, and files without rows, as a process that was killed leaves them."""
    found = clips.check()
    if any(vars(found).values()):
        log.warning("mended", extra={name: len(ids) for name, ids in vars(found).items()})
