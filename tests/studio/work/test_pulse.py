import threading
import time
from collections.abc import Sequence

import pytest

from ademan.studio.data import StudioError
from ademan.studio.data.jobs import Held, Jobs, Standing
from ademan.studio.work.pulse import Pulse, Stopped
from tests.studio.work.conftest import Filled

HELD = Held(1, "train", 1, {}, None, "one", 1)


class Noted(Jobs):
    """Jobs that note what they are told, and can be out of reach."""

    def __init__(self) -> None:
        self.told: list[tuple[float | None, str | None, tuple[str, ...]]] = []
        self.standing: Standing = "mine"
        self.is_away = False
        self.beaten = threading.Event()

    def beat(
        self, held: Held, progress: float | None = None, message: str | None = None, lines: Sequence[str] = ()
    ) -> Standing:
        assert held is HELD
        self.beaten.set()
        if self.is_away:
            raise StudioError("unavailable", "the database is away")
        self.told.append((progress, message, tuple(lines)))
        return self.standing


def test_what_is_told_goes_with_the_next_beat() -> None:
    jobs = Noted()
    pulse = Pulse(jobs, HELD, lambda: False)
    pulse.tell("gathering")
    pulse.tell("epoch 1", 0.5)
    pulse.beat()
    pulse.beat()
    assert jobs.told == [(0.5, "epoch 1", ("gathering", "epoch 1")), (0.5, None, ())]


def test_what_is_told_last_is_not_lost() -> None:
    jobs = Noted()
    with Pulse(jobs, HELD, lambda: False, beat_s=60) as pulse:
        pulse.tell("the end", 1.0)
    assert jobs.told == [(1.0, "the end", ("the end",))]


def test_it_beats_by_itself() -> None:
    jobs = Noted()
    with Pulse(jobs, HELD, lambda: False, beat_s=0.05):
        time.sleep(0.5)
    assert len(jobs.told) >= 3


def test_lines_wait_for_a_database_that_is_away() -> None:
    jobs = Noted()
    jobs.is_away = True
    with Pulse(jobs, HELD, lambda: False, beat_s=0.02) as pulse:
        pulse.tell("first")
        jobs.beaten.clear()
        assert jobs.beaten.wait(5)
        pulse.tell("second")
        pulse.check()
        jobs.is_away = False
        time.sleep(0.3)
    assert [line for _, _, lines in jobs.told for line in lines] == ["first", "second"]


@pytest.mark.parametrize("standing", ["cancel", "lost"])
def test_who_is_to_stop_hears_so(standing: Standing) -> None:
    jobs = Noted()
    pulse = Pulse(jobs, HELD, lambda: False)
    pulse.check()
    jobs.standing = standing
    pulse.beat()
    with pytest.raises(Stopped) as caught:
        pulse.check()
    assert caught.value.reason == standing


def test_a_worker_that_ends_stops_its_work() -> None:
    with pytest.raises(Stopped) as caught:
        Pulse(Noted(), HELD, lambda: True).check()
    assert caught.value.reason == "shutdown"


def test_a_pulse_keeps_a_job_from_being_taken_for_dead(filled: Filled) -> None:
    filled.jobs.enqueue("train", filled.set_id)
    held = filled.jobs.take("one")
    assert held is not None
    with Pulse(filled.jobs, held, lambda: False, beat_s=0.1):
        time.sleep(1.0)
        assert filled.jobs.recover(stale_ms=800) == 0
    time.sleep(1.0)
    assert filled.jobs.recover(stale_ms=800) == 1
