"""The relay: what the desk rendered is published, with the relay's own position, in one Kafka transaction a lane.

A relay holds a lane by a lock of its database session, which ends with the process or, when that is stopped, after a few seconds.
The lane's transactional id fences whoever held it before.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, OutOfOrderSequenceNumber, ProducerFenced

from consumers.kafka import MAX_BATCH_BYTES, connection, stop
from consumers.lag import Lag
from consumers.positions import LaneStopped, Positions, check_journal
from consumers.publishing import GIVE_UP_SECONDS, PublishedLane, Publisher
from consumers.reference import Reference
from consumers.settings import Settings
from consumers.store import DATABASE_AWAY, connect, queries
from consumers.waiting import within
from metrics.table import Metrics
from topics.registry import INTERNAL_VALUE_BYTES

if TYPE_CHECKING:
    import asyncpg

LOG = structlog.get_logger()
SQL = queries("relay")

LOCK_SPACE = 0x6E6F76
MEMBER = 10_000
HEARTBEAT_SECONDS = 1.0
# How soon it is seen that a relay came or went: so long a lane has nobody.
HOLD_SECONDS = 0.25
# What failed for want of the broker or the database is tried again so late.
START_OVER_SECONDS = 0.5
WATCH_SECONDS = 5.0
# A relay that is stopped loses its session, and with it its lanes, after so long.
SILENT_SESSION = "4s"
# How soon a journal grown by a desk elsewhere is seen; one beside us wakes us.
POLL_SECONDS = 0.05
TRANSACTION_TIMEOUT_MS = 10_000
# 100 is the library's default, and the whole latency when one transaction follows another closely.
RETRY_BACKOFF_MS = 5
# A topic that is new, or a leader that moved, is asked for at once. Asking all the same takes a dozen lanes together long enough to be seen.
METADATA_MAX_AGE_MS = 300_000
CLEAN_SECONDS = 60
STOPPED_SECONDS = 5.0


class Fenced(Exception):
    """Another relay has taken the lane."""


class Relay:
    """All lanes this process holds; `wake` is called by a desk beside it."""

    def __init__(
        self, settings: Settings, reference: Reference, pool: asyncpg.Pool, metrics: Metrics, positions: Positions
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._metrics = metrics
        self._positions = positions
        self.publisher = Publisher(settings, reference, pool, metrics, positions.group)
        self._session: asyncpg.Connection | None = None
        self._session_lock = asyncio.Lock()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._wakes = {lane: asyncio.Event() for lane in range(settings.lanes)}
        self._stopped: dict[int, tuple[float, str]] = {}
        """Lane → (when it was looked at last, what was wrong)."""
        self._published: dict[int, PublishedLane] = {}
        """Lanes whose position is known, by number."""
        for lane in range(settings.lanes):
            # A lane that no relay ever had must be seen too.
            metrics.set("noveto_lane_owned", 0, stage="relay", lane=lane)
        self.broker_away_since: float | None = None
        self.database_away_since: float | None = None

    def wake(self, lane: int) -> None:
        """There is something new in the lane's journal."""
        self._wakes[lane].set()

    def owned(self) -> list[int]:
        """The lanes this process publishes."""
        return sorted(lane for lane, task in self._tasks.items() if not task.done())

    def stopped(self) -> list[int]:
        """Lanes whose stores disagree."""
        return sorted(self._stopped)

    async def run(self) -> None:
        """Work until cancelled: hold a fair share of the lanes, publish each in a task of its own."""
        watching = [
            asyncio.create_task(self._poll(), name="relay poll"),
            asyncio.create_task(self._watch(), name="relay watch"),
        ]
        try:
            while True:
                try:
                    await self._hold_lanes()
                    self.database_away_since = None
                except DATABASE_AWAY as error:
                    self.database_away_since = self.database_away_since or time.monotonic()
                    LOG.warning("relay lets go of its lanes", error=type(error).__name__)
                    await self._let_everything_go()
                    await asyncio.sleep(START_OVER_SECONDS)
                await asyncio.sleep(HOLD_SECONDS)
        finally:
            for task in watching:
                task.cancel()
            await self._let_everything_go()

    async def _watch(self) -> None:
        """Sees the broker go and come back, also while there is nothing to publish."""
        while True:
            try:
                await within(self._positions.remembered(0), WATCH_SECONDS)
            except (KafkaError, OSError, TimeoutError):
                self.broker_away_since = self.broker_away_since or time.monotonic()
            else:
                self.broker_away_since = None
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _poll(self) -> None:
        """One question for all lanes: whose journal has grown?"""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            lanes = self.owned()
            if not lanes:
                continue
            try:
                rows = await self._on_pool(partial(SQL.lane_ends, lanes=lanes))
            except DATABASE_AWAY:
                await asyncio.sleep(HEARTBEAT_SECONDS)
                continue
            for row in rows:
                lane = self._published.get(row["lane"])
                if lane is not None:
                    self._measure_lag(lane, row["next_seq"])
                if lane is None or row["next_seq"] > lane.next_seq:
                    self.wake(row["lane"])

    def _measure_lag(self, lane: PublishedLane, end: int) -> None:
        seconds = lane.lag.seconds(lane.next_seq, end, time.time())
        self._metrics.set("noveto_relay_lag_entries", max(0, end - lane.next_seq), lane=lane.number)
        self._metrics.set("noveto_relay_lag_seconds", seconds, lane=lane.number)

    def _measure_released(self, lane: int) -> None:
        # How far it was says nothing once another has published.
        self._published.pop(lane, None)
        self._metrics.set("noveto_lane_owned", 0, stage="relay", lane=lane)
        self._metrics.set("noveto_relay_lag_entries", 0, lane=lane)
        self._metrics.set("noveto_relay_lag_seconds", 0, lane=lane)

    # -- holding lanes -------------------------------------------------------------------------------------------

    async def _hold_lanes(self) -> None:
        """One heartbeat: the session lives, finished lanes are let go, free ones taken up to a fair share."""
        async with self._session_lock:
            if self._session is None or self._session.is_closed():
                await self._let_everything_go_locked()
                self._session = await connect(self._settings, "relay", idle_session_timeout=SILENT_SESSION)
                await SQL.hold_membership(self._session, space=LOCK_SPACE, member=MEMBER)
            session = self._session
            members = max(1, await SQL.members(session, space=LOCK_SPACE, member=MEMBER))
            for lane, task in list(self._tasks.items()):
                if task.done():
                    await self._give_back(session, lane)
            share = -(-self._settings.lanes // members)
            held = list(self._tasks)
            for lane in held[share:]:
                await self._give_back(session, lane)
            for lane in range(self._settings.lanes):
                if len(self._tasks) >= share:
                    break
                if lane in self._tasks or not self._worth_a_try(lane):
                    continue
                if await SQL.try_hold_lane(session, space=LOCK_SPACE, lane=lane):
                    self._tasks[lane] = asyncio.create_task(self._guarded(lane), name=f"relay lane {lane}")
                    self._metrics.set("noveto_lane_owned", 1, stage="relay", lane=lane)

    def _worth_a_try(self, lane: int) -> bool:
        """A stopped lane is looked at again now and then: an operator may have rebuilt a store."""
        return lane not in self._stopped or time.monotonic() - self._stopped[lane][0] > STOPPED_SECONDS

    async def _give_back(self, session: asyncpg.Connection, lane: int) -> None:
        await self._end(self._tasks.pop(lane))
        self._measure_released(lane)
        await SQL.release_lane(session, space=LOCK_SPACE, lane=lane)

    async def _end(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _let_everything_go(self) -> None:
        async with self._session_lock:
            await self._let_everything_go_locked()

    async def _let_everything_go_locked(self) -> None:
        tasks, self._tasks = self._tasks, {}
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        for lane in tasks:
            self._measure_released(lane)
        session, self._session = self._session, None
        if session is not None:
            session.terminate()

    # -- one lane ------------------------------------------------------------------------------------------------

    async def _guarded(self, lane: int) -> None:
        """One tenure of a lane, ended by whatever goes wrong; the next heartbeat takes it up again."""
        try:
            await self._tenure(lane)
        except (Fenced, ProducerFenced, OutOfOrderSequenceNumber) as error:
            self._metrics.count("noveto_lane_fenced", stage="relay")
            LOG.warning("lane lost", stage="relay", lane=lane, reason=type(error).__name__)
        except LaneStopped as error:
            if self._stopped.get(lane, (0.0, ""))[1] != str(error):
                LOG.error("lane stopped", stage="relay", lane=lane, reason=str(error), remedy="noveto rebuild")
            self._stopped[lane] = (time.monotonic(), str(error))
            self._metrics.set("noveto_lane_stopped", 1, lane=lane)
        except (KafkaError, OSError, TimeoutError) as error:
            self._metrics.count("noveto_relay_aborts", error=type(error).__name__)
            LOG.warning("relay lane starts over", lane=lane, error=type(error).__name__, detail=str(error)[:200])
            await asyncio.sleep(START_OVER_SECONDS)
        except DATABASE_AWAY as error:
            self._metrics.count("noveto_relay_aborts", error=type(error).__name__)

    async def _tenure(self, number: int) -> None:
        """Takeover in the one safe order: epoch, producer (fences), epoch again, position, and from there on."""
        epoch = await self._on_pool(lambda c: SQL.take_lane(c, lane=number))
        producer = AIOKafkaProducer(
            **(connection(self._settings, f"relay-{number}") | {"metadata_max_age_ms": METADATA_MAX_AGE_MS}),
            transactional_id=f"{self._settings.topic_prefix}noveto.relay.{number}",
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
            retry_backoff_ms=RETRY_BACKOFF_MS,
            linger_ms=0,
            max_batch_size=MAX_BATCH_BYTES,
            max_request_size=INTERNAL_VALUE_BYTES,
        )
        try:
            await producer.start()
            await self._still_ours(number, epoch)
            remembered = await self._positions.remembered(number)
            next_seq, last_hash = remembered or await self._positions.found_in_events(number)
            await self._on_pool(partial(check_journal, lane=number, next_seq=next_seq, last_hash=last_hash))
            if remembered is None and next_seq > 0:
                # What watches the group's lag must not take a forgotten position for a lane that was never read.
                await producer.begin_transaction()
                await self.publisher.commit(producer, number, next_seq, last_hash)
            self._metrics.count("noveto_lane_handovers", stage="relay")
            LOG.info("lane taken", stage="relay", lane=number, epoch=epoch, seq=next_seq)
            if self._stopped.pop(number, None) is not None:
                self._metrics.set("noveto_lane_stopped", 0, lane=number)
            await self._publish(PublishedLane(number, producer, next_seq, Lag(time.time())))
        finally:
            with contextlib.suppress(KafkaError, TimeoutError, OSError):
                await within(asyncio.shield(stop(producer)), GIVE_UP_SECONDS)

    async def _on_pool(self, work: Callable[[Any], Awaitable[Any]]) -> Any:
        async with self._pool.acquire(timeout=5) as connection_:
            return await work(connection_)

    async def _still_ours(self, number: int, epoch: int) -> None:
        if await self._on_pool(lambda c: SQL.epoch(c, lane=number)) != epoch:
            raise Fenced

    async def _publish(self, lane: PublishedLane) -> None:
        wake = self._wakes[lane.number]
        self._published[lane.number] = lane
        cleaned = time.monotonic()
        while True:
            wake.clear()
            sent = await self.publisher.publish_some(lane)
            if time.monotonic() - cleaned > CLEAN_SECONDS:
                cleaned = time.monotonic()
                await self.publisher.drop_published(lane, cleaned)
            if sent == 0:
                with contextlib.suppress(TimeoutError):
                    await within(wake.wait(), HEARTBEAT_SECONDS)
