"""What a lane makes of a batch: every command and due timer decided, every row and message prepared, nothing stored yet.

It is filled in memory from what was loaded, and written by `consumers.ledger` in the same SQL transaction.
"""

import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import orjson
from pydantic import ValidationError

from consumers import tracing
from consumers.clock import Clock
from consumers.contents import Content, ReferenceDataError, References, Versions
from consumers.delivered import Delivered, Unreadable, unpack_stored
from consumers.sealing import applicant_ref
from router.authority import may_say
from router.case import Case, Closed
from router.context import CalendarChanged, Command, Context, LimitsDue, PrecedentKey
from router.decide import decide
from router.evolve import evolve
from router.rejections import REASONS, reject
from router.rendering import render
from router.timers import next_timer
from topics.command import ERASURE_CONTROL, QUARANTINE_CONTROL, CommandRecord
from topics.events import CaseDecided, CommandOrigin, Event, Rejection
from topics.events import Versions as DecidedBy
from topics.inbound import INBOUND, Inbound, Opening
from topics.journal import (
    AnyEntry,
    DeadLetterEntry,
    ErasedEntry,
    EventEntry,
    ParkedEntry,
    QuarantinedEntry,
    ReferenceKind,
    RejectedEntry,
    ReleasedEntry,
    RepeatedEntry,
    chained,
)
from topics.outbound import CommandRejected, CommandRepeated, Outbound
from topics.parts import Precedents, Source
from topics.registry import Family

# Kafka counts its own framing and our headers into a record's size.
RECORD_OVERHEAD = 4096


@dataclass(slots=True)
class Head:
    """How far the lane has come: moved by each entry, stored at the end by the lane's compare-and-set."""

    lane: int
    next_seq: int
    last_hash: bytes


@dataclass(slots=True)
class Loaded:
    """What the database knew before the batch."""

    cases: dict[str, Case]
    known: dict[tuple[str, str], tuple[str, str]]
    """(party, id) → (fingerprint, first source as JSON)."""
    precedents: Mapping[PrecedentKey, Precedents]
    parked: dict[str, list[tuple[int, bytes]]]
    """Case → (seq, command) of the commands that wait for it, in order."""
    quarantined: set[str] = field(default_factory=set)
    held: dict[str, list[bytes]] = field(default_factory=dict)
    """The commands of quarantined cases that this batch lets go on, in order."""


@dataclass(slots=True)
class OutboxRow:
    """One message to publish."""

    seq: int
    n: int
    topic: str
    key: bytes
    ce_id: str
    ce_type: str
    value: bytes
    extra: str | None = None


@dataclass(slots=True)
class JournalRow:
    """One entry to append."""

    seq: int
    kind: str
    case_id: str | None
    version: int | None
    body: bytes
    hash: bytes


class NotPublishable(Exception):
    """A message that no topic would take: too large, or for a topic that does not exist."""


class PoisonedData(Exception):
    """The database would not have what follows from this command."""


class Batch:
    """The results of one transaction, command by command."""

    def __init__(
        self,
        head: Head,
        loaded: Loaded,
        now: datetime,
        clock: Clock,
        references: References,
        versions: Versions,
        park_seconds: float,
        *,
        not_before: datetime | None = None,
        router_behind: bool = False,
        poison: str | None = None,
    ) -> None:
        self.head = head
        self.now = now
        self.versions = versions
        self.contents: list[Content] = []
        """Reference data that came with the batch."""
        self.calendar_changed = False
        self.journal: list[JournalRow] = []
        self.outbox: list[OutboxRow] = []
        self.cases: dict[str, Case] = {}
        self.commands: dict[tuple[str, str], tuple[str, str, int]] = {}
        self.applicants: list[tuple[str, str, bytes]] = []
        self.parked: list[tuple[int, str, datetime, bytes]] = []
        self.unparked: list[int] = []
        self.quarantined: list[tuple[int, str, str, bytes | None]] = []
        self.released: list[str] = []
        self.erased: list[str] = []
        """Applicants whose data go."""
        self.precedents: Counter[tuple[str, str, str, str]] = Counter()
        self.rejections: Counter[str] = Counter()
        self.facts: Counter[str] = Counter()
        self._loaded = loaded
        self._clock = clock
        self._references = references
        self._reference = reference = references.made(versions)
        self._park_seconds = park_seconds
        self._traceparent: str | None = None
        """Of the command that is being answered."""
        self._poison = poison
        self._context = Context(
            now=max(clock.domain(now), not_before) if not_before else clock.domain(now),
            directory=reference.directory,
            policy=reference.policy,
            working_time=reference.working_time,
            precedents=loaded.precedents,
            router_behind=router_behind,
        )

    @property
    def domain_now(self) -> datetime:
        """The time the rules run by; never backward within a lane, whatever the clock's settings."""
        return self._context.now

    # -- what comes in -------------------------------------------------------------------------------------------

    def begin(self, contents: Sequence[Content]) -> None:
        """The lane's first entries: by what it decides."""
        for content in contents:
            self._append(content.entry(self.head.lane, self.head.next_seq, self.now, None), "control", None)

    def take(self, delivered: Delivered | Unreadable) -> None:
        """One record of `case.commands`."""
        self._traceparent = delivered.traceparent if isinstance(delivered, Delivered) else None
        if isinstance(delivered, Unreadable):
            self._dead_letter(delivered.record, delivered.rejection, delivered.sealed, delivered.offset)
            return
        record = delivered.record
        if record.kind == "unusable":
            verdict = record.verdict or reject("bad_field", "the message could not be used")
            self._dead_letter(record, verdict, delivered.value, delivered.offset)
            return
        if record.kind == "control":
            self._control(delivered)
            return
        self._said(delivered, seq_of_parked=None)

    def fire(self, cases: Sequence[Case], until: datetime) -> Iterator[None]:
        """The timers of these cases that are due by `until` (domain time), in due order over all of them.

        It is to be gone through to its end; between two timers others may have the processor.
        """
        waiting: list[tuple[datetime, str]] = []
        for loaded in cases:
            case = self._recalculated(self._case(loaded.case_id) or loaded)
            self._loaded.cases.setdefault(case.case_id, case)
            self._queue(waiting, case, until)
        while waiting:
            at, case_id = heapq.heappop(waiting)
            due = self._case(case_id)
            if due is not None:
                self._queue(waiting, self._by_the_clock(due, LimitsDue(until=at), at), until)
                yield

    def _queue(self, waiting: list[tuple[datetime, str]], case: Case, until: datetime) -> None:
        timer = None if case.case_id in self._loaded.quarantined else next_timer(case)
        if timer is not None and timer.at <= until:
            heapq.heappush(waiting, (timer.at, case.case_id))

    def recalculate(self, case: Case) -> None:
        """Work the limits of one case out again by the calendar in force (R26)."""
        self._recalculated(self._case(case.case_id) or case)

    def expire(self, seq: int, stored: bytes) -> None:
        """A parked command has waited long enough: its sender is told to send again."""
        delivered = unpack_stored(stored)
        self.unparked.append(seq)
        self._traceparent = delivered.traceparent
        self._reject(
            delivered,
            reject(
                "unknown_case",
                f"no case {delivered.record.case_id} is known; send again once its refusal has been sent",
                where="caseId",
                retryable=True,
            ),
        )

    # -- one command ---------------------------------------------------------------------------------------------

    def _said(self, delivered: Delivered, seq_of_parked: int | None) -> None:
        record = delivered.record
        self._traceparent = delivered.traceparent
        case_id = record.case_id
        if record.type is None or record.id is None or case_id is None or record.fingerprint is None:
            raise ValueError("a usable command has a type, an id, a case and a fingerprint")
        if seq_of_parked is not None:
            self.unparked.append(seq_of_parked)
        if self._answered_as_repeat(delivered, (record.party, record.id), record.fingerprint):
            return
        if case_id in self._loaded.quarantined:
            self._quarantine(case_id, "the case is quarantined", delivered)
            return
        try:
            message = INBOUND[record.type].model_validate_json(delivered.value)
        except (ValidationError, KeyError) as error:
            # Intake checked it with the same models; a rolling upgrade may have brought two versions together.
            self._reject(delivered, reject("bad_field", f"not readable as {record.type}: {type(error).__name__}"))
            return
        refused = self._not_theirs_to_say(record, message)
        if refused is not None:
            self._reject(delivered, refused)
            return
        case = self._case(case_id)
        if case is None and not isinstance(message, Opening):
            self._park(delivered, case_id)
            return
        self._apply(delivered, message, case, case_id)

    def _not_theirs_to_say(self, record: CommandRecord, message: Inbound) -> Rejection | None:
        """Intake has looked already; what counts is the directory that the lane decides by, which may be newer by now."""
        topic = self._reference.names.parse(record.source.topic)
        return may_say(self._reference.directory, record.party, topic[0], message) if topic else None

    def _apply(self, delivered: Delivered, message: Inbound, case: Case | None, case_id: str) -> None:
        record = delivered.record
        received_at = self._clock.domain(record.source.broker_time)
        if case is not None:
            # Whatever was due before this was received happened before it (R29), by the calendar in force.
            case = self._fire(self._recalculated(case), received_at)
            if case.case_id in self._loaded.quarantined:
                self._quarantine(case_id, "the case is quarantined", delivered)
                return
        applicant = delivered.applicant if isinstance(message, Opening) else None
        command = Command(
            case_id=case_id,
            message=message,
            received_at=received_at,
            party=record.party,
            applicant_ref=applicant_ref(case_id) if applicant else None,
        )
        try:
            self._refuse_poison()
            decision = decide(case, command, self._context)
            if isinstance(decision, Rejection):
                self._reject(delivered, decision)
                return
            self._record(case, case_id, decision, delivered)
        except NotPublishable as error:
            self._reject(delivered, reject("too_large", str(error)))
            return
        except Exception as error:
            self._quarantine(case_id, f"{type(error).__name__}: {error}", delivered)
            self._keep_applicant(case_id, applicant)
            return
        self._keep_applicant(case_id, applicant)
        if case is None:
            for seq, stored in self._loaded.parked.pop(case_id, ()):
                self._said(unpack_stored(stored), seq_of_parked=seq)

    def _refuse_poison(self) -> None:
        if self._poison is not None:
            raise PoisonedData(self._poison)

    def _keep_applicant(self, case_id: str, sealed: bytes | None) -> None:
        if sealed is not None:
            self.applicants.append((applicant_ref(case_id), case_id, sealed))

    def _recalculated(self, case: Case) -> Case:
        """A case is never decided or carded by limits that the calendar in force has moved."""
        version = self._context.working_time[case.centre].version
        if case.case_id in self._loaded.quarantined or all(
            limit.calendar is None or limit.calendar == version for limit in case.limits
        ):
            return case
        return self._by_the_clock(case, CalendarChanged(), self._context.now)

    def _fire(self, case: Case, until: datetime) -> Case:
        timer = next_timer(case)
        if timer is None or timer.at > until or case.case_id in self._loaded.quarantined:
            return case
        return self._by_the_clock(case, LimitsDue(until=until), until)

    def _by_the_clock(self, case: Case, message: LimitsDue | CalendarChanged, at: datetime) -> Case:
        command = Command(case_id=case.case_id, message=message, received_at=at)
        try:
            self._refuse_poison()
            events = decide(case, command, self._context)
            if isinstance(events, Rejection):
                raise TypeError(f"the clock was rejected: {events.code}")
            if not events and isinstance(message, LimitsDue):
                # It would be due again at once, for ever.
                raise ValueError(f"nothing came of what was due {message.until.isoformat()}")
            return self._record(case, case.case_id, events, None) if events else case
        except Exception as error:
            self._quarantine(case.case_id, f"{type(error).__name__}: {error}", None)
            return case

    # -- reference data ------------------------------------------------------------------------------------------

    def _control(self, delivered: Delivered) -> None:
        """From here on the lane decides by other reference data; what cannot be understood changes nothing."""
        record = delivered.record
        if record.type == QUARANTINE_CONTROL:
            self._release(delivered)
            return
        if record.type == ERASURE_CONTROL:
            self._erase(delivered)
            return
        try:
            kind = ReferenceKind((record.type or "").removeprefix("control."))
            content = Content(kind, record.id or "", delivered.value)
            if content.sha256 != record.fingerprint:
                raise ReferenceDataError(f"{kind} {content.version} is not what was hashed")
            self._references.add(content)
            versions = self.versions.after(content)
            reference = self._references.made(versions)
        except (ValueError, ReferenceDataError) as error:
            self._reject(delivered, reject("bad_field", str(error)[:500], where="control"))
            return
        entry = content.entry(
            self.head.lane, self.head.next_seq, self.now, self.versions.of(kind), delivered.offset, record.source
        )
        self._append(entry, "control", None)
        self.contents.append(content)
        self.calendar_changed |= versions.calendar != self.versions.calendar
        self.versions, self._reference = versions, reference
        self._context = replace(
            self._context,
            directory=reference.directory,
            policy=reference.policy,
            working_time=reference.working_time,
        )

    def _release(self, delivered: Delivered) -> None:
        """A quarantined case goes on: its commands are decided again in order, or given back to their senders."""
        case_id = delivered.record.case_id or ""
        action: Literal["retry", "release"] = "retry" if delivered.record.id == "retry" else "release"
        held = self._loaded.held.pop(case_id, [])
        # Those that were quarantined earlier in this very batch are not in the database yet.
        held += [stored for _, of_case, _, stored in self.quarantined if of_case == case_id and stored is not None]
        self.quarantined = [row for row in self.quarantined if row[1] != case_id]
        entry = ReleasedEntry(
            lane=self.head.lane,
            seq=self.head.next_seq,
            recorded_at=self.now,
            offset=delivered.offset,
            case_id=case_id,
            action=action,
            commands=len(held),
            source=delivered.record.source,
        )
        self._append(entry, "released", None)
        self.released.append(case_id)
        self._loaded.quarantined.discard(case_id)
        case = self._case(case_id)
        if case is not None:
            # Written again, so that its timers run.
            self.cases[case_id] = case
        for stored in held:
            waiting = unpack_stored(stored)
            if action == "retry":
                self._said(waiting, seq_of_parked=None)
            else:
                self._reject(
                    waiting,
                    reject("quarantine_released", "an operator let the case go on without this command; send it again"),
                )

    def _erase(self, delivered: Delivered) -> None:
        """An applicant's data go, and the proof of it stays: both in this transaction."""
        case_id = delivered.record.case_id or ""
        try:
            order = orjson.loads(delivered.value)
            entry = ErasedEntry(
                lane=self.head.lane,
                seq=self.head.next_seq,
                recorded_at=self.now,
                offset=delivered.offset,
                case_id=case_id,
                applicant_ref=applicant_ref(case_id),
                by=order["by"],
                reason=order["reason"],
                source=delivered.record.source,
            )
        except (ValueError, KeyError, TypeError) as error:
            self._reject(delivered, reject("bad_field", f"no order to erase: {type(error).__name__}", where="control"))
            return
        self._append(entry, "erased", None)
        self.erased.append(entry.applicant_ref)

    # -- what is written -----------------------------------------------------------------------------------------

    def _record(self, case: Case | None, case_id: str, events: list[Event], delivered: Delivered | None) -> Case:
        """Facts, and the messages they mean: all of a command or, if one cannot be published, none."""
        steps: list[tuple[Event, Case, list[tuple[str, bytes, str]]]] = []
        for event in events:
            after = evolve(case, case_id, event)
            # An alert goes to several parties: its bytes are made once.
            written: dict[int, bytes] = {}
            messages = [
                self._addressed(message.family, message.owner, message.body, written)
                for message in render(case, after, event, self._context)
            ]
            steps.append((event, after, messages))
            case = after
        if case is None:
            raise ValueError("a command that is not rejected has at least one fact")
        versions = self._context.versions(case.centre)
        for event, after, messages in steps:
            self._append_event(event, after, messages, delivered, versions)
        self.cases[case_id] = case
        if delivered is not None and delivered.record.id is not None and delivered.record.fingerprint is not None:
            key = (delivered.record.party, delivered.record.id)
            self.commands[key] = (
                delivered.record.fingerprint,
                _source_json(delivered.record.source),
                self.head.next_seq - 1,
            )
        return case

    def _append_event(
        self,
        event: Event,
        after: Case,
        messages: list[tuple[str, bytes, str]],
        delivered: Delivered | None,
        versions: DecidedBy,
    ) -> None:
        entry = EventEntry(
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
        extra = _traced(delivered.traceparent, delivered.record.source) if delivered else None
        for n, (topic, value, ce_type) in enumerate(messages, 1):
            self.outbox.append(
                OutboxRow(entry.seq, n, topic, key, f"{after.case_id}.{after.version}.{n}", ce_type, value, extra)
            )
        self._append(entry, "event", after.version)
        self.facts[event.type] += 1
        if isinstance(event, CaseDecided) and not after.headless and after.situation and after.ground_code:
            self.precedents[after.matter.task_code, after.situation, after.ground_code, event.outcome] += 1

    def _reject(self, delivered: Delivered, rejection: Rejection) -> None:
        record = delivered.record
        entry = RejectedEntry(
            lane=self.head.lane,
            seq=self.head.next_seq,
            recorded_at=self.now,
            offset=delivered.offset,
            origin=_origin(delivered),
            case_id=record.case_id,
            rejection=rejection,
        )
        self._tell(entry.seq, record, rejection, dead_letter=False)
        self._append(entry, "rejected", None)
        self.rejections[rejection.code] += 1

    def _dead_letter(self, record: CommandRecord, rejection: Rejection, sealed: bytes, offset: int) -> None:
        entry = DeadLetterEntry(
            lane=self.head.lane,
            seq=self.head.next_seq,
            recorded_at=self.now,
            offset=offset,
            case_id=None,
            rejection=rejection,
            party=record.party,
            source=record.source,
            sha256=hashlib.sha256(sealed).hexdigest(),
        )
        place = coordinates(record.source)
        topic = self._reference.names.of(Family.DEAD_LETTERS)
        extra = orjson.dumps(
            {
                "noveto-source-topic": record.source.topic,
                "noveto-source-partition": str(record.source.partition),
                "noveto-source-offset": str(record.source.offset),
                "noveto-source-time": record.source.broker_time.isoformat(),
                "noveto-reason": rejection.code,
            }
        ).decode()
        self.outbox.append(
            OutboxRow(entry.seq, 1, topic, place.encode(), f"{place}/dead-letter", "dead.letter", sealed, extra)
        )
        self._tell(entry.seq, record, rejection, dead_letter=True)
        self._append(entry, "dead_letter", None)
        self.rejections[rejection.code] += 1

    def _answered_as_repeat(self, delivered: Delivered, identity: tuple[str, str], fingerprint: str) -> bool:
        """Same party and id: with the same content a repeat, with other content a mistake."""
        in_batch = self.commands.get(identity)
        known = in_batch[:2] if in_batch else self._loaded.known.get(identity)
        if known is None:
            return False
        record = delivered.record
        if known[0] != fingerprint:
            first = orjson.loads(known[1])
            self._reject(
                delivered,
                reject(
                    "same_id_other_content",
                    f"ce_id {identity[1]} was used for another message",
                    where="ce_id",
                    first=first,
                ),
            )
            return True
        first_source = Source.model_validate_json(known[1])
        entry = RepeatedEntry(
            lane=self.head.lane,
            seq=self.head.next_seq,
            recorded_at=self.now,
            offset=delivered.offset,
            origin=_origin(delivered),
            case_id=record.case_id,
            first_source=first_source,
        )
        body = CommandRepeated(
            command_id=identity[1],
            command_type=record.type or "",
            case_id=record.case_id or "",
            source=record.source,
            first_source=first_source,
            text="该报文此前已收到并处理，本次不再生效。",
        )
        self._answer(entry.seq, 1, record, body, "repeat")
        self._append(entry, "repeated", None)
        self.rejections["repeated"] += 1
        return True

    def _park(self, delivered: Delivered, case_id: str) -> None:
        until = self.now + timedelta(seconds=self._park_seconds)
        stored = delivered.stored()
        entry = ParkedEntry(
            lane=self.head.lane,
            seq=self.head.next_seq,
            recorded_at=self.now,
            offset=delivered.offset,
            origin=_origin(delivered),
            case_id=case_id,
            until=until,
            command=orjson.loads(stored),
        )
        self.parked.append((entry.seq, case_id, until, stored))
        self._loaded.parked.setdefault(case_id, []).append((entry.seq, stored))
        self._append(entry, "parked", None)

    def _quarantine(self, case_id: str, error: str, delivered: Delivered | None) -> None:
        stored = delivered.stored() if delivered else None
        entry = QuarantinedEntry(
            lane=self.head.lane,
            seq=self.head.next_seq,
            recorded_at=self.now,
            offset=delivered.offset if delivered else None,
            origin=_origin(delivered) if delivered else None,
            case_id=case_id,
            error=error[:500],
            command=orjson.loads(stored) if stored else {},
        )
        self.quarantined.append((entry.seq, case_id, error[:500], stored))
        self._loaded.quarantined.add(case_id)
        self._append(entry, "quarantined", None)

    def _append(self, entry: AnyEntry, kind: str, version: int | None) -> None:
        body = entry.wire()
        digest = chained(self.head.last_hash, body)
        self.journal.append(JournalRow(entry.seq, kind, entry.case_id, version, body, digest))
        self.head.next_seq += 1
        self.head.last_hash = digest

    # -- messages ------------------------------------------------------------------------------------------------

    def _tell(self, seq: int, record: CommandRecord, rejection: Rejection, *, dead_letter: bool) -> None:
        body = CommandRejected(
            command_id=record.id,
            command_type=record.type,
            case_id=record.case_id,
            source=record.source,
            rejection=rejection,
            dead_letter=dead_letter,
            text=f"报文未生效：{REASONS[rejection.code]}。",
        )
        self._answer(seq, 2 if dead_letter else 1, record, body, "rejection")

    def _answer(self, seq: int, n: int, record: CommandRecord, body: Outbound, what: str) -> None:
        """To whoever wrote it: the inbound topic names the party. A writer of `case.commands` itself is nobody's party."""
        topic = self._reference.names.of(Family.COMMAND_REJECTIONS, record.party)
        if topic not in self._reference.topics:
            return
        place = coordinates(record.source)
        key = (record.case_id or place).encode()
        extra = _traced(self._traceparent, record.source)
        self.outbox.append(OutboxRow(seq, n, topic, key, f"{place}/{what}", body.TYPE, body.wire(), extra))

    def _addressed(
        self, family: Family, owner: str | None, body: Outbound, written: dict[int, bytes]
    ) -> tuple[str, bytes, str]:
        topic = self._reference.names.of(family, owner)
        row = self._reference.topics.get(topic)
        if row is None:
            raise NotPublishable(f"there is no topic {topic}")
        value = written.get(id(body))
        if value is None:
            value = written[id(body)] = body.wire()
        if len(value) > row.max_message_bytes - RECORD_OVERHEAD:
            raise NotPublishable(f"a message of {len(value)} bytes is too large for {topic}")
        return topic, value, body.TYPE

    def _case(self, case_id: str) -> Case | None:
        return self.cases.get(case_id) or self._loaded.cases.get(case_id)

    # -- rows ----------------------------------------------------------------------------------------------------

    def case_rows(self) -> list[tuple[Any, ...]]:
        """The changed cases as rows of `cases`."""
        return [case_row(case, quarantined=case.case_id in self._loaded.quarantined) for case in self.cases.values()]


def case_row(case: Case, *, quarantined: bool = False) -> tuple[Any, ...]:
    """A case as a row of `cases`; a quarantined one's timers wait with it."""
    timer = None if quarantined else next_timer(case)
    closed = case.stage if isinstance(case.stage, Closed) else None
    return (
        case.case_id,
        case.version,
        case.org_code,
        case.centre,
        str(case.stage.name),
        str(closed.outcome) if closed else None,
        case.headless,
        case.matter.task_code,
        case.situation and str(case.situation),
        case.ground_code,
        case.opened_at,
        closed.since if closed else None,
        timer.at if timer else None,
        case.wire(),
    )


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


def _traced(traceparent: str | None, source: Source) -> str | None:
    """The header by which a message goes on in its command's trace."""
    own = tracing.child(traceparent, "desk", coordinates(source))
    return orjson.dumps({tracing.TRACEPARENT: own}).decode() if own else None


def _source_json(source: Source) -> str:
    return source.model_dump_json(by_alias=True)
