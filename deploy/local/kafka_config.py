"""The broker's configuration, all of it, in one place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from deploy.local.ports import HOST

NODE_ID = 1
DAY_MINUTES = 24 * 60
MEBIBYTE = 1024 * 1024


def broker_properties(data: Path, ports: tuple[int, int], overrides: Mapping[str, str]) -> dict[str, str]:
    """Broker and controller in one process: small and quick to start, forgetting nothing over a long holiday."""
    port, controller_port = ports
    return {
        "node.id": str(NODE_ID),
        "process.roles": "broker,controller",
        "listeners": f"CLIENT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"CLIENT://{HOST}:{port}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller_port}",
        "log.dirs": str(data),
        "auto.create.topics.enable": "false",
        "num.partitions": "4",
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.num.partitions": "4",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.segment.bytes": str(8 * MEBIBYTE),
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.segment.bytes": str(8 * MEBIBYTE),
        "share.coordinator.state.topic.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # Spring Festival is longer than the default of 7 days.
        "offsets.retention.minutes": str(60 * DAY_MINUTES),
        # as long as the broker allows: the setting is a 32-bit number of milliseconds, 24.8 days
        "transactional.id.expiration.ms": str(2**31 - 1),
        # Partitions must never be without a leader while the transaction coordinator works: Kafka 4.3 then takes them
        # for deleted, leaves out their commit markers and calls the transaction complete, and read_committed readers
        # stop there for good. So a broker that was merely slow is not fenced, none is taken off duty before it stops,
        # and one that comes back signs on as a new one (see KafkaServer).
        "broker.session.timeout.ms": str(60 * 60 * 1000),
        "broker.heartbeat.interval.ms": "500",
        "controlled.shutdown.enable": "false",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "log.index.size.max.bytes": str(MEBIBYTE),
        "log.cleaner.threads": "1",
        "log.cleaner.dedupe.buffer.size": str(16 * MEBIBYTE),
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
        "num.recovery.threads.per.data.dir": "2",
        **overrides,
    }


def controller_properties(data: Path, ports: tuple[int, int]) -> dict[str, str]:
    """The same node with its controller alone, which no client can reach."""
    _, controller_port = ports
    return {
        "node.id": str(NODE_ID),
        "process.roles": "controller",
        "listeners": f"CONTROLLER://{HOST}:{controller_port}",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "controller.quorum.voters": f"{NODE_ID}@{HOST}:{controller_port}",
        "log.dirs": str(data),
    }


def as_properties_file(settings: Mapping[str, str]) -> str:
    """The settings in the form that Java reads."""
    return "".join(f"{key}={_escaped(value)}\n" for key, value in settings.items())


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n")
