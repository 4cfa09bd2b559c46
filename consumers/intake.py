"""Intake: what parties wrote, brought into one form on `case.commands`; at least once, and the bad too with the verdict.

One batch a lane is under way at a time, so a lane sees each inbound partition in order: the desk knows a repeat by the offset.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from consumers import tracing
from consumers.contents import Reference, ReferenceDataError, References
from consumers.inspecting import Inbox, Inspected, inspect
from consumers.kafka import FETCH_WAIT_MS, HEARTBEAT_SECONDS, MAX_BATCH_BYTES, connection, lane_of, stop
from consumers.lag import Lag
from consumers.sealing import KeyRing
from consumers.settings import Settings
from consumers.store import DATABASE_AWAY, queries
from consumers.waiting import within
from metrics.table import Metrics
from topics.registry import INBOUND_FAMILIES, INBOUND_VALUE_BYTES, INTERNAL_VALUE_BYTES, Family

if TYPE_CHECKING:
    import asyncpg

LOG = structlog.get_logger()
SQL = queries("intake")

GROUP = "noveto.intake"
MAX_RECORDS = 1000
SEND_SECONDS = 60
LONGEST_WAIT_SECONDS = 1.0
# How long a rebalance waits for the round under way; the broker waits a session for a member.
ROUND_SECONDS = 3
# Verdicts by the directory: a newer one may have another.
OF_THE_DIRECTORY = frozenset({"party_may_not", "unknown_unit"})
PROGRESS_SECONDS = 0.5
EXPECTED_SECONDS = 5.0
# What lies between the broker's clock and ours, and between its answer and our reading of it.
PROGRESS_MARGIN = timedelta(seconds=0.5)


class _BetweenRounds(ConsumerRebalanceListener):
    """Partitions go once the round under way is committed: during a rebalance the broker refuses that, and the library then joins
    once more, which stops everybody's intake again."""

    def __init__(self, busy: asyncio.Lock) -> None:
        self._busy = busy

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Called before the group is joined again."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ROUND_SECONDS), self._busy:
                pass

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """They are read from what is committed."""


class Intake:
    """The loop: read, inspect, send to the lanes, and only then commit."""

    def __init__(
        self,
        settings: Settings,
        references: References,
        reference: Reference,
        keys: KeyRing,
        metrics: Metrics,
        pool: asyncpg.Pool,
    ) -> None:
        self._settings = settings
        self._references = references
        self._reference = reference
        self._keys = keys
        self._metrics = metrics
        self._pool = pool
        self._commands = reference.names.of(Family.CASE_COMMANDS)
        families = "|".join(re.escape(reference.names.of(family)) for family in INBOUND_FAMILIES)
        self._inbound = re.compile(f"^({families})\\.[A-Za-z0-9_-]+$")
        self._expected_at = 0.0
        self._busy = asyncio.Lock()
        self.running = False
        self.broker_away_since: float | None = None
        self._lags: dict[TopicPartition, Lag] = {}
        self.spans = tracing.Spans()

    async def run(self) -> None:
        """Work until cancelled; an error starts it over from the committed offsets, with new clients."""
        wait = 0.2
        while True:
            started = time.monotonic()
            try:
                await self._session()
            except (KafkaError, OSError, TimeoutError) as error:
                self._metrics.count("noveto_intake_restarts")
                self.broker_away_since = self.broker_away_since or time.monotonic()
                LOG.warning("intake starts over", error=type(error).__name__, detail=str(error)[:200])
            wait = 0.2 if time.monotonic() - started > 30 else min(wait * 2, LONGEST_WAIT_SECONDS)
            await asyncio.sleep(wait)

    async def _session(self) -> None:
        settings = self._settings
        consumer = AIOKafkaConsumer(
            **connection(settings, "intake"),
            group_id=f"{settings.topic_prefix}{GROUP}",
            group_instance_id=f"{settings.worker_name}-intake" if settings.worker_name else None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            session_timeout_ms=int(settings.session_timeout_seconds * 1000),
            heartbeat_interval_ms=int(HEARTBEAT_SECONDS * 1000),
            fetch_max_wait_ms=FETCH_WAIT_MS,
            max_partition_fetch_bytes=INBOUND_VALUE_BYTES + 65536,
            fetch_max_bytes=8 * INBOUND_VALUE_BYTES,
        )
        producer = AIOKafkaProducer(
            **connection(settings, "intake"),
            enable_idempotence=True,
            linger_ms=0,
            retry_backoff_ms=20,
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=INTERNAL_VALUE_BYTES,
        )
        try:
            await producer.start()
            consumer.subscribe(pattern=self._inbound.pattern, listener=_BetweenRounds(self._busy))
            await consumer.start()
            self.running = True
            self.broker_away_since = None
            await self._forward(consumer, producer)
        finally:
            self.running = False
            # The producer first: nothing of this session may still arrive after the next one has begun.
            try:
                await stop(producer)
            finally:
                await stop(consumer)

    async def _forward(self, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer) -> None:
        reported = 0.0
        while True:
            fetched: Mapping[TopicPartition, list[Any]] = await consumer.getmany(
                timeout_ms=200, max_records=MAX_RECORDS
            )
            if fetched:
                async with self._busy:
                    await self._pass_on(consumer, producer, fetched)
            if time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                await self._report_progress(consumer)

    async def _pass_on(
        self, consumer: AIOKafkaConsumer, producer: AIOKafkaProducer, fetched: Mapping[TopicPartition, list[Any]]
    ) -> None:
        """One round of records: to their lanes, and committed once they are there."""
        began = time.perf_counter()
        lanes: dict[int, list[Inspected]] = {}
        for inspected in await self._inspected(record for records in fetched.values() for record in records):
            lanes.setdefault(lane_of(inspected.lane_key, self._settings.lanes), []).append(inspected)
        await within(
            asyncio.gather(*(self._send(producer, lane, records) for lane, records in lanes.items())),
            SEND_SECONDS,
        )
        await consumer.commit({tp: records[-1].offset + 1 for tp, records in fetched.items()})
        for tp, records in fetched.items():
            self._lags.setdefault(tp, Lag(time.time())).read(records[-1].timestamp / 1000)
        self._record_spans(fetched)
        seconds, forwarded = time.perf_counter() - began, sum(map(len, lanes.values()))
        LOG.debug("batch forwarded", records=forwarded, lanes=sorted(lanes), seconds=seconds)
        self._metrics.observe("noveto_intake_forward_seconds", seconds)
        self._metrics.observe("noveto_intake_batch_records", forwarded)

    def _record_spans(self, fetched: Mapping[TopicPartition, list[Any]]) -> None:
        """A span a record that belongs to a trace: from its receipt to its place on case.commands."""
        if not self.spans.on:
            return
        now = datetime.now(UTC)
        for record in (record for records in fetched.values() for record in records):
            parent = tracing.parsed(record.headers)
            own = tracing.child(parent, "intake", f"{record.topic}/{record.partition}/{record.offset}")
            received = datetime.fromtimestamp(record.timestamp / 1000, UTC)
            self.spans.record("intake", own, parent, received, now, messaging_source_name=record.topic)

    async def _inspected(self, records: Iterable[Any]) -> list[Inspected]:
        """A round of records; before a party is told that it may not say something, the newest directory is asked once."""
        found, asked = [], False
        for record in records:
            inspected = self._inspect(record)
            if inspected.verdict in OF_THE_DIRECTORY and not asked:
                asked = True
                await self._on_pool(self._newest_reference)
                inspected = self._inspect(record)
            self._metrics.count("noveto_intake_records", verdict=inspected.verdict)
            found.append(inspected)
        return found

    def _inspect(self, record: Any) -> Inspected:
        inbox = Inbox(
            record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers
        )
        return inspect(inbox, self._reference, self._keys)

    async def _send(self, producer: AIOKafkaProducer, lane: int, records: list[Inspected]) -> None:
        """One lane's records in order, one batch at a time, each acknowledged before the next is sent."""
        waiting = list(reversed(records))
        while waiting:
            batch = producer.create_batch()
            while waiting:
                record = waiting[-1]
                if (
                    batch.append(key=record.lane_key, value=record.value, timestamp=None, headers=record.headers)
                    is None
                ):
                    break
                waiting.pop()
            if batch.record_count() == 0:
                raise KafkaError(f"a record of {len(waiting[-1].value)} bytes fits no batch")
            sent = await producer.send_batch(batch, self._commands, partition=lane)
            await sent

    async def _report_progress(self, consumer: AIOKafkaConsumer) -> None:
        """Until when everything received has been forwarded: limits that came due wait for it (R29)."""
        read_up = await self._measure_lags(consumer)
        await self._on_pool(partial(self._tell_progress, consumer, read_up))

    async def _measure_lags(self, consumer: AIOKafkaConsumer) -> list[tuple[TopicPartition, timedelta]]:
        """The partitions of which all has been forwarded, and how long ago that was so."""
        read_up = []
        behind, seconds, now = 0, 0.0, time.time()
        assigned = consumer.assignment()
        self._lags = {tp: self._lags.get(tp, Lag(now)) for tp in assigned}
        for tp in assigned:
            highwater, polled = consumer.highwater(tp), consumer.last_poll_timestamp(tp)
            if highwater is None or not polled:
                continue
            position = await consumer.position(tp)
            behind += max(0, highwater - position)
            seconds = max(seconds, self._lags[tp].seconds(position, highwater, now))
            if position >= highwater:
                read_up.append((tp, timedelta(seconds=max(0.0, now - polled / 1000)) + PROGRESS_MARGIN))
        self._metrics.set("noveto_intake_lag_records", behind)
        self._metrics.set("noveto_intake_lag_seconds", seconds)
        return read_up

    async def _on_pool(self, work: Callable[[Any], Awaitable[None]]) -> None:
        """What no record waits for: while the database is away it is left for the next time."""
        try:
            async with self._pool.acquire(timeout=2) as connection_:
                await work(connection_)
        except DATABASE_AWAY as error:
            self._metrics.count("noveto_intake_errors", error=type(error).__name__)

    async def _tell_progress(
        self, consumer: AIOKafkaConsumer, read_up: list[tuple[TopicPartition, timedelta]], connection_: Any
    ) -> None:
        if read_up:
            await SQL.put_progress(
                connection_,
                topics=[tp.topic for tp, _ in read_up],
                partitions=[tp.partition for tp, _ in read_up],
                ago=[ago for _, ago in read_up],
            )
        await self._expect_all(consumer, connection_)
        await self._newest_reference(connection_)

    async def _expect_all(self, consumer: AIOKafkaConsumer, connection_: Any) -> None:
        """Limits wait for every inbound partition that exists, also for one that no intake has read from yet."""
        if time.monotonic() - self._expected_at < EXPECTED_SECONDS:
            return
        cluster = await consumer._client.fetch_all_metadata()
        there = [
            (topic, partition)
            for topic in cluster.topics()
            if self._inbound.match(topic)
            for partition in cluster.partitions_for_topic(topic) or ()
        ]
        await SQL.expect(connection_, topics=[topic for topic, _ in there], partitions=[n for _, n in there])
        self._expected_at = time.monotonic()

    async def _newest_reference(self, connection_: Any) -> None:
        """A new directory counts here once every lane has its control: nothing it lets in comes to a lane before."""
        try:
            self._reference = await self._references.newest(connection_)
        except ReferenceDataError as error:
            LOG.error("reference data not understood", error=str(error)[:200])
