"""`/health`: for whatever watches over the studio."""

import pytest

from ademan.studio.data import StudioError
from ademan.studio.data.workers import Workers
from tests.studio.web.conftest import Start

NOBODY = "redis://127.0.0.1:1/0"


def test_a_studio_that_is_well_says_so_to_everybody(start: Start) -> None:
    running = start()
    assert running.visitor().get("/health").json() == {
        "status": "ok", "database": "ok", "redis": "none", "workers": 0,
    }  # fmt: skip
    Workers(running.database).sign("one")
    answer = running.visitor().get("/health")
    assert answer.json()["workers"] == 1
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_redis_that_is_away_is_told_and_no_harm(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADEMAN_REDIS_URL", NOBODY)
    running = start()
    running.accounts.register("Ada", "four words in a row")
    answer = running.visitor().get("/health")
    assert (answer.status_code, answer.json()["redis"]) == (200, "away")
    visitor = running.visitor()
    assert visitor.log_in("Ada").headers["location"] == "/"
    assert visitor.post("/logout").status_code == 303  # which is told to other processes, or not


def test_a_database_that_is_away_is_a_failure(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    running = start()

    def away(_: Workers) -> dict[str, int]:
        raise StudioError("unavailable", "the database cannot be used now")

    monkeypatch.setattr(Workers, "ages_ms", away)
    answer = running.visitor().get("/health")
    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "database": "away", "redis": "none", "workers": 0}
