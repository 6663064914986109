"""A server that runs, with real sockets, in a thread of the test's process."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ademan.server.app import create_app
from ademan.server.config import ServeConfig
from ademan.server.listening import listen
from ademan.server.parts import Parts
from ademan.server.run import Server


@dataclass(frozen=True, eq=False)
class Running:
    """A server that answers."""

    url: str
    parts: Parts
    server: Server
    thread: threading.Thread

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(15)
        assert not self.thread.is_alive(), "the server does not stop"


Serve = Callable[..., Running]


def started(bundles: dict[str, str], config: ServeConfig | None = None, **more: Any) -> Running:
    """Start a server; whoever does so stops it."""
    application = create_app(bundles, config or ServeConfig(port=0, refresh=0.1), **more)
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    ready = threading.Event()
    server = Server(application, url, lambda _: ready.set())
    thread = threading.Thread(target=_run, args=(server, listener), name=f"server {url}", daemon=True)
    thread.start()
    assert ready.wait(15), "the server does not start"
    return Running(url, application.parts, server, thread)


@pytest.fixture
def serve(small_bundle: Path) -> Iterator[Serve]:
    """Start a server of `small_bundle`, or of the bundles that are given; it is stopped at the end of the test."""
    running: list[Running] = []

    def start(bundles: dict[str, str] | None = None, config: ServeConfig | None = None, **more: Any) -> Running:
        running.append(started(bundles or {"small": str(small_bundle)}, config, **more))
        return running[-1]

    yield start
    for one in running:
        one.stop()


def _run(server: Server, listener: Any) -> None:
    with closing(listener):
        server.run(sockets=[listener])


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """The logging of the tests is, at the end of a test, as it was before."""
    loggers = [logging.getLogger(name) for name in (None, "ademan", "uvicorn", "uvicorn.error")]
    before = [(logger, logger.handlers, logger.level, logger.propagate) for logger in loggers]
    yield
    for logger, handlers, level, propagate in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)
    logging.captureWarnings(False)


def wait_for(condition: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait until something is true, and return it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not become true")
