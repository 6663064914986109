"""The log: each line is one of ours, whatever was sent; no key and no body is in it."""

import json
import logging
import warnings
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from ademan.server.logs import _Json, _Text, set_up_logs
from tests.server.process import Process, serving
from tests.server.raw import ask, connect, head
from tests.video.conftest import MakeVideo, make_video

__all__ = ["make_video"]

ANY = st.text(alphabet=st.characters(), max_size=40)


def record(message: str, fault: BaseException | None = None, **more: object) -> logging.LogRecord:
    info: Any = (type(fault), fault, None) if fault else None
    made = logging.LogRecord("ademan.server", logging.INFO, "x.py", 1, message, (), info)
    vars(made).update(more)
    return made


@given(ANY, ANY, ANY)
def test_a_line_of_json_holds_what_was_said_whatever_it_is(message: str, value: str, fault: str) -> None:
    line = _Json().format(record(message, ValueError(fault), path=value))
    assert line.isascii()
    assert line.isprintable()
    content = json.loads(line)
    assert (content["event"], content["path"], content["level"]) == (message, value, "info")
    assert content["exception"].startswith("ValueError")
    assert content["time"].endswith("+00:00")


@given(ANY, ANY, ANY)
def test_a_line_of_text_is_one_line_whatever_is_said(message: str, value: str, fault: str) -> None:
    first, *below = _Text().format(record(message, ValueError(fault), path=value)).split("\n")
    for line in (first, *below):
        assert line.isprintable()
        assert len(line.splitlines()) <= 1
    assert all(line.startswith("    ") for line in below)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/predict", "path=/predict"),
        ("/a b", 'path="/a b"'),
        ("/a\nb", r'path="/a\nb"'),
        ("/\x1b[31m", r'path="/\u001b[31m"'),
        ("/\x9b31m\x7f\u2028", r'path="/\u009b31m\u007f\u2028"'),
        ("x status=200", 'path="x status=200"'),
        ('"', r'path="\""'),
    ],
)
def test_what_was_sent_cannot_pass_for_something_else(value: str, shown: str) -> None:
    assert _Text().format(record("request", path=value)).endswith(f"request {shown}")


def test_faults_stand_below_their_line_and_cannot_pass_for_another() -> None:
    told = _Text().format(record("request failed", ValueError("x\n12:00:00 info    request path=/forged")))
    assert [line[:4] for line in told.split("\n")[1:]] == ["    "] * 2


def test_warnings_and_other_loggers_have_the_same_form(
    logging_as_before: None, capsys: pytest.CaptureFixture[str]
) -> None:
    set_up_logs("json")
    logging.getLogger("ademan.server").info("hello", extra={"number": 3})
    logging.getLogger("other").info("not this")
    logging.getLogger("other").warning("but %s", "this")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("take care", UserWarning, stacklevel=1)
    found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [each["event"].split("\n")[0][-30:] for each in found][:2] == ["hello", "but this"]
    assert found[0]["number"] == 3
    assert "take care" in found[2]["event"]


def test_setting_up_twice_says_nothing_twice(logging_as_before: None, capsys: pytest.CaptureFixture[str]) -> None:
    set_up_logs("text")
    set_up_logs("text")
    logging.getLogger("ademan.server").info("hello", extra={"empty": "", "nothing": None, "zero": 0})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("info    hello zero=0")


def requests_of(process: Process) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in process.said if not line.startswith("Ademan answers")]
    return [content for content in found if content["event"] == "request"]


def test_one_line_a_request_without_keys_and_bodies(small_bundle: Path) -> None:
    key = "a-very-secret-key"
    with serving(str(small_bundle), "--port", "0", "--log", "json", environment={"ADEMAN_API_KEYS": key}) as process:
        url, headers = process.url, {"X-API-Key": key}
        requests.get(f"{url}/health", timeout=5)  # that one is asked for every second, and is not written down
        requests.get(f"{url}/bundles", headers=headers, timeout=5)
        requests.get(f"{url}/bundles", headers={"Authorization": f"Bearer {key}"}, timeout=5)
        requests.get(f"{url}/bundles?key={key}", timeout=5)
        requests.get(f"{url}/bundles", headers={"X-API-Key": "a-wrong-key"}, timeout=5)
        requests.post(f"{url}/predict", json={"sequence": [[0.123456] * 84]}, headers=headers, timeout=5)
        answer = requests.post(f"{url}/predict", json={"sequence": "my-body"}, headers=headers, timeout=5)
        with requests.get(f"{url}/api/stream?key={key}", stream=True, timeout=5) as events:
            next(events.iter_lines())
        ask(url, head("GET", "/%0a{%22event%22:%22forged%22}%1b%5b31m%e2%80%a8x", X_API_Key=key))
        ask(url, b"garbage\r\n\r\n")
        with connect(url) as connection:
            connection.sendall(head("POST", "/predict", X_API_Key=key, Content_Length="100") + b"my-body")
        assert process.end() == 0
        everything = "\n".join(process.said)
        for secret in (key, "a-wrong-key", "0.123456", "my-body"):
            assert secret not in everything
        found = requests_of(process)
    assert [(line["path"], line["status"]) for line in found[:6]] == [
        *[("/bundles", status) for status in (200, 200, 401, 401)],
        *[("/predict", status) for status in (200, 422)],
    ]
    assert found[5]["request"] == answer.headers["X-Request-Id"]
    assert {line["path"]: line["status"] for line in found[6:]} == {
        "/api/stream": 200,
        '/\n{"event":"forged"}\x1b[31m\u2028x': 404,
        "/predict": 415,
    }
    for line in found:
        assert line["client"] == "127.0.0.1"
        assert line["ms"] >= 0
        assert line["level"] == "info"


def test_what_reads_videos_says_nothing_in_between(small_bundle: Path, make_video: MakeVideo) -> None:
    with serving(str(small_bundle), "--port", "0", "--log", "json") as process:
        video, headers = make_video().read_bytes(), {"Content-Type": "video/mp4"}
        for content in (video, video[:100], video[:-200], video):
            requests.post(f"{process.url}/predict/video", content, headers=headers, timeout=60)
        assert process.end() == 0
        assert [line["status"] for line in requests_of(process)] == [200, 422, 422, 200]


def test_the_same_as_text(small_bundle: Path) -> None:
    with serving(str(small_bundle), "--port", "0") as process:
        ask(process.url, head("GET", "/a%0a12:00:00%20info%20%20%20%20request%20path=/forged"))
        assert process.end() == 0
    (line,) = [line for line in process.said if "forged" in line]
    assert r'info    request method=GET path="/a\n12:00:00 info    request path=/forged" status=404 ms=' in line
