"""The same-level government decides what it is referred, or directs the unit (R15)."""

import pytest

from router.policy import POWERS
from topics.directory import Directory
from topics.inbound import Decision, Direct
from topics.outbound import GovernmentReferred, ReferralClosed, TailFiling, TierTask
from topics.vocabulary import LimitKind, Outcome, StageName, Tier

from . import world
from .specification import Specification


def _referred() -> Specification:
    spec = Specification().escalated()
    return spec.given(world.by_decider(world.refer(), spec.task("decide")))


def _referral(spec: Specification) -> str:
    return spec.state.stage.referral_id if spec.state.stage.name is StageName.AT_GOVERNMENT else ""


@pytest.mark.rule("R15")
def test_a_referral_goes_to_the_same_level_government() -> None:
    """With the question and the unit's proposal; it lifts no limit."""
    spec = _referred()
    limit = spec.state.limit(LimitKind.APPROVAL)

    assert spec.to(GovernmentReferred) == ["government"]
    assert "报请福州市人民政府研究决定" in spec.sent(GovernmentReferred)[0].text
    assert limit is not None
    assert world.shanghai("2026-11-25T17:00") == limit.due_at


@pytest.mark.rule("R15")
def test_only_a_decision_maker_refers() -> None:
    """It is in nobody else's power."""
    assert ["refer" in POWERS[tier] for tier in Tier] == [False, False, True]


@pytest.mark.rule("R15")
def test_the_governments_yes_closes_the_case() -> None:
    """The minutes' number is kept."""
    spec = _referred()
    spec.when(world.ruled(_referral(spec), world.accept()))

    assert spec.types == ["government.ruled", "case.decided"]
    assert [(tail.by_government, tail.outcome) for tail in spec.sent(TailFiling)] == [
        ("〔2026〕专纪8号", Outcome.ACCEPTED)
    ]
    assert "由本级政府研究决定（〔2026〕专纪8号）" in spec.sent(TailFiling)[0].text
    assert [] == spec.sent(ReferralClosed)


@pytest.mark.rule("R15")
def test_a_government_whose_answer_is_needed_no_more_is_told() -> None:
    """The decision-maker's yes may come before it."""
    spec = _referred()
    referral = _referral(spec)
    spec.when(world.by_decider(world.accept()))

    assert [
        (to, told.referral_id) for to, told in zip(spec.to(ReferralClosed), spec.sent(ReferralClosed), strict=True)
    ] == [("government", referral)]


@pytest.mark.rule("R15")
@pytest.mark.rule("R03")
def test_the_governments_no_needs_all_that_a_refusal_needs() -> None:
    """Legal basis, explanation, document number, and a person who neither proposed nor reviewed."""
    spec = _referred()

    assert spec.when(world.ruled(_referral(spec), world.refuse(legal_basis=()))).code == "legal_basis_missing"
    assert spec.when(world.ruled(_referral(spec), world.refuse(), actor=world.REVIEWER)).code == "same_person"
    assert None is spec.when(world.ruled(_referral(spec), world.refuse())).code
    assert spec.sent(TailFiling)[0].outcome == Outcome.REFUSED


@pytest.mark.rule("R15")
def test_a_direction_brings_the_case_back_to_the_decision_maker() -> None:
    """With what the government said."""
    spec = _referred()
    spec.when(world.ruled(_referral(spec), Direct(direction="请予受理。")))

    assert spec.at() == StageName.AT_DECISION_MAKER
    assert ["本级政府意见：请予受理。" in task.text for task in spec.sent(TierTask)] == [True]


@pytest.mark.rule("R15")
@pytest.mark.parametrize(
    "decision",
    [world.refuse(), world.redirect(), world.require_supplements(), world.give_back(), world.consult(), world.refer()],
    ids=lambda decision: decision.action,
)
def test_before_its_answer_only_a_yes_can_come(decision: Decision) -> None:
    """What is asked of the government is not decided beside it."""
    spec = _referred()

    assert spec.when(world.by_decider(decision, spec.task("decide"))).code == "at_government"
    assert None is spec.when(world.by_decider(world.accept())).code


@pytest.mark.rule("R15")
def test_a_referral_is_answered_once() -> None:
    """An answer to another, or a second one, is turned away."""
    spec = _referred()
    referral = _referral(spec)

    assert spec.when(world.ruled(f"{referral}x", world.accept())).code == "unknown_referral"
    spec.given(world.ruled(referral, world.accept()))
    assert spec.when(world.ruled(referral, world.accept())).code == "case_closed"


@pytest.mark.rule("R15")
@pytest.mark.rule("R24")
def test_a_missing_opinion_can_still_be_given_while_the_government_has_it() -> None:
    """It stays with the government, which could not refuse without it."""
    spec = Specification().opened().clock(world.shanghai("2026-11-24T16:00"))
    spec.given(world.by_decider(world.refer(), spec.task("decide")))
    referral = _referral(spec)

    assert spec.when(world.ruled(referral, world.refuse())).code == "reviewer_opinion_missing"
    spec.given(world.by_reviewer(world.escalate()))
    assert spec.at() == StageName.AT_GOVERNMENT
    assert None is spec.when(world.ruled(referral, world.refuse())).code


@pytest.mark.rule("R15")
def test_a_government_that_cannot_hear_is_not_referred_to() -> None:
    """No party speaks for it."""
    parties = tuple(party for party in world.DIRECTORY.parties if party.id != "government")
    directory = Directory(version="2", centres=world.DIRECTORY.centres, units=world.DIRECTORY.units, parties=parties)
    spec = Specification(make_context=lambda now: world.context(now, directory=directory)).escalated()
    spec.when(world.by_decider(world.refer(), spec.task("decide")))

    assert spec.code == "no_government"
