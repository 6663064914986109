"""A server to talk to, and points to send."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ademan.clip import Points
from ademan.recognition import Classifier, Event, Recognizer, StreamConfig
from tests.client.fake import Fake

EAGER = StreamConfig(accept=0.0, release=0.0, least_ms=0, cooldown_ms=0, smoothing_ms=0)
"""With it, each change of the most probable label is an event."""
Stream = list[tuple[Points, float]]


@pytest.fixture
def classifier(small_bundle: Path) -> Classifier:
    return Classifier(small_bundle)


@pytest.fixture
def serve(classifier: Classifier) -> Iterator[Callable[..., Fake]]:
    """Start a server; it is stopped at the end of the test."""
    running: list[Fake] = []

    def start(key: str = "", **more: dict[str, str]) -> Fake:
        running.append(Fake(classifier, key, **more))
        running[-1].come()
        return running[-1]

    yield start
    for one in running:
        one.go()


@pytest.fixture
def fake(serve: Callable[..., Fake]) -> Fake:
    return serve()


def frames(count: int, start: int = 0, fps: float = 25.0) -> Stream:
    """Return frames of hands that do something else every second."""
    found = []
    for i in range(start, start + count):
        rng = np.random.default_rng(i // 25)
        size, speed = rng.uniform(0.05, 3), rng.uniform(0.2, 2)
        points = size * np.sin(speed * i + rng.uniform(0, 6, (42, 2)))
        found.append((points.astype(np.float32), 1000.0 * i / fps))
    return found


def expected(classifier: Classifier, stream: Stream, config: StreamConfig = EAGER) -> list[Event]:
    """Return the events that a recogniser here finds."""
    recognizer = Recognizer(classifier, config)
    found = [event for points, time_ms in stream for event in recognizer.push(points, time_ms).events]
    return [*found, *recognizer.finish()]


def assert_alike(told: list[Event], wanted: list[Event]) -> None:
    """Compare events after a journey, on which numbers are rounded."""
    assert [_brief(event) for event in told] == [_brief(event) for event in wanted]
    assert [event.confidence for event in told] == pytest.approx([event.confidence for event in wanted], abs=1e-3)


def _brief(event: Event) -> tuple[str, str, float]:
    return event.kind, event.label, round(event.timestamp_ms, 1)
