"""The demo: made-up people, a network trained on some and judged on others, and a stream of one it never met."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ademan.clip import Points
from ademan.datasets import DatasetWriter
from ademan.demo.drawing import picture, write_animation
from ademan.demo.excerpts import WINDOW_MS, excerpts
from ademan.models import TcnConfig
from ademan.recognition import Classifier, Event, Recognizer, StreamConfig
from ademan.skeleton import skeleton
from ademan.synthetic import GESTURES, LABELS, Person, Recording, people, perform
from ademan.training import Recipe, Run, train
from ademan.window import Window

FPS = 12.5
RECIPE = Recipe(
    model="demo",
    network=TcnConfig(),
    window=Window(int(WINDOW_MS / 1000 * FPS), "rate", FPS),
    training=replace(Recipe().training, epochs=5),
    split="group:subject",
    fractions=(0.7, 0.1, 0.2),
)
STREAM = StreamConfig(accept=0.6, release=0.35, least_ms=250, cooldown_ms=400)
PEOPLE = 100
_FRAME_MS = 100
_LONGEST_MS = 30_000  # of the animation


@dataclass(frozen=True, eq=False)
class Shown:
    """One frame of the stream and what the recogniser made of it.

    Args:
        time_ms: in the stream.
        points: (42, 3).
        shares: (K,) smoothed probability of each label.
        event: the last one so far.
    """

    time_ms: float
    points: Points
    shares: np.ndarray[tuple[int], np.dtype[np.float32]]
    event: Event | None


def make_dataset(path: Path, rng: np.random.Generator, count: int = PEOPLE) -> int:
    """Write the clips of `count` made-up people; return how many clips."""
    with DatasetWriter(path, skeleton("hands"), labels=LABELS, made={"by": "ademan demo", "people": count}) as writer:
        for person in people(count, rng):
            recording = perform(person, rng.permutation(list(GESTURES)).tolist(), rng)
            for clip in excerpts(recording, person, rng):
                writer.add(clip)
        return len(writer)


def make_model(dataset: Path, run: Path) -> Run:
    """Train, judge on people apart, export and verify."""
    return train(dataset, run, RECIPE, overwrite=True, progress=True)


def make_stream(rng: np.random.Generator) -> Recording:
    """Record someone new, who makes each gesture twice and idles in between."""
    stranger = Person.draw(rng, name="stranger")
    script = rng.permutation(list(GESTURES) * 2).tolist()
    return perform(stranger, script, rng, fps=25)


def recognise(classifier: Classifier, recording: Recording) -> Iterator[Shown]:
    """Run a stream through the recogniser, frame by frame."""
    recognizer = Recognizer(classifier, STREAM)
    shares = np.zeros(len(classifier.labels), np.float32)
    last: Event | None = None
    for points, time_ms in zip(recording.points, recording.timestamps_ms, strict=True):
        update = recognizer.push(points, float(time_ms))
        shares = shares if update.probabilities is None else update.probabilities
        last = next((event for event in reversed(update.events) if event.kind == "began"), last)
        yield Shown(float(time_ms), points, shares, last)


def animate(path: Path, recording: Recording, labels: tuple[str, ...], shown: list[Shown]) -> None:
    """Save the beginning of the stream as an animation."""
    aspect = recording.image_wh[0] / recording.image_wh[1]
    pictures, due = [], 0.0
    for frame in shown:
        if frame.time_ms < due or frame.time_ms > _LONGEST_MS:
            continue
        due += _FRAME_MS
        true = next((g.label for g in recording.intervals if g.start_ms <= frame.time_ms <= g.end_ms), "idle")
        said = f"made-up hands   {frame.time_ms / 1000:4.1f} s   shown: {true:12}   last event: {told(frame.event)}"
        shares = list(zip(labels, frame.shares.tolist(), strict=True))
        pictures.append(picture(frame.points, skeleton("hands"), aspect, shares, said))
    write_animation(path, pictures, _FRAME_MS)


def told(event: Event | None) -> str:
    """Return an event in words."""
    return f"{event.label} ({event.confidence:.0%}) at {event.timestamp_ms / 1000:.1f} s" if event else "none yet"
