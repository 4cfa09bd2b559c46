"""Reading the topics that the router itself wrote: a lane of `case.events`, and filings, from the outside."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from consumers.kafka import answered, connection
from consumers.settings import Settings
from consumers.waiting import within

START_SECONDS = 15
IDLE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Published:
    """One record of `case.events`: an entry's own bytes, with its place and hash."""

    seq: int
    body: bytes
    hash: bytes


class TopicReader:
    """A consumer without a group that reads whole partitions to their present end, committed records only."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = AIOKafkaConsumer(
            **connection(settings, "reader"),
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=8 * 1024 * 1024,
        )

    async def __aenter__(self) -> TopicReader:
        await answered(self._consumer.start(), START_SECONDS)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()

    async def records(self, partitions: Iterable[TopicPartition]) -> AsyncIterator[Any]:
        """Every record up to where the partitions end now."""
        left = list(partitions)
        if not left:
            return
        self._consumer.assign(left)
        await self._consumer.seek_to_beginning()
        ends = await self._consumer.end_offsets(left)
        while True:
            left = [tp for tp in left if await self._consumer.position(tp) < ends[tp]]
            if not left:
                return
            found = await within(self._consumer.getmany(*left, timeout_ms=1000, max_records=2000), IDLE_SECONDS)
            for records in found.values():
                for record in records:
                    yield record

    async def lane(self, topic: str, lane: int) -> AsyncIterator[Published]:
        """The entries of a lane as they were published, in order."""
        async for record in self.records([TopicPartition(topic, lane)]):
            headers = dict(record.headers)
            yield Published(int(headers["noveto-seq"]), record.value, bytes.fromhex(headers["noveto-hash"].decode()))
