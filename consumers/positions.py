"""How far each store knows the other to be: the relay's position in Kafka, the entry it names in the journal, the log's bounds.

A journal without the entry that was published last is an older copy; a log that does not hold the lane's next offset was lost or made anew.
Neither is answered by reading on: the lane stops until an operator has rebuilt one store from the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from consumers.kafka import answered, connection
from consumers.settings import Settings
from consumers.store import SchemaError, queries
from consumers.waiting import within
from topics.registry import Family, TopicNames

if TYPE_CHECKING:
    import asyncpg

SQL = queries("relay")

RELAY_GROUP = "noveto.relay"
ANSWER_SECONDS = 15


class LaneStopped(Exception):
    """The stores disagree about this lane: nothing is read or published until one of them has been rebuilt."""


class Positions:
    """Asks the broker, with clients of its own."""

    def __init__(self, settings: Settings) -> None:
        names = TopicNames(settings.topic_prefix)
        self.group = f"{settings.topic_prefix}{RELAY_GROUP}"
        self._settings = settings
        self._commands = names.of(Family.CASE_COMMANDS)
        self._events = names.of(Family.CASE_EVENTS)
        self._consumer = AIOKafkaConsumer(
            **connection(settings, "positions"),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
        )
        self._admin = AIOKafkaAdminClient(**connection(settings, "positions"))
        self._reading = asyncio.Lock()

    async def start(self) -> None:
        """Connect; raises KafkaError where the broker does not answer."""
        await answered(self._admin.start(), ANSWER_SECONDS)
        await answered(self._consumer.start(), ANSWER_SECONDS)

    async def stop(self) -> None:
        """Disconnect."""
        await self._consumer.stop()
        await self._admin.close()

    async def check_lanes(self) -> None:
        """Raise SchemaError unless `case.commands` has as many partitions as the settings say lanes."""
        described = await answered(self._admin.describe_topics([self._commands]), ANSWER_SECONDS)
        found = len(described[0]["partitions"]) if described else 0
        if found == 0:
            raise SchemaError(
                f"there is no topic {self._commands} at {self._settings.kafka_bootstrap}: run `noveto topics create`"
            )
        if found != self._settings.lanes:
            raise SchemaError(
                f"{self._commands} has {found} partitions, the settings say {self._settings.lanes} lanes: the number is chosen once"
            )

    async def commands_end(self, lanes: Iterable[int]) -> dict[int, int]:
        """Where the lanes of `case.commands` end."""
        partitions = [TopicPartition(self._commands, lane) for lane in lanes]
        ends = await within(self._consumer.end_offsets(partitions), ANSWER_SECONDS)
        return {tp.partition: offset for tp, offset in ends.items()}

    async def commands_begin(self, lanes: Iterable[int]) -> dict[int, int]:
        """Where the lanes of `case.commands` begin: what is before that has been dropped."""
        partitions = [TopicPartition(self._commands, lane) for lane in lanes]
        begins = await within(self._consumer.beginning_offsets(partitions), ANSWER_SECONDS)
        return {tp.partition: offset for tp, offset in begins.items()}

    async def published(self, lane: int) -> tuple[int, bytes]:
        """The relay's position in a lane: (next sequence, hash of the last entry); (0, b"") before the first.

        From the group or, if the broker has forgotten it (a long holiday), from the lane's last record.
        Read it only after the lane's producer was initialised: before that it can be stale.
        """
        return await self.remembered(lane) or await self.found_in_events(lane)

    async def remembered(self, lane: int) -> tuple[int, bytes] | None:
        """The same as the group has it; None once the broker has forgotten it."""
        tp = TopicPartition(self._events, lane)
        offsets: dict[Any, Any] = await within(
            self._admin.list_consumer_group_offsets(self.group, partitions=[tp]), ANSWER_SECONDS
        )
        found = offsets.get(tp)
        if found is None or found.offset < 0 or not found.metadata:
            return None
        return found.offset, bytes.fromhex(found.metadata)

    async def found_in_events(self, lane: int) -> tuple[int, bytes]:
        """The same as the lane's last record in `case.events` has it."""
        async with self._reading:
            return await within(self._from_events(TopicPartition(self._events, lane)), 2 * ANSWER_SECONDS)

    async def _from_events(self, tp: TopicPartition) -> tuple[int, bytes]:
        """Every entry left one record; the last is found by reading back further and further."""
        consumer = self._consumer
        begin = (await consumer.beginning_offsets([tp]))[tp]
        end = (await consumer.end_offsets([tp]))[tp]
        if end == begin:
            return 0, b""
        consumer.assign([tp])
        try:
            return await self._last_entry(tp, begin, end)
        finally:
            # What it would go on waiting for there holds up the broker's answer to every other question.
            consumer.unsubscribe()

    async def _last_entry(self, tp: TopicPartition, begin: int, end: int) -> tuple[int, bytes]:
        consumer = self._consumer
        back = 10
        while True:
            consumer.seek(tp, max(begin, end - back))
            last = None
            while await consumer.position(tp) < end:
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    last = records[-1]
            if last is not None:
                headers = dict(last.headers)
                return int(headers["noveto-seq"]) + 1, bytes.fromhex(headers["noveto-hash"].decode())
            if end - back <= begin:
                return 0, b""
            back *= 10

    async def check_log(self, lane: int, next_offset: int) -> None:
        """Raise LaneStopped where the log of commands does not hold what the lane wants next."""
        begin = (await self.commands_begin([lane]))[lane]
        end = (await self.commands_end([lane]))[lane]
        if next_offset < begin:
            raise LaneStopped(
                f"{self._commands} begins at {begin}, the lane wants {next_offset}: records were dropped before they were read"
            )
        if next_offset > end:
            raise LaneStopped(
                f"{self._commands} ends at {end}, the lane wants {next_offset}: the topic was made anew, or another cluster is meant"
            )


async def check_journal(database: asyncpg.Connection, lane: int, next_seq: int, last_hash: bytes) -> None:
    """Raise LaneStopped where the journal has not, or has otherwise, the entry that was published last."""
    if next_seq == 0:
        return
    stored = await SQL.entry_hash(database, lane=lane, seq=next_seq - 1)
    if stored is None:
        raise LaneStopped(f"case.events has entry {next_seq - 1}, the journal has not: an older database was restored")
    if stored != last_hash:
        raise LaneStopped(f"entry {next_seq - 1} differs between case.events and the journal")
