"""What every request passes: keys, origins, limits, and the one shape of errors."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import requests
from starlette.datastructures import Headers

from ademan.server import gate
from ademan.server.config import KEY_VARIABLE, ServeConfig
from ademan.server.errors import STATUS, ApiError
from ademan.server.gate import check_key, check_origin, cors_headers
from ademan.server.passage import SAFETY
from tests.server.conftest import Serve, started, wait_for
from tests.server.raw import ask, connect, head, read_one, read_reply, seconds_until_end

JSON = {"Content-Type": "application/json"}
FRAME = {"sequence": [[0.5] * 84]}
ELSEWHERE = "https://elsewhere.example"


def config(**more: Any) -> ServeConfig:
    return ServeConfig(port=0, refresh=0, **more)


@pytest.fixture(scope="module")
def url(small_bundle: Path) -> Iterator[str]:
    """One server for the many small tests of this file."""
    running = started({"small": str(small_bundle)}, config(max_body=2, timeout=1))
    yield running.url
    running.stop()


def check_headers(answer: requests.Response) -> None:
    assert SAFETY.items() <= answer.headers.items()
    assert len(answer.headers["X-Request-Id"]) == 12


def check_error(answer: requests.Response, code: str, told: str) -> None:
    assert answer.status_code == STATUS[code]
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json().keys() == {"error"}
    assert answer.json()["error"].keys() == {"code", "message"}
    assert answer.json()["error"]["code"] == code
    assert told in answer.json()["error"]["message"]
    check_headers(answer)


@pytest.mark.parametrize(
    ("method", "path", "sent", "code", "told"),
    [
        ("POST", "/predict", {"data": b"{", "headers": JSON}, "bad_json", "the body is no JSON"),
        ("POST", "/api/config", {"data": b"NaN", "headers": JSON}, "bad_json", "the body is no JSON"),
        ("GET", "/nothing", {}, "not_found", "there is no GET /nothing."),
        ("GET", "/bundles/other", {}, "not_found", "there is no bundle 'other'. There are: small."),
        ("POST", "/predict?bundle=other", {"json": FRAME}, "not_found", "there is no bundle 'other'."),
        ("POST", "/predict/video?bundle=other", {"data": b"x"}, "not_found", "there is no bundle 'other'."),
        ("GET", "/static/other.js", {}, "not_found", "there is no GET /static/other.js."),
        ("POST", "/health", {}, "wrong_method", "POST /health is not how this is asked for; GET is."),
        ("GET", "/predict", {}, "wrong_method", "GET /predict is not how this is asked for; POST is."),
        ("PROPFIND", "/predict", {}, "wrong_method", "PROPFIND /predict is not how this is asked"),
        ("BREW", "/predict", {}, "bad_http", "this is no request of HTTP/1.1."),
        ("POST", "/api/inference/start", {}, "no_camera", "this server has no camera. Start it with one:"),
        ("POST", "/predict", {"data": bytes(2_000_001)}, "too_large", "the body has more than 2 MB, which is the"),
        ("POST", "/predict", {"data": b"{}"}, "wrong_type", "expected Content-Type application/json or application/o"),
        ("POST", "/predict/video", {"data": b"{}", "headers": JSON}, "wrong_type", "expected a form with a 'file', or"),
        ("POST", "/api/config", {"data": "accept=1"}, "wrong_type", "expected Content-Type application/json, found ''"),
        ("POST", "/predict", {"json": {"sequence": [[1]]}}, "bad_points", "frame 0 has 1 numbers; the bundle takes 84"),
        ("POST", "/predict", {"json": {}}, "bad_request", "expected either 'sequence' or 'sequences'"),
        ("POST", f"/predict?bundle={'x' * 300}", {"json": FRAME}, "bad_request", "query.bundle: string should have at"),
        ("GET", "/api/stream?points=maybe", {}, "bad_request", "query.points: input should be a valid boolean"),
        ("POST", "/api/config", {"json": {"accept": 2}}, "bad_request", "accept: input should be less than or equal"),
        ("POST", "/api/config", {"json": {"accept": "0.5"}}, "bad_request", "accept: input should be a valid number"),
        ("POST", "/api/config", {"json": {"speed": 2}}, "bad_request", "speed: extra inputs are not permitted."),
        ("POST", "/predict/video", {"files": {"other": b"x"}}, "bad_request", "expected a file in the field 'file'."),
        ("POST", "/predict/video", {"files": {"file": b""}}, "bad_video", "the video is empty."),
    ],
)  # fmt: skip
def test_what_is_wrong_has_one_shape(
    method: str, path: str, sent: dict[str, Any], code: str, told: str, url: str
) -> None:
    check_error(requests.request(method, f"{url}{path}", **sent, timeout=10), code, told)


def test_a_wrong_method_is_told_the_right_one(url: str) -> None:
    for method, path, right in [("POST", "/health", "GET"), ("DELETE", "/predict", "POST"), ("PUT", "/", "GET")]:
        assert requests.request(method, f"{url}{path}", timeout=10).headers["Allow"] == right


def test_a_fault_of_the_server_says_nothing_of_it_but_its_place_in_the_log(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fault(*_: Any) -> None:
        raise ZeroDivisionError("a secret")

    running = serve()
    monkeypatch.setattr(running.parts.shelf, "to_json", fault)
    answer = requests.get(f"{running.url}/bundles", timeout=10)
    check_error(answer, "failed", f"a fault of the server; its log says more at {answer.headers['X-Request-Id']}.")
    assert "secret" not in answer.text
    (record,) = [record for record in caplog.records if record.getMessage() == "request failed"]
    assert "a secret" in caplog.text
    assert vars(record)["request"] == answer.headers["X-Request-Id"]
    assert requests.get(f"{running.url}/bundles/small", timeout=10).ok


def test_a_bundle_that_is_not_there_yet_is_waited_for(serve: Serve) -> None:
    running = serve()
    running.parts.shelf._places["small"].served = None
    answer = requests.post(f"{running.url}/predict", json=FRAME, timeout=10)
    check_error(answer, "not_ready", "the bundle 'small' is not there yet.")
    assert answer.headers["Retry-After"] == "1"
    health = requests.get(f"{running.url}/health", timeout=10)
    assert (health.status_code, health.json()["ready"], health.json()["alive"]) == (503, False, True)
    for path in ("/api/status", "/api/gestures", "/bundles/small"):
        check_error(requests.get(f"{running.url}{path}", timeout=10), "not_ready", "is not there yet.")
    assert requests.get(f"{running.url}/metrics", timeout=10).ok


@pytest.mark.parametrize(
    "path", ["/", "/health", "/bundles", "/metrics", "/openapi.json", "/favicon.ico", "/api/status"]
)
def test_good_answers_have_the_same_headers_too(path: str, url: str) -> None:
    answer = requests.get(f"{url}{path}", timeout=10)
    assert answer.ok
    check_headers(answer)


def test_live_streams_pass_the_gate_too(url: str) -> None:
    answer = requests.get(f"{url}/socket.io/?EIO=4&transport=polling", timeout=10)
    assert answer.ok
    check_headers(answer)


# Keys


@pytest.fixture(scope="module")
def locked(small_bundle: Path) -> Iterator[str]:
    running = started({"small": str(small_bundle)}, config(api_key=("first-key", "second-key"), cors=(ELSEWHERE,)))
    yield running.url
    running.stop()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/bundles", {"X-API-Key": "first-key"}),
        ("/bundles", {"x-api-key": "second-key"}),
        ("/bundles", {"Authorization": "Bearer second-key"}),
        ("/bundles", {"Authorization": "bearer  first-key "}),
        ("/bundles", {"Authorization": "Basic YTpi", "X-API-Key": "first-key"}),
        ("/health", {}),
        ("/", {}),
        ("/favicon.ico", {}),
        ("/openapi.json", {}),
    ],
)
def test_a_key_opens_and_some_need_none(path: str, headers: dict[str, str], locked: str) -> None:
    assert requests.get(f"{locked}{path}", headers=headers, timeout=10).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "headers", "code"),
    [
        ("GET", "/bundles", {}, "no_key"),
        ("GET", "/bundles", {"X-API-Key": ""}, "no_key"),
        ("GET", "/bundles", {"Authorization": "Basic YTpi"}, "no_key"),
        ("GET", "/bundles", {"X-API-Key": "first-key,second-key"}, "wrong_key"),
        ("GET", "/bundles", {"X-API-Key": "first-ke"}, "wrong_key"),
        ("GET", "/bundles", {"X-API-Key": "FIRST-KEY"}, "wrong_key"),
        ("GET", "/bundles", {"X-API-Key": "schl\xfcssel"}, "wrong_key"),
        ("GET", "/bundles", {"Authorization": "Bearer wrong", "X-API-Key": "first-key"}, "wrong_key"),
        ("GET", "/bundles?key=first-key", {}, "no_key"),
        ("GET", "/api/status?key=first-key", {}, "no_key"),
        ("GET", "/api/stream", {}, "no_key"),
        ("GET", "/api/stream?key=wrong", {}, "wrong_key"),
        ("GET", "/api/stream?key=%00%ff&key=first-key", {}, "wrong_key"),
        ("GET", "/api/stream/?key=first-key", {}, "no_key"),
        ("GET", "/metrics", {}, "no_key"),
        ("GET", "/nothing", {}, "no_key"),
        ("GET", "/socket.ionothing", {}, "no_key"),
        ("GET", "/static", {}, "no_key"),
        ("GET", "//bundles", {}, "no_key"),
        ("POST", "/predict", {}, "no_key"),
        ("POST", "/api/inference/stop", {}, "no_key"),
    ],
)  # fmt: skip
def test_without_a_key_nothing_opens(method: str, path: str, headers: dict[str, str], code: str, locked: str) -> None:
    answer = ask(locked, head(method, path, Connection="close", **headers))
    assert (answer.status, answer.error["code"]) == (401, code)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "-key" not in answer.error["message"]


def test_server_sent_events_take_the_key_from_the_address(locked: str) -> None:
    with requests.get(f"{locked}/api/stream?key=second-key", stream=True, timeout=10) as answer:
        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert next(answer.iter_lines()) == b"event: status"
        check_headers(answer)


def test_keys_of_the_environment_are_asked_for(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "from-outside")
    url = serve(config=config()).url
    assert requests.get(f"{url}/bundles", timeout=10).status_code == 401
    assert requests.get(f"{url}/bundles", headers={"X-API-Key": "from-outside"}, timeout=10).ok


def test_all_keys_are_looked_at() -> None:
    looked: list[bytes] = []

    def keys() -> Iterator[bytes]:
        for key in (b"one", b"two", b"three"):
            looked.append(key)
            yield key

    check_key("one", keys())
    assert len(looked) == 3
    with pytest.raises(ApiError, match="this is none of the server's keys"):
        check_key("four", [b"one"])
    with pytest.raises(ApiError, match="this server asks for a key: send it as the header X-API-Key"):
        check_key("", [b"one"])


# Origins


@pytest.mark.parametrize("origin", [ELSEWHERE, "null", "http://[", "http://", "", "//test", "http://127.0.0.1:1"])
def test_a_page_from_elsewhere_changes_nothing(origin: str, url: str) -> None:
    answer = requests.post(f"{url}/predict", json=FRAME, headers={"Origin": origin}, timeout=10)
    check_error(answer, "wrong_origin", "may not use this server; --cors allows them.")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_page_from_elsewhere_cannot_read_what_it_gets(url: str) -> None:
    answer = requests.get(f"{url}/bundles", headers={"Origin": ELSEWHERE}, timeout=10)
    assert answer.ok
    assert not [name for name in answer.headers if name.startswith("Access-Control")]


def test_the_server_s_own_page_and_programs_may(url: str) -> None:
    for headers in ({"Origin": url}, {"Origin": url.upper()}, {}):
        assert requests.post(f"{url}/predict", json=FRAME, headers=headers, timeout=10).ok


def test_a_host_that_is_missing_is_no_origin() -> None:
    with pytest.raises(ApiError, match="pages of 'null' may not"):
        check_origin(Headers({"origin": "null"}), ())
    with pytest.raises(ApiError, match=r"pages of 'x{98}\.\.\.|pages of 'x{100}'"):
        check_origin(Headers({"origin": "x" * 1000}), ())


@pytest.mark.parametrize(
    ("path", "code"), [("/predict", ""), ("/nothing", "not_found"), ("/predict?bundle=x", "not_found")]
)
def test_an_allowed_page_may_use_the_server_and_read_its_errors(path: str, code: str, locked: str) -> None:
    headers = {"Origin": ELSEWHERE, "X-API-Key": "first-key"}
    answer = requests.post(f"{locked}{path}", json=FRAME, headers=headers, timeout=10)
    assert answer.json().get("error", {}).get("code", "") == code
    assert answer.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    assert answer.headers["Access-Control-Expose-Headers"] == "Retry-After, X-Request-Id"
    assert answer.headers["Vary"] == "Origin"
    check_headers(answer)


def test_an_allowed_page_reads_the_gate_s_own_errors(locked: str) -> None:
    answer = requests.post(f"{locked}/predict", json=FRAME, headers={"Origin": ELSEWHERE}, timeout=10)
    check_error(answer, "no_key", "this server asks for a key")
    assert answer.headers["Access-Control-Allow-Origin"] == ELSEWHERE


def test_a_browser_that_asks_first_needs_no_key(locked: str) -> None:
    asked = {
        "Origin": ELSEWHERE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-api-key",
    }
    answer = requests.options(f"{locked}/predict", headers=asked, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == ELSEWHERE
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert answer.headers["Access-Control-Allow-Headers"] == "Content-Type, X-API-Key, Authorization"
    check_headers(answer)
    answer = requests.options(f"{locked}/predict", headers=asked | {"Origin": "https://other.example"}, timeout=10)
    check_error(answer, "wrong_origin", "pages of 'https://other.example' may not use this server")
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_without_cors_asking_first_is_a_wrong_method(url: str) -> None:
    asked = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "POST"}
    check_error(requests.options(f"{url}/predict", headers=asked, timeout=10), "wrong_method", "OPTIONS /predict is")


def test_all_origins_may_be_allowed() -> None:
    check_origin(Headers({"origin": "null", "host": "here"}), ("*",))
    assert cors_headers(Headers({"origin": "null"}), ("*",))["Access-Control-Allow-Origin"] == "null"
    assert cors_headers(Headers({}), ("*",)) == {"Vary": "Origin"}
    assert cors_headers(Headers({"origin": "https://a.example"}), ()) == {}


# How much, and how slowly


def rss() -> int:
    """Return the bytes of memory that this process, and so the server, uses."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def test_a_body_without_a_length_is_counted(url: str) -> None:
    pieces = [chunk(bytes(100_000))] * 21
    answer = ask(url, head("POST", "/predict", Transfer_Encoding="chunked", Content_Type="application/json"), *pieces)
    assert (answer.status, answer.error["code"]) == (413, "too_large")
    assert answer.headers["connection"] == "close"


def test_a_body_as_large_as_allowed_is_read(url: str) -> None:
    body = b'{"sequence": ' + b" " * (2_000_000 - 14) + b"}"
    assert requests.post(f"{url}/predict", body, headers=JSON, timeout=10).json()["error"]["code"] == "bad_json"
    answer = ask(url, head("POST", "/predict", Content_Length="2000001", Content_Type="application/json"))
    assert answer.status == 413  # before any of it came


@pytest.mark.parametrize("length", [True, False])
def test_an_endless_body_costs_no_memory_and_its_sender_is_told(length: bool, url: str) -> None:
    """A gigabyte is sent in earnest: by its length, or until it is not taken any more."""
    before, megabyte = rss(), bytes(1_000_000)
    more = {"Content_Length": "1000000000"} if length else {"Transfer_Encoding": "chunked"}
    with connect(url) as connection:
        connection.sendall(head("POST", "/predict", Content_Type="application/octet-stream", **more))
        reply = None
        for _ in range(1000):
            try:
                connection.sendall(megabyte if length else chunk(megabyte))
            except ConnectionError:
                break
            connection.setblocking(False)
            with suppress(BlockingIOError):
                reply = reply or connection.recv(15)
            connection.settimeout(10)
        assert reply == b"HTTP/1.1 413 Re"
    assert rss() - before < 30e6


def test_a_slow_body_is_given_up(url: str) -> None:
    started_s = time.monotonic()
    with connect(url) as connection:
        connection.sendall(head("POST", "/predict", Content_Type="application/json", Content_Length="100"))
        for _ in range(5):
            connection.sendall(b"{")
            time.sleep(0.1)
        answer = read_reply(connection)
        assert (answer.status, answer.error["code"]) == (408, "too_slow")
        assert answer.error["message"] == "the body did not come within 1 seconds."
        assert 0.9 < time.monotonic() - started_s < 3
        assert seconds_until_end(connection, 5) < 4  # nobody waits for the rest


@pytest.mark.parametrize("path", ["/predict", "/predict/video", "/api/config"])
def test_every_route_gives_up_slow_and_large_bodies_in_the_same_way(path: str, serve: Serve) -> None:
    url = serve(config=config(max_body=0.1, max_video=0.1, timeout=0.3)).url
    kind = "application/octet-stream" if path == "/predict/video" else "application/json"
    sent = head("POST", path, Content_Type=kind, Content_Length="100")
    assert ask(url, sent, b"{").error["code"] == "too_slow"
    sent = head("POST", path, Content_Type=kind, Transfer_Encoding="chunked")
    assert ask(url, sent, chunk(bytes(200_000))).error["code"] == "too_large"


def test_live_streams_by_posting_have_the_limits_too(url: str) -> None:
    opened = requests.get(f"{url}/socket.io/?EIO=4&transport=polling", timeout=10).text
    path = f"/socket.io/?EIO=4&transport=polling&sid={opened.split(chr(34))[3]}"
    assert ask(url, head("POST", path, Content_Length="1000001")).error["code"] == "too_large"
    pieces = [chunk(bytes(100_000))] * 11
    assert ask(url, head("POST", path, Transfer_Encoding="chunked"), *pieces).error["code"] == "too_large"


def test_paths_that_climb_lead_nowhere(locked: str) -> None:
    for path in ("/static/../bundles", "/static/%2e%2e/routes.py", "/static/..%2f..%2fapp.py", "/static//etc/passwd"):
        assert ask(locked, head("GET", path)).error["code"] == "not_found"


def test_what_is_left_of_a_body_is_read_so_that_the_answer_arrives(url: str) -> None:
    """Whoever sends all of it before reading must find the answer, not a reset."""
    for path, code in (("/nothing", 404), ("/predict?bundle=other", 404), ("/health", 405)):
        assert requests.post(f"{url}{path}", bytes(1_900_000), timeout=10).status_code == code
    assert requests.post(f"{url}/predict", bytes(30_000_000), timeout=10).status_code == 413


def test_a_client_that_waits_for_leave_to_send_is_not_given_it(url: str) -> None:
    sent = head("POST", "/predict", Content_Type="application/json", Content_Length="99999999", Expect="100-continue")
    assert ask(url, sent).status == 413
    sent = head("POST", "/predict", Content_Type="application/json", Content_Length="2", Expect="100-continue")
    with connect(url) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"{}")
        assert read_reply(connection).status == 422


def test_a_client_that_goes_away_leaves_no_trace_but_a_line(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    def statuses(path: str) -> list[int]:
        return [vars(record)["status"] for record in caplog.records if vars(record).get("path") == path]

    caplog.set_level(logging.INFO, "ademan.server")
    url = serve(config=config()).url
    for path in ("/predict", "/predict/video", "/api/config"):
        kind = "application/octet-stream" if path == "/predict/video" else "application/json"
        with connect(url) as connection:
            connection.sendall(head("POST", path, Content_Type=kind, Content_Length="1000") + b"{")
            time.sleep(0.05)
        wait_for(lambda path=path: 499 in statuses(path))  # type: ignore[misc] # mypy cannot tell what it returns
    assert not [record for record in caplog.records if record.exc_info]
    assert requests.get(f"{url}/health", timeout=10).ok


def test_all_bodies_together_have_a_limit_too(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand clients of 16 MB each, all of whose last bytes are missing, would be 16 GB."""
    monkeypatch.setattr(gate, "MOST_KEPT", 4.0)
    url = serve(config=config(max_body=2)).url
    sent = head("POST", "/predict", Content_Type="application/json", Content_Length="2000000")
    with ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(connect(url)).sendall(sent + bytes(900_000))
        answer = ask(url, sent, bytes(1_900_000))
        assert (answer.status, answer.error["code"]) == (503, "busy")
        assert answer.error["message"] == "more is being sent than can be taken; come again in a second."
        assert answer.headers["retry-after"] == "1"
        # What was refused counts until the rest of it has been thrown away.
        wait_for(lambda: requests.post(f"{url}/predict", json=FRAME, timeout=10).ok)
        video = ask(url, head("POST", "/predict/video", Content_Length="900000"), bytes(900_000))
        assert video.status == 415  # those are kept on disk
    wait_for(lambda: ask(url, sent, bytes(2_000_000)).error["code"] == "bad_json")  # they have gone


def test_slow_clients_do_not_hold_up_the_others(url: str) -> None:
    slow = [connect(url) for _ in range(100)]
    for connection in slow:
        connection.sendall(head("POST", "/predict", Content_Type="application/json", Content_Length="100") + b"{")
    started_s = time.monotonic()
    assert requests.get(f"{url}/health", timeout=10).ok
    assert time.monotonic() - started_s < 0.9
    assert {read_reply(connection).status for connection in slow} == {408}
    for connection in slow:
        connection.close()


def test_requests_one_behind_the_other_are_answered_in_order(url: str) -> None:
    with connect(url) as connection:
        connection.sendall(head("GET", "/health") + head("GET", "/nothing") + head("GET", "/bundles"))
        assert [read_one(connection) for _ in range(3)] == [200, 404, 200]


def test_many_at_once_are_all_answered(url: str) -> None:
    statuses: list[int] = []

    def work() -> None:
        with requests.Session() as session:
            for _ in range(20):
                statuses.append(session.post(f"{url}/predict", json=FRAME, timeout=10).status_code)

    threads = [threading.Thread(target=work) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 200


def test_the_description_names_the_key_where_one_is_asked_for(locked: str, url: str) -> None:
    described = requests.get(f"{locked}/openapi.json", timeout=10).json()
    (name,) = described["security"][0]
    assert described["components"]["securitySchemes"][name] == {"type": "apiKey", "in": "header", "name": "X-API-Key"}
    assert "security" not in requests.get(f"{url}/openapi.json", timeout=10).json()
