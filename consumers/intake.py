"""Intake: what parties wrote, brought into one form on `case.commands`; at least once, and the bad too with the verdict.

One batch a lane is under way at a time, so a lane sees each inbound partition in order: the desk knows a repeat by the offset.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from consumers import tracing
from consumers.contents import Reference, ReferenceDataError, References
from consumers.delivered import seal_original
from consumers.kafka import MAX_BATCH_BYTES, connection, lane_of, stop
from consumers.lag import Lag
from consumers.sealing import KeyRing, applicant_ref
from consumers.settings import Settings
from consumers.store import DATABASE_AWAY, queries
from consumers.waiting import within
from metrics.table import Metrics
from router.authority import may_say
from router.rejections import reject
from topics import envelope
from topics.command import APPLICANT_HEADER, ORIGIN_HEADER, CommandRecord
from topics.events import Rejection
from topics.inbound import INBOUND, Inbound
from topics.parts import Source
from topics.registry import INBOUND_FAMILIES, INBOUND_VALUE_BYTES, INTERNAL_VALUE_BYTES, Family

if TYPE_CHECKING:
    import asyncpg

LOG = structlog.get_logger()
SQL = queries("intake")

GROUP = "noveto.intake"
MAX_RECORDS = 1000
MOST_FAULTS = 20
SEND_SECONDS = 60
# Verdicts by the directory: a newer one may have another.
OF_THE_DIRECTORY = frozenset({"party_may_not", "unknown_unit"})
PROGRESS_SECONDS = 0.5
EXPECTED_SECONDS = 5.0
# What lies between the broker's clock and ours, and between its answer and our reading of it.
PROGRESS_MARGIN = timedelta(seconds=0.5)
FIELD_NAME = re.compile(r"^[A-Za-z_]{1,40}$")
CASE_ID = re.compile(r"[A-Za-z0-9]+-[A-Za-z0-9_.:-]+")


@dataclass(frozen=True, slots=True)
class Inspected:
    """One inbound record in its canonical form, ready for its lane."""

    lane_key: bytes
    value: bytes
    headers: list[tuple[str, bytes]]
    verdict: str


@dataclass(frozen=True, slots=True)
class Inbox:
    """A record as it was read."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes]]


def inspect(inbox: Inbox, reference: Reference, keys: KeyRing) -> Inspected:
    """Who wrote it, what it is, which case: never an exception, whatever the bytes are."""
    source = Source(
        topic=inbox.topic,
        partition=inbox.partition,
        offset=inbox.offset,
        broker_time=datetime.fromtimestamp(inbox.timestamp_ms / 1000, UTC),
    )
    family, party = _whose(inbox.topic, reference)
    ce_id = envelope.attribute(inbox.headers, "ce_id")
    ce_type = envelope.attribute(inbox.headers, "ce_type")
    read = _read(inbox, family, party, ce_id, ce_type, reference)
    place = f"{inbox.topic}/{inbox.partition}/{inbox.offset}"
    traced = tracing.header(tracing.child(tracing.parsed(inbox.headers), "intake", place))
    if isinstance(read, Rejection):
        record = CommandRecord(
            kind="unusable",
            source=source,
            party=party,
            id=_short(ce_id),
            type=_short(ce_type),
            case_id=_case_in(inbox.key),
            verdict=read,
        )
        sealed = seal_original(keys, source, inbox.headers, inbox.key, inbox.value)
        lane_key = (record.case_id or place).encode()
        return Inspected(lane_key, sealed, [(ORIGIN_HEADER, record.wire()), *traced], read.code)
    message, data = read
    case_id = message.about
    canonical = orjson.dumps(data, option=orjson.OPT_SORT_KEYS)
    record = CommandRecord(
        kind="said",
        source=source,
        party=party,
        id=ce_id,
        type=ce_type,
        case_id=case_id,
        fingerprint=keys.fingerprint(canonical),
    )
    headers = [(ORIGIN_HEADER, record.wire()), *traced]
    applicant = data.pop("applicant", None)
    if applicant is not None:
        headers.append((APPLICANT_HEADER, keys.seal(orjson.dumps(applicant), f"applicant:{applicant_ref(case_id)}")))
    return Inspected(case_id.encode(), orjson.dumps(data), headers, "accepted")


def _whose(topic: str, reference: Reference) -> tuple[Family, str]:
    parsed = reference.names.parse(topic)
    if parsed is None or parsed[1] is None:
        raise ValueError(f"intake read a topic that is not inbound: {topic}")
    return parsed[0], parsed[1]


def _read(
    inbox: Inbox, family: Family, party: str, ce_id: str | None, ce_type: str | None, reference: Reference
) -> tuple[Inbound, dict[str, Any]] | Rejection:
    if inbox.value is None:
        return reject("empty_value", "a null value (tombstone) says nothing", where="value")
    if ce_id is None or len(ce_id) > 200 or "\x00" in ce_id:
        return reject("missing_attribute", "the header ce_id is missing, empty or longer than 200", where="ce_id")
    if ce_type is None:
        return reject("missing_attribute", "the header ce_type is missing", where="ce_type")
    model = INBOUND.get(ce_type)
    if model is None:
        return reject("unknown_type", f"there is no type {_short(ce_type)}", where="ce_type")
    if len(inbox.value) > INBOUND_VALUE_BYTES:
        return reject("bad_field", f"a message has {INBOUND_VALUE_BYTES} bytes at most", where="value")
    try:
        data = orjson.loads(inbox.value)
    except orjson.JSONDecodeError as error:
        return reject("not_json", f"not JSON: {error.msg}, character {error.pos}", where="value")
    if not isinstance(data, dict):
        return reject("not_an_object", f"a {type(data).__name__} where an object belongs", where="value")
    try:
        # By the names of the wire alone: what follows reads the JSON itself.
        message = model.model_validate_json(inbox.value, by_alias=True, by_name=False)
    except ValidationError as error:
        return _bad_fields(error)
    if inbox.key != message.about.encode():
        return reject("key_not_case", f"the key must be the case: {message.about}", where="key")
    refused = may_say(reference.directory, party, family, message)
    return refused if refused is not None else (message, data)


def _bad_fields(error: ValidationError) -> Rejection:
    """Where and what, but never the value: it may be somebody's number. Names are cut to what a person reads."""
    faults = [
        _fault(fault["loc"], fault["type"], fault["msg"], fault.get("ctx", {}))
        for fault in error.errors(include_url=False, include_input=False)[:MOST_FAULTS]
    ]
    first = faults[0]
    return reject("bad_field", f"{first['where']}: {first['what']}", where=first["where"], faults=faults)


def _fault(location: tuple[int | str, ...], kind: str, message: str, context: dict[str, Any]) -> dict[str, str]:
    if kind == "union_tag_invalid":
        # The library's own sentence quotes what was sent.
        location = (*location, context["discriminator"].strip("'"))
        message = f"Input should be one of {context['expected_tags']}"
    return {"where": _short(".".join(_named(part) for part in location)) or "value", "what": message}


def _named(part: int | str) -> str:
    """A place; a field that nobody knows only where its name can be a field's: a sender may write somebody's number there."""
    return str(part) if isinstance(part, int) or FIELD_NAME.match(part) else "?"


def _short(text: str | None) -> str | None:
    return None if text is None else text.replace("\x00", "").encode(errors="replace").decode()[:200]


def _case_in(key: bytes | None) -> str | None:
    """The case a record's key names, where it names one."""
    if key is None or len(key) > 97:
        return None
    text = key.decode(errors="replace")
    return text if CASE_ID.fullmatch(text) else None


class Intake:
    """The loop: read, inspect, send to the lanes, and only then commit."""

    def __init__(
        self,
        settings: Settings,
        references: References,
        reference: Reference,
        keys: KeyRing,
        metrics: Metrics,
        pool: asyncpg.Pool | None,
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
            wait = 0.2 if time.monotonic() - started > 30 else min(wait * 2, 5.0)
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
            heartbeat_interval_ms=int(min(1.0, settings.session_timeout_seconds / 3) * 1000),
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
            consumer.subscribe(pattern=self._inbound.pattern)
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
            began = time.perf_counter()
            lanes: dict[int, list[Inspected]] = {}
            for inspected in await self._inspected(record for records in fetched.values() for record in records):
                lanes.setdefault(lane_of(inspected.lane_key, self._settings.lanes), []).append(inspected)
            if lanes:
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
            if time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                await self._report_progress(consumer)

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
                await self._ask_for_the_newest_reference()
                inspected = self._inspect(record)
            self._metrics.count("noveto_intake_records", verdict=inspected.verdict)
            found.append(inspected)
        return found

    def _inspect(self, record: Any) -> Inspected:
        inbox = Inbox(
            record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, record.headers
        )
        return inspect(inbox, self._reference, self._keys)

    async def _ask_for_the_newest_reference(self) -> None:
        if self._pool is None:
            return
        try:
            async with self._pool.acquire(timeout=2) as connection_:
                await self._newest_reference(connection_)
        except DATABASE_AWAY:
            # What is known is gone by; the lane looks again.
            self._metrics.count("noveto_desk_errors", error="reference")

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
        rows = []
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
                ago = timedelta(seconds=max(0.0, now - polled / 1000))
                rows.append((tp.topic, tp.partition, ago + PROGRESS_MARGIN))
        self._metrics.set("noveto_intake_lag_records", behind)
        self._metrics.set("noveto_intake_lag_seconds", seconds)
        if self._pool is None:
            return
        try:
            async with self._pool.acquire(timeout=2) as connection_:
                if rows:
                    await SQL.put_progress(
                        connection_,
                        topics=[row[0] for row in rows],
                        partitions=[row[1] for row in rows],
                        ago=[row[2] for row in rows],
                    )
                await self._expect_all(consumer, connection_)
                await self._newest_reference(connection_)
        except DATABASE_AWAY:
            # Timers wait a little longer; the commands go on.
            self._metrics.count("noveto_desk_errors", error="progress")

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
