"""Applicants' data go when they are told to, and when their key changes they stay readable; both while the router runs."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from consumers.sealing import KeyRing, SealingError, applicant_ref, new_key_line
from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor

from ..parties import APPLICANT, Party, accept, case_of, refusal
from ..support import Router

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

ORDER = ("--by", "数据安全岗", "--reason", "申请人要求删除")


@pytest.fixture(scope="module")
def office(stack: LocalStack, supervisor: Supervisor, folder: Path) -> Iterator[Router]:
    """A router whose applicants are erased."""
    router = Router(stack, supervisor, folder, "office")
    asyncio.run(router.prepare())
    worker = router.worker().wait_ready()
    yield router
    worker.stop()


@pytest.fixture
async def database(office: Router) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(office.superuser_dsn)
    yield connection
    await connection.close()


async def opened(office: Router, *, closed: bool = False) -> str:
    """A case with an applicant."""
    opening = refusal()
    case_id = case_of(opening)
    async with (
        Party(office.stack.bootstrap, office.prefix, "windows") as windows,
        Party(office.stack.bootstrap, office.prefix, "bureau") as bureau,
        Party(office.stack.bootstrap, office.prefix, "committee") as committee,
    ):
        await windows.say("refusal.proposed", opening)
        task = await bureau.task(case_id, "reviewer")
        if closed:
            await bureau.say("tier.decided", accept(case_id, task.data["taskId"]))
            await committee.tail(case_id)
    return case_id


async def kept(database: asyncpg.Connection, case_id: str) -> asyncpg.Record:
    row = await database.fetchrow("select * from applicants where case_id = $1", case_id)
    assert row is not None
    return row


async def proofs(database: asyncpg.Connection, case_id: str) -> list[dict[str, object]]:
    rows = await database.fetch("select body from journal where kind = 'erased' and case_id = $1", case_id)
    return [json.loads(row["body"]) for row in rows]


async def test_what_is_kept_opens_with_the_key_ring_alone(office: Router, database: asyncpg.Connection) -> None:
    """The row is ciphertext; a backup without the key ring is nothing more."""
    case_id = await opened(office)
    row = await kept(database, case_id)

    assert APPLICANT == json.loads(office.keys.open(row["sealed"], f"applicant:{row['applicant_ref']}"))
    assert not any(value.encode() in bytes(row["sealed"]) for value in APPLICANT.values())


async def test_erasing_a_case_leaves_a_proof_and_nothing_else(office: Router, database: asyncpg.Connection) -> None:
    """The ciphertext goes, when it went stays, and the record says who ordered it and why; a second time does nothing."""
    case_id = await opened(office)
    code, out, err = await office.command("erase", "--case", case_id, *ORDER)

    assert (0, "1 erased, 0 were erased before.") == (code, out.decode().strip()), err
    row = await kept(database, case_id)
    [proof] = await proofs(database, case_id)

    assert row["sealed"] is None
    assert row["erased_at"] == datetime.fromisoformat(str(proof["recordedAt"]))
    assert (applicant_ref(case_id), "数据安全岗", "申请人要求删除") == (
        proof["applicantRef"],
        proof["by"],
        proof["reason"],
    )
    code, out, err = await office.command("erase", "--case", case_id, *ORDER)

    assert (0, "0 erased, 1 were erased before.") == (code, out.decode().strip()), err
    assert 1 == len(await proofs(database, case_id))
    await office.settled()
    code, out, err = await office.command("verify")

    assert code == 0, out.decode() + err


async def test_erasing_by_date_leaves_open_cases_their_data(office: Router, database: asyncpg.Connection) -> None:
    """Whoever still waits for an answer is not forgotten."""
    ended, under_way = await opened(office, closed=True), await opened(office)
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    code, out, err = await office.command("erase", "--before", "2020-01-01", *ORDER)

    assert (0, "0 erased, 0 were erased before.") == (code, out.decode().strip()), err
    code, out, err = await office.command("erase", "--before", tomorrow, *ORDER)

    assert code == 0, err
    assert "belong to cases that are still open" in out.decode()
    assert (await kept(database, ended))["sealed"] is None
    assert (await kept(database, under_way))["sealed"] is not None
    assert 1 == len(await proofs(database, ended))


async def test_an_unknown_case_is_named(office: Router) -> None:
    """Nothing to erase is no success."""
    code, _, err = await office.command("erase", "--case", "BUREAU-nobody", *ORDER)

    assert (1, "Error: there are no data of an applicant of case BUREAU-nobody") == (code, err.strip())


async def test_an_older_copy_of_the_database_forgets_again(office: Router, database: asyncpg.Connection) -> None:
    """A restored dump has the ciphertext back; `noveto rebuild` reads the erasure in the record and carries it out."""
    case_id = await opened(office)
    before = await kept(database, case_id)
    assert 0 == (await office.command("erase", "--case", case_id, *ORDER))[0]
    await office.settled()
    await database.execute(
        "update applicants set sealed = $2, erased_at = null where case_id = $1", case_id, before["sealed"]
    )
    code, _, err = await office.command("rebuild", "--from-events")

    assert code == 0, err
    row = await kept(database, case_id)
    [proof] = await proofs(database, case_id)

    assert (None, datetime.fromisoformat(str(proof["recordedAt"]))) == (row["sealed"], row["erased_at"])


async def test_a_new_key_takes_over_while_the_router_runs(office: Router, database: asyncpg.Connection) -> None:
    """Resealed rows open with the new key alone; the old one is needed for none."""
    await opened(office)
    code, out, err = await office.command("key", "generate", "--out", str(office.key_file), "--name", "k2")

    assert code == 0, err
    code, out, err = await office.command("key", "rotate")

    assert code == 0, err
    assert out.decode().rstrip().endswith("0 are still sealed by another.")
    new = KeyRing((KeyRing.read(office.key_file).keys[0],))
    old = KeyRing((KeyRing.read(office.key_file).keys[1],))
    rows = await database.fetch("select applicant_ref, sealed from applicants where sealed is not null")

    assert rows
    for row in rows:
        assert APPLICANT == json.loads(new.open(row["sealed"], f"applicant:{row['applicant_ref']}"))
        with pytest.raises(SealingError):
            old.open(row["sealed"], f"applicant:{row['applicant_ref']}")
    # The worker still seals by the old key till it is started again: nothing is lost, and rotating again catches up.
    case_id = await opened(office)
    code, out, err = await office.command("key", "rotate")

    assert (0, "1 rows resealed by key k2, 0 are still sealed by another.") == (code, out.decode().strip()), err
    row = await kept(database, case_id)

    assert APPLICANT == json.loads(new.open(row["sealed"], f"applicant:{row['applicant_ref']}"))


def test_a_key_ring_shows_no_key(tmp_path: Path) -> None:
    """Not in a representation, and not in the message about a line that is wrong."""
    path = tmp_path / "keys"
    line = new_key_line("k1")
    path.write_text(line)

    assert "KeyRing(k1)" == repr(KeyRing.read(path)) == str(KeyRing.read(path))
    path.write_text(line.strip()[:-4])
    with pytest.raises(SealingError) as caught:
        KeyRing.read(path)

    assert line.split()[1][:20] not in str(caught.value)
