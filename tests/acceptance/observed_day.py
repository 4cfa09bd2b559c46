"""The sample day in virtual time, with two workers, two exporters and a Prometheus that watches them."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg

from deploy.demo.cast import cast, pace_of, plays
from deploy.demo.party.lines import Clock
from deploy.demo.play import DIRECTORY, SAMPLE, load_directory
from deploy.demo.processes import Processes
from deploy.demo.script import load_day
from deploy.local import LocalStack
from deploy.local.ports import HOST, free_port

from ..prometheus import Prometheus, Target, answers

COMMAND = "consumers.cli"
READY_SECONDS = 90.0
# Beside the demo's own head start: two workers, two exporters and a Prometheus start before the doors open.
STARTING = timedelta(seconds=25)


@dataclass
class ObservedDay:
    """Everything that runs, by name, and where it answers."""

    stack: LocalStack
    processes: Processes
    own_dir: Path
    clock: Clock
    settings: dict[str, str]
    ports: dict[str, int] = field(default_factory=dict)
    prometheus: Prometheus = field(init=False)

    @property
    def workers(self) -> list[str]:
        return [name for name in self.ports if name.startswith("worker")]

    @property
    def exporters(self) -> list[str]:
        return [name for name in self.ports if name.startswith("exporter")]

    async def start(self, name: str) -> None:
        """A worker or an exporter, until it is ready; started again it has the port that it had."""
        port = self.ports.setdefault(name, free_port())
        settings = self.settings | {"NOVETO_HTTP_PORT": str(port), "NOVETO_WORKER_NAME": name}
        await self.processes.start(name, (COMMAND, name.split("-")[0]), settings)
        async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as session:
            while not await answers(session, f"http://{HOST}:{port}/readyz"):
                self.processes.check()
                await asyncio.sleep(0.1)

    async def kill(self, name: str) -> None:
        """As the kernel does it."""
        process = self.processes._running.pop(name)
        await asyncio.to_thread(process.kill_tree)

    async def play(self, cases: int, silent: Iterable[str]) -> None:
        """Start every party of the day but those that stay silent."""
        directory = load_directory(DIRECTORY)
        chosen = plays(load_day(SAMPLE / "day"), cases, "observed")
        lines = cast(chosen, directory, pace_of(self.clock.speed, chosen), self.clock).lines
        for part in lines:
            if part.party in silent:
                continue
            path = self.own_dir / f"{part.party}.json"
            part.save(path)
            argv = ("deploy.demo.party", "--lines", str(path), "--bootstrap", self.stack.bootstrap)
            await self.processes.start(f"party-{part.party}", argv, {})

    async def until(self, at: datetime) -> None:
        """Wait for an instant of the day."""
        await asyncio.sleep(max(0.0, (at - self.clock.now()).total_seconds() / self.clock.speed))

    async def watch(self) -> None:
        """Start Prometheus with the rules as they are shipped."""
        targets = [Target(f"noveto-{name.split('-')[0]}", port) for name, port in self.ports.items()]
        supervisor = self.processes._supervisor
        self.prometheus = await asyncio.to_thread(Prometheus, supervisor, self.own_dir / "prometheus", targets)
        self.processes._running["prometheus"] = self.prometheus.process
        await self.prometheus.ready()

    async def scrape(self, name: str, accept: str = "*/*") -> str:
        """What a process exposes."""
        url = f"http://{HOST}:{self.ports[name]}/metrics"
        async with aiohttp.ClientSession() as session, session.get(url, headers={"Accept": accept}) as answer:
            return await answer.text()

    async def rows(self, sql: str, *arguments: Any) -> list[Any]:
        """Ask the database."""
        connection = await asyncpg.connect(self.stack.postgres_dsn)
        try:
            return list(await connection.fetch(sql, *arguments))
        finally:
            await connection.close()

    async def counted(self, seconds: float = 30) -> None:
        """Wait until everything in the journal has been counted."""
        async with asyncio.timeout(seconds):
            while True:
                rows = await self.rows(
                    "select sum(lanes.next_seq) - sum(coalesce(counted_lanes.next_seq, 0)) as left "
                    "from lanes left join counted_lanes using (lane)"
                )
                if rows[0]["left"] == 0:
                    return
                await asyncio.sleep(0.2)


@asynccontextmanager
async def observed_day(data_dir: Path, speed: float) -> AsyncIterator[ObservedDay]:
    """A stack with topics and schema, and nothing running on it yet; 09:00 begins after the head start."""
    async with LocalStack(data_dir) as stack, Processes(stack.log_dir) as processes:
        own_dir = stack.data_dir / "observed"
        own_dir.mkdir(exist_ok=True)
        settings = {
            "NOVETO_KAFKA_BOOTSTRAP": stack.bootstrap,
            "NOVETO_POSTGRES_DSN": stack.postgres_dsn,
            "NOVETO_DIRECTORY": str(DIRECTORY),
            "NOVETO_SEALING_KEY_FILE": str(own_dir / "sealing.key"),
        }
        for step, *more in (
            ("key generate", "--out", settings["NOVETO_SEALING_KEY_FILE"]),
            ("database migrate",),
            ("topics create",),
        ):
            await processes.run(step, (COMMAND, *step.split(), *more), settings, 120)
        chosen = plays(load_day(SAMPLE / "day"), 1, "observed")
        clock = pace_of(speed, chosen).clock(datetime.now(UTC) + STARTING)
        settings |= {
            "NOVETO_CLOCK_SPEED": str(clock.speed),
            "NOVETO_CLOCK_ORIGIN": clock.origin.isoformat(),
            "NOVETO_CLOCK_START": clock.start.isoformat(),
        }
        yield ObservedDay(stack, processes, own_dir, clock, settings)
