"""The server's own camera: one for all listeners, told of in one order, and back by itself when it was lost."""

import gc
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests

from ademan.errors import ConfigError
from ademan.recognition import Event, StreamConfig
from ademan.server.bridge import BridgeConfig
from ademan.video import Camera
from tests.recognition.reading import Reading
from tests.server.conftest import Running, Serve, wait_for
from tests.server.fakes import Actor, FakeCamera, Listener, Live, as_bytes, figure, give_network, make_bundle
from tests.video.conftest import MakeVideo, make_video
from tests.video.test_camera import Device

__all__ = ["make_video"]
QUICK = StreamConfig(every_ms=40, smoothing_ms=0, least_ms=0, cooldown_ms=0)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ademan.server.watch.RETRY_S", 0.05)


@pytest.fixture
def camera() -> FakeCamera:
    return FakeCamera()


@pytest.fixture
def actor() -> Actor:
    return Actor()


Watching = Callable[..., Running]


@pytest.fixture
def watching(serve: Serve, small_bundle: Path, camera: FakeCamera, actor: Actor) -> Watching:
    """A server with a camera whose points say what is recognised."""

    def start(begin: bool = True, stream: StreamConfig = QUICK, **more: Any) -> Running:
        config = BridgeConfig("7", start=False)
        running = serve(bridge=config, stream=stream, landmarker=actor, open_camera=camera, **more)
        give_network(running, Reading(small_bundle))
        if begin:
            switch(running, "start")
            wait_for(lambda: status(running)["state"] == "running")
        return running

    return start


def status(running: Running) -> dict[str, Any]:
    found: dict[str, Any] = requests.get(f"{running.url}/api/status", timeout=10).json()
    return found


def switch(running: Running, which: str) -> dict[str, Any]:
    answer = requests.post(f"{running.url}/api/inference/{which}", timeout=20)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def configure(running: Running, **settings: float) -> requests.Response:
    return requests.post(f"{running.url}/api/config", json=settings, timeout=10)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "bridge"]


def threads_of_ours() -> list[str]:
    """All but those that an event loop keeps for work of all kinds."""
    names = [thread.name for thread in threading.enumerate()]
    return sorted(name for name in names if name.rpartition("_")[0] not in ("asyncio", "uvloop"))


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def states(listener: Listener) -> list[str]:
    """The states that were told, each once."""
    told = [content["state"] for content in listener.of("status")]
    return [state for i, state in enumerate(told) if i == 0 or state != told[i - 1]]


def test_a_camera_runs_from_start_to_stop(watching: Watching, camera: FakeCamera, actor: Actor) -> None:
    running = watching(begin=False)
    assert (status(running)["state"], status(running)["started"], camera.opened) == ("off", None, [])
    assert switch(running, "start")["state"] in ("starting", "running")
    wait_for(lambda: status(running)["frames"] > 20)
    found = status(running)
    assert (found["camera"], found["state"], found["message"]) == ("7", "running", "")
    assert 10 < found["fps"] <= 60
    assert 0 < found["latency_ms"] < 1000
    assert figure(running, "ademan_camera_running") == 1
    assert camera.options == {"realtime": True, "loop": False}
    stopped = switch(running, "stop")
    assert (stopped["state"], stopped["fps"], stopped["gesture"]) == ("off", 0, None)
    assert (camera.open_now, threads(), actor.made, actor.closed) == (0, [], 1, 1)
    assert figure(running, "ademan_camera_running") == 0


def test_a_server_without_a_camera_says_so(serve: Serve) -> None:
    running = serve()
    answer = requests.post(f"{running.url}/api/inference/start", timeout=10)
    assert answer.status_code == 409
    assert answer.json()["error"]["code"] == "no_camera"
    assert "--camera 0" in answer.json()["error"]["message"]
    assert switch(running, "stop")["state"] == "off"


def test_starting_and_stopping_by_many_at_once_is_starting_and_stopping_once(
    watching: Watching, camera: FakeCamera
) -> None:
    running = watching(begin=False)
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(lambda _: switch(running, "start")["state"], range(32)))
        assert set(found) <= {"starting", "running"}
        wait_for(lambda: status(running)["state"] == "running")
        assert (len(camera.opened), len(threads())) == (1, 1)
        found = list(pool.map(lambda _: switch(running, "stop")["state"], range(32)))
        assert set(found) == {"off"}
        assert (camera.open_now, threads()) == (0, [])
        list(pool.map(lambda i: switch(running, "start" if i % 2 else "stop"), range(64)))
    switch(running, "stop")
    wait_for(lambda: not threads())
    assert camera.open_now == 0
    assert status(running)["state"] == "off"


def test_ten_cycles_leave_no_thread_and_no_file_behind(watching: Watching, camera: FakeCamera, actor: Actor) -> None:
    running = watching(begin=False)

    def cycle() -> None:
        switch(running, "start")
        wait_for(lambda: status(running)["state"] == "running")
        switch(running, "stop")

    cycle()
    gc.collect()  # what tests before this one have left
    before, files = threads_of_ours(), open_files()
    for _ in range(10):
        cycle()
    assert threads_of_ours() == before
    wait_for(lambda: open_files() <= files)
    assert (len(camera.opened), camera.open_now, actor.made, actor.closed) == (11, 0, 11, 11)


def test_all_listeners_share_one_camera_and_hear_the_same(watching: Watching, camera: FakeCamera, actor: Actor) -> None:
    running = watching()
    with ExitStack() as stack:
        listeners = [stack.enter_context(Listener(running)) for _ in range(6)]
        clients = [stack.enter_context(Live(running.url)) for _ in range(3)]
        wait_for(lambda: status(running)["listeners"] == 6)
        for shows in ((1.0, 0.0), (0.0, 0.0), (0.0, 1.0), (0.0, 0.0)):
            actor.shows = shows
            time.sleep(0.3)
        everybody: list[Listener | Live] = [*listeners, *clients]
        wait_for(lambda: all(len(one.of("gesture")) == 4 for one in everybody))
    expected = [("began", "a"), ("ended", "a"), ("began", "b"), ("ended", "b")]
    recent = requests.get(f"{running.url}/api/gestures", timeout=10).json()["recent"]
    for heard in (recent, *(one.of("gesture") for one in everybody)):
        assert [(event["event"], event["label"]) for event in heard] == expected
        assert heard == recent
    assert recent[0]["source"] == "camera"
    for one in everybody:
        predictions = one.of("gesture_prediction")
        assert len(predictions) > 20
        assert all(prediction["source"] == "camera" for prediction in predictions)
        assert (np.diff([prediction["time_ms"] for prediction in predictions]) > 0).all()
    assert len(camera.opened) == 1
    assert not any(one.of("points") for one in everybody)
    assert figure(running, 'ademan_events_total{bundle="small",label="a"}') == 1
    wait_for(lambda: status(running)["listeners"] == 0)


def test_events_are_published_once_each(watching: Watching, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    published: list[Event] = []
    running = watching()
    bridge = running.parts.bridge
    monkeypatch.setattr(bridge, "_publish", lambda event, **_: published.append(event))
    actor.shows = (1.0, 0.0)
    wait_for(lambda: status(running)["gesture"] == "a")
    switch(running, "stop")
    assert [(event.kind, event.label) for event in published] == [("began", "a"), ("ended", "a")]
    assert [event["event"] for event in bridge.recent] == ["began", "ended"]


def test_who_sends_points_hears_of_the_camera_no_more(watching: Watching, rng: np.random.Generator) -> None:
    running = watching()
    with Live(running.url) as live, Live(running.url) as other:
        wait_for(lambda: live.of("gesture_prediction"))
        assert live.call("points", as_bytes(rng.uniform(size=(42, 2)).astype(np.float32), 0.0)) == {}
        time.sleep(0.1)
        before, others = len(live.got), len(other.got)
        wait_for(lambda: len(other.got) > others + 10)
        assert len(live.got) == before
        assert "source" not in live.of("gesture_prediction")[-1]


def test_points_come_to_those_who_draw_them_and_not_too_often(watching: Watching, camera: FakeCamera) -> None:
    camera.fps = 100.0
    running = watching()
    with Listener(running, "?points=1") as drawing, Listener(running) as other:
        begun = time.monotonic()
        wait_for(lambda: len(drawing.of("points")) > 20)
        seconds = time.monotonic() - begun
        assert len(drawing.of("points")) <= 15 * (seconds + 0.5)
        assert other.of("points") == []
    found = drawing.of("points")[3]
    assert found["image_wh"] == [64, 48]
    assert (len(found["points"]), found["points"][1], found["points"][-1]) == (42, [0.375, 0.5], None)
    wait_for(lambda: status(running)["listeners"] == 0)
    assert not running.parts.bridge.wants_points()


def test_a_listener_that_does_not_read_delays_nobody(
    serve: Serve, tmp_path: Path, camera: FakeCamera, actor: Actor
) -> None:
    labels = tuple(f"{i:03} {'long ' * 60}" for i in range(50))  # so that the network's own buffers are full soon
    wordy, camera.fps = make_bundle(tmp_path / "wordy", labels), 100.0
    eager = StreamConfig(every_ms=10, smoothing_ms=0)
    running = serve({"wordy": str(wordy)}, bridge=BridgeConfig("7"), stream=eager, landmarker=actor, open_camera=camera)
    host, _, port = running.url.removeprefix("http://").partition(":")
    with Listener(running, "?points=1") as listener, socket.socket() as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.connect((host, int(port)))
        stuck.sendall(b"GET /api/stream?points=1 HTTP/1.1\r\nHost: x\r\n\r\n")
        wait_for(lambda: running.parts.metrics.dropped.labels("listener")._value.get() > 50, 14)
        begun, newest = time.monotonic(), listener.of("gesture_prediction")[-1]["time_ms"]
        wait_for(lambda: listener.of("gesture_prediction")[-1]["time_ms"] > newest + 500, 3)
        assert time.monotonic() - begun < 2.5
        predictions, seen = listener.of("gesture_prediction"), status(running)
    assert len(predictions) > 0.9 * (predictions[-1]["time_ms"] - predictions[0]["time_ms"]) / 10
    assert (seen["state"], seen["listeners"]) == ("running", 2)
    assert figure(running, 'ademan_dropped_total{reason="listener"}') > 50
    wait_for(lambda: status(running)["listeners"] == 0)


def test_a_camera_that_is_missing_and_then_lost_comes_back_by_itself(watching: Watching, camera: FakeCamera) -> None:
    camera.missing = True
    running = watching(begin=False)
    with Listener(running) as listener:
        switch(running, "start")
        wait_for(lambda: status(running)["state"] == "lost")
        assert status(running)["message"] == "there is no camera 7. Cameras found: none."
        camera.missing = False
        wait_for(lambda: status(running)["state"] == "running")
        assert status(running)["message"] == ""
        camera.pulled = True
        wait_for(lambda: status(running)["state"] == "lost")
        assert status(running)["message"] == "camera 7 gives no pictures any more."
        assert (status(running)["fps"], camera.open_now) == (0, 0)
        camera.missing, camera.pulled = True, False
        time.sleep(0.2)
        camera.missing = False
        wait_for(lambda: status(running)["state"] == "running")
        switch(running, "stop")
        wait_for(lambda: states(listener)[-1] == "off" and len(states(listener)) > 5)
    assert states(listener) == ["off", "starting", "lost", "running", "lost", "running", "off"]


def test_a_gesture_ends_when_the_camera_is_lost(watching: Watching, camera: FakeCamera, actor: Actor) -> None:
    running = watching()
    actor.shows = (1.0, 0.0)
    wait_for(lambda: status(running)["gesture"] == "a")
    camera.pulled = True
    wait_for(lambda: status(running)["state"] == "lost")
    assert status(running)["gesture"] is None
    assert [event["event"] for event in running.parts.bridge.recent] == ["began", "ended"]
    assert actor.made == 1  # the networks are loaded once, however often the camera is tried


def test_a_file_ends_and_is_played_again(watching: Watching, camera: FakeCamera) -> None:
    camera.frames = 20
    running = watching(begin=False)
    for i in (1, 2):
        switch(running, "start")
        wait_for(lambda: status(running)["state"] == "ended")
        assert status(running)["message"] == "the file is over; start plays it again."
        assert (status(running)["frames"], len(camera.opened), camera.open_now) == (20, i, 0)
        assert not threads()
    assert switch(running, "stop")["state"] == "off"


def test_a_file_may_be_started_again_by_who_just_hears_of_its_end(
    watching: Watching, camera: FakeCamera, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera.frames = 5
    running = watching(begin=False)
    monkeypatch.setattr(actor, "close", lambda: time.sleep(0.5))  # networks that take their time to go
    for i in (1, 2, 3):
        assert switch(running, "start")["state"] in ("starting", "running", "ended")
        wait_for(partial(was_played, running, camera, i))


def was_played(running: Running, camera: FakeCamera, times: int) -> bool:
    return len(camera.opened) == times and bool(status(running)["state"] == "ended")


def test_a_camera_that_hangs_can_be_stopped_and_started(
    watching: Watching, camera: FakeCamera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ademan.server.watch._PATIENCE_S", 0.5)
    running = watching()
    camera.hangs = True
    time.sleep(0.1)
    begun = time.monotonic()
    with ThreadPoolExecutor(12) as pool:  # more than the server has threads for this
        assert set(pool.map(lambda _: switch(running, "stop")["state"], range(24))) == {"off"}
        assert time.monotonic() - begun < 2
        assert requests.get(f"{running.url}/health", timeout=2).json()["camera"] == "off"
    switch(running, "start")
    time.sleep(0.7)
    assert status(running)["state"] == "starting"
    camera.hangs = False
    wait_for(lambda: status(running)["state"] == "running")
    wait_for(lambda: len(threads()) == 1)
    frames = status(running)["frames"]
    wait_for(lambda: status(running)["frames"] > frames + 10)
    assert camera.open_now == 1


def test_settings_change_what_goes_on_and_stay(watching: Watching, actor: Actor) -> None:
    running = watching(stream=StreamConfig(every_ms=40, smoothing_ms=0, least_ms=0, cooldown_ms=0, release=0.3))
    actor.shows = (0.6, 0.0)
    wait_for(lambda: status(running)["gesture"] == "a")
    answer = configure(running, accept=0.9, cooldown_ms=100)
    assert answer.status_code == 200
    assert (answer.json()["config"]["accept"], answer.json()["config"]["cooldown_ms"]) == (0.9, 100)
    actor.shows = (0.0, 0.0)
    wait_for(lambda: status(running)["gesture"] is None)
    actor.shows = (0.8, 0.0)
    time.sleep(0.3)
    assert status(running)["gesture"] is None
    switch(running, "stop")
    switch(running, "start")
    time.sleep(0.3)
    assert (status(running)["gesture"], status(running)["config"]["accept"]) == (None, 0.9)
    assert configure(running, threshold=0.5).json()["config"]["accept"] == 0.5
    wait_for(lambda: status(running)["gesture"] == "a")
    assert status(running)["config"]["cooldown_ms"] == 100


def test_a_threshold_of_0_is_undone_by_the_next(watching: Watching, actor: Actor) -> None:
    running = watching()
    assert configure(running, accept=0).json()["config"]["accept"] == 0
    configure(running, accept=0.5)
    actor.shows = (1.0, 0.0)
    wait_for(lambda: status(running)["gesture"] == "a")
    actor.shows = (0.3, 0.3)  # below what a gesture ends at, and nothing else is due
    wait_for(lambda: status(running)["gesture"] is None)


def test_a_cool_down_holds_from_the_next_end_on(watching: Watching, actor: Actor) -> None:
    running = watching()
    configure(running, cooldown_ms=700)
    began = []
    for _ in range(2):
        actor.shows = (1.0, 0.0)
        wait_for(lambda: status(running)["gesture"] == "a")
        began.append(running.parts.bridge.recent[-1]["time_ms"])
        actor.shows = (0.0, 0.0)
        wait_for(lambda: status(running)["gesture"] is None)
    assert began[1] - began[0] >= 700  # type: ignore[operator]


@pytest.mark.parametrize("begin", [True, False])
@pytest.mark.parametrize("settings", [{"accept": 1.5}, {"accept": -0.1}, {"cooldown_ms": -1}, {"threshold": 7}])
def test_settings_out_of_range_are_refused_and_change_nothing(
    watching: Watching, settings: dict[str, float], begin: bool
) -> None:
    running = watching(begin=begin)
    before = status(running)["config"]
    assert configure(running, **settings).status_code == 422
    assert configure(running, **{"cooldown_ms": 9, **settings}).status_code == 422
    assert status(running)["config"] == before


def test_what_cannot_be_found_in_pictures_is_said(serve: Serve, tmp_path: Path, camera: FakeCamera) -> None:
    sensor = make_bundle(tmp_path / "sensor", coordinates="metres")
    running = serve({"sensor": str(sensor)}, bridge=BridgeConfig("7"), landmarker=Actor(), open_camera=camera)
    wait_for(lambda: status(running)["state"] == "lost")
    assert status(running)["message"] == (
        "the model was trained on a sensor's metres, which cannot be had from pictures."
    )
    assert camera.opened == []
    make_bundle(sensor, seed=2)
    wait_for(lambda: status(running)["state"] == "running")


def test_another_version_of_the_bundle_is_taken_between_two_frames(
    serve: Serve, tmp_path: Path, camera: FakeCamera, actor: Actor
) -> None:
    path = make_bundle(tmp_path / "hands")
    running = serve({"hands": str(path)}, bridge=BridgeConfig("7"), landmarker=actor, open_camera=camera, stream=QUICK)
    with Listener(running) as listener:
        configure(running, accept=0.9)
        wait_for(lambda: listener.of("gesture_prediction"))
        make_bundle(path, ("x", "y", "z"), seed=5)
        wait_for(lambda: "x" in listener.of("gesture_prediction")[-1]["probabilities"])
    predictions = listener.of("gesture_prediction")
    assert (np.diff([prediction["time_ms"] for prediction in predictions]) > 0).all()
    labels = {prediction["version"]: tuple(prediction["probabilities"]) for prediction in predictions}
    assert list(labels.values()) == [("a", "b", "idle"), ("x", "y", "z")]
    assert (len(camera.opened), camera.open_now) == (1, 1)
    assert (actor.made, actor.closed) == (2, 1)
    assert states(listener) in (["running"], ["starting", "running"])
    assert status(running)["config"]["accept"] == 0.9


def test_a_fault_is_told_and_the_camera_tried_again(
    watching: Watching, actor: Actor, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = watching()
    with monkeypatch.context() as broken:
        broken.setattr(actor, "find", lambda _: 1 / 0)
        wait_for(lambda: status(running)["state"] == "lost")
        assert status(running)["message"] == "ZeroDivisionError: division by zero"
    wait_for(lambda: status(running)["state"] == "running")
    assert any(record.exc_info for record in caplog.records if record.message == "camera")


def test_a_video_file_is_played_as_a_camera(serve: Serve, make_video: MakeVideo, actor: Actor) -> None:
    film = make_video(times_ms=[40.0 * i for i in range(25)])
    running = serve(bridge=BridgeConfig(str(film), start=False), landmarker=actor, stream=QUICK)
    with Listener(running) as listener:
        begun = time.monotonic()
        switch(running, "start")
        wait_for(lambda: status(running)["state"] == "ended")
        assert time.monotonic() - begun > 0.9
        wait_for(lambda: "ended" in states(listener))
    assert 10 <= status(running)["frames"] <= 25  # who is slow misses some
    assert states(listener) == ["off", "starting", "running", "ended"]
    assert 8 <= len(listener.of("gesture_prediction")) <= 25
    film.unlink()
    switch(running, "start")
    wait_for(lambda: status(running)["state"] == "lost")
    assert "there is no" in status(running)["message"]


def test_a_video_file_may_be_repeated(serve: Serve, make_video: MakeVideo, actor: Actor) -> None:
    film = make_video(times_ms=[40.0 * i for i in range(10)])
    running = serve(bridge=BridgeConfig(str(film), loop=True), landmarker=actor)
    wait_for(lambda: status(running)["frames"] > 25)
    assert status(running)["state"] == "running"
    assert switch(running, "stop")["state"] == "off"


def test_a_device_that_is_pulled_out_is_opened_again(serve: Serve, actor: Actor) -> None:
    devices = [Device(20), Device(opens=False), Device(20), Device()]
    given = iter(devices)

    def plug(_: str, **__: object) -> Camera:
        return Camera(0, open_capture=lambda _: next(given))

    running = serve(bridge=BridgeConfig("0", start=False), landmarker=actor, open_camera=plug)
    with Listener(running) as listener:
        switch(running, "start")
        wait_for(lambda: devices[3].given > 20)
        switch(running, "stop")
        wait_for(lambda: states(listener)[-1] == "off" and len(listener.got) > 3)
    assert states(listener) == ["off", "starting", "running", "lost", "running", "lost", "running", "off"]
    assert all(device.released for device in devices)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("reader of")]


def test_a_server_stops_while_its_camera_runs_and_others_listen(watching: Watching, camera: FakeCamera) -> None:
    running = watching()
    with Listener(running, "?points=1") as one, Listener(running), Live(running.url):
        wait_for(lambda: one.of("points"))
        begun = time.monotonic()
        running.stop()
        assert time.monotonic() - begun < 4
    assert (camera.open_now, threads()) == (0, [])


def test_the_points_that_are_drawn_are_found_where_the_picture_has_them(
    serve: Serve, make_video: MakeVideo, small_bundle: Path
) -> None:
    """With the real landmarker, on a picture without hands."""
    running = serve(bridge=BridgeConfig(str(make_video(times_ms=[40.0 * i for i in range(200)]))))
    with Listener(running, "?points=1") as listener:
        wait_for(lambda: listener.of("points") and listener.of("gesture_prediction"), 15)
    assert listener.of("points")[0]["points"] == [None] * 42
    assert listener.of("gesture_prediction")[0]["label"] == "idle"
    switch(running, "stop")


def test_an_unknown_landmarker_is_refused_before_anything_starts() -> None:
    with pytest.raises(ConfigError, match="landmarker 'magic' is unknown"):
        BridgeConfig("0", landmarker="magic")


@pytest.mark.parametrize(
    ("camera", "told"),
    [
        ("0", "0"),
        ("/dev/video1", "/dev/video1"),
        ("/home/ann/films/evening.mp4", "evening.mp4"),
        ("rtsp://ann:secret@door.local:554/live?token=1", "rtsp://door.local:554/live"),
    ],
)
def test_others_are_told_neither_folders_nor_passwords(camera: str, told: str) -> None:
    assert BridgeConfig(camera).name == told
