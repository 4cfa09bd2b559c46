"""Long random lives of a case: whatever is said, again, late and in any order, the rules hold and the record is whole."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pydantic import TypeAdapter

from router.case import Case, Closed
from router.context import CalendarChanged, Command, Context, LimitsDue, PrecedentKey
from router.decide import decide
from router.evolve import evolve
from router.rendering import render
from router.timers import next_timer
from topics.events import CaseDecided, Event, Rejection
from topics.inbound import Inbound
from topics.outbound import ApplicantReply, HeadFiling, TailFiling
from topics.parts import Precedents
from topics.vocabulary import Card, Outcome, RequestKind, Situation, Tier

from ..unit.router import world
from .walk import CASES, YES, Firing, Input, Node, inputs
from .walk import Book as Seen

ANY_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
LINES = st.sampled_from(
    [{}, {Outcome.ACCEPTED: 6}, {Outcome.REFUSED: 9, Outcome.ACCEPTED: 1}, {Outcome.REDIRECTED: 3, Outcome.REFUSED: 3}]
)


class LifeOfACase(RuleBasedStateMachine):
    """One case of one unit; time moves on, and what was said before may come again."""

    def __init__(self) -> None:
        super().__init__()
        self.now: datetime = world.MORNING
        self.unit = world.BUREAU
        self.kind = RequestKind.APPLICATION
        self.case: Case | None = None
        self.told: list[Event] = []
        self.said: list[Inbound] = []
        self.heads = self.tails = self.finals = 0
        self.precedents: dict[PrecedentKey, Precedents] = {}

    @initialize(unit=st.sampled_from([world.BUREAU, world.SMALL]), kind=st.sampled_from(RequestKind), line=LINES)
    def begin(self, unit: str, kind: RequestKind, line: dict[Outcome, int]) -> None:
        self.unit, self.kind = unit, kind
        for situation in Situation:
            self.precedents[PrecedentKey("T-1", situation, "G-1")] = Precedents(counts=line)

    @property
    def context(self) -> Context:
        return world.context(self.now, precedents=self.precedents)

    def take(self, message: Any, received: datetime) -> None:
        before = self.case
        command = Command(CASES[self.unit], message, received, "windows", "ref-1")
        result = decide(self.case, command, self.context)
        if isinstance(result, Rejection):
            assert "" != result.message
            return
        case = self.case
        for event in result:
            earlier, case = case, evolve(case, CASES[self.unit], event)
            for said in render(earlier, case, event, self.context):
                self.heads += isinstance(said.body, HeadFiling)
                self.tails += isinstance(said.body, TailFiling)
                self.finals += isinstance(said.body, ApplicantReply) and said.body.kind == "final"
            if isinstance(event, CaseDecided):
                self.judge(event, case, message)
            self.told.append(event)
        self.case = case
        if before is not None and not before.open:
            assert case is not None
            assert before.stage == case.stage

    def judge(self, event: CaseDecided, case: Case, message: Any) -> None:
        """What an end must have behind it."""
        assert isinstance(message, Inbound)
        if event.outcome is Outcome.REFUSED:
            assert case.review is not None or case.reviewer_skipped is not None
            assert event.legal_basis
            assert event.explanation
            assert event.by is not None
            assert event.by.person_id not in {*case.proposers, *case.reviewers}
            assert event.tier is Tier.DECISION_MAKER or event.by_government
        elif event.outcome not in YES and event.tier is Tier.CLERK:
            assert event.confirmation is not None

    @rule(choice=st.integers(0, 10_000), minutes=st.sampled_from([0, 1, 5, 45]), lag=st.sampled_from([0, 0, 0, 3, 300]))
    def somebody_says_something(self, choice: int, minutes: int, lag: int) -> None:
        given = [one for one in self.possible() if not isinstance(one.message, Firing | CalendarChanged)]
        message = given[choice % len(given)].message
        assert isinstance(message, Inbound)
        self.now += timedelta(minutes=minutes)
        self.said.append(message)
        self.take(message, self.now - timedelta(minutes=lag))

    @rule(choice=st.integers(0, 10_000))
    def something_is_said_again(self, choice: int) -> None:
        if self.said:
            self.take(self.said[choice % len(self.said)], self.now)

    @rule(hours=st.sampled_from([1, 3, 8, 24, 24 * 7]))
    def time_passes(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        open_before = self.case is not None and self.case.open
        self.take(LimitsDue(self.now), self.now)
        if self.case is not None:
            timer = next_timer(self.case)
            assert open_before is self.case.open
            assert timer is None or timer.at > self.now

    @rule()
    def the_calendar_is_announced_anew(self) -> None:
        self.take(CalendarChanged(), self.now)

    def possible(self) -> list[Input]:
        return list(inputs(Node(self.case, Seen(), self.unit, self.kind)))

    @invariant()
    def one_head_and_one_tail(self) -> None:
        if self.case is None or self.case.headless:
            assert (0, 0) == (self.heads, self.tails)
        else:
            ended = isinstance(self.case.stage, Closed)
            assert (1, int(ended), int(ended)) == (self.heads, self.tails, self.finals)

    @invariant()
    def the_record_is_whole(self) -> None:
        """The case is what its facts say, read back from what was written; so is the case itself."""
        rebuilt: Case | None = None
        for event in self.told:
            rebuilt = evolve(
                rebuilt,
                CASES[self.unit],
                ANY_EVENT.validate_json(ANY_EVENT.dump_json(event, by_alias=True, exclude_none=True)),
            )
        assert rebuilt == self.case
        if self.case is not None:
            assert len(self.told) == self.case.version
            assert self.case == Case.read(self.case.wire())

    @invariant()
    def each_card_is_given_once(self) -> None:
        if self.case is None:
            return
        running = [(card.limit, card.about, card.card) for card in self.case.cards if not card.superseded]
        assert len(set(running)) == len(running)
        assert all(card.fell_due_at <= card.at or card.card is Card.YELLOW for card in self.case.cards)

    @invariant()
    def every_open_case_is_in_somebodys_hands(self) -> None:
        if self.case is not None and self.case.open:
            assert self.case.holder in Tier
            assert any(task.tier is self.case.holder for task in self.case.tasks)


TestLifeOfACase: Any = LifeOfACase.TestCase
TestLifeOfACase.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLifeOfACase.pytestmark = [pytest.mark.rule(rule_id) for rule_id in ("R02", "R32", "R33")]


@pytest.mark.rule("R27")
@pytest.mark.parametrize("days", [1, 30])
def test_an_outage_of_any_length_ends_with_everything_fired_in_due_order(days: int) -> None:
    """Nothing twice, nothing lost, and the case as open as before."""
    case: Case | None = None
    for event in _facts(None, world.proposed(), world.MORNING):
        case = evolve(case, world.CASE, event)
    assert case is not None
    back = world.MORNING + timedelta(days=days)
    fired = _facts(case, LimitsDue(back), back)
    due = [event.fell_due_at for event in fired if event.type == "card.given"]

    assert sorted(due) == due
    assert all(event.at == back for event in fired)
    for event in fired:
        case = evolve(case, world.CASE, event)
    assert [] == _facts(case, LimitsDue(back), back)
    assert case.open


def _facts(case: Case | None, message: Any, now: datetime) -> list[Any]:
    result = decide(case, Command(world.CASE, message, now, "windows"), world.context(now))
    assert isinstance(result, list)
    return result
