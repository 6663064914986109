"""The studio's data: a database, SQLite or PostgreSQL, and files beside it. The home of SQLAlchemy, Alembic and pwdlib.

tables.py        what is in the database      database.py   sessions, locks, upgrades (migrations/)
errors.py        what is refused, and why     settings.py   what an admin can choose
accounts.py      registering, logging in      members.py    what admins do with accounts
people.py        who somebody is, and leaves  passwords.py  Argon2       limits.py   failed tries
names.py         names, and their keys        gestures.py   gesture sets
clips.py         clips and recordings         clip_files.py their points as files
review.py        accepted clips, a dataset    models.py     versions, and which one is live
predictions.py   what models said             totals.py     the same, added up
figures.py       totals by day and person     days.py       days of a reader's calendar
clip_stats.py    how clips were recorded      drift.py      whether they still are so
classification.py  what a confusion matrix says
files.py         files: a folder              bucket.py     or a bucket
jobs.py          work for workers             backup.py     all of it in one zip, and back
presence.py      who works with it now

No web and no torch in here.
"""

from ademan.studio.data.database import Database, now_ms
from ademan.studio.data.errors import Code, StudioError

__all__ = ["Code", "Database", "StudioError", "now_ms"]
