"""Figures: what was asked is what is counted, and nobody can make more of them."""

import re
from functools import partial

import numpy as np
import requests

from ademan.server.metrics import Metrics
from tests.server.conftest import Serve, wait_for
from tests.server.fakes import Live, as_bytes, figure


def series(url: str) -> set[str]:
    """All figures with their labels, without their values."""
    text = requests.get(f"{url}/metrics", timeout=10).text
    return {line.rpartition(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def has(live: Live, count: int) -> bool:
    return len(live.of("gesture_prediction")) == count


def test_each_line_is_as_prometheus_reads_it(serve: Serve) -> None:
    answer = requests.get(f"{serve().url}/metrics", timeout=10)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    for line in answer.text.splitlines():
        assert re.fullmatch(r"# (HELP|TYPE) ademan_\w+ .+|ademan_\w+(\{.*\})? [-+.\deInf]+", line), line


def test_requests_and_predictions_are_counted(serve: Serve) -> None:
    running = serve()
    points = [[[0.5, 0.5]] * 42] * 5
    for body in ({"sequence": points}, {"sequences": [points, points]}, {"sequence": "none"}):
        requests.post(f"{running.url}/predict", json=body, timeout=10)
    requests.get(f"{running.url}/nowhere", timeout=10)
    assert figure(running, 'ademan_requests_total{method="POST",route="/predict",status="200"}') == 2
    assert figure(running, 'ademan_requests_total{method="POST",route="/predict",status="422"}') == 1
    assert figure(running, 'ademan_requests_total{method="GET",route="other",status="404"}') == 1
    assert figure(running, 'ademan_request_seconds_count{route="/predict"}') == 3
    assert figure(running, 'ademan_predictions_total{bundle="small",way="request"}') == 3
    assert figure(running, "ademan_batch_windows_sum") == 3


def test_streams_and_their_frames_are_counted(serve: Serve, rng: np.random.Generator) -> None:
    running = serve()
    with Live(running.url) as one, Live(running.url):
        assert figure(running, "ademan_streams") == 2
        for i in range(10):
            one.call("points", as_bytes(rng.uniform(size=(42, 2)).astype(np.float32), i * 200.0))
            wait_for(partial(has, one, i + 1))
        one.call("points", b"nonsense")
        one.call("finish")
        assert figure(running, "ademan_frames_total") == 10
        assert figure(running, 'ademan_predictions_total{bundle="small",way="stream"}') == 10
        assert figure(running, 'ademan_dropped_total{reason="bad"}') == 1
    wait_for(lambda: figure(running, "ademan_streams") == 0)


def test_nobody_can_make_new_figures(serve: Serve) -> None:
    running = serve()

    def try_all(number: int) -> None:
        for path in (f"/{number}", f"/bundles/{number}", f"/static/{number}", f"/socket.io/{number}", f"/api/{number}"):
            requests.request(f"M{number}", f"{running.url}{path}", timeout=10)
            requests.get(f"{running.url}{path}", timeout=10)
        requests.post(f"{running.url}/predict?bundle={number}", json={}, timeout=10)
        with Live(running.url) as live:
            live.call(f"event{number}")
            live.call("start", {"bundle": str(number)})
            live.call("points", {"bundle": number})

    try_all(0)
    series(running.url)  # which is a request, too
    before = series(running.url)
    for number in range(1, 6):
        try_all(number)
    assert series(running.url) == before


def test_two_in_one_process_do_not_mix() -> None:
    one, two = Metrics(), Metrics()
    one.frames.inc(7)
    assert b"ademan_frames_total 7.0" in one.text()
    assert b"ademan_frames_total 0.0" in two.text()
