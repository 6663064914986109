"""`ademan capture`."""

from contextlib import closing
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from ademan.cli.terminal import err, out, plain, print_table, warn
from ademan.errors import ConfigError
from ademan.live.session import CapturePlan, CaptureSession, View, inventory
from ademan.video import FrameSource, open_source


def capture(
    gesture: str,
    /,
    *,
    subject: str = "s1",
    seconds: float = 4.0,
    fps: float = 24.0,
    count: int = 10,
    countdown: float = 3.0,
    device: str = "0",
    size: str = "640x480",
    output: Annotated[Path, Parameter(alias="-o")] = Path("raw_videos"),
    window: Annotated[bool, Parameter(negative=("--no-window",))] = True,
) -> None:
    """Record clips of a gesture: OUTPUT/GESTURE/GESTURE_SUBJECT_TIME.mp4.

    Record idle clips, too, under the name idle: rest, scratch, reach for things; they teach a model to keep quiet.

    Args:
        gesture: its name: letters, digits, - and _.
        subject: who is seen: letters, digits and -; a name for each person is what an honest test needs.
        seconds: length of a clip.
        fps: frames per second.
        count: clips to record.
        countdown: seconds before each clip.
        device: number or path of the camera, or a video file that is played as one.
        size: width x height to ask the camera for.
        output: folder of recordings.
        window: open a window; --no-window counts down in the terminal.
    """
    plan = CapturePlan(gesture, subject, seconds, fps, count, countdown, output)
    session = CaptureSession(plan)
    _print_inventory(output, "there are")
    told: list[str] = []
    source = open_source(device, size_wh=_size(size), fps=None, recover=True, on_state=told.append)
    try:
        if window:
            _in_window(session, source)
        else:
            _in_terminal(session, source)
    finally:
        session.close()
        source.close()
        out.print(f"{len(session.saved)} clips were recorded in {plain(output / gesture)}")
        _print_inventory(output, "now there are")
    for state in told:
        warn(state)
    if not session.done:
        warn(f"{plan.count - len(session.saved)} of {plan.count} clips were not recorded.")


def _in_window(session: CaptureSession, source: FrameSource) -> None:
    from ademan.live.booth import Booth

    Booth(session, source).run()


def _in_terminal(session: CaptureSession, source: FrameSource) -> None:
    said = ""
    with closing(source):
        for frame in source:
            view = session.push(frame)
            line = _line(session.plan, view)
            if line != said:
                err.print(plain(line))
                said = line
            if session.done:
                return


def _line(plan: CapturePlan, view: View) -> str:
    """Return what goes on, in one line that changes once a second at most."""
    clip = f"clip {min(view.done + 1, plan.count)} of {plan.count}"
    match view.phase:
        case "countdown":
            told = f"{clip}: {int(view.left_s) + 1} ..."
        case "recording":
            told = f"{clip}: recording"
        case "paused":
            told = "paused"
        case _:
            told = f"{view.done} of {plan.count} clips are saved"
    return f"{told} ({view.message})" if view.message else told


def _print_inventory(folder: Path, told: str) -> None:
    clips = inventory(folder)
    if clips:
        out.print(f"{told} {sum(clips.values())} clips in {plain(folder)}")
        print_table(("gesture", "clips"), list(clips.items()))


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit() and int(width) and int(height)):
        raise ConfigError(f"size '{text}': expected width x height, such as 640x480.")
    return int(width), int(height)
