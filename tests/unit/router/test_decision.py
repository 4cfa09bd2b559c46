"""Tier 3: only the decision-maker makes a refusal final, and only with all it needs."""

from datetime import date
from typing import Any

import pytest

from router.context import PrecedentKey
from topics.events import CaseDecided, CaseDeclared
from topics.inbound import Decision
from topics.outbound import ApplicantReply, ProgressFiling, TailFiling, TierTask
from topics.parts import Actor, InPerson, Precedent, Precedents
from topics.vocabulary import Card, LimitKind, MajorGround, MatterClass, Outcome, RequestKind, Situation, StageName

from . import world
from .specification import Specification, small_unit


@pytest.mark.rule("R03")
@pytest.mark.parametrize(
    ("lacks", "code"),
    [
        ({"legal_basis": ()}, "legal_basis_missing"),
        ({"explanation": None}, "explanation_missing"),
        ({"document_number": None}, "document_number_missing"),
    ],
)
def test_a_refusal_that_lacks_something_is_no_decision(lacks: dict[str, Any], code: str) -> None:
    """The case stays open, and says what is missing."""
    spec = Specification().escalated()
    spec.when(world.by_decider(world.refuse(**lacks), spec.task("decide")))

    assert code == spec.code
    assert spec.state.open


@pytest.mark.rule("R04")
@pytest.mark.parametrize("in_person", [None, InPerson(required=True)])
def test_a_refusal_says_whether_and_who_answers_in_person(in_person: InPerson | None) -> None:
    """Leaving it open, or a duty without a name, is not an answer."""
    spec = Specification().escalated()
    spec.when(world.by_decider(world.refuse(in_person=in_person), spec.task("decide")))

    assert spec.code == "in_person_missing"


@pytest.mark.rule("R04")
def test_the_reply_names_who_explains_it_in_person() -> None:
    """The applicant knows whom to expect."""
    spec = Specification().escalated()
    in_person = InPerson(required=True, by=world.DECIDER)
    spec.when(world.by_decider(world.refuse(in_person=in_person), spec.task("decide")))

    assert "郑远（决定岗）将当面向您作出解释。" in spec.sent(ApplicantReply)[0].text
    assert [in_person] == [tail.in_person for tail in spec.sent(TailFiling)]


@pytest.mark.rule("R04")
@pytest.mark.parametrize("decision", [world.redirect, world.require_supplements])
def test_an_answer_in_person_names_who_gives_it_in_other_outcomes_too(decision: Any) -> None:
    """A duty without a name is turned away."""
    spec = Specification().escalated()
    spec.when(world.by_decider(decision(in_person=InPerson(required=True)), spec.task("decide")))

    assert spec.code == "in_person_missing"


@pytest.mark.rule("R03")
def test_an_application_is_not_accepted_and_a_demand_not_supported() -> None:
    """不予受理 with a number and the remedies; 不予支持 without either."""
    application = Specification().refused()
    demand = Specification().escalated(request_kind=RequestKind.DEMAND)
    demand.when(world.by_decider(world.refuse(document_number=None), demand.task("decide")))

    said = application.sent(ApplicantReply)[0]
    assert said.outcome_name == "不予受理"
    assert said.document_number == "榕甲不受〔2026〕1号"
    assert "六十日内依法申请行政复议" in said.text
    assert "六个月内依法向人民法院提起行政诉讼" in said.text
    said = demand.sent(ApplicantReply)[0]
    assert said.outcome_name == "不予支持"
    assert "不予受理" not in said.text
    assert "复议" not in said.text
    assert said.remedies == ()


@pytest.mark.rule("R03")
def test_the_refusal_tells_its_basis_and_reasons() -> None:
    """To the applicant and to the committee alike."""
    spec = Specification().refused()

    for text in (spec.sent(ApplicantReply)[0].text, spec.sent(TailFiling)[0].text):
        assert "《市场主体登记管理条例》第二十条" in text
        assert "章程须由全体股东签字。" in text


@pytest.mark.rule("R10")
@pytest.mark.rule("R11")
@pytest.mark.parametrize("situation", [Situation.OUT_OF_SCOPE, Situation.CONDITIONS_NOT_MET])
def test_a_refusal_carries_the_guidance_of_its_situation(situation: Situation) -> None:
    """Its own, or the clerk's; without either it is no answer."""
    lacking = Specification().escalated(situation=situation, guidance=None)
    lacking.when(world.by_decider(world.refuse(guidance=None), lacking.task("decide")))
    complete = Specification().escalated(situation=situation)
    complete.when(world.by_decider(world.refuse(guidance=None), complete.task("decide")))

    assert lacking.code == "guidance_missing"
    assert [world.GUIDANCE[situation]] == [
        event.guidance for event in complete.events if isinstance(event, CaseDecided)
    ]


@pytest.mark.rule("R10")
def test_a_redirection_says_who_handles_it_how_and_where() -> None:
    """“不是我办” becomes “告知谁办”."""
    spec = Specification().escalated(situation=Situation.OUT_OF_SCOPE)

    assert (
        spec.when(world.by_decider(world.redirect(guidance=world.NOTICE), spec.task("decide"))).code
        == "guidance_missing"
    )
    spec.when(world.by_decider(world.redirect(), spec.task("decide")))
    assert "该事项由市生态环境局办理。办理方式：网上申报。办理路径：网上办事大厅。" in spec.sent(ApplicantReply)[0].text
    assert "有关政策：该项权限已划转" in spec.sent(ApplicantReply)[0].text


@pytest.mark.rule("R11")
def test_a_one_time_notice_lists_everything_with_something_to_go_by() -> None:
    """Once, and complete."""
    spec = Specification().escalated()
    bare = world.NOTICE.model_copy(update={"guide": None})

    assert (
        spec.when(world.by_decider(world.require_supplements(guidance=bare), spec.task("decide"))).code
        == "guidance_missing"
    )
    spec.when(world.by_decider(world.require_supplements(), spec.task("decide")))
    assert "现一次性告知全部内容。\n需要补充或改进的全部内容如下：\n1．章程：由全体股东签字" in (
        spec.sent(ApplicantReply)[0].text
    )


@pytest.mark.rule("R02")
def test_a_case_whose_window_never_took_position_is_not_refused() -> None:
    """Nobody has said which situation it is."""
    spec = Specification().given(world.reported())
    spec.clock(world.shanghai("2026-11-24T15:00"))
    spec.given(world.by_reviewer(world.escalate(), spec.task("review")))
    spec.when(world.by_decider(world.refuse(), spec.task("decide")))

    assert spec.code == "situation_missing"


@pytest.mark.rule("R07")
@pytest.mark.parametrize("actor", [world.CLERK, world.REVIEWER])
@pytest.mark.parametrize("decision", [world.refuse(), world.redirect(), world.require_supplements()])
def test_whoever_proposed_or_reviewed_does_not_decide(actor: Actor, decision: Decision) -> None:
    """The chain is three persons long."""
    spec = Specification().escalated()
    spec.when(world.by_decider(decision, spec.task("decide"), actor=actor))

    assert spec.code == "same_person"


@pytest.mark.rule("R07")
def test_the_separation_does_not_stand_in_the_way_of_a_yes() -> None:
    """A reviewer who also signs for the decision-maker may accept."""
    spec = Specification().escalated()
    spec.when(world.by_decider(world.accept(), spec.task("decide"), actor=world.REVIEWER))

    assert spec.types == ["case.decided"]


@pytest.mark.rule("R02")
def test_an_opinion_that_was_sent_back_is_none() -> None:
    """After a return the reviewer must say again what they think."""
    spec = Specification().escalated()
    spec.given(world.by_decider(world.give_back(), spec.task("decide")))

    assert spec.at() == StageName.AT_REVIEWER
    assert None is spec.state.review
    spec.clock(world.shanghai("2026-11-25T12:00"))
    spec.when(world.by_decider(world.refuse(), spec.task("decide")))
    assert spec.code == "reviewer_opinion_missing"


@pytest.mark.rule("R21")
def test_a_special_matter_has_two_working_days_from_the_head() -> None:
    """The committee hears of the declaration."""
    spec = Specification().escalated()
    spec.when(world.by_decider(world.declare()))

    assert [world.shanghai("2026-11-26T17:00")] == [
        limit.due_at for event in spec.events if isinstance(event, CaseDeclared) for limit in event.limits
    ]
    assert [filing.what for filing in spec.sent(ProgressFiling)] == ["case_declared"]
    assert {world.shanghai("2026-11-26T17:00")} == {task.due_at for task in spec.state.tasks}


@pytest.mark.rule("R22")
@pytest.mark.parametrize("lacks", [{"ground": None}, {"promise_date": None}])
def test_a_major_matter_needs_its_ground_and_a_promised_date(lacks: dict[str, Any]) -> None:
    """Professional study or expert review, and by when."""
    spec = Specification().escalated()
    spec.when(world.by_decider(world.declare(MatterClass.MAJOR, **lacks)))

    assert spec.code == "ground_missing"


@pytest.mark.rule("R22")
def test_a_major_matter_is_tracked_by_its_promised_date() -> None:
    """It is exempt from the one and two days, not from being followed."""
    spec = Specification().escalated(request_kind=RequestKind.DEMAND)
    spec.given(world.by_decider(world.declare(MatterClass.MAJOR)))
    spec.clock(world.shanghai("2026-11-27T12:00"))

    assert spec.events == []
    spec.clock(world.shanghai("2026-12-04T17:00"))
    assert spec.types == ["card.given", "card.given", "supervision.noticed"]


@pytest.mark.rule("R22")
def test_a_promised_date_lies_ahead_and_may_be_moved() -> None:
    """A new promise is a new declaration, in the record."""
    spec = Specification().escalated()

    assert (
        spec.when(world.by_decider(world.declare(MatterClass.MAJOR, promise_date=date(2026, 11, 23)))).code
        == "date_passed"
    )
    spec.given(world.by_decider(world.declare(MatterClass.MAJOR)))
    spec.given(world.by_decider(world.declare(MatterClass.MAJOR, promise_date=date(2026, 12, 11))))
    limit = spec.state.limit(LimitKind.APPROVAL)
    assert limit is not None
    assert world.shanghai("2026-12-11T17:00") == limit.due_at


@pytest.mark.rule("R22")
def test_only_the_two_grounds_of_the_opinion_lift_the_limits() -> None:
    """专业性研究 or 专家论证."""
    assert {"professional_study", "expert_review"} == {str(ground) for ground in MajorGround}


@pytest.mark.rule("R22")
def test_a_declaration_after_a_breach_does_not_undo_it() -> None:
    """The red card stays, the tail says late, and the promised date has cards of its own."""
    spec = Specification().escalated(request_kind=RequestKind.DEMAND).clock(world.shanghai("2026-11-25T17:00"))
    spec.given(world.by_decider(world.declare(MatterClass.MAJOR)))

    assert [limit for limit in spec.state.limits if limit.kind is LimitKind.DECISION_MAKER_BUDGET] == []
    spec.clock(world.shanghai("2026-12-04T17:00"))
    assert spec.types[-1] == "supervision.noticed"
    spec.when(world.by_decider(world.accept(), spec.task("decide")))
    assert [event.in_time for event in spec.events if isinstance(event, CaseDecided)] == [False]
    assert sum(card.card is Card.RED for card in spec.state.cards) == 2
    assert "报批时限红牌" in spec.sent(TailFiling)[0].cards


def test_a_class_is_declared_once() -> None:
    """General is what every case is."""
    spec = Specification().escalated().when(world.by_decider(world.declare(MatterClass.GENERAL)))

    assert spec.code == "class_unchanged"


SETTLED = Precedents(
    counts={Outcome.ACCEPTED: 4, Outcome.REFUSED: 1},
    newest=(Precedent(case_id="ORG1-9", outcome=Outcome.ACCEPTED, closed_at=world.MORNING),),
)


def _with_precedents(precedents: Precedents) -> Specification:
    key = PrecedentKey("T-1", Situation.CONDITIONS_NOT_MET, "G-1")
    return Specification(make_context=lambda now: world.context(now, precedents={key: precedents}))


@pytest.mark.rule("R36")
def test_the_tiers_see_the_precedents() -> None:
    """Reviewer and decision-maker, with counts and the newest."""
    spec = _with_precedents(SETTLED).when(world.proposed())

    assert [task.precedents for task in spec.sent(TierTask)] == [SETTLED]
    spec.when(world.by_reviewer(world.escalate(), spec.task("review")))
    assert [task.precedents for task in spec.sent(TierTask)] == [SETTLED]


@pytest.mark.rule("R36")
def test_a_decision_that_departs_from_a_settled_line_says_why() -> None:
    """Else it is turned away with the precedents; the reason goes into the tail."""
    spec = _with_precedents(SETTLED).escalated()

    assert spec.when(world.by_decider(world.refuse(), spec.task("decide"))).code == "departure_unexplained"
    assert spec.rejection is not None
    assert {name.upper(): count for name, count in (spec.rejection.details or {})["precedents"]["counts"].items()} == {
        "ACCEPTED": 4,
        "REFUSED": 1,
    }
    spec.when(world.by_decider(world.refuse(departure_reason="新条例施行。"), spec.task("decide")))
    assert [(tail.departs_from, tail.departure_reason) for tail in spec.sent(TailFiling)] == [
        (Outcome.ACCEPTED, "新条例施行。")
    ]
    assert "同类事项既往多为予以受理，本次不同的理由：新条例施行。" in spec.sent(TailFiling)[0].text


@pytest.mark.rule("R36")
def test_a_yes_that_departs_says_why_too_even_without_naming_the_task() -> None:
    """Same situation, same result."""
    spec = _with_precedents(Precedents(counts={Outcome.REFUSED: 5})).escalated()

    assert spec.when(world.by_decider(world.accept())).code == "departure_unexplained"
    assert None is spec.when(world.by_decider(world.accept("本案已补签。"))).code


@pytest.mark.rule("R36")
@pytest.mark.parametrize(
    "counts",
    [
        {Outcome.ACCEPTED: 4},
        {Outcome.ACCEPTED: 7, Outcome.REDIRECTED: 2},
        {Outcome.WITHDRAWN: 9, Outcome.GUIDED: 9},
        {Outcome.REFUSED: 5},
    ],
)
def test_without_a_settled_line_nothing_is_asked(counts: dict[Outcome, int]) -> None:
    """Too few, too mixed, ended by the applicants themselves, or the same as before."""
    spec = _with_precedents(Precedents(counts=counts)).escalated()
    spec.when(world.by_decider(world.refuse(), spec.task("decide")))

    assert spec.types == ["case.decided"]


def test_an_act_after_the_end_is_told_how_it_ended() -> None:
    """Outcome and time stand in the answer."""
    spec = Specification().refused().when(world.by_decider(world.accept()))

    assert spec.code == "case_closed"
    assert spec.rejection is not None
    assert (spec.rejection.details or {})["outcome"] == "refused"


@pytest.mark.rule("R02")
def test_a_small_units_refusal_still_needs_everything_else() -> None:
    """Consent to a skipped level is not consent to a veto."""
    spec = small_unit().opened(org_code=world.SMALL)
    spec.when(world.by_decider(world.refuse(legal_basis=()), spec.task("decide"), case_id=world.CASE_SMALL))

    assert spec.code == "legal_basis_missing"
