"""Waiting no longer than so many seconds."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def within(work: Awaitable[T], seconds: float) -> T:
    """What comes of the work. Raises TimeoutError.

    In place of `asyncio.wait_for`, which in Python 3.11 forgets a cancellation that comes at the moment the work is done: the task then goes
    on, and whoever waits for its end waits in vain.
    """
    async with asyncio.timeout(seconds):
        return await work


class Room:
    """So many bytes may wait at a time; what is larger than that by itself waits alone."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0
        self._given_back = asyncio.Event()

    async def take(self, size: int) -> None:
        """Wait until there is room for this, and take it."""
        while self._taken and self._taken + size > self._most:
            self._given_back.clear()
            await self._given_back.wait()
        self._taken += size

    async def put(self, queue: asyncio.Queue[T], one: T, size: int) -> None:
        """Wait until there is room for it both here and in the queue, and put it there. Whoever takes it out gives its room back."""
        await self.take(size)
        try:
            await queue.put(one)
        except BaseException:
            self.give_back(size)
            raise

    def give_back(self, size: int) -> None:
        """It waits no longer."""
        self._taken -= size
        self._given_back.set()

    async def some(self) -> None:
        """Wait until half of it is free: whoever waits to take is then served first."""
        while 2 * self._taken > self._most:
            self._given_back.clear()
            await self._given_back.wait()
