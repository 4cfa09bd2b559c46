"""The desk: each lane's commands decided one after another, in batches, each batch in one SQL transaction.

Delivery is somebody else's (`consumers.faust_delivery`): whatever it brings, a lane takes only its next offset.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

import asyncpg
import structlog
from aiokafka.errors import KafkaError

from consumers import ledger, tracing
from consumers.clock import Clock
from consumers.contents import References
from consumers.delivered import Delivered, Unreadable
from consumers.desk_measures import DeskMeasures
from consumers.lag import Lag
from consumers.lanes import SQL, LaneLost, LaneState, take_lane
from consumers.ledger import Tick
from consumers.patience import LONGEST_WAIT_SECONDS, PatientDatabase
from consumers.positions import LaneStopped, Positions, check_journal
from consumers.settings import Settings
from consumers.store import DATABASE_AWAY
from consumers.ticking import Ticking
from consumers.waiting import Room, within
from metrics.table import Metrics
from topics.upcasting import NewerForm

LOG = structlog.get_logger()

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
        self._metrics = metrics
        self._clock = clock
        self._broker = positions
        self._published = published
        self._seek: Seek | None = None
        self.lanes = {number: Lane(number) for number in range(settings.lanes)}
        self._database = PatientDatabase(pool, metrics)
        self._ticking = Ticking(settings, self._database, positions, clock)
        self._room = Room(WAITING_BYTES)
        self.broker_away_since: float | None = None
        self._tried_again = False
        self._asked: asyncio.Queue[Lane] = asyncio.Queue()
        self.rebalancing = True
        self._measures = DeskMeasures(metrics)
        self.spans = tracing.Spans()

    @property
    def database_away_since(self) -> float | None:
        """Since when the database has not answered, by the process's own clock."""
        return self._database.away_since

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
        await self._room.put(self.lanes[lane].queue, delivered, delivered.size)
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
            state = await self._database.patiently(partial(take_lane, lane=lane.number))
            await self._broker.check_log(lane.number, state.next_offset)
            next_seq, last_hash = await self._broker.published(lane.number)
            await self._database.patiently(
                partial(check_journal, lane=lane.number, next_seq=next_seq, last_hash=last_hash)
            )
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
        self._measures.transaction(lane.number, applied, seconds)
        if applied.results is not None:
            taken = [one for one in batch if first <= one.offset < state.next_offset]
            self._measures.commands(taken, applied.results.now, seconds, self.spans)
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
        epoch = await self._database.patiently(partial(SQL.epoch, lane=lane.number))
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
            return await self._database.patiently(
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

    # -- the clock -----------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        """Asks each lane for the timers that are due, once it has read what was received before them (R29)."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            try:
                await self._ask_for_due_timers()
            except (*DATABASE_AWAY, KafkaError) as error:
                self._ticking.pause()
                self._metrics.count("noveto_desk_errors", error=type(error).__name__)
                await asyncio.sleep(LONGEST_WAIT_SECONDS)

    async def _ask_for_due_timers(self) -> None:
        lanes = self.owned()
        if not lanes:
            self._ticking.pause()
            return
        now, ticks = await self._ticking.ask({number: self.lanes[number].tick for number in lanes})
        for lane in self.lanes.values():
            if lane.state is not None and lane.state.parked_until is not None and lane.state.parked_until <= now:
                lane.wake.set()
        for number, tick in ticks.items():
            if self.lanes[number].tick is None or tick.router_behind:
                self._ask(number, tick)

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
