"""The sample day is data; here it is held against the contracts, the directory, the opinion and the core."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

import deploy
from deadlines import DEFAULT_HOURS, shipped_calendar
from deploy.demo.cast import cast, pace_of, plays
from deploy.demo.filings import Filings
from deploy.demo.party.lines import Lines
from deploy.demo.party.moments import filled
from deploy.demo.script import Day, DayCase, Said, ScriptError, Step, UnitDay, load_day
from router.authority import may_say
from router.case import AtGovernment, Case, Closed
from router.context import Command, Context, WorkingTime
from router.decide import decide
from router.evolve import evolve
from router.policy import DEFAULT_POLICY
from topics.directory import Directory
from topics.events import CaseDecided, Rejection
from topics.inbound import INBOUND, GuidanceGiven, Inbound, RefusalProposed, RefusalReported, TierDecided
from topics.registry import Family
from topics.vocabulary import FastResponseGround, Outcome, RequestKind, Situation, Tier

SAMPLE = Path(deploy.__file__).parent / "sample"
MONDAY_MORNING = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
Scene = tuple[UnitDay, DayCase]


@pytest.fixture(scope="module")
def directory() -> Directory:
    return Directory.model_validate(yaml.safe_load((SAMPLE / "directory.yaml").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def day() -> Day:
    return load_day(SAMPLE / "day")


@pytest.fixture(scope="module")
def context(directory: Directory) -> Context:
    time = WorkingTime(shipped_calendar(), DEFAULT_HOURS)
    return Context(
        now=MONDAY_MORNING,
        directory=directory,
        policy=DEFAULT_POLICY,
        working_time={centre.id: time for centre in directory.centres},
        precedents={},
    )


def message(unit: UnitDay, case: DayCase, said: Said, **more: Any) -> Inbound:
    """What the script says, as the contracts read it."""
    opens = "askedAt" in said.data
    about = {"orgCode": unit.org_code, "refusalId": case.id} if opens else {"caseId": f"{unit.org_code}-{case.id}"}
    return INBOUND[said.type].model_validate(filled(said.data, MONDAY_MORNING) | about | more)


def messages(unit: UnitDay, case: DayCase) -> list[Inbound]:
    """Every message about the case."""
    return [message(unit, case, said) for said in unit.all_said(case)]


def proposals(day: Day) -> Iterator[tuple[DayCase, RefusalProposed]]:
    """The refusals that clerks propose."""
    for unit, case in day.scenes:
        opening = messages(unit, case)[0]
        if isinstance(opening, RefusalProposed):
            yield case, opening


def test_the_day_is_long_and_broad_enough(day: Day) -> None:
    """Thirty-six refusals or more, six units or more, every situation of both kinds of request, every ground."""
    proposed = [opening for _, opening in proposals(day)]

    assert len(proposed) >= 36
    assert len({opening.org_code for opening in proposed}) >= 6
    assert set(Situation) == {opening.situation for opening in proposed}
    assert set(RequestKind) == {opening.request_kind for opening in proposed}
    assert set(FastResponseGround) == {ground for opening in proposed for ground in opening.fast_response_grounds}


def test_every_outcome_happens_and_every_tier_says_yes(day: Day) -> None:
    """All seven outcomes; an acceptance, plain or with supplements, at each tier."""
    outcomes = Counter(case.outcome for _, case in day.scenes if case.outcome)
    last_steps = {(case.outcome, case.steps[-1].tier) for _, case in day.scenes if case.steps}

    assert set(Outcome) == set(outcomes)
    for tier in Tier:
        assert (Outcome.ACCEPTED, tier) in last_steps
        assert (Outcome.ACCEPTED_WITH_SUPPLEMENTS, tier) in last_steps


def test_every_way_through_the_tiers_is_gone(day: Day) -> None:
    """Returned and supplied, returned by the decision-maker, overturned, guided, withdrawn, reported, late, with a deputy."""
    all_said = [said for unit, case in day.scenes for said in messages(unit, case)]
    acts = {(str(said.tier), said.decision.action) for said in all_said if isinstance(said, TierDecided)}

    assert {
        ("clerk", "accept"),
        ("clerk", "accept_with_supplements"),
        ("clerk", "guide"),
        ("reviewer", "accept"),
        ("reviewer", "accept_with_supplements"),
        ("reviewer", "return"),
        ("reviewer", "escalate"),
        ("reviewer", "guide"),
        ("reviewer", "redirect"),
        ("reviewer", "require_supplements"),
        ("decision_maker", "accept"),
        ("decision_maker", "accept_with_supplements"),
        ("decision_maker", "return"),
        ("decision_maker", "redirect"),
        ("decision_maker", "refuse"),
        ("decision_maker", "require_supplements"),
    } <= acts
    assert {model.TYPE for model in (RefusalProposed, RefusalReported, GuidanceGiven)} <= {s.TYPE for s in all_said}
    assert {"refusal.supplied", "case.withdrawn", "reply.delivered"} <= {said.TYPE for said in all_said}
    assert any(case.asked > DEFAULT_POLICY.late_filing_minutes for case, _ in proposals(day))
    assert any(said.actor.acting_for for said in all_said if isinstance(said, TierDecided))


@pytest.mark.rule("R03")
def test_every_refusal_carries_what_it_owes(day: Day) -> None:
    """Legal basis, explanation and who answers in person; a document number for an application, none for a demand."""
    refusals = 0
    for unit, case in day.scenes:
        for step in (step for step in case.steps if step.decision and step.decision["action"] == "refuse"):
            refusals += 1
            decision = step.decision or {}

            assert decision["legalBasis"], case.id
            assert decision["explanation"], case.id
            assert decision["inPerson"]["required"] in (True, False), case.id
            assert ("documentNumber" in decision) == (unit.opening(case).data["requestKind"] == "application"), case.id
    assert refusals >= 10


def test_document_numbers_stand_once(day: Day) -> None:
    """Two notices never have one number."""
    decisions = [step.decision for _, case in day.scenes for step in case.steps if step.decision]
    numbers = [decision["documentNumber"] for decision in decisions if "documentNumber" in decision]

    assert len(set(numbers)) == len(numbers)


@pytest.mark.rule("R36")
def test_the_same_situation_has_the_same_result(day: Day) -> None:
    """However often the day is repeated, no case departs from a line that the day itself settled."""
    results: dict[tuple[str, str, str | None], set[Outcome | None]] = {}
    for case, opening in proposals(day):
        kind = (opening.matter.task_code, str(opening.situation), opening.ground_code)
        results.setdefault(kind, set()).add(case.outcome)

    assert [kind for kind, outcomes in results.items() if len(outcomes) > 1] == []


def test_laws_are_cited_by_name_and_article(day: Day) -> None:
    """《…》 and 第…条, so that an applicant can look it up."""
    cited = [basis for _, opening in proposals(day) for basis in opening.legal_basis]
    cited += [
        basis
        for unit, case in day.scenes
        for said in messages(unit, case)
        if isinstance(said, TierDecided) and said.decision.action == "refuse"
        for basis in said.decision.legal_basis
    ]

    assert cited
    for basis in cited:
        assert basis.law.startswith("《"), basis
        assert basis.law.endswith("》"), basis
        assert basis.article.startswith("第"), basis


def test_each_party_may_say_what_it_says(day: Day, directory: Directory) -> None:
    """Every message comes from the party that speaks for its unit and tier, on that party's own topic."""
    for unit, case in day.scenes:
        for said in messages(unit, case):
            tier = said.tier if isinstance(said, TierDecided) else Tier.CLERK
            family = Family.WINDOW_REFUSALS if tier is Tier.CLERK else Family.TIER_DECISIONS
            party = case.opening.get("party") or directory.speaker(unit.org_code, tier)
            if not isinstance(said, RefusalReported):
                party = directory.speaker(unit.org_code, tier)

            assert party is not None
            assert may_say(directory, party, family, said) is None, (case.id, said.TYPE)


def test_departments_and_government_may_say_what_they_say(day: Day, directory: Directory) -> None:
    """Two departments or more are asked on the day, and the government decides at least once (R14, R15)."""
    answered: set[str] = set()
    ruled = 0
    for unit, case in day.scenes:
        for opinion in case.opinions:
            party = directory.consulted_party(opinion.org_code)
            said = message(unit, case, unit.opinion(opinion))
            answered.add(opinion.org_code)

            assert party is not None
            assert may_say(directory, party, Family.CONSULTATION_REPLIES, said) is None, case.id
        if case.government is not None:
            said = message(unit, case, unit.ruling(case.government))
            ruled += 1

            assert may_say(directory, "fz-government", Family.GOVERNMENT_DECISIONS, said) is None, case.id

    assert len(answered) >= 2
    assert ruled >= 1


def test_only_listed_supplements_are_accepted_by_clerks(day: Day, directory: Directory) -> None:
    """The lists of the directory name the matters and the documents that the day uses (R12)."""
    for unit, case in day.scenes:
        known = directory.unit(unit.org_code)
        assert known is not None
        codes = {matter.task_code for matter in unit.matters.values()}
        for step in case.steps:
            if step.decision and step.decision["action"] == "accept_with_supplements":
                listed = known.policy.supplements_allowed[unit.opening(case).data["matter"]["taskCode"]]
                assert {item["item"] for item in step.decision["due"]["supplements"]} <= set(listed), case.id
        if unit.cases[0].opening.get("type") != RefusalReported.TYPE:
            assert set(known.policy.supplements_allowed) <= codes


def test_an_applicant_stands_in_the_opening_alone(day: Day) -> None:
    """No name, number, phone or address of any applicant appears anywhere else in what the day says."""
    said_elsewhere = ""
    personal: set[str] = set()
    for unit, case in day.scenes:
        personal |= {value for key, value in case.applicant.items() if key != "idType"}
        for said in unit.all_said(case):
            data = {key: value for key, value in said.data.items() if key != "applicant"}
            said_elsewhere += json.dumps(data, ensure_ascii=False)

    assert len(personal) > 3 * day.counted
    assert sorted(value for value in personal if value in said_elsewhere) == []


def test_applicants_are_made_up(day: Day) -> None:
    """Well-formed, and nobody's: an area code never given out, a phone prefix never given out, one person a case."""
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    names = [case.applicant["name"] for _, case in day.scenes]
    phones = [case.applicant["phone"] for _, case in day.scenes]

    assert len(set(names)) == len(names)
    assert len(set(phones)) == len(phones)
    assert all(phone.startswith("120") and len(phone) == 11 for phone in phones)
    for number in (case.applicant["idNumber"] for _, case in day.scenes if "idNumber" in case.applicant):
        check = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True)) % 11
        assert number.startswith("350199")
        assert number[17] == "10X98765432"[check], number


@pytest.mark.rule("R02")
def test_the_core_brings_every_case_to_its_end(day: Day, context: Context) -> None:
    """Each case, told step by step as its parties would, is never turned away and ends as the day says."""
    for unit, case in day.scenes:
        ended, decided = _play(unit, case, context)
        if case.outcome is None:
            assert ended.headless
            continue

        assert isinstance(ended.stage, Closed), case.id
        assert ended.stage.outcome is case.outcome, case.id
        assert decided == 1, case.id
        assert ended.replies[-1].delivered, case.id


def _play(unit: UnitDay, case: DayCase, context: Context) -> tuple[Case, int]:
    """The case at its end, and how many times it was decided."""
    state, decided = _told(None, message(unit, case, unit.opening(case)), context, case)
    for step in case.steps:
        more = {}
        if step.needs_task:
            tasks = [task.task_id for task in state.tasks if task.tier is step.tier]
            # Asking departments leaves the review open; their opinions come with a task of their own.
            assert len(tasks) == (2 if state.consultations and step.tier is Tier.REVIEWER else 1), (case.id, step)
            more = {"taskId": tasks[-1]}
        state, decisions = _told(state, message(unit, case, unit.step(step), **more), context, case)
        decided += decisions
        state, decisions = _responded(state, unit, case, step, context)
        decided += decisions
    if case.delivery:
        more = {"replyId": state.replies[-1].reply_id}
        if state.replies[-1].in_person:
            more["explainedBy"] = ((case.steps[-1].decision or {}).get("inPerson") or {})["by"]
        state, _ = _told(state, message(unit, case, unit.delivery(case), **more), context, case)
    return state, decided


def _responded(state: Case, unit: UnitDay, case: DayCase, step: Step, context: Context) -> tuple[Case, int]:
    """What departments and government answer to a step that asks them."""
    decided = 0
    action = (step.decision or {}).get("action")
    if action == "consult":
        asked = {one.request.question.org_code: one.request.request_id for one in state.consultations}
        assert {opinion.org_code for opinion in case.opinions} == set(asked), case.id
        for opinion in case.opinions:
            said = message(unit, case, unit.opinion(opinion), requestId=asked[opinion.org_code])
            state, _ = _told(state, said, context, case)
    if action == "refer":
        assert case.government is not None, case.id
        assert isinstance(state.stage, AtGovernment), case.id
        said = message(unit, case, unit.ruling(case.government), referralId=state.stage.referral_id)
        state, decided = _told(state, said, context, case)
    return state, decided


def _told(state: Case | None, said: Inbound, context: Context, case: DayCase) -> tuple[Case, int]:
    command = Command(said.about, said, context.now + timedelta(seconds=1), party="window")
    events = decide(state, command, context)
    assert not isinstance(events, Rejection), (case.id, said.TYPE, events)
    for event in events:
        state = evolve(state, said.about, event)
    assert state is not None
    return state, sum(isinstance(event, CaseDecided) for event in events)


def test_a_mistake_in_the_day_is_named(tmp_path: Path) -> None:
    """File, case and field, as whoever edits the day needs them."""
    good = (SAMPLE / "day" / "weather.yaml").read_text(encoding="utf-8")
    (tmp_path / "weather.yaml").write_text(good.replace("situation: out_of_scope", "situation: never_heard_of"))

    with pytest.raises(ScriptError, match=r"weather\.yaml: weather01: (.|\n)*situation"):
        load_day(tmp_path)


def test_two_cases_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    """A case's name is how its answers are found."""
    good = (SAMPLE / "day" / "weather.yaml").read_text(encoding="utf-8")
    (tmp_path / "a.yaml").write_text(good)
    (tmp_path / "b.yaml").write_text(good)

    with pytest.raises(ScriptError, match="weather01, weather02, weather03 stands twice"):
        load_day(tmp_path)


def test_an_unknown_person_is_a_mistake(tmp_path: Path) -> None:
    """A step by somebody whom the unit does not have."""
    good = (SAMPLE / "day" / "weather.yaml").read_text(encoding="utf-8")
    broken = yaml.safe_load(good)
    broken["cases"][0]["steps"][0]["by"] = "nobody"
    (tmp_path / "weather.yaml").write_text(yaml.safe_dump(broken, allow_unicode=True))

    with pytest.raises(ScriptError, match="weather01: nobody and nothing is called 'nobody'"):
        load_day(tmp_path)


@pytest.mark.parametrize("count", [1, 40, 200])
def test_the_day_is_repeated_as_often_as_it_takes(day: Day, directory: Directory, count: int) -> None:
    """So many cases that count, each opened once by a party that may, every notice with a number of its own."""
    chosen = plays(day, count, "20261123090000")
    pace = pace_of(1, chosen)
    actors = cast(chosen, directory, pace, pace.clock(MONDAY_MORNING))
    openings = [
        (case_id, lines.opening)
        for party in actors.lines
        for case_id, lines in party.cases.items()
        if lines.opening is not None
    ]
    answers = [given for party in actors.lines for case in party.cases.values() for given in case.answers.values()]
    decisions = [line.data["decision"] for given in answers for line in given if "decision" in line.data]
    numbers = [decision["documentNumber"] for decision in decisions if "documentNumber" in decision]

    assert len(set(actors.cases)) == count
    assert len({case_id for case_id, _ in openings}) == len(openings) == len(chosen)
    assert set(actors.cases) <= {case_id for case_id, _ in openings}
    for case_id, opening in openings:
        message = INBOUND[opening.type].model_validate(filled(opening.data, MONDAY_MORNING))
        assert message.about == case_id
    assert len(set(numbers)) == len(numbers)


def test_a_party_reads_back_what_it_was_told(day: Day, directory: Directory, tmp_path: Path) -> None:
    """The file that a party gets says the same as what was cut for it, and is for its owner alone."""
    chosen = plays(day, day.counted, "20261123090000")
    pace = pace_of(600, chosen)
    actors = cast(chosen, directory, pace, pace.clock(MONDAY_MORNING))

    for lines in actors.lines:
        path = tmp_path / lines.party
        lines.save(path)
        assert Lines.load(path) == lines
        assert path.stat().st_mode & 0o077 == 0


def test_a_party_knows_nothing_of_the_router() -> None:
    """Its process imports none of the router's packages, nor the contracts: only topics' names and JSON reach it."""
    program = "import sys, deploy.demo.party.software, deploy.demo.party.__main__; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout.split()

    assert {name.split(".")[0] for name in loaded} & {"router", "consumers", "topics", "deadlines", "metrics"} == set()


def test_moments_are_filled_in_when_something_is_said() -> None:
    """`$today` is the day in Fuzhou; whatever is no moment stays as it is."""
    late = datetime(2026, 11, 23, 16, 30, tzinfo=UTC)
    told = {"at": "$now", "asked": "$now-180", "dates": ["$today+7"], "text": "$now or never", "number": 1}

    assert filled(told, late) == {
        "at": "2026-11-23T16:30:00+00:00",
        "asked": "2026-11-23T16:27:00+00:00",
        "dates": ["2026-12-01"],
        "text": "$now or never",
        "number": 1,
    }


@pytest.mark.rule("R32")
def test_the_verdict_counts_heads_and_tails() -> None:
    """One of each a case is good; a missing one is lost, a second one a duplicate, another case's unexpected."""
    counted = Filings(["U-run-a01-r1", "U-run-b01-r1"], "run")
    for number, (kind, case_id) in enumerate(
        [("filing.head", "U-run-a01-r1"), ("filing.tail", "U-run-a01-r1"), ("filing.head", "U-run-b01-r1")]
    ):
        counted.receive(str(number), kind, case_id, {"outcome": "accepted"})

    half = counted.verdict(1.0)
    assert (half.good, half.lost, half.missing) == (False, 1, ("U-run-b01-r1: 1 head, 0 tail",))
    assert not counted.complete

    counted.receive("3", "filing.tail", "U-run-b01-r1", {"outcome": "refused"})
    counted.receive("4", "filing.progress", "U-run-b01-r1", {})
    counted.receive("5", "filing.head", "U-earlier-a01-r1", {})
    assert counted.complete
    assert counted.verdict(1.04).good
    assert counted.verdict(1.04).as_json() == {
        "cases": 2,
        "closed": 2,
        "heads": 2,
        "tails": 2,
        "lost": 0,
        "duplicates": 0,
        "seconds": 1.0,
    }

    counted.receive("3", "filing.tail", "U-run-b01-r1", {"outcome": "refused"})
    counted.receive("4", "filing.progress", "U-run-b01-r1", {})
    counted.receive("6", "filing.head", "U-run-c01-r1", {})
    bad = counted.verdict(1.0)
    assert (bad.good, bad.duplicates, bad.unexpected) == (False, 2, ("U-run-c01-r1",))
