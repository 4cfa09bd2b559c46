"""One Apache Kafka broker (KRaft, broker and controller in one process) on the loopback address."""

from __future__ import annotations

import signal
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from deploy.local.errors import LocalStackError
from deploy.local.identity import Identity
from deploy.local.installation import Installation
from deploy.local.kafka_config import NODE_ID, as_properties_file, broker_properties, controller_properties
from deploy.local.kafka_wire import answers, is_unregistered
from deploy.local.ports import HOST
from deploy.local.secure import Security
from deploy.local.supervisor import Launch, Process, Supervisor

START_SECONDS = 120.0
STOP_SECONDS = 20.0


class KafkaServer:
    """The broker: can be started, stopped and killed any number of times on the same port and data."""

    def __init__(
        self,
        supervisor: Supervisor,
        installation: Installation,
        home: Path,
        log_path: Path,
        identity: Identity,
        overrides: Mapping[str, str],
        security: Security | None = None,
    ) -> None:
        self.log_path = log_path
        self._supervisor = supervisor
        self._installation = installation
        self._home = home
        self._data = home / "data"
        self._identity = identity
        self._overrides = overrides
        self._security = security
        self._process: Process | None = None

    @property
    def bootstrap(self) -> str:
        """The address for clients, as ``host:port``."""
        return f"{HOST}:{self._identity.kafka_port}"

    @property
    def ports(self) -> tuple[int, int]:
        """The ports it listens on."""
        return self._identity.kafka_port, self._identity.controller_port

    @property
    def pid(self) -> int | None:
        """The broker's process id, or None while it is down."""
        return self._process.pid if self._process is not None and self._process.alive else None

    def start(self) -> None:
        """Start the broker and wait till it answers; recovers what a kill left behind."""
        if self.pid is not None:
            return
        properties = self._prepare()
        if (self._data / "meta.properties").exists():
            self._strike_off_the_last_run()
        else:
            self._format(properties)
        self._launch("start Kafka", self._installation, properties, self._is_up)

    def rehearse(self, installation: Installation) -> Process:
        """Start the broker on new data with another installation, for what that installation makes of it."""
        properties = self._prepare()
        self._format(properties)
        return self._launch("rehearse Kafka's start", installation, properties, self._is_up)

    def stop(self) -> None:
        """Shut down in order; kill it when it does not end in time."""
        if self._process is None:
            return
        self._process.signal(signal.SIGTERM)
        if not self._process.wait(STOP_SECONDS):
            self._process.kill_tree()
        self._process = None

    def kill(self) -> None:
        """End the broker as a power cut would: SIGKILL."""
        if self._process is not None:
            self._process.kill_tree()
            self._process = None

    def _strike_off_the_last_run(self) -> None:
        # The metadata still say that the broker of the last run leads its partitions. A new one would believe that for
        # a moment, start completing transactions, and lose commit markers when the controller takes the leadership back.
        # So the controller comes up alone first, and forgets the old broker before the new one reads anything.
        controller = self._launch(
            "clear Kafka's last run",
            self._installation,
            self._write("controller", self._controller_properties()),
            lambda: is_unregistered(self._identity.controller_port, NODE_ID, self._probe()),
        )
        controller.kill_tree()

    def _prepare(self) -> Path:
        self._home.mkdir(parents=True, exist_ok=True)
        overrides = self._overrides
        if self._security is not None:
            self._security.prepare()
            overrides = {**self._security.broker_properties(), **overrides}
        return self._write("server", broker_properties(self._data, self.ports, overrides))

    def _is_up(self) -> bool:
        return answers(self._identity.kafka_port, self._probe())

    def _controller_properties(self) -> Mapping[str, str]:
        locks = self._security.controller_properties() if self._security is not None else {}
        return {**controller_properties(self._data, self.ports), **locks}

    def _probe(self) -> ssl.SSLContext | None:
        return self._security.probe_context() if self._security is not None else None

    def _write(self, name: str, settings: Mapping[str, str]) -> Path:
        path = self._home / f"{name}.properties"
        path.touch(mode=0o600)
        path.write_text(as_properties_file(settings))
        return path

    def _format(self, properties: Path) -> None:
        command = self._installation.command(
            *(self.log_path, "kafka.tools.StorageTool", "format"),
            *("--cluster-id", self._identity.cluster_id, "--config", str(properties)),
            *(self._security.format_arguments() if self._security is not None else ()),
        )
        self._supervisor.run(Launch("format Kafka's storage", command, self.log_path, self._home), START_SECONDS)

    def _launch(self, step: str, installation: Installation, properties: Path, is_up: Callable[[], bool]) -> Process:
        command = installation.command(self.log_path, "kafka.Kafka", str(properties))
        process = self._process = self._supervisor.launch(Launch(step, command, self.log_path, self._home))
        deadline = time.monotonic() + START_SECONDS
        while not is_up():
            if not process.alive:
                raise LocalStackError(step, f"the process {process.obituary()}", self.log_path)
            if time.monotonic() > deadline:
                process.kill_tree()
                raise LocalStackError(step, f"no answer within {START_SECONDS:.0f} s", self.log_path)
            time.sleep(0.05)
        return process
