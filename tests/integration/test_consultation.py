"""Departments, committee and government, end to end: each an ordinary client, on a real broker and a real database."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import yaml

from deploy.local import LocalStack
from deploy.local.supervisor import Supervisor

from ..departments import DIRECTORY, consult, instruct, opinion, refer, ruling
from ..parties import (
    APPLICANT,
    DECIDER,
    REVIEWER,
    Data,
    Heard,
    Party,
    accept,
    case_of,
    decided,
    escalate,
    refusal,
    refuse,
)
from ..support import Router

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

# A Monday at nine: the halls are open for as long as the tests take, a minute of theirs in a second.
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
SPEED = 60
# Working hours that a department has to answer: half a minute of ours.
CONSULTATION_HOURS = 0.5

Parties = Callable[[str], Awaitable[Party]]


@pytest.fixture(scope="module")
def wide(stack: LocalStack, supervisor: Supervisor, folder: Path) -> Iterator[Router]:
    """A router for two halls, whose departments have half a minute to answer."""
    policy = folder / "policy.yaml"
    policy.write_text(f"version: impatient-1\nconsultationHours: {CONSULTATION_HOURS}\n")
    router = Router(
        stack,
        supervisor,
        folder,
        "wide",
        directory=DIRECTORY,
        policy=policy,
        clock_speed=SPEED,
        clock_origin=datetime.now(UTC).isoformat(),
        clock_start=START.isoformat(),
    )
    asyncio.run(router.prepare())
    worker = router.worker().wait_ready()
    yield router
    worker.stop()


@pytest.fixture
async def party(wide: Router) -> AsyncIterator[Parties]:
    """Parties by name."""
    entered: dict[str, Party] = {}

    async def enter(name: str) -> Party:
        if name not in entered:
            also = (f"{wide.prefix}committee.filings.harbour",) if name == "harbour-committee" else ()
            entered[name] = await Party(wide.stack.bootstrap, wide.prefix, name, also).__aenter__()
        return entered[name]

    yield enter
    for one in entered.values():
        await one.__aexit__()


def domain_now(wide: Router) -> str:
    """What the clock in the hall shows."""
    origin = wide.settings.clock_origin
    assert origin is not None
    return (START + (datetime.now(UTC) - origin) * SPEED).isoformat()


async def reviewed(wide: Router, windows: Party, bureau: Party, **changes: Any) -> tuple[str, str]:
    """A case at its reviewer: its id and the review's task."""
    opening = refusal(askedAt=domain_now(wide), **changes)
    await windows.say("refusal.proposed", opening)
    task = await bureau.task(case_of(opening), "reviewer")
    return case_of(opening), task.data["taskId"]


async def answer(department: Party, request: Heard, org_code: str, what: str, reason: str, **more: Any) -> None:
    said = opinion(request.data, org_code, what, reason, **more)
    await department.say("consultation.replied", said, family="consultation.replies")


def of_case(case_id: str, record_type: str, /, **fields: Any) -> Callable[[Heard], bool]:
    """A record of that case and type, with these fields in it."""
    return lambda heard: (
        heard.type == record_type
        and heard.data.get("caseId") == case_id
        and all(heard.data.get(name) == value for name, value in fields.items())
    )


async def record(wide: Router, case_id: str) -> list[Data]:
    """The case's facts, as the journal has them."""
    connection = await asyncpg.connect(wide.superuser_dsn)
    rows = await connection.fetch(
        "select body from journal where case_id = $1 and version is not null order by version", case_id
    )
    await connection.close()
    return [json.loads(row["body"])["event"] for row in rows]


@pytest.mark.rule("R14")
async def test_one_department_objects_one_hands_over_and_one_is_silent(wide: Router, party: Parties) -> None:
    """Opinions arrive one by one, silence is recorded as silence, conflict is shown; late and corrected answers count."""
    windows, bureau, committee = await party("windows"), await party("bureau"), await party("committee")
    water, fire, roads, heritage = [await party(name) for name in ("water", "fire", "roads", "heritage")]
    case_id, task_id = await reviewed(wide, windows, bureau)
    await bureau.say(
        "tier.decided",
        consult(case_id, task_id, WATER="是否影响行洪？", FIRE="通道是否够宽？", HERITAGE="是否在保护范围内？"),
    )
    asked = {
        name: await department.hear(of_case(case_id, "consultation.requested"))
        for name, department in (("water", water), ("fire", fire), ("heritage", heritage))
    }
    for request in asked.values():
        assert not [value for name, value in APPLICANT.items() if name != "idType" and value in str(request.data)]
        assert request.data["dueAt"] is not None

    # One objects: the reviewer reads it as it arrives.
    await answer(water, asked["water"], "WATER", "object", "位于行洪通道内。")
    first = await bureau.hear(of_case(case_id, "opinion.forwarded"))

    assert ("WATER", "object", False, 2) == (
        first.data["opinion"]["orgCode"],
        first.data["opinion"]["answer"],
        first.data["corrected"],
        first.data["awaited"],
    )
    # One hands over, once; the competent one is asked and agrees.
    await answer(fire, asked["fire"], "FIRE", "not_competent", "属于道路宽度问题。", handOverTo="ROADS")
    passed = await roads.hear(of_case(case_id, "consultation.requested"))

    assert "FIRE" == passed.data["handedOverFrom"]
    sent = await roads.say(
        "consultation.replied",
        opinion(passed.data, "ROADS", "not_competent", "再转。", handOverTo="PARKS"),
        family="consultation.replies",
    )

    assert (await roads.answer_to(sent)).rejection["code"] in ("handed_over_once", "unknown_department")
    await answer(roads, passed, "ROADS", "agree", "道路宽度满足要求。")
    # One is silent: at its limit that is recorded, told to all three, and the asker gets the summary.
    for hears in (bureau, committee, heritage):
        await hears.hear(of_case(case_id, "deadline.alert", kind="consultation_silent"), 60)
    summary = await bureau.hear(of_case(case_id, "task.opened", kind="opinions_in"), 60)
    said = {one["orgCode"]: (one.get("answer"), one["silent"]) for one in summary.data["opinions"]}

    assert {
        "WATER": ("object", False),
        "FIRE": ("not_competent", False),
        "ROADS": ("agree", False),
        "HERITAGE": (None, True),
    } == said
    assert summary.data["opinionsConflict"] is True
    assert summary.data["tier"] == "reviewer"
    # Late, and corrected, until the decision.
    await answer(heritage, asked["heritage"], "HERITAGE", "agree", "不在保护范围内。")
    late = await bureau.hear(
        lambda heard: of_case(case_id, "opinion.forwarded")(heard) and heard.data["opinion"]["orgCode"] == "HERITAGE"
    )

    assert (False, 0) == (late.data["corrected"], late.data["awaited"])
    await answer(water, asked["water"], "WATER", "agree", "核对红线后不在行洪通道内。")
    corrected = await bureau.hear(of_case(case_id, "opinion.forwarded", corrected=True))

    assert ("WATER", "agree") == (corrected.data["opinion"]["orgCode"], corrected.data["opinion"]["answer"])
    await bureau.say("tier.decided", accept(case_id, summary.data["taskId"]))
    tail = await committee.hear(of_case(case_id, "filing.tail"))

    assert "accepted" == tail.data["outcome"]
    # After the decision an opinion changes nothing, and its sender is told.
    sent = await fire.say(
        "consultation.replied",
        opinion(asked["fire"].data, "FIRE", "object", "迟到的意见。"),
        family="consultation.replies",
    )

    assert "request_over" == (await fire.answer_to(sent)).rejection["code"]
    facts = await record(wide, case_id)

    assert {"WATER", "FIRE", "ROADS", "HERITAGE"} == {
        fact["orgCode"] for fact in facts if fact["type"] in ("opinion.given", "consultation.closed")
    }
    assert ["HERITAGE"] == [fact["orgCode"] for fact in facts if fact["type"] == "consultation.closed"]


@pytest.mark.rule("R15")
@pytest.mark.parametrize("how", ["closes", "directs"])
async def test_the_government_closes_a_case_or_directs_the_unit(wide: Router, party: Parties, how: str) -> None:
    """With opinions in conflict the decision-maker refers; the minutes' number is kept, and no limit stops meanwhile."""
    windows, bureau, committee = await party("windows"), await party("bureau"), await party("committee")
    water, roads, government = await party("water"), await party("roads"), await party("government")
    case_id, task_id = await reviewed(wide, windows, bureau)
    await bureau.say("tier.decided", consult(case_id, task_id, WATER="是否影响行洪？", ROADS="是否占用道路？"))
    for department, org_code, what in ((water, "WATER", "object"), (roads, "ROADS", "agree")):
        request = await department.hear(of_case(case_id, "consultation.requested"))
        await answer(department, request, org_code, what, "意见如下。")
    summary = await bureau.hear(of_case(case_id, "task.opened", kind="opinions_in"))
    await bureau.say("tier.decided", escalate(case_id, summary.data["taskId"]))
    decision = await bureau.task(case_id, "decision_maker")

    assert decision.data["opinionsConflict"] is True
    await bureau.say("tier.decided", refer(case_id, decision.data["taskId"]))
    referral = await government.hear(of_case(case_id, "government.referred"))

    assert {"WATER": "object", "ROADS": "agree"} == {one["orgCode"]: one["answer"] for one in referral.data["opinions"]}
    assert decision.data["approvalDueAt"] == referral.data["approvalDueAt"]
    minutes = f"〔2026〕{case_id[-3:]}号"
    ruled: Data = {"action": "accept"} if how == "closes" else {"action": "direct", "direction": "按容缺受理办理。"}
    await government.say("government.decided", ruling(referral.data, minutes, ruled), family="government.decisions")
    if how == "directs":
        directed = await bureau.hear(
            lambda heard: (
                of_case(case_id, "task.opened", tier="decision_maker")(heard)
                and heard.data["taskId"] != decision.data["taskId"]
            )
        )

        assert "按容缺受理办理。" == directed.data["question"]
        take = decided(case_id, directed.data["taskId"], "decision_maker", DECIDER, {"action": "accept"})
        await bureau.say("tier.decided", take)
    tail = await committee.hear(of_case(case_id, "filing.tail"))

    assert "accepted" == tail.data["outcome"]
    assert [minutes] == [
        fact["minutesNumber"] for fact in await record(wide, case_id) if fact["type"] == "government.ruled"
    ]


async def test_only_the_government_of_the_area_decides(wide: Router, party: Parties) -> None:
    """Its party speaks for one area: a case of the harbour's hall is none of its business."""
    government = await party("government")
    said = ruling({"caseId": "HARBOUR-x1", "referralId": "HARBOUR-x1.3.referral"}, "〔2026〕1号", {"action": "accept"})
    sent = await government.say("government.decided", said, family="government.decisions")

    assert "party_may_not" == (await government.answer_to(sent)).rejection["code"]


@pytest.mark.rule("R37")
async def test_the_committee_urges_and_the_unit_answers(wide: Router, party: Parties) -> None:
    """The unit gets a task for it, the committee the answer; the case goes on as if nothing had been said."""
    windows, bureau, committee = await party("windows"), await party("bureau"), await party("committee")
    case_id, task_id = await reviewed(wide, windows, bureau)
    answered: set[str] = set()
    for kind in ("urge", "question", "convene"):
        await committee.say(
            "committee.instructed", instruct(case_id, kind, "请说明进展。"), family="committee.instructions"
        )
        task = await bureau.hear(
            lambda heard: (
                of_case(case_id, "task.opened", kind="answer_instruction")(heard)
                and heard.data["taskId"] not in answered
            )
        )
        instruction = task.data["taskId"]
        answered.add(instruction)
        reply = {"action": "answer_instruction", "instructionId": instruction, "answer": "正在审核。"}
        await bureau.say("tier.decided", decided(case_id, None, "reviewer", REVIEWER, reply))
        told = await committee.hear(of_case(case_id, "filing.progress", instructionId=instruction))

        assert "instruction_answered" == told.data["what"]
        assert "正在审核。" in told.data["text"]
    await bureau.say("tier.decided", accept(case_id, task_id))
    tail = await committee.hear(of_case(case_id, "filing.tail"))

    assert "accepted" == tail.data["outcome"]


@pytest.mark.rule("R37")
async def test_each_committee_has_its_own_hall(wide: Router, party: Parties) -> None:
    """Two halls side by side: each committee is told of its own cases, and instructs no other's units."""
    windows, bureau, port = await party("windows"), await party("bureau"), await party("port")
    hall = await Party(
        wide.stack.bootstrap, wide.prefix, "hall-reader", (f"{wide.prefix}committee.filings.hall",)
    ).__aenter__()
    harbour = await party("harbour-committee")
    here, _ = await reviewed(wide, windows, bureau)
    there, _ = await reviewed(wide, port, port, orgCode="HARBOUR")
    for committee, own, centre in ((hall, here, "hall"), (harbour, there, "harbour")):
        head = await committee.hear(of_case(own, "filing.head"))

        assert f"{wide.prefix}committee.filings.{centre}" == head.topic
    sent = await harbour.say(
        "committee.instructed", instruct(here, "urge", "请尽快。"), family="committee.instructions"
    )

    assert "party_may_not" == (await harbour.answer_to(sent)).rejection["code"]
    await hall.__aexit__()

    assert not [heard for heard in hall.heard if heard.data.get("caseId") == there]
    assert not [
        heard for heard in harbour.heard if heard.data.get("caseId") == here and heard.type != "command.rejected"
    ]


async def test_a_unit_that_moves_to_another_party_keeps_its_open_cases(
    wide: Router, party: Parties, folder: Path
) -> None:
    """From one command on the new party speaks for it, and the old one no longer; the case goes on where it was."""
    annex, bureau, committee = await party("annex"), await party("bureau"), await party("committee")
    case_id, task_id = await reviewed(wide, annex, annex, orgCode="ANNEX")
    moved = yaml.safe_load(DIRECTORY.read_text())
    moved["version"] = "departments-2"
    parties = {one["id"]: one for one in moved["parties"]}
    speech = parties["annex"].pop("speaksFor")
    parties["annex"]["consultedFor"] = ["ANNEX"]
    parties["bureau"]["speaksFor"] += speech
    file = folder / "moved.yaml"
    file.write_text(yaml.safe_dump(moved, allow_unicode=True))
    code, out, err = await wide.command("directory", "load", str(file))

    assert code == 0, out.decode() + err
    sent = await annex.say("tier.decided", escalate(case_id, task_id))

    assert "party_may_not" == (await annex.answer_to(sent)).rejection["code"]
    await bureau.say("tier.decided", escalate(case_id, task_id))
    decision = await bureau.task(case_id, "decision_maker")
    await bureau.say("tier.decided", refuse(case_id, decision.data["taskId"]))
    tail = await committee.hear(of_case(case_id, "filing.tail"))

    assert "refused" == tail.data["outcome"]


async def test_a_mistake_in_a_directory_is_named_by_its_line_and_changes_nothing(wide: Router, folder: Path) -> None:
    """The one in force stays in force."""
    file = folder / "mistaken.yaml"
    text = DIRECTORY.read_text().replace("consultedFor: [WATER]", "consultedFor: [WATER, LAVA]")
    file.write_text(text.replace("version: departments-1", "version: mistaken-1"))
    before = (await wide.command("directory", "list"))[1]
    code, _, err = await wide.command("directory", "load", str(file))
    line = next(n for n, one in enumerate(text.splitlines(), 1) if "LAVA" in one)

    assert (1, f"Error: {file}:{line}: parties.5.consultedFor.1: party water: no unit LAVA to be consulted for") == (
        code,
        err.strip(),
    )
    assert before == (await wide.command("directory", "list"))[1]
