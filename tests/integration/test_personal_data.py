"""Applicants' data come in once and are nowhere else: every topic, table, file, log and metric of a run is searched for them."""

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from consumers.sealing import applicant_ref
from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor
from topics.registry import INBOUND_FAMILIES

from ..parties import CLERK, NUMBERS, Data, Party, as_json, case_of, decided, escalate, event_headers, refusal, refuse
from ..support import Router

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(240)]

SURNAMES, GIVEN = "欧阳司徒慕容端木", "璟琰瑄翀彧昶晟旻"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody made up, whom no other test knows."""

    name: str
    number: str
    phone: str
    address: str

    @classmethod
    def new(cls) -> "Person":
        """Drawn at random."""
        name = secrets.choice(SURNAMES) + "".join(secrets.choice(GIVEN) for _ in range(3))
        digits = f"{secrets.randbelow(10**9):09}"
        return cls(f"{name}{digits[:3]}", f"350199{digits}0018", f"129{digits[:8]}", f"测试路{digits}号")

    def as_data(self) -> Data:
        """As a message has it."""
        return {
            "name": self.name,
            "idType": "identity_card",
            "idNumber": self.number,
            "phone": self.phone,
            "address": self.address,
        }

    def traces(self) -> Iterator[bytes]:
        """Everything that would give them away: plain, as JSON escapes it, and inside base64 at each of three places."""
        for value in (self.name, self.number, self.phone, self.address):
            yield value.encode()
            yield json.dumps(value).strip('"').encode()
            for shift in range(3):
                encoded = base64.b64encode(b"\0" * shift + value.encode())
                yield encoded[4 if shift else 0 : -4]
            yield value.encode().hex().encode()


@dataclass(frozen=True, slots=True)
class Run:
    """What happened, and to whom."""

    router: Router
    people: tuple[Person, ...]
    cases: dict[str, Person]
    """Cases whose applicant is kept."""

    def found_in(self, content: bytes) -> list[bytes]:
        """Traces of anybody."""
        return [trace for person in self.people for trace in person.traces() if trace in content]


@pytest.fixture(scope="module")
def run(stack: LocalStack, supervisor: Supervisor, folder: Path) -> Iterator[Run]:
    """Good, repeated, contradicting, early, spoiled and unreadable messages, each with an applicant of its own."""
    router = Router(stack, supervisor, folder, "silent", park_seconds=1, log_level="debug")

    async def play() -> Run:
        await router.prepare()
        await router.worker().ready()
        people = [Person.new() for _ in range(8)]
        decided_case, repeated, spoiled, unknown, contradicting, stranger, open_case, guided = people
        cases: dict[str, Person] = {}
        async with (
            Party(stack.bootstrap, router.prefix, "windows") as windows,
            Party(stack.bootstrap, router.prefix, "bureau") as bureau,
            Party(stack.bootstrap, router.prefix, "committee") as committee,
        ):
            opening = refusal(applicant=decided_case.as_data())
            cases[case_id := case_of(opening)] = decided_case
            await windows.say("refusal.proposed", opening)
            task = await bureau.task(case_id, "reviewer")
            await bureau.say("tier.decided", escalate(case_id, task.data["taskId"]))
            task = await bureau.task(case_id, "decision_maker")
            await bureau.say("tier.decided", refuse(case_id, task.data["taskId"]))
            await committee.tail(case_id)
            # the same again, and the same id with somebody else in it
            again = refusal(applicant=repeated.as_data())
            cases[case_of(again)] = repeated
            for _ in range(2):
                await windows.say("refusal.proposed", again, event_id="again-1")
            other = {**again, "applicant": contradicting.as_data()}
            answer = await windows.answer_to(await windows.say("refusal.proposed", other, event_id="again-1"))
            assert answer.data["rejection"]["code"] == "same_id_other_content"
            # a field that is wrong, a field nobody knows, an applicant in headers and key, no JSON at all
            wrong = refusal(
                applicant={**spoiled.as_data(), "phone": f"{spoiled.phone} 或 {spoiled.number} {'长' * 40}"}
            )
            odd = refusal(
                applicant={**unknown.as_data(), unknown.name: unknown.number}, **{unknown.phone: unknown.name}
            )
            for bad in (wrong, odd):
                assert (await windows.answer_to(await windows.say("refusal.proposed", bad))).type == "command.rejected"
            headers: Any = [
                *event_headers("refusal.proposed", f"w.{next(NUMBERS)}"),
                ("x-name", stranger.name.encode()),
            ]
            for value in (as_json(stranger.as_data()), stranger.name.encode() * 3, as_json([stranger.as_data()])):
                sent = await windows.write("window.refusals", stranger.number.encode(), value, headers)
                await windows.answer_to(sent)
            # somebody else's unit
            forged = refusal("ANNEX", applicant=stranger.as_data())
            await windows.answer_to(await windows.say("refusal.proposed", forged))
            # a decision before its refusal waits, and is given up
            early = decided("BUREAU-never", None, "clerk", CLERK, {"action": "accept"})
            await windows.answer_to(await windows.say("tier.decided", early, family="window.refusals"))
            still = refusal(applicant=open_case.as_data())
            cases[case_of(still)] = open_case
            await windows.say("refusal.proposed", still)
            await bureau.task(case_of(still), "reviewer")
            assert guided not in cases.values()
        await router.settled()
        return Run(router, tuple(people), cases)

    yield asyncio.run(play())
    router.workers[0].stop()


@pytest.fixture
async def database(run: Run) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(run.router.superuser_dsn)
    yield connection
    await connection.close()


async def records(run: Run) -> AsyncIterator[Any]:
    """Every record on every topic of the router."""
    consumer = AIOKafkaConsumer(bootstrap_servers=run.router.stack.bootstrap, isolation_level="read_uncommitted")
    await consumer.start()
    try:
        cluster = await consumer._client.fetch_all_metadata()
        topics = [topic for topic in cluster.topics() if topic.startswith(run.router.prefix)]
        left = [TopicPartition(topic, part) for topic in topics for part in cluster.partitions_for_topic(topic)]
        consumer.assign(left)
        await consumer.seek_to_beginning()
        ends = await consumer.end_offsets(left)
        while left := [tp for tp in left if await consumer.position(tp) < ends[tp]]:
            for found in (await consumer.getmany(*left, timeout_ms=500)).values():
                for record in found:
                    yield record
    finally:
        await consumer.stop()


async def test_no_topic_of_the_router_knows_the_applicants(run: Run) -> None:
    """Key, headers and value of everything it wrote; the inbound topics have them all, so the search does find."""
    seen: set[bytes] = set()
    searched: dict[str, int] = {}
    families = tuple(f"{run.router.prefix}{family}." for family in INBOUND_FAMILIES)
    async for record in records(run):
        whole = b"\n".join(
            (record.key or b"", record.value or b"", *(name.encode() + b"=" + (v or b"") for name, v in record.headers))
        )
        if record.topic.startswith(families):
            seen |= set(run.found_in(whole))
            continue
        searched[record.topic.removeprefix(run.router.prefix)] = searched.get(record.topic, 0) + 1

        assert run.found_in(whole) == [], (record.topic, record.partition, record.offset)

    assert {person.name.encode() for person in run.people[:-1]} <= seen
    assert {"case.commands", "case.events", "dead.letters", "tier.tasks.bureau", "committee.filings.hall"} <= set(
        searched
    )


async def test_no_table_knows_the_applicants_and_one_has_them_sealed(run: Run, database: asyncpg.Connection) -> None:
    """Every column of every table; the one table opens with the key ring and tells who they were."""
    tables = [
        row["tablename"] for row in await database.fetch("select tablename from pg_tables where schemaname = 'public'")
    ]
    for table in tables:
        for row in await database.fetch(f'select * from "{table}"'):
            content = b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in row.values())

            assert run.found_in(content) == [], table
    kept = {row["case_id"]: row for row in await database.fetch("select * from applicants")}

    assert set(run.cases) == set(kept)
    for case_id, person in run.cases.items():
        opened = run.router.keys.open(kept[case_id]["sealed"], f"applicant:{applicant_ref(case_id)}")

        assert person.as_data() == json.loads(opened)


async def test_no_file_of_the_database_knows_them(run: Run, database: asyncpg.Connection) -> None:
    """What a backup would copy, write-ahead log included, is ciphertext; the key ring lies elsewhere."""
    await database.execute("checkpoint")
    home = run.router.stack.data_dir / "postgres"
    key = base64.b64decode(run.router.key_file.read_text().split()[1])
    searched = 0
    for path in home.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            searched += len(content)

            assert run.found_in(content) == [], path
            assert key not in content
    assert searched > 10 * 1024 * 1024


def test_no_log_and_no_metric_knows_them(run: Run) -> None:
    """Not at the level debug either, and not those of broker and database."""
    worker = run.router.workers[0]
    places = {
        "worker": run.router.logs(),
        "metrics": worker.get("/metrics"),
        **{path.name: path.read_text(errors="replace") for path in run.router.stack.log_dir.glob("*.log")},
    }
    for name, text in places.items():
        assert run.found_in(text.encode()) == [], name
    for line in ("worker started", "batch forwarded", "batch decided", "batch published"):
        assert f'"event": "{line}"' in places["worker"]


async def test_after_erasing_the_one_is_empty_too(run: Run, database: asyncpg.Connection) -> None:
    """Nothing is left to open, and the record says that it was done."""
    for case_id in run.cases:
        code, _, err = await run.router.command("erase", "--case", case_id, "--by", "数据安全岗", "--reason", "试验")

        assert code == 0, err

    assert 0 == await database.fetchval("select count(*) from applicants where sealed is not null")
    proofs = await database.fetch("select case_id, body from journal where kind = 'erased'")

    assert set(run.cases) == {row["case_id"] for row in proofs}
    assert run.found_in(b"".join(row["body"] for row in proofs)) == []
