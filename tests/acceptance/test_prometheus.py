"""A real Prometheus watches two workers and two exporters through a day in which some people do nothing and processes are killed."""

import asyncio
import json
import re
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiokafka import AIOKafkaProducer

from consumers.reference import load_reference
from consumers.settings import Settings
from deadlines import working_seconds_between
from deploy.demo.play import DIRECTORY
from deploy.grafana.boards import BOARDS
from deploy.prometheus import RULES
from router.case import Case
from tests.unit.metrics.promtool import PACKAGES

from ..prometheus import PROGRAM
from .observed_day import ObservedDay, observed_day

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(600),
    pytest.mark.skipif(PROGRAM is None, reason=f"prometheus is not installed: {PACKAGES}"),
]

SPEED = 1500
SILENT = ("labour-system", "fire-system")
CASES = 60
UNIT = "11350100SAMPLE0003"
BUSY_UNIT = "11350100SAMPLE0001"
CENTRE = "fz-shimin"
SHOWN = "12h"
SELECTOR = re.compile(r"(?<![A-Za-z0-9_:])((?:[a-z_]+:)?noveto[a-z0-9_:]*|up)(\{[^}]*\})?")

TRUTH = """
with facts as (
    select case_id, convert_from(body, 'UTF8')::jsonb -> 'event' as event from journal where kind = 'event'
), units as (
    select case_id, event ->> 'orgCode' as unit from facts where event ->> 'type' in ('case.opened', 'guidance.recorded')
)
select unit, case_id, event from facts join units using (case_id)
"""


@dataclass
class Observed:
    """What was seen of the day."""

    facts: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    """(unit, case, event)."""
    cases: list[Case] = field(default_factory=list)
    kinds: dict[str, int] = field(default_factory=dict)
    rejections: dict[tuple[str, str, str], int] = field(default_factory=dict)
    stages: dict[tuple[str, str], int] = field(default_factory=dict)
    series: dict[str, list[tuple[dict[str, str], float]]] = field(default_factory=dict)
    empty: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    alerts: set[str] = field(default_factory=set)
    recorded: dict[str, list[float]] = field(default_factory=dict)
    exposed: list[int] = field(default_factory=list)
    seconds: float = 0.0
    size: int = 0

    def counted(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """A metric's series that are not 0, by some labels."""
        found: Counter[tuple[str, ...]] = Counter()
        for given, value in self.series[name]:
            found[tuple(given[label] for label in labels)] += int(value)
        return {key: value for key, value in found.items() if value}

    def true(self, kind: str, *paths: str) -> dict[tuple[str, ...], float]:
        """Facts of a kind, by unit and some of their fields."""
        return dict(
            Counter(
                (unit, *(str(event.get(path, "not_stated")) for path in paths)) for unit, event in self.of_unit(kind)
            )
        )

    def of(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Facts of a kind, by case."""
        return ((case, event) for _, case, event in self.facts if event["type"] == kind)

    def of_unit(self, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Facts of a kind, by unit."""
        return ((unit, event) for unit, _, event in self.facts if event["type"] == kind)


NAMES = (
    "noveto_refusals_received_total", "noveto_head_filings_total", "noveto_tail_filings_total", "noveto_case_outcomes_total",
    "noveto_deadline_breaches_total", "noveto_deadline_warnings_total", "noveto_deadline_breaches_corrected_total",
    "noveto_deliveries_total", "noveto_escalations_total", "noveto_escalations_corrected_total", "noveto_guidance_given_total",
    "noveto_reviewer_opinions_total", "noveto_cases_returned_total", "noveto_cases_open", "noveto_heads_without_tail",
    "noveto_commands_rejected_total", "noveto_dead_letters_total", "noveto_journal_entries_total", "noveto_unfiled_refusals_total",
    "noveto_late_filings_total", "noveto_declarations_total", "noveto_time_to_outcome_working_seconds_count",
    "noveto_time_to_outcome_working_seconds_sum", "noveto_time_at_tier_working_seconds_count", "noveto_answers_total",
    "noveto_supervision_notices_total", "noveto_interim_answers_total", "noveto_referrals_total", "noveto_instructions_total",
    "noveto_supplements_overdue_total", "noveto_statutory_notices_near_total", "noveto_deemed_accepted_total",
    "noveto_departures_from_precedent_total", "noveto_consultations_asked_total", "noveto_consultations_answered_total",
    "noveto_consultations_unanswered_total", "noveto_consultations_awaited", "noveto_replies_undelivered",
    "noveto_supplements_awaited", "noveto_instructions_unanswered", "noveto_limits_provisional", "noveto_timer_lag_seconds_count",
    "noveto_cases_quarantined",
)  # fmt: skip


@pytest.fixture(scope="module")
def observed() -> Iterator[Observed]:
    """One day for all tests here."""
    folder = Path(tempfile.mkdtemp(prefix="noveto-observed-"))
    folder.chmod(0o755)
    try:
        yield asyncio.run(_observe(folder))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _observe(folder: Path) -> Observed:
    seen = Observed()
    async with observed_day(folder, SPEED) as day:
        await asyncio.gather(*(day.start(name) for name in ("worker-1", "worker-2", "exporter-1")))
        await day.start("exporter-2")
        await day.watch()
        began = time.time()
        await day.play(CASES, SILENT)
        opening = day.clock.start
        await day.until(opening + timedelta(hours=1))
        await _send_nonsense(day)
        await day.until(opening + timedelta(hours=2))
        await day.kill("worker-1")
        await day.kill("exporter-1")
        seen.exposed = [len((await day.scrape("exporter-2")).splitlines())]
        await asyncio.gather(day.start("worker-1"), day.start("exporter-1"))
        await day.until(opening + timedelta(hours=32, minutes=20))
        await day.counted()
        # A scrape and an evaluation later Prometheus has all of it.
        await asyncio.sleep(4)
        await _look(day, seen, began)
    return seen


async def _send_nonsense(day: ObservedDay) -> None:
    """One party sends no JSON, another an answer without its key."""
    producer = AIOKafkaProducer(bootstrap_servers=day.stack.bootstrap)
    await producer.start()
    try:
        for topic, value in (("window.refusals.hall-windows", b"{"), ("tier.decisions.market-system", b"{}")):
            headers = [("ce_id", b"nonsense"), ("ce_type", b"tier.decided")]
            await producer.send_and_wait(topic, value, key=b"x-1", headers=headers)
    finally:
        await producer.stop()


async def _look(day: ObservedDay, seen: Observed, began: float) -> None:
    seen.facts = [(row["unit"], row["case_id"], json.loads(row["event"])) for row in await day.rows(TRUTH)]
    seen.cases = [Case.read(row["state"]) for row in await day.rows("select state from cases")]
    seen.kinds = {row["kind"]: row["n"] for row in await day.rows("select kind, count(*) as n from journal group by 1")}
    for row in await day.rows(
        "select kind, coalesce(body ->> 'party', body -> 'origin' ->> 'party') as party, body -> 'rejection' ->> 'code' as code, "
        "count(*) as n from (select kind, convert_from(body, 'UTF8')::jsonb as body from journal "
        "where kind in ('rejected', 'dead_letter')) as entries group by 1, 2, 3"
    ):
        seen.rejections[row["kind"], row["party"], row["code"]] = row["n"]
    for row in await day.rows("select org_code, stage, count(*) as n from cases where stage <> 'closed' group by 1, 2"):
        seen.stages[row["org_code"], row["stage"]] = row["n"]
    for name in NAMES:
        seen.series[name] = [(found["metric"], float(found["value"][1])) for found in await day.prometheus.query(name)]
    for expression in expressions():
        try:
            if not await day.prometheus.query(expression) and not await day.prometheus.query(
                expression.replace(UNIT, BUSY_UNIT)
            ):
                seen.empty.append(expression)
        except RuntimeError as error:
            seen.wrong.append(str(error))
    since = int(time.time() - began) + 5
    fired = await day.prometheus.query(f'max_over_time(ALERTS{{alertstate="firing"}}[{since}s])')
    seen.alerts = {found["metric"]["alertname"] for found in fired}
    for name in ("noveto_journal_entries_total", "noveto_refusals_received_total", "noveto_tail_filings_total"):
        found = await day.prometheus.query_range(f"sum({name})", began, time.time(), 1)
        seen.recorded[name] = [float(value) for _, value in found[0]["values"]]
    for name in day.exporters:
        started = time.perf_counter()
        text = await day.scrape(name)
        seconds = time.perf_counter() - started
        if len(text) > seen.size:
            seen.seconds, seen.size = seconds, len(text)
        seen.exposed.append(len(text.splitlines()))


def expressions() -> list[str]:
    """Everything that Prometheus and Grafana ask; of alerts the series they look at, for they are empty while all is well."""
    found: list[str] = []
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            for rule in group["rules"]:
                if "record" in rule:
                    found += [rule["record"], rule["expr"]]
                else:
                    found += [f"({rule['expr']}) or vector(0)"]
                    found += ["".join(selector) for selector in SELECTOR.findall(rule["expr"])]
    for board in BOARDS:
        for query in (query for panel in board.panels for query in panel.queries):
            found.append(query.filled(unit=UNIT, centre=CENTRE, __range=SHOWN))
    return list(dict.fromkeys(found))


def test_every_expression_is_taken(observed: Observed) -> None:
    """Prometheus parses and evaluates every rule, alert and panel."""
    assert [] == observed.wrong


def test_every_expression_returns_data(observed: Observed) -> None:
    """None is empty."""
    assert [] == observed.empty


def test_the_day_was_as_planned(observed: Observed) -> None:
    """Two parties did nothing: breaches and inaction are there to be counted."""
    assert observed.true("card.given", "card")[UNIT, "red"] > 0
    assert observed.true("tier.passed", "tier")[UNIT, "reviewer"] > 0
    assert {"dead_letter", "event", "control"} <= set(observed.kinds)


@pytest.mark.rule("R34")
@pytest.mark.parametrize(
    ("metric", "labels", "fact", "paths"),
    [
        (
            "noveto_refusals_received_total",
            ("unit", "situation", "request_kind"),
            "case.opened",
            ("situation", "requestKind"),
        ),
        ("noveto_head_filings_total", ("unit",), "case.opened", ()),
        ("noveto_tail_filings_total", ("unit",), "case.decided", ()),
        ("noveto_case_outcomes_total", ("unit", "outcome"), "case.decided", ("outcome",)),
        ("noveto_time_to_outcome_working_seconds_count", ("unit",), "case.decided", ()),
        ("noveto_deliveries_total", ("unit", "channel"), "delivery.confirmed", ("channel",)),
        ("noveto_guidance_given_total", ("unit", "situation"), "guidance.recorded", ("situation",)),
        ("noveto_reviewer_opinions_total", ("unit", "opinion"), "case.escalated", ("opinion",)),
        ("noveto_cases_returned_total", ("unit", "tier"), "case.returned", ("fromTier",)),
        ("noveto_declarations_total", ("unit", "matter_class"), "case.declared", ("matterClass",)),
        ("noveto_supervision_notices_total", ("unit",), "supervision.noticed", ()),
        ("noveto_interim_answers_total", ("unit", "tier"), "interim.answered", ("tier",)),
        ("noveto_referrals_total", ("unit",), "case.referred", ()),
        ("noveto_instructions_total", ("unit", "kind"), "instruction.given", ("kind",)),
        ("noveto_supplements_overdue_total", ("unit",), "supplements.overdue", ()),
        ("noveto_statutory_notices_near_total", ("unit",), "statutory.near", ()),
        ("noveto_deemed_accepted_total", ("unit",), "statutory.deemed_accepted", ()),
        ("noveto_escalations_corrected_total", ("unit", "tier"), "tier.restored", ("tier",)),
    ],
)
def test_a_counter_is_what_the_journal_says(
    observed: Observed, metric: str, labels: tuple[str, ...], fact: str, paths: tuple[str, ...]
) -> None:
    """To the unit, although a worker and the exporter were killed at eleven."""
    assert observed.true(fact, *paths) == observed.counted(metric, *labels)


@pytest.mark.rule("R27")
@pytest.mark.parametrize(
    ("metric", "card"), [("noveto_deadline_breaches_total", "red"), ("noveto_deadline_warnings_total", "yellow")]
)
def test_cards_count_for_who_held_the_case(observed: Observed, metric: str, card: str) -> None:
    """Cards of the unit's own limits, by tier and limit."""
    given = Counter(
        (unit, event["holder"], event["limit"])
        for unit, event in observed.of_unit("card.given")
        if event["card"] == card and event["limit"] != "consultation"
    )
    counted = observed.counted(metric, "unit", "tier", "limit")

    assert dict(given) == {key: n for key, n in counted.items() if key[2] not in ("consultation", "statutory_notice")}
    consultations = sum(
        event["card"] == card and event["limit"] == "consultation" for _, event in observed.of("card.given")
    )
    assert consultations == sum(n for key, n in counted.items() if key[2] == "consultation")


def test_every_answer_of_a_general_matter_counts_once(observed: Observed) -> None:
    """In time or late, but for what the applicant ended; one that is late already is not counted at its end again."""
    late = {
        case for case, event in observed.of("card.given") if event["card"] == "red" and event["limit"] == "approval"
    }
    special = {case for case, _ in observed.of("case.declared")}
    corrected = {case for case, _ in observed.of("card.corrected")}
    expected = Counter({"late": len(late - special), "corrected": 0})
    for case, event in observed.of("case.decided"):
        by_applicant = event["outcome"] in ("withdrawn", "guided")
        if case not in late | special and not by_applicant:
            expected["in_time" if event.get("inTime", True) else "late"] += 1
    counted = Counter({result: int(n) for (result,), n in observed.counted("noveto_answers_total", "result").items()})

    assert not corrected & special
    assert +expected == +counted


def test_departments_are_asked_answer_and_are_silent(observed: Observed) -> None:
    """What was asked is answered, met with silence, closed with its case, or still awaited; each counts for the department (R14)."""
    asked = Counter(
        (request["question"]["orgCode"],)
        for _, event in observed.of("consultation.asked")
        for request in event["requests"]
    )
    asked.update(
        (event["handedOver"]["question"]["orgCode"],)
        for _, event in observed.of("opinion.given")
        if event.get("handedOver")
    )
    answered = Counter((event["orgCode"], event["answer"]) for _, event in observed.of("opinion.given"))
    silent = Counter((event["orgCode"],) for _, event in observed.of("consultation.closed"))

    assert sum(asked.values()) > 0
    assert dict(asked) == observed.counted("noveto_consultations_asked_total", "unit")
    assert dict(answered) == observed.counted("noveto_consultations_answered_total", "unit", "answer")
    assert dict(silent) == observed.counted("noveto_consultations_unanswered_total", "unit")


def test_escalations_are_by_decision_or_by_inaction(observed: Observed) -> None:
    """A reviewer's opinion is a decision; a tier passed over is inaction (R24)."""
    expected = Counter((unit, "reviewer", "decision") for unit, _ in observed.of_unit("case.escalated"))
    expected.update((unit, event["tier"], "inaction") for unit, event in observed.of_unit("tier.passed"))

    assert dict(expected) == observed.counted("noveto_escalations_total", "unit", "tier", "how")


@pytest.mark.parametrize(
    ("metric", "fact", "path"),
    [
        ("noveto_unfiled_refusals_total", "case.opened", "unfiled"),
        ("noveto_late_filings_total", "case.opened", "lateFiling"),
        ("noveto_departures_from_precedent_total", "case.decided", "departsFrom"),
    ],
)
def test_what_a_fact_says_beside_itself_is_counted(observed: Observed, metric: str, fact: str, path: str) -> None:
    """Refusals that the window never filed or filed late; decisions that depart from a settled line."""
    expected = Counter((unit,) for unit, event in observed.of_unit(fact) if event.get(path))

    assert dict(expected) == observed.counted(metric, "unit")


def test_time_to_outcome_is_working_time(observed: Observed) -> None:
    """The sum over a unit's cases, worked out from their facts."""
    time = load_reference(Settings(directory=DIRECTORY)).working_time[CENTRE]
    began = {case: event["clockStart"] for case, event in observed.of("case.opened")}
    units = {case: event["orgCode"] for case, event in observed.of("case.opened")}
    expected: defaultdict[str, float] = defaultdict(float)
    for case, event in observed.of("case.decided"):
        start, end = (datetime.fromisoformat(moment) for moment in (began[case], event["at"]))
        expected[units[case]] += working_seconds_between(start, end, time.calendar, time.hours)
    told: defaultdict[str, float] = defaultdict(float)
    for labels, value in observed.series["noveto_time_to_outcome_working_seconds_sum"]:
        told[labels["unit"]] += value

    assert {unit: pytest.approx(seconds, abs=1) for unit, seconds in expected.items()} == dict(told)


def test_every_card_was_timed(observed: Observed) -> None:
    """The timer lag has one observation a card."""
    given = sum(1 for _ in observed.of("card.given"))

    assert {(): given} == observed.counted("noveto_timer_lag_seconds_count")


def test_what_was_turned_away_is_counted(observed: Observed) -> None:
    """Rejections and dead letters, by sender and reason."""
    counted = {
        **{
            ("rejected", *key): n
            for key, n in observed.counted("noveto_commands_rejected_total", "party", "reason").items()
        },
        **{
            ("dead_letter", *key): n
            for key, n in observed.counted("noveto_dead_letters_total", "party", "reason").items()
        },
    }

    assert observed.rejections == counted
    assert observed.kinds == {
        kind: n for (kind,), n in observed.counted("noveto_journal_entries_total", "kind").items()
    }


def test_the_gauges_are_the_cases(observed: Observed) -> None:
    """Open cases by stage; heads less tails."""
    assert observed.stages == observed.counted("noveto_cases_open", "unit", "stage")
    heads = sum(observed.counted("noveto_head_filings_total", "unit").values())
    tails = sum(observed.counted("noveto_tail_filings_total", "unit").values())
    assert (
        heads - tails
        == sum(observed.counted("noveto_heads_without_tail", "unit").values())
        == sum(observed.stages.values())
    )


def test_what_is_owed_is_what_the_cases_say(observed: Observed) -> None:
    """Replies not delivered, answers and supplements awaited, instructions without an answer."""
    expected: dict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    for case in observed.cases:
        unit = (case.org_code,)
        expected["noveto_replies_undelivered"][unit] += sum(not r.delivered for r in case.replies if r.kind == "final")
        expected["noveto_supplements_awaited"][unit] += bool(case.supplements)
        expected["noveto_instructions_unanswered"][unit] += sum(not one.answered for one in case.instructions)
        for asked in case.consultations:
            if case.open and asked.answer is None and not asked.silent:
                expected["noveto_consultations_awaited"][asked.request.question.org_code,] += 1

    for metric, counts in expected.items():
        assert dict(+counts) == observed.counted(metric, "unit"), metric
    assert sum(counts.total() for counts in expected.values()) > 0
    assert {} == observed.counted("noveto_limits_provisional", "unit") == observed.counted("noveto_cases_quarantined")


def test_counters_neither_jump_nor_fall(observed: Observed) -> None:
    """Through the hand-over from one exporter to the other a sum only grows, and never beyond the truth."""
    for name, values in observed.recorded.items():
        assert [] == [pair for pair in pairwise(values) if pair[0] > pair[1]], (name, values)
    assert sum(observed.kinds.values()) == observed.recorded["noveto_journal_entries_total"][-1]


def test_one_exporter_exposes_and_the_other_stands_by(observed: Observed) -> None:
    """The standby tells of itself only."""
    standing_by, active = sorted(observed.exposed[1:])

    assert standing_by < 200 < active


def test_the_alerts_of_such_a_day_fired(observed: Observed) -> None:
    """Breaches were told, and nothing was said of stores that disagree."""
    assert "NovetoDeadlineBreached" in observed.alerts
    assert "NovetoDeadLetters" in observed.alerts
    assert not {"NovetoHeadsAndTailsDisagree", "NovetoLaneStopped", "NovetoCaseQuarantined"} & observed.alerts


def test_a_scrape_is_cheap(observed: Observed) -> None:
    """Under 50 ms; what it costs with a million open cases is measured by tests/bench/scrape.py."""
    print(f"scrape: {observed.size} bytes in {observed.seconds * 1000:.1f} ms")

    assert observed.seconds < 0.5
