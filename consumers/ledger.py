"""One SQL transaction of a lane, in numbered steps: accept, load, decide and render, append, move the lane on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from consumers.batch import Batch, Head, Loaded
from consumers.clock import Clock
from consumers.contents import SQL as REFERENCE
from consumers.contents import Content, ReferenceDataError, References, Versions
from consumers.delivered import Delivered, Unreadable, unpack_stored
from consumers.states import cases_of
from consumers.store import queries
from router.case import Case
from router.context import PrecedentKey
from router.timers import next_timer
from topics.command import QUARANTINE_CONTROL
from topics.inbound import INBOUND, Opening
from topics.journal import ReferenceKind
from topics.parts import Precedent, Precedents
from topics.upcasting import NewerForm
from topics.vocabulary import Outcome, Situation

if TYPE_CHECKING:
    import asyncpg

SQL = queries("desk")

# Before every timer and case: where working limits out again begins.
BEGINNING = (datetime(1970, 1, 1, tzinfo=UTC), "")
BREATH = 8


class LaneLost(Exception):
    """Another worker has taken the lane: its epoch, position or next sequence is not ours any more."""


@dataclass(slots=True)
class LaneState:
    """What a lane's writer keeps in memory; the database has the same after each transaction."""

    lane: int
    epoch: int
    next_offset: int
    next_seq: int
    last_hash: bytes
    clock: datetime
    sources: dict[tuple[str, int], tuple[int, datetime]]
    """Inbound (topic, partition) → (next offset, broker time of the last): what intake sends again is known by it."""
    parked_until: datetime | None
    versions: Versions | None = None
    """By which reference data the lane decides; none before its first entry."""
    domain_clock: datetime = BEGINNING[0]
    recalculated_to: tuple[datetime, str] | None = None
    """Timer and case up to which limits have been worked out again by the lane's calendar; none where all have been."""


@dataclass(frozen=True, slots=True)
class Tick:
    """The clock's share of a transaction: timers due by `until` (domain), once the lane has read up to `after_offset`."""

    until: datetime
    after_offset: int
    router_behind: bool = False
    asked_at: float = 0.0
    """By the process's own clock: a lane that cannot read that far in time fires without."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a transaction did."""

    commands: int
    repeats_dropped: int
    gap: bool
    timers: int
    more_timers: bool
    waits: bool
    """Whether the tick is still to come: the lane has not read what was received before it."""
    entries: int
    batch: Batch | None
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds of load, decide, append and commit."""


class Phases:
    """How long each step of a transaction took, in seconds."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def end(self, phase: str) -> None:
        """A step is over, the next begins."""
        now = time.perf_counter()
        self.seconds[phase] = now - self._since
        self._since = now


async def take_lane(connection: asyncpg.Connection, lane: int) -> LaneState:
    """Raise the lane's epoch, and read how far it has come."""
    async with connection.transaction():
        row = await SQL.take_lane(connection, lane=lane)
        if row is None:
            raise LaneLost(f"the database has no lane {lane}: were the topics created with another number of lanes?")
        sources = await SQL.lane_sources(connection, lane=lane)
        parked_until = await SQL.parked_until(connection, lane=lane)
    return LaneState(
        lane=lane,
        epoch=row["epoch"],
        next_offset=row["next_offset"],
        next_seq=row["next_seq"],
        last_hash=row["last_hash"],
        clock=row["clock"],
        sources={(s["topic"], s["partition"]): (s["next_offset"], s["broker_time"]) for s in sources},
        parked_until=parked_until,
        versions=Versions(*(row[f"{kind}_version"] for kind in ReferenceKind)) if row["calendar_version"] else None,
        domain_clock=row["domain_clock"],
        recalculated_to=(row["recalculate_at"], row["recalculate_case"]) if row["recalculate_at"] else None,
    )


async def apply(
    connection: asyncpg.Connection,
    state: LaneState,
    delivered: Sequence[Delivered | Unreadable],
    tick: Tick | None,
    clock: Clock,
    references: References,
    park_seconds: float,
    most_timers: int,
    most_recalculated: int = 0,
    poison: str | None = None,
) -> Applied:
    """Everything of one batch, or nothing. Raises LaneLost; a database error leaves the lane as it was.

    After a new calendar `most_recalculated` cases a time have their limits worked out again, the most urgent first.
    `poison` is why the database would not have this batch: its cases are quarantined instead of decided.
    """
    phases = Phases()
    async with connection.transaction():
        # 1 accept: only the lane's next offset; repeats dropped, a gap refused
        row = await SQL.lock_lane(connection, lane=state.lane)
        if (row["epoch"], row["next_offset"], row["next_seq"]) != (state.epoch, state.next_offset, state.next_seq):
            raise LaneLost(f"lane {state.lane} is at epoch {row['epoch']}, ours was {state.epoch}")
        now = max(row["now"], state.clock)
        accepted, next_offset, gap = accept(state.next_offset, delivered)
        fresh, sources = _without_replays(state.sources, accepted)
        fires = tick is not None and next_offset >= tick.after_offset
        expires = state.parked_until is not None and state.parked_until <= now
        recalculates = state.recalculated_to is not None and most_recalculated > 0
        waits = tick is not None and not fires
        if not accepted and not fires and not expires and not recalculates:
            return Applied(0, len(delivered), gap, 0, False, waits, 0, None)
        # 2 load: the cases of the batch, and those whose limits have come due
        due = await _due(connection, state.lane, tick, most_timers) if fires and tick else []
        expired = await SQL.parked_expired(connection, lane=state.lane, now=now, most=most_timers) if expires else []
        stale = await _stale(connection, state, most_recalculated) if recalculates else []
        loaded = await _load(connection, state, fresh, [*due, *(case for case, _ in stale)])
        first = [] if state.versions else await _first_contents(connection, references)
        versions = state.versions or Versions(*(content.version for content in first))
        await references.at(connection, versions)
        phases.end("load")
        # 3 decide and render
        head = Head(state.lane, state.next_seq, state.last_hash)
        batch = Batch(
            head,
            loaded,
            now,
            clock,
            references,
            versions,
            park_seconds,
            not_before=state.domain_clock,
            router_behind=tick is not None and tick.router_behind,
            poison=poison,
        )
        batch.begin(first)
        for number, one in enumerate(fresh, 1):
            batch.take(one)
            await _breath(number)
        if due and tick:
            # What is left over may be due before a further timer of these: it comes first.
            until = min(tick.until, _due_at(due[-1])) if len(due) >= most_timers else tick.until
            for number, _ in enumerate(batch.fire(due, until), 1):
                await _breath(number)
        for number, (case, _) in enumerate(stale, 1):
            batch.recalculate(case)
            await _breath(number)
        gone = set(batch.unparked)
        for parked in expired:
            if parked["seq"] not in gone:
                batch.expire(parked["seq"], parked["command"])
        phases.end("decide")
        # 4 append: journal, cases, outbox
        await _append(connection, state.lane, batch)
        if sources:
            await _put_sources(connection, state.lane, sources)
        for content in batch.contents:
            await REFERENCE.put_content(
                connection,
                kind=str(content.kind),
                version=content.version,
                sha256=content.sha256,
                content=content.body,
            )
        recalculated_to = state.recalculated_to
        if batch.calendar_changed:
            recalculated_to = BEGINNING
        elif recalculates:
            recalculated_to = stale[-1][1] if len(stale) >= most_recalculated else None
        # 5 move the lane on: the compare-and-set on epoch, position and next sequence
        moved = await SQL.advance_lane(
            connection,
            lane=state.lane,
            epoch=state.epoch,
            was_offset=state.next_offset,
            was_seq=state.next_seq,
            next_offset=next_offset,
            next_seq=head.next_seq,
            last_hash=head.last_hash,
            clock=now,
            domain_clock=batch.domain_now,
            directory_version=batch.versions.directory,
            policy_version=batch.versions.policy,
            calendar_version=batch.versions.calendar,
            recalculate_at=recalculated_to and recalculated_to[0],
            recalculate_case=recalculated_to and recalculated_to[1],
        )
        if moved != "UPDATE 1":
            raise LaneLost(f"lane {state.lane} was moved on by another worker")
        parked_until = state.parked_until
        if batch.parked or batch.unparked or expires:
            parked_until = await SQL.parked_until(connection, lane=state.lane)
        phases.end("append")
    phases.end("commit")
    state.next_offset, state.next_seq, state.last_hash, state.clock = next_offset, head.next_seq, head.last_hash, now
    state.sources.update(sources)
    state.parked_until = parked_until
    state.versions, state.domain_clock, state.recalculated_to = batch.versions, batch.domain_now, recalculated_to
    return Applied(
        commands=len(accepted),
        repeats_dropped=len(delivered) - len(accepted),
        gap=gap,
        timers=len(due),
        more_timers=len(due) >= most_timers,
        waits=waits,
        entries=len(batch.journal),
        batch=batch,
        phases=phases.seconds,
    )


def accept(
    next_offset: int, delivered: Sequence[Delivered | Unreadable]
) -> tuple[list[Delivered | Unreadable], int, bool]:
    """The records that follow the lane's position without a hole; whether there is a hole before the rest.

    Raises NewerForm where the lane's next record can only be read by a newer version of the code.
    """
    accepted: list[Delivered | Unreadable] = []
    for one in delivered:
        if one.offset < next_offset:
            continue
        if one.offset > next_offset:
            return accepted, next_offset, True
        if isinstance(one, Unreadable) and one.newer is not None:
            if not accepted:
                raise NewerForm(one.newer)
            # What comes before it is applied first; it is delivered again, as what follows a hole is.
            return accepted, next_offset, True
        accepted.append(one)
        next_offset += 1
    return accepted, next_offset, False


Sources = dict[tuple[str, int], tuple[int, datetime]]


def _without_replays(
    known: Sources, accepted: Sequence[Delivered | Unreadable]
) -> tuple[list[Delivered | Unreadable], Sources]:
    """Drops what intake forwarded again after a crash: each inbound partition only moves on.

    An earlier offset with a later broker time is another topic of the same name (deleted and created again): not a repeat.
    """
    fresh: list[Delivered | Unreadable] = []
    moved: Sources = {}
    for one in accepted:
        source = one.record.source
        key = (source.topic, source.partition)
        position = moved.get(key) or known.get(key)
        if position is not None and source.offset < position[0] and source.broker_time <= position[1]:
            continue
        # The latest time so far: a broker's clock that was set back makes no repeat look new.
        latest = max(source.broker_time, position[1]) if position is not None else source.broker_time
        moved[key] = (source.offset + 1, latest)
        fresh.append(one)
    return fresh, moved


async def _breath(number: int) -> None:
    """Deciding takes the processor for itself: every so often the relay, the heartbeats and other lanes have their turn."""
    if number % BREATH == 0:
        await asyncio.sleep(0)


async def _due(connection: asyncpg.Connection, lane: int, tick: Tick | None, most: int) -> list[Case]:
    if tick is None:
        return []
    rows = await SQL.due_cases(connection, lane=lane, until=tick.until, most=most)
    return await cases_of(connection, rows)


def _due_at(case: Case) -> datetime:
    timer = next_timer(case)
    return timer.at if timer else BEGINNING[0]


async def _stale(
    connection: asyncpg.Connection, state: LaneState, most: int
) -> list[tuple[Case, tuple[datetime, str]]]:
    """Cases with timers that nobody has touched since the calendar changed, and their places in that order.

    One that was touched meanwhile had its limits worked out first: wherever it is now, it needs no second time.
    """
    after_at, after_case = state.recalculated_to or BEGINNING
    rows = await SQL.cases_with_timers(connection, lane=state.lane, after_at=after_at, after_case=after_case, most=most)
    places = [(row["next_timer_at"], row["case_id"]) for row in rows]
    return list(zip(await cases_of(connection, rows), places, strict=True))


async def _first_contents(connection: asyncpg.Connection, references: References) -> list[Content]:
    """What a lane begins with: of each kind what was loaded first; controls in the lane change it."""
    found = {row["kind"]: row for row in await REFERENCE.first_loads(connection)}
    if len(found) < len(ReferenceKind):
        raise ReferenceDataError("no reference data was ever registered: start a worker with its settings")
    contents = [Content(kind, found[kind]["version"], found[kind]["content"]) for kind in ReferenceKind]
    for content in contents:
        references.add(content)
    return contents


async def _load(
    connection: asyncpg.Connection, state: LaneState, fresh: Sequence[Delivered | Unreadable], due: Sequence[Case]
) -> Loaded:
    said = [one for one in fresh if isinstance(one, Delivered) and one.record.kind == "said"]
    released = [one.record.case_id for one in fresh if one.record.type == QUARANTINE_CONTROL and one.record.case_id]
    held: dict[str, list[bytes]] = {}
    if released:
        for row in await SQL.held_commands(connection, lane=state.lane, case_ids=released):
            held.setdefault(row["case_id"], []).append(row["command"])
        said += [unpack_stored(stored) for stored_ in held.values() for stored in stored_]
    case_ids = list({one.record.case_id for one in said if one.record.case_id} | set(released))
    cases = {case.case_id: case for case in due}
    known: dict[tuple[str, str], tuple[str, str]] = {}
    parked: dict[str, list[tuple[int, bytes]]] = {}
    quarantined: set[str] = set()
    if case_ids:
        for case in await cases_of(connection, await SQL.load_cases(connection, case_ids=case_ids)):
            cases[case.case_id] = case
        for row in await SQL.known_commands(
            connection, parties=[one.record.party for one in said], command_ids=[one.record.id for one in said]
        ):
            known[row["party"], row["command_id"]] = (row["fingerprint"], row["source"])
        quarantined = {row["case_id"] for row in await SQL.quarantined_cases(connection, case_ids=case_ids)}
        if state.parked_until is not None:
            for row in await SQL.parked_for_cases(connection, lane=state.lane, case_ids=case_ids):
                parked.setdefault(row["case_id"], []).append((row["seq"], row["command"]))
    precedents = await _precedents(connection, _precedent_keys(said, cases.values()))
    return Loaded(cases=cases, known=known, precedents=precedents, parked=parked, quarantined=quarantined, held=held)


def _precedent_keys(said: Sequence[Delivered], cases: Any) -> list[PrecedentKey]:
    """Of which kinds the cases of the batch are: those loaded, and those opened by it."""
    keys = {
        PrecedentKey(case.matter.task_code, case.situation, case.ground_code)
        for case in cases
        if case.open and case.situation and case.ground_code
    }
    for one in said:
        model = INBOUND.get(one.record.type or "")
        if model is None or not issubclass(model, Opening):
            continue
        key = _key_of_opening(one.value)
        if key is not None:
            keys.add(key)
    return sorted(keys)


def _key_of_opening(value: bytes) -> PrecedentKey | None:
    try:
        data = orjson.loads(value)
        return PrecedentKey(data["matter"]["taskCode"], Situation(data["situation"]), data["groundCode"])
    except (ValueError, KeyError, TypeError):
        return None


async def _precedents(connection: asyncpg.Connection, keys: list[PrecedentKey]) -> dict[PrecedentKey, Precedents]:
    if not keys:
        return {}
    columns = {
        "task_codes": [key.task_code for key in keys],
        "situations": [str(key.situation) for key in keys],
        "ground_codes": [key.ground_code for key in keys],
    }
    counts: dict[PrecedentKey, dict[Outcome, int]] = {}
    for row in await SQL.load_precedent_counts(connection, **columns):
        key = PrecedentKey(row["task_code"], Situation(row["situation"]), row["ground_code"])
        counts.setdefault(key, {})[Outcome(row["outcome"])] = row["cases"]
    newest: dict[PrecedentKey, list[Precedent]] = {}
    if counts:
        for row in await SQL.load_newest_precedents(connection, **columns):
            key = PrecedentKey(row["task_code"], Situation(row["situation"]), row["ground_code"])
            newest.setdefault(key, []).append(
                Precedent(case_id=row["case_id"], outcome=Outcome(row["outcome"]), closed_at=row["closed_at"])
            )
    return {key: Precedents(counts=count, newest=tuple(newest.get(key, ()))) for key, count in counts.items()}


async def _append(connection: asyncpg.Connection, lane: int, batch: Batch) -> None:
    """Each table in one statement, however many rows; the journal first, since everything else follows from it."""
    if batch.journal:
        await SQL.append_journal(
            connection,
            lane=lane,
            seqs=[row.seq for row in batch.journal],
            kinds=[row.kind for row in batch.journal],
            case_ids=[row.case_id for row in batch.journal],
            versions=[row.version for row in batch.journal],
            recorded_at=[batch.now] * len(batch.journal),
            bodies=[row.body for row in batch.journal],
            hashes=[row.hash for row in batch.journal],
        )
    rows = batch.case_rows()
    if rows:
        names = (
            "case_ids", "versions", "org_codes", "centres", "stages", "outcomes", "headless", "task_codes",
            "situations", "ground_codes", "opened_at", "closed_at", "next_timer_at", "states",
        )  # fmt: skip
        await SQL.put_cases(connection, lane=lane, **dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))
    if batch.commands:
        await SQL.put_commands(
            connection,
            lane=lane,
            parties=[party for party, _ in batch.commands],
            command_ids=[command_id for _, command_id in batch.commands],
            fingerprints=[fingerprint for fingerprint, _, _ in batch.commands.values()],
            sources=[source for _, source, _ in batch.commands.values()],
            seqs=[seq for _, _, seq in batch.commands.values()],
        )
    if batch.outbox:
        await SQL.put_outbox(
            connection,
            lane=lane,
            seqs=[row.seq for row in batch.outbox],
            ns=[row.n for row in batch.outbox],
            topics=[row.topic for row in batch.outbox],
            keys=[row.key for row in batch.outbox],
            ce_ids=[row.ce_id for row in batch.outbox],
            ce_types=[row.ce_type for row in batch.outbox],
            extras=[row.extra for row in batch.outbox],
            values_=[row.value for row in batch.outbox],
        )
    await _append_rare(connection, lane, batch)


async def _append_rare(connection: asyncpg.Connection, lane: int, batch: Batch) -> None:
    if batch.applicants:
        await SQL.put_applicants(
            connection,
            refs=[ref for ref, _, _ in batch.applicants],
            case_ids=[case_id for _, case_id, _ in batch.applicants],
            sealed=[sealed for _, _, sealed in batch.applicants],
            received_at=[batch.now] * len(batch.applicants),
        )
    if batch.erased:
        await SQL.erase_applicants(connection, refs=batch.erased, erased_at=[batch.now] * len(batch.erased))
    if batch.parked:
        await SQL.park(
            connection,
            lane=lane,
            seqs=[seq for seq, _, _, _ in batch.parked],
            case_ids=[case_id for _, case_id, _, _ in batch.parked],
            untils=[until for _, _, until, _ in batch.parked],
            commands=[command for _, _, _, command in batch.parked],
        )
    if batch.unparked:
        await SQL.unpark(connection, lane=lane, seqs=batch.unparked)
    if batch.released:
        await SQL.unquarantine(connection, lane=lane, case_ids=batch.released)
    if batch.quarantined:
        await SQL.quarantine(
            connection,
            lane=lane,
            seqs=[seq for seq, _, _, _ in batch.quarantined],
            case_ids=[case_id for _, case_id, _, _ in batch.quarantined],
            errors=[error for _, _, error, _ in batch.quarantined],
            at=[batch.now] * len(batch.quarantined),
            commands=[command for _, _, _, command in batch.quarantined],
        )
        await SQL.hold_timers(connection, case_ids=[case_id for _, case_id, _, _ in batch.quarantined])
    if batch.precedents:
        keys = list(batch.precedents)
        await SQL.count_precedents(
            connection,
            lane=lane,
            task_codes=[key[0] for key in keys],
            situations=[key[1] for key in keys],
            ground_codes=[key[2] for key in keys],
            outcomes=[key[3] for key in keys],
            counts=[batch.precedents[key] for key in keys],
        )


async def _put_sources(connection: asyncpg.Connection, lane: int, sources: Sources) -> None:
    keys = sorted(sources)
    await SQL.put_sources(
        connection,
        lane=lane,
        topics=[topic for topic, _ in keys],
        partitions=[partition for _, partition in keys],
        next_offsets=[sources[key][0] for key in keys],
        broker_times=[sources[key][1] for key in keys],
    )
