"""Video files: upright pictures, each with its own time."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ademan.errors import VideoError
from ademan.video import VideoFile
from ademan.video.file import LARGEST_SIDE
from tests.video.conftest import MakeVideo


def red_corner(image: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> str:
    """Return which quarter of a picture is red."""
    height, width = image.shape[:2]
    red = image[..., 0].astype(int) - image[..., 1]
    quarters = {
        "upper left": red[: height // 2, : width // 2],
        "upper right": red[: height // 2, width // 2 :],
        "lower left": red[height // 2 :, : width // 2],
        "lower right": red[height // 2 :, width // 2 :],
    }
    return max(quarters, key=lambda name: float(quarters[name].mean()))


def test_times_are_the_files_own_from_the_first_frame_on(make_video: MakeVideo) -> None:
    times = [0.0, 250.0, 290.0, 1000.0, 1008.0, 2500.0]
    found = [frame.timestamp_ms for frame in VideoFile(make_video(times_ms=times))]
    np.testing.assert_allclose(found, times, atol=1.0)


@pytest.mark.parametrize("fps", [4, 120])
def test_slow_and_fast_videos_keep_their_pace(make_video: MakeVideo, fps: int) -> None:
    found = [frame.timestamp_ms for frame in VideoFile(make_video(times_ms=[1000 * i / fps for i in range(12)]))]
    np.testing.assert_allclose(np.diff(found), 1000 / fps, atol=1.0)


@pytest.mark.parametrize(
    ("rotation", "where", "size_wh"),
    [
        (None, "upper left", (64, 48)),
        (90, "lower left", (48, 64)),
        (180, "lower right", (64, 48)),
        (-90, "upper right", (48, 64)),
    ],
)
def test_rotation_tags_are_obeyed(
    make_video: MakeVideo, rotation: int | None, where: str, size_wh: tuple[int, int]
) -> None:
    frame = next(iter(VideoFile(make_video(rotation=rotation))))
    assert frame.size_wh == size_wh
    assert red_corner(frame.image_rgb) == where
    assert frame.image_rgb.flags.c_contiguous


def test_pixels_that_are_not_square_are_made_so(make_video: MakeVideo) -> None:
    frame = next(iter(VideoFile(make_video(aspect=Fraction(2)))))
    assert frame.size_wh == (128, 48)


def test_colours_come_back(make_video: MakeVideo) -> None:
    frame = next(iter(VideoFile(make_video())))
    np.testing.assert_allclose(frame.image_rgb[12, 16], (220, 30, 30), atol=12)


@pytest.mark.parametrize(("name", "codec"), [("a.mkv", "libx264"), ("a.avi", "mpeg4"), ("a.webm", "libvpx")])
def test_other_kinds_are_read_too(make_video: MakeVideo, name: str, codec: str) -> None:
    found = list(VideoFile(make_video(name, codec=codec)))
    assert len(found) == 10
    assert red_corner(found[5].image_rgb) == "upper left"


def test_each_pass_begins_anew_and_every_second_frame_keeps_its_time(make_video: MakeVideo) -> None:
    path = make_video()
    video = VideoFile(path)
    once, again = ([frame.timestamp_ms for frame in video] for _ in range(2))
    assert once == again
    assert [frame.timestamp_ms for frame in VideoFile(path, every=2)] == once[::2]


def test_a_pass_may_be_ended(make_video: MakeVideo) -> None:
    video = VideoFile(make_video())
    seen = 0
    for _ in video:
        seen += 1
        video.close()
        video.close()
    assert seen == 1


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(VideoError, match=r"there is no video .*gone\.mp4"):
        VideoFile(tmp_path / "gone.mp4")
    with pytest.raises(VideoError, match=r"empty\.mp4 is empty: nothing was recorded"):
        VideoFile(tmp_path / "empty.mp4")
    with pytest.raises(VideoError, match=r"text\.mp4 is no video, or its beginning is damaged"):
        VideoFile(tmp_path / "text.mp4")
    with pytest.raises(VideoError, match="there is no video"):
        VideoFile(tmp_path)


def test_a_file_with_sound_only_is_told(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match=r"song\.mp4 has no picture, only audio"):
        VideoFile(path)


def test_a_file_that_was_cut_gives_its_frames_and_then_says_so(make_video: MakeVideo, tmp_path: Path) -> None:
    whole = make_video("a.mkv", [40.0 * i for i in range(60)], codec="mpeg4").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    seen = 0
    try:
        for _ in VideoFile(tmp_path / "cut.mkv"):
            seen += 1
    except VideoError as error:
        assert f"after {seen} frames" in str(error)
    assert 10 < seen < 50


def test_a_phone_video_whose_end_is_missing_is_told(real_data: Path, tmp_path: Path) -> None:
    whole = (real_data / "home-gestures" / "raw_videos" / "num5" / "num5_s2_1.mp4").read_bytes()
    for share in (0.2, 0.6, 0.9):
        path = tmp_path / "cut.mp4"
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(VideoError, match=r"is no video, or its beginning is damaged|cut short or damaged after"):
            list(VideoFile(path))


def test_random_damage_gives_frames_or_a_clear_error(real_data: Path, tmp_path: Path, rng: np.random.Generator) -> None:
    whole = (real_data / "home-gestures" / "raw_videos" / "num5" / "num5_s1_1.mp4").read_bytes()
    for _ in range(8):
        damaged = bytearray(whole)
        for place in rng.integers(0, len(whole), 40):
            damaged[place] = int(rng.integers(256))
        (tmp_path / "d.mp4").write_bytes(damaged)
        try:
            for frame in VideoFile(tmp_path / "d.mp4"):
                assert frame.image_rgb.ndim == 3
        except VideoError as error:
            assert "d.mp4" in str(error)


def test_pictures_beyond_all_measure_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = LARGEST_SIDE + 16, 16, "yuvj420p"
        picture = av.VideoFrame.from_ndarray(np.zeros((16, LARGEST_SIDE + 16, 3), np.uint8), format="rgb24")
        container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match=r"pictures of 8208 x 16 pixels; expected 1 to 8192 a side"):
        VideoFile(path)


def test_high_dynamic_range_with_odd_tags_is_read_right(real_data: Path) -> None:
    frame = next(iter(VideoFile(real_data / "video-fixtures" / "hdr_bt2020_fan_down.mp4")))
    assert frame.size_wh == (1080, 1920)
    wall = frame.image_rgb[100:300, 200:900].reshape(-1, 3).mean(axis=0)
    assert wall.min() > 180  # a light wall ...
    assert np.ptp(wall) < 25  # ... without a tint: some decoders make it green
