"""Virtual time in tests: when the router's clock stands at what, and how the record of a case is read."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg

from .parties import CLERK, Data, refusal
from .support import Router

SHANGHAI = ZoneInfo("Asia/Shanghai")
POLL_SECONDS = 0.05


def at(text: str) -> datetime:
    """An instant as people in Fuzhou write it."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@dataclass(frozen=True, slots=True)
class Time:
    """The router's time: `start` at the real instant `origin`, and `speed` times as fast from there on."""

    start: datetime
    speed: float
    origin: datetime

    @classmethod
    def beginning(cls, start: str, speed: float, in_seconds: float = 0.0) -> "Time":
        """It stands at `start` so many real seconds from now."""
        return cls(at(start), speed, datetime.now(UTC) + timedelta(seconds=in_seconds))

    @property
    def settings(self) -> dict[str, Any]:
        """As a router takes it."""
        return {
            "clock_speed": self.speed,
            "clock_origin": self.origin.isoformat(),
            "clock_start": self.start.isoformat(),
        }

    def stepped(self, by: timedelta) -> "Time":
        """The same clock set forward or backward."""
        return Time(self.start + by, self.speed, self.origin)

    def now(self) -> datetime:
        """What the router's clock shows."""
        return self.of(datetime.now(UTC))

    def of(self, real: datetime) -> datetime:
        """What it shows at a real instant."""
        return self.start + (real - self.origin) * self.speed

    async def until(self, moment: datetime) -> None:
        """Wait until it shows that."""
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds() / self.speed))


def opening(time: Time, refusal_id: str | None = None, **changes: Any) -> Data:
    """A refusal asked just now by the router's own time."""
    return refusal(refusal_id=refusal_id, askedAt=time.now().isoformat(), **changes)


def grey(time: Time, refusal_id: str | None = None) -> Data:
    """One that needs study: it has a whole working day."""
    unclear = {"situation": "grey_area", "groundCode": "NO_RULE", "reason": "现行规定没有明确。"}
    return opening(time, refusal_id, **unclear, proposedBy=CLERK)


async def events(router: Router, kind: str | None = None, case_id: str | None = None) -> list[Data]:
    """The facts of the journal, in the order of lane and sequence; each with its case and place."""
    database = await asyncpg.connect(router.settings.postgres_dsn.get_secret_value())
    try:
        rows = await database.fetch(
            "select lane, seq, case_id, body from journal where version is not null order by lane, seq"
        )
    finally:
        await database.close()
    found = [
        {**json.loads(row["body"])["event"], "caseId": row["case_id"], "lane": row["lane"], "seq": row["seq"]}
        for row in rows
    ]
    return [fact for fact in found if kind in (None, fact["type"]) and case_id in (None, fact["caseId"])]


async def case_of(router: Router, case_id: str) -> Data | None:
    """The case as the ledger has it."""
    state = await value(router, "select state from cases where case_id = $1", case_id)
    return None if state is None else dict(json.loads(state))


async def value(router: Router, query: str, *arguments: Any) -> Any:
    """One value from the router's database."""
    database = await asyncpg.connect(router.settings.postgres_dsn.get_secret_value())
    try:
        return await database.fetchval(query, *arguments)
    finally:
        await database.close()


async def eventually(question: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    """Ask until it is so."""
    async with asyncio.timeout(seconds):
        while not await question():
            await asyncio.sleep(POLL_SECONDS)


def limit(case: Data, kind: str = "approval") -> Data:
    """The limit of a case that runs."""
    return next(dict(found) for found in case["limits"] if found["kind"] == kind)
