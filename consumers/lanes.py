"""A lane as the database has it: taken by raising its epoch, and moved on together with all that was written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from consumers.contents import Versions
from consumers.rows import Rows
from consumers.store import queries
from topics.journal import ReferenceKind

if TYPE_CHECKING:
    import asyncpg

SQL = queries("desk")

# Before every timer and case: where working limits out again begins.
BEGINNING = (datetime(1970, 1, 1, tzinfo=UTC), "")

Sources = dict[tuple[str, int], tuple[int, datetime]]


class LaneLost(Exception):
    """The lane's epoch, position or next sequence is not what its writer knows: another has taken it, or an answer was lost."""


@dataclass(slots=True)
class LaneState:
    """What a lane's writer keeps in memory; the database has the same after each transaction."""

    lane: int
    epoch: int
    next_offset: int
    next_seq: int
    last_hash: bytes
    clock: datetime
    sources: Sources
    """Inbound (topic, partition) → (next offset, broker time of the last): what intake sends again is known by it."""
    parked_until: datetime | None
    versions: Versions | None = None
    """By which reference data the lane decides; none before its first entry."""
    domain_clock: datetime = BEGINNING[0]
    recalculated_to: tuple[datetime, str] | None = None
    """Timer and case up to which limits have been worked out again by the lane's calendar; none where all have been."""


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


async def append(connection: asyncpg.Connection, was: LaneState, moved: LaneState, rows: Rows) -> None:
    """Write the rows and move the lane on, or neither: Raises LaneLost where the lane is not where it `was`."""
    written = await SQL.append(
        connection,
        lane=was.lane,
        epoch=was.epoch,
        was_offset=was.next_offset,
        was_seq=was.next_seq,
        next_offset=moved.next_offset,
        next_seq=moved.next_seq,
        last_hash=moved.last_hash,
        clock=moved.clock,
        domain_clock=moved.domain_clock,
        directory_version=moved.versions and moved.versions.directory,
        policy_version=moved.versions and moved.versions.policy,
        calendar_version=moved.versions and moved.versions.calendar,
        recalculate_at=moved.recalculated_to and moved.recalculated_to[0],
        recalculate_case=moved.recalculated_to and moved.recalculated_to[1],
        **rows.columns(),
    )
    if not written:
        raise LaneLost(f"lane {was.lane} was moved on by another worker")
