"""How long the figures of a studio take with a million predictions.

    python benchmarks/studio/figures.py [--predictions 1000000] [--rounds 9] [--postgres URL] [--only sqlite]

What is asked of the database is timed by itself; the page and a sheet are fetched by http from a studio that runs.
50 people, 60 days, 3 versions of 20 gestures. Each person tries the studio on most days, for some minutes in a row: a
prediction a second, and events. Every twentieth prediction was corrected. `--scattered` spreads them evenly over all
half hours instead, so that hardly two fall into the same total: nobody uses a studio so, but nothing can be worse.
The set has 5000 clips, with which the statistics at training are compared.
"""

import argparse
import functools
import os
import re
import statistics
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import requests
from sqlalchemy import insert, select, text, update

from ademan.server.listening import listen
from ademan.studio.config import StudioConfig
from ademan.studio.data import Database, now_ms
from ademan.studio.data.classification import latest
from ademan.studio.data.clip_stats import FEATURES
from ademan.studio.data.days import Days, today, zone_of
from ademan.studio.data.drift import drifted, statistics_of
from ademan.studio.data.figures import Figures, Which
from ademan.studio.data.passwords import Passwords
from ademan.studio.data.tables import ClipRow, ClipStats, GestureSet, ModelVersion, User
from ademan.studio.web import create_studio
from ademan.studio.web.config import WebConfig
from ademan.studio.web.run import StudioServer

QUICK, PASSWORD = Passwords(time_cost=1, memory_kib=64), "four words in a row"
PEOPLE, DAYS, VERSIONS, GESTURES = 50, 60, 3, 20
ZONE = zone_of("Europe/Madrid")
KINDS = np.array(["prediction", "began", "ended"])
COLUMNS = ("at_ms", "kind", "user_id", "model_id", "label", "confidence", "latency_ms", "truth")
_ADD_UP = """
    INSERT INTO prediction_totals
        (half_hour, kind, user_id, model_id, label, truth, count, confidence_sum, latency_sum, latency_max)
    SELECT at_ms / 1800000, kind, COALESCE(user_id, 0), model_id, label, COALESCE(truth, ''),
        COUNT(*), SUM(confidence), SUM(latency_ms), MAX(latency_ms)
    FROM predictions GROUP BY 1, 2, 3, 4, 5, 6
"""


def made_up(count: int, people: list[int], models: list[int], *, scattered: bool) -> Iterator[tuple[Any, ...]]:
    """Yield predictions as rows of COLUMNS."""
    rng = np.random.default_rng(0)
    end = now_ms()
    begin = end - DAYS * 86_400_000
    if scattered:
        at, who = rng.integers(begin, end, count), rng.integers(0, PEOPLE, count)
    else:
        sessions = max(1, count // 400)
        starts = begin + rng.integers(0, DAYS, sessions) * 86_400_000 + rng.normal(15, 3, sessions) * 3_600_000
        session = np.sort(rng.integers(0, sessions, count))
        within = np.arange(count) - np.searchsorted(session, session)
        at, who = (
            (starts[session] + within * 1000).astype(np.int64).clip(0, end),
            rng.integers(0, PEOPLE, sessions)[session],
        )
    kind = KINDS[rng.choice(3, count, p=[0.8, 0.1, 0.1])]
    label, confidence = rng.integers(0, GESTURES, count), rng.beta(8, 2, count)
    latency, model = rng.gamma(4, 15, count), ((at - begin) * VERSIONS // (end - begin + 1)).clip(0, VERSIONS - 1)
    truth = np.where(rng.random(count) < 0.7, label, rng.integers(0, GESTURES, count))
    told = (kind != "ended") & (rng.random(count) < 0.05)
    for i in range(count):
        yield (
            int(at[i]), str(kind[i]), people[who[i]], models[model[i]], f"gesture {label[i]:02}", float(confidence[i]),
            float(latency[i]), f"gesture {truth[i]:02}" if told[i] else None,
        )  # fmt: skip


def fill(database: Database, count: int, *, scattered: bool) -> int:
    """Fill an empty studio, with totals as `Predictions.add` and `correct` leave them; return the id of its admin."""
    secret = QUICK.hash(PASSWORD)
    with database.writing() as session:
        users = [
            User(
                name=f"Person {i}",
                name_key=f"person {i}",
                password=secret,
                role="admin" if i == 0 else "member",
                created_ms=0,
            )
            for i in range(PEOPLE)
        ]
        owner = GestureSet(name="Greetings", name_key="greetings", landmarks="hands", created_ms=0)
        session.add_all([*users, owner])
        session.flush()
        versions = [version(owner.id, number) for number in range(1, VERSIONS + 1)]
        session.add_all(versions)
        session.flush()
        people, models = [user.id for user in users], [row.id for row in versions]
    rows = made_up(count, people, models, scattered=scattered)
    names = ", ".join(COLUMNS)
    with database.writing() as session:
        raw = session.connection().connection.driver_connection
        if raw is None:
            raise SystemExit("there is no connection")
        if database.is_sqlite:
            values = ", ".join("?" * len(COLUMNS))
            raw.executemany(f"INSERT INTO predictions ({names}) VALUES ({values})", rows)  # noqa: S608
        else:
            with raw.cursor() as cursor, cursor.copy(f"COPY predictions ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        session.execute(text(_ADD_UP))
    with database.writing() as session:
        session.execute(text("ANALYZE"))
    return people[0]


def version(set_id: int, number: int) -> ModelVersion:
    labels = [f"gesture {k:02}" for k in range(GESTURES)]
    confusion = (
        np.eye(GESTURES, dtype=int) * 9 + np.random.default_rng(number).integers(0, 2, (GESTURES, GESTURES))
    ).tolist()
    scores = {"new": {"labels": labels, "confusion": confusion}, "old": None}
    key = uuid.uuid4().hex
    return ModelVersion(
        set_id=set_id, number=number, created_ms=number, bundle_key=f"bundles/{key}", sha256="", manifest={},
        scores=scores, split={}, clips={}, state="candidate",
    )  # fmt: skip


def add_clips(database: Database, count: int = 5000) -> None:
    """Add rows of clips, without their files, and let all versions have learnt from the first 500."""
    rng = np.random.default_rng(2)
    ids = [uuid.UUID(int=int.from_bytes(rng.bytes(16))).hex for _ in range(count)]
    values = rng.lognormal(0, 0.3, (count, len(FEATURES)))
    with database.writing() as session:
        set_id = session.scalars(select(GestureSet.id)).one()
        same: dict[str, Any] = {"set_id": set_id, "is_idle": True, "state": "new", "origin": "import", "sha256": ""}
        of_clip: dict[str, Any] = {"frames": 30, "duration_ms": 1000.0, "created_ms": now_ms()}
        session.execute(insert(ClipRow), [same | of_clip | {"id": i, "file_key": f"clips/{i}.npz"} for i in ids])
        stats = [dict(zip(FEATURES, row, strict=True)) for row in values.tolist()]
        session.execute(insert(ClipStats), [{"clip_id": i, **row} for i, row in zip(ids, stats, strict=True)])
    kept = statistics_of(database, ids[:500])
    with database.writing() as session:
        session.execute(update(ModelVersion).values(clips=kept))
        session.execute(text("ANALYZE"))


def timed(call: Callable[[], object], rounds: int) -> list[tuple[float, float]]:
    """Return how many milliseconds a call takes, and this process computes; the first one, which warms up, left out."""
    call()
    took = []
    for _ in range(rounds):
        begun, computed = time.perf_counter(), time.process_time()
        call()
        took.append((1000 * (time.perf_counter() - begun), 1000 * (time.process_time() - computed)))
    return took


def questions(database: Database, admin: int) -> dict[str, Callable[[], object]]:
    """Return what the page asks the database, each for all days."""
    figures, day = Figures(database), today(ZONE, now_ms())
    which = Which(Days(day - timedelta(days=DAYS), day, ZONE))
    chosen = figures.sets()[0]
    owner, newest = chosen.id, chosen.versions[0].id
    return {
        "first day": lambda: figures.first_day(ZONE),
        "gestures by day": lambda: figures.gestures(which),
        "use, confidence, latency, as an admin": lambda: figures.totals(admin, which),
        "use, confidence, latency, as a member": lambda: figures.totals(admin + 1, which),
        "today": lambda: figures.today(which.on(day)),
        "accuracy": lambda: figures.accuracy(which),
        "choices": lambda: (figures.sets(), figures.gesture_names()),
        "the latest versions": lambda: latest(database, owner),
        "drift, 5000 clips": lambda: drifted(database, newest, which.days),
    }


@contextmanager
def postgres(url: str) -> Iterator[str]:
    """Give the address of a schema that is there for the block alone."""
    name = f"bench_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        try:
            yield f"{url}?options=-csearch_path%3D{name}"
        finally:
            connection.execute(f"DROP SCHEMA {name} CASCADE")


@contextmanager
def running(config: StudioConfig) -> Iterator[str]:
    """Run a studio, and give its address."""
    ready, listener = threading.Event(), listen("127.0.0.1", 0)
    server = StudioServer(create_studio(config, passwords=QUICK), WebConfig(), ready.set)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    ready.wait(60)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()


def log_in(url: str, name: str) -> requests.Session:
    session = requests.Session()
    token = re.search(r'name="csrf-token" content="([^"]+)"', session.get(f"{url}/login").text)
    fields = {"csrf": token[1] if token else "", "name": name, "password": PASSWORD}
    if session.post(f"{url}/login", fields, allow_redirects=False).status_code != 303:
        raise SystemExit(f"{name} cannot log in")
    return session


def fetch(session: requests.Session, address: str) -> None:
    session.get(address, timeout=60).raise_for_status()


def measure(url: str, folder: Path, options: argparse.Namespace) -> None:
    config = StudioConfig(data=str(folder), database_url=url)
    database = Database(config.database_url)
    database.upgrade()
    begun = time.perf_counter()
    admin = fill(database, options.predictions, scattered=options.scattered)
    with database.reading() as session:
        kept = session.scalar(text("SELECT COUNT(*) FROM prediction_totals"))
    name = "SQLite" if database.is_sqlite else "PostgreSQL"
    with running(config) as address:
        add_clips(database)  # now: a studio that starts would miss their files
        print(f"\n{name}: {kept:,} totals; filled in {time.perf_counter() - begun:.0f} s; median, longest, processor")
        for what, call in questions(database, admin).items():
            tell(what, timed(call, options.rounds))
        asked = f"span=custom&from={today(ZONE, now_ms()) - timedelta(days=DAYS)}&zone=Europe/Madrid"
        for who in ("Person 0", "Person 1"):
            session_of = log_in(address, who)
            for what, path in {"page": "figures", "sheet of use": "figures/use.csv"}.items():
                place = f"{address}/{path}?{asked}"
                role = "an admin" if who == "Person 0" else "a member"
                tell(f"{what}, by http, as {role}", timed(functools.partial(fetch, session_of, place), options.rounds))
    database.close()


def tell(what: str, took: list[tuple[float, float]]) -> None:
    """Print the median, the longest, and what this process computed for it; PostgreSQL computes elsewhere."""
    wall, computed = zip(*took, strict=True)
    print(f"  {what:40} {statistics.median(wall):6.0f} ms {max(wall):6.0f} ms {statistics.median(computed):6.0f} ms")


def main() -> None:
    """Fill databases, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--postgres", default="postgresql://postgres@127.0.0.1:5432/test")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], default="")
    parser.add_argument("--scattered", action="store_true")
    options = parser.parse_args()
    load = f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    print(f"{options.predictions:,} predictions, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {load}")
    if options.only != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            measure("", Path(folder), options)
    if options.only != "sqlite":
        with tempfile.TemporaryDirectory() as folder, postgres(options.postgres) as url:
            measure(url, Path(folder), options)


if __name__ == "__main__":
    main()
