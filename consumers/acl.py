"""Who may do what on the broker: worked out from the directory, written down as Kafka's own access lists.

A party writes its own inbound topics and reads its own outbound ones; each stage of the router may do its own work and no
more. Nothing here talks to a broker (`consumers.acl_admin` does).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from topics.directory import Directory, Party
from topics.registry import INBOUND_FAMILIES, TOPICS, Family, Owner, TopicNames, families_of

INTAKE, DESK, RELAY = "noveto-intake", "noveto-desk", "noveto-relay"
EXPORTER, OPERATOR = "noveto-exporter", "noveto-operator"
STAGES = (INTAKE, DESK, RELAY, EXPORTER, OPERATOR)


class Resource(StrEnum):
    """What an access list speaks of, by Kafka's names."""

    TOPIC = "topic"
    GROUP = "group"
    TRANSACTIONAL_ID = "transactionalId"
    CLUSTER = "cluster"


class Pattern(StrEnum):
    """One name, or every name that begins so."""

    LITERAL = "literal"
    PREFIXED = "prefixed"


class Operation(StrEnum):
    """What is allowed, by Kafka's names."""

    READ = "Read"
    WRITE = "Write"
    CREATE = "Create"
    DELETE = "Delete"
    ALTER = "Alter"
    DESCRIBE = "Describe"
    CLUSTER_ACTION = "ClusterAction"
    DESCRIBE_CONFIGS = "DescribeConfigs"
    ALTER_CONFIGS = "AlterConfigs"
    IDEMPOTENT_WRITE = "IdempotentWrite"
    ALL = "All"


@dataclass(frozen=True, slots=True, order=True)
class Acl:
    """One thing that one principal is allowed, from any host."""

    principal: str
    """Without `User:`."""
    resource: Resource
    pattern: Pattern
    name: str
    operation: Operation

    def covers(self, resource: Resource, name: str) -> bool:
        """Whether it speaks of that resource."""
        if self.resource is not resource:
            return False
        match self.pattern:
            case Pattern.LITERAL:
                return self.name in (name, "*")
            case Pattern.PREFIXED:
                return name.startswith(self.name)

    def __str__(self) -> str:
        return f"{self.principal}: {self.operation} on {self.pattern} {self.resource} {self.name}"


CLUSTER_NAME = "kafka-cluster"
READING = (Operation.READ, Operation.DESCRIBE)
WRITING = (Operation.WRITE, Operation.DESCRIBE)


def wanted(directory: Directory, names: TopicNames) -> tuple[Acl, ...]:
    """Every access list that the directory and the router call for, sorted."""
    acls = set(_of_stages(names))
    for party in directory.parties:
        acls |= set(of_party(party, names))
    return tuple(sorted(acls))


def principals(directory: Directory) -> tuple[str, ...]:
    """Everybody who connects to the broker: the router's stages and the parties."""
    return (*STAGES, *(party.id for party in directory.parties))


def of_party(party: Party, names: TopicNames) -> Iterator[Acl]:
    """A party: its own topics, and consumer groups and transactional ids that are its id or begin with its id and a dot."""
    for family in sorted(families_of(party)):
        operations = WRITING if family in INBOUND_FAMILIES else READING
        yield from _topic(party.id, names.of(family, party.id), *operations)
    for centre in party.committee_of:
        yield from _topic(party.id, names.of(Family.COMMITTEE_FILINGS, centre), *READING)
    # An id has no dot in it, so no party's prefix is the beginning of another's.
    for pattern, name in ((Pattern.LITERAL, party.id), (Pattern.PREFIXED, f"{party.id}.")):
        yield Acl(party.id, Resource.GROUP, pattern, name, Operation.READ)
        for operation in WRITING:
            yield Acl(party.id, Resource.TRANSACTIONAL_ID, pattern, name, operation)


def _of_stages(names: TopicNames) -> Iterator[Acl]:
    commands, events = names.of(Family.CASE_COMMANDS), names.of(Family.CASE_EVENTS)
    relay_group = f"{names.prefix}noveto.relay"
    # 1 intake: reads what parties write, also of a party that comes tomorrow; alone with the operator it writes case.commands
    for family in INBOUND_FAMILIES:
        yield from _topic(INTAKE, f"{names.of(family)}.", *READING, pattern=Pattern.PREFIXED)
    yield from _topic(INTAKE, commands, *WRITING)
    yield from _group(INTAKE, f"{names.prefix}noveto.intake", Operation.READ)
    # 2 desk: reads case.commands, and how far the relay has come
    yield from _topic(DESK, commands, *READING)
    yield from _topic(DESK, events, *READING)
    yield from _group(DESK, f"{names.prefix}noveto.desk", Operation.READ)
    yield from _group(DESK, relay_group, Operation.DESCRIBE)
    # 3 relay: writes what the router says, in its own transactions
    for row in TOPICS:
        if row.family in INBOUND_FAMILIES or row.family is Family.CASE_COMMANDS:
            continue
        if row.owner is Owner.NOBODY:
            yield from _topic(RELAY, names.of(row.family), *WRITING)
        else:
            yield from _topic(RELAY, f"{names.of(row.family)}.", *WRITING, pattern=Pattern.PREFIXED)
    yield Acl(RELAY, Resource.TOPIC, Pattern.LITERAL, events, Operation.READ)
    yield Acl(RELAY, Resource.TOPIC, Pattern.LITERAL, commands, Operation.DESCRIBE)
    yield from _group(RELAY, relay_group, Operation.READ)
    for operation in WRITING:
        yield Acl(RELAY, Resource.TRANSACTIONAL_ID, Pattern.PREFIXED, f"{relay_group}.", operation)
    # 4 exporter: looks, and changes nothing
    yield from _topic(EXPORTER, events, *READING)
    yield from _topic(EXPORTER, commands, Operation.DESCRIBE)
    yield Acl(EXPORTER, Resource.GROUP, Pattern.PREFIXED, f"{names.prefix}noveto.", Operation.DESCRIBE)
    # 5 operator: the commands of `noveto`: topics, verify, rebuild, dead letters, controls
    for row in TOPICS:
        of_row = names.of(row.family) if row.owner is Owner.NOBODY else f"{names.of(row.family)}."
        pattern = Pattern.LITERAL if row.owner is Owner.NOBODY else Pattern.PREFIXED
        for operation in (Operation.CREATE, Operation.DESCRIBE, Operation.DESCRIBE_CONFIGS):
            yield Acl(OPERATOR, Resource.TOPIC, pattern, of_row, operation)
    for family in (Family.CASE_EVENTS, Family.DEAD_LETTERS):
        yield Acl(OPERATOR, Resource.TOPIC, Pattern.LITERAL, names.of(family), Operation.READ)
    filings = f"{names.of(Family.COMMITTEE_FILINGS)}."
    yield Acl(OPERATOR, Resource.TOPIC, Pattern.PREFIXED, filings, Operation.READ)
    yield Acl(OPERATOR, Resource.TOPIC, Pattern.LITERAL, commands, Operation.WRITE)
    yield Acl(OPERATOR, Resource.GROUP, Pattern.PREFIXED, f"{names.prefix}noveto.", Operation.DESCRIBE)
    yield Acl(OPERATOR, Resource.CLUSTER, Pattern.LITERAL, CLUSTER_NAME, Operation.DESCRIBE)


def _topic(principal: str, name: str, *operations: Operation, pattern: Pattern = Pattern.LITERAL) -> Iterator[Acl]:
    for operation in operations:
        yield Acl(principal, Resource.TOPIC, pattern, name, operation)


def _group(principal: str, name: str, operation: Operation) -> Iterator[Acl]:
    yield Acl(principal, Resource.GROUP, Pattern.LITERAL, name, operation)


@dataclass(frozen=True, slots=True)
class Compared:
    """A cluster's access lists against those wanted."""

    missing: tuple[Acl, ...]
    too_much: tuple[Acl, ...]
    """Allows somebody something of ours that nobody should have."""
    denied: tuple[Acl, ...]
    """Denies something of ours; a deny goes before every allow."""

    @property
    def good(self) -> bool:
        """Whether the cluster is as it should be."""
        return not (self.missing or self.too_much or self.denied)


def compare(wanted_acls: tuple[Acl, ...], allowed: set[Acl], denied: set[Acl], names: TopicNames) -> Compared:
    """What is missing and what is too much; access lists of others' topics and groups are none of our business."""
    ours = {(acl.resource, acl.name) for acl in wanted_acls}
    kept = set(wanted_acls)
    return Compared(
        missing=tuple(acl for acl in wanted_acls if acl not in allowed),
        too_much=tuple(sorted(acl for acl in allowed - kept if _touches(acl, ours, names))),
        denied=tuple(sorted(acl for acl in denied if _touches(acl, ours, names))),
    )


def _touches(acl: Acl, ours: set[tuple[Resource, str]], names: TopicNames) -> bool:
    """Whether it reaches something of ours: every name of ours, and every topic's name that could become ours."""
    if acl.resource is Resource.CLUSTER:
        return True
    if acl.resource is Resource.TOPIC and acl.pattern is Pattern.LITERAL and names.parse(acl.name) is not None:
        return True
    if acl.pattern is Pattern.PREFIXED and any(
        resource is acl.resource and name.startswith(acl.name) for resource, name in ours
    ):
        return True
    return any(acl.covers(resource, name) for resource, name in ours) or (
        # one that lies within a prefix of ours: `window.refusals.` and somebody's `window.refusals.x`
        any(resource is acl.resource and name.endswith(".") and acl.name.startswith(name) for resource, name in ours)
    )
