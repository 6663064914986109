"""Live streams over the network: what comes back is what a recogniser says on one machine, or it is counted."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ademan.clip import Points
from ademan.publishing.messages import event_json
from ademan.recognition import Event, Recognizer, StreamConfig
from ademan.server.config import ServeConfig
from tests.recognition.reading import Reading, written
from tests.server.conftest import Serve, wait_for
from tests.server.fakes import (
    Live,
    RawSocket,
    SlowNetwork,
    as_bytes,
    as_json,
    figure,
    give_network,
    make_bundle,
    memory_mb,
    settled,
)

EAGER: dict[str, Any] = {"every_ms": 50, "smoothing_ms": 0, "least_ms": 0, "cooldown_ms": 0, "accept": 0.34}
Frames = Sequence[tuple[Points, float]]
AsSent = Callable[[Points, float], Any]
Said = list[tuple[str, Any]]


def walk(rng: np.random.Generator, count: int, first_ms: float = 1000.0, step_ms: float = 40.0) -> Frames:
    """Frames of a walk through the space of points, so that several labels have their turn; some are not seen."""
    points = rng.uniform(0.2, 0.8, (42, 2)) + np.cumsum(rng.normal(0, 0.15, (count, 42, 2)), axis=0)
    points[rng.uniform(size=(count, 42)) < 0.1] = np.nan
    return [(row.astype(np.float32), first_ms + i * step_ms) for i, row in enumerate(points)]


def play(
    live: Live, recognizer: Recognizer, frames: Frames, as_sent: AsSent = as_bytes, before: Said | None = None
) -> Said:
    """Send frames, each after what the one before brought has come; return what a recogniser says here."""
    expected = list(before or [])
    for points, time_ms in frames:
        update = recognizer.push(points, time_ms)
        events = [("gesture", plain(event)) for event in update.events]
        ended = [event for event in events if event[1][2] != round(time_ms, 1)]  # by a clock that went back
        expected += ended
        if update.probabilities is not None:
            expected.append(("gesture_prediction", (time_ms, update.probabilities.tolist(), recognizer.active)))
        expected += events[len(ended) :]
        assert live.call("points", as_sent(points, time_ms)) == {}
        wait_for(partial(has, live, len(expected)))
    return expected


def has(live: Live, count: int) -> bool:
    return len(live.got) >= count


def plain(event: Event) -> tuple[Any, ...]:
    said = event_json(event)
    return said["event"], said["label"], said["time_ms"], said["confidence"]


def heard(live: Live) -> Said:
    """What a client got, in the same form."""
    said: Said = []
    for kind, content in live.got:
        if kind == "gesture_prediction":
            labels, shares = list(content["probabilities"]), list(content["probabilities"].values())
            best = int(np.argmax(shares))
            assert (content["label"], content["confidence"]) == (labels[best] if shares[best] else None, shares[best])
            said.append((kind, (content["time_ms"], shares, content["gesture"])))
        elif kind == "gesture":
            said.append((kind, (content["event"], content["label"], content["time_ms"], content["confidence"])))
    return said


def assert_same(found: Said, expected: Said) -> None:
    assert [kind for kind, _ in found] == [kind for kind, _ in expected]
    for (kind, one), (_, other) in zip(found, expected, strict=True):
        if kind == "gesture":
            assert one[:3] == other[:3]
            assert one[3] == pytest.approx(other[3], abs=2e-4)
        else:
            assert (one[0], one[2]) == (other[0], other[2])
            assert one[1] == pytest.approx(other[1], abs=2e-4)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("as_sent", [as_bytes, as_json])
def test_a_stream_brings_what_a_recogniser_says_here(
    serve: Serve, small_bundle: Path, rng: np.random.Generator, as_sent: AsSent, transport: str
) -> None:
    recognizer, running = Recognizer(small_bundle, StreamConfig(**EAGER)), serve()
    with Live(running.url, transport=transport) as live:
        assert live.call("start", EAGER)["bundle"]["labels"] == ["a", "b", "idle"]
        expected = play(live, recognizer, walk(rng, 60), as_sent)
        expected += [("gesture", plain(event)) for event in recognizer.finish()]
        stats = live.call("finish")["stats"]
        wait_for(lambda: len(live.got) >= len(expected))
        assert live.socket.transport() == transport
    assert_same(heard(live), expected)
    kinds = [kind for kind, _ in expected]
    assert (stats["frames"], stats["dropped"]) == (60, {"rate": 0, "busy": 0, "bad": 0, "slow": 0})
    assert stats["predictions"] == kinds.count("gesture_prediction") > 40
    assert stats["events"] == kinds.count("gesture") >= 2


def test_gestures_begin_and_end_as_here(serve: Serve, small_bundle: Path) -> None:
    running, reading = serve(), Reading(small_bundle)
    give_network(running, reading)
    clip = written((1, 0, 0), (1, 0.9, 0), (0.5, 0, 0.8), (1, 0.1, 0.1), (1, 0, 0.7), (0.3, 0.5, 0.5), (1, 1, 0))
    recognizer = Recognizer(reading)
    with Live(running.url) as live:
        expected = play(live, recognizer, list(zip(clip.points, clip.timestamps_ms.tolist(), strict=True)))
        expected += [("gesture", plain(event)) for event in recognizer.finish()]
        live.call("finish")
        wait_for(lambda: len(live.got) >= len(expected))
    assert_same(heard(live), expected)
    events = [said[:2] for kind, said in expected if kind == "gesture"]
    assert events == [(kind, label) for label in "abba" for kind in ("began", "ended")]
    assert figure(running, 'ademan_events_total{bundle="small",label="a"}') == 2


def test_a_clock_that_goes_back_and_an_end_begin_anew(
    serve: Serve, small_bundle: Path, rng: np.random.Generator
) -> None:
    recognizer = Recognizer(small_bundle, StreamConfig(**EAGER))
    with Live(serve().url) as live:
        live.call("start", EAGER)
        expected = play(live, recognizer, [*walk(rng, 30, 50_000.0), *walk(rng, 30, 10.0)])
        expected += [("gesture", plain(event)) for event in recognizer.finish()]
        live.call("finish")
        expected = play(live, recognizer, walk(rng, 30, 20.0), before=expected)
    assert_same(heard(live), expected)


def test_a_stream_may_begin_anew_with_another_bundle_and_other_settings(
    serve: Serve, small_bundle: Path, tmp_path: Path, rng: np.random.Generator
) -> None:
    other = make_bundle(tmp_path / "other", ("x", "y"), seed=3)
    url = serve({"small": str(small_bundle), "other": str(other)}).url
    settings = {"every_ms": 200, "smoothing_ms": 500, "least_ms": 100, "cooldown_ms": 0, "accept": 0.5, "release": 0.5}
    with Live(url) as live:
        live.call("start", {**EAGER, "bundle": None})
        expected = play(live, Recognizer(small_bundle, StreamConfig(**EAGER)), walk(rng, 20))
        described = live.call("start", {"bundle": "other", **settings})["bundle"]
        assert (described["name"], described["labels"]) == ("other", ["x", "y"])
        expected = play(live, Recognizer(other, StreamConfig(**settings)), walk(rng, 60), before=expected)
    assert_same(heard(live), expected)
    assert live.of("gesture_prediction")[-1]["version"] == described["version"]


def test_two_clients_at_once_do_not_mix(serve: Serve, small_bundle: Path, rng: np.random.Generator) -> None:
    url, sent = serve().url, [walk(rng, 40), walk(rng, 40)]
    with Live(url) as one, Live(url) as two, ThreadPoolExecutor(2) as pool:
        for live in (one, two):
            live.call("start", EAGER)
        recognizers = [Recognizer(small_bundle, StreamConfig(**EAGER)) for _ in sent]
        expected = list(pool.map(play, (one, two), recognizers, sent))
    assert_same(heard(one), expected[0])
    assert_same(heard(two), expected[1])
    assert heard(one) != heard(two)


def test_the_end_waits_for_the_prediction_that_is_on_its_way(serve: Serve, rng: np.random.Generator) -> None:
    running = serve()
    network = SlowNetwork(running.parts.shelf.get().manifest, 0.3)
    give_network(running, network)
    with Live(running.url) as live:
        live.call("start", EAGER)
        for points, time_ms in walk(rng, 2, step_ms=30):
            live.emit("points", as_bytes(points, time_ms))
        assert live.call("finish")["stats"]["predictions"] == 1
        assert [event["event"] for event in live.of("gesture")] == ["began", "ended"]


def test_nothing_seen_is_no_gesture(serve: Serve) -> None:
    with Live(serve().url) as live:
        live.call("points", as_json(np.full((42, 2), np.nan, np.float32), 0.0))
        wait_for(lambda: live.of("gesture_prediction"))
    (found,) = live.of("gesture_prediction")
    assert (found["label"], found["confidence"], found["gesture"]) == ("idle", 1.0, None)


def test_frames_are_taken_and_predictions_skipped_where_the_network_is_slow(
    serve: Serve, rng: np.random.Generator
) -> None:
    running, takes_s = serve(), 0.1
    network = SlowNetwork(running.parts.shelf.get().manifest, takes_s)
    give_network(running, network)
    frames, sent_s = walk(rng, 150, step_ms=10), {}
    with Live(running.url) as live:
        live.call("start", {"every_ms": 10})
        for points, time_ms in frames:
            sent_s[time_ms] = time.monotonic()
            live.emit("points", as_bytes(points, time_ms))
            time.sleep(0.01)
        stats = live.call("finish")["stats"]
        wait_for(lambda: len(live.of("gesture_prediction")) == stats["predictions"])
    seconds = time.monotonic() - sent_s[frames[0][1]]
    assert stats["frames"] == 150
    assert stats["dropped"] == {"rate": 0, "busy": 150 - stats["predictions"], "bad": 0, "slow": 0}
    assert 5 <= stats["predictions"] <= seconds / takes_s + 1
    assert figure(running, 'ademan_dropped_total{reason="busy"}') == stats["dropped"]["busy"]
    told = [(content, at) for (kind, content), at in zip(live.got, live.got_s, strict=True) if kind != "gesture"]
    came = [(content["time_ms"], at) for content, at in told]
    late_s = [at - sent_s[time_ms] for time_ms, at in came]
    # Each is of a frame that was just there when the one before was answered: queued, the last would be 15 s late.
    assert np.median(late_s) < 2 * takes_s
    assert max(late_s) < 10 * takes_s
    newest = {time_ms: points for points, time_ms in frames}
    for window, (time_ms, _) in zip(network.windows, came, strict=True):
        seen = ~np.isnan(newest[time_ms]).any(axis=1)
        np.testing.assert_allclose(window[-1][seen], newest[time_ms][seen], atol=1e-5)


def test_frames_beyond_the_rate_are_dropped_and_counted(serve: Serve, rng: np.random.Generator) -> None:
    running = serve(config=ServeConfig(port=0, max_fps=50))
    with Live(running.url) as live:
        begun = time.monotonic()
        for i, (points, _) in enumerate(walk(rng, 1500)):
            live.emit("points", as_bytes(points, float(i)))
            time.sleep(max(0.0, begun + i / 1000 - time.monotonic()))
        stats = live.stats()
        seconds = time.monotonic() - begun
    assert stats["frames"] + stats["dropped"]["rate"] == 1500
    assert 50 + 30 * seconds < stats["frames"] <= 51 + 50 * seconds
    assert figure(running, 'ademan_dropped_total{reason="rate"}') == stats["dropped"]["rate"]
    assert figure(running, "ademan_frames_total") == stats["frames"]


def test_questions_beyond_the_rate_are_refused(serve: Serve) -> None:
    with Live(serve(config=ServeConfig(port=0, max_fps=20)).url) as live:
        answers = [live.call("stats") for _ in range(40)]
    assert "error" not in answers[0]
    assert answers[-1]["error"] == {"code": "busy", "message": "at most 20 events a second."}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "expected an object with 'timestamp_ms' and 'points', found nothing"),
        ({"timestamp_ms": 1}, "points"),
        ({"timestamp_ms": "now", "points": [[0, 0]] * 42}, "timestamp_ms"),
        ({"timestamp_ms": 1, "points": [[0, 0]] * 41}, "the bundle takes 42"),
        (b"1234", "a frame has 4 bytes"),
        (as_bytes(np.zeros((42, 2), np.float32), np.inf), "time"),
        (as_bytes(np.full((42, 2), np.inf, np.float32), 1.0), "infinite"),
    ],
)
def test_frames_that_are_none_are_answered_with_what_is_wrong(serve: Serve, content: Any, message: str) -> None:
    with Live(serve().url) as live:
        error = live.call("points", content)["error"]
        assert error["code"] == "bad_points"
        assert message in error["message"]
        stats = live.stats()
        wait_for(lambda: live.of("problem"))
    assert (stats["frames"], stats["dropped"]["bad"]) == (0, 1)
    assert live.of("problem") == [error]


def test_a_problem_is_told_once_a_second_and_each_is_counted(serve: Serve) -> None:
    running = serve()
    with Live(running.url) as live:
        begun = time.monotonic()
        while time.monotonic() < begun + 2.5:
            live.emit("points", {"timestamp_ms": "soon"})
            time.sleep(0.02)
        stats = live.stats()
    assert stats["dropped"]["bad"] > 50
    assert 2 <= len(live.of("problem")) <= 3
    assert figure(running, 'ademan_dropped_total{reason="bad"}') == stats["dropped"]["bad"]


@pytest.mark.parametrize(
    ("event", "content", "message"),
    [
        ("dance", None, "there is no event 'dance'; there are points, start, finish, stats."),
        ("connect", {"a": 1}, "there is no event 'connect'"),
        ("disconnect", None, "there is no event 'disconnect'"),
        ("start", [1], "start takes an object with some of accept, bundle"),
        ("start", {"speed": 1}, "start takes an object with some of accept, bundle"),
        ("start", {"bundle": 3}, "bundle: expected the name of a bundle."),
        ("start", {"bundle": "none"}, "there is no bundle 'none'. There are: small."),
        ("start", {"accept": "high"}, "accept: expected a number."),
        ("start", {"accept": True}, "accept: expected a number."),
        ("start", {"accept": 2}, "a threshold of a stream must be from 0 to 1, found 2"),
        ("start", {"every_ms": 1}, "every_ms: expected 8.33 at least, found 1."),
        ("start", {"every_ms": 0}, "every_ms above it"),
        ("start", {"cooldown_ms": 1e9}, "cooldown_ms: expected 1e+07 at most, found 1e+09."),
        ("start", {"least_ms": -1}, "must not be below zero"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_reason(serve: Serve, event: str, content: Any, message: str) -> None:
    with Live(serve().url) as live:
        answer = live.call(event, content)
        assert message in answer["error"]["message"]
        wait_for(lambda: live.of("problem"))
        assert live.of("problem") == [answer["error"]]
        assert live.call("start")["bundle"]["name"] == "small"


def test_a_fault_of_ours_is_told_and_logged_and_the_stream_goes_on(
    serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    with Live(serve().url) as live:
        with monkeypatch.context() as patched:
            patched.setattr("ademan.server.streams.read_frame", fail)
            assert live.call("points", None) == {
                "error": {"code": "failed", "message": "a fault of the server; its log says more."}
            }
        assert "error" not in live.stats()
    assert any(record.exc_info for record in caplog.records if record.message == "event failed")


def test_a_network_that_fails_costs_its_prediction_alone(
    serve: Serve, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    running = serve()
    network = SlowNetwork(running.parts.shelf.get().manifest)
    network.fails = True
    give_network(running, network)
    with Live(running.url) as live:
        sent = walk(rng, 2, step_ms=1000)
        live.call("points", as_bytes(*sent[0]))
        wait_for(lambda: "prediction failed" in caplog.text)
        network.fails = False
        live.call("points", as_bytes(*sent[1]))
        wait_for(lambda: live.of("gesture_prediction"))


@pytest.mark.slow
def test_who_does_not_read_misses_messages_and_delays_nobody(
    serve: Serve, tmp_path: Path, rng: np.random.Generator
) -> None:
    labels = tuple(f"{i:03} {'long ' * 30}" for i in range(50))  # so that the network's own buffers are full soon
    running = serve({"wordy": str(make_bundle(tmp_path / "wordy", labels))})
    sent, late = walk(rng, 1000, step_ms=20), []
    with RawSocket(running.url, buffer=4096).join() as stuck, Live(running.url) as live:
        stuck.send('42/gestures,["start",{"every_ms":10}]')
        live.call("start", {"every_ms": 100})
        (stream,) = (one for one in running.parts.streams._streams.values() if one.recognizer.config.every_ms == 10)
        before_mb = memory_mb()
        for points, time_ms in sent:
            stuck.send('451-/gestures,["points",{"_placeholder":true,"num":0}]')
            stuck.send(as_bytes(points, time_ms))
            asked = time.monotonic()
            live.call("points", as_bytes(points, time_ms))
            late.append(time.monotonic() - asked)
            time.sleep(0.009)
            if stream.dropped["slow"] > 100:
                break
        assert memory_mb() - before_mb < 20
        stats = live.call("finish")["stats"]
        wait_for(lambda: len(live.of("gesture_prediction")) == stats["predictions"])
    assert stream.dropped["slow"] > 100
    assert (stats["frames"], stats["dropped"]["slow"]) == (len(late), 0)
    assert stats["predictions"] + stats["dropped"]["busy"] >= len(late) // 5
    assert np.median(late) < 0.1
    wait_for(settled(running))
