"""What each fact adds: followed on cases of the core, with the core's own state as the truth."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from consumers.exporter import standing
from deadlines import working_seconds_between
from metrics.counting import CLOSED, Increments, Tracked, count, restand
from metrics.totals import Totals, as_values
from router.case import Case
from router.context import LimitsDue
from router.evolve import evolve
from topics.events import CommandOrigin, Event, Limit, Rejection
from topics.journal import DeadLetterEntry, EventEntry, RejectedEntry
from topics.parts import Source
from topics.vocabulary import Card, MatterClass, Outcome, Situation, StageName, Tier

from ..router import world
from ..router.specification import Said, Specification

SOURCE = Source(topic="t", partition=0, offset=0, broker_time=world.MORNING)
ORIGIN = CommandOrigin(party="windows", id="1", type="refusal.proposed", fingerprint="f", source=SOURCE)
TIME = world.context().working_time[world.CENTRE]


def working_seconds(centre: str, start: datetime, end: datetime) -> float:
    """The centre of the small world."""
    return working_seconds_between(start, end, TIME.calendar, TIME.hours)


class Counting:
    """A case told twice: folded by the core, counted by us."""

    def __init__(self, specification: Specification | None = None) -> None:
        self.specification = specification or Specification()
        self.case: Case | None = None
        self.tracked: Tracked | None = None
        self.totals = Totals()

    def when(self, said: Said, **more: datetime) -> "Counting":
        """One command, counted, and compared with the core."""
        self.specification.when(said, **more)
        increments = Increments()
        for event in self.specification.events:
            self.case = evolve(self.case, self.specification.case_id, event)
            self.tracked = count(_entry(event), self.tracked, working_seconds, increments)

            assert self.tracked is not None
            assert (self.case.holder if self.case.open else None) == self.tracked.holder
        if self.tracked is not None and self.case is not None:
            restand(self.tracked, standing(self.case), increments)
        self.totals.apply(increments)
        return self

    def value(self, name: str, *labels: str) -> float:
        """A series as it would be told."""
        return self.totals.values.get((name, labels), 0.0)

    def sum(self, name: str) -> float:
        """Over all labels."""
        return sum(value for (metric, _), value in self.totals.values.items() if metric == name)


def _entry(event: Event) -> EventEntry:
    return EventEntry(
        lane=0, seq=0, recorded_at=world.MORNING, origin=ORIGIN, case_id=world.CASE, version=1, event=event
    )


def test_a_case_from_head_to_delivery() -> None:
    """Each fact is counted once, under its unit; in the end nothing is open."""
    told = Counting().when(world.proposed())

    assert 1 == told.value("noveto_refusals_received", world.BUREAU, Situation.CONDITIONS_NOT_MET, "application")
    assert 1 == told.value("noveto_cases_open", world.BUREAU, StageName.AT_REVIEWER)
    assert 1 == told.value("noveto_heads_without_tail", world.BUREAU)

    told.when(world.by_reviewer(world.escalate(), told.specification.state.tasks[0].task_id))

    assert 0 == told.value("noveto_cases_open", world.BUREAU, StageName.AT_REVIEWER)
    assert 1 == told.value("noveto_cases_open", world.BUREAU, StageName.AT_DECISION_MAKER)
    assert 1 == told.value("noveto_escalations", world.BUREAU, Tier.REVIEWER, "decision")

    told.when(world.by_decider(world.refuse(), told.specification.state.tasks[0].task_id))

    assert 0 == told.sum("noveto_cases_open") == told.sum("noveto_heads_without_tail")
    assert 1 == told.value("noveto_case_outcomes", world.BUREAU, Situation.CONDITIONS_NOT_MET, Outcome.REFUSED)
    assert 1 == told.value("noveto_tail_filings", world.BUREAU) == told.value("noveto_head_filings", world.BUREAU)
    assert 1 == told.value("noveto_answers", world.BUREAU, "in_time")
    assert 1 == told.value("noveto_replies_undelivered", world.BUREAU)


def test_a_breach_counts_for_who_held_the_case() -> None:
    """Nobody acts: the reviewer's budget passes, and the whole limit is the decision-maker's breach (R27)."""
    told = Counting().when(world.proposed())
    approval = next(limit for limit in told.specification.state.limits if limit.kind == "approval")
    told.when(LimitsDue(until=approval.due_at), at=approval.due_at)
    labels = (world.BUREAU, Tier.DECISION_MAKER, "approval", MatterClass.GENERAL)

    assert 1 == told.value("noveto_deadline_breaches", *labels)
    assert 1 == told.value("noveto_escalations", world.BUREAU, Tier.REVIEWER, "inaction")
    assert 1 == told.value("noveto_answers", world.BUREAU, "late")
    assert 1 == sum(told.totals.answers.values())

    decided = told.specification.state.tasks[-1].task_id
    told.when(
        world.by_decider(world.accept(), decided),
        at=approval.due_at + timedelta(minutes=5),
        received=approval.due_at - timedelta(minutes=1),
    )

    assert 1 == told.value("noveto_deadline_breaches_corrected", *labels)
    assert 1 == told.value("noveto_answers", world.BUREAU, "corrected")
    assert 1 == told.value("noveto_answers", world.BUREAU, "in_time")
    assert {"late": 0, "in_time": 1} == {
        result: sum(n for (_, _, r), n in told.totals.answers.items() if r == result) for result in ("late", "in_time")
    }


def test_a_departments_silence_is_the_departments() -> None:
    """A consultation's card and its silence count for the department asked, not for the asker (R14)."""
    told = Counting().when(world.proposed(situation=Situation.GREY_AREA))
    told.when(world.by_reviewer(world.consult(world.WATER), told.specification.state.tasks[0].task_id))

    assert 1 == told.value("noveto_consultations_awaited", world.WATER)
    assert 1 == told.value("noveto_limits_started", world.WATER, "consultation")

    consultation = next(limit for limit in told.specification.state.limits if limit.kind == "consultation")
    told.when(LimitsDue(until=consultation.due_at), at=consultation.due_at)

    assert 1 == told.value("noveto_consultations_unanswered", world.WATER)
    assert 0 == told.value("noveto_consultations_awaited", world.WATER)
    assert 1 == told.value("noveto_deadline_breaches", world.WATER, "department", "consultation", "general")


def test_what_was_not_about_a_case_is_counted_by_sender_and_reason() -> None:
    """Rejections and dead letters have no case."""
    into = Increments()
    rejection = Rejection(code="bad_field", message="m")
    common = {"lane": 3, "seq": 1, "recorded_at": world.MORNING}
    count(RejectedEntry(**common, origin=ORIGIN, rejection=rejection), None, working_seconds, into)
    count(
        DeadLetterEntry(**common, rejection=rejection, party="", source=SOURCE, sha256="0"), None, working_seconds, into
    )

    assert 1 == into.values["noveto_commands_rejected", ("windows", "bad_field")]
    assert 1 == into.values["noveto_dead_letters", ("unknown", "bad_field")]


@pytest.mark.parametrize("seed", range(60))
def test_whatever_happens_the_gauges_are_the_state(seed: int) -> None:
    """Random steps: who holds the case is what the core says, and the gauges are what the case is."""
    chance = random.Random(seed)
    told = Counting().when(world.proposed(situation=chance.choice(list(Situation))))
    for _ in range(25):
        told.when(_something(chance, told.specification.state), at=_later(chance, told.specification.now))
        state = told.specification.state
        expected = Counter(
            {("noveto_cases_open", (state.org_code, str(state.stage.name))): int(state.open)}
            if state.stage.name != CLOSED
            else {}
        )
        found = {key: v for key, v in told.totals.values.items() if key[0] == "noveto_cases_open" and v}

        assert dict(expected) == found
        assert sum(told.totals.running.values()) == sum(_counts(limit) for limit in state.limits)
        assert int(not state.open) == told.sum("noveto_tail_filings")
        assert told.value("noveto_replies_undelivered", state.org_code) == sum(
            reply.kind == "final" and not reply.delivered for reply in state.replies
        )
        reds = told.sum("noveto_deadline_breaches")
        assert sum(card.card is Card.RED for card in state.cards) == reds


def _counts(limit: Limit) -> bool:
    return limit.kind != "decision_maker_budget"


def _later(chance: random.Random, now: datetime) -> datetime:
    return now + timedelta(minutes=chance.choice((1, 10, 60, 600, 1500)))


def _something(chance: random.Random, case: Case) -> Said:
    task = chance.choice(case.tasks).task_id if case.tasks else None
    request = chance.choice(case.consultations).request.request_id if case.consultations else "none"
    instruction = case.instructions[-1].instruction_id if case.instructions else "none"
    reply = case.replies[-1].reply_id if case.replies else "none"
    said: list[Said] = [
        LimitsDue(until=datetime(2030, 1, 1, tzinfo=UTC)) if chance.random() < 0.1 else LimitsDue(until=world.MORNING),
        world.supplied(),
        world.by_reviewer(world.escalate(), task),
        world.by_reviewer(world.give_back(), task),
        world.by_reviewer(world.consult(), task),
        world.by_decider(world.give_back(), task),
        world.by_decider(world.consult(world.WATER), task),
        world.by_decider(world.declare(), task),
        world.by_decider(world.refer(), task),
        world.by_decider(world.accept_with_supplements(), task),
        world.by_decider(world.refuse(), task),
        world.by_clerk(world.interim()),
        world.instructed(),
        world.by_reviewer(world.answer_instruction(instruction)),
        world.replied(request),
        world.told(reply),
        world.ruled("none", world.accept()),
    ]
    return chance.choice(said)


def test_an_observation_is_a_count_and_a_share_of_the_sum() -> None:
    """Histograms are stored as numbers that only grow."""
    into = Increments()
    into.observe("noveto_timer_lag_seconds", 0.1)
    into.observe("noveto_timer_lag_seconds", 99999)

    assert {("0",): 1, ("10",): 1, ("sum",): 99999.1} == {labels: v for (_, labels), v in as_values(into).items()}
