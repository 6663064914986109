"""One way to open whatever gives frames."""

from pathlib import Path

import pytest

from ademan.errors import VideoError
from ademan.video import Camera, Playback, is_camera, open_source
from tests.video.conftest import MakeVideo


@pytest.mark.parametrize("text", ["0", "12", "/dev/video2", "rtsp://door/1"])
def test_cameras_are_numbers_devices_and_addresses(text: str) -> None:
    assert is_camera(text)
    assert isinstance(open_source(text), Camera)


def test_a_file_is_played(make_video: MakeVideo) -> None:
    source = open_source(str(make_video()), realtime=False)
    assert isinstance(source, Playback)
    assert len(list(source)) == 10


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match=r"expected a camera's number, a video file, or a folder of pictures"):
        open_source(str(tmp_path / "gone.mp4"))
