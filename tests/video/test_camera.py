"""Cameras: the newest frame wins, and what is lost comes back. The devices are fakes."""

import time
from typing import Any

import numpy as np
import pytest

from ademan.errors import VideoError
from ademan.video import Camera, CameraLost
from ademan.video import camera as camera_module


class Device:
    """Gives so many pictures, then none."""

    def __init__(self, pictures: int = 10**9, *, opens: bool = True, pace_s: float = 0.002) -> None:
        self.left, self.opens, self.pace_s = pictures, opens, pace_s
        self.asked: dict[int, float] = {}
        self.released = False
        self.given = 0

    def isOpened(self) -> bool:  # noqa: N802
        return self.opens

    def read(self) -> tuple[bool, Any]:
        time.sleep(self.pace_s)
        if self.given >= self.left:
            return False, None
        self.given += 1
        picture = np.zeros((4, 6, 3), np.uint8)
        picture[..., 0] = self.given % 256  # blue, in OpenCV's order
        return True, picture

    def set(self, prop: int, value: float) -> bool:
        self.asked[prop] = value
        return True

    def release(self) -> None:
        self.released = True


def test_pictures_are_rgb_with_rising_times_and_the_device_is_let_go() -> None:
    device = Device()
    camera = Camera(0, (640, 480), 30, open_capture=lambda _: device)
    frames = []
    for frame in camera:
        frames.append(frame)
        if len(frames) == 5:
            camera.close()
    assert len(frames) == 5
    assert frames[0].image_rgb[0, 0, 2] > 0
    assert frames[0].image_rgb[0, 0, 0] == 0
    assert (np.diff([frame.timestamp_ms for frame in frames]) > 0).all()
    assert device.released
    assert sorted(device.asked.values()) == [30, 480, 640]


def test_who_is_slow_gets_the_newest_frame() -> None:
    device = Device()
    camera = Camera(open_capture=lambda _: device)
    seen = []
    for frame in camera:
        seen.append(int(frame.image_rgb[0, 0, 2]))
        time.sleep(0.05)
        if len(seen) == 3:
            camera.close()
    assert min(np.diff(seen)) > 3


def test_a_camera_that_is_not_there_says_which_are() -> None:
    camera = Camera(7, open_capture=lambda _: Device(opens=False))
    with pytest.raises(VideoError, match=r"there is no camera 7\. Cameras found: .*--camera"):
        next(iter(camera))
    stream = Camera("rtsp://door/1", open_capture=lambda _: Device(opens=False))
    with pytest.raises(VideoError, match="the stream rtsp://door/1 cannot be opened"):
        next(iter(stream))


def test_a_camera_that_is_pulled_out_is_told() -> None:
    camera = Camera(open_capture=lambda _: Device(3))
    with pytest.raises(CameraLost, match=r"camera 0 gives no pictures any more.*Plug it in again"):
        list(camera)


def test_a_camera_that_comes_back_is_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "RETRY_S", 0.01)
    devices = [Device(3), Device(opens=False), Device(opens=False), Device()]
    told: list[str] = []
    camera = Camera(recover=True, on_state=told.append, open_capture=lambda _: devices.pop(0))
    for seen, _ in enumerate(camera):
        if not devices and seen > 6:
            camera.close()
    assert not devices
    assert [text.split()[2] for text in told] == ["gives", "is"]


def test_closing_ends_the_wait_for_a_lost_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "RETRY_S", 0.01)
    devices = [Device(1)]
    camera = Camera(recover=True, on_state=lambda _: camera.close(), open_capture=lambda _: devices.pop(0))
    assert len(list(camera)) <= 1


def test_a_camera_that_falls_silent_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_module, "_SILENT_S", 0.1)
    device = Device(pace_s=0.6)
    camera = Camera(open_capture=lambda _: device)
    with pytest.raises(CameraLost):
        next(iter(camera))
    camera.close()
