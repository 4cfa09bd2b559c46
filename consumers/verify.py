"""Journal, `case.events` and filings held against each other; every difference by lane or case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson
from aiokafka import TopicPartition

from consumers.contents import Reference, References
from consumers.control import in_force
from consumers.derived import ChainBroken, Derived
from consumers.lane_log import TopicReader
from consumers.rebuild import PAGE, SQL
from consumers.reference import load_reference
from consumers.settings import Settings
from consumers.states import read_state
from consumers.store import connect
from topics import envelope
from topics.registry import Family, TopicNames

if TYPE_CHECKING:
    import asyncpg


@dataclass
class Verdict:
    """What was compared, and what differs."""

    entries: int = 0
    published: int = 0
    unpublished: int = 0
    """Entries that the relay has still to publish: no difference while it works."""
    cases: int = 0
    heads: int = 0
    tails: int = 0
    differences: list[str] = field(default_factory=list)


async def verify(settings: Settings) -> Verdict:
    """Compare everything; nothing is changed."""
    verdict = Verdict()
    events = TopicNames(settings.topic_prefix).of(Family.CASE_EVENTS)
    database = await connect(settings, "verify", transaction_timeout="0", idle_in_transaction_session_timeout="0")
    opened: set[str] = set()
    decided: set[str] = set()
    try:
        async with TopicReader(settings) as reader:
            # The journal first, the filings last: what is published meanwhile is no difference.
            for lane in range(settings.lanes):
                derived = await _lane(database, reader, events, lane, verdict)
                opened |= derived.opened
                decided |= derived.decided
            # The directory after the cases: it has the centre of every one of them.
            reference = await in_force(References(settings), database) or load_reference(settings)
            await _filings(reader, reference, opened, decided, verdict)
    finally:
        await database.close(timeout=5)
    verdict.cases = len(opened)
    return verdict


async def _lane(database: asyncpg.Connection, reader: TopicReader, events: str, lane: int, verdict: Verdict) -> Derived:
    derived = Derived(lane)
    hashes: list[bytes] = []
    async with database.transaction(isolation="repeatable_read", readonly=True):
        try:
            while True:
                page = await SQL.journal_of_lane(database, lane=lane, seq=derived.next_seq, most=PAGE)
                for row in page:
                    derived.take(row["seq"], row["body"], row["hash"])
                    hashes.append(row["hash"])
                if len(page) < PAGE:
                    break
        except ChainBroken as broken:
            verdict.differences.append(f"journal: {broken}")
        verdict.differences += _against_tables(derived, await SQL.case_states(database, lane=lane))
        lane_row = await SQL.lane(database, lane=lane)
    if lane_row["next_seq"] != derived.next_seq or lane_row["last_hash"] != derived.last_hash:
        verdict.differences.append(
            f"lane {lane}: its row says sequence {lane_row['next_seq']}, the journal ends before {derived.next_seq}"
        )
    verdict.entries += len(hashes)
    expected = 0
    async for published in reader.lane(events, lane):
        if published.seq != expected:
            verdict.differences.append(f"case.events: lane {lane}: {expected} expected, {published.seq} found")
        expected = published.seq + 1
        verdict.published += 1
        if published.seq < len(hashes) and hashes[published.seq] != published.hash:
            verdict.differences.append(f"lane {lane}: entry {published.seq} differs between journal and case.events")
    verdict.unpublished += max(0, len(hashes) - expected)
    return derived


def _against_tables(derived: Derived, rows: list[asyncpg.Record]) -> Iterator[str]:
    found = {row["case_id"]: row for row in rows}
    for case_id, case in derived.cases.items():
        row = found.pop(case_id, None)
        if row is None:
            yield f"{case_id}: in the journal, not among the cases"
        elif (kept := read_state(row["state"])) is not None and kept != case:
            yield f"{case_id}: its row is not what the journal makes it (version {row['version']}, journal {case.version})"
    for case_id in found:
        yield f"{case_id}: among the cases, not in the journal"


async def _filings(
    reader: TopicReader, reference: Reference, opened: set[str], decided: set[str], verdict: Verdict
) -> None:
    heads: Counter[str] = Counter()
    tails: Counter[str] = Counter()
    ids: Counter[str] = Counter()
    topics = [name for name, row in reference.topics.items() if row.family is Family.COMMITTEE_FILINGS]
    partitions = [TopicPartition(topic, lane) for topic in topics for lane in range(reference.lanes)]
    async for record in reader.records(partitions):
        ce_id = envelope.attribute(record.headers, "ce_id") or ""
        ids[ce_id] += 1
        case_id = orjson.loads(record.value).get("caseId", "")
        match envelope.attribute(record.headers, "ce_type"):
            case "filing.head":
                heads[case_id] += 1
            case "filing.tail":
                tails[case_id] += 1
    verdict.heads, verdict.tails = sum(heads.values()), sum(tails.values())
    verdict.differences += [f"filing {ce_id} was published {count} times" for ce_id, count in ids.items() if count > 1]
    complete = verdict.unpublished == 0
    for what, counted, wanted in (("head", heads, opened), ("tail", tails, decided)):
        for case_id, count in counted.items():
            if count > 1:
                verdict.differences.append(f"{case_id}: {count} {what}s")
            # A case opened or decided while we read is not in our view of the journal.
        if complete:
            verdict.differences += [f"{case_id}: no {what} was filed" for case_id in sorted(wanted - set(counted))]
