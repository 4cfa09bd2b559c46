"""The faults: what breaks, and how it is mended again. Each takes the scene and leaves it whole.

They come in two rows that go on at the same time: what happens to the workers, and what happens around them.
"""

import asyncio
import contextlib
import json
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local.errors import LocalStackError
from deploy.local.ports import HOST

from ..support import Router, Worker, wait_until
from .disk import Disk
from .proxy import Proxy
from .sabotage import LABELS

SILENCE_SECONDS = 9.0
"""Longer than the group's session: a stopped worker is thrown out of it, and comes back as a zombie."""


LABEL_SECONDS = 15.0
"""How long a worker has to come to the place where it kills itself."""
AWAY_SECONDS = 3.0
"""How long a server stays away, a disk full or a clock wrong."""
HOUR = 3600
FULL_SECONDS = 10.0
SPARE_SEGMENTS = 40
"""More than the server keeps ready of its log."""
PASSAGES = 40
GUEST_SECONDS = 8.0


@dataclass
class Scene:
    """What can be broken, and the dice that choose."""

    router: Router
    broker: Proxy
    database: Proxy
    disk: Disk | None
    chance: random.Random
    workers: list[Worker] = field(default_factory=list)
    without: tuple[str, ...] = ()
    """Guards that every worker lacks: only to see whether the checker catches it."""

    def start(self, name: str, **plan: Any) -> Worker:
        """A worker with broker and database behind the proxies and a clock that can be set, sabotaged if the plan says so."""
        if self.without:
            plan["without"] = list(self.without)
        dsn = self.router.settings.postgres_dsn.get_secret_value()
        address = dsn.rsplit("@", 1)[1].split("/", 1)[0]
        worker = self.router.worker(
            name,
            launched=launched(self.clock_of(name), plan),
            postgres_dsn=dsn.replace(address, f"{HOST}:{self.database.port}"),
            kafka_bootstrap=f"{HOST}:{self.broker.port}",
        )
        self.workers.append(worker)
        return worker

    def clock_of(self, name: str) -> Path:
        """The file that says how wrong a worker's clock is."""
        return self.router.folder / f"{name}.clock"

    def one(self) -> Worker:
        """Any worker."""
        return self.chance.choice(self.workers)

    def ensure_alive(self) -> None:
        """Start again whoever ended, as a service manager would; without any sabotage."""
        for worker in self.workers:
            if not worker.process.alive:
                worker.start()


def launched(clock: Path, plan: dict[str, Any] | None = None) -> list[str]:
    """How a worker with that clock is started, and with that plan."""
    program = ["tests.chaos.sabotage", json.dumps(plan), "--", "worker"] if plan else ["consumers.cli", "worker"]
    return [sys.executable, "-m", "tests.chaos.clock", str(clock), *program]


async def kill_one(scene: Scene) -> None:
    """kill -9 of one worker, started again at once."""
    worker = scene.one()
    await asyncio.to_thread(worker.kill)
    worker.start()


async def kill_one_for_a_while(scene: Scene) -> None:
    """kill -9 of one worker, which comes back only after its lanes have moved."""
    worker = scene.one()
    await asyncio.to_thread(worker.kill)
    await asyncio.sleep(SILENCE_SECONDS)
    worker.start()


async def kill_all(scene: Scene) -> None:
    """kill -9 of every worker."""
    await asyncio.gather(*(asyncio.to_thread(worker.kill) for worker in scene.workers))
    scene.ensure_alive()


async def kill_at_label(scene: Scene) -> None:
    """A worker that kills itself in the middle of a step."""
    label = scene.chance.choice(LABELS)
    worker = scene.one()
    await asyncio.to_thread(worker.kill)
    name = worker.log.stem
    scene.workers.remove(worker)
    plan = {"kill": [label, scene.chance.randrange(1, PASSAGES)]}
    replacement = scene.start(name, **plan)
    if not await asyncio.to_thread(replacement.process.wait, LABEL_SECONDS):
        await asyncio.to_thread(replacement.kill)
    scene.workers.remove(replacement)
    scene.start(name)


async def stop_and_continue(scene: Scene) -> None:
    """SIGSTOP for longer than the session, then SIGCONT: a zombie that believes its lanes are still its own."""
    worker = scene.one()
    worker.process.signal(signal.SIGSTOP)
    await asyncio.sleep(SILENCE_SECONDS)
    worker.process.signal(signal.SIGCONT)


async def terminate(scene: Scene) -> None:
    """SIGTERM of one worker, started again at once."""
    worker = scene.one()
    await asyncio.to_thread(worker.stop)
    worker.start()


async def another_for_a_while(scene: Scene) -> None:
    """One more worker that comes and goes."""
    worker = scene.start(f"{scene.router.name}-guest")
    await asyncio.sleep(GUEST_SECONDS)
    scene.workers.remove(worker)
    await asyncio.to_thread(worker.stop)


async def kill_broker(scene: Scene) -> None:
    """kill -9 of the broker, started again after a moment."""
    kafka = scene.router.stack.kafka
    await asyncio.to_thread(kafka.kill)
    await asyncio.sleep(AWAY_SECONDS)
    await asyncio.to_thread(kafka.start)


async def kill_database(scene: Scene) -> None:
    """kill -9 of the database server, started again after a moment."""
    postgres = scene.router.stack.postgres
    await asyncio.to_thread(postgres.kill)
    await asyncio.sleep(AWAY_SECONDS)
    await asyncio.to_thread(postgres.start)


async def fill_disk(scene: Scene) -> None:
    """The database's disk is full until a write has failed, if any comes, and a while longer."""
    log = scene.router.stack.postgres.log_path
    seen = log.stat().st_size
    async with _full(scene):
        # With every worker gone, or the broker away, nobody writes.
        with contextlib.suppress(TimeoutError):
            await asyncio.to_thread(wait_until, lambda: refused_a_write(log, seen), FULL_SECONDS, "no write failed")
        await asyncio.sleep(AWAY_SECONDS)


async def fill_wal(scene: Scene) -> None:
    """The disk is full when the write-ahead log needs another segment: the database server panics, and may not come back by itself."""
    async with _full(scene):
        with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            connection = await asyncpg.connect(scene.router.superuser_dsn, timeout=5, command_timeout=5)
            try:
                for _ in range(SPARE_SEGMENTS):
                    await connection.execute(
                        "select pg_logical_emit_message(true, 'chaos', 'x'); select pg_switch_wal()"
                    )
            finally:
                connection.terminate()
        await asyncio.sleep(AWAY_SECONDS)


@contextlib.asynccontextmanager
async def _full(scene: Scene) -> AsyncIterator[None]:
    """No room on the database's disk; afterwards there is, and a server that gave up is started again."""
    assert scene.disk is not None
    postgres = scene.router.stack.postgres
    scene.disk.fill()
    try:
        yield
    finally:
        scene.disk.empty()
    try:
        await asyncio.to_thread(postgres.start)
    except LocalStackError:
        # It ended while it was being looked at.
        await asyncio.to_thread(postgres.start)


def refused_a_write(log: Path, since: int) -> bool:
    """Whether the server has met its full disk since then."""
    with log.open("rb") as lines:
        lines.seek(since)
        return b"No space left on device" in lines.read()


async def cut_sessions(scene: Scene) -> None:
    """pg_terminate_backend of the workers' sessions, in the middle of whatever they do."""
    connection = await asyncpg.connect(scene.router.superuser_dsn)
    try:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'noveto-%' and pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


async def step_clock(scene: Scene) -> None:
    """A worker's clock goes an hour forward, two hours back, and right again, while it works."""
    clock = scene.clock_of(scene.one().log.stem)
    for seconds in (HOUR, -HOUR):
        clock.write_text(str(seconds))
        await asyncio.sleep(AWAY_SECONDS)
    clock.unlink()


async def delay_database(scene: Scene) -> None:
    """Every byte to and from the database takes 80 ms longer."""
    await _delay(scene.database)


async def cut_database(scene: Scene) -> None:
    """The connections to the database are cut, and refused for a while."""
    await _cut(scene.database)


async def half_close_database(scene: Scene) -> None:
    """The connections to the database are closed in one direction."""
    await _half_close(scene.database)


async def delay_broker(scene: Scene) -> None:
    """Every byte to and from the broker takes 80 ms longer."""
    await _delay(scene.broker)


async def cut_broker(scene: Scene) -> None:
    """The connections to the broker are cut, and refused for a while."""
    await _cut(scene.broker)


async def half_close_broker(scene: Scene) -> None:
    """The connections to the broker are closed in one direction."""
    await _half_close(scene.broker)


async def _delay(proxy: Proxy) -> None:
    proxy.delay = 0.08
    await asyncio.sleep(AWAY_SECONDS)
    proxy.delay = 0.0


async def _cut(proxy: Proxy) -> None:
    proxy.open = False
    proxy.cut()
    await asyncio.sleep(AWAY_SECONDS)
    proxy.open = True


async def _half_close(proxy: Proxy) -> None:
    proxy.half_close()
    await asyncio.sleep(1)


async def noisy_delivery(scene: Scene) -> None:
    """A worker to which some deliveries never come, and some come twice."""
    worker = scene.one()
    await asyncio.to_thread(worker.kill)
    name = worker.log.stem
    scene.workers.remove(worker)
    noisy = scene.start(name, drop=0.02, repeat=0.02, seed=scene.chance.randrange(1 << 30))
    await asyncio.sleep(10)
    if noisy.process.alive:
        await asyncio.to_thread(noisy.kill)
    scene.workers.remove(noisy)
    scene.start(name)


Fault = Callable[[Scene], Awaitable[None]]

WORKERS: tuple[Fault, ...] = (
    kill_one,
    kill_at_label,
    terminate,
    kill_all,
    kill_one_for_a_while,
    stop_and_continue,
    another_for_a_while,
    noisy_delivery,
)
AROUND: tuple[Fault, ...] = (
    cut_sessions,
    cut_database,
    half_close_database,
    delay_database,
    cut_broker,
    half_close_broker,
    delay_broker,
    step_clock,
    kill_broker,
    kill_database,
    fill_disk,
    fill_wal,
)
EVERY = WORKERS + AROUND
ON_DISK = {fill_disk, fill_wal}
"""What takes a file system of a size of its own."""
OFTEN = (kill_one, kill_at_label, terminate, cut_sessions, cut_database, cut_broker)
"""What comes three times as often as the rest."""
