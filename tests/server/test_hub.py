"""Messages to many listeners; and what they look like."""

import asyncio
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ademan.clip import as_square
from ademan.server.hub import MOST_WAITING, Hub, Message, points_json, smoothed_json


def numbered(number: int) -> Message:
    return Message("count", {"number": number})


async def listen(hub: Hub, heard: list[int], first: Message | None = None) -> None:
    async for message in hub.listen(first):
        heard.append(message.content["number"])
        await asyncio.sleep(0)


def test_all_hear_all_in_order_and_first_what_they_are_greeted_with() -> None:
    async def run() -> list[list[int]]:
        hub, heard = Hub(), [[], [], []]  # type: ignore[var-annotated]
        tasks = [asyncio.create_task(listen(hub, one, numbered(-i))) for i, one in enumerate(heard)]
        await asyncio.sleep(0)
        assert len(hub) == 3
        for number in range(1, 51):
            hub.publish(numbered(number))
        await asyncio.sleep(0.1)
        hub.close()
        await asyncio.gather(*tasks)
        assert len(hub) == 0
        return heard

    assert asyncio.run(run()) == [[-i, *range(1, 51)] for i in range(3)]


@given(st.lists(st.sampled_from(["tell", "take"]), max_size=300))
def test_who_is_slow_misses_the_oldest_and_each_is_counted(steps: list[str]) -> None:
    async def run() -> None:
        dropped: list[int] = []
        hub, told, heard = Hub(lambda: dropped.append(1)), 0, []
        listener = aiter(hub.listen(numbered(0)))
        heard.append((await anext(listener)).content["number"])
        for step in steps:
            if step == "tell":
                told += 1
                hub.publish(numbered(told))
            elif told - len(dropped) >= len(heard):
                heard.append((await anext(listener)).content["number"])
        waiting = told + 1 - len(heard) - len(dropped)
        assert 0 <= waiting <= MOST_WAITING
        heard += [(await anext(listener)).content["number"] for _ in range(waiting)]
        assert heard == sorted(set(heard))
        assert heard[-1] == told
        await listener.aclose()  # type: ignore[attr-defined]
        assert len(hub) == 0

    asyncio.run(run())


def test_a_hub_that_is_closed_ends_all_listening_also_that_of_the_slow_and_of_the_late() -> None:
    async def run() -> tuple[list[int], list[int]]:
        hub, slow, late = Hub(), [], []  # type: ignore[var-annotated]
        task = asyncio.create_task(listen(hub, slow))
        await asyncio.sleep(0)
        for number in range(2 * MOST_WAITING):
            hub.publish(numbered(number))
        hub.close()
        hub.publish(numbered(-1))
        await task
        await listen(hub, late, numbered(0))
        return slow, late

    slow, late = asyncio.run(run())
    assert len(slow) <= 1  # the one that it was just taking
    assert late == []


def test_a_listener_that_is_cancelled_is_forgotten() -> None:
    async def run() -> int:
        hub = Hub()
        task = asyncio.create_task(listen(hub, []))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return len(hub)

    assert asyncio.run(run()) == 0


def served(*labels: str) -> Any:
    return SimpleNamespace(name="hands", version="v1", manifest=SimpleNamespace(labels=labels))


@pytest.mark.parametrize(
    ("shares", "label", "confidence"),
    [([0.25, 0.70004, 0.05], "b", 0.7), ([0.0, 0.0, 0.0], None, 0.0), ([0.4, 0.4, 0.2], "a", 0.4)],
)
def test_a_prediction_names_its_most_probable_label(shares: list[float], label: str | None, confidence: float) -> None:
    assert smoothed_json(served("a", "b", "c"), shares, 12.3456, "b") == {
        "label": label,
        "confidence": confidence,
        "gesture": "b",
        "probabilities": dict(zip("abc", (round(share, 4) for share in shares), strict=True)),
        "time_ms": 12.3,
        "bundle": "hands",
        "version": "v1",
    }


def test_points_are_fractions_of_the_picture_and_null_where_not_seen() -> None:
    fractions = np.array([[0.25, 0.5, 0.1], [0.123456, 1.0, 0], [np.nan, 0.5, 0], [0.5, np.nan, 0]], np.float32)
    found = points_json(as_square(fractions, (640, 480)), (640, 480), 40.04)
    assert found == {"time_ms": 40.0, "image_wh": [640, 480], "points": [[0.25, 0.5], [0.1235, 1.0], None, None]}
