"""Tier 1: the clerk may only say yes, and guide; everything else goes up."""

from datetime import date, timedelta

import pytest

from router.policy import POWERS
from topics.events import CaseDecided, CaseOpened, DeliveryConfirmed, ProposalSupplied
from topics.inbound import Decision
from topics.outbound import ApplicantReply, HeadFiling, TailFiling, TierTask
from topics.parts import InPerson
from topics.vocabulary import Outcome, Situation, StageName, Tier

from . import world
from .specification import Specification, small_unit

NOT_A_CLERKS = [
    world.refuse(),
    world.redirect(),
    world.require_supplements(),
    world.give_back(),
    world.escalate(),
    world.consult(),
    world.refer(),
    world.declare(),
    world.confirm_withdrawal(),
]


@pytest.mark.rule("R01")
@pytest.mark.parametrize("decision", NOT_A_CLERKS, ids=lambda decision: decision.action)
def test_a_clerk_has_only_the_power_to_say_yes(decision: Decision) -> None:
    """Whatever is not a yes, guidance or an interim answer is beyond the clerk's power."""
    spec = Specification().opened().when(world.by_clerk(decision))

    assert spec.code == "beyond_power"
    assert spec.state.open


@pytest.mark.rule("R01")
def test_the_clerks_powers_are_these() -> None:
    """None of them ends a case without a yes, unless the applicant confirms."""
    assert {"accept", "accept_with_supplements", "guide", "interim", "answer_instruction"} == POWERS[Tier.CLERK]


@pytest.mark.rule("R01")
@pytest.mark.rule("R31")
def test_a_clerk_may_accept_wherever_the_case_is() -> None:
    """A yes from the window is welcome even while the decision-maker has the case."""
    spec = Specification().escalated().when(world.by_clerk(world.accept()))

    assert spec.sent(TailFiling)[0].outcome == Outcome.ACCEPTED


@pytest.mark.rule("R12")
def test_a_clerk_accepts_with_supplements_within_the_matters_list() -> None:
    """Named supplements by a named date, which is followed up."""
    spec = Specification().opened().when(world.by_clerk(world.accept_with_supplements()))

    assert spec.sent(TailFiling)[0].outcome == Outcome.ACCEPTED_WITH_SUPPLEMENTS
    assert {"delivery", "supplements"} == {str(limit.kind) for limit in spec.state.limits}
    assert "请于2026年11月30日前补齐以下材料：\n1．住所使用证明" in spec.sent(ApplicantReply)[0].text


@pytest.mark.rule("R12")
def test_a_clerk_does_not_accept_beyond_the_matters_list() -> None:
    """What may be lacking is the matter's list, not the clerk's favour."""
    spec = Specification().opened().when(world.by_clerk(world.accept_with_supplements("验资报告")))

    assert spec.code == "not_on_list"


@pytest.mark.rule("R12")
def test_supplements_are_not_due_in_the_past() -> None:
    """A date that has passed is no date."""
    spec = Specification().opened()
    spec.when(world.by_clerk(world.accept_with_supplements(promise=date(2026, 11, 23))))

    assert spec.code == "date_passed"


@pytest.mark.rule("R12")
def test_supplements_that_come_in_meet_the_obligation() -> None:
    """The committee sees it; nothing is owed any more."""
    spec = Specification().opened().given(world.by_clerk(world.accept_with_supplements()))
    spec.when(world.supplements_received(spec.now))

    assert spec.types == ["supplements.came"]
    assert spec.state.supplements == ()
    assert [limit for limit in spec.state.limits if limit.kind == "supplements"] == []


@pytest.mark.rule("R12")
def test_supplements_that_nobody_promised_are_turned_away() -> None:
    """There is nothing to receive."""
    spec = Specification().opened().when(world.supplements_received())

    assert spec.code == "no_supplements_due"


@pytest.mark.rule("R12")
def test_a_refusal_after_the_supplements_date_is_a_new_linked_case() -> None:
    """The new head names the case that it follows."""
    spec = Specification().when(world.proposed(linked_case="ORG1-0000"))

    assert spec.sent(HeadFiling)[0].linked_case == "ORG1-0000"
    assert spec.sent(TierTask)[0].linked_case == "ORG1-0000"


@pytest.mark.rule("R05")
def test_guidance_that_the_applicant_confirmed_needs_no_head() -> None:
    """It is recorded and counted, and nothing is filed."""
    spec = Specification().when(world.guidance_given())

    assert spec.types == ["guidance.recorded"]
    assert spec.state.headless
    assert spec.messages == []


@pytest.mark.rule("R05")
@pytest.mark.rule("R09")
def test_guidance_and_withdrawal_take_a_verifiable_confirmation() -> None:
    """A slip's number, a code sent to the applicant's phone, or a recorded call; the form knows no other."""
    assert {"signed_slip", "phone_code", "recorded_call"} == {str(method) for method in type(world.CONFIRMED.method)}
    assert world.guidance_given().model_fields_set >= {"confirmation"}
    with pytest.raises(ValueError, match="confirmation"):
        world.guidance_given(confirmation=None)


@pytest.mark.rule("R05")
def test_a_clerk_may_guide_a_case_that_went_up_when_the_applicant_confirms() -> None:
    """The tail says how the applicant confirmed."""
    spec = Specification().opened().when(world.by_clerk(world.guide()))

    assert spec.sent(TailFiling)[0].outcome == Outcome.GUIDED
    assert "申请人签字确认单（QZ-1）" in spec.sent(TailFiling)[0].text


@pytest.mark.rule("R10")
def test_guidance_out_of_scope_says_who_handles_it() -> None:
    """Competent unit, method, path, policy: without them it is no guidance."""
    spec = Specification().when(world.guidance_given(situation=Situation.OUT_OF_SCOPE, guidance=world.NOTICE))

    assert spec.code == "guidance_missing"


@pytest.mark.rule("R11")
def test_guidance_on_conditions_lists_what_is_missing_with_something_to_go_by() -> None:
    """A list without guide, sample or standard sends the applicant back and forth."""
    bare = world.NOTICE.model_copy(update={"guide": None})
    spec = Specification().when(world.guidance_given(guidance=bare))

    assert spec.code == "guidance_missing"
    assert (spec.rejection and spec.rejection.where) == "guidance.guide"


@pytest.mark.rule("R13")
def test_a_grey_area_is_never_guided_away_at_the_window() -> None:
    """It goes up to the unit for study."""
    spec = Specification().when(world.guidance_given(situation=Situation.GREY_AREA))

    assert spec.code == "grey_area"


@pytest.mark.rule("R13")
def test_a_grey_area_that_went_up_is_not_guided_away_either() -> None:
    """Neither by the clerk nor by the reviewer."""
    spec = Specification().opened(situation=Situation.GREY_AREA, guidance=None)

    assert spec.when(world.by_clerk(world.guide())).code == "grey_area"
    assert spec.when(world.by_reviewer(world.guide())).code == "grey_area"


@pytest.mark.rule("R13")
def test_a_clerk_cannot_call_a_grey_area_something_else() -> None:
    """Once stated, the situation changes only in answer to a question from above."""
    spec = Specification().opened(situation=Situation.GREY_AREA, guidance=None, reason=None)
    spec.when(world.supplied(situation=Situation.CONDITIONS_NOT_MET, reason="缺章程。"))

    assert spec.code == "situation_stated"


@pytest.mark.rule("R13")
@pytest.mark.rule("R30")
def test_a_grey_area_always_goes_up_and_is_filed() -> None:
    """The unit studies it, the committee knows, and the applicant has an answer within a day."""
    spec = Specification().when(world.proposed(situation=Situation.GREY_AREA, guidance=None, legal_basis=()))

    assert spec.at() == StageName.AT_REVIEWER
    assert [head.situation for head in spec.sent(HeadFiling)] == [Situation.GREY_AREA]
    assert spec.state.lacking == ()
    assert "fast_response" in [limit.kind for limit in spec.state.limits]


@pytest.mark.rule("R01")
def test_a_proposal_that_lacks_something_opens_all_the_same() -> None:
    """The head is filed, the reviewer sees it, and the clerk is told what to supply within two working hours."""
    spec = Specification().when(world.proposed(ground_code=None, reason=None, legal_basis=(), guidance=None))
    tasks = {task.tier: task for task in spec.sent(TierTask)}

    assert len(spec.sent(HeadFiling)) == 1
    assert tasks[Tier.CLERK].lacking == ("groundCode", "reason", "legalBasis", "guidance.missing")
    assert world.MORNING + timedelta(hours=3, minutes=31) == tasks[Tier.CLERK].due_at
    assert Tier.REVIEWER in tasks


def test_what_was_lacking_is_supplied() -> None:
    """The proposal is complete then, and the reviewer goes on with it."""
    spec = Specification().opened(reason=None)
    spec.when(world.supplied(task_id=spec.task("supply"), reason="章程未签字。"))

    assert spec.types == ["proposal.supplied"]
    assert spec.state.lacking == ()
    assert spec.state.reason == "章程未签字。"
    assert spec.at() == StageName.AT_REVIEWER


def test_what_is_supplied_late_is_still_welcome() -> None:
    """The case went on without it; the record is completed."""
    spec = Specification().opened(reason=None)
    task = spec.task("supply")
    spec.clock(world.shanghai("2026-11-24T15:00"))
    spec.when(world.supplied(task_id=task, reason="章程未签字。"))

    assert spec.state.lacking == ()


@pytest.mark.rule("R08")
def test_a_refusal_that_was_never_filed_is_opened_by_who_heard_of_it() -> None:
    """The head says 漏报, and the window must take position."""
    spec = Specification().when(world.reported())

    assert [head.unfiled for head in spec.sent(HeadFiling)] == [True]
    assert "属漏报" in spec.sent(HeadFiling)[0].text
    assert spec.to(TierTask) == ["windows"]
    assert spec.at() == StageName.AT_CLERK


@pytest.mark.rule("R08")
@pytest.mark.rule("R06")
def test_the_clerk_takes_position_on_a_reported_refusal() -> None:
    """It goes up as any other, and the one who supplied is first asked where the report knew nobody."""
    spec = Specification().given(world.reported())
    spec.when(
        world.supplied(
            task_id=spec.task("supply"),
            situation=Situation.CONDITIONS_NOT_MET,
            ground_code="G-1",
            reason="缺章程。",
            legal_basis=world.BASIS,
            guidance=world.NOTICE,
        )
    )

    assert spec.at() == StageName.AT_REVIEWER
    assert spec.state.first_asked == world.CLERK
    assert (world.CLERK.person_id,) == spec.state.proposers
    assert spec.state.unfiled


@pytest.mark.rule("R08")
def test_a_reported_refusal_of_a_small_unit_goes_to_its_decision_maker() -> None:
    """There is no reviewer to go to."""
    spec = small_unit().given(world.reported(org_code=world.SMALL))
    spec.when(world.supplied(case_id=world.CASE_SMALL, situation=Situation.GREY_AREA, reason="无规定。"))

    assert spec.at() == StageName.AT_DECISION_MAKER


@pytest.mark.rule("R23")
def test_a_reported_refusal_that_turns_out_a_grey_area_is_under_the_fast_response() -> None:
    """From the moment the window says so."""
    spec = Specification().given(world.reported())
    spec.when(world.supplied(situation=Situation.GREY_AREA, ground_code="G-9", reason="无规定。"))

    supplied = [event for event in spec.events if isinstance(event, ProposalSupplied)]
    assert "fast_response" in [limit.kind for limit in supplied[0].limits]


@pytest.mark.rule("R28")
def test_what_is_out_of_scope_cannot_be_deemed_accepted() -> None:
    """The statutory limit of a reported refusal ends when it turns out that the unit is not competent."""
    spec = Specification().given(world.reported())

    assert "statutory_notice" in [limit.kind for limit in spec.state.limits]
    spec.when(world.supplied(situation=Situation.OUT_OF_SCOPE, guidance=world.COMPETENT))
    assert "statutory_notice" not in [limit.kind for limit in spec.state.limits]


@pytest.mark.rule("R07")
def test_whoever_reviewed_does_not_supply_the_proposal() -> None:
    """Nobody answers their own question."""
    spec = Specification().opened()
    spec.given(world.by_reviewer(world.give_back(), spec.task("review")))
    spec.when(world.supplied(actor=world.REVIEWER, answer="已签。"))

    assert spec.code == "same_person"


def test_nothing_is_supplied_that_nobody_asked_for() -> None:
    """A complete proposal at the reviewer needs nothing from the clerk."""
    spec = Specification().opened().when(world.supplied(answer="补充说明。"))

    assert spec.code == "nothing_to_supply"


@pytest.mark.rule("R09")
def test_a_withdrawal_that_the_applicant_confirmed_ends_the_case() -> None:
    """The record says by what it was confirmed."""
    spec = Specification().opened().when(world.withdrawn())

    decided = [event for event in spec.events if isinstance(event, CaseDecided)]
    assert [(event.outcome, event.confirmation) for event in decided] == [(Outcome.WITHDRAWN, world.CONFIRMED)]


@pytest.mark.rule("R09")
@pytest.mark.rule("R01")
def test_a_withdrawal_without_proof_ends_nothing_until_the_reviewer_has_checked_it() -> None:
    """The reviewer has a task, asks the applicant, and says how."""
    spec = Specification().opened().when(world.withdrawn(None))

    assert spec.types == ["withdrawal.asked"]
    assert spec.state.open
    assert [(task.kind, task.tier) for task in spec.sent(TierTask)] == [("check_withdrawal", Tier.REVIEWER)]
    spec.when(world.by_reviewer(world.confirm_withdrawal(), spec.task("check_withdrawal")))
    assert spec.sent(TailFiling)[0].outcome == Outcome.WITHDRAWN


@pytest.mark.rule("R09")
@pytest.mark.rule("R07")
def test_whoever_says_that_the_applicant_withdraws_does_not_also_check_it() -> None:
    """A clerk with a reviewer's post would else end a case alone."""
    spec = Specification().opened().given(world.withdrawn(None, actor=world.OTHER_CLERK))
    spec.when(world.by_reviewer(world.confirm_withdrawal(), actor=world.OTHER_CLERK))

    assert spec.code == "same_person"


@pytest.mark.rule("R09")
def test_saying_it_twice_is_no_proof() -> None:
    """A second unproved withdrawal is turned away; so is one where no reviewer could check it."""
    spec = Specification().opened().given(world.withdrawn(None))

    assert spec.when(world.withdrawn(None)).code == "confirmation_missing"
    small = small_unit().opened(org_code=world.SMALL)
    assert small.when(world.withdrawn(None, case_id=world.CASE_SMALL)).code == "confirmation_missing"


@pytest.mark.rule("R38")
def test_delivery_says_how_and_when() -> None:
    """Channel and time stand in the record."""
    spec = Specification().refused()
    spec.when(world.told(spec.reply, at=spec.now))

    delivered = [event for event in spec.events if isinstance(event, DeliveryConfirmed)]
    assert [("in_person", spec.now - timedelta(minutes=1))] == [
        (event.channel, event.delivered_at) for event in delivered
    ]


@pytest.mark.rule("R38")
def test_a_delivery_told_too_late_counts_from_its_receipt() -> None:
    """A clerk cannot date a delivery back by more than half an hour."""
    spec = Specification().refused()
    spec.when(world.told(spec.reply, at=spec.now - timedelta(hours=2)))

    assert [spec.now] == [event.delivered_at for event in spec.events if isinstance(event, DeliveryConfirmed)]


@pytest.mark.rule("R38")
@pytest.mark.rule("R04")
def test_a_reply_owed_in_person_names_who_explained_it() -> None:
    """Without that it is not delivered."""
    spec = Specification().escalated()
    in_person = InPerson(required=True, by=world.DECIDER)
    spec.given(world.by_decider(world.refuse(in_person=in_person), spec.task("decide")))

    assert spec.when(world.told(spec.reply)).code == "explainer_missing"
    assert None is spec.when(world.told(spec.reply, explained_by=world.DECIDER)).code


@pytest.mark.rule("R06")
def test_the_first_asked_stays_named_to_the_end() -> None:
    """In the head, in every task, in the reply and in the tail, whoever acted meanwhile."""
    spec = Specification().when(world.proposed())

    assert spec.sent(HeadFiling)[0].first_asked == world.DESK
    assert [task.first_asked for task in spec.sent(TierTask)] == [world.DESK]
    spec.given(world.by_reviewer(world.give_back(), spec.task("review")))
    spec.given(world.supplied(actor=world.OTHER_CLERK, answer="未签。"))
    spec.given(world.by_reviewer(world.escalate(), spec.task("review")))
    assert [task.first_asked for task in spec.sent(TierTask)] == [world.DESK]
    spec.when(world.by_decider(world.refuse(), spec.task("decide")))
    assert spec.sent(TailFiling)[0].first_asked == world.DESK
    assert "首问责任人：叶秋（综合咨询服务台）" in spec.sent(ApplicantReply)[0].text


@pytest.mark.rule("R29")
def test_a_head_that_comes_late_is_marked() -> None:
    """Thirty minutes after the applicant asked is in time, a second more is 迟报; the clock runs from the asking."""
    in_time = Specification().when(world.proposed(), at=world.MORNING + timedelta(minutes=30))
    late = Specification().when(world.proposed(), at=world.MORNING + timedelta(minutes=30, seconds=1))

    assert [head.late_filing for head in in_time.sent(HeadFiling)] == [False]
    assert [head.late_filing for head in late.sent(HeadFiling)] == [True]
    assert "本报备属迟报" in late.sent(HeadFiling)[0].text
    assert [event.clock_start for event in late.events if isinstance(event, CaseOpened)] == [world.MORNING]


@pytest.mark.rule("R29")
def test_a_window_whose_clock_runs_ahead_gains_nothing() -> None:
    """Limits run from the earlier of receipt and asking."""
    spec = Specification().when(world.proposed(asked_at=world.MORNING + timedelta(days=3)), at=world.MORNING)

    assert [event.clock_start for event in spec.events if isinstance(event, CaseOpened)] == [world.MORNING]


def test_an_asking_time_a_year_back_is_a_wrong_clock() -> None:
    """Such a proposal is turned away, with the reason."""
    spec = Specification().when(world.proposed(asked_at=world.MORNING - timedelta(days=367)))

    assert spec.code == "implausible_time"
