"""New reference data put in force: stored, announced to every lane by a control, and from then on decided by.

A control is a record of `case.commands` like any other: each lane changes over at its own place in its own order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from aiokafka import AIOKafkaProducer
from asyncpg.exceptions import UndefinedTableError

from consumers import topic_admin
from consumers.contents import CONTENT_BYTES, SQL, Content, Reference, ReferenceDataError, References, Versions
from consumers.kafka import MAX_BATCH_BYTES, connection
from consumers.reference import load_reference
from consumers.settings import Settings
from consumers.store import connect
from topics.command import ORIGIN_HEADER, CommandRecord
from topics.journal import ReferenceKind
from topics.parts import Source
from topics.registry import INBOUND_FAMILIES, INTERNAL_VALUE_BYTES, Family

if TYPE_CHECKING:
    import asyncpg

LOG = structlog.get_logger()

ONE_AT_A_TIME = 0x6E6F7663
POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class InForce:
    """What a load did."""

    version: str
    previous: str
    topics_created: list[str]
    lanes: int
    """Lanes that decide by it already; the others do when a worker takes them."""


async def begin(settings: Settings, pool: asyncpg.Pool[asyncpg.Record]) -> tuple[References, Reference]:
    """What a worker starts with: the ledger's newest reference data; the files' where it has none yet."""
    references = References(settings)
    async with pool.acquire() as held:
        database: Any = held
        await register(settings, database)
        newest = await references.newest(database)
    if settings.directory is not None:
        files = load_reference(settings)
        for kind, from_file, running in zip(ReferenceKind, files.contents(), newest.contents(), strict=True):
            if from_file != running:
                LOG.warning(
                    "the file is not what is in force",
                    kind=str(kind),
                    file=from_file.version,
                    in_force=running.version,
                    remedy=f"noveto {kind} load",
                )
    return references, newest


async def in_force(references: References, database: asyncpg.Connection) -> Reference | None:
    """What was announced to every lane last; None where nothing was ever loaded, or the schema is still to come."""
    try:
        return await references.newest(database)
    except (KeyError, UndefinedTableError):
        return None


async def register(settings: Settings, database: asyncpg.Connection) -> None:
    """Store the files' reference data where nothing of a kind was ever loaded: it is always known what decided."""
    async with database.transaction():
        await SQL.one_load_at_a_time(database, space=ONE_AT_A_TIME)
        missing = [kind for kind in ReferenceKind if await SQL.last_load(database, kind=str(kind)) is None]
        if not missing:
            return
        for content in load_reference(settings).contents():
            if content.kind in missing:
                await _store(database, content)
                row = await SQL.put_load(database, kind=str(content.kind), version=content.version)
                # Lanes that know of nothing begin with it: no control is needed.
                await SQL.announced(database, id=row["id"])


async def load(
    settings: Settings, change: Callable[[Reference], Content], *, patience_seconds: float = 10.0
) -> InForce:
    """Put a content in force in every lane; `change` makes it from what is in force now.

    It can be repeated after whatever went wrong. Raises ReferenceDataError where it cannot be put in force.
    """
    database = await connect(settings, "load", transaction_timeout="60s", idle_in_transaction_session_timeout="60s")
    try:
        await register(settings, database)
        references = References(settings)
        # The whole load, not only its transactions: lanes get the controls in the order of the loads.
        await database.execute("select pg_advisory_lock($1)", ONE_AT_A_TIME + 1)
        before = await references.at(database, await _last_versions(database))
        content = change(before)
        after = await _checked(database, references, before, content)
        async with database.transaction():
            await _store(database, content)
            row = await SQL.last_load(database, kind=str(content.kind))
            if row["version"] != content.version:
                row = await SQL.put_load(database, kind=str(content.kind), version=content.version)
        created: list[str] = []
        if content.kind is ReferenceKind.DIRECTORY:
            # Before the first message goes there.
            created = await topic_admin.create(settings, after)
            await _expect_inbound(database, after, created)
        await _announce(settings, content, row)
        await SQL.announced(database, id=row["id"])
        lanes = await _wait_for_lanes(database, content, patience_seconds)
        return InForce(content.version, before.versions.of(content.kind), created, lanes)
    finally:
        await database.close(timeout=5)


async def _last_versions(database: asyncpg.Connection) -> Versions:
    return Versions(*[(await SQL.last_load(database, kind=str(kind)))["version"] for kind in ReferenceKind])


async def _checked(
    database: asyncpg.Connection, references: References, before: Reference, content: Content
) -> Reference:
    """The reference data after the change. Raises ReferenceDataError where it does not fit, or leaves cases behind."""
    if len(content.body) > CONTENT_BYTES:
        raise ReferenceDataError(f"the {content.kind} has {len(content.body)} bytes, {CONTENT_BYTES} are the most")
    stored = await SQL.stored_sha256(database, kind=str(content.kind), version=content.version)
    if stored is not None and stored != content.sha256:
        raise ReferenceDataError(
            f"the {content.kind} version {content.version} was loaded with other content: give this one another version"
        )
    references.add(content)
    after = references.made(before.versions.after(content))
    if content.kind is ReferenceKind.DIRECTORY:
        centres = {row["centre"] for row in await SQL.centres_with_cases(database)}
        for centre in sorted(centres - {centre.id for centre in after.directory.centres}):
            raise ReferenceDataError(f"there are cases of centre {centre}, which the directory no longer has")
        units = {row["org_code"] for row in await SQL.units_with_open_cases(database)}
        for org_code in sorted(units - {unit.org_code for unit in after.directory.units}):
            raise ReferenceDataError(f"there are open cases of unit {org_code}, which the directory no longer has")
    return after


async def _store(database: asyncpg.Connection, content: Content) -> None:
    await SQL.put_content(
        database, kind=str(content.kind), version=content.version, sha256=content.sha256, content=content.body
    )


async def _expect_inbound(database: asyncpg.Connection, reference: Reference, created: list[str]) -> None:
    inbound = [topic for topic in created if reference.topics[topic].family in INBOUND_FAMILIES]
    pairs = [(topic, n) for topic in inbound for n in range(topic_admin.INBOUND_PARTITIONS)]
    if pairs:
        await SQL.expect_inbound(database, topics=[topic for topic, _ in pairs], partitions=[n for _, n in pairs])


async def _announce(settings: Settings, content: Content, row: asyncpg.Record) -> None:
    """The same record to every lane, each acknowledged. A lane that gets it twice takes it once."""
    record = CommandRecord(
        kind="control",
        source=Source(topic=f"control.{content.kind}", partition=0, offset=row["id"], broker_time=row["loaded_at"]),
        party="",
        id=content.version,
        type=f"control.{content.kind}",
        fingerprint=content.sha256,
    )
    topic = f"{settings.topic_prefix}{Family.CASE_COMMANDS}"
    producer = AIOKafkaProducer(
        **connection(settings, "control"),
        enable_idempotence=True,
        acks="all",
        max_batch_size=MAX_BATCH_BYTES,
        max_request_size=INTERNAL_VALUE_BYTES,
    )
    await producer.start()
    try:
        async with asyncio.timeout(60):
            for lane in range(settings.lanes):
                await producer.send_and_wait(
                    topic,
                    content.body,
                    key=f"control.{content.kind}".encode(),
                    partition=lane,
                    headers=[(ORIGIN_HEADER, record.wire())],
                )
    finally:
        await producer.stop()


async def _wait_for_lanes(database: asyncpg.Connection, content: Content, patience_seconds: float) -> int:
    deadline = asyncio.get_running_loop().time() + patience_seconds
    while True:
        rows = await SQL.versions_of_lanes(database)
        reached = len([row for row in rows if row[f"{content.kind}_version"] == content.version])
        if reached == len(rows) or asyncio.get_running_loop().time() > deadline:
            return reached
        await asyncio.sleep(POLL_SECONDS)


async def loads(settings: Settings, kind: ReferenceKind) -> list[str]:
    """Every load of a kind, the newest first, and how many lanes decide by each."""
    database = await connect(settings, "loads")
    try:
        rows = await SQL.loads(database, kind=str(kind))
        lanes = await SQL.versions_of_lanes(database)
    finally:
        await database.close(timeout=5)
    told = []
    for row in rows:
        # A lane that has decided nothing yet begins with what was loaded first.
        using = [lane for lane in lanes if (lane[f"{kind}_version"] or rows[-1]["version"]) == row["version"]]
        busy = sum(lane["recalculating"] for lane in using) if kind is ReferenceKind.CALENDAR else 0
        state = f"{len(using)} lanes" + (f", {busy} working limits out" if busy else "")
        told.append(f"{row['loaded_at']:%Y-%m-%dT%H:%M:%SZ}\t{row['version']}\t{state}")
    return told
