"""Cases that the core or the database could not take: listed, and let go on by a control through `case.commands`."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any, Literal

from aiokafka import AIOKafkaProducer

from consumers.kafka import connection
from consumers.settings import Settings
from consumers.store import connect, queries
from consumers.waiting import within
from topics.command import ORIGIN_HEADER, QUARANTINE_CONTROL, CommandRecord
from topics.parts import Source
from topics.registry import Family

SQL = queries("quarantine")
SEND_SECONDS = 30


async def quarantined(settings: Settings) -> list[Any]:
    """One row a case: case_id, since, commands, error, lane."""
    database = await connect(settings, "quarantine")
    try:
        return list(await SQL.quarantined(database))
    finally:
        await database.close(timeout=5)


async def let_go_on(settings: Settings, case_id: str, action: Literal["retry", "release"]) -> bool:
    """Ask the case's lane to try its commands again, or to give them back; False where the case is not quarantined."""
    database = await connect(settings, "quarantine")
    try:
        lane = await SQL.lane_of(database, case_id=case_id)
    finally:
        await database.close(timeout=5)
    if lane is None:
        return False
    now = datetime.now(UTC)
    record = CommandRecord(
        kind="control",
        # No inbound record stands behind it: the instant tells one request of an operator from the next.
        source=Source(topic=QUARANTINE_CONTROL, partition=0, offset=time.time_ns() // 1_000_000, broker_time=now),
        party="",
        id=action,
        type=QUARANTINE_CONTROL,
        case_id=case_id,
    )
    producer = AIOKafkaProducer(**connection(settings, "control"), enable_idempotence=True)
    await within(producer.start(), SEND_SECONDS)
    try:
        topic = f"{settings.topic_prefix}{Family.CASE_COMMANDS}"
        headers = [(ORIGIN_HEADER, record.wire())]
        await within(
            producer.send_and_wait(topic, b"{}", key=case_id.encode(), partition=lane, headers=headers), SEND_SECONDS
        )
    finally:
        await producer.stop()
    return True
