"""What a batch needs to know before it decides: read in one round trip, and in further ones what few batches need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson

from consumers.contents import SQL as REFERENCE
from consumers.contents import Content, ReferenceDataError, References
from consumers.delivered import Delivered, Unreadable, unpack_stored
from consumers.lanes import SQL, LaneLost, LaneState
from consumers.states import cases_of
from router.case import Case
from router.context import PrecedentKey
from topics.command import QUARANTINE_CONTROL
from topics.inbound import INBOUND, Opening
from topics.journal import ReferenceKind
from topics.parts import Precedent, Precedents
from topics.vocabulary import Outcome, Situation

if TYPE_CHECKING:
    import asyncpg


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a batch asks for."""

    fresh: Sequence[Delivered | Unreadable]
    due_until: datetime | None
    """Timers due by then fire (domain time); none without."""
    most_timers: int
    most_recalculated: int
    """So many cases have their limits worked out again by a new calendar, at most."""


@dataclass(slots=True)
class Loaded:
    """What the database knew before the batch."""

    now: datetime
    """The database's clock."""
    cases: dict[str, Case]
    known: dict[tuple[str, str], tuple[str, str]]
    """(party, id) → (fingerprint, first source as JSON)."""
    precedents: Mapping[PrecedentKey, Precedents]
    parked: dict[str, list[tuple[int, bytes]]]
    """Case → (seq, command) of the commands that wait for it, in order."""
    quarantined: set[str] = field(default_factory=set)
    held: dict[str, list[bytes]] = field(default_factory=dict)
    """The commands of quarantined cases that this batch lets go on, in order."""
    due: list[Case] = field(default_factory=list)
    """Cases with a timer due, in due order."""
    expired: Sequence[tuple[int, bytes]] = ()
    """(seq, command) of parked commands that have waited long enough."""
    stale: list[Case] = field(default_factory=list)
    """Cases whose limits are to be worked out again by a new calendar, in due order."""
    stale_to: tuple[datetime, str] | None = None
    """Timer and case of the last of these: where that goes on; none where there are no more."""


async def load(connection: asyncpg.Connection, state: LaneState, wanted: Wanted) -> Loaded:
    """All of it. Raises LaneLost where the lane is not where its writer knows it to be; NewerForm where a case cannot be read."""
    said = [one for one in wanted.fresh if isinstance(one, Delivered) and one.record.kind == "said"]
    held = await _held(connection, state.lane, wanted.fresh)
    said += [unpack_stored(stored) for of_case in held.values() for stored in of_case]
    stale, stale_to = await _stale(connection, state, wanted.most_recalculated)
    kinds = sorted(set(_kinds_opened(said)))
    row = await SQL.load(
        connection,
        lane=state.lane,
        case_ids=list({one.record.case_id for one in said if one.record.case_id} | set(held)),
        due_until=wanted.due_until,
        most=wanted.most_timers,
        parties=[one.record.party for one in said],
        command_ids=[one.record.id for one in said],
        task_codes=[kind.task_code for kind in kinds],
        situations=[str(kind.situation) for kind in kinds],
        ground_codes=[kind.ground_code for kind in kinds],
    )
    if (row["epoch"], row["next_offset"], row["next_seq"]) != (state.epoch, state.next_offset, state.next_seq):
        raise LaneLost(f"lane {state.lane} is at epoch {row['epoch']}, ours was {state.epoch}")
    parked: dict[str, list[tuple[int, bytes]]] = {}
    for seq, case_id, command in row["parked"]:
        parked.setdefault(case_id, []).append((seq, command))
    asked, due = await _cases(connection, row["asked"]), await _cases(connection, row["due"])
    return Loaded(
        now=row["now"],
        cases={case.case_id: case for case in (*stale, *due, *asked)},
        known={(party, command_id): (fingerprint, source) for party, command_id, fingerprint, source in row["known"]},
        precedents=_precedents(row["ended"], row["newest"]),
        parked=parked,
        quarantined=set(row["quarantined"]),
        held=held,
        due=due,
        expired=row["expired"],
        stale=stale,
        stale_to=stale_to,
    )


async def first_contents(connection: asyncpg.Connection, references: References) -> list[Content]:
    """What a lane begins with: of each kind what was loaded first; controls in the lane change it."""
    found = {row["kind"]: row for row in await REFERENCE.first_loads(connection)}
    if len(found) < len(ReferenceKind):
        raise ReferenceDataError("no reference data was ever registered: start a worker with its settings")
    contents = [Content(kind, found[kind]["version"], found[kind]["content"]) for kind in ReferenceKind]
    for content in contents:
        references.add(content)
    return contents


async def _held(
    connection: asyncpg.Connection, lane: int, fresh: Sequence[Delivered | Unreadable]
) -> dict[str, list[bytes]]:
    released = [one.record.case_id for one in fresh if one.record.type == QUARANTINE_CONTROL and one.record.case_id]
    held: dict[str, list[bytes]] = {case_id: [] for case_id in released}
    if released:
        for row in await SQL.held_commands(connection, lane=lane, case_ids=released):
            held[row["case_id"]].append(row["command"])
    return held


async def _stale(
    connection: asyncpg.Connection, state: LaneState, most: int
) -> tuple[list[Case], tuple[datetime, str] | None]:
    """Cases with timers that nobody has touched since the calendar changed.

    One that was touched meanwhile had its limits worked out first: wherever it is now, it needs no second time.
    """
    if state.recalculated_to is None or not most:
        return [], state.recalculated_to
    after_at, after_case = state.recalculated_to
    rows = await SQL.cases_with_timers(connection, lane=state.lane, after_at=after_at, after_case=after_case, most=most)
    to = (rows[-1]["next_timer_at"], rows[-1]["case_id"]) if len(rows) >= most else None
    return await cases_of(connection, rows), to


async def _cases(connection: asyncpg.Connection, pairs: Iterable[tuple[str, bytes]]) -> list[Case]:
    return await cases_of(connection, [{"case_id": case_id, "state": state} for case_id, state in pairs])


def _kinds_opened(said: Iterable[Delivered]) -> Iterable[PrecedentKey]:
    for one in said:
        model = INBOUND.get(one.record.type or "")
        if model is None or not issubclass(model, Opening):
            continue
        try:
            data = orjson.loads(one.value)
            yield PrecedentKey(data["matter"]["taskCode"], Situation(data["situation"]), data["groundCode"])
        except (ValueError, KeyError, TypeError):
            # No key, so no precedents: it is looked at closely when it is decided.
            continue


def _precedents(ended: Iterable[Any], newest: Iterable[Any]) -> dict[PrecedentKey, Precedents]:
    counts: dict[PrecedentKey, dict[Outcome, int]] = {}
    for task_code, situation, ground_code, outcome, cases in ended:
        kind = PrecedentKey(task_code, Situation(situation), ground_code)
        counts.setdefault(kind, {})[Outcome(outcome)] = cases
    latest: dict[PrecedentKey, list[Precedent]] = {}
    for task_code, situation, ground_code, case_id, outcome, closed_at in newest:
        kind = PrecedentKey(task_code, Situation(situation), ground_code)
        latest.setdefault(kind, []).append(Precedent(case_id=case_id, outcome=Outcome(outcome), closed_at=closed_at))
    return {kind: Precedents(counts=count, newest=tuple(latest.get(kind, ()))) for kind, count in counts.items()}
