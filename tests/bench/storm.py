"""The closing-time storm: most limits end at the same minute. `python -m tests.bench.storm --timers 100000`

All timers are due at 17:00 by the router's clock, which runs as fast as ours. Meanwhile a party sends refusals; printed
are how long the storm takes, how late the cards are, and how long a command takes from its sender to a reader of its task.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import click
import psutil
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local import LocalStack

from ..parties import Party, case_of, refusal
from ..support import Router, Worker, supervised
from ..timing import Time, at, value
from .copies import insert, percentile, template

CLOSING = at("2026-11-25T17:00")
LONGEST_SECONDS = 900


@click.command()
@click.option("--timers", default=100_000, show_default=True, type=click.IntRange(min=1))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(min=1))
@click.option("--lanes", default=12, show_default=True, type=click.IntRange(min=1))
@click.option("--rate", default=20.0, show_default=True, help="Commands a second meanwhile.")
def main(timers: int, workers: int, lanes: int, rate: float) -> None:
    """Fire so many timers at once and print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(storm(Path(folder), timers, workers, lanes, rate))


async def storm(folder: Path, timers: int, workers: int, lanes: int, rate: float) -> None:
    """One storm on a stack of its own."""
    with LocalStack(say=lambda said: None) as stack, supervised(folder) as supervisor:
        router = Router(stack, supervisor, folder, "storm", lanes=lanes)
        await router.prepare()
        found = await template(router, Time.beginning("2026-11-25T16:50", 1.0))
        seconds = await insert(router, found, timers, found.due_at)
        print(f"{timers} cases inserted in {seconds:.1f} s; load average {os.getloadavg()[0]:.1f}", flush=True)
        # The clock is set so that the limits end when the workers are up.
        time_ = Time.beginning("2026-11-25T17:00", 1.0, in_seconds=25)
        running = [router.worker(f"storm-{number}", **time_.settings) for number in range(workers)]
        for worker in running:
            await worker.ready()
        over = asyncio.Event()
        commands = Commands()
        sender = asyncio.create_task(commands.meanwhile(router, rate, over))
        await time_.until(CLOSING)
        began = datetime.now(UTC)
        used = processor_seconds(running, stack)
        commands.seconds.clear()
        started = time.monotonic()
        while await still_due(router) and time.monotonic() - started < LONGEST_SECONDS:
            await asyncio.sleep(0.5)
        whole = time.monotonic() - started
        during = list(commands.seconds)
        await router.settled()
        published = time.monotonic() - started
        used = [after - before for before, after in zip(used, processor_seconds(running, stack), strict=True)]
        over.set()
        await sender
        await report(router, timers, began, whole, published, during)
        print(f"processor seconds: workers {used[0]:.0f}, broker {used[1]:.0f}, database {used[2]:.0f}")
        for worker in running:
            worker.stop()


def processor_seconds(workers: list[Worker], stack: LocalStack) -> list[float]:
    """What workers, broker and database have used: it says more than the clock where others share the machine."""
    servers: list[list[int | None]] = [
        [worker.process.pid for worker in workers],
        [stack.kafka.pid],
        [stack.postgres.pid],
    ]
    sums = []
    for pids in servers:
        tree = [psutil.Process(pid) for pid in pids if pid]
        sums.append(sum(spent(process) for top in tree for process in (top, *top.children(recursive=True))))
    return sums


def spent(process: psutil.Process) -> float:
    """User and system time; nothing of one that has just gone."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


async def still_due(router: Router) -> bool:
    """Whether a limit that ended at closing time waits for its card."""
    lane = "select 1 from cases where cases.lane = lanes.lane and next_timer_at <= $1"
    return bool(await value(router, f"select exists(select from lanes where exists ({lane}))", CLOSING))


class Commands:
    """Refusals one after another; each is timed until its reviewer's task can be read."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._sent: dict[str, float] = {}

    async def meanwhile(self, router: Router, rate: float, over: asyncio.Event) -> None:
        """So many a second until it is over."""
        async with Party(router.stack.bootstrap, router.prefix, "windows") as windows:
            reading = asyncio.create_task(self._read(router))
            number = 0
            while not over.is_set():
                number += 1
                data = refusal(refusal_id=f"meanwhile{number}")
                self._sent[case_of(data)] = time.monotonic()
                await windows.say("refusal.proposed", data)
                await asyncio.sleep(1 / rate)
            await asyncio.sleep(2)
            reading.cancel()

    async def _read(self, router: Router) -> None:
        async with reader(router, f"{router.prefix}tier.tasks.bureau") as consumer:
            await consumer.seek_to_end()
            async for record in consumer:
                asked = self._sent.pop(record.key.decode(), None)
                if asked is not None:
                    self.seconds.append(time.monotonic() - asked)


@asynccontextmanager
async def reader(router: Router, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A `read_committed` reader of all of a topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=router.stack.bootstrap, isolation_level="read_committed")
    await consumer.start()
    try:
        consumer.assign([TopicPartition(topic, lane) for lane in range(router.settings.lanes)])
        yield consumer
    finally:
        await consumer.stop()


async def report(
    router: Router, timers: int, began: datetime, whole: float, published: float, latencies: list[float]
) -> None:
    """All fired once? How late? And the commands?"""
    database = await asyncpg.connect(router.settings.postgres_dsn.get_secret_value())
    rows = await database.fetch(
        "select case_id, count(*) as cards, min(recorded_at) as at from journal where case_id like 'BUREAU-c%' "
        "and convert_from(body, 'UTF8') like '%\"card.given\"%' and convert_from(body, 'UTF8') like '%\"red\"%' group by case_id"
    )
    await database.close()
    lags = [(row["at"] - began) / timedelta(seconds=1) for row in rows]
    topic = f"{router.prefix}deadline.alerts.committee"
    told = [at_ - began.timestamp() for at_ in await timestamps(router, topic) if at_ >= began.timestamp()]
    print(f"cards: {len(rows)} of {timers} cases, {sum(row['cards'] != 1 for row in rows)} not exactly once")
    print(f"all fired after {whole:.1f} s, {timers / whole:.0f} timers/s; all published after {published:.1f} s")
    print(
        f"lag of a card: p50 {percentile(lags, 0.5):.1f} s, p99 {percentile(lags, 0.99):.1f} s, longest {max(lags):.1f} s"
    )
    print(f"lag of the committee's alert: p50 {percentile(told, 0.5):.1f} s, p99 {percentile(told, 0.99):.1f} s")
    if latencies:
        print(
            f"commands meanwhile: {len(latencies)}, p50 {percentile(latencies, 0.5) * 1000:.0f} ms, "
            f"p99 {percentile(latencies, 0.99) * 1000:.0f} ms, longest {max(latencies) * 1000:.0f} ms"
        )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, the broker's and database's among it")


async def timestamps(router: Router, topic: str) -> list[float]:
    """When each record of a topic was written, seconds since the epoch."""
    found: list[float] = []
    async with reader(router, topic) as consumer:
        await consumer.seek_to_beginning()
        partitions = consumer.assignment()
        ends = await consumer.end_offsets(partitions)
        while any([await consumer.position(tp) < ends[tp] for tp in partitions]):
            for records in (await consumer.getmany(timeout_ms=500)).values():
                found += [record.timestamp / 1000 for record in records]
    return found


if __name__ == "__main__":
    main()
