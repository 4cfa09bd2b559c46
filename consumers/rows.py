"""The rows that follow from a batch, table by table; each field is named as its column."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, NamedTuple

from router.case import Case, Closed
from router.timers import next_timer


class JournalRow(NamedTuple):
    """One entry to append."""

    seq: int
    kind: str
    case_id: str | None
    version: int | None
    recorded_at: datetime
    body: bytes
    hash: bytes


class CaseRow(NamedTuple):
    """A case as its facts have made it."""

    case_id: str
    version: int
    org_code: str
    centre: str
    stage: str
    outcome: str | None
    headless: bool
    task_code: str
    situation: str | None
    ground_code: str | None
    opened_at: datetime
    closed_at: datetime | None
    next_timer_at: datetime | None
    state: bytes


class CommandRow(NamedTuple):
    """A command that had its effect; `source` as JSON."""

    party: str
    command_id: str
    fingerprint: str
    source: str
    seq: int


class OutboxRow(NamedTuple):
    """One message to publish; `extra` are further headers, as JSON."""

    seq: int
    n: int
    topic: str
    key: bytes
    ce_id: str
    ce_type: str
    extra: str | None
    value: bytes


class SourceRow(NamedTuple):
    """How far an inbound partition has come in the lane."""

    topic: str
    partition: int
    next_offset: int
    broker_time: datetime


class ApplicantRow(NamedTuple):
    """An applicant's data, sealed."""

    applicant_ref: str
    case_id: str
    sealed: bytes
    received_at: datetime


class PrecedentRow(NamedTuple):
    """So many more cases of a kind have ended so."""

    task_code: str
    situation: str
    ground_code: str
    outcome: str
    cases: int


@dataclass(slots=True)
class Rows:
    """What is written in one statement."""

    journal: list[JournalRow] = field(default_factory=list)
    cases: list[CaseRow] = field(default_factory=list)
    commands: list[CommandRow] = field(default_factory=list)
    outbox: list[OutboxRow] = field(default_factory=list)
    sources: list[SourceRow] = field(default_factory=list)
    applicants: list[ApplicantRow] = field(default_factory=list)
    precedents: list[PrecedentRow] = field(default_factory=list)

    def pages(self, size: int) -> Iterator[Rows]:
        """At most so many rows of each table at a time."""
        tables = {table.name: getattr(self, table.name) for table in fields(self)}
        for at in range(0, max(map(len, tables.values())), size):
            yield Rows(**{name: rows[at : at + size] for name, rows in tables.items()})

    def columns(self) -> dict[str, list[Any]]:
        """Each column as one parameter, named by its table and itself."""
        return {name: column for table in fields(self) for name, column in self._columns_of(table.name)}

    def _columns_of(self, table: str) -> list[tuple[str, list[Any]]]:
        row: Any = ROWS[table]
        given: list[Any] = getattr(self, table)
        columns = zip(*given, strict=True) if given else ((),) * len(row._fields)
        return [(f"{table}_{name}", list(column)) for name, column in zip(row._fields, columns, strict=True)]


ROWS = {
    "journal": JournalRow,
    "cases": CaseRow,
    "commands": CommandRow,
    "outbox": OutboxRow,
    "sources": SourceRow,
    "applicants": ApplicantRow,
    "precedents": PrecedentRow,
}


def case_row(case: Case, *, quarantined: bool = False) -> CaseRow:
    """A case as a row of `cases`; a quarantined one's timers wait with it."""
    timer = None if quarantined else next_timer(case)
    closed = case.stage if isinstance(case.stage, Closed) else None
    return CaseRow(
        case_id=case.case_id,
        version=case.version,
        org_code=case.org_code,
        centre=case.centre,
        stage=str(case.stage.name),
        outcome=str(closed.outcome) if closed else None,
        headless=case.headless,
        task_code=case.matter.task_code,
        situation=case.situation and str(case.situation),
        ground_code=case.ground_code,
        opened_at=case.opened_at,
        closed_at=closed.since if closed else None,
        next_timer_at=timer.at if timer else None,
        state=case.wire(),
    )
