"""What follows from a lane's journal: its cases, known commands, source positions, and what still waits.

The desk keeps these tables as it goes; rebuilding folds them from the entries, and verifying compares the two.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson

from router.case import Case
from router.evolve import evolve
from topics.events import CaseDecided
from topics.journal import (
    GENESIS,
    AnyEntry,
    ControlEntry,
    DeadLetterEntry,
    ErasedEntry,
    EventEntry,
    ParkedEntry,
    QuarantinedEntry,
    ReferenceKind,
    ReleasedEntry,
    chained,
    read_entry,
)
from topics.parts import Source

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ChainBroken(Exception):
    """An entry whose hash does not follow from its bytes and the entry before it, or one that is missing."""


@dataclass
class Derived:
    """Folded entry by entry, in order."""

    lane: int
    next_seq: int = 0
    last_hash: bytes = GENESIS
    next_offset: int = 0
    clock: datetime = EPOCH
    cases: dict[str, Case] = field(default_factory=dict)
    commands: dict[tuple[str, str], tuple[str, str, int]] = field(default_factory=dict)
    sources: dict[tuple[str, int], tuple[int, datetime]] = field(default_factory=dict)
    parked: dict[tuple[str, int, int], tuple[int, str, datetime, bytes]] = field(default_factory=dict)
    quarantined: list[tuple[int, str, str, datetime, bytes | None]] = field(default_factory=list)
    precedents: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    contents: dict[ReferenceKind, ControlEntry] = field(default_factory=dict)
    """By what the lane decides."""
    erased: dict[str, datetime] = field(default_factory=dict)
    """Applicants whose data were erased, and when: an older copy of the database has them again."""
    opened: set[str] = field(default_factory=set)
    """Cases with a head."""
    decided: set[str] = field(default_factory=set)
    """Cases with a tail."""

    def take(self, seq: int, body: bytes, digest: bytes) -> AnyEntry:
        """The next entry. Raises ChainBroken where it is not the next, or not what was hashed; NewerForm where we cannot read it."""
        if seq != self.next_seq:
            raise ChainBroken(f"lane {self.lane}: entry {self.next_seq} is missing, {seq} follows")
        if chained(self.last_hash, body) != digest:
            raise ChainBroken(f"lane {self.lane}: entry {seq} is not what was hashed")
        entry = read_entry(body)
        self.next_seq, self.last_hash = seq + 1, digest
        self.clock = max(self.clock, entry.recorded_at)
        if entry.offset is not None:
            self.next_offset = max(self.next_offset, entry.offset + 1)
        own = entry.source if isinstance(entry, DeadLetterEntry | ControlEntry | ReleasedEntry | ErasedEntry) else None
        source = own or (entry.origin.source if entry.origin else None)
        if source is not None:
            self._moved(source)
        match entry:
            case EventEntry():
                self._happened(entry)
            case ControlEntry():
                self.contents[entry.reference] = entry
            case ParkedEntry() if source is not None:
                stored = orjson.dumps(entry.command)
                self.parked[source.topic, source.partition, source.offset] = (
                    seq,
                    entry.case_id or "",
                    entry.until,
                    stored,
                )
                return entry
            case QuarantinedEntry():
                stored_command = orjson.dumps(entry.command) if entry.command else None
                self.quarantined.append((seq, entry.case_id or "", entry.error, entry.recorded_at, stored_command))
            case ErasedEntry():
                self.erased[entry.applicant_ref] = entry.recorded_at
            case ReleasedEntry():
                self.quarantined = [row for row in self.quarantined if row[1] != entry.case_id]
            case _:
                pass
        if source is not None:
            # Whatever became of a parked command, it waits no longer.
            self.parked.pop((source.topic, source.partition, source.offset), None)
        return entry

    def _moved(self, source: Source) -> None:
        key = (source.topic, source.partition)
        known = self.sources.get(key)
        if known is None or source.offset + 1 > known[0] or source.broker_time > known[1]:
            self.sources[key] = (source.offset + 1, source.broker_time)

    def _happened(self, entry: EventEntry) -> None:
        case_id = entry.case_id or ""
        before = self.cases.get(case_id)
        if entry.version != (before.version if before else 0) + 1:
            raise ChainBroken(
                f"lane {self.lane}: {case_id} has version {entry.version} after {before.version if before else 0}"
            )
        case = self.cases[case_id] = evolve(before, case_id, entry.event)
        if not case.headless:
            self.opened.add(case_id)
        if isinstance(entry.event, CaseDecided) and not case.headless:
            self.decided.add(case_id)
            if case.situation and case.ground_code:
                self.precedents[case.matter.task_code, case.situation, case.ground_code, entry.event.outcome] += 1
        if entry.origin is not None:
            source = entry.origin.source.model_dump_json(by_alias=True)
            self.commands[entry.origin.party, entry.origin.id] = (entry.origin.fingerprint, source, entry.seq)


def chunks(rows: Sequence[tuple[object, ...]], size: int = 1000) -> list[list[list[object]]]:
    """Rows as columns, some at a time, for one statement each."""
    return [[list(column) for column in zip(*rows[at : at + size], strict=True)] for at in range(0, len(rows), size)]
