"""A long holiday: the broker forgets the offsets of a group that has had no member for long enough."""

import asyncio
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from consumers.positions import Positions
from deploy.local import LocalStack

from ..parties import Party, refusal
from ..support import Router, supervised
from . import checker
from .restore import drill

FORGETFUL = {"offsets.retention.minutes": "1", "offsets.retention.check.interval.ms": "1000"}


async def forgotten(router: Router, group: str) -> None:
    """Wait until the broker has dropped the relay's offsets: with these settings a minute after the last one."""
    admin = AIOKafkaAdminClient(bootstrap_servers=router.stack.bootstrap)
    await admin.start()
    try:
        lanes = [TopicPartition(f"{router.prefix}case.events", lane) for lane in range(router.settings.lanes)]
        while any(
            found.offset >= 0 for found in (await admin.list_consumer_group_offsets(group, partitions=lanes)).values()
        ):
            await asyncio.sleep(1)
    finally:
        await admin.close()


@pytest.mark.kafka
@pytest.mark.timeout(240)
async def test_offsets_that_the_broker_forgot_repeat_nothing(tmp_path: Path) -> None:
    """The relay finds its position from the last record of `case.events`, and publishes nothing a second time."""
    with LocalStack(broker_config=FORGETFUL, say=lambda said: None) as stack, supervised(tmp_path) as supervisor:
        router = Router(stack, supervisor, tmp_path, "holiday")
        await router.prepare()
        worker = await router.worker().ready()
        async with Party(stack.bootstrap, router.prefix, "windows") as windows:
            for _ in range(8):
                await windows.say("refusal.proposed", refusal())
            await router.settled()
            worker.stop()
            positions = Positions(router.settings)
            await positions.start()
            lanes = range(router.settings.lanes)
            before = [await positions.published(lane) for lane in lanes]
            await forgotten(router, positions.group)
            after = [await positions.published(lane) for lane in lanes]
            await router.worker("holiday-2").ready()
            while [lane for lane in lanes if before[lane][0] and not await positions.remembered(lane)]:
                await asyncio.sleep(0.1)
            await positions.stop()
            await windows.say("refusal.proposed", refusal())
            await router.settled()
            seen = await checker.read(stack.bootstrap, router.prefix)
        for running in router.workers:
            running.stop()

        assert before == after
        assert 8 < sum(seen.heads.values())
        assert [] == seen.findings()


@pytest.mark.kafka
@pytest.mark.timeout(300)
async def test_an_older_dump_and_the_events_are_the_whole_database(tmp_path: Path) -> None:
    """The restore drill: lanes stop on the older journal, are rebuilt, and every case ends with one head and one tail."""
    with LocalStack(say=lambda said: None) as stack:
        found = await drill(stack, tmp_path, seconds=3)

        assert (0, 0) == (found["rebuild_code"], found["verify_code"])
        assert [] == found["differences"]
        assert [] == found["problems"]
        assert found["cases"] == found["closed"]
