"""A real Kafka broker and a real PostgreSQL server for one machine, started and ended with the program."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Literal, Self

import click

from deploy.local.account import may_enter, server_account
from deploy.local.errors import LocalStackError
from deploy.local.identity import Identity
from deploy.local.installation import Installation
from deploy.local.jars import Say, kafka_jars
from deploy.local.java import find_java
from deploy.local.kafka import KafkaServer
from deploy.local.locks import DirectoryLock
from deploy.local.ports import is_free
from deploy.local.postgres import PostgresServer
from deploy.local.secure import Security
from deploy.local.supervisor import Supervisor
from deploy.local.warm_start import warmed

GRACE_SECONDS = 5.0
CLOSE_SECONDS = 60.0
PORT_ATTEMPTS = 5
NOTHING: Mapping[str, str] = MappingProxyType({})


def say_on_stderr(message: str) -> None:
    """Show progress to a person without touching standard output."""
    click.echo(message, err=True)


class LocalStack:
    """The broker and the database of one run.

    ``data_dir`` is kept and can be used again, with its data, cluster id and, where they are free, ports; without it
    the run has a fresh directory that goes at the end unless ``keep``. ``broker_config`` and ``postgres_config``
    override single settings. ``secure`` puts locks on the broker: TLS, SCRAM users or client certificates, and an
    authorizer (see ``deploy.local.secure``). ``start`` and ``stop`` block; the asynchronous context manager runs them in a thread.

    Raises LocalStackError, which names the step, the log to read and its last lines.
    """

    kafka: KafkaServer
    postgres: PostgresServer

    def __init__(
        self,
        data_dir: Path | None = None,
        keep: bool = False,
        broker_config: Mapping[str, str] = NOTHING,
        postgres_config: Mapping[str, str] = NOTHING,
        say: Say = say_on_stderr,
        secure: Literal["no", "scram", "mtls"] = "no",
    ) -> None:
        self._given_dir = data_dir
        self._throw_away = data_dir is None and not keep
        self._broker_config = dict(broker_config)
        self._postgres_config = dict(postgres_config)
        self._say = say
        self._secure = secure
        self.security: Security | None = None
        """The certificates and passwords of a secure stack, once started."""
        self._data_dir: Path | None = None
        self._lock: DirectoryLock | None = None
        self._supervisor: Supervisor | None = None
        self._servers: list[KafkaServer | PostgresServer] = []

    @property
    def data_dir(self) -> Path:
        """The run's directory, once started."""
        if self._data_dir is None:
            raise RuntimeError("the stack was not started")
        return self._data_dir

    @property
    def log_dir(self) -> Path:
        """Where ``kafka.log``, ``postgres.log`` and ``watchdog.log`` are."""
        return self.data_dir / "log"

    @property
    def bootstrap(self) -> str:
        """The broker's address, as ``host:port``."""
        return self.kafka.bootstrap

    @property
    def postgres_dsn(self) -> str:
        """The database's address, over TCP, with the product's role and database."""
        return self.postgres.dsn

    def start(self) -> Self:
        """Start both servers and wait until they answer; on failure nothing is left but the logs."""
        if self._supervisor is not None:
            raise RuntimeError("the stack runs already")
        try:
            self._prepare_directory()
            self._start_servers()
        except LocalStackError:
            self._end_a_failed_start()
            raise
        except BaseException:
            self._shut_down(self._throw_away)
            raise
        return self

    def stop(self) -> None:
        """End both servers, in order when their data are kept, and remove the run's own directory."""
        self._shut_down(self._throw_away)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        starting = asyncio.ensure_future(asyncio.to_thread(self.start))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            with contextlib.suppress(LocalStackError):
                await starting
            await asyncio.to_thread(self.stop)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.shield(asyncio.ensure_future(asyncio.to_thread(self.stop)))

    def _prepare_directory(self) -> None:
        if self._given_dir is None:
            self._data_dir = Path(tempfile.mkdtemp(prefix="noveto-stack-"))
        else:
            self._data_dir = self._given_dir.expanduser().resolve()
            self._data_dir.mkdir(parents=True, exist_ok=True)
        account = server_account()
        if account is not None:
            self._data_dir.chmod(self._data_dir.stat().st_mode | 0o011)
            if not may_enter(self._data_dir, account):
                raise LocalStackError(
                    "prepare the data directory",
                    f"{self._data_dir} lies below a directory that the account {account.name}, which runs PostgreSQL "
                    f"for root, may not enter; choose another one",
                )
        self._lock = DirectoryLock(self._data_dir)
        lock_file = self._lock.acquire()
        self.log_dir.mkdir(exist_ok=True)
        self._supervisor = Supervisor(
            self.log_dir / "watchdog.log",
            grace_seconds=0 if self._throw_away else GRACE_SECONDS,
            remove=self._data_dir if self._throw_away else None,
            keep_open=[lock_file],
        )

    def _start_servers(self) -> None:
        assert self._supervisor is not None
        identity = Identity.of(self.data_dir)
        identity.save(self.data_dir)
        self.postgres = PostgresServer(
            self._supervisor, self.data_dir / "postgres", self.log_dir / "postgres.log", identity, self._postgres_config
        )
        self._servers.append(self.postgres)
        if self._secure != "no":
            self.security = Security(self.data_dir / "security", mutual=self._secure == "mtls")
        with ThreadPoolExecutor(max_workers=2) as pool:
            postgres = pool.submit(_start_where_free, self.postgres, identity.choose_postgres_port)
            self.kafka = KafkaServer(
                self._supervisor,
                self._install_kafka(),
                self.data_dir / "kafka",
                self.log_dir / "kafka.log",
                identity,
                self._broker_config,
                self.security,
            )
            self._servers.append(self.kafka)
            kafka = pool.submit(_start_where_free, self.kafka, identity.choose_kafka_ports)
            kafka.result()
            postgres.result()
        identity.save(self.data_dir)

    def _install_kafka(self) -> Installation:
        assert self._supervisor is not None
        home, jars = kafka_jars(self._say)
        return warmed(Installation(find_java(), jars), home, self._supervisor, self._say)

    def _end_a_failed_start(self) -> None:
        # The error names a log, so the logs stay, and what else is in a throw-away directory goes.
        if self._supervisor is not None:
            self._supervisor.keep_directory()
        self._shut_down(self._throw_away)
        if self._throw_away and self._data_dir is not None:
            for name in ("kafka", "postgres", "security"):
                shutil.rmtree(self._data_dir / name, ignore_errors=True)

    def _shut_down(self, at_once: bool) -> None:
        servers, self._servers = self._servers, []
        try:
            with ThreadPoolExecutor(max_workers=2) as pool:
                list(pool.map(lambda server: server.kill() if at_once else server.stop(), servers))
        finally:
            if self._supervisor is not None:
                self._supervisor.close(CLOSE_SECONDS)
                self._supervisor = None
            if self._lock is not None:
                self._lock.release()
                self._lock = None


def _start_where_free(server: KafkaServer | PostgresServer, choose_other_ports: Callable[[], None]) -> None:
    for attempt in range(1, PORT_ATTEMPTS + 1):
        if not all(is_free(port) for port in server.ports):
            choose_other_ports()
        try:
            server.start()
            return
        except LocalStackError:
            server.kill()
            # Somebody else may have taken a port between the choice and the bind; every other failure stands.
            if attempt == PORT_ATTEMPTS or all(is_free(port) for port in server.ports):
                raise
