"""A million armed timers: `python -m tests.bench.armed --timers 1000000`

No timer lives in the worker: printed are its memory without and with them, what asking for due timers costs while none
is due, and how long a worker that was killed takes from its start to the first card of a limit that ended meanwhile.
"""

import asyncio
import os
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import click
import psutil

from deploy.local import LocalStack

from ..support import Router, Worker, supervised
from ..timing import Time, at, value
from .copies import insert, percentile, template

CLOSING = at("2026-11-25T17:00")
ASKED = 400


@click.command()
@click.option("--timers", default=1_000_000, show_default=True, type=click.IntRange(min=1))
@click.option("--lanes", default=12, show_default=True, type=click.IntRange(min=1))
@click.option("--seconds", default=30.0, show_default=True, help="How long the worker is watched.")
def main(timers: int, lanes: int, seconds: float) -> None:
    """Arm so many timers and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(armed(Path(folder), timers, lanes, seconds))


async def armed(folder: Path, timers: int, lanes: int, seconds: float) -> None:
    """One run on a stack of its own."""
    with LocalStack(say=lambda said: None) as stack, supervised(folder) as supervisor:
        router = Router(stack, supervisor, folder, "armed", lanes=lanes)
        await router.prepare()
        found = await template(router, Time.beginning("2026-11-25T16:50", 1.0))
        # Nothing comes due while we look: it is hours before closing time.
        time_ = Time.beginning("2026-11-25T10:00", 1.0)
        worker = await router.worker(**time_.settings).ready()
        await asyncio.sleep(seconds)
        print(f"memory of a worker without timers: {memory(worker):.0f} MiB", flush=True)
        took = await insert(router, found, timers, CLOSING)
        print(f"{timers} cases inserted in {took:.0f} s; load average {os.getloadavg()[0]:.1f}", flush=True)
        seen = []
        for _ in range(10):
            await asyncio.sleep(seconds / 10)
            seen.append(memory(worker))
        print(f"memory with {timers} armed: {min(seen):.0f} to {max(seen):.0f} MiB over {seconds:.0f} s")
        await idle_poll(router)
        worker.kill()
        case_id = "BUREAU-c0"
        await end_limit(router, case_id, time_.now() - timedelta(seconds=1))
        print(f"killed; from its start to the first card: {await first_firing(router, worker, case_id):.1f} s")
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, the broker's and database's among it")
        worker.stop()


async def end_limit(router: Router, case_id: str, due: datetime) -> None:
    """One case's limit ended a little ago."""
    await value(
        router,
        "update cases set next_timer_at = $2, "
        "state = convert_to(replace(convert_from(state, 'UTF8'), '2026-11-25T09:00:00Z', $3), 'UTF8') where case_id = $1",
        case_id,
        due,
        due.astimezone(UTC).isoformat(),
    )


def memory(worker: Worker) -> float:
    """The worker's resident memory in MiB."""
    return float(psutil.Process(worker.process.pid).memory_info().rss) / 1024 / 1024


async def idle_poll(router: Router) -> None:
    """The desk's own question, as often as it takes for a percentile."""
    from consumers.lanes import SQL

    database = await asyncpg.connect(router.settings.postgres_dsn.get_secret_value())
    lanes = list(range(router.settings.lanes))
    taken = []
    for _ in range(ASKED):
        started = time.perf_counter()
        await SQL.lanes_with_timers_due(database, lanes=lanes, until=at("2026-11-25T10:00"))
        taken.append((time.perf_counter() - started) * 1000)
    await database.close()
    print(f"idle poll of {len(lanes)} lanes: p50 {percentile(taken, 0.5):.2f} ms, p99 {percentile(taken, 0.99):.2f} ms")


async def first_firing(router: Router, worker: Worker, case_id: str) -> float:
    """Seconds from the worker's start until the lane has taken the case whose timer is due."""
    database = await asyncpg.connect(router.settings.postgres_dsn.get_secret_value())
    started = time.monotonic()
    worker.start()
    while time.monotonic() - started < 120:
        rows = await database.fetchval("select count(*) from journal where case_id = $1", case_id)
        if rows:
            break
        await asyncio.sleep(0.02)
    await database.close()
    return time.monotonic() - started


if __name__ == "__main__":
    main()
