"""Two exporters: one counts and exposes, the other stands by; whatever becomes of the first, nothing counts twice."""

import asyncio
import re
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import asyncpg
import pytest

import consumers.exporter
from consumers.exporter import LOCK_KEY, LOCK_SPACE, Exporter
from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor
from metrics.table import EXPORTER, Metrics

from ..parties import Party, case_of, refusal
from ..prometheus import PROGRAM, Prometheus, Target
from ..support import LANES, Router, Worker, wait_until
from ..unit.metrics.promtool import PACKAGES

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

RUNBOOKS = Path(__file__).parents[2] / "docs" / "runbooks"
LAUNCHED = [sys.executable, "-m", "consumers.cli", "exporter"]
REFUSALS = "sum(noveto_refusals_received_total)"
RECEIVED = 'noveto_refusals_received_total{unit="BUREAU",situation="conditions_not_met",request_kind="application"}'


@pytest.fixture(scope="module")
def counted(stack: LocalStack, supervisor: Supervisor, folder: Path) -> Iterator[Router]:
    """A router that runs, for exporters to count."""
    router = Router(stack, supervisor, folder, "counted")
    asyncio.run(router.prepare())
    worker = router.worker().wait_ready()
    yield router
    worker.stop()


def exporter(router: Router, name: str) -> Worker:
    """An exporter that answers."""
    return router.worker(f"{router.name}-{name}", launched=LAUNCHED).wait_ready()


def value(worker: Worker) -> float | None:
    """The refusals that it tells."""
    return told_of(RECEIVED, worker.get("/metrics"))


def told_of(series: str, text: str) -> float | None:
    """A series in what is exposed."""
    return next((float(line.split(" ")[1]) for line in text.splitlines() if line.startswith(f"{series} ")), None)


async def refuse_some(router: Router, count: int, situation: str = "conditions_not_met") -> None:
    """So many refusals, each known to the committee."""
    async with (
        Party(router.stack.bootstrap, router.prefix, "windows") as windows,
        Party(router.stack.bootstrap, router.prefix, "bureau") as bureau,
    ):
        for opening in [refusal(situation=situation) for _ in range(count)]:
            await windows.say("refusal.proposed", opening)
            await bureau.task(case_of(opening), "reviewer")


async def count_again(connection: asyncpg.Connection) -> None:
    """As the runbook has it."""
    truncate = re.search(r"`(truncate [^`]+)`", (RUNBOOKS / "NovetoEntriesUnreadable.md").read_text())
    assert truncate is not None
    await connection.execute(truncate[1])


async def told(worker: Worker, wanted: float) -> None:
    """Wait until an exporter exposes so many refusals."""
    await asyncio.to_thread(wait_until, lambda: value(worker) == wanted, 30, f"no {wanted} refusals are told")


async def test_one_counts_and_the_other_goes_on_where_it_was(counted: Router) -> None:
    """Killed, stopped for longer than its lock lives, started again: the count is the journal's, told once."""
    await refuse_some(counted, 3)
    first, second = exporter(counted, "first"), exporter(counted, "second")
    try:
        await told(first, 3)
        assert None is value(second)

        first.kill()
        await refuse_some(counted, 2)
        await told(second, 5)
        first.start()
        await asyncio.to_thread(first.wait_ready)
        assert None is value(first)

        second.process.signal(signal.SIGSTOP)
        await refuse_some(counted, 1)
        await told(first, 6)
        second.process.signal(signal.SIGCONT)
        assert value(second) is None
        await refuse_some(counted, 1)
        await told(first, 7)
        assert value(second) is None
    finally:
        first.stop()
        second.stop()

    connection = await asyncpg.connect(counted.superuser_dsn)
    entries = await connection.fetchval("select count(*) from journal")
    stored = await connection.fetchval("select sum(value) from counted_values where name = 'noveto_journal_entries'")
    await connection.close()
    assert entries == stored


async def test_counted_again_from_the_beginning_it_is_the_same(counted: Router) -> None:
    """As the runbook of NovetoEntriesUnreadable says: everything an exporter stores can be made again from the journal."""
    await refuse_some(counted, 2)
    connection = await asyncpg.connect(counted.superuser_dsn)
    try:
        cases = await connection.fetchval("select count(*) from cases")
        before = exporter(counted, "before")
        await told(before, cases)
        before.stop()
        once = await connection.fetch("select name, labels, value from counted_values where value <> 0 order by 1, 2")
        await count_again(connection)

        after = exporter(counted, "after")
        await told(after, cases)
        after.stop()
        again = await connection.fetch("select name, labels, value from counted_values where value <> 0 order by 1, 2")
    finally:
        await connection.close()

    assert len(once) > 10
    assert once == again


async def test_nothing_is_told_before_all_is_counted(counted: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    """Counted again an entry a time, and told as often as can be: a number on the way to the old one is never told."""
    for name, slow in (("ENTRIES_A_LANE", 1), ("RENDER_SECONDS", 0), ("CYCLE_SECONDS", 0)):
        monkeypatch.setattr(consumers.exporter, name, slow)
    await refuse_some(counted, 5)
    connection = await asyncpg.connect(counted.superuser_dsn)
    cases = await connection.fetchval("select count(*) from cases")
    await count_again(connection)
    await connection.close()
    alone = Exporter(counted.settings, Metrics(EXPORTER))
    counting = asyncio.create_task(alone.run())
    seen: set[float | None] = set()

    def whole() -> bool:
        seen.add(told_of(RECEIVED, alone.exposed(openmetrics=True).decode()))
        return cases in seen

    try:
        await until(whole)
    finally:
        counting.cancel()
        await asyncio.wait((counting,))

    assert {None, cases} == seen


async def test_who_stands_by_is_not_behind(counted: Router, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off in the middle of a backlog, it does not go on telling how long that was."""
    monkeypatch.setattr(consumers.exporter, "ENTRIES_A_LANE", 1)
    connection = await asyncpg.connect(counted.superuser_dsn)
    await count_again(connection)
    metrics = Metrics(EXPORTER)
    counting = asyncio.create_task(Exporter(counted.settings, metrics).run())
    try:
        await until(lambda: lag(metrics) > 0)
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'noveto-exporter' and datname = $1",
            counted.database,
        )
        await connection.execute("select pg_advisory_lock($1, $2)", LOCK_SPACE, LOCK_KEY)
        await until(lambda: metrics.registry.get_sample_value("noveto_exporter_active") == 0)

        assert 0 == lag(metrics)
    finally:
        counting.cancel()
        await asyncio.wait((counting,))
        await connection.close()


def lag(metrics: Metrics) -> float:
    """Entries that an exporter says it has still to count."""
    return sum(
        metrics.registry.get_sample_value("noveto_exporter_lag_entries", {"lane": str(lane)}) or 0
        for lane in range(LANES)
    )


async def until(reached: Callable[[], bool]) -> None:
    """Wait beside an exporter of the same process."""
    async with asyncio.timeout(60):
        while not reached():
            await asyncio.sleep(0)


@pytest.mark.skipif(PROGRAM is None, reason=f"prometheus is not installed: {PACKAGES}")
async def test_prometheus_sees_nothing_of_a_handover(counted: Router, supervisor: Supervisor, folder: Path) -> None:
    """Though it finds the killed exporter dead only when the other tells already: that ends no series, and no sum is of some."""
    await refuse_some(counted, 3)
    killed, stays = exporter(counted, "killed"), exporter(counted, "stays")
    scraped = (Target("noveto-exporter", killed.port, seconds=15), Target("noveto-exporter", stays.port))
    prometheus = await asyncio.to_thread(Prometheus, supervisor, folder / "handover", scraped)
    try:
        await prometheus.ready()
        began = await prometheus.seen(REFUSALS, lambda seen: seen >= 3)
        before = int((await prometheus.query(REFUSALS))[0]["value"][1])
        killed.kill()
        await refuse_some(counted, 2, "grey_area")
        await prometheus.seen(REFUSALS, lambda seen: seen == before + 2)
        await prometheus.seen(f'up{{instance="{scraped[0].address}"}}', lambda up: up == 0)
        ended = await prometheus.seen(
            f'time() - timestamp(up{{instance="{scraped[1].address}"}})', lambda age: age < 0.5
        )
        told = (await prometheus.query_range(REFUSALS, began, ended, 0.1))[0]["values"]
    finally:
        await asyncio.to_thread(prometheus.process.kill_tree)
        killed.stop()
        stays.stop()

    values = [int(value) for _, value in told]

    assert {0.1} == {round(later - earlier, 3) for (earlier, _), (later, _) in pairwise(told)}
    assert sorted(values) == values
    assert (before, before + 2) == (values[0], values[-1])
