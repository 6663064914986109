"""Folders of pictures: grouped by video, in the order of their numbers."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ademan.errors import VideoError
from ademan.video import FrameFolder
from ademan.video.folder import grouped, read_picture
from tests.video.conftest import corner


def write(path: Path, value: int = 100, size_wh: tuple[int, int] = (64, 48)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((size_wh[1], size_wh[0], 3), value, np.uint8))


def test_numbers_are_sorted_as_numbers_and_videos_told_apart(tmp_path: Path) -> None:
    for n in (10, 2, 1):
        write(tmp_path / f"v1_frame_{n}.png", 10 * n)
        write(tmp_path / f"v2_frame_{n}.png")
    videos = grouped(tmp_path)
    assert set(videos) == {"v1", "v2"}
    found = [frame.image_rgb[0, 0, 0] for frame in FrameFolder(tmp_path, pictures=videos["v1"])]
    assert found == [10, 20, 100]
    with pytest.raises(VideoError, match=r"holds pictures of 2 videos \(v1, v2\); name one"):
        FrameFolder(tmp_path)


def test_time_follows_the_frame_rate_and_passes_over_what_cannot_be_read(tmp_path: Path) -> None:
    for n in range(4):
        write(tmp_path / f"{n}.png")
    (tmp_path / "1.png").write_bytes(b"no picture")
    write(tmp_path / "2.png", size_wh=(32, 32))
    folder = FrameFolder(tmp_path, fps=10)
    assert [frame.timestamp_ms for frame in folder] == [0.0, 300.0]
    assert folder.skipped == ["1.png", "2.png"]


def test_colours_are_red_green_blue(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), corner()[..., ::-1])
    image = read_picture(tmp_path / "a.png")
    assert image is not None
    np.testing.assert_array_equal(image, corner())


def test_a_folder_without_a_readable_picture_is_told(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="holds no picture"):
        FrameFolder(tmp_path)
    (tmp_path / "a.jpg").touch()
    with pytest.raises(VideoError, match=r"not one of the 1 pictures in .* can be read"):
        list(FrameFolder(tmp_path))
