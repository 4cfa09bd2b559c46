"""Waiting with a limit: what is cancelled ends, whatever else happens at that moment."""

import asyncio

import pytest

from consumers.waiting import within


async def test_what_comes_in_time_is_returned() -> None:
    """And what does not raises."""
    assert 7 == await within(asyncio.sleep(0, 7), 1)
    with pytest.raises(TimeoutError):
        await within(asyncio.Event().wait(), 0.01)


async def test_a_cancellation_at_the_moment_the_work_is_done_is_not_forgotten() -> None:
    """A relay's lane that went on after it had been asked to end held up the whole hand-over for six seconds."""
    awaited = asyncio.Event()
    waiting = asyncio.create_task(within(awaited.wait(), 1))
    await asyncio.sleep(0)

    awaited.set()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
