"""Five thousand spoiled messages through the real broker and the whole router: the counts add up."""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor

from ..fuzz import DIRECTORY, messages
from ..support import Router

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

MESSAGES = 5000


@pytest.fixture(scope="module")
def mill(stack: LocalStack, supervisor: Supervisor, folder: Path) -> Iterator[Router]:
    """A router of its own, with the sample's directory."""
    router = Router(stack, supervisor, folder, "mill", directory=DIRECTORY, park_seconds=1)
    asyncio.run(router.prepare())
    worker = router.worker().wait_ready()
    yield router
    worker.stop()


async def test_every_message_is_accounted_for(mill: Router) -> None:
    """Each becomes one record of case.commands, and each of those at least one entry of the journal; nothing is quarantined."""
    producer = AIOKafkaProducer(bootstrap_servers=mill.stack.bootstrap, linger_ms=5)
    await producer.start()
    sent = [
        # The client sends no record that is nothing at all.
        await producer.send(message.topic, message.value, message.key or b"", headers=message.headers)
        for message in messages(Random(16), MESSAGES, mill.prefix)
    ]
    await asyncio.gather(*sent)
    await producer.stop()
    await mill.settled()
    metrics = mill.workers[0].get("/metrics")
    counted = {
        verdict: int(float(value))
        for verdict, value in re.findall(r'^noveto_intake_records_total\{verdict="(\w+)"\} (\S+)', metrics, re.M)
    }
    database = await asyncpg.connect(mill.superuser_dsn)
    ends = {row["lane"]: row["next_offset"] for row in await database.fetch("select lane, next_offset from lanes")}
    entries = [json.loads(row["body"]) for row in await database.fetch("select body from journal")]
    quarantined = await database.fetchval("select count(*) from quarantined")
    await database.close()
    kinds = Counter(entry["kind"] for entry in entries)

    assert MESSAGES == sum(counted.values())
    assert MESSAGES == sum(ends.values())
    assert {(lane, offset) for lane, end in ends.items() for offset in range(end)} == {
        (entry["lane"], entry["offset"]) for entry in entries if entry.get("offset") is not None
    }
    assert MESSAGES - counted["accepted"] == kinds["dead_letter"]
    assert 0 == quarantined == kinds["quarantined"]
    code, out, err = await mill.command("verify")

    assert code == 0, out.decode() + err
    assert "Traceback" not in mill.logs()
