"""Applicants' data erased, with a proof in the record; and sealed anew when the key changes."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson
from aiokafka import AIOKafkaProducer

from consumers.kafka import connection, lane_of
from consumers.sealing import ID_BYTES, KeyRing
from consumers.settings import Settings
from consumers.store import connect, queries
from consumers.waiting import within
from topics.command import ERASURE_CONTROL, ORIGIN_HEADER, CommandRecord
from topics.parts import Source
from topics.registry import Family

SQL = queries("erasure")

SEND_SECONDS = 60
POLL_SECONDS = 0.1
PAGE = 500


class NothingToErase(Exception):
    """The case is not known, or nobody's data came with it."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What a command did."""

    erased: int
    already: int
    """Were erased before: nothing was done, and nothing journaled, a second time."""
    still_open: int
    """Cases under way, which keep their data until they have ended."""
    waiting: int
    """Ordered, but the lane has not come to it yet: no worker runs, or it is behind."""


async def erase_case(settings: Settings, case_id: str, by: str, reason: str, *, patience_seconds: float = 15) -> Erased:
    """Erase one case's applicant, whatever the case's stage. Raises NothingToErase."""
    database = await connect(settings, "erase")
    try:
        row = await SQL.of_case(database, case_id=case_id)
    finally:
        await database.close(timeout=5)
    if row is None:
        raise NothingToErase(f"there are no data of an applicant of case {case_id}")
    if row["erased_at"] is not None:
        return Erased(0, 1, 0, 0)
    return await _erase(settings, [case_id], by, reason, 0, patience_seconds)


async def erase_before(
    settings: Settings, before: datetime, by: str, reason: str, *, patience_seconds: float = 60
) -> Erased:
    """Erase the applicants of every case that has ended and whose data came in before that instant."""
    database = await connect(settings, "erase")
    try:
        case_ids = [row["case_id"] for row in await SQL.ended_before(database, before=before)]
        still_open = await SQL.open_before(database, before=before)
    finally:
        await database.close(timeout=5)
    return await _erase(settings, case_ids, by, reason, still_open, patience_seconds)


async def _erase(
    settings: Settings, case_ids: list[str], by: str, reason: str, still_open: int, patience_seconds: float
) -> Erased:
    if case_ids:
        await _order(settings, case_ids, by, reason)
    waiting = await _wait(settings, case_ids, patience_seconds) if case_ids else 0
    return Erased(len(case_ids) - waiting, 0, still_open, waiting)


async def _order(settings: Settings, case_ids: list[str], by: str, reason: str) -> None:
    """A control for each case in its own lane: the desk erases and journals in one transaction, in the case's order."""
    topic = f"{settings.topic_prefix}{Family.CASE_COMMANDS}"
    value = orjson.dumps({"by": by, "reason": reason})
    now = datetime.now(UTC)
    # No inbound record stands behind it: a number that only grows tells one order from the next.
    first = time.time_ns() // 1000
    producer = AIOKafkaProducer(**connection(settings, "control"), enable_idempotence=True)
    try:
        await within(producer.start(), SEND_SECONDS)
        for start in range(0, len(case_ids), PAGE):
            sent = [
                await producer.send(
                    topic,
                    value,
                    key=case_id.encode(),
                    partition=lane_of(case_id.encode(), settings.lanes),
                    headers=[(ORIGIN_HEADER, _record(case_id, number, now).wire())],
                )
                for number, case_id in enumerate(case_ids[start : start + PAGE], first + start)
            ]
            await within(asyncio.gather(*sent), SEND_SECONDS)
    finally:
        await producer.stop()


def _record(case_id: str, number: int, now: datetime) -> CommandRecord:
    return CommandRecord(
        kind="control",
        source=Source(topic=ERASURE_CONTROL, partition=0, offset=number, broker_time=now),
        party="",
        id="erase",
        type=ERASURE_CONTROL,
        case_id=case_id,
    )


async def _wait(settings: Settings, case_ids: list[str], patience_seconds: float) -> int:
    database = await connect(settings, "erase")
    deadline = time.monotonic() + patience_seconds
    try:
        while True:
            left: int = await SQL.not_erased(database, case_ids=case_ids)
            if left == 0 or time.monotonic() > deadline:
                return left
            await asyncio.sleep(POLL_SECONDS)
    finally:
        await database.close(timeout=5)


async def rotate(settings: Settings, keys: KeyRing) -> tuple[int, int]:
    """Seal every applicant's own key by the newest key of the ring, some rows a transaction, while the router runs.

    How many were resealed, and how many another key still seals (a worker with an older ring has just written them).
    """
    own = keys.keys[0][0].encode().ljust(ID_BYTES, b"\0")
    database = await connect(settings, "rotate")
    resealed = 0
    try:
        while True:
            async with database.transaction():
                rows = await SQL.sealed_by_others(database, own=own, most=PAGE)
                if not rows:
                    break
                refs = [row["applicant_ref"] for row in rows]
                sealed = [keys.reseal(row["sealed"], f"applicant:{row['applicant_ref']}") for row in rows]
                await SQL.put_resealed(database, refs=refs, sealed=sealed)
            resealed += len(rows)
        return resealed, await SQL.left_by_others(database, own=own)
    finally:
        await database.close(timeout=5)
