"""One PostgreSQL server on the loopback address, durable as in production: fsync and synchronous_commit stay on."""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import shutil
import signal
import time
from collections.abc import Mapping
from pathlib import Path

from deploy.local.account import reachable_installation, server_account
from deploy.local.errors import LocalStackError
from deploy.local.identity import Identity
from deploy.local.ports import HOST
from deploy.local.supervisor import DEAF, Launch, Process, Supervisor

START_SECONDS = 120.0
STOP_SECONDS = 15.0
DATABASE = ROLE = "noveto"
SUPERUSER = "postgres"
IPC_RMID = 0


def server_settings(port: int, overrides: Mapping[str, str]) -> dict[str, str]:
    """The server's whole configuration beyond PostgreSQL's own defaults."""
    return {
        "port": str(port),
        "listen_addresses": HOST,
        "unix_socket_directories": "",
        "max_connections": "200",
        "fsync": "on",
        "synchronous_commit": "on",
        "full_page_writes": "on",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %u@%d ",
        # files in the data directory: a killed server leaves nothing in /dev/shm
        "dynamic_shared_memory_type": "mmap",
        **overrides,
    }


class PostgresServer:
    """The database server: can be started, stopped and killed any number of times on the same port and data."""

    def __init__(
        self, supervisor: Supervisor, home: Path, log_path: Path, identity: Identity, overrides: Mapping[str, str]
    ) -> None:
        self.log_path = log_path
        self._identity = identity
        self._supervisor = supervisor
        self._home = home
        self._data = home / "data"
        self._overrides = overrides
        self._account = server_account()
        self._process: Process | None = None

    @property
    def dsn(self) -> str:
        """The address for clients: the product's own role and database."""
        return self._dsn(ROLE, DATABASE)

    @property
    def superuser_dsn(self) -> str:
        """The address for a person or a test that must look behind the product's own rights."""
        return self._dsn(SUPERUSER, DATABASE)

    @property
    def ports(self) -> tuple[int]:
        """The port it listens on."""
        return (self._identity.postgres_port,)

    @property
    def pid(self) -> int | None:
        """The postmaster's process id, or None while it is down."""
        return self._process.pid if self._process is not None and self._process.alive else None

    def start(self) -> None:
        """Start the server and wait till it takes connections; recovers what a kill left behind."""
        if self.pid is not None:
            return
        if not self._data.exists():
            self._create_cluster()
        self._forget_the_dead()
        settings = server_settings(self._identity.postgres_port, self._overrides)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [self._binary("postgres"), "-D", str(self._data), *options]
        self._process = self._supervisor.launch(self._launch("start PostgreSQL", command))
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Shut down in order (PostgreSQL's fast mode); kill it when it does not end in time."""
        if self._process is None:
            return
        self._process.signal(signal.SIGINT)
        if not self._process.wait(STOP_SECONDS):
            self.kill()
        self._process = None

    def kill(self) -> None:
        """End the postmaster and every process it forked as a power cut would: SIGKILL."""
        if self._process is not None:
            self._process.kill_tree()
            self._process = None
            self._remove_shared_memory()

    def _dsn(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{self._password()}@{HOST}:{self._identity.postgres_port}/{database}"

    def _password(self) -> str:
        return (self._home / "password").read_text().strip()

    def _binary(self, name: str) -> str:
        return str(reachable_installation(self._account) / "bin" / name)

    def _create_cluster(self) -> None:
        # In a directory of another name, renamed when all is done: a half-made cluster is never taken for a whole one.
        draft = self._home / "draft"
        shutil.rmtree(draft, ignore_errors=True)
        self._home.mkdir(parents=True, exist_ok=True)
        self._hand_over(self._home)
        password = self._secret("password", secrets.token_urlsafe(16))
        initdb = [
            *(self._binary("initdb"), "-D", str(draft), "-U", SUPERUSER, f"--pwfile={password}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
            *("--locale=C", "--no-instructions"),
        ]
        self._supervisor.run(self._launch("create the PostgreSQL cluster", initdb), START_SECONDS)
        script = self._secret(
            "create.sql",
            f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password.read_text()}';\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n"
            # `noveto database migrate` gives them their rights; who logs in is made a member of one
            "CREATE ROLE noveto_worker NOLOGIN;\nCREATE ROLE noveto_reporting NOLOGIN;\n",
        )
        single = [self._binary("postgres"), "--single", "-D", str(draft), "postgres"]
        self._supervisor.run(self._launch("create the PostgreSQL database", single, script), START_SECONDS)
        script.unlink()
        draft.rename(self._data)

    def _secret(self, name: str, content: str) -> Path:
        path = self._home / name
        path.touch(mode=0o600)
        path.write_text(content)
        self._hand_over(path)
        return path

    def _hand_over(self, path: Path) -> None:
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)

    def _launch(self, step: str, command: list[str], stdin: Path = DEAF) -> Launch:
        return Launch(
            step,
            command,
            self.log_path,
            self._home,
            stop_signal=signal.SIGINT,
            abort_signal=signal.SIGQUIT,  # unlike a kill, it leaves no shared memory behind
            env=_environment(),
            account=self._account,
            stdin=stdin,
        )

    def _forget_the_dead(self) -> None:
        # The stack's lock says that no other server uses this directory, so a pid file here is a dead server's.
        # Left in place, it would stop the start whenever another process has been given that number since.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _remove_shared_memory(self) -> None:
        with contextlib.suppress(OSError, ValueError, IndexError):
            segment = int((self._data / "postmaster.pid").read_text().splitlines()[6].split()[1])
            ctypes.CDLL(None).shmctl(segment, IPC_RMID, None)

    def _wait_until_ready(self, process: Process) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if not process.alive:
                raise LocalStackError("start PostgreSQL", f"the server {process.obituary()}", self.log_path)
            if time.monotonic() > deadline:
                raise LocalStackError("start PostgreSQL", f"not ready within {START_SECONDS:.0f} s", self.log_path)
            time.sleep(0.02)

    def _is_ready(self) -> bool:
        # the postmaster's own word, in the last line of its pid file
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready" and lines[0] == str(self.pid)


def _environment() -> dict[str, str]:
    # PGDATA, PGPORT, LC_ALL and their kind must not reach the server
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
