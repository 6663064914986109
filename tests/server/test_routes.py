"""REST: what there is, points in and a gesture out, and server-sent events."""

import json
import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

import ademan
from ademan.bundle import Thresholds
from ademan.clip import Clip, as_square, times_at
from ademan.recognition import Classifier
from ademan.recognition.classifier import Probabilities
from ademan.server import sse
from ademan.server.config import ServeConfig
from ademan.server.hub import Message
from ademan.server.routes import answer_json
from ademan.server.shelf import Served
from ademan.skeleton import skeleton
from tests.server.conftest import Running, Serve, started, wait_for

Rng = np.random.Generator
PACKED = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def server(small_bundle: Path) -> Iterator[Running]:
    running = started({"small": str(small_bundle), "other": str(small_bundle)}, ServeConfig(port=0, refresh=0))
    yield running
    running.stop()


@pytest.fixture(scope="module")
def url(server: Running) -> str:
    return server.url


def ask(url: str, content: Any, **query: str) -> Any:
    return requests.post(f"{url}/predict", json=content, params=query, timeout=10).json()


def shares(answer: Any) -> list[float]:
    return list(answer["probabilities"].values())


# What there is


def test_health_says_how_it_does(url: str) -> None:
    answer = requests.get(f"{url}/health", timeout=10).json()
    assert answer["alive"]
    assert answer["ready"]
    assert answer["bundle"] == "small"
    assert answer["version"] == answer["bundles"]["small"]["version"] == answer["bundles"]["other"]["version"]
    assert re.fullmatch(r"[0-9a-f]{12}", answer["version"])
    assert answer["software"] == f"ademan {ademan.__version__}"
    assert answer["camera"] == "off"
    assert 0 <= answer["uptime_s"] < 1000


def test_bundles_are_listed_with_the_default_first(url: str) -> None:
    answer = requests.get(f"{url}/bundles", timeout=10).json()
    assert answer["default"] == "small"
    assert [(bundle["name"], bundle["labels"]) for bundle in answer["bundles"]] == [
        ("small", ["a", "b", "idle"]),
        ("other", ["a", "b", "idle"]),
    ]


def test_names_of_bundles_may_be_quoted(url: str) -> None:
    assert requests.get(f"{url}/bundles/%6fther", timeout=10).json()["name"] == "other"
    for odd in ("%00", "..%2f..", "x" * 5000, "%ff", "%0d%0aX-Forged:1"):
        answer = requests.get(f"{url}/bundles/{odd}", timeout=10)
        assert answer.status_code == 404
        assert len(answer.text) < 400
        assert "X-Forged" not in answer.headers


def test_the_page_and_its_icon_are_there(url: str) -> None:
    assert requests.get(f"{url}/", timeout=10).headers["Content-Type"].startswith("text/html")
    assert requests.get(f"{url}/favicon.ico", timeout=10).headers["Content-Type"] == "image/svg+xml"


def test_figures_count_requests_by_route_and_not_by_path(url: str) -> None:
    for path in ("/bundles/small", "/bundles/none", "/static/nothing", "/socket.io/?x", "/x/1", "/x/2"):
        requests.get(f"{url}{path}", timeout=10)
    answer = requests.get(f"{url}/metrics", timeout=10)
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    routes = set(re.findall(r'ademan_requests_total\{method="[A-Z]+",route="([^"]+)"', answer.text))
    assert {"/bundles/{name}", "/static", "/socket.io", "other"} <= routes
    assert not [route for route in routes if "none" in route or "/x" in route]


# Points in, a gesture out


@pytest.mark.parametrize("T", [1, 3, 20, 200])
def test_all_forms_of_points_are_named_as_the_classifier_names_them(
    T: int, url: str, small_bundle: Path, rng: Rng
) -> None:
    points = rng.uniform(0.1, 0.9, (T, 42, 3)).astype(np.float32)
    points[rng.uniform(size=(T, 42)) < 0.1] = np.nan
    square = as_square(points, (640, 480))[..., :2]
    clip = Clip(square, times_at(30, T), skeleton("hands"))
    expected = Classifier(small_bundle).predict(clip).probabilities.tolist()
    sequence = [[None if np.isnan(x) else float(x) for x in frame.ravel()] for frame in points]
    taken = {"fps": 30, "coordinates": "fraction", "image_wh": [640, 480]}
    times = {"timestamps_ms": times_at(30, T).tolist()}
    query = {"fps": "30", "channels": "3", "coordinates": "fraction", "image_width": "640", "image_height": "480"}
    answers = [
        ask(url, {"sequence": sequence, **taken}),
        ask(url, {"sequence": sequence, **taken, **times}),
        ask(url, {"sequences": [sequence], **taken})["predictions"][0],
        ask(url, {"sequence": sequence, **taken}, bundle="other"),
        requests.post(f"{url}/predict", points.tobytes(), params=query, headers=PACKED, timeout=10).json(),
    ]
    for answer in answers:
        assert shares(answer) == pytest.approx(expected, abs=1e-5)
        assert answer["milliseconds"] > 0
    assert answers[3]["bundle"] == "other"


@settings(max_examples=30)
@given(
    T=st.integers(1, 30), scale=st.sampled_from([1e-30, 1e-3, 1.0, 1e3, 1e6]), same=st.booleans(), seed=st.integers(0)
)
def test_any_points_have_probabilities(T: int, scale: float, same: bool, seed: int, url: str) -> None:
    points = np.random.default_rng(seed).uniform(-1, 1, (T, 42, 2)) * scale
    if same:
        points[:] = points[0, 0]
    answer = ask(url, {"sequence": points.tolist()})
    assert sum(shares(answer)) == pytest.approx(1, abs=1e-4)
    assert answer["confidence"] == max(shares(answer))


def test_large_requests_do_not_hold_up_small_ones(url: str, rng: Rng) -> None:
    many = {"sequences": rng.uniform(0.1, 0.9, (64, 30, 84)).round(4).tolist()}
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(ask(url, many)))
    thread.start()
    while thread.is_alive():
        assert requests.get(f"{url}/health", timeout=2).ok
    assert len(found[0]["predictions"]) == 64


def test_an_empty_list_of_sequences_is_refused_and_one_is_a_list(url: str) -> None:
    assert ask(url, {"sequences": []})["error"]["code"] == "bad_request"
    assert len(ask(url, {"sequences": [[[0.5] * 84]]})["predictions"]) == 1


def test_some_of_many_may_be_empty(url: str) -> None:
    answers = ask(url, {"sequences": [[[0] * 84], [[0.5] * 84], [[None] * 84]]})["predictions"]
    assert [answer["seen"] for answer in answers] == [False, True, False]


def served(like: Served, **more: Any) -> Served:
    """Return a bundle like another, with another manifest."""

    class Other:
        manifest = replace(like.manifest, **more)

    return replace(like, classifier=Other())  # type: ignore[arg-type] # all that is asked of it


@pytest.mark.parametrize(
    ("probabilities", "idle", "accept", "label", "gesture"),
    [
        ([0.7, 0.2, 0.1], "idle", 0.5, "a", "a"),
        ([0.7, 0.2, 0.1], "idle", 0.7, "a", "a"),
        ([0.7, 0.2, 0.1], "idle", 0.8, "a", None),
        ([0.1, 0.2, 0.7], "idle", 0.5, "idle", None),
        ([0.1, 0.2, 0.7], None, 0.5, "idle", "idle"),
        ([0.5, 0.5, 0.0], "idle", 0.5, "a", "a"),
        (None, "idle", 0.0, "idle", None),
        (None, None, 0.0, None, None),
    ],
)
def test_what_counts_is_above_the_threshold_and_not_idle(
    probabilities: list[float] | None, idle: str | None, accept: float, label: str, gesture: str, server: Running
) -> None:
    thresholds = Thresholds(accept, min(accept, 0.35))
    bundle = served(server.parts.shelf.get(), idle=idle, thresholds=thresholds)
    row: Probabilities | None = None if probabilities is None else np.array(probabilities, np.float64)
    answer = answer_json(bundle, row, 1.23456)
    assert (answer["label"], answer["gesture"]) == (label, gesture)
    assert answer["seen"] is (probabilities is not None)
    assert answer["milliseconds"] == 1.235


# The camera's switches, without a camera


def test_without_a_camera_all_is_told_but_nothing_begins(url: str) -> None:
    status = requests.get(f"{url}/api/status", timeout=10).json()
    assert (status["state"], status["camera"], status["listeners"], status["bundle"]) == ("off", None, 0, "small")
    assert requests.post(f"{url}/api/inference/start", timeout=10).status_code == 409
    assert requests.post(f"{url}/api/inference/stop", timeout=10).json()["state"] == "off"
    gestures = requests.get(f"{url}/api/gestures", timeout=10).json()
    assert gestures == {"labels": ["a", "b", "idle"], "idle": "idle", "recent": []}


def test_settings_are_changed_one_or_both(url: str) -> None:
    def change(**settings: Any) -> Any:
        return requests.post(f"{url}/api/config", json=settings, timeout=10).json()["config"]

    assert change(accept=0.6)["accept"] == 0.6
    assert change(threshold=0.7)["accept"] == 0.7
    assert change(accept=0, threshold=0.7)["accept"] == 0
    assert change(cooldown_ms=800)["cooldown_ms"] == 800
    found = change(accept=1, cooldown_ms=0)
    assert (found["accept"], found["cooldown_ms"]) == (1, 0)
    assert change() == found


# Server-sent events


@contextmanager
def listening(url: str, query: str = "") -> Iterator[Iterator[bytes]]:
    with requests.get(f"{url}/api/stream{query}", stream=True, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-cache"
        yield answer.iter_lines(chunk_size=1)


def event(lines: Iterator[bytes]) -> tuple[str, Any]:
    """Return the next event."""
    kind, data, end = next(lines), next(lines), next(lines)
    assert kind.startswith(b"event: ")
    assert data.startswith(b"data: ")
    assert end == b""
    return kind[7:].decode(), json.loads(data[6:])


def tell(running: Running, *messages: Message) -> None:
    loop = running.server.servers[0].get_loop()
    for message in messages:
        loop.call_soon_threadsafe(running.parts.hub.publish, message)


def test_a_listener_first_gets_the_status_then_what_comes(serve: Serve) -> None:
    running = serve()
    odd = {"label": "a\n\nevent: forged\ndata: x", "list": [1, None]}
    with listening(running.url) as lines, listening(running.url, "?points=1") as drawn:
        assert event(lines)[0] == event(drawn)[0] == "status"
        assert running.parts.bridge.wants_points()
        assert requests.get(f"{running.url}/api/status", timeout=10).json()["listeners"] == 2
        tell(running, Message("points", {"n": 1}), Message("gesture", odd))
        assert event(lines) == ("gesture", odd)
        assert event(drawn) == ("points", {"n": 1})
        assert event(drawn) == ("gesture", odd)
    tell(running, *[Message("gesture", {})] * 100)
    wait_for(lambda: not len(running.parts.hub))
    assert not running.parts.bridge.wants_points()
    assert 'ademan_requests_total{method="GET",route="/api/stream",status="200"} 2.0' in metrics(running)
    assert 'ademan_request_seconds_count{route="/api/stream"' not in metrics(running)


def metrics(running: Running) -> str:
    return requests.get(f"{running.url}/metrics", timeout=10).text


def test_listeners_that_leave_while_much_is_told_leave_no_trace(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    running = serve()
    told = threading.Event()

    def talk() -> None:
        while not told.wait(0.0005):
            tell(running, *[Message("points", {"much": "x" * 10_000})] * 3)

    thread = threading.Thread(target=talk)
    thread.start()
    for _ in range(20):
        with listening(running.url, "?points=1") as lines:
            for _ in range(3):
                event(lines)
    told.set()
    thread.join()
    wait_for(lambda: not len(running.parts.hub))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_silence_is_broken_by_signs_of_life(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "PING_S", 0.05)
    with listening(serve().url) as lines:
        event(lines)
        assert [next(lines) for _ in range(4)] == [b": still here", b"", b": still here", b""]


def test_listening_ends_when_the_server_does(serve: Serve) -> None:
    running = serve()
    with listening(running.url) as lines:
        event(lines)
        running.stop()
        assert list(lines) == []


def test_a_fault_while_telling_ends_the_answer(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    running = serve()
    with listening(running.url) as lines:
        event(lines)
        tell(running, Message("gesture", {"odd": object()}))
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(lines)
    assert "is not JSON serializable" in caplog.text
    wait_for(lambda: not len(running.parts.hub))
