"""One lane published: entries, their messages and the position after them, in one Kafka transaction each."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

from consumers import tracing
from consumers.lag import Lag
from consumers.positions import LaneStopped
from consumers.reference import Reference
from consumers.settings import Settings
from consumers.store import queries
from consumers.waiting import within
from metrics.table import Metrics
from topics import envelope
from topics.registry import Family, Lanes

if TYPE_CHECKING:
    import asyncpg

LOG = structlog.get_logger()
SQL = queries("relay")

ENTRIES = 500
FLUSH_SECONDS = 8
# Tidying up behind a broker that is away: whoever has the lane next ends what was left open.
GIVE_UP_SECONDS = 1


@dataclass
class PublishedLane:
    """One lane while its relay holds it."""

    number: int
    producer: AIOKafkaProducer
    next_seq: int
    lag: Lag
    marks: list[tuple[float, int]] = field(default_factory=list)
    """(when, next sequence), one each time the outbox is tidied: what was published before is at least that old."""


class Publisher:
    """Publishes lanes; whether a lane is still ours its relay knows."""

    def __init__(
        self, settings: Settings, reference: Reference, pool: asyncpg.Pool, metrics: Metrics, group: str
    ) -> None:
        self._settings = settings
        self._reference = reference
        self._pool = pool
        self._metrics = metrics
        self._group = group
        self._events = reference.names.of(Family.CASE_EVENTS)
        self.spans = tracing.Spans()

    async def publish_some(self, lane: PublishedLane) -> int:
        """One transaction: some entries, their messages, and the position after them. How many entries there were."""
        async with self._pool.acquire(timeout=5) as connection_:
            entries = await SQL.entries(connection_, lane=lane.number, seq=lane.next_seq, most=ENTRIES)
            if not entries:
                return 0
            if entries[0]["seq"] != lane.next_seq:
                raise LaneStopped(f"the journal has no entry {lane.next_seq}")
            last = entries[-1]
            messages = await SQL.messages(connection_, lane=lane.number, first=lane.next_seq, last=last["seq"])
        started = time.perf_counter()
        producer = lane.producer
        await producer.begin_transaction()
        try:
            await within(self._send(lane, entries, messages), FLUSH_SECONDS)
            await self.commit(producer, lane.number, last["seq"] + 1, last["hash"])
        except BaseException:
            # What failed is not committed: the next tenure reads the position and publishes from there.
            with contextlib.suppress(Exception):
                await within(producer.abort_transaction(), GIVE_UP_SECONDS)
            raise
        lane.next_seq = last["seq"] + 1
        lane.lag.read(last["recorded_at"].timestamp())
        seconds = time.perf_counter() - started
        LOG.debug("batch published", lane=lane.number, entries=len(entries), messages=len(messages), seconds=seconds)
        self._metrics.observe("noveto_relay_transaction_seconds", seconds)
        self._metrics.observe("noveto_relay_batch_entries", len(entries))
        if self.spans.on:
            self._record_spans(messages, started)
        self._metrics.count("noveto_relay_messages", len(entries) + len(messages), lane=lane.number)
        return len(entries)

    async def commit(self, producer: AIOKafkaProducer, lane: int, next_seq: int, last_hash: bytes) -> None:
        """End the transaction with the position after it."""
        position = {TopicPartition(self._events, lane): OffsetAndMetadata(next_seq, last_hash.hex())}
        await within(producer.send_offsets_to_transaction(position, self._group), FLUSH_SECONDS)
        await within(producer.commit_transaction(), FLUSH_SECONDS)

    def _record_spans(self, messages: list[Any], started: float) -> None:
        """A span a message, in the trace of the command that it answers."""
        now = datetime.now(UTC)
        begun = now - timedelta(seconds=time.perf_counter() - started)
        for message in messages:
            parent = orjson.loads(message["extra"]).get(tracing.TRACEPARENT) if message["extra"] else None
            own = tracing.child(parent, "relay", message["ce_id"])
            about = {"messaging_destination_name": message["topic"], "noveto_ce_id": message["ce_id"]}
            self.spans.record("relay", own, parent, begun, now, **about)

    async def _send(self, lane: PublishedLane, entries: list[Any], messages: list[Any]) -> None:
        """Batches per partition, and every future looked at: a commit succeeds although a send in it failed."""
        by_topic: dict[str, list[tuple[bytes, bytes, list[tuple[str, bytes]]]]] = {}
        times = {entry["seq"]: entry["recorded_at"] for entry in entries}
        for message in messages:
            at = times[message["seq"]]
            headers = envelope.headers(
                message["ce_id"], message["ce_type"], envelope.SOURCE, at, message["key"].decode()
            )
            if message["extra"]:
                headers += [(name, value.encode()) for name, value in orjson.loads(message["extra"]).items()]
            by_topic.setdefault(message["topic"], []).append((message["key"], message["value"], headers))
        by_topic[self._events] = [self._event(lane.number, entry) for entry in entries]
        futures = []
        for topic, records in by_topic.items():
            futures += await self._send_batches(lane, topic, records)
        for future in futures:
            await future

    async def _send_batches(
        self, lane: PublishedLane, topic: str, records: list[tuple[bytes, bytes, list[tuple[str, bytes]]]]
    ) -> list[Any]:
        row = self._reference.topics.get(topic)
        if row is not None and row.partitions is not Lanes.LANE:
            raise LaneStopped(f"{topic} is not partitioned by lane")
        futures = []
        batch = lane.producer.create_batch()
        for key, value, headers in records:
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                futures.append(await lane.producer.send_batch(batch, topic, partition=lane.number))
                batch = lane.producer.create_batch()
                if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                    raise LaneStopped(f"a message of {len(value)} bytes fits no batch")
        futures.append(await lane.producer.send_batch(batch, topic, partition=lane.number))
        return futures

    def _event(self, lane: int, entry: Any) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
        """The journal's own bytes, so that the journal can be made again from them and its hashes checked."""
        case_id, version = entry["case_id"], entry["version"]
        ce_id = f"{case_id}.{version}.0" if version is not None else f"entry.{lane}.{entry['seq']}"
        headers = envelope.headers(ce_id, f"journal.{entry['kind']}", envelope.SOURCE, entry["recorded_at"], case_id)
        headers += [
            ("noveto-lane", str(lane).encode()),
            ("noveto-seq", str(entry["seq"]).encode()),
            ("noveto-hash", entry["hash"].hex().encode()),
        ]
        return (case_id or f"entry.{lane}.{entry['seq']}").encode(), entry["body"], headers

    async def drop_published(self, lane: PublishedLane, now: float) -> None:
        """Take from the outbox what was published longer ago than it is kept. `now` in seconds, by a clock that only goes forward."""
        lane.marks.append((now, lane.next_seq))
        limit = now - self._settings.outbox_kept_seconds
        old = [seq for at, seq in lane.marks if at <= limit]
        if not old:
            return
        lane.marks = [(at, seq) for at, seq in lane.marks if at > limit]
        while True:
            async with self._pool.acquire(timeout=5) as connection_:
                done = await SQL.drop_published(connection_, lane=lane.number, before=old[-1], most=1000)
            if done == "DELETE 0":
                return
