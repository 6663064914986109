"""Several processes that answer on one socket: begun, begun again when one dies, and ended together."""

import logging
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from typing import Final

from ademan.errors import AdemanError, ServerError

log = logging.getLogger("ademan.studio")
_CONTEXT: Final = multiprocessing.get_context("spawn")
_LOOK_S: Final = 0.2
_PAUSE_S: Final = 1.0  # before one that died is begun again
_GRACE_S: Final = 15.0  # to answer what was asked; those that need longer are killed

Answer = Callable[[Callable[[], None]], None]
"""What a process does until a signal ends it; it calls what it is given once it answers."""


class _Child:
    """A process that answers."""

    def __init__(self, answer: Answer) -> None:
        self.is_ready: Event = _CONTEXT.Event()
        self.process: SpawnProcess = _CONTEXT.Process(target=_live, args=(answer, self.is_ready))
        self.process.start()


def run_processes(count: int, answer: Answer, on_ready: Callable[[], None]) -> None:
    """Let processes answer until a signal ends them.

    Args:
        count: how many.
        answer: what each does; it can be pickled.
        on_ready: called when all answer.

    Raises:
        ServerError: one could not begin; the others are ended.
    """
    with _until_signal() as is_ending:
        children = [_Child(answer) for _ in range(count)]
        try:
            if _all_ready(children, is_ending):
                on_ready()
            while not is_ending.is_set():
                children = [
                    child if child.process.is_alive() else _again(child, answer, is_ending) for child in children
                ]
                wait([child.process.sentinel for child in children], _LOOK_S)
        finally:
            _end(children)


def _all_ready(children: list[_Child], is_ending: threading.Event) -> bool:
    while not is_ending.is_set() and not all(child.is_ready.is_set() for child in children):
        if any(not child.process.is_alive() for child in children):
            raise ServerError("a process of the studio could not begin; what it said stands above.")
        time.sleep(_LOOK_S / 4)
    return not is_ending.is_set()


def _again(child: _Child, answer: Answer, is_ending: threading.Event) -> _Child:
    log.error("process ended, another begins", extra={"pid": child.process.pid, "code": child.process.exitcode})
    is_ending.wait(_PAUSE_S)
    return child if is_ending.is_set() else _Child(answer)


def _end(children: list[_Child]) -> None:
    for child in children:
        child.process.terminate()
    end_s = time.monotonic() + _GRACE_S
    for child in children:
        child.process.join(max(0.0, end_s - time.monotonic()))
        if child.process.is_alive():
            log.error("process killed: it did not end", extra={"pid": child.process.pid})
            child.process.kill()
            child.process.join()


@contextmanager
def _until_signal() -> Iterator[threading.Event]:
    """Give what is set by SIGTERM or Ctrl-C; a second Ctrl-C changes nothing, since the processes hear it, too."""
    is_ending = threading.Event()
    before = {number: signal.signal(number, lambda *_: is_ending.set()) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield is_ending
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _live(answer: Answer, is_ready: Event) -> None:
    """Be one of the processes; it ends with the one that began it, however that ends."""
    parent = multiprocessing.parent_process()

    def follow() -> None:
        if parent is not None:
            parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=follow, name="waits for the first process", daemon=True).start()
    try:
        answer(is_ready.set)
    except AdemanError as error:
        print(f"ademan: {error}", file=sys.stderr)  # noqa: T201 - as the command line does it
        sys.exit(1)
