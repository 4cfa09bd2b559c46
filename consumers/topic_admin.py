"""Topics on the broker: created from the registry, and compared with it without changing anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import TopicAlreadyExistsError, for_code

from consumers.kafka import connection
from consumers.reference import Reference
from consumers.settings import Settings
from topics.registry import INBOUND_FAMILIES, Lanes, TopicFamily

INBOUND_PARTITIONS = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing about one topic that is not as it should be."""

    topic: str
    what: str
    found: str
    wanted: str


def wanted_partitions(row: TopicFamily, lanes: int) -> int:
    """Lanes for everything the router writes; a few for what parties write, who choose their own partitioner."""
    return lanes if row.partitions is Lanes.LANE else INBOUND_PARTITIONS


def wanted_config(row: TopicFamily, settings: Settings) -> dict[str, str]:
    """The topic's configuration by Kafka's own names."""
    retention = -1 if row.retention is None else int(row.retention.total_seconds() * 1000)
    return {
        "cleanup.policy": "delete",
        "retention.ms": str(retention),
        "retention.bytes": "-1",
        "max.message.bytes": str(row.max_message_bytes),
        "message.timestamp.type": "LogAppendTime" if row.broker_time else "CreateTime",
        # What parties write the broker unpacks before it measures: nothing is small by its compression alone, and
        # every codec that a party's client may choose can be read.
        "compression.type": "uncompressed" if row.broker_time else "producer",
        "min.insync.replicas": str(settings.min_in_sync),
        "unclean.leader.election.enable": "false",
    }


async def create(settings: Settings, reference: Reference) -> list[str]:
    """Create the topics that are missing; the names of those created."""
    admin = AIOKafkaAdminClient(**connection(settings, "topics"))
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        missing = {name: row for name, row in reference.topics.items() if name not in existing}
        new = [
            NewTopic(
                name,
                num_partitions=wanted_partitions(row, settings.lanes),
                replication_factor=settings.replication,
                topic_configs=wanted_config(row, settings),
            )
            for name, row in missing.items()
        ]
        if new:
            response = await admin.create_topics(new, timeout_ms=60_000)
            for topic, code, message in response.topic_errors:
                error = for_code(code)
                if code != 0 and error is not TopicAlreadyExistsError:
                    raise error(f"{topic}: {message}")
        return sorted(missing)
    finally:
        await admin.close()


async def differences(settings: Settings, reference: Reference) -> list[Difference]:
    """What differs between the broker and the registry; nothing is changed."""
    admin = AIOKafkaAdminClient(**connection(settings, "topics"))
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        wanted = reference.topics
        found = [Difference(name, "topic", "missing", "there") for name in wanted if name not in existing]
        there = [name for name in wanted if name in existing]
        if there:
            for topic in await admin.describe_topics(there):
                found += _of_partitions(topic, wanted[topic["topic"]], settings)
            found += await _of_configs(admin, there, wanted, settings)
        return sorted(found, key=lambda difference: (difference.topic, difference.what))
    finally:
        await admin.close()


def _of_partitions(topic: dict[str, Any], row: TopicFamily, settings: Settings) -> list[Difference]:
    name, partitions = topic["topic"], topic["partitions"]
    wanted = wanted_partitions(row, settings.lanes)
    found = []
    exact = row.partitions is Lanes.LANE
    if (len(partitions) != wanted) if exact else (len(partitions) < 1):
        found.append(Difference(name, "partitions", str(len(partitions)), str(wanted)))
    replicas = min((len(partition["replicas"]) for partition in partitions), default=0)
    if replicas < settings.replication:
        found.append(Difference(name, "replication", str(replicas), str(settings.replication)))
    return found


async def _of_configs(
    admin: AIOKafkaAdminClient, names: list[str], wanted: dict[str, TopicFamily], settings: Settings
) -> list[Difference]:
    found = []
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    for response in await admin.describe_configs(resources):
        for _code, _message, _kind, name, entries in response.resources:
            have = {entry[0]: entry[1] for entry in entries}
            for key, value in wanted_config(wanted[name], settings).items():
                if not _as_good(key, have.get(key, ""), value, personal=wanted[name].family in INBOUND_FAMILIES):
                    found.append(Difference(name, key, have.get(key, "not set"), value))
    return found


def _as_good(key: str, found: str, wanted: str, *, personal: bool = False) -> bool:
    """Larger messages and more replicas in sync than asked are no fault, nor is longer retention where nobody's data are in clear."""
    if found == wanted:
        return True
    match key:
        case "retention.ms" if personal:
            return False
        case "retention.ms" | "retention.bytes":
            return found == "-1" or (wanted != "-1" and found.lstrip("-").isdigit() and int(found) >= int(wanted))
        case "max.message.bytes" | "min.insync.replicas":
            return found.isdigit() and int(found) >= int(wanted)
        case _:
            return False
