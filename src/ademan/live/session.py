"""The recording of clips, step by step: count down, record, rest, and again; without any window."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Literal

from ademan.errors import ConfigError
from ademan.video import VIDEO_SUFFIXES, ClipRecorder, Frame

Phase = Literal["countdown", "recording", "rest", "paused", "done"]
REST_S = 1.0
"""Between a clip and the countdown of the next one."""
_LOST_MS = 1000.0  # without a frame, in a clip: the camera was lost, and half a gesture is none
_NAME = re.compile(r"[\w-]+")


@dataclass(frozen=True)
class CapturePlan:
    """What is to be recorded."""

    gesture: str
    """Its name: letters, digits, - and _."""
    subject: str = "s1"
    """Who is seen: letters, digits and -."""
    seconds: float = 4.0
    """Length of a clip."""
    fps: float = 24.0
    """Frames per second that are kept of those that the camera gives."""
    count: int = 10
    """Clips to record."""
    countdown: float = 3.0
    """Seconds before each clip."""
    folder: Path = Path("raw_videos")
    """Clips are put into a folder in it that is called like the gesture."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.gesture):
            raise ConfigError(f"gesture '{self.gesture}': a name has letters, digits, - and _ only.")
        if not _NAME.fullmatch(self.subject) or "_" in self.subject:
            raise ConfigError(f"subject '{self.subject}': a name has letters, digits and - only.")
        if not (0 < self.seconds <= 600 and 0 < self.fps <= 240 and self.count >= 1 and 0 <= self.countdown <= 60):
            raise ConfigError(
                "expected more than 0 and at most 600 seconds, more than 0 and at most 240 fps, a count of 1 or more "
                f"and a countdown of 0 to 60 seconds; found {self.seconds:g}, {self.fps:g}, {self.count} and "
                f"{self.countdown:g}."
            )


@dataclass(frozen=True, eq=False)
class View:
    """What is to be shown now.

    Args:
        frame: the camera's.
        phase: what goes on.
        left_s: of the phase, in seconds.
        done: clips that are on disk.
        message: what the person should know; may be empty.
    """

    frame: Frame
    phase: Phase
    left_s: float
    done: int
    message: str = ""


class CaptureSession:
    """Records the clips of a plan from the frames that it is given; time is the frames' own.

    Frames may come in one thread and wishes (pause, redo, close) from another.

    Args:
        plan: what to record.
    """

    def __init__(self, plan: CapturePlan) -> None:
        self.plan = plan
        self._lock = threading.RLock()
        self.saved: list[Path] = []
        self._session = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
        self._phase: Phase = "countdown"
        self._since_ms: float | None = None
        self._last_ms = 0.0
        self._recorder: ClipRecorder | None = None
        self._kept = 0
        self._message = ""

    @property
    def done(self) -> bool:
        """Whether all clips are there."""
        return self._phase == "done"

    def push(self, frame: Frame) -> View:
        """Take the next frame.

        Raises:
            AdemanError: a clip cannot be written; those before are whole.
        """
        with self._lock:
            return self._push(frame)

    def _push(self, frame: Frame) -> View:
        now_ms = frame.timestamp_ms
        if self._recorder is not None and now_ms - self._last_ms > _LOST_MS:
            self._drop()
            self._begin("countdown", now_ms, "the camera was away: this clip is recorded again")
        self._last_ms = now_ms
        if self._since_ms is None:
            self._since_ms = now_ms
        if self._phase == "recording":
            self._record(frame)
        if self._left_s(now_ms) <= 0:
            self._next(frame)
        return View(frame, self._phase, max(0.0, self._left_s(now_ms)), len(self.saved), self._message)

    def pause(self) -> None:
        """Pause, or go on with a new countdown; a clip that is being recorded is dropped."""
        with self._lock:
            self._drop()
            if self._phase != "done":
                self._begin("countdown" if self._phase == "paused" else "paused", self._last_ms)

    def redo(self) -> None:
        """Remove the last clip of this session, and record it again; or begin the present one anew."""
        with self._lock:
            if self._recorder is not None or not self.saved:
                self._drop()
                self._begin("countdown", self._last_ms)
                return
            last = self.saved.pop()
            last.unlink(missing_ok=True)
            self._begin("countdown", self._last_ms, f"{last.name} is removed, and recorded again")

    def close(self) -> None:
        """Drop the clip that is being recorded; those before stay."""
        with self._lock:
            self._drop()

    def _left_s(self, now_ms: float) -> float:
        lasts = {"countdown": self.plan.countdown, "recording": self.plan.seconds, "rest": REST_S}
        since = now_ms if self._since_ms is None else self._since_ms
        return lasts.get(self._phase, float("inf")) - (now_ms - since) / 1000

    def _begin(self, phase: Phase, now_ms: float, message: str = "") -> None:
        self._phase, self._since_ms, self._message = phase, now_ms, message

    def _next(self, frame: Frame) -> None:
        """Go on to the phase after this one."""
        if self._phase == "countdown":
            self._begin("recording", frame.timestamp_ms)
            self._start(frame)
            self._record(frame)
        elif self._phase == "recording":
            self._save()
            self._begin("done" if len(self.saved) >= self.plan.count else "rest", frame.timestamp_ms, self._message)
        elif self._phase == "rest":
            self._begin("countdown", frame.timestamp_ms)

    def _start(self, frame: Frame) -> None:
        plan, taken = self.plan, datetime.now(UTC)
        name = f"{plan.gesture}_{plan.subject}_{taken:%Y%m%d-%H%M%S}-{taken.microsecond // 1000:03}.mp4"
        metadata = {
            "gesture": plan.gesture,
            "subject": plan.subject,
            "session": self._session,
            "captured": taken.isoformat(timespec="seconds"),
            "fps": f"{plan.fps:g}",
            "software": f"ademan {version('ademan')}",
        }
        recorder = ClipRecorder(plan.folder / plan.gesture / name, frame.size_wh, plan.fps, metadata)
        self._recorder, self._kept = recorder.__enter__(), 0

    def _record(self, frame: Frame) -> None:
        """Keep the frame if it is due: of a faster camera, those nearest after the wanted times."""
        step_ms = 1000 / self.plan.fps
        due_ms = (self._since_ms or 0.0) + self._kept * step_ms
        if self._recorder is not None and frame.timestamp_ms >= due_ms - step_ms / 4:
            self._recorder.add(frame)
            missed = int((frame.timestamp_ms - due_ms) // step_ms)
            self._kept += 1 + max(0, missed)

    def _save(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            wanted = round(self.plan.seconds * self.plan.fps)
            recorder.__exit__(None, None, None)
            self.saved.append(recorder.path)
            slow = recorder.count < 0.8 * wanted
            self._message = (
                f"the camera gives {recorder.count / self.plan.seconds:.0f} frames a second, not {self.plan.fps:g}"
                if slow
                else ""
            )

    def _drop(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            recorder.discard()


def inventory(folder: Path) -> dict[str, int]:
    """Return how many clips of each gesture a folder of recordings holds."""
    return {place.name: sum(1 for _ in _clips(place)) for place in _gestures(folder)}


def _gestures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".") if folder.is_dir() else []


def _clips(place: Path) -> Iterator[Path]:
    return (path for path in place.iterdir() if path.suffix.lower() in VIDEO_SUFFIXES and path.name[0] != ".")
