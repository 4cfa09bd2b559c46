"""What is away stops what needs it, and not the process: it says truthfully which, and goes on by itself."""

import asyncio
import contextlib
import json
import urllib.error
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psutil
import pytest

from deploy.local.ports import HOST

from ..parties import Party, case_of, refusal
from ..support import Router, Worker, supervised
from .proxy import Proxy
from .stack import Breakable

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

NOTICED_SECONDS = 45.0
MIB = 1024 * 1024


class Behind:
    """A router's worker with broker and database behind proxies."""

    def __init__(self, router: Router, worker: Worker, broker: Proxy, database: Proxy) -> None:
        self.router, self.worker = router, worker
        self.broker, self.database = broker, database

    def wrong(self) -> dict[str, str]:
        """What /readyz says is wrong, by stage; empty when it is ready."""
        return self._asked("/readyz")

    def dead(self) -> dict[str, str]:
        """What /healthz says is wrong."""
        return self._asked("/healthz")

    def _asked(self, path: str) -> dict[str, str]:
        try:
            said = self.worker.get(path)
        except urllib.error.HTTPError as error:
            said = error.read().decode()
        wrong: dict[str, str] = json.loads(said)["wrong"]
        return wrong

    async def until(self, wrong: dict[str, str]) -> None:
        """Wait until it says just that."""
        found: dict[str, str] = {}
        try:
            async with asyncio.timeout(NOTICED_SECONDS):
                while (found := await asyncio.to_thread(self.wrong)) != wrong:
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"/readyz says {found}, expected {wrong}") from None


@contextlib.asynccontextmanager
async def behind(broken: Breakable, folder: Path, name: str) -> AsyncIterator[Behind]:
    """One router and its worker, ready."""
    dsn = broken.stack.postgres_dsn
    address = dsn.rsplit("@", 1)[1].split("/", 1)[0]
    with supervised(folder) as supervisor:
        async with (
            Proxy(HOST, broken.behind, broken.door) as broker,
            Proxy(HOST, *broken.stack.postgres.ports) as database,
        ):
            router = Router(broken.stack, supervisor, folder, name)
            await router.prepare()
            own = router.settings.postgres_dsn.get_secret_value()
            worker = await router.worker(
                kafka_bootstrap=f"{HOST}:{broker.port}",
                postgres_dsn=own.replace(address, f"{HOST}:{database.port}"),
            ).ready()
            yield Behind(router, worker, broker, database)
            worker.stop()


@contextlib.contextmanager
def away(proxy: Proxy) -> Iterator[None]:
    """Nobody gets through, and whoever was through is cut off."""
    proxy.open = False
    proxy.cut()
    yield
    proxy.open = True


async def one_case(router: Router) -> None:
    """A refusal goes in, and the reviewer's task comes out."""
    opening = refusal()
    async with (
        Party(router.stack.bootstrap, router.prefix, "windows") as windows,
        Party(router.stack.bootstrap, router.prefix, "bureau") as bureau,
    ):
        await windows.say("refusal.proposed", opening)
        await bureau.task(case_of(opening), "reviewer")


@pytest.mark.parametrize(
    ("what", "wrong"),
    [
        (
            "broker",
            {"intake": "not connected to the broker", "desk": "the broker is away", "relay": "the broker is away"},
        ),
        ("database", {"desk": "the database is away", "relay": "the database is away"}),
    ],
)
async def test_what_is_away_stops_what_needs_it_and_no_process(
    broken: Breakable, tmp_path: Path, what: str, wrong: dict[str, str]
) -> None:
    """Alive all the time, ready again by itself; /readyz names the stages that wait, and for what."""
    async with behind(broken, tmp_path, f"away-{what}") as found:
        await one_case(found.router)
        pid = found.worker.process.pid
        with away(getattr(found, what)):
            await found.until(wrong)
            dead = await asyncio.to_thread(found.dead)
        await found.until({})
        await one_case(found.router)
        same = found.worker.process.alive and found.worker.process.pid == pid

    assert {} == dead
    assert same


LARGE = 256 * 1024
MANY = 1600
HELD_MIB = 240
"""Less than the half of what is sent: the lanes' queues, a batch a lane, and what was under way when they were full."""


async def test_memory_is_bounded_whatever_arrives(broken: Breakable, tmp_path: Path) -> None:
    """A slow database slows reading: 400 MiB of commands stay with the broker while it is away, and are answered later."""
    async with behind(broken, tmp_path, "flood") as found:
        await one_case(found.router)
        process = psutil.Process(found.worker.process.pid)
        before = process.memory_info().rss
        with away(found.database):
            async with Party(broken.stack.bootstrap, found.router.prefix, "windows") as windows:
                for number in range(MANY):
                    await windows.write_to(
                        f"{found.router.prefix}case.commands", None, number.to_bytes(2) * (LARGE // 2)
                    )
            most = await highest(process, seconds=10)
        await found.router.settled()

    assert (most - before) / MIB < HELD_MIB


async def highest(process: psutil.Process, seconds: int) -> int:
    """The most memory that the process holds within this time, in bytes."""
    most = 0
    for _ in range(seconds * 10):
        most = max(most, process.memory_info().rss)
        await asyncio.sleep(0.1)
    return most
