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
