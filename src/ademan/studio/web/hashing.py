"""Passwords are hashed aside: argon2 takes a core and 64 MB for a while, on purpose, so few at a time may do it."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ademan.studio.web.errors import WebError

AT_ONCE, WAITING = 2, 50
"""How many are hashed at once, and how many more may wait; a whole class can log in together."""
Given = ParamSpec("Given")
Found = TypeVar("Found")


class Hashing:
    """The place where passwords are hashed."""

    def __init__(self) -> None:
        self._free, self._asked = asyncio.Semaphore(AT_ONCE), 0

    async def __call__(self, work: Callable[Given, Found], *given: Given.args, **more: Given.kwargs) -> Found:
        """Do in a thread what hashes a password.

        Raises:
            WebError: 'unavailable', too many wait already.
        """
        if self._asked >= AT_ONCE + WAITING:
            raise WebError("unavailable", "too many log in at once; come again in a few seconds.")
        self._asked += 1
        try:
            async with self._free:
                return await asyncio.to_thread(work, *given, **more)
        finally:
            self._asked -= 1
