"""When timers may fire: what is due, once everything received before it has been read (R29)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from consumers.clock import Clock
from consumers.lanes import SQL
from consumers.ledger import Tick
from consumers.patience import PatientDatabase
from consumers.positions import Positions
from consumers.settings import Settings
from consumers.waiting import within

ANSWER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class _Due:
    now: datetime
    """The database's clock."""
    lanes: Mapping[int, datetime]
    """Lane → its earliest timer that is due."""
    read_until: datetime | None
    """Until when intake has read everything; none where some partition was never read."""


class Ticking:
    """Asks the database for all lanes at once. The lag it waits for is bounded, but only lag that was watched counts: after an outage
    what was received meanwhile is read first."""

    def __init__(self, settings: Settings, database: PatientDatabase, broker: Positions, clock: Clock) -> None:
        self._most_lag = settings.most_lag_seconds
        self._database = database
        self._broker = broker
        self._clock = clock
        self._watching_since: float | None = None

    def pause(self) -> None:
        """Nothing is watched: the lag's bound begins anew."""
        self._watching_since = None

    async def ask(self, asked: Mapping[int, Tick | None]) -> tuple[datetime, dict[int, Tick]]:
        """The database's clock, and what lanes may fire now; given is what each still has to do."""
        due = await self._database.once(lambda connection: self._due(connection, list(asked)))
        watched = time.monotonic()
        self._watching_since = self._watching_since or watched
        if not due.lanes:
            return due.now, {}
        patience = due.now - timedelta(seconds=self._most_lag)
        impatient = watched - self._watching_since > self._most_lag
        behind = impatient and (due.read_until is None or due.read_until < patience)
        if due.read_until is None and not behind:
            return due.now, {}
        until = self._clock.domain(patience if behind or due.read_until is None else min(due.read_until, due.now))
        # A lane that cannot read what was received before fires without, and says so too.
        stuck = [
            number for number, tick in asked.items() if impatient and tick and watched - tick.asked_at > self._most_lag
        ]
        ticks = {number: self._late(patience, watched) for number in stuck}
        ready = [number for number, at in due.lanes.items() if at <= until and asked[number] is None]
        ends = {} if behind else await self._ends(ready)
        for number in ready:
            ticks[number] = Tick(until, ends.get(number, 0), router_behind=behind, asked_at=watched)
        return due.now, ticks

    def _late(self, patience: datetime, watched: float) -> Tick:
        return Tick(self._clock.domain(patience), 0, router_behind=True, asked_at=watched)

    async def _ends(self, lanes: Sequence[int]) -> dict[int, int]:
        return await within(self._broker.commands_end(lanes), ANSWER_SECONDS) if lanes else {}

    async def _due(self, connection: Any, lanes: list[int]) -> _Due:
        now: datetime = await connection.fetchval("select clock_timestamp()")
        rows = await SQL.lanes_with_timers_due(connection, lanes=lanes, until=self._clock.domain(now))
        read_until = await SQL.intake_until(connection) if rows else None
        return _Due(now, {row["lane"]: row["next_timer_at"] for row in rows}, read_until)
