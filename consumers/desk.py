"""The desk: each lane's commands decided one after another, in batches, each batch in one SQL transaction.

Delivery is somebody else's (`consumers.faust_delivery`): whatever it brings, a lane takes only its next offset.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from consumers import ledger, tracing
from consumers.clock import Clock
from consumers.contents import References
from consumers.delivered import Delivered, Unreadable
from consumers.lag import Lag
from consumers.lanes import SQL, LaneLost, LaneState, take_lane
from consumers.ledger import Tick
from consumers.positions import LaneStopped, Positions, check_journal
from consumers.results import coordinates
from consumers.settings import Settings
from consumers.store import DATABASE_AWAY
from consumers.waiting import Room, within
from metrics.table import Metrics
from topics.upcasting import NewerForm

LOG = structlog.get_logger()
T = TypeVar("T")

QUEUE = 4000
MIB = 1024 * 1024
WAITING_BYTES = 64 * MIB
"""What waits in the lanes' queues, all together: a queue's length says nothing while a command may have a mebibyte."""
BATCH_BYTES = 8 * MIB
SEEK_EVERY_SECONDS = 0.5
GAP_SECONDS = 5.0
STALL_SECONDS = 25.0
TICK_SECONDS = 0.25
RECALCULATED_A_BATCH = 100
# How many lanes do what the clock asks at the same time: one decides while the other waits for the database.
CLOCKWORKS = 2
LONGEST_WAIT_SECONDS = 1.0
# SQLSTATE classes 22, 23 and 54: the database is well, but will not have these data.
REFUSED_DATA = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError, asyncpg.ProgramLimitExceededError)


class DeskFailed(Exception):
    """Delivery does not come back to the lane's position: only a new start of the worker helps."""


@dataclass
class Lane:
    """One lane of this worker: its queue, its state while it is ours, and what the clock asks of it."""

    number: int
    queue: asyncio.Queue[Delivered | Unreadable] = field(default_factory=lambda: asyncio.Queue(QUEUE))
    state: LaneState | None = None
    tick: Tick | None = None
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    busy: asyncio.Lock = field(default_factory=asyncio.Lock)
    assigned: bool = False
    """Whether delivery gives it to this worker, also while it is not ours to write."""
    stopped: str | None = None
    """Why it must not be read: the stores disagree."""
    lost_at: float = 0.0
    gap_since: float | None = None
    sought_at: float = 0.0
    moved_at: float = 0.0
    lag: Lag = field(default_factory=lambda: Lag(time.time()))
    asked: bool = False
    """Whether it waits for its turn to do what the clock asks."""

    @property
    def has_work(self) -> bool:
        """Whether the clock asks for something that can be done now."""
        state, tick = self.state, self.tick
        if state is None:
            return False
        return state.recalculated_to is not None or (tick is not None and state.next_offset >= tick.after_offset)


Seek = Callable[[int, int], Awaitable[None]]


class Desk:
    """All lanes of one worker. `published` is called with a lane whose journal has grown, for the relay beside it."""

    def __init__(
        self,
        settings: Settings,
        references: References,
        pool: asyncpg.Pool,
        metrics: Metrics,
        clock: Clock,
        positions: Positions,
        published: Callable[[int], None] = lambda lane: None,
    ) -> None:
        self._settings = settings
        self._references = references
        self._pool = pool
        self._metrics = metrics
        self._clock = clock
        self._broker = positions
        self._published = published
        self._seek: Seek | None = None
        self.lanes = {number: Lane(number) for number in range(settings.lanes)}
        self.database_away_since: float | None = None
        self._room = Room(WAITING_BYTES)
        self._waiting: set[object] = set()
        """What waits for the database to be well again."""
        self.broker_away_since: float | None = None
        self._tried_again = False
        self._asking_since: float | None = None
        self._asked: asyncio.Queue[Lane] = asyncio.Queue()
        self.rebalancing = True
        self.spans = tracing.Spans()

    async def run(self, seek: Seek) -> None:
        """Work until cancelled. Raises DeskFailed where delivery cannot be mended from here."""
        self._seek = seek
        async with asyncio.TaskGroup() as group:
            for lane in self.lanes.values():
                group.create_task(self._work(lane), name=f"desk lane {lane.number}")
            group.create_task(self._tick(), name="desk clock")
            for number in range(CLOCKWORKS):
                group.create_task(self._clockwork(), name=f"desk clockwork {number}")
            group.create_task(self._watch(), name="desk watch")

    # -- delivery's side -----------------------------------------------------------------------------------------

    async def put(self, lane: int, delivered: Delivered | Unreadable) -> None:
        """A record arrived; waits while too much waits already, which is what slows reading when the database is slow."""
        await self._room.take(delivered.size)
        await self.lanes[lane].queue.put(delivered)
        self.lanes[lane].wake.set()

    async def room(self) -> None:
        """Wait until more may be read."""
        await self._room.some()

    async def positions(self, lanes: Iterable[int]) -> dict[int, int]:
        """Where to read each lane from: taken over if it was not ours yet. Postgres's position, never the group's."""
        taken = await asyncio.gather(*(self._position(self.lanes[number]) for number in lanes))
        self.rebalancing = False
        return {state.lane: state.next_offset for state in taken if state is not None}

    async def _position(self, lane: Lane) -> LaneState | None:
        async with lane.busy:
            self._forget(lane)
            lane.assigned = True
            lane.gap_since = None
            lane.moved_at = time.monotonic()
            return lane.state or await self._take(lane)

    async def _take(self, lane: Lane) -> LaneState | None:
        """Raise the lane's epoch, and see that both stores are the ones this lane was written to; None where it must wait."""
        lane.lost_at = time.monotonic()
        try:
            state = await self._patiently(partial(take_lane, lane=lane.number))
            await self._broker.check_log(lane.number, state.next_offset)
            next_seq, last_hash = await self._broker.published(lane.number)
            await self._patiently(partial(check_journal, lane=lane.number, next_seq=next_seq, last_hash=last_hash))
        except LaneStopped as stopped:
            self._stop(lane, str(stopped), remedy="noveto rebuild")
            return None
        except (KafkaError, TimeoutError, OSError) as error:
            LOG.warning("lane not taken", stage="desk", lane=lane.number, error=type(error).__name__)
            return None
        lane.state, lane.stopped = state, None
        lane.lag = Lag(time.time())
        self._metrics.set("noveto_lane_stopped", 0, lane=lane.number)
        self._metrics.set("noveto_lane_owned", 1, stage="desk", lane=lane.number)
        self._metrics.count("noveto_lane_handovers", stage="desk")
        LOG.info("lane taken", stage="desk", lane=lane.number, epoch=state.epoch, offset=state.next_offset)
        self._ask_clockwork(lane)
        return state

    def _stop(self, lane: Lane, reason: str, remedy: str) -> None:
        if lane.stopped != reason:
            LOG.error("lane stopped", stage="desk", lane=lane.number, reason=reason, remedy=remedy)
        lane.stopped = reason
        self._metrics.set("noveto_lane_stopped", 1, lane=lane.number)

    async def _take_again(self) -> None:
        """Lanes that delivery gives us but that another had taken, or that had stopped: after a while they are tried again.

        The wait is a session's length: by then whoever is no member of the group any more has learned it.
        """
        now = time.monotonic()
        for lane in self.lanes.values():
            if (
                lane.state is not None
                or not lane.assigned
                or now - lane.lost_at < self._settings.session_timeout_seconds
            ):
                continue
            state = await self._position(lane)
            if state is not None:
                await self._read_from(lane, state.next_offset)

    def keep_only(self, lanes: Iterable[int]) -> None:
        """After a rebalance: lanes that are not ours any more are let go."""
        kept = set(lanes)
        for lane in self.lanes.values():
            if lane.number not in kept:
                if lane.stopped is not None:
                    # Whoever has it now says whether it still stands.
                    self._metrics.set("noveto_lane_stopped", 0, lane=lane.number)
                lane.assigned, lane.stopped = False, None
                self._let_go(lane)

    def stand_by(self) -> None:
        """Delivery gives this worker no lane: it is ready to take one."""
        self.keep_only(())
        self.rebalancing = False

    def stopped(self) -> list[int]:
        """Lanes whose stores disagree."""
        return [lane.number for lane in self.lanes.values() if lane.stopped is not None]

    def owned(self) -> list[int]:
        """The lanes this worker writes."""
        return [lane.number for lane in self.lanes.values() if lane.state is not None]

    def _forget(self, lane: Lane) -> None:
        while not lane.queue.empty():
            self._next(lane)

    def _next(self, lane: Lane) -> Delivered | Unreadable:
        one = lane.queue.get_nowait()
        self._room.give_back(one.size)
        return one

    def _let_go(self, lane: Lane) -> None:
        self._forget(lane)
        lane.state = lane.tick = None
        lane.lost_at = time.monotonic()
        self._metrics.set("noveto_lane_owned", 0, stage="desk", lane=lane.number)
        self._metrics.set("noveto_desk_lag_records", 0, lane=lane.number)
        self._metrics.set("noveto_desk_lag_seconds", 0, lane=lane.number)

    # -- one lane ------------------------------------------------------------------------------------------------

    async def _work(self, lane: Lane) -> None:
        while True:
            if lane.queue.empty():
                await lane.wake.wait()
            lane.wake.clear()
            await self._turn(lane, by_the_clock=False)
            if not lane.queue.empty():
                lane.wake.set()
            # Between two batches other lanes and the heartbeat have their turn.
            await asyncio.sleep(0)

    async def _clockwork(self) -> None:
        """What the clock asks of lanes, a batch a lane in turn: few at a time, so that commands find the processor free."""
        while True:
            lane = await self._asked.get()
            lane.asked = False
            await self._turn(lane, by_the_clock=True)
            await asyncio.sleep(0)

    async def _turn(self, lane: Lane, *, by_the_clock: bool) -> None:
        async with lane.busy:
            batch: list[Delivered | Unreadable] = []
            size = 0
            while len(batch) < self._settings.batch and size < BATCH_BYTES and not lane.queue.empty():
                batch.append(self._next(lane))
                size += batch[-1].size
            if lane.state is not None:
                await self._apply(lane, batch, by_the_clock=by_the_clock)
        self._ask_clockwork(lane)

    def _ask_clockwork(self, lane: Lane) -> None:
        if lane.has_work and not lane.asked:
            lane.asked = True
            self._asked.put_nowait(lane)

    async def _apply(self, lane: Lane, batch: list[Delivered | Unreadable], *, by_the_clock: bool) -> None:
        state = lane.state
        if state is None:
            return
        tick = lane.tick if by_the_clock else None
        if by_the_clock:
            lane.tick = None
        started = time.perf_counter()
        first = state.next_offset
        try:
            recalculated = RECALCULATED_A_BATCH if by_the_clock else 0
            applied = await self._transact(state, batch, tick, self._settings.timers_a_batch, recalculated)
        except LaneLost as lost:
            await self._lost(lane, state, lost)
            return
        except NewerForm as newer:
            self._stop(lane, str(newer), remedy="a worker of the newer version")
            self._let_go(lane)
            # As long as this worker is what it is, trying again leads nowhere.
            lane.lost_at = math.inf
            return
        if applied.entries:
            self._published(lane.number)
        if (applied.more_timers or applied.waits) and lane.tick is None:
            lane.tick = tick
        seconds = time.perf_counter() - started
        self._measure(lane, applied, seconds)
        if applied.results is not None:
            taken = [one for one in batch if first <= one.offset < state.next_offset]
            self._measure_commands(taken, applied.results.now, seconds)
            if taken:
                lane.lag.read(taken[-1].record.source.broker_time.timestamp())
        if applied.gap:
            await self._seek_back(lane, state.next_offset)
        elif applied.commands:
            lane.gap_since = None
            lane.moved_at = time.monotonic()

    async def _lost(self, lane: Lane, state: LaneState, lost: LaneLost) -> None:
        """Another has the lane; or its epoch is still ours, and only the answer to a transaction was lost: then it is taken again."""
        self._let_go(lane)
        epoch = await self._patiently(partial(SQL.epoch, lane=lane.number))
        if epoch != state.epoch or not lane.assigned:
            self._metrics.count("noveto_lane_fenced", stage="desk")
            LOG.warning("lane lost", stage="desk", lane=lane.number, reason=str(lost))
            return
        LOG.warning("answer lost", stage="desk", lane=lane.number)
        taken = await self._take(lane)
        if taken is not None:
            await self._read_from(lane, taken.next_offset)

    async def _transact(
        self,
        state: LaneState,
        batch: list[Delivered | Unreadable],
        tick: Tick | None,
        most_timers: int,
        most_recalculated: int = 0,
        poison: str | None = None,
    ) -> ledger.Applied:
        """One transaction; where the database refuses the data, smaller ones, down to the one case that is then quarantined."""
        try:
            return await self._patiently(
                lambda connection: ledger.apply(
                    connection,
                    state,
                    batch,
                    tick,
                    self._clock,
                    self._references,
                    self._settings.park_seconds,
                    most_timers,
                    most_recalculated,
                    poison,
                )
            )
        except REFUSED_DATA as error:
            if poison is not None:
                raise
            self._metrics.count("noveto_desk_errors", error=type(error).__name__)
            if most_recalculated and (tick is not None or batch):
                await self._transact(state, batch, tick, most_timers)
                return await self._transact(state, [], None, most_timers, most_recalculated)
            if most_recalculated > 1:
                return await self._transact(state, [], None, most_timers, 1)
            if tick is not None and batch:
                await self._transact(state, batch, None, most_timers)
                return await self._transact(state, [], tick, most_timers)
            if tick is not None and most_timers > 1:
                return await self._transact(state, [], tick, 1)
            if len(batch) > 1:
                half = len(batch) // 2
                first = await self._transact(state, batch[:half], None, most_timers)
                return first if first.gap else await self._transact(state, batch[half:], None, most_timers)
            if isinstance(error, asyncpg.UniqueViolationError) and not self._tried_again:
                # Another lane has just used the same command id: seen on a second look, it is a repeat or a mistake.
                self._tried_again = True
                try:
                    return await self._transact(state, batch, tick, most_timers, most_recalculated)
                finally:
                    self._tried_again = False
            why = f"{type(error).__name__} ({error.sqlstate})"
            return await self._transact(state, batch, tick, most_timers, most_recalculated, why)

    def _measure(self, lane: Lane, applied: ledger.Applied, seconds: float) -> None:
        number = lane.number
        if applied.repeats_dropped and not applied.gap:
            self._metrics.count("noveto_desk_repeats_dropped", applied.repeats_dropped, lane=number)
        if applied.results is None:
            return
        LOG.debug(
            "batch decided",
            lane=number,
            commands=applied.commands,
            timers=applied.timers,
            entries=applied.entries,
            seconds=seconds,
        )
        self._metrics.observe("noveto_desk_transaction_seconds", seconds)
        for phase, took in applied.phases.items():
            self._metrics.observe("noveto_desk_phase_seconds", took, phase=phase)
        self._metrics.count("noveto_desk_commands", applied.commands, lane=number)
        self._metrics.count("noveto_desk_entries", applied.entries, lane=number)
        if applied.commands:
            self._metrics.observe("noveto_desk_batch_commands", applied.commands)
        if applied.timers:
            self._metrics.count("noveto_desk_timers_fired", applied.timers, lane=number)
        for reason, count in applied.results.rejections.items():
            self._metrics.count("noveto_desk_answers", count, reason=reason)
        for fact, count in applied.results.facts.items():
            self._metrics.count("noveto_desk_facts", count, type=fact)
        for row in applied.results.quarantined:
            LOG.error("case quarantined", lane=number, case=row.case_id, error=row.error.split(":", 1)[0])

    def _measure_commands(self, taken: list[Delivered | Unreadable], now: datetime, seconds: float) -> None:
        """How long each took from its receipt to its entry in the journal: the objective is 1 s."""
        for one in taken:
            waited = (now - one.record.source.broker_time).total_seconds()
            self._metrics.observe("noveto_desk_command_seconds", max(0.0, waited) + seconds)
            if self.spans.on and isinstance(one, Delivered):
                own = tracing.child(one.traceparent, "desk", coordinates(one.record.source))
                about: dict[str, str | int] = {
                    "noveto_case": one.record.case_id or "",
                    "messaging_kafka_offset": one.offset,
                }
                self.spans.record("desk", own, one.traceparent, now, now + timedelta(seconds=seconds), **about)

    async def _seek_back(self, lane: Lane, offset: int) -> None:
        """A hole before what came: read again from our position. What came after the hole comes again."""
        self._metrics.count("noveto_desk_gaps_refused", lane=lane.number)
        now = time.monotonic()
        lane.gap_since = lane.gap_since or now
        if now - lane.gap_since > GAP_SECONDS:
            raise DeskFailed(f"lane {lane.number} cannot get offset {offset} delivered")
        if now - lane.sought_at < SEEK_EVERY_SECONDS:
            return
        lane.sought_at = now
        self._forget(lane)
        LOG.warning("gap refused", lane=lane.number, wanted=offset)
        await self._read_from(lane, offset)

    async def _read_from(self, lane: Lane, offset: int) -> None:
        """Where that fails, what comes is no lane's next offset: it is tried again."""
        if self._seek is None:
            return
        try:
            await within(self._seek(lane.number, offset), GAP_SECONDS)
        except Exception as error:
            LOG.warning("seek failed", lane=lane.number, error=type(error).__name__)

    async def _patiently(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Do it on a connection; while the database is away wait and try again, slower up to a second."""
        wait = 0.05
        this = object()
        try:
            while True:
                try:
                    async with self._pool.acquire(timeout=5) as connection:
                        return await work(connection)
                except DATABASE_AWAY as error:
                    self._waiting.add(this)
                    self._database_went(error)
                    self._metrics.count("noveto_desk_errors", error=type(error).__name__)
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, LONGEST_WAIT_SECONDS)
        finally:
            self._waiting.discard(this)
            self._database_came()

    def _database_went(self, error: Exception) -> None:
        if self.database_away_since is None:
            self.database_away_since = time.monotonic()
            LOG.warning("database is away", error=type(error).__name__)

    def _database_came(self) -> None:
        """It answers; it is back once nobody waits for it any more: a full disk can be read."""
        if self.database_away_since is not None and not self._waiting:
            LOG.info("database is back", seconds=round(time.monotonic() - self.database_away_since, 1))
            self.database_away_since = None

    # -- the clock -----------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        """Asks each lane for the timers that are due, once it has read what was received before them (R29)."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self._ask_for_due_timers()
            except (*DATABASE_AWAY, KafkaError) as error:
                self._asking_since = None
                self._metrics.count("noveto_desk_errors", error=type(error).__name__)
                await asyncio.sleep(LONGEST_WAIT_SECONDS)

    async def _ask_for_due_timers(self) -> None:
        """The lag is bounded, but only lag that was watched counts: after an outage what was received meanwhile is read first."""
        lanes = self.owned()
        if not lanes:
            self._asking_since = None
            return
        now, due, read_until = await self._due(lanes)
        for lane in self.lanes.values():
            if lane.state is not None and lane.state.parked_until is not None and lane.state.parked_until <= now:
                lane.wake.set()
        watched = time.monotonic()
        self._asking_since = self._asking_since or watched
        if not due:
            return
        most_lag = self._settings.most_lag_seconds
        patience = now - timedelta(seconds=most_lag)
        impatient = watched - self._asking_since > most_lag
        behind = impatient and (read_until is None or read_until < patience)
        if read_until is None and not behind:
            return
        until = self._clock.domain(patience if behind or read_until is None else min(read_until, now))
        for number in self.owned():
            tick = self.lanes[number].tick
            if tick is not None and impatient and watched - tick.asked_at > most_lag:
                # The lane itself cannot read what was received before: it says so too.
                self._ask(number, Tick(self._clock.domain(patience), 0, router_behind=True, asked_at=watched))
        ready = [row["lane"] for row in due if row["next_timer_at"] <= until]
        if not ready:
            return
        ends = {} if behind else await within(self._broker.commands_end(ready), 5)
        for number in ready:
            if self.lanes[number].tick is None:
                self._ask(number, Tick(until, ends.get(number, 0), router_behind=behind, asked_at=watched))

    async def _due(self, lanes: list[int]) -> tuple[datetime, list[Any], datetime | None]:
        """The database's clock, the lanes with timers due by it, and until when intake has read everything."""
        try:
            async with self._pool.acquire(timeout=5) as connection:
                now: datetime = await connection.fetchval("select clock_timestamp()")
                due = await SQL.lanes_with_timers_due(connection, lanes=lanes, until=self._clock.domain(now))
                read_until: datetime | None = await SQL.intake_until(connection) if due else None
        except DATABASE_AWAY as error:
            self._database_went(error)
            raise
        self._database_came()
        return now, due, read_until

    def _ask(self, number: int, tick: Tick) -> None:
        lane = self.lanes[number]
        if lane.state is not None:
            lane.tick = tick
            self._ask_clockwork(lane)

    # -- the watch -----------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Sees lanes that do not move although there is something to read, and measures how far behind they are."""
        while True:
            await asyncio.sleep(1)
            try:
                await self._take_again()
                lanes = self.owned()
                ends = await within(self._broker.commands_end(lanes), 5) if lanes else {}
            except (KafkaError, OSError, TimeoutError):
                # Without the broker nothing can move; the clock starts anew when it is back.
                self.broker_away_since = self.broker_away_since or time.monotonic()
                for lane in self.lanes.values():
                    lane.moved_at = time.monotonic()
                continue
            self.broker_away_since = None
            for number in lanes:
                self._check(self.lanes[number], ends.get(number, 0))

    def _check(self, lane: Lane, end: int) -> None:
        if lane.state is None:
            return
        lag = max(0, end - lane.state.next_offset)
        now = time.monotonic()
        self._metrics.set("noveto_desk_lag_records", lag, lane=lane.number)
        seconds = lane.lag.seconds(lane.state.next_offset, end, time.time())
        self._metrics.set("noveto_desk_lag_seconds", seconds, lane=lane.number)
        if lag == 0 or self.database_away_since is not None or self.rebalancing:
            lane.moved_at = now
        elif now - lane.moved_at > STALL_SECONDS:
            raise DeskFailed(f"lane {lane.number} does not move, {lag} records behind")
