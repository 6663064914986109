"""`ademan live` and `ademan capture` from the command line, without a window."""

import json
from pathlib import Path

import pytest

from ademan.cli import main
from ademan.publishing import MqttConfig
from tests.publishing.conftest import Listener, free_port, home, listener
from tests.video.conftest import MakeVideo, make_video

__all__ = ["home", "listener", "make_video"]


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    code = left.value.code
    assert isinstance(code, int)
    return code


def test_without_a_bundle_those_that_are_there_are_listed(
    small_bundle: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(small_bundle.parent)
    assert run("live") == 2
    assert "Use one:  ademan live small" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    assert run("live") == 2
    assert "No bundle was found below this folder" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["gone.mp4", "--headless"], 1, "there is no gone.mp4: expected a camera's number"),
        (["--camera", "99", "--headless"], 1, "there is no camera 99. Cameras found"),
        (["--landmarker", "magic"], 2, "landmarker 'magic' is unknown; choose litert or mediapipe"),
        (["--accept", "2"], 2, "a threshold of a stream must be from 0 to 1, found 2"),
        (["--mqtt", "ann:s3cret@pi:0"], 2, "--mqtt pi: the port must be a number from 1 to 65535; expected HOST"),
        (["--mqtt", "tcp://pi"], 2, "--mqtt tcp://pi: the scheme must be mqtt or mqtts; expected HOST"),
        (["--mqtt-user", "ann"], 2, "--mqtt-user, --mqtt-password and --mqtt-tls need a broker: add --mqtt HOST"),
    ],
)
def test_mistakes_get_one_message(
    arguments: list[str], code: int, told: str, small_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("live", str(small_bundle), *arguments) == code
    assert told in " ".join(capsys.readouterr().err.split())


def test_predictions_are_lines_of_json(
    small_bundle: Path, make_video: MakeVideo, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = real_data / "home-gestures" / "raw_videos" / "num5" / "num5_s1_1.mp4"
    assert run("live", str(small_bundle), str(video), "--headless", "--predictions", "--accept", "1") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(lines) > 10
    assert all(set(line["probabilities"]) == {"a", "b", "idle"} for line in lines)
    assert all(sum(line["probabilities"].values()) == pytest.approx(1, abs=0.01) for line in lines)


def test_events_are_published_as_they_are_printed(
    small_bundle: Path, real_data: Path, home: MqttConfig, listener: Listener, capsys: pytest.CaptureFixture[str]
) -> None:
    video = real_data / "home-gestures" / "raw_videos" / "num5" / "num5_s1_1.mp4"
    topic, prefix = home.mqtt_topic, home.mqtt_discovery
    flags = ["--mqtt", "127.0.0.1", "--mqtt-name", "pi", "--mqtt-topic", topic, "--mqtt-discovery", prefix]
    eager = ["--accept", "0", "--release", "0", "--least-ms", "0"]
    assert run("live", str(small_bundle), str(video), "--headless", *eager, *flags) == 0
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) >= 2
    listener.wait_for(f"{topic}/pi/event", *printed)
    listener.wait_for(f"{topic}/pi/status", "online", "offline")
    assert json.loads(listener.of(f"{prefix}/event/{topic}_pi/event/config")[0])["event_types"] == ["a", "b"]


def test_a_broker_that_is_away_keeps_nobody_from_recognising(
    small_bundle: Path, real_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = real_data / "home-gestures" / "raw_videos" / "num5" / "num5_s1_1.mp4"
    eager = ["--accept", "0", "--release", "0", "--least-ms", "0"]
    assert run("live", str(small_bundle), str(video), "--headless", *eager, "--mqtt", f"127.0.0.1:{free_port()}") == 0
    said = capsys.readouterr()
    assert json.loads(said.out.splitlines()[0])["event"] == "began"
    assert "cannot be reached: Connection refused. It is tried again." in said.err
    assert "did not reach the broker" in said.err


def test_clips_are_captured_from_a_film_without_a_window(
    make_video: MakeVideo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = make_video("film.mp4", [40.0 * i for i in range(100)])
    flags = ["--no-window", "--device", str(film), "--seconds", "0.4", "--countdown", "0", "--count", "2"]
    assert run("capture", "wave", *flags, "-o", str(tmp_path / "raw"), "--subject", "ann") == 0
    said = capsys.readouterr()
    assert "2 clips were recorded" in said.out
    assert "now there are 2 clips" in said.out
    assert "clip 1 of 2: recording" in said.err
    assert len(list((tmp_path / "raw" / "wave").glob("wave_ann_*.mp4"))) == 2


def test_a_film_that_ends_too_early_leaves_what_is_whole(
    make_video: MakeVideo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = make_video("film.mp4", [40.0 * i for i in range(30)])
    flags = ["--no-window", "--device", str(film), "--seconds", "0.6", "--countdown", "0", "--count", "5"]
    assert run("capture", "wave", *flags, "-o", str(tmp_path / "raw")) == 0
    assert "4 of 5 clips were not recorded" in capsys.readouterr().err
    assert len(list((tmp_path / "raw").rglob("*.mp4"))) == 1


def test_a_size_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("capture", "wave", "--size", "big") == 2
    assert "size 'big': expected width x height, such as 640x480" in capsys.readouterr().err
