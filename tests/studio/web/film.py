"""A browser whose camera plays a film that a test has made."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.server.browser import _ARGUMENTS, _NAMES
from tests.studio.conftest import missing
from tests.studio.live.fakes import picture

FRAMES = 45
"""Of each shade: one and a half seconds."""


def film(path: Path, shades: Sequence[int]) -> Path:
    """Write what a camera sees: one shade after the other, again and again."""
    path.write_bytes(b"".join(picture(shade, (320, 240)) * FRAMES for shade in shades))
    return path


@contextmanager
def browser_with_camera(shown: Path) -> Iterator[Browser]:
    """Give a browser whose pages may use a camera that shows an .mjpeg file."""
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        missing(f"the page needs a browser: none of {', '.join(_NAMES)} is installed")
    more = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    more.append(f"--use-file-for-fake-video-capture={shown}")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=[*_ARGUMENTS, *more])
        yield opened
        opened.close()
