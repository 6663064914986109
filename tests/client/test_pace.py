"""How much at once, how long to wait."""

import numpy as np
import pytest

from ademan.client.backoff import FIRST_S, MOST_S, Backoff
from ademan.client.pace import Pace


def test_waits_double_differ_and_end_somewhere() -> None:
    backoff = Backoff(np.random.default_rng(0))
    waits = [backoff.next_s() for _ in range(12)]
    for i, wait in enumerate(waits):
        longest = min(FIRST_S * 2**i, MOST_S)
        assert longest / 2 <= wait <= longest
    assert len(set(waits)) == 12
    backoff.reset()
    assert backoff.next_s() <= FIRST_S


def test_some_go_at_once_and_the_others_at_an_even_pace() -> None:
    now = [0.0]
    pace, went = Pace(10.0, 3, lambda: now[0]), list[float]()
    for _ in range(6):
        now[0] += pace.wait_s()
        pace.use()
        went.append(now[0])
    assert went == pytest.approx([0, 0, 0, 0.1, 0.2, 0.3])
    now[0] += 60
    assert pace.wait_s() == 0
