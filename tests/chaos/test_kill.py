"""Exactly once, whatever is killed: worker, broker and database end as in a power cut while cases are under way."""

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor

from ..support import LANES, Router, Worker, supervised
from . import checker
from .load import Load

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(400)]

CASES = 2000
FEWER_CASES = 500
KILLS = 12
SEED = 20161104
RATE = 80.0
STALLED_SECONDS = 60.0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("chaos")


@pytest.fixture(scope="module")
def stack() -> Iterator[LocalStack]:
    """A stack of its own: these tests kill its servers."""
    with LocalStack(say=lambda said: None) as running:
        yield running


@pytest.fixture(scope="module")
def supervisor(folder: Path) -> Iterator[Supervisor]:
    with supervised(folder) as running:
        yield running


async def until(load: Load, count: Callable[[], int], least: int) -> None:
    """Wait until so many are done, as long as it takes, unless nothing is done any more."""
    while (now := count()) < least:
        async with asyncio.timeout(STALLED_SECONDS):
            while count() == now:
                load.check()
                await asyncio.sleep(0.01)


async def run(router: Router, cases: int, disturb: Callable[[Load, Worker], Coroutine[Any, Any, None]]) -> list[str]:
    """Propose so many cases while `disturb` breaks things; what the checker finds once all has come to rest."""
    await router.prepare()
    worker = await router.worker().ready()
    try:
        async with Load(router.stack.bootstrap, router.prefix, LANES, RATE) as load:
            disturbance = asyncio.create_task(disturb(load, worker))
            await until(load, lambda: len(load.proposed), cases)
            await load.drain(0)
            await disturbance
            await until(load, lambda: len(load.closed), len(load.proposed))
            await worker.ready()
            await router.settled()
        return await checker.check(router.stack.bootstrap, router.prefix, load.proposed)
    finally:
        await asyncio.to_thread(worker.stop)


async def test_worker_killed_again_and_again(stack: LocalStack, supervisor: Supervisor, folder: Path) -> None:
    """2,000 cases, twelve kill -9 at random moments of the work and of the start: one head, one tail, every id once."""
    chance = random.Random(SEED)
    thresholds = sorted(chance.sample(range(CASES // 50, CASES * 9 // 10), KILLS))

    async def disturb(load: Load, worker: Worker) -> None:
        for number, threshold in enumerate(thresholds):
            if number % 3 == 2:
                # While it starts: some of its lanes are taken, others not yet.
                await asyncio.sleep(chance.uniform(0.5, 3.0))
            else:
                await worker.ready()
                await until(load, lambda: len(load.closed), threshold)
                await asyncio.sleep(chance.uniform(0, 0.5))
            await asyncio.to_thread(worker.kill)
            worker.start()

    assert [] == await run(Router(stack, supervisor, folder, "killed"), CASES, disturb)


async def test_broker_killed(stack: LocalStack, supervisor: Supervisor, folder: Path) -> None:
    """The broker is killed twice in the middle, and started again."""
    chance = random.Random(SEED + 1)

    async def disturb(load: Load, _: Worker) -> None:
        for threshold in (FEWER_CASES // 4, FEWER_CASES // 2):
            await until(load, lambda: len(load.closed), threshold)
            await asyncio.sleep(chance.uniform(0, 0.5))
            await asyncio.to_thread(stack.kafka.kill)
            await asyncio.to_thread(stack.kafka.start)

    assert [] == await run(Router(stack, supervisor, folder, "brokerless"), FEWER_CASES, disturb)


async def test_database_killed(stack: LocalStack, supervisor: Supervisor, folder: Path) -> None:
    """The database server is killed four times in the middle, and started again."""
    chance = random.Random(SEED + 2)

    async def disturb(load: Load, _: Worker) -> None:
        for share in (1, 2, 3, 4):
            await until(load, lambda: len(load.closed), FEWER_CASES * share // 6)
            await asyncio.sleep(chance.uniform(0, 0.5))
            await asyncio.to_thread(stack.postgres.kill)
            await asyncio.to_thread(stack.postgres.start)

    assert [] == await run(Router(stack, supervisor, folder, "baseless"), FEWER_CASES, disturb)
