"""The points of events, kept for a while: each person's own, and not too many."""

import time

import pytest

from ademan.studio.live.moments import MOST_PER_PERSON, Moments
from tests.studio.conftest import made_clip


def test_each_person_finds_their_own_and_the_oldest_go() -> None:
    kept, clip = Moments(), made_clip()
    for i in range(MOST_PER_PERSON + 5):
        kept.keep(i, 1, clip)
    kept.keep(1000, 2, clip)
    assert kept.find(4, 1) is None
    assert kept.find(5, 1) is clip
    assert kept.find(5, 2) is None
    assert kept.find(1000, 2) is clip
    assert len(kept) == MOST_PER_PERSON + 1
    kept.forget(1)
    assert (kept.find(24, 1), len(kept)) == (None, 1)


def test_they_are_forgotten_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, now = Moments(), [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    kept.keep(1, 1, made_clip())
    now[0] = 899.0
    assert kept.find(1, 1) is not None
    now[0] = 901.0
    assert kept.find(1, 1) is None
