"""An empty or older database made whole from `case.events`: all but personal data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from consumers.contents import SQL as REFERENCE
from consumers.contents import Content, canonical
from consumers.derived import Derived, chunks
from consumers.lane_log import TopicReader
from consumers.lanes import append, take_lane
from consumers.rows import CommandRow, JournalRow, PrecedentRow, Rows, SourceRow, case_row
from consumers.settings import Settings
from consumers.store import connect, queries
from topics.journal import ReferenceKind
from topics.registry import Family, TopicNames

if TYPE_CHECKING:
    import asyncpg

SQL = queries("rebuild")
DESK = queries("desk")
PAGE = 2000


class RebuildRefused(Exception):
    """The journal and `case.events` contradict each other: a person has to look."""


@dataclass(frozen=True, slots=True)
class RebuiltLane:
    """What rebuilding found and did in one lane."""

    lane: int
    journal_before: int
    added: int
    cases: int


async def rebuild(settings: Settings, said: Callable[[RebuiltLane], None]) -> list[RebuiltLane]:
    """Rebuild every lane, one transaction each; it can be stopped and started again at any time."""
    # Rebuilding holds a lane as long as it takes: the limits that guard the desk's short transactions do not fit.
    database = await connect(settings, "rebuild", transaction_timeout="0", idle_in_transaction_session_timeout="0")
    events = TopicNames(settings.topic_prefix).of(Family.CASE_EVENTS)
    done = []
    try:
        async with TopicReader(settings) as reader:
            for lane in range(settings.lanes):
                async with database.transaction():
                    done.append(await _rebuild_lane(database, reader, events, lane))
                said(done[-1])
    finally:
        await database.close(timeout=5)
    return done


async def _rebuild_lane(database: asyncpg.Connection, reader: TopicReader, events: str, lane: int) -> RebuiltLane:
    row = await SQL.fence_lane(database, lane=lane)
    if row is None:
        raise RebuildRefused(f"the database has no lane {lane}: run `noveto database migrate`")
    derived = Derived(lane)
    before = row["next_seq"]
    # 1 what the journal has
    while True:
        page = await SQL.journal_of_lane(database, lane=lane, seq=derived.next_seq, most=PAGE)
        for entry in page:
            derived.take(entry["seq"], entry["body"], entry["hash"])
        if len(page) < PAGE:
            break
    had = derived.next_seq
    hashes = await _hashes(database, lane)
    # 2 what case.events has beyond it
    missing: list[JournalRow] = []
    async for published in reader.lane(events, lane):
        if published.seq < had:
            if hashes[published.seq] != published.hash:
                raise RebuildRefused(f"lane {lane}: entry {published.seq} differs between the journal and {events}")
            continue
        entry = derived.take(published.seq, published.body, published.hash)
        version = getattr(entry, "version", None)
        missing.append(
            JournalRow(
                published.seq, entry.kind, entry.case_id, version, entry.recorded_at, published.body, published.hash
            )
        )
    # 3 the journal made whole, and everything that follows from it made anew
    await _put_derived(database, derived, missing)
    return RebuiltLane(lane, before, len(missing), len(derived.cases))


async def _hashes(database: asyncpg.Connection, lane: int) -> list[bytes]:
    rows = await database.fetch("select hash from journal where lane = $1 order by seq", lane)
    return [row["hash"] for row in rows]


async def _put_derived(database: asyncpg.Connection, derived: Derived, missing: list[JournalRow]) -> None:
    lane = derived.lane
    for forget in (
        SQL.forget_cases,
        SQL.forget_commands,
        SQL.forget_sources,
        SQL.forget_parked,
        SQL.forget_quarantined,
        SQL.forget_precedents,
    ):
        await forget(database, lane=lane)
    held = {case_id for _, case_id, _, _, _ in derived.quarantined}
    rows = Rows(
        journal=missing,
        cases=[case_row(case, quarantined=case.case_id in held) for case in derived.cases.values()],
        commands=[CommandRow(party, command_id, *known) for (party, command_id), known in derived.commands.items()],
        sources=[SourceRow(*key, *position) for key, position in derived.sources.items()],
        precedents=[PrecedentRow(*kind, cases) for kind, cases in derived.precedents.items()],
    )
    state = await take_lane(database, lane)
    for page in rows.pages(PAGE):
        # The lane itself stays where it is until all is written.
        await append(database, state, state, page)
    for columns in chunks(list(derived.parked.values())):
        await DESK.park(
            database, lane=lane, **dict(zip(("seqs", "case_ids", "untils", "commands"), columns, strict=True))
        )
    for columns in chunks(derived.quarantined):
        await DESK.quarantine(
            database, lane=lane, **dict(zip(("seqs", "case_ids", "errors", "at", "commands"), columns, strict=True))
        )
    for columns in chunks(list(derived.erased.items())):
        await DESK.erase_applicants(database, **dict(zip(("refs", "erased_at"), columns, strict=True)))
    await _put_contents(database, derived)
    await SQL.set_lane(
        database,
        lane=lane,
        next_offset=derived.next_offset,
        next_seq=derived.next_seq,
        last_hash=derived.last_hash,
        clock=derived.clock,
    )


async def _put_contents(database: asyncpg.Connection, derived: Derived) -> None:
    """By what the lane decides; limits that a new calendar may have moved are looked at again, which changes none twice."""
    for kind, entry in derived.contents.items():
        content = Content(kind, entry.reference_version, canonical(entry.content))
        await REFERENCE.put_content(
            database, kind=str(kind), version=content.version, sha256=content.sha256, content=content.body
        )
        if await REFERENCE.last_load(database, kind=str(kind)) is None:
            load = await REFERENCE.put_load(database, kind=str(kind), version=content.version)
            await REFERENCE.announced(database, id=load["id"])
    await REFERENCE.set_versions(
        database,
        lane=derived.lane,
        **{
            f"{kind}_version": derived.contents[kind].reference_version if kind in derived.contents else None
            for kind in ReferenceKind
        },
    )
