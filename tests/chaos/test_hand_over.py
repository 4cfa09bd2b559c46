"""Workers that come: what another is in the middle of is finished before they take it up."""

from collections import Counter
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.ports import HOST
from topics.command import ORIGIN_HEADER, read_command
from topics.parts import Source

from ..support import LANES, Router, supervised
from .load import Load
from .proxy import Proxy
from .stack import Breakable

RATE = 20.0
GUESTS = 3
DELAY_SECONDS = 0.15


@pytest.mark.kafka
@pytest.mark.timeout(120)
async def test_what_is_being_forwarded_when_another_comes_is_forwarded_once(broken: Breakable, tmp_path: Path) -> None:
    """The broker is far away, so that intake is always in the middle of a round."""
    with supervised(tmp_path) as supervisor:
        router = Router(broken.stack, supervisor, tmp_path, "handover")
        await router.prepare()
        async with Proxy(HOST, broken.behind, broken.door) as far:
            await router.worker("handover-far", kafka_bootstrap=f"{HOST}:{far.port}").ready()
            far.delay = DELAY_SECONDS
            async with Load(broken.stack.bootstrap, router.prefix, LANES, RATE) as load:
                for number in range(GUESTS):
                    await router.worker(f"handover-{number}").ready()
                await load.drain(60)
            times = Counter(await sources(router))

            assert len(load.proposed) == len(load.closed)
            assert "intake starts over" not in router.logs()
            assert {1} == set(times.values())
        for worker in router.workers:
            worker.stop()


async def sources(router: Router) -> list[tuple[str, int, int]]:
    """Where each record of `case.commands` came from."""
    lanes = [TopicPartition(f"{router.prefix}case.commands", lane) for lane in range(LANES)]
    consumer = AIOKafkaConsumer(bootstrap_servers=router.stack.bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign(lanes)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(lanes)
        found: list[Source] = []
        while left := [tp for tp in lanes if await consumer.position(tp) < ends[tp]]:
            for records in (await consumer.getmany(*left, timeout_ms=1000)).values():
                found += [read_command(dict(record.headers)[ORIGIN_HEADER]).source for record in records]
    finally:
        await consumer.stop()
    return [(source.topic, source.partition, source.offset) for source in found]
