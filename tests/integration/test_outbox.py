"""What was published leaves the outbox when its time is up, however much a lane publishes."""

from pathlib import Path
from typing import Any

import asyncpg
import pytest

from consumers.lag import Lag
from consumers.publishing import PublishedLane, Publisher
from consumers.reference import load_reference
from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor
from metrics.table import WORKER, Metrics

from ..support import Router

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(60)]

MINUTE = 60


async def test_outbox_keeps_an_hour(stack: LocalStack, supervisor: Supervisor, folder: Path) -> None:
    """Two hours of a lane that publishes an entry a second, tidied each minute: the last hour is left."""
    router = Router(stack, supervisor, folder, "outbox", outbox_kept_seconds=60 * MINUTE)
    await router.prepare()
    published = 120 * MINUTE
    async with asyncpg.create_pool(router.settings.postgres_dsn.get_secret_value(), min_size=1, max_size=1) as pool:
        await pool.execute(
            "insert into outbox select 0, seq, 1, 't', '', seq::text, 't', null, '' from generate_series(0, $1) seq",
            published,
        )
        publisher = Publisher(router.settings, load_reference(router.settings), pool, Metrics(WORKER), "relay")
        publishes_no_more: Any = None
        lane = PublishedLane(0, publishes_no_more, 0, Lag(0))
        for now in range(0, published + 1, MINUTE):
            lane.next_seq = now
            await publisher.drop_published(lane, float(now))
        (left,) = await pool.fetch("select min(seq), max(seq) from outbox")

    assert tuple(left) == (60 * MINUTE, published)
    assert len(lane.marks) == 60
