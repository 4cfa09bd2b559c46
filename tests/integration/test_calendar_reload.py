"""A calendar, directory or policy put in force while cases are open: every lane decides by it from its control on, once."""

import asyncio
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiokafka.admin import AIOKafkaAdminClient

from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor

from ..parties import Data, Party, as_json, case_of, event_headers
from ..support import DIRECTORY, LANES, Router
from ..timing import Time, events, eventually, grey, limit, opening, value
from ..timing import case_of as case_in

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]


def year_2027(folder: Path, name: str, new_year: str, work: tuple[str, ...] = ()) -> Path:
    """A made-up notice for 2027; only New Year differs from one to another."""
    rest = {
        "元旦": new_year,
        "春节": "2027-02-05/2027-02-11",
        "清明节": "2027-04-05",
        "劳动节": "2027-05-01/2027-05-05",
        "端午节": "2027-06-09",
        "中秋节": "2027-09-15",
        "国庆节": "2027-10-01/2027-10-07",
    }
    festivals: list[Data] = [
        {"name": festival, "text": "见测试通知", "rest": days, "by_hand": True} for festival, days in rest.items()
    ]
    festivals[0]["work"] = list(work)
    notice = {"number": "国办发明电〔2026〕9号", "date": "2026-11-04", "title": "测试用通知", "festivals": festivals}
    path = folder / name
    path.write_text(yaml.safe_dump({"year": 2027, "notices": [notice]}, allow_unicode=True))
    return path


def with_a_branch(folder: Path) -> Path:
    """The directory with another hall, its committee, and a unit with a window there."""
    directory = yaml.safe_load(DIRECTORY.read_text())
    directory["version"] = "tests-2"
    directory["centres"].append({**directory["centres"][0], "id": "branch"})
    directory["units"].append({"orgCode": "NEWCOMER", "name": "丙局", "areaCode": "350100", "centre": "branch"})
    tiers = ["clerk", "reviewer", "decision_maker"]
    directory["parties"] += [
        {"id": "newcomer", "name": "丙局系统", "speaksFor": [{"units": ["NEWCOMER"], "tiers": tiers}]},
        {"id": "branch-committee", "name": "分中心管委会系统", "committeeOf": ["branch"]},
    ]
    path = folder / "directory.yaml"
    path.write_text(yaml.safe_dump(directory, allow_unicode=True))
    return path


async def propose(router: Router, cases: list[Data]) -> None:
    """Send openings as fast as they go, and wait until the router has dealt with them."""
    async with Party(router.stack.bootstrap, router.prefix, "windows") as windows:
        topic = f"{router.prefix}window.refusals.windows"
        sent = [
            await windows._producer.send(
                topic,
                key=case_of(data).encode(),
                value=as_json(data),
                headers=event_headers("refusal.proposed", f"w.{data['refusalId']}"),
            )
            for data in cases
        ]
        await asyncio.gather(*sent)
    wanted = [case_of(data) for data in cases]

    async def there() -> bool:
        found = await value(router, "select count(*) from cases where case_id = any($1::text[])", wanted)
        return bool(found == len(wanted))

    await eventually(there, 60)


async def load(router: Router, what: str, *arguments: object) -> str:
    """`noveto <what> load …`, which must go well."""
    code, out, err = await router.command(what, "load", *map(str, arguments))

    assert (0, "") == (code, err), out
    return out.decode()


async def assert_whole(router: Router) -> None:
    """Journal, topics and filings agree."""
    await router.settled()
    code, out, err = await router.command("verify")

    assert (0, "") == (code, err), out.decode()


@pytest.fixture
async def eve(stack: LocalStack, supervisor: Supervisor, folder: Path, request: pytest.FixtureRequest) -> Any:
    """A router on the eve of a year whose holidays are not announced, with a worker."""
    time = Time.beginning("2026-12-31T09:30", 1.0)
    router = Router(stack, supervisor, folder, request.node.name.removeprefix("test_")[:40], **time.settings)
    await router.prepare()
    worker = await router.worker().ready()
    yield router, worker, time
    worker.stop()


@pytest.mark.rule("R26")
async def test_loaded_year_moves_due_times_and_takes_the_mark_away(eve: Any, tmp_path: Path) -> None:
    """A provisional due time becomes certain, is told once to unit and committee with old and new, and is explained."""
    router, _, time = eve
    data = grey(time)
    case_id = case_of(data)
    async with (
        Party(router.stack.bootstrap, router.prefix, "bureau") as bureau,
        Party(router.stack.bootstrap, router.prefix, "committee") as committee,
    ):
        await propose(router, [data])
        before = limit(await case_in(router, case_id) or {})

        assert ("2027-01-04T09:00:00Z", True) == (before["dueAt"], before["provisional"])

        said = await load(
            router, "calendar", year_2027(tmp_path, "2027.yaml", "2027-01-01/2027-01-04", ("2027-01-09",))
        )

        assert f"{LANES} of {LANES} lanes" in said
        for party in (bureau, committee):
            told = await party.hear(
                lambda heard: heard.data.get("kind") == "limits_moved" and heard.data["limit"] == "approval"
            )

            assert ("2027-01-04T09:00:00Z", "2027-01-05T09:00:00Z") == (
                told.data["previousDueAt"],
                told.data["dueAt"],
            )
            assert told.data.get("provisional") in (None, False)
    after = limit(await case_in(router, case_id) or {})

    assert ("2027-01-05T09:00:00Z", False) == (after["dueAt"], after["provisional"])
    assert before["calendar"] != after["calendar"]
    _, shown, _ = await router.command("case", "show", case_id)
    assert "国办发明电〔2026〕9号" in shown.decode()
    assert "Calendar version: 2027-" in shown.decode()
    again = await load(router, "calendar", tmp_path / "2027.yaml")
    assert "in force already" in again
    amended = await load(router, "calendar", year_2027(tmp_path, "amended.yaml", "2027-01-01/2027-01-03"))
    assert f"{LANES} of {LANES} lanes" in amended

    async def moved_back() -> bool:
        return bool(limit(await case_in(router, case_id) or {})["dueAt"] == "2027-01-04T09:00:00Z")

    await eventually(moved_back)
    assert 2 == len(await events(router, "limits.moved", case_id))
    await assert_whole(router)


@pytest.mark.rule("R26")
async def test_worker_killed_while_limits_are_worked_out_again(eve: Any, tmp_path: Path) -> None:
    """Kill -9 in the middle: every case's limit is moved and told once, none is left behind."""
    router, worker, time = eve
    cases = [grey(time, f"k{number}") for number in range(1600)]
    await propose(router, cases)
    path = year_2027(tmp_path, "2027.yaml", "2027-01-01/2027-01-04", ("2027-01-09",))
    await load(router, "calendar", path, "--wait", "0")

    async def begun() -> bool:
        return bool(await value(router, "select count(*) from journal where version = 2") > 100)

    await eventually(begun)
    worker.kill()
    moved = await value(router, "select count(*) from journal where version = 2")
    worker.start()
    await worker.ready()

    async def done() -> bool:
        left = await value(router, "select count(*) from lanes where recalculate_at is not null")
        return bool(left == 0 and await value(router, "select count(*) from journal where version = 2") >= 1600)

    await eventually(done, 60)
    counted = Counter(fact["caseId"] for fact in await events(router, "limits.moved"))

    assert 100 < moved < 1600
    assert {case_of(data): 1 for data in cases} == counted
    await assert_whole(router)


@pytest.mark.rule("R26")
async def test_opening_hours_are_part_of_the_version(eve: Any, tmp_path: Path) -> None:
    """A centre that closes earlier: the due time moves with it, and the record names another version."""
    router, _, time = eve
    data = opening(time)
    await propose(router, [data])
    before = limit(await case_in(router, case_of(data)) or {})
    path = tmp_path / "hall.yaml"
    path.write_text('centre: hall\nopening_hours: ["08:30-12:00", "13:00-16:30"]\n')
    await load(router, "calendar", path)

    async def moved() -> bool:
        return bool(limit(await case_in(router, case_of(data)) or {})["calendar"] != before["calendar"])

    await eventually(moved)
    after = limit(await case_in(router, case_of(data)) or {})
    assert ("2027-01-04T09:00:00Z", "2027-01-04T08:30:00Z") == (before["dueAt"], after["dueAt"])


async def test_directory_is_reloaded_while_the_router_runs(eve: Any, tmp_path: Path) -> None:
    """A mistake is named by its line and changes nothing; a unit added gets its topics, and its first case its tasks."""
    router, _, time = eve
    assert f"\ttests-1\t{LANES} lanes\n" in (await router.command("directory", "list"))[1].decode()
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(
        DIRECTORY.read_text().replace("name: 甲局窗口系统", "nmae: 甲局窗口系统").replace("tests-1", "tests-2")
    )
    code, _, err = await router.command("directory", "load", str(wrong))

    assert 1 == code
    assert f"{wrong}:10: parties.0.nmae" in err
    other = tmp_path / "other.yaml"
    other.write_text(DIRECTORY.read_text().replace("甲局窗口系统", "甲局新窗口系统"))
    code, _, err = await router.command("directory", "load", str(other))
    assert (1, True) == (code, "give this one another version" in err)

    said = await load(router, "directory", with_a_branch(tmp_path))

    assert "window.refusals.newcomer" in said
    assert f"tests-2 follows tests-1: {LANES} of {LANES} lanes" in said
    async with Party(router.stack.bootstrap, router.prefix, "newcomer") as newcomer:
        data = opening(time, "first", orgCode="NEWCOMER")
        await newcomer.say("refusal.proposed", data)
        task = await newcomer.hear(lambda heard: heard.type == "task.opened", 60)

    assert "NEWCOMER-first" == task.data["caseId"]
    body = await value(router, "select body from journal where case_id = 'NEWCOMER-first' and version = 1")
    assert "tests-2" == json.loads(body)["versions"]["directory"]
    await assert_whole(router)


async def test_the_topics_of_a_loaded_directory_count_not_those_of_the_file(eve: Any, tmp_path: Path) -> None:
    """A party came by `directory load`, and NOVETO_DIRECTORY still has the older file: its topics are listed, missed and made."""
    router, *_ = eve
    await load(router, "directory", with_a_branch(tmp_path))
    newcomers = f"{router.prefix}window.refusals.newcomer"
    admin = AIOKafkaAdminClient(bootstrap_servers=router.stack.bootstrap)
    await admin.start()
    try:
        await admin.delete_topics([newcomers])
    finally:
        await admin.close()
    listed = await router.command("topics", "list")
    of_the_file = await router.command("topics", "list", str(DIRECTORY))
    missed = await router.command("topics", "verify")
    made = await router.command("topics", "create")

    assert newcomers in listed[1].decode()
    assert newcomers not in of_the_file[1].decode()
    assert (1, f"{newcomers}: topic is missing, should be there\n") == (missed[0], missed[1].decode())
    assert f"1 topics created on {router.stack.bootstrap}.\n" == made[1].decode()
    assert {"By the directory tests-2 in force.\n"} == {listed[2], missed[2], made[2]}


async def test_what_has_open_cases_stays_in_the_directory(eve: Any, tmp_path: Path) -> None:
    """A directory without a unit that has open cases is refused: nobody would have its tasks."""
    router, _, time = eve
    await propose(router, [opening(time)])
    directory = yaml.safe_load(DIRECTORY.read_text())
    directory["version"] = "tests-2"
    directory["units"] = [unit for unit in directory["units"] if unit["orgCode"] != "BUREAU"]
    directory["parties"] = [party for party in directory["parties"] if party["id"] not in ("windows", "bureau")]
    path = tmp_path / "directory.yaml"
    path.write_text(yaml.safe_dump(directory, allow_unicode=True))
    code, _, err = await router.command("directory", "load", str(path))

    assert (1, True) == (code, "open cases of unit BUREAU" in err)


@pytest.mark.rule("R26")
async def test_a_rebuilt_database_decides_by_the_calendar_that_was_loaded(eve: Any, tmp_path: Path) -> None:
    """What `case.events` says of calendars is enough: limits as they had been moved, and the next case by the loaded year."""
    router, worker, time = eve
    cases = [grey(time, f"r{number}") for number in range(20)]
    await propose(router, cases)
    await load(router, "calendar", year_2027(tmp_path, "2027.yaml", "2027-01-01/2027-01-04", ("2027-01-09",)))
    await assert_whole(router)
    before = {case_of(data): await case_in(router, case_of(data)) for data in cases}
    in_force = await value(router, "select array_agg(calendar_version order by lane) from lanes")
    worker.stop()
    await router.lose_database()
    code, _, err = await router.command("rebuild", "--from-events")
    assert (0, "") == (code, err)

    assert before == {case_of(data): await case_in(router, case_of(data)) for data in cases}
    assert in_force == await value(router, "select array_agg(calendar_version order by lane) from lanes")
    await router.worker("rebuilt").ready()
    data = grey(time, "next")
    await propose(router, [data])
    found = limit(await case_in(router, case_of(data)) or {})
    assert ("2027-01-05T09:00:00Z", False) == (found["dueAt"], found["provisional"])
    await assert_whole(router)
