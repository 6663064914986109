"""The pulse of a job: a thread that says that the work goes on, takes along what there is to tell, and listens."""

import logging
import threading
from collections.abc import Callable
from typing import Any, Literal, Self

from ademan.studio.data import StudioError
from ademan.studio.data.jobs import Held, Jobs

_log = logging.getLogger(__name__)
_BEAT_S = 1.5
Reason = Literal["cancel", "lost", "shutdown"]


class Stopped(Exception):  # noqa: N818 - no error: somebody wants the work to end
    """The work on a job is to end now.

    Args:
        reason: cancel, somebody asked for it; lost, another worker has the job by now; shutdown, the worker ends.
    """

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason: Reason = reason


class Pulse:
    """Beats while the `with` block runs. A database that cannot be reached is no reason to stop: it comes back.

    Args:
        jobs: of the studio.
        held: the job that is worked on.
        is_ending: whether the worker is to end.
        beat_s: seconds between two beats.
    """

    def __init__(self, jobs: Jobs, held: Held, is_ending: Callable[[], bool], beat_s: float = _BEAT_S) -> None:
        self._jobs, self._held, self._is_ending, self._beat_s = jobs, held, is_ending, beat_s
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._progress: float | None = None
        self._stop: Reason | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pulse of job {held.id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self._over.set()
        self._thread.join()
        if self._stop is None and self._lines:  # what was told last is not to be lost
            self._try_beat()

    def tell(self, line: str, progress: float | None = None) -> None:
        """Add a line to what the job tells; it is its message, too, until the next one. Progress is from 0 to 1."""
        _log.info("job %d: %s", self._held.id, line)
        with self._lock:
            self._lines.append(line)
            self._progress = self._progress if progress is None else progress

    def check(self) -> None:
        """Go on, or not.

        Raises:
            Stopped: the work is to end now.
        """
        if self._stop is not None:
            raise Stopped(self._stop)
        if self._is_ending():
            raise Stopped("shutdown")

    def beat(self) -> None:
        """Beat now; see `Jobs.beat` for what it raises."""
        with self._lock:
            lines, progress = self._lines, self._progress
            self._lines = []
        try:
            standing = self._jobs.beat(self._held, progress, lines[-1] if lines else None, lines)
        except BaseException:
            with self._lock:
                self._lines = lines + self._lines
            raise
        if standing != "mine":
            self._stop = standing

    def _run(self) -> None:
        while not self._over.wait(self._beat_s) and self._stop is None:
            self._try_beat()

    def _try_beat(self) -> None:
        try:
            self.beat()
        except StudioError as error:
            _log.warning("job %d: not told: %s", self._held.id, error)
        except Exception:
            _log.exception("job %d: a beat failed", self._held.id)
