"""From a tree of videos to a dataset: whole, resumable, the same whatever the number of workers."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from ademan.datasets import Dataset
from ademan.errors import AdemanError, ConfigError, SourceError
from ademan.extraction import ExtractOptions, extract
from ademan.extraction.extract import NPZ
from ademan.landmarks import LandmarkConfig
from ademan.video import ClipRecorder, Frame, VideoFile

CLIPS = ("num5/num5_s1_1", "num5/num5_s1_2", "fan_down/fan_down_s1_1", "fan_down/fan_down_s1_2")


@pytest.fixture
def videos(real_data: Path, tmp_path: Path) -> Path:
    """Four short clips of one hand, 23 to 25 frames each."""
    for name in CLIPS:
        place = tmp_path / "raw" / f"{name}.mp4"
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(real_data / "home-gestures" / "raw_videos" / f"{name}.mp4", place)
    return tmp_path / "raw"


def test_videos_become_clips_with_who_and_what(videos: Path, tmp_path: Path) -> None:
    summary = extract(videos, tmp_path / "d.h5")
    assert summary.clips == {"fan_down": 2, "num5": 2}
    assert summary.seen > 0.95
    with Dataset(tmp_path / "d.h5") as dataset:
        assert dataset.table.ids.tolist() == sorted(CLIPS)
        assert set(dataset.table.subjects) == {"s1"}
        clip = dataset[0]
        assert clip.image_wh == (1280, 720)
        np.testing.assert_allclose(np.diff(clip.timestamps_ms).mean(), 225, atol=15)  # 4.4 frames a second
        assert np.nanmax(clip.points[..., 0]) < 1280 / 720
        assert dataset.made["options"]["landmarks"] == "hands"
    assert not list(tmp_path.glob(".*"))


def test_the_dataset_does_not_depend_on_the_number_of_workers(videos: Path, tmp_path: Path) -> None:
    for workers in (1, 2):
        extract(videos, tmp_path / f"{workers}.h5", workers=workers)
    assert (tmp_path / "1.h5").read_bytes() == (tmp_path / "2.h5").read_bytes()


def test_what_cannot_be_a_clip_is_named_with_its_reason(videos: Path, tmp_path: Path) -> None:
    whole = (videos / "num5" / "num5_s1_1.mp4").read_bytes()
    (videos / "num5" / "empty_s1_1.mp4").touch()
    (videos / "num5" / "text_s1_1.mp4").write_text("not a video")
    (videos / "num5" / "cut_s1_1.mp4").write_bytes(whole[: len(whole) // 2])
    grey = videos / "num5" / "num5_s1_9.mp4"
    with ClipRecorder(grey, (64, 48)) as recorder:
        for i in range(5):
            recorder.add(Frame(np.full((48, 64, 3), 128, np.uint8), 40.0 * i))
    summary = extract(videos, tmp_path / "d.h5")
    assert sum(summary.clips.values()) == 4
    assert set(summary.failed) == {"num5/empty_s1_1", "num5/text_s1_1", "num5/cut_s1_1", "num5/num5_s1_9"}
    assert "is empty" in summary.failed["num5/empty_s1_1"]
    assert "no point of hands was found in any of its 5 frames" in summary.failed["num5/num5_s1_9"]
    saved = json.loads((tmp_path / "d_extraction.json").read_text())
    assert saved["failed"] == summary.failed


def test_not_one_clip_is_an_error_with_the_reasons(tmp_path: Path) -> None:
    (tmp_path / "raw" / "wave").mkdir(parents=True)
    (tmp_path / "raw" / "wave" / "a.mp4").touch()
    with pytest.raises(SourceError, match=r"not one of the 1 recordings became a clip.*\n  wave/a: .*is empty"):
        extract(tmp_path / "raw", tmp_path / "d.h5")
    assert not (tmp_path / "d.h5").exists()


def test_fewer_than_one_worker_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="workers must be 1 or more, found 0"):
        extract(tmp_path, tmp_path / "d.h5", workers=0)


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_where_it_was(videos: Path, tmp_path: Path) -> None:
    for i in range(3, 12):
        shutil.copy(videos / "num5" / "num5_s1_1.mp4", videos / "num5" / f"num5_s1_{i}.mp4")
    command = [sys.executable, "-m", "ademan", "extract", str(videos), "-o", str(tmp_path / "d.h5"), "--workers", "2"]
    killed = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    parts = tmp_path / ".d.h5.parts"
    until = time.monotonic() + 60
    while len(list(parts.glob("*.npz"))) < 3 and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    finished = len(list(parts.glob("*.npz")))
    assert 3 <= finished < 13
    assert not (tmp_path / "d.h5").exists()
    summary = extract(videos, tmp_path / "d.h5")
    assert summary.resumed == finished
    extract(videos, tmp_path / "anew.h5", resume=False)
    assert (tmp_path / "d.h5").read_bytes() == (tmp_path / "anew.h5").read_bytes()
    assert not parts.exists()


def test_every_second_frame_and_a_smaller_size(videos: Path, tmp_path: Path) -> None:
    extract(videos, tmp_path / "d.h5", options=ExtractOptions(gestures=("num5",), every=2, size=320))
    extract(videos, tmp_path / "all.h5", options=ExtractOptions(gestures=("num5",)))
    with Dataset(tmp_path / "d.h5") as half, Dataset(tmp_path / "all.h5") as whole:
        assert half.table.lengths.tolist() == [(n + 1) // 2 for n in whole.table.lengths.tolist()]
        np.testing.assert_array_equal(half[0].timestamps_ms, whole[0].timestamps_ms[::2])
        assert half[0].image_wh == (1280, 720)
        assert np.nanmedian(np.abs(half[0].points - whole[0].points[::2])) < 0.02


def test_overlays_show_each_clip_at_its_own_pace(videos: Path, tmp_path: Path) -> None:
    extract(videos, tmp_path / "d.h5", options=ExtractOptions(gestures=("num5",)), overlay=tmp_path / "drawn")
    drawn = list(VideoFile(tmp_path / "drawn" / "num5" / "num5_s1_1.mp4"))
    plain = list(VideoFile(videos / "num5" / "num5_s1_1.mp4"))
    np.testing.assert_allclose([f.timestamp_ms for f in drawn], [f.timestamp_ms for f in plain], atol=0.1)
    assert np.abs(drawn[5].image_rgb.astype(int) - plain[5].image_rgb).max() > 100


def test_other_programs_get_arrays_of_126_values_a_frame(videos: Path, tmp_path: Path) -> None:
    extract(videos, tmp_path / "d.h5", npz=True)
    arrays = np.load(tmp_path / NPZ)
    assert arrays["X"].shape[2] == 126
    assert arrays["X"][..., 0].max() <= 1.0
    assert json.loads((tmp_path / "gesture_dataset_labels.json").read_text()) == {"fan_down": 0, "num5": 1}


def test_frame_folders_are_extracted_like_videos(videos: Path, tmp_path: Path) -> None:
    import cv2

    folder = tmp_path / "frames" / "num5"
    folder.mkdir(parents=True)
    for i, frame in enumerate(VideoFile(videos / "num5" / "num5_s1_1.mp4")):
        cv2.imwrite(str(folder / f"num5_s1_1_frame_{i}.jpg"), frame.image_rgb[..., ::-1])
    summary = extract(tmp_path / "frames", tmp_path / "d.h5", config=LandmarkConfig(max_hands=1))
    assert summary.clips == {"num5": 1}
    assert summary.seen > 0.9


def test_a_full_disk_is_told_and_leaves_nothing(videos: Path, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(bytes(2**20 - 40_000))
    with pytest.raises(AdemanError, match="the disk is full"):
        extract(videos, small_disk / "d.h5")
    assert not (small_disk / "d.h5").exists()


@pytest.mark.slow
def test_ctrl_c_stops_soon_and_keeps_what_is_finished(videos: Path, tmp_path: Path) -> None:
    for i in range(3, 20):
        shutil.copy(
            videos / "num5" / "num5_s1_1.mp4", videos / "num5" / f"num5_s1_{i}.mp4"
        )  # so many that both workers are at it
    command = [sys.executable, "-m", "ademan", "extract", str(videos), "-o", str(tmp_path / "d.h5"), "--workers", "2"]
    stopped = subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE, text=True)
    parts = tmp_path / ".d.h5.parts"
    until = time.monotonic() + 60
    while len(list(parts.glob("*.npz"))) < 5 and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(stopped.pid, signal.SIGINT)
    _, said = stopped.communicate(timeout=60)
    assert stopped.returncode == 130
    assert "stopped; nothing half-written was left" in said
    assert not (tmp_path / "d.h5").exists()
    assert list(parts.glob("*.npz"))
