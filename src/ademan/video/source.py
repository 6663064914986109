"""One way to open whatever gives frames."""

from collections.abc import Callable
from pathlib import Path

from ademan.errors import VideoError
from ademan.video.camera import Camera
from ademan.video.file import VideoFile
from ademan.video.folder import FrameFolder
from ademan.video.frame import FrameSource
from ademan.video.playback import Playback


def is_camera(source: str | int) -> bool:
    """Return whether a source is a camera: a number, a device, or the address of a stream."""
    text = str(source)
    return text.isdigit() or text.startswith("/dev/") or "://" in text


def open_source(
    source: str | int,
    *,
    realtime: bool = True,
    loop: bool = False,
    recover: bool = False,
    size_wh: tuple[int, int] | None = None,
    fps: float | None = None,
    on_state: Callable[[str], None] | None = None,
) -> FrameSource:
    """Return what gives frames: a camera, or a file or folder played as one.

    Args:
        source: number or path of a camera, address of a stream, video file, or folder of pictures.
        realtime: play a file at its own pace, rather than as fast as frames are asked for.
        loop: play a file again and again.
        recover: wait for a camera that is lost.
        size_wh: to ask of a camera.
        fps: to ask of a camera.
        on_state: told of a camera that is lost, or back.

    Raises:
        VideoError: it is none of these, or cannot be opened.
    """
    text = str(source)
    if is_camera(text):
        return Camera(int(text) if text.isdigit() else text, size_wh, fps, recover=recover, on_state=on_state)
    path = Path(text)
    if not path.exists():
        raise VideoError(f"there is no {text}: expected a camera's number, a video file, or a folder of pictures.")
    return Playback(FrameFolder(path) if path.is_dir() else VideoFile(path), realtime=realtime, loop=loop)
