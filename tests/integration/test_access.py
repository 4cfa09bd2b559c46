"""What the roles of the database may do: the server's own answers."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
from asyncpg.exceptions import InsufficientPrivilegeError

from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor

from ..parties import APPLICANT, Party, accept, case_of, refusal
from ..support import Router

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

PASSWORD = "only-for-this-test"
WORKER, REPORTER = "desk_of_the_test", "reporter_of_the_test"


@pytest.fixture(scope="module")
def counter(stack: LocalStack, supervisor: Supervisor, folder: Path) -> Iterator[Router]:
    """A router whose worker logs in as a member of noveto_worker, and owns nothing."""
    router = Router(stack, supervisor, folder, "counter")

    async def prepare() -> None:
        await router.prepare()
        connection = await asyncpg.connect(router.superuser_dsn)
        for name, role in ((WORKER, "noveto_worker"), (REPORTER, "noveto_reporting")):
            await connection.execute(f"create role {name} login password '{PASSWORD}' in role {role}")
        await connection.close()

    asyncio.run(prepare())
    worker = router.worker(postgres_dsn=dsn(router, WORKER)).wait_ready()
    yield router
    worker.stop()


def dsn(router: Router, user: str) -> str:
    """The router's database for another user."""
    return f"postgresql://{user}:{PASSWORD}@{router.settings.postgres_dsn.get_secret_value().split('@', 1)[1]}"


@pytest.fixture
async def worker(counter: Router) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn(counter, WORKER))
    yield connection
    await connection.close()


@pytest.fixture
async def reporter(counter: Router) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn(counter, REPORTER))
    yield connection
    await connection.close()


async def test_a_worker_needs_no_more_than_its_role(counter: Router) -> None:
    """A case from its opening to its end, its applicant kept, and an erasure, by a worker that owns nothing."""
    opening = refusal()
    case_id = case_of(opening)
    async with (
        Party(counter.stack.bootstrap, counter.prefix, "windows") as windows,
        Party(counter.stack.bootstrap, counter.prefix, "bureau") as bureau,
        Party(counter.stack.bootstrap, counter.prefix, "committee") as committee,
    ):
        await windows.say("refusal.proposed", opening)
        task = await bureau.task(case_id, "reviewer")
        await bureau.say("tier.decided", accept(case_id, task.data["taskId"]))
        await committee.tail(case_id)
    code, out, err = await counter.command(
        "erase", "--case", case_id, "--by", "数据安全岗", "--reason", "试验", postgres_dsn=dsn(counter, WORKER)
    )

    assert (0, "1 erased, 0 were erased before.") == (code, out.decode().strip()), err
    for command in (("verify",), ("key", "rotate"), ("case", "show", case_id)):
        await counter.settled()
        code, out, err = await counter.command(*command, postgres_dsn=dsn(counter, WORKER))

        assert code == 0, (command, out.decode(), err)


@pytest.mark.rule("R35")
@pytest.mark.parametrize(
    "statement",
    [
        "update journal set body = '' where seq = 0",
        "delete from journal",
        "truncate journal",
        "drop table journal",
        "alter table journal disable trigger journal_append_only",
        "drop trigger journal_append_only on journal",
        "update reference_contents set content = ''",
        "delete from applicants",
        "delete from lanes",
        "update alembic_version set version_num = ''",
        "create table mine (a int)",
    ],
)
async def test_the_worker_cannot_change_the_record(worker: asyncpg.Connection, statement: str) -> None:
    """It may append, and nothing else: the server refuses before the journal's own trigger is asked."""
    with pytest.raises(InsufficientPrivilegeError):
        await worker.execute(statement)


@pytest.mark.parametrize("table", ["applicants", "parked", "quarantined", "outbox"])
async def test_reporting_sees_nobodys_data(reporter: asyncpg.Connection, table: str) -> None:
    """Not even as ciphertext, and no message as it was sent."""
    with pytest.raises(InsufficientPrivilegeError):
        await reporter.fetch(f"select * from {table}")


async def test_reporting_sees_what_became_of_cases(counter: Router, reporter: asyncpg.Connection) -> None:
    """And changes nothing."""
    async with (
        Party(counter.stack.bootstrap, counter.prefix, "windows") as windows,
        Party(counter.stack.bootstrap, counter.prefix, "bureau") as bureau,
    ):
        opening = refusal()
        await windows.say("refusal.proposed", opening)
        await bureau.task(case_of(opening), "reviewer")
    bodies = await reporter.fetch("select state as body from cases union all select body from journal")

    assert bodies
    assert not any(
        value.encode() in row["body"] for row in bodies for value in APPLICANT.values() if value != "identity_card"
    )
    for statement in ("delete from cases", "update cases set version = 0", "insert into journal select * from journal"):
        with pytest.raises(InsufficientPrivilegeError):
            await reporter.execute(statement)


async def test_an_unknown_user_gets_nothing(counter: Router) -> None:
    """A wrong password is a wrong password, and a login without a role sees no table."""
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(dsn(counter, WORKER).replace(PASSWORD, "wrong"))
    superuser = await asyncpg.connect(counter.superuser_dsn)
    await superuser.execute(f"create role stranger_of_the_test login password '{PASSWORD}'")
    await superuser.close()
    stranger = await asyncpg.connect(dsn(counter, "stranger_of_the_test"))
    for table in ("applicants", "journal", "cases"):
        with pytest.raises(InsufficientPrivilegeError):
            await stranger.fetch(f"select * from {table}")
    await stranger.close()
