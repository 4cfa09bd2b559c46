"""A new version of the code comes into a running router: migrated under load, workers replaced one after another, nothing lost.

The newer version is a copy of this one with the journal's form, a fact, the stored case and the schema each a step further.
"""

import asyncio
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from alembic.script import ScriptDirectory

from consumers.database import _config
from consumers.lane_log import TopicReader
from deploy.local import LocalStack

from ..support import LANES, ROOT, Router, Worker, supervised, wait_until
from . import checker
from .load import Load
from .stack import Breakable

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]

PACKAGES = ("consumers", "deadlines", "deploy", "metrics", "router", "topics")
RATE = 15.0
WHILE_SECONDS = 4.0
DRAIN_SECONDS = 60.0


@pytest.fixture
def stack(broken: Breakable) -> LocalStack:
    """Nothing of it is broken here."""
    return broken.stack


@pytest.fixture(scope="module")
def newer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the newer version's packages."""
    folder = tmp_path_factory.mktemp("newer")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    change(folder / "topics/journal.py", "VERSION: Literal[1] = 1", "VERSION: Literal[2] = 2")
    change(folder / "topics/journal.py", "v: Literal[1] = VERSION", "v: Literal[2] = VERSION")
    change(
        folder / "topics/events.py",
        'type: Literal["case.escalated"] = "case.escalated"',
        'type: Literal["case.escalated"] = "case.escalated"\n    weighed: bool = True',
    )
    change(
        folder / "topics/upcasting.py",
        "STEPS: dict[tuple[str, int], Step] = {}",
        'STEPS: dict[tuple[str, int], Step] = {("case.escalated", 1): lambda event: {**event, "weighed": False}}',
    )
    change(folder / "router/case.py", "STATE_VERSION: Literal[1] = 1", "STATE_VERSION: Literal[2] = 2")
    change(folder / "router/case.py", "v: Literal[1] = STATE_VERSION", "v: Literal[2] = STATE_VERSION")
    migrations = folder / "consumers/migrations/versions"
    (migrations / "9999_noted.sql").write_text("alter table lanes add note text;\ncreate table notes (note text);\n")
    (migrations / "m9999_noted.py").write_text(
        "from consumers.database import run_script\n"
        f'revision = "9999"\ndown_revision = "{ScriptDirectory.from_config(_config()).get_current_head()}"\n'
        'def upgrade() -> None:\n    run_script("9999_noted.sql")\n'
    )
    return folder


def change(file: Path, before: str, after: str) -> None:
    """One place of the newer version."""
    text = file.read_text()
    assert 1 == text.count(before), f"{file.name} has changed: {before}"
    file.write_text(text.replace(before, after))


async def versions(router: Router) -> Counter[int]:
    """How many entries of case.events were written in each version."""
    found: Counter[int] = Counter()
    topic = f"{router.prefix}case.events"
    async with TopicReader(router.settings) as reader:
        async for record in reader.records(TopicPartition(topic, lane) for lane in range(LANES)):
            found[json.loads(record.value)["v"]] += 1
    return found


async def test_rolling_restart(stack: LocalStack, tmp_path: Path, newer: Path) -> None:
    """The schema moves on under the older workers, which are then replaced one by one: every case goes its way once."""
    with supervised(tmp_path) as supervisor:
        router = Router(stack, supervisor, tmp_path, "rolling")
        await router.prepare()
        older = [await router.worker(f"rolling-{number}").ready() for number in (1, 2)]
        async with Load(stack.bootstrap, router.prefix, LANES, RATE) as load:
            await asyncio.sleep(WHILE_SECONDS)
            migrated, _, _ = await router.command("database", "migrate", code=newer)
            await asyncio.sleep(WHILE_SECONDS)
            alive = [worker.process.alive for worker in older]
            workers = []
            for worker in older:
                await asyncio.to_thread(worker.stop)
                workers.append(await router.worker(worker.log.stem, code=newer).ready())
                await asyncio.sleep(WHILE_SECONDS)
            await load.drain(DRAIN_SECONDS)
        await router.settled()
        written = await versions(router)
        problems = await checker.check(stack.bootstrap, router.prefix, load.proposed)
        verified, verdict, _ = await router.command("verify", "--json", code=newer)
        for worker in workers:
            worker.stop()

    assert (0, [True, True]) == (migrated, alive)
    assert load.closed == set(load.proposed)
    assert [] == problems
    assert (0, []) == (verified, json.loads(verdict)["differences"])
    assert {1, 2} == set(written)


async def test_an_older_worker_stops_where_a_newer_one_has_been(stack: LocalStack, tmp_path: Path, newer: Path) -> None:
    """It does not guess at what it cannot read: its lanes stop, it says why, and a newer worker goes on from there."""
    with supervised(tmp_path) as supervisor:
        router = Router(stack, supervisor, tmp_path, "back")
        await router.prepare()
        await router.command("database", "migrate", code=newer)
        first = await router.worker("back-1", code=newer).ready()
        async with Load(stack.bootstrap, router.prefix, LANES, RATE) as load:
            load.answering.clear()
            await asyncio.sleep(WHILE_SECONDS)
            await asyncio.to_thread(first.kill)
            older = router.worker("back-2")
            load.answering.set()
            await asyncio.to_thread(wait_until, lambda: stopped(older), DRAIN_SECONDS, "no lane stopped")
            said = older.log.read_text()
            verified, _, why = await router.command("verify")
            first.start()
            await asyncio.to_thread(older.stop)
            await load.drain(DRAIN_SECONDS)
        await router.settled()
        problems = await checker.check(stack.bootstrap, router.prefix, load.proposed)
        first.stop()

    assert "was written in version 2 of its form, this code reads up to 1" in said
    assert verified != 0
    assert "version 2" in why
    assert load.closed == set(load.proposed)
    assert [] == problems


def stopped(worker: Worker) -> bool:
    """Whether it says that lanes of it have stopped."""
    return worker.log.exists() and '"lane stopped"' in worker.log.read_text()
