"""Live streams by Socket.IO, against a server that runs, goes away, comes back, and talks nonsense."""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ademan.client import GestureClient, RemotePrediction, RemoteStream
from ademan.client.stream import GestureStream
from ademan.errors import ClipError, ConfigError, RemoteError
from ademan.recognition import Classifier, Event, StreamConfig
from tests.client.conftest import EAGER, Stream, assert_alike, expected, frames
from tests.client.fake import Fake, SlowNetwork, wait_for

Serve = Callable[..., Fake]


def push(stream: RemoteStream, points: Stream) -> None:
    for frame in points:
        stream.push(*frame)


def pairs(events: list[Event]) -> list[str]:
    """Return the labels of events, each of which must have its beginning and its end, one after the other."""
    kinds = [event.kind for event in events]
    assert kinds == ["began", "ended"] * (len(kinds) // 2)
    assert [e.label for e in events[::2]] == [e.label for e in events[1::2]]
    return [event.label for event in events[::2]]


def times(predictions: list[RemotePrediction]) -> list[float]:
    return [prediction.time_ms or 0.0 for prediction in predictions]


def test_the_events_of_a_stream_are_those_of_a_recogniser_here(fake: Fake, classifier: Classifier) -> None:
    stream, told = frames(130), list[Event]()
    with GestureClient(fake.url).stream(EAGER, on_event=told.append, in_step=True) as remote:
        push(remote, stream)
    assert len(told) > 4
    assert_alike(told, expected(classifier, stream))
    assert remote.stats.sent == remote.stats.frames == 130
    assert fake.heard[0].starts == [vars(EAGER)]
    assert fake.heard[0].finished


def test_a_bundle_is_asked_for_by_its_name_and_defaults_are_left_to_the_server(fake: Fake) -> None:
    with GestureClient(fake.url, "small").stream(StreamConfig(every_ms=50)):
        pass
    start = fake.heard[0].starts[0]
    assert start == {"bundle": "small", "every_ms": 50, "smoothing_ms": 150, "least_ms": 150, "cooldown_ms": 500}


def test_predictions_come_with_the_time_of_their_frame_and_the_latency_is_known(fake: Fake) -> None:
    came: list[RemotePrediction] = []
    with GestureClient(fake.url).stream(EAGER, came.append) as remote:
        push(remote, frames(30))
    assert [prediction.time_ms for prediction in came] == pytest.approx(
        [0, 120, 200, 320, 400, 520, 600, 720, 800, 920, 1000, 1120]
    )
    assert set(came[0].probabilities) == {"a", "b", "idle"}
    assert came[0].version == "v1"
    assert 0 < remote.stats.latency_ms < 5000
    assert remote.stats.server.busy == 2


def test_while_the_server_is_away_frames_wait_and_when_it_is_back_the_last_window_goes_again(
    fake: Fake, classifier: Classifier
) -> None:
    told, states, came = list[Event](), list[str](), list[RemotePrediction]()
    remote = GestureClient(fake.url).stream(EAGER, came.append, told.append, states.append)
    push(remote, frames(50))
    wait_for(lambda: came and came[-1].time_ms == pytest.approx(1920))
    fake.go()
    wait_for(lambda: remote.state)
    push(remote, frames(20, 50))
    fake.come()
    wait_for(lambda: remote.stats.waiting == 0 and not remote.state)
    push(remote, frames(20, 70))
    wait_for(lambda: (came[-1].time_ms or 0) > 3480)
    remote.close()
    first, again = fake.heard
    assert first.frames[-1] == 1960
    assert again.frames == [1000.0 * i / 25 for i in range(39, 90)]  # the last 1.2 s, which a window needs
    assert times(came) == sorted(set(times(came)))  # nothing is told twice
    assert "closed the connection" in states[0] or "cannot be reached" in states[0]
    assert states[-1] == f"{fake.url} is back after {states[-1].split()[-2]} s."
    stats = remote.stats
    assert (stats.frames, stats.sent, stats.resent, stats.dropped, stats.reconnects) == (90, 90, 11, 0, 1)
    assert set(pairs(told)) <= set(classifier.labels)


def test_frames_that_are_too_old_when_the_server_comes_back_are_dropped_and_counted(fake: Fake) -> None:
    states: list[str] = []
    remote = GestureClient(fake.url).stream(EAGER, on_state=states.append)
    push(remote, frames(10))
    wait_for(lambda: remote.stats.sent == 10)
    fake.go()
    wait_for(lambda: remote.state)
    push(remote, frames(200, 10))
    assert remote.stats.waiting == 76  # three seconds
    assert remote.stats.dropped == 124
    fake.come()
    wait_for(lambda: remote.stats.waiting == 0)
    remote.close()
    again = fake.heard[-1].frames
    assert (again[0], again[-1]) == (134 * 40, 209 * 40)
    assert states[-1].endswith("s; 124 frames were dropped.") or "too slow" in states[-1]


def test_a_gesture_that_goes_on_when_the_server_is_lost_ends(fake: Fake) -> None:
    told: list[Event] = []
    remote = GestureClient(fake.url).stream(StreamConfig(accept=0.0, release=0.0, least_ms=0), on_event=told.append)
    push(remote, frames(20))
    wait_for(lambda: told)
    fake.go()
    wait_for(lambda: len(told) == 2)
    assert (told[1].kind, told[1].label) == ("ended", told[0].label)
    remote.close()
    assert len(told) == 2


def test_a_server_that_goes_silent_is_given_up_and_sought_again(fake: Fake) -> None:
    network = SlowNetwork(fake.port)
    remote = GestureClient(network.url, timeout=0.6).stream(EAGER)
    network.silent = True
    for frame in frames(60):
        remote.push(*frame)
        time.sleep(0.002)
    wait_for(lambda: "does not answer in time" in remote.state)
    network.silent = False
    wait_for(lambda: remote.stats.reconnects == 1)
    wait_for(lambda: remote.stats.waiting == 0)
    remote.close()
    network.close()
    assert max(heard.frames[-1] for heard in fake.heard if heard.frames) == frames(60)[-1][1]


def test_on_a_network_slower_than_the_camera_the_newest_frames_win(fake: Fake) -> None:
    network, states = SlowNetwork(fake.port), list[str]()
    remote = GestureClient(network.url).stream(EAGER, on_state=states.append)
    network.bytes_a_second = 8000  # 25 frames a second would be 10000
    late: list[float] = []
    for i, frame in enumerate(frames(200, fps=60.0)):
        remote.push(*frame)
        time.sleep(1 / 60)
        if i > 120 and fake.heard[0].frames:
            late.append(frame[1] - fake.heard[0].frames[-1])
    stats = remote.stats
    network.bytes_a_second = 1e9
    remote.close()
    network.close()
    assert stats.dropped > 20
    assert stats.sent + stats.waiting + stats.dropped == stats.frames == 200
    assert np.median(late) < 2500
    assert states == [f"the network to {network.url} is too slow for all frames: some go."]
    assert max(np.diff(fake.heard[0].frames)) < 250  # thinned, not cut into pieces


def test_pushing_never_waits_for_the_server(fake: Fake) -> None:
    remote = GestureClient(fake.url, timeout=1).stream(EAGER)
    fake.mute = True
    started = time.monotonic()
    push(remote, frames(500))
    assert time.monotonic() - started < 0.9
    fake.mute = False
    remote.close()


def test_another_threshold_is_for_the_frames_from_now_on(fake: Fake, classifier: Classifier) -> None:
    told, came = list[Event](), list[RemotePrediction]()
    remote = GestureClient(fake.url).stream(StreamConfig(accept=1.0, least_ms=0), came.append, told.append)
    push(remote, frames(30))
    wait_for(lambda: came and came[-1].time_ms == pytest.approx(1120))
    assert remote.accept == 1.0
    remote.set_accept(0.2)
    wait_for(lambda: len(fake.heard[0].starts) == 2)
    push(remote, frames(10, 30))
    wait_for(lambda: told)
    remote.close()
    assert (remote.accept, fake.heard[0].starts[1]["accept"]) == (0.2, 0.2)
    assert fake.heard[0].starts[1]["release"] == pytest.approx(0.2 * classifier.manifest.thresholds.release)
    assert told[0].timestamp_ms > 1120
    assert times(came) == sorted(set(times(came)))
    with pytest.raises(ConfigError, match="a threshold of a stream must be from 0 to 1, found 2"):
        remote.set_accept(2)


def test_a_new_version_of_the_bundle_is_gone_on_with(fake: Fake, classifier: Classifier) -> None:
    states, came = list[str](), list[RemotePrediction]()
    remote = GestureClient(fake.url).stream(EAGER, came.append, on_state=states.append)
    push(remote, frames(30))
    wait_for(lambda: remote.stats.waiting == 0)
    fake.manifest |= {"version": "v2", "labels": ["a", "c", "idle"]}
    fake.say("bundle", fake.manifest)
    wait_for(lambda: remote.manifest.labels == ("a", "c", "idle"))
    push(remote, frames(10, 30))
    wait_for(lambda: came[-1].version == "v2")
    remote.close()
    assert set(came[-1].probabilities) == {"a", "c", "idle"}
    assert states == [f"{fake.url} now serves version v2 of 'small'."]


def test_a_new_bundle_of_other_points_refuses_the_old_ones(fake: Fake, classifier: Classifier) -> None:
    states: list[str] = []
    remote = GestureClient(fake.url).stream(EAGER, on_state=states.append)
    fake.manifest |= {"version": "v2", "channels": 3}
    fake.say("bundle", fake.manifest)
    wait_for(lambda: remote.manifest.channels == 3)
    with pytest.raises(ClipError, match=r"points of shape \(42, 2\); the server's bundle takes \(42, 3\) of skeleton"):
        push(remote, frames(1))
    remote.close()
    assert states[0].endswith("now serves version v2 of 'small', which takes other points than the one before.")


def test_what_a_camera_of_the_server_sees_is_not_ours(fake: Fake) -> None:
    told, came = list[Event](), list[RemotePrediction]()
    with GestureClient(fake.url).stream(EAGER, came.append, told.append):
        fake.say("gesture", {"event": "began", "label": "a", "time_ms": 1.0, "confidence": 1.0, "source": "camera"})
        fake.say("gesture_prediction", {"source": "camera"})
    assert (told, came) == ([], [])


def test_a_problem_is_told_once(fake: Fake) -> None:
    states: list[str] = []
    with GestureClient(fake.url).stream(EAGER, on_state=states.append):
        for _ in range(3):
            fake.say("problem", {"code": "bad_points", "message": "the points\nare odd."})
        fake.say("problem", "no problem at all")
    assert states == [f"{fake.url} says: the points are odd."]


@pytest.mark.parametrize(
    ("event", "content"),
    [
        ("gesture_prediction", ["what"]),
        ("gesture_prediction", {"label": "a", "confidence": "much", "probabilities": {"a": 1}, "time_ms": 1}),
        ("gesture", {"event": "happened"}),
        ("gesture", None),
        ("bundle", {"format": "ademan-bundle/99"}),
    ],
)
def test_nonsense_ends_the_connection_and_the_next_one_is_tried(fake: Fake, event: str, content: object) -> None:
    states: list[str] = []
    remote = GestureClient(fake.url).stream(EAGER, on_state=states.append)
    fake.say(event, content)
    wait_for(lambda: remote.stats.reconnects == 1)
    remote.close()
    assert "the server" in states[0]
    assert "is back" in states[1]


def test_what_a_function_raises_comes_out_of_the_next_push(fake: Fake) -> None:
    def fail(_: Event) -> None:
        raise BrokenPipeError("nobody reads")

    remote = GestureClient(fake.url).stream(EAGER, on_event=fail)
    remote.push(*frames(1)[0])
    wait_for(lambda: remote._listener.failure)
    with pytest.raises(BrokenPipeError, match="nobody reads"):
        remote.push(*frames(1, 1)[0])
    remote.push(*frames(1, 2)[0])
    remote.close()


def test_what_a_function_raises_at_the_end_comes_out_of_close(fake: Fake) -> None:
    told: list[Event] = []

    def fail_at_the_end(event: Event) -> None:
        told.append(event)
        if event.kind == "ended":
            raise ValueError("no end")

    remote = GestureClient(fake.url).stream(replace(EAGER, every_ms=2000), on_event=fail_at_the_end)
    remote.push(*frames(1)[0])
    wait_for(lambda: told)
    with pytest.raises(ValueError, match="no end"):
        remote.close()


def test_a_function_may_close_the_stream(fake: Fake) -> None:
    streams: list[RemoteStream] = []
    streams.append(GestureClient(fake.url).stream(EAGER, on_event=lambda _: streams[0].close()))
    push(streams[0], frames(5))
    streams[0]._thread.join(5)
    assert not streams[0]._thread.is_alive()


@pytest.mark.parametrize(
    ("points", "time_ms", "told"),
    [
        (np.zeros((41, 2)), 0.0, r"a frame at 0 ms has points of shape \(41, 2\)"),
        (np.full((42, 2), np.inf), 0.0, "finite or NaN"),
        (np.zeros((42, 2)), float("nan"), "a frame has the time nan ms; expected a finite number"),
    ],
)
def test_what_is_no_frame_is_refused(fake: Fake, points: np.ndarray, time_ms: float, told: str) -> None:
    with GestureClient(fake.url).stream() as remote, pytest.raises(ClipError, match=told):
        remote.push(points, time_ms)


def test_a_wish_that_the_server_refuses_is_an_error_at_once(fake: Fake) -> None:
    fake.refusal = {"error": {"code": "bad_request", "message": "every_ms must be at least 8.33."}}
    with pytest.raises(RemoteError, match=r"the server says: every_ms must be at least 8\.33\."):
        GestureClient(fake.url).stream(StreamConfig(every_ms=1))


def test_a_server_that_takes_the_key_no_more_is_tried_on_with_its_reason(serve: Serve) -> None:
    fake, states = serve("secret"), list[str]()
    remote = GestureClient(fake.url, key="secret").stream(EAGER, on_state=states.append)
    fake.go()
    fake.key = "another"
    fake.come()
    wait_for(lambda: any("none of the server's keys" in state for state in states))
    remote.close()


def test_something_that_speaks_no_socket_io_is_told(fake: Fake) -> None:
    client = GestureClient(fake.url)
    manifest = client.info
    fake.go()
    with socket.create_server(("127.0.0.1", fake.port)) as door:
        answer = b"HTTP/1.1 418 Odd\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi"
        threading.Thread(target=_answer_once, args=(door, answer), daemon=True).start()
        with pytest.raises(RemoteError, match="is no ademan server: it answered 418"):
            GestureStream(client.address, "", "", manifest)


def _answer_once(door: socket.socket, answer: bytes) -> None:
    end, _ = door.accept()
    with end:
        end.recv(4096)
        end.sendall(answer)


def test_closing_does_not_wait_for_a_server_that_is_away(fake: Fake) -> None:
    remote = GestureClient(fake.url).stream(EAGER)
    fake.go()
    wait_for(lambda: remote.state)
    push(remote, frames(20))
    started = time.monotonic()
    remote.close()
    assert time.monotonic() - started < 3
