"""A studio with clips that can be learnt from, and somewhere to work."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from ademan.clip import Clip, times_at
from ademan.skeleton import skeleton
from ademan.studio.data.jobs import Held, Jobs, JobView
from ademan.studio.work.options import MADE_UP_IDLE, MIN_TEST_CLIPS, TRAINING
from ademan.studio.work.pulse import Pulse
from ademan.studio.work.retrain import Outcome, Workshop
from ademan.studio.work.worker import Worker
from tests.studio.conftest import Studio

QUICK = {"epochs": 2, "epoch_steps": 15, "batch_size": 16, "learning_rate": 4e-3, "threads": 1}
"""Enough to tell gestures apart that differ as much as these."""
POSE = {"wave": 1, "bow": 2, "idle": 3}


def performed(label: str, seed: int) -> Clip:
    """A clip of hands that stay about where the label says."""
    rng = np.random.default_rng(seed)
    held = np.random.default_rng(POSE[label]).uniform(0.3, 0.7, (42, 3)) * (1, 1, 0.2)
    points = held + rng.normal(0, 0.02, (1, 1, 3)) + rng.normal(0, 0.01, (12, 42, 3))
    return Clip(points.astype(np.float32), times_at(25, 12), skeleton("hands"), image_wh=(640, 480))


@dataclass
class Filled:
    """A studio with a set of two gestures."""

    studio: Studio
    admin: int
    set_id: int
    people: list[int] = field(default_factory=list)

    @property
    def jobs(self) -> Jobs:
        return Jobs(self.studio.database)

    @property
    def workshop(self) -> Workshop:
        return Workshop(self.studio.database, self.studio.files, self.studio.config.folder / "work")

    def record(self, person: int, each: int = 3, labels: Sequence[str] = ("wave", "bow"), shown: str = "") -> list[str]:
        """Let somebody record, and accept it; `shown` is what is seen in truth, if it is not what is said."""
        owner = self.studio.sets.get(self.set_id)
        recording = self.studio.clips.begin_recording(person, self.set_id)
        ids = []
        for k, label in enumerate(label for label in labels for _ in range(each)):
            gesture = owner.gesture(label)
            clip = performed(shown or label, person * 100_000 + recording * 500 + k)
            options: dict[str, Any] = {"gesture_id": gesture.id if gesture else None, "idle": gesture is None}
            ids.append(self.studio.clips.add(clip, self.set_id, person, recording_id=recording, **options).id)
        self.studio.review.decide(self.admin, ids, "accepted")
        return ids

    def join(self, count: int, each: int = 3) -> None:
        """Let so many people register and record."""
        for _ in range(count):
            person = self.studio.person(f"Person {len(self.people)}").id
            self.people.append(person)
            self.record(person, each)

    def work(self, **options: Any) -> JobView:
        """Ask for a training, do it here, and return how it ended."""
        asked = self.jobs.enqueue("train", self.set_id, created_by=self.admin)
        Worker(self.workshop, Silence(), **options).run(once=True)
        return self.jobs.get(asked)

    def wait_for(self, job_id: int, is_so: Callable[[JobView], bool], seconds: float = 20.0) -> JobView:
        """Wait until something is so of a job."""
        end_s = time.monotonic() + seconds
        while not is_so(job := self.jobs.get(job_id)):
            assert time.monotonic() < end_s, job
            time.sleep(0.05)
        return job


class Silence:
    """A bell that nobody hears."""

    def __init__(self) -> None:
        self._woken = threading.Event()

    def ring(self) -> None:
        pass

    def wait(self, timeout_s: float) -> bool:
        return self._woken.wait(timeout_s)

    def close(self) -> None:
        pass


@pytest.fixture
def filled(studio: Studio) -> Filled:
    admin = studio.person("Admin").id
    studio.settings.set(TRAINING, QUICK)
    studio.settings.set(MIN_TEST_CLIPS, 2)
    studio.settings.set(MADE_UP_IDLE, False)
    return Filled(studio, admin, studio.gesture_set(admin).id)


@pytest.fixture
def running() -> Iterator[Callable[[Worker], threading.Thread]]:
    """Lets workers run in threads, and ends them."""
    started: list[tuple[Worker, threading.Thread]] = []

    def start(worker: Worker) -> threading.Thread:
        thread = threading.Thread(target=worker.run, daemon=True)
        started.append((worker, thread))
        thread.start()
        return thread

    yield start
    for worker, _ in started:
        worker.end()
    for _, thread in started:
        thread.join(20)
        assert not thread.is_alive()


def at_once(_: Workshop, held: Held, pulse: Pulse) -> Outcome:
    """Do a job in no time."""
    pulse.tell("at it", 0.5)
    return Outcome({"by": held.worker}, "done at once")


def without_end(_: Workshop, held: Held, pulse: Pulse) -> Outcome:
    """Be at a job until somebody says stop."""
    pulse.tell("at it", 0.5)
    while True:
        pulse.check()
        time.sleep(0.02)
