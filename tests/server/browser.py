"""A browser, and what the tests of the page put before the server's camera.

A test module that imports `browser` and `visit` has them as fixtures. Without Chromium its tests are skipped; where CI
is set to true, they fail instead.
"""

import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from ademan.clip import Points
from ademan.server.hub import Message
from ademan.skeleton import Skeleton, skeleton
from ademan.video import Frame
from tests.server.conftest import Running

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--headless=new --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run"
).split()
_TELL_VIOLATIONS = """
    document.addEventListener("securitypolicyviolation", (event) =>
        console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


@pytest.fixture(scope="module")  # no longer: while it is open, its thread has an event loop, which others must not meet
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        missing = f"the page needs a browser: none of {', '.join(_NAMES)} is installed"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(missing)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=path, args=_ARGUMENTS)
        yield opened
        opened.close()


@dataclass
class Watch:
    """What a page must not do.

    Args:
        host: the only one that it may ask.
        expected: pattern of the messages in the console that belong to the test.
    """

    host: str
    expected: str
    problems: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.on("console", lambda message: self._said(message.type, message.text))
        page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        page.on("request", self._asked)

    def _said(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not (self.expected and re.search(self.expected, text)):
            self.problems.append(f"{kind}: {text}")

    def _asked(self, request: Request) -> None:
        place = urlsplit(request.url)
        if place.scheme not in ("data", "blob") and place.netloc != self.host:
            self.problems.append(f"asked elsewhere: {request.url}")


Visit = Callable[..., Page]


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """Open the page of a server; at the end of the test, it must have had no errors and asked nobody else."""
    watches, contexts = [], []

    def open_page(url: str, *, expected: str = "", **context: Any) -> Page:
        contexts.append(browser.new_context(**context))
        page = contexts[-1].new_page()
        page.set_default_timeout(10_000)
        page.add_init_script(_TELL_VIOLATIONS)
        watches.append(Watch(urlsplit(url).netloc, expected))
        watches[-1].follow(page)
        page.goto(url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [problem for watch in watches for problem in watch.problems] == []


class Film:
    """A camera that gives grey pictures, 20 a second, for ever or a few only."""

    name = "film"

    def __init__(self, most: int | None = None) -> None:
        self._most, self._closed = most, threading.Event()

    def __iter__(self) -> Iterator[Frame]:
        begun, count = time.monotonic(), 0
        while not self._closed.wait(0.05):
            if self._most is None or count < self._most:
                count += 1
                yield Frame(np.zeros((36, 64, 3), np.uint8), (time.monotonic() - begun) * 1000)

    def close(self) -> None:
        self._closed.set()


class Hands:
    """A landmarker that sees two hands, slowly drifting apart."""

    def __init__(self) -> None:
        self._steps = 0

    @property
    def skeleton(self) -> Skeleton:
        return skeleton("hands")

    def find(self, frame: Frame) -> Points:
        self._steps += 1
        width, height = frame.size_wh
        hand = np.random.default_rng(0).uniform(-0.15, 0.15, (21, 3))
        apart = np.array([0.2 + 0.001 * (self._steps % 100), 0, 0])
        middle = np.array([width / height / 2, 0.5, 0])
        return np.concatenate([middle - apart + hand, middle + apart + hand]).astype(np.float32)

    def reset(self) -> None:
        pass

    def close(self) -> None:
        pass


def tell(running: Running, kind: str, **content: Any) -> None:
    """Have a server tell its listeners something, as if its camera had seen it."""
    running.parts.bridge._tell(Message(kind, content))
