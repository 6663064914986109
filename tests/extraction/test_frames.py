"""From videos to pictures: evenly spread, whole or not there, and nothing lost of who made them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from ademan.cli import main
from ademan.errors import AdemanError, ConfigError, SourceError
from ademan.extraction import extract, find_recordings
from ademan.extraction.frames import FramesOptions, write_frames
from ademan.landmarks import LandmarkConfig
from ademan.video import FrameFolder, VideoFile
from ademan.video.folder import read_picture
from ademan.video.note import read_note

Make = Callable[..., Path]


def video(path: Path, frames: int = 10, *, size_wh: tuple[int, int] = (64, 48), **tags: str) -> Path:
    """A video whose n-th frame is as bright as its number, ten steps a frame; 25 frames a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as container:
        container.metadata.update(tags)
        stream: Any = container.add_stream("libx264", rate=25, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = *size_wh, "yuv444p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        for n in range(frames):
            image = np.full((size_wh[1], size_wh[0], 3), 5 * n % 250, np.uint8)
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = 40 * n, Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return tmp_path / "raw"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "frames"


def pictures(folder: Path) -> list[str]:
    return sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())


def brightness(path: Path) -> int:
    image = read_picture(path)
    assert image is not None
    return round(float(image.mean()) / 5)


def who(folder: Path, pattern: str = FramesOptions().pattern) -> list[tuple[str, str | None, str | None, str]]:
    found = find_recordings(folder, pattern)
    return sorted((r.gesture, r.subject, r.session, Path(r.id).name) for r in found)


def test_frames_are_spread_from_the_first_to_the_last(raw: Path, out: Path) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 31)
    summary = write_frames(raw, out, FramesOptions(frames=4))
    assert pictures(out) == [f"wave/wave_s1_1_frame_{n}.jpg" for n in range(4)]
    assert [brightness(out / name) for name in pictures(out)] == [0, 10, 20, 30]
    assert (summary.videos, summary.pictures, summary.failed) == ({"wave": 1}, 4, {})


def test_a_short_video_gives_all_its_frames(raw: Path, out: Path) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 5)
    write_frames(raw, out)
    assert [brightness(out / "wave" / f"wave_s1_1_frame_{n}.jpg") for n in range(5)] == [0, 1, 2, 3, 4]
    assert len(pictures(out)) == 5


def test_pictures_keep_the_times_of_their_frames(raw: Path, out: Path) -> None:
    path = video(raw / "wave" / "wave_s1_1.mp4", 31)
    write_frames(raw, out, FramesOptions(frames=4))
    (recording,) = find_recordings(out)
    given = [frame.timestamp_ms for frame in recording.open()]
    assert given == [[frame.timestamp_ms for frame in VideoFile(path)][n] for n in (0, 10, 20, 30)]
    assert [frame.timestamp_ms for frame in recording.open(every=2)] == given[::2]


@pytest.mark.parametrize("count", [None, 7, 90])
def test_a_head_that_says_a_wrong_number_of_frames_changes_nothing(
    raw: Path, out: Path, count: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 31)
    opened = VideoFile.__init__

    def lying(file: VideoFile, *arguments: Any, **more: Any) -> None:
        opened(file, *arguments, **more)
        file.count, file.duration_ms = count, None

    monkeypatch.setattr(VideoFile, "__init__", lying)
    write_frames(raw, out, FramesOptions(frames=4))
    assert [brightness(out / name) for name in pictures(out)] == [0, 10, 20, 30]


def test_a_video_is_decoded_once(raw: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 31)
    passes = []
    going = VideoFile.__iter__
    monkeypatch.setattr(VideoFile, "__iter__", lambda file: passes.append(file.path) or going(file))  # type: ignore[func-returns-value]
    write_frames(raw, out)
    assert len(passes) == 1


def test_pictures_are_made_smaller_when_asked_for(raw: Path, out: Path) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 3, size_wh=(256, 128))
    write_frames(raw, out, FramesOptions(size=64))
    image = read_picture(out / "wave" / "wave_s1_1_frame_0.jpg")
    assert image is not None
    assert image.shape == (32, 64, 3)


@pytest.mark.parametrize(
    ("name", "pattern", "given"),
    [
        ("wave/wave_s1_1", "{gesture}/{gesture}_{subject}_{repetition}", ""),
        ("two/three/fan_down/fan_down_s1_1", "{gesture}/{gesture}_{subject}_{repetition}", ""),
        ("wave_s1_1", "{gesture}_{subject}_{repetition}", ""),
        ("wave/IMG_7", "{gesture}/{gesture}_{subject}_{repetition}", ""),
        ("wave/wave_s1_1", "{gesture}/{gesture}_{subject}_{repetition}", "wave"),
        ("wave/wave_s1_1", "{gesture}/{gesture}_{subject}_{repetition}", "wave/wave_s1_1.mp4"),
        ("wave/IMG_7", "{gesture}/{gesture}_{subject}_{repetition}", "wave"),
        ("monday/s1/wave_1", "{session}/{subject}/{gesture}_{}", ""),
        ("monday/s1/wave_1", "{session}/{subject}/{gesture}_{}", "monday"),
        ("monday/s1/wave_1", "{session}/{subject}/{gesture}_{}", "monday/s1"),
        ("Archery/v_Archery_g01_c02", "v_{gesture}_{subject}_{repetition}", ""),
        ("videos/wave/wave_s1_1", "{session}/{gesture}/{gesture}_{subject}_{repetition}", "videos"),
        ("wave/wave_s1_1_frame_3", "{gesture}/{gesture}_{subject}_{repetition}", ""),
    ],
)
def test_the_same_pattern_reads_who_and_what_from_the_pictures(
    raw: Path, out: Path, name: str, pattern: str, given: str
) -> None:
    video(raw / f"{name}.mp4", 3)
    write_frames(raw / given, out, FramesOptions(pattern=pattern))
    assert who(out, pattern) == who(raw / given, pattern)
    assert len(pictures(out)) == 3


def test_a_folder_that_says_less_than_those_above_it_is_refused(raw: Path, out: Path) -> None:
    video(raw / "monday" / "s1" / "hands" / "wave_1.mp4", 3)
    pattern = "{session}/{subject}/hands/{gesture}_{}"
    with pytest.raises(
        SourceError, match=rf"is said by folders above .*\. Give a folder above it, such as .*{raw.name}"
    ):
        write_frames(raw / "monday" / "s1" / "hands", out, FramesOptions(pattern=pattern))
    write_frames(raw, out, FramesOptions(pattern=pattern))
    assert who(out, pattern) == [("wave", "s1", "monday", "wave_1")]


def test_what_only_the_tags_of_a_video_say_is_not_lost(raw: Path, out: Path) -> None:
    video(raw / "wave" / "IMG_7.mp4", 3, subject="ann", session="monday")
    write_frames(raw, out)
    (recording,) = find_recordings(out)
    frames = recording.open()
    assert isinstance(frames, FrameFolder)
    assert (frames.metadata["subject"], frames.metadata["session"]) == ("ann", "monday")


def test_a_second_run_goes_on_where_the_first_was_stopped(raw: Path, out: Path) -> None:
    for n in range(3):
        video(raw / "wave" / f"wave_s1_{n}.mp4", 3 + n)
    write_frames(raw, out)
    before = {name: (out / name).stat().st_mtime_ns for name in pictures(out)}
    (out / "wave" / "wave_s1_1_frame_0.jpg").unlink()  # the first one appears last
    (out / "wave" / "wave_s1_2_frame_4.jpg").unlink()
    summary = write_frames(raw, out)
    assert (summary.passed_over, summary.pictures, summary.videos) == (1, 4 + 5, {"wave": 3})
    after = {name: (out / name).stat().st_mtime_ns for name in pictures(out)}
    assert after.keys() == before.keys()
    assert {name.split("_frame_")[0] for name in after if after[name] == before[name]} == {"wave/wave_s1_0"}


def test_pictures_of_other_options_or_programs_are_replaced_when_told_only(raw: Path, out: Path) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 12)
    video(raw / "wave" / "wave_s1_2.mp4", 12)
    write_frames(raw, out, FramesOptions(frames=8))
    foreign = out / "wave" / "wave_s1_2_frame_3.jpg"
    foreign.write_bytes(b"mine")
    with pytest.raises(SourceError, match=r"not one of the 2 videos became pictures.*\n.*with other options"):
        write_frames(raw, out, FramesOptions(frames=4))
    summary = write_frames(raw, out, FramesOptions(frames=8))
    assert summary.failed.keys() == {"wave/wave_s1_2"}
    assert "replace them with --overwrite" in summary.failed["wave/wave_s1_2"]
    assert foreign.read_bytes() == b"mine"
    summary = write_frames(raw, out, FramesOptions(frames=4), overwrite=True)
    assert (summary.pictures, summary.failed) == (8, {})
    assert pictures(out) == [f"wave/wave_s1_{v}_frame_{n}.jpg" for v in (1, 2) for n in range(4)]


def test_a_video_that_cannot_be_read_is_named_and_leaves_nothing(raw: Path, out: Path) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 3)
    whole = video(raw / "wave" / "wave_s1_2.mp4", 200).read_bytes()
    (raw / "wave" / "wave_s1_2.mp4").write_bytes(whole[: len(whole) // 2])
    (raw / "wave" / "wave_s1_3.mp4").write_bytes(b"")
    summary = write_frames(raw, out)
    assert summary.failed.keys() == {"wave/wave_s1_2", "wave/wave_s1_3"}
    assert "is empty" in summary.failed["wave/wave_s1_3"]
    assert pictures(out) == [f"wave/wave_s1_1_frame_{n}.jpg" for n in range(3)]
    (raw / "wave" / "wave_s1_1.mp4").write_bytes(b"")
    with pytest.raises(SourceError, match="not one of the 3 videos became pictures"):
        write_frames(raw, out.with_name("other"))


def test_pictures_among_the_videos_are_refused(raw: Path) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 3)
    for place in (raw, raw / "frames"):
        with pytest.raises(ConfigError, match="take the pictures for recordings"):
            write_frames(raw, place)


def test_two_videos_whose_pictures_would_have_one_name_are_refused(raw: Path, out: Path) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 3)
    video(raw / "wave_s1_1.mp4", 3)
    with pytest.raises(SourceError, match="would have one name, 'wave_s1_1'"):
        write_frames(raw, out, FramesOptions(pattern="{gesture}_{subject}_{}"))


@pytest.mark.parametrize(
    ("option", "told"),
    [({"frames": 0}, "frames must be 1 or more"), ({"size": 3}, "size must be 0"), ({"quality": 101}, "quality must")],
)
def test_options_out_of_range_are_refused(option: dict[str, int], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        FramesOptions(**option)  # type: ignore[arg-type]


def test_a_full_disk_is_told_and_leaves_the_pictures_that_were_there(raw: Path, small_disk: Path) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 20, size_wh=(1280, 720))
    write_frames(raw, small_disk, FramesOptions(size=64))
    before = {name: (small_disk / name).read_bytes() for name in pictures(small_disk)}
    (small_disk / "filler").write_bytes(bytes(800_000))
    with pytest.raises(AdemanError, match="the disk is full"):
        write_frames(raw, small_disk, FramesOptions(quality=91), overwrite=True)
    (small_disk / "filler").unlink()
    assert {name: (small_disk / name).read_bytes() for name in pictures(small_disk)} == before


def test_a_stop_leaves_no_half_video(raw: Path, out: Path) -> None:
    for n in range(12):
        video(raw / "wave" / f"wave_s1_{n}.mp4", 40, size_wh=(640, 480))
    command = [sys.executable, "-m", "ademan", "frames", str(raw), "-o", str(out)]
    stopped = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while len(list((out / "wave").glob("*_frame_0.jpg"))) < 2 and time.monotonic() < until:
        time.sleep(0.005)
    os.killpg(stopped.pid, signal.SIGINT)
    _, said = stopped.communicate(timeout=60)
    assert stopped.returncode == 130, said
    videos = {name.split("_frame_")[0] for name in pictures(out)}
    assert 2 <= len(videos) < 12
    assert pictures(out) == sorted(f"{name}_frame_{n}.jpg" for name in videos for n in range(32))


def test_frames_of_frame_folders_tell_what_is_missing(raw: Path, out: Path) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 8)
    write_frames(raw, out)
    (out / "wave" / "wave_s1_1_frame_3.jpg").unlink()
    (out / "wave" / "wave_s1_1_frame_5.jpg").write_bytes(b"no picture")
    summary = write_frames(out, out.with_name("again"))
    assert summary.skipped == {
        "wave/wave_s1_1": ("1 between wave_s1_1_frame_2 and wave_s1_1_frame_4", "wave_s1_1_frame_5.jpg")
    }
    assert summary.pictures == 6


def test_the_command_says_what_it_did(raw: Path, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video(raw / "wave" / "wave_s1_1.mp4", 3)
    (raw / "wave" / "wave_s1_2.mp4").write_bytes(b"")
    with pytest.raises(SystemExit) as done:
        main(["frames", str(raw), "-o", str(out), "--json"])
    assert done.value.code == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["videos"], said["pictures"]) == ({"wave": 1}, 3)
    with pytest.raises(SystemExit):
        main(["frames", str(raw), "-o", str(out)])
    said = capsys.readouterr()
    assert "1 videos, 1 of them from a run before, 0 pictures written" in said.out
    assert "skipped wave/wave_s1_2" in said.err


def test_pictures_of_real_videos_are_extracted_like_the_videos(real_data: Path, out: Path, tmp_path: Path) -> None:
    videos = real_data / "home-gestures" / "raw_videos"
    raw = tmp_path / "raw" / "num5"
    raw.mkdir(parents=True)
    for name in ("num5_s1_1.mp4", "num5_s1_2.mp4"):
        (raw / name).symlink_to(videos / "num5" / name)
    assert write_frames(tmp_path / "raw", out).failed == {}
    assert who(out) == who(tmp_path / "raw")
    summary = extract(out, tmp_path / "d.h5", config=LandmarkConfig(max_hands=1))
    assert summary.clips == {"num5": 2}
    assert summary.seen > 0.9
    assert read_note(out / "num5" / "num5_s1_1_frame_0.jpg")["subject"] == "s1"
