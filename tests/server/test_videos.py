"""Clips that are sent: what comes of them, whatever they are, and that nothing of them stays."""

import asyncio
import json
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from ademan.bundle import read_bundle
from ademan.cli import main
from ademan.errors import ConfigError
from ademan.server import videos
from ademan.server.config import ServeConfig
from ademan.server.errors import ApiError
from ademan.server.videos import MOST_VIDEOS, Videos, check_beginning
from ademan.skeleton import skeleton
from ademan.video import ClipRecorder
from tests.server.conftest import Running, Serve, started, wait_for
from tests.video.conftest import MakeVideo, frames, make_video

__all__ = ["make_video"]
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"
LIST = b"ffconcat version 1.0\nfile '/etc/passwd'\n"


@pytest.fixture(scope="module")
def server(small_bundle: Path) -> Iterator[Running]:
    running = started({"small": str(small_bundle)}, ServeConfig(port=0, refresh=0, timeout=30, max_video=2))
    yield running
    running.stop()
    assert running.parts.videos._places == MOST_VIDEOS


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An mp4 of ten pictures in which nobody is seen."""
    path = tmp_path_factory.mktemp("clips") / "a.mp4"
    with ClipRecorder(path, (64, 48)) as recorder:
        for frame in frames([40.0 * i for i in range(10)]):
            recorder.add(frame)
    return path.read_bytes()


@pytest.fixture(autouse=True, scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the server keeps a video while it is read; nothing may be left there, and nothing get beside it."""
    place = tmp_path_factory.mktemp("outside") / "inside"
    place.mkdir()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(tempfile, "tempdir", str(place))
        yield place
        wait_for(lambda: list(place.parent.rglob("*")) == [place])


def send(server: Running, content: bytes, name: str = "a.mp4", kind: str = "video/mp4", **more: Any) -> Any:
    files = {"file": (name, content, kind)}
    return requests.post(f"{server.url}/predict/video", files=files, timeout=60, **more).json()


def readers() -> list[BaseProcess]:
    return [child for child in multiprocessing.active_children() if child.name == "ademan videos"]


@contextmanager
def pause(process: BaseProcess) -> Iterator[None]:
    assert process.pid
    os.kill(process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGCONT)


def test_a_clip_in_which_nobody_is_seen_is_idle(server: Running, clip: bytes) -> None:
    answer = send(server, clip)
    assert (answer["label"], answer["seen"], answer["gesture"]) == ("idle", False, None)
    raw = requests.post(f"{server.url}/predict/video", clip, headers={"Content-Type": "video/mp4"}, timeout=60).json()
    assert answer | {"milliseconds": 0} == raw | {"milliseconds": 0}


def test_a_real_clip_is_named_as_by_the_command_line(
    server: Running, real_data: Path, small_bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = real_data / "home-gestures" / "raw_videos" / "num5" / "num5_s1_1.mp4"
    answer = send(server, video.read_bytes())
    with pytest.raises(SystemExit):
        main(["predict", str(small_bundle), str(video), "--json"])
    (expected,) = json.loads(capsys.readouterr().out)["predictions"]
    assert answer["seen"]
    assert answer["label"] == expected["label"]
    for label, share in expected["probabilities"].items():
        assert answer["probabilities"][label] == pytest.approx(share, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mov", "libx264"), ("a.mkv", "libx264"), ("a.webm", "libvpx"), ("a.avi", "mpeg4"), ("a.ts", "libx264"),
     ("a.flv", "flv1"), ("a.wmv", "wmv2")],
)  # fmt: skip
def test_many_kinds_of_video_are_taken(name: str, codec: str, server: Running, make_video: MakeVideo) -> None:
    video = make_video(name, codec=codec)
    answer = send(server, video.read_bytes(), name="x", kind="application/octet-stream")
    assert answer.get("label") == "idle", answer


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "the video is empty."),
        (b"\x00", "this is no video: expected MP4, WebM, MOV, MKV, AVI or the like."),
        (b"hello" * 100, "this is no video: expected MP4"),
        (PLAYLIST, "this is no video: expected MP4"),
        (LIST, "this is no video: expected MP4"),
        (b"<html><script>alert(1)</script>", "this is no video: expected MP4"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "this is no video: expected MP4"),
        (b"\x00\x00\x00\x18ftypmp42" + b"x" * 500, "the video is no video, or its beginning is damaged"),
        (b"\x1aE\xdf\xa3" + os.urandom(2000), "the video is no video, or its beginning is damaged"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "the video"),
    ],
)
def test_what_is_no_video_is_told(content: bytes, told: str, server: Running) -> None:
    error = send(server, content)["error"]
    assert error["code"] == "bad_video"
    assert error["message"].startswith(told)
    assert len(error["message"]) < 300
    assert "/tmp" not in error["message"]  # noqa: S108
    assert "ademan-" not in error["message"]


def test_half_a_video_is_told(server: Running, clip: bytes) -> None:
    message = send(server, clip[: len(clip) // 2])["error"]["message"]
    assert message.startswith("the video ")
    assert send(server, clip)["label"] == "idle"


@settings(max_examples=25)
@given(
    content=st.binary(max_size=300),
    beginning=st.sampled_from([b"", b"\x1aE\xdf\xa3", b"RIFF", b"GIF8", b"\x00\x00\x00\x18ftyp"]),
)
def test_any_file_is_refused_shortly(content: bytes, beginning: bytes, server: Running) -> None:
    error = send(server, beginning + content)["error"]
    assert error["code"] == "bad_video"
    assert 10 < len(error["message"]) < 300


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd.mp4", "/etc/passwd", "a\x00b.mp4", "..", "a.mp4/../../b", "x.py", "x" * 5000, "$(reboot).mp4",
     "<script>.mp4", "é\u202e.mp4", "file:///etc/passwd", ""],
)  # fmt: skip
def test_what_a_file_is_called_means_nothing(name: str, server: Running, clip: bytes) -> None:
    boundary = b"----b"
    disposition = f'form-data; name="file"; filename="{name}"'.encode()
    body = b"--%b\r\nContent-Disposition: %b\r\n\r\n%b\r\n--%b--\r\n" % (boundary, disposition, clip, boundary)
    headers = {"Content-Type": "multipart/form-data; boundary=----b"}
    answer = requests.post(f"{server.url}/predict/video", body, headers=headers, timeout=60).json()
    assert answer.get("label") == "idle" or answer["error"]["code"] == "bad_request"


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("multipart/form-data", b"x", "the form cannot be read: Missing boundary in multipart."),
        ("multipart/form-data; boundary=b", b"", "expected a file in the field 'file'."),
        ("multipart/form-data; boundary=b", b"garbage", "the form cannot be read: "),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nx\r\n--b--\r\n", "the form cannot be read: "),
        (
            "multipart/form-data; boundary=b; charset=undefined",
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n--b--\r\n',
            "the form cannot be read: its charset is none for texts.",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\ny\r\n--b--\r\n',
            "expected a file in the field 'file'.",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n' * 2 + b"--b--\r\n",
            "the form cannot be read: Too many files. Maximum number of files is 1.",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"x" * 1_500_000 + b"\r\n--b--\r\n",
            "the form cannot be read: Part exceeded maximum size of 1024KB.",
        ),
    ],
)
def test_forms_that_are_none_are_told(kind: str, body: bytes, told: str, server: Running) -> None:
    answer = requests.post(f"{server.url}/predict/video", body, headers={"Content-Type": kind}, timeout=10)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "bad_request"
    assert answer.json()["error"]["message"].startswith(told)


@settings(max_examples=50)
@given(
    kind=st.sampled_from(["multipart/form-data", "video/mp4"]),
    more=st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    body=st.binary(max_size=100),
)
def test_no_form_is_a_fault_of_the_server(kind: str, more: str, body: bytes, server: Running) -> None:
    headers = {"Content-Type": f"{kind}; boundary=b; {more}".rstrip()}
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n' + body
    answer = requests.post(f"{server.url}/predict/video", body, headers=headers, timeout=10)
    assert answer.status_code in (415, 422)
    assert answer.json()["error"]["message"]


def test_a_video_that_is_too_large_is_refused(server: Running) -> None:
    assert send(server, bytes(2_000_001))["error"]["message"] == "the body has more than 2 MB, which is the limit."


def test_another_kind_of_body_is_refused(server: Running, clip: bytes) -> None:
    answer = requests.post(f"{server.url}/predict/video", clip, headers={"Content-Type": "image/png"}, timeout=10)
    assert answer.status_code == 415
    assert "expected a form with a 'file', or a body of video/mp4; found 'image/png'." in answer.text


def test_a_process_that_dies_is_told_and_the_next_video_is_read(server: Running, clip: bytes) -> None:
    assert send(server, clip)["label"] == "idle"
    (reader,) = readers()
    with pause(reader):
        threading.Timer(0.3, reader.kill).start()
        error = send(server, clip)["error"]
    assert error == {
        "code": "bad_video",
        "message": "the process that read the video died: it is damaged, or far too large.",
    }
    assert send(server, clip)["label"] == "idle"
    readers()[0].kill()  # while it has nothing to do
    wait_for(lambda: not readers())
    assert send(server, clip)["label"] == "idle"


def test_ctrl_c_is_not_for_the_process_that_reads(server: Running, clip: bytes) -> None:
    send(server, clip)
    (reader,) = readers()
    assert reader.pid
    os.kill(reader.pid, signal.SIGINT)
    assert send(server, clip)["label"] == "idle"
    assert [each.pid for each in readers()] == [reader.pid]


def test_videos_wait_for_their_turn_and_more_than_eight_are_too_many(server: Running, clip: bytes) -> None:
    answers: list[requests.Response] = []

    def work() -> None:
        files = {"file": ("a.mp4", clip, "video/mp4")}
        answers.append(requests.post(f"{server.url}/predict/video", files=files, timeout=60))

    send(server, clip)
    with pause(readers()[0]):
        threads = [threading.Thread(target=work) for _ in range(MOST_VIDEOS)]
        for thread in threads:
            thread.start()
        wait_for(lambda: not server.parts.videos._places)
        refused = requests.post(f"{server.url}/predict/video", bytes(1_000_000), timeout=10)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
        assert refused.headers["Retry-After"] == "1"
        assert requests.get(f"{server.url}/health", timeout=1).ok
    for thread in threads:
        thread.join()
    assert [answer.json()["label"] for answer in answers] == ["idle"] * MOST_VIDEOS


# Without a server


@pytest.mark.slow
def test_a_video_that_takes_too_long_is_given_up_and_the_next_one_is_read(
    small_bundle: Path, make_video: MakeVideo
) -> None:
    manifest, others = read_bundle(small_bundle).manifest, readers()
    short, long = make_video("a.mp4"), make_video("b.mp4", [40.0 * i for i in range(1500)], size_wh=(640, 480))

    async def work() -> None:
        reading = Videos(0.5)
        await reading.clip(short, manifest)  # the first one has longer: the process begins
        (before,) = set(readers()) - set(others)
        with pytest.raises(ApiError, match=r"the video took longer than 0\.5 seconds; send a shorter one\."):
            await reading.clip(long, manifest)
        assert not before.is_alive()
        assert len(await reading.clip(short, manifest)) == 10
        reading.close()
        assert set(readers()) == set(others)

    asyncio.run(work())


@pytest.mark.slow
@pytest.mark.parametrize("after_s", [0.0, 0.05, 0.5])
def test_ending_ends_the_process_whatever_it_does(
    after_s: float, small_bundle: Path, make_video: MakeVideo, caplog: pytest.LogCaptureFixture
) -> None:
    manifest, others = read_bundle(small_bundle).manifest, readers()
    long = make_video("b.mp4", [40.0 * i for i in range(1500)], size_wh=(640, 480))

    async def work() -> None:
        reading = Videos(60)
        task = asyncio.create_task(reading.clip(long, manifest))
        await asyncio.sleep(after_s)
        started_s = time.monotonic()
        await asyncio.to_thread(reading.close)
        with pytest.raises(ApiError, match="the process that read the video died"):
            await task
        assert time.monotonic() - started_s < 2
        assert set(readers()) == set(others)

    asyncio.run(work())


def test_a_bundle_whose_points_no_picture_gives_takes_no_videos(small_bundle: Path, make_video: MakeVideo) -> None:
    manifest = replace(read_bundle(small_bundle).manifest, skeleton=skeleton("kinect20"))

    async def work() -> None:
        with pytest.raises(ConfigError, match="cannot be found in pictures"):
            await Videos(1).clip(make_video(), manifest)

    asyncio.run(work())


def test_a_fault_of_ours_is_none_of_the_video_s(
    serve: Serve, clip: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Here: the networks that find hands are damaged."""
    monkeypatch.setenv("ADEMAN_MODELS", str(tmp_path / "file"))
    (tmp_path / "file").write_text("no folder")
    running = serve(config=ServeConfig(port=0, refresh=0))
    error = send(running, clip)["error"]
    assert error["code"] == "failed"
    assert "a video could not be read" in caplog.text


def test_beginnings_of_videos_are_known(make_video: MakeVideo, tmp_path: Path) -> None:
    check_beginning(make_video("a.mp4"))
    check_beginning(make_video("a.mkv"))
    for content in (PLAYLIST, LIST, b"G" + bytes(187) + b"x"):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(ApiError, match="this is no video"):
            check_beginning(tmp_path / "x")


def test_memory_that_is_not_there_is_the_video_s_fault(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def fails(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(videos, "_clip", fails)
    answer = videos._answer(videos._Job(tmp_path, {}, skeleton("hands")), {})
    assert answer == videos._Refusal("the video needs more memory than there is; send a smaller one.")
