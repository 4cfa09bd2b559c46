"""What follows from a batch: journal entries, messages and rows, in the order in which they came about; nothing is stored yet."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson

from consumers import tracing
from consumers.contents import Content, Reference
from consumers.delivered import Delivered, Unreadable
from consumers.rows import ApplicantRow, CommandRow, JournalRow, OutboxRow, PrecedentRow, Rows, SourceRow, case_row
from consumers.sealing import applicant_ref
from router.case import Case
from router.messages.message import Message
from router.rejections import REASONS
from topics.command import CommandRecord
from topics.events import CaseDecided, CommandOrigin, Event, Rejection
from topics.events import Versions as DecidedBy
from topics.fields import trusted
from topics.journal import (
    AnyEntry,
    DeadLetterEntry,
    ErasedEntry,
    EventEntry,
    ParkedEntry,
    QuarantinedEntry,
    RejectedEntry,
    ReleasedEntry,
    RepeatedEntry,
    chained,
)
from topics.outbound import CommandRejected, CommandRepeated, Outbound
from topics.parts import Source
from topics.registry import Family

# Kafka counts its own framing and our headers into a record's size.
RECORD_OVERHEAD = 4096


class NotPublishable(Exception):
    """A message that no topic would take: too large, or for a topic that does not exist."""


@dataclass(slots=True)
class Head:
    """How far the lane has come: moved by each entry, stored at the end by the lane's compare-and-set."""

    lane: int
    next_seq: int
    last_hash: bytes


@dataclass(frozen=True, slots=True)
class Written:
    """A message as it will be published."""

    topic: str
    ce_type: str
    value: bytes


@dataclass(slots=True)
class Fact:
    """One step of a decision: what happened, the case after it, and what is said about it."""

    event: Event
    after: Case
    messages: list[Written]


@dataclass(slots=True)
class Parked:
    """A command that waits for its case."""

    seq: int
    case_id: str
    until: datetime
    command: bytes


@dataclass(slots=True)
class Quarantined:
    """A command that waits for an operator; none where the clock asked."""

    seq: int
    case_id: str
    error: str
    command: bytes | None


@dataclass(slots=True)
class Results:
    """Filled command by command; `reference` is what the lane decides by at that point."""

    head: Head
    now: datetime
    """The database's clock."""
    reference: Reference
    journal: list[JournalRow] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)
    cases: dict[str, Case] = field(default_factory=dict)
    commands: dict[tuple[str, str], CommandRow] = field(default_factory=dict)
    applicants: list[ApplicantRow] = field(default_factory=list)
    precedents: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    parked: list[Parked] = field(default_factory=list)
    unparked: list[int] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    erased: list[str] = field(default_factory=list)
    """Applicants whose data go."""
    contents: list[Content] = field(default_factory=list)
    """Reference data that came with the batch."""
    rejections: Counter[str] = field(default_factory=Counter)
    facts: Counter[str] = field(default_factory=Counter)

    @property
    def rare(self) -> bool:
        """Whether more follows than rows of the one statement."""
        return bool(self.parked or self.unparked or self.quarantined or self.released or self.erased or self.contents)

    # -- what became of a command --------------------------------------------------------------------------------

    def happened(self, facts: Sequence[Fact], delivered: Delivered | None, versions: DecidedBy) -> None:
        """All facts of a command, or of the clock."""
        for fact in facts:
            self._fact(fact, delivered, versions)
        after = facts[-1].after
        self.cases[after.case_id] = after
        if delivered is not None and delivered.record.id is not None and delivered.record.fingerprint is not None:
            record = delivered.record
            source = record.source.model_dump_json(by_alias=True)
            self.commands[record.party, delivered.record.id] = CommandRow(
                record.party, delivered.record.id, delivered.record.fingerprint, source, self.head.next_seq - 1
            )

    def rejected(self, delivered: Delivered, rejection: Rejection) -> None:
        """The command changed nothing; its sender is told."""
        entry = RejectedEntry(
            **self._place(delivered),
            origin=_origin(delivered),
            case_id=delivered.record.case_id,
            rejection=rejection,
        )
        self._tell(entry.seq, delivered, rejection, dead_letter=False)
        self._append(entry, "rejected", None)
        self.rejections[rejection.code] += 1

    def dead_letter(self, one: Delivered | Unreadable, rejection: Rejection, sealed: bytes) -> None:
        """A record that cannot be used is put aside, byte for byte and sealed; its sender is told."""
        source = one.record.source
        entry = DeadLetterEntry(
            **self._place(one),
            case_id=None,
            rejection=rejection,
            party=one.record.party,
            source=source,
            sha256=hashlib.sha256(sealed).hexdigest(),
        )
        place = coordinates(source)
        extra = {
            "noveto-source-topic": source.topic,
            "noveto-source-partition": str(source.partition),
            "noveto-source-offset": str(source.offset),
            "noveto-source-time": source.broker_time.isoformat(),
            "noveto-reason": rejection.code,
        }
        self.outbox.append(
            OutboxRow(
                seq=entry.seq,
                n=1,
                topic=self.reference.names.of(Family.DEAD_LETTERS),
                key=place.encode(),
                ce_id=f"{place}/dead-letter",
                ce_type="dead.letter",
                extra=orjson.dumps(extra).decode(),
                value=sealed,
            )
        )
        self._tell(entry.seq, one, rejection, dead_letter=True)
        self._append(entry, "dead_letter", None)
        self.rejections[rejection.code] += 1

    def repeated(self, delivered: Delivered, first: Source) -> None:
        """The same command again: answered as a repeat."""
        record = delivered.record
        entry = RepeatedEntry(
            **self._place(delivered), origin=_origin(delivered), case_id=record.case_id, first_source=first
        )
        body = CommandRepeated(
            command_id=record.id or "",
            command_type=record.type or "",
            case_id=record.case_id or "",
            source=record.source,
            first_source=first,
            text="该报文此前已收到并处理，本次不再生效。",
        )
        self._answer(entry.seq, 1, delivered, body, "repeat")
        self._append(entry, "repeated", None)
        self.rejections["repeated"] += 1

    def park(self, delivered: Delivered, case_id: str, until: datetime) -> tuple[int, bytes]:
        """The command waits for its case; the sequence of its entry, and the command as it is kept."""
        stored = delivered.stored()
        entry = ParkedEntry(
            **self._place(delivered),
            origin=_origin(delivered),
            case_id=case_id,
            until=until,
            command=orjson.loads(stored),
        )
        self.parked.append(Parked(entry.seq, case_id, until, stored))
        self._append(entry, "parked", None)
        return entry.seq, stored

    def quarantine(self, case_id: str, error: str, delivered: Delivered | None) -> None:
        """The case waits for an operator, with this command if one asked."""
        stored = delivered.stored() if delivered else None
        entry = QuarantinedEntry(
            **self._place(delivered),
            origin=_origin(delivered) if delivered else None,
            case_id=case_id,
            error=error[:500],
            command=orjson.loads(stored) if stored else {},
        )
        self.quarantined.append(Quarantined(entry.seq, case_id, error[:500], stored))
        self._append(entry, "quarantined", None)

    def let_go(self, case_id: str) -> list[bytes]:
        """The commands of a case that were quarantined earlier in this very batch: they are not in the database yet."""
        held = [row.command for row in self.quarantined if row.case_id == case_id and row.command is not None]
        self.quarantined = [row for row in self.quarantined if row.case_id != case_id]
        return held

    def release(self, delivered: Delivered, case_id: str, action: Literal["retry", "release"], held: int) -> None:
        """A quarantined case goes on."""
        entry = ReleasedEntry(
            **self._place(delivered), case_id=case_id, action=action, commands=held, source=delivered.record.source
        )
        self._append(entry, "released", None)
        self.released.append(case_id)

    def erase(self, delivered: Delivered, case_id: str, by: str, reason: str) -> None:
        """An applicant's data go, and the proof of it stays: both in this transaction. Raises ValueError where the order is none."""
        entry = ErasedEntry(
            **self._place(delivered),
            case_id=case_id,
            applicant_ref=applicant_ref(case_id),
            by=by,
            reason=reason,
            source=delivered.record.source,
        )
        self._append(entry, "erased", None)
        self.erased.append(entry.applicant_ref)

    def control(self, content: Content, previous: str | None, delivered: Delivered | None = None) -> None:
        """From here on the lane decides by this content."""
        offset, source = (delivered.offset, delivered.record.source) if delivered else (None, None)
        entry = content.entry(self.head.lane, self.head.next_seq, self.now, previous, offset, source)
        self._append(entry, "control", None)
        if delivered is not None:
            self.contents.append(content)

    def kept(self, case_id: str, sealed: bytes) -> None:
        """The applicant of a case that was opened."""
        self.applicants.append(ApplicantRow(applicant_ref(case_id), case_id, sealed, self.now))

    def written(self, messages: Sequence[Message]) -> list[Written]:
        """The messages in bytes. Raises NotPublishable where a topic would not take one."""
        # An alert goes to several parties: its bytes are made once.
        known: dict[int, bytes] = {}
        return [self._written(message, known) for message in messages]

    # -- entries and rows ----------------------------------------------------------------------------------------

    def rows(self, sources: Sequence[SourceRow], quarantined: set[str]) -> Rows:
        """What is stored in one statement with the lane's position; timers of quarantined cases wait."""
        return Rows(
            journal=self.journal,
            cases=[case_row(case, quarantined=case.case_id in quarantined) for case in self.cases.values()],
            commands=list(self.commands.values()),
            outbox=self.outbox,
            sources=list(sources),
            applicants=self.applicants,
            precedents=[PrecedentRow(*kind, cases) for kind, cases in self.precedents.items()],
        )

    def _place(self, one: Delivered | Unreadable | None) -> dict[str, Any]:
        return {
            "lane": self.head.lane,
            "seq": self.head.next_seq,
            "recorded_at": self.now,
            "offset": one.offset if one else None,
        }

    def _append(self, entry: AnyEntry, kind: str, version: int | None) -> None:
        body = entry.wire()
        digest = chained(self.head.last_hash, body)
        self.journal.append(JournalRow(entry.seq, kind, entry.case_id, version, self.now, body, digest))
        self.head.next_seq += 1
        self.head.last_hash = digest

    def _fact(self, fact: Fact, delivered: Delivered | None, versions: DecidedBy) -> None:
        event, after = fact.event, fact.after
        entry = trusted(
            EventEntry,
            lane=self.head.lane,
            seq=self.head.next_seq,
            recorded_at=self.now,
            offset=delivered.offset if delivered else None,
            origin=_origin(delivered) if delivered else None,
            case_id=after.case_id,
            versions=versions,
            version=after.version,
            event=event,
        )
        key = after.case_id.encode()
        extra = _traced(delivered) if delivered else None
        for n, said in enumerate(fact.messages, 1):
            ce_id = f"{after.case_id}.{after.version}.{n}"
            self.outbox.append(OutboxRow(entry.seq, n, said.topic, key, ce_id, said.ce_type, extra, said.value))
        self._append(entry, "event", after.version)
        self.facts[event.type] += 1
        if isinstance(event, CaseDecided) and not after.headless and after.situation and after.ground_code:
            self.precedents[after.matter.task_code, after.situation, after.ground_code, event.outcome] += 1

    # -- messages ------------------------------------------------------------------------------------------------

    def _written(self, message: Message, known: dict[int, bytes]) -> Written:
        topic = self.reference.names.of(message.family, message.owner)
        row = self.reference.topics.get(topic)
        if row is None:
            raise NotPublishable(f"there is no topic {topic}")
        body = message.body
        value = known.get(id(body))
        if value is None:
            value = known[id(body)] = body.wire()
        if len(value) > row.max_message_bytes - RECORD_OVERHEAD:
            raise NotPublishable(f"a message of {len(value)} bytes is too large for {topic}")
        return Written(topic, body.TYPE, value)

    def _tell(self, seq: int, one: Delivered | Unreadable, rejection: Rejection, *, dead_letter: bool) -> None:
        record = one.record
        body = CommandRejected(
            command_id=record.id,
            command_type=record.type,
            case_id=record.case_id,
            source=record.source,
            rejection=rejection,
            dead_letter=dead_letter,
            text=f"报文未生效：{REASONS[rejection.code]}。",
        )
        self._answer(seq, 2 if dead_letter else 1, one, body, "rejection")

    def _answer(self, seq: int, n: int, one: Delivered | Unreadable, body: Outbound, what: str) -> None:
        """To whoever wrote it: the inbound topic names the party. A writer of `case.commands` itself is nobody's party."""
        record: CommandRecord = one.record
        topic = self.reference.names.of(Family.COMMAND_REJECTIONS, record.party)
        if topic not in self.reference.topics:
            return
        place = coordinates(record.source)
        key = (record.case_id or place).encode()
        extra = _traced(one) if isinstance(one, Delivered) else None
        self.outbox.append(OutboxRow(seq, n, topic, key, f"{place}/{what}", body.TYPE, extra, body.wire()))


def coordinates(source: Source) -> str:
    """A record's place on its topic, as an id."""
    return f"{source.topic}/{source.partition}/{source.offset}"


def _origin(delivered: Delivered) -> CommandOrigin | None:
    record = delivered.record
    if record.id is None or record.type is None or record.fingerprint is None:
        return None
    return CommandOrigin(
        party=record.party,
        id=record.id,
        type=record.type,
        fingerprint=record.fingerprint,
        source=record.source,
        traceparent=delivered.traceparent,
    )


def _traced(delivered: Delivered) -> str | None:
    """The header by which a message goes on in its command's trace."""
    own = tracing.child(delivered.traceparent, "desk", coordinates(delivered.record.source))
    return orjson.dumps({tracing.TRACEPARENT: own}).decode() if own else None
