"""Reading the ledger for people: one case's entries, dead letters."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from consumers.delivered import purpose_of, unpack_original
from consumers.kafka import connection
from consumers.sealing import KeyRing
from consumers.settings import Settings
from consumers.states import cases_of
from consumers.store import connect, queries
from router.case import Case
from router.evolve import evolve
from topics.events import Limit
from topics.journal import EventEntry, read_entry
from topics.parts import Source
from topics.registry import INTERNAL_VALUE_BYTES, Family, TopicNames

SQL = queries("reading")
PAGE = 500


async def case_entries(settings: Settings, case_id: str) -> list[EventEntry]:
    """Everything that happened to a case, in order; empty where it is not known."""
    database = await connect(settings, "reading")
    try:
        rows = await SQL.case_entries(database, case_id=case_id)
    finally:
        await database.close(timeout=5)
    entries = (read_entry(row["body"]) for row in rows)
    return [entry for entry in entries if isinstance(entry, EventEntry)]


async def open_cases(settings: Settings, unit: str | None = None) -> AsyncIterator[Case]:
    """Every case whose outcome is still to come, of one unit (orgCode) or of all, in the order of their ids."""
    database = await connect(settings, "reading")
    try:
        after = ""
        while rows := await SQL.open_cases(database, unit=unit, after=after, most=PAGE):
            for case in await cases_of(database, rows):
                yield case
            after = rows[-1]["case_id"]
    finally:
        await database.close(timeout=5)


def replay(entries: list[EventEntry]) -> tuple[Case | None, list[Limit]]:
    """The case as its facts make it, and every limit that ever ran for it."""
    case: Case | None = None
    limits: list[Limit] = []
    for entry in entries:
        case = evolve(case, entry.case_id or "", entry.event)
        for limit in getattr(entry.event, "limits", ()):
            if limit not in limits:
                limits.append(limit)
    return case, limits


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record that could not be used: where it was read, why it was put aside, and its sealed original."""

    source: Source
    reason: str
    sealed: bytes

    @property
    def id(self) -> str:
        """Topic, partition and offset: what `noveto dead-letters show` takes."""
        return f"{self.source.topic}/{self.source.partition}/{self.source.offset}"

    def original(self, keys: KeyRing) -> tuple[list[tuple[str, bytes | None]], bytes | None, bytes | None]:
        """Headers, key and value, byte for byte as they were read."""
        return unpack_original(keys.open(self.sealed, purpose_of(self.source)))


async def dead_letters(settings: Settings) -> AsyncIterator[DeadLetter]:
    """Every dead letter that is still kept, oldest first within a lane."""
    topic = TopicNames(settings.topic_prefix).of(Family.DEAD_LETTERS)
    consumer = AIOKafkaConsumer(
        **connection(settings, "dead-letters"),
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )
    try:
        await consumer.start()
        await consumer._client.force_metadata_update()
        partitions = [
            TopicPartition(topic, number)
            for number in sorted(consumer.partitions_for_topic(topic) or await _partitions(consumer, topic))
        ]
        consumer.assign(partitions)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(partitions)
        while partitions:
            for records in (await consumer.getmany(*partitions, timeout_ms=1000)).values():
                for record in records:
                    headers = {name: value.decode() for name, value in record.headers}
                    yield DeadLetter(
                        source=Source(
                            topic=headers["noveto-source-topic"],
                            partition=int(headers["noveto-source-partition"]),
                            offset=int(headers["noveto-source-offset"]),
                            broker_time=headers["noveto-source-time"],
                        ),
                        reason=headers["noveto-reason"],
                        sealed=record.value,
                    )
            partitions = [tp for tp in partitions if await consumer.position(tp) < ends[tp]]
    finally:
        await consumer.stop()


async def write_again(settings: Settings, letter: DeadLetter, keys: KeyRing) -> str:
    """The original onto the topic and partition it came from, exact to the byte; where it stands now."""
    headers, key, value = letter.original(keys)
    producer = AIOKafkaProducer(
        **connection(settings, "replay"), enable_idempotence=True, max_request_size=INTERNAL_VALUE_BYTES
    )
    try:
        await producer.start()
        sent = await producer.send_and_wait(
            letter.source.topic, value=value, key=key, headers=headers, partition=letter.source.partition
        )
        return f"{sent.topic}/{sent.partition}/{sent.offset}"
    finally:
        await producer.stop()


async def _partitions(consumer: AIOKafkaConsumer, topic: str) -> set[int]:
    await consumer._client.add_topic(topic)
    return set(consumer.partitions_for_topic(topic) or ())
