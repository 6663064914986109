"""Recorded clips: whole on disk, or not there at all."""

from pathlib import Path

import numpy as np
import pytest

from ademan.errors import AdemanError, VideoError
from ademan.video import ClipRecorder, Frame, VideoFile
from tests.video.conftest import corner, frames


def test_times_pictures_and_texts_come_back(tmp_path: Path) -> None:
    times = [5000.0, 5033.3, 5100.0, 5450.0]
    with ClipRecorder(tmp_path / "a" / "b.mp4", (64, 48), 24, {"subject": "ann", "gesture": "wave é"}) as recorder:
        for frame in frames(times):
            recorder.add(frame)
    video = VideoFile(tmp_path / "a" / "b.mp4")
    found = list(video)
    np.testing.assert_allclose([frame.timestamp_ms for frame in found], np.array(times) - 5000, atol=0.1)
    assert (video.metadata["subject"], video.metadata["gesture"]) == ("ann", "wave é")
    assert np.abs(found[0].image_rgb.astype(int) - corner()).mean() < 6


def test_an_odd_side_loses_its_last_row(tmp_path: Path) -> None:
    with ClipRecorder(tmp_path / "a.mp4", (65, 49)) as recorder:
        recorder.add(Frame(corner(65, 49), 0.0))
    assert next(iter(VideoFile(tmp_path / "a.mp4"))).size_wh == (64, 48)


def test_an_error_in_the_middle_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), ClipRecorder(tmp_path / "a.mp4", (64, 48)) as recorder:
        recorder.add(frames([0.0])[0])
        raise ZeroDivisionError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("added", "told"),
    [
        ([], "was not recorded: no frame came"),
        (frames([0.0, 0.0]), r"a frame at 0\.0 ms does not come after the last one"),
        (frames([0.0], (32, 32)), r"expected frames of \(64, 48\), found one of \(32, 32\)"),
    ],
)
def test_what_cannot_be_recorded_is_told_and_leaves_nothing(added: list[Frame], told: str, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=told), ClipRecorder(tmp_path / "a.mp4", (64, 48)) as recorder:
        for frame in added:
            recorder.add(frame)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_told_and_leaves_nothing(small_disk: Path, rng: np.random.Generator) -> None:
    with (
        pytest.raises(AdemanError, match="the disk is full"),
        ClipRecorder(small_disk / "a.mp4", (320, 240)) as recorder,
    ):
        for i in range(120):
            recorder.add(Frame(rng.integers(0, 256, (240, 320, 3), np.uint8), 40.0 * i))
    assert not list(small_disk.iterdir())
