"""A thread that takes the frames of a source as they come, so that a window stays awake while it waits for them."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from ademan.errors import AdemanError
from ademan.video import Frame, FrameSource

Result = TypeVar("Result")


class Watcher(Generic[Result]):
    """Takes frames one by one, and keeps the newest result.

    Args:
        source: gives the frames; it is closed at the end.
        step: called with each frame, in the thread.
    """

    def __init__(self, source: FrameSource, step: Callable[[Frame], Result]) -> None:
        self._source, self._step = source, step
        self._stop = threading.Event()
        self.newest: Result | None = None
        """Of the last frame; None before the first one."""
        self.error: AdemanError | None = None
        """What ended the frames, if something did."""
        self._thread = threading.Thread(target=self._watch, name=f"watcher of {source.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether the frames are over."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """End, and wait for the step that is going on."""
        self._stop.set()
        self._source.close()
        self._thread.join(10.0)

    def _watch(self) -> None:
        try:
            for frame in self._source:
                if self._stop.is_set():
                    break
                self.newest = self._step(frame)
        except AdemanError as error:
            self.error = None if self._stop.is_set() else error
        finally:
            self._source.close()
