"""What one thread does with one frame: the picture is read, points are found, and the recogniser is asked."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from ademan.clip import Points
from ademan.errors import AdemanError
from ademan.recognition import Event, Recognizer
from ademan.recognition.classifier import Probabilities
from ademan.recognition.taken import as_taken
from ademan.studio.live.detectors import Follower
from ademan.studio.live.errors import LiveError
from ademan.studio.live.models import LiveModel
from ademan.video import Frame, read_encoded


@dataclass(frozen=True, eq=False)
class Picture:
    """A frame as it came.

    Args:
        number: that the browser gave it.
        time_ms: when it was taken, on the browser's clock.
        content: JPEG or WebP.
        came_s: on the monotonic clock.
    """

    number: int
    time_ms: float
    content: bytes
    came_s: float


@dataclass(frozen=True, eq=False)
class Happening:
    """An event, and what it is of.

    Args:
        event: that the recogniser gave.
        model: that said it.
    """

    event: Event
    model: LiveModel


@dataclass(frozen=True, eq=False)
class Named:
    """A prediction.

    Args:
        probabilities: (K,) smoothed.
        active: the gesture that goes on.
        model: that said it.
    """

    probabilities: Probabilities
    active: str | None
    model: LiveModel


@dataclass(frozen=True, eq=False)
class Seen:
    """What a frame brought.

    Args:
        number: of the frame.
        time_ms: of the frame.
        points: (P, 3) in units of the picture's height, NaN where not seen; None if the picture cannot be read.
        size_wh: of the picture.
        latency_ms: from when the frame came.
        named: if a prediction was due.
        happened: events, in order.
        trouble: with the picture.
    """

    number: int
    time_ms: float
    points: Points | None = None
    size_wh: tuple[int, int] = (0, 0)
    latency_ms: float = 0.0
    named: Named | None = None
    happened: tuple[Happening, ...] = ()
    trouble: LiveError | None = None


class Eyes:
    """Looks at the frames of one camera, one after the other, in whichever thread.

    Args:
        model: that names gestures, if there is one.
        most_side: pixels of a picture's longer side.
    """

    def __init__(self, model: LiveModel | None, most_side: int) -> None:
        self._most_side = most_side
        self._model, self._recognizer = model, _recognizer(model)
        self.wanted: LiveModel | None = model
        """The model from the next frame on."""
        self.is_to_rest = False
        """Whether to forget the past before the next frame."""

    def look(self, picture: Picture, follower: Follower) -> Seen:
        """Return what a frame brought; what is wrong with it is part of that."""
        try:
            image = read_encoded(picture.content, self._most_side)
        except AdemanError as error:
            refused = LiveError("picture", str(error), is_garbage=True, number=picture.number)
            return Seen(picture.number, picture.time_ms, trouble=refused)
        return self._see(picture, Frame(image, picture.time_ms), follower)

    def finish(self) -> list[Happening]:
        """End the gesture that goes on, and forget the past."""
        if self._recognizer is None or self._model is None:
            return []
        return [Happening(event, self._model) for event in self._recognizer.finish()]

    def _see(self, picture: Picture, frame: Frame, follower: Follower) -> Seen:
        happened = self._turn(follower)
        points = follower.find(frame)
        named, events = self._name(points, frame)
        return Seen(
            picture.number,
            picture.time_ms,
            points,
            frame.size_wh,
            (time.monotonic() - picture.came_s) * 1000,
            named,
            (*happened, *events),
        )

    def _turn(self, follower: Follower) -> list[Happening]:
        """Do what was asked for since the frame before."""
        happened: list[Happening] = []
        if self.is_to_rest:
            self.is_to_rest = False
            happened += self.finish()
            follower.memory = type(follower.memory)()
        if self.wanted is not self._model:
            happened += self.finish()
            self._model = self.wanted
            self._recognizer = _recognizer(self._model)
        return happened

    def _name(self, points: Points, frame: Frame) -> tuple[Named | None, Sequence[Happening]]:
        model, recognizer = self._model, self._recognizer
        if model is None or recognizer is None:
            return None, ()
        update = recognizer.push(as_taken(points, frame.size_wh, model.manifest), frame.timestamp_ms)
        happened = [Happening(event, model) for event in update.events]
        if update.probabilities is None:
            return None, happened
        return Named(update.probabilities, recognizer.active, model), happened


def _recognizer(model: LiveModel | None) -> Recognizer | None:
    return Recognizer(model.classifier) if model else None
