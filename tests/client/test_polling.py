"""Live streams by `POST /predict`."""

import time
from collections.abc import Callable

import pytest

from ademan.client import GestureClient, RemotePrediction
from ademan.errors import ConfigError
from ademan.recognition import Classifier, Event, StreamConfig
from tests.client.conftest import EAGER, assert_alike, expected, frames
from tests.client.fake import HTML, Fake

Serve = Callable[..., Fake]


def test_the_events_of_a_file_are_those_of_a_recogniser_here(fake: Fake, classifier: Classifier) -> None:
    stream, told = frames(130), list[Event]()
    with GestureClient(fake.url).stream(EAGER, on_event=told.append, rest=True, in_step=True) as remote:
        for frame in stream:
            remote.push(*frame)
    assert len(told) > 4
    assert_alike(told, expected(classifier, stream))
    stats = remote.stats
    assert (stats.sent, stats.skipped, stats.dropped) == (130, 0, 0)
    assert 0 < stats.latency_ms < 1000


def test_one_request_at_a_time_and_the_newest_window_wins(fake: Fake) -> None:
    fake.delay_s = 0.3
    came: list[RemotePrediction] = []
    with GestureClient(fake.url).stream(EAGER, came.append, rest=True) as remote:
        for frame in frames(50):
            remote.push(*frame)
            time.sleep(0.02)
        asked = time.monotonic()
    assert time.monotonic() - asked < 2
    assert fake.most_at_once == 1
    assert remote.stats.skipped + len(came) == 20  # predictions that were due
    assert 3 <= len(came) <= 7
    assert came[-1].time_ms == pytest.approx(1920)
    assert came[-1].label in {"a", "b", "idle"}


def test_pushing_never_waits_for_the_server(fake: Fake) -> None:
    fake.delay_s = 0.5
    remote = GestureClient(fake.url).stream(EAGER, rest=True)
    started = time.monotonic()
    for frame in frames(200):
        remote.push(*frame)
    assert time.monotonic() - started < 5
    stats = remote.stats
    assert stats.dropped > 0
    assert stats.sent + stats.waiting + stats.dropped == stats.frames == 200
    remote.close()


def test_a_server_that_is_away_ends_the_gesture_and_is_sought_again(fake: Fake) -> None:
    told, states, came = list[Event](), list[str](), list[RemotePrediction]()
    config = StreamConfig(accept=0.0, release=0.0, least_ms=0)
    remote = GestureClient(fake.url, timeout=2).stream(config, came.append, told.append, states.append, rest=True)
    stream = iter(frames(1000))

    def film(until: Callable[[], object]) -> None:
        while not until():
            remote.push(*next(stream))
            time.sleep(0.01)

    film(lambda: told)
    fake.go()
    film(lambda: len(told) == 2)
    assert [event.kind for event in told] == ["began", "ended"]
    assert states[0].endswith("Trying again, until it is back.")
    assert remote.state
    fake.come()
    film(lambda: len(told) == 3)
    assert not remote.state
    remote.close()
    assert [event.kind for event in told] == ["began", "ended"] * 2
    assert "is back after" in states[-1]
    assert remote.stats.reconnects == 1
    times = [p.time_ms or 0.0 for p in came]
    assert times == sorted(set(times))


def test_a_file_waits_until_the_server_is_back(fake: Fake, classifier: Classifier) -> None:
    stream, told = frames(60), list[Event]()
    fake.answers["/predict"] = HTML

    def mend(_: str) -> None:
        fake.answers.clear()

    with GestureClient(fake.url).stream(EAGER, None, told.append, mend, rest=True, in_step=True) as remote:
        for frame in stream:
            remote.push(*frame)
    assert_alike(told, expected(classifier, stream))
    assert remote.stats.skipped == 0


def test_a_new_version_of_the_bundle_is_gone_on_with(fake: Fake) -> None:
    states, came = list[str](), list[RemotePrediction]()
    with GestureClient(fake.url).stream(EAGER, came.append, on_state=states.append, rest=True, in_step=True) as remote:
        for frame in frames(30):
            remote.push(*frame)
        fake.manifest |= {"version": "v2"}
        for frame in frames(20, 30):
            remote.push(*frame)
        fake.manifest |= {"version": "v3", "labels": ["a", "c", "idle"]}
        for frame in frames(20, 50):
            remote.push(*frame)
    assert f"{fake.url} now serves version v2 of 'small'." in states
    assert f"{fake.url} now serves version v3 of 'small'." in states
    assert remote.manifest.labels == ("a", "c", "idle")
    assert came[-1].version == "v3"
    assert set(came[-1].probabilities) == {"a", "c", "idle"}


def test_the_threshold_can_be_changed(fake: Fake) -> None:
    told: list[Event] = []
    with GestureClient(fake.url).stream(
        StreamConfig(accept=1.0, least_ms=0), on_event=told.append, rest=True, in_step=True
    ) as remote:
        for frame in frames(10):
            remote.push(*frame)
        assert told == []
        remote.set_accept(0.1)
        assert remote.accept == 0.1
        for frame in frames(10, 10):
            remote.push(*frame)
        with pytest.raises(ConfigError, match="a threshold of a stream must be from 0 to 1, found -1"):
            remote.set_accept(-1)
    assert told[0].kind == "began"


def test_what_a_function_raises_comes_out_of_the_next_push(fake: Fake) -> None:
    def fail(_: object) -> None:
        raise ValueError("no room")

    remote = GestureClient(fake.url).stream(EAGER, fail, rest=True, in_step=True)
    with pytest.raises(ValueError, match="no room"):
        for frame in frames(10):
            remote.push(*frame)
    remote.close()
