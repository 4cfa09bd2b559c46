"""Reference data by version: the bytes that are kept, and what is made of them, once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict, ValidationError

from consumers.settings import Settings
from consumers.store import queries
from deadlines import DEFAULT_HOURS, Centre, Year, shipped_calendar
from deadlines import Calendar as WorkingCalendar
from router.context import WorkingTime
from router.policy import Policy
from topics.directory import Directory
from topics.journal import ControlEntry, ReferenceKind
from topics.parts import Source
from topics.registry import TopicFamily, TopicNames, topics_of

if TYPE_CHECKING:
    import asyncpg

SQL = queries("reference")

CONTENT_BYTES = 1024 * 1024
"""The largest content: it goes to every lane, and into every lane's journal."""


class ReferenceDataError(Exception):
    """A file of reference data with a mistake in it: the message names the file, the line and what is wrong."""


class Versions(NamedTuple):
    """By which reference data a lane decides."""

    directory: str
    policy: str
    calendar: str

    def of(self, kind: ReferenceKind) -> str:
        return str(getattr(self, kind))

    def after(self, content: Content) -> Versions:
        """These with one of them replaced."""
        return self._replace(**{str(content.kind): content.version})


class CalendarContent(BaseModel):
    """The announced years and the centres' own hours and closings, as one version."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    years: tuple[Year, ...] = ()
    centres: tuple[Centre, ...] = ()

    @classmethod
    def shipped(cls) -> CalendarContent:
        """The years that come with the package, and no centre's own days."""
        return cls(years=shipped_calendar().years)

    def with_file(self, read: Year | Centre) -> CalendarContent:
        """With a year or a centre added, or in the place of the one there was."""
        match read:
            case Year():
                others = (year for year in self.years if year.year != read.year)
                return self.model_copy(update={"years": tuple(sorted((*others, read), key=lambda year: year.year))})
            case Centre():
                rest = (centre for centre in self.centres if centre.centre != read.centre)
                return self.model_copy(
                    update={"centres": tuple(sorted((*rest, read), key=lambda centre: centre.centre))}
                )

    @property
    def version(self) -> str:
        """The last year announced and a hash of the whole, e.g. `2026-5b1c0a9f3d2e`: opening hours are in it too."""
        last = self.years[-1].year if self.years else "none"
        return f"{last}-{hashlib.sha256(self._bytes()).hexdigest()[:12]}"

    def content(self) -> Content:
        """As it is kept."""
        return Content(ReferenceKind.CALENDAR, self.version, self._bytes())

    def _bytes(self) -> bytes:
        return canonical(self.model_dump(mode="json"))

    def working_time(self, centres: Iterable[str]) -> dict[str, WorkingTime]:
        """Each centre's calendar and hours. Raises ValueError where a centre's closings contradict each other."""
        calendar = WorkingCalendar(years=self.years)
        own = {centre.centre: centre for centre in self.centres}
        times = {}
        for centre_id in (*own, *centres):
            if centre_id in own:
                centre = own[centre_id]
                closed = calendar.with_closings(*centre.closed) if centre.closed else calendar
                times[centre_id] = WorkingTime(closed, centre.opening_hours)
            else:
                times[centre_id] = WorkingTime(calendar, DEFAULT_HOURS)
        return times

    def certain_days_left(self, today: date) -> int:
        """How many days after today lie in years whose holidays are announced: metric and alert of R26."""
        return WorkingCalendar(years=self.years).certain_days_left(today)


@dataclass(frozen=True, slots=True)
class Content:
    """One version of one kind of reference data, as the bytes that are kept and hashed."""

    kind: ReferenceKind
    version: str
    body: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @classmethod
    def of(cls, data: Directory | Policy | CalendarContent) -> Content:
        """As it is kept."""
        match data:
            case Directory():
                return cls(ReferenceKind.DIRECTORY, data.version, canonical(orjson.loads(data.wire())))
            case Policy():
                return cls(ReferenceKind.POLICY, data.version, canonical(orjson.loads(data.wire())))
            case CalendarContent():
                return data.content()

    def parsed(self) -> Directory | Policy | CalendarContent:
        """The data itself. Raises ReferenceDataError where this code does not understand it."""
        models: dict[ReferenceKind, type[Directory] | type[Policy] | type[CalendarContent]] = {
            ReferenceKind.DIRECTORY: Directory,
            ReferenceKind.POLICY: Policy,
            ReferenceKind.CALENDAR: CalendarContent,
        }
        try:
            data = models[self.kind].model_validate_json(self.body)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise ReferenceDataError(f"{self.kind} {self.version}: {place}: {first['msg']}") from error
        if data.version != self.version:
            raise ReferenceDataError(f"{self.kind} {self.version} has {data.version} in it")
        return data

    def entry(
        self,
        lane: int,
        seq: int,
        recorded_at: datetime,
        previous: str | None,
        offset: int | None = None,
        source: Source | None = None,
    ) -> ControlEntry:
        """The journal's entry: from here on the lane decides by it."""
        return ControlEntry(
            lane=lane,
            seq=seq,
            recorded_at=recorded_at,
            offset=offset,
            reference=self.kind,
            reference_version=self.version,
            previous_version=previous,
            sha256=self.sha256,
            content=orjson.loads(self.body),
            source=source,
        )


def canonical(data: Any) -> bytes:
    """The bytes that are kept and hashed: the same for the same data."""
    return orjson.dumps(data, option=orjson.OPT_SORT_KEYS)


@dataclass(frozen=True)
class Reference:
    """One consistent set of reference data."""

    directory: Directory
    policy: Policy
    calendar: CalendarContent
    working_time: dict[str, WorkingTime]
    """By centre."""
    topics: dict[str, TopicFamily]
    """Every topic that may be written or read, by name."""
    names: TopicNames
    lanes: int

    @classmethod
    def assemble(
        cls, directory: Directory, policy: Policy, calendar: CalendarContent, names: TopicNames, lanes: int
    ) -> Reference:
        """Raises ReferenceDataError where the parts do not fit together."""
        centres = [centre.id for centre in directory.centres]
        for centre in calendar.centres:
            if centre.centre not in centres:
                raise ReferenceDataError(
                    f"the calendar has a centre {centre.centre}, the directory {directory.version} has {', '.join(centres)}"
                )
        try:
            times = calendar.working_time(centres)
        except ValueError as error:
            raise ReferenceDataError(f"calendar: {error}") from error
        return cls(directory, policy, calendar, times, dict(topics_of(directory, names)), names, lanes)

    @property
    def versions(self) -> Versions:
        """What it is made of."""
        return Versions(self.directory.version, self.policy.version, self.calendar.version)

    def contents(self) -> tuple[Content, Content, Content]:
        """What it is made of, as it is kept."""
        return Content.of(self.directory), Content.of(self.policy), Content.of(self.calendar)


class References:
    """Every set of reference data that this process has decided by, each made once from the ledger's copy."""

    def __init__(self, settings: Settings) -> None:
        self._names = TopicNames(settings.topic_prefix)
        self._lanes = settings.lanes
        self._parsed: dict[tuple[ReferenceKind, str], Any] = {}
        self._made: dict[Versions, Reference] = {}

    def add(self, content: Content) -> None:
        """Make a content known. Raises ReferenceDataError."""
        if (content.kind, content.version) not in self._parsed:
            self._parsed[content.kind, content.version] = content.parsed()

    def made(self, versions: Versions) -> Reference:
        """The set of these versions, all known. Raises ReferenceDataError where they do not fit together."""
        found = self._made.get(versions)
        if found is None:
            directory, policy, calendar = (self._parsed[kind, versions.of(kind)] for kind in ReferenceKind)
            found = self._made[versions] = Reference.assemble(directory, policy, calendar, self._names, self._lanes)
        return found

    async def at(self, connection: asyncpg.Connection, versions: Versions) -> Reference:
        """The set of these versions, read from the database where it is not known yet."""
        if versions not in self._made:
            for kind in ReferenceKind:
                if (kind, versions.of(kind)) not in self._parsed:
                    body = await SQL.content(connection, kind=str(kind), version=versions.of(kind))
                    if body is None:
                        raise ReferenceDataError(f"the database has no {kind} {versions.of(kind)}")
                    self.add(Content(kind, versions.of(kind), body))
        return self.made(versions)

    async def newest(self, connection: asyncpg.Connection) -> Reference:
        """What was announced to every lane last: intake goes by it."""
        rows = {row["kind"]: row["version"] for row in await SQL.newest_announced(connection)}
        return await self.at(connection, Versions(*(rows[kind] for kind in ReferenceKind)))
