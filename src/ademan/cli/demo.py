"""`ademan demo`."""

import time
from pathlib import Path
from typing import Annotated

import numpy as np
from cyclopts import Parameter
from rich.console import Group
from rich.live import Live
from rich.text import Text

from ademan.cli.terminal import out, plain
from ademan.errors import require

require("lightning", feature="The demo", extra="train")

from ademan import demo as show
from ademan.demo.drawing import dots
from ademan.evaluation.streams import judge_events
from ademan.evaluation.words import headline
from ademan.recognition import Classifier, Event, verify
from ademan.skeleton import skeleton
from ademan.synthetic import Recording

_COLUMNS, _ROWS, _BAR = 64, 18, 24
_SPEED = 3.0  # the stream is shown this many times faster than life


def demo(*, output: Annotated[Path, Parameter(alias="-o")] = Path("demo"), seed: int = 0) -> None:
    """Make up hands, train on some people, judge on others, export, verify, and recognise a stream live.

    All data is made up by a model of the hand: the figures say that the software works, not how good it is on people.

    Args:
        output: folder; it is made, and an earlier demo in it is replaced.
        seed: another one makes up other people.
    """
    started = time.perf_counter()
    rng = np.random.default_rng(seed)
    out.print("[bold]1[/bold]  making up people and their hands; [bold]this is made-up data[/bold]")
    clips = show.make_dataset(output / "hands.h5", rng)
    out.print(f"   {clips} clips of six gestures and of idle hands: {plain(output / 'hands.h5')}")
    out.print("[bold]2[/bold]  training a network, and judging it on made-up people it has never met")
    run = show.make_model(output / "hands.h5", output / "made-up-hands")
    out.print(f"   {plain(headline(run.evaluations['test'].scores, True))}")
    out.print(f"   report: {plain(run.folder / 'report.html')}")
    out.print("[bold]3[/bold]  verifying the exported bundle")
    checked = verify(run.folder / "bundle")
    out.print(f"   {plain(run.folder / 'bundle')}: golden vectors differ by {checked['largest_difference']:.1g}")
    out.print("[bold]4[/bold]  recognising a stream of another new person, idle between gestures")
    _stream(run.folder / "bundle", output / "stream.gif", rng)
    out.print(f"done in {time.perf_counter() - started:.0f} s. Next:  ademan --help")


def _stream(bundle: Path, animation: Path, rng: np.random.Generator) -> None:
    classifier = Classifier(bundle)
    recording = show.make_stream(rng)
    shown, events = _play(classifier, recording)
    first, last = recording.timestamps_ms[[0, -1]].tolist()
    scores = judge_events(events, recording.intervals, (first, last))
    total = scores.total
    out.print(
        f"   {total.named} of {total.made} gestures named, {total.repeats} of them again, {total.confused} confused "
        f"with others; {total.false} false events in {scores.idle_hours * 3600:.0f} s of idling"
    )
    show.animate(animation, recording, classifier.labels, shown)
    out.print(f"   animation: {plain(animation)}")


def _play(classifier: Classifier, recording: Recording) -> tuple[list[show.Shown], list[Event]]:
    """Recognise the stream; in a terminal it is drawn as it goes, elsewhere each event is a line."""
    shown: list[show.Shown] = []
    events: list[Event] = []
    started = time.perf_counter()
    aspect = recording.image_wh[0] / recording.image_wh[1]
    with Live(console=out, transient=True, auto_refresh=False) if out.is_terminal else _Lines() as live:
        for frame in show.recognise(classifier, recording):
            shown.append(frame)
            if frame.event and (not events or frame.event != events[-1]):
                events.append(frame.event)
                live.console.print(f"   {show.told(frame.event)}")
            if out.is_terminal:
                live.update(_drawn(frame, classifier.labels, aspect), refresh=True)
                time.sleep(max(0.0, started + frame.time_ms / 1000 / _SPEED - time.perf_counter()))
    return shown, events


class _Lines:
    """Stands in for the live picture where there is no terminal."""

    console = out

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, *_: object, **__: object) -> None:
        """Draw nothing."""


def _drawn(frame: show.Shown, labels: tuple[str, ...], aspect: float) -> Group:
    hands = Text(dots(frame.points, skeleton("hands"), _COLUMNS, _ROWS, aspect), style="cyan")
    bars = [
        Text(f"{label:12} {'█' * int(_BAR * share):{_BAR}} {share:4.0%}")
        for label, share in zip(labels, frame.shares.tolist(), strict=True)
    ]
    return Group(hands, *bars, Text(f"{frame.time_ms / 1000:5.1f} s   last event: {show.told(frame.event)}"))
