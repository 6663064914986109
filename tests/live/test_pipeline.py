"""From a frame to a label."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ademan.bundle import read_bundle
from ademan.clip import as_fractions, times_at
from ademan.errors import ConfigError, VideoError
from ademan.live import Pipeline, Watcher
from ademan.recognition import Classifier, Recognizer, StreamConfig
from ademan.recognition.taken import as_taken
from ademan.video import Frame
from tests.live.conftest import Dot, Film

EAGER = StreamConfig(accept=0.0, least_ms=0)


def test_each_frame_brings_what_the_recogniser_says_of_its_points(classifier: Classifier) -> None:
    film, dot = Film(times_at(25, 30).tolist()), Dot()
    moments = list(Pipeline(classifier, EAGER, dot).run(film))
    alone = Recognizer(classifier, EAGER)
    for moment, frame in zip(moments, film.frames, strict=True):
        said = alone.push(dot.find(frame)[:, :2], frame.timestamp_ms)
        if said.probabilities is None:
            assert moment.update.probabilities is None
        else:
            np.testing.assert_array_equal(moment.update.probabilities, said.probabilities)
        assert moment.latency_ms >= 0
    assert moments[-1].probabilities is not None
    assert moments[-1].fps > 0
    assert film.closed


def test_a_gesture_that_goes_on_at_the_end_is_ended(classifier: Classifier) -> None:
    pipeline = Pipeline(classifier, StreamConfig(accept=0.0, release=0.0, least_ms=0), Dot())
    list(pipeline.run(Film(times_at(25, 30).tolist())))
    ended = pipeline.finish()
    began = [event for event in pipeline.events if event.kind == "began"]
    assert len(ended) == len(began) - (len(pipeline.events) - len(began) - len(ended))
    assert pipeline.finish() == []


def test_points_are_brought_to_what_the_bundle_takes(small_bundle: Path) -> None:
    manifest = read_bundle(small_bundle).manifest
    points = Dot().find(Frame(np.zeros((100, 200, 3), np.uint8), 0.0))
    np.testing.assert_array_equal(as_taken(points, (200, 100), manifest), points[:, :2])
    fraction = replace(manifest, coordinates="fraction", channels=3)
    found = as_taken(points, (200, 100), fraction)
    np.testing.assert_array_equal(found, as_fractions(points, (200, 100)))
    assert found[:, 0].mean() == pytest.approx(0.5)
    with pytest.raises(ConfigError, match="a sensor's metres, which cannot be had from pictures"):
        as_taken(points, (200, 100), replace(manifest, coordinates="metres"))


def test_a_watcher_keeps_the_newest_result_and_closes_its_source() -> None:
    film = Film([0.0, 40.0, 80.0])
    watcher: Watcher[float] = Watcher(film, lambda frame: frame.timestamp_ms)
    watcher.start()
    watcher.stop()
    assert watcher.newest in (None, 0.0, 40.0, 80.0)
    assert film.closed
    assert watcher.done


def test_a_watcher_keeps_the_error_that_ended_it() -> None:
    def fail(_: Frame) -> None:
        raise VideoError("the film tore")

    watcher: Watcher[None] = Watcher(Film([0.0]), fail)
    watcher.start()
    watcher._thread.join()
    assert str(watcher.error) == "the film tore"
