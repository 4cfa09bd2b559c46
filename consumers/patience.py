"""The desk's database: while it is away one waits and tries again, and how long that has lasted is known."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from consumers.store import DATABASE_AWAY
from metrics.table import Metrics

if TYPE_CHECKING:
    import asyncpg

LOG = structlog.get_logger()
T = TypeVar("T")

LONGEST_WAIT_SECONDS = 1.0


class PatientDatabase:
    """Work on a connection of the pool, once or until it is done."""

    def __init__(self, pool: asyncpg.Pool, metrics: Metrics) -> None:
        self._pool = pool
        self._metrics = metrics
        self.away_since: float | None = None
        """By the process's own clock; none while it answers."""
        self._waiting: set[object] = set()
        """What waits for the database to be well again."""

    async def patiently(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Do it; while the database is away wait and try again, slower up to a second."""
        wait = 0.05
        this = object()
        try:
            while True:
                try:
                    async with self._pool.acquire(timeout=5) as connection:
                        return await work(connection)
                except DATABASE_AWAY as error:
                    self._waiting.add(this)
                    self._went(error)
                    self._metrics.count("noveto_desk_errors", error=type(error).__name__)
                    await asyncio.sleep(wait)
                    wait = min(wait * 2, LONGEST_WAIT_SECONDS)
        finally:
            self._waiting.discard(this)
            self._came()

    async def once(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Do it, or raise what came in between."""
        try:
            async with self._pool.acquire(timeout=5) as connection:
                done = await work(connection)
        except DATABASE_AWAY as error:
            self._went(error)
            raise
        self._came()
        return done

    def _went(self, error: Exception) -> None:
        if self.away_since is None:
            self.away_since = time.monotonic()
            LOG.warning("database is away", error=type(error).__name__)

    def _came(self) -> None:
        """It answers; it is back once nobody waits for it any more: a full disk can be read."""
        if self.away_since is not None and not self._waiting:
            LOG.info("database is back", seconds=round(time.monotonic() - self.away_since, 1))
            self.away_since = None
