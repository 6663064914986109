"""Seats: how many of something somebody may have at the same time, such as live streams, in all processes together.

With Redis they are counted across processes; without one, and while it is gone, within each. A seat that is held is
renewed from time to time, so that those of a process that was killed are free again after a minute, and a Redis that
was started anew soon knows them all.
"""

import logging
import queue
import secrets
import threading
import time
from collections import defaultdict
from typing import Final, Self

import redis

from ademan.studio.news import connect

_log = logging.getLogger("ademan.studio")
_HELD_MS: Final = 60_000
_RENEWED_S: Final = 20.0
_AWAY_S: Final = 5.0  # for which a Redis that could not be reached is not asked again

# One step in Redis, by its own clock: those that have lapsed go, and if there is room, one is added.
_TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
local is_held = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not is_held and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
"""
_NO_END: Final = 2**31


class Seat:
    """A seat that is held until it is freed; a context manager.

    Args:
        seats: that it is one of.
        name: of what.
    """

    def __init__(self, seats: "Seats", name: str) -> None:
        self.name, self.id, self._seats = name, secrets.token_hex(8), seats

    def free(self) -> None:
        """Give it back, without waiting; done twice, it is no error."""
        self._seats.give_back(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.free()


class Seats:
    """The seats of a studio. Each process has one.

    Args:
        redis_url: of the Redis that all processes share; empty if there is none.
        name: of the studio, which other studios with the same Redis do not have.

    Raises:
        ConfigError: it is no address of Redis.
    """

    def __init__(self, redis_url: str = "", name: str = "") -> None:
        self._client = connect(redis_url) if redis_url else None
        self._key, self._lock = f"{name}:seats", threading.Lock()
        self._held: defaultdict[str, set[Seat]] = defaultdict(set)
        self._freed: queue.SimpleQueue[Seat | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._away_until_s, self._is_told = 0.0, False

    def take(self, name: str, most: int) -> Seat | None:
        """Return a seat, or None if all are taken. Asks Redis, so it may take two seconds; not on an event loop.

        Args:
            name: of what, and whose, such as stream/7.
            most: how many may be held at the same time.
        """
        seat = Seat(self, name)
        with self._lock:
            if len(self._held[name]) >= most:
                return None
            self._held[name].add(seat)
        if self._client is not None and not self._is_free(self._client, seat, most):
            with self._lock:
                self._drop(seat)
            return None
        return seat

    def give_back(self, seat: Seat) -> None:
        """Free a seat; see `Seat.free`."""
        with self._lock:
            was_held = self._drop(seat)
        if was_held and self._client is not None:
            self._freed.put(seat)

    def close(self) -> None:
        """Free all seats of this process, and let go of Redis."""
        with self._lock:
            held = [seat for seats in self._held.values() for seat in seats]
        for seat in held:
            self.give_back(seat)
        if self._thread is not None:
            self._freed.put(None)
            self._thread.join(5)
        if self._client is not None:
            self._client.close()

    def _drop(self, seat: Seat) -> bool:
        held = self._held.get(seat.name, set())
        was_held = seat in held
        held.discard(seat)
        if not held:
            self._held.pop(seat.name, None)
        return was_held

    def _is_free(self, client: redis.Redis, seat: Seat, most: int) -> bool:
        self._begin()
        if time.monotonic() < self._away_until_s:
            return True  # counted here alone
        try:
            self._clear(client, wait_s=0)  # somebody who comes back at once finds the seat that they left
            return bool(self._ask(client, seat, most))
        except (redis.RedisError, OSError) as error:
            self._lost(error)
            return True

    def _ask(self, client: redis.Redis, seat: Seat, most: int) -> int:
        return int(client.eval(_TAKE, 1, f"{self._key}:{seat.name}", seat.id, most, _HELD_MS))

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="renews seats", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        """Tell Redis what was freed, and from time to time what is held."""
        assert self._client is not None  # noqa: S101 - for the type checker
        next_s = time.monotonic() + _RENEWED_S
        while True:
            try:
                if not self._clear(self._client, max(0.0, next_s - time.monotonic())):
                    return
                if time.monotonic() >= next_s:
                    self._renew(self._client)
            except (redis.RedisError, OSError) as error:
                self._lost(error)  # what was not freed lapses by itself
            if time.monotonic() >= next_s:
                next_s = time.monotonic() + _RENEWED_S

    def _renew(self, client: redis.Redis) -> None:
        with self._lock:
            held = [seat for seats in self._held.values() for seat in seats]
        for seat in held:
            self._ask(client, seat, _NO_END)
            with self._lock:
                is_held = seat in self._held.get(seat.name, ())
            if not is_held:  # it was freed meanwhile
                self._freed.put(seat)
        if self._is_told:
            _log.info("limits are counted across processes again")
        self._is_told = False

    def _clear(self, client: redis.Redis, wait_s: float) -> bool:
        """Tell Redis what was freed, and wait for the first of it; return False if there is an end to it."""
        try:
            seat = self._freed.get(timeout=wait_s) if wait_s else self._freed.get_nowait()
            while seat is not None:
                client.zrem(f"{self._key}:{seat.name}", seat.id)
                seat = self._freed.get_nowait()
        except queue.Empty:
            return True
        if wait_s:
            return False
        self._freed.put(None)  # it is for the thread
        return True

    def _lost(self, error: Exception) -> None:
        self._away_until_s = time.monotonic() + _AWAY_S
        if not self._is_told:
            _log.warning("limits are counted in each process alone for now: %s", error)
        self._is_told = True
