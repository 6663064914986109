"""Predictions on their way into the database, also while it is away."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from ademan.studio.data import StudioError
from ademan.studio.data.predictions import Predictions, Said
from ademan.studio.live.ledger import Ledger


class Kept(Predictions):
    """Keeps predictions, unless it is away; what is of model 99 is refused."""

    def __init__(self) -> None:
        self.batches: list[list[Said]] = []
        self.is_away = threading.Event()

    def add(self, said: Sequence[Said]) -> list[int]:
        if self.is_away.is_set():
            raise StudioError("unavailable", "away")
        if any(one.model_id == 99 for one in said):
            raise StudioError("gone", "the model is gone")
        self.batches.append(list(said))
        begun = sum(len(batch) for batch in self.batches[:-1])
        return list(range(begun, begun + len(said)))


def said(model: int = 1, kind: str = "prediction") -> Said:
    return Said(1000, kind, model, "wave", 0.9, 12.0, 1)


def test_predictions_are_written_in_batches_and_events_at_once() -> None:
    async def run() -> None:
        kept = Kept()
        ledger = Ledger(kept)
        ledger.start()
        noted = [ledger.note(said()) for _ in range(5)]
        event = ledger.note(said(kind="began"), now=True)
        assert await asyncio.wait_for(event, 15) == 5
        assert [one.result() for one in noted] == [0, 1, 2, 3, 4]
        assert [len(batch) for batch in kept.batches] == [6]
        await ledger.close()

    asyncio.run(run())


def test_what_is_noted_while_the_database_is_away_is_written_later(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        kept = Kept()
        kept.is_away.set()
        ledger = Ledger(kept)
        ledger.start()
        event = ledger.note(said(kind="began"), now=True)
        done, _ = await asyncio.wait([event], timeout=0.3)
        assert not done
        kept.is_away.clear()
        assert await asyncio.wait_for(event, 15) == 0
        await ledger.close()

    asyncio.run(run())
    assert [record.message for record in caplog.records].count("predictions wait for the database") == 1


def test_one_whose_model_is_gone_does_not_lose_the_others() -> None:
    async def run() -> None:
        kept = Kept()
        ledger = Ledger(kept)
        ledger.start()
        noted = [ledger.note(said(model)) for model in (1, 99, 1)]
        ledger.note(said(), now=True)
        assert [await asyncio.wait_for(one, 15) for one in noted] == [0, None, 1]
        await ledger.close()

    asyncio.run(run())


def test_what_waits_at_the_end_is_written() -> None:
    async def run() -> Kept:
        kept = Kept()
        ledger = Ledger(kept)
        ledger.start()
        for _ in range(250):
            ledger.note(said())
        await ledger.close()
        return kept

    assert sum(len(batch) for batch in asyncio.run(run()).batches) == 250
