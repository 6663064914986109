"""From a camera's frames to a broker."""

import json
from pathlib import Path

import pytest

from ademan.clip import times_at
from ademan.live import Pipeline
from ademan.live.screen import Screen
from ademan.live.window import LiveWindow, Tap
from ademan.publishing import MqttConfig, event_json, publisher
from ademan.publishing.topics import Topics
from ademan.recognition import Classifier, Event, StreamConfig
from ademan.video.folder import read_picture
from tests.live.conftest import Dot, Film
from tests.publishing.conftest import Listener, States

EAGER = StreamConfig(accept=0.0, release=0.0, least_ms=0)


@pytest.fixture
def classifier(small_bundle: Path) -> Classifier:
    return Classifier(small_bundle)


def test_each_event_is_told_once_and_in_order_the_last_one_too(classifier: Classifier) -> None:
    told: list[Event] = []
    pipeline = Pipeline(classifier, EAGER, Dot(), on_event=told.append)
    moments = list(pipeline.run(Film(times_at(25, 30).tolist())))
    caused = [event for moment in moments for event in moment.update.events]
    last = pipeline.finish()
    assert told == [*caused, *last] == list(pipeline.events)
    assert told[-1].kind == "ended"
    assert pipeline.finish() == []
    assert len(told) == len(caused) + 1


def test_what_a_camera_sees_arrives_at_the_broker(
    classifier: Classifier, home: MqttConfig, listener: Listener, states: States
) -> None:
    manifest, topics = classifier.manifest, Topics.of(home)
    with publisher(home, manifest.labels, states, idle=manifest.idle) as publish:
        pipeline = Pipeline(classifier, EAGER, Dot(), on_event=publish)
        list(pipeline.run(Film(times_at(25, 30).tolist())))
        pipeline.finish()
    listener.wait_for(topics.status, "offline")
    assert [json.loads(line) for line in listener.of(topics.event)] == [event_json(event) for event in pipeline.events]
    assert listener.of(topics.gesture)[-1] == "none"
    assert states.told == []


def test_the_window_shows_what_is_wrong_with_the_broker(
    classifier: Classifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("PYGAME_HIDE_SUPPORT_PROMPT", "1")

    def brightest(trouble: str) -> int:
        """Return how bright the brightest point of the first line of notes is."""
        pipeline = Pipeline(classifier, EAGER, Dot())
        window = LiveWindow(pipeline, Film([0.0]), Tap(tmp_path, "ann"), mirrored=False, trouble=lambda: trouble)
        screen = Screen("test")
        window._draw(screen)
        screen.save(str(tmp_path / "shot.png"))
        screen.close()
        image = read_picture(tmp_path / "shot.png")
        assert image is not None
        return int(image[16:40, 16:880].max())

    assert brightest("the broker pi:1883 is lost. It is tried again.") > 150 > brightest("")
