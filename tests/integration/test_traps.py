"""Traps that the libraries and servers set, each sprung on purpose: a test here fails when its remedy is taken away."""

import asyncio
import contextlib
import itertools
import time
import urllib.error
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from consumers.lanes import LaneLost, append, take_lane
from consumers.positions import Positions
from consumers.reference import load_reference
from consumers.rows import JournalRow, Rows
from consumers.store import connect
from consumers.topic_admin import create
from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor

from ..parties import Party, case_of, refusal
from ..support import Router, Worker

pytestmark = pytest.mark.kafka

NUMBERS = itertools.count(1)


@pytest.fixture
async def router(stack: LocalStack, supervisor: Supervisor, folder: Path) -> AsyncIterator[Router]:
    """A router of the test's own."""
    router = Router(stack, supervisor, folder, f"trap{next(NUMBERS)}")
    await router.prepare()
    yield router
    for worker in router.workers:
        worker.stop()


async def limit_messages(router: Router, topic: str, size: int) -> None:
    """Let the broker refuse larger records on one topic."""
    admin = AIOKafkaAdminClient(bootstrap_servers=router.stack.bootstrap)
    await admin.start()
    try:
        name = router.prefix + topic
        await admin.alter_configs(
            [ConfigResource(ConfigResourceType.TOPIC, name, configs={"max.message.bytes": str(size)})]
        )
    finally:
        await admin.close()


@pytest.mark.timeout(120)
async def test_a_send_that_fails_inside_a_transaction_is_not_committed(router: Router) -> None:
    """`commit_transaction` succeeds although a send in it failed: the filing would vanish while the position moved on."""
    await limit_messages(router, "committee.filings.hall", 100)
    worker = await router.worker().ready()
    async with (
        Party(router.stack.bootstrap, router.prefix, "windows") as windows,
        Party(router.stack.bootstrap, router.prefix, "committee") as committee,
    ):
        case_id = case_of(opening := refusal())
        await windows.say("refusal.proposed", opening)
        while "relay lane starts over" not in worker.log.read_text():
            await asyncio.sleep(0.1)
        await limit_messages(router, "committee.filings.hall", 1_000_000)
        head = await committee.hear(lambda heard: heard.type == "filing.head")

        assert case_id == head.data["caseId"]


@pytest.mark.timeout(60)
async def test_a_position_looked_up_leaves_nothing_to_wait_for(router: Router) -> None:
    """A fetch that is left waiting holds up every later answer of the broker by half a second: lanes were taken one by one."""
    worker = await router.worker().ready()
    async with Party(router.stack.bootstrap, router.prefix, "windows") as windows:
        await windows.say("refusal.proposed", refusal())
        await router.settled()
    worker.stop()
    positions = Positions(router.settings)
    await positions.start()
    try:
        found = [await positions.found_in_events(lane) for lane in range(router.settings.lanes)]

        assert found == [await positions.published(lane) for lane in range(router.settings.lanes)]
        assert {True, False} == {next_seq > 0 for next_seq, _ in found}
        assert frozenset() == positions._consumer.assignment()
    finally:
        await positions.stop()


@pytest.mark.timeout(60)
async def test_whoever_lost_the_lane_writes_nothing(router: Router) -> None:
    """One statement moves the lane on and writes: where it does not move, the rows of a late writer are not there either."""
    database = await connect(router.settings, "late")
    try:
        late = await take_lane(database, 0)
        ours = await take_lane(database, 0)
        entry = JournalRow(0, "event", None, None, datetime.now(UTC), b"{}", bytes(32))
        with pytest.raises(LaneLost):
            await append(database, late, replace(late, next_seq=1), Rows(journal=[entry]))
        written_late = await database.fetchval("select count(*) from journal")
        await append(database, ours, replace(ours, next_seq=1), Rows(journal=[entry]))

        assert 0 == written_late
        assert 1 == await database.fetchval("select count(*) from journal")
        assert 1 == await database.fetchval("select next_seq from lanes where lane = 0")
    finally:
        await database.close()


@pytest.mark.timeout(60)
async def test_a_worker_stopped_inside_its_transaction_holds_nobody_up(router: Router) -> None:
    """A stopped worker keeps the lane's row; the session's own limits end that within 5 s, so a successor gets in."""
    stopped = await connect(router.settings, "stopped")
    await stopped.execute("begin")
    await stopped.fetchrow("select * from lanes where lane = 0 for update")
    limit = await stopped.fetchval(
        "select setting::int from pg_settings where name = 'idle_in_transaction_session_timeout'"
    )
    successor = await asyncpg.connect(router.settings.postgres_dsn.get_secret_value(), timeout=5)
    epoch = await successor.fetchval("update lanes set epoch = epoch + 1 where lane = 0 returning epoch")
    await successor.close()
    with contextlib.suppress(asyncpg.InterfaceError, asyncpg.PostgresError, OSError):
        await stopped.close(timeout=2)

    # The server's own clock ends it: what is asserted is that limit, in milliseconds, and that the successor got in.
    assert limit <= 5000
    assert epoch == 1


@pytest.mark.timeout(120)
async def test_intake_forwards_while_the_database_is_away_and_counts_what_it_could_not_ask(router: Router) -> None:
    """A record waits for no database; what failed is counted as intake's, not as a transaction of the desk."""
    worker = await router.worker(stages=("intake",)).ready()
    async with Party(router.stack.bootstrap, router.prefix, "windows") as windows, router.database_away():
        await windows.say("refusal.proposed", refusal())
        while not (forwarded(worker) and "noveto_intake_errors_total{" in worker.get("/metrics")):
            await asyncio.sleep(0.1)

        assert "noveto_desk_errors_total{" not in worker.get("/metrics")


def forwarded(worker: Worker) -> bool:
    """Whether its intake has forwarded something that was accepted."""
    return 'noveto_intake_records_total{verdict="accepted"}' in worker.get("/metrics")


@pytest.mark.timeout(120)
async def test_a_log_that_was_made_anew_stops_the_lane(router: Router) -> None:
    """A topic deleted and created again begins at 0: reading on from there would skip what comes, silently."""
    worker = await router.worker().ready()
    async with Party(router.stack.bootstrap, router.prefix, "windows") as windows:
        for _ in range(8):
            await windows.say("refusal.proposed", refusal())
        await router.settled()
        worker.stop()
        await make_anew(router, "case.commands")
        again = router.worker()
        while "made anew" not in (again.log.read_text() if again.log.exists() else ""):
            await asyncio.sleep(0.1)
        wrong = await asyncio.to_thread(not_ready, again)

        assert "lanes stopped" in wrong


def not_ready(worker: Worker) -> str:
    """What /readyz says is wrong."""
    while True:
        try:
            worker.get("/readyz")
        except urllib.error.HTTPError as error:
            said = error.read().decode()
            if "lanes stopped" in said:
                return said
        time.sleep(0.1)


async def make_anew(router: Router, topic: str) -> None:
    """Delete a topic and create it again, empty."""
    admin = AIOKafkaAdminClient(bootstrap_servers=router.stack.bootstrap)
    await admin.start()
    await admin.delete_topics([router.prefix + topic])
    while router.prefix + topic in await admin.list_topics():
        await asyncio.sleep(0.1)
    await admin.close()
    await create(router.settings, load_reference(router.settings))


@pytest.mark.timeout(60)
async def test_another_number_of_lanes_is_refused_at_the_start(router: Router) -> None:
    """Lanes are chosen once: with another number the same case would go to another lane."""
    code, _, err = await router.command("worker", lanes=router.settings.lanes + 1)

    assert 1 == code
    assert "the number is chosen once" in err or "lanes, the settings say" in err


@pytest.mark.timeout(120)
async def test_two_routers_on_one_database_server_leave_no_lane_to_nobody(
    router: Router, stack: LocalStack, supervisor: Supervisor, folder: Path
) -> None:
    """Locks of every database stand in one view: another router's relays are not ours, and take none of our lanes."""
    other = Router(stack, supervisor, folder, f"trap{next(NUMBERS)}")
    await other.prepare()
    workers = [router.worker(), other.worker()]
    try:
        for worker in workers:
            await worker.ready()
        async with asyncio.timeout(30):
            while [published(worker) for worker in workers] != [router.settings.lanes, other.settings.lanes]:
                await asyncio.sleep(0.2)
    finally:
        workers[1].stop()


def published(worker: Worker) -> int:
    """How many lanes the worker's relay holds."""
    lines = worker.get("/metrics").splitlines()
    return sum(
        line.startswith("noveto_lane_owned{") and 'stage="relay"' in line and line.endswith(" 1.0") for line in lines
    )
