"""News: a word from one part of the studio to all others that something has changed, so that they look at once.

News only say where to look; the truth is in the database. One that is lost costs a few seconds, since whoever listens
also looks from time to time. They go through Redis if the studio has one; else they stay within the process.
"""

import asyncio
import logging
import queue
import random
import re
import secrets
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, Literal, Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from ademan.errors import ConfigError

_log = logging.getLogger("ademan.studio")
_TOPIC: Final = re.compile(r"[a-z]{1,20}/[0-9]{1,19}")
_ALL: Final = "*"  # something may have been missed: look at everything
_MANY: Final = 1000  # that wait for Redis; more are dropped
_TURN_S: Final = 0.5  # that the threads take to notice the end
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 15.0
_CONNECT_S: Final = 2.0


class Heard:
    """What somebody listens to; used as a context manager, or closed.

    Args:
        topics: 'models' for those of all sets, 'models/3' for one.
        on_close: called with this at the end.
    """

    def __init__(self, topics: tuple[str, ...], on_close: "Callable[[Heard], None]") -> None:
        self._topics, self._on_close = topics, on_close
        self._lock, self._told, self._is_told = threading.Lock(), set[str](), threading.Event()
        self._waking: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def wait(self, timeout_s: float) -> frozenset[str]:
        """Wait for news, and return the topics that were told since the last time; none if the time is over."""
        self._is_told.wait(timeout_s)
        return self._taken()

    async def next(self, timeout_s: float) -> frozenset[str]:
        """Do as `wait`, on an event loop."""
        waking = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            if not self._told:
                self._waking.append(waking)
        try:
            if waking in self._waking:
                with suppress(TimeoutError):
                    await asyncio.wait_for(waking[1].wait(), timeout_s)
        finally:
            with self._lock:
                if waking in self._waking:
                    self._waking.remove(waking)
        return self._taken()

    def close(self) -> None:
        """Listen no longer."""
        self._on_close(self)

    def hear(self, topic: str) -> None:
        """Take in what was told, if it is of what this listens to."""
        kind = topic.partition("/")[0]
        heard = self._topics if topic == _ALL else tuple({topic, kind} & set(self._topics))
        if not heard:
            return
        with self._lock:
            self._told.update(heard if topic == _ALL else (topic,))
            self._is_told.set()
            for loop, event in self._waking:
                with suppress(RuntimeError):  # the loop has been closed
                    loop.call_soon_threadsafe(event.set)

    def _taken(self) -> frozenset[str]:
        with self._lock:
            told = frozenset(self._told)
            self._told.clear()
            self._is_told.clear()
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class News:
    """Tells, and lets others listen. Each process has one.

    Args:
        redis_url: of the Redis that all processes share; empty if there is none.
        name: of the studio, which other studios with the same Redis do not have.

    Raises:
        ConfigError: it is no address of Redis.
    """

    def __init__(self, redis_url: str = "", name: str = "") -> None:
        self._lock = threading.Lock()
        self._listening: list[Heard] = []
        self._wire = _Wire(redis_url, f"{name}:news", self._spread) if redis_url else None

    def tell(self, topic: str) -> None:
        """Say that something has changed: a kind and an id, such as models/3. Never fails, and waits for nothing."""
        if not _TOPIC.fullmatch(topic):
            raise ValueError(f"{topic!r} is no topic; expected a kind and an id, such as models/3")
        self._spread(topic)
        if self._wire is not None:
            self._wire.send(topic)

    def listen(self, *topics: str) -> Heard:
        """Begin to listen to all of a kind ('models'), or to one ('models/3')."""
        heard = Heard(topics, self._forget)
        with self._lock:
            self._listening.append(heard)
        if self._wire is not None:
            self._wire.receive()
        return heard

    def standing(self) -> Literal["none", "ok", "away"]:
        """Return whether there is a Redis, and it answers; takes two seconds at most."""
        return "none" if self._wire is None else "ok" if self._wire.answers() else "away"

    def close(self) -> None:
        """Let go of Redis."""
        if self._wire is not None:
            self._wire.close()

    def _spread(self, topic: str) -> None:
        with self._lock:
            listening = list(self._listening)
        for heard in listening:
            heard.hear(topic)

    def _forget(self, heard: Heard) -> None:
        with self._lock, suppress(ValueError):
            self._listening.remove(heard)


class _Wire:
    """The way through Redis: a thread that sends, and one that receives, each begun when it is first needed.

    Args:
        url: of Redis.
        channel: of this studio.
        heard: called with what others have told.
    """

    def __init__(self, url: str, channel: str, heard: Callable[[str], None]) -> None:
        self._client, self._channel, self._heard = connect(url), channel, heard
        self._own = secrets.token_hex(8)  # what comes back to where it was told is passed over
        self._waiting: queue.Queue[str] = queue.Queue(_MANY)
        self._ending, self._lock = threading.Event(), threading.Lock()
        self._threads: dict[str, threading.Thread] = {}
        self._told_away: set[str] = set()

    def send(self, topic: str) -> None:
        """Let a topic be sent soon."""
        self._begin("sends news", self._send_all)
        with suppress(queue.Full):
            self._waiting.put_nowait(topic)

    def receive(self) -> None:
        """Receive from now on."""
        self._begin("receives news", self._receive_all)

    def answers(self) -> bool:
        """Return whether Redis answers now."""
        try:
            return bool(self._client.ping())
        except (redis.RedisError, OSError):
            return False

    def close(self) -> None:
        """End both threads, and let go of the connections."""
        with self._lock:
            self._ending.set()
        for thread in self._threads.values():
            thread.join(_CONNECT_S + 1)
        self._client.close()

    def _begin(self, name: str, run: Callable[[], None]) -> None:
        with self._lock:
            if name not in self._threads and not self._ending.is_set():
                self._threads[name] = threading.Thread(target=run, name=name, daemon=True)
                self._threads[name].start()

    def _send_all(self) -> None:
        pause = _Pause()
        missed = False
        while True:
            try:
                topic = self._waiting.get(timeout=_TURN_S)
            except queue.Empty:
                if self._ending.is_set():  # what was told last is sent before
                    return
                continue
            try:
                self._publish(_ALL if missed else topic)  # one word for all that could not be told
            except (redis.RedisError, OSError) as error:
                self._lost("tell", error)
                missed = True
                if self._ending.wait(pause.longer()):
                    return
                with suppress(queue.Full):
                    self._waiting.put_nowait(topic)
            else:
                self._found("tell")
                missed = False
                pause.reset()

    def _publish(self, topic: str) -> None:
        message = f"{self._own} {topic}"
        try:
            self._client.publish(self._channel, message)
        except redis.ConnectionError:  # one that was idle may have been closed at the other end
            self._client.publish(self._channel, message)

    def _receive_all(self) -> None:
        pause = _Pause()
        is_first = True
        while not self._ending.is_set():
            subscription = self._client.pubsub()  # type: ignore[no-untyped-call]
            try:
                subscription.subscribe(self._channel)
                while not self._ending.is_set():
                    message = subscription.get_message(timeout=_TURN_S)
                    if message is not None and message["type"] == "subscribe":
                        self._found("hear")
                        pause.reset()
                        if not is_first:
                            self._heard(_ALL)
                        is_first = False
                    elif message is not None and message["type"] == "message":
                        self._take(message["data"])
            except (redis.RedisError, OSError) as error:
                is_first = False  # what was told since it was asked for is missed
                self._lost("hear", error)
                self._ending.wait(pause.longer())
            finally:
                with suppress(redis.RedisError, OSError):
                    subscription.close()

    def _take(self, data: Any) -> None:
        """Pass on a topic; whatever else is in the channel is passed over."""
        origin, _, topic = bytes(data)[:64].decode("ascii", "replace").partition(" ")
        if origin != self._own and (topic == _ALL or _TOPIC.fullmatch(topic)):
            self._heard(topic)

    def _lost(self, what: str, error: Exception) -> None:
        if what not in self._told_away:
            _log.warning("no news between processes for now, each looks every few seconds: %s", error)
        self._told_away.add(what)

    def _found(self, what: str) -> None:
        if what in self._told_away:
            _log.info("news between processes go through Redis again")
        self._told_away.discard(what)


class _Pause:
    """How long to wait before another try: longer each time, and not the same for all processes."""

    def __init__(self) -> None:
        self._next_s = _FIRST_PAUSE_S

    def reset(self) -> None:
        self._next_s = _FIRST_PAUSE_S

    def longer(self) -> float:
        """Return the seconds to wait now; the next time it is twice as long."""
        now_s, self._next_s = self._next_s, min(2 * self._next_s, _LONGEST_PAUSE_S)
        return now_s * random.uniform(0.7, 1.3)  # noqa: S311 - no secret


def connect(url: str) -> redis.Redis:
    """Return a client of Redis that gives up soon; it connects when it is used.

    Raises:
        ConfigError: it is no address of Redis.
    """
    try:
        return redis.Redis.from_url(
            url,
            socket_connect_timeout=_CONNECT_S,
            socket_timeout=_CONNECT_S,
            socket_keepalive=True,
            health_check_interval=15,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise ConfigError(f"that is no address of Redis ({error}); expected redis://HOST:6379/0.") from error
