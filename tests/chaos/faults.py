"""The faults: what breaks, and how it is mended again. Each takes the scene and leaves it whole."""

import asyncio
import json
import random
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from ..support import Router, Worker
from .proxy import Proxy
from .sabotage import LABELS

SILENCE_SECONDS = 9.0
"""Longer than the group's session: a stopped worker is thrown out of it, and comes back as a zombie."""


@dataclass
class Scene:
    """What can be broken, and the dice that choose."""

    router: Router
    proxy: Proxy
    chance: random.Random
    workers: list[Worker] = field(default_factory=list)
    without: tuple[str, ...] = ()
    """Guards that every worker lacks: only to see whether the checker catches it."""

    def start(self, name: str, **plan: Any) -> Worker:
        """A worker whose database is behind the proxy, sabotaged if the plan says so."""
        if self.without:
            plan["without"] = list(self.without)
        dsn = self.router.settings.postgres_dsn.get_secret_value()
        address = dsn.rsplit("@", 1)[1].split("/", 1)[0]
        proxied = dsn.replace(address, f"127.0.0.1:{self.proxy.port}")
        worker = self.router.worker(name, launched=sabotaged(plan) if plan else None, postgres_dsn=proxied)
        self.workers.append(worker)
        return worker

    def one(self) -> Worker:
        """Any worker."""
        return self.chance.choice(self.workers)

    def ensure_alive(self) -> None:
        """Start again whoever ended, as a service manager would; without any sabotage."""
        for worker in self.workers:
            if not worker.process.alive:
                worker.start()


def sabotaged(plan: dict[str, Any]) -> list[str]:
    """How a worker with that plan is started."""
    return [sys.executable, "-m", "tests.chaos.sabotage", json.dumps(plan), "--", "worker"]


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
    plan = {"kill": [label, scene.chance.randrange(1, 40)]}
    replacement = scene.start(name, **plan)
    for _ in range(200):
        if not replacement.process.alive:
            break
        await asyncio.sleep(0.1)
    else:
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
    await worker.ready()
    await asyncio.sleep(4)
    scene.workers.remove(worker)
    await asyncio.to_thread(worker.stop)


async def kill_broker(scene: Scene) -> None:
    """kill -9 of the broker, started again after a moment."""
    kafka = scene.router.stack.kafka
    await asyncio.to_thread(kafka.kill)
    await asyncio.sleep(2)
    await asyncio.to_thread(kafka.start)


async def kill_database(scene: Scene) -> None:
    """kill -9 of the database server, started again after a moment."""
    postgres = scene.router.stack.postgres
    await asyncio.to_thread(postgres.kill)
    await asyncio.sleep(2)
    await asyncio.to_thread(postgres.start)


async def cut_sessions(scene: Scene) -> None:
    """pg_terminate_backend of the workers' sessions, in the middle of whatever they do."""
    connection = await asyncpg.connect(scene.router.superuser_dsn)
    try:
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'noveto-%' and pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()


async def delay_database(scene: Scene) -> None:
    """Every byte to and from the database takes 80 ms longer."""
    scene.proxy.delay = 0.08
    await asyncio.sleep(5)
    scene.proxy.delay = 0.0


async def cut_database(scene: Scene) -> None:
    """The connections to the database are cut, and refused for a while."""
    scene.proxy.open = False
    scene.proxy.cut()
    await asyncio.sleep(3)
    scene.proxy.open = True


async def half_close_database(scene: Scene) -> None:
    """The connections to the database are closed in one direction."""
    scene.proxy.half_close()
    await asyncio.sleep(1)


async def noisy_delivery(scene: Scene) -> None:
    """A worker to which some deliveries never come, and some come twice."""
    worker = scene.one()
    await asyncio.to_thread(worker.kill)
    name = worker.log.stem
    scene.workers.remove(worker)
    noisy = scene.start(name, drop=0.002, repeat=0.02, seed=scene.chance.randrange(1 << 30))
    await asyncio.sleep(10)
    if noisy.process.alive:
        await asyncio.to_thread(noisy.kill)
    scene.workers.remove(noisy)
    scene.start(name)


Fault = Callable[[Scene], Awaitable[None]]

QUICK: tuple[Fault, ...] = (
    kill_one,
    kill_one,
    kill_at_label,
    kill_at_label,
    cut_sessions,
    cut_database,
    half_close_database,
    terminate,
    delay_database,
)
SLOW: tuple[Fault, ...] = (
    kill_one_for_a_while,
    kill_all,
    stop_and_continue,
    another_for_a_while,
    kill_broker,
    kill_database,
    noisy_delivery,
)
EVERY: tuple[Fault, ...] = (*dict.fromkeys(QUICK), *SLOW)
