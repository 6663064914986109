"""`ademan client` from the command line, against the small server of the client's tests."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ademan.recognition import Classifier
from tests.cli.conftest import Run
from tests.client.conftest import classifier, fake, serve
from tests.client.fake import Fake, wait_for
from tests.live.conftest import Dot
from tests.video.conftest import MakeVideo, make_video

__all__ = ["classifier", "fake", "make_video", "serve"]
EAGER = ("--accept", "0", "--release", "0", "--least-ms", "0", "--smoothing-ms", "0")
ROOT = Path(__file__).parents[2]
DOTS = """
import ademan.live.pipeline
from ademan.cli import main
from tests.live.conftest import Dot
ademan.live.pipeline.open_extractor = lambda *_: Dot()
main()
"""


@pytest.fixture(autouse=True)
def no_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Points are found without networks, windows opened without a screen, and no key is in the environment."""
    monkeypatch.setattr("ademan.live.pipeline.open_extractor", lambda *_: Dot())
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    monkeypatch.setenv("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    monkeypatch.delenv("ADEMAN_API_KEY", raising=False)


@pytest.fixture
def film(make_video: MakeVideo) -> Path:
    return make_video("film.mp4", [40.0 * i for i in range(30)])


@pytest.mark.parametrize("how", [[], ["--rest"]])
def test_a_file_gives_the_lines_that_live_gives(
    how: list[str], fake: Fake, film: Path, small_bundle: Path, run: Run
) -> None:
    code, here, _ = run("live", small_bundle, film, "--headless", *EAGER)
    assert code == 0
    code, there, _ = run("client", fake.url, film, "--headless", *how, *EAGER)
    assert code == 0
    assert [json.loads(line) for line in there.splitlines()] == [json.loads(line) for line in here.splitlines()]
    assert len(here.splitlines()) >= 2


def test_predictions_are_lines_too(fake: Fake, film: Path, run: Run) -> None:
    code, printed, _ = run("client", fake.url, film, "--headless", "--predictions", "--accept", "1")
    lines = [json.loads(line) for line in printed.splitlines()]
    assert code == 0
    assert len(lines) == 12
    assert all(set(line["probabilities"]) == {"a", "b", "idle"} for line in lines)
    assert all(line["latency_ms"] > 0 for line in lines)
    assert lines[1]["time_ms"] == 120.0


def test_in_a_window_the_file_plays_to_its_end(fake: Fake, film: Path, run: Run) -> None:
    code, printed, said = run("client", fake.url, film, *EAGER)
    assert (code, printed) == (0, "")
    assert "predictions left out 2" in said  # which the test's server says always
    assert fake.heard[0].finished


def test_a_key_comes_from_the_environment(
    serve: Callable[..., Fake], film: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = serve("secret")
    code, _, said = run("client", fake.url, film, "--headless")
    assert code == 1
    assert "asks for a key. Give it in the variable ADEMAN_API_KEY, or by --key." in " ".join(said.split())
    monkeypatch.setenv("ADEMAN_API_KEY", "secret")
    assert run("client", fake.url, film, "--headless")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["ftp://pi"], 2, "'ftp://pi' is no address of a server"),
        (["URL", "--insecure", "--ca", "a.pem"], 2, "--insecure trusts any certificate, --ca those of a file"),
        (["URL", "--ca", "gone.pem"], 2, "gone.pem holds no certificates (PEM) that could be trusted"),
        (["URL", "--landmarker", "magic"], 2, "landmarker 'magic' is unknown; choose among litert, mediapipe"),
        (["URL", "--accept", "2"], 2, "a threshold of a stream must be from 0 to 1, found 2"),
        (["URL", "--mqtt-user", "ann"], 2, "need a broker: add --mqtt HOST"),
        (["http://127.0.0.1:9"], 1, "http://127.0.0.1:9 cannot be reached: nothing listens there"),
        (["URL", "--bundle", "large"], 1, "there is no bundle 'large'. There are: small."),
        (["URL", "gone.mp4"], 1, "there is no gone.mp4: expected a camera's number"),
        (["URL", "--camera", "99"], 1, "there is no camera 99. Cameras found"),
    ],
)
def test_mistakes_get_one_message(arguments: list[str], code: int, told: str, fake: Fake, run: Run) -> None:
    found, printed, said = run("client", *(fake.url if word == "URL" else word for word in arguments), "--headless")
    assert (found, printed) == (code, "")
    assert told in " ".join(said.split())
    assert "Traceback" not in said


def start(*arguments: object) -> subprocess.Popen[str]:
    """Run the command line in a process of its own."""
    command = [sys.executable, "-c", DOTS, "client", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def running(fake: Fake, film: Path) -> Iterator[subprocess.Popen[str]]:
    process = start(fake.url, film, "--headless", "--loop", "--realtime", *EAGER)
    yield process
    process.kill()
    process.communicate()


def test_ctrl_c_ends_the_gesture_and_says_good_bye(fake: Fake, running: subprocess.Popen[str]) -> None:
    assert running.stdout is not None
    assert json.loads(running.stdout.readline())["event"] == "began"
    running.send_signal(signal.SIGINT)
    printed, said = running.communicate(timeout=10)
    assert running.returncode == 130
    assert json.loads(printed.splitlines()[-1])["event"] == "ended"
    assert fake.heard[0].finished
    assert "Traceback" not in said


def test_when_nobody_reads_any_more_it_ends(fake: Fake, running: subprocess.Popen[str]) -> None:
    assert running.stdout is not None
    running.stdout.readline()
    running.stdout.close()
    fake.say("gesture", {"event": "ended", "label": "a", "time_ms": 1e7, "confidence": 1.0})
    fake.say("gesture", {"event": "began", "label": "a", "time_ms": 1e7, "confidence": 1.0})
    assert running.wait(10) == 1
    assert running.stderr is not None
    assert "Traceback" not in running.stderr.read()
    running.stdout = None


def test_a_server_that_goes_and_comes_is_told(
    fake: Fake, running: subprocess.Popen[str], classifier: Classifier
) -> None:
    assert running.stdout is not None
    assert running.stderr is not None
    running.stdout.readline()
    fake.go()
    assert "Trying again, until it is back." in running.stderr.readline()
    fake.come()
    wait_for(lambda: len(fake.heard) == 2 and fake.heard[1].frames)
    running.send_signal(signal.SIGINT)
    printed, said = running.communicate(timeout=10)
    assert "is back after" in said
    events = [json.loads(line)["event"] for line in printed.splitlines()]
    assert events == ["ended", "began"] * (len(events) // 2) + ["ended"]
