"""The worker: takes jobs, one at a time, and does them; any number of workers may run, on any number of machines."""

import logging
import os
import secrets
import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType

from ademan.errors import AdemanError
from ademan.studio.data import StudioError
from ademan.studio.data.jobs import Held, Jobs
from ademan.studio.data.workers import SIGN_MS, Workers
from ademan.studio.work.pulse import Pulse, Stopped
from ademan.studio.work.retrain import Outcome, Workshop, retrain
from ademan.studio.work.schedule import ask_what_is_due
from ademan.studio.work.wakeups import Bell

_log = logging.getLogger(__name__)
LOOK_S = 5.0
"""Seconds after which a worker looks for jobs that it was not woken for."""
_SLICE_S = 0.5  # that a worker without a job takes to notice that it is to end
_SCHEDULE_S = 20.0
_PATIENCE_S = 120.0  # for a database that is away while a result is to be kept
_PAUSE_S = 1.0
_GIVEN_BACK = "its worker was stopped; waiting for another"

Do = Callable[[Workshop, Held, Pulse], Outcome]


class Worker:
    """Does what is asked for.

    Args:
        workshop: where it works.
        bell: wakes it.
        look_s: seconds after which it looks without being woken.
        do: does a job.
    """

    def __init__(self, workshop: Workshop, bell: Bell, *, look_s: float = LOOK_S, do: Do = retrain) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        self._workshop, self._bell, self._look_s, self._do = workshop, bell, look_s, do
        self._jobs = Jobs(workshop.database, bell.ring, workshop.news.tell)
        self._workers = Workers(workshop.database)
        self._ending = threading.Event()
        self._next_sign_s = 0.0
        self._next_schedule_s = 0.0
        self._is_away = False

    def run(self, *, once: bool = False) -> int:
        """Work until `end` is called, or with `once` until no job is left; return how many jobs were taken.

        A database that cannot be reached is waited for.
        """
        done = 0
        _log.info("worker %s looks for jobs in %s", self.name, self._workshop.database.name)
        self._tidy()
        try:
            while not self._ending.is_set():
                held = self._look()
                if held is not None:
                    self._work(held)
                    done += 1
                elif once and not self._is_away:
                    break
                else:
                    self._sleep()
        finally:
            self._bell.close()
            with suppress(StudioError):
                self._workers.leave(self.name)
            _log.info("worker %s ends", self.name)
        return done

    def end(self, *_: int | FrameType | None) -> None:
        """Let a job that is being worked on go back to the queue, and `run` return; can be a handler of signals."""
        self._ending.set()

    def end_on_signals(self) -> None:
        """End on SIGTERM, and on SIGINT, which is Ctrl-C; in the main thread alone."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.end)

    def _sleep(self) -> None:
        end_s = time.monotonic() + (_PAUSE_S if self._is_away else self._look_s)
        while not self._ending.is_set() and (left_s := end_s - time.monotonic()) > 0:
            if self._bell.wait(min(_SLICE_S, left_s)):
                break

    def _look(self) -> Held | None:
        """Return a job that was taken; None if there is none, or the database is away."""
        try:
            if time.monotonic() >= self._next_sign_s:
                self._workers.sign(self.name)
                self._next_sign_s = time.monotonic() + SIGN_MS / 1000
            self._jobs.recover()
            if time.monotonic() >= self._next_schedule_s:
                self._next_schedule_s = time.monotonic() + _SCHEDULE_S
                ask_what_is_due(self._workshop.database, self._jobs)
            held = self._jobs.take(self.name)
        except StudioError as error:
            if not self._is_away:
                _log.warning("waiting: %s", error)
            self._is_away = True
            return None
        self._is_away = False
        return held

    def _work(self, held: Held) -> None:
        _log.info("job %d: taken, attempt %d", held.id, held.attempt)
        end = self._done(held)
        if end is not None and self._keep(held, end):
            self._clear(held)

    def _done(self, held: Held) -> Callable[[], bool] | None:
        """Do a job, and return what keeps how it ended; None if it is another's by now."""
        try:
            with Pulse(self._jobs, held, self._ending.is_set) as pulse:
                outcome = self._do(self._workshop, held, pulse)
            return partial(self._jobs.finish, held, outcome.result, outcome.message)
        except Stopped as stopped:
            _log.info("job %d: left (%s)", held.id, stopped.reason)
            if stopped.reason == "lost":
                return None
            is_cancelled = stopped.reason == "cancel"
            return partial(self._jobs.stop, held) if is_cancelled else partial(self._jobs.release, held, _GIVEN_BACK)
        except AdemanError as error:
            _log.warning("job %d: failed: %s", held.id, error)
            return partial(self._jobs.fail, held, str(error))
        except Exception as error:
            _log.exception("job %d: failed", held.id)
            told = f"something unexpected went wrong: {error!r}. The log of the worker has more; please report it."
            return partial(self._jobs.fail, held, told)

    def _keep(self, held: Held, end: Callable[[], bool]) -> bool:
        """Say how a job ended, and as long as the database is away say it again; return whether it was kept."""
        until_s = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return end()
            except StudioError as error:
                if self._ending.is_set() or time.monotonic() >= until_s:
                    _log.error("job %d: how it ended could not be kept; another worker will do it: %s", held.id, error)
                    return False
                self._ending.wait(_PAUSE_S)

    def _clear(self, held: Held) -> None:
        with suppress(StudioError):
            if self._jobs.get(held.id).is_over:
                shutil.rmtree(self._workshop.folder_of(held.id), ignore_errors=True)

    def _tidy(self) -> None:
        """Delete what jobs have left that are over, or gone with their set: it holds people's clips."""
        for job_id, folder in self._workshop.folders():
            try:
                is_over = self._jobs.get(job_id).is_over
            except StudioError as error:
                is_over = error.code == "gone"
            if is_over:
                shutil.rmtree(folder, ignore_errors=True)
