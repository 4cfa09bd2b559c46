"""Waiting with a limit: what is cancelled ends, whatever else happens at that moment."""

import asyncio

import pytest

from consumers.waiting import Room, within


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


async def test_there_is_room_for_so_many_bytes_and_no_more() -> None:
    """Whoever finds none waits until enough has been given back."""
    room = Room(10)
    await room.take(6)
    second = asyncio.create_task(room.take(5))
    await asyncio.sleep(0)
    waited = not second.done()
    room.give_back(6)
    await within(second, 1)

    assert waited


async def test_what_is_larger_than_the_room_waits_alone() -> None:
    """Else it would wait for ever."""
    room = Room(10)
    await within(room.take(11), 1)
    with pytest.raises(TimeoutError):
        await within(room.take(1), 0.01)
    with pytest.raises(TimeoutError):
        await within(room.some(), 0.01)
    room.give_back(11)

    await within(room.some(), 1)


async def test_what_was_cancelled_before_it_found_its_place_holds_no_room() -> None:
    """Else each delivery that a rebalance cuts short would leave less to the others, and in the end nothing."""
    room, full = Room(10), asyncio.Queue[str](1)
    full.put_nowait("first")
    second = asyncio.create_task(room.put(full, "second", 10))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.wait((second,))

    await within(room.take(10), 1)
