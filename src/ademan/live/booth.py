"""What `ademan capture` shows: the picture as in a mirror, the countdown, and how many clips are still to go."""

from contextlib import ExitStack
from pathlib import Path

from ademan.live.screen import ACCENT, ALARM, BACK, DIM, LINE, TEXT, Screen, wrapped
from ademan.live.session import CaptureSession, View
from ademan.live.watcher import Watcher
from ademan.video import FrameSource

_KEYS = "space: pause    u: redo the last    q: quit"


class Booth:
    """The window of `ademan capture`.

    Args:
        session: what is recorded.
        source: gives the frames.
    """

    def __init__(self, session: CaptureSession, source: FrameSource) -> None:
        self._session, self._name = session, source.name
        self.state = ""
        """What the camera says of itself."""
        self._watcher: Watcher[View] = Watcher(source, session.push)

    def run(self, shots: Path | None = None) -> None:
        """Show the window until all clips are recorded, or it is closed.

        Args:
            shots: write the last picture of the window there.

        Raises:
            AdemanError: the camera cannot be read, or a clip not be written.
        """
        screen = Screen(f"Ademan: recording {self._session.plan.gesture}", (960, 720))
        with ExitStack() as stack:
            stack.callback(screen.close)
            stack.callback(self._session.close)
            stack.callback(self._watcher.stop)
            self._watcher.start()
            while not (self._watcher.done or self._session.done) and self._take_keys(screen):
                self._draw(screen)
            if shots:
                screen.save(str(shots))
        if self._watcher.error:
            raise self._watcher.error

    def _take_keys(self, screen: Screen) -> bool:
        for key, _ in screen.pressed():
            if key in {"quit", "q", "escape"}:
                return False
            if key in {"space", "p"}:
                self._session.pause()
            elif key in {"u", "backspace"}:
                self._session.redo()
        return True

    def _draw(self, screen: Screen) -> None:
        width, height = screen.size
        view, plan = self._watcher.newest, self._session.plan
        screen.clear()
        if view is None:
            screen.text(f"waiting for {self._name} …", (width // 2, height // 2), 22, DIM, middle=True)
            screen.show()
            return
        screen.picture(view.frame.image_rgb, (0, 0, width, height - 76), mirrored=True)
        self._draw_phase(screen, view, (width, height - 76))
        screen.box((0, height - 76, width, 76), BACK)
        done = f"{view.done} of {plan.count} clips, {plan.count - view.done} to go"
        screen.text(plan.gesture, (20, height - 68), 26, ACCENT, bold=True, width=width // 2)
        screen.text(done, (width - 20, height - 64), 20, TEXT, right=True)
        screen.text(_KEYS, (20, height - 30), 15, DIM)
        screen.text(plan.subject, (width - 20, height - 30), 15, DIM, right=True)
        for i, line in enumerate(wrapped(self.state or view.message, width // 10)):
            screen.box((14, 14 + 30 * i, width - 28, 28), BACK, alpha=200, round_by=6)
            screen.text(line, (24, 18 + 30 * i), 17, ALARM)
        screen.show()

    def _draw_phase(self, screen: Screen, view: View, area: tuple[int, int]) -> None:
        width, height = area
        plan = self._session.plan
        if view.phase == "countdown":
            screen.box((0, height // 2 - 110, width, 220), BACK, alpha=150)
            screen.text(f"{int(view.left_s) + 1}", (width // 2, height // 2 - 96), 120, TEXT, bold=True, middle=True)
            told = "do nothing in particular" if plan.gesture == "idle" else f"get ready for {plan.gesture}"
            screen.text(told, (width // 2, height // 2 + 58), 24, DIM, middle=True)
        elif view.phase == "recording":
            share = 1 - view.left_s / plan.seconds
            screen.box((0, height - 12, width, 12), LINE)
            screen.box((0, height - 12, round(width * share), 12), ALARM)
            screen.circle((width - 40, 40), 14, ALARM)
        else:
            told = {"paused": "paused", "rest": "saved", "done": "all done"}[view.phase]
            screen.text(told, (width // 2, height // 2 - 30), 60, TEXT, bold=True, middle=True)
