"""Folders of pictures: grouped by video, in the order of their numbers."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from ademan.errors import VideoError
from ademan.video import FrameFolder
from ademan.video.folder import grouped, read_picture
from ademan.video.note import encode_jpeg, with_note
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


def test_pictures_that_are_missing_or_there_twice_are_named_and_their_time_passes(tmp_path: Path) -> None:
    for n in (2, 3, 5, 9):
        write(tmp_path / f"v_frame_{n}.png")
    write(tmp_path / "v_frame_03.png")
    folder = FrameFolder(tmp_path, fps=10)
    assert [frame.timestamp_ms for frame in folder] == [0.0, 100.0, 300.0, 700.0]
    assert folder.skipped[:2] == ["1 between v_frame_3 and v_frame_5", "3 between v_frame_5 and v_frame_9"]
    assert folder.skipped[2] in {"v_frame_3.png", "v_frame_03.png"}
    assert len(folder.skipped) == 3


def test_each_fifth_picture_of_a_video_lacks_nothing(tmp_path: Path) -> None:
    for n in (10, 15, 20):
        write(tmp_path / f"v_frame_{n}.png")
    folder = FrameFolder(tmp_path, fps=10)
    assert [frame.timestamp_ms for frame in folder] == [0.0, 100.0, 200.0]
    assert folder.skipped == []


def test_pictures_in_an_order_of_their_own_follow_each_other(tmp_path: Path) -> None:
    for n in range(3):
        write(tmp_path / f"v_frame_{n}.png", 10 * n)
    backwards = FrameFolder(tmp_path, fps=10, pictures=[tmp_path / f"v_frame_{n}.png" for n in (2, 1, 0)])
    assert [(frame.image_rgb[0, 0, 0], frame.timestamp_ms) for frame in backwards] == [(20, 0), (10, 100), (0, 200)]


@pytest.mark.parametrize(
    ("times_ms", "given"),
    [
        ([500, 540.5, 700], [0, 40.5, 200]),
        ([500, None, 700], [0, 100, 200]),
        ([500, 500, 700], [0, 100, 200]),
        ([500, "later", 700], [0, 100, 200]),
        ([0, 1e400, 2], [0, 100, 200]),
    ],
)
def test_pictures_that_all_say_when_they_were_taken_keep_their_times(
    tmp_path: Path, times_ms: list[object], given: list[float]
) -> None:
    for n, time_ms in enumerate(times_ms):
        note = {"time_ms": "1e400" if time_ms == 1e400 else time_ms, "subject": "ann"}
        jpeg = with_note(encode_jpeg(corner(), 90), note)
        (tmp_path / f"v_frame_{n}.jpg").write_bytes(jpeg.replace(b'"1e400"', b"  1e400"))
    folder = FrameFolder(tmp_path, fps=10)
    assert [frame.timestamp_ms for frame in folder] == given
    assert folder.metadata["subject"] == "ann"


def test_names_of_any_letters_and_digits_are_sorted(tmp_path: Path) -> None:
    for name in ("²1", "a²", "٣_frame_1", "10", "9"):
        write(tmp_path / f"{name}.png")
    assert {video: len(pictures) for video, pictures in grouped(tmp_path).items()} == {tmp_path.name: 4, "٣": 1}


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
