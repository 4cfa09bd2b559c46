"""A worker whose own clock is wrong: what it tells others about time is the database's and the broker's."""

import asyncio
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest

from ..support import Router, supervised
from .faults import HOUR, launched
from .stack import Breakable

pytestmark = [pytest.mark.kafka, pytest.mark.rule("R29"), pytest.mark.timeout(120)]

MOVED = "select min(until) > $1::timestamptz from intake_progress"
BEYOND = "select max(until) - clock_timestamp() from intake_progress"


async def test_limits_wait_for_what_was_received_though_a_clock_is_wrong(broken: Breakable, tmp_path: Path) -> None:
    """An hour ahead, a worker would say that it has read what nobody has sent yet, and limits would not wait for it."""
    with supervised(tmp_path) as supervisor:
        router = Router(broken.stack, supervisor, tmp_path, "clock")
        await router.prepare()
        clock = tmp_path / "clock"
        clock.write_text(str(HOUR))
        worker = await router.worker(launched=launched(clock)).ready()
        database = await asyncpg.connect(router.superuser_dsn)
        try:
            began = await database.fetchval("select clock_timestamp()")
            async with asyncio.timeout(30):
                while not await database.fetchval(MOVED, began):
                    await asyncio.sleep(0.1)
            beyond = await database.fetchval(BEYOND)
        finally:
            await database.close()
            worker.stop()

    assert beyond <= timedelta(0)
