"""Many open cases at once: one real case copied by SQL, each copy under an id and in the lane of its own."""

import asyncio
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from consumers.kafka import lane_of

from ..parties import Party, case_of
from ..support import Router
from ..timing import Time, at, eventually, opening, value

COLUMNS = (
    "case_id", "lane", "version", "org_code", "centre", "stage", "outcome", "headless", "task_code", "situation",
    "ground_code", "opened_at", "closed_at", "next_timer_at", "state",
)  # fmt: skip
AT_ONCE = 20_000


@dataclass(frozen=True, slots=True)
class Template:
    """A case at a reviewer whose yellow cards were given: the next that comes is the end of its limit."""

    case_id: str
    row: dict[str, Any]

    @property
    def due_at(self) -> datetime:
        """When its limit ends."""
        due: datetime = self.row["next_timer_at"]
        return due


async def template(router: Router, time_: Time) -> Template:
    """Let a real worker make one: asked yesterday, so that its limit ends today at closing time."""
    worker = await router.worker(**time_.settings).ready()
    data = {**opening(time_, "template"), "askedAt": at("2026-11-24T16:00").isoformat()}
    async with Party(router.stack.bootstrap, router.prefix, "windows") as windows:
        await windows.say("refusal.proposed", data)

    async def only_the_end_is_left() -> bool:
        found = await value(router, "select next_timer_at from cases where case_id = $1", case_of(data))
        return bool(found == at("2026-11-25T17:00"))

    await eventually(only_the_end_is_left, 60)
    worker.stop()
    database = await asyncpg.connect(router.settings.postgres_dsn.get_secret_value())
    row = await database.fetchrow("select * from cases where case_id = $1", case_of(data))
    # The template itself is no part of what is measured.
    await database.execute("update cases set next_timer_at = null where case_id = $1", case_of(data))
    await database.close()
    assert row is not None
    return Template(case_of(data), dict(row))


def copies(template_: Template, count: int, lanes: int, next_timer_at: datetime) -> Iterator[tuple[Any, ...]]:
    """The rows of so many copies."""
    state = template_.row["state"]
    marker = template_.case_id.encode()
    for number in range(count):
        case_id = f"BUREAU-c{number}"
        changed = {
            "case_id": case_id,
            "lane": lane_of(case_id.encode(), lanes),
            "state": state.replace(marker, case_id.encode()),
            "next_timer_at": next_timer_at,
        }
        yield tuple({**template_.row, **changed}[column] for column in COLUMNS)


async def insert(router: Router, template_: Template, count: int, next_timer_at: datetime) -> float:
    """Insert them; the seconds it took."""
    assert json.loads(template_.row["state"])["caseId"] == template_.case_id
    started = time.perf_counter()
    database = await asyncpg.connect(router.superuser_dsn)
    rows = copies(template_, count, router.settings.lanes, next_timer_at)
    done = 0
    while done < count:
        some = [row for _, row in zip(range(min(AT_ONCE, count - done)), rows, strict=False)]
        await database.copy_records_to_table("cases", records=some, columns=COLUMNS)
        done += len(some)
        await asyncio.sleep(0)
    await database.execute("vacuum analyze cases")
    await database.close()
    return time.perf_counter() - started


def percentile(values: list[float], share: float) -> float:
    """The value below which that share of the values lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
