"""Counts on the router's topics from outside: shares no code with it, and believes nothing but committed records.

A finding is a sentence; none means that nothing was lost, doubled or out of order.
"""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

INBOUND = (
    "window.refusals.",
    "tier.decisions.",
    "consultation.replies.",
    "committee.instructions.",
    "government.decisions.",
)
MOST_FINDINGS = 20
READ_SECONDS = 120.0


async def check(bootstrap: str, prefix: str, cases: Iterable[str]) -> list[str]:
    """What is wrong on the topics after everything has come to rest; `cases` were proposed, acknowledged and answered."""
    seen = await read(bootstrap, prefix)
    return [*seen.findings(), *seen.against(list(cases))]


async def read(bootstrap: str, prefix: str) -> "Seen":
    """Everything that stands on the topics which the router writes."""
    seen = Seen()
    async with asyncio.timeout(READ_SECONDS):
        await _read_all(bootstrap, prefix, seen)
    return seen


class Seen:
    """What stands on the topics."""

    def __init__(self) -> None:
        self.ids: Counter[str] = Counter()
        self.heads: Counter[str] = Counter()
        self.tails: Counter[str] = Counter()
        self.versions: dict[str, list[int]] = {}
        self.replies: Counter[str] = Counter()
        self.sequences: dict[int, list[int]] = {}
        self.order: dict[str, list[str]] = {}
        self.last_hash: dict[int, bytes] = {}
        self.wrong: list[str] = []

    def take(self, family: str, lane: int, headers: dict[str, bytes], value: bytes | None) -> None:
        """One committed record."""
        event_id = headers["ce_id"].decode()
        event_type = headers["ce_type"].decode()
        self.ids[event_id] += 1
        if family.startswith("committee.filings."):
            case_id = json.loads(value or b"{}")["caseId"]
            if event_type == "filing.head":
                self.heads[case_id] += 1
            if event_type == "filing.tail":
                self.tails[case_id] += 1
            self.order.setdefault(case_id, []).append(event_type)
        if family.startswith("applicant.replies."):
            reply = json.loads(value or b"{}")
            self.replies[reply["caseId"]] += reply["kind"] == "final"
        if family == "case.events":
            entry: dict[str, Any] = json.loads(value or b"{}")
            self.sequences.setdefault(entry["lane"], []).append(entry["seq"])
            if entry["lane"] != lane:
                self.wrong.append(f"case.events lane {lane}: entry {entry['lane']}/{entry['seq']} is another lane's")
            self._chain(lane, entry["seq"], headers["noveto-hash"].decode(), value or b"")
            if entry["kind"] == "event":
                self.versions.setdefault(entry["caseId"], []).append(entry["version"])

    def _chain(self, lane: int, seq: int, told: str, value: bytes) -> None:
        chained = hashlib.sha256(self.last_hash.get(lane, bytes(32)) + value).digest()
        if chained.hex() != told:
            self.wrong.append(f"case.events lane {lane}: the hash of entry {seq} does not follow from the one before")
        self.last_hash[lane] = bytes.fromhex(told)

    def findings(self) -> list[str]:
        """What is wrong in itself: ids that repeat, versions or sequences with holes or out of order, a tail before its head."""
        found = [f"id {event_id} was published {count} times" for event_id, count in self.ids.items() if count > 1]
        found += self.wrong
        for lane, sequence in self.sequences.items():
            if sequence != list(range(len(sequence))):
                found.append(f"case.events lane {lane}: sequences are not 0 to {len(sequence) - 1} in order")
        for case_id, versions in self.versions.items():
            if versions != list(range(1, len(versions) + 1)):
                found.append(f"{case_id}: versions on case.events are {versions}")
        for case_id, order in self.order.items():
            if order and order[0] != "filing.head":
                found.append(f"{case_id}: filed {order}")
        return found[:MOST_FINDINGS]

    def against(self, cases: list[str]) -> list[str]:
        """What is wrong for the cases that were proposed: each has one head, one tail and one reply, and nobody else has any."""
        found = []
        counts = (("heads", self.heads), ("tails", self.tails), ("final replies", self.replies))
        for case_id in cases:
            for what, counted in counts:
                if counted[case_id] != 1:
                    found.append(f"{case_id}: {counted[case_id]} {what}")
        found += [f"{case_id}: filed, never proposed" for case_id in self.heads.keys() - set(cases)]
        return found[:MOST_FINDINGS]


async def _read_all(bootstrap: str, prefix: str, seen: Seen) -> None:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=8 * 1024 * 1024,
    )
    await consumer.start()
    try:
        cluster = await consumer._client.fetch_all_metadata()
        topics = [
            topic for topic in cluster.topics() if topic.startswith(prefix) and _written_by_router(topic[len(prefix) :])
        ]
        left = [TopicPartition(topic, part) for topic in topics for part in cluster.partitions_for_topic(topic)]
        consumer.assign(left)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(left)
        while left := [tp for tp in left if await consumer.position(tp) < ends[tp]]:
            for tp, records in (await consumer.getmany(*left, timeout_ms=1000, max_records=5000)).items():
                for record in records:
                    seen.take(tp.topic[len(prefix) :], tp.partition, dict(record.headers), record.value)
    finally:
        await consumer.stop()


def _written_by_router(family: str) -> bool:
    return family != "case.commands" and not family.startswith(INBOUND)
