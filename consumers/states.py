"""Cases as the database keeps them: a stored state is a copy of what the journal says, and only good for the version of the code that wrote it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from consumers.store import queries
from router.case import STATE_VERSION, Case
from router.evolve import evolve
from topics.journal import EventEntry, read_entry

if TYPE_CHECKING:
    import asyncpg

SQL = queries("states")
# `v` is written first.
_CURRENT = b'{"v":%d,' % STATE_VERSION


def read_state(state: bytes) -> Case | None:
    """A stored case; None where another version of the code wrote it, older or newer."""
    return Case.read(state) if state.startswith(_CURRENT) else None


async def cases_of(connection: asyncpg.Connection, rows: Sequence[Any]) -> list[Case]:
    """The cases of these rows (`case_id`, `state`), folded anew from the journal where their state cannot be read.

    Raises NewerForm where the journal, too, was written by a newer version.
    """
    read = {row["case_id"]: read_state(row["state"]) for row in rows}
    unread = [case_id for case_id, case in read.items() if case is None]
    folded = await _folded(connection, unread) if unread else {}
    return [read[row["case_id"]] or folded[row["case_id"]] for row in rows]


async def _folded(connection: asyncpg.Connection, case_ids: list[str]) -> dict[str, Case]:
    cases: dict[str, Case] = {}
    for row in await SQL.facts_of_cases(connection, case_ids=case_ids):
        entry = read_entry(row["body"])
        if isinstance(entry, EventEntry):
            cases[row["case_id"]] = evolve(cases.get(row["case_id"]), row["case_id"], entry.event)
    return cases
