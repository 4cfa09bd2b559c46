"""The exporter: counts the journal into a few thousand rows, and tells Prometheus what they say.

What is counted is committed with the lanes' positions, so a restart or a standby goes on where it was left: nothing jumps,
nothing counts twice. One exporter holds the lock and exposes; others stand by, and expose only that.

What is told has the database's time at which it was so, read under the lock: whatever reaches Prometheus late, from an exporter
that was overtaken, is older than what it has, and is dropped.
"""

from __future__ import annotations

import asyncio
import contextlib
import platform
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from consumers import http
from consumers.clock import Clock
from consumers.contents import Reference, References
from consumers.control import in_force
from consumers.reference import load_reference
from consumers.settings import Settings
from consumers.states import cases_of
from consumers.store import DATABASE_AWAY, connect, queries
from deadlines import add_working_seconds, is_open, shanghai, working_seconds_between
from metrics.counting import CLOSED, Increments, Standing, Tracked, count, restand
from metrics.exposition import Series, written
from metrics.table import EXPORTER, Metrics
from metrics.totals import WINDOWS, Totals, as_values
from router.case import Case
from router.context import WorkingTime
from topics.journal import read_entry
from topics.upcasting import NewerForm

if TYPE_CHECKING:
    import asyncpg

LOG = structlog.get_logger()
SQL = queries("exporter")

LOCK_SPACE = 0x6E6F76
LOCK_KEY = 20_000
# An exporter that is stopped loses its session, and with it the lock, after so long; it exposes nothing already earlier.
SILENT_SESSION = "4s"
CONFIRMED_SECONDS = 3.0
CYCLE_SECONDS = 0.5
ENTRIES_A_LANE = 200
TIDY_SECONDS = 60
REFERENCE_SECONDS = 5
# How old what a scrape is told may be, beside what the lag of counting makes it.
RENDER_SECONDS = 2

TRACKED: TypeAdapter[Tracked] = TypeAdapter(Tracked)


class Overtaken(Exception):
    """Another exporter has counted what this one was about to."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a scrape is told, and the instant at which it was so."""

    series: tuple[Series, ...]
    at: datetime
    openmetrics: bytes

    def text(self) -> bytes:
        """In the older format, which few ask for."""
        return written(self.series, self.at, openmetrics=False).encode()


class Surroundings:
    """What is not counted: the directory's units, and each centre's time."""

    def __init__(self, reference: Reference) -> None:
        self._directory = reference.directory
        self._time: Mapping[str, WorkingTime] = reference.working_time

    @cached_property
    def units(self) -> Mapping[str, tuple[str, str]]:
        """Units with windows: (centre, name) by code."""
        return {unit.org_code: (unit.centre, unit.name) for unit in self._directory.units if unit.centre}

    @cached_property
    def departments(self) -> Mapping[str, str]:
        """Names of units without windows."""
        return {unit.org_code: unit.name for unit in self._directory.units if not unit.centre}

    @cached_property
    def parties(self) -> tuple[str, ...]:
        """Every party that may write."""
        return tuple(party.id for party in self._directory.parties)

    @cached_property
    def centres(self) -> tuple[str, ...]:
        """Every centre."""
        return tuple(centre.id for centre in self._directory.centres)

    def open(self, centre: str, at: datetime) -> bool:
        """Whether the centre is open."""
        of_centre = self._time[centre]
        return is_open(at, of_centre.calendar, of_centre.hours)

    def working_day_seconds(self, centre: str) -> float:
        """The working time of its working day."""
        return self._time[centre].hours.day_seconds

    def certain_seconds(self, centre: str, at: datetime) -> float:
        """How far the announced calendar reaches, whole days from today."""
        return self._time[centre].calendar.certain_days_left(shanghai(at).date()) * 86400.0

    def working_seconds(self, centre: str, start: datetime, end: datetime) -> float:
        """Working time between two instants; a centre that the directory has lost has none."""
        of_centre = self._time.get(centre)
        return working_seconds_between(start, end, of_centre.calendar, of_centre.hours) if of_centre else 0.0

    def back(self, centre: str, at: datetime, working_seconds: float) -> datetime:
        """The instant so much working time before another."""
        of_centre = self._time[centre]
        return add_working_seconds(at, -working_seconds, of_centre.calendar, of_centre.hours)


def standing(case: Case) -> Standing:
    """Where a case stands, as the gauges ask."""
    return Standing(
        unit=case.org_code,
        stage=case.stage.name if case.open else CLOSED,
        headless=case.headless,
        limits=tuple((limit.kind, limit.due_at, limit.provisional, limit.about) for limit in case.limits),
        undelivered=sum(reply.kind == "final" and not reply.delivered for reply in case.replies),
        awaited=tuple(c.request.question.org_code for c in case.consultations if c.answer is None and not c.silent)
        if case.open
        else (),
        supplements=bool(case.supplements),
        unanswered=sum(not instruction.answered for instruction in case.instructions),
    )


class Exporter:
    """Stands by until it holds the lock, then counts and exposes until it loses it."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._references = References(settings)
        self._surroundings: Surroundings | None = None
        self._metrics = metrics
        self._clock = Clock.from_settings(settings)
        self._told: Told | None = None
        self._positions: dict[int, int] = {}
        self._confirmed_at = 0.0
        self.database_away_since: float | None = None
        metrics.set("noveto_build_info", 1, version=version("noveto"), python=platform.python_version())
        metrics.set("noveto_exporter_active", 0)

    def exposed(self, *, openmetrics: bool) -> bytes:
        """What was counted, as it was some seconds ago at most; nothing while it stands by, or cannot tell that it does not."""
        if self._told is None or time.monotonic() - self._confirmed_at > CONFIRMED_SECONDS:
            return b""
        return self._told.openmetrics if openmetrics else self._told.text()

    async def _render(self, totals: Totals, surroundings: Surroundings, at: datetime) -> None:
        """Prepare what a scrape is told, beside the loop: with a hundred units it takes a while, and a scrape should not."""

        def work() -> Told:
            series = tuple(totals.series(self._clock.domain(at), surroundings))
            return Told(series, at, written(series, at, openmetrics=True).encode())

        self._told = await asyncio.to_thread(work)

    async def run(self) -> None:
        """Work until cancelled; the database away, another exporter ahead, or entries that only a newer one can read: stand by again."""
        while True:
            try:
                await self._tenure()
            except (*DATABASE_AWAY, Overtaken, NewerForm) as error:
                if not isinstance(error, Overtaken | NewerForm):
                    self.database_away_since = self.database_away_since or time.monotonic()
                self._metrics.count("noveto_exporter_errors", error=type(error).__name__)
                LOG.warning("exporter stands by", error=type(error).__name__, detail=str(error)[:200])
            finally:
                self._stand_by()
            await asyncio.sleep(1)

    def _stand_by(self) -> None:
        self._told = None
        self._metrics.set("noveto_exporter_active", 0)
        for lane in self._positions:
            self._metrics.set("noveto_exporter_lag_entries", 0, lane=lane)

    async def _tenure(self) -> None:
        session = await connect(self._settings, "exporter", idle_session_timeout=SILENT_SESSION)
        try:
            while not await SQL.try_hold(session, space=LOCK_SPACE, key=LOCK_KEY):
                self.database_away_since = None
                await asyncio.sleep(1)
            self.database_away_since = None
            totals = await self._load(session)
            self._confirmed_at = time.monotonic()
            self._metrics.set("noveto_exporter_active", 1)
            self._metrics.count("noveto_exporter_handovers")
            LOG.info("exporter counts", entries=sum(self._positions.values()))
            await self._count_on(session, totals)
        finally:
            session.terminate()

    async def _load(self, session: asyncpg.Connection) -> Totals:
        async with session.transaction():
            await SQL.add_lanes(session)
            self._positions = {row["lane"]: row["next_seq"] for row in await SQL.positions(session)}
            totals = Totals()
            for row in await SQL.values(session):
                totals.values[row["name"], tuple(row["labels"])] = row["value"]
            for row in await SQL.limits(session):
                totals.running[row["unit"], row["kind"], row["due_at"]] = row["running"]
            for row in await SQL.answers(session):
                totals.answers[row["centre"], row["at"], row["result"]] = row["answers"]
            totals.heard = {row["unit"]: row["heard_at"] for row in await SQL.heard(session)}
        return totals

    async def _count_on(self, session: asyncpg.Connection, totals: Totals) -> None:
        tidied = referred = rendered = 0.0
        # Nothing is told before all is counted that was there already: a counter that falls, or races up, tells of breaches that none were.
        ends = {lane: self._positions[lane] + entries for lane, entries in (await self._behind(session)).items()}
        while True:
            if time.monotonic() - referred > REFERENCE_SECONDS:
                referred = time.monotonic()
                # Before any is loaded, what the settings name.
                reference = await in_force(self._references, session) or load_reference(self._settings)
                self._surroundings = Surroundings(reference)
            # Under the lock: what a successor tells is later.
            at: datetime = await SQL.now(session)
            if totals.began is None:
                began = await SQL.began(session)
                totals.began = self._clock.domain(began) if began else None
            counted = await self._count_some(session, totals)
            totals.quarantined = await SQL.quarantined(session)
            # Before it is answered: an exporter that is stopped meanwhile has the answer when it goes on, and the lock no more.
            asked = time.monotonic()
            behind = await self._behind(session)
            self._confirmed_at = asked
            whole = all(self._positions[lane] >= end for lane, end in ends.items())
            if whole and time.monotonic() - rendered > RENDER_SECONDS and self._surroundings is not None:
                await self._render(totals, self._surroundings, at)
                rendered = time.monotonic()
            if time.monotonic() - tidied > TIDY_SECONDS:
                tidied = time.monotonic()
                await self._tidy(session, totals, self._clock.domain(at))
            if not counted or not any(behind.values()):
                await asyncio.sleep(CYCLE_SECONDS)

    async def _behind(self, session: asyncpg.Connection) -> dict[int, int]:
        """How many entries of each lane are not counted yet."""
        behind: dict[int, int] = {row["lane"]: row["entries"] for row in await SQL.behind(session)}
        for lane, entries in behind.items():
            self._metrics.set("noveto_exporter_lag_entries", entries, lane=lane)
        return behind

    async def _count_some(self, session: asyncpg.Connection, totals: Totals) -> int:
        """One transaction: some entries of every lane, what they add, and the positions after them."""
        started = time.perf_counter()
        lanes = sorted(self._positions)
        rows = await SQL.entries(
            session, lanes=lanes, seqs=[self._positions[lane] for lane in lanes], most=ENTRIES_A_LANE
        )
        if not rows:
            return 0
        case_ids = list({row["case_id"] for row in rows if row["case_id"]})
        async with session.transaction():
            tracked = {
                row["case_id"]: TRACKED.validate_json(row["tracked"])
                for row in await SQL.tracked(session, case_ids=case_ids)
            }
            increments, moved, touched = self._counted(rows, tracked)
            # Read after the entries: a state may be newer, and is taken again with the entries that made it so.
            for case in await cases_of(session, await SQL.cases(session, case_ids=sorted(touched))):
                if case.case_id in tracked:
                    restand(tracked[case.case_id], standing(case), increments)
            await self._store(session, increments, {case_id: tracked[case_id] for case_id in touched}, moved)
        self._positions.update(moved)
        totals.apply(increments)
        self._metrics.count("noveto_exporter_entries", len(rows))
        self._metrics.observe("noveto_exporter_transaction_seconds", time.perf_counter() - started)
        return len(rows)

    def _counted(self, rows: list[Any], tracked: dict[str, Tracked]) -> tuple[Increments, dict[int, int], set[str]]:
        increments, moved, touched = Increments(), dict[int, int](), set[str]()
        for row in rows:
            moved[row["lane"]] = row["seq"] + 1
            case_id = row["case_id"]
            try:
                entry = read_entry(row["body"])
            except ValidationError as error:
                self._metrics.count("noveto_exporter_unreadable")
                LOG.error("entry passed over", lane=row["lane"], seq=row["seq"], error=error.errors()[0]["type"])
                continue
            case = count(entry, tracked.get(case_id), self._working_seconds, increments)
            if case is not None and case_id:
                tracked[case_id] = case
                touched.add(case_id)
        return increments, moved, touched

    def _working_seconds(self, centre: str, start: datetime, end: datetime) -> float:
        return self._surroundings.working_seconds(centre, start, end) if self._surroundings else 0.0

    async def _store(
        self, session: asyncpg.Connection, increments: Increments, cases: dict[str, Tracked], moved: dict[int, int]
    ) -> None:
        lanes = sorted(moved)
        done = await SQL.move_on(
            session, lanes=lanes, was=[self._positions[lane] for lane in lanes], next=[moved[lane] for lane in lanes]
        )
        if done != f"UPDATE {len(lanes)}":
            raise Overtaken("the positions were moved on by another exporter")
        if cases:
            await SQL.put_tracked(
                session, case_ids=list(cases), tracked=[TRACKED.dump_json(case) for case in cases.values()]
            )
        values = as_values(increments)
        await SQL.add_values(
            session,
            names=[name for name, _ in values],
            labels=[orjson.dumps([str(label) for label in labels]).decode() for _, labels in values],
            amounts=list(values.values()),
        )
        limits = {key: amount for key, amount in increments.running.items() if amount}
        if limits:
            await SQL.add_limits(
                session,
                units=[unit for unit, _, _ in limits],
                kinds=[str(kind) for _, kind, _ in limits],
                dues=[due for _, _, due in limits],
                amounts=list(limits.values()),
            )
        if increments.answers:
            await SQL.add_answers(
                session,
                centres=[centre for centre, _, _ in increments.answers],
                ats=[at for _, at, _ in increments.answers],
                results=[result for _, _, result in increments.answers],
                amounts=list(increments.answers.values()),
            )
        if increments.heard:
            await SQL.put_heard(session, units=list(increments.heard), ats=list(increments.heard.values()))

    async def _tidy(self, session: asyncpg.Connection, totals: Totals, now: datetime) -> None:
        """Drop what no scrape asks for any more."""
        await SQL.drop_empty_limits(session)
        days = max(length for window, length in WINDOWS.items() if window.endswith("d")) + 1
        world = self._surroundings
        if world is None:
            return
        for centre in world.centres:
            before = world.back(centre, now, days * world.working_day_seconds(centre))
            await SQL.drop_answers(session, centre=centre, before=before)
            for key in [key for key in totals.answers if key[0] == centre and key[1] < before]:
                del totals.answers[key]


async def run(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; the exit code."""
    metrics = Metrics(EXPORTER)
    exporter = Exporter(settings, metrics)

    def ready() -> dict[str, str]:
        return {} if exporter.database_away_since is None else {"exporter": "the database is away"}

    async with contextlib.AsyncExitStack() as stack:
        runner, port = await http.serve(
            settings.http_host, settings.http_port, metrics.registry, dict, ready, exporter.exposed
        )
        stack.push_async_callback(runner.cleanup)
        LOG.info("exporter started", http=f"http://{settings.http_host}:{port}", version=version("noveto"))
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        work, stopped = asyncio.create_task(exporter.run()), asyncio.create_task(stop.wait())
        await asyncio.wait((work, stopped), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            await work
        work.cancel()
        stopped.cancel()
        await asyncio.wait((work,))
    LOG.info("exporter stopped")
    return 0
