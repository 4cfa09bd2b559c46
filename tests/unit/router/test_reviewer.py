"""Tier 2: the reviewer says yes, gives an opinion, asks back, or asks others."""

from datetime import timedelta

import pytest

from topics.events import InterimAnswered
from topics.inbound import Decision
from topics.outbound import ApplicantReply, TailFiling, TaskClosed, TierTask
from topics.vocabulary import Outcome, ReviewerOpinion, Situation, StageName, Tier

from . import world
from .specification import Specification, small_unit


def test_a_question_goes_back_to_the_clerk() -> None:
    """With a budget of two working hours, and the answer returns to the reviewer."""
    spec = Specification().opened()
    spec.when(world.by_reviewer(world.give_back("何时补签？"), spec.task("review")))

    assert spec.at() == StageName.AT_CLERK
    assert [task.question for task in spec.sent(TierTask)] == ["何时补签？"]
    spec.when(world.supplied(task_id=spec.task("supply"), answer="明日补签。"))
    assert spec.at() == StageName.AT_REVIEWER


def test_an_answer_may_put_the_situation_right() -> None:
    """The reviewer asked whether it really is a grey area."""
    spec = Specification().opened(situation=Situation.GREY_AREA, guidance=None)
    spec.given(world.by_reviewer(world.give_back("是否确无规定？"), spec.task("review")))
    spec.when(
        world.supplied(task_id=spec.task("supply"), situation=Situation.CONDITIONS_NOT_MET, guidance=world.NOTICE)
    )

    assert spec.state.situation == Situation.CONDITIONS_NOT_MET


@pytest.mark.rule("R02")
@pytest.mark.parametrize("opinion", list(ReviewerOpinion))
def test_an_opinion_takes_the_case_up_whatever_it_is(opinion: ReviewerOpinion) -> None:
    """The decision-maker sees whether the reviewer upholds or overturns."""
    spec = Specification().opened()
    spec.when(world.by_reviewer(world.escalate(opinion), spec.task("review")))

    assert spec.at() == StageName.AT_DECISION_MAKER
    assert [opinion] == [task.reviewer_opinion for task in spec.sent(TierTask)]


@pytest.mark.rule("R02")
@pytest.mark.parametrize("decision", [world.refuse(), world.redirect(), world.require_supplements(), world.refer()])
def test_a_reviewer_does_not_decide(decision: Decision) -> None:
    """Not by default: only what a policy grants."""
    spec = Specification().opened()
    spec.when(world.by_reviewer(decision, spec.task("review")))

    assert spec.code == "beyond_power"


@pytest.mark.rule("R07")
def test_the_proposer_does_not_review() -> None:
    """Nor does a deputy who acts for the proposer."""
    spec = Specification().opened()

    assert spec.when(world.by_reviewer(world.escalate(), spec.task("review"), actor=world.CLERK)).code == "same_person"
    deputy = world.OTHER_CLERK.model_copy(update={"acting_for": "C-1"})
    assert spec.when(world.by_reviewer(world.escalate(), spec.task("review"), actor=deputy)).code == "same_person"


@pytest.mark.rule("R07")
def test_a_declared_deputy_reviews_and_is_recorded_as_such() -> None:
    """AB岗: the absent colleague is named, and counts as having reviewed too."""
    spec = Specification().opened()
    spec.when(world.by_reviewer(world.escalate(), spec.task("review"), actor=world.DEPUTY))

    assert spec.state.reviewers == ("R-2", "R-1")
    spec.when(world.by_decider(world.refuse(), spec.task("decide"), actor=world.REVIEWER))
    assert spec.code == "same_person"


@pytest.mark.rule("R12")
def test_a_reviewer_accepts_with_supplements_beyond_the_clerks_list() -> None:
    """The list bounds the clerk only."""
    spec = Specification().opened().when(world.by_reviewer(world.accept_with_supplements("验资报告")))

    assert spec.sent(TailFiling)[0].outcome == Outcome.ACCEPTED_WITH_SUPPLEMENTS


@pytest.mark.rule("R05")
def test_a_reviewer_guides_with_the_applicants_confirmation() -> None:
    """It ends the case with a tail."""
    spec = Specification().opened().when(world.by_reviewer(world.guide()))

    assert spec.sent(TailFiling)[0].outcome == Outcome.GUIDED


@pytest.mark.rule("R23")
@pytest.mark.parametrize("tier", list(Tier))
def test_any_tier_gives_an_interim_answer(tier: Tier) -> None:
    """It says who is studying what until when, and leaves the case where it is."""
    spec = Specification().opened()
    spec.when(world.decided(tier, world.interim()))

    assert [reply.kind for reply in spec.sent(ApplicantReply)] == ["interim"]
    assert "目前由甲局审批处研究：研究适用标准。将于2026年11月26日10:00前答复您。" in spec.sent(ApplicantReply)[0].text
    assert [tier] == [event.tier for event in spec.events if isinstance(event, InterimAnswered)]
    assert spec.at() == StageName.AT_REVIEWER


@pytest.mark.rule("R23")
def test_an_interim_answer_promises_a_time_to_come() -> None:
    """One that promises a time in the past says nothing."""
    spec = Specification().opened().when(world.by_clerk(world.interim(until=world.MORNING)))

    assert spec.code == "date_passed"


def test_a_late_command_is_told_what_happened_meanwhile() -> None:
    """Who closed the task, how and when."""
    spec = Specification().opened()
    task = spec.task("review")
    spec.given(world.by_reviewer(world.escalate(), task))
    spec.when(world.by_reviewer(world.give_back(), task))

    assert spec.code == "task_closed"
    assert spec.rejection is not None
    assert spec.rejection.details is not None
    assert (
        spec.rejection.details["closedBy"],
        spec.rejection.details["stage"],
    ) == ("case.escalated", "at_decision_maker")
    assert "陈宁" in spec.rejection.message


def test_an_act_on_the_case_names_its_task() -> None:
    """The task may have changed since: what is answered must be said."""
    spec = Specification().opened().when(world.by_reviewer(world.escalate()))

    assert spec.code == "task_required"


def test_a_committees_question_is_not_the_task_of_the_case() -> None:
    """Naming it does not stand in for the review task."""
    spec = Specification().opened().given(world.instructed())
    spec.when(world.by_reviewer(world.escalate(), spec.task("answer_instruction")))

    assert spec.code == "task_required"


def test_a_tier_that_does_not_hold_the_case_waits() -> None:
    """The decision-maker declares, refuses or returns only what is with them."""
    spec = Specification().opened().when(world.by_decider(world.declare()))

    assert spec.code == "not_at_this_tier"


def test_whoever_had_a_task_hears_that_it_is_needless() -> None:
    """A clerk accepted: the reviewer has nothing to do any more."""
    spec = Specification().opened().when(world.by_clerk(world.accept()))

    assert [(message.owner, message.body.why) for message in spec.messages if isinstance(message.body, TaskClosed)] == [
        ("bureau", "case.decided")
    ]


@pytest.mark.rule("R02")
def test_a_unit_without_a_reviewer_says_by_whose_consent() -> None:
    """The skipped level is in the head and in the tail."""
    spec = small_unit().when(world.proposed(org_code=world.SMALL))

    assert spec.at() == StageName.AT_DECISION_MAKER
    assert spec.state.reviewer_skipped == "榕服管函〔2026〕3号"
    spec.when(world.by_decider(world.refuse(), spec.task("decide"), case_id=world.CASE_SMALL))
    assert [tail.reviewer_skipped for tail in spec.sent(TailFiling)] == ["榕服管函〔2026〕3号"]
    assert "不设后台审核环节（榕服管函〔2026〕3号）" in spec.sent(TailFiling)[0].text


def test_the_decision_maker_of_a_small_unit_asks_the_clerk() -> None:
    """And has the case back with the answer."""
    spec = small_unit().opened(org_code=world.SMALL)
    spec.given(world.by_decider(world.give_back(), spec.task("decide"), case_id=world.CASE_SMALL))
    spec.when(world.supplied(case_id=world.CASE_SMALL, task_id=spec.task("supply"), answer="已签。"))

    assert spec.at() == StageName.AT_DECISION_MAKER


def test_the_same_refusal_cannot_be_proposed_twice() -> None:
    """A new refusal needs a new id."""
    spec = Specification().opened().when(world.proposed(), at=world.MORNING + timedelta(hours=1))

    assert spec.code == "already_open"
