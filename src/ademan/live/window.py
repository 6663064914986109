"""What `ademan live` shows: the picture with its points, the gesture, its confidence, and what happened lately."""

import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from ademan.errors import AdemanError
from ademan.live.pipeline import Moment, Pipeline, taken
from ademan.live.screen import ACCENT, ALARM, BACK, DIM, GOOD, LINE, PANEL, TEXT, Screen, wrapped
from ademan.live.watcher import Watcher
from ademan.recognition import Event
from ademan.video import ClipRecorder, Frame, FrameSource, draw_points, open_source

HELP = (
    "+  -     threshold",
    "m        mirror the picture (recognition is the same)",
    "space    pause",
    "r        record what is seen as a new clip; again to stop",
    "h        this help",
    "q  Esc   quit",
)
_STEP = 0.05  # of the threshold
_PANEL_W, _NARROW = 360, 760
_ROW, _FLASH_MS = 26, 1500


@dataclass
class _Looks:
    """What keys change."""

    mirrored: bool = True
    paused: bool = False
    help: bool = False
    typing: str | None = None
    note: str = ""
    error: str = ""
    paused_moment: Moment | None = field(default=None, repr=False)


class Tap:
    """Records the frames that pass, when asked to.

    Args:
        folder: of recordings; a clip goes into the folder of its label.
        subject: who is seen.
    """

    def __init__(self, folder: Path, subject: str) -> None:
        self.folder, self.subject = folder, subject
        self._lock = threading.Lock()
        self._label = ""
        self._recorder: ClipRecorder | None = None

    @property
    def label(self) -> str:
        """Of the clip that is being recorded; empty if none is."""
        return self._label

    def start(self, label: str) -> None:
        """Begin a clip with the next frame."""
        self._label = label

    def add(self, frame: Frame) -> None:
        """Take a frame that passes."""
        with self._lock:
            if not self._label:
                return
            if self._recorder is None:
                name = f"{self._label}_{self.subject}_{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.mp4"
                metadata = {"gesture": self._label, "subject": self.subject}
                path = self.folder / self._label / name
                self._recorder = ClipRecorder(path, frame.size_wh, 30.0, metadata).__enter__()
            self._recorder.add(frame)

    def stop(self) -> Path | None:
        """End the clip and return where it is; None if no frame came."""
        with self._lock:
            recorder, self._recorder, self._label = self._recorder, None, ""
            if recorder is None:
                return None
            recorder.__exit__(None, None, None)
            return recorder.path


class LiveWindow:
    """The window of `ademan live`.

    Args:
        pipeline: from frames to labels.
        source: gives the frames.
        tap: records clips.
        mirrored: show the picture as a mirror does.
        trouble: gives what else is wrong, if something is; shown over the picture.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        source: FrameSource,
        tap: Tap,
        *,
        mirrored: bool,
        trouble: Callable[[], str] = lambda: "",
    ) -> None:
        self._pipeline, self._tap, self._trouble = pipeline, tap, trouble
        self._looks = _Looks(mirrored=mirrored)
        self.state = ""
        """What the camera says of itself; shown over the picture."""
        self._watcher: Watcher[Moment] = Watcher(source, self._step)
        self._source, self._name = source, source.name

    def run(self, shots: Path | None = None) -> None:
        """Show the window until it is closed, or the file ends.

        Args:
            shots: write the last picture of the window there.

        Raises:
            AdemanError: the source cannot be read at all.
        """
        screen = Screen(f"Ademan: {', '.join(self._pipeline.recognizer.classifier.manifest.labels[:6])}")
        with ExitStack() as stack:
            stack.callback(screen.close)
            stack.callback(self._tap.stop)
            stack.callback(self._watcher.stop)
            self._watcher.start()
            while not self._watcher.done and self._take_keys(screen):
                self._draw(screen)
            if shots:
                screen.save(str(shots))
        if self._watcher.error:
            raise self._watcher.error

    def _step(self, frame: Frame) -> Moment:
        try:
            self._tap.add(frame)
        except AdemanError as error:
            self._tap.stop()
            self._looks.error = str(error)
        return self._pipeline.step(frame, taken(self._source, frame))

    def _take_keys(self, screen: Screen) -> bool:
        """Do what the keys ask for; False to quit."""
        for key, letter in screen.pressed():
            if key == "quit":
                return False
            if self._looks.typing is not None:
                self._type(key, letter)
            elif key in {"q", "escape"}:
                return False
            else:
                self._press(key, letter)
        return True

    def _press(self, key: str, letter: str) -> None:
        looks, recognizer = self._looks, self._pipeline.recognizer
        looks.error = ""
        if letter in {"+", "=", "-"}:
            change = -_STEP if letter == "-" else _STEP
            recognizer.set_accept(round(min(1.0, max(_STEP, recognizer.accept + change)), 3))
        elif key == "m":
            looks.mirrored = not looks.mirrored
        elif key == "h":
            looks.help = not looks.help
        elif key == "space":
            looks.paused = not looks.paused
            looks.paused_moment = self._watcher.newest
        elif key == "r" and self._tap.label:
            path = self._tap.stop()
            looks.note = f"saved {path.name}" if path else "no frame was recorded"
        elif key == "r":
            looks.typing = ""

    def _type(self, key: str, letter: str) -> None:
        """Take a letter of the label of a new clip."""
        typed = self._looks.typing or ""
        if key == "escape":
            self._looks.typing = None
        elif key == "backspace":
            self._looks.typing = typed[:-1]
        elif key in {"return", "enter"}:
            self._looks.typing = None
            if typed:
                self._tap.start(typed)
        elif letter.isalnum() or letter in {"-", "_"}:
            self._looks.typing = (typed + letter)[:40]

    def _draw(self, screen: Screen) -> None:
        width, height = screen.size
        panel = _PANEL_W if width >= _NARROW else 0
        moment = self._looks.paused_moment if self._looks.paused else self._watcher.newest
        screen.clear()
        area = (0, 0, width - panel, height)
        if moment is None:
            screen.text(f"waiting for {self._name} …", (area[2] // 2, height // 2), 22, DIM, middle=True)
        else:
            self._draw_picture(screen, moment, area)
            if panel:
                self._draw_panel(screen, moment, (width - panel, 0, panel, height))
        self._draw_notes(screen, area)
        screen.show()

    def _draw_picture(self, screen: Screen, moment: Moment, area: tuple[int, int, int, int]) -> None:
        skeleton = self._pipeline.recognizer.classifier.manifest.skeleton
        drawn = draw_points(moment.frame.image_rgb, moment.points, skeleton)
        screen.picture(drawn, area, mirrored=self._looks.mirrored)
        event = self._now(moment)
        if event:
            _, _, width, height = area
            screen.box((0, height - 92, width, 92), BACK, alpha=190)
            screen.text(event.label, (24, height - 76), 52, ACCENT, bold=True, width=width - 150)
            screen.text(f"{event.confidence:.0%}", (width - 24, height - 66), 36, TEXT, right=True)

    def _now(self, moment: Moment) -> Event | None:
        """Return the gesture that goes on, or ended a moment ago."""
        last = next((event for event in reversed(list(self._pipeline.events))), None)
        if last is None:
            return None
        fresh = moment.frame.timestamp_ms - last.timestamp_ms < _FLASH_MS
        return last if last.kind == "began" or fresh else None

    def _draw_panel(self, screen: Screen, moment: Moment, box: tuple[int, int, int, int]) -> None:
        x, _, width, height = box
        screen.box(box, PANEL)
        left, inner = x + 20, width - 40
        y = 18
        y += screen.text("what it sees", (left, y), 15, DIM) + 6
        y = self._draw_bars(screen, moment, (left, y, inner, int(height * 0.58)))
        y += 14
        y += screen.text("lately", (left, y), 15, DIM) + 4
        for event in reversed([event for event in self._pipeline.events if event.kind == "began"]):
            if y > height - 84:
                break
            ago_s = (moment.frame.timestamp_ms - event.timestamp_ms) / 1000
            colour = GOOD if ago_s * 1000 < _FLASH_MS else TEXT
            screen.text(f"{ago_s:.0f} s ago", (left + inner, y), 15, DIM, right=True)
            y += screen.text(f"{event.label}  {event.confidence:.0%}", (left, y), 17, colour, width=inner - 90) + 2
        screen.text(f"{moment.fps:.0f} frames a second   {moment.latency_ms:.0f} ms", (left, height - 52), 15, DIM)
        screen.text("h  help", (left, height - 30), 15, DIM)

    def _draw_bars(self, screen: Screen, moment: Moment, box: tuple[int, int, int, int]) -> int:
        """Draw a bar for each class, the most probable ones if there are too many, and return where they end."""
        left, y, inner, until = box
        labels = self._pipeline.recognizer.classifier.manifest.labels
        shares = [] if moment.probabilities is None else moment.probabilities.tolist()
        if len(shares) != len(labels):  # none yet, or of the bundle before, where a server has taken another one
            shares = [0.0] * len(labels)
        order = range(len(labels))
        fit = max(1, (until - y) // _ROW)
        if len(labels) > fit:
            order = sorted(order, key=lambda k: -shares[k])[:fit]  # type: ignore[assignment]
        start, full = left + 130, inner - 130
        accept = self._pipeline.recognizer.accept
        top = y
        for k in order:
            screen.text(labels[k], (left, y), 15, TEXT if shares[k] >= accept else DIM, width=122)
            screen.box((start, y + 5, full, 10), LINE, round_by=5)
            bar = round(full * shares[k])
            if bar:
                screen.box((start, y + 5, bar, 10), GOOD if shares[k] >= accept else ACCENT, round_by=5)
            y += _ROW
        screen.box((start + round(full * accept), top, 2, y - top - 4), ALARM)
        screen.text(f"threshold {accept:.2f}", (left + inner, y), 13, DIM, right=True)
        return y + 16

    def _draw_notes(self, screen: Screen, area: tuple[int, int, int, int]) -> None:
        """Draw what the person should know, over the picture."""
        looks = self._looks
        y = 14
        recording = f"recording '{self._tap.label}'; r stops" if self._tap.label else ""
        typing = "" if looks.typing is None else f"label of the new clip: {looks.typing}_   (Enter starts, Esc leaves)"
        for text, colour in (
            (self.state or looks.error, ALARM),
            (self._trouble(), ALARM),
            (recording, ALARM),
            (typing, ACCENT),
            ("paused" if looks.paused else "", DIM),
            (looks.note, GOOD),
        ):
            for line in wrapped(text, max(20, area[2] // 11)) if text else ():
                screen.box((14, y, area[2] - 28, 28), BACK, alpha=200, round_by=6)
                screen.text(line, (24, y + 4), 17, colour, width=area[2] - 48)
                y += 30
        if looks.help:
            screen.box((14, y, min(560, area[2] - 28), 30 + 26 * len(HELP)), BACK, alpha=225, round_by=8)
            screen.lines(HELP, (30, y + 14), 18)


def show_window(
    pipeline: Pipeline,
    what: str,
    tap: Tap,
    *,
    in_time: bool,
    loop: bool,
    mirrored: bool,
    trouble: Callable[[], str],
) -> None:
    """Open a camera, or a file that is played as one, and a window on it, until the person closes it.

    Args:
        pipeline: from a frame to a label.
        what: number or path of a camera, address of a stream, video file, or folder of pictures.
        tap: records clips of what is seen.
        in_time: play a file at its own pace.
        loop: play it again and again.
        mirrored: show the picture as a mirror does.
        trouble: what else the person should know of; empty if nothing.

    Raises:
        VideoError: there is no such camera or file.
        MissingExtraError: pygame is not installed.
    """
    windows: list[LiveWindow] = []

    def show(state: str) -> None:
        for window in windows:
            window.state = "" if state.endswith("is back.") else state

    source = open_source(what, realtime=in_time, loop=loop, recover=True, on_state=show)
    windows.append(LiveWindow(pipeline, source, tap, mirrored=mirrored, trouble=trouble))
    windows[0].run()
