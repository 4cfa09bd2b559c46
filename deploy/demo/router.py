"""The router as an operator runs it: its own command line, settings from the environment."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from deploy.demo.party.lines import Clock
from deploy.demo.party.login import connection
from deploy.demo.processes import Processes
from deploy.local import LocalStack, LocalStackError
from deploy.local.ports import HOST, free_port

COMMAND = "consumers.cli"
COMMAND_SECONDS = 120.0
READY_SECONDS = 90.0
STOP_SECONDS = 15.0
POLL_SECONDS = 0.2


class Router:
    """One worker on a local stack: key, topics and schema made, then started and waited for."""

    def __init__(self, processes: Processes, stack: LocalStack, directory: Path, own_dir: Path) -> None:
        self._processes = processes
        self._key_file = own_dir / "sealing.key"
        self._http = f"http://{HOST}:{free_port()}"
        self._settings = {
            "NOVETO_KAFKA_BOOTSTRAP": stack.bootstrap,
            "NOVETO_POSTGRES_DSN": stack.postgres_dsn,
            "NOVETO_DIRECTORY": str(directory),
            "NOVETO_SEALING_KEY_FILE": str(self._key_file),
            "NOVETO_HTTP_PORT": self._http.rsplit(":", 1)[1],
        }
        self._stack = stack
        self._own_dir = own_dir
        self._users = own_dir / "users"
        if stack.security is not None:
            self._settings |= {
                "NOVETO_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
                "NOVETO_KAFKA_CA_FILE": str(stack.security.ca_file),
                "NOVETO_KAFKA_CREDENTIALS_FILE": str(self._users),
            }

    @property
    def metrics(self) -> str:
        """Where its metrics are."""
        return f"{self._http}/metrics"

    async def prepare(self) -> None:
        """Key, topics, schema: each may be repeated, on data that are kept."""
        if not self._key_file.exists():
            await self._run("key generate", "--out", str(self._key_file))
        if self._stack.security is not None:
            # A password for everybody, and the access lists that the directory calls for, by the administrator.
            await self._run("acl users", "--out", str(self._users))
            admin = {**self._settings, **self._stack.security.settings()}
            await self._run("acl apply", "--users", str(self._users), settings=admin)
        await asyncio.gather(self._run("topics create"), self._run("database migrate"))

    async def start(self, clock: Clock) -> None:
        """Start the worker and wait until it says that it is ready."""
        settings = dict(self._settings)
        if clock.speed != 1:
            settings |= {
                "NOVETO_CLOCK_SPEED": str(clock.speed),
                "NOVETO_CLOCK_ORIGIN": clock.origin.isoformat(),
                "NOVETO_CLOCK_START": clock.start.isoformat(),
            }
        await self._processes.start("worker", (COMMAND, "worker"), settings)
        try:
            async with asyncio.timeout(READY_SECONDS), aiohttp.ClientSession() as session:
                while not await self._ready(session):
                    self._processes.check()
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError as error:
            reason = f"{self._http}/readyz does not answer 200 within {READY_SECONDS:.0f} s"
            raise LocalStackError("worker", reason) from error

    async def stop(self) -> None:
        """Stop the worker."""
        await self._processes.stop(["worker"], STOP_SECONDS)

    async def tell(self, case_id: str) -> str:
        """A case as `noveto case show` tells it."""
        return await self._run("case show", case_id)

    def login(self, name: str) -> tuple[Path, Path] | None:
        """On a secure stack: a file with that user's line alone, and the authority's certificate."""
        if self._stack.security is None:
            return None
        lines = self._users.read_text(encoding="utf-8").splitlines(keepends=True)
        path = self._own_dir / f"{name}.login"
        path.touch(mode=0o600)
        path.write_text(next(line for line in lines if line.split()[0] == name), encoding="utf-8")
        return path, self._stack.security.ca_file

    def connection(self, name: str) -> dict[str, Any]:
        """How a client of the demo itself connects, as that user."""
        login, ca = self.login(name) or (None, None)
        return connection(self._stack.bootstrap, login, ca)

    async def _run(self, step: str, *arguments: str, settings: Mapping[str, str] | None = None) -> str:
        argv = (COMMAND, *step.split(), *arguments)
        return await self._processes.run(step, argv, settings or self._settings, COMMAND_SECONDS)

    async def _ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(f"{self._http}/readyz", timeout=aiohttp.ClientTimeout(total=2)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False
