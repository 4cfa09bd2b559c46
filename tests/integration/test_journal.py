"""The journal is the truth: the database itself refuses to change it, and whoever looks can see that nobody did."""

import hashlib
import json

import asyncpg
import pytest

from ..parties import case_of, refusal, refused
from ..support import Router

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(120)]


async def one_case(hall: Router) -> str:
    """A case that went all the way."""
    opening = refusal()
    case_id = case_of(opening)
    await refused(hall.stack.bootstrap, hall.prefix, opening)
    return case_id


@pytest.mark.parametrize("role", ["the worker's own role", "a superuser"])
@pytest.mark.parametrize(
    "statement",
    [
        "update journal set body = 'x'",
        "update journal set recorded_at = now() where seq = 0",
        "delete from journal",
        "delete from journal where lane = 0",
        "truncate journal",
        "truncate journal cascade",
    ],
)
async def test_journal_only_grows(hall: Router, role: str, statement: str) -> None:
    """Update, delete and truncate are refused by the database, whoever asks."""
    await one_case(hall)
    worker = hall.settings.postgres_dsn.get_secret_value()
    connection = await asyncpg.connect(worker if role == "the worker's own role" else hall.superuser_dsn)
    try:
        before = await connection.fetchval("select count(*) from journal")
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await connection.execute(statement)
        after = await connection.fetchval("select count(*) from journal")
    finally:
        await connection.close()

    assert after >= before > 0


async def test_hash_chain(hall: Router) -> None:
    """Each entry's hash follows from the one before it and from its own bytes, from the first of its lane to the last."""
    await one_case(hall)
    await hall.settled()
    connection = await asyncpg.connect(hall.superuser_dsn)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            entries = await connection.fetch("select lane, seq, body, hash from journal order by lane, seq")
            lanes = {row["lane"]: row for row in await connection.fetch("select * from lanes")}
    finally:
        await connection.close()
    last = dict.fromkeys(lanes, bytes(32))
    count = dict.fromkeys(lanes, 0)
    for entry in entries:
        lane = entry["lane"]
        assert count[lane] == entry["seq"]
        assert hashlib.sha256(last[lane] + entry["body"]).digest() == entry["hash"]
        last[lane], count[lane] = entry["hash"], entry["seq"] + 1

    assert {lane: row["last_hash"] for lane, row in lanes.items()} == last
    assert {lane: row["next_seq"] for lane, row in lanes.items()} == count


async def test_versions_of_a_case(hall: Router) -> None:
    """A case's facts are counted from 1 without a hole, and each says what asked for it."""
    case_id = await one_case(hall)
    connection = await asyncpg.connect(hall.superuser_dsn)
    try:
        rows = await connection.fetch("select version, body from journal where case_id = $1 order by seq", case_id)
    finally:
        await connection.close()
    entries = [json.loads(row["body"]) for row in rows]

    assert [1, 2, 3] == [row["version"] for row in rows]
    assert ["case.opened", "case.escalated", "case.decided"] == [entry["event"]["type"] for entry in entries]
    assert ["windows", "bureau", "bureau"] == [entry["origin"]["party"] for entry in entries]
    assert all(entry["versions"]["directory"] == "tests-1" for entry in entries)
