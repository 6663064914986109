"""The pipeline and the window of `ademan live`, with a server behind them."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ademan.client import GestureClient, RemotePrediction
from ademan.client.pipeline import RemoteNames, RemotePipeline, RemoteRecognizer
from ademan.clip import times_at
from ademan.errors import ClipError, RemoteError
from ademan.live.window import LiveWindow, Tap
from ademan.recognition import Classifier, Event, Recognizer
from ademan.skeleton import skeleton
from ademan.video import Playback
from ademan.video.folder import read_picture
from tests.client.conftest import EAGER, assert_alike, expected, frames
from tests.client.fake import Fake, wait_for
from tests.live.conftest import Dot, Film


@pytest.mark.parametrize("rest", [False, True])
def test_a_film_gives_the_events_that_a_pipeline_here_gives(fake: Fake, classifier: Classifier, rest: bool) -> None:
    told, came = list[Event](), list[RemotePrediction]()
    client, film = GestureClient(fake.url), Film(times_at(25, 30).tolist())
    recognizer = RemoteRecognizer(client, EAGER, came.append, told.append, rest=rest, in_step=True)
    pipeline = RemotePipeline(recognizer, Dot())
    moments = list(pipeline.run(film))
    pipeline.finish()
    here = Recognizer(classifier, EAGER)
    dots = [(Dot().find(frame)[:, :2], frame.timestamp_ms) for frame in film.frames]
    wanted = [event for points, time_ms in dots for event in here.push(points, time_ms).events] + here.finish()
    assert_alike(told, wanted)
    assert_alike(list(pipeline.events), wanted)
    assert film.closed
    assert len(came) == 12
    assert moments[-1].probabilities is not None
    assert moments[-1].probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert 0 < moments[-1].latency_ms < 2000
    pipeline.close()


def test_the_recogniser_gives_what_came_since_the_last_frame(fake: Fake, classifier: Classifier) -> None:
    recognizer = RemoteRecognizer(GestureClient(fake.url), EAGER)
    updates = [recognizer.push(*frame) for frame in frames(30)]
    wait_for(lambda: not recognizer.stream.stats.waiting)
    time.sleep(0.1)
    updates.append(recognizer.push(*frames(1, 30)[0]))
    assert updates[-1].probabilities is not None
    events = [event for update in updates for event in update.events] + recognizer.finish()
    assert_alike(events, expected(classifier, frames(31)))
    assert recognizer.finish() == []


def test_the_threshold_is_that_of_the_stream(fake: Fake) -> None:
    recognizer = RemoteRecognizer(GestureClient(fake.url))
    assert recognizer.accept == 0.5
    recognizer.set_accept(0.7)
    assert recognizer.accept == 0.7
    recognizer.finish()


def test_a_bundle_of_other_coordinates_is_gone_on_with(fake: Fake) -> None:
    recognizer = RemoteRecognizer(GestureClient(fake.url), EAGER)
    pipeline = RemotePipeline(recognizer, Dot())
    film = Film(times_at(25, 40).tolist())
    for frame in film.frames[:20]:
        pipeline.step(frame)
    fake.manifest |= {"version": "v2", "channels": 3, "labels": ["a", "b", "c", "idle"]}
    fake.say("bundle", fake.manifest)
    wait_for(lambda: recognizer.stream.manifest.channels == 3)
    moments = [pipeline.step(frame) for frame in film.frames[20:]]
    assert recognizer.classifier.manifest.channels == 3
    assert moments[-1].probabilities is not None
    assert moments[-1].probabilities.tolist() == [0, 0, 0, 0]  # the test's server cannot name these
    pipeline.finish()


def test_a_bundle_of_other_points_ends_the_client_with_a_word(fake: Fake) -> None:
    recognizer = RemoteRecognizer(GestureClient(fake.url), EAGER)
    fake.manifest |= {"version": "v2", "skeleton": skeleton("pose33").to_json()}
    fake.say("bundle", fake.manifest)
    wait_for(lambda: recognizer.stream.manifest.skeleton.name == "pose33")
    with pytest.raises(
        RemoteError, match=r"takes the points of 'pose33'; here those of 'hands' are looked for\. Start"
    ):
        recognizer.push(*frames(1)[0])
    recognizer.finish()


def test_points_that_do_not_fit_are_told(fake: Fake) -> None:
    recognizer = RemoteRecognizer(GestureClient(fake.url), EAGER)
    with pytest.raises(ClipError, match="the server's bundle takes"):
        recognizer.push(np.zeros((1, 2), np.float32), 0.0)
    recognizer.finish()


def test_a_stand_in_names_nothing_itself(classifier: Classifier) -> None:
    with pytest.raises(RemoteError, match="1 windows cannot be named here: the classifier is on the server"):
        RemoteNames(classifier.manifest).probabilities(np.zeros((1, 20, 42, 2), np.float32))


def test_the_window_shows_what_the_server_says_and_what_is_wrong_with_it(
    fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    recognizer = RemoteRecognizer(GestureClient(fake.url), replace(EAGER, accept=0.2))
    pipeline = RemotePipeline(recognizer, Dot())
    film = Playback(Film(times_at(25, 40).tolist(), (160, 120)))
    tap = Tap(tmp_path, "ann")
    window = LiveWindow(pipeline, film, tap, mirrored=True, trouble=lambda: recognizer.stream.state)
    window._press("+", "+")
    assert recognizer.accept == 0.25
    window.run(tmp_path / "shot.png")
    pipeline.finish()
    image = read_picture(tmp_path / "shot.png")
    assert image is not None
    assert image[:, :900].std() > 30  # the film's noise
    assert pipeline.events
    stats = recognizer.stream.stats
    assert stats.sent == stats.frames > 10
