"""What a lane makes of a batch: every command and due timer decided, in order; what follows goes into `consumers.results`.

It works in memory on what was loaded; `consumers.ledger` stores the results in one transaction.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Literal

import orjson
from pydantic import ValidationError

from consumers.clock import Clock
from consumers.contents import Content, ReferenceDataError, References, Versions
from consumers.delivered import Delivered, Unreadable, unpack_stored
from consumers.loading import Loaded
from consumers.results import Fact, Head, NotPublishable, Results
from consumers.rows import Rows, SourceRow
from consumers.sealing import applicant_ref
from router.authority import may_say
from router.case import Case
from router.context import CalendarChanged, Command, Context, LimitsDue
from router.decide import decide
from router.evolve import evolve
from router.rejections import reject
from router.rendering import render
from router.timers import next_timer
from topics.command import ERASURE_CONTROL, QUARANTINE_CONTROL, CommandRecord
from topics.events import Event, Rejection
from topics.inbound import INBOUND, Inbound, Opening
from topics.journal import ReferenceKind
from topics.parts import Source


class PoisonedData(Exception):
    """The database would not have what follows from this command."""


class Batch:
    """One transaction's decisions, command by command."""

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
        reference = references.made(versions)
        self.versions = versions
        self.calendar_changed = False
        self.results = Results(head, now, reference)
        self._loaded = loaded
        self._clock = clock
        self._references = references
        self._park_seconds = park_seconds
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

    def rows(self, sources: Sequence[SourceRow]) -> Rows:
        """What is stored with the lane's position."""
        return self.results.rows(sources, self._loaded.quarantined)

    # -- what comes in -------------------------------------------------------------------------------------------

    def begin(self, contents: Sequence[Content]) -> None:
        """The lane's first entries: by what it decides."""
        for content in contents:
            self.results.control(content, None)

    def take(self, delivered: Delivered | Unreadable) -> None:
        """One record of `case.commands`."""
        if isinstance(delivered, Unreadable):
            self.results.dead_letter(delivered, delivered.rejection, delivered.sealed)
            return
        record = delivered.record
        if record.kind == "unusable":
            verdict = record.verdict or reject("bad_field", "the message could not be used")
            self.results.dead_letter(delivered, verdict, delivered.value)
            return
        if record.kind == "control":
            self._control(delivered)
            return
        self._said(delivered)

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
        """A parked command has waited long enough: its sender is told to send again. Nothing where the batch has taken it up."""
        if seq in self.results.unparked:
            return
        delivered = unpack_stored(stored)
        self.results.unparked.append(seq)
        self.results.rejected(
            delivered,
            reject(
                "unknown_case",
                f"no case {delivered.record.case_id} is known; send again once its refusal has been sent",
                where="caseId",
                retryable=True,
            ),
        )

    # -- one command ---------------------------------------------------------------------------------------------

    def _said(self, delivered: Delivered) -> None:
        record = delivered.record
        case_id = record.case_id
        if record.type is None or record.id is None or case_id is None or record.fingerprint is None:
            raise ValueError("a usable command has a type, an id, a case and a fingerprint")
        if self._answered_as_repeat(delivered, (record.party, record.id), record.fingerprint):
            return
        if case_id in self._loaded.quarantined:
            self._quarantine(case_id, "the case is quarantined", delivered)
            return
        try:
            message = INBOUND[record.type].model_validate_json(delivered.value)
        except (ValidationError, KeyError) as error:
            # Intake checked it with the same models; a rolling upgrade may have brought two versions together.
            self.results.rejected(
                delivered, reject("bad_field", f"not readable as {record.type}: {type(error).__name__}")
            )
            return
        refused = self._not_theirs_to_say(record, message)
        if refused is not None:
            self.results.rejected(delivered, refused)
            return
        case = self._case(case_id)
        if case is None and not isinstance(message, Opening):
            self._park(delivered, case_id)
            return
        self._apply(delivered, message, case, case_id)

    def _not_theirs_to_say(self, record: CommandRecord, message: Inbound) -> Rejection | None:
        """Intake has looked already; what counts is the directory that the lane decides by, which may be newer by now."""
        reference = self.results.reference
        topic = reference.names.parse(record.source.topic)
        return may_say(reference.directory, record.party, topic[0], message) if topic else None

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
                self.results.rejected(delivered, decision)
                return
            self._record(case, case_id, decision, delivered)
        except NotPublishable as error:
            self.results.rejected(delivered, reject("too_large", str(error)))
            return
        except Exception as error:
            self._quarantine(case_id, f"{type(error).__name__}: {error}", delivered)
            self._keep_applicant(case_id, applicant)
            return
        self._keep_applicant(case_id, applicant)
        if case is None:
            for seq, stored in self._loaded.parked.pop(case_id, ()):
                self.results.unparked.append(seq)
                self._said(unpack_stored(stored))

    def _refuse_poison(self) -> None:
        if self._poison is not None:
            raise PoisonedData(self._poison)

    def _keep_applicant(self, case_id: str, sealed: bytes | None) -> None:
        if sealed is not None:
            self.results.kept(case_id, sealed)

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
            self.results.rejected(delivered, reject("bad_field", str(error)[:500], where="control"))
            return
        self.results.control(content, self.versions.of(kind), delivered)
        self.calendar_changed |= versions.calendar != self.versions.calendar
        self.versions, self.results.reference = versions, reference
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
        held = [*self._loaded.held.pop(case_id, []), *self.results.let_go(case_id)]
        self.results.release(delivered, case_id, action, len(held))
        self._loaded.quarantined.discard(case_id)
        case = self._case(case_id)
        if case is not None:
            # Written again, so that its timers run.
            self.results.cases[case_id] = case
        for stored in held:
            waiting = unpack_stored(stored)
            if action == "retry":
                self._said(waiting)
            else:
                self.results.rejected(
                    waiting,
                    reject("quarantine_released", "an operator let the case go on without this command; send it again"),
                )

    def _erase(self, delivered: Delivered) -> None:
        """An operator's order that an applicant's data go."""
        try:
            order = orjson.loads(delivered.value)
            self.results.erase(delivered, delivered.record.case_id or "", order["by"], order["reason"])
        except (ValueError, KeyError, TypeError) as error:
            self.results.rejected(
                delivered, reject("bad_field", f"no order to erase: {type(error).__name__}", where="control")
            )

    # -- what follows ------------------------------------------------------------------------------------------

    def _record(self, case: Case | None, case_id: str, events: list[Event], delivered: Delivered | None) -> Case:
        """Facts, and the messages they mean: all of a command or, if one cannot be published, none."""
        facts = []
        for event in events:
            after = evolve(case, case_id, event)
            facts.append(Fact(event, after, self.results.written(render(case, after, event, self._context))))
            case = after
        if case is None:
            raise ValueError("a command that is not rejected has at least one fact")
        self.results.happened(facts, delivered, self._context.versions(case.centre))
        return case

    def _answered_as_repeat(self, delivered: Delivered, identity: tuple[str, str], fingerprint: str) -> bool:
        """Same party and id: with the same content a repeat, with other content a mistake."""
        in_batch = self.results.commands.get(identity)
        known = (in_batch.fingerprint, in_batch.source) if in_batch else self._loaded.known.get(identity)
        if known is None:
            return False
        if known[0] == fingerprint:
            self.results.repeated(delivered, Source.model_validate_json(known[1]))
            return True
        self.results.rejected(
            delivered,
            reject(
                "same_id_other_content",
                f"ce_id {identity[1]} was used for another message",
                where="ce_id",
                first=orjson.loads(known[1]),
            ),
        )
        return True

    def _park(self, delivered: Delivered, case_id: str) -> None:
        until = self.results.now + timedelta(seconds=self._park_seconds)
        self._loaded.parked.setdefault(case_id, []).append(self.results.park(delivered, case_id, until))

    def _quarantine(self, case_id: str, error: str, delivered: Delivered | None) -> None:
        self.results.quarantine(case_id, error, delivered)
        self._loaded.quarantined.add(case_id)

    def _case(self, case_id: str) -> Case | None:
        return self.results.cases.get(case_id) or self._loaded.cases.get(case_id)
