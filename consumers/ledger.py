"""One transaction of a lane, in numbered steps: accept, load, decide and render, append and move the lane on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING

from consumers.batch import Batch
from consumers.clock import Clock
from consumers.contents import SQL as REFERENCE
from consumers.contents import References, Versions
from consumers.delivered import Delivered, Unreadable
from consumers.lanes import BEGINNING, SQL, LaneState, Sources, append
from consumers.loading import Loaded, Wanted, first_contents, load
from consumers.results import Head, Results
from consumers.rows import Rows, SourceRow
from router.case import Case
from router.timers import next_timer
from topics.upcasting import NewerForm

if TYPE_CHECKING:
    import asyncpg

BREATH = 2


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
    results: Results | None
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds of load, decide and append."""


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
    """Everything of one batch, or nothing. Raises LaneLost; a database error leaves the lane as it was, or moved on unheard.

    Nothing is locked while it decides: what was read counts only if the lane has not moved when the results are appended.
    After a new calendar `most_recalculated` cases a time have their limits worked out again, the most urgent first.
    `poison` is why the database would not have this batch: its cases are quarantined instead of decided.
    """
    phases = Phases()
    # 1 accept: only the lane's next offset; repeats dropped, a gap refused
    accepted, next_offset, gap = accept(state.next_offset, delivered)
    fresh, sources = _without_replays(state.sources, accepted)
    fires = tick is not None and next_offset >= tick.after_offset
    waits = tick is not None and not fires
    recalculates = state.recalculated_to is not None and most_recalculated > 0
    nothing = Applied(0, len(delivered), gap, 0, False, waits, 0, None)
    if not accepted and not fires and not recalculates and state.parked_until is None:
        return nothing
    # 2 load: the cases of the batch, and those whose limits have come due
    due_until = tick.until if fires and tick else None
    loaded = await load(connection, state, Wanted(fresh, due_until, most_timers, most_recalculated))
    if not accepted and not fires and not recalculates and not loaded.expired:
        return nothing
    first = [] if state.versions else await first_contents(connection, references)
    versions = state.versions or Versions(*(content.version for content in first))
    await references.at(connection, versions)
    phases.end("load")
    # 3 decide and render
    batch = Batch(
        Head(state.lane, state.next_seq, state.last_hash),
        loaded,
        max(loaded.now, state.clock),
        clock,
        references,
        versions,
        park_seconds,
        not_before=state.domain_clock,
        router_behind=tick is not None and tick.router_behind,
        poison=poison,
    )
    batch.begin(first)
    await _decide(batch, fresh, loaded, due_until, most_timers)
    phases.end("decide")
    # 4 append, and move the lane on: the compare-and-set on epoch, position and next sequence
    moved = _moved(state, batch, next_offset, sources, loaded)
    rows = batch.rows([SourceRow(*key, *position) for key, position in sorted(sources.items())])
    await _store(connection, state, moved, rows, batch.results)
    phases.end("append")
    for changed in fields(LaneState):
        setattr(state, changed.name, getattr(moved, changed.name))
    return Applied(
        commands=len(accepted),
        repeats_dropped=len(delivered) - len(accepted),
        gap=gap,
        timers=len(loaded.due),
        more_timers=len(loaded.due) >= most_timers,
        waits=waits,
        entries=len(batch.results.journal),
        results=batch.results,
        phases=phases.seconds,
    )


async def _decide(
    batch: Batch,
    fresh: Sequence[Delivered | Unreadable],
    loaded: Loaded,
    due_until: datetime | None,
    most_timers: int,
) -> None:
    for number, one in enumerate(fresh, 1):
        batch.take(one)
        await _breath(number)
    if loaded.due and due_until:
        # What is left over may be due before a further timer of these: it comes first.
        until = min(due_until, _due_at(loaded.due[-1])) if len(loaded.due) >= most_timers else due_until
        for number, _ in enumerate(batch.fire(loaded.due, until), 1):
            await _breath(number)
    for number, case in enumerate(loaded.stale, 1):
        batch.recalculate(case)
        await _breath(number)
    for seq, command in loaded.expired:
        batch.expire(seq, command)


def _moved(state: LaneState, batch: Batch, next_offset: int, sources: Sources, loaded: Loaded) -> LaneState:
    """The lane after the batch."""
    results = batch.results
    return replace(
        state,
        next_offset=next_offset,
        next_seq=results.head.next_seq,
        last_hash=results.head.last_hash,
        clock=results.now,
        sources={**state.sources, **sources},
        versions=batch.versions,
        domain_clock=batch.domain_now,
        recalculated_to=BEGINNING if batch.calendar_changed else loaded.stale_to,
    )


async def _store(
    connection: asyncpg.Connection, state: LaneState, moved: LaneState, rows: Rows, results: Results
) -> None:
    """One statement; what few batches have follows it in a transaction."""
    if not results.rare:
        await append(connection, state, moved, rows)
        return
    async with connection.transaction():
        await append(connection, state, moved, rows)
        await _append_rare(connection, state.lane, results)
        moved.parked_until = await SQL.parked_until(connection, lane=state.lane)


async def _append_rare(connection: asyncpg.Connection, lane: int, results: Results) -> None:
    if results.erased:
        await SQL.erase_applicants(connection, refs=results.erased, erased_at=[results.now] * len(results.erased))
    if results.parked:
        await SQL.park(
            connection,
            lane=lane,
            seqs=[row.seq for row in results.parked],
            case_ids=[row.case_id for row in results.parked],
            untils=[row.until for row in results.parked],
            commands=[row.command for row in results.parked],
        )
    if results.unparked:
        await SQL.unpark(connection, lane=lane, seqs=results.unparked)
    if results.released:
        await SQL.unquarantine(connection, lane=lane, case_ids=results.released)
    if results.quarantined:
        await SQL.quarantine(
            connection,
            lane=lane,
            seqs=[row.seq for row in results.quarantined],
            case_ids=[row.case_id for row in results.quarantined],
            errors=[row.error for row in results.quarantined],
            at=[results.now] * len(results.quarantined),
            commands=[row.command for row in results.quarantined],
        )
        await SQL.hold_timers(connection, case_ids=[row.case_id for row in results.quarantined])
    for content in results.contents:
        await REFERENCE.put_content(
            connection,
            kind=str(content.kind),
            version=content.version,
            sha256=content.sha256,
            content=content.body,
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


def _due_at(case: Case) -> datetime:
    timer = next_timer(case)
    return timer.at if timer else BEGINNING[0]
