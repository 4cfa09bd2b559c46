"""A router to test: its own topics and database on a real broker and server, its workers processes of their own."""

import asyncio
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import OffsetAndMetadata

import deploy
from consumers.database import migrate
from consumers.reference import load_reference
from consumers.sealing import KeyRing, new_key_line
from consumers.settings import Settings
from consumers.topic_admin import create
from deploy.local import LocalStack
from deploy.local.ports import free_port
from deploy.local.supervisor import Launch, Process, Supervisor

ROOT = Path(deploy.__file__).parent.parent
DIRECTORY = Path(__file__).with_name("directory.yaml")
LANES = 4
READY_SECONDS = 120.0
STOP_SECONDS = 20.0
SETTLE_SECONDS = 120.0
POLL_SECONDS = 0.05


@contextmanager
def supervised(folder: Path) -> Iterator[Supervisor]:
    """A watchdog for the workers: it ends them with the tests, also when pytest is killed."""
    supervisor = Supervisor(folder / "watchdog.log", grace_seconds=0, remove=None, keep_open=[])
    try:
        yield supervisor
    finally:
        supervisor.close(STOP_SECONDS)


class Router:
    """One router: key, topics and schema made, no worker started yet. `settings` override single settings by name."""

    def __init__(self, stack: LocalStack, supervisor: Supervisor, folder: Path, name: str, **settings: Any) -> None:
        self.stack = stack
        self.folder = folder
        self.name = name
        self.database = f"noveto_{name}"
        self._supervisor = supervisor
        self.key_file = folder / f"{name}.keys"
        self.key_file.write_text(new_key_line("k1"))
        self.given: dict[str, Any] = {
            "kafka_bootstrap": stack.bootstrap,
            "postgres_dsn": stack.postgres_dsn.rsplit("/", 1)[0] + f"/{self.database}",
            "directory": DIRECTORY,
            "sealing_key_file": self.key_file,
            "topic_prefix": f"{name}.",
            "lanes": LANES,
            "worker_name": f"{name}-1",
            **settings,
        }
        self.settings = Settings(**self.given)
        self.keys = KeyRing.read(self.key_file)
        self.workers: list[Worker] = []

    @property
    def prefix(self) -> str:
        """What stands before the names of its topics."""
        return self.settings.topic_prefix

    @property
    def environment(self) -> dict[str, str]:
        """The settings as its commands take them."""
        return {f"NOVETO_{name.upper()}": str(value) for name, value in self.given.items()}

    @property
    def superuser_dsn(self) -> str:
        """Its database, for a test that looks behind the router's own rights."""
        return self.stack.postgres.superuser_dsn.rsplit("/", 1)[0] + f"/{self.database}"

    async def prepare(self) -> None:
        """Make the database, the schema and the topics."""
        await self._superuser(f'create database "{self.database}" owner noveto')
        await asyncio.gather(migrate(self.settings), create(self.settings, load_reference(self.settings)))

    async def lose_database(self) -> None:
        """The database is gone; an empty one has its place."""
        await self._superuser(f'drop database "{self.database}" with (force)')
        await self._superuser(f'create database "{self.database}" owner noveto')
        await migrate(self.settings)

    @asynccontextmanager
    async def database_away(self) -> AsyncIterator[None]:
        """The database ends every connection and takes none until the end of the block."""
        await self._superuser(f'alter database "{self.database}" allow_connections false')
        try:
            await self._superuser(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", self.database
            )
            yield
        finally:
            await self._superuser(f'alter database "{self.database}" allow_connections true')

    async def _superuser(self, statement: str, *arguments: str) -> None:
        connection = await asyncpg.connect(self.stack.postgres.superuser_dsn)
        try:
            await connection.execute(statement, *arguments)
        finally:
            await connection.close()

    def worker(
        self,
        name: str | None = None,
        stages: tuple[str, ...] = (),
        launched: list[str] | None = None,
        code: Path = ROOT,
        **settings: Any,
    ) -> "Worker":
        """Start a worker; its settings may differ from the router's, and `launched` is how, if not by `noveto worker`.

        `code` is the folder of the packages it runs.
        """
        worker = Worker(self, self._supervisor, name or f"{self.name}-1", stages, launched, code, settings)
        self.workers.append(worker)
        return worker

    async def command(
        self,
        *arguments: str,
        timeout: float = 60,  # noqa: ASYNC109 - the process ends at it
        code: Path = ROOT,
        **settings: Any,
    ) -> tuple[int, bytes, str]:
        """Run `noveto` with these arguments: its exit code, what it printed, and what it said on standard error."""
        changes = {f"NOVETO_{name.upper()}": str(value) for name, value in settings.items()}
        return await noveto(*arguments, environment={**self.environment, **changes}, timeout=timeout, code=code)

    async def settled(self) -> None:
        """Wait until nothing is under way: intake has read all, the desk decided all, the relay published all."""
        async with asyncio.timeout(SETTLE_SECONDS), _Positions(self) as positions:
            while not await positions.settled():
                await asyncio.sleep(POLL_SECONDS)

    def logs(self) -> str:
        """What its workers wrote."""
        return "\n".join(worker.log.read_text(errors="replace") for worker in self.workers)


async def noveto(
    *arguments: str,
    environment: Mapping[str, str],
    timeout: float = 60,  # noqa: ASYNC109 - the process ends at it
    code: Path = ROOT,
) -> tuple[int, bytes, str]:
    """Run `noveto` as a user does; settings of the surroundings do not reach it."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("NOVETO_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "consumers.cli", *arguments),
        cwd=code,
        env={**inherited, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return process.returncode or 0, out, err.decode()


class Worker:
    """`noveto worker` as a process of its own. It is started at once; `wait_ready` waits until /readyz says so."""

    def __init__(
        self,
        router: Router,
        supervisor: Supervisor,
        name: str,
        stages: tuple[str, ...],
        launched: list[str] | None,
        code: Path,
        settings: dict[str, Any],
    ) -> None:
        self._supervisor = supervisor
        self.port = free_port()
        self.log = router.folder / f"{name}.log"
        changes = {"worker_name": name, "http_port": self.port, **settings}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("NOVETO_")}
        environment |= router.environment | {f"NOVETO_{key.upper()}": str(value) for key, value in changes.items()}
        argv = [*(launched or [sys.executable, "-m", "consumers.cli", "worker"]), *(f"--{stage}" for stage in stages)]
        self._launch = Launch("start a worker", argv, self.log, code, env=environment)
        self.process: Process = supervisor.launch(self._launch)

    def wait_ready(self) -> "Worker":
        """Wait until it does its work; raises with its log where it does not."""
        wait_until(self._is_ready, READY_SECONDS, f"the worker is not ready, see {self.log}")
        return self

    async def ready(self) -> "Worker":
        """The same, beside other work."""
        return await asyncio.to_thread(self.wait_ready)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.signal(signal.SIGKILL)
        assert self.process.wait(STOP_SECONDS)

    def start(self) -> None:
        """Start it again after a kill, with the same name and settings."""
        self.process = self._supervisor.launch(self._launch)

    def stop(self) -> None:
        """Ask it to stop and wait."""
        self.process.signal(signal.SIGTERM)
        if not self.process.wait(STOP_SECONDS):
            self.process.kill_tree()

    def get(self, path: str) -> str:
        """What it answers over HTTP."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=2) as answer:
            return str(answer.read().decode())

    def _is_ready(self) -> bool:
        if not self.process.alive:
            raise AssertionError(
                f"the worker {self.process.obituary()}:\n{self.log.read_text(errors='replace')[-4000:]}"
            )
        try:
            self.get("/readyz")
        except (OSError, urllib.error.HTTPError):
            return False
        return True


def wait_until(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask until it is so: for what a process of somebody else's cannot tell us by itself."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(POLL_SECONDS)


class _Positions:
    """How far each stage of a router has come, against what lies before it."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._commands = f"{router.prefix}case.commands"
        self._events = f"{router.prefix}case.events"
        bootstrap = router.stack.bootstrap
        self._consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False)
        self._admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)

    async def __aenter__(self) -> "_Positions":
        await self._consumer.start()
        await self._admin.start()
        self._database = await asyncpg.connect(self._router.settings.postgres_dsn.get_secret_value())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._consumer.stop()
        await self._admin.close()
        await self._database.close()

    async def settled(self) -> bool:
        read = await self._admin.list_consumer_group_offsets(f"{self._router.prefix}noveto.intake")
        written = await self._consumer.end_offsets(list(read))
        if any(written[tp] > max(0, offset.offset) for tp, offset in read.items()):
            return False
        lanes = {
            row["lane"]: row for row in await self._database.fetch("select lane, next_offset, next_seq from lanes")
        }
        ends = await self._consumer.end_offsets([TopicPartition(self._commands, lane) for lane in lanes])
        if any(ends[TopicPartition(self._commands, lane)] != row["next_offset"] for lane, row in lanes.items()):
            return False
        published = await self._admin.list_consumer_group_offsets(f"{self._router.prefix}noveto.relay")
        return all(
            row["next_seq"] == 0 or _offset(published.get(TopicPartition(self._events, lane))) == row["next_seq"]
            for lane, row in lanes.items()
        )


def _offset(position: OffsetAndMetadata | None) -> int:
    return -1 if position is None else int(position.offset)
