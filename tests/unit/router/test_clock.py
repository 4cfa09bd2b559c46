"""What time does to a case: it warns, exposes and moves on; it never refuses or grants."""

from datetime import timedelta
from typing import Any

import pytest

from deadlines import DEFAULT_HOURS, Calendar, Closing, OpeningHours, shipped_calendar
from router.context import CalendarChanged, LimitsDue, WorkingTime
from router.timers import next_timer
from topics.events import (
    CardCorrected,
    CardGiven,
    CaseDecided,
    CaseOpened,
    DeemedAccepted,
    LimitsMoved,
    SupplementsOverdue,
    TierPassed,
)
from topics.outbound import DeadlineAlert, HeadFiling, TailFiling, TaskClosed, TierTask
from topics.parts import Actor
from topics.vocabulary import Card, FastResponseGround, LimitKind, MatterClass, RequestKind, Situation, StageName, Tier

from . import world
from .specification import Specification

TOMORROW_CLOSING = world.shanghai("2026-11-25T17:00")


def _limits(spec: Specification) -> dict[LimitKind, Any]:
    return {limit.kind: limit for limit in spec.state.limits}


def _cards(spec: Specification) -> list[tuple[LimitKind, Card]]:
    return [(event.limit, event.card) for event in spec.events if isinstance(event, CardGiven)]


@pytest.mark.rule("R20")
@pytest.mark.rule("R25")
def test_a_general_matter_has_one_working_day_from_the_head() -> None:
    """The day of asking does not count; the period ends at closing time."""
    spec = Specification().opened()

    assert _limits(spec)[LimitKind.APPROVAL].due_at == TOMORROW_CLOSING
    assert _limits(spec)[LimitKind.APPROVAL].rule == "R20"


@pytest.mark.rule("R20")
def test_what_needs_no_study_is_answered_the_same_day() -> None:
    """It goes up and comes back at once."""
    spec = Specification().opened(needs_study=False)

    assert world.shanghai("2026-11-24T17:00") == _limits(spec)[LimitKind.APPROVAL].due_at


@pytest.mark.rule("R25")
def test_a_request_on_a_friday_evening_ends_on_monday() -> None:
    """Weekends do not count, and neither does the day of asking."""
    friday = world.shanghai("2026-11-27T17:30")
    spec = Specification(now=friday).opened(asked_at=friday)

    assert world.shanghai("2026-11-30T17:00") == _limits(spec)[LimitKind.APPROVAL].due_at


@pytest.mark.rule("R23")
@pytest.mark.parametrize(
    ("changes", "fast"),
    [
        ({}, False),
        ({"fast_response_grounds": (FastResponseGround.LAW_UNCLEAR,)}, True),
        ({"fast_response_grounds": (FastResponseGround.SEVERAL_DEPARTMENTS,)}, True),
        ({"situation": Situation.GREY_AREA, "guidance": None}, True),
    ],
)
def test_the_fast_response_runs_on_its_grounds(changes: dict[str, Any], fast: bool) -> None:
    """One working day; a grey area implies it."""
    spec = Specification().opened(**changes)

    assert fast is (LimitKind.FAST_RESPONSE in _limits(spec))


@pytest.mark.rule("R23")
@pytest.mark.rule("R38")
def test_only_delivery_satisfies_the_fast_response() -> None:
    """An answer issued is not yet an answer had, be it an interim one or the final."""
    spec = Specification().opened(situation=Situation.GREY_AREA, guidance=None)
    spec.given(world.by_reviewer(world.interim()))

    assert LimitKind.FAST_RESPONSE in _limits(spec)
    spec.given(world.told(spec.reply, at=spec.now))
    assert LimitKind.FAST_RESPONSE not in _limits(spec)
    undelivered = Specification().refused(situation=Situation.GREY_AREA, guidance=None)
    undelivered.clock(TOMORROW_CLOSING)
    assert (LimitKind.FAST_RESPONSE, Card.RED) in _cards(undelivered)


@pytest.mark.rule("R23")
def test_interim_answers_are_counted_apart_from_final_ones() -> None:
    """Each reply says which it is."""
    spec = Specification().opened().given(world.by_reviewer(world.interim()))
    spec.given(world.by_reviewer(world.accept()))

    assert [reply.kind for reply in spec.state.replies] == ["interim", "final"]


@pytest.mark.rule("R38")
def test_an_undelivered_reply_is_tracked() -> None:
    """Within a working day of the decision; the clerk holds it then."""
    spec = Specification().refused().clock(TOMORROW_CLOSING)

    assert _cards(spec) == [(LimitKind.DELIVERY, Card.YELLOW), (LimitKind.DELIVERY, Card.RED)]
    assert {Tier.CLERK} == {alert.holder for alert in spec.sent(DeadlineAlert)}
    spec.when(world.told(spec.reply, at=spec.now))
    assert () == spec.state.limits


@pytest.mark.rule("R27")
def test_a_yellow_card_at_three_quarters_and_a_red_one_at_the_breach() -> None:
    """Each once, to the unit and the committee, naming who held the case since when."""
    spec = Specification().escalated(request_kind=RequestKind.DEMAND)
    since = spec.now
    spec.clock(TOMORROW_CLOSING - timedelta(seconds=1))

    assert _cards(spec) == [(LimitKind.APPROVAL, Card.YELLOW)]
    assert spec.to(DeadlineAlert) == ["bureau", "committee"]
    alert = spec.sent(DeadlineAlert)[0]
    assert (Tier.DECISION_MAKER, since, "甲局") == (alert.holder, alert.held_since, alert.holder_name)
    spec.clock(TOMORROW_CLOSING)
    assert _cards(spec) == [(LimitKind.APPROVAL, Card.RED)]
    spec.clock(TOMORROW_CLOSING + timedelta(days=30))
    assert _cards(spec) == []


@pytest.mark.rule("R27")
def test_a_card_records_when_it_was_due_and_when_that_was_noticed() -> None:
    """After an outage the two are days apart, and everything comes in due order."""
    spec = Specification().escalated(request_kind=RequestKind.DEMAND)
    back = world.shanghai("2026-12-01T09:00")
    spec.when(LimitsDue(back), at=back)

    cards = [event for event in spec.events if isinstance(event, CardGiven)]
    assert [card.due_at for card in cards] == [TOMORROW_CLOSING, TOMORROW_CLOSING]
    assert [back, back] == [card.at for card in cards]
    assert world.shanghai("2026-11-25T15:22:30") > (cards[0].fell_due_at or back)
    assert cards[1].fell_due_at == TOMORROW_CLOSING
    assert spec.types == ["card.given", "card.given", "supervision.noticed"]


@pytest.mark.rule("R24")
def test_a_reviewer_who_does_not_act_loses_the_case_upward() -> None:
    """After three working hours, with the reason in the record; it decides nothing."""
    spec = Specification().opened().clock(world.shanghai("2026-11-24T14:31"))

    assert spec.types == ["tier.passed"]
    assert [(event.tier, event.to_tier) for event in spec.events if isinstance(event, TierPassed)] == [
        (Tier.REVIEWER, Tier.DECISION_MAKER)
    ]
    assert [task.passed_over for task in spec.sent(TierTask)] == [(Tier.REVIEWER,)]
    assert spec.at() == StageName.AT_DECISION_MAKER


@pytest.mark.rule("R24")
@pytest.mark.rule("R02")
def test_after_inaction_a_yes_is_open_and_a_no_still_needs_an_opinion() -> None:
    """The reviewer's, or the deputy's, which may come late."""
    spec = Specification().opened().clock(world.shanghai("2026-11-24T14:31"))

    assert spec.when(world.by_decider(world.refuse(), spec.task("decide"))).code == "reviewer_opinion_missing"
    spec.given(world.by_reviewer(world.escalate(), actor=world.DEPUTY))
    assert spec.at() == StageName.AT_DECISION_MAKER
    spec.when(world.by_decider(world.refuse(), spec.task("decide")))
    assert spec.types == ["case.decided"]


@pytest.mark.rule("R24")
def test_after_inaction_the_decision_maker_may_say_yes() -> None:
    """Nothing is needed for that."""
    spec = Specification().opened().clock(world.shanghai("2026-11-24T14:31"))
    spec.when(world.by_decider(world.accept(), spec.task("decide")))

    assert spec.types == ["case.decided"]


@pytest.mark.rule("R24")
def test_a_late_opinion_does_not_take_the_case_from_the_departments() -> None:
    """It is recorded, and the consultation goes on."""
    spec = Specification().opened().clock(world.shanghai("2026-11-24T14:31"))
    spec.given(world.by_decider(world.consult(), spec.task("decide")))
    spec.given(world.by_reviewer(world.escalate()))

    assert spec.at() == StageName.IN_CONSULTATION
    assert spec.state.review is not None


@pytest.mark.rule("R24")
def test_an_opinion_is_late_only_once() -> None:
    """The second comes to a case that is with the decision-maker."""
    spec = Specification().opened()
    task = spec.task("review")
    spec.clock(world.shanghai("2026-11-24T14:31")).given(world.by_reviewer(world.escalate(), task))

    assert spec.when(world.by_reviewer(world.escalate())).code == "not_at_this_tier"
    assert spec.when(world.by_reviewer(world.escalate(), task)).code == "task_closed"


@pytest.mark.rule("R24")
def test_a_clerk_who_does_not_supply_does_not_hold_it_up() -> None:
    """A reported refusal goes to the reviewer without the window's position."""
    spec = Specification().given(world.reported())
    spec.clock(world.shanghai("2026-11-24T14:00"))

    assert [(event.tier, event.to_tier) for event in spec.events if isinstance(event, TierPassed)] == [
        (Tier.CLERK, Tier.REVIEWER)
    ]
    assert [task.kind for task in spec.sent(TierTask)] == ["review"]


IN_TIME = world.shanghai("2026-11-24T14:29")
PASSED = world.shanghai("2026-11-24T14:31")


def _passed_over() -> tuple[Specification, str]:
    """A reviewer's case that went up by inaction, and the task that was theirs."""
    spec = Specification().opened()
    task = spec.task("review")
    return spec.clock(PASSED), task


@pytest.mark.rule("R29")
@pytest.mark.rule("R24")
def test_a_reviewer_who_asked_back_in_time_is_heard_however_late_it_is_read() -> None:
    """The case had gone up meanwhile: it comes back, and the decision-maker's task is needless."""
    spec, task = _passed_over()
    needless = spec.task("decide")
    spec.when(world.by_reviewer(world.give_back(), task), received=IN_TIME)

    assert spec.types == ["tier.restored", "case.returned"]
    assert spec.at() == StageName.AT_CLERK
    assert [(closed.task_id, closed.tier) for closed in spec.sent(TaskClosed)] == [(needless, Tier.DECISION_MAKER)]
    assert spec.state.passed_over == ()


@pytest.mark.rule("R29")
def test_an_answer_one_second_after_the_budget_is_late() -> None:
    """The budget's last moment counts, the next does not."""
    due = next(
        limit.due_at for limit in Specification().opened().state.limits if limit.kind is LimitKind.REVIEWER_BUDGET
    )
    for received, code in ((due, None), (due + timedelta(seconds=1), "task_closed")):
        spec, task = _passed_over()
        spec.when(world.by_reviewer(world.consult(), task), received=received)

        assert spec.code == code


@pytest.mark.rule("R29")
def test_an_interim_answer_in_time_does_not_hold_the_case_for_longer() -> None:
    """It is given, and the budget is over as it was."""
    spec, task = _passed_over()
    spec.when(world.by_reviewer(world.interim(), task), received=IN_TIME)

    assert spec.types == ["tier.restored", "interim.answered"]
    assert spec.clock(spec.now).types == ["tier.passed"]


@pytest.mark.rule("R29")
def test_nobody_has_a_case_back_on_which_another_has_acted() -> None:
    """The answer says who did what."""
    spec, task = _passed_over()
    spec.given(world.by_decider(world.give_back(), spec.task("decide")))
    spec.when(world.by_reviewer(world.consult(), task), received=IN_TIME)

    assert spec.code == "task_closed"


@pytest.mark.rule("R29")
def test_an_act_in_time_that_is_turned_away_leaves_the_case_where_it_is() -> None:
    """The clerk who proposed cannot review (R07), in time or not."""
    spec, task = _passed_over()
    spec.when(world.by_reviewer(world.escalate(), task, actor=world.CLERK), received=IN_TIME)

    assert spec.code == "same_person"
    assert spec.at() == StageName.AT_DECISION_MAKER


@pytest.mark.rule("R29")
@pytest.mark.rule("R08")
def test_a_clerk_who_took_position_in_time_is_heard() -> None:
    """The reviewer studies the case with the window's position."""
    spec = Specification().given(world.reported())
    task = spec.task("supply")
    spec.clock(world.shanghai("2026-11-24T14:00"))
    spec.when(world.supplied(task_id=task, answer="已核实。"), received=world.shanghai("2026-11-24T10:00"))

    assert spec.types == ["tier.restored", "proposal.supplied"]
    assert spec.at() == StageName.AT_REVIEWER


@pytest.mark.rule("R24")
def test_the_committee_is_told_of_the_decision_makers_inaction_each_working_day() -> None:
    """At opening time, until someone acts; weekends do not count."""
    spec = Specification().escalated(request_kind=RequestKind.DEMAND).clock(TOMORROW_CLOSING)
    noticed = [spec.sent(DeadlineAlert)[-1].times]
    for _ in range(3):
        timer = next_timer(spec.state)
        assert timer is not None
        spec.clock(timer.at)
        assert spec.types == ["supervision.noticed"]
        noticed.append(spec.sent(DeadlineAlert)[-1].times)

    assert noticed == [1, 2, 3, 4]
    assert world.shanghai("2026-11-30T09:00") == spec.now
    spec.given(world.by_decider(world.accept()))
    assert [limit for limit in spec.state.limits if limit.kind is LimitKind.DECISION_MAKER_BUDGET] == []


@pytest.mark.rule("R24")
def test_a_notice_says_who_holds_the_case() -> None:
    """In words for the committee."""
    spec = Specification().escalated(request_kind=RequestKind.DEMAND).clock(TOMORROW_CLOSING)

    notice = spec.sent(DeadlineAlert)[-1]
    assert notice.kind == "supervision_notice"
    assert notice.text == "督办提示（第1次）：甲局“企业设立登记”超期未决定，现由审批决定人员办理。"


@pytest.mark.rule("R29")
def test_a_decision_received_in_time_is_in_time_however_late_it_is_read() -> None:
    """The cards that were given meanwhile do not count."""
    spec = Specification().escalated().clock(TOMORROW_CLOSING)
    received = TOMORROW_CLOSING - timedelta(seconds=1)
    spec.when(
        world.by_decider(world.refuse(), spec.task("decide")),
        at=TOMORROW_CLOSING + timedelta(minutes=1),
        received=received,
    )

    assert [event.card for event in spec.events if isinstance(event, CardCorrected)] == [Card.RED]
    assert [event.in_time for event in spec.events if isinstance(event, CaseDecided)] == [True]
    assert spec.sent(TailFiling)[0].cards == ("报批时限黄牌",)
    assert [alert.kind for alert in spec.sent(DeadlineAlert)] == ["card_corrected"] * 2


@pytest.mark.rule("R29")
def test_a_decision_received_at_closing_time_is_in_time_and_a_second_later_is_not() -> None:
    """The period ends at closing time, that moment included."""
    for received, in_time in ((TOMORROW_CLOSING, True), (TOMORROW_CLOSING + timedelta(seconds=1), False)):
        spec = Specification().escalated()
        spec.when(world.by_decider(world.refuse(), spec.task("decide")), at=received)

        assert [in_time] == [event.in_time for event in spec.events if isinstance(event, CaseDecided)]


@pytest.mark.rule("R29")
@pytest.mark.rule("R22")
def test_a_declaration_received_in_time_takes_the_card_back() -> None:
    """The limit had moved before it was breached."""
    spec = Specification().escalated().clock(TOMORROW_CLOSING)
    spec.when(world.by_decider(world.declare()), at=TOMORROW_CLOSING + timedelta(minutes=1), received=TOMORROW_CLOSING)

    assert spec.types == ["card.corrected", "case.declared"]


@pytest.mark.rule("R29")
def test_a_delivery_in_time_that_was_told_after_closing_takes_the_card_back() -> None:
    """Within the half hour for which the window's word counts."""
    spec = Specification().refused(situation=Situation.GREY_AREA, guidance=None).clock(TOMORROW_CLOSING)
    spec.when(
        world.told(spec.reply, at=TOMORROW_CLOSING - timedelta(minutes=5)), at=TOMORROW_CLOSING + timedelta(minutes=10)
    )

    assert {LimitKind.FAST_RESPONSE, LimitKind.DELIVERY} == {
        event.limit for event in spec.events if isinstance(event, CardCorrected)
    }


@pytest.mark.rule("R28")
def test_five_working_days_without_a_one_time_notice_are_reported() -> None:
    """Warned before, told after; the case itself is not decided by it."""
    spec = Specification().escalated().clock(world.shanghai("2026-12-01T16:59"))

    assert "statutory.near" in spec.types
    spec.clock(world.shanghai("2026-12-01T17:00"))
    assert [world.shanghai("2026-12-01T17:00")] == [
        event.due_at for event in spec.events if isinstance(event, DeemedAccepted)
    ]
    assert "自收到申请材料之日起即为受理" in spec.sent(DeadlineAlert)[-1].text
    assert spec.state.open


@pytest.mark.rule("R28")
@pytest.mark.parametrize(
    "changes",
    [{"request_kind": RequestKind.DEMAND}, {"situation": Situation.OUT_OF_SCOPE}],
)
def test_the_statutory_notice_is_owed_to_applications_within_the_units_scope(changes: dict[str, Any]) -> None:
    """A demand is no application; what is out of scope cannot be accepted by law."""
    assert LimitKind.STATUTORY_NOTICE not in _limits(Specification().opened(**changes))


@pytest.mark.rule("R28")
@pytest.mark.rule("R29")
def test_a_notice_received_in_time_takes_the_report_back() -> None:
    """The router was behind, not the unit."""
    spec = Specification().escalated().clock(world.shanghai("2026-12-01T17:00"))
    spec.when(
        world.by_decider(world.require_supplements(), spec.task("decide")),
        at=world.shanghai("2026-12-01T17:05"),
        received=world.shanghai("2026-12-01T17:00"),
    )

    assert [event.limit for event in spec.events if isinstance(event, CardCorrected)] == [LimitKind.STATUTORY_NOTICE]


@pytest.mark.rule("R12")
def test_supplements_that_do_not_come_are_followed_up_and_never_refused() -> None:
    """An alert and a task for the clerk; what was accepted stays accepted."""
    spec = Specification().opened().given(world.by_clerk(world.accept_with_supplements()))
    spec.clock(world.shanghai("2026-11-30T17:00"))

    assert [SupplementsOverdue] == [type(event) for event in spec.events if event.type.startswith("supplements")]
    assert [task.kind for task in spec.sent(TierTask)] == ["follow_up_supplements"]
    assert "不得据此直接否决" in spec.sent(TierTask)[0].text
    assert "supplements_overdue" in [alert.kind for alert in spec.sent(DeadlineAlert)]
    assert getattr(spec.state.stage, "outcome", None) == "accepted_with_supplements"
    spec.when(world.supplements_received(spec.now))
    assert spec.types == ["supplements.came"]


def _with_calendar(calendar: Calendar) -> Any:
    return lambda now: world.context(now, working_time={world.CENTRE: WorkingTime(calendar, DEFAULT_HOURS)})


@pytest.mark.rule("R26")
def test_an_unannounced_year_makes_a_due_time_provisional() -> None:
    """Everywhere it is shown."""
    year_end = world.shanghai("2026-12-31T10:00")
    spec = Specification(now=year_end).when(world.proposed(asked_at=year_end))

    assert _limits(spec)[LimitKind.APPROVAL].provisional
    assert "（暂定，以当年节假日通知为准）" in spec.sent(HeadFiling)[0].text
    assert [said.provisional for said in (spec.sent(HeadFiling)[0], spec.sent(TierTask)[0])] == [True, True]


@pytest.mark.rule("R26")
def test_an_amended_calendar_moves_what_is_open() -> None:
    """Old and new are told to the unit and the committee, and budgets in hours move too."""
    spec = Specification().opened()
    closing = Closing.model_validate({"days": "2026-11-24/2026-11-25", "reason": "台风停业"})
    spec.make_context = _with_calendar(shipped_calendar().with_closings(closing))
    spec.when(CalendarChanged())

    assert [(world.shanghai("2026-11-26T17:00"), TOMORROW_CLOSING)] == [
        (new.due_at, old.due_at)
        for event in spec.events
        if isinstance(event, LimitsMoved)
        for new, old in zip(event.limits, event.previous, strict=True)
        if new.kind is LimitKind.APPROVAL
    ]
    assert LimitKind.REVIEWER_BUDGET in [limit.kind for limit in spec.events[0].limits]  # type: ignore[union-attr]
    assert {"bureau", "committee"} == set(spec.to(DeadlineAlert))
    assert "由2026年11月25日17:00改为2026年11月26日17:00。" in spec.sent(DeadlineAlert)[0].text
    assert spec.when(CalendarChanged()).events == []


@pytest.mark.rule("R26")
def test_other_opening_hours_move_what_is_open_and_their_end_moves_it_back() -> None:
    """A limit names the hours it was worked out by together with the calendar."""
    late = WorkingTime(shipped_calendar(), OpeningHours.parse("09:00-12:00", "13:30-19:00"))
    spec = Specification(make_context=lambda now: world.context(now, working_time={world.CENTRE: late})).opened()

    assert {late.version} == {limit.calendar for limit in spec.state.limits}
    assert spec.when(CalendarChanged()).events == []
    spec.make_context = world.context
    spec.when(CalendarChanged())
    assert TOMORROW_CLOSING == _limits(spec)[LimitKind.APPROVAL].due_at


@pytest.mark.rule("R26")
def test_a_card_once_given_stays() -> None:
    """The calendar of today does not unsay what was said by that of yesterday."""
    spec = Specification().escalated(request_kind=RequestKind.DEMAND).clock(TOMORROW_CLOSING)
    closing = Closing.model_validate({"days": "2026-11-25", "reason": "台风停业"})
    spec.make_context = _with_calendar(shipped_calendar().with_closings(closing))
    cards = spec.state.cards
    spec.when(CalendarChanged())

    assert cards == spec.state.cards
    assert [
        new
        for event in spec.events
        if isinstance(event, LimitsMoved)
        for new in event.limits
        if new.kind is LimitKind.APPROVAL
    ] == []


@pytest.mark.rule("R25")
def test_a_units_policy_may_count_from_the_next_working_day() -> None:
    """A request on a Saturday is then deemed made on Monday."""
    units = [unit.model_dump() for unit in world.DIRECTORY.units]
    units[0]["policy"]["count_from_next_working_day"] = True
    directory = world.DIRECTORY.model_validate({**world.DIRECTORY.model_dump(), "units": units})
    saturday = world.shanghai("2026-11-28T10:00")
    spec = Specification(now=saturday, make_context=lambda now: world.context(now, directory=directory))
    spec.opened(asked_at=saturday)

    assert world.shanghai("2026-12-01T17:00") == _limits(spec)[LimitKind.APPROVAL].due_at


@pytest.mark.rule("R24")
def test_the_clock_never_closes_a_case() -> None:
    """A month passes in all its parts, and the case is as open as before."""
    for opening in (world.proposed(), world.reported()):
        spec = Specification().given(opening)
        while spec.now < world.shanghai("2026-12-24T09:00"):
            spec.clock(spec.now + timedelta(hours=6))

            assert [event for event in spec.events if isinstance(event, CaseDecided)] == []
        assert spec.state.open


def test_a_case_unknown_to_the_clock_stays_unknown() -> None:
    """A timer for nothing, a calendar for nobody."""
    spec = Specification()

    assert spec.clock(world.MORNING).events == []
    assert spec.when(CalendarChanged()).events == []


def test_limits_are_the_openings_own() -> None:
    """A case can be rebuilt from its events alone, so the opening carries every limit that runs."""
    spec = Specification().when(world.proposed())

    assert [spec.state.limits] == [event.limits for event in spec.events if isinstance(event, CaseOpened)]
    assert spec.state.matter_class == MatterClass.GENERAL
    assert isinstance(spec.state.proposed_by, Actor)
