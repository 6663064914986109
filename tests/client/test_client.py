"""GestureClient, against a server that runs, and against much that is none."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ademan.client import GestureClient, RemotePrediction
from ademan.clip import times_at
from ademan.errors import ClipError, ConfigError, RemoteError, VideoError
from ademan.recognition import Classifier
from tests.client.conftest import frames
from tests.client.fake import Fake, SlowNetwork, wait_for
from tests.conftest import MakeClip

Serve = Callable[..., Fake]


def test_a_clip_is_named_as_it_is_here(fake: Fake, classifier: Classifier, make_clip: MakeClip) -> None:
    clip = make_clip(frames=30)
    points = clip.points.copy()
    points[3, 5:9] = np.nan
    here = classifier.probabilities(classifier.manifest.window.cut(points, clip.timestamps_ms)[None])[0]
    with GestureClient(fake.url) as client:
        assert client.info.labels == ("a", "b", "idle")
        assert client.version == "v1"
        for found in (
            client.predict(points, clip.timestamps_ms),
            client.predict(points),
            client.predict(points, fps=25),
        ):
            np.testing.assert_allclose(found.row(client.info.labels), here, atol=1e-6)
            assert found.label == client.info.labels[int(here.argmax())]
            assert (found.milliseconds, found.bundle) == (1.5, "small")


def test_what_the_points_are_is_sent_with_them(fake: Fake) -> None:
    points = np.zeros((2, 42, 3), np.float32)
    client = GestureClient(fake.url, "small")
    client.predict(points, fps=12.5, image_wh=(640, 480), coordinates="fraction")
    path, query, body = fake.asked[-1]
    assert (path, len(body)) == ("/predict", points.nbytes)
    sizes = {"image_width": "640", "image_height": "480"}
    assert query == {"bundle": "small", "channels": "3", "fps": "12.5", "coordinates": "fraction", **sizes}
    client.predict(points, times_at(25, 2), image_wh=(640, 480), coordinates="fraction")
    assert b'"image_wh": [640, 480], "coordinates": "fraction"' in fake.asked[-1][2]


def test_points_that_are_no_clip_are_refused_here(fake: Fake) -> None:
    with pytest.raises(ClipError, match=r"expected points of shape \(T, P, 2 or 3\), found \(42, 2\)"):
        GestureClient(fake.url).predict(np.zeros((42, 2), np.float32))


@pytest.mark.parametrize(("name", "kind"), [("a.mp4", "mp4"), ("a.WEBM", "webm"), ("a.mov", "quicktime")])
def test_a_video_is_sent_as_it_is(fake: Fake, tmp_path: Path, name: str, kind: str) -> None:
    (tmp_path / name).write_bytes(b"film" * 100_000)
    assert GestureClient(fake.url, "small").predict_video(tmp_path / name).label == "b"
    assert fake.asked[-1] == ("/predict/video", {"bundle": "small"}, b"film" * 100_000)


def test_a_video_that_is_not_there_is_told(fake: Fake, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"gone\.mp4 cannot be read: No such file"):
        GestureClient(fake.url).predict_video(tmp_path / "gone.mp4")


def test_health_is_told_whether_it_is_good_or_not(fake: Fake) -> None:
    client = GestureClient(fake.url)
    assert client.health()["ready"] is True
    fake.answers["/health"] = 503, "application/json", b'{"ready": false}'
    assert client.health()["ready"] is False
    fake.answers["/health"] = 200, "application/json", b'{"status": "fine"}'
    with pytest.raises(RemoteError, match="is no ademan server: it does not say whether it is ready"):
        client.health()


def test_a_key_is_asked_for_and_given(serve: Serve) -> None:
    fake = serve("secret")
    assert GestureClient(fake.url, key="secret").info.labels == ("a", "b", "idle")
    with pytest.raises(RemoteError, match=r"asks for a key\. Give it in the variable ADEMAN_API_KEY, or by --key"):
        _ = GestureClient(fake.url).info
    with pytest.raises(RemoteError, match="does not accept the key: this is none of the server's keys"):
        _ = GestureClient(fake.url, key="wrong").info
    fake.answers["/bundles"] = 401, "text/plain", b"no"
    with pytest.raises(RemoteError, match="does not accept the key: it answered 401"):
        _ = GestureClient(fake.url, key="wrong").info


@pytest.mark.parametrize(
    ("status", "kind", "body", "told"),
    [
        (404, "text/html", b"<html>not here</html>", "is no ademan server: it answered 404"),
        (200, "text/html", b"<html>welcome</html>", "is no ademan server: it answered something that is no JSON"),
        (200, "application/json", b"[1]", "is no ademan server: it answered no JSON object"),
        (200, "application/json", b"[" * 100_000, "is no ademan server: it answered something that is no JSON"),
        (200, "application/json", b"{}", "is no ademan server: it names no bundle"),
        (302, "text/plain", b"", "is no ademan server: it sends to http://elsewhere.example/"),
        (500, "application/json", b'{"error": {"code": "failed", "message": "a fault"}}', ": a fault"),
        (500, "application/json", b'{"error": "fault"}', "is no ademan server: it answered 500"),
    ],
)
def test_what_answers_otherwise_is_told(fake: Fake, status: int, kind: str, body: bytes, told: str) -> None:
    fake.answers["/bundles"] = status, kind, body
    with pytest.raises(RemoteError) as refused:
        _ = GestureClient(fake.url).info
    assert told in str(refused.value)
    assert fake.url in str(refused.value)


def test_a_bundle_that_is_not_served_is_told_in_the_servers_words(fake: Fake) -> None:
    with pytest.raises(RemoteError, match=r"there is no bundle 'large'\. There are: small\."):
        _ = GestureClient(fake.url, "large").info


def test_nobody_at_home_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    with pytest.raises(RemoteError, match="cannot be reached: nothing listens there"):
        _ = GestureClient(f"http://127.0.0.1:{port}").info
    with pytest.raises(RemoteError, match="cannot be reached: there is no machine of that name"):
        _ = GestureClient("http://nobody.invalid").info


def test_a_server_that_does_not_answer_is_given_up(fake: Fake) -> None:
    network = SlowNetwork(fake.port)
    network.silent = True
    with pytest.raises(RemoteError, match="does not answer in time"):
        _ = GestureClient(network.url, timeout=0.3).info
    network.close()


@pytest.mark.parametrize("answer", [b"SSH-2.0-OpenSSH_9\r\n", b"\x00" * 3000, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 9000])
def test_what_speaks_no_http_is_told(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_answer_once, args=(door, answer), daemon=True).start()
        with pytest.raises(RemoteError, match=r"cannot be reached|closed the connection|no ademan server"):
            _ = GestureClient(f"http://127.0.0.1:{door.getsockname()[1]}", timeout=1).info


def _answer_once(door: socket.socket, answer: bytes) -> None:
    end, _ = door.accept()
    with end:
        end.recv(4096)
        end.sendall(answer)


def test_a_timeout_is_above_zero() -> None:
    with pytest.raises(ConfigError, match="timeout must be above zero seconds, found 0"):
        GestureClient("http://pi", timeout=0)


@pytest.fixture
def certificate(tmp_path: Path) -> dict[str, str]:
    """A certificate that nobody knows."""
    made = {"ssl_keyfile": str(tmp_path / "key.pem"), "ssl_certfile": str(tmp_path / "cert.pem")}
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    where = ["-keyout", made["ssl_keyfile"], "-out", made["ssl_certfile"]]
    try:
        subprocess.run([*openssl, *where, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    return made


def test_a_certificate_that_is_not_trusted_is_told_and_can_be(serve: Serve, certificate: dict[str, str]) -> None:
    fake = serve(tls=certificate)
    with pytest.raises(RemoteError) as refused:
        _ = GestureClient(fake.url).info
    assert "is not trusted: self-signed certificate." in str(refused.value)
    assert "--ca FILE" in str(refused.value)
    assert "--insecure" in str(refused.value)
    came: list[RemotePrediction] = []
    for verify in (False, certificate["ssl_certfile"]):
        client = GestureClient(fake.url, verify=verify)
        with client.stream(on_prediction=came.append) as remote:
            for frame in frames(5):
                remote.push(*frame)
    assert len(came) == 2 * 2
    assert isinstance(ssl.create_default_context(cafile=certificate["ssl_certfile"]), ssl.SSLContext)


def test_a_stream_says_too_that_a_certificate_is_not_trusted(serve: Serve, certificate: dict[str, str]) -> None:
    fake = serve(tls=certificate)
    trusting = GestureClient(fake.url, verify=False)
    manifest = trusting.info
    doubting = GestureClient(fake.url)
    doubting._info = "small", "v1", manifest
    with pytest.raises(RemoteError, match="is not trusted: self-signed certificate"):
        doubting.stream()


def test_a_server_without_tls_is_told(fake: Fake) -> None:
    with pytest.raises(RemoteError, match=r"does not answer in TLS: .* Is it http:// rather than https://\?"):
        _ = GestureClient(fake.url.replace("http", "https")).info


def test_a_stream_ends_with_its_block(fake: Fake) -> None:
    with GestureClient(fake.url).stream() as remote:
        pass
    assert not remote._thread.is_alive()
    wait_for(lambda: fake.heard[0].finished)
